"""A shift in groups, as the console shows it: what went wrong first, then what is not certain yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.gathered.handover import is_worrying
from qlikops.domain.gathered.shift import Shift
from qlikops.domain.gathered.shift_entry import ShiftEntry
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.plan import Plan
from qlikops.domain.words.naming import counted
from qlikops.domain.workflow.execution import ExecutionSummary
from qlikops.presentation import vocabulary
from qlikops.presentation.lists import now as known
from qlikops.presentation.pictures.hours import Mark, strip
from qlikops.presentation.table import Column, ColumnOf, TableOf
from qlikops.presentation.tone import Line, Section, Span, Tone, as_markdown, filled, line, outside
from qlikops.presentation.waiting import clock


class ShiftSection(StrEnum):
    """What rows of the console's list have in common, in its order."""

    WRONG = "Went wrong"
    OPEN = "Not certain yet"
    LASTED = "Lasted"
    QUIET = "Denied, or kept quiet"
    OTHER = "Ended otherwise"
    PLANNED = "Planned work"
    WAITS = "Waits for an answer"


_SIGNS = {
    ShiftSection.WRONG: Span("✗", Tone.DANGER),
    ShiftSection.OPEN: Span("◐"),
    ShiftSection.LASTED: Span("✓", Tone.GOOD),
    ShiftSection.QUIET: Span("○", Tone.MUTED),
    ShiftSection.OTHER: Span("○", Tone.MUTED),
    ShiftSection.PLANNED: Span("○", Tone.MUTED),
    ShiftSection.WAITS: Span("●", Tone.INFO),
}


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """A row of the console's list: a proposal, a broken run, what is muted, or a plan."""

    key: str
    """Unique in the list."""
    group: ShiftSection
    at: datetime | None
    """When it came to this; None if that is not known."""
    what: str
    """The task or tasks, or the run."""
    by: Span
    """Who decided what."""
    became: Span
    """What has become of it so far."""
    is_new: bool = False
    """It came since the last visit."""
    entry: ShiftEntry | None = None
    run: ExecutionSummary | None = None
    plan: Plan | None = None
    task: TaskKey | None = None
    """Task that the row is about; None if there are several."""
    decider: str = ""
    """Who decided: `you` is the caller."""

    @property
    def sign(self) -> Span:
        """What it is at one glance."""
        return _SIGNS[self.group]

    @property
    def execution_name(self) -> str:
        """The run that it comes from; empty if that is not known."""
        return self.run.name if self.run else self.entry.execution_name if self.entry else ""


def rows(shift: Shift, caller: str = "", seen_at: datetime | None = None) -> list[ShiftRow]:
    """The groups one after the other, in each the newest first; what waits by its deadline.

    `seen_at` is when the person looked last; None if that is not known, and nothing counts as new.
    """
    denied = {task for entry in shift.entries if entry.status is Status.DENIED for task in entry.tasks}
    found = [
        *(_of_entry(entry, shift.until, caller) for entry in shift.entries),
        *map(_of_run, shift.broken),
        *_of_mutes(shift, denied),
        *(_of_plan(plan, shift.until) for plan in shift.plans),
    ]
    found = [replace(row, is_new=bool(seen_at and row.at and row.at > seen_at)) for row in found]
    found.sort(key=lambda row: (list(ShiftSection).index(row.group), _turn(row)))
    return found


def _turn(row: ShiftRow) -> float:
    deadline = row.entry.deadline if row.entry else None
    return deadline.timestamp() if deadline else -row.at.timestamp() if row.at else 0


def _of_entry(entry: ShiftEntry, now: datetime, caller: str) -> ShiftRow:
    decider, by = known.by(entry.decision, caller), outside(entry.action, Tone.MUTED, 40)
    if entry.decision is not None:
        reason = f": {entry.decision.reason}" if entry.decision.reason else ""
        done = _DONE.get(entry.action) if entry.status.is_final else None
        verb = done or f"approved {entry.action.replace('_', ' ')}" if entry.decision.approved else "denied"
        by = outside(f"{decider} {verb}{reason}", Tone.MUTED, 300)
    return ShiftRow(
        entry.approval_id,
        group_of(entry),
        _fell_at(entry) or entry.at,
        entry.key.task if entry.key else entry.label,
        by,
        known.of_entry(entry, now),
        entry=entry,
        task=entry.key,
        decider=decider,
    )


