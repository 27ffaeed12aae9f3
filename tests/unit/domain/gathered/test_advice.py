"""What an approval goes against, and what needs a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.domain.errors import UsageError
from qlikops.domain.fleet.task import Action
from qlikops.domain.gathered import advice
from qlikops.domain.ports import Approve, DecisionRequest, Deny
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.proposals.proposal import Option
from tests.unit.presentation import samples

RESTORE = Option("resume", Action.RESUME, "restore the log, then resume")
RELOAD = Option("reload", Action.RELOAD, "load everything again", loses="what the target has")


def record(verdict: Verdict = Verdict.APPROVE, *options: Option, evaluator: str = "bedrock") -> ProposalRecord:
    proposal = replace(samples.proposal(), options=options)
    return samples.approval(proposal, assessed=samples.evaluation(verdict, evaluator=evaluator))


@pytest.mark.parametrize(
    ("approval", "option", "words"),
    [
        (record(), "", ""),
        (record(Verdict.CAUTION), "", ""),
        (record(Verdict.UNAVAILABLE), "", ""),
        (replace(record(), evaluation=None), "", ""),
        (record(Verdict.DENY), "", "the AI says deny"),
        (record(Verdict.DENY, evaluator="rules"), "", "the rules say deny"),
        (record(Verdict.APPROVE, RESTORE, RELOAD), "resume", ""),
        (record(Verdict.APPROVE, RESTORE, RELOAD), "reload", "the advice is to restore the log, then resume"),
        (record(Verdict.APPROVE, RELOAD, RESTORE), "resume", ""),
        (record(Verdict.APPROVE, RELOAD), "reload", ""),
    ],
)
def test_advice_is_a_verdict_and_the_option_that_loses_nothing(
    approval: ProposalRecord, option: str, words: str
) -> None:
    assert advice.against(approval, approval.proposal.choose(option)) == words


@pytest.mark.parametrize(
    ("request_", "approval", "needs"),
    [
        (Deny("d", " "), record(), True),
        (Deny("d", "why"), record(), False),
        (Approve("d"), record(), False),
        (Approve("d"), record(Verdict.DENY), True),
        (Approve("d", "why"), record(Verdict.DENY), False),
        (Approve("d", option="reload"), record(Verdict.APPROVE, RESTORE, RELOAD), True),
    ],
)
def test_what_needs_a_reason_is_refused_without_one(
    request_: DecisionRequest, approval: ProposalRecord, needs: bool
) -> None:
    if needs:
        with pytest.raises(UsageError, match=r"Nothing was sent: .* needs a reason"):
            advice.check_reason(request_, approval)
    else:
        advice.check_reason(request_, approval)
