"""What happens in a world, handed to the invariants: each write, each request that acts, and the world at rest."""

from __future__ import annotations

import functools
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.packing import unpacked
from qlikops.domain.fleet.anomaly import Severity
from qlikops.domain.ledger import LATEST_SNAPSHOT, Attribute
from qlikops.domain.proposals.approval import Status
from qlikops.domain.runs.snapshot import FleetSnapshot
from tests.simulation import limits
from tests.simulation.dynamodb import Key, Wire
from tests.simulation.enterprise_manager import Requested, Sent, Tested
from tests.simulation.invariants.asked import Asked, Write, write_of
from tests.simulation.kernel import Process
from tests.simulation.plant import Reading, World
from tests.simulation.saying import Saying
from tests.simulation.services import Invocation


class Violated(AssertionError):
    """An invariant does not hold: which, and what is the matter."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Change:
    """One write to one item."""

    key: Key
    before: Wire | None
    after: Wire | None

    @property
    def proposal_id(self) -> str:
        """Of a change to an item of a proposal's own partition or of a claim."""
        partition, sort = self.key
        if sort.startswith(keys.RESTART_PREFIX):
            return sort.removeprefix(keys.RESTART_PREFIX)
        return sort if partition == keys.OPEN_PARTITION else partition.partition("#")[2]


class Message(NamedTuple):
    """What a process tells people, as SNS is asked to publish it, or programs: the detail of an event."""

    at: float
    who: str
    told: Mapping[str, Any]


@dataclass(slots=True)
class Deed:
    """One call to AWS by a process that has not ended yet."""

    at: float
    asked: Asked
    error: Exception | None = None
    """What the process was told instead of an answer."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A process of a function that has answered, or has raised an error."""

    who: str
    begun: Invocation
    deeds: Sequence[Deed]
    """What it has asked AWS for, in its order."""
    answer: Any
    """None if there is an error."""
    error: BaseException | None


class Storing(NamedTuple):
    """Who stored something first, and when."""

    process: str
    at: float


class Heard(NamedTuple):
    """What people have heard of a finding."""

    severity: Severity
    at: float
    """When a run said that it remembers this."""


NOT_STORED = Storing("", math.inf)
"""By no process so far."""


class Remembered(NamedTuple):
    """What a run remembers of the fleet, as it is stored."""

    at: float
    body: bytes
    process: str


class Look(NamedTuple):
    """Who looks at which task."""

    process: str
    server: str
    task: str


OfChange = Callable[["Watch", Change], str]
"""What is wrong with a write; empty where nothing is."""
OfSent = Callable[["Watch", Sent], str]
OfTest = Callable[["Watch", Tested], str]
OfInvocation = Callable[["Watch", Invocation], str]
OfObject = Callable[["Watch", str], str]
OfAsked = Callable[["Watch", Asked], str]
OfWrite = Callable[["Watch", Write], str]
OfEnded = Callable[["Watch", Ended], str]
OfRequest = Callable[["Watch", Requested], str]
OfLook = Callable[["Watch", Look], str]
OfRest = Callable[["Watch"], Iterator[str]]
T = TypeVar("T")
Invariant = TypeVar(
    "Invariant",
    OfChange,
    OfSent,
    OfTest,
    OfInvocation,
    OfObject,
    OfAsked,
    OfWrite,
    OfEnded,
    OfRequest,
    OfLook,
    OfRest,
)

