"""The console as an operator has it: its own outbox and backend, in the world's time, and no screen.

What `tui.app` does with what comes back is done here in a few lines: the outbox is told, and held decisions go out or
are withdrawn by the same pulse. A console may be suspended, killed, or cut off from the network, like a laptop.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from textual.message import Message

from qlikops.aws.approvals import LedgerApprovals, Timing
from qlikops.domain.errors import DecisionUnknown, QlikopsError, Unreachable
from qlikops.domain.ports import Approve, ContextServices, DecisionRequest, Deny
from qlikops.domain.proposals.approval import ProposalRecord, Status, choice_of
from qlikops.presentation.tone import plain
from qlikops.tui.model import messages
from qlikops.tui.model.backend import Backend
from qlikops.tui.model.outbox import ApprovalKey, Outbox, ReviewedDecision, Sending
from qlikops.tui.screens.decision import CLAIM_WHILE_ASKED
from qlikops.tui.terminal.pulse import Pulse
from tests.simulation.actors import SPARED
from tests.simulation.choosing import terms_chosen, waiting
from tests.simulation.kernel import Process
from tests.simulation.night import Habit, Operator
from tests.simulation.plant import Person, World
from tests.simulation.saying import Named, Saying

BEAT_SECONDS = 0.4
HOLD, HOLD_OF_RELOAD = timedelta(seconds=5), timedelta(seconds=10)
"""That a decision is held back, and one that loads a task again."""
_ROUNDING = 0.001
_SENDING = "qlikops-send-"
"""What the names of lanes begin with that send a decision."""
_WATCH_AGAIN_SECONDS = 30.0
_WAYS = {Habit.CHOOSES: terms_chosen, Habit.WAITS: waiting}
"""In which somebody approves of something else than what is proposed."""


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
        self._world, self._name, self._saying = world, name, saying
        self._lanes: list[Process] = []
        self._lost: set[str] = set()
        """Batches of which a decision may have been lost, or could not be sent."""
        self._taken_back: set[ApprovalKey] = set()
        """What was held when somebody cancelled it, or when the console had stood still."""
        self._came: list[Message] = []
        self._decided_at: dict[str, float] = {}
        kernel = world.kernel
        person = Person(world, name, saying.sent)
        timing = Timing(now=world.clock_of_people, monotonic=kernel.monotonic, sleep=kernel.sleep)
        approvals = _Watched(person, timing, saying)
        services = SimpleNamespace(
            approvals=approvals, where="simulated", read_only=False, waits_for=None, close=lambda: None
        )
        self.approvals = approvals
        self.sendings: dict[Any, Sending] = {}
        self._to = cast("Any", self)
        self._backend = Backend("night", lambda: cast("ContextServices", services), self._to, self._start)
        self.outbox = Outbox("night", self._backend, kernel.time, HOLD, self.sendings)
        self._pulse = Pulse(kernel.time)

    @property
    def processes(self) -> list[Process]:
        """Its lanes that are at it."""
        return [lane for lane in self._lanes if not lane.is_over]

    def _start(self, lane: str, body: Callable[[], None]) -> None:
        if lane.startswith(_SENDING):
            self._note_order(lane)
        self._lanes.append(self._world.kernel.spawn(f"{self._name}:{lane}", body))

    def _note_order(self, lane: str) -> None:
        """Whether a decision goes out that was to wait for another one, or not to go out at all."""
        this = self._sent_in(lane)
        held = self._world.kernel.now - self._decided_at.get(this.request.decision_id, 0.0)
        reloads = this.request.approved and choice_of(this.approval.proposal, this.request.decision()).loads_again
        if held < (HOLD_OF_RELOAD if reloads else HOLD).total_seconds() - _ROUNDING:
            self._saying.too_soon.append((this.request.decision_id, held))
        beside = [self._sent_in(each.name.partition(":")[2]) for each in self.processes if f":{_SENDING}" in each.name]
        if beside and any(each.request.approved for each in (this, *beside)):
            self._saying.side_by_side.append(this.request.decision_id)
        if this.batch in self._lost:
            self._saying.after_a_lost_one.append(this.request.decision_id)

    def _sent_in(self, lane: str) -> Sending:
        return self.sendings[ApprovalKey("night", lane.removeprefix(_SENDING))]

    def post_message(self, message: Message) -> bool:
        """What a lane says; heard with the next beat."""
        self._came.append(message)
        return True

    def beat(self) -> None:
        """What the UI thread does a few times a second: hears what came, and lets go what was held long enough."""
        came, self._came = self._came, []
        for message in came:
            self._hear(message)
        if (missed := self._pulse.missed()) and self.outbox.held:
            self._take_back(f"the console stood still for {missed.total_seconds():.0f} s")
        self.outbox.send_due(self._to)
        for sending in self.sendings.values():
            self._note(sending)

    def open(self, approval_id: str) -> None:
        """Somebody opens the dialog in which it is answered, and so says that they look at it."""

        def claim(services: ContextServices) -> messages.Claimed:
            services.approvals.claim(approval_id, CLAIM_WHILE_ASKED)
            return messages.Claimed("night", approval_id)

        self._backend.call("claims", claim, messages.ClaimFailed, self._to)

    def decide(self, answers: list[ReviewedDecision], batch: str = "") -> None:
        """Somebody has answered."""
        for approval, request in answers:
            verb = "approves" if request.approved else "denies"
            self._world.kernel.say(f"{verb} {approval.approval_id} in the console")
            self._decided_at[request.decision_id] = self._world.kernel.now
        self._pulse.missed()
        self.outbox.send(answers, self._to, batch)

    def cancel(self) -> None:
        """Somebody has thought again."""
        self._take_back("you cancelled it")
        self.beat()

    def _take_back(self, why: str) -> None:
        self._taken_back.update(sending.key for sending in self.outbox.cancel_delayed(why))

    def _hear(self, message: Message) -> None:
        match message:
            case messages.DecisionSent():
                self.outbox.sent(message.approval.approval_id, message.receipt, self._to)
                self._note_watch((message.approval.approval_id, message.request.decision_id))
                self._saying.receive(self._world, message.approval.approval_id, message.request.decision_id)
            case messages.DecisionSendFailed():
                named = message.approval.approval_id, message.request.decision_id
                if isinstance(message.error, DecisionUnknown):
                    reader = f"{self._name}:{_SENDING}{named[0]}"
                    self._saying.say_unknown(self._world, named, message.error, reader)
                self._saying.refuse(self._world, named[0], message.request.digest, message.error)
                batch = self.outbox.not_sent(message.approval.approval_id, message.error, self._to).batch
                if batch and isinstance(message.error, DecisionUnknown | Unreachable):
                    self._lost.add(batch)
                if isinstance(message.error, DecisionUnknown):
                    self._note_watch(named)
            case messages.OutcomeLoaded():
                if self.outbox.ended(message.approval).goes_on:
                    self._watch_again(message.approval.approval_id)
            case messages.OutcomeLoadFailed():
                self._watch_again(message.asked)

    def _note_watch(self, named: Named) -> None:
        """Whether the outcome of what may count is waited for."""
        if not any(lane.name.endswith(f"-outcome-{named[0]}") for lane in self.processes):
            self._saying.not_watched.append(named)

    def _watch_again(self, approval_id: str) -> None:
        self._world.kernel.after(_WATCH_AGAIN_SECONDS, lambda: self.outbox.watch(approval_id, self._to))

    def _note(self, sending: Sending) -> None:
        """What the screen says of a decision by now."""
        named = (sending.key.approval_id, sending.request.decision_id)
        words = f"{plain(sending.progress(self._world.kernel.time()))} {sending.stage.text}".lower()
        is_lost = sending.ended is not None and sending.ended.status is Status.WAITING
        if is_lost and self.outbox.in_flight(sending.key.approval_id):
            self._saying.stuck.append(sending.request.decision_id)
        is_excused = sending.key in self._taken_back or sending.batch in self._lost
        if sending.withdrawn and not is_excused:
            self._saying.dropped.append(named)
        says_not_sent = "not sent" in words or "nothing was sent" in words
        if (says_not_sent or not sending.may_count) and sending.ended is None:
            self._saying.say_not_counted(named)
        if sending.receipt is not None:
            self._saying.say_counted(named)
        if sending.ended is not None and sending.ended.status.is_final:
            self._saying.say_end(sending.key.approval_id, sending.ended.status)


def sit(world: World, operator: Operator, saying: Saying) -> None:
    """One operator's night before a console."""
    kernel, console = world.kernel, Console(world, operator.name, saying)
    chance = random.Random(f"{operator.name} answers")  # noqa: S311 - replayable
    while True:
        kernel.sleep(kernel.random.expovariate(1 / operator.every_seconds))
        console.beat()
        if not world.dynamodb.has_indexed and chance.random() < SPARED:
            continue
        try:
            answers = _answers(world, console, operator.habits)
        except QlikopsError as exc:
            kernel.say(f"reads: {type(exc).__name__}: {exc}")
            continue
        if answers:
            batch = f"{kernel.random.getrandbits(32):08x}" if len(answers) > 1 else ""
            is_one_by_one = batch and chance.random() < 0.5
            if is_one_by_one:
                world.faults.reached("answers one by one")
            for each in ([answer] for answer in answers) if is_one_by_one else [answers]:
                console.decide(each, batch="" if is_one_by_one else batch)
            console = _wait_for(world, operator, saying, console)


