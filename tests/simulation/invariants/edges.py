"""Of decisions that a clock makes: each is right for what its process has read of its clock, to the microsecond.

Whatever is over, young, late or due is so at a moment that the ledger shows. Who acts on that has read a clock that
says so, and who has read nothing else leaves nothing undone. Clocks may be wrong; what counts is what was read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import Action, TaskState
from qlikops.domain.ledger import LATEST_SNAPSHOT, Attribute
from qlikops.domain.proposals.approval import Status
from tests.simulation import limits
from tests.simulation.enterprise_manager import Sent, Tested
from tests.simulation.invariants.asked import Asked, write_of
from tests.simulation.invariants.choosing import chosen_action
from tests.simulation.invariants.lasting import falls_of
from tests.simulation.invariants.waiting import is_waited_for
from tests.simulation.invariants.watch import (
    NOT_STORED,
    Change,
    Look,
    Watch,
    at_rest,
    number,
    of_each_answer,
    of_each_ask,
    of_each_call,
    of_each_item,
    of_each_look,
    of_each_object,
    of_each_record,
    of_each_test,
    partition_of,
    status_of,
    told,
)
from tests.simulation.services import Invocation

_A_MILLISECOND = 0.001
"""The ledger's times are rounded down to one."""
_A_ROUNDING = 0.000_005
"""Of moments that are reckoned from others in floats."""
_A_TENTH = 0.1
"""Of a second, to which a restart says how long it took."""
_OF_LATE = 4
"""Readings that a function takes from a decision until what comes of it is written."""


def _moment(text: str) -> float:
    return codec.parse_time(text).timestamp()


def _read(watch: Watch, who: str, since: float = 0.0) -> list[float]:
    """What a process has read of its clock since a moment of the world's time."""
    return [each.said.timestamp() for each in watch.world.readings[who] if each.at >= since]


def _gives_up_at(watch: Watch, acting: Invocation) -> float:
    """When a restart stores what there is, by the clock of who acts."""
    first = watch.world.readings[acting.process][0]
    return acting.at + (first.said.timestamp() - first.at) + limits.ACTS - limits.STORES


# -- deadlines


@of_each_record
def a_question_expires_when_its_time_is_over(watch: Watch, change: Change) -> str:
    """By a minute, in which clocks may differ: an error of that name is believed then, and not before."""
    if change.before is None or change.after is None or Attribute.OUTCOME not in change.after:
        return ""
    outcome, closing = told(change.after, Attribute.OUTCOME), watch.writer()
    if Attribute.OUTCOME in change.before or closing is None or closing.function != "RecordOutcome":
        return ""
    said = closing.payload.get("outcome", {})
    waits_since = watch.waiting_at.get(change.proposal_id, closing.at)
    if said.get("status") != "expired" or keys.INBOX_SORT not in change.before or waits_since >= closing.at:
        return ""
    from_then = number(change.before, keys.INBOX_SORT) - limits.CLOCKS_DIFFER
    read = _read(watch, closing.process)
    is_right = max(read) >= from_then if outcome["status"] == Status.EXPIRED else min(read) < from_then
    return "" if is_right else f"{change.proposal_id} is {outcome['status']} {max(read) - from_then:+.3f} s from then"


@of_each_ask("send_task_success", "send_task_failure")
def a_person_answers_in_time(watch: Watch, asked: Asked) -> str:
    """A decision goes out only if its sender has read, after the record, that the deadline is not over."""
    if asked.who in watch.world.functions.begun:
        return ""
    if not (name := watch.answered(asked.request)):
        return ""
    record = watch.record(name)
    looked_at = watch.world.dynamodb.read_at.get((asked.who, (keys.approval_partition(name), keys.RECORD)), 0.0)
    read = _read(watch, asked.who, looked_at)
    if record is None or keys.INBOX_SORT not in record or not read:
        return ""
    late = min(read) - number(record, keys.INBOX_SORT)
    return f"{asked.who} answers {name} {late:.3f} s after its deadline" if late >= 0 else ""


# -- how long a restart acts


