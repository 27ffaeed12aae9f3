"""What several of these tests begin with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from qlikops.qlik.simulator.library import task
from qlikops.qlik.simulator.scenario import ScenarioEvent
from tests.scenarios.small import expect, small
from tests.simulation.account import ModelledAws
from tests.unit.agent.act.behind import AWAY, NAMES, Begin, Night
from tests.unit.agent.fakes import FakeClock, simulated
from tests.unit.agent.machine import Agent


@pytest.fixture
def begin(clock: FakeClock) -> Iterator[Begin]:
    with ExitStack() as running:

        def make(*events: ScenarioEvent, tasks: Any = (), **settings: Any) -> Night:
            fleet = [*map(task, NAMES), *tasks]
            story = small("night", *(events or (AWAY,)), tasks=fleet, expected=expect())
            simulator = running.enter_context(simulated(story, clock, is_direct=True))
            aws = ModelledAws(clock)
            aws.client("sns").create_topic(Name="t")
            return Night(Agent(aws, simulator, clock, **settings))

        yield make
