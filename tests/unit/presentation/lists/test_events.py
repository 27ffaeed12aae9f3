"""Events as rows and in full, and what went into a state and came out of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from qlikops.domain.workflow.events import HistoryEvent
from qlikops.domain.workflow.execution import Source, StateStatus, StateVisit
from qlikops.domain.workflow.history import StepPath
from qlikops.presentation.lists import events
from qlikops.presentation.tone import Tone
from tests.unit.presentation import samples
from tests.unit.presentation.samples import HOSTILE, NOW

EVENTS = {event.id: event for event in samples.events()}
SCHEDULED, FAILED = EVENTS[12], EVENTS[13]
IN_ITEM = StepPath("EvaluateProposal", (0, 1))
NOWHERE = StepPath("", ())


@pytest.mark.parametrize(
    ("kind", "tone"),
    [
        ("TaskFailed", Tone.DANGER),
        ("TaskTimedOut", Tone.DANGER),
        ("MapStateAborted", Tone.DANGER),
        ("TaskSucceeded", Tone.GOOD),
        ("TaskScheduled", Tone.NEUTRAL),
    ],
)
def test_what_went_wrong_stands_out(kind: str, tone: Tone) -> None:
    assert events.cells(HistoryEvent(1, 0, kind, NOW, {}), NOWHERE)["type"].tone is tone


def test_a_row_says_what_happened_where_and_why() -> None:
    cells = {key: span.text for key, span in events.cells(FAILED, IN_ITEM).items()}
    assert cells == {
        "id": "13",
        "at": "11:08:13",
        "type": "TaskFailed",
        "state": "EvaluateProposal #1",
        "detail": "States.TaskFailed [red]no answer[/red]",
    }
    bare = events.cells(HistoryEvent(1, 0, "X", None, {}), NOWHERE)
    assert [bare[key].text for key in ("at", "state", "detail")] == ["", "", ""]


def test_of_an_arn_a_row_has_what_it_names() -> None:
    event = HistoryEvent(1, 0, "TaskScheduled", NOW, {"resource": "arn:aws:lambda:r:1:function:Evaluate", "index": 0})
    assert events.cells(event, NOWHERE)["detail"].text == "Evaluate index 0"
    assert events.search_text(event, IN_ITEM) == "1 TaskScheduled EvaluateProposal Evaluate index 0"


def test_an_event_in_full_is_indented_without_its_token() -> None:
    text = events.event_text(SCHEDULED, IN_ITEM)
    assert text.startswith("Event 12, TaskScheduled, EvaluateProposal, item 0.1\n2026-03-07 11:08:12 UTC\n\n")
    assert '"task_token": "[redacted]"' in text
    assert "timeoutInSeconds\n14400" in text
    assert events.event_text(HistoryEvent(1, 0, "X", None, {}), NOWHERE) == "Event 1, X\nno time"


VISIT = StateVisit("WaitForApproval", StateStatus.RUNNING, NOW, entered_event_id=10, map_path=(0,))


def test_a_state_shows_what_went_in_and_came_out() -> None:
    done = StateVisit("MonitorTasks", StateStatus.SUCCEEDED, NOW, NOW, entered_event_id=2, exited_event_id=3)
    text = events.state_text([done, VISIT], EVENTS.get)
    assert text.index("MonitorTasks: ✓ succeeded, entered 2026-03-07 11:20:00 UTC") < text.index("Input")
    assert '"source": "schedule"' in text
    assert '"proposal_count": 2' in text
    assert "WaitForApproval, item 0: ▶ running" in text
    assert re.search("─{40}", text)


def test_a_state_that_failed_says_how_often_it_was_tried_and_why() -> None:
    failed = replace(VISIT, attempts=2, error="Boom", cause='{"errorMessage": "no answer"}', entered_event_id=None)
    text = events.state_text([failed], EVENTS.get)
    assert "2 tries" in text
    assert "Error\nBoom" in text
    assert 'Cause\n{\n  "errorMessage": "no answer"\n}' in text


def test_what_only_the_ledger_knows_is_said_to_have_neither_input_nor_output() -> None:
    assert "By the ledger" in events.state_text([replace(VISIT, source=Source.LEDGER)], EVENTS.get)


def test_a_state_that_was_not_reached_says_so_and_many_runs_are_counted() -> None:
    assert "not reached" in events.state_text([], EVENTS.get)
    assert events.state_text([VISIT] * 52, EVENTS.get).endswith("… and 2 runs more")


def test_an_execution_shows_what_it_has_and_nothing_else() -> None:
    detail = replace(samples.execution_detail(), output="", error="Boom", cause="why")
    assert events.execution_text(detail) == (
        'Execution run-0711\n\nInput\n{\n  "source": "schedule"\n}\n\nError\nBoom\n\nCause\nwhy'
    )


def test_nothing_in_an_event_steers_a_terminal() -> None:
    event = HistoryEvent(1, 0, HOSTILE, NOW, {HOSTILE: HOSTILE, "cause": {"a": HOSTILE}})
    texts = [events.event_text(event, StepPath(HOSTILE, ())), events.search_text(event, NOWHERE)]
    texts += [span.text for span in events.cells(event, StepPath(HOSTILE, ())).values()]
    assert not [char for char in "".join(texts[:1] + texts[2:]) if char in "\x1b\u202e\x07"]


@pytest.mark.parametrize(
    ("width", "keys"),
    [
        (100, ["id", "at", "type", "state", "detail"]),
        (70, ["id", "type", "state", "detail"]),
        (60, ["id", "type", "state"]),
    ],
)
def test_what_enter_shows_in_full_goes_before_the_state(width: int, keys: list[str]) -> None:
    assert [column.key for column in events.columns(width)] == keys
