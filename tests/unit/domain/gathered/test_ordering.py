"""An order is sent once, and only what is known of it is said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from qlikops.domain.errors import NotFound, Offline, QlikopsError
from qlikops.domain.gathered.ordering import OrderReceipt, OrderState, send
from qlikops.domain.runs.orders import OrderOutcome, Taken, lift_order
from qlikops.domain.workflow.execution import ExecutionStatus, ExecutionSummary
from tests.fakes import Clock, FakeExecutions
from tests.unit.domain.samples import NOON

ORDER = lift_order("plan-1", "done")
APPLIED = OrderOutcome(0, is_applied=True, detail="plan-1 is ended.", at=NOON)
REFUSED = OrderOutcome(0, is_applied=False, detail="There is none.", at=NOON)
GOES_ON, OVER = Taken((), is_over=False), Taken((), is_over=True)


def sent(*taken: Taken | QlikopsError) -> tuple[OrderReceipt, list[str], float]:
    """What is said, the runs that were said to be started, and how long that took."""
    executions, clock, started = FakeExecutions(), Clock(NOON), list[str]()
    executions.summaries = [ExecutionSummary("arn:m:run-1", "run-1", ExecutionStatus.RUNNING, NOON)]
    executions.taken = list(taken)
    receipt = send(
        executions,
        ORDER,
        sleep=clock.sleep,
        monotonic=clock.monotonic,
        wait=timedelta(seconds=10),
        started=lambda summary: started.append(summary.name),
    )
    assert executions.ordered == [ORDER]
    return receipt, started, clock.seconds


@pytest.mark.parametrize(
    ("taken", "state", "seconds"),
    [
        ([GOES_ON, GOES_ON, Taken((APPLIED,), is_over=False)], OrderState.APPLIED, 4),
        ([Taken((REFUSED,), is_over=True)], OrderState.REFUSED, 0),
        ([GOES_ON, OVER], OrderState.NOT_TAKEN, 2),
        ([GOES_ON], OrderState.UNKNOWN, 10),
        ([NotFound("Not there yet."), Taken((APPLIED,), is_over=False)], OrderState.APPLIED, 2),
        ([Offline("No network.")], OrderState.UNKNOWN, 10),
    ],
)
def test_it_is_waited_for_until_something_is_known(
    taken: list[Taken | QlikopsError], state: OrderState, seconds: int
) -> None:
    receipt, started, took = sent(*taken)
    assert (receipt.state, receipt.execution_name, started, took) == (state, "run-1", ["run-1"], seconds)
    assert (receipt.outcome is None) is (state in (OrderState.NOT_TAKEN, OrderState.UNKNOWN))
    if receipt.outcome is None:
        assert "`qlikops show run-1`" in receipt.detail
