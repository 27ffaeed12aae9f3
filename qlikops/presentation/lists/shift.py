"""A shift as a list: a row a proposal, what waits first."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from qlikops.domain.gathered.shift import Shift
from qlikops.domain.gathered.shift_entry import ShiftEntry
from qlikops.domain.proposals.approval import Status
from qlikops.domain.words.naming import listed
from qlikops.presentation import vocabulary
from qlikops.presentation.lists.inbox import countdown
from qlikops.presentation.table import Column, ColumnOf, TableOf
from qlikops.presentation.tone import Span, Tone, outside


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


def table(now: datetime) -> TableOf[ShiftEntry]:
    """A row a proposal, as it is `now`."""
    return TableOf(
        (
            ColumnOf(Column("at", "When (UTC)", 11), lambda entry: Span(_minute(entry.at), Tone.MUTED)),
            ColumnOf(Column("id", "Id", 12, goes=20), lambda entry: outside(entry.approval_id, cap=12)),
            ColumnOf(Column("label", "Task", 24, flexible=True), lambda entry: outside(entry.label, cap=200)),
            ColumnOf(Column("failure", "Failure", 26, goes=30), lambda entry: outside(entry.failure, Tone.MUTED, 80)),
            ColumnOf(Column("decided", "Decided", 20), _decided),
            ColumnOf(Column("status", "Ended", 18), lambda entry: _ended(entry, now)),
            ColumnOf(Column("lasted", "Lasted", 18, goes=40), _lasted),
            ColumnOf(Column("muted", "Muted until", 11, goes=50), _muted),
        )
    )


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


def _lasted(entry: ShiftEntry) -> Span:
    if (became := entry.lasting) is None:
        return vocabulary.NOTHING
    if became.fell_over:
        return outside(became.words(), Tone.DANGER, 200)
    return outside(became.words(), Tone.GOOD if became.lasted == became.came_up else Tone.NEUTRAL, 200)


def _muted(entry: ShiftEntry) -> Span:
    return vocabulary.NOTHING if entry.muted_until is None else Span(_minute(entry.muted_until))


def _minute(moment: datetime) -> str:
    return f"{moment:%m-%d %H:%M}"
