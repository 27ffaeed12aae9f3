"""What a report says was done about a proposal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.domain.fleet.task import Action
from qlikops.domain.proposals.approval import Decision, Outcome, Status
from qlikops.domain.proposals.proposal import Option
from qlikops.domain.runs.report import ReportedProposal
from tests.unit.domain.samples import PROPOSAL

OFFERING = replace(
    PROPOSAL, options=(Option("resume", Action.RESUME, "resume"), Option("reload", Action.RELOAD, "reload"))
)


@pytest.mark.parametrize(
    ("outcome", "action"),
    [
        (None, Action.RESUME),
        (Outcome(Status.EXPIRED), Action.RESUME),
        (Outcome(Status.RESTARTED, decision=Decision(True)), Action.RESUME),
        (Outcome(Status.RESTARTED, decision=Decision(True, option="reload")), Action.RELOAD),
        (Outcome(Status.DENIED, decision=Decision(False)), Action.RESUME),
    ],
)
def test_the_action_is_that_of_the_option_approved(outcome: Outcome | None, action: Action) -> None:
    assert ReportedProposal(OFFERING, Status.RESTARTED, outcome=outcome).action is action
