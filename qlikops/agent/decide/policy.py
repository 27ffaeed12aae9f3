"""The policy decides where a proposal goes: hard gates first, then the approval mode. Nothing else decides.

A gate is a reason why the restart may not happen without a human. An evaluation can close gates and withhold its
approval; it has no way to open one, nor to choose the action or the tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from qlikops.agent.config import AgentConfig
from qlikops.dataclass import dataclass
from qlikops.domain.encoding.stored import unknown_values
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.diagnosis import FailureClass
from qlikops.domain.fleet.endpoint import ProbeAnswer
from qlikops.domain.fleet.task import Action, StopReason, TaskKey
from qlikops.domain.proposals.evaluation import (
    ApprovalMode,
    BlockingGate,
    Evaluation,
    Gate,
    PolicyResult,
    Risk,
    Route,
    Verdict,
)
from qlikops.domain.proposals.proposal import Option, Proposal, ProposedTask
from qlikops.domain.words.naming import listed

NEEDS_HUMAN: Mapping[FailureClass, str] = {
    FailureClass.POSITION_LOST: "the log is gone from where it stopped: restore it, or reload",
    FailureClass.ACCESS: "an endpoint refused: correct that first",
    FailureClass.FIX_FIRST: "a resume alone fails again: put it right first",
    FailureClass.TABLES: "some tables are suspended or miss rows: look at them first",
    FailureClass.DEFECT: "a fault of a vendor's program: look first",
    FailureClass.WAIT: "Replicate goes on by itself",
}
"""Classes of failures that never pass by themselves, known for certain or not, and what that means for a restart."""
_NAMED = 3
"""Tasks that a reason names."""


@dataclass(frozen=True, slots=True)
class GateInput:
    """What the gates look at."""

    proposal: Proposal
    option: Option
    evaluation: Evaluation
    restarts_last_hour: Mapping[TaskKey, int]
    config: AgentConfig


def decide(
    proposal: Proposal,
    evaluation: Evaluation,
    *,
    restarts_last_hour: Mapping[TaskKey, int],
    config: AgentConfig,
) -> PolicyResult:
    """Where `proposal` goes, which gates are closed, and why in a sentence."""
    closed = tuple(
        _closed(GateInput(proposal, option, evaluation, restarts_last_hour, config) for option in proposal.offers)
    )
    mode, why_not = config.approval_mode, closed[0].reason if closed else _withheld(evaluation)
    shadow = Route.ASK if why_not else Route.AUTOMATIC
    if mode is ApprovalMode.ALWAYS:
        return PolicyResult(Route.ASK, mode, closed, "A human is asked about every proposal.", shadow)
    if not why_not:
        automatic = "Automatic: no gate is closed and the evaluation approves."
        return PolicyResult(Route.AUTOMATIC, mode, closed, automatic, shadow)
    otherwise, consequence = (
        (Route.ASK, "a human decides") if mode is ApprovalMode.POLICY else (Route.HELD, "held, and nobody is asked")
    )
    return PolicyResult(otherwise, mode, closed, f"Not automatic, {consequence}: {why_not}.", shadow)


def _closed(questions: Iterable[GateInput]) -> Iterator[BlockingGate]:
    """The gates that are closed for any of the options; automatic is only what every option would be."""
    asked = tuple(questions)
    for gate, why in GATES.items():
        reasons = {question.option.name: reason for question in asked if (reason := why(question))}
        if reasons:
            names = "" if len(reasons) == len(asked) else ", ".join(reasons)
            yield BlockingGate(gate, next(iter(reasons.values())), names)


def _withheld(evaluation: Evaluation) -> str:
    """Why the evaluation is no approval that counts; empty where it is one."""
    if evaluation.verdict is not Verdict.APPROVE:
        return f"the evaluation says {evaluation.verdict}"
    invented = [cited for finding in evaluation.findings for cited in finding.unsupported]
    return f"the evaluation cites evidence that is not there ({', '.join(invented[:_NAMED])})" if invented else ""


def _user_stopped(question: GateInput) -> str:
    stopped = [target for target in question.proposal.targets if target.stop_reason is StopReason.NORMAL]
    if stopped and question.proposal.kind is not AnomalyKind.LEFT_STOPPED:
        return f"a user stopped {_names(stopped)}"
    return "a user stopped it" if question.proposal.kind.traits.by_person else ""


def _full_load_incomplete(question: GateInput) -> str:
    incomplete = [target for target in question.proposal.targets if target.full_load_completed is not True]
    return f"full load isn't known to be complete: {_names(incomplete)}" if incomplete else ""


def _kind_needs_human(question: GateInput) -> str:
    if unknown := next(unknown_values(question.proposal), None):
        return f"nobody knows here what {unknown} means"
    kind, diagnosis = question.proposal.kind, question.proposal.diagnosis
    if diagnosis is not None and diagnosis.failure_class in NEEDS_HUMAN and diagnosis.failure:
        return f"{NEEDS_HUMAN[diagnosis.failure_class]} ({diagnosis.failure})"
    if not kind.traits.is_automatic:
        return f"{kind} always needs a human"
    if diagnosis is not None and not diagnosis.automatic:
        return "it is not certain that the failure passes by itself"
    return ""


def _endpoint_down(question: GateInput) -> str:
    probe = question.proposal.probe
    return probe.words if probe and probe.answer is ProbeAnswer.ERROR else ""


def _point_of_no_return(question: GateInput) -> str:
    proposal = question.proposal
    point = proposal.point_of_no_return
    return point.brief(proposal.created_at) if point and point.has_passed(proposal.created_at) else ""


def _several_tasks(question: GateInput) -> str:
    count = len(question.proposal.targets)
    return "" if count == 1 else f"{count} tasks in one decision"


def _protected(question: GateInput) -> str:
    protected = [target for target in question.proposal.targets if target.protected]
    return f"protected: {_names(protected)}" if protected else ""


def _budget_spent(question: GateInput) -> str:
    budget = question.config.restart_budget_per_hour
    spent = [target for target in question.proposal.targets if question.restarts_last_hour.get(target.key, 0) >= budget]
    return f"the budget of {budget} restarts an hour is spent: {_names(spent)}" if spent else ""


def _evaluation_unavailable(question: GateInput) -> str:
    if question.evaluation.verdict is not Verdict.UNAVAILABLE:
        return ""
    because = question.evaluation.unavailable_because
    return f"there is no evaluation{f' ({because})' if because else ''}"


def _high_risk(question: GateInput) -> str:
    risk = question.evaluation.risk
    return f"the evaluation says {risk} risk" if risk not in {Risk.LOW, Risk.MEDIUM} else ""


def _low_confidence(question: GateInput) -> str:
    confidence, floor = question.evaluation.confidence, question.config.confidence_floor
    # Written so that None, NaN and anything out of range close the gate.
    if confidence is not None and floor <= confidence <= 1:
        return ""
    return f"the evaluation's confidence is {'not given' if confidence is None else confidence}, the floor is {floor}"


GATES: Mapping[Gate, Callable[[GateInput], str]] = {
    Gate.POSITION_LOST: lambda it: "the log position is lost" if it.proposal.kind.traits.position_lost else "",
    Gate.RELOAD: lambda it: "a reload replaces what the target has" if it.option.action is Action.RELOAD else "",
    Gate.USER_STOPPED: _user_stopped,
    Gate.FULL_LOAD_INCOMPLETE: _full_load_incomplete,
    Gate.KIND_NEEDS_HUMAN: _kind_needs_human,
    Gate.ENDPOINT_DOWN: _endpoint_down,
    Gate.POINT_OF_NO_RETURN: _point_of_no_return,
    Gate.PROTECTED: _protected,
    Gate.SEVERAL_TASKS: _several_tasks,
    Gate.BUDGET_SPENT: _budget_spent,
    Gate.EVALUATION_UNAVAILABLE: _evaluation_unavailable,
    Gate.HIGH_RISK: _high_risk,
    Gate.LOW_CONFIDENCE: _low_confidence,
}
"""Each says why it is closed, or nothing. The first closed one is the reason that people see first."""


def _names(targets: Iterable[ProposedTask]) -> str:
    return listed([str(target.key) for target in targets], _NAMED)
