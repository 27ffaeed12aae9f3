"""The ledger on a real DynamoDB: who gets a lease, what is in the inbox, what a second invocation changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from qlikops.agent.propose.options import options_of
from qlikops.agent.remember.attempts import Attempt, RestartLimits
from qlikops.agent.remember.ledger import Ledger, RecordClosed
from qlikops.agent.remember.table import Table
from qlikops.agent.remember.tasks import LeaseLost
from qlikops.agent.transient import TransientError
from qlikops.domain import ledger as keys
from qlikops.domain.errors import NotFound, RecordTooNew
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.proposals.approval import Decision, Outcome, Status, TaskOutcome
from qlikops.domain.proposals.lasting import Lasting, TaskLasting
from qlikops.domain.proposals.mute import MuteReason
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.workflow.execution import RunSummary
from tests.unit.agent.fakes import (
    ARN,
    ASK,
    EVALUATION,
    ORDERS,
    START,
    FakeClock,
    group,
    inbox,
    proposal,
    row,
)

ID = "0123456789ab"
OTHER = "ba9876543210"
LIMITS = RestartLimits(per_hour=3, cooldown_seconds=900)
LEASE_SECONDS = 7200
UNTIL = START + timedelta(hours=5)
LARGE = proposal(ID, *(TaskKey("default", "replicate-1", f"task-{number:03}") for number in range(150)))
"""A group that is opened with two transactions."""


@pytest.fixture
def items(database: Any, table: str) -> Callable[[], dict[tuple[str, str], dict[str, Any]]]:
    """Everything in the table, as it lies there."""

    def read() -> dict[tuple[str, str], dict[str, Any]]:
        found = database.scan(TableName=table)["Items"]
        return {
            (item["pk"]["S"], item["sk"]["S"]): {name: next(iter(value.values())) for name, value in item.items()}
            for item in found
        }

    return read


Items = Callable[[], dict[tuple[str, str], dict[str, Any]]]


def opened(ledger: Ledger, *proposals: Proposal, run: str = "run-1") -> None:
    assert not ledger.open_proposals(run, proposals, LEASE_SECONDS).refused


def waiting(ledger: Ledger) -> None:
    opened(ledger, proposal())
    ledger.save_evaluation(ID, EVALUATION, ASK)
    ledger.request(ID, "token-1", row(), START, UNTIL)


def test_opening_writes_record_event_lease_and_run_row(ledger: Ledger, items: Items) -> None:
    opened(ledger, proposal())

    assert set(items()) == {
        ("APPROVAL#0123456789ab", "RECORD"),
        ("APPROVAL#0123456789ab", "EVENT#10-proposed"),
        ("TASK#default/replicate-1/orders", "LEASE"),
        ("RUN#run-1", "PROPOSAL#0123456789ab"),
        ("OPEN", "0123456789ab"),
    }
    assert ledger.record(ID).approval.status is Status.PROPOSED


def test_opening_twice_changes_nothing(ledger: Ledger, items: Items, clock: FakeClock) -> None:
    opened(ledger, proposal())
    before = items()
    clock.sleep(60)

    again = ledger.open_proposals("run-1", [replace(proposal(), reason="another reason")], LEASE_SECONDS)

    assert again.proposals == (proposal(),)
    assert items() == before


def test_a_large_group_that_is_opened_once_more_is_held_for_as_long_as_before(ledger: Ledger, items: Items) -> None:
    opened(ledger, LARGE)
    ledger.tasks.hold_all(LARGE, UNTIL)
    before = items()

    opened(ledger, LARGE, run="another invocation, slow to write")

    assert items() == before


class Interrupted:
    """DynamoDB before one of whose transactions something happens."""

    def __init__(self, client: Any, happens: Callable[[], object], *, before: int = 1) -> None:
        self._client, self._happens, self._left = client, happens, before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        self._left -= 1
        if not self._left:
            self._happens()
        return self._client.transact_write_items(**request)


@pytest.mark.parametrize("is_over", [False, True])
def test_who_is_slow_to_open_a_large_group_once_more_takes_none_of_its_tasks(
    database: Any, ledger: Ledger, table: str, clock: FakeClock, is_over: bool
) -> None:
    """A run goes by when a restart took them, for an hour; and what is over holds none."""

    def another_invocation() -> None:
        opened(ledger, LARGE)
        clock.sleep(60)
        ledger.tasks.hold_all(LARGE, clock() + timedelta(hours=1))
        if is_over:
            ledger.close(ID, Outcome(Status.FAILED))

    slow = Ledger(Table(Interrupted(database, another_invocation), table), clock)

    opened(slow, LARGE)

    taken_at = {lease.taken_at for lease in ledger.tasks.leases(target.key for target in LARGE.targets).values()}
    assert taken_at == (set() if is_over else {START + timedelta(seconds=60)})


def test_who_cannot_open_a_large_group_gives_back_what_it_leased(ledger: Ledger) -> None:
    in_the_way = LARGE.targets[-1].key
    opened(ledger, proposal(OTHER, in_the_way))

    assert ledger.open_proposals("run-1", [LARGE], LEASE_SECONDS).refused

    assert ledger.tasks.leases(target.key for target in LARGE.targets).keys() == {in_the_way}


def test_who_cannot_open_a_large_group_leaves_what_another_invocation_leased_for_it_since(
    database: Any, ledger: Ledger, table: str, clock: FakeClock
) -> None:
    in_the_way = LARGE.targets[-1].key
    opened(ledger, proposal(OTHER, in_the_way))

    def another_invocation() -> None:
        clock.sleep(2)
        first = ledger.tasks.lease_writes(LARGE, clock(), clock() + timedelta(seconds=LEASE_SECONDS))[:95]
        Table(database, table).commit(*first)

    slow = Ledger(Table(Interrupted(database, another_invocation, before=2), table), clock)

    assert slow.open_proposals("run-1", [LARGE], LEASE_SECONDS).refused

    leases = ledger.tasks.leases(target.key for target in LARGE.targets)
    assert sum(lease.proposal_id == ID for lease in leases.values()) == 95


def test_a_lease_for_nothing_is_freed_unless_it_was_taken_anew_since(ledger: Ledger, clock: FakeClock) -> None:
    opened(ledger, proposal())
    seen = ledger.tasks.leases([ORDERS]).values()
    clock.sleep(1)
    ledger.tasks.hold_all(proposal(), UNTIL)

    ledger.tasks.free(seen)

    assert ledger.tasks.leases([ORDERS])
    ledger.tasks.free(ledger.tasks.leases([ORDERS]).values())
    assert not ledger.tasks.leases([ORDERS])


def test_a_retry_returns_what_the_first_invocation_opened_with_its_indexes(ledger: Ledger) -> None:
    first, second = proposal(ID), proposal(OTHER, TaskKey("default", "s", "other"))
    opened(ledger, second)

    again = ledger.open_proposals("run-1", [first], LEASE_SECONDS)

    assert again.proposals == (second, first)
    assert [(line.index, line.proposal_id) for line in ledger.runs.proposals("run-1")] == [(0, OTHER), (1, ID)]


def test_of_two_proposals_for_one_task_one_is_opened(ledger: Ledger) -> None:
    rivals = [proposal(f"{index:012x}", execution_name=f"run-{index}") for index in range(6)]

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda one: ledger.open_proposals(one.execution_name, [one], LEASE_SECONDS), rivals))

    (winner,) = (result.proposals[0] for result in results if result.proposals)
    assert sum(len(result.refused) for result in results) == 5
    assert ledger.tasks.leases([ORDERS])[ORDERS].proposal_id == winner.proposal_id
    assert [record.approval.approval_id for record in ledger.records([one.proposal_id for one in rivals])] == [
        winner.proposal_id
    ]


def test_one_proposal_opened_twice_at_once_is_opened_once(ledger: Ledger, items: Items) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: ledger.open_proposals("run-1", [proposal()], LEASE_SECONDS), range(4)))

    assert [(result.proposals, result.refused) for result in results] == [((proposal(),), ())] * 4
    assert len(items()) == 5


def test_an_expired_lease_is_free(ledger: Ledger, clock: FakeClock) -> None:
    opened(ledger, proposal())
    clock.sleep(LEASE_SECONDS + 1)

    assert ledger.tasks.leases([ORDERS]) == {}
    opened(ledger, proposal(OTHER, execution_name="run-2"), run="run-2")


def test_a_group_larger_than_a_transaction_is_opened_and_closed_whole(ledger: Ledger, items: Items) -> None:
    large = group(230)
    opened(ledger, large)
    assert len(ledger.tasks.leases(target.key for target in large.targets)) == 230

    ledger.close(ID, Outcome(Status.HELD))

    assert ledger.tasks.leases(target.key for target in large.targets) == {}
    assert sum(sort.startswith("HISTORY#") for _, sort in items()) == 230


def test_a_group_with_one_taken_task_is_dropped_whole(ledger: Ledger, items: Items) -> None:
    large = group(230, OTHER)
    taken = large.targets[-1].key
    opened(ledger, proposal(ID, taken))
    before = items()

    result = ledger.open_proposals("run-2", [replace(large, execution_name="run-2")], LEASE_SECONDS)

    assert result.proposals == ()
    assert [one.proposal_id for one in result.refused] == [OTHER]
    assert items() == before


def test_the_first_evaluation_stays(ledger: Ledger) -> None:
    opened(ledger, proposal())
    first = ledger.save_evaluation(ID, EVALUATION, ASK)

    second = ledger.save_evaluation(ID, replace(EVALUATION, rationale="changed my mind"), ASK)

    assert second == first
    assert first.intact
    assert first.approval.status is Status.EVALUATED
    assert len(first.approval.digest) == 64


def test_one_changed_character_breaks_the_digest(ledger: Ledger, database: Any, table: str, items: Items) -> None:
    waiting(ledger)
    stored = items()["APPROVAL#" + ID, "RECORD"]["proposal"]
    database.update_item(
        TableName=table,
        Key={"pk": {"S": "APPROVAL#" + ID}, "sk": {"S": "RECORD"}},
        UpdateExpression="SET proposal = :p",
        ExpressionAttributeValues={":p": {"S": stored.replace("orders: connection", "orders: Connection")}},
    )

    assert not ledger.record(ID).intact


def test_a_digest_over_fields_of_a_later_version_still_holds(
    ledger: Ledger, database: Any, table: str, items: Items
) -> None:
    opened(ledger, proposal())
    stored = json.loads(items()["APPROVAL#" + ID, "RECORD"]["proposal"])
    database.update_item(
        TableName=table,
        Key={"pk": {"S": "APPROVAL#" + ID}, "sk": {"S": "RECORD"}},
        UpdateExpression="SET proposal = :p",
        ExpressionAttributeValues={":p": {"S": json.dumps({**stored, "colour": "blue"})}},
    )

    assert ledger.save_evaluation(ID, EVALUATION, ASK).intact


def test_the_inbox_holds_what_waits_by_deadline_and_empties_on_close(ledger: Ledger, database: Any, table: str) -> None:
    other_key = TaskKey("default", "s", "other")
    opened(ledger, proposal(), proposal(OTHER, other_key))
    ledger.request(ID, "token-1", row(), START, UNTIL)
    ledger.request(OTHER, "token-2", row(OTHER, START + timedelta(hours=1)), START, UNTIL)
    assert [line.approval_id for line in inbox(database, table)] == [OTHER, ID]
    assert inbox(database, table)[1] == row()

    ledger.close(ID, Outcome(Status.EXPIRED))
    ledger.begin_restart(OTHER, Decision(approved=True))

    assert inbox(database, table) == []


def test_the_token_lies_in_its_own_item_only(ledger: Ledger, items: Items) -> None:
    waiting(ledger)

    holding = [key for key, item in items().items() if "token-1" in json.dumps(item)]

    assert holding == [("TOKEN#" + ID, "TOKEN")]


def test_a_retry_of_the_state_replaces_the_token(ledger: Ledger, items: Items) -> None:
    waiting(ledger)

    ledger.request(ID, "token-2", row(), START + timedelta(seconds=5), UNTIL)

    assert items()["TOKEN#" + ID, "TOKEN"]["token"] == "token-2"
    assert ledger.record(ID).approval.status is Status.WAITING


def test_a_late_invocation_with_an_older_token_does_not(ledger: Ledger, items: Items) -> None:
    opened(ledger, proposal())
    ledger.request(ID, "newer", row(), START + timedelta(seconds=5), UNTIL)

    ledger.request(ID, "older", row(), START, UNTIL)

    assert items()["TOKEN#" + ID, "TOKEN"]["token"] == "newer"


def test_an_invocation_of_an_earlier_attempt_does_not_however_late_it_comes(ledger: Ledger, items: Items) -> None:
    opened(ledger, proposal())
    ledger.request(ID, "second", row(), START, UNTIL, attempt=1)

    ledger.request(ID, "first", row(), START + timedelta(hours=1), UNTIL, attempt=0)

    assert items()["TOKEN#" + ID, "TOKEN"]["token"] == "second"


def test_a_token_whose_write_was_slow_is_not_left_behind_a_closed_proposal(
    ledger: Ledger, items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(ledger, proposal())
    hold_all = ledger.tasks.hold_all

    def slowly(*given: Any) -> None:
        hold_all(*given)
        ledger.close(ID, Outcome(Status.ABANDONED))  # what a later run does meanwhile

    monkeypatch.setattr(ledger.tasks, "hold_all", slowly)
    with pytest.raises(RecordClosed):
        ledger.request(ID, "token-1", row(), START, UNTIL)

    assert ("TOKEN#" + ID, "TOKEN") not in items()


def test_requesting_holds_the_tasks_for_as_long_as_the_answer_may_take(ledger: Ledger, clock: FakeClock) -> None:
    waiting(ledger)
    clock.sleep(LEASE_SECONDS + 1)

    assert ledger.tasks.leases([ORDERS])[ORDERS].proposal_id == ID


@pytest.mark.parametrize("taken", [0, 98, 99, 149])
def test_nobody_is_asked_about_a_group_of_which_another_proposal_holds_a_task(
    ledger: Ledger, clock: FakeClock, items: Items, taken: int
) -> None:
    large = group(150)
    opened(ledger, large)
    clock.sleep(LEASE_SECONDS + 1)
    key = large.targets[taken].key
    opened(ledger, proposal("ffffffffffff", key))

    with pytest.raises(LeaseLost, match=f"{key}: proposal ffffffffffff holds the task by now"):
        ledger.request(ID, "token-1", row(), START, UNTIL)

    assert ("TOKEN#" + ID, "TOKEN") not in items()
    assert items()["APPROVAL#" + ID, "RECORD"]["status"] == Status.PROPOSED
    assert ledger.tasks.leases([key])[key].proposal_id == "ffffffffffff"


def test_somebody_is_asked_about_tasks_that_were_given_back_and_that_nobody_took(
    ledger: Ledger,
) -> None:
    large = group(150)
    opened(ledger, large)
    ledger.tasks.release(large)

    ledger.request(ID, "token-1", row(), START, UNTIL)

    assert len(ledger.tasks.leases(target.key for target in large.targets)) == 150


def test_what_is_answered_meanwhile_is_not_closed_as_unanswered(ledger: Ledger) -> None:
    restarting(ledger)
    up = ledger.save_result(ID, Outcome(Status.RESTARTED, at=START))

    record = ledger.withdraw(ID, Outcome(Status.SUPERSEDED))

    assert (record.status, record.outcome) == (Status.RESTARTING, up)
    assert list(ledger.tasks.leases([ORDERS])) == [ORDERS]
    assert ledger.tasks.history(ORDERS) == []


def test_what_a_restart_came_to_is_not_replaced_by_whoever_closes_it(ledger: Ledger) -> None:
    restarting(ledger)
    ledger.save_result(ID, Outcome(Status.RESTARTED, "up", at=START))

    closed = ledger.close(ID, Outcome(Status.UNVERIFIED, "interrupted")).approval

    assert closed.status is Status.RESTARTED
    assert closed.outcome is not None
    assert closed.outcome.detail == "up"


def test_nobody_is_asked_about_what_is_closed(ledger: Ledger, items: Items) -> None:
    opened(ledger, proposal())
    ledger.close(ID, Outcome(Status.ABANDONED))

    with pytest.raises(RecordClosed):
        ledger.request(ID, "token-1", row(), START, UNTIL)

    assert ("TOKEN#" + ID, "TOKEN") not in items()


def test_a_request_that_comes_after_the_answer_changes_nothing(ledger: Ledger, items: Items) -> None:
    waiting(ledger)
    ledger.begin_restart(ID, Decision(approved=True))
    before = items()

    ledger.request(ID, "token-2", row(), START + timedelta(seconds=5), UNTIL)

    assert items() == before


def test_the_first_decision_stays(ledger: Ledger) -> None:
    waiting(ledger)
    anna = Decision(approved=True, decision_id="a", by="arn:aws:sts::1:assumed-role/ops/anna")

    first = ledger.begin_restart(ID, anna)
    second = ledger.begin_restart(ID, Decision(approved=True, decision_id="b"))

    assert first == second
    assert second.approval.decision == anna
    assert second.approval.status is Status.RESTARTING


def restarting(ledger: Ledger, proposal_id: str = ID) -> None:
    """A proposal that was approved and holds its task."""
    opened(ledger, proposal(proposal_id))
    ledger.begin_restart(proposal_id, Decision(approved=True))


def test_a_restart_is_claimed_once_and_keeps_its_first_result(ledger: Ledger) -> None:
    restarting(ledger)
    assert ledger.tasks.mark_start(ORDERS, ID, "ERROR (FATAL_ERROR)").fresh
    second = ledger.tasks.mark_start(ORDERS, ID, "RUNNING")
    assert not second.fresh
    assert second.before == "ERROR (FATAL_ERROR)"
    assert second.result is None
    up = TaskOutcome(ORDERS, Status.RESTARTED)

    assert ledger.tasks.finish_restart_claim(ORDERS, ID, up) == up
    assert ledger.tasks.finish_restart_claim(ORDERS, ID, TaskOutcome(ORDERS, Status.FAILED)) == up
    ledger.tasks.release_claim(ORDERS, ID)

    assert ledger.tasks.mark_start(ORDERS, ID, "").result == up


class SlowToAnswer:
    """DynamoDB whose reply to a transaction comes half a minute after it was carried out; `meanwhile` happens then."""

    def __init__(self, client: Any, clock: FakeClock, meanwhile: Callable[[], object]) -> None:
        self._client, self._clock, self._meanwhile = client, clock, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        reply = self._client.transact_write_items(**request)
        self._clock.sleep(30)
        self._meanwhile()
        return reply


@pytest.mark.parametrize("result", [None, TaskOutcome(ORDERS, Status.UNVERIFIED)])
def test_a_claim_whose_reply_is_late_is_fresh_unless_another_invocation_has_settled_it(
    database: Any, ledger: Ledger, table: str, clock: FakeClock, result: TaskOutcome | None
) -> None:
    restarting(ledger)

    def settle() -> None:
        if result:
            ledger.tasks.finish_restart_claim(ORDERS, ID, result)

    slow = Ledger(Table(SlowToAnswer(database, clock, settle), table), clock)

    marker = slow.tasks.mark_start(ORDERS, ID, "ERROR (FATAL_ERROR)")

    assert (marker.fresh, marker.result) == (result is None, result)


def test_a_claim_of_which_nothing_can_be_read_when_its_reply_comes_late_is_given_back(
    database: Any, ledger: Ledger, table: str, clock: FakeClock
) -> None:
    restarting(ledger)
    slow = SlowToAnswer(database, clock, lambda: setattr(slow, "batch_get_item", fail))

    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    with pytest.raises(EndpointConnectionError):
        Ledger(Table(slow, table), clock).tasks.mark_start(ORDERS, ID, "ERROR (FATAL_ERROR)")

    assert ledger.tasks.mark_start(ORDERS, ID, "ERROR (FATAL_ERROR)").fresh


def closed(ledger: Ledger) -> None:
    ledger.close(ID, Outcome(Status.FAILED))


def taken_by_another(ledger: Ledger) -> None:
    closed(ledger)
    restarting(ledger, "ffffffffffff")


def held_again_after_its_end(ledger: Ledger) -> None:
    closed(ledger)
    ledger.tasks.lease(proposal(), START + timedelta(hours=1))


def test_that_a_task_fell_over_is_in_its_history_although_that_was_written_later(ledger: Ledger) -> None:
    restarting(ledger)
    up = ledger.save_result(ID, Outcome(Status.RESTARTED, targets=(TaskOutcome(ORDERS, Status.RESTARTED),), at=START))
    (followed,) = ledger.follow_ups.open()
    fell = TaskLasting(ORDERS, Lasting.FELL_OVER, 60, START)

    def find_out(_: object) -> None:
        record = ledger.record(ID)
        ended = replace(followed.follow_up, tasks=(), so_far=followed.follow_up.so_far.with_results([fell]))
        ledger.follow_ups.change(followed, lambda _: ended, record)
        ledger.follow_ups.mark_fallen(record.approval, [fell])

    ledger.close(ID, up, tell=find_out)

    assert ledger.tasks.history(ORDERS)[0].lasting == fell


def test_a_lease_that_is_slow_to_arrive_takes_nothing_back_from_a_later_one(
    ledger: Ledger, database: Any, table: str, clock: FakeClock
) -> None:
    waiting(ledger)
    earlier = Ledger(Table(database, table), lambda: START)
    clock.sleep(600)
    ledger.tasks.lease(proposal(), clock() + timedelta(hours=1))

    earlier.tasks.lease(proposal(), START + timedelta(hours=1))

    assert ledger.tasks.leases([ORDERS])[ORDERS].taken_at == clock()


def given_back(ledger: Ledger) -> None:
    ledger.tasks.release(proposal())


@pytest.mark.parametrize(
    ("meanwhile", "why"),
    [
        (closed, "is over"),
        (taken_by_another, "ffffffffffff holds the task"),
        (held_again_after_its_end, "is over"),
        (given_back, "has given the task back"),
    ],
)
def test_nothing_is_claimed_by_whoever_is_over_or_does_not_hold_the_task(
    ledger: Ledger, meanwhile: Callable[[Ledger], None], why: str
) -> None:
    restarting(ledger)
    meanwhile(ledger)

    with pytest.raises(LeaseLost, match=why):
        ledger.tasks.mark_start(ORDERS, ID, "")

    assert ledger.tasks.restart_claims([ORDERS], ID) == {}


def test_what_was_claimed_while_it_held_the_task_stays_known(ledger: Ledger) -> None:
    restarting(ledger)
    ledger.tasks.mark_start(ORDERS, ID, "ERROR")
    closed(ledger)

    assert not ledger.tasks.mark_start(ORDERS, ID, "ERROR").fresh


def test_a_released_claim_is_no_restart(ledger: Ledger) -> None:
    restarting(ledger)
    ledger.tasks.mark_start(ORDERS, ID, "")
    ledger.tasks.release_claim(ORDERS, ID)
    ledger.tasks.release_claim(ORDERS, ID)

    assert ledger.tasks.attempts([ORDERS], START) == {ORDERS: ()}
    assert ledger.tasks.mark_start(ORDERS, ID, "").fresh


def test_closing_ends_everything_and_a_second_close_returns_the_first(
    ledger: Ledger, items: Items, database: Any, table: str
) -> None:
    waiting(ledger)
    denial = Decision(approved=False, by="arn:aws:iam::1:user/anna", reason="planned work")
    first = ledger.close(ID, Outcome(Status.DENIED, "no", decision=denial))

    assert first.approval.status is Status.DENIED
    assert first.approval.decision == denial
    assert ledger.tasks.leases([ORDERS]) == {}
    assert inbox(database, table) == []
    assert ("TOKEN#" + ID, "TOKEN") not in items()
    (line,) = ledger.tasks.history(ORDERS)
    assert (line.status, line.by, line.reason) == (Status.DENIED, "anna", "planned work")
    (run_row,) = ledger.runs.proposals("run-1")
    assert run_row.status is Status.DENIED
    assert {sort for pk, sort in items() if pk == "APPROVAL#" + ID} == {
        "RECORD",
        "EVENT#10-proposed",
        "EVENT#20-evaluated",
        "EVENT#30-requested",
        "EVENT#40-decided",
        "EVENT#50-closed",
    }
    before = items()

    assert ledger.close(ID, Outcome(Status.FAILED, "late")) == first
    assert items() == before


def test_what_an_approval_chose_is_in_the_row_of_a_restart_that_never_began(ledger: Ledger) -> None:
    options = options_of(AnomalyKind.POSITION_LOST, None)
    opened(ledger, replace(proposal(), kind=AnomalyKind.POSITION_LOST, action=Action.RESUME, options=options))
    chosen = Decision(approved=True, option="reload")

    closed = ledger.close(ID, Outcome(Status.FAILED, "it never began", decision=chosen)).approval

    assert closed.decision == chosen
    assert [run_row.action for run_row in ledger.runs.proposals("run-1")] == [Action.RELOAD]


def test_a_close_that_died_halfway_is_finished_by_the_next(
    database: Any, table: str, clock: FakeClock, ledger: Ledger
) -> None:
    waiting(ledger)

    class Dying:
        """Dies after the record is final, before the tasks are freed."""

        def __init__(self) -> None:
            self.calls = 0

        def __getattr__(self, name: str) -> Any:
            if name == "transact_write_items":
                self.calls += 1
                if self.calls == 2:
                    raise KeyboardInterrupt
            return getattr(database, name)

    with pytest.raises(KeyboardInterrupt):
        Ledger(Table(Dying(), table), clock).close(ID, Outcome(Status.EXPIRED))
    assert ledger.record(ID).approval.status is Status.EXPIRED
    assert ORDERS in ledger.tasks.leases([ORDERS])

    ledger.close(ID, Outcome(Status.EXPIRED))

    assert ledger.tasks.leases([ORDERS]) == {}
    assert len(ledger.tasks.history(ORDERS)) == 1


def test_closing_leaves_the_lease_of_a_newer_proposal(ledger: Ledger, clock: FakeClock) -> None:
    opened(ledger, proposal())
    clock.sleep(LEASE_SECONDS + 1)
    opened(ledger, proposal(OTHER, execution_name="run-2"), run="run-2")

    ledger.close(ID, Outcome(Status.ABANDONED))

    assert ledger.tasks.leases([ORDERS])[ORDERS].proposal_id == OTHER


def test_the_result_of_a_restart_is_kept_until_it_is_closed(ledger: Ledger) -> None:
    waiting(ledger)
    ledger.begin_restart(ID, Decision(approved=True))
    up = Outcome(Status.RESTARTED, targets=(TaskOutcome(ORDERS, Status.RESTARTED),))

    assert ledger.save_result(ID, up) == up
    assert ledger.save_result(ID, Outcome(Status.FAILED)) == up
    assert ledger.record(ID).approval.status is Status.RESTARTING


def why_quiet(ledger: Ledger, limits: RestartLimits = LIMITS) -> str:
    quiet = ledger.tasks.quiet([ORDERS], limits, {}).get(ORDERS)
    return quiet.words() if quiet else ""


@pytest.mark.parametrize(
    ("seconds", "why"),
    [(3600, "snoozed until 2026-03-07 04:00 UTC by anna"), (10**15, "snoozed until 2026-04-06 03:00 UTC by anna")],
)
def test_a_denial_can_snooze(ledger: Ledger, clock: FakeClock, seconds: int, why: str) -> None:
    opened(ledger, proposal())
    denial = Decision(approved=False, by="arn:aws:iam::1:user/anna", snooze_seconds=seconds)
    ledger.close(ID, Outcome(Status.DENIED, decision=denial))

    assert why_quiet(ledger) == why
    clock.sleep(seconds if seconds < 10**9 else 30 * 86400)
    assert why_quiet(ledger) == ""


def test_a_denial_keeps_a_task_quiet_for_a_while(ledger: Ledger, clock: FakeClock) -> None:
    opened(ledger, proposal())
    denial = Decision(approved=False, by="arn:aws:iam::1:user/anna")
    ledger.close(ID, Outcome(Status.DENIED, decision=denial), quiet_after_denial=900)

    why = "denied, not asked again until 2026-03-07 03:15 UTC by anna"
    assert why_quiet(ledger) == why
    clock.sleep(900)
    assert why_quiet(ledger) == ""


@pytest.mark.parametrize(
    ("older", "newer", "until"),
    [(3600, 28800, "2026-03-07 11:10"), (28800, 3600, "2026-03-07 11:00"), (0, 3600, "2026-03-07 04:10")],
)
def test_repeating_an_old_denial_never_shortens_a_silence(
    ledger: Ledger, clock: FakeClock, older: int, newer: int, until: str
) -> None:
    denied = Decision(approved=False, by="anna", snooze_seconds=older)
    opened(ledger, proposal())
    ledger.close(ID, Outcome(Status.DENIED, decision=denied), quiet_after_denial=900)
    clock.sleep(600)
    opened(ledger, proposal("ffffffffffff"))
    ledger.close("ffffffffffff", Outcome(Status.DENIED, decision=replace(denied, by="bert", snooze_seconds=newer)))

    ledger.close(ID, Outcome(Status.DENIED, decision=denied), quiet_after_denial=900)

    assert until in why_quiet(ledger)


def test_what_nobody_answered_is_asked_again(ledger: Ledger) -> None:
    opened(ledger, proposal())
    ledger.close(ID, Outcome(Status.EXPIRED), quiet_after_denial=900)

    assert why_quiet(ledger) == ""


def test_a_restarted_task_cools_down_and_has_a_budget(ledger: Ledger, clock: FakeClock) -> None:
    for index in range(3):
        restarting(ledger, f"{index:012x}")
        ledger.tasks.mark_start(ORDERS, f"{index:012x}", "")
        ledger.tasks.finish_restart_claim(ORDERS, f"{index:012x}", TaskOutcome(ORDERS, Status.RESTARTED))
        ledger.close(f"{index:012x}", Outcome(Status.RESTARTED))
        clock.sleep(60)
        assert len(ledger.tasks.attempts([ORDERS], START)[ORDERS]) == index + 1

    assert why_quiet(ledger) == "restart budget spent: 3 attempts in the last hour, until 2026-03-07 04:00 UTC"
    roomy = RestartLimits(per_hour=9, cooldown_seconds=900)
    assert why_quiet(ledger, roomy) == "restarted, cooling down until 2026-03-07 03:17 UTC"
    clock.sleep(900)
    assert why_quiet(ledger, roomy) == ""
    clock.sleep(2700)
    assert why_quiet(ledger) == ""


def test_restarts_that_are_known_are_not_read_again(ledger: Ledger, clock: FakeClock) -> None:
    recent = clock() - timedelta(seconds=60)
    (quiet,) = ledger.tasks.quiet([ORDERS], LIMITS, {ORDERS: (Attempt(recent, None),)}).values()
    assert (quiet.kind, quiet.until) == (MuteReason.COOLDOWN, recent + timedelta(seconds=LIMITS.cooldown_seconds))


def test_a_record_of_a_newer_version_is_refused(ledger: Ledger, database: Any, table: str) -> None:
    opened(ledger, proposal())
    database.update_item(
        TableName=table,
        Key={"pk": {"S": "APPROVAL#" + ID}, "sk": {"S": "RECORD"}},
        UpdateExpression="SET version = :v",
        ExpressionAttributeValues={":v": {"N": "2"}},
    )

    with pytest.raises(RecordTooNew):
        ledger.record(ID)
    with pytest.raises(RecordTooNew):
        ledger.close(ID, Outcome(Status.EXPIRED))


def test_there_is_no_record_of_what_was_not_proposed(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        ledger.record(ID)


def test_a_run_is_summed_up(ledger: Ledger) -> None:
    assert ledger.runs.summary("run-1") is None
    summary = RunSummary(ARN, "run-1", START, servers=2, tasks=9)

    ledger.runs.sum_up(summary)

    assert ledger.runs.summary("run-1") == summary


def test_everything_expires_one_day(ledger: Ledger, items: Items) -> None:
    waiting(ledger)
    ledger.begin_restart(ID, Decision(approved=True))
    ledger.tasks.mark_start(ORDERS, ID, "")
    ledger.runs.sum_up(RunSummary(ARN, "run-1", START))
    ledger.close(ID, Outcome(Status.DENIED, decision=Decision(approved=False, snooze_seconds=60)))

    assert [key for key, item in items().items() if int(item.get(keys.TTL, 0)) <= START.timestamp()] == []


def test_what_another_invocation_has_started_is_not_said_to_be_down(ledger: Ledger) -> None:
    ledger.open_proposals("run-1", [proposal(ID)], 7200)
    digest = ledger.save_evaluation(ID, EVALUATION, ASK).approval.digest
    begun = ledger.begin_restart(ID, Decision(approved=True, digest=digest))
    ledger.tasks.mark_start(ORDERS, ID, "ERROR")
    said = Outcome(Status.STILL_DOWN)
    with pytest.raises(TransientError):
        ledger.save_result(ID, said, none_since=begun.starts)
    assert ledger.record(ID).approval.outcome is None
    ledger.tasks.release_claim(ORDERS, ID)
    again = ledger.record(ID)
    assert ledger.save_result(ID, said, none_since=again.starts) == said
    assert ledger.save_result(ID, Outcome(Status.FAILED), none_since=begun.starts) == said
    with pytest.raises(LeaseLost):
        ledger.tasks.mark_start(ORDERS, ID, "ERROR")