def _answers(world: World, console: Console, habits: Collection[Habit]) -> list[ReviewedDecision]:
    """To some of what waits, all in one way."""
    chance, rows = world.kernel.random, console.approvals.waiting()
    open_ = [row.approval_id for row in rows if not console.outbox.in_flight(row.approval_id)]
    chosen = chance.sample(open_, min(len(open_), chance.choice([1, 1, 3, 3])))
    records = [console.approvals.approval(approval_id) for approval_id in chosen]
    for approval_id in chosen:
        console.open(approval_id)
    world.kernel.sleep(chance.choice([0.0, 1.0, 30.0]))
    approved = chance.random() < 0.7

    def request(record: ProposalRecord) -> DecisionRequest:
        decision_id = f"{chance.getrandbits(64):016x}"
        if not approved:
            snooze = timedelta(minutes=30) if Habit.SNOOZES in habits else None
            return Deny(record.digest, "simulated", snooze, via="console", decision_id=decision_id)
        way = next((how for habit, how in _WAYS.items() if habit in habits), None)
        terms = way(chance, record.proposal) if way else {}
        return Approve(record.digest, "simulated", via="console", decision_id=decision_id, **terms)

    return [(record, request(record)) for record in records if record.status == "waiting"]


def _wait_for(world: World, operator: Operator, saying: Saying, console: Console) -> Console:
    """Until nothing is on its way any more, or something befalls the console; the one that goes on after that."""
    kernel, chance = world.kernel, world.kernel.random
    befalls = chance.choice(["", "", "cancelled", "killed", "suspended", "cut off"])
    at = kernel.now + chance.choice([HOLD.total_seconds() + 0.3, 6.0, 20.0]) * chance.random()
    if befalls == "cut off":
        world.cut_off_sending.add(operator.name)
    until = kernel.now + 60.0
    while kernel.now < until:
        kernel.sleep(BEAT_SECONDS)
        console.beat()
        if befalls not in ("", "cut off") and kernel.now >= at:
            world.faults.reached(f"console {befalls}")
            kernel.say(f"the console is {befalls}")
            match befalls:
                case "cancelled":
                    console.cancel()
                case "killed":
                    for lane in console.processes:
                        kernel.kill(lane)
                    return Console(world, operator.name, saying)
                case "suspended":
                    _suspend(world, console, chance.choice([3.0, 100.0, 2000.0]))
            befalls = ""
        if not console.outbox.held and not console.outbox.sending_now:
            break
    if befalls == "cut off" and operator.name not in world.cut_off_sending:
        world.faults.reached("console cut off")
    return console


def _suspend(world: World, console: Console, seconds: float) -> None:
    """The process stands still with all its lanes, and the clock goes on."""
    for lane in console.processes:
        lane.stands_still_until = world.kernel.now + seconds
    world.kernel.sleep(seconds)
