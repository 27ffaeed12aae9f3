"""An environment that a story scripts: rows come and go, calls hang at gates or fail, somebody else is faster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from qlikops.aws import records
from qlikops.domain.errors import ApprovalChanged, ApprovalGone, NotFound, QlikopsError
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.ledger import INBOX_SORT, RECORD, Attribute, approval_partition
from qlikops.domain.ports import (
    Awaited,
    Credentials,
    DecisionReceipt,
    DecisionRequest,
    Deny,
    EarlierResults,
    ExecutionPage,
    HistoryLine,
)
from qlikops.domain.proposals.approval import Claim, Decision, InboxRow, Outcome, ProposalRecord, Status, TaskOutcome
from qlikops.domain.runs.orders import Order, Taken
from qlikops.domain.runs.report import ReportEntry, RunReport
from qlikops.domain.runs.schedule import ScheduleStatus
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.workflow.events import HistoryEvent
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionStatus, ExecutionSummary, RunProposal
from qlikops.domain.workflow.logs import FoundLines, LogLine
from qlikops.resources import resource
from tests.fakes import FakeSchedules, as_listed, row_of
from tests.unit.presentation import samples

GATE_SECONDS = 60
"""A gate that nobody opens fails the story instead of hanging it."""


class Clock:
    """Stands still until a story moves it."""

    def __init__(self) -> None:
        self.now = samples.NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Gate:
    """Where a call waits while the gate is closed."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    @property
    def is_open(self) -> bool:
        return self._open.is_set()

    def pass_through(self) -> None:
        assert self._open.wait(GATE_SECONDS), "nobody opened the gate"


@dataclass
class ListedSchedules(FakeSchedules):
    """One schedule, looked up behind the gate of all lists."""

    listed: Gate = field(kw_only=True)

    def status(self) -> ScheduleStatus:
        self.listed.pass_through()
        return super().status()


def unreadable(row: InboxRow) -> records.WireItem:
    """What the inbox index still says where somebody broke the row."""
    deadline = {"N": str(int(row.deadline.timestamp()))}
    return {**records.key(approval_partition(row.approval_id), RECORD), INBOX_SORT: deadline, Attribute.ROW: {"S": "{"}}


