"""What is known now: in the same words wherever it is met, and newer than the run that looked last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskState
from qlikops.domain.gathered.shift_entry import ShiftEntry, entry_of
from qlikops.domain.proposals.approval import Decision, Status
from qlikops.domain.proposals.lasting import Aftermath, Fall, Lasting, Streak, TaskLasting
from qlikops.domain.runs.run import Progress
from qlikops.domain.runs.snapshot import TaskProgress, TaskSnapshot
from qlikops.presentation.lists.now import by, load, of_entry, of_task
from qlikops.presentation.tone import Span, Tone
from tests.fakes import CALLER
from tests.unit.domain.samples import KEY, NOON, WAITING

HOUR = timedelta(hours=1)
AT = NOON - timedelta(minutes=14)
DECISION = Decision(approved=True, by=CALLER, at=NOON - timedelta(seconds=20))
FELL = TaskLasting(KEY, Lasting.FELL_OVER, 420, NOON, "ERROR: login refused")
WAIT = EndpointWait(EndpointKey("default", "eu", "ORA-PROD"), NOON, NOON + HOUR)


def entry(status: Status, **changes: Any) -> ShiftEntry:
    return replace(entry_of(WAITING), status=status, at=AT, decision=DECISION, **changes)


def task(state: TaskState = TaskState.ERROR, memory: TaskProgress | None = None, **facts: Any) -> TaskSnapshot:
    stop = StopReason.NONE if state is TaskState.RUNNING else StopReason.FATAL_ERROR
    return TaskSnapshot(replace(TaskFacts(KEY, state, stop), **facts), memory or TaskProgress())


@pytest.mark.parametrize(
    ("of", "words", "tone"),
    [
        (entry(Status.WAITING, deadline=NOON + HOUR), "waits, 1h00m", Tone.NEUTRAL),
        (entry(Status.WAITING, deadline=None), "waits for an answer", Tone.NEUTRAL),
        (entry(Status.RESTARTING), "restarting", Tone.INFO),
        (entry(Status.RESTARTING, progress=Progress(3, 0, 12)), "restarting: 3 of 12 up", Tone.INFO),
        (entry(Status.RESTARTING, progress=Progress(3, 1, 12)), "restarting: 3 of 12 up, 1 not up", Tone.WARNING),
        (entry(Status.RESTARTING, waits=WAIT), "waits for ORA-PROD until 13:00 UTC", Tone.INFO),
        (entry(Status.RESTARTING, progress=Progress(0, 0, 2, WAIT)), "waits for ORA-PROD until 13:00 UTC", Tone.INFO),
        (entry(Status.RESTARTED), "runs again since 11:46", Tone.GOOD),
        (
            entry(Status.RESTARTED, lasting=Aftermath(1, up_seconds=900)),
            "runs again since 11:46, still up after 15 min",
            Tone.NEUTRAL,
        ),
        (entry(Status.RESTARTED, lasting=Aftermath(1, lasted=1)), "runs again since 11:46, lasted", Tone.GOOD),
        (
            entry(Status.RESTARTED, lasting=Aftermath(1).with_results([FELL])),
            "fell over after 7 min: ERROR: login refused",
            Tone.DANGER,
        ),
        (
            entry(Status.RESTARTED, lasting=replace(Aftermath(2).with_results([FELL]), lasted=1)),
            "came up 2: 1 lasted, 1 fell over",
            Tone.DANGER,
        ),
        (entry(Status.DENIED), "denied", Tone.NEUTRAL),
        (entry(Status.DENIED, muted_until=NOON), "denied", Tone.NEUTRAL),
        (entry(Status.DENIED, muted_until=NOON + HOUR), "kept quiet until 13:00 UTC, in 1h00m", Tone.NEUTRAL),
        (entry(Status.FAILED, detail="it failed again"), "failed: it failed again", Tone.DANGER),
        (entry(Status.EXPIRED), "expired: nobody decided in time; nothing was restarted", Tone.WARNING),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_became_of_a_proposal(of: ShiftEntry, words: str, tone: Tone) -> None:
    assert of_entry(of, NOON) == Span(words, tone)


def test_who_decided() -> None:
    assert by(None) == ""
    assert by(DECISION) == "anna"
    assert by(DECISION, CALLER) == "you"
    assert by(replace(DECISION, automatic=True), CALLER) == "the policy"


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (entry(Status.RESTARTING, progress=Progress(3, 0, 12)), "approved by you 20s ago, restarting: 3 of 12 up"),
        (entry(Status.RESTARTING, waits=WAIT), "approved by you 20s ago, waits for ORA-PROD until 13:00 UTC"),
        (replace(entry(Status.RESTARTING), decision=None), "restarting"),
        (entry(Status.RESTARTED), "runs again since 11:46"),
        (entry(Status.DENIED), "denied"),
        (entry(Status.WAITING), None),
    ],
)
def test_what_was_decided_since_the_run_looked(deed: ShiftEntry, words: str | None) -> None:
    found = of_task(task(), AT - HOUR, deed, NOON, CALLER)
    assert (found.text if found else None) == words


def test_a_run_that_looked_later_knows_better_unless_the_task_fell_over() -> None:
    later = AT + timedelta(minutes=5)
    assert of_task(task(), later, entry(Status.RESTARTED), NOON) is None
    fell = entry(Status.RESTARTED, lasting=Aftermath(1).with_results([FELL]))
    found = of_task(task(), later, fell, NOON)
    assert found
    assert found.text.startswith("fell over after 7 min")
    assert of_task(task(TaskState.RUNNING), later, fell, NOON) is None


STALLED = Anomaly(AnomalyKind.STALLED, Severity.CRITICAL, KEY, "nothing is applied")
FALLS = Streak(tuple(Fall(AT, seconds, NOON) for seconds in (780, 540, 420)))


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (task(TaskState.RUNNING, TaskProgress(restarted_at=AT)), "runs again since 11:46"),
        (task(TaskState.RUNNING, TaskProgress(restarted_at=AT - HOUR)), None),
        (task(TaskState.RUNNING), None),
        (task(memory=TaskProgress(streak=FALLS)), "restarted 11:46 UTC, fell over after 7 min, the 3rd time in 24 h"),
        (task(memory=TaskProgress(streak=Streak(FALLS.falls[:1]))), "restarted 11:46 UTC, fell over after 13 min"),
        (task(memory=TaskProgress(streak=Streak())), None),
        (replace(task(memory=TaskProgress(streak=FALLS)), proposal_id="1"), None),
        (
            task(TaskState.RUNNING, full_load_completed=False, tables_completed=41, tables_loading=4, tables_queued=40),
            "loading: 41 of 85 tables",
        ),
    ],
)
def test_what_the_run_itself_knows(seen: TaskSnapshot, words: str | None) -> None:
    found = of_task(seen, NOON, None, NOON)
    assert (found.text if found else None) == words


def test_a_task_that_is_wrong_again_is_not_said_to_run_again() -> None:
    running = task(TaskState.RUNNING, TaskProgress(restarted_at=AT))
    assert of_task(replace(running, anomalies=(STALLED,)), NOON, None, NOON) is None


@pytest.mark.parametrize(
    ("state", "completed", "counts", "words"),
    [
        (TaskState.RUNNING, False, (1, 0, 2, 1), Span("loading: 1 of 4 tables, 1 with errors", Tone.WARNING)),
        (TaskState.RUNNING, True, (4, 0, 0, 0), None),
        (TaskState.RUNNING, None, (1, 0, 3, 0), None),
        (TaskState.ERROR, False, (1, 0, 3, 0), None),
        (TaskState.RUNNING, False, (None, None, None, None), None),
        (TaskState.RUNNING, False, (0, 0, 0, 0), None),
    ],
)
def test_how_far_a_load_is(
    state: TaskState, completed: bool | None, counts: tuple[int | None, ...], words: Span | None
) -> None:
    names = ("tables_completed", "tables_loading", "tables_queued", "tables_with_error")
    said: dict[str, Any] = dict(zip(names, counts, strict=True))
    assert load(task(state, full_load_completed=completed, **said).facts) == words
