"""Orders from the console: each asks once, in a dialog that says what is sent; the run that takes it says the rest."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Select

from qlikops.domain.errors import UsageError
from qlikops.domain.gathered.ordering import send
from qlikops.domain.gathered.shift_entry import ShiftEntry
from qlikops.domain.ports import ContextServices
from qlikops.domain.runs.orders import Order, lift_order, plan_order
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.presentation.lists import plans
from qlikops.presentation.tone import Line
from qlikops.tui.model import messages
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.base import PolledScreen, PollResult
from qlikops.tui.screens.dialog import ReasonedDialog, lasting
from qlikops.tui.widgets.line import LineInput

WAIT = timedelta(minutes=1)
HOURS = lasting(0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 24.0)
_USUAL_HOURS = 2.0
_SCOPE_CAP = 500
"""Characters of what a plan covers, as it is typed."""


class OrderingScreen(PolledScreen[PollResult]):
    """A screen from which orders are sent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("L", "lift", "Lift", id="lift", tooltip="ends what keeps it quiet"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in {"lift", "plan"}:
            if self.context.read_only:
                return False
            return None if self.context.locked_because() else True
        return super().check_action(action, parameters)

    def confirm(self, dialog: ReasonedDialog[Order]) -> None:
        """Asks, then sends."""
        context = self.context

        def answered(order: Order | None) -> None:
            # The data may have grown old in the very moment of the key.
            if order is None or context.locked_because():
                return

            def work(environment: ContextServices) -> messages.OrderSettled:
                sent = send(environment.executions, order, sleep=time.sleep, monotonic=time.monotonic, wait=WAIT)
                return messages.OrderSettled(sent)

            context.backend.call("orders", work, lambda error: messages.RunChangeFailed(error, "the order"), self.app)
            self.notify("Sent; a run applies it.", markup=False)

        self.app.push_screen(dialog, answered)


class LiftScreen(ReasonedDialog[Order]):
    """Ends what keeps one task, or the tasks of one proposal, quiet; or planned work."""

    def __init__(self, state: ConsoleState, context: LiveContext, what: TaskSnapshot | Plan | ShiftEntry) -> None:
        super().__init__(state, context)
        self._what = what
        self.verb = "End it" if isinstance(what, Plan) else "Lift"

    def heading(self) -> str:
        return "End planned work" if isinstance(self._what, Plan) else "Lift what keeps it quiet"

    def outgoing(self) -> tuple[Line, ...]:
        return plans.lift_lines(self._what, self.reason, self.context.caller, self.context.now())

    def problem(self) -> str:
        """There may be nothing to end."""
        return plans.nothing_to_lift(self._what, self.context.now()) or super().problem()

    def answer(self) -> Order:
        match self._what:
            case Plan(plan_id=named) | ShiftEntry(approval_id=named):
                return lift_order(named, self.reason)
            case TaskSnapshot() as task:
                return lift_order(task.facts.key, self.reason)


class PlanScreen(ReasonedDialog[Order]):
    """Plans work that begins at once; `qlikops plan add` plans what begins later."""

    TITLE = "Plan work that begins now"
    verb = "Plan it"
    FIRST = "#scope"

    def __init__(self, state: ConsoleState, context: LiveContext, snapshot: FleetSnapshot) -> None:
        super().__init__(state, context)
        self._snapshot = snapshot

    def fields(self) -> ComposeResult:
        yield LineInput(placeholder=plans.SCOPE_EXAMPLE, max_length=_SCOPE_CAP, id="scope", compact=True)
        yield Select(HOURS, value=_USUAL_HOURS, allow_blank=False, id="duration", compact=True)
        yield from super().fields()

    def outgoing(self) -> tuple[Line, ...]:
        scope, _ = self._scope()
        ends_at = self.context.now() + self._lasts
        return plans.plan_lines(scope, ends_at, self.reason, self.context.caller, self._snapshot)

    def problem(self) -> str:
        """What is named may not be there."""
        return super().problem() if self._scope()[0] else self._scope()[1]

    def answer(self) -> Order:
        scope, _ = self._scope()
        return plan_order(scope or Scope(), None, self.context.now() + self._lasts, self.reason)

    def _scope(self) -> tuple[Scope | None, str]:
        try:
            return plans.scope_of(self.query_one("#scope", Input).value, self._snapshot), ""
        except UsageError as exc:
            return None, exc.message

    @property
    def _lasts(self) -> timedelta:
        hours = self.query_one("#duration", Select).value
        return timedelta(hours=hours if isinstance(hours, float) else _USUAL_HOURS)
