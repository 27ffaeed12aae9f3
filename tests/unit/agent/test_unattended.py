"""The scenario library, run after run with nobody there and the mode `policy`: what restarts by itself may do so.

The evaluator approves whatever it is shown, as sure as can be: the gates alone stand between it and a task. What is
safe is read off the stories (what really breaks, and how), never off the policy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from qlikops.agent.config import Thresholds
from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.steps.assessment import Assessor
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action, RunOption, StopReason, TaskState
from qlikops.domain.proposals.evaluation import ApprovalMode, Evaluation, Route
from qlikops.domain.proposals.proposal import Proposal
from qlikops.qlik.names import key_name
from qlikops.qlik.simulator.scenario import AfterRun, Break, Effect, Scenario
from tests.scenarios.library import STORIES, build_scenario
from tests.scenarios.small import OTHER_SERVER, CheckedScenario, Expected
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import EVALUATION, SERVER, FakeClock, simulated
from tests.unit.agent.machine import Agent, items

PROTECTED = "protected"
LEAST_RUNS = 3
SMALLER = {"large": "large:4x5"}
LONGER = {"seen_once": "one_fatal"}
"""The story that this one becomes when it is looked at for as long as here."""
UNSEEN = {"malformed_details"}
"""Stories in which nobody can see that the full load is complete."""
ON_THE_WAY = {"catches_up": {f"{SERVER}/orders"}, "state_is_old": {f"{OTHER_SERVER}/orders"}}
"""Stories that go on after what is safe: it comes back, or what is said of it grows old."""


class YesMan:
    """An evaluator that approves everything."""

    def evaluate(self, _proposal: Proposal, _context: EvaluationInput) -> Evaluation:
        """Without a doubt."""
        return replace(EVALUATION, confidence=1.0)


class Night:
    """A scenario that is monitored, and nobody there."""

    def __init__(self, scenario: CheckedScenario, running: ExitStack) -> None:
        self.clock = FakeClock()
        # How the connection is protected makes no difference to what is decided.
        simulator = running.enter_context(simulated(replace(scenario, tls=False), self.clock))
        simulator.server.sleep = lambda _: None
        self.fleet = simulator.server.fleet
        settings: dict[str, Any] = {
            "approval_mode": ApprovalMode.POLICY,
            "protected_tags": (PROTECTED,),
            "thresholds": Thresholds(),
        }
        self.agent = Agent(ModelledAws(self.clock), simulator, self.clock, **settings)
        services = self.agent.services
        services.assessor = Assessor(services.ledger, YesMan(), services.config, self.clock)
        self.automatic: list[Proposal] = []

    def run(self, number: int) -> None:
        """A run, whose questions stay unanswered."""
        monitored = self.agent.monitor(f"run-{number}")
        for item in items(monitored):
            assessment = self.agent.evaluate(item)
            if assessment["route"] == Route.AUTOMATIC:
                decision = {"approved": True, "automatic": True, "digest": assessment["digest"]}
                restarted = self.agent.restart(item, decision)
                self.agent.record(item, {"status": restarted["status"], "result": restarted})
                record = self.agent.services.ledger.record(item["proposal"]["proposal_id"])
                self.automatic.append(record.approval.proposal)

    def calls(self) -> list[dict[str, Any]]:
        """Everything that was done to the fleet."""
        return list(self.fleet.true_state()["calls"])


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def safe(scenario: Scenario, expected: Expected) -> set[str]:
    """The tasks that may be resumed without a human, as `server/task`.

    Broken once and alone behind its cause, by an error that passes, loaded in full and not protected.
    """
    breaks = Counter(
        f"{key_name(event.server)}/{key_name(event.task)}" for event in scenario.events if isinstance(event, Break)
    )
    fatal = {
        f"{key_name(event.server)}/{key_name(event.task)}"
        for event in scenario.events
        if isinstance(event, Break) and (event.state, event.stop_reason) == (TaskState.ERROR, StopReason.FATAL_ERROR)
    }
    open_to_all = {
        f"{key_name(server.name)}/{key_name(task.name)}"
        for server in scenario.servers
        for task in server.tasks
        if task.full_load_completed and PROTECTED not in task.tags
    }
    return {
        name
        for name in fatal & open_to_all
        if breaks[name] == 1
        and AnomalyKind.FATAL_TRANSIENT in expected.found.get(name, ())
        and (Action.RESUME, frozenset({name})) in expected.proposed
    }


READABLE = [name for name in STORIES if not build_scenario(name, 1).expected.is_unreadable]


@pytest.mark.parametrize("name", READABLE)
def test_nothing_unsafe_restarts_by_itself_in_a_night_of_the_library(running: ExitStack, name: str) -> None:
    scenario = build_scenario(SMALLER.get(name, name), 1)
    night = Night(scenario, running)
    for number in range(max(scenario.expected.polls, LEAST_RUNS)):
        night.run(number)
        night.clock.sleep(scenario.expected.poll_seconds)

    expected = build_scenario(LONGER[name], 1).expected if name in LONGER else scenario.expected
    may = ON_THE_WAY.get(name) or (safe(scenario, expected) if name not in UNSEEN else set())
    assert all(one.action is Action.RESUME and len(one.targets) == 1 for one in night.automatic)
    # What is safe is not put off until somebody wakes up, either.
    assert Counter(str(target.key) for one in night.automatic for target in one.targets) == Counter(may)
    called = [f"{key_name(call['server'])}/{key_name(call['task'])}" for call in night.calls()]
    assert {(call["action"], call["option"]) for call in night.calls()} <= {("run", RunOption.RESUME_PROCESSING)}
    assert Counter(called) <= Counter(may)


def test_a_task_that_always_fails_again_is_restarted_no_oftener_than_the_budget_allows(running: ExitStack) -> None:
    again = AfterRun(resume=Effect.FAILS_AGAIN, fails_after_seconds=90)
    breaks = Break(0, SERVER, "orders", message="ORA-12541: no listener", after_run=again)
    night = Night(replace(build_scenario("healthy", 1), events=(breaks,)), running)
    budget = night.agent.services.config.restart_budget_per_hour
    sent: list[datetime] = []
    for number in range(24):
        before = len(night.calls())
        night.run(number)
        sent += [night.clock.now] * (len(night.calls()) - before)
        night.clock.sleep(300)

    hour = timedelta(hours=1)
    assert len(sent) > 1
    assert max(sum(at <= each < at + hour for each in sent) for at in sent) <= budget
    assert {(call["action"], call["option"], call["task"]) for call in night.calls()} == {
        ("run", RunOption.RESUME_PROCESSING, "orders")
    }
