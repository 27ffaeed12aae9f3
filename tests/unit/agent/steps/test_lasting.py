"""Restarts that came up are followed by the runs after them: found, stored, told and shown, once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.agent.config import Thresholds
from qlikops.agent.steps.report import markdown
from qlikops.domain.fleet.task import RunOption, StopReason, TaskState
from qlikops.domain.ledger import FOLLOWED_PARTITION, track_partition
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.proposals.lasting import Aftermath, Lasting
from qlikops.domain.proposals.mute import MuteReason
from qlikops.qlik.simulator.library import CONNECTION_LOST
from qlikops.qlik.simulator.scenario import Scenario, ServerDown
from tests.scenarios.disturbed import Trouble
from tests.unit.agent.fakes import SERVER
from tests.unit.agent.machine import items
from tests.unit.agent.night import ORDERS, Night, falling_over, night, stalling
from tests.unit.agent.story import approving

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lasting() -> Iterator[Night]:
    """A night on which one restart is all that it takes."""
    with night(falling_over(HOUR, times=0)) as nights:
        nights.run()
        yield nights


@pytest.fixture
def falling() -> Iterator[Night]:
    """A night on which each restart is good for ten minutes."""
    with night(falling_over(10 * MINUTE)) as nights:
        nights.run()
        yield nights


def counts(nights: Night, *names: str) -> list[int]:
    """The track record's numbers."""
    found = nights.items_under(track_partition(nights.asked[0].proposal.counted_as, "resume"))
    return [sum(int(item[name]["N"]) for item in found if name in item) for name in names]


def test_what_lasts_is_up_after_the_first_look_and_has_lasted_after_the_last(lasting: Night) -> None:
    assert lasting.again(0).lasting is None
    lasting.live(20 * MINUTE)
    early = lasting.again(0).lasting
    assert early
    assert early.words() == "still up after 15 min"
    assert not early.is_over

    lasting.live(50 * MINUTE)

    record = lasting.again(0)
    assert record.lasting == Aftermath(1, lasted=1, up_seconds=early.up_seconds)
    assert record.lasting.words() == "lasted"
    assert record.status is Status.RESTARTED
    assert counts(lasting, "tried", "recovered", "lasted", "fell_over") == [1, 1, 1, 0]
    assert lasting.items_under(FOLLOWED_PARTITION) == []
    assert not lasting.told_of("fell over")
    assert len(lasting.asked) == 1


def test_what_falls_over_is_told_once_and_stands_beside_the_outcome(falling: Night) -> None:
    before = falling.again(0)
    falling.live(12 * MINUTE)

    record = falling.again(0)
    assert record.lasting
    (fell,) = record.lasting.not_lasted
    assert (fell.key, fell.result) == (ORDERS, Lasting.FELL_OVER)
    assert record.lasting.words() == "fell over after 10 min"
    assert (record.status, record.outcome) == (before.status, before.outcome)
    assert counts(falling, "recovered", "lasted", "fell_over") == [1, 0, 1]
    assert falling.items_under(FOLLOWED_PARTITION) == []
    (message,) = falling.told_of("fell over")
    assert f"{ORDERS} (qlikops show {record.approval_id}): fell over after 10 min" in message
    (line, *_) = falling.ledger.tasks.history(ORDERS)
    assert line.lasting == fell
    falling.ledger.tasks.end(replace(record, lasting=None), 0)  # a close that read the record before, written late
    assert falling.ledger.tasks.history(ORDERS)[0].lasting == fell


def test_a_run_that_finds_it_out_says_so_in_summary_and_report(falling: Night) -> None:
    falling.live(12 * MINUTE)

    summary = falling.ledger.runs.summary(f"run-{falling.runs}")
    assert summary
    assert summary.followed.words() == "of 1 that came up, 1 fell over"
    report = falling.agent.services.store.latest_report().report
    assert report
    assert report.followed == summary.followed
    assert "Earlier restarts: of 1 that came up, 1 fell over." in markdown(report)
    assert "| fell over after 10 min |" in markdown(report)


def test_the_next_proposal_says_first_how_often_it_did_not_help_and_who_evaluates_is_told(falling: Night) -> None:
    falling.live(50 * MINUTE)

    _, second, third = falling.asked[:3]
    assert second.proposal.title == "orders: 2nd time in 24 h, up 10 min: connection to the source lost"
    assert third.proposal.title == "orders: 3rd time in 24 h, up 10 min each time: connection to the source lost"
    assert third.proposal.reason.startswith("3rd time in 24 h, up 10 min each time. ")
    first = third.proposal.evidence[0]
    assert first.label == "restarts that did not last"
    assert first.value == "03:20 UTC, fell over after 10 min; 03:00 UTC, fell over after 10 min"
    assert third.evaluation
    assert third.evaluation.verdict is Verdict.CAUTION
    (asked, *_) = falling.told_of("resume replicate-1/orders?")[2:]
    assert asked.startswith("orders: 3rd time in 24 h, up 10 min each time")


