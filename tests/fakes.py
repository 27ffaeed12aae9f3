"""An environment in memory behind the ports, for front ends under test. It decides as the ledger would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from qlikops.domain.errors import AlreadyDecided, ApprovalChanged, NotFound, QlikopsError
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.ports import (
    Awaited,
    Credentials,
    DecisionReceipt,
    DecisionRequest,
    EarlierResults,
    ExecutionPage,
    HistoryLine,
)
from qlikops.domain.proposals.approval import Claim, InboxRow, Outcome, ProposalRecord, Status, terms_of
from qlikops.domain.runs.orders import Order, Taken
from qlikops.domain.runs.report import ReportEntry, RunReport
from qlikops.domain.runs.run import RunSummary
from qlikops.domain.runs.schedule import Schedule, ScheduleStatus
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.words.naming import named
from qlikops.domain.workflow.events import HistoryEvent
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionStatus, ExecutionSummary, RunProposal
from qlikops.domain.workflow.logs import FoundLines, LogLine

CALLER = "arn:aws:sts::111111111111:assumed-role/OnCall/anna"


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self.seconds = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class FakeApprovals:
    """What waits, and what becomes of it once it is decided."""

    clock: Clock
    records: dict[str, ProposalRecord] = field(default_factory=dict)
    released: list[str] = field(default_factory=list)
    becomes: Status = Status.RESTARTED
    """The final status of what is approved; a status that is not final stays."""
    fails: QlikopsError | None = None
    """Raised by every decision."""
    unreachable: QlikopsError | None = None
    """Raised by every look at the inbox."""
    requests: list[DecisionRequest] = field(default_factory=list)
    lines: tuple[HistoryLine, ...] = ()
    track: tuple[EarlierResults, ...] = ()

    def waiting(self) -> Sequence[InboxRow]:
        return [row for row in self.inbox() if row.waits is None]

    def inbox(self) -> Sequence[InboxRow]:
        if self.unreachable is not None:
            raise self.unreachable
        return [row_of(record) for record in self.records.values() if record.waits or record.status is Status.WAITING]

    def approval(self, approval_id: str) -> ProposalRecord:
        matching = [self.records[name] for name in named(approval_id, self.records, str, parts=False)]
        if len(matching) != 1:
            raise NotFound(f"There is no approval {approval_id}.")
        return matching[0]

    def decide(self, approval_id: str, request: DecisionRequest) -> DecisionReceipt:
        self.requests.append(request)
        if self.fails is not None:
            raise self.fails
        record = self.approval(approval_id)
        if record.status is not Status.WAITING:
            raise AlreadyDecided("already", decision=record.decision, status=record.status)
        if request.digest != record.digest:
            raise ApprovalChanged("changed")
        decision = replace(request.decision(), by=CALLER, at=self.clock.now())
        status = Status.RESTARTING if request.approved else Status.DENIED
        self.records[record.approval_id] = replace(record, status=status, decision=decision)
        return DecisionReceipt(record.approval_id, decision, status, terms=terms_of(decision, record.proposal))

    def outcome(self, approval_id: str, timeout: timedelta) -> ProposalRecord:
        record = self.approval(approval_id)
        if not self.becomes.is_final:
            self.clock.sleep(timeout.total_seconds())
        record = replace(record, status=self.becomes, outcome=Outcome(self.becomes, at=self.clock.now()))
        self.records[record.approval_id] = record
        return record

    def claim(self, approval_id: str, duration: timedelta) -> Claim:
        self.approval(approval_id)
        return Claim(CALLER, self.clock.now() + duration)

    def release(self, approval_id: str) -> None:
        self.released.append(self.approval(approval_id).approval_id)

    def stop_waiting(self, approval_id: str) -> Claim:
        claim = Claim(CALLER, self.clock.now(), brake=True)
        self.records[approval_id] = replace(self.approval(approval_id), claim=claim)
        return claim

    def history(self, key: TaskKey, limit: int = 20) -> Sequence[HistoryLine]:  # noqa: ARG002 - one task only
        return self.lines[:limit]

    def track_record(self, counted_as: str, action: Action) -> Sequence[EarlierResults]:  # noqa: ARG002 - one kind only
        return self.track


def as_listed(runs: Iterable[ExecutionSummary]) -> list[ExecutionSummary]:
    """Runs as ListExecutions documents its order: what ended by when it did, what runs by when it began."""
    return sorted(runs, key=lambda run: run.stopped_at or run.started_at, reverse=True)


@dataclass
class FakeExecutions:
    """Executions, two to a page in Step Functions' order; one that is asked for moves on to its next detail."""

    summaries: list[ExecutionSummary] = field(default_factory=list)
    details: list[ExecutionDetail] = field(default_factory=list)
    stopped: list[tuple[str, str]] = field(default_factory=list)
    pages: int = 0
    """How many were asked for."""
    redrive_error: QlikopsError | None = None
    written: str = ""
    """The definition that executions run by; empty: one that cannot be read."""
    ordered: list[Order] = field(default_factory=list)
    taken: list[Taken | QlikopsError] = field(default_factory=lambda: [Taken((), is_over=True)])
    """What is said of orders, one answer after the other; the last one stays."""
    histories: dict[str, Sequence[HistoryEvent] | None] = field(default_factory=dict)
    """Events by ARN; None for a history that is gone."""
    logged: dict[str, list[str]] = field(default_factory=dict)
    """Lines in the log of each function."""

    def page(self, status: ExecutionStatus | None = None, next_token: str | None = None) -> ExecutionPage:
        self.pages += 1
        start = int(next_token or 0)
        chosen = as_listed(summary for summary in self.summaries if status in (None, summary.status))
        more = str(start + 2) if start + 2 < len(chosen) else None
        return ExecutionPage(tuple(chosen[start : start + 2]), more)

    def detail(self, execution: str, *, with_history: bool = True) -> ExecutionDetail:  # noqa: ARG002 - always has it
        matching = [detail for detail in self.details if execution in (detail.summary.name, detail.summary.arn)]
        if not matching:
            raise NotFound(f"There is no execution {execution}.")
        if len(matching) > 1:
            self.details.remove(matching[0])
        return matching[0]

    def proposals(self, execution_name: str) -> Sequence[RunProposal]:
        return self.detail(execution_name).proposals

    def events(self, arn: str, after: int = 0) -> Sequence[HistoryEvent]:
        if (events := self.histories.get(arn, ())) is None:
            raise NotFound(f"There is no history of {arn}.")
        return [event for event in events if event.id > after]

    def definition(self, arn: str) -> str:
        return self.written or f"{{{arn}"

    def log_lines(self, function: str, begin: datetime, end: datetime) -> FoundLines:  # noqa: ARG002 - all there are
        return FoundLines(tuple(LogLine(begin, "stream", text) for text in self.logged.get(function, ())))

    def console_url(self, arn: str) -> str:
        return f"https://console.test/{arn}"

    def start(self, orders: Sequence[Order] = ()) -> ExecutionSummary:
        self.ordered += orders
        return self.summaries[0]

    def orders(self, arn: str) -> Taken:  # noqa: ARG002 - there is one that orders
        taken = self.taken.pop(0) if len(self.taken) > 1 else self.taken[0]
        if isinstance(taken, QlikopsError):
            raise taken
        return taken

    def redrive(self, execution: str) -> ExecutionSummary:
        if self.redrive_error is not None:
            raise self.redrive_error
        return replace(self.detail(execution).summary, status=ExecutionStatus.RUNNING)

    def stop(self, execution: str, reason: str) -> ExecutionSummary:
        self.stopped.append((execution, reason))
        return replace(self.detail(execution).summary, status=ExecutionStatus.ABORTED)


