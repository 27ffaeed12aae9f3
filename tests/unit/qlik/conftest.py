from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qlikops.qlik.client import QemClient
from qlikops.qlik.config import QemInstance
from qlikops.qlik.simulator.scenario import Scenario
from qlikops.qlik.simulator.server import AdjustableClock, SimulatorServer
from tests.certificates import certificate as certificate
from tests.scenarios.disturbed import DisturbedFleet
from tests.scenarios.faulty import FaultySimulator
from tests.scenarios.library import build_scenario

START = datetime(2026, 3, 7, 3, 0, tzinfo=UTC)
PASSWORD = "correct horse"
OPERATOR_PASSWORD = "battery staple"
ACCOUNTS = {
    "monitor@corp": PASSWORD,
    "monitor": PASSWORD,
    "operator": OPERATOR_PASSWORD,
    "api-token": "token-abcdef",
}

Simulate = Callable[..., SimulatorServer]


@pytest.fixture
def simulate() -> Iterator[Simulate]:
    """Starts simulators whose clock stands still until it is advanced."""
    with contextlib.ExitStack() as running:

        def start(
            scenario: str | Scenario = "healthy",
            seed: int = 1,
            session_seconds: float = 300,
            certificate: Path | None = None,
            sleep: Callable[[float], None] = lambda _: None,
        ) -> SimulatorServer:
            clock = AdjustableClock(START.timestamp)
            story = build_scenario(scenario, seed) if isinstance(scenario, str) else scenario
            fleet = DisturbedFleet(story, seed=seed, clock=clock)
            server = FaultySimulator(
                fleet,
                clock,
                accounts=ACCOUNTS,
                session_seconds=session_seconds,
                certificate=certificate,
                sleep=sleep,
            )
            return running.enter_context(server)

        yield start


def instance_of(server: SimulatorServer, **changes: Any) -> QemInstance:
    values = {"name": "qem", "base_url": server.base_url, "username": "monitor", "password": PASSWORD}
    return QemInstance(**{**values, **changes})


def client_of(server: SimulatorServer, **options: Any) -> QemClient:
    return QemClient(instance_of(server), clock=server.clock, sleep=lambda _: None, **options)
