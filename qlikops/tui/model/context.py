"""One context of the console: an environment with its inbox, its freshness, its identity, and what was decided in it.

All that leads to a decision lives here, so that one can only go where its record came from, and so that trouble in
one context locks only what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from textual.message_pump import MessagePump

from qlikops.dataclass import dataclass
from qlikops.domain.errors import (
    AccessDenied,
    ApprovalGone,
    CredentialsProblem,
    NotFound,
    QlikopsError,
    Throttled,
    Unreachable,
)
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.gathered.background import read_background
from qlikops.domain.gathered.shift_entry import ShiftEntry, entry_of
from qlikops.domain.ports import ContextServices, Credentials
from qlikops.domain.proposals.approval import InboxRow, ProposalRecord
from qlikops.domain.workflow.execution import ExecutionSummary
from qlikops.presentation.alert import Alerts
from qlikops.presentation.freshness import DataAge
from qlikops.presentation.lists.watch import WatchEvent, What, is_soon, unsaid
from qlikops.tui.keys import KeyNames
from qlikops.tui.model import messages
from qlikops.tui.model.backend import Backend, Start, in_a_thread
from qlikops.tui.model.following import Following, Told
from qlikops.tui.model.outbox import ApprovalKey, Clock, Outbox, Sending

CLAIM_DURATION = timedelta(minutes=10)

REST = timedelta(seconds=5)
"""How long the timed questions pause after one that failed; twice as long each time AWS asks for fewer."""
LONGEST_REST = timedelta(minutes=1)
REOPEN_AFTER = 3
"""So many times in a row without an answer, and the environment is opened anew: it may be elsewhere by now."""
_CREDENTIALS = "credentials"
_FOLLOWED = "followed"
_REVIEWS = "reviews"
"""Lane of the whole records."""


@dataclass(frozen=True, slots=True)
class ContextSource:
    """What the console is given to make a context of."""

    name: str
    """Unique among those of one console."""
    open: Callable[[], ContextServices]
    """May block and raise what `qlikops.domain.errors` lists. Called off the UI thread, and again after a failure."""
    read_only: bool = False
    hold_seconds: float = 0
    """How long a decision is held back, while it can be cancelled."""
    alerts: Alerts = Alerts()
    """How it reaches a person who looks elsewhere."""
    theme: str = ""
    """What the console looks like while it shows this context; empty for the person's own choice."""


