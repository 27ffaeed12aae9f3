"""A night from its seed to its end, and the shortest night that goes wrong in the same way."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from qlikops.agent.remember.table import Table
from qlikops.domain.ledger import ORDER_PREFIX, OWN_FAILURES, RECORD, Attribute
from tests.simulation.actors import lend, live
from tests.simulation.command import in_a_shell
from tests.simulation.dynamodb import Wire
from tests.simulation.edges import Edges
from tests.simulation.invariants import Violated, Watch
from tests.simulation.invariants.waiting import is_waited_for
from tests.simulation.invariants.watch import status_of, told
from tests.simulation.kernel import Killed, Stuck, TraceLine
from tests.simulation.night import AT_WORST_MOMENTS, MENDED_FIRST, PROTECTED, EvaluatedBy, Night
from tests.simulation.plant import BUCKET, MACHINE_ARN, World
from tests.simulation.saying import Saying
from tests.simulation.sitting import sit
from tests.simulation.twins import Redriving
from tests.simulation.worst_moments import wait_for_it

AFTERWARDS_HOURS = 8.0
"""That the world goes on without faults and hands: longer than anything waits."""
_MOST_EVENTS = 2_500
"""After which a night is over: three usual ones find more than one of the few that would go on."""
_USUAL: tuple[Mapping[str, Any], ...] = (
    {"is_at_edges": False},
    {"sends_again": False},
    {"warm": 0.0},
    {"redrives_plainly": False},
    {"clocks_differ": False},
    {"contended": 0.0},
    {"mended_first": False},
    {"details_from": 0.0},
    {"protects_at": 0.0},
    {"slow": (0.0, 0.0, 0.0)},
    {"untagged": 0.0},
    {"evaluator": EvaluatedBy.RULES},
    {"rotation": None},
)
"""What a night is without each of the things that hardly any needs for what goes wrong in it."""
_CRASHED = "no part of the world crashes"


@dataclass
class Lived:
    """What came of a night."""

    seed: int
    violation: str = ""
    """Name of the invariant, a colon, and what is the matter; empty where all hold."""
    events: int = 0
    faults: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    world: World | None = None
    """As it is at the end; None once nobody wants to look at it."""

    @property
    def trace(self) -> list[TraceLine]:
        """What happened."""
        return self.world.kernel.trace if self.world else []

    def histories(self) -> dict[str, str]:
        """Each execution's, as `qlikops show --history` opens it."""
        return {
            one.name: json.dumps({"events": one.history}, default=lambda moment: moment.timestamp())
            for one in (self.world.states.executions.values() if self.world else ())
        }

    def fingerprint(self) -> str:
        """SHA-256 over trace, histories, ledger, messages and objects: the same seed, the same digits."""
        if self.world is None:
            raise ValueError("nothing was kept of this night")
        everything = (
            [str(line) for line in self.trace],
            self.histories(),
            sorted((*key, json.dumps(item, sort_keys=True)) for key, item in self.world.dynamodb.items.items()),
            self.world.sns.published,
            [(key, hashlib.sha256(body).hexdigest()) for key, (body, _) in sorted(self.world.s3.objects.items())],
        )
        return hashlib.sha256(json.dumps(everything).encode()).hexdigest()


def live_through(night: Night) -> Lived:
    """One night, and the day after it, in which whatever was begun comes to its end."""
    world, saying = _world(night), Saying()
    world.fleet.may_test = lambda _: night.may_test
    world.fleet.details_from = night.details_from
    since, until, seconds = night.slow
    world.slow = world.kernel.now + since, world.kernel.now + until, seconds
    if night.untagged:
        world.fleet.tags_as_given = _as_drawn(world, night)
    elif night.protects_at:
        world.kernel.after(night.protects_at, partial(_protect, world))
    if night.is_at_edges:
        Edges(world)
    lived = Lived(night.seed, world=world)
    usual = Table.most_writes, Table.most_reads
    Table.most_writes, Table.most_reads = night.most_writes, night.most_reads
    watch = Watch(world, saying)
    world.kernel.after_event = watch.check
    world.states.reached = world.faults.reached = lambda what: lived.reached.update([what])
    try:
        with in_a_shell(world):
            _pass_time(world, night, saying)
        watch.rest()
    except Violated as exc:
        lived.violation = str(exc)
    except Stuck as exc:
        lived.violation = f"everything ends: {exc}"
    except (Exception, Killed) as exc:  # whatever it is, somebody has to see the seed
        lived.violation = f"{_CRASHED}: {type(exc).__name__}: {exc}"
    finally:
        world.kernel.close()
        Table.most_writes, Table.most_reads = usual
    _account(world, lived)
    return lived


def _protect(world: World) -> None:
    world.faults.reached("tasks that are protected by now")
    world.protected_since = world.kernel.now
    world.fleet.tags_as_given = lambda tags: [*tags, PROTECTED]


def _as_drawn(world: World, night: Night) -> Callable[[list[str]], Any]:
    """Tags that are left out of a share of the answers, or of which some cannot be read."""
    rng = random.Random(f"tags {night.seed}")  # noqa: S311 - replayable

    def given(tags: list[str]) -> Any:
        if rng.random() >= night.untagged:
            return tags
        world.faults.reached("tags that cannot be read")
        # What cannot be read may be the one that matters.
        return rng.choice([None, [{"id": number} for number, _ in enumerate([*tags, "another"])]])

    return given


