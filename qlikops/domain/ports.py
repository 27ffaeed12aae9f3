"""What the front ends need from an environment, as small roles. aws/ implements them; tests have fakes.

Every method may block on the network and raise what `qlikops.domain.errors` lists; callers run them off the UI thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Protocol

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.proposals.approval import Claim, Decision, InboxRow, Outcome, ProposalRecord, Status
from qlikops.domain.proposals.approval import EarlierResults as EarlierResults
from qlikops.domain.proposals.approval import HistoryLine as HistoryLine

if TYPE_CHECKING:  # each caller needs a role or two, and a command's start is not to pay for all of them
    from qlikops.domain.runs.orders import Order, Taken
    from qlikops.domain.runs.report import ReportEntry, RunReport
    from qlikops.domain.runs.schedule import ScheduleStatus
    from qlikops.domain.runs.snapshot import FleetSnapshot
    from qlikops.domain.workflow.events import HistoryEvent
    from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionStatus, ExecutionSummary, RunProposal
    from qlikops.domain.workflow.logs import FoundLines


@dataclass(frozen=True, slots=True)
class Approve:
    """A yes that an operator sends. `digest` is that of the record on the screen."""

    approved: ClassVar[bool] = True
    digest: str
    reason: str = ""
    via: str = field(default="cli", kw_only=True)
    """Where it was decided: cli or tui."""
    decision_id: str = field(default="", kw_only=True)
    """Empty: a fresh one is made."""
    option: str = field(default="", kw_only=True)
    """Name of the option that it is for; empty for the first one."""
    tasks: tuple[str, ...] = field(default=(), kw_only=True)
    """The tasks that are left of a group, as `server/task`; empty for all of them."""
    checked: tuple[str, ...] = field(default=(), kw_only=True)
    """Which of the option's checks were ticked, in their words."""

    def decision(self) -> Decision:
        """What is decided, before it is known by whom and when."""
        return Decision(
            approved=True,
            decision_id=self.decision_id,
            reason=self.reason,
            digest=self.digest,
            via=self.via,
            option=self.option,
            tasks=self.tasks,
            checked=self.checked,
        )


@dataclass(frozen=True, slots=True)
class Deny:
    """A no that an operator sends, with the reason. The other fields are those of Approve."""

    approved: ClassVar[bool] = False
    digest: str
    reason: str
    snooze: timedelta | None = None
    """Time for which nothing is proposed on the same tasks; None for the usual cooldown."""
    via: str = field(default="cli", kw_only=True)
    decision_id: str = field(default="", kw_only=True)

    def decision(self) -> Decision:
        """What is decided, before it is known by whom and when."""
        return Decision(
            approved=False,
            decision_id=self.decision_id,
            reason=self.reason,
            digest=self.digest,
            via=self.via,
            snooze_seconds=int(self.snooze.total_seconds()) if self.snooze else 0,
        )


DecisionRequest = Approve | Deny
"""What an operator sends."""


@dataclass(frozen=True, slots=True)
class DecisionReceipt:
    """Proof that the ledger holds this decision."""

    approval_id: str
    decision: Decision
    status: Status
    """Where the proposal stood when the receipt was written."""
    outcome: Outcome | None = None
    terms: tuple[str, ...] = ()
    """What an approval is for beside a plain yes, a few words each, as `domain.approval.terms_of` has it."""


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """A page of executions in Step Functions' order: those that run by when they began (anew), the others by when they
    ended, the latest first.
    """

    executions: tuple[ExecutionSummary, ...]
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """How an environment signs in."""

    expire_at: datetime | None = None
    """When a person has to renew them; None where that is not known or they renew themselves."""
    login: tuple[str, ...] = ()
    """The command that signs in again, to be run in the terminal; empty where there is none to run."""
    advice: str = ""
    """What to do where there is no such command."""
    in_terminal: bool = False
    """Whether `Environment.sign_in` signs in, in place of a command: it runs a program that may ask."""

    @property
    def can_sign_in(self) -> bool:
        """Whether signing in is something that can be done from here."""
        return bool(self.login) or self.in_terminal


@dataclass(frozen=True, slots=True)
class Awaited:
    """Something that has been waited for since."""

    what: str
    """`credential_process of the profile work`."""
    since: datetime


class Approvals(Protocol):
    """The inbox and what can be done with it."""

    def inbox(self) -> Sequence[InboxRow]:
        """All that waits for an answer, and approved restarts that wait for their endpoint; what expires first first.
        One Query.
        """

    def waiting(self) -> Sequence[InboxRow]:
        """Returns the rows of the inbox that wait for an answer. One Query."""

    def approval(self, approval_id: str) -> ProposalRecord:
        """The whole record, read consistently. Raises NotFound; an unambiguous prefix of an id will do."""

    def decide(self, approval_id: str, request: DecisionRequest) -> DecisionReceipt:
        """Sends the callback once and returns when the ledger holds this decision.

        Raises, before sending, ApprovalChanged if the record's digest is not `request.digest` and ApprovalGone if there
        is no record; AlreadyDecided or ApprovalExpired if it did not count; DecisionUnknown if it is not known yet.
        """

    def outcome(self, approval_id: str, timeout: timedelta) -> ProposalRecord:
        """The record once its status is final or it waits for its endpoint, or as it stands when `timeout` is over."""

    def claim(self, approval_id: str, duration: timedelta) -> Claim:
        """Says "I am looking at it" until `duration` from now."""

    def release(self, approval_id: str) -> None:
        """Takes the caller's claim back. Raises UsageError where there is none of theirs."""

    def stop_waiting(self, approval_id: str) -> Claim:
        """Pulls the brake of an approved restart that waits for its endpoint: nothing of it is started any more, and
        its next look ends it. Raises UsageError for one that does not wait so.
        """

    def history(self, key: TaskKey, limit: int = 20) -> Sequence[HistoryLine]:
        """How earlier proposals on this task ended, newest first."""

    def track_record(self, counted_as: str, action: Action) -> Sequence[EarlierResults]:
        """What came of proposals with this `Proposal.counted_as`, a failure's id or a kind, and this action.

        One entry for each evaluator's each verdict.
        """


