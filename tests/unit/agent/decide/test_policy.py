from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.agent.decide.policy import GATES, decide
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.diagnosis import Certainty, FailureClass
from qlikops.domain.fleet.endpoint import EndpointKey, Probe, ProbeAnswer
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.fleet.task import Action, StopReason, TaskKey
from qlikops.domain.proposals.evaluation import (
    ApprovalMode,
    Evaluation,
    Finding,
    Gate,
    PolicyResult,
    Risk,
    Route,
    Verdict,
)
from qlikops.domain.proposals.proposal import Option, Proposal
from tests.unit.agent.fleet import CONFIG, NOW, failed, poll_twice
from tests.unit.agent.propose.test_correlation import only_proposal

OPEN = only_proposal(poll_twice(failed()))
"""A proposal that no gate is closed for."""
RELOAD = Option("reload", Action.RELOAD, "reload the target")
KEY = OPEN.targets[0].key
ENDPOINT = EndpointKey("default", "eu-1", "ORA-PROD")
GOOD = Evaluation(Verdict.APPROVE, Risk.LOW, 0.9, "fine", "rules", "1", NOW)
EVALUATION_GATES = {Gate.EVALUATION_UNAVAILABLE, Gate.HIGH_RISK, Gate.LOW_CONFIDENCE}


def with_target(**changes: Any) -> Proposal:
    return replace(OPEN, targets=(replace(OPEN.targets[0], **changes),))


def ask_policy(
    proposal: Proposal = OPEN,
    evaluation: Evaluation = GOOD,
    mode: ApprovalMode = ApprovalMode.POLICY,
    restarts: Mapping[TaskKey, int] | None = None,
) -> PolicyResult:
    config = replace(CONFIG, approval_mode=mode)
    return decide(proposal, evaluation, restarts_last_hour=restarts or {}, config=config)


def closed(result: PolicyResult) -> set[Gate]:
    return {each.gate for each in result.closed_gates}


PASSED = PointOfNoReturn("ORA-PROD", OPEN.created_at - timedelta(hours=1), 3600)
CLOSING: list[tuple[Gate, Proposal, Evaluation, Mapping[TaskKey, int]]] = [
    (Gate.FULL_LOAD_INCOMPLETE, with_target(full_load_completed=False), GOOD, {}),
    (Gate.FULL_LOAD_INCOMPLETE, with_target(full_load_completed=None), GOOD, {}),
    (Gate.RELOAD, replace(OPEN, action=Action.RELOAD, options=()), GOOD, {}),
    (Gate.RELOAD, replace(OPEN, options=(RELOAD,)), GOOD, {}),
    (Gate.RELOAD, replace(OPEN, options=(*OPEN.options, RELOAD)), GOOD, {}),
    (Gate.USER_STOPPED, with_target(stop_reason=StopReason.NORMAL), GOOD, {}),
    (Gate.BUDGET_SPENT, OPEN, GOOD, {KEY: 3}),
    (Gate.HIGH_RISK, OPEN, replace(GOOD, risk=Risk.HIGH), {}),
    (Gate.HIGH_RISK, OPEN, replace(GOOD, risk=Risk.UNKNOWN), {}),
    (Gate.EVALUATION_UNAVAILABLE, OPEN, replace(GOOD, verdict=Verdict.UNAVAILABLE), {}),
    (Gate.LOW_CONFIDENCE, OPEN, replace(GOOD, confidence=0.69), {}),
    (Gate.LOW_CONFIDENCE, OPEN, replace(GOOD, confidence=None), {}),
    (Gate.LOW_CONFIDENCE, OPEN, replace(GOOD, confidence=float("nan")), {}),
    (Gate.LOW_CONFIDENCE, OPEN, replace(GOOD, confidence=7.0), {}),
    (Gate.SEVERAL_TASKS, replace(OPEN, targets=OPEN.targets * 2), GOOD, {}),
    (Gate.SEVERAL_TASKS, replace(OPEN, targets=()), GOOD, {}),
    (Gate.PROTECTED, with_target(protected=True), GOOD, {}),
    (Gate.ENDPOINT_DOWN, replace(OPEN, probe=Probe(ENDPOINT, ProbeAnswer.ERROR, NOW, "ORA-12541")), GOOD, {}),
    (Gate.POINT_OF_NO_RETURN, replace(OPEN, point_of_no_return=PASSED), GOOD, {}),
    (Gate.KIND_NEEDS_HUMAN, replace(OPEN, kind=AnomalyKind.FATAL_UNKNOWN), GOOD, {}),
    (Gate.KIND_NEEDS_HUMAN, replace(OPEN, kind=AnomalyKind.RESOURCE_STOP), GOOD, {}),
    (Gate.KIND_NEEDS_HUMAN, replace(OPEN, kind=AnomalyKind.STALLED), GOOD, {}),
    (Gate.KIND_NEEDS_HUMAN, replace(OPEN, kind=AnomalyKind.PROCESS_MISMATCH), GOOD, {}),
]


