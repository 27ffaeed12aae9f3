"""Evaluator and policy, once for each proposal: what they said first is what everybody is shown and held to."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from qlikops.agent.config import AgentConfig
from qlikops.agent.decide.policy import decide
from qlikops.agent.evaluate import EvaluationInput, Evaluator
from qlikops.agent.remember.attempts import last_hour, streak_of
from qlikops.agent.remember.ledger import Ledger, check_open
from qlikops.dataclass import dataclass
from qlikops.domain.proposals.approval import HistoryLine, ProposalRecord
from qlikops.domain.proposals.evaluation import Evaluation, Route
from qlikops.domain.proposals.lasting import STREAK_WINDOW
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.words.duration import to_minute

_HISTORY_TASKS = 5
"""Tasks of a group whose histories the evaluator gets to see."""
_HISTORY_LINES = 5

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Assessor:
    """Annotates proposals and decides where they go."""

    ledger: Ledger
    evaluator: Evaluator
    config: AgentConfig
    clock: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic

    def assess(self, proposal_id: str) -> ProposalRecord:
        """The proposal with evaluation, policy and digest; evaluated now where it was not yet.

        An evaluator that breaks makes an unavailable evaluation: a human decides. Raises RecordClosed for a proposal
        that ended without one.
        """
        approval = self.ledger.record(proposal_id).approval
        if approval.evaluation:
            return approval
        check_open(approval)
        proposal = approval.proposal
        now = self.clock()
        attempts = self.ledger.tasks.attempts([target.key for target in proposal.targets], now - STREAK_WINDOW)
        restarts = {key: last_hour(tried, now) for key, tried in attempts.items()}
        streaks = {key: streak_of(tried, now) for key, tried in attempts.items()}
        began = self.monotonic()
        try:
            evaluation = self.evaluator.evaluate(proposal, EvaluationInput(restarts, self._recent(proposal), streaks))
        except Exception as exc:  # whatever it is: no evaluation means that a human decides
            _logger.exception("%s could not be evaluated", proposal_id)
            evaluation = self._unavailable(f"the evaluator failed: {type(exc).__name__}")
        if evaluation.duration_ms is None:
            evaluation = replace(evaluation, duration_ms=round((self.monotonic() - began) * 1000))
        policy = decide(proposal, evaluation, restarts_last_hour=restarts, config=self.config)
        return self.ledger.save_evaluation(proposal_id, evaluation, policy).approval

    def assess_without_evaluator(self, proposal_id: str) -> ProposalRecord:
        """Assesses a proposal whose evaluation failed as a whole: unavailable, and a human is asked."""
        approval = self.ledger.record(proposal_id).approval
        if approval.evaluation:
            return approval
        evaluation = self._unavailable("the evaluation did not finish")
        policy = decide(approval.proposal, evaluation, restarts_last_hour={}, config=self.config)
        asked = replace(policy, route=Route.ASK, reason="There is no evaluation, so a human is asked.")
        return self.ledger.save_evaluation(proposal_id, evaluation, asked).approval

    def _unavailable(self, because: str) -> Evaluation:
        return Evaluation.unavailable(because, self.config.evaluator, "", self.clock())

    def _recent(self, proposal: Proposal) -> tuple[str, ...]:
        """What came of earlier restarts on this failure; then how proposals on these tasks ended, newest first."""
        results = self.ledger.earlier_results(proposal)
        same = f"all earlier proposals to {proposal.action} on {proposal.counted_as}: {results.words()}"
        lines = [
            (line, target.key)
            for target in proposal.targets[:_HISTORY_TASKS]
            for line in self.ledger.tasks.history(target.key, _HISTORY_LINES)
        ]
        lines.sort(key=lambda entry: entry[0].at, reverse=True)
        earlier = [f"{key}: {_in_words(line)}" for line, key in lines]
        return (*([same] if results.tried else []), *earlier)


def _in_words(line: HistoryLine) -> str:
    by = f" by {line.by}" if line.by else ""
    reason = f": {line.reason}" if line.reason else ""
    afterwards = f"; {line.lasting.words()}" if line.lasting else ""
    return f"{to_minute(line.at)}, {line.action} for {line.kind}, {line.status}{by}{reason}{afterwards}"
