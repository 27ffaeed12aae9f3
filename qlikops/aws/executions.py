"""The state machine's executions, with what the ledger knows of each run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from qlikops.aws import records
from qlikops.aws.claims import brake_of, write_claim
from qlikops.aws.errors import aws_errors, effect_errors
from qlikops.aws.history import events_after
from qlikops.aws.logs import read_lines
from qlikops.aws.runs import MOST, RunSummaries
from qlikops.aws.session import Connection, refuse_writing
from qlikops.dataclass import dataclass
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.errors import (
    AccessDenied,
    CredentialsProblem,
    DecisionUnknown,
    NotFound,
    QlikopsError,
    Unreachable,
    UsageError,
)
from qlikops.domain.ledger import Attribute
from qlikops.domain.links import execution_url
from qlikops.domain.ports import ExecutionPage
from qlikops.domain.runs.orders import ORDERS, Order, OrderOutcome, Taken
from qlikops.domain.runs.run import Progress
from qlikops.domain.words.naming import did_you_mean, listed, named
from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.events import HistoryEvent, redact
from qlikops.domain.workflow.execution import (
    ExecutionDetail,
    ExecutionStatus,
    ExecutionSummary,
    FoldedHistory,
    Redrive,
    RunProposal,
    RunSummary,
)
from qlikops.domain.workflow.history import CAUSE_CAP, trace
from qlikops.domain.workflow.logs import FoundLines
from qlikops.domain.workflow.redrive import redrive_refusal
from qlikops.domain.workflow.standing import filled_in, history_note

if TYPE_CHECKING:
    from types_boto3_stepfunctions.type_defs import ListExecutionsInputTypeDef

PAGE_SIZE = MOST
"""The ledger's part of a page is one call then."""
_STOPPED = "StoppedByOperator"
_WATCH = "Stop it again, or watch it with `qlikops show`: it starts tasks until it is through, or out of time."


@dataclass(frozen=True, slots=True)
class _LedgerRun:
    """What the ledger has on a run."""

    summary: RunSummary | None
    """None before MonitorTasks has finished."""
    proposals: tuple[RunProposal, ...]
    """The run's proposals, by their Map index."""
    orders: tuple[OrderOutcome, ...]
    """Outcomes of the run's orders, by their place in its input."""


