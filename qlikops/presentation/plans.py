"""Planned work as rows, and what became of an order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from qlikops.domain.fleet import FleetSnapshot
from qlikops.domain.ordering import OrderReceipt, OrderState
from qlikops.domain.plan import Plan
from qlikops.presentation import vocabulary
from qlikops.presentation.table import Column, ColumnOf, Table
from qlikops.presentation.tone import Line, Section, Span, Tone, filled, line, outside

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


TABLE: Table[PlanRow] = Table(
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
    return filled(("", _receipt(made)))


def _receipt(made: OrderReceipt) -> Iterator[Line]:
    yield line("order", _STATES[made.state])
    yield line("what", outside(made.detail, cap=1000))
    yield line("run", outside(made.execution_name, cap=100))
