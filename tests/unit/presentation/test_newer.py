"""What a newer agent stores is shown by an older console: whatever value is new, nothing breaks, and it is read out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.gathered.background import Background
from qlikops.domain.gathered.handover import Handled, Handover, MutedTask
from qlikops.domain.gathered.lookup import TaskDetail
from qlikops.domain.ports import Approve, DecisionReceipt, Deny
from qlikops.domain.proposals.approval import (
    Decision,
    EarlierResults,
    HistoryLine,
    Outcome,
    ProposalRecord,
    Status,
    TaskOutcome,
)
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.report import ReportedProposal, ReportEntry, RunReport
from qlikops.domain.runs.run import RunSummary
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskProgress
from qlikops.domain.workflow import standing
from qlikops.domain.workflow.execution import RunProposal
from qlikops.presentation import running
from qlikops.presentation.deciding import decision, denial
from qlikops.presentation.lists import executions, watch
from qlikops.presentation.lists import fleet as fleets
from qlikops.presentation.lists import inbox as inboxes
from qlikops.presentation.pages import background, handover, report, review, task
from qlikops.presentation.pictures import drawing, graph
from qlikops.presentation.tone import Line, Section, Span
from tests.fakes import row_of
from tests.unit.presentation.samples import NOW, approval, execution, execution_detail, fleet, proposal
from tests.unit.strangers import SPELLING, strangers

KEY = TaskKey("default", "replicate-eu-1", "sales-orders")
QUIET = Mute(MuteReason.COOLDOWN, NOW + timedelta(hours=1))
OUTCOME = Outcome(Status.PARTIAL, targets=(TaskOutcome(KEY, Status.FAILED),), decision=Decision(True), at=NOW)
ENDED = replace(approval(), status=Status.PARTIAL, outcome=OUTCOME)
ROW = RunProposal("000000000001", "sales-orders", "FATAL_TRANSIENT", "resume", Status.PARTIAL, NOW, outcome=OUTCOME)
WITH_QUIET = replace(fleet(), tasks=tuple(replace(each, memory=TaskProgress(quiet=QUIET)) for each in fleet().tasks))
REPORT = RunReport(
    "arn", "run-1", NOW, NOW, 1, 1, {"RUNNING": 1}, fleet().anomalies, (ReportedProposal(proposal(), Status.HELD),), ()
)


def spans_in(shown: object) -> Iterator[Span]:
    match shown:
        case Span():
            yield shown
        case Mapping():
            for each in shown.values():
                yield from spans_in(each)
        case tuple() | list():
            for each in shown:
                yield from spans_in(each)
        case Line():
            yield from spans_in(shown.spans)
        case Section():
            yield from spans_in(shown.lines)
        case watch.WatchEvent():
            yield Span(shown.text)


def of_approval(value: ProposalRecord) -> list[object]:
    request = Approve(value.digest)
    receipt = DecisionReceipt(value.approval_id, Decision(True), value.status, value.outcome)
    listed = [inboxes.ListedRow(row_of(each), NOW) for each in (value, approval())]
    return [
        list(review.sections(value, NOW)),
        review.second_thoughts(value),
        decision.what_goes_out(request, value, "", decision.LatestSeen(None, NOW)),
        decision.what_goes_out(Deny(value.digest, "no"), value, "", decision.LatestSeen(None, NOW)),
        decision.receipt(receipt),
        decision.progress(value, request, ended=value),
        decision.stage(request, ended=value),
        decision.no_longer_waits(value),
        denial.brief(value.proposal),
        list(background.track_record(value, Background(track=(EarlierResults("bedrock", Verdict.APPROVE, 1, 1),)))),
        inboxes.TABLE.cells(listed[0]),
        [inboxes.TABLE.sorted(listed, order) for order in inboxes.TABLE.orders],
        list(watch.InboxWatch().took_rows([row_of(value)], NOW)),
        list(watch.InboxWatch().took_record(value, NOW)),
    ]


def of_snapshot(value: FleetSnapshot) -> list[object]:
    listed = fleets.listed(value, NOW)
    return [
        fleets.summary(value, NOW),
        [fleets.TABLE.cells(each) for each in listed],
        [fleets.TABLE.sorted(listed, order) for order in fleets.TABLE.orders],
        [field(each) for field in fleets.TABLE.fields.values() for each in listed],
        [task.sections(TaskDetail(each, NOW), NOW) for each in value.tasks],
    ]


def of_run(value: RunProposal) -> list[object]:
    shift = Handover(NOW, NOW, (Handled("run-1", value),), (), (MutedTask(KEY, QUIET),), (), (), 1, NOW, NOW)
    detail = replace(execution_detail(), proposals=(value,))
    assert detail.history is not None
    return [
        handover.sections(shift),
        drawing.draw(graph.graph(None, detail, NOW), 120, NOW, "f").rows,
        executions.heading(detail, NOW),
        executions.headline(detail, NOW),
        running.redrive_lines(detail.summary, detail),
        standing.filled_in(replace(detail.history, states=()), detail.proposals),
    ]


PLACES: tuple[tuple[Any, Callable[[Any], list[object]]], ...] = (
    (ENDED, of_approval),
    (WITH_QUIET, of_snapshot),
    (ROW, of_run),
    (REPORT, lambda value: [report.sections(value)]),
    (
        execution(),
        lambda value: [executions.TABLE.cells(executions.ListedExecution(value, NOW)), executions.last_run(value)],
    ),
    (
        HistoryLine(NOW, "1", "FATAL_TRANSIENT", "resume", Status.DENIED),
        lambda value: [list(background.earlier(Background((value,))))],
    ),
)
CASES = [
    pytest.param(changed, shown, id=f"{type(document).__name__}{path[1:]}")
    for document, shown in PLACES
    for path, changed in strangers(document)
]


@pytest.mark.parametrize(("changed", "shown"), CASES)
def test_a_new_value_breaks_no_screen(changed: Any, shown: Callable[[Any], list[object]]) -> None:
    spans = [span.text for each in shown(changed) for span in spans_in(each)]

    assert spans


@pytest.mark.parametrize(
    "changed", [pytest.param(changed, id=path) for path, changed in strangers(approval()) if path != "$.status"]
)
def test_what_nobody_knows_here_is_a_reason_to_think_again(changed: ProposalRecord) -> None:
    assert any(SPELLING in doubt for doubt in review.second_thoughts(changed))


def test_an_action_that_nobody_knows_here_says_so() -> None:
    changed = approval(replace(proposal(), action=Action.read(SPELLING)))

    assert "this version does not know what that does" in repr(list(review.sections(changed, NOW)))


def test_a_new_outcome_is_counted_in_a_list_of_reports() -> None:
    run = RunSummary("arn", "run-1", NOW, proposals=3, outcomes={"restarted": 1, "postponed": 2})

    assert report.cells(ReportEntry("run-1", run))["outcome"].text == "1 restarted, 2 postponed"
