"""Where the AWS console shows an execution."""

from __future__ import annotations

import pytest

from qlikops.domain.links import execution_url


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "console.aws.amazon.com"),
        ("aws-cn", "console.amazonaws.cn"),
        ("aws-us-gov", "console.amazonaws-us-gov.com"),
    ],
)
def test_each_partition_has_its_own_console(partition: str, host: str) -> None:
    arn = f"arn:{partition}:states:region-1:111122223333:execution:QlikMonitoringAgent:run-1"
    assert execution_url(arn) == f"https://{host}/states/home?region=region-1#/v2/executions/details/{arn}"


@pytest.mark.parametrize("arn", ["", "run-1", "arn:aws-iso:states:r:1:execution:machine:run-1", "arn:aws:states"])
def test_where_there_is_none_nothing_is_made_up(arn: str) -> None:
    assert execution_url(arn) == ""
