"""What happened off the UI thread. Past tense, in pairs; workers post them, handlers own every change of state.

Those with a `context` name the one they come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from textual.message import Message

if TYPE_CHECKING:  # the inbox is not to wait for what only other screens need
    from collections.abc import Sequence

    from qlikops.domain.approval import InboxRow, ProposalRecord
    from qlikops.domain.background import Background
    from qlikops.domain.fleet import FleetSnapshot
    from qlikops.domain.lookup import TaskDetail
    from qlikops.domain.ports import Credentials, DecisionReceipt, DecisionRequest, ExecutionPage
    from qlikops.domain.report import ReportEntry
    from qlikops.domain.schedule import ScheduleStatus
    from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionSummary
    from qlikops.tui.model.executing import ExecutionsQuery, Followed


class OfContext(Protocol):
    """A message that says which context it is about."""

    context: str


class EnvironmentOpened(Message):
    """The environment can be used. Its failing to open is the failure of the call that needed it."""

    def __init__(self, context: str, where: str, *, read_only: bool) -> None:
        super().__init__()
        self.context = context
        self.where = where
        self.read_only = read_only


class ToldToEnd(Message):
    """A signal from outside, or the terminal is gone."""

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code


class CopyWanted(Message):
    """Somebody wants `text` in a clipboard; `what` is its name in a sentence that it begins."""

    def __init__(self, text: str, what: str) -> None:
        super().__init__()
        self.text = text
        self.what = what


class CallFailed(Message):
    """A call in some lane failed; whoever asked is told by a message of their own."""

    def __init__(self, context: str, error: Exception) -> None:
        super().__init__()
        self.context = context
        self.error = error


class CallerLoaded(Message):
    """Whose identity decisions carry."""

    def __init__(self, context: str, caller: str) -> None:
        super().__init__()
        self.context = context
        self.caller = caller


class CredentialsLoaded(Message):
    """How one signs in."""

    def __init__(self, context: str, credentials: Credentials) -> None:
        super().__init__()
        self.context = context
        self.credentials = credentials


class WaitingLoaded(Message):
    """The inbox."""

    def __init__(self, context: str, rows: Sequence[InboxRow], where: str) -> None:
        super().__init__()
        self.context = context
        self.rows = rows
        self.where = where


class LastRunLoaded(Message):
    """The newest execution, or None where there is none."""

    def __init__(self, context: str, execution: ExecutionSummary | None) -> None:
        super().__init__()
        self.context = context
        self.execution = execution


class ApprovalLoaded(Message):
    """One whole record."""

    def __init__(self, context: str, asked: str, approval: ProposalRecord) -> None:
        super().__init__()
        self.context = context
        self.asked = asked
        self.approval = approval


class BackgroundLoaded(Message):
    """What surrounds a record."""

    def __init__(self, context: str, approval_id: str, background: Background) -> None:
        super().__init__()
        self.context = context
        self.approval_id = approval_id
        self.background = background


class MarkedLoaded(Message):
    """The whole records of what is marked, to be answered together."""

    def __init__(self, approvals: Sequence[ProposalRecord]) -> None:
        super().__init__()
        self.approvals = approvals


class DecisionSent(Message):
    """The ledger holds our decision."""

    def __init__(
        self, context: str, approval: ProposalRecord, request: DecisionRequest, receipt: DecisionReceipt
    ) -> None:
        super().__init__()
        self.context = context
        self.approval = approval
        self.request = request
        self.receipt = receipt


class DecisionSendFailed(Message):
    """It did not count, or nobody can say yet."""

    def __init__(self, context: str, approval: ProposalRecord, request: DecisionRequest, error: Exception) -> None:
        super().__init__()
        self.context = context
        self.approval = approval
        self.request = request
        self.error = error


class OutcomeLoaded(Message):
    """The record once final, or as it stood when the watch ended."""

    def __init__(self, context: str, approval: ProposalRecord) -> None:
        super().__init__()
        self.context = context
        self.approval = approval


class Claimed(Message):
    """Others now see who looks at it."""

    def __init__(self, context: str, approval_id: str) -> None:
        super().__init__()
        self.context = context
        self.approval_id = approval_id


class ExecutionsLoaded(Message):
    """A page of executions; `query` is what it was asked by."""

    def __init__(self, page: ExecutionPage, query: ExecutionsQuery) -> None:
        super().__init__()
        self.page = page
        self.query = query


class ExecutionLoaded(Message):
    """One execution in detail, as far as it has been followed."""

    def __init__(self, followed: Followed) -> None:
        super().__init__()
        self.followed = followed


class ConsoleUrlLoaded(Message):
    """Where the AWS console shows an execution; empty where none does."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url


