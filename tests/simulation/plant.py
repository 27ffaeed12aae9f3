"""A world made of a seed: the deployed definition, the real handlers, the real console side, and models around them."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

import qlikops.agent.act.probing
import qlikops.agent.evaluate.model
import qlikops.agent.remember.tasks
import qlikops.agent.steps.monitoring
import qlikops.qlik.reader
from qlikops.agent.config import AgentConfig, Thresholds
from qlikops.agent.evaluate import Evaluator
from qlikops.agent.evaluate.bedrock import BedrockModel
from qlikops.agent.evaluate.model import ModelEvaluator
from qlikops.agent.handlers import (
    evaluate_proposal,
    execute_restart,
    generate_report,
    monitor_tasks,
    record_outcome,
    request_approval,
)
from qlikops.agent.models import BedrockSettings, EvaluatorName
from qlikops.agent.steps.assessment import Assessor
from qlikops.agent.wiring import Services
from qlikops.aws.configuration import ATTEMPTS
from qlikops.aws.executions import StepFunctionsExecutions
from qlikops.aws.session import Resources
from qlikops.domain.gathered.ordering import OrderReceipt
from qlikops.domain.ledger import RECORD, Attribute
from qlikops.domain.proposals.approval import PULLED, Status
from qlikops.domain.runs.orders import Order
from qlikops.qlik.client import QemClient
from qlikops.qlik.simulator.scenario import Scenario
from tests.simulation.dynamodb import DynamoDb
from tests.simulation.eager import EagerEvaluator, SimulatedBedrock
from tests.simulation.enterprise_manager import EnterpriseManagerPool, Journal, LosableSessions, WatchedFleet
from tests.simulation.faults import Faults, Mischance
from tests.simulation.kernel import Kernel, Waiting
from tests.simulation.night import EvaluatedBy
from tests.simulation.services import (
    Context,
    Function,
    OnCall,
    OnFailure,
    SimulatedCloudWatch,
    SimulatedEventBridge,
    SimulatedLambda,
    SimulatedS3,
    SimulatedSecrets,
    SimulatedSns,
    Wire,
)
from tests.simulation.stepfunctions import StepFunctions

T = TypeVar("T")
START = datetime(2026, 3, 7, 22, 0, tzinfo=UTC)
MACHINE_ARN = "arn:aws:states:eu-west-1:000000000000:stateMachine:QlikMonitoringAgent"
TABLE, BUCKET = "ledger", "data"
PASSWORD, _ROTATED = "correct horse", "battery staple"
DEFINITION = (
    (Path(__file__).parents[2] / "statemachine" / "state_machine.json")
    .read_text()
    .replace("${AWS_REGION}", "eu-west-1")
    .replace("${AWS_ACCOUNT_ID}", "000000000000")
)
_ATTEMPTS_OF_FUNCTIONS = 4
"""Of one call to AWS, as `Services.from_environment` makes their clients."""
_HANDLERS = {
    "MonitorTasks": (monitor_tasks.handler, 600),
    "EvaluateProposal": (evaluate_proposal.handler, 120),
    "RequestApproval": (request_approval.handler, 60),
    "ExecuteRestart": (execute_restart.handler, 900),
    "RecordOutcome": (record_outcome.handler, 60),
    "GenerateReport": (generate_report.handler, 300),
}
"""Each function with the seconds that the template gives it; a test compares."""


_BEDROCK = BedrockSettings(model_id="a-model")
UNSTEADY = ("missed", "twice", "late", "jitter")


class Stopped(NamedTuple):
    """An execution that `qlikops stop` has stopped without complaint."""

    called_at: float
    at: float
    """From then on, nothing of it begins that was open when it was called."""
    over_at: float
    """When the command had done all."""


class Reading(NamedTuple):
    """What a process read of its clock."""

    at: float
    """When that was, in the world's time."""
    said: datetime


class _InlineFuture(Future[T]):
    """Hashed by its number: in a set, it lies where it lay in the last run of the seed."""

    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self._number = next(_InlineFuture.numbers)

    def __hash__(self) -> int:
        return self._number


