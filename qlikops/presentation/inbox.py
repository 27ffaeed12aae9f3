"""The inbox as a table: one row a waiting approval."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from qlikops.dataclass import dataclass
from qlikops.domain.anomaly import Severity
from qlikops.domain.approval import InboxRow
from qlikops.domain.duration import format_duration
from qlikops.domain.point_of_no_return import LEAST_NOTICE
from qlikops.domain.proposal import happened_by
from qlikops.presentation import under_way, vocabulary, waiting
from qlikops.presentation.freshness import Freshness
from qlikops.presentation.headline import Headline
from qlikops.presentation.table import Column, ColumnOf, Order, Table
from qlikops.presentation.tone import Span, Tone, outside

SOON_SECONDS = 600
"""A deadline nearer than this is shown as a danger."""
FILTER_EXAMPLE = "server:eu risk:high !claimed:"

_RISKS = {"high": 0, "unknown": 1, "medium": 2, "low": 3}
_FIRST_UNKNOWN = -1
"""A value that this version does not know is looked at first."""


class InboxSort(StrEnum):
    """The orders of the inbox, the usual one first; the columns of `TABLE` say what each means."""

    URGENT = "urgent"
    EXPIRES = "expires"
    SEVERITY = "severity"
    AGE = "age"
    RISK = "risk"
    TASK = "task"


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
_MARKS = {"marked": "✓ ", "answered": "→ ", "claimed": "@ ", "under way": f"{under_way.SIGN} "}
"""Before the task, since the word behind it may be cut off."""


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A row of the inbox in the list that shows it."""

    row: InboxRow
    now: datetime
    context: str = ""
    """The name of the context that it waits in."""
    key: str = ""
    """What the list knows it by."""
    where: Span | None = None
    """How the list shows the context, if not as it is called; see `where`."""
    mark: str = ""
    """`marked` or `answered`; empty if it is neither."""
    place: GroupPosition = ALONE

    @property
    def cause(self) -> tuple[str, str]:
        """What rows of one group have in common: the context, and what `cause` says."""
        return self.context, cause(self.row)

    @property
    def claimant(self) -> str:
        """Who says "I am looking at it"; empty if that has run out."""
        return claimed_by(self.row, self.now)


def arrange(rows: Iterable[ListedRow], by: Order[ListedRow], *, grouped: bool) -> list[ListedRow]:
    """The rows in order; if `grouped`, those of one cause together, where the first of them stands."""
    ordered = TABLE.sorted(rows, by)
    if not grouped:
        return ordered
    groups: dict[Hashable, list[ListedRow]] = {}
    for each in ordered:
        groups.setdefault(each.cause, []).append(each)
    return [
        replace(each, place=GroupPosition(index, len(group)))
        for group in groups.values()
        for index, each in enumerate(group)
    ]


def cause(row: InboxRow) -> str:
    """The cause that the agent named, else anomaly and action."""
    return row.cause or f"{row.kind}, {row.offered}"


def columns(
    width: int | None, *, by: Order[ListedRow] | None = None, several: bool = False, with_log: bool = True
) -> tuple[Column, ...]:
    """The columns that fit in `width` cells; that of the context only if there are `several` contexts.

    Without any row whose log is known to be kept for a time, `with_log` spares its column.
    """
    return TABLE.fit(width, by=by, without={*(() if several else ("context",)), *(() if with_log else ("log",))})


def where(name: str, freshness: Freshness, now: datetime, *, read_only: bool) -> Span:
    """The context of a row, and at once whether anything can be done about it: `ro` may not, a mark cannot now."""
    mark, tone = freshness.look(now)
    if mark:
        return outside(name, tone, 30, before=f"{mark} ")
    return outside(name, Tone.MUTED, 30, before="ro ") if read_only else outside(name, cap=30)


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
    """`3 wait, oldest 12m, 1 under way`."""
    asked = [row.requested_at for row in rows if row.waits is None]
    waits = (
        f"{len(asked):,} wait{'s'[: len(asked) == 1]}, oldest {_since(min(asked), now)}" if asked else "nothing waits"
    )
    beside = under_way.counted(len(rows) - len(asked))
    return f"{waits}, {beside}" if beside else waits


def headline(rows: Sequence[InboxRow], now: datetime, new: int, marked: int) -> Headline | None:
    """How much waits for an answer, and how long the oldest has; None if nothing waits for anything."""
    if not rows:
        return None
    notes = [f"{number:,} {what}" for number, what in ((new, "new"), (marked, "marked")) if number]
    return Headline(f"{sum(row.waits is None for row in rows):,}", (Span(", ".join([summary(rows, now), *notes])),))


def _since(moment: datetime, now: datetime) -> str:
    return vocabulary.short_duration((now - moment).total_seconds())


def _context(each: ListedRow) -> Span:
    return each.where or outside(each.context, cap=30)