@of_each_look
def nobody_looks_when_patience_is_over(watch: Watch, look: Look) -> str:
    """A task that was told to run or to stop is looked at until it has been for as long as is set, or time is up."""
    acting = watch.world.functions.begun.get(look.process)
    since = watch.waits_since(look)
    before = watch.looks[look][-2:-1]
    if acting is None or since is None or acting.function != "ExecuteRestart" or not before or before[0] < since.at:
        return ""
    said = next(each.said.timestamp() for each in watch.world.readings[look.process] if each.at >= before[0])
    waited, patience = said - since.said.timestamp(), watch.world.config.verify_timeout_seconds
    is_over = waited >= patience + _A_TENTH / 2 or said >= _gives_up_at(watch, acting) + _A_MILLISECOND
    return f"{look.process} looks at {look.task} again {waited:.3f} s after it told it to act" if is_over else ""


@of_each_item(keys.RESTART_PREFIX)
def a_restart_watches_for_as_long_as_it_is_set(watch: Watch, change: Change) -> str:
    """What was not seen up was looked at for as long as is set, or until there was just the time left to store that."""
    if change.after is None or Attribute.OUTCOME not in change.after:
        return ""
    acting, process = watch.writer(), watch.world.dynamodb.last_writer
    if acting is None or acting.function != "ExecuteRestart" or Attribute.OUTCOME in (change.before or {}):
        return ""
    result, (_, server, task) = told(change.after, Attribute.OUTCOME), change.key[0].split("/")
    said = [each.said for each in watch.world.readings[process]]
    if result["status"] != Status.UNVERIFIED or said != sorted(said):
        return ""  # by a clock that was set back meanwhile, it is not known for how long
    begun = (watch.waits_since(Look(process, server, task)) or watch.world.readings[process][0]).said.timestamp()
    read, gives_up = max(_read(watch, process)), _gives_up_at(watch, acting) - _A_MILLISECOND
    is_right = read - begun >= watch.world.config.verify_timeout_seconds - _A_TENTH / 2 or read >= gives_up
    return "" if is_right else f"{change.proposal_id} gives {task} up after {read - begun:.3f} s"


@of_each_call
def nothing_is_begun_too_late(watch: Watch, sent: Sent) -> str:
    """A task is told to run only if it can be watched to the end, or in the first half of what time there is."""
    acting = watch.invocation(sent.process, "ExecuteRestart")
    if acting is None or sent.answered_at:
        return ""
    mine = [each for each in watch.requests if each.process == sent.process]
    if any(each.task == sent.task and each is not sent for each in mine):
        return ""  # after a stop, or once more
    record = watch.record(acting.proposal_id) or {}
    action = Action(chosen_action(watch.proposed[acting.proposal_id], told(record, Attribute.DECISION)))
    watching = (2 if action.stops_first else 1) * watch.world.config.verify_timeout_seconds
    gives_up, before = (
        _gives_up_at(watch, acting),
        [each for each in watch.world.readings[sent.process] if each.at <= mine[0].at],
    )
    latest = max(gives_up - min(watching, (gives_up - each.said.timestamp()) / 2) for each in before)
    late = min(_read(watch, sent.process, watch.world.slept_at.get(sent.process, 0.0)), default=latest - 1) - latest
    return "" if late < _A_MILLISECOND else f"{sent.process} begins with {sent.task} {late:.3f} s too late"


@of_each_answer
def a_group_goes_on_for_as_long_as_it_is_set(watch: Watch, answered: Invocation) -> str:
    """For 90 minutes from its first start; what has not been started by then is not tried for want of time."""
    answer = watch.world.functions.answers[answered.process]
    if answered.function != "ExecuteRestart" or not answered.payload.get("may_continue"):
        return ""
    name = answered.proposal_id
    claims = {key: item for key, item in watch.items.items() if key[1] == f"{keys.RESTART_PREFIX}{name}"}
    earlier = [_moment(item[Attribute.AT]["S"]) for key, item in claims.items() if watch.claimed_at[key] < answered.at]
    read = _read(watch, answered.process)
    until = min(earlier, default=float(int(read[0]))) + limits.GOES_ON
    if answer["status"] == "continue":
        is_right = min(read[-_OF_LATE - 2 :]) < until
        return "" if is_right else f"{name} goes on {max(read) - until:.3f} s after its end"
    record = watch.record(name)
    outcome = told(record, Attribute.OUTCOME) if record else {}
    left = [each for each in outcome.get("targets", ()) if each["detail"] == "no time was left"]
    if not left or not claims or watch.outcomes.get(name, NOT_STORED).process != answered.process:
        return ""
    return "" if max(read) >= until else f"{name} has no time left, {until - max(read):.0f} s before its end"


