"""What the last poll says of what waits, and what it does not say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.gathered.latest import Latest
from qlikops.domain.proposals.proposal import ProposedTask
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.presentation.pages import latest
from tests.unit.agent.fakes import START, proposal

KEYS = tuple(TaskKey("default", "replicate-1", name) for name in ("invoices", "orders"))
ONE, TWO = proposal("0123456789ab", KEYS[1]), proposal("0123456789ab", *KEYS)
NOW = START + timedelta(seconds=12)


def snapshot_of(key: TaskKey, state: TaskState, kind: AnomalyKind | None = None) -> TaskSnapshot:
    stop = StopReason.FATAL_ERROR if state is TaskState.ERROR else StopReason.NONE
    anomalies = (Anomaly(kind, Severity.CRITICAL, key, ""),) if kind else ()
    return TaskSnapshot(TaskFacts(key, state, stop), anomalies=anomalies)


def poll(*tasks: TaskSnapshot) -> FleetSnapshot:
    return FleetSnapshot(START, "run-2", (), tasks)


AS_PROPOSED = [snapshot_of(key, TaskState.ERROR, AnomalyKind.FATAL_TRANSIENT) for key in KEYS]
RUNS = snapshot_of(KEYS[1], TaskState.RUNNING)
LOST = snapshot_of(KEYS[1], TaskState.ERROR, AnomalyKind.POSITION_LOST)


def words(*lines: object) -> str:
    return " | ".join(f"{line.label} {line.text}" for line in lines)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("seen", "shown", "doubt"),
    [
        (Latest.of(poll(AS_PROPOSED[1]), ONE), "Now ERROR, seen 12s ago", ""),
        (
            Latest.of(poll(RUNS), ONE),
            "Now RUNNING, seen 12s ago; no longer as proposed",
            "it is no longer as proposed: RUNNING, seen 12s ago",
        ),
        (
            Latest.of(poll(LOST), ONE),
            "Now ERROR, seen 12s ago; no longer as proposed | Found POSITION_LOST",
            "it is no longer as proposed: ERROR, seen 12s ago",
        ),
        (Latest.of(poll(), ONE), "Now not seen, by the poll 12s ago", ""),
        (Latest.of(poll(replace(RUNS, is_unread=True)), ONE), "Now not seen, by the poll 12s ago", ""),
        (None, "Now what the last poll says has not been read", ""),
    ],
)
def test_one_task_is_shown_as_the_last_poll_saw_it(seen: Latest | None, shown: str, doubt: str) -> None:
    assert words(*latest.lines(ONE, seen, NOW)) == shown
    assert latest.doubts(ONE, seen, NOW) == ((doubt,) if doubt else ())


def test_of_a_group_is_counted_what_is_no_longer_as_proposed() -> None:
    seen = Latest.of(poll(AS_PROPOSED[0], RUNS), TWO)
    assert words(*latest.lines(TWO, seen, NOW)) == (
        "Now 1 ERROR, 1 RUNNING, seen 12s ago; 1 of 2 tasks is no longer as proposed"
    )
    assert latest.doubts(TWO, seen, NOW) == ("1 of 2 tasks is no longer as proposed, seen 12s ago",)


def test_what_another_state_than_error_is_proposed_on_is_as_proposed() -> None:
    stalled = replace(
        ONE, kind=AnomalyKind.STALLED, targets=(ProposedTask(KEYS[1], TaskState.RUNNING, StopReason.NONE),)
    )
    seen = Latest.of(poll(snapshot_of(KEYS[1], TaskState.RUNNING, AnomalyKind.STALLED)), stalled)
    assert latest.doubts(stalled, seen, NOW) == ()
