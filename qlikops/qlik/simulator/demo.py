"""The demo's fleet and its bad night, as demo.toml has them, and what goes on after that."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qlikops.domain.encoding.codec import read_settings
from qlikops.qlik.simulator.scenario import (
    Break,
    Endpoint,
    LatencySpike,
    Scenario,
    ScenarioEvent,
    ServerDown,
    SimulatedServer,
    SimulatedTask,
)

_EVENTS: Mapping[str, type[ScenarioEvent]] = {"break": Break, "server_down": ServerDown, "latency_spike": LatencySpike}
_LOSE_MORE = ("replicate-eu-1", "replicate-us-1")
"""Servers whose tasks go on losing connections."""


def _task(written: Mapping[str, Any], endpoints: Mapping[str, Endpoint]) -> SimulatedTask:
    source, target = (endpoints[written[side]] for side in ("source", "target"))
    return SimulatedTask(**{**written, "source": source, "target": target, "tags": tuple(written["tags"])})


def _later(
    servers: tuple[SimulatedServer, ...], events: tuple[ScenarioEvent, ...], messages: Mapping[str, str], seed: int
) -> tuple[ScenarioEvent, ...]:
    """A connection every ten minutes for four hours, of tasks that have no part in `events`."""
    chance = random.Random(f"{seed}/demo")  # noqa: S311 - a story, no secret
    broken = {event.task for event in events if isinstance(event, Break)}
    sound = [
        (server.name, task)
        for server in servers
        if server.name in _LOSE_MORE
        for task in server.tasks
        if task.name not in broken
    ]
    return tuple(
        Break(at, server, task.name, message=messages[task.source.type])
        for at in range(900, 4 * 3600, 600)
        for server, task in [chance.choice(sound)]
    )


def demo(seed: int) -> Scenario:
    """Four servers, 36 tasks, one of every kind of trouble; what a resume mends runs again within four seconds."""
    written = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    endpoints = {name: Endpoint(*each) for name, each in written["endpoints"].items()}
    servers = tuple(
        SimulatedServer(name, f"{name}.example.com", tuple(_task(each, endpoints) for each in tasks))
        for name, tasks in written["servers"].items()
    )
    events = tuple(read_settings(_EVENTS[name], each) for name, found in written["events"].items() for each in found)
    later = _later(servers, events, written["later"], seed)
    return Scenario("demo", servers, (*events, *later), ran_before_seconds=3600)