class StepFunctionsExecutions:
    """Implements `ports.Executions`."""

    def __init__(
        self,
        connection: Connection,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        has_console: bool = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._aws = connection
        self._sleep = sleep
        self._now = now
        self._has_console = has_console
        self._runs = RunSummaries(connection, now)

    def page(self, status: ExecutionStatus | None = None, next_token: str | None = None) -> ExecutionPage:
        """One ListExecutions call, and one BatchGetItem where the ledger may know more than it said before."""
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
        runs = self._runs.of(reply["executions"])
        found = tuple(_summary(execution, runs[execution["executionArn"]]) for execution in reply["executions"])
        return ExecutionPage(found, reply.get("nextToken"))

    def detail(self, execution: str, *, with_history: bool = True) -> ExecutionDetail:
        """Finds one by ARN or name; an unambiguous prefix of a name among the newest hundred will do."""
        return self._detail(self._describe(execution), with_history=with_history)

    def events(self, arn: str, after: int = 0) -> tuple[HistoryEvent, ...]:
        """The events with a higher id than `after`, by id. Raises NotFound where the history is gone."""
        return events_after(self._aws.stepfunctions, arn, after)

    def definition(self, arn: str) -> str:
        """The definition that this execution runs by, which may be older than the state machine's."""
        with aws_errors("read the execution's definition"):
            return self._aws.stepfunctions.describe_state_machine_for_execution(executionArn=arn)["definition"]

    def log_lines(self, function: str, begin: datetime, end: datetime) -> FoundLines:
        """Lines that a Lambda function wrote between two times. A few FilterLogEvents at most."""
        return read_lines(self._aws.logs, function, begin, end)

    def console_url(self, arn: str) -> str:
        """Where the AWS console shows it; empty where no AWS console does. Makes no call."""
        return execution_url(arn) if self._has_console else ""

    def proposals(self, execution_name: str) -> Sequence[RunProposal]:
        """A run's proposals and where each stands, by their Map index. One Query."""
        return self._run(execution_name).proposals

    def start(self, orders: Sequence[Order] = ()) -> ExecutionSummary:
        """Starts a run now, as the schedule would, with orders in the caller's name."""
        refuse_writing(self._aws)
        sent = [replace(order, by=self._aws.caller()) for order in orders]
        given = codec.dumps({ORDERS: sent}) if sent else "{}"
        # A name of our own makes the call idempotent, so that the SDK may repeat it: for as long as the execution runs.
        name = f"manual-{self._now():%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"
        client = self._aws.stepfunctions
        try:
            with effect_errors("start a run"):
                try:
                    reply = client.start_execution(
                        stateMachineArn=self._aws.resources.state_machine_arn, name=name, input=given
                    )
                except client.exceptions.ExecutionAlreadyExists:
                    # The name is random: the SDK has repeated a call of ours, and the run ended in between.
                    raise Unreachable("The reply to the start of a run was lost.") from None
        except Unreachable as exc:
            return self._reread(exc, self._arn(name), lambda _: True)
        return ExecutionSummary(
            reply["executionArn"], name, ExecutionStatus.RUNNING, reply["startDate"].astimezone(UTC)
        )

    def orders(self, arn: str) -> Taken:
        """What the run of that ARN has made of its orders so far. One DescribeExecution, one Query."""
        # In that turn: what has ended writes nothing more that the other call could have missed. But who stops an
        # execution stops no Lambda, and a time-out neither: MonitorTasks may take them yet.
        has_ended = self._describe(arn)["status"] in (ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED)
        found = self._run(arn.rpartition(":")[2])
        return Taken(found.orders, has_ended or found.summary is not None)

    def stop(self, execution: str, reason: str) -> ExecutionSummary:
        """Aborts it, after pulling the brake of what it restarts; what waits is closed as abandoned by the next run.

        It pulls brakes once more afterwards, of what began meanwhile; and of what one that has ended has left open: no
        function ends with it.
        """
        refuse_writing(self._aws)
        if not reason.strip():
            raise UsageError("Stopping needs a reason.", "Say why, for those who read the history.")
        description = self._describe(execution)
        if description["status"] != ExecutionStatus.RUNNING:
            self._brake_what_it_left(description)
            return _summary(description, None)
        arn = description["executionArn"]
        cause = f"{reason} ({self._aws.caller()})"
        # Step Functions stops no Lambda. One that restarts a group goes on with it, unless it finds the brake pulled.
        # The execution is stopped all the same where one cannot be: what waits can be approved no more then.
        brakes = self._brakes(description["name"])
        brakes.pull()
        try:
            with effect_errors("stop the execution"):
                reply = self._aws.stepfunctions.stop_execution(executionArn=arn, error=_STOPPED, cause=cause)
        except Unreachable as exc:
            brakes.pull()
            stopped = self._reread(exc, arn, lambda now: now["status"] == ExecutionStatus.ABORTED, brakes.go_on)
        else:
            brakes.pull()
            at = reply["stopDate"].astimezone(UTC)
            stopped = replace(_summary(description, None), status=ExecutionStatus.ABORTED, stopped_at=at)
        if brakes.go_on:
            raise QlikopsError(f"{description['name']} is stopped. {brakes.go_on}", _WATCH)
        return stopped

    def _brake_what_it_left(self, description: Mapping[str, Any]) -> None:
        """Raises UsageError if nothing that an execution which has ended has proposed is open."""
        brakes = self._brakes(description["name"])
        brakes.pull()
        if brakes.go_on:
            raise QlikopsError(f"{description['name']} is {description['status']}. {brakes.go_on}", _WATCH)
        if not brakes.pulled:
            raise UsageError(f"{description['name']} is not running: it is {description['status']}.")

    def _brakes(self, name: str) -> _Brakes:
        brake = brake_of(self._aws.caller(), self._now())
        return _Brakes(
            lambda: self.proposals(name),
            lambda proposal_id: write_claim(self._aws, proposal_id, brake, self._sleep),
        )

    def redrive(self, execution: str) -> ExecutionSummary:
        """Runs the rest of an ended one again. Raises UsageError where `domain.redrive` has something against it."""
        refuse_writing(self._aws)
        description = self._describe(execution)
        before = self._detail(description)
        if why := redrive_refusal(before, self._now()):
            raise UsageError(f"{before.summary.name} is not redriven: {why}.", "`qlikops run` starts a new run.")
        arn = before.summary.arn
        try:
            with effect_errors("redrive the execution"):
                # boto3 adds a client token, so that the SDK may repeat the call.
                self._aws.stepfunctions.redrive_execution(executionArn=arn)
        except Unreachable as exc:
            return self._reread(exc, arn, lambda now: now.get("redriveCount", 0) > before.redrive.count)
        return replace(before.summary, status=ExecutionStatus.RUNNING, stopped_at=None)

    def _reread(
        self, error: Unreachable, arn: str, happened: Callable[[Mapping[str, Any]], bool], besides: str = ""
    ) -> ExecutionSummary:
        """The execution where a request without a usable reply did happen. Raises the error itself where it certainly
        did not, DecisionUnknown where nobody can say. The message of DecisionUnknown ends with `besides`.
        """
        if isinstance(error, AccessDenied | CredentialsProblem):
            raise error
        try:
            now = self._describe(arn)
        except QlikopsError:
            now = None
        if now is not None and happened(now):
            return _summary(now, None)
        raise DecisionUnknown(
            f"{error.message} Whether it counted is not known yet. {besides}".rstrip(),
            f"Look again with `qlikops show {arn.rpartition(':')[2]}` before you repeat it. {error.hint}".rstrip(),
        ) from error

    def _detail(self, description: Mapping[str, Any], *, with_history: bool = True) -> ExecutionDetail:
        run = self._run(description["name"])
        history = self._history(description["executionArn"]) if with_history else None
        note = history_note(history, run.proposals) if with_history else ""
        return ExecutionDetail(
            summary=_summary(description, run.summary),
            history=None if history is None else filled_in(history, run.proposals),
            proposals=run.proposals,
            orders=run.orders,
            input=redact(description.get("input", "")),
            output=redact(description.get("output", "")),
            error=harmless(description.get("error", ""), 256),
            cause=harmless(redact(description.get("cause", "")), CAUSE_CAP, multiline=True),
            history_note=note,
            redrive=Redrive(
                description.get("redriveStatus", ""),
                harmless(description.get("redriveStatusReason", ""), 256),
                description.get("redriveCount", 0),
            ),
        )

    def _describe(self, execution: str) -> Mapping[str, Any]:
        arn = execution if execution.startswith("arn:") else self._arn(execution)
        try:
            with aws_errors(f"describe the execution {execution}"):
                return self._aws.stepfunctions.describe_execution(executionArn=arn)
        except NotFound:
            if execution.startswith("arn:"):
                raise
        newest = self.page().executions
        matching = named(execution, newest, lambda summary: summary.name, parts=False)
        if len(matching) > 1:
            names = listed([summary.name for summary in matching])
            raise UsageError(f"{harmless(execution, 120)} begins several names: {names}.", "Give more of it.")
        if not matching:
            meant = did_you_mean(execution, [summary.name for summary in newest])
            raise NotFound(
                f"There is no execution {harmless(execution, 120)}.", meant or "`qlikops executions` lists them."
            )
        with aws_errors(f"describe the execution {execution}"):
            return self._aws.stepfunctions.describe_execution(executionArn=matching[0].arn)

    def _arn(self, name: str) -> str:
        return f"{self._aws.resources.state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"

    def _history(self, arn: str) -> FoldedHistory | None:
        try:
            return trace(self.events(arn)).history
        except NotFound:
            return None

    def _run(self, name: str) -> _LedgerRun:
        run: RunSummary | None = None
        proposals: list[RunProposal] = []
        orders: list[OrderOutcome] = []
        with aws_errors("read the run"):
            pages = self._aws.dynamodb.get_paginator("query").paginate(
                TableName=self._aws.resources.table,
                ConsistentRead=True,
                KeyConditionExpression="#pk = :run",
                ExpressionAttributeNames={"#pk": keys.PARTITION},
                ExpressionAttributeValues={":run": {"S": keys.run_partition(name)}},
            )
            items = [item for page in pages for item in page["Items"]]
        for item in items:
            sort = records.text(item, keys.SORT)
            if sort == keys.SUMMARY:
                run = records.value(RunSummary, item, Attribute.BODY)
            elif sort.startswith(keys.ORDER_PREFIX):
                orders += [each for each in [records.value(OrderOutcome, item, Attribute.BODY)] if each]
            elif sort.startswith(keys.PROPOSAL_PREFIX):
                proposal = records.value(RunProposal, item, Attribute.BODY)
                if proposal is None:
                    raise QlikopsError(f"The ledger's {sort} of {name} has no body.")
                progress = records.value(Progress, item, Attribute.PROGRESS)
                proposals.append(replace(proposal, progress=progress) if progress else proposal)
        in_turn = tuple(sorted(proposals, key=lambda proposal: proposal.index))
        return _LedgerRun(run, in_turn, tuple(sorted(orders, key=lambda order: order.index)))


class _Brakes:
    """Brakes of a run's proposals that are not over: one that waits may be approved by now, its function be late."""

    def __init__(self, proposals: Callable[[], Sequence[RunProposal]], pull: Callable[[str], object]) -> None:
        self.pulled: set[str] = set()
        self._proposals, self._pull = proposals, pull
        self._failed: dict[str, str] = {}
        self._unread, self._is_known = "", False

    def pull(self) -> None:
        """Pulls those that are not pulled yet."""
        try:
            going_on = [each.proposal_id for each in self._proposals() if not each.status.is_final]
        except QlikopsError as exc:
            self._unread = exc.message
            return
        self._failed, self._unread, self._is_known = {}, "", True
        for proposal_id in going_on:
            if proposal_id in self.pulled:
                continue
            try:
                with aws_errors("stop what it restarts"):
                    self._pull(proposal_id)
                self.pulled.add(proposal_id)
            except QlikopsError as exc:
                self._failed[proposal_id] = exc.message

    @property
    def go_on(self) -> str:
        """What was not braked the last time, and why, in sentences; empty where everything was."""
        said = []
        if self._failed:
            failed = listed([f"{proposal_id} ({why})" for proposal_id, why in self._failed.items()])
            said.append(f"What is being restarted of {failed} goes on.")
        if self._unread:
            what = "What it began while it was being stopped" if self._is_known else "What it is restarting"
            said.append(f"{what} may go on, since nobody could read what that is: {self._unread}")
        return " ".join(said)


def _summary(execution: Mapping[str, Any], run: RunSummary | None) -> ExecutionSummary:
    """Makes a summary of an item of ListExecutions, or from DescribeExecution's reply."""
    stopped = execution.get("stopDate")
    return ExecutionSummary(
        arn=execution["executionArn"],
        name=execution["name"],
        status=ExecutionStatus.read(execution["status"]),
        started_at=execution["startDate"].astimezone(UTC),
        stopped_at=stopped.astimezone(UTC) if stopped else None,
        run=run,
    )