@of_each_record
def a_wait_ends_when_its_time_is_over(watch: Watch, change: Change) -> str:
    """What waits for its endpoint ends for want of time at the moment that people were shown, or later."""
    if change.before is None or change.after is None or Attribute.OUTCOME not in change.after:
        return ""
    outcome, acting = told(change.after, Attribute.OUTCOME), watch.writer()
    if Attribute.OUTCOME in change.before or acting is None or acting.function != "ExecuteRestart":
        return ""
    if "; waited until " not in outcome["detail"] or not is_waited_for(change.after):
        return ""
    until = _moment(change.before[Attribute.UPDATED_AT]["S"]) + watch.world.config.wait_for_endpoint_seconds
    late = max(_read(watch, acting.process)) - until
    return "" if late >= 0 else f"{change.proposal_id} has waited, {-late:.3f} s before its end"


# -- what is gone by


@of_each_test
def a_new_test_stands_for_the_next(watch: Watch, test: Tested) -> str:
    """For half a minute, what found an endpoint down is believed, and it is not tested once more before a start."""
    acting = watch.invocation(test.process, "ExecuteRestart")
    record = watch.record(acting.proposal_id) if acting else None
    if acting is None or record is None:
        return ""
    before = watch.probes_before(acting.at, test.server, test.endpoint)
    newest = max((told(item, Attribute.BODY) for item in before), key=lambda each: str(each["at"]), default=None)
    is_known = len(before) == len(watch.probes_before(test.at, test.server, test.endpoint))
    if newest is None or newest["answer"] != "ERROR" or not is_known:
        return ""
    read = [each.said.timestamp() for each in watch.world.readings[test.process] if each.at <= test.at]
    age = max(read[-3:-1]) - _moment(newest["at"])
    return "" if age > limits.TEST_IS_NEW else f"{test.process} tests {test.endpoint} again after {age:.3f} s"


@of_each_call
def a_list_is_gone_by_for_as_long_as_it_is_set(watch: Watch, sent: Sent) -> str:
    """For a quarter of a minute, within one restart: then it is asked for once more, and not before."""
    if sent.answered_at or watch.world.functions.begun.get(sent.process) is None:
        return ""
    lists = [
        each.at for each in watch.world.journal.lists if (each.process, each.server) == (sent.process, sent.server)
    ]
    look = Look(sent.process, sent.server, sent.task)
    at = watch.looks[look][-1:]
    read = watch.world.readings[sent.process]
    after = next((each for each in read if at and each.at >= at[0]), None)
    before = next((each for each in reversed(read) if lists and each.at <= lists[-1]), None)
    if before is None or after is None or sent.action != "run" or watch.waits_since(look):
        return ""
    if lists[-1] >= at[0]:
        return ""  # it was asked for after this look
    old = (after.said - before.said).total_seconds()
    return f"{sent.process} goes by a list of {old:.3f} s ago" if old > limits.LIST_IS_GOOD + 1 else ""


@at_rest
def a_list_is_not_asked_for_sooner(watch: Watch) -> Iterator[str]:
    """Within one restart, for a quarter of a minute from what was read of the clock before it was asked for."""
    last: dict[tuple[str, str], float] = {}
    for each in watch.world.journal.lists:
        place, read = (each.process, each.server), watch.world.readings[each.process]
        asked_at = [each.at, *(one.said.timestamp() for one in read if one.at <= each.at)][-1]
        before, last[place] = last.get(place), asked_at
        is_restart = each.process.startswith("ExecuteRestart") and not watch.world.is_struck(each.process)
        # By the same reading it is the same call, once more after the session had expired.
        if is_restart and before is not None and 0 < asked_at - before <= limits.LIST_IS_GOOD:
            yield f"{each.process} lists {each.server} again after {asked_at - before:.3f} s"