@pytest.mark.parametrize("minutes", [10, 20, 30, 45, 60])
def test_a_night_of_failures_asks_six_times_at_most_and_says_why(minutes: int) -> None:
    with night(falling_over(minutes * MINUTE)) as nights:
        nights.live(8 * HOUR)

        assert 4 <= len(nights.asked) <= 6
        falls = sum(text.count("fell over after") for text in nights.told_of("fell over"))
        assert falls == len(nights.asked)  # each that fell over, once
        assert all(nights.again(number).lasting.fell_over == 1 for number in range(len(nights.asked)))  # type: ignore[union-attr]
        seen = nights.seen()
        assert "held: it was started again several times" in seen.note
        assert f"restarted 6 times in 24 h, up {minutes} min each time, and none lasted" in seen.anomalies[1].summary
        assert nights.told_of("keeps failing")


@pytest.mark.parametrize(
    ("trouble", "minutes", "stalled_after"),
    [(Trouble.STALL, 20, 1800), (Trouble.NO_PROCESS, 20, 600)],
)
def test_a_night_of_stalls_asks_six_times_at_most_too(trouble: Trouble, minutes: int, stalled_after: int) -> None:
    """The task is up all the time: only what is wrong with it says that the restart did not last."""
    with night(stalling(minutes * MINUTE, trouble), thresholds=Thresholds(stalled_seconds=stalled_after)) as nights:
        nights.live(8 * HOUR)

        titles = [each.proposal.title for each in nights.asked]
        assert 4 <= len(titles) <= 6, titles
        assert "orders: 3rd time in 24 h, up" in titles[2]
        assert all(nights.again(number).lasting.fell_over == 1 for number in range(len(titles) - 1))  # type: ignore[union-attr]
        falls = [nights.again(number).lasting.not_lasted[0] for number in range(len(titles) - 1)]  # type: ignore[union-attr]
        for number, fell in enumerate(falls, start=1):
            waited = nights.asked[number].proposal.created_at - fell.at
            assert waited >= (number * number + number) * MINUTE
            assert fell.seconds >= minutes * 60


def test_a_stall_that_a_restart_does_not_end_is_held_against_it_once_it_could_have_been_found() -> None:
    with night(stalling(0 * MINUTE), thresholds=Thresholds(stalled_seconds=1800)) as nights:
        nights.live(2 * HOUR)
        (fell,) = nights.again(0).lasting.not_lasted  # type: ignore[union-attr]
        assert fell.result is Lasting.FELL_OVER
        assert fell.seconds >= 1800
        assert "nothing applied for" in fell.detail


def test_each_restart_in_a_row_that_did_not_last_is_waited_for_longer(falling: Night) -> None:
    waits = []
    falling.live(6 * HOUR)
    for number in range(1, len(falling.asked)):
        fell = falling.again(number - 1).lasting
        assert fell
        waits.append(falling.asked[number].proposal.created_at - fell.not_lasted[0].at)
    for number, waited in enumerate(waits, start=1):
        assert waited >= (number * number + number) * MINUTE
    assert waits == sorted(waits)


def test_nothing_is_proposed_within_a_back_off_and_it_says_until_when(falling: Night) -> None:
    falling.live(31 * MINUTE)

    quiet = falling.seen().memory.quiet
    assert quiet
    assert quiet.kind is MuteReason.COOLDOWN
    assert quiet.words() == (
        "fell over after 10 min; 2 restarts in a row did not last, cooling down until 2026-03-07 03:41 UTC"
    )


def test_without_back_off_the_cooldown_is_all() -> None:
    with night(falling_over(10 * MINUTE), backoff_max_seconds=0) as nights:
        nights.live(45 * MINUTE)
        assert nights.asked[2].proposal.created_at - nights.asked[1].proposal.created_at == 15 * MINUTE


def test_one_that_lasted_begins_anew() -> None:
    with night(falling_over(10 * MINUTE, times=2)) as nights:
        nights.live(3 * HOUR)
        assert len(nights.asked) == 3
        assert nights.again(2).lasting == Aftermath(1, lasted=1, up_seconds=nights.again(2).lasting.up_seconds)  # type: ignore[union-attr]
        nights.agent.simulator.break_task("orders", message=CONNECTION_LOST)
        nights.run()
        assert nights.asked[3].proposal.title == "orders: connection to the source lost"


