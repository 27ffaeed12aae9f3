"""A team's own known failures, from the bucket into the run and to the second look before a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qlikops.agent.transient import TransientError
from qlikops.deployment.errors import DeploymentError
from qlikops.deployment.own_failures import OwnFailuresStore
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.ledger import OWN_FAILURES
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.evaluation import ApprovalMode, Route
from qlikops.domain.runs.report import RunReport
from tests.simulation.account import ModelledAws
from tests.unit.agent.diagnosis.test_own_failures import MAINTENANCE, NIGHT, SHADOW, written
from tests.unit.agent.fakes import FakeClock, simulated
from tests.unit.agent.machine import Agent, items

LISTENER = "ORA-12541: TNS:no listener"
STRICT = {**SHADOW, "id": "oracle-our-listener", "says": "The DBA is at it."}


class CountingS3:
    """The bucket, with what was asked of it; a code in `refuses` is what it answers instead."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.asked: list[dict[str, Any]] = []
        self.refuses = ""

    def get_object(self, **asked: Any) -> Any:
        if asked["Key"] != OWN_FAILURES:
            return self._client.get_object(**asked)
        self.asked.append(asked)
        if self.refuses:
            raise ClientError({"Error": {"Code": self.refuses, "Message": "no"}}, "GetObject")
        return self._client.get_object(**asked)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class Told(Agent):
    """An agent whose fleet has `orders` without a listener, and a bucket that counts."""

    def keep(self, *entries: dict[str, Any]) -> None:
        """Puts these own entries into the bucket, and no others."""
        store = OwnFailuresStore(self.aws.client("s3"), self.bucket)
        store.read()
        store.replace(written(*entries), self.clock())

    def put(self, body: bytes) -> None:
        self.aws.client("s3").put_object(Bucket=self.bucket, Key=OWN_FAILURES, Body=body)

    def notes(self) -> tuple[str, ...]:
        return codec.loads(RunReport, self.stored("reports/latest.json")).notes


@pytest.fixture
def make() -> Iterator[Callable[..., Told]]:
    with ExitStack() as running:

        def made(message: str = LISTENER, **settings: Any) -> Told:
            clock = FakeClock()
            simulator = running.enter_context(simulated("healthy", clock, is_direct=True))
            simulator.break_task("orders", message=message)
            agent = Told(ModelledAws(clock), simulator, clock, approval_mode=ApprovalMode.POLICY, **settings)
            agent.services = agent.again(s3=CountingS3(agent.aws.client("s3")))
            return agent

        yield made


Make = Callable[..., Told]


def asked(agent: Told) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = agent.services._clients("s3").asked
    return found


def test_an_entry_of_ones_own_is_what_the_proposal_says_and_holds_at_the_restart(make: Make) -> None:
    agent = make()
    agent.keep(STRICT)
    (item,) = items(agent.monitor())
    proposal = agent.services.ledger.record(item["proposal"]["proposal_id"]).approval.proposal
    assert proposal.diagnosis is not None
    assert (proposal.kind, proposal.diagnosis.failure) == (AnomalyKind.FATAL_UNKNOWN, STRICT["id"])

    assessment = agent.evaluate(item)
    assert assessment["route"] == Route.ASK
    agent.request(item)
    decision = {"approved": True, "digest": assessment["digest"], "by": "arn:aws:iam::1:user/anna"}
    assert agent.restart(item, decision)["status"] == Status.RESTARTED


def test_an_entry_that_came_after_the_proposal_supersedes_what_it_makes_stricter(make: Make) -> None:
    agent = make()
    (item,) = items(agent.monitor())
    assessment = agent.evaluate(item)
    assert assessment["route"] == Route.AUTOMATIC
    agent.keep(STRICT)

    restarted = agent.restart(item, {"approved": True, "automatic": True, "digest": assessment["digest"]})

    assert restarted["status"] == Status.SUPERSEDED
    assert agent.simulator.task("orders")["runs"] == 0


@pytest.mark.parametrize("allowed", [False, True])
def test_one_that_is_automatic_counts_only_by_the_setting(make: Make, allowed: bool) -> None:
    agent = make("ORA-12541: the gatekeeper sent us away", own_failures_automatic=allowed)
    agent.keep(MAINTENANCE)
    (item,) = items(agent.monitor())
    assessment = agent.evaluate(item)
    assert (assessment["route"] == Route.AUTOMATIC) == allowed
    if allowed:
        decision = {"approved": True, "automatic": True, "digest": assessment["digest"]}
        assert agent.restart(item, decision)["status"] == Status.RESTARTED


