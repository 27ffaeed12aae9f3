"""What still runs when qlikops is removed: a state machine is deleted only once nothing of it runs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qlikops.deployment.settling import Patience

if TYPE_CHECKING:
    from types_boto3_stepfunctions.client import SFNClient

_ERROR = "qlikops.Removed"
_CAUSE = "qlikops is removed from this account"


class RunningExecutions:
    """The executions of one state machine, and the machine's own end."""

    def __init__(self, stepfunctions: SFNClient, patience: Patience) -> None:
        self._stepfunctions = stepfunctions
        self._patience = patience

    def running(self, machine: str) -> tuple[str, ...]:
        """ARNs of what runs or waits; none where the machine is gone."""
        pages = self._stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=machine, statusFilter="RUNNING"
        )
        try:
            return tuple(each["executionArn"] for page in pages for each in page["executions"])
        except self._stepfunctions.exceptions.StateMachineDoesNotExist:
            return ()

    def stop(self, machine: str) -> None:
        """Stops all of them and waits until nothing runs. Raises DeploymentError where something goes on starting."""
        stopped: set[str] = set()

        def left() -> str:
            running = self.running(machine)
            for arn in running:
                if arn not in stopped:
                    self._stop(arn)
                    stopped.add(arn)
            return f"{len(running)} executions still run" if running else ""

        took = self._patience.until(left)
        if stopped:
            self._patience.progress(f"Stopped {len(stopped)} executions in {took}.")

    def await_end_of(self, machine: str) -> None:
        """Waits until the machine is gone: Step Functions deletes it after CloudFormation has said so, and refuses
        another one of its name until then.
        """

        def left() -> str:
            try:
                status = self._stepfunctions.describe_state_machine(stateMachineArn=machine)["status"]
            except self._stepfunctions.exceptions.StateMachineDoesNotExist:
                return ""
            return f"the state machine is {status}" if status == "DELETING" else ""

        self._patience.until(left)

    def _stop(self, arn: str) -> None:
        try:
            self._stepfunctions.stop_execution(executionArn=arn, error=_ERROR, cause=_CAUSE)
        except (
            self._stepfunctions.exceptions.ExecutionDoesNotExist,
            self._stepfunctions.exceptions.ValidationException,
        ):
            return  # it has ended meanwhile