def _world(night: Night) -> World:
    return World(
        night.seed,
        night.scenario,
        mischance=night.mischance,
        spared=night.spared,
        wait_seconds=night.wait_seconds,
        evaluator=night.evaluator,
        approval_mode=night.mode,
        require_digest=night.require_digest,
        protected_tags=(PROTECTED,),
        **night.settings,
    )


def _pass_time(world: World, night: Night, saying: Saying) -> None:
    kernel, evening = world.kernel, world.kernel.now
    world.oversleeping, world.sends_again, world.warm = night.oversleeping, night.sends_again, night.warm
    world.clocks_differ = night.clocks_differ
    world.dynamodb.contended = night.contended
    if night.mended_first:
        world.s3.put_object(Bucket=BUCKET, Key=OWN_FAILURES, Body=MENDED_FIRST)
    world.redrives_plainly = night.redrives_plainly
    if night.redrives_plainly:
        world.dynamodb.watchers.append(Redriving(world).written)
    if night.rotation:
        at, secret_at = night.rotation
        kernel.after(at, world.rotate_password)
        kernel.after(secret_at, world.rotate_secret)
    world.run_on_schedule(night.every_seconds, is_steady=night.is_steady)
    people = [
        kernel.spawn(each.name, partial(sit if each.is_at_console else live, world, each, saying))
        for each in night.operators
    ]
    for hand in night.hands:
        if hand in AT_WORST_MOMENTS:
            wait_for_it(world, hand)
        else:
            people.append(kernel.spawn(hand.value, partial(lend, world, hand)))
    # A password is changed in two places, and both are part of the night.
    kernel.run(evening + night.hours * 3600, most_events=math.inf if night.rotation else _MOST_EVENTS)
    world.is_night, world.dynamodb.contended = False, 0.0
    for process in people:
        kernel.kill(process, quietly=True)
    world.cut_off.clear()
    world.faults.end()
    world.step_clock(0.0)
    kernel.run(kernel.now + AFTERWARDS_HOURS * 3600)
    # Two more runs: what the last one could not know, the next one closes.
    for number in range(2):
        world.states.start_execution(MACHINE_ARN, f"morning-{number}", "{}")
        kernel.run(kernel.now + AFTERWARDS_HOURS * 3600)


def _account(world: World, lived: Lived) -> None:
    lived.events, lived.faults = world.kernel.events, len(world.faults.befallen)
    for (_, sort), item in world.dynamodb.items.items():
        if sort == RECORD:
            lived.reached[f"proposal {status_of(item)}"] += 1
            lived.reached["a load that is not known"] += '"full_load_completed":null' in item["proposal"]["S"]
            lived.reached["asked after planned work"] += '"kind":"STOPPED_IN_PLAN"' in item["proposal"]["S"]
            lived.reached.update(_came_to(item))
            if is_waited_for(item):
                lived.reached[f"waited {status_of(item)}"] += 1
        if sort.startswith(ORDER_PREFIX):
            is_applied = '"is_applied":true' in item["body"]["S"]
            lived.reached[f"an order {'applied' if is_applied else 'refused'}"] += 1
    lived.reached.update(f"test {test.answer}" for test in world.journal.tests if test.answer)
    details = (entry["Detail"] for _, entry in world.eventbridge.put)
    lived.reached["state that is old"] += any('"SERVER_STATE_OLD"' in detail for detail in details)
    for _, message in world.sns.published:
        words = message["Subject"].removeprefix("qlikops: ")
        lived.reached["message " + ("asked" if words.endswith("?") else words.partition(":")[0])] += 1


def _came_to(record: Wire) -> Iterator[str]:
    """What became of each task of a proposal: whether it was told to run, how it ended, whether that lasted."""
    for each in told(record, Attribute.OUTCOME).get("targets", ()):
        yield f"start {each.get('run_call') or 'not said'}"
        yield f"task {each['status']}"
    lasting = told(record, Attribute.LASTING)
    yield from (f"restart {what}" for what in ("lasted", "fell_over", "unclear") if lasting.get(what))


def shortened(night: Night, violation: str) -> Night:
    """A night with less in it that violates the same: without people, hands and faults that it does not need."""
    name = violation.partition(":")[0]

    def is_as_bad(shorter: Night) -> bool:
        return live_through(shorter).violation.partition(":")[0] == name

    for shorter in _without_somebody(night):
        if is_as_bad(shorter):
            return shortened(shorter, violation)
    size = live_through(night).faults
    while size:
        # Numbers count what would befall, spared or not; sparing one may bring about others behind the last.
        for start in range(1, live_through(night).faults + len(night.spared) + 1, size):
            shorter = replace(night, spared=night.spared | frozenset(range(start, start + size)))
            if shorter != night and is_as_bad(shorter):
                night = shorter
        size //= 2
    return night


def _without_somebody(night: Night) -> Iterator[Night]:
    for one in night.operators:
        yield replace(night, operators=tuple(each for each in night.operators if each is not one))
    for hand in night.hands:
        yield replace(night, hands=tuple(each for each in night.hands if each is not hand))
    for usual in _USUAL:
        if (shorter := replace(night, **usual)) != night:
            yield shorter
    for event in night.scenario.events:
        events = tuple(each for each in night.scenario.events if each is not event)
        yield replace(night, scenario=replace(night.scenario, events=events))