def _task(each: ListedRow) -> Span:
    """A claim shows here too, since its column is the first to go; so does a mark, and what is under way."""
    mark = "under way" if each.row.waits else each.mark or ("claimed" if each.claimant else "")
    return _label(each.row, mark, each.place)


def _task_order(each: ListedRow) -> tuple[str, str]:
    server, task = _server_and_task(each.row)
    return task.casefold(), server.casefold()


def happened(row: InboxRow) -> str:
    """What happened, without the name of task or cause and the count, which stand beside it."""
    _, task = _server_and_task(row)
    return happened_by(row.title, row.cause if row.task_count > 1 else task, row.task_count) or row.kind


def _expires(each: ListedRow) -> Span:
    wait = each.row.waits
    return under_way.countdown(wait, each.now) if wait else countdown(each.row.deadline, each.now)


def _ends(each: ListedRow) -> datetime:
    return each.row.waits.until if each.row.waits else each.row.deadline


def _happened(each: ListedRow) -> Span:
    return under_way.words(each.row, each.now) if each.row.waits else outside(happened(each.row), cap=120)


def _log(each: ListedRow) -> str:
    """What a filter finds: `passed`, `soon` or `kept`; nothing if it is not known."""
    until = each.row.resume_until
    if until is None or until <= each.now:
        return "passed" if until else ""
    return "soon" if until - each.now <= LEAST_NOTICE else "kept"


def _claimed(each: ListedRow) -> Span:
    return Span(each.claimant, Tone.INFO) if each.claimant else vocabulary.NOTHING


_ROOM_FOR_NAMES = 40
"""Beside its least: then most names of tasks are whole, which is worth more than the end of `critical`."""

TABLE: Table[ListedRow] = Table(
    (
        ColumnOf(
            Column("expires", "Expires", 8, right=True),
            _expires,
            order=Order(InboxSort.EXPIRES, "expires first", _ends),
        ),
        ColumnOf(
            Column("log", "Log kept", 9, right=True, goes=35),
            lambda each: waiting.left(each.row.resume_until, each.now),
            field=_log,
            order=Order(InboxSort.URGENT, "most urgent first", lambda each: each.row.urgency),
        ),
        ColumnOf(
            Column("severity", "Severity", 10),
            lambda each: vocabulary.severity(each.row.severity),
            field=lambda each: each.row.severity,
            order=Order(InboxSort.SEVERITY, "severity", lambda each: -Severity.rank_of(each.row.severity)),
            short=ColumnOf(
                Column("severity_short", "Sev", 6), lambda each: vocabulary.severity(each.row.severity, short=True)
            ),
            room=_ROOM_FOR_NAMES,
        ),
        ColumnOf(
            Column("context", "Context", 14),
            _context,
            field=lambda each: each.context,
            short=ColumnOf(Column("context", "Context", 9), _context),
        ),
        ColumnOf(
            Column("task", "Task or group", 16, flexible=True),
            _task,
            field=lambda each: _server_and_task(each.row)[1],
            order=Order(InboxSort.TASK, "task", _task_order),
        ),
        ColumnOf(
            Column("kind", "What happened", 20, goes=40),
            _happened,
            field=lambda each: each.row.kind,
            short=ColumnOf(Column("kind", "What happened", 15), _happened),
        ),
        ColumnOf(
            Column("verdict", "Evaluation", 17, goes=50),
            lambda each: vocabulary.verdict(each.row.verdict, each.row.evaluator, each.row.confidence),
            field=lambda each: each.row.verdict,
            short=ColumnOf(
                Column("verdict_short", "Evaluation", 13),
                lambda each: vocabulary.verdict(each.row.verdict, each.row.evaluator),
            ),
        ),
        ColumnOf(
            Column("risk", "Risk", 7, goes=30),
            lambda each: vocabulary.risk(each.row.risk),
            field=lambda each: each.row.risk,
            order=Order(InboxSort.RISK, "risk", lambda each: _RISKS.get(each.row.risk, _FIRST_UNKNOWN)),
        ),
        ColumnOf(
            Column("age", "Age", 6, right=True, goes=20),
            lambda each: Span(_since(each.row.requested_at, each.now), Tone.MUTED),
            order=Order(InboxSort.AGE, "oldest first", lambda each: each.row.requested_at),
        ),
        ColumnOf(Column("claimed", "Claimed by", 12, goes=10), _claimed, field=lambda each: each.claimant),
    ),
    ties=lambda each: (each.row.deadline, each.row.approval_id),
    more_fields={
        "id": lambda each: each.row.approval_id,
        "server": lambda each: _server_and_task(each.row)[0],
        "title": lambda each: each.row.title,
        "cause": lambda each: each.row.cause,
        "action": lambda each: each.row.offered,
        "evaluator": lambda each: each.row.evaluator,
        "run": lambda each: each.row.execution_name,
        "waits": lambda each: each.row.waits.endpoint.name if each.row.waits else "",
    },
)
"""The inbox with the context of each row; a list of one context leaves that column out."""
