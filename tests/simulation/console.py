"""The console as an operator has it: its own outbox and backend, in the world's time, and no screen.

What `tui.app` does with what comes back is done here in a few lines: context and outbox are told, and held decisions go
out or are withdrawn by the same pulse. A console may be suspended, killed, or cut off from the network, like a laptop.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from textual.message import Message

from qlikops.aws.approvals import LedgerApprovals, Timing
from qlikops.domain.errors import DecisionUnknown, Unreachable
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import ProposalRecord, Status, choice_of
from qlikops.presentation.tone import plain
from qlikops.tui.keys import KeyNames
from qlikops.tui.model import messages
from qlikops.tui.model.context import ContextSource, LiveContext
from qlikops.tui.model.outbox import ApprovalKey, ReviewedDecision, Sending
from qlikops.tui.screens.decision import CLAIM_WHILE_ASKED
from qlikops.tui.terminal.pulse import Pulse
from tests.simulation.kernel import Process
from tests.simulation.plant import Person, World
from tests.simulation.saying import Named, Saying

BEAT_SECONDS = 0.4
HOLD, HOLD_OF_RELOAD = timedelta(seconds=5), timedelta(seconds=10)
"""That a decision is held back, and one that loads a task again."""
_ROUNDING = 0.001
_SENDING = "qlikops-send-"
"""What the names of lanes begin with that send a decision."""
_WATCH_AGAIN_SECONDS = 30.0


class _Watched(LedgerApprovals):
    """Says for how long a console waits for each outcome."""

    def __init__(self, person: Person, timing: Timing, saying: Saying) -> None:
        super().__init__(person, timing)
        self._said = saying.patience

    def outcome(self, approval_id: str, timeout: timedelta) -> ProposalRecord:
        self._said.append((approval_id, timeout.total_seconds()))
        return super().outcome(approval_id, timeout)


class Console:
    """One start of the console."""

    def __init__(self, world: World, name: str, saying: Saying) -> None:
        self.world, self.name, self.saying = world, name, saying
        self._lanes: list[Process] = []
        self._lost: set[str] = set()
        """Batches of which a decision may have been lost, or could not be sent."""
        self._taken_back: set[ApprovalKey] = set()
        """What was held when somebody cancelled it, or when the console had stood still."""
        self._came: list[Message] = []
        self._decided_at: dict[str, float] = {}
        kernel = world.kernel
        self.person = Person(world, name, saying.sent)
        self.sendings: dict[Any, Sending] = {}
        self.to = cast("Any", self)
        source = ContextSource("night", self._open, hold_seconds=HOLD.total_seconds())
        keys = KeyNames({}, str)
        self.context = LiveContext(source, self.to, kernel.time, self.sendings, keys, start=self._start)
        self.outbox = self.context.outbox
        self.approvals = self._approvals()
        self._pulse = Pulse(kernel.time)

    def _approvals(self) -> LedgerApprovals:
        kernel = self.world.kernel
        timing = Timing(now=self.world.clock_of_people, monotonic=kernel.monotonic, sleep=kernel.sleep)
        return _Watched(self.person, timing, self.saying)

    def _open(self) -> ContextServices:
        services = SimpleNamespace(
            approvals=self.approvals,
            where="simulated",
            agent_version="",
            read_only=False,
            waits_for=None,
            caller=self.caller_now(),
            close=lambda: None,
        )
        return cast("ContextServices", services)

    def caller_now(self) -> Callable[[], str]:
        """What says whose identity decisions carry, of an environment that is opened now."""
        return self.person.caller

    @property
    def processes(self) -> list[Process]:
        """Its lanes that are at it."""
        return [lane for lane in self._lanes if not lane.is_over]

    def _start(self, lane: str, body: Callable[[], None]) -> None:
        if lane.startswith(_SENDING):
            self.note_order(lane)
        self._lanes.append(self.world.kernel.spawn(f"{self.name}:{lane}", body))

    def note_order(self, lane: str) -> None:
        """Whether a decision goes out that was to wait for another one, or not to go out at all."""
        this = self.sent_in(lane)
        held = self.world.kernel.now - self._decided_at.get(this.request.decision_id, 0.0)
        reloads = this.request.approved and choice_of(this.approval.proposal, this.request.decision()).loads_again
        if held < (HOLD_OF_RELOAD if reloads else HOLD).total_seconds() - _ROUNDING:
            self.saying.too_soon.append((this.request.decision_id, held))
        beside = [self.sent_in(each.name.partition(":")[2]) for each in self.processes if f":{_SENDING}" in each.name]
        if beside and any(each.request.approved for each in (this, *beside)):
            self.saying.side_by_side.append(this.request.decision_id)
        if this.batch in self._lost:
            self.saying.after_a_lost_one.append(this.request.decision_id)

    def sent_in(self, lane: str) -> Sending:
        return self.sendings[ApprovalKey("night", lane.removeprefix(_SENDING))]

    def post_message(self, message: Message) -> bool:
        """What a lane says; heard with the next beat."""
        self._came.append(message)
        return True

    def beat(self) -> None:
        """What the UI thread does a few times a second: hears what came, and lets go what was held long enough."""
        came, self._came = self._came, []
        for message in came:
            self.hear(message)
        if (missed := self._pulse.missed()) and self.outbox.held:
            self.take_back(f"the console stood still for {missed.total_seconds():.0f} s")
        elif self.outbox.held and (reason := self.locked_because()):
            self.take_back(reason)
        self.outbox.send_due(self.to)
        for sending in self.sendings.values():
            self._note(sending)

    def locked_because(self) -> str:
        """Why nothing can be decided right now; one that asks for rows only as somebody looks does not say."""
        return ""

    def stay(self, seconds: float) -> None:
        """Somebody leaves it alone for so long."""
        self.world.kernel.sleep(seconds)

    def look(self) -> bool:
        """Somebody looks at it; whether they may decide on what they see."""
        return True

    def open(self, approval_id: str) -> None:
        """Somebody opens the dialog in which it is answered, and so says that they look at it."""
        self.context.claim(approval_id, self.to, CLAIM_WHILE_ASKED)

    def decide(self, answers: list[ReviewedDecision], batch: str = "") -> None:
        """Somebody has answered."""
        for approval, request in answers:
            verb = "approves" if request.approved else "denies"
            self.world.kernel.say(f"{verb} {approval.approval_id} in the console")
            self._decided_at[request.decision_id] = self.world.kernel.now
        self._pulse.missed()
        self.outbox.send(answers, self.to, batch)

    def cancel(self) -> None:
        """Somebody has thought again."""
        self.take_back("you cancelled it")
        self.beat()

    def take_back(self, why: str) -> None:
        """Nothing goes out of what is held."""
        self._taken_back.update(sending.key for sending in self.outbox.cancel_delayed(why))

    def hear(self, message: Message) -> None:
        match message:
            case messages.DecisionSent():
                self.outbox.sent(message.approval.approval_id, message.receipt, self.to)
                self._note_watch((message.approval.approval_id, message.request.decision_id))
                self.saying.receive(self.world, message.approval.approval_id, message.request.decision_id)
            case messages.DecisionSendFailed():
                named = message.approval.approval_id, message.request.decision_id
                if isinstance(message.error, DecisionUnknown):
                    reader = f"{self.name}:{_SENDING}{named[0]}"
                    self.saying.say_unknown(self.world, named, message.error, reader)
                self.saying.refuse(self.world, named[0], message.request.digest, message.error)
                batch = self.outbox.not_sent(message.approval.approval_id, message.error, self.to).batch
                if batch and isinstance(message.error, DecisionUnknown | Unreachable):
                    self._lost.add(batch)
                if isinstance(message.error, DecisionUnknown):
                    self._note_watch(named)
            case messages.OutcomeLoaded():
                if self.outbox.ended(message.approval).goes_on:
                    self._watch_again(message.approval.approval_id)
                else:
                    self.context.following.follow(message.approval, self.context.now())
            case messages.OutcomeLoadFailed():
                self._watch_again(message.asked)

    def _note_watch(self, named: Named) -> None:
        """Whether the outcome of what may count is waited for."""
        if not any(lane.name.endswith(f"-outcome-{named[0]}") for lane in self.processes):
            self.saying.not_watched.append(named)

    def _watch_again(self, approval_id: str) -> None:
        self.world.kernel.after(_WATCH_AGAIN_SECONDS, lambda: self.outbox.watch(approval_id, self.to))

    def _note(self, sending: Sending) -> None:
        """What the screen says of a decision by now."""
        named = (sending.key.approval_id, sending.request.decision_id)
        words = f"{plain(sending.progress(self.world.kernel.time()))} {sending.stage.text}".lower()
        is_lost = sending.ended is not None and sending.ended.status is Status.WAITING
        if is_lost and self.outbox.in_flight(sending.key.approval_id):
            self.saying.stuck.append(sending.request.decision_id)
        is_excused = sending.key in self._taken_back or sending.batch in self._lost
        if sending.withdrawn and not is_excused:
            self.saying.dropped.append(named)
        says_not_sent = "not sent" in words or "nothing was sent" in words
        if (says_not_sent or not sending.may_count) and sending.ended is None:
            self.saying.say_not_counted(named)
        if sending.receipt is not None:
            self.saying.say_counted(named)
        if sending.ended is not None and sending.ended.status.is_final:
            self.saying.say_end(sending.key.approval_id, sending.ended.status)
