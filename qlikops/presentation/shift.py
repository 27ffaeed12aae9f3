"""A shift as a list: a row a proposal, what waits first."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import partial

from qlikops.domain.approval import Status
from qlikops.domain.lasting import Aftermath
from qlikops.domain.naming import listed
from qlikops.domain.shift import Shift
from qlikops.domain.shift_entry import ShiftEntry
from qlikops.presentation import vocabulary
from qlikops.presentation.inbox import countdown
from qlikops.presentation.table import Cells, Column, fit
from qlikops.presentation.tone import Span, Tone, outside

COLUMNS = (
    Column("at", "When (UTC)", 11),
    Column("id", "Id", 12, goes=20),
    Column("label", "Task", 24, flexible=True),
    Column("failure", "Failure", 26, goes=30),
    Column("decided", "Decided", 20),
    Column("status", "Ended", 18),
    Column("lasted", "Lasted", 18, goes=40),
    Column("muted", "Muted until", 11, goes=50),
)
columns = partial(fit, COLUMNS)
"""What fits in so many cells; all of it if that is None."""


def summary(shift: Shift) -> str:
    """`3 proposals since 2026-03-07 08:00:00 UTC: 2 restarted, 1 waiting`."""
    counted = Counter(entry.status for entry in shift.entries)
    words = [f"{number:,} {vocabulary.status(status).text.lower()}" for status, number in sorted(counted.items())]
    since = f"since {vocabulary.clock_time(shift.since)}"
    total = vocabulary.count(len(shift.entries), "proposal")
    rest = "" if shift.is_complete else " There were more runs than are looked at: the oldest are missing."
    if shift.too_new:
        rest += f" A newer qlikops wrote {listed(shift.too_new)}: update this one to see them."
    return f"{total} {since}{': ' if words else ''}{', '.join(words)}.{rest}"


def cells(entry: ShiftEntry, now: datetime) -> Cells:
    """One proposal."""
    return {
        "at": Span(_minute(entry.at), Tone.MUTED),
        "id": outside(entry.approval_id, cap=12),
        "label": outside(entry.label, cap=200),
        "failure": outside(entry.failure, Tone.MUTED, 80),
        "decided": _decided(entry),
        "status": _ended(entry, now),
        "lasted": vocabulary.NOTHING if entry.lasting is None else _lasted(entry.lasting),
        "muted": vocabulary.NOTHING if entry.muted_until is None else Span(_minute(entry.muted_until)),
    }


def _decided(entry: ShiftEntry) -> Span:
    if entry.decision is None:
        return vocabulary.NOTHING
    verb = "approved" if entry.decision.approved else "denied"
    reason = f": {entry.decision.reason}" if entry.decision.reason else ""
    return outside(f"{verb} by {entry.decision.who()}{reason}", cap=300)


def _ended(entry: ShiftEntry, now: datetime) -> Span:
    if entry.status is Status.WAITING and entry.deadline is not None:
        left = countdown(entry.deadline, now)
        return Span(f"waits, {left.text}", left.tone)
    return vocabulary.standing(entry.status, entry.waits)


def _lasted(became: Aftermath) -> Span:
    if became.fell_over:
        return outside(became.words(), Tone.DANGER, 200)
    return outside(became.words(), Tone.GOOD if became.lasted == became.came_up else Tone.NEUTRAL, 200)


def _minute(moment: datetime) -> str:
    return f"{moment:%m-%d %H:%M}"
