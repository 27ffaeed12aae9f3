"""Months of decisions beyond what the ledger keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from qlikops.domain.errors import UsageError
from qlikops.domain.gathered.archive import SETTLED, as_lines, finished, gather, parse
from qlikops.domain.gathered.shift_entry import entry_of
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.domain.workflow.execution import RunProposal
from tests.fakes import Clock, FakeApprovals, FakeEnvironment
from tests.unit.domain.gathered.test_decisions import FELL, ended
from tests.unit.domain.gathered.test_handover import run_of
from tests.unit.domain.samples import NOON

DAY = 24.0


def environment(*records: ProposalRecord) -> FakeEnvironment:
    found = FakeEnvironment(FakeApprovals(Clock(NOON)))
    found.approvals.records = {record.approval_id: record for record in records}
    rows = [RunProposal(each.approval_id, "eu/x", "", "resume", each.status, each.updated_at) for each in records]
    run = run_of("one", 89 * DAY, None, *rows)
    found.executions.details, found.executions.summaries = [run], [run.summary]
    return found


def months(now: datetime) -> list[str]:
    return [month.file for month in finished(now)]


def test_a_month_is_over_once_it_is_known_what_lasted_and_as_long_as_the_ledger_knows_of_it() -> None:
    assert months(NOON) == [f"decisions-{month}.jsonl" for month in ("2025-12", "2026-01", "2026-02")]
    first = datetime(2026, 3, 1, tzinfo=UTC)
    assert months(first)[-1] == "decisions-2026-01.jsonl"
    assert months(first + SETTLED)[-1] == "decisions-2026-02.jsonl"
    assert months(first + SETTLED + timedelta(days=60))[0] == "decisions-2026-01.jsonl"


def test_each_month_has_what_ended_in_it_and_one_that_is_there_is_left() -> None:
    found = environment(
        ended("a", Status.RESTARTED, FELL, hours=10 * DAY),
        ended("b", Status.DENIED, hours=40 * DAY),
        ended("c", Status.DENIED, hours=2),  # in the month that goes on
        ended("d", Status.RESTARTING, hours=11 * DAY),  # it has not ended
    )
    services = cast("ContextServices", found)
    export = gather(services, NOON, ())
    names = {month.file[10:17]: [entry.approval_id[-1] for entry in entries] for month, entries in export.months}
    assert names == {"2025-12": [], "2026-01": ["b"], "2026-02": ["a"]}
    assert (export.is_complete, export.too_new) == (True, ())
    (one,) = gather(services, NOON, {"decisions-2025-12.jsonl", "decisions-2026-01.jsonl"}).months
    assert one[0].file == "decisions-2026-02.jsonl"
    found.executions.pages = 0
    assert gather(services, NOON, months(NOON)).months == ()
    assert found.executions.pages == 0


def test_what_is_written_is_read_back_whole() -> None:
    entries = [entry_of(ended("a", Status.RESTARTED, FELL)), entry_of(ended("b", Status.DENIED))]
    assert list(parse(as_lines(entries), "x")) == entries
    with pytest.raises(UsageError, match="x, line 2, is no decision"):
        parse(as_lines(entries[:1]) + "{}\n", "x")
