"""A night, as data: what the fleet goes through, who is there, and what goes wrong. A seed draws it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from qlikops.agent.config import Thresholds
from qlikops.agent.diagnosis.own_failures import VERSION
from qlikops.agent.remember.table import Table
from qlikops.domain.fleet.task import StopReason, TaskState
from qlikops.domain.proposals.evaluation import ApprovalMode
from qlikops.qlik.simulator.scenario import (
    AfterRun,
    Break,
    Effect,
    Endpoint,
    LatencySide,
    LatencySpike,
    Scenario,
    ScenarioEvent,
    ServerDown,
    SimulatedServer,
    SimulatedTask,
)
from tests.scenarios.disturbed import Disturbance, Trouble
from tests.scenarios.outages import EndpointDown, FetchingStops
from tests.simulation.faults import Fault, Mischance

PROTECTED = "gold"


class Habit(StrEnum):
    """What somebody does when there is something to do."""

    APPROVES = "approves"
    APPROVES_LATE = "approves_late"
    """In the last second, or the one after it."""
    APPROVES_TOGETHER = "approves_together"
    """At the moment when somebody else answers the same."""
    APPROVES_MEANWHILE = "approves_meanwhile"
    """While a run looks at the fleet and may close the question."""
    DENIES = "denies"
    SNOOZES = "snoozes"
    CLAIMS = "claims"
    STOPS = "stops"
    REDRIVES = "redrives"
    RUNS = "runs"
    CALLS_BACK = "calls_back"
    """With the plain AWS CLI, and no digest."""
    CALLS_BACK_ODDLY = "calls_back_oddly"
    """With something that is no decision."""
    FAILS_ODDLY = "fails_oddly"
    """The same as an error: with the names of others' errors, or a denial without words."""
    CHOOSES = "chooses"
    """Approves of one of the options, on some of the tasks; with the plain AWS CLI also of what is not offered."""
    WAITS = "waits"
    """Approves of a resume when the endpoint answers, where that is offered."""
    SLIPS = "slips"
    """Types part of an id, or a wrong one, and takes back a claim, or one that is not theirs."""
    FORGETS = "forgets"
    """Says that they look at what waits, and does nothing more."""


class Hand(StrEnum):
    """Who else has a hand in it."""

    DEPLOYS = "deploys"
    """Updates the definition, back and forth."""
    RUNS_IN_QLIK = "runs_in_qlik"
    STOPS_IN_QLIK = "stops_in_qlik"
    BREAKS = "breaks"
    """Something breaks that the scenario knows nothing of."""
    STEPS_CLOCK = "steps_clock"
    """The functions' clock jumps."""
    KILLS = "kills"
    """A running function's process is ended."""
    RUNS_TWICE = "runs_twice"
    """Two runs at the same moment."""
    RESTARTS_QEM = "restarts_qem"
    """Enterprise Manager is restarted: away for a while, and all sessions are gone."""
    STOPS_ACTING = "stops_acting"
    """An execution is stopped while it restarts something."""
    REPEATS = "repeats"
    """Lambda invokes once more what began a while ago."""
    TAMPERS = "tampers"
    """Somebody changes records in the table."""
    OVERTAKES = "overtakes"
    """A run stands still after it has looked, while another one looks and proposes."""
    BRAKES = "brakes"
    """A restart is stopped, as `qlikops stop` does it, while it goes on."""
    ORDERS = "orders"
    """Work is planned, and what keeps tasks quiet is lifted, by a run's input."""
    RACES = "races"
    """What writes to the table stands still before it does, until another process comes to the same items."""
    DESERTS = "deserts"
    """Enterprise Manager is away for a moment as a task is claimed, and the restart is invoked once more."""
    LINGERS = "lingers"
    """What acts stands still between its last look and its claim, until another invocation has ended the proposal."""
    WITHDRAWS = "withdraws"
    """What was asked about is brought up in Qlik, and somebody approves just as a run is about to drop the question."""
    LEAVES = "leaves"
    """A restart leaves a task stopped; somebody starts it, and stops it later."""
    RELAPSES = "relapses"
    """What a restart brought up breaks again, and somebody lifts what keeps it quiet then, once."""
    PLANS = "plans"
    """Work is planned on what was approved and waits for its endpoint."""
    DISCLOSES = "discloses"
    """Enterprise Manager gives out tasks' details just as a restart begins."""
    ABANDONS = "abandons"
    """What was approved loses its execution, or its answers; its late function begins just as that is closed."""


_LAST_HANDS = (Hand.OVERTAKES, Hand.BRAKES, Hand.LINGERS)
_OF_THEIR_OWN = (
    Hand.RACES,
    Hand.DESERTS,
    Hand.WITHDRAWS,
    Hand.LEAVES,
    Hand.ABANDONS,
    Hand.RELAPSES,
    Hand.PLANS,
    Hand.DISCLOSES,
)
"""Those for whom a night draws by themselves."""
AT_WORST_MOMENTS = (Hand.STOPS_ACTING, Hand.REPEATS, Hand.TAMPERS, *_LAST_HANDS, *_OF_THEIR_OWN)
"""Wait for something to happen, and come then."""