@pytest.mark.parametrize(("gate", "proposal", "evaluation", "restarts"), CLOSING)
def test_each_gate_alone_rules_out_an_automatic_restart(
    gate: Gate, proposal: Proposal, evaluation: Evaluation, restarts: Mapping[TaskKey, int]
) -> None:
    for mode, route in (
        (ApprovalMode.ALWAYS, Route.ASK),
        (ApprovalMode.POLICY, Route.ASK),
        (ApprovalMode.NEVER, Route.HELD),
    ):
        result = ask_policy(proposal, evaluation, mode, restarts)
        assert closed(result) == {gate}
        assert result.route is route
        assert result.closed_gates[0].reason
        assert mode is ApprovalMode.ALWAYS or result.closed_gates[0].reason in result.reason


def test_a_point_of_no_return_that_lies_ahead_closes_nothing() -> None:
    assert closed(ask_policy(replace(OPEN, point_of_no_return=replace(PASSED, retention_seconds=3601)))) == set()


@pytest.mark.parametrize(
    ("options", "names"), [((RELOAD,), ""), ((*OPEN.options, RELOAD), "reload"), ((RELOAD, *OPEN.options), "reload")]
)
def test_a_gate_says_which_options_it_is_closed_for(options: tuple[Option, ...], names: str) -> None:
    (gate,) = ask_policy(replace(OPEN, options=options)).closed_gates
    assert (gate.gate, gate.option) == (Gate.RELOAD, names)


@pytest.mark.parametrize(
    ("kind", "gates"),
    [
        (AnomalyKind.POSITION_LOST, {Gate.POSITION_LOST, Gate.KIND_NEEDS_HUMAN}),
        (AnomalyKind.USER_STOPPED, {Gate.USER_STOPPED, Gate.KIND_NEEDS_HUMAN}),
    ],
)
def test_kinds_with_a_gate_of_their_own(kind: AnomalyKind, gates: set[Gate]) -> None:
    assert closed(ask_policy(replace(OPEN, kind=kind))) == gates


@pytest.mark.parametrize("mode", [mode for mode in ApprovalMode if mode.is_known])
def test_each_mode_says_what_mode_policy_would_have_done(mode: ApprovalMode) -> None:
    for verdict in (Verdict.APPROVE, Verdict.CAUTION):
        evaluation = replace(GOOD, verdict=verdict)
        assert ask_policy(evaluation=evaluation, mode=mode).shadow is ask_policy(evaluation=evaluation).route


@pytest.mark.parametrize(("mode", "route"), [(ApprovalMode.POLICY, Route.ASK), (ApprovalMode.NEVER, Route.HELD)])
def test_an_approval_by_evidence_that_is_not_there_does_not_count(mode: ApprovalMode, route: Route) -> None:
    sound, invented = Finding("seen", ("e1",)), Finding("seen elsewhere", ("e1", "e99"), unsupported=("e99",))
    result = ask_policy(evaluation=replace(GOOD, findings=(sound, invented)), mode=mode)
    assert (result.route, result.closed_gates) == (route, ())
    assert "cites evidence that is not there (e99)" in result.reason
    assert ask_policy(evaluation=replace(GOOD, findings=(sound,)), mode=mode).route is Route.AUTOMATIC


@pytest.mark.parametrize("answer", [answer for answer in ProbeAnswer if answer is not ProbeAnswer.ERROR])
def test_only_an_endpoint_that_takes_no_logins_closes_a_gate(answer: ProbeAnswer) -> None:
    assert closed(ask_policy(replace(OPEN, probe=Probe(ENDPOINT, answer, NOW)))) == set()


def test_every_gate_exists_and_is_tested() -> None:
    assert set(GATES) == set(Gate)
    assert {gate for gate, *_ in CLOSING} | {Gate.POSITION_LOST} == set(Gate)


@pytest.mark.parametrize("kind", [kind for kind in AnomalyKind if kind is not AnomalyKind.FATAL_TRANSIENT])
def test_only_a_lost_connection_may_be_automatic(kind: AnomalyKind) -> None:
    assert Gate.KIND_NEEDS_HUMAN in closed(ask_policy(replace(OPEN, kind=kind)))


