"""An approved resume that waits until its endpoint takes logins: on handlers, over HTTP, with the world's clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from qlikops.agent.act.endpoint_wait import pause
from qlikops.agent.handlers.execute_restart import CONTINUE, WAITING
from qlikops.agent.remember.table import Table
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import RunOption
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Claim, Outcome, ProposalRecord, Status
from qlikops.domain.proposals.proposal import WHEN_IT_ANSWERS
from qlikops.qlik.simulator.library import CONNECTION_LOST, SERVER
from qlikops.qlik.simulator.scenario import Break, ServerDown
from tests.unit.agent.act.behind import AWAY, NAMES, ORA_PROD, Begin, Night
from tests.unit.agent.fakes import FakeClock
from tests.unit.agent.machine import MACHINE, Json
from tests.unit.agent.remember.test_own_failures import CountingS3
from tests.unit.agent.story import approving

REFUSED = "ORA-01017: invalid username/password; logon denied"
FOR_EVER = replace(AWAY, until=None)
HOUR = 3600


class Waited:
    """A proposal that is approved with this option, and carried out as CheckRestart and WaitForEndpoint have it."""

    def __init__(self, night: Night, clock: FakeClock) -> None:
        self.night, self.clock = night, clock
        self.item, self.proposal = night.proposal()
        digest = night.agent.evaluate(self.item)["digest"]
        night.agent.request(self.item)
        self.decision = {**approving(digest), "option": WHEN_IT_ANSWERS}
        self.pauses: list[int] = []

    @property
    def record(self) -> ProposalRecord:
        return self.night.record(self.item)

    def wake(self, *, may_wait: bool = True) -> Json:
        """One invocation, and the wait after it."""
        said = self.night.agent.restart(self.item, self.decision, may_wait=may_wait)
        if said["status"] == WAITING:
            self.pauses.append(said["wait_seconds"])
            self.clock.sleep(said["wait_seconds"])
        return said

    def end(self, said: Json | None = None) -> Outcome:
        """What it comes to in the end, and is recorded as."""
        said = said or self.wake()
        while said["status"] == WAITING:
            assert len(self.pauses) < 100
            said = self.wake()
        self.night.agent.record(self.item, {"status": said["status"], "result": said})
        outcome = self.record.outcome
        assert outcome is not None
        return outcome

    def pull_the_brake(self) -> None:
        brake = codec.dumps(Claim("arn:aws:iam::000000000000:user/anna", self.clock(), brake=True))
        self.night.agent.aws.client("dynamodb").update_item(
            TableName=self.night.agent.table,
            Key={"pk": {"S": f"APPROVAL#{self.record.approval_id}"}, "sk": {"S": "RECORD"}},
            UpdateExpression="SET #claim = :claim",
            ExpressionAttributeNames={"#claim": Attribute.CLAIM},
            ExpressionAttributeValues={":claim": {"S": brake}},
        )


Wait = Callable[..., Waited]


@pytest.fixture
def wait(begin: Begin, clock: FakeClock) -> Wait:
    return lambda *args, **settings: Waited(begin(*args, **settings), clock)


def offered(night: Night) -> list[str]:
    return [option.name for option in night.proposal()[1].offers]


def test_it_waits_without_sending_anything_and_acts_once_when_the_endpoint_takes_logins(wait: Wait) -> None:
    waited = wait(replace(AWAY, until=2 * HOUR))
    outcome = waited.end()
    assert outcome.status is Status.RESTARTED
    assert waited.night.runs() == [1, 1, 1]
    assert waited.pauses == [60, 120, 240, 480, *[900] * 7]
    assert waited.night.tests()[-1] == "CONNECTED"
    assert set(waited.night.tests()[:-1]) == {"ERROR"}
    assert waited.record.waits is None


def test_it_ends_at_its_deadline_and_costs_neither_budget_nor_cooldown(wait: Wait, clock: FakeClock) -> None:
    waited = wait(FOR_EVER)
    began = clock.now
    outcome = waited.end()
    assert (outcome.status, outcome.was_sent, waited.night.runs()) == (Status.STILL_DOWN, False, [0, 0, 0])
    assert clock.now - began == timedelta(hours=6)
    assert outcome.detail.endswith("waited until 09:00 UTC")
    keys = [target.key for target in outcome.targets]
    assert waited.night.ledger.tasks.attempts(keys, began) == dict.fromkeys(keys, ())
    # One for the proposal, and those of the wait: fewer than its allowance of eight in each hour.
    assert len(waited.night.tests()) == 1 + len(waited.pauses)
    assert [item["proposal"]["task_count"] for item in waited.night.run()] == [3]


def test_who_watches_sees_what_it_waits_for_until_when_and_that_it_waits_no_more(wait: Wait, clock: FakeClock) -> None:
    waited = wait(replace(AWAY, until=90))
    began = clock.now
    waited.wake()
    waits = waited.record.waits
    assert waits is not None
    assert (waits.endpoint, waits.next_test_at, waits.until) == (
        ORA_PROD,
        began + timedelta(minutes=1),
        began + timedelta(hours=6),
    )
    assert "does not take logins" in waits.said
    (row,) = row_progress(waited)
    assert row["waits"] == codec.encode(waits)
    waited.end()
    assert waited.record.waits is None


def row_progress(waited: Waited) -> list[Any]:
    agent = waited.night.agent
    rows = Table(agent.aws.client("dynamodb"), agent.table).query(keys.run_partition("run-1"), keys.PROPOSAL_PREFIX)
    return [json.loads(str(row[Attribute.PROGRESS])) for row in rows]


def test_the_brake_ends_it_before_anything_is_tested_again(wait: Wait) -> None:
    waited = wait(replace(AWAY, until=30))
    waited.wake()
    tests = len(waited.night.tests())
    waited.pull_the_brake()
    outcome = waited.end()
    assert (outcome.status, outcome.was_sent) == (Status.NOT_TRIED, False)
    assert "stopped by anna" in outcome.detail
    assert (waited.night.runs(), len(waited.night.tests())) == ([0, 0, 0], tests)


@pytest.mark.parametrize("is_braked", [True, False])
def test_what_is_stopped_while_it_waits_is_closed_by_the_next_run(wait: Wait, is_braked: bool) -> None:
    waited = wait(FOR_EVER)
    for _ in range(2):
        waited.wake()
    if is_braked:
        waited.pull_the_brake()
    waited.night.agent.states.statuses[f"{MACHINE}:run-1"] = "ABORTED"
    assert [item["proposal"]["task_count"] for item in waited.night.run()] == [3]
    assert waited.record.status is Status.ABANDONED


def test_a_definition_that_cannot_wait_is_told_at_once_that_the_endpoint_is_down(wait: Wait) -> None:
    waited = wait(replace(AWAY, until=90))
    outcome = waited.end(waited.wake(may_wait=False))
    assert (outcome.status, outcome.was_sent) == (Status.STILL_DOWN, False)
    assert outcome.detail.endswith("the state machine's definition cannot wait")


def test_a_definition_that_cannot_wait_starts_what_answers_already(wait: Wait, clock: FakeClock) -> None:
    waited = wait(replace(AWAY, until=90))
    clock.sleep(120)
    assert waited.end(waited.wake(may_wait=False)).status is Status.RESTARTED


def test_what_comes_up_by_itself_meanwhile_is_tested_no_more(wait: Wait, clock: FakeClock) -> None:
    waited = wait(replace(AWAY, until=3000, fails_after_seconds=9000))
    waited.wake()
    tests = len(waited.night.tests())
    for name in NAMES:
        waited.night.fleet.run(SERVER, name, RunOption.RESUME_PROCESSING)
    clock.sleep(30)
    outcome = waited.end()
    assert (outcome.status, outcome.was_sent) == (Status.ALREADY_RUNNING, False)
    assert len(waited.night.tests()) == tests


class Slow:
    """DynamoDB, but what clears a wait takes so many seconds."""

    def __init__(self, client: Any, clock: FakeClock, seconds: float) -> None:
        self._client, self._clock, self._seconds = client, clock, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **given: Any) -> Any:
        answer = self._client.transact_write_items(**given)
        if Attribute.WAITS in json.dumps(given):
            self._clock.sleep(self._seconds)
        return answer


def test_what_falls_over_between_the_look_and_the_start_is_not_started_untested(wait: Wait, clock: FakeClock) -> None:
    waited = wait(replace(AWAY, until=3000, fails_after_seconds=100))
    waited.wake()
    for name in NAMES:
        waited.night.fleet.run(SERVER, name, RunOption.RESUME_PROCESSING)
    clock.sleep(30)
    agent = waited.night.agent
    agent.services = agent.again(dynamodb=Slow(agent.aws.client("dynamodb"), clock, 120))
    runs = waited.night.runs()
    outcome = waited.end()
    assert (outcome.status, outcome.was_sent, waited.night.runs()) == (Status.NOT_TRIED, False, runs)
    assert "is down by now" in outcome.detail


@pytest.mark.parametrize("happens", ["refused", "permission"])
def test_it_ends_where_no_later_test_helps(wait: Wait, happens: str) -> None:
    waited = wait(replace(AWAY, until=30), replace(AWAY, at=30, until=None, message=REFUSED))
    waited.wake()
    words, status = "logon denied", Status.STILL_DOWN
    if happens == "permission":
        waited.night.fleet.may_test = lambda _: False
        words, status = "may not test endpoints", Status.FAILED
    outcome = waited.end()
    assert (outcome.status, outcome.was_sent, waited.night.runs()) == (status, False, [0, 0, 0])
    assert words in outcome.detail


def test_it_ends_where_its_endpoint_may_not_be_tested_any_more(begin: Begin, clock: FakeClock) -> None:
    waited = Waited(begin(FOR_EVER), clock)
    waited.wake()
    waited.night.agent._config = replace(waited.night.agent._config, probe_endpoints=False)
    waited.night.agent.services = waited.night.agent.again()
    outcome = waited.end()
    assert (outcome.status, outcome.was_sent) == (Status.FAILED, False)
    assert outcome.detail == "nothing was sent: its endpoint may not be tested any more"


def test_an_enterprise_manager_that_is_silent_meanwhile_is_waited_for(wait: Wait) -> None:
    waited = wait(replace(AWAY, until=30), ServerDown(40, SERVER, "not reachable", 100))
    waited.wake()
    assert waited.wake()["status"] == WAITING
    assert waited.record.waits is not None
    assert waited.record.waits.said.startswith("Enterprise Manager does not say how the tasks are")
    assert waited.end().status is Status.RESTARTED


def test_known_failures_that_are_unread_meanwhile_are_waited_for(wait: Wait) -> None:
    waited = wait(replace(AWAY, until=60))
    waited.wake()
    agent = waited.night.agent
    for name in NAMES:
        agent.simulator.break_task(name, message="It broke in another way.")
    agent.services = agent.again(s3=CountingS3(agent.aws.client("s3")))  # a new process, which has read none before
    agent.services._clients("s3").refuses = "AccessDenied"
    assert waited.wake()["status"] == WAITING
    assert waited.record.waits is not None
    assert waited.record.waits.said.startswith("your own known failures cannot be read")
    agent.services._clients("s3").refuses = ""
    assert waited.end().status is Status.SUPERSEDED


@pytest.mark.parametrize(("silent_after", "status"), [(30, Status.FAILED), (90, Status.STILL_DOWN)])
def test_an_endpoint_is_called_down_only_if_a_test_said_so(
    wait: Wait, clock: FakeClock, silent_after: int, status: Status
) -> None:
    waited = wait(FOR_EVER, ServerDown(silent_after, SERVER, "not reachable"))
    clock.sleep(60)
    outcome = waited.end()
    assert (outcome.status, outcome.was_sent, waited.night.runs()) == (status, False, [0, 0, 0])
    assert outcome.detail.startswith("nothing was sent: Enterprise Manager does not say how the tasks are")
    assert outcome.detail.endswith("waited until 09:01 UTC")


def test_a_wait_for_what_may_not_be_tested_any_more_ends_without_asking(begin: Begin, clock: FakeClock) -> None:
    waited = Waited(begin(FOR_EVER, ServerDown(40, SERVER, "not reachable")), clock)
    waited.wake()
    waited.night.agent._config = replace(waited.night.agent._config, probe_endpoints=False)
    waited.night.agent.services = waited.night.agent.again()
    outcome = waited.end()
    assert outcome.status is Status.FAILED
    assert outcome.detail.endswith("its endpoint may not be tested any more")


def test_another_invocation_at_the_same_time_sends_nothing_twice(wait: Wait) -> None:
    waited = wait(replace(AWAY, until=30))
    waited.wake()
    assert {waited.night.agent.restart(waited.item, waited.decision)["status"] for _ in range(2)} == {"restarted"}
    assert waited.night.runs() == [1, 1, 1]


def test_its_tasks_stay_its_own_while_it_waits(wait: Wait) -> None:
    waited = wait(FOR_EVER)
    for _ in range(12):
        waited.wake()
    keys = [target.key for target in waited.proposal.targets]
    assert waited.night.ledger.tasks.leases(keys).keys() == set(keys)
    assert waited.night.run() == []


def test_a_group_has_its_time_from_its_first_start_on_however_long_it_waited(wait: Wait) -> None:
    waited = wait(replace(AWAY, until=3 * HOUR), restarts_at_a_time=1)
    assert {waited.wake()["status"] for _ in range(15)} == {WAITING}
    said = waited.night.agent.restart(waited.item, waited.decision, seconds=24)
    assert said["status"] == CONTINUE
    assert waited.end().status is Status.RESTARTED


def test_it_is_offered_after_the_first_option_where_a_known_failure_waits_for_its_endpoint(begin: Begin) -> None:
    night = begin()
    _, proposal = night.proposal()
    assert [option.name for option in proposal.offers] == ["resume", WHEN_IT_ANSWERS]
    assert proposal.offers[1].words == "resume when it answers, within 6h00m"


@pytest.mark.parametrize(
    ("why_not", "settings"),
    [
        ("it takes logins", {}),
        ("a login is refused", {}),
        ("it may not be tested", {}),
        ("the failure is not known", {}),
        ("it is switched off", {"wait_for_endpoint_seconds": 0}),
        ("tests are switched off", {"probe_endpoints": False}),
    ],
)
def test_it_is_not_offered_if(begin: Begin, why_not: str, settings: Json) -> None:
    message = "Something nobody has seen before" if why_not == "the failure is not known" else CONNECTION_LOST
    if why_not in ("it takes logins", "the failure is not known"):
        night = begin(Break(0, SERVER, "orders", message=message), **settings)
    elif why_not == "a login is refused":
        night = begin(replace(AWAY, message=REFUSED), **settings)
        for name in NAMES:
            night.agent.simulator.break_task(name, message=CONNECTION_LOST)
    else:
        night = begin(FOR_EVER, **settings)
    if why_not == "it may not be tested":
        night.fleet.may_test = lambda _: False
    assert offered(night) == ["resume"]


def test_it_is_offered_if_no_test_is_left_and_the_last_one_was_possible(begin: Begin) -> None:
    assert offered(begin(FOR_EVER, probes_per_run=0)) == ["resume", WHEN_IT_ANSWERS]


def test_the_pauses_grow_and_end_with_the_time_that_is_left() -> None:
    began, until, at = timedelta(), timedelta(hours=1), timedelta()
    tests = [began]
    while at < until:
        at += pause(at, until - at)
        tests.append(at)
    assert [(later - earlier).total_seconds() / 60 for earlier, later in pairwise(tests)] == [1, 2, 4, 8, 15, 15, 15]
    assert pause(timedelta(seconds=-5), until) == timedelta(minutes=1)


def test_waits_on_one_endpoint_share_their_allowance_and_leave_that_of_the_runs(begin: Begin, clock: FakeClock) -> None:
    night = begin(FOR_EVER, wait_probes_per_hour=2)
    night.run()
    with night.agent.services.monitor(600) as monitor:
        prober = monitor.prober
    answers = []
    for _ in range(5):
        clock.sleep(60)
        answers.append(prober.while_waiting(ORA_PROD).answer)
    assert answers == ["error", "error", "skipped", "skipped", "skipped"]
    assert prober.before_starting(ORA_PROD).answer == "error"


def test_an_endpoint_is_not_tested_after_a_task_of_the_group_was_refused_a_login(wait: Wait) -> None:
    waited = wait(FOR_EVER)
    waited.wake()
    tested = waited.night.tests()
    first = waited.proposal.targets[0].key.task
    waited.night.fleet.break_now(Break(0, SERVER, first, message=REFUSED))
    outcome = waited.end()
    assert (outcome.status, outcome.was_sent) == (Status.FAILED, False)
    assert "was refused a login since" in outcome.detail
    assert waited.night.tests() == tested
