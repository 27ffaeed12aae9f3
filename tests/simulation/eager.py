"""An evaluator, and a model, that were talked into it: what the policy has to hold against, whatever a model says."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.evaluate.prompt import TOOL_NAME
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


@dataclass
class SimulatedBedrock:
    """A model that approves with evidence and without; sometimes its answer has no end, or is not in the form."""

    chance: random.Random
    reached: Callable[[str], None]

    def converse(self, **_: Any) -> dict[str, Any]:
        kind = self.chance.random()
        cited = "e1" if kind < 0.5 else "e99"
        answer: dict[str, Any] = {
            "verdict": self.chance.choice(["approve"] * 5 + ["caution", "deny"]),
            "risk": self.chance.choice(["low"] * 4 + ["medium", "high"]),
            "confidence": self.chance.choice([0.95] * 5 + [0.05]),
            "rationale": "restart it",
            "findings": [{"text": "it is well", "evidence_ids": [cited]}],
            "cautions": [],
        }
        stop_reason = "tool_use"
        if kind > 0.9:
            stop_reason = "max_tokens"
        elif kind > 0.8:
            answer["risk"] = "none at all"
        self.reached("a model without an answer" if kind > 0.8 else f"a model that cites {cited}")
        used = {"toolUse": {"toolUseId": "1", "name": TOOL_NAME, "input": answer}}
        return {"stopReason": stop_reason, "output": {"message": {"role": "assistant", "content": [used]}}}
