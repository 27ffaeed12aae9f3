"""Evaluators annotate a proposal; none decides. They share this interface, so that the policy knows no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import Any, Protocol, assert_never

from qlikops.agent.config import AgentConfig
from qlikops.agent.models import EvaluatorName, ModelSettings
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.evaluation import Evaluation, Finding
from qlikops.domain.proposals.lasting import Streak
from qlikops.domain.proposals.proposal import Proposal

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class EvaluationInput:
    """What else an evaluator may know."""

    restarts_last_hour: Mapping[TaskKey, int] = field(default_factory=dict)
    recent: tuple[str, ...] = ()
    """What came of earlier restarts on the same failure, then how earlier proposals on these tasks ended and whether
    that lasted: a line each, newest first.
    """
    streaks: Mapping[TaskKey, Streak] = field(default_factory=dict)
    """The restarts of each task in a row that did not last."""


class Evaluator(Protocol):
    """Says what it thinks of a proposal."""

    def evaluate(self, proposal: Proposal, history: EvaluationInput) -> Evaluation:
        """Never raises: what goes wrong is an evaluation that is unavailable, with the reason."""


def mark_unsupported(finding: Finding, proposal: Proposal) -> Finding:
    """`finding` with those of its cited ids marked that the proposal has nothing for."""
    known = proposal.citable
    return replace(finding, unsupported=tuple(cited for cited in finding.evidence_ids if cited not in known))


def make_evaluator(config: AgentConfig, clock: Clock, clients: Callable[[str], Any]) -> Evaluator:
    """The evaluator that the configuration names. `clients` makes a boto3 client by its service name."""
    # Imported here because they implement what this module declares, and only one of them is used.
    if config.evaluator is EvaluatorName.RULES:
        from qlikops.agent.evaluate.rules import RulesEvaluator

        return RulesEvaluator(clock)
    from qlikops.agent.evaluate.model import Model, ModelEvaluator

    settings: ModelSettings
    model: Model
    match config.evaluator:
        case EvaluatorName.BEDROCK:
            from qlikops.agent.evaluate.bedrock import BedrockModel

            settings, model = config.bedrock, BedrockModel(config.bedrock)
        case EvaluatorName.OPENAI:
            from qlikops.agent.evaluate.openai import OpenAiModel

            settings, model = config.openai, OpenAiModel(config.openai, clients)
        case _:
            assert_never(config.evaluator)
    return ModelEvaluator(config.evaluator, settings, model, clock)
