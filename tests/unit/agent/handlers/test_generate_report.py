"""What an execution ends with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from qlikops.agent.handlers.generate_report import handler
from qlikops.agent.remember.run import Run
from qlikops.agent.wiring import Services
from qlikops.domain.runs.run import RunSummary
from tests.unit.agent.handlers.test_payload import RUN
from tests.unit.domain.samples import NOON


def test_the_output_counts_and_says_where_the_report_lies() -> None:
    asked: list[tuple[Run, str]] = []

    def report(run: Run, error: str) -> RunSummary:
        asked.append((run, error))
        return RunSummary("arn:x", "run-1", NOON, servers=1, tasks=5, anomalies=2, report_key="reports/run-1")

    store = SimpleNamespace(url=lambda key: f"s3://b/{key}")
    services = cast("Services", SimpleNamespace(reporter=SimpleNamespace(report=report), store=store))
    event: dict[str, Any] = {"run": RUN, "error": {"Error": "KeyError", "Cause": "x"}}

    assert handler(event, None, services) == {
        "execution": "run-1",
        "servers": 1,
        "tasks": 5,
        "anomalies": 2,
        "outcomes": {},
        "report": "s3://b/reports/run-1.json",
    }
    handler({"run": RUN}, None, services)
    assert [(run.execution_name, error) for run, error in asked] == [("run-1", "KeyError: x"), ("run-1", "")]
