"""Of restarts that came up: each is followed to its end, told once if it fell over, and waited for before the next."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

from qlikops.agent.look.lasting import GIVE_UP_AFTER
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from tests.simulation.dynamodb import Wire
from tests.simulation.invariants.watch import (
    Change,
    Watch,
    at_rest,
    of_each_item,
    of_each_record,
    partition_of,
    status_of,
    told,
)

_ENDS = (Attribute.STATUS, Attribute.OUTCOME, Attribute.DECISION, Attribute.PROPOSAL, Attribute.UPDATED_AT)
_RUN_SECONDS = 600.0
"""That MonitorTasks may take."""


@of_each_record
def what_becomes_of_a_restart_changes_nothing_of_its_end(_: Watch, change: Change) -> str:
    """Whether it lasted stands beside the outcome; nothing of the end is written again, and nothing is taken back."""
    if change.before is None or change.after is None:
        return ""
    if change.before.get(Attribute.LASTING) == change.after.get(Attribute.LASTING):
        return ""
    rewritten = [name for name in _ENDS if change.before.get(name) != change.after.get(name)]
    before, after = told(change.before, Attribute.LASTING), told(change.after, Attribute.LASTING)
    fewer = [name for name in ("lasted", "fell_over", "unclear") if before.get(name, 0) > after.get(name, 0)]
    return f"{change.proposal_id}: {', '.join((*rewritten, *fewer))}" if rewritten or fewer else ""


@of_each_item(keys.FOLLOWED_PARTITION)
def a_restart_is_followed_until_it_is_known_and_told(watch: Watch, change: Change) -> str:
    """No task is followed no longer before its record has what became of it, nor before people were told."""
    if change.before is None:
        return ""
    name = change.key[1]
    if watch.is_tampered(name):
        return ""
    before, after = _body(change.before), _body(change.after) if change.after else None
    left = {json.dumps(each["key"]) for each in after["tasks"]} if after else set()
    settled = sum(json.dumps(each["key"]) not in left for each in before["tasks"])
    so_far = told(watch.record(name) or {}, Attribute.LASTING)
    known = sum(so_far.get(each, 0) for each in ("lasted", "fell_over", "unclear"))
    if settled and known < so_far.get("came_up", 0) - len(left):
        return f"{name} follows {settled} tasks no longer, and knows of {known}"
    forgotten = len(before["untold"]) and not (after and after["untold"])
    return f"{name} fell over, and nobody was told" if forgotten and not _messages(watch, name) else ""


@of_each_item(keys.FOLLOWED_PARTITION)
def what_is_said_to_be_gone_was_looked_for(watch: Watch, change: Change) -> str:
    """Only a run that has listed the server of a task that it follows says that the task is no longer there."""
    run, name = watch.writer(), change.key[1]
    if change.before is None or run is None or run.function != "MonitorTasks" or watch.is_tampered(name):
        return ""
    followed = {json.dumps(each["key"]) for each in _body(change.before)["tasks"]}
    left = {json.dumps(each["key"]) for each in _body(change.after)["tasks"]} if change.after else set()
    for each in told(watch.record(name) or {}, Attribute.LASTING).get("not_lasted", ()):
        is_new = json.dumps(each["key"]) in followed - left
        asked_at, _ = watch.world.journal.listed.get((run.process, each["key"]["server"]), (0.0, {}))
        if is_new and each["detail"].startswith("it is no longer there") and asked_at < run.at:
            return f"{run.process} says that {each['key']} is no longer there, and has not listed its server"
    return ""


@of_each_item(keys.FOLLOWED_PARTITION)
def a_restart_is_judged_by_a_look_after_it(_: Watch, change: Change) -> str:
    """What a run had begun to read before a task came up does not say that it fell over."""
    if change.before is None or change.after is None:
        return ""
    up_at = {json.dumps(each["key"]): str(each["up_at"]) for each in _body(change.before)["tasks"]}
    for each in _body(change.after)["untold"]:
        came_up = up_at.get(json.dumps(each["key"]))
        if came_up and codec.parse_time(str(each["at"])) <= codec.parse_time(came_up):
            return f"{change.key[1]}: {each['key']} came up at {came_up}, and is down by a look of {each['at']}"
    return ""


@of_each_item(keys.RESTART_PREFIX)
def what_fell_over_is_waited_for(watch: Watch, change: Change) -> str:
    """The more restarts in a row did not last, the later the next one: n²+n minutes beside the cooldown."""
    if change.before is not None or change.after is None:
        return ""
    if not watch.clocks_are_right:
        return ""
    begun = watch.looked_at(change.proposal_id)
    # A fall that a run saw later was in no reading of this one.
    falls = [fall for fall in falls_of(watch, *change.key) if max(fall) <= begun]
    if not falls or not watch.world.config.cooldown_seconds:
        return ""
    if max(falls[0]) <= watch.lifted_at(change.key[0]):
        return ""
    config, count = watch.world.config, len(falls)
    longer = min(60 * (count * count + count), config.backoff_max_seconds)
    restarted_at, fell_at = falls[0]
    due = max(restarted_at + config.cooldown_seconds, fell_at) + longer
    now = watch.world.kernel.now
    return f"{change.key[0]}: {due - now:.0f} s too soon after {count} falls" if now < due - 1 else ""


def falls_of(watch: Watch, task: str, but_for: str = "", until: float = math.inf) -> list[tuple[float, float]]:
    """When the last restarts of a task in a row were claimed and seen down again, the newest first.

    `task` is its partition, `but_for` the sort key of a claim that does not count; nor do those from after `until`.
    """
    claims = [
        (codec.parse_time(item[Attribute.AT]["S"]).timestamp(), item)
        for (partition, sort), item in watch.items.items()
        if partition == task and sort.startswith(keys.RESTART_PREFIX) and sort != but_for
    ]
    found: list[tuple[float, float]] = []
    for at, item in sorted((each for each in claims if each[0] <= until), key=lambda claim: claim[0], reverse=True):
        outcome = told(item, Attribute.OUTCOME)
        if Attribute.LASTING in item:
            found.append((at, codec.parse_time(told(item, Attribute.LASTING)["at"]).timestamp()))
        elif outcome.get("status") == "failed" and outcome["run_call"] in ("uncertain", "taken"):
            found.append((at, at))
        elif outcome.get("status") in ("restarted", "already_running"):
            break
    return found


@at_rest
def it_ends_as_lasted_fell_over_or_not_known(watch: Watch) -> Iterator[str]:
    """Two hours after a task came up it is known whether that lasted, or that it cannot be said, if runs looked."""
    if not watch.clocks_are_right:
        return
    looked = max((each.at for each in watch.summed_up.values()), default=0.0) - _RUN_SECONDS
    bound = timedelta(seconds=watch.world.config.lasting_seconds) + GIVE_UP_AFTER
    for name, item in watch.records():
        outcome, so_far = told(item, Attribute.OUTCOME), told(item, Attribute.LASTING)
        ups = [each["up_at"] for each in outcome.get("targets", ()) if each["status"] == "restarted"]
        if not ups or watch.is_tampered(name):
            continue
        last = max(codec.parse_time(up or outcome["at"]).timestamp() for up in ups)
        known = sum(so_far.get(each, 0) for each in ("lasted", "fell_over", "unclear"))
        if last + bound.total_seconds() < looked and known != len(ups):
            yield f"{name}: {len(ups)} tasks came up, and of {known} it is known what became of them"


@at_rest
def what_fell_over_is_told_once(watch: Watch) -> Iterator[str]:
    """A message names each restart that fell over; a second one if who told was hindered, or another ran beside it."""
    for name, item in watch.records():
        so_far, told_by = told(item, Attribute.LASTING), _told_by(watch, name)
        seen = {each["at"] for each in so_far.get("not_lasted", ()) if each["result"] == "fell_over"}
        if seen and not _messages(watch, name) and (keys.FOLLOWED_PARTITION, name) not in watch.items:
            yield f"{name} fell over, and nobody was told"
        if len(told_by) > len(seen) and not any(watch.may_repeat(*pair) for pair in pairwise(told_by)):
            yield f"{name} fell over, and that was told by {told_by}"


@at_rest
def what_fell_over_is_marked(watch: Watch) -> Iterator[str]:
    """Claim and line of history of each task that fell over say so: the back-off rests on it."""
    for name, item in watch.records():
        not_lasted = told(item, Attribute.LASTING).get("not_lasted", ())
        fell_over = {partition_of(each["key"]) for each in not_lasted if each["result"] == "fell_over"}
        if not fell_over or watch.is_tampered(name) or (keys.FOLLOWED_PARTITION, name) in watch.items:
            continue
        for (partition, sort), marked in watch.items.items():
            is_of_it = partition in fell_over and sort.startswith((keys.RESTART_PREFIX, keys.HISTORY_PREFIX))
            if is_of_it and sort.endswith(f"#{name}") and Attribute.LASTING not in marked:
                yield f"{name} fell over, and {partition} {sort} does not say so"


def _told_by(watch: Watch, name: str) -> list[str]:
    """The processes that tell of this restart that it fell over, whether or not SNS takes it."""
    return [each.who for each in watch.messages if _says_it_fell(each.told, name)]


def _messages(watch: Watch, name: str) -> list[str]:
    """The messages that say of this restart that it fell over."""
    return [message["Message"] for _, message in watch.world.sns.published if _says_it_fell(message, name)]


def _says_it_fell(message: Mapping[str, Any], name: str) -> bool:
    return message["Subject"].startswith("qlikops: fell over") and f"qlikops show {name}" in message["Message"]


def _body(item: Wire) -> dict[str, list[dict[str, object]]]:
    body: dict[str, list[dict[str, object]]] = json.loads(item[Attribute.BODY]["S"])
    return body


@at_rest
def it_is_counted_once_whether_a_restart_lasted(watch: Watch) -> Iterator[str]:
    """The numbers beside those of earlier proposals are what the records say of restarts of which all tasks came up."""
    if watch.world.tampered:
        return
    wanted: Counter[str] = Counter()
    for _, item in watch.records():
        so_far = told(item, Attribute.LASTING)
        known = sum(so_far.get(each, 0) for each in ("lasted", "fell_over", "unclear"))
        if status_of(item) is Status.RESTARTED and so_far and known == so_far["came_up"]:
            wanted[Attribute.FELL_OVER] += so_far["fell_over"] > 0
            wanted[Attribute.LASTED] += so_far["lasted"] == so_far["came_up"]
    for name in (Attribute.LASTED, Attribute.FELL_OVER):
        items = (item for (partition, _), item in watch.items.items() if partition.startswith("TRACK#"))
        counted = sum(int(item.get(name, {"N": "0"})["N"]) for item in items)
        if counted != wanted[name]:
            yield f"{name}: {wanted[name]} in the records, {counted} counted"
