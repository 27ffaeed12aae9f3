"""People who plan work and lift what keeps tasks quiet, by orders in a run's input; and the work that they planned."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from typing import Any

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.qlik.simulator.fleet import Refusal
from tests.simulation.night import PROTECTED
from tests.simulation.plant import MACHINE_ARN, World

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
    text = json.dumps({"orders": [_drawn(world) for _ in range(chance.choice([1, 1, 2]))]})
    world.kernel.say(f"starts {name} with {text}")
    for _ in range(chance.choice([1, 1, 2])):
        world.states.start_execution(MACHINE_ARN, name, text)


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
