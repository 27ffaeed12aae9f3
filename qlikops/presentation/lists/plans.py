"""Planned work as rows, and what became of an order."""

from __future__ import annotations

import re
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.errors import UsageError
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.gathered.ordering import OrderReceipt, OrderState
from qlikops.domain.gathered.shift_entry import ShiftEntry
from qlikops.domain.proposals.mute import MuteReason
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.domain.words.naming import counted
from qlikops.domain.words.text import harmless
from qlikops.presentation import vocabulary, waiting
from qlikops.presentation.table import Column, ColumnOf, TableOf
from qlikops.presentation.tone import Line, Section, Span, Tone, line, outside

_STATES = {
    OrderState.APPLIED: Span("applied", Tone.GOOD),
    OrderState.REFUSED: Span("refused", Tone.DANGER),
    OrderState.NOT_TAKEN: Span("not taken", Tone.DANGER),
    OrderState.UNKNOWN: Span("not known yet", Tone.WARNING),
}


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One plan in a list."""

    plan: Plan
    covered: int
    """Tasks that it covers, as the last run saw them."""
    now: datetime

    @property
    def state(self) -> Span:
        """Where it stands."""
        if self.plan.is_active(self.now):
            return Span("goes on", Tone.WARNING)
        if not self.plan.is_over(self.now):
            return Span("to come", Tone.INFO)
        called_off = self.plan.until <= self.plan.starts_at
        return Span("called off" if called_off else "ended early" if self.plan.ended_at else "over", Tone.MUTED)


def listed(snapshot: FleetSnapshot, now: datetime) -> list[PlanRow]:
    """The plans of a snapshot: those that are not over first, then by their beginning."""
    rows = [
        PlanRow(plan, sum(plan.scope.covers(task.facts) for task in snapshot.tasks), now) for plan in snapshot.plans
    ]
    return sorted(rows, key=lambda row: (row.plan.is_over(now), row.plan.starts_at))


def _time(at: datetime) -> Span:
    return Span(f"{at:%m-%d %H:%M}")


TABLE: TableOf[PlanRow] = TableOf(
    (
        ColumnOf(Column("id", "Plan", 15), lambda row: Span(row.plan.plan_id), field=lambda row: row.plan.plan_id),
        ColumnOf(Column("state", "Now", 11), lambda row: row.state, field=lambda row: row.state.text),
        ColumnOf(Column("from", "From (UTC)", 11), lambda row: _time(row.plan.starts_at)),
        ColumnOf(Column("until", "Until (UTC)", 11), lambda row: _time(row.plan.until)),
        ColumnOf(Column("tasks", "Tasks", 5, right=True, goes=20), lambda row: Span(f"{row.covered:,}")),
        ColumnOf(
            Column("why", "Why", 12, flexible=True),
            lambda row: outside(row.plan.why, cap=120),
            field=lambda row: row.plan.why,
        ),
        ColumnOf(
            Column("covers", "Covers", 30, goes=10),
            lambda row: outside(row.plan.scope.words(), cap=200),
            field=lambda row: row.plan.scope.words(),
        ),
        ColumnOf(Column("says", "Says", 16, goes=5), lambda row: outside(vocabulary.person(row.plan.by), cap=60)),
    )
)


def receipt(made: OrderReceipt) -> tuple[Section, ...]:
    """What became of an order."""
    lines = (
        line("order", _STATES[made.state]),
        line("what", outside(made.detail, cap=1000)),
        line("run", outside(made.execution_name, cap=100)),
    )
    return (Section("", lines),)


SCOPE_EXAMPLE = "server:NAME endpoint:NAME tag:TAG task:SERVER/TASK"
"""A name with blanks stands in double quotes."""
_NAMED = re.compile(r'(server|endpoint|tag|task):(?:"([^"]*)"|(\S+))', re.IGNORECASE)


def summary(snapshot: FleetSnapshot, now: datetime) -> str:
    """How much work is planned, and when the run looked that knew it."""
    going_on = sum(plan.is_active(now) for plan in snapshot.plans)
    to_come = sum(plan.starts_at > now and not plan.is_over(now) for plan in snapshot.plans)
    seen = f"as the run of {vocabulary.ago(snapshot.taken_at, now)} ago knew it"
    return f"Planned work, {seen}: {going_on} going on, {to_come} to come." if snapshot.plans else "No work is planned."


def whole(plan: Plan, now: datetime) -> str:
    """All of a plan in a sentence or two."""
    ended = f" Ended by {vocabulary.person(plan.ended_by)}: {plan.ended_why}." if plan.ended_at else ""
    by = f"Says {vocabulary.person(plan.by)}: {plan.words(now)}."
    return harmless(f"{plan.plan_id} covers {plan.scope.words()}. {by}{ended}", 600)


def scope_of(text: str, snapshot: FleetSnapshot) -> Scope:
    """What `text` names, such as `server:eu tag:gold`. Raises UsageError for what the last run did not see."""
    rest = _NAMED.sub("", text).strip()
    if rest:
        raise UsageError(f"{harmless(rest, 40)} names nothing: {SCOPE_EXAMPLE}.")
    known: dict[str, set[str]] = {"server": {each.name for each in snapshot.servers}, "endpoint": set(), "tag": set()}
    tasks: dict[str, TaskKey] = {}
    for each in snapshot.tasks:
        known["endpoint"] |= {each.facts.source_endpoint, each.facts.target_endpoint} - {""}
        known["tag"] |= set(each.facts.tags)
        tasks |= {str(each.facts.key): each.facts.key}
    found: dict[str, list[str]] = {}
    for what, quoted, bare in _NAMED.findall(text):
        name = quoted or bare
        if name not in (tasks if what.lower() == "task" else known[what.lower()]):
            raise UsageError(f"The last run saw no {what.lower()} {harmless(name, 80)}.")
        found.setdefault(what.lower(), []).append(name)
    scope = Scope(
        tuple(found.get("server", ())),
        tuple(found.get("endpoint", ())),
        tuple(found.get("tag", ())),
        tuple(tasks[name] for name in found.get("task", ())),
    )
    if scope == Scope():
        raise UsageError("Name what the work is on.")
    return scope


def plan_lines(
    scope: Scope | None, ends_at: datetime, why: str, caller: str, snapshot: FleetSnapshot
) -> tuple[Line, ...]:
    """What is sent, and what it means until it is over."""
    covered = sum(scope.covers(task.facts) for task in snapshot.tasks) if scope else 0
    return (
        line("sends", "StartExecution with an order: plan"),
        line("covers", outside(scope.words() if scope else "…", cap=300)),
        line("", f"{covered:,} of {vocabulary.count(len(snapshot.tasks), 'task')}, as the last run saw them"),
        line("until", vocabulary.clock_time(ends_at)),
        line("reason", outside(why or "…", cap=500)),
        line("by", outside(caller or vocabulary.NO_CALLER, cap=200)),
        line("then", "only a lost log position and data errors are proposed or told"),
        line("at its end", "you are asked about what it stopped and is still down"),
    )


def lift_lines(what: TaskSnapshot | Plan | ShiftEntry, reason: str, caller: str, now: datetime) -> tuple[Line, ...]:
    """What ends, and what follows from it."""
    lines = [line("sends", "StartExecution with an order: lift")]
    if isinstance(what, Plan):
        lines += [line("plan", outside(f"{what.plan_id}: {what.words(now)}", cap=300))]
        then = "what was stopped during the work and still is down is proposed by the same run"
    elif isinstance(what, ShiftEntry):
        lines += [line("tasks", outside(counted(what.tasks, "tasks"), cap=300))]
        until = waiting.clock(what.muted_until, now) if what.muted_until else "nothing"
        lines += [line("lifts", Span(f"what keeps them quiet until {until}", Tone.WARNING))]
        then = "what is still broken of them is proposed by the same run; the hourly restart limit stays"
    else:
        mute = what.memory.quiet
        lines += [line("task", outside(what.facts.key, cap=200))]
        lines += [line("lifts", outside(mute.words() if mute else "nothing", Tone.WARNING, 300))]
        then = "if it is still broken, it is proposed by the same run; the hourly restart limit stays"
    return (
        *lines,
        line("reason", outside(reason or "…", cap=500)),
        line("by", outside(caller or vocabulary.NO_CALLER, cap=200)),
        line("then", then),
    )


def nothing_to_lift(what: TaskSnapshot | Plan | ShiftEntry, now: datetime) -> str:
    """Why there is nothing to end; empty where there is."""
    if isinstance(what, Plan):
        return "It is over already." if what.is_over(now) else ""
    if isinstance(what, ShiftEntry):
        is_muted = what.muted_until is not None and what.muted_until > now
        return "" if is_muted else "Nothing keeps them quiet, as the last run saw it."
    mute = what.memory.quiet
    if mute is None or mute.until <= now:
        return "Nothing keeps it quiet, as the last run saw it."
    return "The hourly restart limit cannot be lifted." if mute.kind is MuteReason.BUDGET else ""


def settled(made: OrderReceipt) -> tuple[str, bool]:
    """What became of an order, for a line that goes away; and whether that is what was wanted."""
    words = f"Order {_STATES[made.state].text}: {harmless(made.detail, 400)}"
    return words, made.state is OrderState.APPLIED
