"""What the benchmarks share: the embedded AWS, and a table at the end that shows each ratio beside its budget."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.embedded import embedded_aws as embedded_aws


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


@pytest.fixture(scope="session")
def results() -> Results:
    return _results


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _results.rows:
        return
    width = max(len(row.what) for row in _results.rows)
    terminalreporter.section("ratios")
    terminalreporter.line(f"{'what':{width}}  {'ratio':>7}  {'budget':>7}  of what")
    for row in _results.rows:
        budget = "" if row.budget is None else f"{row.budget:7.2f}"
        over = "  OVER" if row.budget is not None and row.ratio > row.budget else ""
        terminalreporter.line(f"{row.what:{width}}  {row.ratio:7.2f}  {budget:>7}  {row.detail}{over}")