@of_each_ask("update_item", "transact_write_items")
def progress_is_said_now_and_then(watch: Watch, asked: Asked) -> str:
    """Of a group, by one process, every ten seconds at most."""
    write = write_of(asked, watch.items) if asked.who.startswith("ExecuteRestart") else None
    for update in write.of(keys.PROPOSAL_PREFIX, "Update") if write else ():
        said = json.loads(update.sets[Attribute.PROGRESS]["S"]) if Attribute.PROGRESS in update.sets else {}
        read, (token, last) = _read(watch, asked.who), watch.said_progress.get(asked.who, ("", 0.0))
        if not said or not said["up"] + said["down"] or not write or write.token == token:
            continue
        watch.said_progress[asked.who] = write.token, read[-1]
        if read[-1] - last < limits.SAYS_PROGRESS:
            return f"{asked.who} says how far it is again after {read[-1] - last:.3f} s"
    return ""


# -- what keeps a task quiet


@of_each_item()
def what_keeps_a_task_quiet_ends_in_time(watch: Watch, change: Change) -> str:
    """A task is proposed and restarted as soon as the cooldown, the hour or the back-off are over, and not before."""
    if change.after is None or change.key[1] == keys.SNOOZE:
        return ""
    writer, partition = watch.writer(), change.key[0]
    is_claim = change.key[1].startswith(keys.RESTART_PREFIX) and change.before is None
    is_proposed = change.key[1] == keys.LEASE and writer is not None and writer.function == "MonitorTasks"
    if writer is None or not (is_claim or is_proposed):
        return ""
    due = _free_again_at(watch, partition, change.after[Attribute.PROPOSAL_ID]["S"], writer.at)
    too_soon = due - max(_read(watch, writer.process))
    return f"{writer.process} takes {partition} {too_soon:.3f} s too soon" if too_soon > 0 else ""


def _free_again_at(watch: Watch, partition: str, but_for: str, before: float) -> float:
    """From when on a task is no longer quiet after earlier restarts, as who began then may know."""
    config = watch.world.config
    claims = sorted(
        (_moment(item[Attribute.AT]["S"]), sort, item)
        for (where, sort), item in watch.items.items()
        if where == partition
        and sort.startswith(keys.RESTART_PREFIX)
        and not sort.endswith(but_for)
        and watch.claimed_at[where, sort] < before
    )
    if not claims:
        return 0.0
    due = 0.0
    if config.restart_budget_per_hour and len(claims) >= config.restart_budget_per_hour:
        due = claims[-config.restart_budget_per_hour][0] + limits.HOUR
    last = claims[-1][0]
    return max(due, last + config.cooldown_seconds) if last > watch.lifted_at(partition) else due


@of_each_object
def what_is_shown_of_a_cooldown_is_its_end(watch: Watch, key: str) -> str:
    """The lists say until when a task is left alone after restarts: to the second, and no longer than that."""
    if key != LATEST_SNAPSHOT:
        return ""
    snapshot = watch.raw_snapshot()
    for task in snapshot["tasks"]:
        quiet = task["memory"].get("quiet")
        if not quiet or quiet["kind"] not in ("cooldown", "budget"):
            continue
        partition = partition_of(task["facts"]["key"])
        until, wanted = _moment(quiet["until"]), set(_ends_of_quiet(watch, partition, quiet["kind"]))
        off = min((until - each for each in wanted), key=abs, default=0.0)
        if abs(off) > 2 * _A_MILLISECOND:
            return f"{partition} is quiet until {quiet['until']}, off by {off:.3f} s"
    return ""


