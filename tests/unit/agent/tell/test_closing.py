"""What was opened is closed: every end there is, on every way to it, with the same dedup key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from qlikops.agent.steps.asking import close_if_over
from qlikops.agent.tell.event import IncidentState
from qlikops.agent.tell.events import NOTIFIED, ApprovalRequested, ended
from qlikops.domain.ledger import LATEST_SNAPSHOT
from qlikops.domain.proposals.approval import Decision, Outcome, ProposalRecord, Reminded, Status
from qlikops.qlik.simulator.scenario import ServerDown
from tests.scenarios.library import build_scenario
from tests.unit.agent.fakes import SERVER, START, FakeSns, group, notifier
from tests.unit.agent.machine import Json, items
from tests.unit.agent.night import Night, falling_over, night
from tests.unit.agent.pager import Pager
from tests.unit.agent.story import approving

HOUR = timedelta(hours=1)
FINAL = [status for status in Status if status.is_final]
TIMEOUT = 14400
DECISION = Decision(approved=True, by="arn:aws:sts::1:assumed-role/ops/anna")


@pytest.mark.parametrize(("status", "was_asked"), list(product(FINAL, (True, False))))
def test_each_end_closes_what_was_asked_and_nothing_else(status: Status, was_asked: bool) -> None:
    proposal = replace(group(3), tags=("gold", "prod"))
    waiting = ProposalRecord(proposal, Status.WAITING, START, requested_at=START, deadline=START + HOUR)
    over = replace(waiting, status=status, outcome=Outcome(status, "so it was", at=START + HOUR))
    if not was_asked:
        over = replace(over, requested_at=None, deadline=None)

    told = ended(over)

    closing = [event for event in told if event.STATE is IncidentState.CLOSED]
    assert len(closing) == was_asked
    assert bool(told) is (was_asked or status in NOTIFIED)
    pager = Pager(event.detail() for event in (ApprovalRequested.of(waiting, START), *told) if was_asked)
    assert (pager.open, pager.unopened, pager.otherwise) == ({}, [], [])


@pytest.mark.parametrize("escalated", [True, False])
def test_who_heard_of_it_hears_of_its_end(escalated: bool) -> None:
    sns = FakeSns()
    over = ProposalRecord(group(1), Status.DENIED, START, requested_at=START, outcome=Outcome(Status.DENIED))

    notifier(sns, escalation_topic_arn="second").closed(replace(over, reminded=Reminded(("x",), escalated)))

    assert {message["TopicArn"] for message in sns.messages} == {"topic", *(["second"] if escalated else [])}


def _recorded(outcome: Json, after: float = 60) -> Callable[[Night, Json], object]:
    def end(nights: Night, item: Json) -> object:
        nights.clock.sleep(after)
        return nights.agent.record(item, outcome)

    return end


def _restarted(nights: Night, item: Json) -> object:
    restarted = nights.agent.restart(item, approving(nights.record(item).digest))
    return nights.agent.record(item, {"status": restarted["status"], "result": restarted})


def _aborted(nights: Night, _: Json) -> object:
    nights.agent.states.statuses = dict.fromkeys(nights.agent.states.statuses, "ABORTED")
    nights.clock.sleep(1200)
    return nights.agent.monitor("later")


def _aborted_while_restarting(nights: Night, item: Json) -> object:
    nights.ledger.begin_restart(item["proposal"]["proposal_id"], replace(DECISION, digest=nights.record(item).digest))
    return _aborted(nights, item)


def _healed(nights: Night) -> None:
    nights.agent.simulator.break_task("orders", heals_after_seconds=1)
    nights.clock.sleep(600)
    nights.agent.monitor("overtaking")


def _overtaken(nights: Night, item: Json) -> object:
    _healed(nights)
    return nights.agent.record(item, {"status": "failed", "error": {"Error": "ProposalSuperseded"}})


def _overtaken_and_aborted(nights: Night, item: Json) -> object:
    _healed(nights)
    return _aborted(nights, item)


def _overtaken_and_recorded_late(nights: Night, item: Json) -> object:
    """Its execution goes on while a run looks, and is aborted before its RecordOutcome came."""
    _healed(nights)
    nights.clock.sleep(600)
    nights.agent.monitor("looking")
    return _aborted(nights, item)


def _answered_as_it_is_told(nights: Night, item: Json) -> object:
    """The invocation that tells of it stood still until it was over."""
    nights.agent.record(item, {"status": "denied", "decision": {"approved": False}})
    record = nights.record(item)
    nights.agent.services.notifier.tell(ApprovalRequested.of(record, nights.clock()))
    close_if_over(nights.ledger, nights.agent.services.notifier, record.approval_id)
    return None


ENDS = {
    "restarted": _restarted,
    "denied": _recorded({"status": "denied", "decision": {"approved": False, "reason": "no"}}),
    "expired": _recorded({"status": "expired", "error": {"Error": "States.Timeout"}}, TIMEOUT),
    "failed": _recorded({"status": "failed", "error": {"Error": "Sandbox.Timedout"}}),
    "failed at restarting": _recorded({"status": "failed", "error": {"Error": "X"}, "decision": {"approved": True}}),
    "aborted": _aborted,
    "aborted while restarting": _aborted_while_restarting,
    "overtaken": _overtaken,
    "overtaken and aborted": _overtaken_and_aborted,
    "overtaken and aborted late": _overtaken_and_recorded_late,
    "answered as it is told": _answered_as_it_is_told,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_each_way_to_an_end_closes_what_it_opened(end: Callable[[Night, Json], object]) -> None:
    with night(falling_over(HOUR, times=0)) as nights:
        (item,) = items(nights.agent.monitor("run-1"))
        nights.agent.evaluate(item)
        nights.agent.request(item)
        key = nights.agent.events.details[0]["dedup_key"]
        assert Pager(nights.agent.events.details).open.keys() == {key}

        end(nights, item)

        pager = Pager(nights.agent.events.details)
        assert nights.record(item).status.is_final
        assert key not in pager.open
        assert pager.closed[key] >= 1
        assert pager.otherwise == []
        if end is not _answered_as_it_is_told:
            assert (pager.rang[key], pager.closed[key], pager.unopened) == (1, 1, [])


def test_a_finding_that_was_told_is_called_off_though_the_run_starts_afresh() -> None:
    down = ServerDown(0, SERVER, "no route to host", until=60)
    with night(replace(build_scenario("healthy", 1), events=(down,))) as nights:
        nights.agent.monitor("run-0")
        snapshot = nights.agent.services.store.snapshot().snapshot
        assert snapshot
        future = nights.clock.now + 6 * HOUR
        told = tuple(replace(each, seen_at=future) for each in snapshot.told)
        nights.agent.services.store.save_snapshot(replace(snapshot, taken_at=future, told=told))
        for number in range(1, 6):
            nights.clock.sleep(300)
            nights.agent.monitor(f"run-{number}")

        pager = Pager(nights.agent.events.details)
        assert (pager.open, pager.unopened, pager.otherwise) == ({}, [], [])
        assert list(pager.closed.values()) == [1]


class Beside:
    """S3, but another run does all of its work before this one `asks` what people have been told by now, or `saves`
    its snapshot.
    """

    def __init__(self, client: Any, other: Callable[[], object], when: str) -> None:
        self._client, self._other, self._when = client, other, when

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_object(self, **asked: str) -> Any:
        if "IfNoneMatch" in asked and asked["Key"] == LATEST_SNAPSHOT:
            self._now("asks")
        return self._client.get_object(**asked)

    def put_object(self, **asked: Any) -> Any:
        if asked["Key"] == LATEST_SNAPSHOT:
            self._now("saves")
        return self._client.put_object(**asked)

    def _now(self, when: str) -> None:
        if when == self._when:
            self._when = ""
            self._other()


@pytest.mark.parametrize("when", ["asks", "saves"])
def test_a_finding_that_a_run_beside_another_one_tells_is_called_off(when: str) -> None:
    down = ServerDown(400, SERVER, "no route to host", until=500)
    with night(replace(build_scenario("healthy", 1), events=(down,))) as nights:
        agent, whole = nights.agent, nights.agent.services
        agent.monitor("run-0")
        nights.clock.sleep(300)

        def other() -> None:
            nights.clock.sleep(150)
            beside, agent.services = agent.services, whole
            agent.monitor("beside")
            agent.services = beside

        agent.services = agent.again(s3=Beside(agent.aws.client("s3"), other, when))
        agent.monitor("run-1")  # has looked before the server went down
        agent.services = whole
        for number in range(2, 7):
            nights.clock.sleep(300)
            agent.monitor(f"run-{number}")

        pager = Pager(agent.events.details)
        assert (pager.open, list(pager.closed.values())) == ({}, [1])
