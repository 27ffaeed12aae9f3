"""Each call of a run that follows a restart fails once, or its process dies after it: found, counted and told once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.remember.follow_ups import BODY_BYTES, FollowedTask, FollowUp, opening
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.table import Put, Table
from qlikops.agent.steps.lasting import RestartFollower
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import FOLLOWED_PARTITION, RECORD, Attribute, approval_partition, track_partition
from qlikops.domain.proposals.approval import Outcome, Status, TaskOutcome
from qlikops.domain.proposals.lasting import Lasting, TaskLasting
from qlikops.qlik.reader import read_fleet
from tests.unit.agent.fakes import START
from tests.unit.agent.faults import Call, Fault, Killed, Wire
from tests.unit.agent.machine import MACHINE
from tests.unit.agent.night import ORDERS, Night, falling_over, night, wired_night
from tests.unit.agent.story import faults_of

ID = "0123456789ab"
MINUTE = timedelta(minutes=1)
FOLLOWING = "following"
"""The run that finds out what became of the restart."""


@contextmanager
def followed(times: int | None, after: timedelta) -> Iterator[tuple[Night, Wire]]:
    """A restart, so long ago; the next run finds out that it fell over, or lasted."""
    with wired_night(falling_over(10 * MINUTE, times=times)) as (nights, wire):
        nights.agent.aws.client("sns").create_topic(Name="t")
        nights.run()
        nights.approves = False
        nights.clock.sleep(after.total_seconds())
        yield nights, wire


def look(nights: Night, wire: Wire) -> None:
    """That run, once more if it fails, and the next two."""
    wire.state = FOLLOWING
    try:
        nights.agent.monitor("run-2")
    except (Exception, Killed):
        assert wire.fired, "it failed by itself"
        nights.clock.sleep(5)
        nights.agent.monitor("run-2")
    wire.state = "later"
    nights.agent.states.statuses[f"{MACHINE}:run-2"] = "SUCCEEDED"
    for name in ("run-3", "run-4"):
        nights.clock.sleep(300)
        nights.agent.monitor(name)


def told(nights: Night) -> int:
    """How often people were told that it fell over."""
    published = nights.agent.aws.client("sns")._model.published
    return sum(message["Subject"].startswith("qlikops: fell over") for _, message in published)


def check(nights: Night, *, fell_over: bool) -> None:
    """What holds however it went."""
    record = nights.again(0)
    assert record.status is Status.RESTARTED
    assert record.lasting
    assert record.lasting.is_over
    assert (record.lasting.lasted, record.lasting.fell_over) == (not fell_over, fell_over)
    assert nights.items_under(FOLLOWED_PARTITION) == []
    (counted,) = nights.items_under(track_partition(record.proposal.counted_as, "resume"))
    names = {name for name in ("lasted", "fell_over") if counted.get(name) == {"N": "1"}}
    assert names == {"fell_over" if fell_over else "lasted"}


@pytest.mark.parametrize(("times", "minutes"), [(None, 11), (0, 61)], ids=["fell over", "lasted"])
def test_each_call_fails_once(times: int | None, minutes: int) -> None:
    fell_over = times is None
    with followed(times, minutes * MINUTE) as (nights, wire):
        look(nights, wire)
        check(nights, fell_over=fell_over)
        assert told(nights) == fell_over
        calls = [call for call in wire.calls if call.state == FOLLOWING]
    assert {"Query", "TransactWriteItems"} <= {call.name for call in calls}
    for call, fault in faults_of(calls, FOLLOWING):
        with ExitStack() as stack:
            nights, wire = stack.enter_context(followed(times, minutes * MINUTE))
            wire.fault = (call, fault)
            look(nights, wire)
            try:
                assert wire.fired
                check(nights, fell_over=fell_over)
                # Of a message whose process died nobody knows whether it went out: twice beats never.
                assert told(nights) in ({1, 2} if is_told_twice(calls, call, fault) else {int(fell_over)})
            except AssertionError as exc:
                raise AssertionError(f"{call} {fault}: {exc}") from exc


def is_told_twice(calls: list[Call], call: Call, fault: Fault) -> bool:
    """Whether the process died after the message, or could not keep in the ledger that it went out."""
    told_at = next((number for number, each in enumerate(calls) if each.name == "Publish"), len(calls))
    at = calls.index(call)
    return at > told_at or (at == told_at and fault is Fault.KILLED)


def test_two_runs_with_the_same_reading_find_it_out_once() -> None:
    """One that stands still after it has read applies what it saw to what is there by then."""
    with followed(None, 11 * MINUTE) as (nights, _):
        services = nights.agent.services
        follower = RestartFollower(nights.ledger, services.notifier, services.config, nights.clock)
        open_, looked_at = nights.ledger.follow_ups.open(), nights.clock.now
        reading = read_fleet(services.instances(), client_factory=nights.agent.simulator.client)
        first = follower.look(open_, reading, looked_at, {})
        second = follower.look(open_, reading, looked_at, {})

        assert first.followed.fallen == 1
        assert second.untold[0][0].revision == first.untold[0][0].revision
        look(nights, Wire(nights.agent.aws))
        check(nights, fell_over=True)


def test_what_another_run_found_since_is_told_with_it() -> None:
    """What is forgotten after the message is what the message said, not what the run saw when it looked."""
    with night(falling_over(10 * MINUTE, "orders", "invoices")) as nights:
        nights.run()
        services, open_ = nights.agent.services, nights.ledger.follow_ups.open()
        follower = RestartFollower(nights.ledger, services.notifier, services.config, nights.clock)
        up = read_fleet(services.instances(), client_factory=nights.agent.simulator.client).tasks
        nights.clock.sleep(11 * 60)
        down = read_fleet(services.instances(), client_factory=nights.agent.simulator.client)
        first_down = [*(each for each in up if each.key.task == "invoices"), *down.tasks]
        one = replace(down, tasks=tuple({each.key: each for each in reversed(first_down)}.values()))
        early = follower.look(open_, one, nights.clock.now, {})
        follower.look(nights.ledger.follow_ups.open(), down, nights.clock.now, {})
        follower.tell(Run(f"{MACHINE}:early", "early", codec.format_time(nights.clock.now)), early)

        (message,) = nights.told_of("fell over")
        assert "2 tasks fell over: orders after" in message
        assert nights.ledger.follow_ups.open() == []


def test_what_was_read_before_the_task_came_up_says_nothing_of_it() -> None:
    with followed(None, 11 * MINUTE) as (nights, _):
        services = nights.agent.services
        follower = RestartFollower(nights.ledger, services.notifier, services.config, nights.clock)
        reading = read_fleet(services.instances(), client_factory=nights.agent.simulator.client)
        open_ = nights.ledger.follow_ups.open()

        assert follower.look(open_, reading, open_[0].follow_up.tasks[0].up_at, {}).untold == ()
        assert nights.again(0).lasting is None


def test_what_lasted_is_counted_once_though_the_record_was_read_before_it_was_counted() -> None:
    with followed(0, 61 * MINUTE) as (nights, _):
        (stored,) = nights.ledger.follow_ups.open()
        record = replace(nights.ledger.record(nights.asked[0].approval_id), is_counted=False)

        def last(follow_up: FollowUp) -> FollowUp:
            return replace(follow_up, tasks=(), so_far=replace(follow_up.so_far, lasted=1))

        nights.ledger.follow_ups.change(stored, last, record)

        check(nights, fell_over=False)


@pytest.mark.parametrize("is_first", [True, False])
def test_one_that_was_restarted_again_did_not_last_for_being_up(is_first: bool) -> None:
    with followed(0, 61 * MINUTE) as (nights, _):
        services, (stored,) = nights.agent.services, nights.ledger.follow_ups.open()
        again = FollowedTask(ORDERS, nights.clock.now - 30 * MINUTE)
        newer = replace(stored, follow_up=replace(stored.follow_up, proposal_id=ID, tasks=(again,)))
        reading = read_fleet(services.instances(), client_factory=nights.agent.simulator.client)
        follower = RestartFollower(nights.ledger, services.notifier, services.config, nights.clock)

        seen = follower.look((stored, newer) if is_first else (newer, stored), reading, nights.clock.now, {})

        assert (seen.followed.lasted, seen.followed.unclear) == (0, 1)
        found = nights.again(0).lasting
        assert found
        assert found.words() == "whether it lasted cannot be said (it was restarted again)"


def test_one_that_cannot_be_read_stops_no_other(database: Any, table: str, ledger: Ledger, caplog: Any) -> None:
    items = Table(database, table)
    for proposal_id in ("broken", "good", "newer"):
        items.commit(
            *opening(proposal_id, Outcome(Status.RESTARTED, targets=(TaskOutcome(ORDERS, Status.RESTARTED),)), START)
        )
    broken = Put({"pk": FOLLOWED_PARTITION, "sk": "broken", Attribute.BODY: "{", Attribute.REVISION: 1})
    bare = Put({"pk": FOLLOWED_PARTITION, "sk": "newer"})
    items.commit(broken, bare)

    assert [each.follow_up.proposal_id for each in ledger.follow_ups.open()] == ["good"]
    assert [message.split(" is not")[0] for message in caplog.messages] == ["FOLLOWED broken", "FOLLOWED newer"]


def test_nor_does_a_record_that_cannot_be_read(database: Any, table: str, ledger: Ledger) -> None:
    Table(database, table).commit(Put({"pk": approval_partition(ID), "sk": RECORD, Attribute.PROPOSAL: "{"}))
    assert ledger.readable([ID]) == []


@pytest.mark.parametrize("name", ["task_%03d", "受注データ連携_本番環境_%03d"])
def test_what_is_said_of_many_tasks_is_cut_until_it_fits(database: Any, table: str, ledger: Ledger, name: str) -> None:
    keys = [TaskKey("default", "replicate-eu-1.example.com", name % number) for number in range(500)]
    items = Table(database, table)
    items.commit(
        *opening(
            ID, Outcome(Status.RESTARTED, targets=tuple(TaskOutcome(key, Status.RESTARTED) for key in keys)), START
        )
    )
    (stored,) = ledger.follow_ups.open()
    fallen = tuple(TaskLasting(key, Lasting.FELL_OVER, 420, START, "😀" * 160) for key in keys)

    def fall(follow_up: FollowUp) -> FollowUp:
        return replace(follow_up, tasks=(), so_far=follow_up.so_far.with_results(fallen), untold=fallen)

    ledger.follow_ups.change(stored, fall)

    (found,) = ledger.follow_ups.open()
    assert [each.key for each in found.follow_up.untold] == keys
    assert len(found.follow_up.untold[0].detail) == 40
    item = items.get((FOLLOWED_PARTITION, ID))
    assert item
    assert len(str(item[Attribute.BODY]).encode()) <= BODY_BYTES
