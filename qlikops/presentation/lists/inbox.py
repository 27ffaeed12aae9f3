"""The inbox as a table: one row a waiting approval."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import AnomalyKind, Severity
from qlikops.domain.fleet.point_of_no_return import LEAST_NOTICE
from qlikops.domain.proposals.approval import InboxRow
from qlikops.domain.proposals.evaluation import Risk
from qlikops.domain.proposals.proposal import happened_by
from qlikops.domain.words.duration import format_duration
from qlikops.presentation import vocabulary, waiting
from qlikops.presentation.freshness import DataAge
from qlikops.presentation.headline import Headline
from qlikops.presentation.lists import advice, under_way
from qlikops.presentation.pictures import timebar
from qlikops.presentation.pictures.canvas import cut
from qlikops.presentation.table import Column, ColumnOf, SortOrder, TableOf
from qlikops.presentation.tone import Span, Spans, Tone, outside

SOON_SECONDS = 600
"""A deadline nearer than this is worth an event."""
FILTER_EXAMPLE = "server:eu risk:high !claimed:"


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
        """Draws a bracket around the group, with its size at the top; nothing for one row alone."""
        if self.size == 1:
            return ""
        if self.index == 0:
            return f"┌{self.size:,} "
        return "└ " if self.index == self.size - 1 else "│ "


ALONE = GroupPosition()
_SIGNS = {"marked": "■", "answered": "→", "under way": under_way.SIGN}
_CLAIMED = "@"


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
    def log_until(self) -> datetime | None:
        """Until when the source keeps what a resume needs; None if that is not known."""
        return self.now if AnomalyKind.traits_of(self.row.kind).position_lost else self.row.resume_until

    @property
    def claimant(self) -> str:
        """Who says "I am looking at it"; empty if that has run out."""
        return claimed_by(self.row, self.now)


def arrange(rows: Iterable[ListedRow], by: SortOrder[ListedRow], *, grouped: bool) -> list[ListedRow]:
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
    width: int | None,
    *,
    by: SortOrder[ListedRow] | None = None,
    several: bool = False,
    empty: Collection[str] = (),
    table: TableOf[ListedRow] | None = None,
) -> tuple[Column, ...]:
    """The columns of `table`, usually TABLE, that fit in `width` cells, the context's only of `several`.

    Those that are `empty` leave their room to the others, but for the signs: a mark must not move what it marks.
    """
    without = {*empty, *(() if several else ("context",))} - {"mark"}
    return (table or TABLE).fit(width, by=by, without=without)


def where(name: str, freshness: DataAge, now: datetime, *, read_only: bool) -> Span:
    """The context of a row, and at once whether anything can be done about it: `ro` may not, a mark cannot now."""
    mark, tone = freshness.look(now)
    if mark:
        return outside(name, tone, 30, before=f"{mark} ")
    return outside(name, Tone.MUTED, 30, before="ro ") if read_only else outside(name, cap=30)


def label(row: InboxRow) -> str:
    """`task (server)`."""
    server, task = _server_and_task(row)
    return outside(f"{task} ({server})" if server else task, cap=120).text


def _server_and_task(row: InboxRow) -> tuple[str, str]:
    """The server and the name of one task; several have no server, and their label for a name."""
    server, slash, task = row.label.partition("/") if row.task_count == 1 else ("", "", "")
    return (server, task) if slash else ("", row.label)


def countdown(deadline: datetime, now: datetime) -> Span:
    """What is left, to the minute; seconds only in the last one."""
    left = (deadline - now).total_seconds()
    if left <= 0:
        return Span("expired", Tone.WARNING)
    return Span(vocabulary.short_duration(left), Tone.WARNING if left < timebar.SOON.total_seconds() else Tone.NEUTRAL)


def counts_seconds(deadline: datetime, now: datetime) -> bool:
    """Whether `countdown` may read differently a second later."""
    return -1 <= (deadline - now).total_seconds() <= 60


def deadline_line(deadline: datetime, now: datetime) -> tuple[Span, ...]:
    """The countdown to the second, and what happens at zero."""
    left = (deadline - now).total_seconds()
    if left <= 0:
        return (Span("expired", Tone.WARNING), Span(f": {vocabulary.AT_ZERO}"))
    tone = Tone.WARNING if left < timebar.SOON.total_seconds() else Tone.NEUTRAL
    return (Span(f"expires in {format_duration(left)}", tone), Span(f", then {vocabulary.AT_ZERO}", Tone.MUTED))


def claimed_by(row: InboxRow, now: datetime) -> str:
    """Who says "I am looking at it", or empty: claims run out."""
    if row.claim is None or row.claim.until <= now:
        return ""
    return outside(vocabulary.person(row.claim.by), cap=40).text


def claimed_by_another(row: InboxRow, caller: str, now: datetime) -> str:
    """Who else says "I am looking at it"; empty where nobody does, or only `caller`."""
    return "" if row.claim is None or row.claim.by == caller else claimed_by(row, now)


def why_empty(freshness: DataAge, last_run: str, now: datetime, retry: str, context: str = "") -> str:
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
    others = len(rows) - len(asked)
    return f"{waits}, {others:,} under way" if others else waits


def headline(rows: Sequence[InboxRow], now: datetime, new: int, marked: int) -> Headline | None:
    """How much waits, what comes first and why, and which answer runs out first; None if nothing waits for anything."""
    if not rows:
        return None
    asked = [row for row in rows if row.waits is None]
    in_time = [row for row in asked if row.deadline > now]
    counted = ((new, "new"), (marked, "marked"), (len(asked) - len(in_time), "expired"))
    notes = [f"{number:,} {what}" for number, what in counted if number]
    counts = (Span(", ".join([summary(rows, now), *notes])),)
    if not in_time:
        return Headline(f"{len(asked):,}", counts)
    first, next_out = min(in_time, key=lambda row: _urgency(row, now)), min(in_time, key=lambda row: row.deadline)
    left, why, who = countdown(next_out.deadline, now), _why_first(first, now), claimed_by(next_out, now)
    looks = f", {who} looks at it" if who else ""
    ending = f": {outside(happened(next_out), cap=60).text}, {_named(next_out)}{looks}"
    runs_out = (Span("The first answer runs out in ", Tone.MUTED), left, Span(ending, Tone.MUTED))
    line = [Span(", ".join([f"{len(asked):,} wait{'s'[: len(asked) == 1]}", *notes])), Span(". ")]
    if why and left.tone is Tone.NEUTRAL:
        line += [Span(f"First {cut(_named(first), _BRIEF_NAME)}: "), *why]
    else:
        line += [left, Span(f" to answer {cut(_named(next_out), _BRIEF_NAME)}{looks}")]
    comes_first = ((Span("First "), Span(_named(first), Tone.INFO), Span(": "), *why),) if why else ()
    return Headline(f"{len(asked):,}", counts, (*comes_first, runs_out), tuple(line))


_BRIEF_NAME = 20
"""Cells of a name in a headline of one line."""


def _named(row: InboxRow) -> str:
    """The endpoint that tasks share, else the task."""
    return outside(_shared(row)[0] or _server_and_task(row)[1], cap=60).text


def _why_first(row: InboxRow, now: datetime) -> Spans:
    """What waiting costs first; nothing if that is not known."""
    if row.resume_until is not None and row.resume_until > now:
        after = f"after {waiting.about(row.resume_until, now)} "
        return (Span(after), Span("only a reload", Tone.DANGER), Span(" helps"))
    if row.stale_from is not None:
        at = waiting.clock(row.stale_from, now)
        return (Span(f"its target is too old {'since' if row.stale_from <= now else 'from'} {at}"),)
    return ()


def _urgency(row: InboxRow, now: datetime) -> tuple[datetime, datetime, int, datetime]:
    """Sorts the most urgent first. Once its log has gone, no hurry helps any more."""
    until = row.resume_until
    return row.urgency if until is None or until > now else (_NO_HURRY, *row.urgency[1:])


_NO_HURRY = datetime.max.replace(tzinfo=UTC)


def _since(moment: datetime, now: datetime) -> str:
    return vocabulary.short_duration((now - moment).total_seconds())


def _context(each: ListedRow) -> Span:
    return each.where or outside(each.context, cap=30)


def _task_order(each: ListedRow) -> tuple[str, str]:
    server, task = _server_and_task(each.row)
    return task.casefold(), server.casefold()


def happened(row: InboxRow) -> str:
    """What happened, without the name of task or cause and the count, which stand beside it."""
    _, task = _server_and_task(row)
    return happened_by(row.title, row.cause if row.task_count > 1 else task, row.task_count) or row.kind


def _shared(row: InboxRow) -> tuple[str, str]:
    """The endpoint that the tasks of a group share, and its server; empty of one task."""
    if row.task_count <= 1:
        return "", ""
    shared = row.cause or row.label.partition(": ")[2]
    what, _, server = shared.rpartition(" on ") if " on " in shared else (shared, "", "")
    side, _, name = what.partition(" ")
    return (name if side in ("source", "target") else what), server


def _mark(each: ListedRow) -> Span:
    """Two cells: what one did with it or what it does by itself, and whether a person looks at it."""
    sign = _SIGNS.get("under way" if each.row.waits else each.mark, " ")
    return Span(f"{sign}{_CLAIMED if each.claimant else ' '}".rstrip(), Tone.INFO)


def _broke(each: ListedRow) -> Span:
    """What broke in words; of several tasks behind the name of what they share."""
    name = _shared(each.row)[0]
    words = f"{name}: {happened(each.row)}" if name else happened(each.row)
    return outside(words, cap=120, before=each.place.mark)


def _server(each: ListedRow) -> str:
    return _shared(each.row)[1] or _server_and_task(each.row)[0]


def _name(each: ListedRow) -> str:
    """The task, or how many."""
    return _server_and_task(each.row)[1] if each.row.task_count == 1 else vocabulary.count(each.row.task_count, "task")


def _where(each: ListedRow, *beside: str) -> Span:
    """The task, or how many; behind it what stands `beside` it, and who looks at it."""
    words = " · ".join(part for part in (_name(each), *beside, each.claimant) if part)
    return outside(words, Tone.INFO if each.claimant else Tone.NEUTRAL, 120)


def _where_in_brief(each: ListedRow) -> Span:
    """The task, or how many on which server: groups with endpoints of one name are told apart by nothing else."""
    server = _shared(each.row)[1]
    return outside(f"{each.row.task_count:,} on {server}" if server else _name(each), cap=120)


def _proposed(each: ListedRow) -> Span:
    return under_way.words(each.row, each.now) if each.row.waits else advice.proposed(each.row)


def _in_brief(each: ListedRow) -> Span:
    return under_way.words(each.row, each.now) if each.row.waits else advice.in_brief(each.row)


def _expires(each: ListedRow) -> Span:
    wait = each.row.waits
    return under_way.countdown(wait, each.now) if wait else countdown(each.row.deadline, each.now)


def _ends(each: ListedRow) -> datetime:
    return each.row.waits.until if each.row.waits else each.row.deadline


def _bar(each: ListedRow) -> Span:
    return timebar.bar(None if each.row.waits else each.row.deadline, each.log_until, each.now)


def _log(each: ListedRow) -> str:
    """What a filter finds: `passed`, `soon` or `kept`; nothing if it is not known."""
    until = each.log_until
    if until is None or until <= each.now:
        return "passed" if until else ""
    return "soon" if until - each.now <= LEAST_NOTICE else "kept"


_SHORT = -34
"""Room for columns in full: if more cells lack, names and words are cut in favour of the rest."""
_LOG: ColumnOf[ListedRow] = ColumnOf(
    Column("log", "Log kept", 9, right=True),
    lambda each: waiting.left(each.log_until, each.now),
    # What is equal in any order is in that of urgency, so here everything is equal.
    order=SortOrder(InboxSort.URGENT, "most urgent first", lambda _: 0),
)

TABLE: TableOf[ListedRow] = TableOf(
    (
        ColumnOf(Column("mark", "", 2), _mark),
        ColumnOf(
            Column("context", "Context", 14),
            _context,
            field=lambda each: each.context,
            short=ColumnOf(Column("context", "Context", 9), _context),
            room=_SHORT,
        ),
        ColumnOf(
            Column("kind", "What broke", 20, flexible=True),
            _broke,
            field=lambda each: each.row.kind,
            short=ColumnOf(Column("kind", "What broke", 14, flexible=True), _broke),
            room=_SHORT,
        ),
        ColumnOf(
            Column("age", "Age", 5, right=True, goes=30),
            lambda each: Span(_since(each.row.requested_at, each.now), Tone.MUTED),
            order=SortOrder(InboxSort.AGE, "oldest first", lambda each: each.row.requested_at),
        ),
        ColumnOf(
            Column("task", "Where", 20, middle=True, goes=70),
            _where,
            field=lambda each: _server_and_task(each.row)[1],
            order=SortOrder(InboxSort.TASK, "task", _task_order),
            short=ColumnOf(
                Column("where", "Where", 24, middle=True),
                lambda each: _where(each, _shared(each.row)[1]),
                short=ColumnOf(Column("name", "Where", 12, middle=True), _where_in_brief),
                room=_SHORT,
            ),
            beside="server",
        ),
        ColumnOf(
            # More than most names need: the rest is for the names of tasks.
            Column("server", "Server", 24, middle=True, goes=20),
            lambda each: outside(_server(each), Tone.MUTED, 60),
            field=_server,
        ),
        ColumnOf(
            Column("proposed", "Proposed", 22, goes=60),
            _proposed,
            field=lambda each: _proposed(each).text,
            short=ColumnOf(Column("proposed_in_brief", "Proposed", 12), _in_brief),
            room=_SHORT,
        ),
        ColumnOf(
            Column("expires", "Answer in", 10, right=True),
            _expires,
            order=SortOrder(InboxSort.EXPIRES, "expires first", _ends),
            short=ColumnOf(Column("expires", "Answer", 7, right=True), _expires),
            room=_SHORT,
        ),
        ColumnOf(
            Column("bar", timebar.axis(), timebar.cells() + 1, goes=50), _bar, order=_LOG.order, short=_LOG, room=-58
        ),
        ColumnOf(
            Column("severity", "Severity", 10, goes=4),
            lambda each: vocabulary.severity(each.row.severity),
            field=lambda each: each.row.severity,
            order=SortOrder(InboxSort.SEVERITY, "severity", lambda each: -Severity.rank_of(each.row.severity)),
        ),
        ColumnOf(
            Column("verdict", "Evaluation", 17, goes=2),
            lambda each: vocabulary.verdict(each.row.verdict, each.row.evaluator, each.row.confidence),
            field=lambda each: each.row.verdict,
        ),
        ColumnOf(
            Column("risk", "Risk", 7, goes=3),
            lambda each: vocabulary.risk(each.row.risk),
            field=lambda each: each.row.risk,
            order=SortOrder(InboxSort.RISK, "risk", lambda each: -Risk.rank_of(each.row.risk)),
        ),
        ColumnOf(
            # For what is no screen: on one, the name stands behind the task, where it costs no other row a cell.
            Column("claimed", "Claimed by", 12, goes=1),
            lambda each: Span(each.claimant, Tone.INFO) if each.claimant else vocabulary.NOTHING,
            field=lambda each: each.claimant,
        ),
    ),
    ties=lambda each: (_urgency(each.row, each.now), each.row.approval_id),
    more_fields={
        "id": lambda each: each.row.approval_id,
        "log": _log,
        "title": lambda each: each.row.title,
        "cause": lambda each: each.row.cause,
        "action": lambda each: each.row.offered,
        "evaluator": lambda each: each.row.evaluator,
        "run": lambda each: each.row.execution_name,
        "waits": lambda each: each.row.waits.endpoint.name if each.row.waits else "",
    },
)
"""The inbox with the context of each row; a list of one context leaves that column out."""
IN_WORDS = replace(TABLE, columns=tuple(_LOG if each.short is _LOG else each for each in TABLE.columns))
"""The inbox for what is no screen: how long the log is kept as a time, not as a bar."""
