"""Since when a target is out of freshness, from poll to poll, whatever becomes of its task."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from qlikops.agent.config import FreshnessLimits
from qlikops.agent.propose.correlation import propose
from qlikops.domain.fleet.freshness import Freshness
from qlikops.domain.fleet.task import Fetched, TaskFacts, TaskState
from qlikops.domain.proposals.approval import InboxRow, ProposalRecord, Status
from qlikops.domain.runs.snapshot import FleetSnapshot
from tests.unit.agent.fleet import CONFIG, NOW, SERVER, after, failed, only_task, poll, task

LIMITS = FreshnessLimits(tags={"Gold": timedelta(minutes=15)}, tasks={"eu-1/other": timedelta(minutes=5)})
GOLDEN = replace(CONFIG, freshness=LIMITS)
TAGS: dict[str, Any] = {"tags": ("gold",)}


def polled(*polls: TaskFacts, every: int = 300) -> FleetSnapshot:
    """Polls so many seconds apart."""
    snapshot: FleetSnapshot | None = None
    for number, facts in enumerate(polls):
        snapshot = poll(facts, previous=snapshot, at=number * every, config=GOLDEN)
    assert snapshot is not None
    return snapshot


def freshness(snapshot: FleetSnapshot) -> Freshness | None:
    return only_task(snapshot).memory.freshness


def running(latency: int) -> TaskFacts:
    return task(**TAGS, total_latency_seconds=latency)


DOWN = failed(**TAGS, total_latency_seconds=None)


def test_a_task_that_goes_down_is_out_of_freshness_once_what_its_target_has_is_too_old() -> None:
    for polls, is_stale in ((2, False), (3, False), (4, True), (9, True)):
        found = freshness(polled(running(60), *[DOWN] * (polls - 1)))
        assert found is not None
        # As of a minute before the first poll, and 15 minutes are allowed.
        assert (found.name, found.limit_seconds, found.stale_from) == ("Gold", 900, after(840))
        assert found.is_stale(after(300 * (polls - 1))) is is_stale


def test_it_stays_out_of_freshness_until_it_has_caught_up() -> None:
    story = [running(60), *[DOWN] * 5, running(1800), running(1500), running(1200), running(901)]
    for number in range(4, len(story) + 1):
        found = freshness(polled(*story[:number]))
        assert found is not None
        assert found.stale_from == after(840)
    fresh = freshness(polled(*story, running(600)))
    assert fresh is not None
    assert not fresh.is_stale(after(300 * len(story)))


def test_a_running_task_that_falls_behind_was_fresh_at_the_poll_before() -> None:
    found = freshness(polled(running(60), running(4000), running(4300)))
    assert found is not None
    assert found.stale_from == NOW


@pytest.mark.parametrize("before", [0, 60])
def test_a_forecast_takes_three_polls_of_a_task_that_runs_again(before: int) -> None:
    story = [running(before), *[DOWN] * 20, running(0), running(6300), running(5700), running(5100)]
    assert [bool((each := freshness(polled(*story[:number]))) and each.forecast) for number in (23, 24, 25)] == [
        False,
        False,
        True,
    ]
    last = freshness(polled(*story))
    assert last is not None
    assert last.current_from is not None
    # 600 s in a poll, 4,200 s to go: 35 minutes.
    assert last.current_from < after(300 * 24 + 2100) < (last.current_by or NOW)
    assert not (again := freshness(polled(*story, DOWN))) or not again.forecast


@pytest.mark.parametrize(
    "facts",
    [
        task(),
        task(tags=("silver",)),
        failed(**TAGS),
        task(**TAGS, total_latency_seconds=None),
        task(**TAGS, full_load_completed=False),
        task(**TAGS, apply_changes_enabled=False),
    ],
)
def test_nothing_is_said_without_a_limit_or_a_position_or_of_what_reads_no_changes(facts: TaskFacts) -> None:
    assert freshness(polled(facts)) is None


def test_the_limit_of_a_task_wins_over_that_of_its_tag() -> None:
    snapshot = poll(task("other", **TAGS, total_latency_seconds=400), config=GOLDEN)
    (stale,) = snapshot.stale
    assert (stale.freshness.name, stale.freshness.stale_from) == ("eu-1/other", after(-100))


def test_a_state_that_is_old_is_as_of_when_it_was_fetched() -> None:
    def at(moment: datetime) -> FleetSnapshot:
        server = replace(SERVER, fetched=Fetched(moment, moment))
        return poll(running(60), servers=[server], config=GOLDEN)

    assert not at(after(-300)).stale
    assert at(after(-900)).stale


def test_what_cannot_be_seen_is_not_said_to_be_out_of_freshness() -> None:
    snapshot = polled(running(60), DOWN, DOWN, DOWN)
    assert snapshot.stale
    unread = replace(snapshot, tasks=tuple(replace(each, is_unread=True) for each in snapshot.tasks))
    assert not unread.stale


def test_a_proposal_and_its_row_say_from_when_on_the_target_is_too_old() -> None:
    snapshot = polled(running(60), DOWN, DOWN)
    found = propose(snapshot, GOLDEN, execution_arn="arn", execution_name="run", now=after(600), blocked={})
    (proposal,) = found.proposals
    assert proposal.stale_from == after(840)
    assert any("Gold allows 15m00s: the data is fresh enough until" in item.value for item in proposal.evidence)
    row = InboxRow.of(ProposalRecord(proposal, Status.WAITING, after(600)), after(600), after(9000))
    assert row.stale_from == after(840)
    later, unknown = replace(row, stale_from=after(900)), replace(row, stale_from=None)
    pressing = replace(unknown, resume_until=after(99_999))
    assert sorted([unknown, later, row, pressing], key=lambda each: each.urgency) == [pressing, row, later, unknown]
    assert only_task(snapshot).facts.state is TaskState.ERROR
