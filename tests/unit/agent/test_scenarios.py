"""Every scenario of the library through the real reader over HTTP, detection and correlation: found as it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qlikops.agent.look.detection import detect
from qlikops.agent.propose.correlation import propose
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action, RunOption, TaskState
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.qlik.client import QemClient
from qlikops.qlik.config import QemInstance
from qlikops.qlik.errors import QemError, QemUnreachable
from qlikops.qlik.reader import FleetReading, read_fleet
from qlikops.qlik.simulator.fleet import SimulatedFleet
from qlikops.qlik.simulator.server import AdjustableClock
from tests.certificates import certificate as certificate
from tests.scenarios.disturbed import DisturbedFleet, Trouble
from tests.scenarios.faulty import FaultKind, FaultySimulator
from tests.scenarios.library import STORIES, build_scenario
from tests.scenarios.small import CheckedScenario, Proposable
from tests.unit.agent.fleet import ALL_LIMITS

START = datetime(2026, 3, 7, 3, 0, tzinfo=UTC)
SMALLER = {"large": "large:6x100"}
"""What takes long at its full size and shows nothing more there."""


class Watch:
    """A scenario that is served, and monitored whenever a test says so. Nobody sleeps."""

    def __init__(self, scenario: CheckedScenario, certificate: Path | None, seed: int = 1) -> None:
        self.scenario = scenario
        self.slept: list[float] = []
        self._clock = AdjustableClock(START.timestamp)
        fleet = DisturbedFleet(scenario, seed=seed, clock=self._clock)
        self.server = FaultySimulator(
            fleet,
            self._clock,
            accounts={"monitor": "correct horse"},
            certificate=certificate,
            sleep=self.slept.append,
        )
        bundle = str(certificate) if certificate else ""
        self.instance = QemInstance(
            "default", self.server.base_url, "monitor", "correct horse", ca_bundle=bundle, read_timeout=60
        )
        self.snapshot: FleetSnapshot | None = None

    def client(self, instance: QemInstance) -> QemClient:
        return QemClient(instance, clock=self._clock, sleep=lambda _: None)

    def read(self) -> FleetReading:
        return read_fleet(
            [self.instance],
            client_factory=self.client,
            whose_health=lambda servers: [server.key for server in servers],
        )

    def poll_as_expected(self) -> None:
        for number in range(self.scenario.expected.polls):
            if number:
                self._clock.advance(self.scenario.expected.poll_seconds)
            reading = self.read()
            now = datetime.fromtimestamp(self._clock(), UTC)
            self.snapshot = detect(reading.servers, reading.tasks, self.snapshot, ALL_LIMITS, now, f"run-{number}")

    def found(self) -> dict[str, frozenset[AnomalyKind]]:
        assert self.snapshot is not None
        of_tasks = [anomaly for task in self.snapshot.tasks for anomaly in task.anomalies]
        found: dict[str, set[AnomalyKind]] = {}
        for anomaly in (*self.snapshot.server_anomalies, *of_tasks):
            if anomaly.confirmed:
                found.setdefault(str(anomaly.key), set()).add(anomaly.kind)
        return {name: frozenset(kinds) for name, kinds in found.items()}

    def proposed(self) -> tuple[frozenset[Proposable], int]:
        """What is offered, and how much is deferred."""
        assert self.snapshot is not None
        correlated = propose(
            self.snapshot,
            ALL_LIMITS,
            execution_arn="arn",
            execution_name="run",
            now=self.snapshot.taken_at,
            blocked={},
        )
        proposed = [
            (option.action, frozenset(str(target.key) for target in proposal.targets))
            for proposal in correlated.proposals
            for option in proposal.offers
        ]
        assert len(proposed) == len(set(proposed))
        return frozenset(proposed), correlated.deferred


Start = Callable[..., Watch]


@pytest.fixture
def watch(request: pytest.FixtureRequest) -> Iterator[Start]:
    running: list[Watch] = []

    def start(scenario: str | CheckedScenario, seed: int = 1) -> Watch:
        story = build_scenario(scenario, 1) if isinstance(scenario, str) else scenario
        path = request.getfixturevalue("certificate") if story.tls else None
        running.append(Watch(story, path, seed))
        running[-1].server.__enter__()
        return running[-1]

    yield start
    for each in running:
        each.server.__exit__()


@pytest.mark.parametrize("name", STORIES)
def test_a_scenario_is_found_and_proposed_on_as_it_says(name: str, watch: Start) -> None:
    here = watch(SMALLER.get(name, name))
    expected = here.scenario.expected
    if expected.is_unreadable:
        with pytest.raises(QemError):
            here.read()
    else:
        here.poll_as_expected()
        assert here.found() == expected.found
        assert here.proposed() == (expected.proposed, 0)
    befallen = here.server.faults.befallen
    assert set(befallen) == {fault.kind for fault in here.scenario.faults}, "a fault that befalls nothing shows nothing"


def test_there_are_scenarios_enough_for_everything() -> None:
    stories = [build_scenario(name, 1) for name in STORIES]
    assert len(stories) >= 30
    assert all(story.name == name for name, story in zip(STORIES, stories, strict=True))
    assert {action for story in stories for action, _ in story.expected.proposed} == set(Action)
    assert {fault.kind for story in stories for fault in story.faults} == set(FaultKind)
    assert {event.trouble for story in stories for event in story.events if hasattr(event, "trouble")} == set(Trouble)


def test_more_causes_than_a_run_may_propose_are_deferred(watch: Start) -> None:
    here = watch("large:50x1")
    here.poll_as_expected()
    assert here.found() == here.scenario.expected.found
    proposed, deferred = here.proposed()
    assert proposed < here.scenario.expected.proposed
    assert (len(proposed), deferred) == (40, 10)


def test_the_largest_fleet_is_a_hundred_servers_of_two_hundred_tasks() -> None:
    fleet = SimulatedFleet(build_scenario("large:100x200", 1), seed=1, clock=lambda: 0.0)
    servers = [server["name"] for server in fleet.servers()]
    assert (len(servers), sum(len(fleet.tasks(server)) for server in servers)) == (100, 20_000)


@pytest.mark.parametrize("name", ["everything_at_once", "expired_sessions", "lost_replies", "resets", "truncated"])
def test_the_same_calls_are_befallen_however_they_interleave(name: str, watch: Start) -> None:
    befallen = []
    for _ in range(3):
        here = watch(name)
        assert {facts.key.task: facts.memory_mb is not None for facts in here.read().tasks} == dict.fromkeys(
            ("orders", "customers", "invoices", "stock"), True
        )
        befallen.append(dict(here.server.faults.befallen))
    assert befallen[0] == befallen[1] == befallen[2]


def test_another_seed_is_another_night(watch: Start) -> None:
    one, other = watch("everything_at_once"), watch("everything_at_once", seed=2)
    one.poll_as_expected()
    other.poll_as_expected()
    assert one.server.faults.befallen != other.server.faults.befallen


@pytest.mark.parametrize(
    # Login and logout have no body that could be slow.
    ("name", "calls"),
    [
        ("slow_manager", ["login", "servers", "server", "tasks", *["details"] * 4, "logout"]),
        ("slow_bodies", ["body"] * 7),
    ],
)
def test_slow_answers_take_their_time(name: str, calls: list[str], watch: Start) -> None:
    here = watch(name)
    here.read()
    (fault,) = here.scenario.faults
    assert sum(here.slept) == fault.seconds * len(calls)


def test_details_that_drip_cost_nobody_the_run(watch: Start) -> None:
    here = watch("dripping_details")
    # The bytes come quicker than in the story, and whoever waits is as much less patient.
    here.server.sleep = lambda _: time.sleep(0.01)
    here.instance = replace(here.instance, read_timeout=0.5)
    facts = {facts.key.task: facts for facts in here.read().tasks}
    assert facts["orders"].state is TaskState.ERROR
    assert {name for name, each in facts.items() if each.memory_mb is None} == {"orders"}


@pytest.mark.parametrize(("call", "option"), [("run", RunOption.RESUME_PROCESSING), ("stop", None)])
def test_a_lost_reply_leaves_open_what_was_done_and_it_was(call: str, option: RunOption | None, watch: Start) -> None:
    here = watch("lost_replies")
    task = "orders" if call == "run" else "stock"
    arguments: list[Any] = ["replicate-1", task, *([option] if option else [])]
    with here.client(here.instance) as client, pytest.raises(QemUnreachable) as caught:
        getattr(client, call)(*arguments)
    assert caught.value.maybe_sent
    (sent,) = here.server.fleet.true_state()["calls"]
    assert (sent["action"], sent["task"]) == (call, task)
    state = {each["task"]: each["state"] for each in here.server.fleet.true_state()["tasks"]}[task]
    assert state == (TaskState.RUNNING if call == "run" else TaskState.STOPPED)


def test_a_private_authority_has_to_be_configured(watch: Start) -> None:
    here = watch("private_authority")
    assert here.server.url.startswith("https://")
    here.instance = replace(here.instance, ca_bundle="")
    with pytest.raises(QemUnreachable, match="certificate verify failed"):
        here.read()


def test_tls_needs_a_certificate() -> None:
    with pytest.raises(ValueError, match="private_authority needs a certificate"):
        Watch(build_scenario("private_authority", 1), None)
