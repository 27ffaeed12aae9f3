"""What an approval goes against: who approves all the same says why, in the console as in a command."""

from __future__ import annotations

from qlikops.domain.errors import UsageError
from qlikops.domain.ports import Approve, DecisionRequest
from qlikops.domain.proposals.approval import ProposalRecord, choice_of
from qlikops.domain.proposals.evaluation import Verdict, is_ai
from qlikops.domain.proposals.proposal import Choice


def against(approval: ProposalRecord, choice: Choice) -> str:
    """The advice that approving `choice` goes against, in a clause; empty if it goes against none.

    That is a verdict against restarting, and a recommended option that loses nothing where the chosen one does.
    """
    evaluation, advised = approval.evaluation, approval.proposal.offers[0]
    if evaluation is not None and evaluation.verdict is Verdict.DENY:
        return "the AI says deny" if is_ai(evaluation.evaluator) else "the rules say deny"
    if choice.option.loses and not advised.loses:
        return f"the advice is to {advised.words}"
    return ""


def check_reason(request: DecisionRequest, approval: ProposalRecord) -> None:
    """Raises UsageError if `request` needs a reason and has none: every denial, and what goes against advice."""
    if request.reason.strip():
        return
    if not isinstance(request, Approve):
        raise UsageError("Nothing was sent: denying needs a reason.", "Add --reason, for those who read the report.")
    if why := against(approval, choice_of(approval.proposal, request.decision())):
        raise UsageError(
            f"Nothing was sent: {why}, so approving {approval.approval_id} needs a reason.",
            "Add --reason, for those who read the report.",
        )