class Executions(Protocol):
    """The state machine's executions."""

    def page(self, status: ExecutionStatus | None = None, next_token: str | None = None) -> ExecutionPage:
        """One ListExecutions call, with what the ledger knows of each; that is read once where it cannot change."""

    def detail(self, execution: str, *, with_history: bool = True) -> ExecutionDetail:
        """Finds one by ARN or name; an unambiguous prefix of a recent name will do."""

    def proposals(self, execution_name: str) -> Sequence[RunProposal]:
        """A run's proposals and where each stands, by their Map index. One Query."""

    def events(self, arn: str, after: int = 0) -> Sequence[HistoryEvent]:
        """The events with a higher id than `after`, by id. Raises NotFound where the history is gone."""

    def definition(self, arn: str) -> str:
        """The definition that this execution runs by, which may be older than the state machine's."""

    def log_lines(self, function: str, begin: datetime, end: datetime) -> FoundLines:
        """Lines that a Lambda function wrote between two times, as far as the environment keeps them."""

    def console_url(self, arn: str) -> str:
        """Where the AWS console shows it; empty where no AWS console does. Makes no call."""

    def start(self, orders: Sequence[Order] = ()) -> ExecutionSummary:
        """Starts a run now, as the schedule would, with orders in the caller's name."""

    def orders(self, arn: str) -> Taken:
        """What the run of that ARN has made of its orders so far. One DescribeExecution, one Query."""

    def stop(self, execution: str, reason: str) -> ExecutionSummary:
        """Aborts it, after pulling the brake of what it restarts; what waits is closed as abandoned by the next run.

        Raises DecisionUnknown, as `start` and `redrive` do, where nobody can say whether it happened.
        """

    def redrive(self, execution: str) -> ExecutionSummary:
        """Runs the rest of an ended one again. Raises UsageError where `domain.redrive` has something against it."""


class Fleet(Protocol):
    """The fleet as the last run saw it, and the reports."""

    def snapshot(self) -> FleetSnapshot:
        """Raises NotFound before the first run."""

    def own_failures(self) -> str:
        """The team's own known failures as the bucket has them; empty where there are none."""
        ...

    def reports(self, limit: int = 50) -> Sequence[ReportEntry]:
        """The runs that have a report, newest first; at most a hundred."""

    def report(self, execution_name: str | None = None) -> RunReport:
        """One run's report; the newest where no name is given."""

    def report_markdown(self, execution_name: str | None = None) -> str:
        """Reads the same report as the Markdown in S3."""


class Schedules(Protocol):
    """When the monitoring runs. Setting and removing the schedule is the deployment's, not a console's."""

    def status(self) -> ScheduleStatus:
        """The schedule with its last and next run. Raises NotFound where none is set."""

    def pause(self, duration: timedelta | None = None) -> ScheduleStatus:
        """Until `resume`, or for a while: then it goes on by itself. Raises NotFound where none is set."""

    def resume(self) -> ScheduleStatus:
        """Goes on as before. Raises NotFound where none is set."""


class ContextServices(Protocol):
    """One context: an account, a Region, a stack; or the local environment."""

    @property
    def name(self) -> str:
        """The context's name."""

    @property
    def where(self) -> str:
        """Account, Region and stack in a few words, for the title line."""

    @property
    def agent_version(self) -> str:
        """Version of qlikops that deployed the agent; empty as long as nothing else that was asked for says it."""

    @property
    def read_only(self) -> bool:
        """Whether writing is refused here."""

    def ask_ahead(self) -> None:
        """Has the inbox asked for while the caller still loads; its first `waiting` then has it at once.

        Returns at once and never raises.
        """

    def sign_in(self) -> None:
        """Signs in, where that runs a program which may ask in this terminal; does nothing anywhere else.

        Afterwards such a program gets the terminal no more but in another call of this. Raises CredentialsProblem.
        """

    @property
    def waits_for(self) -> Awaited | None:
        """What signing in waits for right now; None while it does not. Never blocks."""

    def close(self) -> None:
        """Gives back connections and memory, as another one takes its place. Makes no call and ends none under way."""

    def caller(self) -> str:
        """The caller's ARN, from STS; cached."""

    def credentials(self) -> Credentials:
        """How one signs in here, and until when that lasts, as far as this machine knows."""

    @property
    def approvals(self) -> Approvals:
        """The inbox."""

    @property
    def executions(self) -> Executions:
        """The state machine."""

    @property
    def fleet(self) -> Fleet:
        """The fleet and its reports."""

    @property
    def schedules(self) -> Schedules:
        """When it runs."""
