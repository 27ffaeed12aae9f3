"""What speaks against redriving."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qlikops.domain.proposals.approval import Status
from qlikops.domain.workflow.execution import (
    ExecutionDetail,
    ExecutionStatus,
    ExecutionSummary,
    FoldedHistory,
    Redrive,
    RunProposal,
    StateStatus,
    StateVisit,
)
from qlikops.domain.workflow.redrive import redrive_refusal

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ended(
    status: ExecutionStatus = ExecutionStatus.FAILED, ago: timedelta = HOUR, last: str = "Task", **changes: Any
) -> ExecutionDetail:
    summary = ExecutionSummary("arn", "run-1", status, NOW - ago - HOUR, NOW - ago)
    states = (StateVisit("GenerateReport", StateStatus.FAILED, NOW - ago, NOW - ago, state_type=last),)
    detail = ExecutionDetail(summary, FoldedHistory(status, states, ()), redrive=Redrive("REDRIVABLE"))
    return replace(detail, **changes)


def proposals(*statuses: Status) -> tuple[RunProposal, ...]:
    return tuple(
        RunProposal(f"{index:012x}", f"server/task-{index}", "FATAL_TRANSIENT", "resume", status, NOW, index)
        for index, status in enumerate(statuses)
    )


FINAL = [status for status in Status if status.is_final]
OPEN = [status for status in Status if not status.is_final]


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_nothing_speaks_against_one_whose_proposals_are_closed(status: str) -> None:
    detail = ended(ExecutionStatus(status), proposals=proposals(*FINAL))
    assert redrive_refusal(detail, NOW) == ""


@pytest.mark.parametrize("status", OPEN)
def test_one_open_proposal_is_enough(status: Status) -> None:
    refusal = redrive_refusal(ended(proposals=proposals(*FINAL, status)), NOW)
    assert f"server/task-{len(FINAL)} ({status})" in refusal


@pytest.mark.parametrize(
    ("detail", "because"),
    [
        (ended(ExecutionStatus.SUCCEEDED), "it is SUCCEEDED"),
        (ended(ExecutionStatus.RUNNING), "it is RUNNING"),
        (ended(ago=timedelta(days=15)), "more than 14 days ago"),
        (ended(redrive=Redrive()), "does not offer it here"),
        (ended(redrive=Redrive("NOT_REDRIVABLE", "it is too late")), "it is too late"),
        (ended(redrive=Redrive("REDRIVABLE_BY_MAP_RUN")), "does not offer it here"),
        (ended(last="Fail"), "would only fail again"),
        (ended(ExecutionStatus.ABORTED, timedelta(minutes=1)), "ruled out from 12:14:00 UTC"),
        (ended(ExecutionStatus.TIMED_OUT, timedelta(minutes=14)), "may still run"),
        (ended(proposals=proposals(*OPEN)), "and 1 more"),
    ],
)
def test_what_speaks_against_it(detail: ExecutionDetail, because: str) -> None:
    assert because in redrive_refusal(detail, NOW)


def test_a_failed_one_need_not_wait() -> None:
    assert redrive_refusal(ended(ago=timedelta(seconds=1)), NOW) == ""
