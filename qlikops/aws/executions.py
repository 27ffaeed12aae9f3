"""The state machine's executions, with what the ledger knows of each run."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from qlikops.aws import records
from qlikops.aws.errors import aws_errors
from qlikops.aws.runs import MOST, summaries
from qlikops.aws.session import Connection, refuse_writing
from qlikops.domain.errors import NotFound, QlikopsError, UsageError
from qlikops.domain.execution import (
    ExecutionDetail,
    ExecutionStatus,
    ExecutionSummary,
    FoldedHistory,
    RunProposal,
    RunSummary,
)
from qlikops.domain.history import CAUSE_CAP, fold_history, redact
from qlikops.domain.ledger import PARTITION, PROPOSAL_PREFIX, SORT, SUMMARY, Attribute, run_partition
from qlikops.domain.ports import ExecutionPage
from qlikops.domain.text import harmless

if TYPE_CHECKING:
    from types_boto3_stepfunctions.type_defs import ListExecutionsInputTypeDef

PAGE_SIZE = MOST
"""The ledger's part of a page is one call then."""
_HISTORY_PAGE = 1000
_STOPPED = "StoppedByOperator"
_NO_ITEMS = "This history has no states inside the Map; what became of each proposal is the ledger's."
_NO_HISTORY = "The history is gone (it is kept for 90 days); what became of each proposal is the ledger's."


class StepFunctionsExecutions:
    """Implements `ports.Executions`."""

    def __init__(self, connection: Connection, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._aws = connection
        self._now = now

    def page(self, status: ExecutionStatus | None = None, next_token: str | None = None) -> ExecutionPage:
        """One ListExecutions call and one BatchGetItem."""
        request: ListExecutionsInputTypeDef = {
            "stateMachineArn": self._aws.resources.state_machine_arn,
            "maxResults": PAGE_SIZE,
        }
        if status is not None:
            request["statusFilter"] = status.value
        if next_token:
            request["nextToken"] = next_token
        with aws_errors("list the executions"):
            reply = self._aws.stepfunctions.list_executions(**request)
        runs = summaries(self._aws, [execution["name"] for execution in reply["executions"]])
        found = tuple(_summary(execution, runs.get(execution["name"])) for execution in reply["executions"])
        return ExecutionPage(found, reply.get("nextToken"))

    def detail(self, execution: str) -> ExecutionDetail:
        """By ARN or name; an unambiguous prefix of a name among the newest hundred will do."""
        description = self._describe(execution)
        name = description["name"]
        run, proposals = self._run(name)
        history, note = self._history(description["executionArn"]), ""
        if history is None:
            note = _NO_HISTORY
        elif proposals and all(state.map_index is None for state in history.states):
            note = _NO_ITEMS
        return ExecutionDetail(
            summary=_summary(description, run),
            history=history,
            proposals=proposals,
            input=redact(description.get("input", "")),
            output=redact(description.get("output", "")),
            error=harmless(description.get("error", ""), 256),
            cause=harmless(redact(description.get("cause", "")), CAUSE_CAP, multiline=True),
            history_note=note,
        )

    def proposals(self, execution_name: str) -> Sequence[RunProposal]:
        """A run's proposals and where each stands, by their Map index. One Query."""
        return self._run(execution_name)[1]

    def start(self) -> ExecutionSummary:
        """Starts a run now, as the schedule would."""
        refuse_writing(self._aws)
        # A name of our own makes the call idempotent, so that the SDK may repeat it.
        name = f"manual-{self._now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        with aws_errors("start a run"):
            reply = self._aws.stepfunctions.start_execution(
                stateMachineArn=self._aws.resources.state_machine_arn, name=name, input="{}"
            )
        return ExecutionSummary(
            reply["executionArn"], name, ExecutionStatus.RUNNING, reply["startDate"].astimezone(UTC)
        )

    def stop(self, execution: str, reason: str) -> ExecutionSummary:
        """Aborts it; what it had waiting is closed as abandoned by the next run."""
        refuse_writing(self._aws)
        if not reason.strip():
            raise UsageError("Stopping needs a reason.", "Say why, for those who read the history.")
        description = self._describe(execution)
        if description["status"] != ExecutionStatus.RUNNING:
            raise UsageError(f"{description['name']} is not running: it is {description['status']}.")
        arn = description["executionArn"]
        with aws_errors("stop the execution"):
            reply = self._aws.stepfunctions.stop_execution(
                executionArn=arn, error=_STOPPED, cause=f"{reason} ({self._aws.caller()})"
            )
        return ExecutionSummary(
            arn,
            description["name"],
            ExecutionStatus.ABORTED,
            description["startDate"].astimezone(UTC),
            reply["stopDate"].astimezone(UTC),
        )

    def _describe(self, execution: str) -> Mapping[str, Any]:
        arn = execution if execution.startswith("arn:") else self._arn(execution)
        try:
            with aws_errors(f"describe the execution {execution}"):
                return self._aws.stepfunctions.describe_execution(executionArn=arn)
        except NotFound:
            if execution.startswith("arn:"):
                raise
        matching = [summary for summary in self.page().executions if summary.name.startswith(execution)]
        if len(matching) > 1:
            names = ", ".join(summary.name for summary in matching[:5])
            raise UsageError(f"{execution} begins several names: {names}.", "Give more of it.")
        if not matching:
            raise NotFound(f"There is no execution {execution}.", "`qlikops executions` lists them.")
        with aws_errors(f"describe the execution {execution}"):
            return self._aws.stepfunctions.describe_execution(executionArn=matching[0].arn)

    def _arn(self, name: str) -> str:
        return f"{self._aws.resources.state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"

    def _history(self, arn: str) -> FoldedHistory | None:
        paginator = self._aws.stepfunctions.get_paginator("get_execution_history")
        try:
            with aws_errors("read the execution's history"):
                pages = paginator.paginate(executionArn=arn, PaginationConfig={"PageSize": _HISTORY_PAGE})
                return fold_history([event for page in pages for event in page["events"]])
        except NotFound:
            return None

    def _run(self, name: str) -> tuple[RunSummary | None, tuple[RunProposal, ...]]:
        run: RunSummary | None = None
        proposals: list[RunProposal] = []
        with aws_errors("read the run"):
            pages = self._aws.dynamodb.get_paginator("query").paginate(
                TableName=self._aws.resources.table,
                KeyConditionExpression="#pk = :run",
                ExpressionAttributeNames={"#pk": PARTITION},
                ExpressionAttributeValues={":run": {"S": run_partition(name)}},
            )
            items = [item for page in pages for item in page["Items"]]
        for item in items:
            if records.text(item, SORT) == SUMMARY:
                run = records.value(RunSummary, item, Attribute.BODY)
            elif records.text(item, SORT).startswith(PROPOSAL_PREFIX):
                proposal = records.value(RunProposal, item, Attribute.BODY)
                if proposal is None:
                    raise QlikopsError(f"The ledger's {records.text(item, SORT)} of {name} has no body.")
                proposals.append(proposal)
        return run, tuple(sorted(proposals, key=lambda proposal: proposal.index))


def _summary(execution: Mapping[str, Any], run: RunSummary | None) -> ExecutionSummary:
    """From an item of ListExecutions, or from DescribeExecution's reply."""
    stopped = execution.get("stopDate")
    return ExecutionSummary(
        arn=execution["executionArn"],
        name=execution["name"],
        status=ExecutionStatus(execution["status"]),
        started_at=execution["startDate"].astimezone(UTC),
        stopped_at=stopped.astimezone(UTC) if stopped else None,
        run=run,
    )
