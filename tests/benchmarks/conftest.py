"""What the benchmarks share: the embedded AWS, and a table at the end that shows each ratio beside its budget."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Row:
    """One measured ratio; `detail` says of what to what."""

    what: str
    ratio: float
    budget: float | None
    detail: str


class Results:
    """Keeps what was measured, and fails what is over its budget."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, what: str, ratio: float, budget: float | None, detail: str) -> None:
        """With a budget of None it is shown for comparison only."""
        self.rows.append(Row(what, ratio, budget, detail))
        assert budget is None or ratio <= budget, f"{what}: {ratio:.2f}, the budget is {budget} ({detail})"


_results = Results()
_PAGE_HEAD = (
    "# Benchmarks",
    "",
    "<!-- Made by `make benchmarks`; edits are lost. -->",
    "",
    "For developers. `make benchmarks` measures each of these, prints it beside its budget, and fails if one is over.",
    "It writes this page too, without the figures: they are those of one machine and one day.",
    "",
    "Each is a ratio to a baseline taken in the same run, by turns with it if it is time, so that a slow machine is",
    "slow for both. Measure on a quiet machine, and the commit before yours as well: only the difference of two runs",
    "says something. What has no budget is for comparison. One file alone, such as the start of the functions:",
    "",
    "```sh",
    ".venv/bin/pytest tests/benchmarks/test_lambda.py -s",
    "```",
    "",
    "| what | of what | budget |",
    "|---|---|---|",
)


@pytest.fixture(scope="session")
def results() -> Results:
    return _results


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--page", type=Path, help="Write the table to this page.")


def page() -> str:
    """What is measured and its budget, as the docs carry it; no figure of the machine that it was measured on."""
    rows = [
        f"| {row.what} | {row.detail} |{'' if row.budget is None else f' {row.budget:.2f}'} |" for row in _results.rows
    ]
    return "\n".join((*_PAGE_HEAD, *rows)) + "\n"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _results.rows:
        return
    if path := terminalreporter.config.getoption("--page"):
        path.write_text(page(), encoding="utf-8")
    width = max(len(row.what) for row in _results.rows)
    terminalreporter.section("ratios")
    terminalreporter.line(f"{'what':{width}}  {'ratio':>7}  {'budget':>7}  of what")
    for row in _results.rows:
        budget = "" if row.budget is None else f"{row.budget:7.2f}"
        over = "  OVER" if row.budget is not None and row.ratio > row.budget else ""
        terminalreporter.line(f"{row.what:{width}}  {row.ratio:7.2f}  {budget:>7}  {row.detail}{over}")
