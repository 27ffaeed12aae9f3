"""People who plan work and lift what keeps tasks quiet, by orders in a run's input; and the work that they planned."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from datetime import timedelta
from typing import Any

from qlikops.aws.executions import StepFunctionsExecutions
from qlikops.cli.exit_codes import ExitCode
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.errors import DecisionUnknown, QlikopsError
from qlikops.domain.gathered.ordering import send
from qlikops.domain.runs.orders import Order, OrderKind, Refused, read_order
from qlikops.qlik.simulator.fleet import Refusal
from tests.simulation import command
from tests.simulation.night import PROTECTED
from tests.simulation.plant import MACHINE_ARN, Person, World

ODD_ORDERS: tuple[Any, ...] = (
    "plan",
    {"order": "erase", "reason": "because"},
    {"order": "plan", "reason": "no end", "scope": {"servers": ["replicate-0"]}},
    {"order": "lift", "reason": "of what there is not", "id": "plan-0000000000"},
    {"order": "lift", "id": "0123456789ab"},
)


def order(world: World) -> None:
    """Starts a run with one or two orders, now and then twice under the same name."""
    chance = world.kernel.random
    name = f"ordered-{chance.getrandbits(32):08x}"
    drawn = [_drawn(world) for _ in range(chance.choice([1, 1, 2]))]
    if len(drawn) == 1 and world.shells.random() < 0.5:
        with contextlib.suppress(Refused):
            _send(world, read_order(drawn[0]))
            return
    text = json.dumps({"orders": drawn})
    world.kernel.say(f"starts {name} with {text}")
    for _ in range(chance.choice([1, 1, 2])):
        world.states.start_execution(MACHINE_ARN, name, text)


def _send(world: World, sent: Order) -> None:
    """As console and commands do it: they start a run, and wait for what becomes of the order."""
    person = Person(world, "otto", Counter())
    executions = StepFunctionsExecutions(person, now=world.kernel.time, has_console=False, sleep=world.kernel.sleep)
    world.urandom_of.pop(world.who(), None)
    world.kernel.say(f"orders {codec.dumps(sent)}")
    try:
        if sent.order is OrderKind.PLAN and world.shells.random() < 0.7:
            code = command.plan(world, person, sent, executions)
            world.faults.reached(f"plan add ends with {code.name}")
            if code is ExitCode.OK:
                world.planned.append((world.urandom_of[world.who()], sent))
            return
        receipt = send(executions, sent, sleep=world.kernel.sleep, monotonic=world.kernel.monotonic)
    except DecisionUnknown as exc:
        world.kernel.say(f"orders: {exc}")
    except QlikopsError as exc:
        world.kernel.say(f"orders: {exc}")
        if world.who() in world.urandom_of:
            world.not_started.append(world.urandom_of[world.who()])
    else:
        world.faults.reached(f"told that an order is {receipt.state}")
        world.order_receipts.append(receipt)


def _drawn(world: World) -> Any:
    chance = world.kernel.random
    server = chance.choice(world.fleet.scenario.servers)
    task = chance.choice(server.tasks)
    key = {"instance": "default", "server": server.name, "task": task.name}
    plans = sorted(sort for partition, sort in world.dynamodb.items if partition == keys.PLANS_PARTITION)
    kind = chance.random()
    if kind < 0.5:
        scopes: list[dict[str, Any]] = [
            {"servers": [server.name]},
            {"endpoints": [task.source.name]},
            {"tags": [PROTECTED.upper()]},
            {"tasks": [key]},
            {"tasks": [key]},
        ]
        lasts, begins = chance.choice([5, 20, 40]), chance.choice([None, None, 10])
        starts_at = world.kernel.time() + timedelta(minutes=begins) if begins else None
        ends_at = (starts_at or world.kernel.time()) + timedelta(minutes=lasts)
        world.kernel.spawn("worker", lambda: _work(world, server.name, task.name), after=60.0 * (begins or 1))
        return {
            "order": "plan",
            "reason": "CHG4711",
            "scope": chance.choice(scopes),
            "starts_at": codec.format_time(starts_at) if starts_at else None,
            "ends_at": codec.format_time(ends_at),
        }
    if kind < 0.65 and plans:
        return {"order": "lift", "reason": "done early", "id": chance.choice(plans)}
    if kind < 0.8:
        quiet = sorted(partition for partition, sort in world.dynamodb.items if sort == keys.SNOOZE)
        names = chance.choice(quiet).removeprefix("TASK#").split("/") if quiet else tuple(key.values())
        return {"order": "lift", "reason": "try", "scope": {"tasks": [dict(zip(key, names, strict=True))]}}
    asked = sorted(partition for partition, sort in world.dynamodb.items if sort == keys.RECORD)
    if kind < 0.9 and asked:
        return {"order": "lift", "reason": "try", "id": chance.choice(asked).removeprefix("APPROVAL#")}
    return chance.choice(ODD_ORDERS)


def _work(world: World, server: str, task: str) -> None:
    """What the work was planned for: a task is stopped, and started again by whoever remembers that."""
    with contextlib.suppress(Refusal):
        world.fleet.stop(server, task, "dba")
        world.kernel.say(f"stops {task} for planned work", "worker")
        if world.kernel.random.random() < 0.5:
            world.kernel.sleep(world.kernel.random.uniform(60.0, 3600.0))
            world.fleet.run(server, task, "RESUME_PROCESSING", "dba")
