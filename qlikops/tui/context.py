"""One context of the console: an environment with its inbox, its freshness, its identity, and what was decided in it.

All that leads to a decision lives here, so that one can only go where its record came from, and so that trouble in
one context locks only what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from textual.message_pump import MessagePump

from qlikops.domain.approval import Approval, InboxRow, Status
from qlikops.domain.background import read_background
from qlikops.domain.errors import (
    AccessDenied,
    ApprovalGone,
    CredentialsProblem,
    DecisionUnknown,
    NotFound,
    QlikopsError,
    Throttled,
    Unreachable,
)
from qlikops.domain.execution import ExecutionSummary
from qlikops.domain.ports import Credentials, DecisionReceipt, DecisionRequest, Environment
from qlikops.presentation import decision
from qlikops.presentation.freshness import Freshness
from qlikops.presentation.tone import Span, Spans, Tone
from qlikops.tui import messages
from qlikops.tui.backend import Backend
from qlikops.tui.keys import KeyNames

OUTCOME_TIMEOUT = timedelta(minutes=5)
"""How long a decision is watched: a restart is verified for two minutes, and statuses lag."""
CLAIM_DURATION = timedelta(minutes=10)

Clock = Callable[[], datetime]
REST = timedelta(seconds=5)
"""How long the timed questions pause after one that failed; twice as long each time AWS asks for fewer."""
LONGEST_REST = timedelta(minutes=1)
REOPEN_AFTER = 3
"""So many times in a row without an answer, and the environment is opened anew: it may be elsewhere by now."""
_SENDS = "sends"
_CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class ContextSource:
    """What the console is given to make a context of."""

    name: str
    """Unique among those of one console."""
    open: Callable[[], Environment]
    """May block and raise what `qlikops.domain.errors` lists. Called off the UI thread, and again after a failure."""
    read_only: bool = False
    hold_seconds: float = 0
    """How long a decision is held back, while it can be cancelled."""
    bell: bool = True
    """Whether something new in it rings."""
    theme: str = ""
    """What the console looks like while it shows this context; empty for the person's own choice."""


class ApprovalKey(NamedTuple):
    """What tells approvals apart: two contexts may have the same id."""

    context: str
    approval_id: str


@dataclass(frozen=True, slots=True)
class Sending:
    """One decision of this console on its way from key press to outcome."""

    key: ApprovalKey
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
    batch: str = ""
    """The same for all that were answered together; empty for one alone."""

    @property
    def progress(self) -> Spans:
        """Where it is, in one line."""
        if self.withdrawn:
            return decision.withdrawn(self.approval, self.request, self.withdrawn)
        return decision.progress(self.approval, self.request, self.receipt, self.error, self.ended)

    @property
    def stage(self) -> Span:
        """The same in a word or two."""
        if self.withdrawn:
            return Span("not sent", Tone.WARNING)
        return decision.stage(self.request, self.receipt, self.error, self.ended)

    @property
    def is_settled(self) -> bool:
        """Whether it is on its way no longer: it is recorded, or known not to be, or not known."""
        return self.receipt is not None or self.error is not None or bool(self.withdrawn)

    @property
    def proof(self) -> str:
        """All there is to say of it, for a clipboard: the receipt with the outcome, or why there is none."""
        if self.receipt is None:
            return decision.unproven(self.approval, self.request, self.progress)
        receipt = self.receipt
        if self.ended is not None:
            receipt = replace(receipt, status=self.ended.status, outcome=self.ended.outcome)
        return decision.receipt_text(receipt)

    @property
    def may_count(self) -> bool:
        """Whether it has been answered by this, unless that certainly did not count."""
        if self.withdrawn or (self.ended is not None and self.ended.status is Status.WAITING):
            return False
        return self.error is None or maybe_sent(self.error)


