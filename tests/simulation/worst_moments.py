"""Those who come at the worst moment: not every now and then, but just when something else happens.

What needs two things within the same second is met by chance in one night of thousands. These wait for the first of
the two, and do the second themselves, a little sooner or later.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, cast

from botocore.exceptions import ClientError

from qlikops.domain import ledger as keys
from qlikops.domain.errors import QlikopsError
from qlikops.domain.fleet.task import RunOption, StopReason, TaskState
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status, digest_of
from qlikops.qlik.simulator.fleet import Refusal
from qlikops.qlik.simulator.scenario import Break
from tests.simulation.dynamodb import CONFLICT_SECONDS, Key, Wire
from tests.simulation.kernel import Process
from tests.simulation.night import MESSAGES, Hand
from tests.simulation.plant import MACHINE_ARN, TABLE, Person, World
from tests.simulation.services import Invocation
from tests.simulation.twins import (
    Abandoning,
    Colliding,
    Counting,
    Deserting,
    Leaving,
    Outliving,
    Planning,
    Relapsing,
    Withdrawing,
    moved,
)

_SLOW_SECONDS = 600
"""That a task is watched where groups take longer than one invocation."""
_CLOSED_AFTER_SECONDS = 900.0
"""By then a run may close what was being carried out."""
_OPEN = (Status.EVALUATED, Status.WAITING, Status.RESTARTING)
Written = Callable[[Key, Wire | None, Wire | None], None]


def wait_for_it(world: World, hand: Hand) -> None:
    """Begins to wait for what `hand` waits for, until the night is over."""
    match hand:
        case Hand.STOPS_ACTING:
            stopping = _Stopping(world)
            world.functions.on_begin.append(stopping.begun)
            world.dynamodb.watchers.append(_at_night(world, stopping.written))
        case Hand.TAMPERS:
            world.dynamodb.watchers.append(_at_night(world, lambda *written: _tamper_soon(world, *written)))
            world.on_review.append(lambda proposal_id: _tamper_with_what_is_read(world, proposal_id))
        case Hand.REPEATS:
            repeating = _Repeating(world)
            world.functions.on_begin.append(repeating.begun)
            world.dynamodb.watchers.append(_at_night(world, repeating.written))
        case Hand.BRAKES:
            world.dynamodb.watchers.append(_at_night(world, lambda *written: _brake_soon(world, *written)))
            _follow(world, hand)
        case Hand.DISCLOSES:
            world.functions.on_begin.append(lambda invocation: _disclose(world, invocation))
        case Hand.OVERTAKES:
            world.functions.on_begin.append(lambda invocation: _overtake(world, invocation))
        case _:
            _follow(world, hand)


def _follow(world: World, hand: Hand) -> None:
    """Lets those who wait for what `hand` waits for hear of all that they listen to."""
    for moment in (made(world) for made in _MOMENTS[hand]):
        for name, listeners in (
            ("begun", world.functions.on_begin),
            ("called", world.on_call),
            ("looked", world.journal.on_read),
            ("written", world.dynamodb.watchers),
        ):
            listens = cast("list[Any]", listeners)
            listens.extend(filter(None, [getattr(moment, name, None)]))


def _at_night(world: World, written: Written) -> Written:
    return lambda *change: written(*change) if world.is_night else None


def _brake_soon(world: World, key: Key, before: Wire | None, after: Wire | None) -> None:
    """Stops what has begun to restart, or may begin at any moment: at once, or while it goes on."""
    proposal_id, status = moved(key, before, after)
    if status is not Status.RESTARTING or after is None or world.kernel.random.random() < 0.3:
        return
    arn = after[Attribute.EXECUTION_ARN]["S"]

    def stop() -> None:
        world.kernel.say(f"pulls the brake of {proposal_id}", "worst moment")
        world.states.reached("a brake")
        with contextlib.suppress(QlikopsError):
            world.stop(Person(world, "dora", Counter()), arn, "at the worst moment")

    world.kernel.spawn("dora", stop, after=_soon(world))


def _soon(world: World) -> float:
    """Seconds until the worst moment: within the same second, or while the function is at it."""
    longest = [1500.0, 3000.0, 3000.0] if world.config.verify_timeout_seconds == _SLOW_SECONDS else [60.0]
    return world.kernel.random.choice([0.1, 1.0, 1.0, 60.0, *longest]) * world.kernel.random.random()


def _disclose(world: World, invocation: Invocation) -> None:
    """What was approved without the details of its tasks is looked at with them."""
    passed = world.kernel.now - world.fleet.began
    if invocation.function == "ExecuteRestart" and passed < world.fleet.details_from:
        world.fleet.details_from = passed
        world.faults.reached("details that come as a restart begins")


class _Stopping:
    """Stops executions that have begun to restart something, mostly with what acts for them; and what closes that."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopped: set[str] = set()
        """The proposals whose executions were stopped."""
        self._acting: set[str] = set()
        """Those of which a restart has begun."""

    def begun(self, invocation: Invocation) -> None:
        """One that goes on with a restart is left to itself: it acts for minutes after its execution is over."""
        proposal_id, chance = invocation.proposal_id, self._world.kernel.random
        goes_on = invocation.function == "ExecuteRestart" and proposal_id in self._acting
        record = self._world.dynamodb.items.get((keys.approval_partition(proposal_id), keys.RECORD))
        if goes_on and record is not None and self._world.is_night and chance.random() < 0.5:
            self._world.kernel.after(30.0 * chance.random(), lambda: self._stop(proposal_id, record, kills=False))

    def written(self, key: Key, before: Wire | None, after: Wire | None) -> None:
        proposal_id, status = moved(key, before, after)
        chance, functions = self._world.kernel.random, self._world.functions
        if status is Status.RESTARTING and after is not None:
            self._acting.add(proposal_id)
            if chance.random() < 0.6:
                kills = chance.random() < 0.6
                self._world.kernel.after(_soon(self._world), lambda: self._stop(proposal_id, after, kills=kills))
        is_last = key[0] == keys.OPEN_PARTITION and key[1] in self._stopped and after is None
        closing = functions.running.get(self._world.dynamodb.last_writer)
        if is_last and closing and closing.name.startswith("MonitorTasks") and chance.random() < 0.5:
            self._world.kernel.kill(closing)

    def _stop(self, proposal_id: str, record: Wire, *, kills: bool) -> None:
        world, arn = self._world, record[Attribute.EXECUTION_ARN]["S"]
        world.kernel.say(f"stops {arn.rpartition(':')[2]} while it acts", "worst moment")
        world.states.stop_execution(arn, "Stopped", "at the worst moment")
        self._stopped.add(proposal_id)
        if not kills:  # a run comes while it is still at it
            world.kernel.after(world.kernel.random.uniform(150.0, 800.0), self._run)
        for name, process in list(world.functions.running.items()) if kills else ():
            begun = world.functions.begun.get(name)
            if begun and begun.proposal_id == proposal_id:
                world.kernel.kill(process)

    def _run(self) -> None:
        name = f"after-{self._world.kernel.random.getrandbits(32):08x}"
        self._world.states.start_execution(MACHINE_ARN, name, "{}")


