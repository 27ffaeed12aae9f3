"""The list of reports at a glance, and searching in one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from qlikops.domain.approval import Status
from qlikops.domain.report import ReportEntry
from qlikops.domain.run import RunSummary
from qlikops.presentation import report
from qlikops.presentation.tone import Tone
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
    assert report.fitted(WIDE, 200, cell_len).rstrip() == WIDE.rstrip()
    assert report.fitted(WIDE, 40, cell_len).splitlines() == [
        *("# Run r", ""),
        "- **one \\| two**",
        "    - Why: a long reason that would have to be wrapped into a sliver",
        *("", "| A | B |", "|---|---|", "| 1 | 2 |"),
    ]


def test_a_table_is_measured_in_cells_not_in_letters() -> None:
    table = "| Task | Why |\n|---|---|\n| " + "表" * 8 + " | x |\n"
    assert report.fitted(table, 20, len).startswith("| Task")
    assert report.fitted(table, 20, cell_len).startswith("- **表")
