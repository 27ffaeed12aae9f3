"""One task in full, also one of which nothing is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Evidence, Severity
from qlikops.domain.fleet.audit import DoneBy
from qlikops.domain.fleet.freshness import Freshness
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.gathered.lookup import TaskDetail
from qlikops.domain.gathered.shift_entry import entry_of
from qlikops.domain.proposals.approval import Decision, HistoryLine, Status
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.snapshot import Sample, TaskProgress, TaskSnapshot
from qlikops.presentation.pages import task
from qlikops.presentation.tone import as_text
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW

NOT_RUNNING = samples.fleet().tasks[1]
MINUTE = timedelta(minutes=1)


def sampled(*seconds: int | None) -> tuple[Sample, ...]:
    return tuple(Sample(NOW - (len(seconds) - index) * 5 * MINUTE, 1, each) for index, each in enumerate(seconds))


def test_a_task_in_full() -> None:
    memory = TaskProgress(
        samples=sampled(3, 900, None, 60),
        restarted_at=NOW - 12 * MINUTE,
        starts=(NOW - 11 * MINUTE,),
        freshness=Freshness("gold", 900, NOW + 4 * MINUTE),
        done_by=DoneBy("STOP_TASK", "CORP\\anna", NOW),
        quiet=Mute(MuteReason.SNOOZED, NOW + 60 * MINUTE, "anna"),
    )
    facts = replace(
        NOT_RUNNING.facts,
        message="ORA-12541",
        tags=("gold",),
        source_endpoint="ORA",
        memory_mb=120,
        tables_completed=42,
    )
    bob = "arn:aws:iam::1:user/bob"
    history = HistoryLine(NOW, "aaaa", "FATAL_TRANSIENT", "resume", Status.RESTARTED, bob)
    shown = replace(NOT_RUNNING, facts=facts, memory=memory)
    detail = TaskDetail(shown, NOW - MINUTE, history=(history,), fetched_at=NOW - 2 * MINUTE)
    text = as_text(task.sections(detail, NOW))
    for words in (
        "replicate-eu-1/sales-orders",
        "ERROR   FATAL_ERROR   1m00s ago",
        "2m00s ago  by Enterprise Manager",
        "audit trail  STOP_TASK at 2026-03-07 11:20 UTC by CORP\\anna",
        "freshness    gold allows 15m: kept, until about 11:24 UTC if nothing runs",
        "ORA-12541",
        "snoozed 1h00m more by anna",
        "2026-03-07 12:20:00 UTC",
        "12m00s ago",
        "▁█·▁",
        "max 15m00s, min 3s, last 1m00s; 4 samples over 15m00s",
        "42 complete",
        "120 MB memory",
        "RESTARTED resume, FATAL_TRANSIENT by bob",
    ):
        assert words in text


def test_a_task_of_which_nothing_is_known_says_so() -> None:
    key = TaskKey("second", "s", "t")
    detail = TaskDetail(TaskSnapshot(TaskFacts(key, TaskState.UNKNOWN, StopReason.NONE)), NOW, server_down=True)
    text = as_text(task.sections(detail, NOW))
    assert "server is down: nothing is known" in text
    assert "instance     second" in text


def test_an_anomaly_is_told_with_its_evidence_and_whether_it_is_confirmed() -> None:
    key = NOT_RUNNING.facts.key
    evidence = (Evidence("e1", "message", "ORA-12541"),)
    anomaly = Anomaly(
        AnomalyKind.STALLED, Severity.WARNING, key, "no progress", evidence=evidence, polls=1, confirmed=False
    )
    detail = TaskDetail(replace(NOT_RUNNING, anomalies=(anomaly,)), NOW)
    text = as_text(task.sections(detail, NOW))
    assert "▲ warning    no progress" in text
    assert "on 1 poll; not confirmed yet, so nothing is proposed on it" in text
    assert "e1           message: ORA-12541" in text


def test_what_was_decided_since_the_run_looked_is_said_under_the_state() -> None:
    record = replace(samples.approval(), status=Status.RESTARTING, decision=Decision(True, by=samples.CALLER, at=NOW))
    detail = TaskDetail(NOT_RUNNING, NOW, deed=entry_of(record))
    text = as_text(task.sections(detail, NOW + MINUTE, samples.CALLER))
    assert "since        approved by you 1m00s ago, restarting" in text
    assert "since " not in as_text(task.sections(TaskDetail(NOT_RUNNING, NOW), NOW))


@pytest.mark.parametrize(("ahead", "said"), [(timedelta(hours=2), "in 2h00m"), (timedelta(hours=-1), "probably gone")])
def test_the_end_of_the_log_is_a_bar_and_its_time(ahead: timedelta, said: str) -> None:
    anomaly = Anomaly(
        AnomalyKind.FATAL_TRANSIENT, Severity.CRITICAL, NOT_RUNNING.facts.key, "lost", resume_until=NOW + ahead
    )
    shown = as_text(task.sections(TaskDetail(replace(NOT_RUNNING, anomalies=(anomaly,)), NOW), NOW))
    assert "log kept     now" in shown
    assert "✗" in shown
    assert said in shown
    assert "log kept" not in as_text(task.sections(TaskDetail(NOT_RUNNING, NOW), NOW))


def test_the_tasks_beside_it_are_named_and_beyond_a_few_counted() -> None:
    keys = tuple(TaskKey("default", "eu", f"t{number}") for number in range(6))
    assert "beside it    t0, t1, t2 and 3 more" in as_text(
        task.sections(TaskDetail(NOT_RUNNING, NOW, neighbours=keys), NOW)
    )