class LiveContext:
    """Only handlers on the UI thread change it. `sendings` is shared by the contexts of a console."""

    def __init__(
        self,
        source: ContextSource,
        to: MessagePump,
        clock: Clock,
        sendings: dict[ApprovalKey, Sending],
        keys: KeyNames,
        *,
        several: bool = False,
        start: Start = in_a_thread,
    ) -> None:
        """`start` begins what runs beside the UI thread: a simulation has no threads."""
        self.name = source.name
        self.label = source.name if several else ""
        """What says which context something is in; empty where there is only one."""
        self.backend = Backend(source.name, source.open, to, start)
        self.clock = clock
        self.read_only = source.read_only
        self.outbox = Outbox(
            source.name, self.backend, clock, timedelta(seconds=source.hold_seconds), sendings, label=self.label
        )
        """What was decided in it."""
        self.following = Following()
        """What others decided in it, and restarts that came up."""
        self.alerts = source.alerts
        self.theme = source.theme
        self.where = ""
        self.caller = ""
        """Whose identity decisions carry."""
        self.freshness = DataAge()
        self.last_run: ExecutionSummary | None = None
        """The newest execution; None also where there is none, and before that is known."""
        self.knows_last_run = self.missed_last_run = False
        """Whether it has been looked up, and whether that failed the last time."""
        self._rows: dict[str, InboxRow] = {}
        self._gone: dict[str, None] = {}
        """Ids of what left the inbox under an answer of this console, which its outbox watches."""
        self._soon: frozenset[str] = frozenset()
        """What runs out soon, as was told or seen at the start."""
        self._rest = REST
        self._resting_until: datetime | None = None
        self._unanswered = 0
        self.wants_caller = False
        """Whether it is to be asked whose identity that is, once the first rows are there."""
        self._times_opened = 0
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
        can_sign_in = self.freshness.credentials.can_sign_in and self.freshness.wants_sign_in(now)
        return f"{reason} ({self._keys['sign-in']})" if reason and can_sign_in else reason

    # What came

    def opened(self, where: str, *, read_only: bool) -> None:
        """Notes that the environment can be used, the first time or anew; whose identity it has now has to be asked
        again.
        """
        self.where = where
        self.read_only = self.read_only or read_only
        self.caller = ""
        self.wants_caller = True
        self._times_opened += 1

    def failed(self, error: Exception) -> None:
        """A call failed: the timed ones rest a while, longer each time AWS asks for fewer."""
        if isinstance(error, CredentialsProblem):
            # Whoever signs in anew, here or in another terminal, is only seen by clients that are made anew.
            self.backend.reopen()
        if not _may_pass(error) or self.rests():  # several lanes that fail at once count once
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

    def took_rows(self, rows: Sequence[InboxRow]) -> tuple[WatchEvent, ...]:
        """A fresh inbox came; returns what is new or runs out soon, each once and unsaid. The first is no news."""
        news = tuple(self._news(rows)) if self.freshness.loaded_at is not None else ()
        now = self.now()
        before, self._rows = self._rows, {row.approval_id: row for row in rows}
        gone = [name for name in before if name not in self._rows]
        self._gone |= dict.fromkeys(filter(self.outbox.in_flight, gone))
        self.following.left(name for name in gone if name not in self._gone)
        self._soon = frozenset(row.approval_id for row in rows if is_soon(row, now))
        self.freshness = DataAge(self.now(), credentials=self.freshness.credentials)
        self._rest, self._resting_until, self._unanswered = REST, None, 0
        return news

    def _follow_the_gone(self) -> None:
        """Follows what left under an answer that turned out not to count, or was cancelled."""
        left = [name for name in self._gone if not self.outbox.in_flight(name)]
        self._gone = {name: None for name in self._gone if name not in left}
        self.following.want(name for name in left if name not in self._rows)

    def _news(self, rows: Sequence[InboxRow]) -> Iterator[WatchEvent]:
        now = self.now()
        for row in rows:
            name = row.approval_id
            if row.waits:
                continue
            if name not in self._rows:
                yield unsaid(row, now, What.NEW)
            elif name not in self._soon and is_soon(row, now) and not self.outbox.in_flight(name):
                yield unsaid(row, now, What.SOON)

    def missed_rows(self, error: Exception) -> None:
        """It did not come: what is shown grows old."""
        self.freshness = replace(self.freshness, error=error, retry_at=self._resting_until)

    def took_credentials(self, credentials: Credentials) -> None:
        """How one signs in, and until when that lasts."""
        self.freshness = replace(self.freshness, credentials=credentials)

    def look_at_waiting(self) -> bool:
        """Whether it changed what signing in waits for, or that still goes on and is a second older."""
        waiting = self.backend.waits_for
        changed = waiting is not None or self.freshness.waits_for is not None
        self.freshness = replace(self.freshness, waits_for=waiting)
        return changed or self.freshness.loaded_at is None

    def deeds(self, known: Mapping[TaskKey, ShiftEntry]) -> dict[TaskKey, ShiftEntry]:
        """What was decided of each task: what is `known` of the ledger, or what this console has learnt since."""
        deeds = dict(known)
        for record in (*self.following.records.values(), *self.outbox.records):
            entry = entry_of(record)
            for target in record.chosen.targets:
                before = deeds.get(target.key)
                if before is None or entry.is_newer_than(before):
                    deeds[target.key] = entry
        return deeds

    def followed(self, record: ProposalRecord) -> Told | None:
        """The record of what others decided, or of a restart that came up, has come; returns what is new of it."""
        now = self.now()
        if not self.following.took(record, now):
            return None
        return Told(now, record, self.label, self.caller)

    def missed_followed(self, ids: Sequence[str], error: Exception) -> None:
        """Records that are followed did not come. Asks for them again if the environment may answer by then."""
        if _may_pass(error):
            self.following.want(ids)

    # What to ask for

    def load_rows(self, to: MessagePump) -> None:
        """Asks for the inbox, unless it has been asked for and has not come yet."""
        if not self.backend.busy("inbox"):
            if self.freshness.asked_at is None:
                self.freshness = replace(self.freshness, asked_at=self.now())
            self.backend.call(
                "inbox",
                self._waiting,
                lambda error: messages.WaitingLoadFailed(error, context=self.name),
                to,
            )

    def _waiting(self, environment: ContextServices) -> messages.WaitingLoaded:
        rows = environment.approvals.inbox()
        # Which account it is becomes known with the first answer.
        return messages.WaitingLoaded(self.name, rows, environment.where, environment.agent_version)

    def poll(self, to: MessagePump) -> None:
        """Asks for the inbox again, unless it pauses."""
        if not self.rests():
            self.load_rows(to)

    def start_anew(self, to: MessagePump) -> None:
        """Opens the environment anew and asks at once."""
        self.backend.reopen()
        self.start_over(to)

    def start_over(self, to: MessagePump) -> None:
        """Asks at once."""
        self._resting_until = None
        self.load_rows(to)

    def load_caller(self, to: MessagePump) -> None:
        """Asks whose identity decisions will carry, unless that is known."""
        opened = self._times_opened
        if not self.caller:
            self.backend.call(
                "caller",
                lambda environment: messages.CallerLoaded(self.name, environment.caller(), opened),
                messages.LoadFailed,
                to,
            )

    def took_caller(self, message: messages.CallerLoaded) -> None:
        """Takes the caller's identity. Drops an answer that was asked for before the environment was opened anew."""
        if message.times_opened == self._times_opened:
            self.caller = message.caller

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
        """Asks for the execution that began last, unless the list of them is on its way."""

        def newest(environment: ContextServices) -> messages.LastRunLoaded:
            runs = environment.executions.page().executions
            return messages.LastRunLoaded(self.name, max(runs, key=lambda run: run.started_at, default=None))

        if not self.backend.busy("executions"):
            self.backend.call(
                "executions", newest, lambda error: messages.LastRunLoadFailed(error, context=self.name), to
            )

    def load_approval(self, approval_id: str, to: MessagePump) -> None:
        """Asks for a whole record."""

        def load(environment: ContextServices) -> messages.ApprovalLoaded:
            return messages.ApprovalLoaded(self.name, approval_id, _record(environment, approval_id))

        self.backend.call(_REVIEWS, load, lambda error: messages.ApprovalLoadFailed(error, approval_id, self.name), to)

    def load_again(self, ids: Sequence[str], to: MessagePump) -> None:
        """Asks for records that something may have become of, unless any are being read or the questions pause."""
        if not self.backend.busy(_REVIEWS) and not self.rests():
            for approval_id in ids:
                self.load_approval(approval_id, to)

    def load_background(self, approval: ProposalRecord, to: MessagePump) -> None:
        """Asks for what surrounds a record; it may take longer than the record, and nothing waits for it."""

        def load(environment: ContextServices) -> messages.BackgroundLoaded:
            return messages.BackgroundLoaded(self.name, approval.approval_id, read_background(environment, approval))

        self.backend.call("backgrounds", load, messages.LoadFailed, to)

    def load_followed(self, to: MessagePump) -> None:
        """Asks for what others decided, and for restarts that came up, as far as something may have become of them."""

        def load(environment: ContextServices) -> messages.FollowedLoaded:
            found, missed = _records(environment, ids)
            return messages.FollowedLoaded(
                self.name, found, [error for error in missed.values() if not isinstance(error, ApprovalGone)]
            )

        self._follow_the_gone()
        if not self.rests() and not self.backend.busy(_FOLLOWED) and (ids := self.following.due(self.now())):
            self.backend.call(
                _FOLLOWED, load, lambda error: messages.FollowedLoadFailed(error, context=self.name, ids=ids), to
            )

    def load_marked(self, ids: Sequence[str], to: MessagePump) -> None:
        """Asks for several whole records, to be answered together."""

        def load(environment: ContextServices) -> messages.MarkedLoaded:
            return messages.MarkedLoaded(*_records(environment, ids))

        self.backend.call(_REVIEWS, load, messages.MarkedLoadFailed, to)

    def claim(self, approval_id: str, to: MessagePump, duration: timedelta = CLAIM_DURATION) -> None:
        """Tells others that you look at it."""

        def claim(environment: ContextServices) -> messages.Claimed:
            environment.approvals.claim(approval_id, duration)
            return messages.Claimed(self.name, approval_id)

        self.backend.call("claims", claim, messages.ClaimFailed, to)

    def stop_waiting(self, approval_id: str, to: MessagePump) -> None:
        """Pulls the brake of a restart that waits for its endpoint."""

        def stop(environment: ContextServices) -> messages.WaitStopped:
            environment.approvals.stop_waiting(approval_id)
            return messages.WaitStopped(self.name, approval_id)

        self.backend.call("claims", stop, messages.ClaimFailed, to)

    def release(self, approval_id: str, to: MessagePump) -> None:
        """Takes one's own claim back."""

        def release(environment: ContextServices) -> messages.Claimed:
            environment.approvals.release(approval_id)
            return messages.Claimed(self.name, approval_id, is_released=True)

        self.backend.call("claims", release, messages.ClaimFailed, to)