@dataclass
class FakeEnvironment:
    """All ports in one; the console only sees the protocols."""

    records: dict[str, ProposalRecord] = field(default_factory=dict)
    name: str = "local"
    where: str = "111122223333 eu-west-1 qlikops"
    agent_version: str = ""
    read_only: bool = False
    error: QlikopsError | None = None
    """Raised by every read while set."""
    decide_error: Exception | None = None
    decide_errors: dict[str, Exception] = field(default_factory=dict)
    """For some approvals another one."""
    sent: list[tuple[str, DecisionRequest]] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    answers_with: dict[str, ProposalRecord] = field(default_factory=dict)
    """What the next reading of a record answers, as it was when that began."""
    spoilt: set[str] = field(default_factory=set)
    """Whose rows cannot be read."""
    waits: Gate = field(default_factory=Gate)
    loads: Gate = field(default_factory=Gate)
    decides: Gate = field(default_factory=Gate)
    outcomes: Gate = field(default_factory=Gate)
    restarts: Gate = field(default_factory=Gate)
    """While it is closed, what is approved goes on restarting."""
    listed: Gate = field(default_factory=Gate)
    runs: list[ExecutionSummary] = field(default_factory=list)
    schedules: ListedSchedules = field(init=False)
    track: tuple[EarlierResults, ...] = ()
    track_error: QlikopsError | None = None
    snapshot: FleetSnapshot = field(default_factory=samples.fleet)
    page_size: int = 100
    details: dict[str, ExecutionDetail] = field(default_factory=dict)
    """By ARN; others have the sample's."""
    events: dict[str, Sequence[HistoryEvent]] = field(default_factory=dict)
    """By ARN, likewise."""
    definition_error: QlikopsError | None = None
    console: str = "https://console.test"
    logged: Sequence[str] = ()
    """Lines in the log of every function."""
    """Empty where there is none."""
    run_error: QlikopsError | None = None
    ordered: list[Order] = field(default_factory=list)
    taken_orders: Taken = field(default_factory=lambda: Taken((), is_over=False))
    """What is said of orders."""
    """Raised by starting, stopping and redriving."""
    written: list[str] = field(default_factory=list)
    """What was started, stopped and redriven."""
    signs_in: Credentials = field(default_factory=Credentials)
    waits_for: Awaited | None = None
    """What signing in waits for."""
    sign_in_error: QlikopsError | None = None
    callers: Gate = field(default_factory=Gate)
    caller_error: QlikopsError | None = None
    closed: int = 0
    """How often."""

    def __post_init__(self) -> None:
        self.schedules = ListedSchedules(lambda: samples.NOW, listed=self.listed)

    @classmethod
    def waiting_for(cls, *records: ProposalRecord) -> FakeEnvironment:
        found = cls({record.approval_id: record for record in records})
        found.snapshot = samples.as_proposed(found.snapshot, *(record.proposal for record in records))
        return found

    # What a story does to it

    def add(self, record: ProposalRecord) -> None:
        self.records[record.approval_id] = record

    def decide_elsewhere(self, approval_id: str, by: str = "bob", *, approved: bool = True) -> None:
        decision = Decision(approved, "feedfacefeedface", f"arn:aws:iam::1:user/{by}", samples.NOW, "on the phone")
        status = Status.RESTARTING if approved else Status.DENIED
        self.records[approval_id] = replace(self.records[approval_id], status=status, decision=decision)

    # Environment

    @property
    def approvals(self) -> FakeEnvironment:
        return self

    @property
    def executions(self) -> FakeExecutions:
        return FakeExecutions(self)

    @property
    def fleet(self) -> FakeFleet:
        return FakeFleet(self)

    def close(self) -> None:
        self.closed += 1

    def ask_ahead(self) -> None:
        """There is nothing to wait for."""

    def sign_in(self) -> None:
        if self.sign_in_error:
            raise self.sign_in_error
        self.error = None

    def caller(self) -> str:
        self.callers.pass_through()
        if self.caller_error:
            raise self.caller_error
        return samples.CALLER

    def credentials(self) -> Credentials:
        return self.signs_in

    # Approvals

    def waiting(self) -> Sequence[InboxRow]:
        return [row for row in self.inbox() if row.waits is None]

    def inbox(self) -> Sequence[InboxRow]:
        self.waits.pass_through()
        self._read("waiting")
        listed = [each for each in self.records.values() if each.waits or each.status is Status.WAITING]
        waiting = [row_of(record) for record in listed]
        return [
            records.inbox_row(unreadable(row), samples.NOW) if row.approval_id in self.spoilt else row
            for row in waiting
        ]

    def approval(self, approval_id: str) -> ProposalRecord:
        self.loads.pass_through()
        self._read(approval_id)
        if approval_id not in self.records:
            raise NotFound(f"no approval {approval_id}")
        return self.answers_with.pop(approval_id, self.records[approval_id])

    def decide(self, approval_id: str, request: DecisionRequest) -> DecisionReceipt:
        self.decides.pass_through()
        if error := self.decide_errors.get(approval_id, self.decide_error):
            raise error
        if approval_id not in self.records:
            raise ApprovalGone(approval_id)
        record = self.records[approval_id]
        if request.digest != record.digest:
            raise ApprovalChanged("the record changed since it was reviewed")
        self.sent.append((approval_id, request))
        snooze = int(request.snooze.total_seconds()) if isinstance(request, Deny) and request.snooze else 0
        decision = Decision(
            request.approved,
            request.decision_id,
            samples.CALLER,
            samples.NOW,
            request.reason,
            request.digest,
            "tui",
            snooze,
        )
        status = Status.RESTARTING if request.approved else Status.DENIED
        self.records[approval_id] = replace(record, status=status, decision=decision)
        return DecisionReceipt(approval_id, decision, status)

    def outcome(self, approval_id: str, timeout: timedelta) -> ProposalRecord:
        assert timeout > timedelta(0)
        self.outcomes.pass_through()
        self._read("outcome")
        record = self.records[approval_id]
        if record.status is Status.RESTARTING and self.restarts.is_open:
            target = TaskOutcome(
                record.proposal.targets[0].key,
                Status.RESTARTED,
                before="ERROR (FATAL_ERROR)",
                after="RUNNING",
                seconds=4.2,
            )
            record = replace(record, status=Status.RESTARTED, outcome=Outcome(Status.RESTARTED, targets=(target,)))
            self.records[approval_id] = record
        return record

    def claim(self, approval_id: str, duration: timedelta) -> Claim:
        claim = Claim(samples.CALLER, samples.NOW + duration)
        self.claimed.append(approval_id)
        self.records[approval_id] = replace(self.records[approval_id], claim=claim)
        return claim

    def release(self, approval_id: str) -> None:
        self.records[approval_id] = replace(self.records[approval_id], claim=None)

    def stop_waiting(self, approval_id: str) -> Claim:
        brake = Claim(samples.CALLER, samples.NOW, brake=True)
        self.records[approval_id] = replace(self.records[approval_id], claim=brake)
        return brake

    def history(self, key: TaskKey, limit: int = 20) -> Sequence[HistoryLine]:
        at = samples.NOW - timedelta(days=2)
        line = HistoryLine(at, "aaaa", "FATAL_TRANSIENT", "resume", Status.RESTARTED, "arn:aws:iam::1:user/bob")
        return [line][:limit] if key.task == "sales-orders" else []

    def track_record(self, counted_as: str, action: Action) -> Sequence[EarlierResults]:
        self._read(f"track {counted_as} {action}")
        if self.track_error is not None:
            raise self.track_error
        return self.track

    def _read(self, what: str) -> None:
        self.reads.append(what)
        if self.error is not None:
            raise self.error


