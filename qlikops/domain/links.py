"""Where the AWS console shows things."""

from __future__ import annotations

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""Host of the AWS console by partition; other partitions have consoles whose addresses are not public."""


def execution_url(arn: str) -> str:
    """The page of an execution; empty where its partition has none that we know."""
    parts = arn.split(":")
    host = _CONSOLES.get(parts[1]) if len(parts) > 7 else None
    region = parts[3] if host else ""
    return f"https://{host}/states/home?region={region}#/v2/executions/details/{arn}" if host else ""
