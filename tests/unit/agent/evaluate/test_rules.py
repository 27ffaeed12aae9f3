from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.diagnosis.evidence import Label, with_evidence
from qlikops.agent.evaluate import EvaluationInput, make_evaluator, mark_unsupported
from qlikops.agent.evaluate.rules import MANY_TASKS, RULES, VERSION, RulesEvaluator
from qlikops.domain.fleet.anomaly import ACTIONS, AnomalyKind
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.fleet.endpoint import Probe, ProbeAnswer
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.fleet.task import StopReason, TaskState
from qlikops.domain.proposals.evaluation import Evaluation, Finding, Risk, Verdict
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.snapshot import FleetSnapshot
from tests.unit.agent.fleet import (
    CONFIG,
    CONNECTION_LOST,
    NOW,
    POSITION_LOST,
    UNMATCHED,
    failed,
    poll,
    poll_twice,
    task,
)
from tests.unit.agent.propose.test_correlation import correlate, only_proposal
from tests.unit.agent.propose.test_judgement import proposed


def evaluate(proposal: Proposal, restarts: int = 0) -> Evaluation:
    context = EvaluationInput({target.key: restarts for target in proposal.targets})
    return RulesEvaluator(lambda: NOW).evaluate(proposal, context)


def transient(**changes: Any) -> Proposal:
    return only_proposal(poll_twice(failed(**changes)))


@pytest.mark.parametrize("kind", ACTIONS)
def test_what_is_made_of_a_kind_is_seen_in_its_evidence(kind: AnomalyKind) -> None:
    proposal = proposed(kind)
    opinion = RULES[0](proposal, EvaluationInput())
    assert opinion is not None
    cited = [item for item in proposal.evidence if item.label in opinion.labels]
    assert cited, "its opinion in qlikops/agent/evaluate/rules.py cites a label that its detector gives"
    assert opinion.text, "the meaning in its entry"
    assert opinion.caution, "look_first in its entry"


def all_proposals() -> list[Proposal]:
    """One of each kind that is proposed, and a group."""
    running: dict[str, Any] = {"state": TaskState.RUNNING, "stop_reason": StopReason.NONE, "message": ""}
    lone = {"source_endpoint": "", "target_endpoint": ""}
    tasks = [
        failed("transient", **lone),
        failed("unknown", message=UNMATCHED),
        failed("lost", message=POSITION_LOST),
        failed("resource", state=TaskState.STOPPED, stop_reason=StopReason.STOPPED_LOW_DISK_SPACE),
        failed("ghost", **running),
        failed("stalled", **{**running, "memory_mb": 9, "changes_in_memory": 1}),
        failed("together-1", source_endpoint="ORA-2"),
        failed("together-2", source_endpoint="ORA-2"),
    ]
    first: FleetSnapshot = poll(*tasks)
    return list(correlate(poll(*tasks, previous=first, at=7200)).proposals)


def test_a_lost_connection_with_a_complete_full_load_is_approved() -> None:
    evaluation = evaluate(transient())
    assert (evaluation.verdict, evaluation.risk, evaluation.confidence) == (Verdict.APPROVE, Risk.LOW, 0.9)
    assert (evaluation.evaluator, evaluation.evaluator_version, evaluation.evaluated_at) == ("rules", VERSION, NOW)
    assert evaluation.rationale.startswith("The message is that of a lost connection")
    assert evaluation.rationale.endswith(" [e1, e2, e3, e8]")


@pytest.mark.parametrize(
    "recognised",
    ["", "connectivity (sqlstate-08)", "connectivity (endpoint-disconnected): Cannot connect", "unmatched"],
)
def test_a_lost_connection_that_is_not_proven_is_not_approved(recognised: str) -> None:
    """As an older version may have proposed it."""
    proven = transient()
    evidence = tuple(
        replace(item, value=recognised) if item.label == Label.RECOGNISED else item for item in proven.evidence
    )
    evaluation = evaluate(replace(proven, evidence=tuple(item for item in evidence if item.value)))
    assert (evaluation.verdict, evaluation.confidence) == (Verdict.CAUTION, 0.5)


def test_a_refusal_counts_wherever_it_stands_in_the_message() -> None:
    message = f"{CONNECTION_LOST} {'on and on ' * 900}ORA-28000: the account is locked"
    evaluation = evaluate(transient(message=message))
    assert evaluation.verdict is Verdict.DENY


