"""An evaluator that was talked into it: what the policy has to hold against, whatever a model says."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

from qlikops.agent.evaluate import EvaluationInput
from qlikops.domain.proposals.evaluation import Evaluation, Finding, Risk, Verdict
from qlikops.domain.proposals.proposal import Proposal


class EagerEvaluator:
    """Approves of nearly everything, with any risk, any confidence, and now and then of what it made up."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def evaluate(self, proposal: Proposal, _: EvaluationInput) -> Evaluation:
        """The same for the same proposal."""
        chance = random.Random(proposal.proposal_id)  # noqa: S311 - replayable
        invented = Finding("it is well", ("e99",), unsupported=("e99",))
        return Evaluation(
            verdict=chance.choice([Verdict.APPROVE] * 5 + [Verdict.CAUTION, Verdict.DENY]),
            risk=chance.choice([Risk.LOW] * 4 + [Risk.MEDIUM, Risk.HIGH]),
            confidence=chance.choice([0.95] * 5 + [0.05, None]),
            rationale="restart it",
            evaluator="eager",
            evaluator_version="1",
            evaluated_at=self._clock(),
            findings=(invented,) if chance.random() < 0.1 else (),
        )