def maybe_sent(error: Exception) -> bool:
    """Whether a decision that ended in `error` may have counted: only our own errors rule it out."""
    return isinstance(error, DecisionUnknown) or not isinstance(error, QlikopsError)


class Context:
    """Only handlers on the UI thread change it. `sendings` is shared by the contexts of a console, in order."""

    def __init__(
        self,
        source: ContextSource,
        to: MessagePump,
        clock: Clock,
        sendings: dict[ApprovalKey, Sending],
        keys: KeyNames,
    ) -> None:
        self.name = source.name
        self.backend = Backend(source.name, source.open, to)
        self.clock = clock
        self.read_only = source.read_only
        self.hold = timedelta(seconds=source.hold_seconds)
        self.rings = source.bell
        self.theme = source.theme
        self.where = ""
        self.caller = ""
        """Whose identity decisions carry."""
        self.freshness = Freshness()
        self.last_run: ExecutionSummary | None = None
        self._rows: dict[str, InboxRow] = {}
        self._rest = REST
        self._resting_until: datetime | None = None
        self._unanswered = 0
        self._wants_caller = False
        self._sendings = sendings
        self._keys = keys

    def now(self) -> datetime:
        """The time, aware."""
        return self.clock()

    @property
    def rows(self) -> tuple[InboxRow, ...]:
        """What waits, as it came last."""
        return tuple(self._rows.values())

    def row(self, approval_id: str) -> InboxRow | None:
        """The waiting row of that id."""
        return self._rows.get(approval_id)

    def locked_because(self) -> str:
        """Why nothing can be decided right now; empty where it can."""
        if self.read_only:
            return "this console is read-only"
        now = self.now()
        reason = self.freshness.locked_because(now)
        can_sign_in = self.freshness.credentials.login and self.freshness.wants_sign_in(now)
        return f"{reason} ({self._keys['sign-in']})" if reason and can_sign_in else reason

    # What was decided here

    def in_flight(self, approval_id: str) -> bool:
        """Whether this console has answered it, unless that certainly did not count."""
        sending = self._sendings.get(self._key(approval_id))
        return sending is not None and sending.may_count

    @property
    def sending_now(self) -> bool:
        """Whether a decision is on its way to the wire."""
        return self.backend.busy(_SENDS)

    @property
    def held(self) -> tuple[Sending, ...]:
        """What is held back: answered here, not sent, and not sent at all if it is cancelled."""
        return tuple(sending for sending in self._sendings.values() if sending.key.context == self.name and sending.due)

    def cancel_held(self, reason: str) -> tuple[Sending, ...]:
        """Sends nothing of what is held back; returns what was."""
        return tuple(self._change(sending.key.approval_id, due=None, withdrawn=reason) for sending in self.held)

    def send_due(self, to: MessagePump) -> None:
        """Sends what has been held back long enough."""
        for sending in self.held:
            if sending.due is not None and sending.due <= self.now():
                self._send(replace(sending, due=None), to)

    def sent(self, approval_id: str, receipt: DecisionReceipt) -> None:
        """The ledger holds our decision."""
        self._change(approval_id, receipt=receipt)

    def not_sent(self, approval_id: str, error: Exception) -> Sending:
        """It did not count, or nobody can say yet."""
        return self._change(approval_id, error=error)

    def ended(self, approval: Approval) -> Sending:
        """The watch is over."""
        return self._change(approval.approval_id, ended=approval)

    def _change(self, approval_id: str, **changed: object) -> Sending:
        key = self._key(approval_id)
        self._sendings[key] = sending = replace(self._sendings[key], **changed)  # type: ignore[arg-type]
        return sending

    def _key(self, approval_id: str) -> ApprovalKey:
        return ApprovalKey(self.name, approval_id)

    # What came

    def opened(self, where: str, *, read_only: bool) -> None:
        """Its environment can be used, the first time or anew; whose identity it has now has to be asked again."""
        self.where = where
        self.read_only = self.read_only or read_only
        self.caller = ""
        self._wants_caller = True

    def failed(self, error: Exception) -> None:
        """A call failed: the timed ones rest a while, longer each time AWS asks for fewer."""
        if isinstance(error, CredentialsProblem):
            # Whoever signs in anew, here or in another terminal, is only seen by clients that are made anew.
            self.backend.reopen()
        # One that may not be read says nothing about the others; several lanes that fail at once count once.
        if not isinstance(error, Unreachable) or isinstance(error, AccessDenied) or self.rests():
            return
        if isinstance(error, Throttled):
            self._resting_until = self.now() + self._rest
            self._rest = min(self._rest * 2, LONGEST_REST)
        else:
            self._resting_until = self.now() + REST
            self._unanswered += 1
            if self._unanswered % REOPEN_AFTER == 0:
                self.backend.reopen()

    def rests(self) -> bool:
        """Whether the timed questions pause; what a person asks for is asked."""
        return self._resting_until is not None and self.now() < self._resting_until

    def took_rows(self, rows: Sequence[InboxRow]) -> int:
        """A fresh inbox came; returns how much of it is new. The first is no news."""
        new = sum(row.approval_id not in self._rows for row in rows) if self.freshness.loaded_at is not None else 0
        self._rows = {row.approval_id: row for row in rows}
        self.freshness = Freshness(self.now(), credentials=self.freshness.credentials)
        self._rest, self._resting_until, self._unanswered = REST, None, 0
        return new

    def missed_rows(self, error: Exception) -> None:
        """It did not come: what is shown grows old."""
        self.freshness = replace(self.freshness, error=error, retry_at=self._resting_until)

    def took_credentials(self, credentials: Credentials) -> None:
        """How one signs in, and until when that lasts."""
        self.freshness = replace(self.freshness, credentials=credentials)

    # What to ask for

    def load_rows(self, to: MessagePump) -> None:
        """Asks for the inbox, unless it has been asked for and has not come yet."""
        if not self.backend.busy("inbox"):
            self.backend.call(
                "inbox",
                self._waiting,
                lambda error: messages.WaitingLoadFailed(error, context=self.name),
                to,
            )

    def _waiting(self, environment: Environment) -> messages.WaitingLoaded:
        rows = environment.approvals.waiting()
        # Which account it is becomes known with the first answer.
        return messages.WaitingLoaded(self.name, rows, environment.where)

    def poll(self, to: MessagePump) -> None:
        """Asks for the inbox again, unless it pauses."""
        if not self.rests():
            self.load_rows(to)

    def start_anew(self, to: MessagePump) -> None:
        """Opens the environment anew and asks at once."""
        self.backend.reopen()
        self._resting_until = None
        self.load_rows(to)

    def load_caller(self, to: MessagePump) -> None:
        """Asks whose identity decisions will carry, once an environment."""
        if self._wants_caller:
            self._wants_caller = False
            self.backend.call(
                "caller",
                lambda environment: messages.CallerLoaded(self.name, environment.caller()),
                messages.LoadFailed,
                to,
            )

    @property
    def looks_up_credentials(self) -> bool:
        """Whether it is being looked up how one signs in here."""
        return self.backend.busy(_CREDENTIALS)

    def load_credentials(self, to: MessagePump) -> None:
        """Asks how one signs in here, and until when that lasts."""
        if not self.looks_up_credentials:
            self.backend.call(
                _CREDENTIALS,
                lambda environment: messages.CredentialsLoaded(self.name, environment.credentials()),
                messages.LoadFailed,
                to,
                anew=False,
            )

    def load_last_run(self, to: MessagePump) -> None:
        """Asks for the newest execution, unless the list of them is on its way."""

        def newest(environment: Environment) -> messages.LastRunLoaded:
            return messages.LastRunLoaded(self.name, next(iter(environment.executions.page().executions), None))

        if not self.backend.busy("executions"):
            self.backend.call("executions", newest, messages.LoadFailed, to)

    def load_approval(self, approval_id: str, to: MessagePump) -> None:
        """Asks for a whole record."""

        def load(environment: Environment) -> messages.ApprovalLoaded:
            return messages.ApprovalLoaded(self.name, approval_id, _record(environment, approval_id))

        self.backend.call("reviews", load, lambda error: messages.ApprovalLoadFailed(error, approval_id, self.name), to)

    def load_background(self, approval: Approval, to: MessagePump) -> None:
        """Asks for what surrounds a record; it may take longer than the record, and nothing waits for it."""

        def load(environment: Environment) -> messages.BackgroundLoaded:
            return messages.BackgroundLoaded(self.name, approval.approval_id, read_background(environment, approval))

        self.backend.call("backgrounds", load, messages.LoadFailed, to)

    def load_marked(self, ids: Sequence[str], to: MessagePump, *, approved: bool) -> None:
        """Asks for several whole records, to be answered together."""

        def load(environment: Environment) -> messages.MarkedLoaded:
            records = [_record(environment, approval_id) for approval_id in ids]
            return messages.MarkedLoaded(self.name, records, approved=approved)

        self.backend.call("reviews", load, messages.MarkedLoadFailed, to)

    # What goes out

    def send(self, approval: Approval, request: DecisionRequest, to: MessagePump, batch: str = "") -> None:
        """Sends a decision, once it has been held back; one at a time, in the order they were made."""
        sending = Sending(self._key(approval.approval_id), approval, request, batch=batch)
        # Put last even where the same approval was tried before.
        self._sendings.pop(sending.key, None)
        if self.hold:
            self._sendings[sending.key] = replace(sending, due=self.now() + self.hold)
        else:
            self._send(sending, to)

    def _send(self, sending: Sending, to: MessagePump) -> None:
        self._sendings[sending.key] = sending
        approval, request = sending.approval, sending.request

        def send(environment: Environment) -> messages.DecisionSent:
            receipt = environment.approvals.decide(approval.approval_id, request)
            return messages.DecisionSent(self.name, approval, request, receipt)

        self.backend.call(
            _SENDS, send, lambda error: messages.DecisionSendFailed(self.name, approval, request, error), to
        )

    def watch(self, approval_id: str, to: MessagePump) -> None:
        """Waits for the outcome, beside everything else."""

        def watch(environment: Environment) -> messages.OutcomeLoaded:
            return messages.OutcomeLoaded(self.name, environment.approvals.outcome(approval_id, OUTCOME_TIMEOUT))

        self.backend.call(
            f"outcome-{approval_id}",
            watch,
            lambda error: messages.OutcomeLoadFailed(error, approval_id, self.name),
            to,
        )

    def claim(self, approval_id: str, to: MessagePump, duration: timedelta = CLAIM_DURATION) -> None:
        """Tells others that somebody looks at it."""

        def claim(environment: Environment) -> messages.Claimed:
            environment.approvals.claim(approval_id, duration)
            return messages.Claimed(self.name, approval_id)

        self.backend.call("claims", claim, lambda error: messages.ClaimFailed(error, approval_id, self.name), to)


def _record(environment: Environment, approval_id: str) -> Approval:
    """The record of one that is or was in the inbox: that there is none is news, no slip of the pen."""
    try:
        return environment.approvals.approval(approval_id)
    except NotFound as error:
        raise ApprovalGone(approval_id) from error


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A row of the inbox, and where it waits."""

    context: Context
    row: InboxRow
    row_key: str
    """Its key in a table: unique across contexts."""

    @property
    def key(self) -> ApprovalKey:
        """What tells it apart."""
        return ApprovalKey(self.context.name, self.row.approval_id)

    @property
    def in_flight(self) -> bool:
        """Whether this console has answered it."""
        return self.context.in_flight(self.row.approval_id)
