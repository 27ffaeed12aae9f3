"""A console that somebody leaves open: it asks again and again, follows what others decide, and locks on old rows.

What `tui.app` does by its timers is done here in a few lines, and more seldom while nobody looks: a night has hours.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from textual.message import Message

from qlikops.aws import records
from qlikops.domain.ledger import RECORD, approval_partition
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.tui.model import messages
from tests.simulation import limits
from tests.simulation.console import BEAT_SECONDS, Console
from tests.simulation.plant import Person, World
from tests.simulation.saying import Saying

_POLL_SECONDS = 2.0
_SELDOM_SECONDS = 45.0
"""From one question to the next while nobody looks."""
_KNOWN_SECONDS = 300.0
"""After which a console knows what has become of something: it asks each minute, and rests for up to one more."""
_ROUNDING = 0.001


class OpenConsole(Console):
    """One start of it."""

    def __init__(self, world: World, name: str, saying: Saying) -> None:
        super().__init__(world, name, saying)
        self._chance = random.Random(world.kernel.random.random())  # noqa: S311 - replayable
        self._rows_at = self._hindered_at = -math.inf
        """When rows came last, unless the next have not; and when anything last did not."""
        self._beat_at = self._asked_at = world.kernel.now
        self._opened_as = ""
        self._seen: set[str] = set()
        """What has been in the inbox."""
        self._excused: set[str] = set()
        """Of that, what may be forgotten."""
        self._became: dict[str, tuple[ProposalRecord, float]] = {}
        """Each record in the ledger as far as it is followed, and since when it has been like that."""

    def locked_because(self) -> str:
        """Why nothing can be decided right now."""
        if reason := self.context.locked_because():
            self.world.faults.reached("a console that is locked")
        return reason

    def stay(self, seconds: float) -> None:
        """It goes on asking; somebody else may sign in, and the laptop be closed."""
        kernel, until = self.world.kernel, self.world.kernel.now + seconds
        while (left := until - kernel.now) > 0:
            befalls = self._chance.random()
            kernel.sleep(min(left, _SELDOM_SECONDS))
            if befalls < 0.02:
                kernel.sleep(self._chance.choice([100.0, 2000.0]))
            elif befalls < 0.04:
                self._sign_in()
            self.beat()

    def look(self) -> bool:
        """Somebody looks at it, as soon as there are rows; whether they may decide on what they see."""
        self.context.load_rows(self.to)
        for _ in range(10):
            self.world.kernel.sleep(BEAT_SECONDS)
            self.beat()
            if not self.context.backend.busy("inbox"):
                break
        return not self.locked_because()

    def beat(self) -> None:
        """Also asks, and looks at what it knows."""
        now, context = self.world.kernel.now, self.context
        if now - self._beat_at > 2 * _SELDOM_SECONDS or self._is_slow():
            self._hindered_at = now
        self._beat_at = now
        super().beat()
        if context.caller not in ("", self._opened_as):
            self.saying.misnamed.append((context.caller, self._opened_as))
        is_watched = self.outbox.held or self.outbox.sending_now
        if now - self._asked_at < (_POLL_SECONDS if is_watched else _SELDOM_SECONDS) - _ROUNDING:
            return
        self._asked_at = now
        self._note_what_left()
        context.poll(self.to)
        context.load_followed(self.to)
        if context.freshness.error is None:
            context.load_caller(self.to)

    def _is_slow(self) -> bool:
        """Whether what was asked for is not there yet."""
        busy = self.context.backend.busy
        return self.world.kernel.now - self._asked_at > _POLL_SECONDS and (busy("inbox") or busy("followed"))

    def hear(self, message: Message) -> None:
        """What the app does with what comes, beside decisions."""
        super().hear(message)
        context, now = self.context, self.world.kernel.now
        match message:
            case messages.EnvironmentOpened():
                context.opened(message.where, read_only=message.read_only)
            case messages.CallerLoaded():
                context.took_caller(message)
            case messages.CallFailed():
                self._hindered_at = now
                context.failed(message.error)
            case messages.WaitingLoaded():
                self._take_rows(message)
            case messages.WaitingLoadFailed():
                self._rows_at = -math.inf
                context.missed_rows(message.error)
            case messages.FollowedLoaded():
                for record in message.approvals:
                    self._follow(record)
            case messages.FollowedLoadFailed():
                context.missed_followed(message.ids, message.error)

    def note_order(self, lane: str) -> None:
        """Also whether what is decided on is live."""
        super().note_order(lane)
        if (age := self.world.kernel.now - self._rows_at) > limits.LIVE + _ROUNDING:
            self.saying.not_live.append((self.sent_in(lane).request.decision_id, age))

    def caller_now(self) -> Callable[[], str]:
        """STS may take a minute, and somebody else may have signed in by then."""
        person, kernel, takes = self.person, self.world.kernel, self._chance.choice([0.1, 0.1, 60.0])
        self._opened_as = person.caller()

        def caller() -> str:
            kernel.sleep(takes)
            return person.caller()

        return caller

    def _sign_in(self) -> None:
        self.world.faults.reached("somebody else at a console")
        self.take_back("you went to sign in")
        self.person = Person(self.world, f"{self.name}-{self._chance.randrange(100)}", self.saying.sent)
        self.approvals = self._approvals()
        self.context.start_anew(self.to)

    def _take_rows(self, message: messages.WaitingLoaded) -> None:
        before, self._rows_at = {row.approval_id for row in self.context.rows}, self.world.kernel.now
        self.context.took_rows(message.rows)
        self.context.load_followed(self.to)
        if self.context.wants_caller:
            self.context.wants_caller = False
            self.context.load_caller(self.to)
        there = {row.approval_id for row in message.rows}
        self._seen |= there
        self._excused -= there
        if len(before - there) > limits.FOLLOWED_AT_ONCE:
            self._excused |= before - there

    def _follow(self, record: ProposalRecord) -> None:
        told = self.context.followed(record)
        if record.status is Status.WAITING:  # it is asked again, and may be answered before the index has it
            self._excused.add(record.approval_id)
        if told is None:
            return
        self.world.faults.reached("told that a restart fell over" if told.fell_over else "told what others decided")
        if self.outbox.in_flight(record.approval_id):
            self.outbox.ended(record)

    def _note_what_left(self) -> None:
        """Whether it knows what became of what left the inbox, where it has had the time to ask."""
        now, known = self.world.kernel.now, self.context.following.records
        for name in self._seen - self._excused - {row.approval_id for row in self.context.rows}:
            item = self.world.dynamodb.items.get((approval_partition(name), RECORD))
            if item is None or name in self.world.tampered:
                continue
            became, since = self._became.get(name, (None, now))
            record = records.approval(item, self.context.now())
            if became is None or _followed(record) != _followed(became):
                since = now
            self._became[name] = record, since
            is_over = now - record.updated_at.timestamp() > limits.FOLLOWED - _KNOWN_SECONDS
            is_ours = self.outbox.in_flight(name) and name not in known
            if record.status is Status.WAITING or is_over or is_ours:
                continue
            if now - max(since, self._hindered_at) < _KNOWN_SECONDS:
                continue
            if name not in known or _followed(known[name]) != _followed(record):
                self.saying.not_followed.append((name, record.status))


def _followed(record: ProposalRecord) -> object:
    return record.status, record.lasting, record.waits