_OF_RECORDS: list[OfChange] = []
_OF_ITEMS: list[tuple[Sequence[str], OfChange]] = []
"""With the kinds of items that each is about; with none, it is about all."""
_OF_SENT: list[OfSent] = []
_OF_TESTS: list[OfTest] = []
_OF_INVOCATIONS: list[OfInvocation] = []
_OF_ANSWERS: list[OfInvocation] = []
_OF_ENDS: list[OfEnded] = []
_OF_OBJECTS: list[OfObject] = []
_OF_ASKED: list[tuple[Sequence[str], OfAsked]] = []
"""With the operations that each is about; with none, it is about all."""
_OF_WRITES: list[OfWrite] = []
_OF_REQUESTS: list[OfRequest] = []
_OF_LOOKS: list[OfLook] = []
_AT_REST: list[OfRest] = []
_ENOUGH = 4
"""Writes of one kind whose conditions are held against what might be, of a night."""
_OF_ONE_KIND = (keys.OPEN_PARTITION, keys.FOLLOWED_PARTITION, keys.PLANS_PARTITION)
"""Partitions in which all items are alike."""
NAMES: list[str] = []
"""Of all invariants, as docs/proof.md has them."""


def _named(invariant: Callable[..., object]) -> str:
    return invariant.__name__.replace("_", " ")


def _kept_in(invariants: list[Invariant]) -> Callable[[Invariant], Invariant]:
    """A decorator that keeps an invariant among others of its kind, and its name."""

    def keep(invariant: Invariant) -> Invariant:
        invariants.append(invariant)
        NAMES.append(_named(invariant))
        return invariant

    return keep


def _kept_for(
    invariants: list[tuple[Sequence[str], Invariant]], about: Sequence[str]
) -> Callable[[Invariant], Invariant]:
    """A decorator that keeps with an invariant what it is about: it is not called for anything else."""

    def keep(invariant: Invariant) -> Invariant:
        invariants.append((about, invariant))
        NAMES.append(_named(invariant))
        return invariant

    return keep


of_each_record = _kept_in(_OF_RECORDS)
"""Has an invariant checked with every write to a proposal's record."""
of_each_call = _kept_in(_OF_SENT)
"""Has it checked when a run or stop is sent, and again when it has arrived."""
of_each_test = _kept_in(_OF_TESTS)
"""Has it checked when a test of an endpoint has been answered, or lost."""
of_each_invocation = _kept_in(_OF_INVOCATIONS)
"""Has it checked when a function begins."""
of_each_answer = _kept_in(_OF_ANSWERS)
"""Has it checked when a function has answered."""
of_each_end = _kept_in(_OF_ENDS)
"""Has it checked when a process of a function has answered or raised, with all that it has asked AWS for."""
of_each_object = _kept_in(_OF_OBJECTS)
"""Has it checked with every object that is written to the bucket, by its key."""
of_each_write = _kept_in(_OF_WRITES)
"""Has it checked with every call that writes to the ledger, as it goes out."""
of_each_request = _kept_in(_OF_REQUESTS)
"""Has it checked with every request to Enterprise Manager, as it goes out."""
of_each_look = _kept_in(_OF_LOOKS)
"""Has it checked when a process has been told how a task is."""
at_rest = _kept_in(_AT_REST)
"""Has it checked when nothing is under way any more."""


def of_each_item(*kinds: str) -> Callable[[OfChange], OfChange]:
    """Has it checked with every write to items of these kinds, or to any that is no proposal's record: by a partition
    that holds one kind, or by what their sort keys begin with.
    """
    return _kept_for(_OF_ITEMS, kinds)


def _kind_of(key: Key) -> str:
    partition, sort = key
    return partition if partition in _OF_ONE_KIND else sort[: sort.find("#") + 1] or sort


@functools.cache
def _of_items(kind: str) -> list[OfChange]:
    """Those of an item of this kind, in their order."""
    return [invariant for kinds, invariant in _OF_ITEMS if kind in kinds or not kinds]


def of_each_ask(*operations: str) -> Callable[[OfAsked], OfAsked]:
    """Has it checked with every call to AWS of these operations, or with every call at all, as it goes out."""
    return _kept_for(_OF_ASKED, operations)


@functools.cache
def _of_asked(operation: str) -> list[OfAsked]:
    """Those of a call of this operation, in their order."""
    return [invariant for operations, invariant in _OF_ASKED if operation in operations or not operations]