_DONE = {"resume": "resumed it", "reload": "reloaded it", "stop_and_resume": "stopped and resumed it"}


def group_of(entry: ShiftEntry) -> ShiftSection:
    """Where a proposal belongs."""
    if entry.status is Status.WAITING:
        return ShiftSection.WAITS
    if entry.fell_over or is_worrying(entry.status):
        return ShiftSection.WRONG
    if entry.status is Status.DENIED:
        return ShiftSection.QUIET
    if not entry.status.is_final:
        return ShiftSection.OPEN
    if entry.status is not Status.RESTARTED:
        return ShiftSection.OTHER
    if entry.lasting is None or not entry.lasting.is_over:
        return ShiftSection.OPEN
    return ShiftSection.LASTED if entry.lasting.lasted == entry.lasting.came_up else ShiftSection.OTHER


def _fell_at(entry: ShiftEntry) -> datetime | None:
    return entry.lasting.not_lasted[-1].at if entry.fell_over and entry.lasting and entry.lasting.not_lasted else None


def _of_run(run: ExecutionSummary) -> ShiftRow:
    error = run.run.error if run.run else ""
    became = outside(error or vocabulary.execution_status(run.status).text[2:], Tone.DANGER, 300)
    return ShiftRow(
        run.arn,
        ShiftSection.WRONG,
        run.stopped_at or run.started_at,
        outside(run.name, cap=100).text,
        Span("a run", Tone.MUTED),
        became,
        run=run,
    )


def _of_mutes(shift: Shift, denied: set[str]) -> Iterator[ShiftRow]:
    """A row for all tasks that a person's earlier decision keeps quiet; after a restart they are quiet anyhow."""
    alike: dict[Mute, list[TaskKey]] = {}
    for each in shift.muted:
        if each.quiet.kind in (MuteReason.SNOOZED, MuteReason.DENIED) and str(each.key) not in denied:
            alike.setdefault(each.quiet, []).append(each.key)
    for mute, keys in alike.items():
        left = vocabulary.short_duration((mute.until - shift.until).total_seconds())
        yield ShiftRow(
            f"mute {keys[0].full}",
            ShiftSection.QUIET,
            None,
            keys[0].task if len(keys) == 1 else counted([str(key) for key in keys], "tasks"),
            outside(f"{mute.kind} by {mute.by}" if mute.by else mute.kind, Tone.MUTED, 120),
            Span(f"kept quiet until {clock(mute.until, shift.until)}, in {left}"),
            task=keys[0] if len(keys) == 1 else None,
            decider=mute.by,
        )


def _of_plan(plan: Plan, now: datetime) -> ShiftRow:
    begins = "" if plan.is_active(now) else f"from {clock(plan.starts_at, now)} "
    return ShiftRow(
        plan.plan_id,
        ShiftSection.PLANNED,
        plan.ordered_at,
        outside(plan.scope.words(), cap=200).text,
        outside(f"{vocabulary.person(plan.by)}: {plan.why}", Tone.MUTED, 200),
        Span(f"{begins}until {clock(plan.until, now)}; found, not asked about"),
        plan=plan,
        decider=vocabulary.person(plan.by),
    )


def _at(row: ShiftRow) -> str:
    return f"{row.at:%H:%M}" if row.at else ""


