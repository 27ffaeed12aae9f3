"""The state machine definition as a file that anybody's `sed` can render, and what deploying changes in it."""

from __future__ import annotations

import json
from typing import Any

from qlikops.deployment.artifact import Artifact
from qlikops.domain.errors import UsageError
from qlikops.resources import resource

_PARTITION = "aws"
"""The partition that the file names, so that two `sed` expressions are enough in most accounts."""
LONGEST_ENDPOINT_WAIT_SECONDS = 6 * 3600
"""What an approved restart may wait for its endpoint, which comes after the wait for the approval."""
_MARGIN_SECONDS = LONGEST_ENDPOINT_WAIT_SECONDS + 2 * 3600
"""What a run needs besides the wait for an approval: waiting for an endpoint, and monitoring, restarting, reporting,
retries.
"""
_LONGEST_RUN_SECONDS = 365 * 86400
"""Step Functions ends an execution after a year."""


def read_definition() -> str:
    """The definition as it is shipped, with its placeholders."""
    return resource("statemachine", "state_machine.json").read_text(encoding="utf-8")


def in_partition(text: str, partition: str) -> str:
    """`text`, which names ARNs of the partition aws, for another one such as aws-cn; the placeholders stay."""
    return text.replace(f'"arn:{_PARTITION}:', f'"arn:{partition}:')


def approval_timeout(text: str) -> int:
    """How long an approval waits, in seconds."""
    return int(_wait_for_approval(json.loads(text))["TimeoutSeconds"])


def with_approval_timeout(text: str, seconds: int) -> str:
    """`text` with approvals that wait for `seconds`; the placeholders stay.

    The state's timeout and the one that RequestApproval is told change together, since the deadline that people see
    is the one that Step Functions enforces. Raises UsageError for a wait that no execution can have.
    """
    longest = _LONGEST_RUN_SECONDS - _MARGIN_SECONDS
    if not 1 <= seconds <= longest:
        raise UsageError(f"An approval cannot wait {seconds} seconds.", f"Choose 1 to {longest} seconds.")
    machine = json.loads(text)
    state = _wait_for_approval(machine)
    state["TimeoutSeconds"] = seconds
    state["Parameters"]["Payload"]["timeout_seconds"] = seconds
    machine["TimeoutSeconds"] = seconds + _MARGIN_SECONDS
    return json.dumps(machine, indent=2, ensure_ascii=False) + "\n"


def definition_artifact(approval_timeout_seconds: int | None = None, partition: str = _PARTITION) -> Artifact:
    """The definition to upload, with the shipped timeout or another one; CloudFormation fills in the placeholders."""
    text = in_partition(read_definition(), partition)
    if approval_timeout_seconds is not None:
        text = with_approval_timeout(text, approval_timeout_seconds)
    return Artifact("state-machine", ".json", "application/json", text.encode())


def _wait_for_approval(machine: dict[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = machine["States"]["ProcessProposals"]["ItemProcessor"]["States"]["WaitForApproval"]
    return state