class InlineExecutor(Executor):
    """Runs what is submitted at once, in the process that submits it: no thread is the seed's to schedule."""

    def __init__(self, _workers: int = 1) -> None:
        pass

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = _InlineFuture()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as exc:  # it is the caller's, as from a thread
            future.set_exception(exc)
        return future


class InlineThread:
    """Runs its target as it is started."""

    def __init__(self, target: Callable[[], None], **_: Any) -> None:
        self.start = target


@contextlib.contextmanager
def without_threads() -> Iterator[None]:
    """What the agent runs in threads runs inline meanwhile. Nothing else of it is patched: a pool has no other seam."""
    modules: tuple[Any, ...] = (
        qlikops.agent.steps.monitoring,
        qlikops.agent.act.probing,
        qlikops.agent.remember.tasks,
        qlikops.qlik.reader,
    )
    before = [module.ThreadPoolExecutor for module in modules]
    for module in modules:
        module.ThreadPoolExecutor = InlineExecutor
    models: Any = qlikops.agent.evaluate.model
    models.threading, threading = SimpleNamespace(Thread=InlineThread), models.threading
    try:
        yield
    finally:
        models.threading = threading
        for module, executor in zip(modules, before, strict=True):
            module.ThreadPoolExecutor = executor


class _EagerServices(Services):
    """With an evaluator that was talked into approving."""

    @functools.cached_property
    def assessor(self) -> Assessor:
        """That evaluator's, and the real policy."""
        return Assessor(self.ledger, self._evaluator(), self.config, self.clock, self._monotonic)

    def _evaluator(self) -> Evaluator:
        return EagerEvaluator(self.clock)


class _ModelServices(_EagerServices):
    """With the evaluator that asks a model, and a model that was talked into approving."""

    def _evaluator(self) -> Evaluator:
        return ModelEvaluator(
            EvaluatorName.BEDROCK,
            self.config.bedrock,
            BedrockModel(self.config.bedrock, lambda: self._clients("bedrock-runtime")),
            self.clock,
            sleep=self._sleep,
            monotonic=self._monotonic,
            mark=lambda: f"{random.getrandbits(64):016x}",
        )


_SERVICES = {EvaluatedBy.RULES: Services, EvaluatedBy.EAGER: _EagerServices, EvaluatedBy.MODEL: _ModelServices}