class RunRead(Message):
    """An execution, read anew before it is stopped or redriven."""

    def __init__(self, detail: ExecutionDetail) -> None:
        super().__init__()
        self.detail = detail


class RunChanged(Message):
    """A run was started, stopped or redriven."""

    def __init__(self, done: str, execution: ExecutionSummary) -> None:
        super().__init__()
        self.done = done
        self.execution = execution


class FleetLoaded(Message):
    """The fleet as the last run saw it."""

    def __init__(self, snapshot: FleetSnapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class TaskLoaded(Message):
    """One task of it in full."""

    def __init__(self, detail: TaskDetail) -> None:
        super().__init__()
        self.detail = detail


class ReportsLoaded(Message):
    """The runs that have a report, newest first."""

    def __init__(self, entries: Sequence[ReportEntry]) -> None:
        super().__init__()
        self.entries = entries


class ReportLoaded(Message):
    """One report as Markdown."""

    def __init__(self, name: str, markdown: str) -> None:
        super().__init__()
        self.name = name
        self.markdown = markdown


class ScheduleLoaded(Message):
    """Where the schedule stands."""

    def __init__(self, status: ScheduleStatus) -> None:
        super().__init__()
        self.status = status


class ScheduleChanged(Message):
    """It was paused or resumed, and stands like this now."""

    def __init__(self, status: ScheduleStatus) -> None:
        super().__init__()
        self.status = status


class LoadFailed(Message):
    """Something asked for did not come; `asked` is what it was asked by."""

    def __init__(self, error: Exception, asked: str = "", context: str = "") -> None:
        super().__init__()
        self.error = error
        self.asked = asked
        self.context = context
        """Empty where whoever asked knows it."""


class WaitingLoadFailed(LoadFailed):
    """The inbox did not come."""


class LastRunLoadFailed(LoadFailed):
    """Whether there was a run is not known."""


class ApprovalLoadFailed(LoadFailed):
    """The record did not come; `asked` is its id."""


class MarkedLoadFailed(LoadFailed):
    """One of the records did not come, so none can be answered."""


class OutcomeLoadFailed(LoadFailed):
    """Watching it failed; `asked` is the approval's id."""


class ClaimFailed(LoadFailed):
    """Nobody sees the claim."""


class ExecutionsLoadFailed(LoadFailed):
    """The page did not come."""


class ExecutionLoadFailed(LoadFailed):
    """The execution did not come."""


class RunChangeFailed(LoadFailed):
    """It did not happen, or nobody can say; `asked` is what was to be done, such as `stop run-7`."""


class FleetLoadFailed(LoadFailed):
    """The snapshot did not come."""


class TaskLoadFailed(LoadFailed):
    """The task did not come."""


class ReportsLoadFailed(LoadFailed):
    """The list did not come."""


class ReportLoadFailed(LoadFailed):
    """The report did not come; `asked` is its name."""


class ScheduleLoadFailed(LoadFailed):
    """Where the schedule stands did not come."""


class ScheduleChangeFailed(LoadFailed):
    """It was not paused or resumed, or nobody can say."""
