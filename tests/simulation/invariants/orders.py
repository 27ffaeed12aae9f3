"""Of orders and of planned work: each order is applied once, and what is planned is neither proposed on nor told."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from qlikops.agent.diagnosis.evidence import Label
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import TaskState
from qlikops.domain.gathered.ordering import OrderState
from qlikops.domain.ledger import LATEST_SNAPSHOT, Attribute
from qlikops.qlik.simulator.scenario import SimulatedTask
from tests.simulation.enterprise_manager import Requested, Sent
from tests.simulation.invariants.choosing import left_out
from tests.simulation.invariants.watch import (
    Change,
    Watch,
    at_rest,
    of_each_call,
    of_each_item,
    of_each_object,
    of_each_record,
    of_each_request,
    partition_of,
    status_of,
    told,
)
from tests.simulation.night import PROTECTED
from tests.simulation.services import Invocation

_MOST = 20
"""Orders that a run takes."""
_COMES_THROUGH = ("POSITION_LOST", "DATA_ERRORS")
"""What people hear of during planned work as well."""
_STOPPED = "STOPPED_IN_PLAN"
_LEFT = "LEFT_STOPPED"
"""Of what a restart may have left so as well."""
_SEVERAL = 2
"""Runs, one of which has no reason not to ask: the last ones are hours apart."""
_RUN_SECONDS = 600.0
"""That MonitorTasks may take."""


@of_each_item(keys.ORDER_PREFIX)
def an_order_is_settled_once(_: Watch, change: Change) -> str:
    """What became of an order is written once."""
    if change.before is None or change.after is None:
        return ""
    return f"{change.key[0]} {change.key[1]} was settled once more"


@of_each_item(keys.PLANS_PARTITION, keys.ORDER_PREFIX)
def what_is_ordered_comes_with_its_outcome(watch: Watch, change: Change) -> str:
    """A plan is there as soon as, and not before, it is said that its order was applied."""
    if change.key[0] == keys.PLANS_PARTITION and change.before is None and change.after is not None:
        plan = json.loads(change.after[Attribute.BODY]["S"])
        return "" if change.key[1] in _applied(watch, plan["execution_name"]) else f"{change.key[1]} has no order"
    if not change.key[1].startswith(keys.ORDER_PREFIX) or change.after is None:
        return ""
    outcome = json.loads(change.after[Attribute.BODY]["S"])
    is_missing = outcome["plan_id"] and (keys.PLANS_PARTITION, outcome["plan_id"]) not in watch.items
    return f"{change.key[0]} says that there is {outcome['plan_id']}" if is_missing else ""


def _applied(watch: Watch, execution_name: str) -> set[str]:
    partition = keys.run_partition(execution_name)
    items = (watch.items[key] for key in watch.items if key[0] == partition and key[1].startswith(keys.ORDER_PREFIX))
    return {json.loads(item[Attribute.BODY]["S"])["plan_id"] for item in items}


@at_rest
def every_order_is_answered(watch: Watch) -> Iterator[str]:
    """Of a run that succeeded, each order has an outcome, and there is none that nobody ordered."""
    kept: dict[str, int] = {}
    for partition, sort in watch.items:
        kept[partition] = kept.get(partition, 0) + sort.startswith(keys.ORDER_PREFIX)
    for execution in watch.world.states.executions.values():
        orders = json.loads(execution.input).get("orders", ()) if "orders" in execution.input else ()
        count = kept.get(keys.run_partition(execution.name), 0)
        if count > len(orders) or (execution.status == "SUCCEEDED" and count != min(len(orders), _MOST)):
            yield f"{execution.name} was given {len(orders)} orders, and {count} are answered"


@of_each_record
def nothing_is_proposed_during_planned_work(watch: Watch, change: Change) -> str:
    """But for what people have to hear of at once."""
    run = watch.writer()
    if change.before is not None or change.after is None or run is None or not watch.clocks_are_right:
        return ""
    proposal = watch.proposed[change.proposal_id]
    if proposal["kind"] in _COMES_THROUGH:
        return ""
    for target in proposal["targets"]:
        server, task = target["key"]["server"], target["key"]["task"]
        if watch.tags_read(run.process, server, task) is None:
            continue  # the run could not know whether a plan for tags covers it
        plan = _plan_over(watch, server, task, run.at, watch.world.kernel.now)
        if plan and _knows_endpoints(watch, run, server, task):
            return f"{change.proposal_id} is about {task}, and {plan} covers that"
    return ""


def _knows_endpoints(watch: Watch, run: Invocation, server: str, task: str) -> bool:
    """Whether a run has read on which endpoints a task is, or a run before it has."""
    if watch.world.journal.read.get((run.process, server, task), {}).get("source_endpoint"):
        return True
    before = watch.last_snapshot(before=run.at)
    return before is not None and any(
        (each.facts.key.server, each.facts.key.task) == (server, task) and bool(each.facts.source_endpoint)
        for each in before.tasks
    )


@of_each_record
def what_comes_through_is_asked_on(watch: Watch, change: Change) -> str:
    """Planned work that begins ends no question that people have to answer all the same."""
    if change.after is None or Attribute.OUTCOME not in change.after or Attribute.OUTCOME in (change.before or {}):
        return ""
    detail, kind = told(change.after, Attribute.OUTCOME)["detail"], watch.proposed[change.proposal_id]["kind"]
    is_right = kind not in _COMES_THROUGH or not detail.startswith("planned work has begun")
    return "" if is_right else f"{change.proposal_id}, {kind}, is no longer asked: {detail}"


@of_each_record
def what_a_plan_stopped_is_asked_about_in_one_proposal(watch: Watch, change: Change) -> str:
    """A run asks once about all that one plan stopped, and while that is open no other question is about it."""
    proposal = watch.proposed[change.proposal_id]
    if change.before is not None or proposal["kind"] != _STOPPED or watch.is_tampered(change.proposal_id):
        return ""
    mine, plans, asking = set(watch.task_partitions(change.proposal_id)), _plans_named(proposal), watch.writer()
    for name, item in watch.records():
        if name == change.proposal_id or status_of(item).is_final:
            continue
        # To a clock that is hours ahead, a lease is over while its question waits.
        late = watch.may_be_late(asking.at if asking else 0.0)
        held = {each for each in watch.task_partitions(name) if watch.leased_until.get((each, name), late) >= late}
        held = {each for each in held if not _was_taken_before(watch, each, name)}
        if mine & held - left_out(watch.proposed[name], told(item, Attribute.DECISION)):
            return f"{change.proposal_id} asks about what {name} asks about"
        other = watch.proposed[name]
        is_beside = other["kind"] == _STOPPED and other["execution_name"] == proposal["execution_name"]
        if is_beside and plans & _plans_named(other) and watch.opened_by[name] == watch.opened_by[change.proposal_id]:
            return f"{change.proposal_id} and {name} of one run ask about what {plans} stopped"
    return ""


def _was_taken_before(watch: Watch, partition: str, name: str) -> bool:
    """Whether another proposal took a task from this one before now, as a run may whose clock is hours ahead."""
    mine = watch.taken[partition, name]
    return bool(mine) and any(
        mine[-1][0] < at < watch.world.kernel.now
        for (task, holder), times in watch.taken.items()
        if (task, holder) != (partition, name) and task == partition
        for at, _ in times
    )


def _plans_named(proposal: Mapping[str, Any]) -> set[str]:
    return {each["value"] for each in proposal["evidence"] if each["label"] == Label.PLAN}


@at_rest
def what_a_plan_stopped_is_asked_about(watch: Watch) -> Iterator[str]:
    """What a person stopped during planned work, and what is down still after several runs, has been asked about."""
    world = watch.world
    if not watch.clocks_are_right:
        return
    seen = _seen_last(watch)
    for (server, task), at in world.fleet.stopped_by_hand().items():
        if (server, task) not in seen:
            continue
        key = {"instance": "default", "server": server, "task": task}
        if (partition_of(key), keys.SNOOZE) in watch.items:
            continue
        since = seen[server, task]
        # A task that was up only between two looks was not seen stopped anew.
        ends = [
            until for _, begins, until in _plans_on(watch, server, task) if begins <= at < until and begins <= since
        ]
        runs = [each for each in watch.summed_up.values() if ends and each.at > max(ends) + _RUN_SECONDS]
        if len(runs) < _SEVERAL:
            continue
        asked = [
            name
            for name, proposal in watch.proposed.items()
            if proposal["kind"] in (_STOPPED, _LEFT) and partition_of(key) in watch.task_partitions(name)
        ]
        if any(watch.opened_at[name] >= max(ends) for name in asked):
            continue
        # What no run had seen before the work was over may have stood for months.
        known = watch.last_snapshot(before=max(ends))
        if known is not None and any(
            (each.facts.key.server, each.facts.key.task) == (server, task) for each in known.tasks
        ):
            yield f"{task} was stopped during planned work, and {len(runs)} runs after it did not ask"


@of_each_call
def nothing_is_sent_during_planned_work(watch: Watch, sent: Sent) -> str:
    """Of what was approved, neither: the invocation has read what is planned. But for what comes through a plan."""
    proposal_id, acting = watch.proposal_of(sent), watch.world.functions.begun.get(sent.process)
    proposal = watch.proposed.get(proposal_id)
    if proposal is None or acting is None or proposal["kind"] in _COMES_THROUGH or not watch.clocks_are_right:
        return ""
    if watch.tags_read(sent.process, sent.server, sent.task) is None:
        return ""  # it cannot know whether a plan for tags covers the task
    plan = _plan_over(watch, sent.server, sent.task, acting.at, sent.at)
    return f"{sent.process} sends {sent.action} to {sent.task} during {plan}" if plan else ""


@at_rest
def nothing_is_told_during_planned_work(watch: Watch) -> Iterator[str]:
    """But for what people have to hear of at once."""
    if not watch.clocks_are_right:
        return
    bus = watch.world.eventbridge
    for (_, entry), who in zip(bus.put, bus.put_by, strict=True):
        detail = json.loads(entry["Detail"])
        if entry["DetailType"] != "FindingOpened" or detail["kind"] in _COMES_THROUGH or "/" not in detail["label"]:
            continue
        at, (server, task) = codec.parse_time(detail["at"]).timestamp(), detail["label"].split("/")
        if {*_spec(watch, server, task).tags} - {*detail["tags"]}:
            continue  # the run could not know whether a plan for tags covers it
        run = watch.world.functions.begun[who]
        plan = _plan_over(watch, server, task, at - _RUN_SECONDS, at)
        if plan and _knows_endpoints(watch, run, server, task):
            yield f"{detail['kind']} of {task} was told, and {plan} covers that"


@of_each_object
def what_is_said_to_be_planned_is_planned(watch: Watch, key: str) -> str:
    """Work that a person has ended early keeps nothing quiet until its planned end."""
    run = watch.remembering() if key == LATEST_SNAPSHOT else None
    if run is None or not watch.clocks_are_right:
        return ""
    for each in watch.raw_snapshot()["tasks"]:
        name, note = each["facts"]["key"], each.get("note", "")
        server, task = name["server"], name["task"]
        is_planned = any(_known_until(watch, plan, ends) >= run.at for plan, _, ends in _plans_on(watch, server, task))
        if note.startswith("planned until") and not is_planned:
            return f"{run.process} says of {task}: {note}, and it was over"
    return ""


@of_each_object
def what_work_stopped_is_asked_about_once_it_is_over(watch: Watch, key: str) -> str:
    """If planned work is ended early, people are asked from then on about what it stopped."""
    run = watch.remembering() if key == LATEST_SNAPSHOT else None
    if run is None or not watch.clocks_are_right or watch.world.is_struck(run.process):
        return ""
    for task in watch.raw_snapshot()["tasks"]:
        stopped = task["memory"].get("stopped_in")
        if not stopped or task["is_unread"] or task["facts"]["state"] == TaskState.UNKNOWN:
            continue  # of what could not be read, the run before is remembered
        key_of_plan = keys.PLANS_PARTITION, stopped["plan_id"]
        if watch.plan_ended_at.get(key_of_plan, math.inf) >= run.at:
            continue
        if stopped["until"] > json.loads(watch.plans[key_of_plan][Attribute.BODY]["S"])["ended_at"]:
            return f"{partition_of(task['facts']['key'])} is not asked about until {stopped['until']}"
    return ""


def may_be_planned(watch: Watch, server: str, task: str, since: float) -> bool:
    """Whether a plan covers a task now, or has covered it at some time since then."""
    now, plans = watch.world.kernel.now, list(_plans_on(watch, server, task))
    return any(
        (begins <= now and _known_until(watch, plan, ends) >= since) or not watch.clocks_are_right
        for plan, begins, ends in plans
    )


def _known_until(watch: Watch, plan: str, ends: float) -> float:
    """When a plan ends to those who read it: who ends it early may be slow to write that."""
    return max(ends, watch.plan_ended_at.get((keys.PLANS_PARTITION, plan), 0.0))


def _plan_over(watch: Watch, server: str, task: str, since: float, until: float) -> str:
    """A plan that was there and covered a task all that time; empty if there was none."""
    plans = _plans_on(watch, server, task)
    return next((plan for plan, begins, ends in plans if begins < since and until < ends), "")


def _seen_last(watch: Watch) -> dict[tuple[str, str], float]:
    """Tasks of which the last run knew tags and a state that is not old, and since when a person has stopped them."""
    snapshot = watch.last_snapshot()
    if snapshot is None:
        return {}
    old = {each.key.server for each in snapshot.server_anomalies if each.kind is AnomalyKind.SERVER_STATE_OLD}
    stopped = (AnomalyKind.USER_STOPPED, AnomalyKind.STOPPED_IN_PLAN)
    return {
        (each.facts.key.server, each.facts.key.task): min(
            (each.memory.seen[kind] for kind in stopped if kind in each.memory.seen), default=snapshot.taken_at
        ).timestamp()
        for each in snapshot.tasks
        if each.facts.key.server not in old and each.facts.tags_known and not each.is_unread
    }


def _plans_on(watch: Watch, server: str, task: str) -> Iterator[tuple[str, float, float]]:
    """Each plan that is about a task, with from when until when it was known and held."""
    for (partition, sort), item in watch.plans.items():
        plan = json.loads(item[Attribute.BODY]["S"])
        spec = _spec(watch, server, task)
        is_listed, since = _is_listed(plan["scope"], server, spec), 0.0
        if not is_listed and watch.world.protected_since < math.inf:
            is_listed = _is_listed(plan["scope"], server, replace(spec, tags=(PROTECTED,)))
            since = watch.world.protected_since
        if is_listed or {spec.source.name, spec.target.name} & set(plan["scope"]["endpoints"]):
            ends = [codec.parse_time(plan[name]).timestamp() for name in ("ends_at", "ended_at") if plan[name]]
            begins = max(codec.parse_time(plan["starts_at"]).timestamp(), watch.planned_at[partition, sort])
            # Until a task's details may be read, nobody knows its endpoints.
            yield sort, max(begins, since if is_listed else watch.world.fleet.details_at), min(ends)


def _is_listed(scope: Mapping[str, Any], server: str, task: SimulatedTask) -> bool:
    """Whether a plan is about a task by what the list of tasks says of it."""
    is_named = any((each["server"], each["task"]) == (server, task.name) for each in scope["tasks"])
    shared = {tag.lower() for tag in task.tags} & {tag.lower() for tag in scope["tags"]}
    return server in scope["servers"] or is_named or bool(shared)


def _spec(watch: Watch, server: str, task: str) -> SimulatedTask:
    servers = watch.world.fleet.scenario.servers
    return next(one for each in servers for one in each.tasks if (each.name, one.name) == (server, task))


@of_each_item(keys.SNOOZE)
def what_was_lifted_does_not_come_back(_: Watch, change: Change) -> str:
    """An old denial, written once more after a lift, keeps nothing quiet."""
    if change.before is None or change.after is None:
        return ""
    lifted = change.before.get(Attribute.LIFTED, {}).get("S", "")
    is_old = lifted and change.after.get(Attribute.AT, {}).get("S", "") < lifted
    is_later = float(change.after[Attribute.EXPIRES]["N"]) > float(change.before[Attribute.EXPIRES]["N"])
    is_lift = change.after.get(Attribute.LIFTED) != change.before.get(Attribute.LIFTED)
    return f"{change.key[0]} was lifted at {lifted}, and is quiet again" if is_old and is_later and not is_lift else ""


def _sort_of(place: int) -> str:
    return f"{keys.ORDER_PREFIX}{place:02}"


@of_each_request
def orders_are_taken_before_the_fleet_is_read(watch: Watch, request: Requested) -> str:
    """They count for the run that takes them, and are taken even if Enterprise Manager cannot be read."""
    run = watch.invocation(request.process, "MonitorTasks")
    if run is None:
        return ""
    orders = (run.payload.get("input") or {}).get("orders") or ()
    partition = keys.run_partition(run.payload["execution_name"])
    missing = [place for place in range(min(len(orders), _MOST)) if (partition, _sort_of(place)) not in watch.items]
    return f"{request.process} reads the fleet, and has not settled its orders {missing}" if missing else ""


@at_rest
def who_orders_is_told_what_became_of_it(watch: Watch) -> Iterator[str]:
    """That an order is applied, refused or not taken, and that no run was started for it, is said where it is so."""
    for receipt in watch.world.order_receipts:
        item = watch.items.get((keys.run_partition(receipt.execution_name), _sort_of(0)))
        outcome = json.loads(item[Attribute.BODY]["S"]) if item else None
        execution = next(each for each in watch.world.states.executions.values() if each.name == receipt.execution_name)
        is_right = {
            OrderState.APPLIED: outcome is not None and outcome["is_applied"],
            OrderState.REFUSED: outcome is not None and not outcome["is_applied"],
            OrderState.NOT_TAKEN: outcome is None or execution.redrives > 0,
            OrderState.UNKNOWN: True,
        }
        if not is_right[receipt.state]:
            yield f"somebody was told that the order of {receipt.execution_name} is {receipt.state}: {outcome}"
    for digits in watch.world.not_started:
        if any(each.name.endswith(digits) for each in watch.world.states.executions.values()):
            yield f"somebody was told that no run was started, and there is one that ends with {digits}"


@at_rest
def planned_work_is_what_was_asked_for(watch: Watch) -> Iterator[str]:
    """It begins and ends when the command said, and is about nothing else."""
    for digits, order in watch.world.planned:
        plans = [json.loads(item[Attribute.BODY]["S"]) for item in watch.plans.values()]
        made = next((plan for plan in plans if plan["execution_name"].endswith(digits)), None)
        wanted = codec.encode(order)
        names = ("ends_at", "scope", *(("starts_at",) if order.starts_at else ()))
        # A tag is spelled as the fleet has it.
        other = [name for name in names if made is None or _alike(made[name]) != _alike(wanted[name])]
        if other:
            yield f"planned was {wanted}, and {other} are otherwise: {made}"


def _alike(value: Any) -> str:
    return json.dumps(value, sort_keys=True).casefold()