class EvaluatedBy(StrEnum):
    """Who says what to think of a proposal."""

    RULES = "rules"
    EAGER = "eager"
    """One that approves of nearly everything."""
    MODEL = "model"
    """The one with a model, which approves of nearly everything, and gives now and then no answer."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One person with a console or a shell."""

    name: str
    habits: tuple[Habit, ...]
    every_seconds: float
    """From one look to the next, on average."""
    is_at_console: bool = False
    """Answers what waits in the console, in the ways that their habits name, and does nothing else."""
    stays: bool = False
    """Leaves the console open between their looks: it asks again and again, and follows what others decide."""


@dataclass(frozen=True, slots=True)
class Night:
    """All that a seed decides beforehand."""

    seed: int
    scenario: Scenario
    operators: tuple[Operator, ...]
    hands: tuple[Hand, ...]
    mischance: Mischance
    mode: ApprovalMode
    require_digest: bool
    every_seconds: float
    """From run to run."""
    wait_seconds: int
    """That an approval may take."""
    hours: float
    """That it lasts; what waits then has until the longest time-out to end."""
    evaluator: EvaluatedBy
    is_steady: bool
    """The schedule starts one run every time, in time."""
    oversleeping: float
    """How many times as long as it asks a function sleeps: it looks less often, and costs less to simulate."""
    settings: Mapping[str, int | str | Thresholds]
    """Of the agent, beside these."""
    is_at_edges: bool = False
    """Clocks are read just when a time is over that the ledger shows."""
    most_writes: int = Table.most_writes
    """Of one transaction: with few of them, groups of some tasks take several, as those of a hundred do in life."""
    most_reads: int = Table.most_reads
    """Of one batch: with few of them, a fleet of some tasks takes several, as one of hundreds does in life."""
    mended_first: bool = False
    """The team's own known failures say that a lost connection is not to be restarted before somebody has looked."""
    contended: float = 0.0
    """Share of writes to a record that find somebody else's transaction on it, for tenths of a second or for seconds.
    """
    details_from: float = 0.0
    """Seconds into the night from which on Enterprise Manager gives the agent's account the tasks' details."""
    protects_at: float = 0.0
    """Seconds into the night when somebody protects every task in Qlik; 0 for never."""
    slow: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """From when until when, in seconds of the night, a run stands still for how many as it lists a server's tasks."""
    untagged: float = 0.0
    """Share of answers in which Enterprise Manager leaves a task's tags out, or gives some that cannot be read."""
    may_test: bool = True
    """The agent's Qlik account may have endpoints tested."""
    warm: float = 0.0
    """Share of functions' processes that serve another invocation, with what they remember."""
    clocks_differ: bool = False
    """When a clock is stepped, it is that of one function, not of all."""
    redrives_plainly: bool = False
    """Some redrive with the plain AWS CLI, which asks nobody whether that is wise."""
    rotation: tuple[float, float] | None = None
    """When Enterprise Manager gets another password, and when the secret does: seconds from the start of the night."""
    sends_again: bool = False
    """SDKs send again what had no answer: less goes wrong for good, and more is carried out twice."""
    spared: frozenset[int] = frozenset()
    """The numbers of faults that do not happen."""


MESSAGES = (
    "ORA-03113: end-of-file on communication channel",
    "ORA-12541: TNS:no listener",
    "ORA-01017: invalid username/password; logon denied",
    "ORA-00308: cannot open archived log '/arch/1_4711.arc'",
    "Something nobody has seen before",
    "",
)


MENDED_FIRST_ID = "oracle-listener-moved"
MENDED_FIRST = json.dumps(
    {
        "version": VERSION,
        "failures": [
            {
                "id": MENDED_FIRST_ID,
                "engine": "oracle",
                "native": ["ORA:3113"],
                "class": "fix_first",
                "says": "The database was moved.",
                "check": ["Ask where it is."],
                "then": "resume",
                "judgement": True,
                "checked": "2026-03-01",
                "examples": [MESSAGES[0]],
            }
        ],
    }
).encode()
"""A team's own known failures: of one of the messages, that somebody has to look first."""


def meaning(message: str) -> str:
    """What a message of these nights comes to: a lost connection, or itself."""
    known = next((known for known in MESSAGES if known and message.startswith(known)), "")
    return "connection" if known in MESSAGES[:2] else known


