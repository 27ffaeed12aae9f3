"""What the console knows, apart from any screen: the inbox, how fresh it is, whose identity, what was decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from textual.message_pump import MessagePump

from qlikops.domain.approval import Approval, InboxRow, Status
from qlikops.domain.errors import DecisionUnknown, QlikopsError
from qlikops.domain.execution import ExecutionSummary
from qlikops.domain.ports import DecisionReceipt, DecisionRequest, Environment
from qlikops.presentation import decision, inbox
from qlikops.presentation.freshness import Freshness
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Spans
from qlikops.tui import messages
from qlikops.tui.backend import Backend

OUTCOME_TIMEOUT = timedelta(minutes=5)
"""How long a decision is watched: a restart is verified for two minutes, and statuses lag."""
CLAIM_DURATION = timedelta(minutes=10)
HISTORY_LIMIT = 20

Clock = Callable[[], datetime]
NEWS_DURATION = timedelta(seconds=10)
"""How long the title says that something new came."""
FAILURES_KEPT = 50
_SENDS = "sends"


def maybe_sent(error: Exception) -> bool:
    """Whether a decision that ended in `error` may have counted: only our own errors rule it out."""
    return isinstance(error, DecisionUnknown) or not isinstance(error, QlikopsError)


@dataclass(frozen=True, slots=True)
class Sending:
    """One decision of this console on its way from key press to outcome."""

    approval: Approval
    """As it was on the screen."""
    request: DecisionRequest
    receipt: DecisionReceipt | None = None
    error: Exception | None = None
    ended: Approval | None = None
    """The record once the watch was over."""
    due: datetime | None = None
    """Held back until then; None once it has been handed over to be sent."""
    withdrawn: str = ""
    """Why it was not sent after all."""

    def progress(self, now: datetime) -> Spans:
        """Where it is, in one line."""
        if self.due is not None:
            return decision.held_back(self.approval, self.request, (self.due - now).total_seconds())
        if self.withdrawn:
            return decision.withdrawn(self.approval, self.request, self.withdrawn)
        return decision.progress(self.approval, self.request, self.receipt, self.error, self.ended)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, and how often it came in a row."""

    at: datetime
    """When it came last."""
    words: str
    times: int = 1