TABLE: TableOf[ShiftRow] = TableOf(
    (
        ColumnOf(Column("sign", "", 1), lambda row: row.sign),
        ColumnOf(
            Column("at", "UTC", 6),
            lambda row: Span(_at(row) + "+"[: row.is_new], Tone.NEUTRAL if row.is_new else Tone.MUTED),
        ),
        ColumnOf(
            Column("what", "Task", 38),
            lambda row: outside(row.what, cap=200),
            short=ColumnOf(Column("what", "Task", 26), lambda row: outside(row.what, cap=200)),
            room=1,
        ),
        ColumnOf(
            Column("server", "Server", 14, goes=10),
            lambda row: outside(row.task.server, Tone.MUTED, 60) if row.task else Span(""),
            field=lambda row: row.task.server if row.task else "",
        ),
        ColumnOf(Column("by", "Decided", 26, goes=20), lambda row: row.by),
        ColumnOf(Column("became", "What became of it", 18, flexible=True), lambda row: row.became),
    ),
    more_fields={
        "by": lambda row: row.decider,
        "task": lambda row: " ".join(row.entry.tasks) if row.entry else row.what,
        "failure": lambda row: row.entry.failure if row.entry else "",
        "ended": lambda row: f"{row.group} {row.became.text}",
        "new": lambda row: "new" if row.is_new else "",
    },
)
_WITH_SERVER = 140
"""How many cells it takes until a task's name and what became of it have room beside the server."""


def columns(width: int) -> tuple[Column, ...]:
    """What fits in so many cells."""
    return TABLE.fit(width, without=() if width >= _WITH_SERVER else ("server",))


FILTER_EXAMPLE = "by:you task:orders failure:oracle ended:lasted new:"


def first_sentence(found: Sequence[ShiftRow], since: datetime) -> str:
    """`Since 19:00 UTC: 1 went wrong, 2 not certain yet, 7 lasted`."""
    count = Counter(row.group for row in found)
    words = [
        f"{count[group]:,} {what}"
        for group, what in (
            (ShiftSection.WRONG, "went wrong"),
            (ShiftSection.OPEN, "not certain yet"),
            (ShiftSection.LASTED, "lasted"),
            (ShiftSection.QUIET, "denied or kept quiet"),
        )
        if count[group]
    ]
    return f"Since {since:%H:%M} UTC: {', '.join(words) or 'nothing was decided'}"


def second_sentence(found: Sequence[ShiftRow], seen_at: datetime | None) -> tuple[Span, ...]:
    """What waits and is planned, and how much went wrong since the last visit."""
    count = Counter(row.group for row in found)
    waits, planned = count[ShiftSection.WAITS], count[ShiftSection.PLANNED]
    words = [f"{waits:,} wait{'s'[: waits == 1]}." if waits else "Nothing waits."]
    words += [f"{vocabulary.count(planned, 'plan')} of work."] if planned else []
    new = sum(row.is_new and row.group is ShiftSection.WRONG for row in found)
    spans = [Span(" ".join(words))]
    if new and seen_at is not None:
        spans.append(Span(f"  +{new:,} went wrong since you looked at {seen_at:%H:%M}.", Tone.DANGER))
    return tuple(spans)


def hours(found: Iterable[ShiftRow], since: datetime, until: datetime, cells: int) -> tuple[Line, ...]:
    """The strip of hours: when what ended did, and since when waits what waits."""
    marks: dict[str, list[Mark]] = {"ended": [], "waits": []}
    for row in found:
        if row.at and row.group is not ShiftSection.PLANNED:
            label = "waits" if row.group is ShiftSection.WAITS else "ended"
            marks[label].append(Mark(row.at, row.sign.text, row.sign.tone))
    return strip(marks, since, until, cells)


def sections(found: Sequence[ShiftRow], since: datetime, seen_at: datetime | None = None) -> tuple[Section, ...]:
    """Returns the shift for a ticket or a chat: a section for each group."""
    heading = line("", f"{first_sentence(found, since)}. ", *second_sentence(found, seen_at))
    groups = ((str(group), [_line(row) for row in found if row.group is group]) for group in ShiftSection)
    return filled(("", [heading]), *groups)


def markdown(found: Sequence[ShiftRow], since: datetime, context: str = "") -> str:
    """The sections as Markdown; `context` is its name if there are others."""
    return as_markdown(f"Shift: {context}" if context else "Shift", sections(found, since))


def _line(row: ShiftRow) -> Line:
    name = outside(row.task or row.what, cap=200)
    by = Span(f", {row.by.text}" if row.by.text else "")
    return line(_at(row), name, by, Span(": "), row.became)