@dataclass(frozen=True, slots=True)
class Size:
    """What a night's cost follows from: how much there is in it."""

    long: float
    """Share of nights with groups that take longer than one invocation: each costs as much as five others."""
    tasks: tuple[int, ...]
    """One of these numbers to a server."""
    every_seconds: tuple[float, ...]
    """One of these from run to run."""
    unanswered: float
    """Share of nights that are quiet but for what starts and stops tasks, of which half goes without a right answer."""
    lifelike: float
    """Share of nights in which SDKs send again, of those with processes that stay warm, and of those with redrives by
    plain AWS CLI.
    """


USUAL = Size(
    long=0.04,
    tasks=(1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 8),
    every_seconds=(600.0, 900.0),
    unanswered=0.06,
    lifelike=0.3,
)
LARGE = Size(long=0.12, tasks=(1, 2, 2, 3, 4, 8), every_seconds=(300.0, 600.0, 900.0), unanswered=0.0, lifelike=0.0)
"""As nights were when most of the faults were found that they have found."""

_DRAWN_LATER = (*_LAST_HANDS, *_OF_THEIR_OWN, Hand.ORDERS)
_FIRST_HANDS = [hand for hand in Hand if hand not in _DRAWN_LATER]


def draw(seed: int, size: Size = USUAL) -> Night:
    """The night of a seed among nights of this size."""
    rng = random.Random(f"night {seed}")  # noqa: S311 - replayable
    # Groups that take longer than one invocation, beside which everything else may happen.
    is_slow = rng.random() < size.long
    hours = 3.0 if is_slow else 1.0
    hands = rng.sample(_FIRST_HANDS, rng.choice([0, 0, 1, 2, 3]))
    if is_slow and rng.random() < 0.5:
        hands = list(dict.fromkeys((*hands, Hand.STOPS_ACTING)))  # of groups that go on, in a later invocation
    if (Hand.REPEATS in hands) != (Hand.STOPS_ACTING in hands) and rng.random() < 0.6:
        hands = list(dict.fromkeys((*hands, Hand.REPEATS, Hand.STOPS_ACTING)))  # each is what the other waits for
    require_digest = rng.random() < 0.2
    people = [_operator(rng, name) for name in ("anna", "bert", "carl")[: rng.choice([0, 1, 2, 2, 3, 3])]]
    if require_digest:
        people = [replace(each, habits=(*each.habits, Habit.CALLS_BACK)) for each in people]
    night = Night(
        seed=seed,
        scenario=_scenario(rng, seed, hours, size, is_slow=is_slow),
        hours=hours,
        evaluator=EvaluatedBy.EAGER if rng.random() < 0.3 else EvaluatedBy.RULES,
        is_steady=rng.random() < 0.7,
        oversleeping=6.0 if is_slow else rng.choice([1.0, 2.0, 5.0]),
        operators=tuple(people),
        hands=tuple(hands),
        mischance=Mischance.drawn(rng),
        mode=rng.choice([ApprovalMode.ALWAYS] * 3 + [ApprovalMode.POLICY] * 3 + [ApprovalMode.NEVER]),
        require_digest=require_digest,
        every_seconds=900.0 if is_slow else rng.choice(size.every_seconds),
        wait_seconds=rng.choice([14400, 14400, 600, 1800]),
        settings={
            "cooldown_seconds": rng.choice([900, 900, 120, 0]),
            "restart_budget_per_hour": rng.choice([3, 3, 1, 2]),
            "restarts_at_a_time": rng.choice([1, 2]) if is_slow else rng.choice([10, 3, 1]),
            "status_lag_seconds": 300 if is_slow else 30,
            "verify_timeout_seconds": 600 if is_slow else rng.choice([120, 120, 30, 600]),
            "lease_margin_seconds": rng.choice([3600, 3600, 1800]),
        },
    )
    # Drawn last: nights without it are those that they were.
    night = replace(night, hands=(*hands, *(hand for hand in _LAST_HANDS if rng.random() < 0.1)))
    night = replace(night, scenario=_with_endpoints(rng, night.scenario), may_test=rng.random() >= 0.1)
    night = replace(night, operators=tuple(_choosing(rng, operator) for operator in night.operators))
    limits = {"probes_per_hour": rng.choice([3, 3, 1]), "max_errors": rng.choice([5, 5, 2, 1])}
    night = replace(night, settings={**night.settings, **limits})
    if rng.random() < 0.12:
        night = replace(night, scenario=_with_log_stream(rng, night.scenario))
    if rng.random() < 0.15:
        night = replace(night, hands=(*night.hands, Hand.RACES))
    if rng.random() < 0.15:
        night = replace(night, hands=(*night.hands, Hand.ORDERS))
    # Six hours of tests say no more than two.
    night = replace(night, settings={**night.settings, "wait_for_endpoint_seconds": rng.choice([600, 3600, 7200, 0])})
    night = _with_who_waits(rng, night) if rng.random() < 0.2 else night
    night = _with_old_state(rng, night) if rng.random() < 0.1 else night
    night = _with_more(random.Random(f"more {seed}"), night)  # noqa: S311 - replayable
    unanswered = random.Random(f"unanswered {seed}").random() < size.unanswered  # noqa: S311 - replayable
    night = replace(night, mischance=_UNANSWERED) if unanswered else night
    rng = random.Random(f"as in life {seed}")  # noqa: S311 - replayable
    night = replace(night, sends_again=rng.random() < size.lifelike)
    night = replace(night, warm=rng.choice([0.5, 0.9])) if rng.random() < size.lifelike else night
    night = replace(night, redrives_plainly=rng.random() < size.lifelike)
    if rng.random() < size.lifelike / 2:
        struck, last = rng.choice([("GenerateReport", 30), ("ExecuteRestart", 200)])
        struck_after = rng.randint(1, last)
        night = replace(night, mischance=replace(night.mischance, struck_function=struck, struck_after=struck_after))
    rng = random.Random(f"in itself {seed}")  # noqa: S311 - replayable
    night = _with_aws_failing(rng, night) if rng.random() < size.lifelike / 2 else night
    clocks = random.Random(f"clocks {seed}")  # noqa: S311 - replayable
    night = replace(night, clocks_differ=clocks.random() < size.lifelike)
    rng = random.Random(f"at the table {seed}")  # noqa: S311 - replayable
    stops = Hand.BRAKES in night.hands or any(Habit.STOPS in each.habits for each in night.operators)
    if rng.random() < (size.lifelike if stops else size.lifelike / 3):
        night = replace(night, contended=rng.choice([0.05, 0.3]))
    if rng.random() < size.lifelike / 2:
        night = replace(night, most_reads=rng.choice([1, 3]))
    night = replace(night, mended_first=rng.random() < size.lifelike / 2)
    if Hand.ORDERS in night.hands and rng.random() < size.lifelike:
        night = replace(night, mischance=_NOT_STARTED)
    rng = random.Random(f"about one thing {seed}")  # noqa: S311 - replayable
    night = _about_one_thing(rng, night) if size.lifelike else night
    rng = random.Random(f"protects {seed}")  # noqa: S311 - replayable
    night = replace(night, protects_at=rng.uniform(600, 3000) * (rng.random() < size.lifelike / 8))
    night = replace(night, slow=_slow(random.Random(f"slow {seed}"), size))  # noqa: S311 - replayable
    rng = random.Random(f"rotates {seed}")  # noqa: S311 - replayable
    if rng.random() >= size.lifelike / 3:
        return night
    at = rng.uniform(60, 3000)
    return replace(night, rotation=(at, at + rng.choice([-2.0, 2.0, 60.0, 900.0])))