class World:
    """Everything there is, at the beginning of its night."""

    def __init__(
        self,
        seed: int,
        scenario: Scenario,
        *,
        mischance: Mischance | None = None,
        spared: frozenset[int] = frozenset(),
        wait_seconds: int = 14400,
        evaluator: EvaluatedBy = EvaluatedBy.RULES,
        **settings: Any,
    ) -> None:
        self.seed = seed
        self.wait_seconds = wait_seconds
        """That an answer may take."""
        self.evaluator = evaluator
        self.is_night = True
        """Whether people and other hands are at it still."""
        self.tampered: dict[str, float] = {}
        """The proposals whose records somebody changed behind qlikops' back, and when."""
        self.forged: set[str] = set()
        """Those of them whose digest was changed with them: only a decision's own digest tells them from real ones."""
        self.unbraked: list[tuple[str, str]] = []
        """What `qlikops stop` left open without its brake, although it said nothing of that: execution and proposal."""
        self._stops = itertools.count()
        self.stopped: dict[str, Stopped] = {}
        """The executions that `qlikops stop` has stopped without complaint, or braked after their end; and when."""
        self.on_call: list[OnCall] = []
        """Told each call to AWS before it goes out."""
        self.on_failure: list[OnFailure] = []
        """Told each call to AWS that came to an error."""
        self.on_review: list[Callable[[str], None]] = []
        """Told each proposal that an operator begins to read."""
        self.answering: dict[str, Waiting] = {}
        """What opens when somebody begins to answer, by approval."""
        self.cut_off_sending: set[str] = set()
        """The operators whose network goes as soon as they send."""
        self.cut_off: dict[str, tuple[float, float]] = {}
        """From when until when an operator's machine has no network, by name."""
        self.every_seconds = 300.0
        """From run to run."""
        self.redrives_plainly = False
        """Whether people redrive with the plain AWS CLI."""
        self.warm = 0.0
        """Share of a function's processes that are kept for another invocation."""
        self._warmth = random.Random(f"warmth {seed}")  # noqa: S311 - replayable
        self.sends_again = False
        """Whether callers' SDKs send again what had no answer, or found a service busy."""
        self.oversleeping = 1.0
        """How many times as long as it asks a function sleeps."""
        self.enterprise_manager_down_until = 0.0
        self.slow = (0.0, 0.0, 0.0)
        """From when until when a run stands still for how many seconds as it lists tasks, once."""
        self._stood_still: set[str] = set()
        self.protected_since = math.inf
        """When somebody has protected every task in Qlik."""
        self.client: Callable[[str], Any] = functools.cache(self._client)
        """Like boto3's, to this world: one for all processes, since it asks who calls."""
        self.definition = DEFINITION.replace("14400", str(wait_seconds))
        """As it was deployed: how long an approval may take is one setting in two places."""
        self.kernel = kernel = Kernel(seed, START)
        self.faults = Faults(
            kernel,
            random.Random(f"faults {seed}"),  # noqa: S311 - replayable
            mischance or Mischance(),
            spared,
            entries=random.Random(f"entries {seed}"),  # noqa: S311 - replayable
        )
        self.faults.is_cut_off = self._is_cut_off
        random.seed(seed)  # what draws from the module itself: pauses of the ledger's table
        _InlineFuture.numbers = itertools.count()
        self.dynamodb = DynamoDb(kernel, TABLE, contention=random.Random(f"contention {seed}"))  # noqa: S311 - replayable
        self.s3, self.sns = SimulatedS3(kernel), SimulatedSns(kernel)
        self.cloudwatch = SimulatedCloudWatch()
        self.bedrock = SimulatedBedrock(
            random.Random(f"model {seed}"),  # noqa: S311 - replayable
            lambda what: self.faults.reached(what),
        )
        self.eventbridge = SimulatedEventBridge(kernel, is_refused=self.faults.of_entry)
        self.fleet = WatchedFleet(scenario, seed=seed, clock=kernel.monotonic)
        self.journal = Journal()
        self.sessions = LosableSessions({"monitor": PASSWORD}, kernel.monotonic, 300.0)
        self._instance = {
            "base_url": "http://127.0.0.1:9/attunityenterprisemanager/api/v1",
            "username": "monitor",
            "password": PASSWORD,
        }
        self.secrets = SimulatedSecrets(json.dumps({"instances": [self._instance]}))
        config = AgentConfig(TABLE, BUCKET, "arn:aws:sns:eu-west-1:000000000000:t", "arn:secret")
        self.config = replace(config, **{"thresholds": Thresholds(confirm_polls=1), "bedrock": _BEDROCK, **settings})
        self.clock_ahead = 0.0
        """Seconds by which the functions' clocks are ahead of the world's."""
        self.clock_of = ""
        """The function whose clocks those are; empty for all."""
        self.clocks_differ = False
        """Whether a step is of one function's clocks."""
        self._whose_clock = random.Random(f"whose clock {seed}")  # noqa: S311 - replayable
        self.clock_steps: list[tuple[float, float]] = []
        """When they were stepped, and by how much they have been ahead since."""
        self.readings: defaultdict[str, list[Reading]] = defaultdict(list)
        """What each process has read of its clock, by its name."""
        self.before_reading: Callable[[str], None] = lambda _: None
        """Called with the name of a process that is about to read its clock, and may let it stand still."""
        self.slept: list[tuple[str, float]] = []
        """The processes of functions that have slept, and how long they have asked to."""
        self.slept_at: dict[str, float] = {}
        """When each of them began to sleep last until its next look."""
        self.shells = random.Random(f"shells {seed}")  # noqa: S311 - replayable
        """Says who types a command where another way would do."""
        self.next_decision_id: dict[str, str] = {}
        """What the next decision of each person's command is called, by the process."""
        self.urandom_of: dict[str, str] = {}
        """What each person's command drew last for the name of a run, in hexadecimal digits."""
        self.not_started: list[str] = []
        """The same where somebody was told of an error, and so that no run was started for their order."""
        self.planned: list[tuple[str, Order]] = []
        """What somebody was told is planned, with the digits at the end of its run's name."""
        self.order_receipts: list[OrderReceipt] = []
        """What somebody was told of what became of an order."""
        self.sent_at: dict[str, float] = {}
        """When each decision was handed to Step Functions."""
        functions = {name: Function(self._runs(handler), seconds) for name, (handler, seconds) in _HANDLERS.items()}
        self.functions = SimulatedLambda(kernel, self.faults, functions)
        self.states = StepFunctions(kernel, self.definition, self.functions.invoke, MACHINE_ARN)
        self.sender = self._client("stepfunctions", most_attempts=1)
        """Of decisions: what was sent may have counted, so it is sent once."""

    def _stands_still(self, who: str) -> float:
        since, until, seconds = self.slow
        if not since <= self.kernel.now < until or not who.startswith("MonitorTasks") or who in self._stood_still:
            return 0.0
        self._stood_still.add(who)
        return seconds

    def _is_cut_off(self, who: str) -> bool:
        if not self.cut_off:  # of nearly all nights
            return False
        since, until = self.cut_off.get(who.partition(":")[0], (0.0, 0.0))
        return since <= self.kernel.now < until

    def rotate_password(self) -> None:
        """Enterprise Manager takes another password from now on, and no session that was opened with the old one."""
        self.sessions.accounts["monitor"] = _ROTATED
        self.sessions.end_all()
        self.faults.reached("a password that is changed")

    def rotate_secret(self) -> None:
        """The secret has the other password."""
        self.secrets.text = json.dumps({"instances": [{**self._instance, "password": _ROTATED}]})

    def stop(self, person: Person, arn: str, reason: str) -> None:
        """What `qlikops stop` does. Raises QlikopsError."""
        before, called_at, who = self._open_without_brake(arn), self.kernel.now, self.who()
        hindered: list[Exception] = []
        reason = f"{reason}, {next(self._stops)}"  # one person may stop one execution twice at a time
        executions = StepFunctionsExecutions(person, now=self.kernel.time, has_console=False, sleep=self.kernel.sleep)

        def note(error: Exception) -> None:
            if self.who() == who:
                hindered.append(error)

        self.on_failure.append(note)
        try:
            executions.stop(arn, reason)
        finally:
            self.on_failure.remove(note)
        self.unbraked += ((arn, each) for each in sorted(before & self._open_without_brake(arn)))
        execution = self.states.executions[arn]
        # Of one that somebody else has stopped, or that had ended, what goes on is braked at some time until now.
        is_theirs = execution.cause == f"{reason} ({person.caller()})"
        at = execution.stopped_at if is_theirs and not hindered else None
        self.stopped.setdefault(arn, Stopped(called_at, at or self.kernel.now, self.kernel.now))

    def _open_without_brake(self, arn: str) -> set[str]:
        """The proposals of an execution that are open, and that somebody may claim or act for still."""
        return {
            partition
            for (partition, sort), item in self.dynamodb.items.items()
            if sort == RECORD
            and item[Attribute.EXECUTION_ARN]["S"] == arn
            and not Status.read(item[Attribute.STATUS]["S"]).is_final
            and Attribute.OUTCOME not in item
            and PULLED not in item.get(Attribute.CLAIM, {}).get("S", "")
        }

    def step_clock(self, ahead: float, of: str = "") -> None:
        """Sets the functions' clocks so many seconds ahead of the world's: in some nights one function's alone."""
        self.clock_ahead = ahead
        self.clock_of = of or (self._whose_clock.choice(sorted(_HANDLERS)) if self.clocks_differ else "")
        self.clock_steps.append((self.kernel.now, ahead))

    def new_decision_id(self) -> str:
        """Of the command that runs."""
        return self.next_decision_id.pop(self.who())

    def urandom(self, size: int) -> bytes:
        """For the name of a run that somebody starts."""
        drawn = self.shells.randbytes(size)
        self.urandom_of[self.who()] = drawn.hex()
        return drawn

    def furthest_ahead(self, since: float) -> float:
        """Seconds by which any function's clock has been ahead at most since then."""
        # Until its first step a clock is right, and so are those of other functions that have none.
        before = [0.0, *(ahead for at, ahead in self.clock_steps if at <= since)]
        others = [0.0] if self.clocks_differ else []
        return max([*others, before[-1], *(ahead for at, ahead in self.clock_steps if at > since)])

    def is_struck(self, process: str, service: str = "") -> bool:
        """Whether a call of a process went wrong; with `service`, a call to that one."""
        return any(call.startswith(service) for call in self.faults.struck.get(process, ()))

    def is_protected(self, task: str) -> bool:
        """Whether a task carries a protected tag, whatever anybody has read of it."""
        tags = {
            tag
            for server in self.fleet.scenario.servers
            for one in server.tasks
            if one.name == task
            for tag in one.tags
        }
        return bool(tags & set(self.config.protected_tags))

    def who(self) -> str:
        """The name of the process that runs now."""
        return self.kernel.current_name

    def _client(self, service: str, most_attempts: int = _ATTEMPTS_OF_FUNCTIONS) -> Wire:
        models: dict[str, object] = {
            "bedrock-runtime": self.bedrock,
            "dynamodb": self.dynamodb,
            "s3": self.s3,
            "sns": self.sns,
            "events": self.eventbridge,
            "cloudwatch": self.cloudwatch,
            "secretsmanager": self.secrets,
            "stepfunctions": self.states,
        }

        def attempts() -> int:
            if not self.sends_again:
                return 1
            return min(most_attempts, _ATTEMPTS_OF_FUNCTIONS if "#" in self.who() else ATTEMPTS)

        return Wire(self.faults, service, models[service], self.who, self.on_call, self.on_failure, attempts)

    def clock(self) -> datetime:
        """A function's: it may be wrong."""
        return self._read_clock(lambda: self.ahead_of(self.who()))

    def ahead_of(self, process: str) -> float:
        """Seconds by which the clock of a function, or of a process of it, is ahead of the world's."""
        return self.clock_ahead if process.startswith(self.clock_of) else 0.0

    def clock_of_people(self) -> datetime:
        """An operator's, which is right."""
        return self._read_clock(lambda: 0.0)

    def _read_clock(self, ahead: Callable[[], float]) -> datetime:
        who = self.who()
        self.before_reading(who)
        said = self.kernel.time() + timedelta(seconds=ahead())
        self.readings[who].append(Reading(self.kernel.now, said))
        return said

    def _sleep(self, seconds: float) -> None:
        self.slept.append((self.who(), seconds))
        if seconds == round(seconds):  # what it waits for a busy ledger is drawn
            self.slept_at[self.who()] = self.kernel.now
        self.kernel.sleep(seconds * self.oversleeping)

    def services(self) -> Services:
        """The agent's parts in a fresh process."""

        def qem_client(instance: Any, **options: Any) -> QemClient:
            pool = EnterpriseManagerPool(self.kernel, self.faults, self.fleet, self.sessions, self.journal, self.who)
            pool.is_down = lambda: self.kernel.now < self.enterprise_manager_down_until
            pool.stands_still = self._stands_still
            return QemClient(instance, pool=pool, sleep=self.kernel.sleep, rng=self.kernel.random.random, **options)

        return _SERVICES[self.evaluator](
            self.config,
            self.client,
            clock=self.clock,
            sleep=self._sleep,
            monotonic=self.kernel.monotonic,
            client_factory=qem_client,
        )

    def _runs(self, handler: Callable[..., dict[str, Any]]) -> Callable[[dict[str, Any], Context], dict[str, Any]]:
        idle: list[Services] = []

        def run(event: dict[str, Any], context: Context) -> dict[str, Any]:
            services = idle.pop() if idle else self.services()
            try:
                answer = handler(event, context, services)
            except Exception:  # an error, which ends no process; a time-out does
                self._stays_warm(idle, services)
                raise
            self._stays_warm(idle, services)
            return answer

        return run

    def _stays_warm(self, idle: list[Services], services: Services) -> None:
        """Keeps a process that is done for a later invocation, as Lambda may."""
        if self._warmth.random() < self.warm:
            self.faults.reached("a process that stays warm")
            idle.append(services)

    def run_on_schedule(self, seconds: float, *, is_steady: bool = True) -> None:
        """EventBridge Scheduler, all night: an execution every so often; where not `is_steady`, also none, late or two.

        Its documentation promises a start within the minute, and at least one: two are two executions.
        """
        chance = self.kernel.random

        def start(name: str) -> None:
            self.states.start_execution(MACHINE_ARN, name, "{}")

        self.every_seconds = seconds

        def tick(number: int) -> None:
            if not self.is_night:
                return
            name, befalls = f"rule-{number:04}", "steady" if is_steady else chance.choice(["steady", *UNSTEADY])
            if befalls != "steady":
                self.kernel.say(f"schedule: {befalls}")
                self.faults.reached(f"schedule {befalls}")
            late = {"late": chance.uniform(1.0, 2 * seconds), "jitter": chance.uniform(0.0, 60.0)}.get(befalls, 0.0)
            if befalls != "missed":
                self.kernel.after(late, lambda: start(name))
            if befalls == "twice":
                self.kernel.after(chance.uniform(0.0, 3.0), lambda: start(f"{name}-again"))
            self.kernel.after(seconds, lambda: tick(number + 1))

        self.kernel.after(self.kernel.random.uniform(0, seconds), lambda: tick(0))


