"""What a denial leaves behind: the tasks as they are, and when somebody is asked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from qlikops.domain.fleet import FleetSnapshot, TaskSnapshot
from qlikops.domain.latest import Latest
from qlikops.domain.task import StopReason, TaskFacts, TaskState
from qlikops.presentation import denial
from qlikops.presentation.tone import plain
from tests.unit.presentation.samples import NOW, proposal

ONE = proposal()
KEY = ONE.targets[0].key
RUNS = TaskSnapshot(TaskFacts(KEY, TaskState.RUNNING, StopReason.NONE))


def poll(*tasks: TaskSnapshot) -> Latest:
    return Latest.of(FleetSnapshot(NOW - timedelta(seconds=12), "run-2", (), tasks), ONE)


@pytest.mark.parametrize(
    ("latest", "now", "stays"),
    [
        (poll(RUNS), NOW, "1 task as now: RUNNING, seen 12s ago"),
        (poll(), NOW, "1 task as proposed: 1 ERROR; not seen since"),
        (None, NOW, "1 task as proposed: 1 ERROR; what the last poll says has not been read"),
        (None, None, "1 task as proposed: 1 ERROR"),
    ],
)
def test_the_tasks_stay_as_the_last_poll_saw_them(latest: Latest | None, now: datetime | None, stays: str) -> None:
    line, _ = denial.aftermath([ONE], None, latest, now)
    assert (line.label, line.text) == ("stays", stays)


def test_of_several_the_states_are_counted_and_a_snooze_says_how_long() -> None:
    stalled = replace(ONE, targets=(replace(ONE.targets[0], state=TaskState.RUNNING), *ONE.targets))
    stays, then = denial.aftermath([ONE, stalled], timedelta(hours=4))
    assert stays.text == "3 tasks as proposed: 2 ERROR, 1 RUNNING"
    assert then.text == "left alone for 4h00m; if still broken, asked again"
    _, then = denial.aftermath([ONE], None)
    assert "the usual cooldown" in then.text


def test_how_bad_it_is_to_do_nothing_is_said_in_a_few_words() -> None:
    assert plain(denial.brief(ONE)) == "■ critical FATAL_TRANSIENT"
