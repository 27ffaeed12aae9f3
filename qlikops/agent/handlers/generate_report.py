"""GenerateReport: the end of every run, healthy, decided or failed."""

from __future__ import annotations

from typing import Any

from qlikops.agent.handlers.boundary import names_what_may_pass
from qlikops.agent.handlers.payload import error_text, run_of
from qlikops.agent.wiring import Services, process_services


@names_what_may_pass
def handler(event: dict[str, Any], _context: object, services: Services | None = None) -> dict[str, Any]:
    """`{"execution", "servers", "tasks", "anomalies", "outcomes", "report"}`, the execution's output."""
    services = services or process_services()
    error = error_text(event["error"]) if event.get("error") else ""
    summary = services.reporter.report(run_of(event), error)
    return {
        "execution": summary.execution_name,
        "servers": summary.servers,
        "tasks": summary.tasks,
        "anomalies": summary.anomalies,
        "outcomes": summary.outcomes or {},
        "report": services.store.url(f"{summary.report_key}.json"),
    }
