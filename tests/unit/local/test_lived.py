"""What the demo's runs had seen before, and so what it opens on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from qlikops.agent.config import LogRetention
from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.evaluate.rules import RulesEvaluator
from qlikops.agent.propose.correlation import propose
from qlikops.domain.encoding import codec
from qlikops.domain.proposals.evaluation import Risk, Verdict
from qlikops.domain.proposals.proposal import Proposal
from qlikops.local.environment import AGENT_SETTINGS
from qlikops.local.lived import lived_before, polled
from qlikops.qlik.simulator.fleet import SimulatedFleet
from qlikops.qlik.simulator.library import build_scenario
from tests.unit.agent.fleet import CONFIG as DEFAULTS

NOW = datetime(2026, 3, 7, 11, 20, tzinfo=UTC)
CONFIG = replace(
    DEFAULTS,
    log_retention=codec.read_settings(LogRetention, AGENT_SETTINGS["log_retention"]),
    thresholds=replace(DEFAULTS.thresholds, confirm_polls=1),
)


def first_proposals() -> list[Proposal]:
    """Those of the first run, ten seconds after the fleet started."""
    clock = [0.0]
    fleet = SimulatedFleet(build_scenario("demo", 1), seed=1, clock=lambda: clock[0])
    clock[0] = 10.0
    before = lived_before("demo", 1, NOW)
    snapshot = polled(fleet, before, CONFIG, NOW + timedelta(seconds=10), "run-1")
    found = propose(snapshot, CONFIG, execution_arn="arn", execution_name="run-1", now=NOW, blocked={})
    return sorted(found.proposals, key=lambda each: each.resume_until or NOW + timedelta(days=9))


def test_the_demo_opens_on_a_proposal_that_is_right_to_approve() -> None:
    first, second, *_ = first_proposals()
    said = RulesEvaluator(lambda: NOW).evaluate(first, EvaluationInput())
    assert (said.verdict, said.risk) == (Verdict.APPROVE, Risk.LOW)
    assert not first.offers[0].checks
    assert first.resume_until is not None
    assert second.resume_until is not None
    assert first.resume_until < second.resume_until


def test_no_evidence_says_that_no_run_has_seen_the_task() -> None:
    evidence = [item.value for proposal in first_proposals() for item in proposal.evidence]
    assert len(evidence) > 10
    assert not [value for value in evidence if "no run has seen" in value]


def test_an_hour_of_runs_leaves_its_latencies() -> None:
    before = lived_before("demo", 1, NOW)
    assert before is not None
    assert before.taken_at == NOW
    assert {len(task.memory.samples) for task in before.tasks} == {13}
    assert not before.anomalies


def test_another_scenario_has_no_past() -> None:
    assert lived_before("one_fatal", 1, NOW) is None
