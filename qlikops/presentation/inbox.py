"""The inbox as a table: one row a waiting approval."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from qlikops.domain.anomaly import Severity
from qlikops.domain.approval import InboxRow
from qlikops.domain.duration import format_duration
from qlikops.presentation import vocabulary
from qlikops.presentation.freshness import Freshness
from qlikops.presentation.tone import Cells, Column, Span, Tone, fit, outside

SOON_SECONDS = 600
"""A deadline nearer than this is shown as a danger."""

COLUMNS = (
    Column("left", "Expires", 8, right=True),
    Column("severity", "Severity", 10),
    Column("label", "Task or group", 16, flexible=True),
    Column("anomaly", "Anomaly", 15),
    Column("verdict", "Evaluation", 17),
    Column("risk", "Risk", 7),
    Column("age", "Age", 6, right=True),
    Column("claimed", "Claimed by", 12),
)
_SHORT = {
    "severity": Column("severity_short", "Sev", 6),
    "verdict": Column("verdict_short", "Evaluation", 13),
    "context": Column("context", "Context", 9),
}
"""What stands in where not every column fits."""
_LABEL_SPARE = 40
"""With so many cells beside its least, the label shows most tasks' names whole."""
_CONTEXT = Column("context", "Context", 14)
_DROP_FIRST = ("claimed", "age", "risk", "anomaly", "verdict_short")
FILTER_EXAMPLE = "server:eu risk:high !claimed:"
SORTED = "▾"
"""Marks the column that rows are sorted by."""


class Sort(StrEnum):
    """What comes first."""

    EXPIRES = "expires first"
    SEVERITY = "severity"
    AGE = "oldest first"
    RISK = "risk"
    TASK = "task"

    @property
    def column(self) -> str:
        """The column that shows it."""
        return _SORT_COLUMNS[self]


_SORT_COLUMNS = {
    Sort.EXPIRES: "left",
    Sort.SEVERITY: "severity",
    Sort.AGE: "age",
    Sort.RISK: "risk",
    Sort.TASK: "label",
}
_RISKS = {"high": 0, "unknown": 1, "medium": 2, "low": 3}
_FIRST_UNKNOWN = -1
"""A value that this version does not know is looked at first."""


class HasRow(Protocol):
    """Something about a row of the inbox."""

    @property
    def row(self) -> InboxRow:
        """The row."""
        ...


T = TypeVar("T", bound=HasRow)


@dataclass(frozen=True, slots=True)
class GroupPosition:
    """Where a row stands among those of its cause."""

    index: int = 0
    size: int = 1

    @property
    def mark(self) -> str:
        """A bracket around the group, with its size at the top; empty for one alone."""
        if self.size == 1:
            return ""
        if self.index == 0:
            return f"┌{self.size:,} "
        return "└ " if self.index == self.size - 1 else "│ "


ALONE = GroupPosition()
_MARKS = {"marked": "✓ ", "answered": "→ ", "claimed": "@ "}
"""Before the task, since the word behind it may be cut off."""


def columns(width: int, *, by: Sort | None = None, context: bool = False) -> tuple[Column, ...]:
    """What fits in `width` cells; the age and the claim go first, the deadline and the sorted column never."""
    wanted: tuple[Column, ...] = (*COLUMNS[:2], _CONTEXT, *COLUMNS[2:]) if context else COLUMNS
    spare = width - sum(column.width + 2 for column in wanted)
    if spare < _LABEL_SPARE:
        # The name of the task is worth more than the end of `critical`.
        wanted = tuple(_SHORT[column.key] if column.key == "severity" else column for column in wanted)
    if spare < 0:
        wanted = tuple(_SHORT.get(column.key, column) for column in wanted)
    sorted_by = () if by is None else (by.column, f"{by.column}_short")
    marked = [
        replace(column, header=f"{SORTED}{column.header}") if column.key in sorted_by else column for column in wanted
    ]
    return fit(marked, width, [key for key in _DROP_FIRST if key not in sorted_by])


def arrange(
    items: Iterable[T], by: Sort, cause: Callable[[T], Hashable] | None = None
) -> list[tuple[T, GroupPosition]]:
    """The items in order; with `cause`, those of one cause together, where the first of them stands."""
    ordered = sorted(items, key=lambda item: _order(item.row, by))
    if cause is None:
        return [(item, ALONE) for item in ordered]
    groups: dict[Hashable, list[T]] = {}
    for item in ordered:
        groups.setdefault(cause(item), []).append(item)
    return [(item, GroupPosition(index, len(group))) for group in groups.values() for index, item in enumerate(group)]


def cause(row: InboxRow) -> str:
    """What rows of one group have in common: the cause that the agent named, else anomaly and action."""
    return row.cause or f"{row.kind}, {row.action}"


def _order(row: InboxRow, by: Sort) -> tuple[Any, ...]:
    first: tuple[Any, ...] = ()
    if by is Sort.SEVERITY:
        first = (-Severity.rank_of(row.severity),)
    elif by is Sort.AGE:
        first = (row.requested_at,)
    elif by is Sort.RISK:
        first = (_RISKS.get(row.risk, _FIRST_UNKNOWN),)
    elif by is Sort.TASK:
        server, task = _server_and_task(row)
        first = (task.casefold(), server.casefold())
    return (*first, row.deadline, row.approval_id)


