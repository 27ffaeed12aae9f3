"""What starting, stopping and redriving send, and what becomes of what is under way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.domain.proposals.approval import Status
from qlikops.domain.runs.run import Progress
from qlikops.domain.workflow.execution import (
    ExecutionDetail,
    ExecutionStatus,
    FoldedHistory,
    RunProposal,
    StateStatus,
    StateVisit,
)
from qlikops.presentation import running
from qlikops.presentation.tone import Line
from tests.unit.presentation import samples
from tests.unit.presentation.samples import CALLER, NOW

RUN = samples.execution()


def with_proposals(*statuses: Status) -> ExecutionDetail:
    proposals = (
        RunProposal(f"{index:012x}", f"eu/task-{index}", "STALLED", "resume", status, NOW, index)
        for index, status in enumerate(statuses)
    )
    return replace(samples.execution_detail(), proposals=tuple(proposals))


def said(lines: tuple[Line, ...]) -> dict[str, str]:
    return {line.label: line.text for line in lines if line.label}


def test_a_start_says_who_and_what_follows() -> None:
    assert said(running.start_lines(CALLER))["by"] == CALLER
    assert said(running.start_lines(""))["by"] == "not known yet"
    assert "StartExecution" in said(running.start_lines(""))["sends"]


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        ([Status.WAITING, Status.PROPOSED], {"withdrawn": "eu/task-0 (resume), eu/task-1 (resume)"}),
        ([Status.EVALUATED], {"withdrawn": "eu/task-0 (resume)"}),
        ([Status.RESTARTING], {"stopped": "eu/task-0 (resume)"}),
        (
            [Status.RESTARTING, Status.WAITING, Status.DENIED],
            {"withdrawn": "eu/task-1 (resume)", "stopped": "eu/task-0 (resume)"},
        ),
        ([Status.DENIED], {"then": "nothing of it waits for a decision; it ends without a report"}),
        ([Status.WAITING] * 7, {"withdrawn": ", ".join(f"eu/task-{n} (resume)" for n in range(5)) + " and 2 more"}),
    ],
)
def test_a_stop_says_what_is_withdrawn_and_what_cannot_be_undone(statuses: list[Status], told: dict[str, str]) -> None:
    lines = said(running.stop_lines(RUN, with_proposals(*statuses), "wrong fleet", CALLER))
    assert lines["cause"] == f"wrong fleet ({CALLER})"
    assert {label: lines.get(label) for label in ("withdrawn", "stopped", "then") if label in lines} == told


@pytest.mark.parametrize(
    ("status", "progress", "words"),
    [
        (Status.RESTARTING, Progress(12, 0, 1500), "12 up, 1,488 to go"),
        (Status.RESTARTING, Progress(12, 3, 60), "12 up, 3 not, 45 to go"),
        (Status.RESTARTING, None, ""),
        (Status.FAILED, Progress(12, 3, 60), ""),
    ],
)
def test_how_far_a_group_has_come(status: Status, progress: Progress | None, words: str) -> None:
    (one,) = with_proposals(status).proposals
    assert running.progress(replace(one, progress=progress)) == words


def test_before_the_detail_is_read_a_stop_claims_nothing_of_the_proposals() -> None:
    assert said(running.stop_lines(RUN, None, "", "")) == {
        "execution": "run-0711",
        "sends": "StopExecution, error StoppedByOperator",
        "cause": "… (caller not known yet)",
    }
    assert said(running.redrive_lines(RUN, None)) == {"execution": "run-0711", "sends": "RedriveExecution"}


def test_a_redrive_says_where_it_goes_on_and_what_stays() -> None:
    summary = samples.execution(status=ExecutionStatus.FAILED)
    failed = StateVisit("GenerateReport", StateStatus.FAILED, NOW, NOW, error="Boom")
    later = StateVisit("Other", StateStatus.SUCCEEDED, NOW, NOW)
    history = FoldedHistory(ExecutionStatus.FAILED, (failed, later), ())
    detail = replace(with_proposals(Status.DENIED, Status.WAITING), summary=summary, history=history, error="Boom")
    lines = said(running.redrive_lines(summary, detail))
    assert lines["goes on at"].startswith("GenerateReport, with the same input")
    assert lines["was"] == "✗ failed  Boom"
    assert lines["stays"] == "1 proposal closed: none is asked or acted on again"


def test_without_a_history_a_redrive_names_no_state() -> None:
    lines = said(running.redrive_lines(RUN, replace(with_proposals(), history=None)))
    assert "goes on at" not in lines
    assert "stays" not in lines
