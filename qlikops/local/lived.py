"""What runs had seen before a scenario begins: without it, the first run of a demo would know of no task how it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from qlikops.agent.config import AgentConfig
from qlikops.agent.look.detection import detect
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.qlik import wire
from qlikops.qlik.simulator.fleet import SimulatedFleet
from qlikops.qlik.simulator.library import build_scenario
from qlikops.qlik.simulator.server import AdjustableClock

INSTANCE = "default"
BETWEEN = timedelta(minutes=5)
_CONFIG = AgentConfig(table="", bucket="", topic_arn="", qlik_secret_arn="")
"""The fleet was well, so nothing of it counts."""


def lived_before(scenario: str, seed: int, now: datetime) -> FleetSnapshot | None:
    """The snapshot that a run of just before `now` left of a fleet that was well; None if the scenario has no past."""
    built = build_scenario(scenario, seed)
    if not built.ran_before_seconds:
        return None
    began = now - timedelta(seconds=built.ran_before_seconds)
    clock = AdjustableClock(began.timestamp)
    fleet = SimulatedFleet(replace(built, events=()), seed=seed, clock=clock)
    snapshot = None
    for number in range(int(built.ran_before_seconds / BETWEEN.total_seconds()) + 1):
        snapshot = polled(fleet, snapshot, _CONFIG, began + number * BETWEEN, "before-the-demo")
        clock.advance(BETWEEN.total_seconds())
    return snapshot


def polled(
    fleet: SimulatedFleet, previous: FleetSnapshot | None, config: AgentConfig, now: datetime, run: str
) -> FleetSnapshot:
    """A run's snapshot of the simulated fleet as it is, without Enterprise Manager in between."""
    servers = wire.parse_server_list({"serverList": fleet.servers()}, INSTANCE)
    facts = [
        wire.parse_task(fleet.task(server.name, task["name"]), TaskKey(INSTANCE, server.name, task["name"]))
        for server in servers
        if server.state == "MONITORED"
        for task in fleet.tasks(server.name)
    ]
    return detect(servers, facts, previous, config, now, run)