def fields(now: datetime) -> Mapping[str, Callable[[InboxRow], str]]:
    """What a filter can ask of a row."""
    return {
        "id": lambda row: row.approval_id,
        "server": lambda row: _server_and_task(row)[0],
        "task": lambda row: _server_and_task(row)[1],
        "title": lambda row: row.title,
        "cause": lambda row: row.cause,
        "kind": lambda row: row.kind,
        "severity": lambda row: row.severity,
        "action": lambda row: row.action,
        "verdict": lambda row: row.verdict,
        "evaluator": lambda row: row.evaluator,
        "risk": lambda row: row.risk,
        "run": lambda row: row.execution_name,
        "claimed": lambda row: claimed_by(row, now),
    }


def fields_in(now: datetime, context: Callable[[T], str]) -> Mapping[str, Callable[[T], str]]:
    """The same of something that has a row in one of several contexts; `context` says which."""
    found: dict[str, Callable[[T], str]] = {"context": context}
    for key, of in fields(now).items():
        found[key] = lambda item, of=of: of(item.row)  # type: ignore[misc]
    return found


def where(name: str, freshness: Freshness, now: datetime, *, read_only: bool) -> Span:
    """The context of a row, and at once whether anything can be done about it: `ro` may not, a mark cannot now."""
    mark, tone = freshness.look(now)
    if mark:
        return outside(name, tone, 30, before=f"{mark} ")
    return outside(name, Tone.MUTED, 30, before="ro ") if read_only else outside(name, cap=30)


def cells(
    row: InboxRow, now: datetime, mark: str = "", *, place: GroupPosition = ALONE, context: Span | None = None
) -> Cells:
    """One row at `now`. A claim shows in the label too, since its column is the first to go; so does `mark`."""
    claimant = claimed_by(row, now)
    mark = mark or ("claimed" if claimant else "")
    return {
        "left": countdown(row.deadline, now),
        "severity": vocabulary.severity(row.severity),
        "severity_short": vocabulary.severity(row.severity, short=True),
        "context": context or vocabulary.NOTHING,
        "label": _label(row, mark, place),
        "anomaly": outside(row.kind, cap=20),
        "verdict": vocabulary.verdict(row.verdict, row.evaluator, row.confidence),
        "verdict_short": vocabulary.verdict(row.verdict, row.evaluator),
        "risk": vocabulary.risk(row.risk),
        "age": Span(_age(row, now), Tone.MUTED),
        "claimed": Span(claimant, Tone.INFO) if claimant else vocabulary.NOTHING,
    }


def _age(row: InboxRow, now: datetime) -> str:
    return vocabulary.short_duration((now - row.requested_at).total_seconds())


def label(row: InboxRow) -> str:
    """`task (server)`."""
    return _label(row, "", ALONE).text


def _label(row: InboxRow, mark: str, place: GroupPosition) -> Span:
    """`task (server)`: what is cut off at the end should not be the task. The word for a mark comes last."""
    server, task = _server_and_task(row)
    notes = ", ".join(note for note in (server, mark) if note)
    tone = Tone.MUTED if mark else Tone.NEUTRAL
    return outside(f"{task} ({notes})" if notes else task, tone, 120, before=place.mark + _MARKS.get(mark, ""))


def _server_and_task(row: InboxRow) -> tuple[str, str]:
    """Of one task; several have no server, and their label for a name."""
    server, slash, task = row.label.partition("/") if row.task_count == 1 else ("", "", "")
    return (server, task) if slash else ("", row.label)


def countdown(deadline: datetime, now: datetime) -> Span:
    """What is left, to the minute; seconds only in the last one."""
    left = (deadline - now).total_seconds()
    if left <= 0:
        return Span("expired", Tone.DANGER)
    return Span(vocabulary.short_duration(left), Tone.DANGER if left < SOON_SECONDS else Tone.NEUTRAL)


def counts_seconds(deadline: datetime, now: datetime) -> bool:
    """Whether `countdown` may read differently a second later."""
    return -1 <= (deadline - now).total_seconds() <= 60


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
    return outside(vocabulary.person(row.claim.by), cap=40).text


def claimed_by_another(row: InboxRow, caller: str, now: datetime) -> str:
    """Who else says "I am looking at it"; empty where nobody does, or only `caller`."""
    return "" if row.claim is None or row.claim.by == caller else claimed_by(row, now)


def why_empty(freshness: Freshness, last_run: str, now: datetime, retry: str, context: str = "") -> str:
    """Why nothing of a context is in the list.

    `last_run` is a sentence, or empty while it is looked up; `retry` is the key that asks now, `context` its name among
    others.
    """
    before = f"{outside(context, cap=30).text}: " if context else ""
    if freshness.error is not None:
        return f"{before}{freshness.explanation(now)}\n\nTrying again by itself; {retry} tries now."
    if freshness.loaded_at is None:
        return f"{before}Connecting …"
    last = last_run or "Looking up the last run …"
    return f"{before}Nothing waits for a decision. What a run proposes appears here.\n\n{last}"


def summary(rows: Sequence[InboxRow], now: datetime) -> str:
    """`3 wait, oldest 12m`; for the title."""
    if not rows:
        return "nothing waits"
    oldest = min(row.requested_at for row in rows)
    waits = "1 waits" if len(rows) == 1 else f"{len(rows):,} wait"
    return f"{waits}, oldest {vocabulary.short_duration((now - oldest).total_seconds())}"


def ordered(rows: Iterable[InboxRow], by: Sort = Sort.EXPIRES) -> list[InboxRow]:
    """The rows in order; what is equal in it by deadline."""
    return sorted(rows, key=lambda row: _order(row, by))