def test_a_task_that_somebody_else_got_going_for_long_begins_anew(falling: Night) -> None:
    falling.live(12 * MINUTE)
    falling.agent.simulator.break_task("orders", message=CONNECTION_LOST)
    with falling.agent.simulator.client(operator=True) as somebody:
        somebody.run(SERVER, "orders", RunOption.RESUME_PROCESSING)
    falling.live(2 * HOUR)
    assert len(falling.asked) == 1
    falling.agent.simulator.break_task("orders", message=CONNECTION_LOST)
    falling.run()

    assert falling.asked[1].proposal.title == "orders: connection to the source lost"


def test_a_stop_by_a_user_is_not_falling_over(lasting: Night) -> None:
    lasting.agent.simulator.break_task("orders", state=TaskState.STOPPED, stop_reason=StopReason.NORMAL)
    lasting.live(6 * MINUTE)

    found = lasting.again(0).lasting
    assert found
    assert (found.lasted, found.fell_over, found.unclear) == (0, 0, 1)
    assert found.words() == "whether it lasted cannot be said (it was stopped: STOPPED (NORMAL))"
    assert counts(lasting, "recovered", "lasted", "fell_over") == [1, 0, 0]
    assert not lasting.told_of("fell over")


def test_what_cannot_be_read_ends_as_not_known_an_hour_after_the_last_look_was_due() -> None:
    scenario = falling_over(HOUR, times=0)
    down: Scenario = replace(scenario, events=(*scenario.events, ServerDown(60, SERVER, "no route to host")))
    with night(down) as nights:
        nights.live(115 * MINUTE, every=10 * MINUTE)
        assert nights.again(0).lasting is None
        nights.live(20 * MINUTE)

        found = nights.again(0).lasting
        assert found
        assert found.words() == "whether it lasted cannot be said (it could not be read)"
        assert nights.items_under(FOLLOWED_PARTITION) == []


def test_a_message_that_does_not_go_out_is_tried_by_the_next_run(falling: Night) -> None:
    falling.agent.sns.broken = True
    falling.live(12 * MINUTE)
    assert falling.told_of("fell over") == []
    found_by = falling.runs
    falling.agent.sns.broken = False
    falling.live(5 * MINUTE)

    summaries = [falling.ledger.runs.summary(f"run-{number}") for number in range(found_by, falling.runs + 1)]
    assert [summary.followed.fallen for summary in summaries if summary] == [1, *[0] * (falling.runs - found_by)]

    assert len(falling.told_of("fell over")) == 1
    assert falling.items_under(FOLLOWED_PARTITION) == []


def test_runs_at_the_same_time_tell_once(falling: Night) -> None:
    falling.clock.sleep(11 * 60)
    other = falling.agent.monitor("beside")
    assert items(other) == []
    falling.run()

    assert len(falling.told_of("fell over")) == 1
    assert counts(falling, "fell_over") == [1]


def test_a_group_says_of_each_task_what_became_of_it() -> None:
    with night(falling_over(10 * MINUTE, "orders", "invoices", times=2)) as nights:
        nights.run()
        nights.agent.simulator.break_task("invoices", heals_after_seconds=1)
        nights.clock.sleep(2)
        nights.live(75 * MINUTE)

        record = nights.again(0)
        assert record.lasting
        assert record.lasting.words() == "came up 2: 1 lasted, 1 fell over"
        assert [each.key.task for each in record.lasting.not_lasted] == ["orders"]
        assert "qlikops: fell over again: replicate-1/orders" in nights.told
        assert f"(qlikops show {record.approval_id}): orders fell over after 10 min" in nights.told_of("fell over")[0]
        assert record.approval_id not in [item["sk"]["S"] for item in nights.items_under(FOLLOWED_PARTITION)]


def test_what_came_up_before_the_restart_was_recorded_is_followed_too() -> None:
    """The function died after its result was stored: the record is closed later, by what is stored."""
    with night(falling_over(10 * MINUTE)) as nights:
        monitored = nights.agent.monitor("run-1")
        (item,) = items(monitored)
        nights.agent.evaluate(item)
        nights.agent.request(item)
        nights.asked.append(nights.record(item))
        nights.agent.restart(item, approving(nights.record(item).digest))
        nights.clock.sleep(11 * 60)
        nights.agent.monitor("run-2")

        assert nights.record(item).status is Status.RESTARTING
        assert len(nights.told_of("fell over")) == 1
        nights.agent.record(item, {"status": "restarted"})
        record = nights.record(item)
        assert record.status is Status.RESTARTED
        assert record.lasting
        assert nights.ledger.tasks.history(ORDERS)[0].lasting == record.lasting.not_lasted[0]
        assert counts(nights, "tried", "recovered", "lasted", "fell_over") == [1, 1, 0, 1]