def _ends_of_quiet(watch: Watch, partition: str, kind: str) -> Iterator[float]:
    config = watch.world.config
    claims = watch.claims[partition]  # who has read one before it was given back goes by it still
    if kind == "budget":
        yield from (at + limits.HOUR for at, _ in claims)
        return
    for last, sort in claims:
        quiet = last + config.cooldown_seconds
        yield quiet
        # As runs saw them that are slow to say so: before a later fall, or before the last claim had a result.
        for fallen in (falls_of(watch, partition, until=last), falls_of(watch, partition, but_for=sort, until=last)):
            for count in range(1, len(fallen) + 1):
                longer = min(60 * (count * count + count), config.backoff_max_seconds)
                yield from (max(quiet, fell_at) + longer for _, fell_at in fallen)


# -- what a run does


def _sees_all(watch: Watch, answered: Invocation) -> bool:
    """Whether a run was the first to sum up what it saw, and nothing went wrong with any of its calls."""
    if answered.function != "MonitorTasks" or watch.world.is_struck(answered.process):
        return False
    summary = keys.run_partition(answered.payload["execution_name"]), keys.SUMMARY
    return watch.summed_up.get(summary, NOT_STORED).process == answered.process


@of_each_answer
def a_run_tells_again_when_it_is_due(watch: Watch, answered: Invocation) -> str:
    """Of what waits, once half and four fifths of its time are over; and two minutes after another one began to."""
    if not _sees_all(watch, answered):
        return ""
    read = _read(watch, answered.process)
    for name, item in watch.records():
        if status_of(item) is not Status.WAITING or watch.is_tampered(name) or watch.moved_at[name] > answered.at:
            continue
        asked, deadline = _moment(item[Attribute.REQUESTED_AT]["S"]), number(item, keys.INBOX_SORT)
        reminded = told(item, Attribute.REMINDED)
        for reason, part in limits.SAID_AT.items():
            from_then = asked + part * (deadline - asked)
            if from_then <= min(read) and max(read) < deadline and reason not in reminded.get("reasons", ()):
                return f"{name} is not told again, {min(read) - from_then:.3f} s after {reason} of its time"
        since = reminded.get("telling_since")
        if since and _moment(since) + limits.TELLS <= min(read) and max(read) < deadline:
            return f"{name} was to be told again {min(read) - _moment(since):.3f} s ago"
    return ""


@of_each_record
def a_reminder_waits_for_its_part_of_the_time(watch: Watch, change: Change) -> str:
    """For each reason, only once a part of the time is over, to the microsecond."""
    if change.before is None or change.after is None or Attribute.REQUESTED_AT not in change.after:
        return ""
    before, after = (told(item, Attribute.REMINDED).get("reasons", ()) for item in (change.before, change.after))
    asked, read = _moment(change.after[Attribute.REQUESTED_AT]["S"]), _read(watch, watch.world.dynamodb.last_writer)
    for reason in set(after) - set(before):
        part = limits.SAID_AT.get(reason)
        from_then = asked + (part or 0.0) * (number(change.before, keys.INBOX_SORT) - asked)
        if part is not None and max(read) < from_then - _A_ROUNDING:
            return f"{change.proposal_id} is told again {from_then - max(read):.3f} s before {reason} of its time"
    return ""


@of_each_answer
def a_run_tells_of_a_fall_that_another_one_left(watch: Watch, answered: Invocation) -> str:
    """Two minutes after that one began to."""
    has_plans = any(partition == keys.PLANS_PARTITION for partition, _ in watch.items)
    if has_plans or not _sees_all(watch, answered):
        return ""
    read = _read(watch, answered.process)
    for (partition, name), item in watch.items.items():
        follow_up = told(item, Attribute.BODY) if partition == keys.FOLLOWED_PARTITION else {}
        since = follow_up.get("telling_since")
        if since and _moment(since) + limits.TELLS <= min(read) and not watch.is_tampered(name):
            return f"{name} fell over, and {answered.process} left that to who began to tell {since}"
    return ""