def test_they_are_read_once_a_run_and_again_only_when_they_changed(make: Make) -> None:
    agent = make()
    agent.keep(NIGHT)
    agent.monitor("run-1")
    first = agent.services.own_failures._library
    agent.monitor("run-2")
    assert [each.get("IfNoneMatch") is None for each in asked(agent)] == [True, False]
    assert agent.services.own_failures._library is first
    agent.keep(NIGHT, STRICT)
    agent.monitor("run-3")
    assert agent.services.own_failures._library is not first
    agent.aws.client("s3").delete_object(Bucket=agent.bucket, Key=OWN_FAILURES)
    agent.monitor("run-4")
    assert agent.services.own_failures._library is None
    assert len(asked(agent)) == 4


def test_a_broken_object_stops_no_run_and_is_a_note_of_each(make: Make) -> None:
    agent = make()
    agent.put(b"\xff no JSON")
    monitored = agent.monitor("run-1")
    agent.report(monitored)
    (item,) = items(monitored)
    assert item["proposal"]["kind"] == AnomalyKind.FATAL_TRANSIENT
    (note,) = [note for note in agent.notes() if "known failures" in note]
    assert "known/entries.json: is no JSON" in note
    # What a team forbids may be in what cannot be read.
    assert agent.evaluate(item)["route"] == Route.ASK

    agent.report(agent.monitor("run-2"))
    assert any("known failures" in note for note in agent.notes())
    agent.put(b'{"version": 1, "failures": []}')
    agent.report(agent.monitor("run-3"))
    assert not any("known failures" in note for note in agent.notes())


def test_nothing_is_restarted_by_itself_once_they_cannot_be_read(make: Make) -> None:
    agent = make()
    (item,) = items(agent.monitor())
    assessment = agent.evaluate(item)
    agent.services._clients("s3").refuses = "AccessDenied"

    restarted = agent.restart(item, {"approved": True, "automatic": True, "digest": assessment["digest"]})

    assert restarted["status"] == Status.SUPERSEDED
    assert "the team's own known failures cannot be read" in restarted["detail"]


def test_a_question_stands_while_they_cannot_be_read(make: Make) -> None:
    agent = make()
    agent.keep(STRICT)
    (item,) = items(agent.monitor("run-1"))
    agent.evaluate(item)
    agent.request(item)
    agent.services = agent.again(s3=CountingS3(agent.aws.client("s3")))  # a new process, which has read none before
    for name, answers in (("run-2", "AccessDenied"), ("run-3", "")):
        agent.services._clients("s3").refuses = answers
        monitored = agent.monitor(name)
        assert items(monitored) == []
        assert agent.services.ledger.record(item["proposal"]["proposal_id"]).approval.status is Status.WAITING


def test_a_question_about_a_task_that_said_nothing_ends_when_it_says_something_while_they_cannot_be_read(
    make: Make,
) -> None:
    agent = make("")
    (item,) = items(agent.monitor("run-1"))
    agent.evaluate(item)
    agent.request(item)
    agent.simulator.break_task("orders", message=LISTENER)
    agent.services = agent.again(s3=CountingS3(agent.aws.client("s3")))  # a new process, which has read none before
    agent.services._clients("s3").refuses = "AccessDenied"
    (anew,) = items(agent.monitor("run-2"))
    assert anew != item
    assert agent.services.ledger.record(item["proposal"]["proposal_id"]).approval.status is Status.SUPERSEDED


@pytest.mark.parametrize("name", [STRICT["id"], "oracle-no-listener"])
def test_an_approval_stands_while_they_cannot_be_read(make: Make, name: str) -> None:
    """Whether the entry has a name of its own, or stands in the place of a built-in one."""
    agent = make()
    agent.keep({**STRICT, "id": name})
    (item,) = items(agent.monitor())
    decision = {"approved": True, "digest": agent.evaluate(item)["digest"], "by": "arn:aws:iam::1:user/anna"}
    agent.request(item)
    agent.services = agent.again(s3=CountingS3(agent.aws.client("s3")))  # a new process, which has read none before
    agent.services._clients("s3").refuses = "SlowDown"
    with pytest.raises(TransientError, match="known failures cannot be read"):
        agent.restart(item, decision)
    assert agent.simulator.task("orders")["runs"] == 0

    agent.services._clients("s3").refuses = ""
    assert agent.restart(item, decision)["status"] == Status.RESTARTED


def test_what_was_there_before_is_kept_and_two_do_not_overwrite_each_other(make: Make) -> None:
    agent = make()
    one, other = (OwnFailuresStore(agent.aws.client("s3"), agent.bucket) for _ in range(2))
    one.read()
    other.read()
    assert one.replace(written(NIGHT), agent.clock()) == ""
    with pytest.raises(DeploymentError, match="at the same time"):
        other.replace(written(STRICT), agent.clock())
    assert other.read() == written(NIGHT)
    earlier = other.replace(written(STRICT), agent.clock())
    assert earlier.startswith("known/earlier/2026-03-")
    assert agent.stored(earlier) == written(NIGHT).document()
    assert one.read() == written(STRICT)