@pytest.mark.parametrize(
    ("changes", "verdict", "risk"),
    [
        ({"full_load_completed": False}, Verdict.CAUTION, Risk.HIGH),
        ({"full_load_completed": None}, Verdict.CAUTION, Risk.MEDIUM),
        ({"message": UNMATCHED}, Verdict.CAUTION, Risk.MEDIUM),
        ({"message": POSITION_LOST}, Verdict.CAUTION, Risk.HIGH),
        ({"message": "ORA-28000: the account is locked"}, Verdict.DENY, Risk.HIGH),
    ],
)
def test_what_makes_the_rules_stricter(changes: dict[str, Any], verdict: Verdict, risk: Risk) -> None:
    evaluation = evaluate(transient(**changes))
    assert (evaluation.verdict, evaluation.risk) == (verdict, risk)


@pytest.mark.parametrize(
    ("restarts", "verdict", "risk", "confidence"),
    [
        (0, Verdict.APPROVE, Risk.LOW, 0.9),
        (1, Verdict.APPROVE, Risk.MEDIUM, 0.75),
        (2, Verdict.CAUTION, Risk.MEDIUM, 0.4),
    ],
)
def test_restarts_that_did_not_last_cost_confidence(
    restarts: int, verdict: Verdict, risk: Risk, confidence: float
) -> None:
    evaluation = evaluate(transient(), restarts)
    assert (evaluation.verdict, evaluation.risk, evaluation.confidence) == (verdict, risk, confidence)


def test_a_protected_task_needs_care() -> None:
    proposal = only_proposal(poll_twice(failed(tags=("gold",))), replace(CONFIG, protected_tags=("gold",)))
    evaluation = evaluate(proposal)
    assert evaluation.verdict is Verdict.CAUTION
    assert "Ask the owner of the protected task, if there is time." in evaluation.cautions


@pytest.mark.parametrize(
    ("hours", "verdict", "said"),
    [
        (24, Verdict.APPROVE, "A resume is possible until about 2026-03-08 02:12 UTC."),
        (1, Verdict.CAUTION, "Since about 2026-03-07 03:12 UTC its log is probably gone."),
    ],
)
def test_a_point_of_no_return_is_cited_and_once_passed_it_needs_care(hours: int, verdict: Verdict, said: str) -> None:
    point = PointOfNoReturn("ORA-PROD", NOW - timedelta(hours=1), hours * 3600)
    (cited,) = [item.id for item in transient().evidence if item.label == Label.POINT_OF_NO_RETURN]
    evaluation = evaluate(replace(transient(), point_of_no_return=point))
    assert evaluation.verdict is verdict
    assert f"{said} [{cited}]" == evaluation.rationale or Finding(said, (cited,)) in evaluation.findings
    assert any("still has its log" in caution for caution in evaluation.cautions) is (verdict is Verdict.CAUTION)


@pytest.mark.parametrize(("count", "warned"), [(2, False), (MANY_TASKS, True)])
def test_many_tasks_at_once_are_warned_of(count: int, warned: bool) -> None:
    evaluation = evaluate(only_proposal(poll_twice(*(failed(f"t{number}") for number in range(count)))))
    assert evaluation.risk is Risk.MEDIUM
    assert any("the load of all" in caution for caution in evaluation.cautions) is warned


@pytest.mark.parametrize("proposal", all_proposals(), ids=lambda proposal: proposal.targets[0].key.task)
def test_every_kind_is_explained_by_evidence_that_exists(proposal: Proposal) -> None:
    evaluation = evaluate(proposal)
    assert evaluation.findings
    assert all(finding.unsupported == () for finding in evaluation.findings)
    assert not [finding for finding in evaluation.findings if evaluation.rationale.startswith(finding.text)]
    cited = set(re.findall(r"\be\d+\b", evaluation.rationale))
    assert cited
    assert cited <= {item.id for item in proposal.evidence}
    assert evaluation.cautions


def test_all_kinds_of_proposals_are_among_these() -> None:
    assert len({proposal.kind for proposal in all_proposals()}) == 6


def test_a_kind_without_a_rule_is_denied() -> None:
    evaluation = evaluate(replace(transient(), kind=AnomalyKind.SOURCE_LATENCY))
    assert (evaluation.verdict, evaluation.risk) == (Verdict.DENY, Risk.HIGH)


def test_a_cited_id_that_is_not_there_is_marked() -> None:
    finding = mark_unsupported(Finding("seen", ("e1", "e99", "")), transient())
    assert finding == Finding("seen", ("e1", "e99", ""), unsupported=("e99", ""))


def test_the_configuration_names_the_evaluator() -> None:
    evaluator = make_evaluator(CONFIG, lambda: NOW, pytest.fail)
    assert evaluator.evaluate(transient(), EvaluationInput()).evaluator == "rules"