@of_each_item(keys.FOLLOWED_PARTITION)
def it_is_said_in_time_whether_a_restart_lasted(watch: Watch, change: Change) -> str:
    """It lasted once it has been up for as long as is set; and what was not seen for an hour more cannot be said."""
    if change.before is None or watch.is_tampered(change.key[1]):
        return ""
    before, after = told(change.before, Attribute.BODY), told(change.after, Attribute.BODY) if change.after else None
    record, config = watch.record(change.key[1]), watch.world.config
    if record is None or Attribute.LASTING not in record:
        return ""
    so_far, read = told(record, Attribute.LASTING), _read(watch, watch.world.dynamodb.last_writer)
    left = [json.dumps(each["key"]) for each in after["tasks"]] if after else []
    not_lasted = {json.dumps(each["key"]): each for each in so_far["not_lasted"]}
    late = config.lasting_seconds + limits.LOOKED_LATE
    for task in before["tasks"]:
        key, up_at = json.dumps(task["key"]), _moment(task["up_at"])
        if key in left:
            continue
        if key not in not_lasted:
            if max(read) - up_at < config.lasting_seconds:
                return f"{change.key[1]}: {key} lasted after {max(read) - up_at:.3f} s"
            continue
        said = not_lasted[key]
        age = _moment(said["at"]) - up_at
        is_late = said["detail"].startswith(("it could not be read", "it was not seen up", "no run looked in time"))
        if said["result"] == "fell_over" and age > late + _A_MILLISECOND:
            return f"{change.key[1]}: {key} fell over after {age:.3f} s"
        if is_late and age <= late - _A_MILLISECOND:
            return f"{change.key[1]}: {key} was given up after {age:.3f} s"
    up_seconds = after["so_far"]["up_seconds"] if after and not before["so_far"]["up_seconds"] else 0
    return f"{change.key[1]} was up after {up_seconds} s" if 0 < up_seconds < config.lasting_first_seconds else ""


@of_each_answer
def a_run_says_what_has_lasted(watch: Watch, answered: Invocation) -> str:
    """Who has read a task as up, as long after its restart as is set, follows it no longer."""
    if not _sees_all(watch, answered):
        return ""
    read, config = _read(watch, answered.process), watch.world.config
    for (partition, name), item in watch.items.items():
        if watch.outcomes.get(name, NOT_STORED).at > answered.at:
            continue  # what a group came to was stored since, an hour after its first task came up
        for task in told(item, Attribute.BODY)["tasks"] if partition == keys.FOLLOWED_PARTITION else ():
            place = task["key"]["server"], task["key"]["task"]
            asked_at, listed = watch.world.journal.listed.get((answered.process, place[0]), (0.0, {}))
            seen = watch.world.journal.read.get((answered.process, *place)) or listed.get(place[1], {})
            is_up = _is_up(seen) and asked_at >= answered.at
            lasts = min(read) - _moment(task["up_at"])
            if is_up and lasts >= config.lasting_seconds and not watch.is_tampered(name):
                return f"{name} has lasted for {lasts:.3f} s, and {answered.process} follows {place}"
    return ""


@of_each_record
def a_run_closes_what_is_old_enough(watch: Watch, change: Change) -> str:
    """No step younger than two minutes is closed, and no restart that may be acting still: its last sign is 16 old."""
    closing = watch.closing_run(change)
    if closing is None or change.before is None:
        return ""
    read, moved_at = max(_read(watch, closing.process)), _moment(change.before[Attribute.UPDATED_AT]["S"])
    if read - moved_at < limits.YOUNG:
        return f"{change.proposal_id} is closed {read - moved_at:.3f} s after its last step"
    if status_of(change.before) is not Status.RESTARTING or Attribute.OUTCOME in change.before:
        return ""
    began_nothing = told(change.before, Attribute.CLAIM).get("brake") and Attribute.STARTS not in change.before
    last = max([moved_at, *_taken(watch, change.proposal_id, closing.process, read)])
    is_right = began_nothing or read - last >= limits.MAY_ACT
    return "" if is_right else f"{change.proposal_id} is closed {read - last:.3f} s after its last sign"


@of_each_item(keys.LEASE)
def a_run_frees_what_is_old_enough(watch: Watch, change: Change) -> str:
    """Of a proposal that is not there (yet), another run frees no task that was taken in the last two minutes."""
    freeing, lease = watch.writer(), change.before
    if change.after is not None or lease is None or freeing is None:
        return ""
    is_own = lease[Attribute.EXECUTION_ARN]["S"].endswith(f":{freeing.payload.get('execution_name')}")
    if is_own or watch.record(lease[Attribute.PROPOSAL_ID]["S"]) is not None:
        return ""
    age = max(_read(watch, freeing.process)) - _moment(lease[Attribute.AT]["S"])
    return "" if age >= limits.YOUNG else f"{change.key[0]} is freed {age:.3f} s after it was taken"