@dataclass
class FakeExecutions:
    """The executions of a FakeEnvironment, in Step Functions' order."""

    environment: FakeEnvironment

    def page(self, status: ExecutionStatus | None = None, next_token: str | None = None) -> ExecutionPage:
        self.environment.listed.pass_through()
        self.environment._read("executions" if next_token is None else f"executions from {next_token}")
        start, size = int(next_token or 0), self.environment.page_size
        runs = as_listed(run for run in self.environment.runs if status in (None, run.status))
        more = str(start + size) if start + size < len(runs) else None
        return ExecutionPage(tuple(runs[start : start + size]), more)

    def detail(self, execution: str, *, with_history: bool = True) -> ExecutionDetail:
        self.environment._read(execution)
        detail = self.environment.details.get(execution) or samples.execution_detail(self._run(execution))
        return detail if with_history else replace(detail, history=None, history_note="")

    def events(self, arn: str, after: int = 0) -> Sequence[HistoryEvent]:
        self.environment._read(f"events after {after}")
        return [event for event in self.environment.events.get(arn, samples.events()) if event.id > after]

    def definition(self, arn: str) -> str:
        self.environment._read(f"definition of {arn}")
        if self.environment.definition_error is not None:
            raise self.environment.definition_error
        return resource("statemachine", "state_machine.json").read_text()

    def log_lines(self, function: str, begin: datetime, end: datetime) -> FoundLines:
        self.environment._read(f"log of {function}")
        lines = (LogLine(begin, "stream", text) for text in self.environment.logged)
        return FoundLines(tuple(line for line in lines if line.at < end))

    def console_url(self, arn: str) -> str:
        return self.environment.console and f"{self.environment.console}/{arn}"

    def proposals(self, execution_name: str) -> Sequence[RunProposal]:
        return self.detail(execution_name).proposals

    def start(self, orders: Sequence[Order] = ()) -> ExecutionSummary:
        self._write(" ".join(["start", *(each.order for each in orders)]))
        self.environment.ordered += orders
        self.environment.runs.insert(0, samples.execution("run-by-hand", minutes_old=0))
        return self.environment.runs[0]

    def orders(self, arn: str) -> Taken:
        self.environment._read(f"orders of {arn.rpartition(':')[2]}")
        return self.environment.taken_orders

    def stop(self, execution: str, reason: str) -> ExecutionSummary:
        self._write(f"stop {execution.rpartition(':')[2]}: {reason}")
        return self._change(execution, ExecutionStatus.ABORTED)

    def redrive(self, execution: str) -> ExecutionSummary:
        self._write(f"redrive {execution.rpartition(':')[2]}")
        return self._change(execution, ExecutionStatus.RUNNING)

    def _write(self, what: str) -> None:
        if self.environment.run_error is not None:
            raise self.environment.run_error
        self.environment.written.append(what)

    def _run(self, execution: str) -> ExecutionSummary:
        return next(run for run in self.environment.runs if execution in (run.arn, run.name))

    def _change(self, execution: str, status: ExecutionStatus) -> ExecutionSummary:
        run = self._run(execution)
        ended = None if status is ExecutionStatus.RUNNING else samples.NOW
        changed = replace(run, status=status, stopped_at=ended)
        self.environment.runs[self.environment.runs.index(run)] = changed
        return changed


@dataclass
class FakeFleet:
    """The fleet of a FakeEnvironment."""

    environment: FakeEnvironment

    def own_failures(self) -> str:
        raise NotImplementedError

    def snapshot(self) -> FleetSnapshot:
        self.environment.listed.pass_through()
        self.environment._read("snapshot")
        return self.environment.snapshot

    def reports(self, limit: int = 50) -> Sequence[ReportEntry]:
        self.environment.listed.pass_through()
        self.environment._read("reports")
        return [ReportEntry(run.name, run.run) for run in self.environment.runs][:limit]

    def report(self, execution_name: str | None = None) -> RunReport:
        raise NotImplementedError(execution_name)

    def report_markdown(self, execution_name: str | None = None) -> str:
        self.environment._read("report")
        table = "| task | outcome |\n|---|---|\n| sales-orders | restarted |\n"
        return f"# Run {execution_name}\n\n38 tasks on 3 servers checked.\n\n{table}"


def opener(environment: FakeEnvironment) -> Callable[[], FakeEnvironment]:
    """What run_console is given."""
    return lambda: environment
