"""Which of a proposal's tasks are no longer as they were proposed on, by the last poll."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskState
from qlikops.domain.gathered.latest import Latest
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from tests.unit.domain.samples import KEY, NOON, PROPOSAL

KIND = PROPOSAL.kind
SAME = TaskSnapshot(
    TaskFacts(KEY, TaskState.ERROR, StopReason.FATAL_ERROR), anomalies=(Anomaly(KIND, Severity.CRITICAL, KEY, ""),)
)


def seen(*tasks: TaskSnapshot) -> Latest:
    return Latest.of(FleetSnapshot(NOON, "run-2", (), tasks), PROPOSAL)


@pytest.mark.parametrize(
    ("task", "is_changed"),
    [
        (SAME, False),
        (replace(SAME, facts=replace(SAME.facts, state=TaskState.RUNNING)), True),
        (replace(SAME, facts=replace(SAME.facts, stop_reason=StopReason.RECOVERABLE_ERROR)), True),
        (replace(SAME, anomalies=(Anomaly(AnomalyKind.POSITION_LOST, Severity.CRITICAL, KEY, ""),)), True),
        (replace(SAME, anomalies=()), True),
    ],
)
def test_another_state_or_another_finding_is_a_change(task: TaskSnapshot, is_changed: bool) -> None:
    latest = seen(task)
    assert latest.saw_any
    assert latest.changed(KIND) == (((PROPOSAL.targets[0], task),) if is_changed else ())


@pytest.mark.parametrize("tasks", [(), (replace(SAME, is_unread=True),)])
def test_a_task_that_the_poll_did_not_see_has_not_changed(tasks: tuple[TaskSnapshot, ...]) -> None:
    latest = seen(*tasks)
    assert not latest.saw_any
    assert latest.tasks == ((PROPOSAL.targets[0], None),)
    assert latest.changed(KIND) == ()


def test_of_a_part_of_the_tasks_it_says_what_concerns_that_part() -> None:
    latest = seen(SAME)
    assert latest.only(PROPOSAL.targets) == latest
    assert latest.only(()).tasks == ()