def _taken(watch: Watch, proposal_id: str, process: str, since: float) -> Iterator[float]:
    """When the tasks of a proposal were taken last, of those that it holds then; as far as a process has read that."""
    for partition in watch.task_partitions(proposal_id):
        lease = watch.items.get((partition, keys.LEASE))
        read_at = watch.world.dynamodb.read_at.get((process, (partition, keys.LEASE)), math.inf)
        is_its_own = lease is not None and lease[Attribute.PROPOSAL_ID]["S"] == proposal_id
        # What had ended by a clock that was set forward since holds nothing.
        if is_its_own and number(lease or {}, Attribute.EXPIRES) >= since:
            taken = [taken_at for written_at, taken_at in watch.taken[partition, proposal_id] if written_at <= read_at]
            yield from taken[-1:]


@of_each_answer
def a_run_leaves_nothing_that_is_old_enough(watch: Watch, answered: Invocation) -> str:
    """What an ended execution left is closed by who has read that it is old enough, and what nothing holds is freed."""
    if not _sees_all(watch, answered):
        return ""
    read, dynamodb = min(_read(watch, answered.process)), watch.world.dynamodb
    for name, item in watch.records():
        execution = watch.world.states.executions[item[Attribute.EXECUTION_ARN]["S"]]
        seen_at, said, _ = execution.seen[-1]
        if status_of(item).is_final or said == "RUNNING" or seen_at > answered.at or watch.is_tampered(name):
            continue
        if watch.opened_at[name] > answered.at:
            continue  # what opened it was late
        if execution.arn == answered.payload["execution_arn"]:
            continue  # a function that is late takes its own execution, which was stopped, for running
        listed = watch.items.get((keys.OPEN_PARTITION, name), {})
        signs = [_moment(each[Attribute.UPDATED_AT]["S"]) for each in (item, listed) if Attribute.UPDATED_AT in each]
        old_enough = limits.YOUNG
        if status_of(item) is Status.RESTARTING and watch.outcomes.get(name, NOT_STORED).at > answered.at:
            signs += _taken(watch, name, answered.process, read)
            old_enough = limits.MAY_ACT
        if max(signs) + old_enough <= read:
            return f"{name} is left as {status_of(item)}, {read - max(signs):.3f} s after its last sign"
    for (partition, sort), item in watch.items.items():
        holder = item[Attribute.PROPOSAL_ID]["S"] if sort == keys.LEASE else ""
        if not holder or holder in watch.proposed or (answered.process, (partition, sort)) not in dynamodb.read_at:
            continue
        is_over = number(item, Attribute.EXPIRES) < max(_read(watch, answered.process))
        if (age := read - _moment(item[Attribute.AT]["S"])) >= limits.YOUNG and not is_over:
            return f"{partition} is held for nothing, {age:.3f} s after it was taken"
    return ""


@of_each_object
def what_a_restart_left_stopped_is_its_doing_until_it_is_seen_up(watch: Watch, key: str) -> str:
    """A task that a run has seen up again, and that is stopped later, was not left so by qlikops."""
    for partition, then, now in _from_run_to_run(watch, key):
        saw = watch.world.functions.begun.get(watch.snapshots[-2].process)
        if saw is None or not now["memory"].get("left_stopped") or not _is_up(then["facts"]):
            continue
        left = [
            watch.settled[key].at
            for key, item in watch.items.items()
            if key[0] == partition and key in watch.settled and '"stopped":true' in item[Attribute.OUTCOME]["S"]
        ]
        if not any(at >= saw.at for at in left):
            return f"{partition} was up at {watch.raw_snapshot(2)['taken_at']}, and is said to be left stopped"
    return ""