def _slow(rng: random.Random, size: Size) -> tuple[float, float, float]:
    """Of a few nights, when runs are too slow to list all servers in their time."""
    if rng.random() >= size.lifelike / 12:
        return 0.0, 0.0, 0.0
    at = rng.uniform(600, 2400)
    return at, at + rng.uniform(600, 1200), rng.uniform(475, 540)


_RARELY = 0.04
"""Share of the nights that are about one thing which hardly ever comes about by itself."""


def _about_one_thing(rng: random.Random, night: Night) -> Night:
    """The same night, or one that is made for something that needs several others first."""
    match int(rng.random() / _RARELY):
        case 0:
            return replace(night, hands=(*night.hands, Hand.WITHDRAWS))
        case 1:
            trouble, until = rng.choice(
                [(Trouble.NO_PROCESS, None), (Trouble.NO_PROCESS, 2400.0), (Trouble.STALL, None)]
            )
            stuck = (Disturbance(rng.uniform(0, 900), *place, trouble, 5000.0, until) for place in _places(night))
            scenario = replace(night.scenario, events=(*night.scenario.events, *stuck))
            limits = {**night.settings, "thresholds": Thresholds(confirm_polls=1, stalled_seconds=300)}
            hand = rng.choice([Hand.LEAVES, Hand.DESERTS])
            hands = tuple(dict.fromkeys((*night.hands, hand)))
            return replace(night, scenario=scenario, hands=hands, settings=limits)
        case 2:
            forgets = (Operator("gerd", (Habit.FORGETS,), 60.0),)
            settings = {**night.settings, **ESCALATION}
            mischance = replace(night.mischance, **_SILENT) if rng.random() < 0.4 else night.mischance
            night = replace(night, operators=forgets, settings=settings, mischance=mischance)
            return replace(night, wait_seconds=rng.choice([600, 1800]))
        case 3:
            loads = [replace(server, tasks=_half_loaded(rng, server)) for server in night.scenario.servers]
            scenario = replace(night.scenario, servers=tuple(loads))
            night = replace(night, scenario=scenario, details_from=rng.uniform(300, 2400))
            return replace(night, hands=(*night.hands, Hand.DISCLOSES)) if rng.random() < 0.6 else night
        case 4:
            return replace(night, hands=(*night.hands, Hand.ABANDONS))
        case 5 | 6:
            return replace(night, evaluator=EvaluatedBy.MODEL, mode=ApprovalMode.POLICY)
        case 7:
            approves = Operator("hugo", (Habit.APPROVES_TOGETHER, Habit.APPROVES), 20.0)
            limits = {**night.settings, "cooldown_seconds": 900, "restart_budget_per_hour": 0}
            hands = (*night.hands, Hand.RELAPSES)
            return replace(
                night, hands=hands, operators=(*night.operators, approves), settings=limits, every_seconds=300
            )
        case 8:
            return _with_much_to_decide(rng, night)
        case 9:
            night = _with_who_waits(rng, night)
            return replace(night, hands=(*night.hands, Hand.PLANS))
        case 10:
            breaks = (_break(rng, place, rng.uniform(0, 2400), MESSAGES[0]) for place in _places(night))
            night = replace(night, scenario=replace(night.scenario, events=tuple(breaks)), mended_first=True)
            mischance = Mischance(share_of_calls=0.2, kinds=(Fault.REFUSED, Fault.LOST, Fault.BUSY), only="s3:")
            return replace(night, evaluator=EvaluatedBy.EAGER, mode=ApprovalMode.POLICY, mischance=mischance)
        case number:
            return _about_one_of_these(number, rng, night)


