"""Approvals that come back after their time: redriven executions and late invocations beside a newer proposal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, cast

import pytest

from qlikops.agent.evaluate import Evaluator
from qlikops.agent.remember.ledger import RecordClosed
from qlikops.domain.proposals.approval import Status
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import FakeClock, simulated
from tests.unit.agent.machine import MACHINE, Agent, Json, items


@pytest.fixture
def agent() -> Iterator[Agent]:
    with ExitStack() as running:
        clock = FakeClock()
        yield Agent(ModelledAws(clock), running.enter_context(simulated("one_fatal", clock, is_direct=True)), clock)


def approval(assessment: Json) -> Json:
    return {"approved": True, "digest": assessment["digest"]}


def question(agent: Agent, run: str, token: str) -> tuple[Json, Json]:
    """The Map's item and the assessment of a run's one proposal, which waits."""
    (item,) = items(agent.monitor(run))
    assessment = agent.evaluate(item)
    agent.request(item, token)
    return item, assessment


def aborted(agent: Agent) -> None:
    """Its execution was stopped: the next run closes it before it proposes again."""
    agent.states.statuses[f"{MACHINE}:run-1"] = "ABORTED"
    agent.clock.sleep(1200)


def forgotten(agent: Agent) -> None:
    """Its execution seems to run, and its hold on the task is over."""
    agent.clock.sleep(6 * 3600)


@pytest.mark.parametrize(
    ("meanwhile", "status", "why"),
    [(aborted, "abandoned", "(ABORTED)"), (forgotten, "superseded", "holds the task by now")],
)
def test_an_old_approval_does_nothing_beside_a_newer_proposal_which_still_works(
    agent: Agent, meanwhile: Callable[[Agent], None], status: str, why: str
) -> None:
    old, old_assessment = question(agent, "run-1", "token-1")
    meanwhile(agent)
    new, new_assessment = question(agent, "run-2", "token-2")

    late = agent.restart(old, approval(old_assessment))
    again = agent.restart(old, approval(old_assessment))

    assert late == again
    assert (late["status"], late["detail"].endswith(why)) == (status, True)
    assert agent.simulator.task("orders")["runs"] == 0
    assert agent.record(old, {"status": late["status"], "result": late})["status"] == status
    assert agent.restart(new, approval(new_assessment))["status"] == "restarted"
    assert agent.restart(old, approval(old_assessment)) == late
    assert agent.simulator.task("orders")["runs"] == 1


@pytest.mark.parametrize("evaluated", [True, False])
def test_a_closed_proposal_is_neither_asked_about_nor_evaluated_again(
    agent: Agent, evaluated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (item,) = items(agent.monitor("run-1"))
    if evaluated:
        agent.evaluate(item)
    aborted(agent)
    agent.monitor("run-2")
    asked: list[Any] = []
    monkeypatch.setattr(
        agent.services, "assessor", replace(agent.services.assessor, evaluator=cast("Evaluator", asked))
    )
    messages = len(agent.sns.messages)

    with pytest.raises(RecordClosed):
        agent.request(item, "token-3")
    if not evaluated:
        with pytest.raises(RecordClosed):
            agent.evaluate(item)

    assert agent.status(item) is Status.ABANDONED
    assert (agent.inbox(), agent.sns.messages[messages:]) == ([], [])
    recorded = agent.record(item, {"status": "failed", "error": {"Error": "RecordClosed", "Cause": None}})
    assert recorded["status"] == "abandoned"