@of_each_object
def what_is_remembered_of_a_task_outlasts_its_server(watch: Watch, key: str) -> str:
    """What a run remembers of a task that could not be listed is what was remembered before, to the letter; but for
    why it is quiet and since when it is held, which the ledger says.
    """
    for partition, then, now in _from_run_to_run(watch, key):
        if now["facts"]["state"] == TaskState.UNKNOWN and _lasts(then) != _lasts(now):
            return f"{partition} cannot be seen, and is remembered otherwise than before"
    return ""


def _lasts(task: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in task["memory"].items() if name not in ("quiet", "held_at")}


@of_each_object
def what_was_only_just_started_has_read_nothing(watch: Watch, key: str) -> str:
    """A latency of 0 does not move a task's point of no return before runs have seen the task up twice."""
    for partition, then, now in _from_run_to_run(watch, key):
        is_new = _is_up(now["facts"]) and not _is_up(then["facts"]) and now["facts"]["total_latency_seconds"] == 0
        # A run that could not read what the last one remembered knows none.
        if is_new and now["memory"].get("position") not in (None, then["memory"].get("position")):
            return f"{partition} was only just started, and is said to have read up to {now['memory']['position']}"
    return ""


def _from_run_to_run(watch: Watch, key: str) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Each task as the run before remembered it and as the last one does; none if the last one may not have read that.

    By the task's partition, with the object that was written just now.
    """
    if key != LATEST_SNAPSHOT or len(watch.snapshots) < 2 or not watch.clocks_are_right:
        return
    run = watch.remembering()
    if run is None or watch.world.is_struck(run.process) or watch.snapshots[-2].at > run.at:
        return
    before = {partition_of(each["facts"]["key"]): each for each in watch.raw_snapshot(2)["tasks"]}
    for each in watch.raw_snapshot()["tasks"]:
        if then := before.get(partition := partition_of(each["facts"]["key"])):
            yield partition, then, each


def _is_up(facts: Mapping[str, Any]) -> bool:
    """The state alone proves nothing: statuses lag."""
    return facts.get("state") == TaskState.RUNNING and (facts.get("memory_mb") or 0) >= 1


@of_each_object
def what_is_gone_is_over_in_time(watch: Watch, key: str) -> str:
    """A finding that no run has seen for a quarter of an hour is remembered no longer, and any other one is."""
    if key != LATEST_SNAPSHOT:
        return ""
    snapshot, before = watch.raw_snapshot(), watch.raw_snapshot(2)
    taken_at, writer = _moment(snapshot["taken_at"]), watch.remembering()
    # Who could not tell, or did not know of a run beside it, remembers it on.
    if writer is None or watch.world.is_struck(writer.process) or (before and watch.snapshots[-2].at > writer.at):
        return ""
    told_now = {_place(each): each for each in snapshot["told"]}
    for each in told_now.values():
        if taken_at - _moment(each["seen_at"]) >= limits.GONE:
            return f"{_place(each)} was last seen {each['seen_at']}, and is told of at {snapshot['taken_at']}"
    for each in before["told"] if before else ():
        age = taken_at - _moment(each["seen_at"])
        if _place(each) not in told_now and age < limits.GONE - _A_MILLISECOND:
            return f"{_place(each)} was over after {age:.3f} s"
    return ""


def _place(told_of: dict[str, Any]) -> str:
    return json.dumps([told_of["key"], told_of["kind"]])


@of_each_item(keys.ORDER_PREFIX)
def an_order_is_taken_in_time(watch: Watch, change: Change) -> str:
    """Within an hour of when its run began."""
    taking = watch.writer()
    if change.after is None or taking is None or change.before:
        return ""
    outcome, read = told(change.after, Attribute.BODY), _read(watch, taking.process)
    ages = [each - _moment(taking.payload["started_at"]) for each in read]
    if outcome["is_applied"] and min(ages) > limits.ORDER_IS_LATE:
        return f"{change.key} was applied after {min(ages):.3f} s"
    is_late = outcome["detail"].startswith("It was sent ")
    return f"{change.key} was too late after {max(ages):.3f} s" if is_late and max(ages) <= limits.ORDER_IS_LATE else ""
