"""The inbox as a table: one row a waiting approval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from qlikops.domain.approval import InboxRow
from qlikops.domain.duration import format_duration
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Cells, Column, Span, Tone, fit, outside

SOON_SECONDS = 600
"""A deadline nearer than this is shown as a danger."""

COLUMNS = (
    Column("left", "Expires", 7, right=True),
    Column("severity", "Severity", 10),
    Column("label", "Task or group", 16, flexible=True),
    Column("anomaly", "Anomaly", 15),
    Column("verdict", "Evaluation", 17),
    Column("risk", "Risk", 7),
    Column("age", "Age", 6, right=True),
    Column("claimed", "Claimed by", 12),
)
_SHAPES = {"marked": "●", "answered": "»", "claimed": "◌"}
_DROP_FIRST = ("claimed", "age", "risk", "anomaly", "verdict")


def columns(width: int) -> tuple[Column, ...]:
    """What fits in `width` cells; the age and the claim go first, the deadline never."""
    return fit(COLUMNS, width, _DROP_FIRST)


def cells(row: InboxRow, now: datetime, mark: str = "") -> Cells:
    """One row at `now`. A claim shows in the label too, since its column is the first to go; so does `mark`."""
    claimant = claimed_by(row, now)
    mark = mark or ("claimed" if claimant else "")
    return {
        "left": countdown(row.deadline, now),
        "severity": vocabulary.severity(row.severity),
        "label": _label(row, mark),
        "anomaly": outside(row.kind, cap=20),
        "verdict": vocabulary.verdict(row.verdict, row.evaluator, row.confidence),
        "risk": vocabulary.risk(row.risk),
        "age": Span(vocabulary.short_duration((now - row.requested_at).total_seconds()), Tone.MUTED),
        "claimed": Span(claimant, Tone.INFO) if claimant else vocabulary.NOTHING,
    }


def _label(row: InboxRow, mark: str) -> Span:
    """`server/task` as `task (server)`: what is cut off at the end should not be the task.

    A mark is said in place of the server, and shown ahead of all, where a long name doesn't push it out.
    """
    server, slash, task = row.label.partition("/") if row.task_count == 1 else ("", "", "")
    name, note = (task, mark or server) if slash else (row.label, mark)
    shape = f"{_SHAPES[mark]} " if mark else ""
    return outside(f"{shape}{name} ({note})" if note else name, Tone.MUTED if mark else Tone.NEUTRAL, 80)


def countdown(deadline: datetime, now: datetime) -> Span:
    """What is left, to the minute; seconds only in the last one."""
    left = (deadline - now).total_seconds()
    if left <= 0:
        return Span("expired", Tone.DANGER)
    return Span(vocabulary.short_duration(left), Tone.DANGER if left < SOON_SECONDS else Tone.NEUTRAL)


def deadline_line(deadline: datetime, now: datetime) -> tuple[Span, ...]:
    """The countdown to the second, and what happens at zero."""
    left = (deadline - now).total_seconds()
    if left <= 0:
        return (Span("expired", Tone.DANGER), Span(f": {vocabulary.AT_ZERO}"))
    tone = Tone.DANGER if left < SOON_SECONDS else Tone.NEUTRAL
    return (Span(f"expires in {format_duration(left)}", tone), Span(f", then {vocabulary.AT_ZERO}", Tone.MUTED))


def claimed_by(row: InboxRow, now: datetime) -> str:
    """Who says "I am looking at it", or empty: claims run out."""
    if row.claim is None or row.claim.until <= now:
        return ""
    return outside(row.claim.by.rsplit("/", 1)[-1].rsplit(":", 1)[-1] or "somebody", cap=40).text


def summary(rows: Sequence[InboxRow], now: datetime) -> str:
    """`3 wait, oldest 12m`; for the title."""
    if not rows:
        return "nothing waits"
    oldest = min(row.requested_at for row in rows)
    waits = "1 waits" if len(rows) == 1 else f"{len(rows):,} wait"
    return f"{waits}, oldest {vocabulary.short_duration((now - oldest).total_seconds())}"


def by_deadline(rows: Sequence[InboxRow]) -> tuple[InboxRow, ...]:
    """What expires first first; equal deadlines in a stable order."""
    return tuple(sorted(rows, key=lambda row: (row.deadline, row.approval_id)))


def matches(row: InboxRow, needle: str) -> bool:
    """Whether any text of the row contains `needle`, case aside."""
    texts = (row.approval_id, row.label, row.title, row.kind, row.severity, row.action, row.verdict, row.risk)
    return needle.casefold() in " ".join(texts).casefold()
