"""Scripted nights in which sources throw their logs away: what is lost was announced, and asked again until then."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from qlikops.agent.config import AgentConfig, LogRetention
from qlikops.agent.look.detection import detect
from qlikops.agent.propose.correlation import propose
from qlikops.agent.remember.run import Run
from qlikops.agent.tell.events import findings
from qlikops.agent.tell.notifications import news_of
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action, ServerFacts, ServerState, StopReason, TaskKey, TaskState
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.evaluation import ApprovalMode, Gate, Route
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.qlik.simulator.fleet import SimulatedFleet
from qlikops.qlik.simulator.library import CONNECTION_LOST, LOG_GONE, SERVER, log_runs_out, server, task
from qlikops.qlik.simulator.scenario import (
    Break,
    Endpoint,
    KeptLog,
    LatencySpike,
    Scenario,
    ScenarioEvent,
    SimulatedTask,
)
from qlikops.qlik.wire import parse_task
from tests.unit.agent.fleet import CONFIG, after
from tests.unit.agent.machine import items
from tests.unit.agent.night import night

ARN = "arn:aws:states:eu-central-1:123456789012:execution:QlikMonitoringAgent:run"
RUN = Run(ARN, "run", "2026-03-07T03:12:00Z")
SERVER_UP = ServerFacts("default", SERVER, ServerState.MONITORED)
HOUR = timedelta(hours=1)
KEPT_HOURS = (2, 3, 4, 8)
BREAKS: tuple[tuple[TaskState, StopReason, str], ...] = (
    (TaskState.ERROR, StopReason.FATAL_ERROR, CONNECTION_LOST),
    (TaskState.ERROR, StopReason.FATAL_ERROR, "Something nobody has seen before"),
    (TaskState.STOPPED, StopReason.NORMAL, "Stopped by user"),
    (TaskState.RECOVERY, StopReason.RECOVERABLE_ERROR, "Retrying"),
    (TaskState.STOPPED, StopReason.STOPPED_LOW_DISK_SPACE, "Low disk space"),
    (TaskState.STOPPED, StopReason.STOPPED_AFTER_DDL_APPLY, "Stopped after DDL"),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A task whose source keeps its log for so long."""

    name: str
    hours: int


def long_night(seed: int) -> tuple[Scenario, list[Kept]]:
    """Sources that keep their log for hours, and tasks that stand for all kinds of reasons, some far behind by then."""
    chance = random.Random(seed)  # noqa: S311 - a story, no secret
    tasks, events, kept = list[SimulatedTask](), list[ScenarioEvent](), list[Kept]()
    for number, hours in enumerate(KEPT_HOURS * 2):
        for state, stop_reason, message in BREAKS:
            name = f"t{len(tasks)}"
            tasks.append(task(name, Endpoint(f"ORA-{number}", "Oracle", KeptLog(hours * 3600, LOG_GONE))))
            kept.append(Kept(name, hours))
            at = chance.uniform(60, 3 * 3600)
            events.append(Break(at, SERVER, name, state, stop_reason, message))
            if chance.random() < 0.2:
                events.append(LatencySpike(0, at * 2, SERVER, name, peak_seconds=600))
    return Scenario("long_night", (server(SERVER, tasks),), tuple(events)), kept