def _about_one_of_these(number: int, rng: random.Random, night: Night) -> Night:
    """The same night, or one in which a service does not say what it is asked, or a finding gets worse.

    12, 13, 15 and 18 are left as they are: nights with these numbers have broken a promise once.
    """
    match number:
        case 11:
            return _whose_questions_pass(rng, night) if rng.random() < 0.5 else _that_may_not_read(rng, night)
        case 14:
            return _behind_a_gateway(rng, night)
        case 16 if rng.random() < 0.5:
            night = _with_what_gets_worse(rng, night)
            night = replace(night, mischance=rng.choice([Mischance(), _ONCE_REFUSED]))
            passing = random.Random(f"passing {night.seed}")  # noqa: S311 - replayable
            return _with_what_passes(passing, night) if passing.random() < 0.5 else night
        case 19 | 20:
            return _with_an_open_console(rng, night)
        case 16:
            night = _with_breaks(rng, night, MESSAGES[:2])
            night = replace(night, untagged=0.4, evaluator=EvaluatedBy.EAGER, mode=ApprovalMode.POLICY)
            return replace(night, mischance=Mischance()) if rng.random() < 0.5 else night
    return night


def _with_an_open_console(rng: random.Random, night: Night) -> Night:
    """The same night, in which a console is left open, and it or what it follows may often not be there."""
    habits = (Habit.APPROVES, rng.choice((Habit.SNOOZES, Habit.CHOOSES, Habit.WAITS)))
    stays = Operator("lena", habits, rng.choice([300.0, 1200.0]), is_at_console=True, stays=True)
    night = replace(night, operators=(*night.operators, stays))
    if rng.random() < 0.4:
        return night
    only = rng.choice(["dynamodb:Query", "dynamodb:GetItem"])
    return replace(night, mischance=Mischance(share_of_calls=0.4, kinds=(Fault.REFUSED, Fault.BUSY), only=only))


def _with_breaks(rng: random.Random, night: Night, messages: Sequence[str]) -> Night:
    """The same night, in which each task breaks once, at a time of its own, and nothing else goes wrong with it."""
    breaks = (_break(rng, place, rng.uniform(0, 2400), rng.choice(messages)) for place in _places(night))
    return replace(night, scenario=replace(night.scenario, events=tuple(breaks)))


def _whose_questions_pass(rng: random.Random, night: Night) -> Night:
    """The same night, in which nobody answers, what is asked about comes up by itself, and Step Functions refuses."""
    breaks = [
        replace(_break(rng, place, at, rng.choice(MESSAGES)), heals_after_seconds=rng.uniform(600, 1200))
        for place in _places(night)
        for at in (rng.uniform(0, 600), rng.uniform(1800, 2400))
    ]
    scenario = replace(night.scenario, events=tuple(breaks))
    only = rng.choice(["SendTaskFailure", "stepfunctions:"])
    mischance = Mischance(share_of_calls=0.4, kinds=(Fault.BUSY, Fault.BROKEN, Fault.FORBIDDEN), only=only)
    stops = (Operator("jan", (Habit.STOPS,), 600.0),) if rng.random() < 0.5 else ()
    night = replace(night, scenario=scenario, operators=stops, mode=ApprovalMode.ALWAYS, mischance=mischance)
    return replace(night, wait_seconds=14400, every_seconds=300.0, is_steady=True)