@dataclass
class FakeFleet:
    """One snapshot and some reports."""

    latest: FleetSnapshot | None = None
    written: dict[str, RunReport] = field(default_factory=dict)
    runs: dict[str, RunSummary] = field(default_factory=dict)
    own: str = ""
    """Known failures of the team's own."""

    def own_failures(self) -> str:
        return self.own

    def snapshot(self) -> FleetSnapshot:
        if self.latest is None:
            raise NotFound("No run has looked at the fleet yet.")
        return self.latest

    def reports(self, limit: int = 50) -> Sequence[ReportEntry]:
        return [ReportEntry(name, self.runs.get(name)) for name in self.written][:limit]

    def report(self, execution_name: str | None = None) -> RunReport:
        name = execution_name or next(iter(self.written), "")
        if name not in self.written:
            raise NotFound(f"{name} has no report.")
        return self.written[name]

    def report_markdown(self, execution_name: str | None = None) -> str:
        return f"# Run {self.report(execution_name).execution_name}"


SCHEDULE = Schedule("QlikMonitorSchedule", "rate(5 minutes)", "UTC", True, "arn:machine")


@dataclass
class FakeSchedules:
    """One schedule that ran two minutes ago, or none."""

    clock: Callable[[], datetime]
    schedule: Schedule | None = SCHEDULE
    asked: list[str] = field(default_factory=list)
    """What was written, in words."""
    fails: QlikopsError | None = None
    """Raised by every change."""

    def status(self) -> ScheduleStatus:
        if self.schedule is None:
            raise NotFound("There is no schedule.")
        last = self.clock() - timedelta(minutes=2)
        return ScheduleStatus(self.schedule, last, self.schedule.upcoming(self.clock(), last))

    def pause(self, duration: timedelta | None = None) -> ScheduleStatus:
        self.asked.append(f"pause {duration}")
        if self.fails is not None:
            raise self.fails
        until = None if duration is None else self.clock() + duration
        self.schedule = replace(self.status().schedule, enabled=duration is not None, paused_until=until)
        return self.status()

    def resume(self) -> ScheduleStatus:
        self.asked.append("resume")
        self.schedule = replace(self.status().schedule, enabled=True, paused_until=None)
        return self.status()


