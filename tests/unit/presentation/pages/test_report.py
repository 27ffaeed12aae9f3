"""The list of reports at a glance, and searching in one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.fleet.freshness import StaleTime
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import Decision, Outcome, Status
from qlikops.domain.proposals.lasting import FellOver, Followed, Lasting, TaskLasting
from qlikops.domain.runs.report import Changes, NoAction, ReportedProposal, ReportEntry, RunPoint, RunReport, Sighting
from qlikops.domain.runs.run import RunSummary
from qlikops.presentation.pages import report
from qlikops.presentation.tone import Tone, as_text
from tests.unit.presentation import samples
from tests.unit.presentation.samples import ARN, NOW

RUN = RunSummary(ARN, "run-1", NOW, anomalies=4, outcomes={}, finished_at=NOW)
TEXT = """# Run

38 tasks checked.

## Decisions

| Task | Why |
|---|---|
| orders | the listener |
| stock | a snooze |

## Left alone

| Task | Why |
|---|---|
| billing | planned |
"""


@pytest.mark.parametrize(
    ("run", "says", "tone"),
    [
        (replace(RUN, outcomes={Status.RESTARTED: 2, Status.DENIED: 1}), "2 restarted, 1 denied", Tone.NEUTRAL),
        (replace(RUN, outcomes={Status.RESTARTED: 2, Status.EXPIRED: 1}), "2 restarted, 1 expired", Tone.WARNING),
        (replace(RUN, outcomes={Status.RESTARTED: 1}), "1 restarted", Tone.GOOD),
        (RUN, "nothing was proposed", Tone.MUTED),
        (replace(RUN, anomalies=0, outcomes=None), "nothing was wrong", Tone.MUTED),
        (replace(RUN, error="Boom"), "RUN FAILED", Tone.DANGER),
        (None, "run-1", Tone.MUTED),
    ],
)
def test_what_a_run_came_to(run: RunSummary | None, says: str, tone: Tone) -> None:
    cell = report.cells(ReportEntry("run-1", run))["outcome"]
    assert (cell.text, cell.tone) == (says, tone)


@pytest.mark.parametrize(
    ("needle", "kept"),
    [
        ("STOCK", ["## Decisions", "", "| Task | Why |", "|---|---|", "| stock | a snooze |"]),
        ("checked", ["# Run", "", "38 tasks checked."]),
        ("nowhere", ["Nothing in this report holds that."]),
    ],
)
def test_a_search_keeps_the_headings_of_what_it_finds(needle: str, kept: list[str]) -> None:
    assert report.narrowed(TEXT, needle).splitlines() == kept


def test_a_search_finds_rows_of_several_tables() -> None:
    found = report.narrowed(TEXT, "n").splitlines()
    assert [line for line in found if line.startswith("| ")] == [
        "| Task | Why |",
        "| orders | the listener |",
        "| stock | a snooze |",
        "| Task | Why |",
        "| billing | planned |",
    ]


WIDE = """# Run r

| Proposal | Why | Note |
|---|---|---|
| one \\| two | a long reason that would have to be wrapped into a sliver |  |

| A | B |
|---|---|
| 1 | 2 |
"""


def test_a_table_without_room_becomes_a_list_and_any_other_stays() -> None:
    assert report.fitted(WIDE, 200).rstrip() == WIDE.rstrip()
    assert report.fitted(WIDE, 40).splitlines() == [
        *("# Run r", ""),
        "- **one \\| two**",
        "    - Why: a long reason that would have to be wrapped into a sliver",
        *("", "| A | B |", "|---|---|", "| 1 | 2 |"),
    ]


def test_a_table_is_measured_in_cells_not_in_letters() -> None:
    table = "| Task | Why |\n|---|---|\n| " + "表" * 8 + " | x |\n"
    assert report.fitted(table, 20).startswith("- **表")
    assert report.fitted(table.replace("表", "x"), 20).startswith("| Task")


class TestReport:
    REPORT = RunReport(
        execution_arn=samples.ARN,
        execution_name="run-0711",
        started_at=NOW - timedelta(seconds=90),
        finished_at=NOW,
        servers=3,
        tasks=38,
        tasks_by_state={"RUNNING": 36, "ERROR": 2},
        anomalies=samples.fleet().tasks[1].anomalies,
        proposals=(
            ReportedProposal(
                samples.proposal(),
                Status.DENIED,
                outcome=Outcome(Status.DENIED, decision=Decision(False, by="arn:aws:iam::1:user/bob", reason="no")),
            ),
        ),
        left_alone=(NoAction(TaskKey("default", "s", "stock"), "USER_STOPPED", "stopped by a user"),),
    )

    def test_it_says_what_was_found_and_who_decided(self) -> None:
        text = as_text(report.sections(self.REPORT))
        assert "38 tasks on 3 servers: 2 ERROR, 36 RUNNING" in text
        assert "1 FATAL_TRANSIENT" in text
        assert "DENIED replicate-eu-1/sales-orders: resume; denied by bob: no" in text
        assert "s/stock: stopped by a user" in text

    def test_it_says_whether_earlier_restarts_lasted(self) -> None:
        fell = TaskLasting(TaskKey("default", "s", "orders"), Lasting.FELL_OVER, 420, NOW)
        followed = Followed(lasted=9, fell_over=(FellOver("0123456789ab", "3 tasks: source X", (fell,) * 3, 3),))
        found = replace(self.REPORT, followed=followed)
        text = as_text(report.sections(found))
        assert "of 12 that came up, 9 lasted, 3 fell over" in text
        assert "3 tasks: source X: 3 tasks fell over: orders after 7 min" in text

    def test_it_says_for_how_long_targets_were_out_of_freshness(self) -> None:
        text = as_text(report.sections(replace(self.REPORT, stale=(StaleTime("gold", 600, 2),))))
        assert "gold         10 min out of freshness, 2 tasks" in text

    def test_it_says_what_changed_and_how_the_last_runs_went(self) -> None:
        points = (
            RunPoint("r1", NOW - timedelta(minutes=10), 12, 4, 3, 1, 8.6),
            RunPoint("r2", NOW - timedelta(minutes=5), failed=True),
            RunPoint("r3", NOW, 9),
        )
        new = (Sighting(TaskKey("default", "s", "stock"), "STALLED"),)
        changes = Changes(NOW - timedelta(minutes=5), new)
        text = as_text(report.sections(replace(self.REPORT, changes=changes, trend=points)))
        assert "1 new, 0 resolved since " in text
        assert "12 ! 9" in text
        assert "9 ! -  mean, in seconds" in text

    def test_a_report_without_a_trend_says_nothing_of_one(self) -> None:
        assert "Trend" not in as_text(report.sections(self.REPORT))

    def test_a_failed_run_shows_no_counts(self) -> None:
        text = as_text(report.sections(replace(self.REPORT, error="no server answered")))
        assert "no server answered" in text
        assert "38" not in text


def test_what_makes_the_findings_less_than_usual_is_said() -> None:
    odd = replace(TestReport.REPORT, notes=("The snapshot was lost.",), deferred=3, trend_note="The trend begins here.")
    text = as_text(report.sections(odd))
    assert "note         The snapshot was lost." in text
    assert "deferred     3 proposals to the next run" in text
    assert "note         The trend begins here." in text


def test_in_a_pipe_every_column_is_there() -> None:
    assert report.columns(None) == report.COLUMNS
    assert [column.key for column in report.columns(60)] == ["finished", "found", "outcome"]
