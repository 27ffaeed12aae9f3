"""What alarms and dashboards look at, in CloudWatch's namespace QlikOps."""

from __future__ import annotations

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from qlikops.domain.approval import Status
from qlikops.domain.run import RunSummary

NAMESPACE = "QlikOps"
RESTART_FAILURES = (Status.FAILED, Status.UNVERIFIED, Status.PARTIAL)
"""What counts as `RestartsFailed`, the metric that an alarm watches."""

_logger = logging.getLogger(__name__)


class Metrics:
    """Puts metrics; `client` is boto3's for CloudWatch. Metrics that cannot be put are logged and lost."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put(self, summary: RunSummary) -> None:
        """One data point a metric, for one finished run."""
        data = [
            {"MetricName": name, "Value": float(value), "Unit": "Count"} for name, value in _values(summary).items()
        ]
        try:
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=data)
        except (BotoCoreError, ClientError):
            _logger.exception("no metrics for %s", summary.execution_name)


def _values(summary: RunSummary) -> dict[str, int]:
    if summary.error:
        return {"RunsFailed": 1}
    outcomes = {status.value: 0 for status in Status if status.is_final} | (summary.outcomes or {})
    return {
        "RunsFailed": 0,
        "Servers": summary.servers,
        "Tasks": summary.tasks,
        "Anomalies": summary.anomalies,
        "Proposals": summary.proposals,
        "Deferred": summary.deferred,
        "RestartsFailed": sum(outcomes[status] for status in RESTART_FAILURES),
        **{_camel(status): count for status, count in outcomes.items()},
    }


def _camel(status: str) -> str:
    return "".join(word.capitalize() for word in status.split("_"))
