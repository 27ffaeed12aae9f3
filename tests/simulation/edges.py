"""Those who read their clocks to the microsecond when a time is over that the ledger shows: a little before, or then.

Whether `<` or `<=`, one second more or less, shows only in who reads his clock within that second, which by chance
hardly anybody does. In these nights, a process that is about to read its clock shortly before such a moment stands
still until it comes, and runs are started, so that one is at it. Processes do stand still, anywhere.
"""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterator

from botocore.exceptions import ClientError

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.packing import unpacked
from qlikops.domain.ledger import LATEST_SNAPSHOT, Attribute
from qlikops.domain.proposals.approval import Status
from tests.simulation import limits
from tests.simulation.dynamodb import Key, Wire
from tests.simulation.enterprise_manager import Sent
from tests.simulation.plant import MACHINE_ARN, World
from tests.simulation.services import Invocation

_NEAR_SECONDS = 12.0
"""Who reads his clock so long before may stand still until then: longer than from one look at a task to the next."""
_OFF = (0.0, 0.0, 0.0, 0.0, 0.5, 1.0, -0.5)
"""Seconds after the moment at which the clock is read."""
_MOST_RUNS, _MOST_STOPS, _MOST_A_PROCESS = 8, 60, 5
"""Of a night; and that one process stands still."""
_SLOW = 600
"""Seconds that a task is watched where groups take longer than one invocation."""
_RUNS, _ACTS, _RECORDS, _ASKS = "MonitorTasks", "ExecuteRestart", "RecordOutcome", "RequestApproval"
_PEOPLE = ""
Edge = tuple[float, tuple[str, ...]]
"""A moment by the clock of the ledger, and the functions to which it says something."""


def _moment(text: str) -> float:
    return codec.parse_time(text).timestamp()


