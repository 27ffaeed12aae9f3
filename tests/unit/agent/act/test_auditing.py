"""Who did it, by Enterprise Manager's audit trail: on the record and the console, and nowhere that is sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from qlikops.agent.act.auditing import Auditor
from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.evaluate.prompt import data_block
from qlikops.agent.steps.report import markdown
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.audit import DoneBy
from qlikops.domain.fleet.task import ServerState, StopReason, TaskFacts, TaskState
from qlikops.domain.runs.report import RunReport
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.qlik.audit import AuditLine
from qlikops.qlik.errors import QemBusinessError, QemError, QemOutOfTime, QemUnreachable
from qlikops.qlik.simulator.library import CONNECTION_LOST, SERVER, task
from qlikops.qlik.simulator.scenario import AuditedAction, Break
from tests.scenarios.small import expect, small
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import START, FakeClock, simulated
from tests.unit.agent.fleet import CONFIG, NOW, after, failed, poll
from tests.unit.agent.fleet import SERVER as MONITORED
from tests.unit.agent.fleet import task as healthy
from tests.unit.agent.machine import Agent, items

STOPPED: dict[str, Any] = {"state": TaskState.STOPPED, "stop_reason": StopReason.NORMAL}
ANNA, BEN = "CORP\\anna.schmidt", "CORP\\ben"
STORY = (
    AuditedAction(100, SERVER, "orders", ANNA),
    Break(100, SERVER, "orders", **STOPPED),
    AuditedAction(110, SERVER, "customers", BEN, "SAVE_TASK"),
    Break(160, SERVER, "customers", message=CONNECTION_LOST),
    AuditedAction(170, "another-server", "orders", "CORP\\carla"),
)
AUDITED = replace(CONFIG, audit_trail=True)

Begin = Callable[..., Agent]


@pytest.fixture
def begin(clock: FakeClock) -> Iterator[Begin]:
    with ExitStack() as running:

        def make(**settings: Any) -> Agent:
            story = small("story", *STORY, tasks=map(task, ("orders", "customers", "stock")), expected=expect())
            simulator = running.enter_context(simulated(story, clock, is_direct=True))
            agent = Agent(ModelledAws(clock), simulator, clock, **settings)
            agent.monitor("run-1")
            clock.sleep(300)
            return agent

        yield make


def snapshot_of(agent: Agent) -> dict[str, DoneBy | None]:
    snapshot = codec.loads(FleetSnapshot, agent.stored("snapshots/latest.json"))
    return {each.facts.key.task: each.memory.done_by for each in snapshot.tasks}


def test_who_stopped_a_task_and_who_edited_one_that_failed_is_on_console_and_record(begin: Begin) -> None:
    agent = begin(audit_trail=True)
    (item,) = items(agent.monitor("run-2"))
    stopped = DoneBy("STOP_TASK", ANNA, START + timedelta(seconds=100))
    edited = DoneBy("SAVE_TASK", BEN, START + timedelta(seconds=110))
    assert snapshot_of(agent) == {"orders": stopped, "customers": edited, "stock": None}
    assert stopped.words == f"STOP_TASK at 2026-03-07 03:01 UTC by {ANNA}"
    proposal = agent.services.ledger.record(item["proposal"]["proposal_id"]).approval.proposal
    assert proposal.done_by == edited
    # It is kept for as long as the task is down, without asking again.
    agent.simulator.server.fleet.may_audit = lambda _: False
    agent.clock.sleep(300)
    agent.monitor("run-3")
    assert snapshot_of(agent)["orders"] == stopped


def test_names_of_people_are_in_no_message_event_log_metric_or_prompt(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    agent = begin(audit_trail=True, approval_mode="always")
    monitored = agent.monitor("run-2")
    (item,) = items(monitored)
    agent.evaluate(item)
    agent.request(item)
    record = agent.services.ledger.record(item["proposal"]["proposal_id"]).approval
    agent.record(item, {"status": "expired"})
    reported = agent.report(monitored)
    summary = agent.services.ledger.runs.summary("run-2")
    assert summary
    report = codec.loads(RunReport, agent.stored(f"{summary.report_key}.json"))
    said = [
        json.dumps(agent.sns.messages, default=str),
        json.dumps(agent.events.put, default=str),
        json.dumps([monitored, item, reported, codec.encode(summary)], default=str),
        data_block(record.proposal, EvaluationInput(), "mark"),
        markdown(report),
        json.dumps(agent.aws.client("cloudwatch")._model.points, default=str),
        caplog.text,
    ]
    assert agent.sns.messages
    for text in said:
        assert not [name for name in ("anna", "ben", "CORP", "carla") if name in text], text


def test_it_is_off_unless_set(begin: Begin) -> None:
    agent = begin()
    agent.simulator.server.fleet.may_audit = lambda _: pytest.fail("the audit trail was read")
    agent.monitor("run-2")
    assert set(snapshot_of(agent).values()) == {None}


class Trail:
    """An Enterprise Manager whose trail says so, or fails."""

    def __init__(self, *lines: AuditLine, error: QemError | None = None) -> None:
        self.lines, self.error = lines, error
        self.asked: list[tuple[datetime, datetime]] = []

    def audit_trail(self, since: datetime, until: datetime) -> Sequence[AuditLine]:
        self.asked.append((since, until))
        if self.error:
            raise self.error
        return self.lines


USER_STOPPED = healthy(memory_mb=0, **STOPPED)
FAILED = failed("b")


@pytest.mark.parametrize(
    "error",
    [
        QemBusinessError("UNAUTHORIZED_REQUEST", f"{ANNA} may not"),
        QemUnreachable("no answer"),
        QemOutOfTime("late"),
    ],
)
def test_a_trail_that_cannot_be_read_is_a_note_without_names(error: QemError) -> None:
    trail = Trail(error=error)
    snapshot = poll(USER_STOPPED)
    assert Auditor(lambda _: trail, AUDITED).ask(snapshot, None)[0] == snapshot
    (note,) = Auditor(lambda _: trail, AUDITED).ask(snapshot, None)[1]
    assert note.startswith("The audit trail of default could not be read: ")
    assert "anna" not in note


def test_it_is_asked_once_an_instance_and_only_of_what_this_run_has_found() -> None:
    trail, before = Trail(), poll(healthy(), healthy("b"))
    auditor = Auditor(lambda _: trail, AUDITED)
    auditor.ask(before, None)
    assert not trail.asked
    found = poll(USER_STOPPED, FAILED, previous=before, at=300)
    auditor.ask(found, before)
    assert trail.asked == [(after(-900), after(300))]
    auditor.ask(poll(USER_STOPPED, FAILED, previous=found, at=600), found)
    auditor.ask(poll(task_with_latency(), previous=before, at=300), before)
    assert len(trail.asked) == 1
    long_ago = replace(before, taken_at=NOW - timedelta(days=2))
    auditor.ask(found, long_ago)
    assert trail.asked[-1] == (after(300 - 7200), after(300))


def task_with_latency() -> TaskFacts:
    return healthy(total_latency_seconds=9999, source_latency_seconds=9999)


def test_the_last_line_that_fits_counts() -> None:
    def line(what: str, who: str, name: str = "sales-orders", at: float = 0) -> AuditLine:
        return AuditLine(DoneBy(what, who, after(at)), f"{what} eu-1 {name}".lower())

    trail = Trail(
        line("STOP", "first"),
        line("STOP", "last", at=60),
        line("SAVE", "editor", at=70),
        line("STOP", "other", "sales-orders-2", at=80),
        line("SAVE", "b-editor", "b", at=90),
        line("RUN", "b-runner", "b", at=95),
    )
    snapshot, _ = Auditor(lambda _: trail, AUDITED).ask(poll(USER_STOPPED, FAILED), None)
    assert [each.memory.done_by and each.memory.done_by.who for each in snapshot.tasks] == ["b-editor", "last"]
    up = poll(healthy(), previous=snapshot, at=300)
    assert up.tasks[-1].facts.state is TaskState.RUNNING
    assert up.tasks[-1].memory.done_by is None


def test_who_stopped_a_task_has_nothing_to_do_with_how_it_fails_later() -> None:
    trail = Trail(AuditLine(DoneBy("STOP", "anna", NOW), "stop eu-1 sales-orders"))
    stopped, _ = Auditor(lambda _: trail, AUDITED).ask(poll(USER_STOPPED), None)
    unseen = poll(previous=stopped, at=300, servers=[replace(MONITORED, state=ServerState.ERROR)])
    back = poll(USER_STOPPED, previous=unseen, at=600)
    assert back.tasks[0].memory.done_by
    fell_over = poll(failed(), previous=back, at=900)
    assert fell_over.tasks[0].memory.done_by is None