def _record(environment: ContextServices, approval_id: str) -> ProposalRecord:
    """The record of one that is or was in the inbox: that there is none is news, no typing mistake."""
    try:
        return environment.approvals.approval(approval_id)
    except NotFound as error:
        raise ApprovalGone(approval_id) from error


def _records(environment: ContextServices, ids: Sequence[str]) -> tuple[list[ProposalRecord], dict[str, QlikopsError]]:
    """The records of `ids`, and by id the errors of those that are gone or spoilt. These keep none of the others.

    Raises Unreachable.
    """
    found, missed = [], {}
    for approval_id in ids:
        try:
            found.append(_record(environment, approval_id))
        except Unreachable:
            raise
        except QlikopsError as error:
            missed[approval_id] = error
    return found, missed


def _may_pass(error: Exception) -> bool:
    """Whether the environment did not answer for a moment. Access that is denied to one record says nothing about
    other calls, and does not pass by itself.
    """
    return isinstance(error, Unreachable) and not isinstance(error, AccessDenied)


@dataclass(frozen=True, slots=True, eq=False)
class WaitingRow:
    """A row of the inbox, and where it waits."""

    context: LiveContext
    row: InboxRow
    row_key: str
    """Key of the row in a table: unique across contexts."""

    @property
    def key(self) -> ApprovalKey:
        """What tells it apart."""
        return ApprovalKey(self.context.name, self.row.approval_id)

    @property
    def order(self) -> tuple[bool, datetime, str]:
        """Sorts questions by their deadline, and restarts that wait for their endpoint after them."""
        return self.row.waits is not None, self.row.deadline, self.row_key

    @property
    def in_flight(self) -> bool:
        """Whether this console has answered it."""
        return self.context.outbox.in_flight(self.row.approval_id)

    @property
    def can_be_marked(self) -> bool:
        """Whether it could still be answered together with others: one whose row cannot be read has no digest."""
        return bool(self.row.digest) and not self.context.read_only and not self.in_flight