class ConsoleState:
    """State shared by screens. Only handlers on the UI thread change it."""

    def __init__(self, backend: Backend, clock: Clock, *, read_only: bool, hold_seconds: float = 0) -> None:
        self.backend = backend
        self.clock = clock
        self.read_only = read_only
        self.hold = timedelta(seconds=hold_seconds)
        """How long a decision is held back before it is sent."""
        self.name = ""
        self.where = ""
        self.caller = ""
        self.rows: tuple[InboxRow, ...] = ()
        self.freshness = Freshness()
        self.failures: list[Failure] = []
        """The last errors, newest first."""
        self._arrived: tuple[datetime, int] | None = None
        """When something new came last, and how much."""
        self.last_run: ExecutionSummary | None = None
        self.sendings: dict[str, Sending] = {}
        """By approval id; in the order they were sent."""

    def now(self) -> datetime:
        """The time, aware."""
        return self.clock()

    def row(self, approval_id: str) -> InboxRow | None:
        """The waiting row of that id."""
        return next((row for row in self.rows if row.approval_id == approval_id), None)

    def locked_because(self) -> str:
        """Why nothing can be decided right now; empty where it can."""
        return "this console is read-only" if self.read_only else self.freshness.locked_because(self.now())

    def in_flight(self, approval_id: str) -> bool:
        """Whether this console has answered it, unless that certainly did not count."""
        sending = self.sendings.get(approval_id)
        if (
            sending is None
            or sending.withdrawn
            or (sending.ended is not None and sending.ended.status is Status.WAITING)
        ):
            return False
        return sending.error is None or maybe_sent(sending.error)

    @property
    def sending_now(self) -> bool:
        """Whether a decision is on its way to the wire."""
        return self.backend.busy(_SENDS)

    @property
    def held(self) -> tuple[Sending, ...]:
        """What is held back: answered here, not sent, and not sent at all if it is cancelled."""
        return tuple(sending for sending in self.sendings.values() if sending.due is not None)

    def cancel_held(self, reason: str) -> tuple[str, ...]:
        """Sends nothing of what is held back; returns the approvals' ids."""
        cancelled = tuple(sending.approval.approval_id for sending in self.held)
        for approval_id in cancelled:
            self.sendings[approval_id] = replace(self.sendings[approval_id], due=None, withdrawn=reason)
        return cancelled

    def send_due(self, to: MessagePump) -> None:
        """Sends what has been held back long enough."""
        for sending in self.held:
            if sending.due is not None and sending.due <= self.now():
                self._send(sending.approval, sending.request, to)

    @property
    def latest(self) -> Sending | None:
        """The decision sent last."""
        return next(reversed(self.sendings.values()), None)

    def sent(self, approval_id: str, receipt: DecisionReceipt) -> None:
        """The ledger holds our decision."""
        self.sendings[approval_id] = replace(self.sendings[approval_id], receipt=receipt)

    def not_sent(self, approval_id: str, error: Exception) -> None:
        """It did not count, or nobody can say yet."""
        self.sendings[approval_id] = replace(self.sendings[approval_id], error=error)

    def ended(self, approval: Approval) -> None:
        """The watch is over."""
        self.sendings[approval.approval_id] = replace(self.sendings[approval.approval_id], ended=approval)

    def took_rows(self, rows: Sequence[InboxRow]) -> int:
        """A fresh inbox came; returns how much of it is new. The first is no news."""
        known = {row.approval_id for row in self.rows}
        new = sum(row.approval_id not in known for row in rows) if self.freshness.loaded_at is not None else 0
        if new:
            self._arrived = (self.now(), new)
        self.rows = inbox.by_deadline(rows)
        self.freshness = Freshness(self.now())
        return new

    def failed(self, error: Exception) -> None:
        """Remembers an error; one that repeats itself counts up."""
        words = str(explain(error))
        times = 1
        if self.failures and self.failures[0].words == words:
            times = self.failures.pop(0).times + 1
        self.failures = [Failure(self.now(), words, times), *self.failures][:FAILURES_KEPT]

    def news(self) -> int:
        """How much came just now; 0 a moment later."""
        if self._arrived is None or self.now() - self._arrived[0] >= NEWS_DURATION:
            return 0
        return self._arrived[1]

    def missed_rows(self, error: Exception) -> None:
        """It did not come: what is shown grows old."""
        self.freshness = replace(self.freshness, error=error)

    def load_rows(self, to: MessagePump) -> None:
        """Asks for the inbox, unless it has been asked for and has not come yet."""
        if not self.backend.busy("inbox"):
            self.backend.call(
                "inbox",
                lambda environment: messages.WaitingLoaded(environment.approvals.waiting()),
                messages.WaitingLoadFailed,
                to,
            )

    def load_caller(self, to: MessagePump) -> None:
        """Asks whose identity decisions will carry."""
        self.backend.call(
            "caller", lambda environment: messages.CallerLoaded(environment.caller()), messages.LoadFailed, to
        )

    def load_last_run(self, to: MessagePump) -> None:
        """Asks for the newest execution."""

        def newest(environment: Environment) -> messages.LastRunLoaded:
            return messages.LastRunLoaded(next(iter(environment.executions.page().executions), None))

        self.backend.call("executions", newest, messages.LoadFailed, to)

    def load_approval(self, approval_id: str, to: MessagePump, *, with_history: bool = True) -> None:
        """Asks for a whole record and, for one task alone, how earlier proposals on it ended."""

        def load(environment: Environment) -> messages.ApprovalLoaded:
            approval = environment.approvals.approval(approval_id)
            targets = approval.proposal.targets
            alone = with_history and len(targets) == 1
            history = environment.approvals.history(targets[0].key, HISTORY_LIMIT) if alone else ()
            return messages.ApprovalLoaded(approval_id, approval, history)

        self.backend.call("reviews", load, lambda error: messages.ApprovalLoadFailed(error, approval_id), to)

    def load_marked(self, ids: Sequence[str], to: MessagePump, *, approved: bool) -> None:
        """Asks for several whole records, to be answered together."""

        def load(environment: Environment) -> messages.MarkedLoaded:
            records = [environment.approvals.approval(approval_id) for approval_id in ids]
            return messages.MarkedLoaded(records, approved=approved)

        self.backend.call("reviews", load, messages.MarkedLoadFailed, to)

    def send(self, approval: Approval, request: DecisionRequest, to: MessagePump) -> None:
        """Sends a decision, once it has been held back; one at a time, in the order they were made."""
        # Put last even where the same approval was tried before.
        self.sendings.pop(approval.approval_id, None)
        if self.hold:
            self.sendings[approval.approval_id] = Sending(approval, request, due=self.now() + self.hold)
        else:
            self._send(approval, request, to)

    def _send(self, approval: Approval, request: DecisionRequest, to: MessagePump) -> None:
        self.sendings[approval.approval_id] = Sending(approval, request)

        def send(environment: Environment) -> messages.DecisionSent:
            receipt = environment.approvals.decide(approval.approval_id, request)
            return messages.DecisionSent(approval, request, receipt)

        self.backend.call(_SENDS, send, lambda error: messages.DecisionSendFailed(approval, request, error), to)

    def watch(self, approval_id: str, request: DecisionRequest, to: MessagePump) -> None:
        """Waits for the outcome, beside everything else."""

        def watch(environment: Environment) -> messages.OutcomeLoaded:
            return messages.OutcomeLoaded(environment.approvals.outcome(approval_id, OUTCOME_TIMEOUT), request)

        self.backend.call(
            f"outcome-{approval_id}", watch, lambda error: messages.OutcomeLoadFailed(error, approval_id), to
        )

    def claim(self, approval_id: str, to: MessagePump) -> None:
        """Tells others that somebody looks at it."""

        def claim(environment: Environment) -> messages.Claimed:
            environment.approvals.claim(approval_id, CLAIM_DURATION)
            return messages.Claimed(approval_id)

        self.backend.call("claims", claim, lambda error: messages.ClaimFailed(error, approval_id), to)