# What the runs of the last hour or two remembered is asked for with every run: parsing it took a twentieth of a night.
@functools.lru_cache(maxsize=16)
def _parsed(snapshot: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(unpacked(snapshot))
    return parsed


class Watch:
    """The invariants over one world. `check` is for after every event, `rest` for the end."""

    def __init__(self, world: World, saying: Saying) -> None:
        self.world, self.saying = world, saying
        self.items = world.dynamodb.items
        self.proposed: dict[str, dict[str, Any]] = {}
        """The proposals as they were first stored."""
        self.tokens: dict[str, list[str]] = {}
        """The task tokens that were kept for a proposal, in their order."""
        self.opened_at: dict[str, float] = {}
        """When each proposal was first stored."""
        self.opened_by: dict[str, str] = {}
        """By which process."""
        self.summed_up: dict[Key, Storing] = {}
        """Of each run's summary."""
        self.plans: dict[Key, Wire] = {}
        """Planned work as it was last stored, forgotten by now or not."""
        self.planned_at: dict[Key, float] = {}
        """When each plan was first stored."""
        self.plan_ended_at: dict[Key, float] = {}
        """When it was stored that a person has ended it early."""
        self.claimed_at: dict[Key, float] = {}
        """When each claim was made."""
        self.claims: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        """When each task's claims say that they were made, and their sort keys; with those that were given back."""
        self.settled: dict[Key, Storing] = {}
        """Of what came of each claim."""
        self.requests: list[Sent] = world.journal.sent
        self.snapshots: list[Remembered] = []
        """Each time that a run said what it remembers of the fleet."""
        self.leased_until: dict[tuple[str, str], float] = {}
        """Until when each proposal held each task, by its last lease: by partition and id."""
        self.taken: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        """When each lease was written, and when it says that it was taken: by partition and proposal."""
        self.told_of_outage: dict[str, float] = {}
        """When each process first wrote down that people are told that monitoring fails."""
        self.asked_for: set[tuple[str, str]] = set()
        """What each process has asked AWS for, by operation."""
        self.looked: dict[tuple[str, str, str], float] = {}
        """When each process was told last how a task is, by server and task."""
        self.looks: defaultdict[Look, list[float]] = defaultdict(list)
        """When it was told so each time."""
        self.tried: dict[str, tuple[str, Mapping[str, Any], int]] = {}
        """The last call of each process to the ledger, and how often in a row it was made."""
        self.said_progress: dict[str, tuple[str, float]] = {}
        """The transaction in which each process said last how far it is, and what it had read of its clock by then."""
        self.said_to_wait: dict[str, float] = {}
        """When each process has said that an endpoint is tested again."""
        self.waiting_at: dict[str, float] = {}
        """When each proposal came into the inbox."""
        self.outcomes: dict[str, Storing] = {}
        """Of each proposal's outcome."""
        self.braked_at: dict[str, float] = {}
        """When the brake of each proposal was pulled."""
        self.kept_at: dict[Key, float] = {}
        """When the answer of each test was kept."""
        self.first_request: dict[str, float] = {}
        """When each run asked Enterprise Manager for the first time."""
        self.counted: Counter[tuple[str, str, str]] = Counter()
        """How many tests of an endpoint each process has counted, by server and endpoint."""
        self.said: set[tuple[str, str]] = set()
        """What each process has told people and programs."""
        self.messages: list[Message] = []
        """What people are told, whether or not SNS takes it."""
        self.events: list[Message] = []
        """What programs are told, whether or not EventBridge takes it."""
        self.ended_at: dict[str, float] = {}
        """When each process of a function was over."""
        self.moved_at: dict[str, float] = {}
        """When each proposal's status changed last."""
        self.deeds: defaultdict[str, list[Deed]] = defaultdict(list)
        """What each process of a function that has not ended has asked AWS for, in its order."""
        self.last: dict[Process | None, Deed] = {}
        """The last call to AWS of each process, people's among them."""
        self.ends_told: set[tuple[str, str]] = set()
        """The proposals of whose ends people were told, and as what each ended."""
        self.over_since: dict[str, float] = {}
        """Since when the summary of each run has said that it is over, by its partition."""
        self.awaits_endpoint_since: dict[str, float] = {}
        """Since when the record of each proposal has said that it waits for its endpoint."""
        self.refused: Counter[Process | None] = Counter()
        """How often in a row each process was refused a call to the ledger for now."""
        self.heard: dict[str, Heard] = {}
        """What people have heard of findings that are not over, by dedup keys."""
        self.unread: set[tuple[str, str]] = set()
        """What each process has asked S3 for and was not told, by keys; that there is no such object is an answer."""
        self._changed: list[Change] = []
        self._begun: list[Invocation] = []
        self._answered: list[Invocation] = []
        self._ended: list[Ended] = []
        self._stored: list[str] = []
        self._shapes: Counter[tuple[object, ...]] = Counter()
        self._wrong: list[Exception] = []
        """What was wrong with what was asked since the last check."""
        self._seen = self._seen_tests = 0
        world.on_call.append(self._look_at)
        world.on_failure.append(self._note_failure)
        world.functions.on_end.append(self._note_end)
        world.journal.on_read.append(self._note_look)
        world.journal.on_request.append(lambda request: self._look_into(_OF_REQUESTS, request))
        world.functions.on_begin.append(self._begun.append)
        world.functions.on_answer.append(self._answered.append)
        world.s3.on_put.append(self._keep)
        world.dynamodb.watchers.append(lambda *change: self._changed.append(Change(*change)))

    def _note_look(self, who: str, server: str, task: str) -> None:
        self.looked[who, server, task] = self.world.kernel.now
        self.looks[Look(who, server, task)].append(self.world.kernel.now)
        self._look_into(_OF_LOOKS, Look(who, server, task))

    def _look_into(self, invariants: list[Callable[[Watch, T], str]], given: T) -> None:
        """Holds what a process does against invariants; it must not get to know."""
        try:
            self._hold(invariants, given)
        except Exception as exc:  # one that is broken itself too: the process would go on as after a failed call
            self._wrong.append(exc)

    def _look_at(self, who: str, operation: str, request: Mapping[str, Any]) -> None:
        """Holds a call against the invariants; who sends it must not get to know."""
        asked = Asked(who, operation, request)
        self.asked_for.add((who, operation))
        try:
            self._hold(_of_asked(asked.operation), asked)
            if (write := write_of(asked, self.items)) and self._is_new(write):
                self._hold(_OF_WRITES, write)
        except Exception as exc:  # one that is broken itself too: the process would go on as after a failed call
            self._wrong.append(exc)
        if operation == "publish":
            self.messages.append(Message(self.world.kernel.now, who, request))
        elif operation == "put_events":
            self.events.extend(Message(self.world.kernel.now, who, detail) for detail in asked.events)
        deed = Deed(self.world.kernel.now, asked)
        if who in self.world.functions.begun:
            self.deeds[who].append(deed)
        self.last[self.world.kernel.current] = deed

    def _note_failure(self, error: Exception) -> None:
        deed = self.last[self.world.kernel.current]
        deed.error, code = error, code_of(error)
        is_function = deed.asked.who in self.world.functions.begun
        match deed.asked.operation:
            case "get_object" if code not in ANSWERS_OF_S3:
                self.unread.add((deed.asked.who, deed.asked.request["Key"]))
                self.world.faults.reached("an object that could not be read")
            case "send_task_failure" if is_function and code not in WAIT_IS_OVER:
                self.world.faults.reached("a wait that could not be ended")

    def _note_end(self, process: Process) -> None:
        begun, deeds = self.world.functions.begun.get(process.name), self.deeds.pop(process.name, [])
        self.last.pop(process, None)
        self.ended_at[process.name] = self.world.kernel.now
        if begun is not None and not process.is_killed:
            self._ended.append(Ended(process.name, begun, deeds, process.result, process.error))

    def _is_new(self, write: Write) -> bool:
        """Whether a night has seen few of this kind: their conditions are all alike."""
        self._shapes[write.shape] += 1
        return self._shapes[write.shape] <= _ENOUGH

    def check(self) -> None:
        """Raises Violated."""
        if self._wrong:
            raise self._wrong[0]
        if not (
            self._changed
            or self._begun
            or self._answered
            or self._ended
            or self._stored
            or self._seen < len(self.requests)
            or self._seen_tests < len(self.world.journal.tests)
        ):
            return
        while self._stored:
            self._hold(_OF_OBJECTS, self._stored.pop(0))
        self._check_tests()
        while self._begun:
            self._hold(_OF_INVOCATIONS, self._begun.pop(0))
        changed, self._changed = self._changed, []
        for change in changed:
            self._note(change)
        for change in changed:
            self._hold(_OF_RECORDS if change.key[1] == keys.RECORD else _of_items(_kind_of(change.key)), change)
        for sent in self.requests[self._seen :]:
            self.world.kernel.say(f"sends {sent.action} {sent.option} to {sent.server}/{sent.task}", sent.process)
            self._hold(_OF_SENT, sent)
        self._seen = len(self.requests)
        while self._answered:
            self._hold(_OF_ANSWERS, self._answered.pop(0))
        while self._ended:
            self._hold(_OF_ENDS, self._ended.pop(0))

    def _keep(self, key: str, body: bytes) -> None:
        self._stored.append(key)
        if key == LATEST_SNAPSHOT:
            self.snapshots.append(Remembered(self.world.kernel.now, body, self.world.who()))

    def _hold(self, invariants: list[Callable[[Watch, T], str]], given: T) -> None:
        for invariant in invariants:
            if what := invariant(self, given):
                raise Violated(_named(invariant), what)

    def _check_tests(self) -> None:
        tests = self.world.journal.tests
        for test in tests[self._seen_tests :]:
            self._hold(_OF_TESTS, test)
        self._seen_tests = len(tests)

    def rest(self) -> None:
        """Raises Violated."""
        for invariant in _AT_REST:
            for what in invariant(self):
                raise Violated(_named(invariant), what)

    def _note(self, change: Change) -> None:
        if change.after is None:
            return
        now, writer, sort = self.world.kernel.now, self.world.dynamodb.last_writer, change.key[1]
        if sort == keys.RECORD:
            self._note_record(change, change.after)
        elif sort.startswith(keys.RESTART_PREFIX):
            if change.before is None:
                self.claimed_at[change.key] = now
                said_at = codec.parse_time(change.after[Attribute.AT]["S"]).timestamp()
                self.claims[change.key[0]].append((said_at, sort))
            if Attribute.OUTCOME in change.after:
                self.settled.setdefault(change.key, Storing(writer, now))
        elif sort.startswith(keys.PROBE_PREFIX):
            self._note_test(change.key, change.after, writer)
        elif sort == keys.LEASE:
            holder = change.after[Attribute.PROPOSAL_ID]["S"]
            self.leased_until[change.key[0], holder] = number(change.after, Attribute.EXPIRES)
            taken_at = codec.parse_time(change.after[Attribute.AT]["S"]).timestamp()
            self.taken[change.key[0], holder].append((now, taken_at))
        elif sort == keys.SUMMARY:
            self._note_summary(change.key, change.after, writer)
        elif sort == keys.TOKEN:
            self.tokens.setdefault(change.proposal_id, []).append(change.after[Attribute.TOKEN]["S"])
        elif change.key[0] == keys.OUTAGE:
            self.told_of_outage.setdefault(writer, now)
        elif change.key[0] == keys.PLANS_PARTITION:
            self._note_plan(change.key, change.after)

    def _note_plan(self, key: Key, plan: Wire) -> None:
        self.plans[key] = plan
        self.planned_at.setdefault(key, self.world.kernel.now)
        if json.loads(plan[Attribute.BODY]["S"])["ended_at"]:
            self.plan_ended_at.setdefault(key, self.world.kernel.now)

    def _note_summary(self, key: Key, summary: Wire, writer: str) -> None:
        now = self.world.kernel.now
        self.summed_up.setdefault(key, Storing(writer, now))
        if json.loads(summary[Attribute.BODY]["S"])["finished_at"]:
            self.over_since.setdefault(key[0], now)

    def _note_test(self, key: Key, test: Wire, writer: str) -> None:
        if Attribute.BODY in test:
            self.kept_at[key] = self.world.kernel.now
            return
        _, server, endpoint = key[0].split("/")
        self.counted[writer, server, endpoint] += 1

    def _note_record(self, change: Change, record: Wire) -> None:
        name, now = change.proposal_id, self.world.kernel.now
        if name not in self.proposed or name in self.world.forged:
            self.proposed[name] = json.loads(record[Attribute.PROPOSAL]["S"])
        self.opened_at.setdefault(name, now)
        if Attribute.WAITS in record and Attribute.WAITS not in (change.before or {}):
            self.awaits_endpoint_since[name] = now
        self.opened_by.setdefault(name, self.world.dynamodb.last_writer)
        if status_of(record) is Status.WAITING:
            self.waiting_at.setdefault(name, now)
        if told(record, Attribute.CLAIM).get("brake"):
            self.braked_at.setdefault(name, now)
        if Attribute.OUTCOME in record:
            self.outcomes.setdefault(name, Storing(self.world.dynamodb.last_writer, now))
        if not (change.before and status_of(change.before) is status_of(record)):
            self.world.kernel.say(f"{name} is {status_of(record)}", "ledger")
            self.moved_at[name] = now

    # -- what invariants ask ---------------------------------------------------------------------------------------

    def invocation(self, process: str, function: str) -> Invocation | None:
        """What a process of this function is there for; None for any other process."""
        begun = self.world.functions.begun.get(process)
        return begun if begun is not None and begun.function == function else None

    def is_waiting(self, token: str) -> bool:
        """Whether an execution waits with this token, and a run can know that. To a clock that is hours ahead, an
        execution that began a moment ago, and that Step Functions does not show yet, has long been over.
        """
        return self.clocks_are_right and self.world.states.is_waiting(token)

    @property
    def clocks_are_right(self) -> bool:
        """Whether no function's clock has been stepped in this world: expiries then mean what they say."""
        return not any(ahead for _, ahead in self.world.clock_steps)

    def may_repeat(self, first: str, second: str) -> bool:
        """Whether a process may tell once more what another one told: one was hindered, or they ran side by side."""
        began_at = self.world.functions.begun[second].at
        return began_at <= self.ended_at.get(first, math.inf) or self._is_hindered(first) or self._is_hindered(second)

    def _is_hindered(self, process: str) -> bool:
        """Whether it died or failed, one of its calls went wrong, or it stood still."""
        functions, read = self.world.functions, self.world.readings[process]
        is_slow = bool(read) and read[-1].at - read[0].at >= limits.TELLS
        died = functions.unanswered[functions.begun[process].function]
        return is_slow or process in died or self.world.is_struck(process)

    def answered(self, request: Mapping[str, Any]) -> str:
        """The proposal to which a console or a command sends an answer; empty for one by the plain AWS CLI."""
        if not is_decision(request):
            return ""
        return next((name for name, tokens in self.tokens.items() if request["taskToken"] in tokens), "")

    def may_be_late(self, since: float) -> float:
        """How late it may be, by the clock of a function that began then; what is due later is not over for it."""
        return self.world.kernel.now + self.world.furthest_ahead(since)

    def writer(self) -> Invocation | None:
        """The invocation whose write came last; None for what nobody invoked."""
        return self.world.functions.begun.get(self.world.dynamodb.last_writer)

    def closing_run(self, change: Change) -> Invocation | None:
        """The run that has ended a proposal with this change, other than by dropping its question; None if none has."""
        run, before, after = self.writer(), change.before, change.after
        if before is None or after is None or run is None or run.function != "MonitorTasks":
            return None
        is_dropped = status_of(after) is Status.SUPERSEDED and Attribute.OUTCOME not in before
        return run if status_of(after).is_final and not status_of(before).is_final and not is_dropped else None

    def notified_in(self, body: bytes) -> list[dict[str, Any]]:
        """What a snapshot, as it is stored, remembers that people have been told of."""
        loaded: list[dict[str, Any]] = _parsed(body)["told"]
        return loaded

    def last_snapshot(self, before: float = math.inf) -> FleetSnapshot | None:
        """What the last run remembered of the fleet, of those that had done so before; None if there was none."""
        stored = [each.body for each in self.snapshots if each.at < before]
        return codec.loads(FleetSnapshot, unpacked(stored[-1])) if stored else None

    def raw_snapshot(self, back: int = 1) -> Mapping[str, Any]:
        """What a run remembered of the fleet, as it is stored: the last one, or one before; empty if there is none."""
        if len(self.snapshots) < back:
            return {}
        return _parsed(self.snapshots[-back].body)

    def remembering(self) -> Invocation | None:
        """The invocation that said last what it remembers of the fleet."""
        return self.world.functions.begun.get(self.snapshots[-1].process)

    def waits_since(self, look: Look) -> Reading | None:
        """What a process read of its clock right after the last call that it had answered about a task; None if it has
        sent none, or was refused: what it looks at then is what another one has sent.
        """
        mine = [each for each in self.requests if Look(each.process, each.server, each.task) == look]
        mine = [each for each in mine if not each.is_refused]
        answered_at = mine[-1].answered_at if mine else 0.0
        read = self.world.readings[look.process]
        return next((each for each in read if each.at >= answered_at), None) if answered_at else None

    def probes_before(self, moment: float, server: str, endpoint: str) -> list[Wire]:
        """The tests of an endpoint of which the answer was kept by then."""
        return [
            item
            for (partition, sort), item in self.items.items()
            if partition.startswith("ENDPOINT#") and partition.endswith(f"/{server}/{endpoint}")
            if sort.startswith(keys.PROBE_PREFIX) and Attribute.BODY in item
            if self.kept_at[partition, sort] < moment
        ]

    def looked_at(self, proposal_id: str) -> float:
        """When it was looked whether the tasks of a restart may be started: as it began, which may have been a while
        ago, or as it was taken up once more.
        """
        acting, record = self.writer(), self.items[keys.approval_partition(proposal_id), keys.RECORD]
        began = codec.parse_time(record[Attribute.UPDATED_AT]["S"]).timestamp()
        return max(began, acting.at if acting else began)

    def was_redriven_meanwhile(self, proposal_id: str) -> bool:
        """Whether its execution, which was seen to be over as who closes it began, has been redriven with the plain AWS
        CLI. It waits to its end then, with a question that is closed.
        """
        closing, execution = self.writer(), self.world.states.executions[self.proposed[proposal_id]["execution_arn"]]
        is_redriven = self.world.redrives_plainly and execution.redrives > 0
        return is_redriven and closing is not None and execution.seen[-1][0] > closing.at

    def is_tampered(self, proposal_id: str) -> bool:
        """Whether somebody changed its record behind qlikops' back."""
        return proposal_id in self.world.tampered

    def lifted_at(self, partition: str) -> float:
        """Up to when a person has lifted what keeps a task quiet; 0 if nobody has."""
        lifted = self.items.get((partition, keys.SNOOZE), {}).get(Attribute.LIFTED)
        return codec.parse_time(lifted["S"]).timestamp() if lifted else 0.0

    def could_not_see(self, sent: Sent) -> bool:
        """Whether the record was changed only after the sender had read it for the last time."""
        proposal_id = self.proposal_of(sent)
        read_at = self.world.dynamodb.read_at.get((sent.process, (keys.approval_partition(proposal_id), keys.RECORD)))
        return proposal_id in self.world.tampered and (read_at or 0.0) < self.world.tampered[proposal_id]

    def record(self, proposal_id: str) -> Wire | None:
        """A proposal's record as it is now."""
        return self.items.get((keys.approval_partition(proposal_id), keys.RECORD))

    def records(self) -> Iterator[tuple[str, Wire]]:
        """All of them."""
        for (partition, sort), item in self.items.items():
            if sort == keys.RECORD:
                yield partition.removeprefix("APPROVAL#"), item

    def task_partitions(self, proposal_id: str) -> list[str]:
        """Where the tasks of a proposal, as it was first stored, have their items."""
        return [partition_of(target["key"]) for target in self.proposed[proposal_id]["targets"]]

    def requests_of(self, proposal_id: str, server: str, task: str) -> list[Sent]:
        """What was sent for a proposal on one of its tasks."""
        return [
            sent
            for sent in self.requests
            if (sent.server, sent.task) == (server, task) and self.proposal_of(sent) == proposal_id
        ]

    def claim_of(self, sent: Sent) -> Key:
        """The claim that a run or a stop is sent on."""
        task = partition_of({"instance": "default", "server": sent.server, "task": sent.task})
        return task, keys.RESTART_PREFIX + self.proposal_of(sent)

    def stops_before(self, sent: Sent) -> list[Sent]:
        """The stops of its task that its sender has sent."""
        same = self.requests_of(self.proposal_of(sent), sent.server, sent.task)
        return [each for each in same if (each.process, each.action) == (sent.process, "stop")]

    def tags_read(self, process: str, server: str, task: str) -> list[str] | None:
        """The tags of a task as a process was told them last; None if they were left out, or some cannot be read."""
        details = self.world.journal.read.get((process, server, task), {})
        listed = self.world.journal.listed.get((process, server), (0.0, {}))[1].get(task, {})
        given = [each for each in (details.get("assigned_tags"), listed.get("assigned_tags")) if each is not None]
        is_known = all(isinstance(tag, str) for tags in given for tag in tags) and bool(given)
        if details and details.get("assigned_tags") is None:
            is_known = False  # the list may have others by now
        return [tag for tags in given for tag in tags] if is_known else None

    def may_be_protected(self, process: str, server: str, task: str) -> bool:
        """Whether a process that looked at a task could not know that none of its tags is protected."""
        tags, protected = self.tags_read(process, server, task), set(self.world.config.protected_tags)
        return bool(protected) and (tags is None or bool(protected & set(tags)))

    def proposal_of(self, sent: Sent) -> str:
        """Whose ExecuteRestart sent it; empty where something else did."""
        invocation = self.invocation(sent.process, "ExecuteRestart")
        return invocation.proposal_id if invocation else ""


ANSWERS_OF_S3 = ("NoSuchKey", "304")
"""The errors by which S3 answers what it was asked: that there is no such object, or no other one."""
WAIT_IS_OVER = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")
"""Those by which Step Functions says that nothing waits with a token any more."""


def code_of(error: Exception | None) -> str:
    """The code of a service's refusal; empty for any other error, and for none."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def is_decision(request: Mapping[str, Any]) -> bool:
    """Whether a console or a command sends this answer to a wait: the plain AWS CLI gives its answer no id."""
    return '"decision_id"' in str(request.get("output") or request.get("cause", ""))


def partition_of(key: dict[str, str]) -> str:
    """A task's partition; names are plain in these worlds."""
    return f"TASK#{key['instance']}/{key['server']}/{key['task']}"


def status_of(item: Wire) -> Status:
    """A record's status."""
    return Status(item[Attribute.STATUS]["S"])


def told(item: Wire, attribute: Attribute) -> dict[str, Any]:
    """An attribute's JSON; an empty object where there is none."""
    return _loaded(item[attribute]["S"]) if attribute in item else {}


@functools.lru_cache(maxsize=1024)
def _loaded(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def number(item: Wire, attribute: str) -> float:
    """A number in an item."""
    return float(item[attribute]["N"])
