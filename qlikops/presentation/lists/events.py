"""The events of a history as a table, and one of them, or a state's runs, in full."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.events import HistoryEvent
from qlikops.domain.workflow.execution import ExecutionDetail, Source, StateVisit
from qlikops.domain.workflow.history import StepPath
from qlikops.presentation import vocabulary
from qlikops.presentation.lists.executions import payload
from qlikops.presentation.table import Cells, Column, fit
from qlikops.presentation.tone import Span, Tone, outside

COLUMNS = (
    Column("id", "Id", 6, right=True),
    Column("at", "Time", 8, goes=10),
    Column("type", "Event", 22),
    Column("state", "State", 20),
    # Enter shows an event in full.
    Column("detail", "Detail", 12, flexible=True, goes=20),
)
_RUNS_SHOWN = 50
_DETAILS = ("error", "cause", "resource", "index", "length", "output", "input", "redriveCount")
"""Details of an event that its line has if they are there, most telling first."""
_SPELLED = dict.fromkeys(("error", "cause", "resource"), "{}")
_BAD = ("Failed", "TimedOut", "Aborted")

columns = partial(fit, COLUMNS)
"""What fits in so many cells."""


def cells(event: HistoryEvent, place: StepPath) -> Cells:
    """One event and where it happened."""
    item = f" #{place.map_path[-1]}" if place.map_path else ""
    return {
        "id": Span(str(event.id), Tone.MUTED),
        "at": Span(f"{event.at:%H:%M:%S}") if event.at else vocabulary.NOTHING,
        "type": outside(event.type, _tone(event), 60),
        "state": outside(f"{place.state}{item}", cap=80) if place.state else vocabulary.NOTHING,
        "detail": outside(_in_short(event), Tone.MUTED, 200),
    }


def _tone(event: HistoryEvent) -> Tone:
    if event.type.endswith(_BAD):
        return Tone.DANGER
    return Tone.GOOD if event.type.endswith("Succeeded") else Tone.NEUTRAL


def _in_short(event: HistoryEvent) -> str:
    found = ((name, event.text(name, 200)) for name in _DETAILS)
    return " ".join(_SPELLED.get(name, f"{name} {{}}").format(_last_part(text)) for name, text in found if text)


def _last_part(text: str) -> str:
    """Returns the name at the end of an ARN."""
    return text.rpartition(":")[2] if text.startswith("arn:") else text


def search_text(event: HistoryEvent, place: StepPath) -> str:
    """What a search goes through."""
    return f"{event.id} {event.type} {place.state} {_in_short(event)}"


def event_text(event: HistoryEvent, place: StepPath) -> str:
    """The whole event; JSON inside of it is indented."""
    at = vocabulary.clock_time(event.at) if event.at else "no time"
    where = f", {harmless(place.state, 80)}{_item(place.map_path)}" if place.state else ""
    heading = f"Event {event.id}, {harmless(event.type, 80)}{where}\n{at}"
    parts = [f"{harmless(name, 60)}\n{payload(_as_text(value))}" for name, value in event.details.items()]
    return "\n\n".join([heading, *parts])


def state_text(runs: Sequence[StateVisit], event: Callable[[int], HistoryEvent | None], most: int = _RUNS_SHOWN) -> str:
    """Input and output of each run of a state, or of each state of a Map item."""
    told = [_heading(run) for run in runs if run.source is Source.LEDGER]
    recorded = [run for run in runs if run.source is not Source.LEDGER]
    parts = ["\n\n".join(_run(run, event)) for run in recorded[:most]]
    if len(recorded) > most:
        parts.append(f"… and {len(recorded) - most:,} runs more")
    if told:
        parts.append(
            "\n".join([*told[:_RUNS_SHOWN], "", "By the ledger: no events of it, so neither input nor output."])
        )
    return ("\n\n" + "─" * 40 + "\n\n").join(parts) or "It was not reached: nothing went in and nothing came out."


def _heading(run: StateVisit) -> str:
    entered = f", entered {vocabulary.clock_time(run.entered_at)}" if run.entered_at else ""
    attempts = f", {run.attempts} tries" if run.attempts > 1 else ""
    status = vocabulary.state_status(run.status).text
    return f"{harmless(run.name, 80)}{_item(run.map_path)}: {status}{attempts}{entered}"


def _run(run: StateVisit, event: Callable[[int], HistoryEvent | None]) -> Iterator[str]:
    yield _heading(run)
    for name, event_id in (("input", run.entered_event_id), ("output", run.exited_event_id)):
        found = None if event_id is None else event(event_id)
        if found is not None and found.details.get(name):
            yield f"{name.capitalize()}\n{payload(_as_text(found.details[name]))}"
    if run.error:
        yield f"Error\n{harmless(run.error, 256)}"
    if run.cause:
        yield f"Cause\n{payload(run.cause)}"


def execution_text(detail: ExecutionDetail) -> str:
    """What went into the execution and came out of it."""
    parts = [
        f"{name}\n{payload(text)}"
        for name, text in (
            ("Input", detail.input),
            ("Output", detail.output),
            ("Error", detail.error),
            ("Cause", detail.cause),
        )
        if text
    ]
    return "\n\n".join([f"Execution {harmless(detail.summary.name, 100)}", *parts])


def _item(map_path: Sequence[int]) -> str:
    return f", item {'.'.join(map(str, map_path))}" if map_path else ""


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