@dataclass
class FakeEnvironment:
    """All of it under one name."""

    approvals: FakeApprovals
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    fleet: FakeFleet = field(default_factory=FakeFleet)
    name: str = "fake"
    where: str = "111111111111 eu-west-1 qlikops"
    agent_version: str = ""
    read_only: bool = False
    waits_for: Awaited | None = None
    signed_in: int = 0
    """How often."""
    schedules: FakeSchedules = field(init=False)
    closed: int = 0

    def __post_init__(self) -> None:
        self.schedules = FakeSchedules(self.approvals.clock.now)

    def close(self) -> None:
        self.closed += 1

    def ask_ahead(self) -> None:
        """There is nothing to wait for."""

    def sign_in(self) -> None:
        self.signed_in += 1

    def caller(self) -> str:
        return CALLER

    def credentials(self) -> Credentials:
        return Credentials()


@dataclass
class FakeKeyring:
    """Keeps secrets in memory, by service and entry."""

    kept: dict[tuple[str, str], str] = field(default_factory=dict)

    def get_password(self, service_name: str, username: str) -> str | None:
        return self.kept.get((service_name, username))

    def set_password(self, service_name: str, username: str, password: str) -> None:
        self.kept[service_name, username] = password

    def delete_password(self, service_name: str, username: str) -> None:
        del self.kept[service_name, username]


def row_of(record: ProposalRecord, claim: Claim | None = None) -> InboxRow:
    """The inbox row of what waits for its answer or its endpoint, as the agent writes it and the console reads it."""
    if record.waits:
        return replace(InboxRow.under_way(record, record.waits), claim=claim or record.claim)
    assert record.requested_at is not None
    assert record.deadline is not None
    return replace(InboxRow.of(record, record.requested_at, record.deadline), claim=claim or record.claim)
