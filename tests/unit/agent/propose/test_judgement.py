"""What a proposal rests on still holds as long as its task is as it was, whatever kind it was proposed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from qlikops.agent.config import AgentConfig
from qlikops.agent.diagnosis.library import using, without_own
from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.evaluate.rules import RulesEvaluator
from qlikops.agent.look.detection import detect
from qlikops.agent.propose.correlation import propose
from qlikops.agent.propose.judgement import came_up, difference, no_longer_automatic, target_of, what_stops
from qlikops.domain.fleet.anomaly import ACTIONS, AnomalyKind
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskState
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.domain.proposals.evaluation import ApprovalMode
from qlikops.domain.proposals.proposal import Proposal
from tests.unit.agent.fleet import ALL_LIMITS, NOW, POSITION_LOST, SERVER, UNMATCHED, after, failed, plan, task

PROPOSED: Mapping[AnomalyKind, TaskFacts] = {
    AnomalyKind.POSITION_LOST: failed(message=POSITION_LOST),
    AnomalyKind.FATAL_TRANSIENT: failed(),
    AnomalyKind.FATAL_UNKNOWN: failed(message=UNMATCHED),
    AnomalyKind.RESOURCE_STOP: failed(stop_reason=StopReason.STOPPED_LOW_MEMORY),
    AnomalyKind.LEFT_STOPPED: task(state=TaskState.STOPPED, stop_reason=StopReason.NORMAL, memory_mb=0),
    AnomalyKind.STOPPED_IN_PLAN: task(state=TaskState.STOPPED, stop_reason=StopReason.NORMAL, memory_mb=0),
    AnomalyKind.PROCESS_MISMATCH: task(memory_mb=0),
    AnomalyKind.STALLED: task(changes_in_memory=7),
}
"""A task of every kind on which something is proposed."""


def proposed(kind: AnomalyKind) -> Proposal:
    """What is proposed on the task of that kind."""
    assert kind in PROPOSED, "a task of it in PROPOSED of tests/unit/agent/propose/test_judgement.py"
    facts = PROPOSED[kind]
    left_stopped = {facts.key: NOW} if kind is AnomalyKind.LEFT_STOPPED else {}
    plans = [plan(until=after(3600))] if kind is AnomalyKind.STOPPED_IN_PLAN else []
    snapshot = None
    polls = ALL_LIMITS.thresholds.polls_required(kind)
    for number in range(polls + 1):
        now = after(7200 * number / polls)
        snapshot = detect([SERVER], [facts], snapshot, ALL_LIMITS, now, "run", left_stopped=left_stopped, plans=plans)
    assert snapshot is not None
    found = propose(snapshot, ALL_LIMITS, execution_arn="arn", execution_name="run", now=after(7200), blocked={})
    assert found.proposals, "its task in PROPOSED is not found, with ALL_LIMITS of tests/unit/agent/fleet.py"
    (proposal,) = found.proposals
    return proposal


def now_different(proposal: Proposal, facts: TaskFacts, config: AgentConfig = ALL_LIMITS) -> str:
    return difference(proposal, proposal.targets[0], facts, config, after(7260))


@pytest.mark.parametrize("kind", ACTIONS)
def test_nothing_is_different_about_a_task_that_is_as_it_was(kind: AnomalyKind) -> None:
    proposal = proposed(kind)
    assert (proposal.kind, proposal.action) == (kind, ACTIONS[kind])
    assert now_different(proposal, PROPOSED[kind]) == "", "kind_now gives its detector what it asks of the memory"
    assert not came_up(proposal, proposal.targets[0], PROPOSED[kind]), "only_shown_running, in its entry"


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        (AnomalyKind.FATAL_TRANSIENT, {"state": TaskState.RUNNING}, "state was ERROR, is RUNNING"),
        (AnomalyKind.FATAL_TRANSIENT, {"full_load_completed": False}, "full load was complete, is not complete"),
        (AnomalyKind.FATAL_TRANSIENT, {"tags": ("gold",)}, "it is protected now (gold)"),
        (AnomalyKind.FATAL_TRANSIENT, {"tags_known": False}, "it is protected now (its tags are not known)"),
        (AnomalyKind.FATAL_TRANSIENT, {"message": UNMATCHED}, f"message was a lost connection, is now: “{UNMATCHED}”"),
        (AnomalyKind.FATAL_TRANSIENT, {"source_endpoint": "X"}, "the source endpoint was ORA-PROD, is X"),
        (AnomalyKind.FATAL_TRANSIENT, {"target_endpoint": ""}, "the target endpoint was LAKE, is not named"),
        (
            AnomalyKind.FATAL_TRANSIENT,
            {"tables_with_error": 2},
            "tables suspended with errors: 0 then, 2 now",
        ),
        (
            AnomalyKind.FATAL_TRANSIENT,
            {"source_type": "Snowflake", "target_type": "Oracle"},
            "the message was about the source, is about the target",
        ),
        (AnomalyKind.STALLED, {"applied_records": 1001}, "and is no longer"),
        (AnomalyKind.STALLED, {"applied_records": 1001, "memory_mb": 0}, "it was STALLED, is PROCESS_MISMATCH now"),
    ],
)
def test_what_is_different_is_said(kind: AnomalyKind, changes: dict[str, Any], words: str) -> None:
    config = replace(ALL_LIMITS, protected_tags=("gold",))
    assert words in now_different(proposed(kind), replace(PROPOSED[kind], **changes), config)


def test_the_same_message_may_come_to_be_of_another_kind() -> None:
    proposal = replace(proposed(AnomalyKind.FATAL_TRANSIENT), kind=AnomalyKind.FATAL_UNKNOWN)
    assert now_different(proposal, failed()).startswith("it was FATAL_UNKNOWN, is FATAL_TRANSIENT now: ")


def test_a_stop_reason_that_nobody_knows_is_compared_in_its_spelling() -> None:
    before, later = (failed(stop_reason=StopReason.UNKNOWN, raw_stop_reason=name) for name in ("NEW_ONE", "NEWER"))
    proposal = proposed(AnomalyKind.FATAL_TRANSIENT)
    target = target_of(before, proposal.kind, ALL_LIMITS)
    said = difference(proposal, target, later, ALL_LIMITS, after(7260))
    assert "the stop reason was NEW_ONE, is NEWER" in said


def test_of_a_record_without_a_basis_it_is_not_known_what_was_applied() -> None:
    proposal = proposed(AnomalyKind.STALLED)
    target = replace(proposal.targets[0], basis=None)
    moved = replace(PROPOSED[AnomalyKind.STALLED], applied_records=1001)
    assert difference(proposal, target, moved, ALL_LIMITS, after(7260)) == ""


def test_what_was_down_and_is_up_has_come_up() -> None:
    proposal = proposed(AnomalyKind.FATAL_TRANSIENT)
    assert came_up(proposal, proposal.targets[0], task())


def test_restarts_that_have_not_helped_are_counted() -> None:
    assert what_stops(failed(), 1, ALL_LIMITS, NOW) == ""
    assert "3" in what_stops(failed(), 3, ALL_LIMITS, NOW)


def test_what_the_policy_would_not_let_pass_any_more_says_why() -> None:
    proposal = proposed(AnomalyKind.FATAL_TRANSIENT)
    evaluation = RulesEvaluator(lambda: NOW).evaluate(proposal, EvaluationInput())
    record = ProposalRecord(proposal, Status.RESTARTING, NOW, evaluation)
    (target,) = proposal.targets
    policy = replace(ALL_LIMITS, approval_mode=ApprovalMode.POLICY)
    assert no_longer_automatic(record, target, 0, policy) == ""
    assert no_longer_automatic(record, target, 9, policy)
    assert "always" in no_longer_automatic(record, target, 0, ALL_LIMITS)
    assert no_longer_automatic(replace(record, evaluation=None), target, 0, policy) == "there is no evaluation"
    with using(without_own()):
        assert no_longer_automatic(record, target, 0, policy) == "the team's own known failures cannot be read"