@pytest.mark.parametrize(
    ("mode", "verdict", "route"),
    [
        (ApprovalMode.ALWAYS, Verdict.APPROVE, Route.ASK),
        (ApprovalMode.POLICY, Verdict.APPROVE, Route.AUTOMATIC),
        (ApprovalMode.POLICY, Verdict.CAUTION, Route.ASK),
        (ApprovalMode.POLICY, Verdict.DENY, Route.ASK),
        (ApprovalMode.NEVER, Verdict.APPROVE, Route.AUTOMATIC),
        (ApprovalMode.NEVER, Verdict.CAUTION, Route.HELD),
        (ApprovalMode.NEVER, Verdict.DENY, Route.HELD),
    ],
)
def test_the_mode_decides_where_no_gate_is_closed(mode: ApprovalMode, verdict: Verdict, route: Route) -> None:
    result = ask_policy(evaluation=replace(GOOD, verdict=verdict), mode=mode)
    assert (result.route, result.mode, result.closed_gates) == (route, mode, ())


def test_the_confidence_floor_itself_is_enough() -> None:
    assert ask_policy(evaluation=replace(GOOD, confidence=CONFIG.confidence_floor)).route is Route.AUTOMATIC


def test_a_budget_of_zero_makes_nothing_automatic() -> None:
    config = replace(CONFIG, approval_mode=ApprovalMode.POLICY, restart_budget_per_hour=0)
    result = decide(OPEN, GOOD, restarts_last_hour={}, config=config)
    assert closed(result) == {Gate.BUDGET_SPENT}


def test_a_reason_names_a_few_tasks_only() -> None:
    targets = tuple(
        replace(OPEN.targets[0], key=replace(KEY, task=f"t{number}"), protected=True) for number in range(400)
    )
    reasons = {each.gate: each.reason for each in ask_policy(replace(OPEN, targets=targets)).closed_gates}
    assert reasons[Gate.PROTECTED] == "protected: eu-1/t0, eu-1/t1, eu-1/t2 and 397 more"
    assert reasons[Gate.SEVERAL_TASKS] == "400 tasks in one decision"


EVALUATIONS = st.builds(
    Evaluation,
    verdict=st.sampled_from(Verdict),
    risk=st.sampled_from(Risk),
    confidence=st.none() | st.floats(),
    rationale=st.text(),
    evaluator=st.text(),
    evaluator_version=st.text(),
    evaluated_at=st.just(NOW),
    findings=st.lists(st.builds(Finding, st.text(), st.just(("e1",))), max_size=3).map(tuple),
    cautions=st.lists(st.text(), max_size=3).map(tuple),
    unavailable_because=st.text(),
)
PROPOSALS = st.sampled_from([proposal for _, proposal, _, _ in CLOSING] + [OPEN])


@given(evaluation=EVALUATIONS, proposal=PROPOSALS, mode=st.sampled_from(ApprovalMode), restarts=st.integers(0, 5))
def test_no_evaluation_opens_a_gate_or_changes_the_proposal(
    evaluation: Evaluation, proposal: Proposal, mode: ApprovalMode, restarts: int
) -> None:
    before = codec.dumps(proposal)
    best = ask_policy(proposal, GOOD, mode, {KEY: restarts})
    result = ask_policy(proposal, evaluation, mode, {KEY: restarts})
    assert codec.dumps(proposal) == before
    assert closed(result) >= closed(best)
    assert closed(result) - closed(best) <= EVALUATION_GATES
    assert result.mode is mode
    if result.route is Route.AUTOMATIC:
        assert best.route is Route.AUTOMATIC
        assert evaluation.verdict is Verdict.APPROVE
        assert result.closed_gates == ()
    else:
        assert result.route is (Route.HELD if mode is ApprovalMode.NEVER else Route.ASK)


@pytest.mark.parametrize("failure_class", FailureClass)
@pytest.mark.parametrize("certainty", Certainty)
def test_the_class_of_a_failure_closes_a_gate_whatever_the_kind(
    failure_class: FailureClass, certainty: Certainty
) -> None:
    assert OPEN.diagnosis is not None
    known = replace(OPEN.diagnosis, failure_class=failure_class, certainty=certainty)
    closed = ask_policy(replace(OPEN, diagnosis=known)).closed_gates
    passes = {FailureClass.TRANSIENT, FailureClass.RETRY_NOW, FailureClass.UNKNOWN}
    assert [each.gate for each in closed] == ([] if failure_class in passes else [Gate.KIND_NEEDS_HUMAN])
    doubted = ask_policy(replace(OPEN, diagnosis=replace(known, automatic=False))).closed_gates
    assert [each.gate for each in doubted] == [Gate.KIND_NEEDS_HUMAN]


def test_a_record_without_a_diagnosis_is_gated_by_its_kind() -> None:
    assert ask_policy(replace(OPEN, diagnosis=None)).route is Route.AUTOMATIC


def test_what_this_version_does_not_know_needs_a_human() -> None:
    result = ask_policy(replace(OPEN, kind=AnomalyKind.read("MOON_PHASE")))
    assert result.route is Route.ASK
    (gate,) = [each for each in result.closed_gates if each.gate is Gate.KIND_NEEDS_HUMAN]
    assert gate.reason == "nobody knows here what MOON_PHASE means"
