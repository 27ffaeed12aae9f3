"""What alarms and dashboards look at, in CloudWatch's namespace QlikOps."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

from qlikops.agent.transient import IN_VAIN
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.evaluation import Evaluation
from qlikops.domain.runs.run import RunSummary

NAMESPACE = "QlikOps"
RESTART_FAILURES = (Status.FAILED, Status.UNVERIFIED, Status.PARTIAL)
"""What counts as `RestartsFailed`, the metric that an alarm watches."""

_logger = logging.getLogger(__name__)


class Metrics:
    """Puts metrics; `client` is boto3's for CloudWatch. Metrics that cannot be put are logged and lost."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put(self, summary: RunSummary, evaluations: Sequence[Evaluation] = ()) -> None:
        """One data point a metric, for one finished run; of what evaluating took, one for each evaluation."""
        data: list[dict[str, Any]] = [
            {"MetricName": name, "Value": float(value), "Unit": "Count"} for name, value in _values(summary).items()
        ]
        data += [
            {
                "MetricName": name,
                "Values": [*counts],
                "Counts": [float(count) for count in counts.values()],
                "Unit": unit,
            }
            for name, unit, counts in _spent(evaluations)
            if counts
        ]
        try:
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=data)
        except IN_VAIN:
            _logger.exception("no metrics for %s", summary.execution_name)


def _spent(evaluations: Sequence[Evaluation]) -> Iterator[tuple[str, str, Counter[float]]]:
    """Name, unit and the values of the evaluations that have one: time, and tokens where a model was asked.

    CloudWatch wants each value once, with how often it was:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
    """
    for name, unit, of in (
        ("EvaluationDuration", "Milliseconds", attrgetter("duration_ms")),
        ("EvaluationInputTokens", "Count", attrgetter("input_tokens")),
        ("EvaluationOutputTokens", "Count", attrgetter("output_tokens")),
    ):
        yield name, unit, Counter(float(value) for each in evaluations if (value := of(each)) is not None)


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
        **{status.title().replace("_", ""): count for status, count in outcomes.items()},
    }
