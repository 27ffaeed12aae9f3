"""Who sits before a console: looks, answers, thinks again; and what befalls the console meanwhile."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import timedelta

from qlikops.domain.errors import QlikopsError
from qlikops.domain.ports import Approve, DecisionRequest, Deny
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.tui.model.outbox import ReviewedDecision
from tests.simulation.actors import SPARED
from tests.simulation.choosing import terms_chosen, waiting
from tests.simulation.console import BEAT_SECONDS, HOLD, Console
from tests.simulation.night import Habit, Operator
from tests.simulation.open_console import OpenConsole
from tests.simulation.plant import World
from tests.simulation.saying import Saying

_WAYS = {Habit.CHOOSES: terms_chosen, Habit.WAITS: waiting}
"""In which somebody approves of something else than what is proposed."""


def sit(world: World, operator: Operator, saying: Saying) -> None:
    """One operator's night before a console."""
    kernel, console = world.kernel, _console(world, operator, saying)
    chance = random.Random(f"{operator.name} answers")  # noqa: S311 - replayable
    while True:
        console.stay(kernel.random.expovariate(1 / operator.every_seconds))
        console.beat()
        if not world.dynamodb.has_indexed and chance.random() < SPARED:
            continue
        try:
            answers = _answers(world, console, operator.habits)
        except QlikopsError as exc:
            kernel.say(f"reads: {type(exc).__name__}: {exc}")
            continue
        if answers and console.look():
            batch = f"{kernel.random.getrandbits(32):08x}" if len(answers) > 1 else ""
            is_one_by_one = batch and chance.random() < 0.5
            if is_one_by_one:
                world.faults.reached("answers one by one")
            for each in ([answer] for answer in answers) if is_one_by_one else [answers]:
                console.decide(each, batch="" if is_one_by_one else batch)
            console = _wait_for(world, operator, saying, console)


def _console(world: World, operator: Operator, saying: Saying) -> Console:
    return OpenConsole(world, operator.name, saying) if operator.stays else Console(world, operator.name, saying)


def _answers(world: World, console: Console, habits: Collection[Habit]) -> list[ReviewedDecision]:
    """To some of what waits, all in one way."""
    chance, rows = world.kernel.random, console.approvals.waiting()
    open_ = [row.approval_id for row in rows if not console.outbox.in_flight(row.approval_id)]
    chosen = chance.sample(open_, min(len(open_), chance.choice([1, 1, 3, 3])))
    records = [console.approvals.approval(approval_id) for approval_id in chosen]
    for approval_id in chosen:
        console.open(approval_id)
    console.stay(chance.choice([0.0, 1.0, 30.0]))
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
                    return _console(world, operator, saying)
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