def _that_may_not_read(rng: random.Random, night: Night) -> Night:
    """The same night, in which S3 refuses to be read, and much rests on that: what a team knows, and what was told."""
    night = replace(_with_breaks(rng, night, MESSAGES[:1]), mended_first=rng.random() < 0.5)
    night = replace(night, evaluator=EvaluatedBy.EAGER, mode=ApprovalMode.POLICY, mischance=_MAY_NOT_READ)
    return _with_what_gets_worse(rng, night) if rng.random() < 0.5 else night


def _behind_a_gateway(rng: random.Random, night: Night) -> Night:
    """The same night, in which what starts and stops tasks is often carried out, and answered by a gateway."""
    night = _with_breaks(rng, night, MESSAGES)
    approves = Operator("kai", (rng.choice([Habit.APPROVES, Habit.CHOOSES]), Habit.APPROVES), 20.0)
    return replace(night, operators=(*night.operators, approves), mischance=_BEHIND_A_GATEWAY)


def _with_what_gets_worse(rng: random.Random, night: Night) -> Night:
    """The same night, in which tasks fall behind, and ever more: people are told of that, and again as it is worse."""
    spikes = []
    for place in _places(night):
        at, (side, peak) = rng.uniform(0, 600), rng.choice([(LatencySide.SOURCE, 2000), (LatencySide.APPLY, 4000)])
        spikes.append(LatencySpike(at, at + rng.uniform(5000, 9000), *place, peak, side))
    scenario = replace(night.scenario, events=(*night.scenario.events, *spikes))
    limits = {**night.settings, "thresholds": Thresholds(confirm_polls=1, latency_polls=1)}
    return replace(night, scenario=scenario, settings=limits, every_seconds=300.0)


def _with_what_passes(rng: random.Random, night: Night) -> Night:
    """The same night, in which tasks fall behind for a while only, and the topic takes little of what is told."""
    spikes = [
        LatencySpike(at, at + rng.uniform(900, 1500), *place, 4000, LatencySide.SOURCE)
        for place in _places(night)
        for at in (rng.uniform(0, 600), rng.uniform(2400, 3000))
    ]
    mischance = rng.choice([_ONCE_REFUSED, _ONCE_REFUSED, _ONE_ENTRY_REFUSED])
    return replace(night, scenario=replace(night.scenario, events=tuple(spikes)), mischance=mischance)


def _places(night: Night) -> list[tuple[str, str]]:
    """All tasks, by server and name."""
    return [(server.name, task.name) for server in night.scenario.servers for task in server.tasks]


def _with_much_to_decide(rng: random.Random, night: Night) -> Night:
    """The same night, in which nearly everything breaks for reasons of its own, and consoles answer that."""
    breaks = (_break(rng, place, rng.uniform(0, 1800), rng.choice(MESSAGES[2:])) for place in _places(night))
    scenario = replace(night.scenario, events=(*night.scenario.events, *breaks))
    habits = (Habit.APPROVES, *rng.sample((Habit.SNOOZES, Habit.CHOOSES, Habit.WAITS), 2))
    looks = rng.choice([60.0, 200.0])
    people = tuple(Operator(name, habits, looks, is_at_console=True) for name in ("iris", "ida"))
    return replace(night, scenario=scenario, operators=people, mode=ApprovalMode.ALWAYS)


def _half_loaded(rng: random.Random, server: SimulatedServer) -> tuple[SimulatedTask, ...]:
    return tuple(replace(task, full_load_completed=rng.random() < 0.5) for task in server.tasks)


def _with_aws_failing(rng: random.Random, night: Night) -> Night:
    """The same night, in which services fail in themselves, or let somebody do less than before."""
    more = rng.choice([(Fault.BROKEN,), (Fault.FORBIDDEN,), (Fault.BROKEN, Fault.FORBIDDEN)])
    mischance, share = night.mischance, rng.choice([0.01, 0.03, 0.1])
    kinds, share = (*mischance.kinds, *more), max(share, mischance.share_of_calls)
    return replace(night, mischance=replace(mischance, kinds=kinds, share_of_calls=share))


ESCALATION = {"escalation_topic_arn": "arn:aws:sns:eu-west-1:000000000000:e"}


_UNANSWERED = Mischance(share_of_calls=0.5, kinds=(Fault.NONSENSE, Fault.LOST, Fault.REFUSED), only="qem:POST")


_NOT_STARTED = Mischance(share_of_calls=0.5, kinds=(Fault.LOST, Fault.REFUSED), only="StartExecution")
"""Nights in which it is often not known whether a run was started."""
_BEHIND_A_GATEWAY = Mischance(share_of_calls=0.8, kinds=(Fault.NONSENSE,), only="qem:POST")
_ONCE_REFUSED = Mischance(share_of_calls=0.4, kinds=(Fault.REFUSED, Fault.BUSY), only="sns:")
_ONE_ENTRY_REFUSED = Mischance(kinds=(Fault.BUSY,), only="events:")
_MAY_NOT_READ = Mischance(share_of_calls=0.25, kinds=(Fault.FORBIDDEN, Fault.BROKEN), only="s3:GetObject")
"""Nights in which somebody has taken from the agent what it may read, now and then."""
_SILENT: Mapping[str, Any] = {"share_of_calls": 0.4, "kinds": (Fault.REFUSED, Fault.BUSY), "only": "sns:"}
"""Nights in which people are often not told, and nothing else goes wrong."""