class Edges:
    """The moments of one night."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._due: defaultdict[str, list[float]] = defaultdict(list)
        """Of each function, or of one process, in their order."""
        self._stood: Counter[str] = Counter()
        self._runs = 0
        self._sent: dict[str, list[Sent]] = defaultdict(list)
        self._seen = 0
        world.dynamodb.watchers.append(self._written)
        world.s3.on_put.append(self._stored)
        world.before_reading = self._before_reading
        world.functions.on_begin.append(self._begun)
        self._acting: dict[str, Invocation] = {}
        """The last invocation that acted for each proposal."""

    def _add(self, edge: Edge) -> None:
        moment, functions = edge
        if moment <= self._world.kernel.now:
            return
        for function in functions:
            insort(self._due[function], moment)
        if _RUNS in functions:
            self._start_a_run(moment)

    def _start_a_run(self, moment: float) -> None:
        world, chance = self._world, self._world.kernel.random
        if not world.is_night or self._runs >= _MOST_RUNS or chance.random() > 0.12:
            return
        self._runs += 1
        name = f"edge-{chance.getrandbits(32):08x}"

        def start() -> None:
            if world.is_night:
                world.states.start_execution(MACHINE_ARN, name, "{}")

        world.kernel.at(moment - world.ahead_of("MonitorTasks") - chance.uniform(0.3, 5.0), start)

    def _begun(self, invocation: Invocation) -> None:
        """Groups hardly ever go on for as long as they may: now and then the functions' clock jumps to near the end."""
        world, chance, name = self._world, self._world.kernel.random, invocation.proposal_id
        if invocation.function != _ACTS or not world.is_night:
            return
        self._acting[name] = invocation
        claims = [
            _moment(item[Attribute.AT]["S"])
            for (_, sort), item in world.dynamodb.items.items()
            if sort == f"{keys.RESTART_PREFIX}{name}"
        ]
        if claims and world.config.verify_timeout_seconds == _SLOW and not world.clock_steps and chance.random() < 0.2:
            ends_at = min(claims) + limits.GOES_ON
            of = _ACTS if world.clocks_differ else ""
            world.step_clock(round(ends_at - chance.uniform(0.0, _SLOW) - world.kernel.now), of)
            world.kernel.say(f"the clock of {of or 'all functions'} is {world.clock_ahead:g} s ahead", "worst moment")

    def _come_again(self, proposal_id: str, moment: float) -> None:
        """Lambda invokes once more what waits for its endpoint, when that is to end."""
        world, chance = self._world, self._world.kernel.random
        if chance.random() > 0.5:
            return

        def repeat() -> None:
            if world.is_night and proposal_id in self._acting:
                world.functions.repeat(self._acting[proposal_id], 0.0)

        world.kernel.at(moment - world.ahead_of(_ACTS) - chance.choice([2.0, 6.0, 60.0]) * chance.random(), repeat)

    def _before_reading(self, who: str) -> None:
        world, chance = self._world, self._world.kernel.random
        if not world.is_night:
            return
        begun = world.functions.begun.get(who)
        function = begun.function if begun else _PEOPLE
        self._add_what_was_sent(who)
        # How long a restart may act follows from its first reading, and what Lambda says just before.
        is_first = begun is not None and not world.readings[who]
        stands = self._stood[who] < _MOST_A_PROCESS and sum(self._stood.values()) < _MOST_STOPS
        if (is_first and function == _ACTS) or not stands or (begun is None and who not in world.readings):
            return
        if begun and (seconds := self._until_its_own_end(begun)):
            self._stood[who] += 1
            world.kernel.say(f"stands still for {seconds:.0f} s", "worst moment")
            world.kernel.sleep(seconds)
            return
        now = world.kernel.now + (world.ahead_of(who) if begun else 0.0)
        moment = min((self._next(each, now) for each in (function, who)), default=0.0)
        if moment > now + _NEAR_SECONDS or chance.random() < 0.5:
            return
        self._stood[who] += 1
        world.faults.reached("a clock read at the edge")
        world.kernel.say("stands still before it reads its clock", who)
        world.kernel.sleep(moment + chance.choice(_OFF) - now)

    def _until_its_own_end(self, begun: Invocation) -> float:
        """Seconds until a function is to read or to begin with nothing more, or to store what there is; mostly 0."""
        world, chance = self._world, self._world.kernel.random
        ends_at = begun.at + limits.READS - 20.0
        if begun.function == _ACTS:
            stores_at = begun.at + limits.ACTS - limits.STORES
            ends_at = chance.choice([stores_at, stores_at - world.config.verify_timeout_seconds])
        share = {_RUNS: 0.0015, _ACTS: 0.01}.get(begun.function, 0.0)
        off = chance.choice([-5.0, -0.5, 0.0, 0.5, 5.0])
        return max(0.0, ends_at + off - world.kernel.now) if chance.random() < share else 0.0

    def _next(self, whose: str, now: float) -> float:
        due = self._due[whose]
        del due[: bisect_left(due, now)]
        return due[0] if due else float("inf")

    def _add_what_was_sent(self, who: str) -> None:
        """After a call has been answered, the next reading is the one from which on a task is watched."""
        world = self._world
        for sent in world.journal.sent[self._seen :]:
            self._sent[sent.process].append(sent)
        self._seen = len(world.journal.sent)
        for sent in list(self._sent.get(who, ())):
            since = next((each for each in world.readings[who] if each.at >= sent.answered_at > 0), None)
            if since is None:
                continue
            self._sent[who].remove(sent)
            for seconds in (world.config.verify_timeout_seconds, world.config.status_lag_seconds):
                insort(self._due[who], since.said.timestamp() + seconds)
            begun = world.functions.begun[who]
            insort(self._due[who], begun.at + limits.ACTS - limits.STORES + world.ahead_of(who))

    def _stored(self, key: str, body: bytes) -> None:
        if key == LATEST_SNAPSHOT and self._world.is_night:
            for told in json.loads(unpacked(body))["told"]:
                self._add((_moment(told["seen_at"]) + limits.GONE, (_RUNS,)))

    def _written(self, key: Key, before: Wire | None, after: Wire | None) -> None:
        if after is not None and self._world.is_night:
            for edge in self._of(key, before or {}, after):
                self._add(edge)

    def _of(self, key: Key, before: Wire, after: Wire) -> Iterator[Edge]:
        """What comes of an item by time alone."""
        partition, sort = key
        config = self._world.config
        if sort == keys.RECORD:
            yield from self._of_record(partition.removeprefix("APPROVAL#"), before, after)
        elif sort == keys.LEASE:
            taken_at = _moment(after[Attribute.AT]["S"])
            yield float(after[Attribute.EXPIRES]["N"]), (_RUNS, _ACTS, _ASKS)
            yield taken_at + limits.MAY_ACT, (_RUNS,)
        elif sort == keys.SNOOZE:
            yield float(after[Attribute.EXPIRES]["N"]), (_RUNS, _ACTS)
        elif sort.startswith(keys.RESTART_PREFIX):
            at = _moment(after[Attribute.AT]["S"])
            yield at + config.cooldown_seconds, (_RUNS, _ACTS)
            yield at + limits.HOUR, (_RUNS, _ACTS)
            yield at + limits.GOES_ON, (_ACTS,)
        elif sort.startswith(keys.PROBE_PREFIX):
            yield _moment(after[Attribute.AT]["S"]) + limits.HOUR, (_RUNS, _ACTS)
            if Attribute.BODY in after:
                at = _moment(json.loads(after[Attribute.BODY]["S"])["at"])
                yield at + limits.TEST_IS_NEW, (_ACTS,)
                yield at + limits.TEST_IS_GOOD, (_ACTS,)
        elif partition == keys.FOLLOWED_PARTITION:
            yield from self._of_follow_up(json.loads(after[Attribute.BODY]["S"]))
        elif partition == keys.PLANS_PARTITION:
            plan = json.loads(after[Attribute.BODY]["S"])
            yield _moment(plan["starts_at"]), (_RUNS, _ACTS)
            yield _moment(plan["ended_at"] or plan["ends_at"]), (_RUNS, _ACTS)
        elif sort == keys.TOKEN:
            self._answer_in_the_name_of_step_functions(after)

    def _of_record(self, proposal_id: str, before: Wire, after: Wire) -> Iterator[Edge]:
        status, moved_at = after[Attribute.STATUS]["S"], _moment(after[Attribute.UPDATED_AT]["S"])
        if status != before.get(Attribute.STATUS, {}).get("S"):
            yield moved_at + limits.YOUNG, (_RUNS,)
            if status == Status.RESTARTING:
                yield moved_at + limits.MAY_ACT, (_RUNS,)
            if status == Status.WAITING:
                asked, deadline = _moment(after[Attribute.REQUESTED_AT]["S"]), float(after[keys.INBOX_SORT]["N"])
                for part in limits.SAID_AT.values():
                    yield asked + part * (deadline - asked), (_RUNS,)
                yield deadline - limits.CLOCKS_DIFFER, (_RECORDS,)
                yield deadline, (_RUNS, _PEOPLE)
        if Attribute.WAITS in after and Attribute.WAITS not in before:
            until = _moment(json.loads(after[Attribute.WAITS]["S"])["until"])
            self._come_again(proposal_id, until)
            yield until, (_ACTS,)
        reminded = json.loads(after[Attribute.REMINDED]["S"]) if Attribute.REMINDED in after else {}
        if since := reminded.get("telling_since"):
            yield _moment(since) + limits.TELLS, (_RUNS,)

    def _of_follow_up(self, follow_up: dict[str, object]) -> Iterator[Edge]:
        config, tasks = self._world.config, follow_up["tasks"]
        for task in tasks if isinstance(tasks, list) else ():
            up_at = _moment(task["up_at"])
            yield up_at + config.lasting_first_seconds, (_RUNS,)
            yield up_at + config.lasting_seconds, (_RUNS,)
            yield up_at + config.lasting_seconds + limits.LOOKED_LATE, (_RUNS,)
        if since := follow_up["telling_since"]:
            yield _moment(str(since)) + limits.TELLS, (_RUNS,)

    def _answer_in_the_name_of_step_functions(self, token: Wire) -> None:
        """An error that only Step Functions should send, about as long before the deadline as their clocks differ."""
        world, chance = self._world, self._world.kernel.random
        deadline = float(token[keys.TTL]["N"]) - limits.GOOD_FOR_NOTHING_KEPT
        if chance.random() > 0.2:
            return

        def send() -> None:
            if world.is_night:
                world.kernel.say("fails what waits, as if its time were over", "worst moment")
                try:
                    world.states.send_task_failure(token[Attribute.TOKEN]["S"], "States.Timeout", "not yet")
                except ClientError:  # somebody was faster
                    return

        world.kernel.at(deadline - limits.CLOCKS_DIFFER - chance.choice([3.0, 3.0, 300.0]) * chance.random(), send)
