"""What happened off the UI thread. Past tense, in pairs; workers post them, handlers own every change of state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.message import Message

from qlikops.dataclass import dataclass

if TYPE_CHECKING:  # the inbox is not to wait for what only other screens need
    from collections.abc import Mapping, Sequence

    from qlikops.domain.errors import QlikopsError
    from qlikops.domain.gathered.background import Background
    from qlikops.domain.gathered.ordering import OrderReceipt
    from qlikops.domain.ports import Credentials, DecisionReceipt, DecisionRequest
    from qlikops.domain.proposals.approval import InboxRow, ProposalRecord
    from qlikops.domain.runs.schedule import ScheduleStatus
    from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionSummary
    from qlikops.presentation.finder import Entry
    from qlikops.presentation.lists.watch import WatchEvent
    from qlikops.tui.model.links import RunLink


@dataclass
class ContextMessage(Message):
    """A message that names the context that it comes from."""

    context: str


@dataclass
class EnvironmentOpened(ContextMessage):
    """The environment can be used. Its failing to open is the failure of the call that needed it."""

    where: str
    read_only: bool


@dataclass
class ToldToEnd(Message):
    """A signal from outside, or the terminal is gone."""

    exit_code: int


@dataclass
class CopyWanted(Message):
    """`text` is to go to a clipboard; `what` is its name in a sentence that it begins."""

    text: str
    what: str


@dataclass
class CallFailed(ContextMessage):
    """A call in some lane failed; whoever asked is told by a message of their own."""

    error: Exception


@dataclass
class LoadFailed(Message):
    """Something asked for did not come; `asked` is what it was asked by."""

    error: Exception
    asked: str = ""
    context: str = ""
    """Empty if the asker knows it."""


@dataclass
class CallerLoaded(ContextMessage):
    """Whose identity decisions carry."""

    caller: str
    times_opened: int
    """How often the environment had been opened when it was asked."""


@dataclass
class CredentialsLoaded(ContextMessage):
    """How one signs in."""

    credentials: Credentials


@dataclass
class WaitingLoaded(ContextMessage):
    """The inbox."""

    rows: Sequence[InboxRow]
    where: str
    agent_version: str = ""
    """Version of qlikops that deployed the agent; empty if it is not known."""


@dataclass
class Alerted(ContextMessage):
    """Something happened that is to reach a person who looks elsewhere: by the bell, a notice on the desktop, and
    their own program, as far as its severity and the context's settings go.
    """

    events: Sequence[WatchEvent]
    """What came together, for one notice. Each has a severity; its text stands alone, in words."""


@dataclass
class HookFailed(Message):
    """The person's own program was not told, or went wrong; `problem` says how."""

    problem: str


@dataclass
class LastRunLoaded(ContextMessage):
    """The newest execution, or None where there is none."""

    execution: ExecutionSummary | None


@dataclass
class ApprovalLoaded(ContextMessage):
    """One whole record."""

    asked: str
    approval: ProposalRecord


@dataclass
class BackgroundLoaded(ContextMessage):
    """What surrounds a record."""

    approval_id: str
    background: Background


@dataclass
class MarkedLoaded(Message):
    """The whole records of what is marked, to be answered together."""

    approvals: Sequence[ProposalRecord]
    missed: Mapping[str, QlikopsError]
    """Why there is none, for each id whose record is gone or cannot be read."""


@dataclass
class DecisionSent(ContextMessage):
    """The ledger holds our decision."""

    approval: ProposalRecord
    request: DecisionRequest
    receipt: DecisionReceipt


@dataclass
class DecisionSendFailed(ContextMessage):
    """Sending failed. The decision may have arrived all the same."""

    approval: ProposalRecord
    request: DecisionRequest
    error: Exception


@dataclass
class OutcomeLoaded(ContextMessage):
    """The record once final, or as it stood when the watch ended."""

    approval: ProposalRecord


@dataclass
class FollowedLoaded(ContextMessage):
    """Records of what others decided, and of restarts that came up, as they are now; those that are gone are not."""

    approvals: Sequence[ProposalRecord]
    errors: Sequence[Exception] = ()
    """Why others cannot be read."""


@dataclass
class Claimed(ContextMessage):
    """Others now see who looks at it, or that one does so no longer."""

    approval_id: str
    is_released: bool = False


@dataclass
class WaitStopped(ContextMessage):
    """A restart that waits for its endpoint starts nothing any more."""

    approval_id: str


@dataclass
class Polled(Message):
    """What a screen asks for again and again; the screen knows its type."""

    found: Any


@dataclass
class AddressFound(Message):
    """Where a browser shows what is chosen."""

    url: str
    """Empty if nothing does."""
    words: str
    """What to know once it is open; without an address, why there is none."""


@dataclass
class FindableLoaded(ContextMessage):
    """What has a name in a context, for the finder."""

    entries: Sequence[Entry]


@dataclass
class RunFound(Message):
    """The execution that a link names."""

    link: RunLink
    run: ExecutionSummary


class RunNotFound(LoadFailed):
    """It could not be looked up."""


@dataclass
class RunRead(Message):
    """An execution, read anew before it is stopped or redriven."""

    detail: ExecutionDetail


@dataclass
class RunChanged(Message):
    """A run was started, stopped or redriven."""

    done: str
    execution: ExecutionSummary


@dataclass
class OrderSettled(Message):
    """An order was sent; so much is known of what became of it."""

    receipt: OrderReceipt


@dataclass
class TextLoaded(Message):
    """The text of one view of an execution."""

    view: str
    text: str
    about: str = ""
    """The state or item that it is about; empty if it is about all of the execution."""


@dataclass
class ScheduleChanged(Message):
    """It was paused or resumed, and stands like this now."""

    status: ScheduleStatus


class PollFailed(LoadFailed):
    """What a screen asks for again and again did not come."""


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


@dataclass
class FollowedLoadFailed(LoadFailed):
    """None of these records came."""

    ids: Sequence[str] = ()


class ClaimFailed(LoadFailed):
    """Nobody sees the claim."""


class RunChangeFailed(LoadFailed):
    """It did not happen, or that is not known; `asked` is what was to be done, such as `stop run-7`."""


@dataclass
class TextLoadFailed(LoadFailed):
    """The text did not come; `asked` is its view."""

    about: str = ""
    """What it would have been about, as in TextLoaded."""


class ScheduleChangeFailed(LoadFailed):
    """It was not paused or resumed, or that is not known."""