class Counted:
    """A client that says of each call that it is made."""

    def __init__(self, client: Any, count: Callable[[], None]) -> None:
        self._client, self._count = client, count

    def __getattr__(self, name: str) -> Any:
        self._count()
        return getattr(self._client, name)


class Person:
    """An operator's way to AWS: implements `aws.session.Connection` over this world."""

    read_only = False

    def __init__(self, world: World, name: str, sent: Counter[str]) -> None:
        """`sent` counts the callbacks by their decisions."""
        self._world, self._arn = world, f"arn:aws:sts::000000000000:assumed-role/OnCall/{name}"
        self._sent, self._name = sent, name

    @property
    def resources(self) -> Resources:
        """What the stack made."""
        return Resources(MACHINE_ARN, TABLE, BUCKET)

    @property
    def dynamodb(self) -> Any:
        """For the ledger."""
        return self._world.client("dynamodb")

    @property
    def stepfunctions(self) -> Any:
        """For executions."""
        return self._world.client("stepfunctions")

    @property
    def s3(self) -> Any:
        """For snapshots and reports."""
        return self._world.client("s3")

    @property
    def scheduler(self) -> Any:
        """There is none in this world."""
        raise NotImplementedError

    @property
    def logs(self) -> Any:
        """Nobody reads them in this world."""
        raise NotImplementedError

    def sender(self, decision_id: str) -> Any:
        """For one callback."""
        return Counted(self._world.sender, lambda: self._sending(decision_id))

    def _sending(self, decision_id: str) -> None:
        self._sent[decision_id] += 1
        self._world.sent_at.setdefault(decision_id, self._world.kernel.now)
        if self._name in self._world.cut_off_sending:
            self._world.cut_off_sending.remove(self._name)
            since = self._world.kernel.now + self._world.kernel.random.uniform(0.0, 0.06)
            self._world.cut_off[self._name] = (since, since + self._world.kernel.random.choice([1.0, 10.0, 300.0]))

    def caller(self) -> str:
        """Who it is."""
        return self._arn