class Polls:
    """A run every quarter of an hour, nobody who answers, and what people were told when."""

    def __init__(self, scenario: Scenario, config: AgentConfig) -> None:
        self.seconds = 0.0
        self.fleet = SimulatedFleet(scenario, seed=1, clock=lambda: self.seconds)
        self.config = config
        self.snapshot: FleetSnapshot | None = None
        self.asked: set[TaskKey] = set()
        self.announced: dict[str, float] = {}
        """Task -> when people were first told until when it can be resumed."""

    def live(self, seconds: float) -> None:
        """Runs for so long."""
        while self.seconds < seconds:
            self.run()
            self.seconds += 15 * 60

    def run(self) -> None:
        """One run: reads, finds, tells and proposes, as MonitorTasks does."""
        now = after(self.seconds)
        names = [each["name"] for each in self.fleet.tasks(SERVER)]
        keys = [TaskKey("default", SERVER, name) for name in names]
        facts = [parse_task(self.fleet.task(SERVER, key.task), key) for key in keys]
        snapshot = detect([SERVER_UP], facts, self.snapshot, self.config, now, "run")
        news = news_of(self.snapshot.told if self.snapshot else (), snapshot)
        self.snapshot = replace(snapshot, told=news.told)
        told = findings(RUN, news, now)
        said = told[0].together(told)[1] if told else ""
        for line in (line for line in said.splitlines() if "until about" in line):
            for each in news.appeared:
                alike = f"{each.severity}: {SERVER}: {each.kind.traits.headline} on "
                if f"/{each.key.task}: " in line or (alike in line and each.resume_until):
                    self.announced.setdefault(each.key.task, self.seconds)
        blocked = dict.fromkeys(self.asked, "asked")
        found = propose(snapshot, self.config, execution_arn=ARN, execution_name="run", now=now, blocked=blocked)
        for proposal in found.proposals:
            self.asked |= {target.key for target in proposal.targets}
            for target in proposal.targets if proposal.resume_until else ():
                self.announced.setdefault(target.key.task, self.seconds)


@pytest.mark.parametrize("seed", [7, 8])
def test_what_is_lost_was_announced_an_hour_before(seed: int) -> None:
    scenario, kept = long_night(seed)
    told = {f"{SERVER}/{each.name}": each.hours * HOUR for each in kept}
    polls = Polls(scenario, replace(CONFIG, log_retention=LogRetention(tasks=told)))
    polls.live(13 * 3600)
    lost = {}
    for each in kept:
        model = polls.fleet._tasks[SERVER, each.name]
        if model.log_is_gone(polls.seconds):
            lost[each.name] = model.position + each.hours * 3600
    late = [name for name, at in lost.items() if polls.announced.get(name, at) > at - 3600]
    assert len(lost) > 30
    assert 1 - len(late) / len(lost) >= 0.95, f"not announced an hour before: {late}"


def test_unanswered_it_is_asked_again_at_once_with_the_time_that_is_left() -> None:
    with night(log_runs_out(0, keeps=8 * 3600), log_retention=LogRetention({"ORA-PROD": 8 * HOUR})) as of:
        of.approves = False
        while not of.asked:
            monitored = of.run()
            of.clock.sleep(300)
        (item,) = items(monitored)
        assert of.asked[0].deadline
        of.clock.now = of.asked[0].deadline
        of.agent.record(item, {"status": "expired"})
        of.run()
        first, second = of.asked
        assert of.again(0).status is Status.EXPIRED
        assert second.proposal.resume_until == first.proposal.resume_until is not None
        (early, late) = of.told_of("resume")
        assert "A resume is possible until about" in early
        assert "A resume is possible until about" in late


def test_once_it_has_passed_nothing_is_automatic_and_the_failure_says_so() -> None:
    kept = LogRetention({"ORA-PROD": 2 * HOUR})
    with night(log_runs_out(0, keeps=2 * 3600), log_retention=kept, approval_mode=ApprovalMode.POLICY) as of:
        of.run()
        of.clock.sleep(3 * 3600)
        of.live(timedelta(minutes=10))
        (asked,) = of.asked
        policy = asked.policy
        assert policy is not None
        assert policy.route is Route.ASK
        assert Gate.POINT_OF_NO_RETURN in {closed.gate for closed in policy.closed_gates}
        assert "still has its log" in asked.proposal.offers[0].checks[0]
        of.live(HOUR)
        again = of.asked[1].proposal
        assert (again.kind, again.point_of_no_return) == (AnomalyKind.POSITION_LOST, None)
        assert Action.RELOAD in {option.action for option in again.offers}