def _with_more(rng: random.Random, night: Night) -> Night:
    """The same night, which may have outages, a topic for what nobody looks at, and people who slip.

    Drawn from a number of its own: nights without any of it are those that they were.
    """
    if rng.random() < 0.2:
        mischance = replace(night.mischance, outages=rng.choice([0.001, 0.004, 0.015]))
        night = replace(night, mischance=mischance)
    if rng.random() < 0.2:
        night = replace(night, settings={**night.settings, **ESCALATION})
    if rng.random() < 0.15:
        slipping = (replace(each, habits=(*each.habits, Habit.SLIPS, Habit.CLAIMS)) for each in night.operators)
        night = replace(night, operators=tuple(slipping))
    if rng.random() < 0.15:
        night = replace(night, hands=(*night.hands, Hand.DESERTS))
    if rng.random() < 0.35 and not night.mischance.kinds:
        night = replace(night, mischance=replace(night.mischance, **_SILENT))
    if rng.random() < 0.4:
        late = (replace(each, habits=(*each.habits, Habit.APPROVES_LATE)) for each in night.operators)
        night = replace(night, is_at_edges=True, operators=tuple(late))
    night = replace(night, most_writes=6) if rng.random() < 0.2 else night
    return _with_a_login_refused(night) if rng.random() < 0.5 else night


def _with_a_login_refused(night: Night) -> Night:
    """The same night, in which an endpoint that somebody may wait for answers again, and refuses the login."""
    waits = any(Habit.WAITS in each.habits for each in night.operators)
    away = [each for each in night.scenario.events if isinstance(each, EndpointDown) and each.until is not None]
    if not waits or not away:
        return night
    ends_at = away[-1].until or 0.0
    refuses = replace(away[-1], at=ends_at, until=ends_at + 900.0, message=MESSAGES[2], is_silent=False)
    return replace(night, scenario=replace(night.scenario, events=(*night.scenario.events, refuses)))


def _with_log_stream(rng: random.Random, scenario: Scenario) -> Scenario:
    """The same story with a server whose tasks read what one of them stages, and lose their source together."""
    server = max(scenario.servers, key=lambda each: len(each.tasks))
    stages, *readers = server.tasks
    stages = replace(stages, target=Endpoint("LOG-STREAM", "Log Stream"), start_seconds=rng.choice([0.0, 5.0]))
    readers = [replace(each, source=stages.source, reads_log_of=stages.name) for each in readers]
    at, message = rng.uniform(0, 1800), rng.choice(MESSAGES[:2])
    places = [(server.name, each.name) for each in server.tasks]
    events = (_break(rng, place, at + rng.uniform(0, 10), message) for place in places)
    changed = replace(server, tasks=(stages, *readers))
    servers = tuple(changed if each is server else each for each in scenario.servers)
    return replace(scenario, servers=servers, events=(*scenario.events, *events))


def _with_endpoints(rng: random.Random, scenario: Scenario) -> Scenario:
    """The same story, in which an endpoint may go away, come back, and go again."""
    if rng.random() >= 0.5:
        return scenario
    server = rng.choice(scenario.servers)
    task = rng.choice(server.tasks)
    endpoint, message = rng.choice([task.source, task.target]).name, rng.choice(MESSAGES[:3])
    at, events = rng.uniform(0, 2400), []
    for _ in range(rng.choice([1, 1, 3])):
        until = at + rng.choice([20.0, 400.0, 1800.0])
        is_silent = rng.random() < 0.2
        events.append(EndpointDown(at, server.name, endpoint, message, until, is_silent, rng.choice([0.0, 5.0, 60.0])))
        at = until + rng.choice([30.0, 600.0])
    return replace(scenario, events=(*scenario.events, *events))


def _with_old_state(rng: random.Random, night: Night) -> Night:
    """The same night, in which Enterprise Manager stops fetching what a server's tasks do, for a time or for good."""
    at = rng.uniform(0, 2400)
    stops = FetchingStops(at, rng.choice(night.scenario.servers).name, rng.choice([at + 900, at + 2400, None]))
    return replace(night, scenario=replace(night.scenario, events=(*night.scenario.events, stops)))


_APPROVING = (
    Habit.APPROVES,
    Habit.APPROVES,
    Habit.APPROVES_TOGETHER,
    Habit.APPROVES_MEANWHILE,
    Habit.APPROVES_LATE,
)


_FIRST_HABITS = [habit for habit in Habit if habit not in (Habit.CHOOSES, Habit.WAITS, Habit.SLIPS, Habit.FORGETS)]