class _Repeating:
    """Lambda's second invocations, of what began a while ago, at the moment when they would hurt."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._earlier: dict[str, list[Invocation]] = {}
        """Of each proposal, what was invoked for it."""
        self._acting_since: dict[str, float] = {}
        self._left = 60
        """A night has no end if each repetition brings about the next."""

    def begun(self, invocation: Invocation) -> None:
        if proposal_id := invocation.proposal_id:
            if invocation.function == "RecordOutcome" and self._acting_for(proposal_id) is not None:
                self._repeat(proposal_id, 0.2, 0.9)  # what failed before it has done anything begins once more
            self._earlier.setdefault(proposal_id, []).append(invocation)
        elif invocation.function == "MonitorTasks":  # it closes what others left behind
            for proposal_id in list(self._earlier)[-6:]:
                acting_for = self._acting_for(proposal_id)
                if acting_for is None:
                    self._repeat(proposal_id, 2.5, 0.4)
                else:  # not before it would be closed: whoever comes earlier carries it out
                    self._repeat(proposal_id, 1.2, 0.9 if acting_for > _CLOSED_AFTER_SECONDS else 0.1)

    def written(self, key: Key, before: Wire | None, after: Wire | None) -> None:
        proposal_id, status = moved(key, before, after)
        if status is not None and status.is_final:
            self._repeat(proposal_id, self._world.kernel.random.choice([0.3, 30.0]), 0.4)
        elif status is Status.RESTARTING:
            self._acting_since[proposal_id] = self._world.kernel.now
            self._repeat(proposal_id, 30.0, 0.5, "ExecuteRestart")
        if key[1] in (keys.LEASE, keys.SNOOZE) and after is not None:
            # Whoever had the task before comes once more.
            task = key[0].rpartition("/")[2]
            had = [name for name in self._earlier if task in json.dumps(self._earlier[name][0].payload)]
            for name in had[-3:]:
                if key[1] == keys.SNOOZE:
                    self._repeat(name, 30.0, 0.9, "RecordOutcome")
                else:
                    self._repeat(name, 30.0, 0.4)

    def _acting_for(self, proposal_id: str) -> float | None:
        """Seconds for which a proposal has been being carried out; None for one that is not."""
        record = self._world.dynamodb.items.get((keys.approval_partition(proposal_id), keys.RECORD))
        is_acting = record is not None and record[Attribute.STATUS]["S"] == Status.RESTARTING
        is_acting = is_acting and Attribute.OUTCOME not in (record or {})
        since = self._acting_since.get(proposal_id, self._world.kernel.now)
        return self._world.kernel.now - since if is_acting else None

    def _repeat(self, proposal_id: str, within: float, share: float, function: str = "") -> None:
        earlier, chance = self._earlier.get(proposal_id, []), self._world.kernel.random
        earlier = [each for each in earlier if function in ("", each.function)]
        if earlier and self._left and self._world.is_night and chance.random() < share:
            self._left -= 1
            acting = [each for each in earlier if each.function == "ExecuteRestart"]
            repeated = chance.choice(acting if acting and chance.random() < max(0.5, share) else earlier)
            self._world.functions.repeat(repeated, within * chance.random())


class _Lingering:
    """Has what acts stand still between its look and its claim, and go on just when its proposal is settled or closed.

    Meanwhile Lambda gives the invocation up, and somebody brings the task up in Qlik: the next one finds nothing to do.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._lingering: dict[str, Process] = {}
        """Of each proposal, the process that stands still."""

    def looked(self, who: str, server: str, task: str) -> None:
        world, chance = self._world, self._world.kernel.random
        acting, process = world.functions.begun.get(who), world.functions.running.get(who)
        if acting is None or process is None or acting.function != "ExecuteRestart" or not world.is_night:
            return
        proposal_id = acting.proposal_id
        key = (f"TASK#default/{server}/{task}", f"{keys.RESTART_PREFIX}{proposal_id}")
        if proposal_id in self._lingering or key in world.dynamodb.items or chance.random() < 0.4:
            return
        world.kernel.say(f"{who} stands still before it claims {task}", "worst moment")
        world.faults.reached("a claim that lingers")
        self._lingering[proposal_id] = process
        process.stands_still_until = world.kernel.now + 600.0
        world.functions.give_up(process)
        with contextlib.suppress(Refusal):
            world.fleet.run(server, task, RunOption.RESUME_PROCESSING.value, "dba")

    def written(self, key: Key, before: Wire | None, after: Wire | None) -> None:
        if key[1] != keys.RECORD or after is None or Attribute.OUTCOME not in after:
            return
        process = self._lingering.get(key[0].removeprefix("APPROVAL#"))
        is_settled = before is not None and Attribute.OUTCOME not in before
        is_closed = moved(key, before, after)[1] is not None
        if (is_settled or is_closed) and process is not None and not process.is_over:
            self._world.kernel.after(
                self._world.kernel.random.choice([0.0, 0.05, 0.1, 2.0]), lambda: self._world.kernel.wake(process)
            )


