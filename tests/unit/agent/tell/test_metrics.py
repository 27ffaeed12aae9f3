"""What alarms look at: one data point a metric for each run, also for one that failed, and none that raises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from qlikops.agent.tell.metrics import NAMESPACE, Metrics
from qlikops.domain.proposals.approval import Status
from qlikops.domain.runs.run import RunSummary
from tests.unit.domain.samples import EVALUATION, NOON

SUMMARY = RunSummary("arn", "run-1", NOON, 3, 38, 4, 2, 1, {"restarted": 1, "failed": 1, "partial": 1, "unverified": 1})


class CloudWatch:
    """Keeps what is put, or refuses it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.put: dict[str, Any] = {}
        self.units: dict[str, str] = {}

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803 - AWS's names
        if self.error is not None:
            raise self.error
        assert Namespace == NAMESPACE
        for each in MetricData:
            assert each["MetricName"] not in self.put, "one data point a metric"
            many = dict(zip(each["Values"], each["Counts"], strict=True)) if "Values" in each else None
            self.put[each["MetricName"]] = many or each["Value"]
            self.units[each["MetricName"]] = each["Unit"]


def put(*args: Any) -> dict[str, Any]:
    client = CloudWatch()
    Metrics(client).put(*args)
    return client.put


def test_a_run_is_counted_with_a_zero_for_every_end_that_there_was_not() -> None:
    found = put(SUMMARY)
    assert (found["Tasks"], found["Anomalies"], found["Deferred"], found["RunsFailed"]) == (38, 4, 1, 0)
    assert found["RestartsFailed"] == 3
    assert (found["Restarted"], found["AlreadyRunning"], found["Denied"]) == (1, 0, 0)
    ends = {status.value.title().replace("_", "") for status in Status if status.is_final}
    assert ends <= found.keys()


def test_what_a_newer_version_counted_is_put_too() -> None:
    assert put(replace(SUMMARY, outcomes={"put_off": 2}))["PutOff"] == 2


def test_of_a_failed_run_only_that_is_said() -> None:
    assert put(replace(SUMMARY, error="no server answered")) == {"RunsFailed": 1}


def test_what_evaluating_took_is_each_value_once_with_how_often_it_was() -> None:
    evaluations = [
        *[replace(EVALUATION, duration_ms=4)] * 2,
        replace(EVALUATION, duration_ms=2340, input_tokens=812, output_tokens=0),
    ]
    client = CloudWatch()
    Metrics(client).put(SUMMARY, evaluations)
    found, units = client.put, client.units
    assert (units["EvaluationDuration"], units["EvaluationInputTokens"]) == ("Milliseconds", "Count")
    assert found["EvaluationDuration"] == {4: 2, 2340: 1}
    assert (found["EvaluationInputTokens"], found["EvaluationOutputTokens"]) == ({812: 1}, {0: 1})
    assert "EvaluationDuration" not in put(SUMMARY)


@pytest.mark.parametrize(
    "error",
    [ClientError({"Error": {"Code": "Throttling"}}, "PutMetricData"), EndpointConnectionError(endpoint_url="x")],
)
def test_metrics_that_cannot_be_put_cost_nothing_but_themselves(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    Metrics(CloudWatch(error)).put(SUMMARY)
    assert "no metrics for run-1" in caplog.text
