"""What the agent would make of a message, before anybody relies on it: a team's messages of a year, one after another.

Everything is asked of the same functions that a run in Lambda asks: detection, correlation, the rules, the policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from qlikops.agent.config import AgentConfig
from qlikops.agent.decide.policy import decide
from qlikops.agent.diagnosis.ranking import Explained, MessageContext, explain
from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.evaluate.rules import RulesEvaluator
from qlikops.agent.look.detection import detect
from qlikops.agent.propose.correlation import propose
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import ServerFacts, ServerState, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.evaluation import ApprovalMode
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.words.text import harmless, symbol

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_POLL = timedelta(minutes=5)
_SERVER = ServerFacts("default", "server", ServerState.MONITORED)
_CONFIG = AgentConfig(table="-", bucket="-", topic_arn="-", qlik_secret_arn="-")  # noqa: S106 - none is read


@dataclass(frozen=True, slots=True)
class Situation:
    """A message, and what is known of the task that has it."""

    message: str
    source_type: str = ""
    target_type: str = ""
    state: TaskState = TaskState.ERROR
    stop_reason: StopReason = StopReason.FATAL_ERROR
    full_load_completed: bool | None = True
    previous_message: str = ""
    """What the poll before had; the cause, where `message` says only that the retries are used up."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Situation:
        """Reads a line of a file; ValueError if a field has the wrong form. What it does not know stays unread."""
        message = given.get("message")
        if not isinstance(message, str):
            raise ValueError("message is missing, or no text")
        texts = {name: given.get(name) or "" for name in ("source_type", "target_type", "previous_message")}
        for name, value in texts.items():
            if not isinstance(value, str):
                raise ValueError(f"{name} is no text")
        loaded = given.get("full_load_completed", True)
        if loaded is not None and not isinstance(loaded, bool):
            raise ValueError("full_load_completed is neither true nor false")
        return cls(
            message,
            texts["source_type"],
            texts["target_type"],
            _member(TaskState, given.get("state"), TaskState.ERROR, "state"),
            _member(StopReason, given.get("stop_reason"), StopReason.FATAL_ERROR, "stop_reason"),
            loaded,
            texts["previous_message"],
        )

    @property
    def context(self) -> MessageContext:
        """What helps to read the message."""
        return MessageContext.of(self.source_type, self.target_type, is_loading=self.full_load_completed is False)


def _member(kind: Any, value: object, otherwise: Any, name: str) -> Any:
    if value is None or value == "":
        return otherwise
    spelt = symbol(str(value))
    if spelt not in kind.__members__:
        raise ValueError(f"{name} is one of {', '.join(kind.__members__)}, not {value}")
    return kind[spelt]


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What would come of it."""

    explained: Explained
    proposal: Proposal | None = None
    """None where nothing would be proposed."""
    verdict: str = ""
    risk: str = ""
    confidence: float | None = None
    route_policy: str = ""
    route_always: str = ""

    def as_data(self) -> dict[str, Any]:
        """One line of the answer."""
        found = self.explained.diagnosis
        offers = self.proposal.offers if self.proposal else ()
        return {
            "kind": self.proposal.kind.value if self.proposal else "",
            "class": found.failure_class.value,
            "certainty": found.certainty.value,
            "failure": found.failure,
            "runners_up": list(found.runners_up),
            "codes": list(found.codes),
            "unexplained": found.unexplained,
            "is_cut": found.is_cut,
            "automatic": found.automatic,
            "says": found.says,
            "check": list(found.checks),
            "then": found.then.value,
            "never": found.never,
            "source": found.source,
            "options": [
                {
                    "action": option.action.value,
                    "recommended": option is offers[0],
                    "option": option.name,
                    "words": option.words,
                }
                for option in offers
            ],
            "verdict": self.verdict,
            "risk": self.risk,
            "confidence": self.confidence,
            "route_policy": self.route_policy,
            "route_always": self.route_always,
        }


def outcome(situation: Situation, config: AgentConfig = _CONFIG) -> TrialResult:
    """What a run by the entries in use would make of a task with that message, the only one of its fleet to fail."""
    found = explain(situation.message, situation.context)
    if situation.previous_message and not found.diagnosis.failure_class.is_explained:
        earlier = explain(situation.previous_message, situation.context)
        if earlier.diagnosis.failure:
            # It explains and opens nothing, as in a run.
            found = replace(earlier, diagnosis=replace(earlier.diagnosis, automatic=False))
    proposal = proposal_on(situation, config)
    if proposal is None:
        return TrialResult(found)
    evaluation = RulesEvaluator(lambda: _NOW).evaluate(proposal, EvaluationInput())
    routes = {
        mode: decide(
            proposal, evaluation, restarts_last_hour={}, config=replace(config, approval_mode=mode)
        ).route.value
        for mode in (ApprovalMode.POLICY, ApprovalMode.ALWAYS)
    }
    return TrialResult(
        found,
        proposal,
        evaluation.verdict.value,
        evaluation.risk.value if evaluation.risk else "",
        evaluation.confidence,
        routes[ApprovalMode.POLICY],
        routes[ApprovalMode.ALWAYS],
    )


def proposal_on(situation: Situation, config: AgentConfig = _CONFIG) -> Proposal | None:
    """What a run would propose on a task in that situation; None for nothing."""
    task = TaskFacts(
        key=TaskKey("default", _SERVER.name, "task"),
        state=situation.state,
        stop_reason=situation.stop_reason,
        message=harmless(situation.message),
        source_endpoint="source",
        source_type=harmless(situation.source_type),
        target_endpoint="target",
        target_type=harmless(situation.target_type),
        memory_mb=512 if situation.state is TaskState.RUNNING else 0,
        full_load_enabled=True,
        full_load_completed=situation.full_load_completed,
        tables_loading=0,
        tables_queued=0,
        tables_with_error=0,
        tags_known=True,
    )
    said_before = None
    if situation.previous_message:
        before = replace(task, message=harmless(situation.previous_message))
        said_before = detect((_SERVER,), (before,), None, config, _NOW - 2 * _POLL, "trial-0")
    # Two polls confirm what one does not.
    first = detect((_SERVER,), (task,), said_before, config, _NOW - _POLL, "trial-1")
    snapshot = detect((_SERVER,), (task,), first, config, _NOW, "trial-2")
    found = propose(
        snapshot, config, execution_arn="arn:aws:states:::execution:trial", execution_name="trial", now=_NOW, blocked={}
    )
    return found.proposals[0] if found.proposals else None