class _Racing:
    """Has what is about to write stand still until another process reads or writes the same items, and go on then.

    The other one is there by chance, or it is the same invocation once more, or another run.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._standing: dict[str, tuple[Process, frozenset[str], bool]] = {}
        """By name, each process that stands still, the partitions that it writes to, and if only a write wakes it."""
        self._left = 25

    def called(self, who: str, operation: str, request: Mapping[str, Any]) -> None:
        writes = operation == "transact_write_items"
        if not (writes or self._standing):
            return
        touched = frozenset(_partitions(request)) - {keys.OPEN_PARTITION}
        for name, (standing, partitions, for_a_write) in list(self._standing.items()):
            if standing.is_over:
                del self._standing[name]
            elif name != who and touched & partitions and (writes or not for_a_write):
                del self._standing[name]
                self._world.kernel.after(0.1 * self._world.kernel.random.random(), partial(self._go_on, standing))
        if writes and self._world.is_night:
            self._hold(who, touched)

    def _hold(self, who: str, touched: frozenset[str]) -> None:
        world, chance = self._world, self._world.kernel.random
        process, begun = world.functions.running.get(who), world.functions.begun.get(who)
        if process is None or begun is None or not self._left or who in self._standing or chance.random() > 0.07:
            return
        self._left -= 1
        world.kernel.say("stands still before it writes", who)
        world.faults.reached("a race")
        process.stands_still_until = world.kernel.now + chance.choice([2.0, 20.0, 50.0])
        self._standing[who] = process, touched, chance.random() < 0.5
        comes = chance.random()
        if comes < 0.5:
            world.functions.repeat(begun, 3.0 * chance.random())
        elif comes < 0.65:
            world.states.start_execution(MACHINE_ARN, f"racing-{chance.getrandbits(32):08x}", "{}")

    def _go_on(self, process: Process) -> None:
        if not process.is_over:
            self._world.kernel.wake(process)


def _partitions(request: Mapping[str, Any]) -> Iterator[str]:
    """Those of the items that a request reads or writes."""
    if "pk" in request:
        yield request["pk"]["S"]
    for name, part in request.items():
        if name == ":pk":
            yield part["S"]
        elif isinstance(part, Mapping):
            yield from _partitions(part)
        elif isinstance(part, list):
            for each in part:
                yield from _partitions(each) if isinstance(each, Mapping) else ()


def _tamper_soon(world: World, key: Key, before: Wire | None, after: Wire | None) -> None:
    """Has a record changed that is about to be approved or carried out, sooner or later after the last look at it."""
    proposal_id, status = moved(key, before, after)
    if status not in _OPEN or proposal_id in world.tampered or world.kernel.random.random() < 0.4:
        return
    chance = world.kernel.random
    within = chance.choice([0.06, 0.06, 1.0]) if status is Status.RESTARTING else chance.choice([1.0, 120.0])
    world.kernel.after(within * chance.random(), lambda: tamper(world, proposal_id))


def _tamper_with_what_is_read(world: World, proposal_id: str) -> None:
    """Has a record changed with its digest while somebody reads it."""
    if world.kernel.random.random() < 0.5:
        world.kernel.after(world.kernel.random.random(), lambda: tamper(world, proposal_id, "both"))


_MOST_OVERTAKEN = 30
"""Runs of a night."""


def _overtake(world: World, run: Invocation) -> None:
    """Lets a run stand still after it has looked, while something breaks and another run proposes on it."""
    chance = world.kernel.random
    started = sum(each.name.startswith("overtaking-") for each in world.states.executions.values())
    # Each run that is started so may be overtaken itself: where many are tried again, there would be no end.
    if run.function != "MonitorTasks" or not world.is_night or started >= _MOST_OVERTAKEN or chance.random() < 0.7:
        return
    process = next(name for name, begun in world.functions.begun.items() if begun is run)
    # One that is stalled for minutes before it looks is not watched all that time: a look is an event.
    until = world.kernel.now + 10

    def look() -> None:
        standing = world.functions.running.get(process)
        if standing is None or world.kernel.now > until:
            return
        if not any(who == process for who, _ in world.journal.listed):
            world.kernel.after(0.02, look)
            return
        standing.stands_still_until = world.kernel.now + chance.uniform(5.0, 15.0)
        server = chance.choice(world.fleet.scenario.servers)
        task = chance.choice(server.tasks).name
        world.kernel.say(f"{process} stands still, and {task} breaks", "worst moment")
        world.faults.reached("a run overtaken")
        world.fleet.break_now(Break(0, server.name, task, TaskState.ERROR, StopReason.FATAL_ERROR, MESSAGES[0]))
        world.states.start_execution(MACHINE_ARN, f"overtaking-{chance.getrandbits(32):08x}", "{}")

    world.kernel.after(0.1, look)


def tamper(world: World, proposal_id: str, how: str = "") -> None:
    """Changes what is stored of an open proposal, as somebody with access to the table can."""
    key = (keys.approval_partition(proposal_id), keys.RECORD)
    item = world.dynamodb.items.get(key)
    if item is None or not world.is_night or proposal_id in world.tampered or Attribute.DIGEST not in item:
        return
    proposal: dict[str, Any] = json.loads(item[Attribute.PROPOSAL]["S"])
    proposal["action"] = "resume" if proposal["action"] == "reload" else "reload"
    changes: dict[str, str] = {Attribute.PROPOSAL: json.dumps(proposal)}
    how = how or world.kernel.random.choice(["proposal", "digest", "both"])
    match how:
        case "digest":
            changes = {Attribute.DIGEST: "0" * 64}
        case "both":
            parts = (json.loads(item[name]["S"]) for name in (Attribute.EVALUATION, Attribute.POLICY))
            changes[Attribute.DIGEST] = digest_of(proposal, *parts)
    if Status(item[Attribute.STATUS]["S"]) not in _OPEN:
        return
    if how == "both":
        world.forged.add(proposal_id)
    world.tampered[proposal_id] = world.kernel.now
    world.kernel.say(f"changes the {', '.join(changes)} of {proposal_id}", "worst moment")
    world.faults.reached("tampering")
    try:
        world.dynamodb.update_item(
            TABLE,
            {"pk": {"S": key[0]}, "sk": {"S": key[1]}},
            "SET " + ", ".join(f"#{name} = :{name}" for name in changes),
            ExpressionAttributeNames={f"#{name}": name for name in changes},
            ExpressionAttributeValues={f":{name}": {"S": value} for name, value in changes.items()},
        )
    except ClientError:  # a transaction is on it
        del world.tampered[proposal_id]
        world.forged.discard(proposal_id)
        world.kernel.after(CONFLICT_SECONDS, lambda: tamper(world, proposal_id, how))


_MOMENTS: Mapping[Hand, tuple[Callable[[World], object], ...]] = {
    Hand.ABANDONS: (Abandoning,),
    Hand.BRAKES: (Colliding,),
    Hand.DESERTS: (Deserting,),
    Hand.LEAVES: (Leaving,),
    Hand.LINGERS: (_Lingering,),
    Hand.PLANS: (Planning,),
    Hand.RACES: (_Racing, Counting, Outliving),
    Hand.RELAPSES: (Relapsing,),
    Hand.WITHDRAWS: (Withdrawing,),
}
"""Who else waits for what a hand waits for."""
