"""What of a proposal is carried out: the option and the tasks that the decision names, and nothing that is not offered.

On the simulated fleet over HTTP, with a real ledger.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.act.outcomes import Unfinished, interrupted
from qlikops.agent.propose.options import options_of
from qlikops.agent.remember.ledger import Ledger
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action
from qlikops.domain.proposals.approval import Decision, RunCall, Status
from qlikops.domain.runs.report import ReportedProposal
from tests.unit.agent.fakes import ORDERS, SERVER
from tests.unit.agent.steps.test_restart import ID, Approve, Restarting, Simulate
from tests.unit.agent.steps.test_restart import approve as approve
from tests.unit.agent.steps.test_restart import simulate as simulate

LOST, FATAL = AnomalyKind.POSITION_LOST, AnomalyKind.FATAL_TRANSIENT
NAMES = ("erp-00", "erp-01", "erp-02")


def sent(restarting: Restarting) -> list[str]:
    return [call["option"] for call in restarting.simulator.server.fleet.true_state()["calls"]]


@pytest.fixture
def lost(simulate: Simulate, approve: Approve) -> Restarting:
    return approve(simulate("lost_position"), kind=LOST, action=Action.RESUME, options=options_of(LOST, None))


@pytest.fixture
def group(simulate: Simulate, approve: Approve) -> Restarting:
    options = options_of(FATAL, None)
    return approve(simulate("source_outage"), *NAMES, cause="source ORA-PROD", options=options)


@pytest.mark.parametrize(
    ("option", "call"), [("", "RESUME_PROCESSING"), ("resume", "RESUME_PROCESSING"), ("reload", "RELOAD_TARGET")]
)
def test_the_option_that_was_approved_is_carried_out_and_recorded(
    lost: Restarting, ledger: Ledger, option: str, call: str
) -> None:
    outcome = lost.again(option=option)

    assert sent(lost) == [call]
    closed = ledger.close(ID, outcome).approval
    action = Action.RELOAD if option == "reload" else Action.RESUME
    assert ReportedProposal(closed.proposal, closed.status, outcome=closed.outcome).action is action
    assert [line.action for line in ledger.tasks.history(ORDERS)] == [action]
    assert [row.action for row in ledger.runs.proposals("run-1")] == [action]


def test_a_task_that_was_left_out_is_not_touched_and_is_free_again(group: Restarting, ledger: Ledger) -> None:
    outcome = group.again(tasks=(f"{SERVER}/erp-00", "erp-02"))

    assert outcome.status is Status.RESTARTED
    assert [one.key.task for one in outcome.targets] == ["erp-00", "erp-02"]
    assert group.runs(NAMES) == [1, 0, 1]
    closed = ledger.close(ID, outcome).approval
    left_out = closed.proposal.targets[1].key
    assert not ledger.tasks.history(left_out)
    assert not ledger.tasks.leases(target.key for target in closed.proposal.targets)
    assert not ledger.tasks.attempts([left_out], group.clock.now - timedelta(hours=1)).get(left_out)


def test_what_is_left_out_is_free_while_the_others_are_under_way(group: Restarting, ledger: Ledger) -> None:
    keys = [target.key for target in ledger.record(ID).approval.proposal.targets]
    held: list[list[str]] = []

    def look() -> None:
        held.append(sorted(key.task for key in ledger.tasks.leases(keys)))

    group.operator.run_takes = look
    while isinstance(
        group.invoke(give_up_at=group.clock.now + timedelta(seconds=8), tasks=("erp-00", "erp-02")), Unfinished
    ):
        look()
        group.clock.sleep(1)

    assert held == [["erp-00", "erp-02"]] * 3


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        ({"option": "reload"}, "it does not offer “reload”, but resume"),
        ({"option": "7"}, "it does not offer “7”"),
        ({"tasks": ("erp-00", "payments")}, "none of its tasks is called “payments”"),
        ({"tasks": ("a list",)}, "none of its tasks is called “a list”"),
    ],
)
def test_what_is_not_offered_supersedes_and_nothing_is_sent(
    group: Restarting, ledger: Ledger, decision: dict[str, Any], words: str
) -> None:
    outcome = group.again(**decision)

    assert outcome.status is Status.SUPERSEDED
    assert words in outcome.detail
    assert sent(group) == []
    assert ledger.close(ID, outcome).approval.chosen.targets == ledger.record(ID).approval.proposal.targets


def test_a_record_without_options_is_carried_out_as_it_was_proposed(
    simulate: Simulate,
    approve: Approve,
) -> None:
    """An execution that waited while the functions were updated, and its operator's plain approval."""
    older = approve(simulate("lost_position"), kind=LOST, action=Action.RELOAD)

    assert older.again().status is Status.RESTARTED
    assert sent(older) == ["RELOAD_TARGET"]


def test_the_first_decision_stays_whatever_a_later_invocation_is_told(lost: Restarting) -> None:
    first = lost.again(option="reload")

    assert lost.again(option="resume") == first
    assert sent(lost) == ["RELOAD_TARGET"]


def test_an_interrupted_one_says_nothing_of_what_was_left_out(group: Restarting, ledger: Ledger) -> None:
    approval = ledger.begin_restart(ID, Decision(approved=True, tasks=("erp-01",))).approval
    (target,) = approval.chosen.targets
    ledger.tasks.mark_start(target.key, ID, "ERROR (FATAL_ERROR)")

    outcome = interrupted(ledger.tasks, approval, "killed")

    assert [(one.key, one.run_call) for one in outcome.targets] == [(target.key, RunCall.UNCERTAIN)]
    assert sent(group) == []
