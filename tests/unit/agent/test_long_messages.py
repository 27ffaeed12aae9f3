"""A long message on its whole way: from Enterprise Manager over HTTP to the route, the record and the snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from qlikops.agent.diagnosis.messages import classify
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.proposals.evaluation import ApprovalMode
from qlikops.domain.words.text import MESSAGE_CAP
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import FakeClock, simulated
from tests.unit.agent.machine import Agent, items

LOST_CONNECTION = "ORA-03113: end-of-file on communication channel"
BETWEEN = {
    "words": "and on " * 300,
    "colours": "\x1b[31m\x1b[0m" * 2000,
    "a title": "\x1b]0;",
    "zero width": "\u200b" * 15_000,
    "blanks": "\r\n" * 8000,
    "far too much": "and on " * 30_000,
}
TELLING = {
    "ORA-00308: cannot open archived log": AnomalyKind.POSITION_LOST,
    "ORA-28000: the account is locked": AnomalyKind.FATAL_UNKNOWN,
    "Archived Redo log with the sequence 4711 does not exist": AnomalyKind.POSITION_LOST,
    "Replikationsslot »orders« ist ungültig": AnomalyKind.FATAL_UNKNOWN,
}


@pytest.fixture
def agent() -> Iterator[Callable[..., Agent]]:
    with ExitStack() as running:

        def make(**settings: Any) -> Agent:
            clock = FakeClock()
            simulator = running.enter_context(simulated("healthy", clock, is_direct=True))
            return Agent(ModelledAws(clock), simulator, clock, approval_mode=ApprovalMode.POLICY, **settings)

        yield make


@pytest.mark.parametrize("between", BETWEEN.values(), ids=list(BETWEEN))
@pytest.mark.parametrize(("telling", "kind"), TELLING.items(), ids=["log", "account", "prose", "German"])
def test_what_stands_far_down_decides_and_is_shown(
    agent: Callable[..., Agent], between: str, telling: str, kind: AnomalyKind
) -> None:
    here = agent()
    here.simulator.break_task("orders", message=f"{LOST_CONNECTION} {between} {telling}")
    here.monitor("run-0")
    here.clock.sleep(1000)
    snapshot = here.services.store.snapshot().snapshot

    assert snapshot is not None
    (task,) = (task for task in snapshot.tasks if task.facts.key.task == "orders")
    assert [anomaly.kind for anomaly in task.anomalies] == [kind]
    assert len(task.facts.message) <= MESSAGE_CAP
    assert not classify(task.facts.message).message_class.passes
    shown = {item.label: item.value for item in task.anomalies[0].evidence}
    assert telling[:10] in shown["message"] + shown["message recognised as"]


def test_a_lost_connection_in_a_long_message_is_still_restarted(agent: Callable[..., Agent]) -> None:
    here = agent()
    here.simulator.break_task("orders", message=f"{LOST_CONNECTION}\n" * 60)
    (item,) = items(here.monitor("run-0"))
    assert here.evaluate(item)["route"] == "automatic"
