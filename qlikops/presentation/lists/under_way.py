"""A restart that waits for its endpoint, as the inbox lists it and as the dialog says that stops it."""

from __future__ import annotations

from datetime import datetime

from qlikops.domain.fleet.endpoint import EndpointWait
from qlikops.domain.proposals.approval import InboxRow
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Line, Span, Tone, line, outside
from qlikops.presentation.waiting import clock

SIGN = "◐"
"""Before what goes on by itself and needs no answer."""


def countdown(wait: EndpointWait, now: datetime) -> Span:
    """Says in a cell for how long it waits until its next look."""
    return Span(f"{SIGN} {_left(wait, now)}", Tone.INFO)


def words(row: InboxRow, now: datetime) -> Span:
    """What it does and until when: `probing, next in 4m, until 06:00 UTC`; empty for what waits for an answer."""
    wait = row.waits
    if wait is None:
        return Span("")
    if row.claim is not None and row.claim.brake:
        by = outside(vocabulary.person(row.claim.by), cap=40).text
        return Span(f"stopped by {by}, ends {_when(wait, now)}", Tone.WARNING)
    return Span(f"probing, next {_when(wait, now)}, until {clock(wait.until, now)}", Tone.INFO)


def why_no_answer(wait: EndpointWait, stop_key: str) -> str:
    """Why it is neither approved nor denied, and what can be done instead."""
    name = outside(wait.endpoint.name, cap=60).text
    return f"It is approved and waits for {name}: it takes no answer. {stop_key} stops it."


def stop_lines(row: InboxRow, now: datetime, caller: str) -> tuple[Line, ...]:
    """What stopping does to it."""
    wait = row.waits
    if wait is None:
        return ()
    return (
        line("restart", outside(row.label, cap=120)),
        line("waits for", outside(f"{wait.endpoint.name}, until {clock(wait.until, now)}", cap=120)),
        line("sends", outside(f"the brake of this restart, by {caller or 'a caller not known yet'}", cap=300)),
        line("then", f"no task of it is started; it ends {_when(wait, now)}, when it would have looked next"),
        line("", "a later run proposes anew what is down then; the rest of its run goes on"),
    )


def _left(wait: EndpointWait, now: datetime) -> str:
    seconds = (wait.next_test_at - now).total_seconds()
    return vocabulary.short_duration(seconds) if seconds > 0 else "now"


def _when(wait: EndpointWait, now: datetime) -> str:
    left = _left(wait, now)
    return left if left == "now" else f"in {left}"
