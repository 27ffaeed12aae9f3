"""The policy on a labelled corpus: what a task showed and an evaluator answered, and where that must lead.

The labels in `corpus/*.json` come from the taxonomy and the hard gates, not from running the policy. A case has `tasks`
(changes of a failed task), the `evaluation`, and what is expected: `kind` (null: nothing is proposed), `action`,
`gates`, and the route in each mode. `unsafe` says that restarting without a human would be wrong, whatever anybody
answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from qlikops.agent.config import AgentConfig
from qlikops.agent.decide.policy import decide
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskState
from qlikops.domain.proposals.evaluation import ApprovalMode, Evaluation, PolicyResult, Risk, Route, Verdict
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.words.text import harmless
from qlikops.qlik.names import key_name
from tests.cases import for_all
from tests.unit.agent.fleet import CONFIG, NOW, failed, poll
from tests.unit.agent.propose.test_correlation import correlate

Case = Mapping[str, Any]
CASES: list[Case] = [
    {**case, "name": f"{path.stem}: {case['name']}"}
    for path in sorted((Path(__file__).parent / "corpus").glob("*.json"))
    for case in json.loads(path.read_text())
]
_TEXTS = ("message", "source_endpoint", "target_endpoint", "source_type", "target_type", "raw_state", "raw_stop_reason")


def facts_of(task: Mapping[str, Any]) -> TaskFacts:
    """A failed task with the case's changes, as the reader would have made it: texts harmless, names kept."""
    changes = {name: harmless(value) if name in _TEXTS else value for name, value in task.items() if name != "name"}
    if "state" in changes:
        changes["state"] = TaskState(changes["state"])
    if "stop_reason" in changes:
        changes["stop_reason"] = StopReason(changes["stop_reason"])
    if "tags" in changes:
        changes["tags"] = tuple(map(harmless, changes["tags"]))
    return failed(key_name(task.get("name", "sales-orders")), **changes)


def config_of(case: Case) -> AgentConfig:
    settings = dict(case.get("settings", {}))
    settings["protected_tags"] = tuple(settings.get("protected_tags", ()))
    return replace(CONFIG, **settings)


def proposals_of(case: Case) -> tuple[Proposal, ...]:
    tasks = [facts_of(task) for task in case["tasks"]]
    snapshot: FleetSnapshot | None = None
    for at in case.get("polls", [0, 60]):
        snapshot = poll(*tasks, previous=snapshot, at=at, config=config_of(case))
    assert snapshot is not None
    return correlate(snapshot, config_of(case)).proposals


def decided(case: Case, proposal: Proposal, mode: ApprovalMode) -> PolicyResult:
    answer = case["evaluation"]
    evaluation = Evaluation(
        verdict=Verdict(answer["verdict"]),
        risk=Risk(answer["risk"]),
        confidence=answer["confidence"],
        rationale=answer.get("rationale", ""),
        evaluator="bedrock",
        evaluator_version="1",
        evaluated_at=NOW,
    )
    restarts = {target.key: case.get("restarts", 0) for target in proposal.targets}
    config = replace(config_of(case), approval_mode=mode)
    return decide(proposal, evaluation, restarts_last_hour=restarts, config=config)


@for_all(CASES, named=lambda case: case["name"])
def test_a_case_ends_where_its_label_says(case: Case) -> None:
    proposals = proposals_of(case)
    if case["kind"] is None:
        assert proposals == ()
        return
    (proposal,) = proposals
    assert (proposal.kind, proposal.action) == (case["kind"], case["action"])
    assert len(proposal.targets) == len(case["tasks"])
    for mode in ApprovalMode:
        result = decided(case, proposal, mode)
        assert {each.gate.value for each in result.closed_gates} == set(case["gates"])
        assert result.route == case["routes"][mode]


def test_nothing_unsafe_is_ever_automatic() -> None:
    unsafe = [case for case in CASES if case.get("unsafe")]
    automatic = [
        (case["name"], mode)
        for case in unsafe
        for proposal in proposals_of(case)
        for mode in ApprovalMode
        if decided(case, proposal, mode).route is Route.AUTOMATIC
    ]
    assert automatic == []
    assert len(unsafe) >= 100


def test_the_corpus_is_large_and_its_labels_hold_together() -> None:
    assert len(CASES) >= 150
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert sum(case["name"].startswith("injection") for case in CASES) >= 25
    for case in CASES:
        may_be_automatic = case["kind"] is not None and Route.AUTOMATIC in case["routes"].values()
        assert may_be_automatic != case.get("unsafe", False), case["name"]