def _choosing(rng: random.Random, operator: Operator) -> Operator:
    chooses = rng.random() < 0.25
    return replace(operator, habits=(*operator.habits, Habit.CHOOSES, Habit.CHOOSES)) if chooses else operator


def _with_who_waits(rng: random.Random, night: Night) -> Night:
    """The same night, in which an endpoint is away for long, and somebody more has it waited for."""
    server = rng.choice(night.scenario.servers)
    endpoint, at = rng.choice(server.tasks).source.name, rng.uniform(0, 600)
    away = EndpointDown(at, server.name, endpoint, MESSAGES[1], at + rng.choice([400.0, 1800.0, 5400.0, 90000.0]))
    scenario = replace(night.scenario, events=(*night.scenario.events, away))
    who = Operator("dora", (Habit.WAITS,), rng.choice([10.0, 60.0]))
    stops = rng.choice([(), (), (Hand.BRAKES,), (Hand.STOPS_ACTING,)])
    hands = tuple(dict.fromkeys((*night.hands, *stops)))
    longest = {"wait_for_endpoint_seconds": rng.choice([600, 3600, 7200])}
    everybody = (*night.operators, who)
    return replace(night, scenario=scenario, operators=everybody, hands=hands, settings={**night.settings, **longest})


def _operator(rng: random.Random, name: str) -> Operator:
    habits = [rng.choice(_APPROVING), *rng.sample(_FIRST_HABITS, rng.randint(0, 4))]
    return Operator(name, tuple(habits), rng.choice([10.0, 30.0, 60.0, 300.0]), rng.random() < 0.35)


def _scenario(rng: random.Random, seed: int, hours: float, size: Size, *, is_slow: bool) -> Scenario:
    sources = [Endpoint(f"ORA-{number}", "Oracle") for number in range(rng.choice([1, 1, 2]))]
    targets = [Endpoint(f"SNOW-{number}", "Snowflake") for number in range(2)]
    servers = tuple(
        SimulatedServer(
            f"replicate-{number}",
            f"host-{number}",
            tuple(
                SimulatedTask(
                    f"task-{number}-{index}",
                    rng.choice(sources),
                    rng.choice(targets),
                    tags=(PROTECTED,) if rng.random() < 0.15 else (),
                    full_load_completed=rng.random() >= 0.1,
                )
                for index in range(max(size.tasks) if is_slow else rng.choice(size.tasks))
            ),
        )
        for number in range(rng.choice([1, 1, 2]))
    )
    places = [(server.name, task.name) for server in servers for task in server.tasks]
    events: list[ScenarioEvent] = []
    if is_slow or rng.random() < 0.5:  # an outage that several share
        at, message = rng.uniform(0, 3600), rng.choice(MESSAGES[:2])
        events += [_break(rng, place, at + rng.uniform(0, 30), message) for place in places if rng.random() < 0.8]
    events += [
        _break(rng, rng.choice(places), rng.uniform(0, hours * 3600), rng.choice(MESSAGES))
        for _ in range(rng.randint(0 if len(events) > 1 else 1, 4))
    ]
    if rng.random() < 0.35:
        at, trouble = rng.uniform(0, 1800), rng.choice([Trouble.NO_PROCESS, Trouble.NO_PROCESS, Trouble.STALL])
        events.append(Disturbance(at, *rng.choice(places), trouble, 5000.0))
    if rng.random() < 0.2:
        at = rng.uniform(0, 3600)
        events.append(ServerDown(at, rng.choice(servers).name, "not reachable", at + rng.uniform(60, 1800)))
    return Scenario(
        name=f"night-{seed}",
        servers=servers,
        events=tuple(events),
        state_lag_seconds=290.0 if is_slow else rng.choice([0.0, 2.0, 20.0]),
        memory_lag_seconds=rng.choice([0.0, 1.5, 10.0]),
    )


def _break(rng: random.Random, place: tuple[str, str], at: float, message: str) -> Break:
    server, task = place
    state, reason = rng.choice(
        [(TaskState.ERROR, StopReason.FATAL_ERROR)] * 4
        + [(TaskState.STOPPED, StopReason.STOPPED_LOW_DISK_SPACE), (TaskState.ERROR, StopReason.RECOVERABLE_ERROR)]
    )
    return Break(
        at,
        server,
        task,
        state,
        reason,
        message,
        AfterRun(
            resume=rng.choice([Effect.COMES_UP] * 4 + [Effect.FAILS_AGAIN, Effect.REFUSED]),
            reload=rng.choice([Effect.COMES_UP] * 4 + [Effect.FAILS_AGAIN, Effect.REFUSED]),
            fails_after_seconds=rng.choice([0.0, 0.0, 5.0, 60.0, 600.0]),
            message=rng.choice(MESSAGES),
        ),
        heals_after_seconds=rng.choice([None, None, None, rng.uniform(30, 1800)]),
    )
