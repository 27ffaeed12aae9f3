"""Up to when the target has the source's changes, until when a resume is possible, and what the source suffers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.config import LogRetention
from qlikops.agent.look.waiting import SOURCES_THAT_SUFFER, source_meanwhile
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind, Severity
from qlikops.domain.fleet.task import ServerState, StopReason, TaskFacts, TaskState
from qlikops.domain.runs.snapshot import FleetSnapshot
from tests.unit.agent.fleet import CONFIG, NOW, POSITION_LOST, SERVER, after, anomaly_of, failed, only_task, poll, task
from tests.unit.agent.propose.test_correlation import correlate, only_proposal

KEPT = replace(CONFIG, log_retention=LogRetention(endpoints={"ORA-PROD": timedelta(hours=24)}))
MINUTE, HOUR = 60, 3600
STOPPED: dict[str, Any] = {"state": TaskState.STOPPED, "stop_reason": StopReason.NORMAL, "memory_mb": 0}
LOADED = task(total_latency_seconds=9, full_load_seconds=6 * HOUR)


def night(*facts: TaskFacts, every: float = 5 * MINUTE) -> FleetSnapshot:
    """Polls of one task, one every five minutes; what is said is as of the last."""
    snapshot = None
    for number, each in enumerate(facts):
        snapshot = poll(each, previous=snapshot, at=number * every, config=KEPT)
    assert snapshot is not None
    return snapshot


def position(snapshot: FleetSnapshot) -> float | None:
    """In seconds after the first poll."""
    found = only_task(snapshot).memory.position
    return None if found is None else (found - NOW).total_seconds()


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([task(total_latency_seconds=40)], -40),
        ([task(total_latency_seconds=40), failed(), failed(total_latency_seconds=0)], -40),
        # What a starting task says, it says before it has read anything; the next poll may be believed.
        ([task(), failed(), task(total_latency_seconds=0)], -9),
        ([task(), failed(), task(total_latency_seconds=0), task(total_latency_seconds=0)], 900),
        # So it may be of one that no poll has seen before.
        ([task(total_latency_seconds=0)], None),
        ([task(total_latency_seconds=0), task(total_latency_seconds=0)], 300),
        ([task(), failed(), task(total_latency_seconds=500)], 100),
        ([task(), task(total_latency_seconds=None)], -9),
        ([task(), task(memory_mb=0, total_latency_seconds=0)], -9),
        ([task(total_latency_seconds=10**13)], None),
        ([failed()], None),
    ],
)
def test_how_far_the_target_is(facts: list[TaskFacts], expected: float | None) -> None:
    assert position(night(*facts)) == expected


def test_it_is_kept_while_the_task_cannot_be_read() -> None:
    first = poll(task())
    down = poll(previous=first, at=300, servers=[replace(SERVER, state=ServerState.ERROR)])
    stored = codec.loads(FleetSnapshot, codec.dumps(down))
    assert only_task(stored).memory.position == after(-9)
    assert only_task(poll(failed(), previous=stored, at=600)).memory.position == after(-9)


def test_a_snapshot_of_the_version_before_says_nothing_of_it() -> None:
    stored = codec.encode(poll(task()))
    del stored["tasks"][0]["memory"]["position"]
    assert only_task(codec.decode(FleetSnapshot, stored)).memory.position is None


def test_a_proposal_says_until_when_a_resume_is_possible() -> None:
    proposal = only_proposal(
        night(LOADED, failed(full_load_seconds=6 * HOUR), failed(full_load_seconds=6 * HOUR)), KEPT
    )
    (said,) = [each for each in proposal.evidence if each.label == "point of no return"]
    assert said.value == (
        "about 2026-03-08 03:11 UTC: the target is as of 2026-03-07 03:11 UTC, and ORA-PROD keeps 1d0h of log; "
        "after that only a reload of 5 tables, 6h00m last time"
    )
    assert said.id in proposal.citable
    assert proposal.resume_until == after(24 * HOUR - 9)


def test_of_a_group_it_is_that_of_the_task_that_can_wait_the_least() -> None:
    first = poll(task("a", total_latency_seconds=60), task("b", total_latency_seconds=600), config=KEPT)
    second = poll(failed("a"), failed("b"), previous=first, at=300, config=KEPT)
    third = poll(failed("a"), failed("b"), previous=second, at=600, config=KEPT)
    proposal = only_proposal(third, KEPT)
    assert proposal.resume_until == after(24 * HOUR - 600)
    assert [each.label for each in proposal.evidence].count("point of no return") == 1


def test_not_set_it_says_how_to_set_it() -> None:
    snapshot = poll(failed(), previous=poll(failed(), previous=poll(task()), at=300), at=600)
    proposal = only_proposal(snapshot)
    assert "unknown: set log_retention for ORA-PROD" in [each.value for each in proposal.evidence]
    assert proposal.point_of_no_return is not None
    assert proposal.resume_until is None


@pytest.mark.parametrize(
    "changes", [{"full_load_completed": False}, {"apply_changes_enabled": False}, {"message": POSITION_LOST}]
)
def test_where_a_resume_reads_no_log_it_is_no_question(changes: dict[str, Any]) -> None:
    proposal = only_proposal(night(task(), failed(**changes), failed(**changes)), KEPT)
    assert proposal.point_of_no_return is None


@pytest.mark.parametrize(
    ("hours", "severity"), [(10, Severity.INFO), (18, Severity.WARNING), (23, Severity.WARNING), (30, Severity.WARNING)]
)
def test_a_finding_is_worse_once_it_is_near(hours: float, severity: Severity) -> None:
    snapshot = poll(task(**STOPPED), previous=poll(task(), config=KEPT), at=hours * HOUR, config=KEPT)
    found = anomaly_of(snapshot, AnomalyKind.USER_STOPPED)
    assert found.severity is severity
    assert "2026-03-08 03:11 UTC" in found.summary
    assert found.resume_until == after(24 * HOUR - 9)


def test_nothing_gets_better_by_it() -> None:
    snapshot = poll(failed(), previous=poll(task(), config=KEPT), at=23 * HOUR, config=KEPT)
    assert anomaly_of(snapshot, AnomalyKind.FATAL_TRANSIENT).severity is Severity.CRITICAL


def test_of_a_task_that_runs_nothing_is_said() -> None:
    late = task(source_latency_seconds=90_000, total_latency_seconds=90_000)
    found = anomaly_of(night(late, late, late), AnomalyKind.SOURCE_LATENCY)
    assert found.resume_until is None


def test_once_it_has_passed_the_log_is_looked_for_first() -> None:
    first = poll(task(), config=KEPT)
    second = poll(failed(), previous=first, at=25 * HOUR, config=KEPT)
    snapshot = poll(failed(), previous=second, at=25 * HOUR + 300, config=KEPT)
    (early,) = correlate(snapshot, KEPT, now=after(23 * HOUR)).proposals
    (late,) = correlate(snapshot, KEPT, now=after(25 * HOUR)).proposals
    assert not early.offers[0].checks
    assert late.offers[0].checks[0].startswith("See whether the source still has its log: the target is as of")
    assert [option.action for option in late.offers] == [option.action for option in early.offers]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("PostgreSQL", "replication slot"),
        ("Microsoft SQL Server", "transaction log"),
        ("SAP Sybase ASE", "ASE truncates"),
        ("Oracle", ""),
        ("", ""),
    ],
)
def test_what_its_source_suffers(kind: str, words: str) -> None:
    said = source_meanwhile(task(source_type=kind))
    assert words in said
    assert bool(said) is bool(words)
    assert source_meanwhile(task(source_type=kind, log_stream_staging="staging")) == ""


def test_what_its_source_suffers_is_evidence_with_its_page() -> None:
    facts = [task(source_type="PostgreSQL"), *[failed(source_type="PostgreSQL")] * 2]
    (said,) = [each.value for each in only_proposal(night(*facts)).evidence if each.label == "the source meanwhile"]
    assert "WAL" in said
    assert "(https://www.postgresql.org/" in said
    assert all(page.startswith("https://") for _, page in SOURCES_THAT_SUFFER.values())
