"""Sends an order with a run and finds out what became of it: applied, refused, not taken, or not known yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from qlikops.dataclass import dataclass
from qlikops.domain.errors import QlikopsError
from qlikops.domain.runs.orders import Order, OrderOutcome, Taken

if TYPE_CHECKING:
    from qlikops.domain.ports import Executions
    from qlikops.domain.workflow.execution import ExecutionSummary

POLL_SECONDS = 2.0
WAIT = timedelta(minutes=3)
"""MonitorTasks takes orders before it looks at the fleet: seconds after its run has started, unless AWS is busy."""

_NOT_TAKEN = (
    "Nothing was applied: the run did not take the order. Either it failed before that, or the deployed state machine "
    "is of a version without orders: update it with `qlikops deploy`."
)


class OrderState(StrEnum):
    """What is known of an order that was sent."""

    APPLIED = "applied"
    REFUSED = "refused"
    NOT_TAKEN = "not_taken"
    """The run did not look at its input, or failed before that."""
    UNKNOWN = "unknown"
    """The run goes on, or was stopped while its function may go on, and has said nothing yet."""


@dataclass(frozen=True, slots=True)
class OrderReceipt:
    """What became of an order that was sent with a run."""

    execution_name: str
    state: OrderState
    detail: str
    """What became of the order in a sentence or two, with what to do."""
    outcome: OrderOutcome | None = None
    """Outcome in the ledger; None if there is none."""

    @classmethod
    def of(cls, execution_name: str, taken: Taken) -> OrderReceipt:
        """What is known once a run has `taken` its one order, or not."""
        look = f"`qlikops show {execution_name}`"
        if taken.outcomes:
            outcome = taken.outcomes[0]
            state = OrderState.APPLIED if outcome.is_applied else OrderState.REFUSED
            return cls(execution_name, state, outcome.detail, outcome)
        if taken.is_over:
            return cls(execution_name, OrderState.NOT_TAKEN, f"{_NOT_TAKEN} Look with {look}.")
        detail = f"Sent, and not known yet what became of it. Do not repeat it: look with {look}."
        return cls(execution_name, OrderState.UNKNOWN, detail)


def send(
    executions: Executions,
    order: Order,
    *,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
    wait: timedelta = WAIT,
    started: Callable[[ExecutionSummary], object] = lambda _: None,
) -> OrderReceipt:
    """Starts a run with `order`, calls `started`, and waits for what becomes of it, at most so long.

    Raises what `Executions.start` raises. What cannot be read afterwards is not known yet: Step Functions may not know
    an execution that it has just started, and after an error a person sends the order again.
    """
    summary = executions.start([order])
    started(summary)
    end = monotonic() + wait.total_seconds()
    while True:
        try:
            taken = executions.orders(summary.arn)
        except QlikopsError:
            taken = Taken((), is_over=False)
        if taken.outcomes or taken.is_over or monotonic() >= end:
            return OrderReceipt.of(summary.name, taken)
        sleep(POLL_SECONDS)