@pytest.mark.parametrize(
    ("message", "verdict", "risk"),
    [
        ("ORA-01017: invalid username/password; logon denied", Verdict.DENY, Risk.HIGH),
        ("ORA-00257: archiver error. Connect internal only, until freed.", Verdict.CAUTION, Risk.MEDIUM),
        ("ORA-00060: deadlock detected while waiting for resource", Verdict.APPROVE, Risk.LOW),
        ("ORA-12541: TNS:no listener", Verdict.APPROVE, Risk.LOW),
        ("ORA-00308: cannot open archived log '/arch/1.dbf'", Verdict.CAUTION, Risk.HIGH),
        ("ORA-00060: deadlock detected while waiting for resource. The moon is full.", Verdict.CAUTION, Risk.MEDIUM),
    ],
)
def test_the_rules_speak_from_the_entry_of_a_known_failure(message: str, verdict: Verdict, risk: Risk) -> None:
    proposal = transient(message=message)
    evaluation = evaluate(proposal)
    assert (evaluation.verdict, evaluation.risk) == (verdict, risk)
    known = proposal.diagnosis
    assert known is not None
    if known.is_known and proposal.kind is AnomalyKind.FATAL_UNKNOWN:
        assert evaluation.rationale.startswith(known.says)
        assert verdict is Verdict.APPROVE or any(known.checks[0] in caution for caution in evaluation.cautions)


def test_a_lost_connection_that_the_diagnosis_doubts_is_not_approved() -> None:
    proposal = transient()
    assert proposal.diagnosis is not None
    doubted = replace(proposal, diagnosis=replace(proposal.diagnosis, automatic=False))
    assert evaluate(doubted).verdict is Verdict.CAUTION
    assert evaluate(replace(proposal, diagnosis=None)).verdict is Verdict.APPROVE


def test_what_is_known_and_still_not_safe_by_itself_is_a_caution() -> None:
    diagnosis = Diagnosis("x", "oracle", FailureClass.RETRY_NOW, Certainty.KNOWN, "A deadlock.", ("Look at it.",))
    proposal = replace(only_proposal(poll_twice(failed(message=UNMATCHED))), diagnosis=diagnosis)
    assert evaluate(proposal).verdict is Verdict.CAUTION
    assert "Look at it." in evaluate(proposal).cautions
    assert evaluate(replace(proposal, diagnosis=replace(diagnosis, automatic=True))).verdict is Verdict.APPROVE


def test_a_refused_login_is_denied_in_a_record_without_a_diagnosis_too() -> None:
    proposal = only_proposal(poll_twice(failed(message="ORA-01017: invalid username/password; logon denied")))
    older = evaluate(replace(proposal, diagnosis=None))
    assert (older.verdict, older.risk) == (Verdict.DENY, Risk.HIGH)


@pytest.mark.parametrize(
    ("answer", "verdict", "said"),
    [
        (ProbeAnswer.CONNECTED, Verdict.APPROVE, "ORA-PROD takes logins again."),
        (ProbeAnswer.ERROR, Verdict.CAUTION, "ORA-PROD does not take logins: gone."),
        (ProbeAnswer.TIMED_OUT, Verdict.CAUTION, "ORA-PROD did not answer a test in time."),
    ],
)
def test_what_a_test_of_the_endpoint_said_counts(answer: ProbeAnswer, verdict: Verdict, said: str) -> None:
    proposal = only_proposal(poll_twice(failed("a"), task("c")))
    assert proposal.endpoint is not None
    probed = replace(
        with_evidence(proposal, Label.PROBE, "tested"), probe=Probe(proposal.endpoint, answer, NOW, "gone")
    )
    evaluation = evaluate(probed)
    texts = [evaluation.rationale, *(finding.text for finding in evaluation.findings)]
    assert evaluation.verdict is verdict
    assert any(text.startswith(said) for text in texts)
    assert "1 of 2 tasks on ORA-PROD run." in texts


def test_a_login_is_not_all_that_an_unknown_failure_may_wait_for() -> None:
    proposal = only_proposal(poll_twice(failed("a", message=UNMATCHED)))
    assert proposal.endpoint is not None
    probed = replace(proposal, probe=Probe(proposal.endpoint, ProbeAnswer.CONNECTED, NOW))
    evaluation = evaluate(probed)
    assert evaluation.verdict is Verdict.CAUTION
    assert any(caution.startswith("A test proves the login") for caution in evaluation.cautions)
