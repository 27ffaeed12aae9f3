"""Of times and numbers that are written, asked for or slept: each is the one that is promised, to the second.

Held against `tests.simulation.limits`, not against the product's own constants, and with every write: a time that is
off shows with the first one, whether anybody ever waits for it or not. Of a time that follows from a clock, it is known
what the writer read of it: it has to be right for one of these readings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from tests.simulation import limits
from tests.simulation.dynamodb import Key, Wire
from tests.simulation.enterprise_manager import Requested
from tests.simulation.invariants.asked import Asked
from tests.simulation.invariants.watch import (
    Change,
    Watch,
    at_rest,
    number,
    of_each_answer,
    of_each_ask,
    of_each_item,
    of_each_record,
    of_each_request,
    status_of,
    told,
)
from tests.simulation.services import Invocation

_WITHIN_A_MILLISECOND = 0.0015
"""The ledger's times have milliseconds, rounded down."""
_FOR_THE_REST = limits.MONITORS - limits.READS
_ANSWER_FACTOR = 2.0
"""Of the time that is left, how much a first byte may take: a whole answer may take longer."""


def _at(item: Wire, attribute: str) -> float:
    return codec.parse_time(item[attribute]["S"]).timestamp()


def _is_read(watch: Watch, who: str, moment: float) -> bool:
    """Whether a process has read this of its clock, as the ledger has times."""
    return any(0 <= each.said.timestamp() - moment < _WITHIN_A_MILLISECOND for each in watch.world.readings[who])


def _follows(watch: Watch, who: str, seconds: float, of: Callable[[datetime], float]) -> bool:
    """Whether a number follows from one of a process's readings."""
    return any(of(each.said) == seconds for each in watch.world.readings[who])


@of_each_item()
def the_ledger_keeps_each_thing_for_as_long_as_it_is_set(watch: Watch, change: Change) -> str:
    """To the second: 90 days, 30 of restarts and silence, a year of earlier results, and a day of what is over."""
    if change.after is None or keys.TTL not in change.after or change.after.get(keys.TTL) == _before(change, keys.TTL):
        return ""
    kept, wanted = number(change.after, keys.TTL), _kept(watch, change.key, change.before, change.after)
    if wanted is None or kept in wanted:
        return ""
    return f"{change.key} is kept until {kept:.0f}, not {[round(each - kept) for each in wanted]} s later"


@of_each_record
def a_record_is_kept_for_as_long_as_it_is_set(_: Watch, change: Change) -> str:
    """For 90 days from when it was written first, to the second."""
    if change.before is not None or change.after is None:
        return ""
    off = number(change.after, keys.TTL) - int(_at(change.after, Attribute.UPDATED_AT)) - limits.KEPT
    return f"{change.proposal_id} is kept for {off:+.0f} s" if off else ""


def _before(change: Change, attribute: str) -> Any:
    return (change.before or {}).get(attribute)


def _kept(watch: Watch, key: Key, before: Wire | None, after: Wire) -> list[float] | None:
    """Until when an item may be kept; None for one of which nothing is promised."""
    partition, sort = key
    readings = [each.said for each in watch.world.readings[watch.world.dynamodb.last_writer]]
    match partition, sort:
        case _, keys.LEASE:
            return [number(after, Attribute.EXPIRES) + limits.GOOD_FOR_NOTHING_KEPT]
        case _, keys.SNOOZE if after.get(Attribute.LIFTED) != (before or {}).get(Attribute.LIFTED):
            return [int(_at(after, Attribute.LIFTED)) + limits.RESTARTS_KEPT]
        case _, keys.SNOOZE:
            return [number(after, Attribute.EXPIRES) + limits.RESTARTS_KEPT]
        case _, keys.TOKEN:
            record = _asked(watch, partition)
            return [number(record, keys.INBOX_SORT) + limits.GOOD_FOR_NOTHING_KEPT] if record else None
        case keys.OUTAGE, _:
            return [int(each.timestamp()) + limits.GOOD_FOR_NOTHING_KEPT for each in readings]
        case keys.PLANS_PARTITION, _:
            plan = json.loads(after[Attribute.BODY]["S"])
            ends_at = codec.parse_time(plan["ended_at"] or plan["ends_at"]).timestamp()
            return [int(ends_at) + limits.PLANS_KEPT]
    if sort.startswith(keys.RESTART_PREFIX):
        return [int(_at(after, Attribute.AT)) + limits.RESTARTS_KEPT]
    if sort.startswith(keys.HISTORY_PREFIX) and Attribute.BODY in after:
        at = codec.parse_time(told(after, Attribute.BODY)["at"]).timestamp()
        return [int(at) + limits.KEPT]
    if sort.startswith(keys.PROBE_PREFIX):
        return [int(_at(after, Attribute.AT)) + limits.GOOD_FOR_NOTHING_KEPT]
    if partition.startswith("TRACK#"):
        return [int(each.timestamp()) + limits.RESULTS_KEPT for each in readings]
    return [int(_at(after, Attribute.UPDATED_AT)) + limits.KEPT] if Attribute.UPDATED_AT in after else None


def _asked(watch: Watch, token_partition: str) -> Wire | None:
    """The record that a token is of, if it waits."""
    record = watch.record(token_partition.partition("#")[2])
    return record if record is not None and status_of(record) is Status.WAITING else None


@of_each_item(keys.LEASE)
def a_task_is_held_for_as_long_as_it_is_set(watch: Watch, change: Change) -> str:
    """For two hours from when it is proposed, until the deadline and a margin where it is asked, and for an hour while
    a restart goes on.
    """
    if change.after is None:
        return ""
    who, until = watch.world.dynamodb.last_writer, number(change.after, Attribute.EXPIRES)
    writer = watch.writer()
    match writer.function if writer else "":
        case "MonitorTasks":
            seconds = limits.HELD_WHILE_PROPOSED
        case "ExecuteRestart":
            seconds = limits.HELD_WHILE_GOING_ON
        case "RequestApproval" if writer is not None:
            entered = codec.parse_time(writer.payload["entered_at"]).timestamp()
            needed = int(entered + writer.payload["timeout_seconds"]) + watch.world.config.lease_margin_seconds
            return "" if until == needed else f"{change.key[0]} is held for {until - needed:+.0f} s"
        case _:
            return ""
    if _follows(watch, who, until, lambda read: int(read.timestamp() + seconds)):
        return ""
    return f"{change.key[0]} is held for {until - watch.world.readings[who][-1].said.timestamp():.1f} s"


@of_each_record
def a_question_may_be_answered_for_as_long_as_it_is_set(watch: Watch, change: Change) -> str:
    """From when the wait began, as long as Step Functions waits, less the rest of a second."""
    if (
        change.after is None
        or status_of(change.after) is not Status.WAITING
        or Attribute.REQUESTED_AT not in change.after
    ):
        return ""
    deadline, asked = number(change.after, keys.INBOX_SORT), _at(change.after, Attribute.REQUESTED_AT)
    row = codec.parse_time(told(change.after, Attribute.ROW)["deadline"]).timestamp()
    off = deadline - int(asked + watch.world.wait_seconds)
    return (
        f"{change.proposal_id} may be answered for {off:+.0f} s, its row says {row - deadline:+g}"
        if off or row != deadline
        else ""
    )


@of_each_item(keys.SNOOZE)
def a_denied_task_is_quiet_for_as_long_as_was_said(watch: Watch, change: Change) -> str:
    """From the denial on, for as long as was asked for, or for the cooldown; the lists say the same time."""
    before = change.before or {}
    if change.after is None or Attribute.AT not in change.after:
        return ""
    if change.after.get(Attribute.AT) == before.get(Attribute.AT):
        return ""
    at, expires = _at(change.after, Attribute.AT), number(change.after, Attribute.EXPIRES)
    lengths = {watch.world.config.cooldown_seconds}
    for _, record in watch.records():
        lengths.add((told(record, Attribute.DECISION) or {}).get("snooze_seconds") or 0)
        lengths.add((told(record, Attribute.OUTCOME).get("decision") or {}).get("snooze_seconds") or 0)
    said = codec.parse_time(told(change.after, Attribute.BODY)["until"]).timestamp()
    if expires == int(said) and any(
        0 <= at + each - said < _WITHIN_A_MILLISECOND or at + each == said for each in lengths
    ):
        return ""
    return f"{change.key[0]} is quiet for {said - at:g} s, until {expires:.0f}, of {sorted(lengths)}"


@of_each_record
def a_wait_goes_on_for_as_long_as_it_is_set(watch: Watch, change: Change) -> str:
    """Pauses of 1, 2, 4, 8 and 15 minutes, the last one until the end: that follows from when the restart began."""
    if (
        change.after is None
        or Attribute.WAITS not in change.after
        or _before(change, Attribute.WAITS) == change.after[Attribute.WAITS]
    ):
        return ""
    waits, began = told(change.after, Attribute.WAITS), _at(change.after, Attribute.UPDATED_AT)
    until, following = (codec.parse_time(waits[name]).timestamp() for name in ("until", "next_test_at"))
    if until != began + watch.world.config.wait_for_endpoint_seconds:
        return f"{change.proposal_id} waits for {until - began:g} s"
    watch.said_to_wait[watch.world.dynamodb.last_writer] = following
    readings = [each.said.timestamp() for each in watch.world.readings[watch.world.dynamodb.last_writer]]
    for now in readings:
        pause = min(max(now - began + limits.FIRST_PAUSE, limits.FIRST_PAUSE), limits.LONGEST_PAUSE, until - now)
        if abs(now + max(1, round(pause)) - following) < _WITHIN_A_MILLISECOND and now < until:
            return ""
    return f"{change.proposal_id} is tested again in {following - readings[-1]:g} s, after {readings[-1] - began:g}"


@of_each_answer
def who_waits_is_called_when_it_is_said(watch: Watch, answered: Invocation) -> str:
    """Step Functions is told the pause that the inbox shows."""
    answer, following = watch.world.functions.answers[answered.process], watch.said_to_wait.get(answered.process)
    if following is None or answer.get("status") != "waiting":
        return ""
    is_right = _is_read(watch, answered.process, following - answer["wait_seconds"])
    return "" if is_right else f"{answered.proposal_id} is called again in {answer['wait_seconds']} s"


@of_each_answer
def who_acts_looks_every_two_seconds(watch: Watch, _: Invocation) -> str:
    """No function sleeps for longer, and a restart sleeps for that long; what it waits for a busy ledger is less."""
    slept, watch.world.slept[:] = list(watch.world.slept), []
    # What a function waits for a busy ledger is drawn, and no round number.
    wrong = [
        each for each in slept if each[1] != limits.POLLS and (each[1] > limits.POLLS or each[1] == round(each[1], 1))
    ]
    return f"{wrong[0][0]} sleeps for {wrong[0][1]:g} s" if wrong else ""


@of_each_ask("transact_write_items", "update_item", "query", "get_item", "batch_get_item")
def a_call_to_a_busy_ledger_is_tried_so_often(watch: Watch, asked: Asked) -> str:
    """Six times by a function, five times by a person who claims; then somebody else tries again."""
    operation, last, times = watch.tried.get(asked.who, ("", {}, 0))
    is_same = operation == asked.operation == "transact_write_items" and last == asked.request
    times = times + 1 if is_same else 1
    watch.tried[asked.who] = asked.operation, asked.request, times
    most = limits.CALLS if asked.who in watch.world.functions.begun else limits.CLAIM_CALLS
    return f"{asked.who} tries {asked.operation} for the {times}. time" if times > most else ""


_BUSY = ("ProvisionedThroughputExceededException", "TransactionInProgressException")
"""Errors of a ledger that is too busy; every other service has ones of its own."""


def _is_busy(refused: ClientError) -> bool:
    """Whether the ledger refused a write for nothing but that it is busy with others."""
    reasons = {reason["Code"] for reason in refused.response.get("CancellationReasons", [])}
    return refused.response["Error"]["Code"] in _BUSY or bool(
        reasons - {"None"} and "ConditionalCheckFailed" not in reasons
    )


@at_rest
def a_function_tries_a_busy_ledger_six_times(watch: Watch) -> Iterator[str]:
    """What a function writes to it is tried six times before the function fails for that."""
    for name, error in watch.world.kernel.failed:
        operation, _, times = watch.tried.get(name, ("", {}, limits.CALLS))
        cause = error.__cause__ or error
        if name not in watch.world.functions.begun or not isinstance(cause, ClientError) or not _is_busy(cause):
            continue
        # Whoever was refused may have asked for something else since.
        is_last = operation == "transact_write_items" and cause.operation_name == "TransactWriteItems"
        if is_last and times < limits.CALLS:
            yield f"{name} gave up after {times} tries: {error}"


@of_each_request
def reading_takes_no_longer_than_is_set(watch: Watch, request: Requested) -> str:
    """What a run asks of Enterprise Manager waits until two minutes before Lambda ends it, tests half a minute more."""
    begun = watch.invocation(request.process, "MonitorTasks")
    if begun is None:
        return ""
    first = watch.first_request.setdefault(request.process, request.at) - begun.at
    until, late = request.at - begun.at + _ANSWER_FACTOR * request.read_seconds, limits.PROBES - limits.READS
    if request.read_seconds in limits.READ_TIMEOUTS:
        is_late = first < limits.MONITORS - 2 * _FOR_THE_REST and request.at - begun.at > limits.PROBES
        return f"{request.process} reads after {request.at - begun.at:.2f} s" if is_late else ""
    # Who begins to read in the last four minutes, since it stood still before, has half of what is left.
    half_from = [2 * (until - each) - limits.MONITORS for each in (0, late)]
    is_half = any(limits.MONITORS - 2 * _FOR_THE_REST - 0.01 <= each <= first + 0.01 for each in half_from)
    is_right = is_half or any(abs(until - end) < 0.01 for end in (limits.READS, limits.PROBES))
    return "" if is_right else f"{request.process} reads until {until:.2f} s after it began"


@at_rest
def the_definition_waits_for_as_long_as_is_set(watch: Watch) -> Iterator[str]:
    """Each state's time-out, and how often and how long it is tried again."""
    definition = json.loads(watch.world.definition)
    items = definition["States"]["ProcessProposals"]["ItemProcessor"]["States"]
    states = {"": definition, **definition["States"], **items}
    for name, seconds in limits.TIME_OUTS.items():
        if states[name].get("TimeoutSeconds") != seconds:
            yield f"{name or 'an execution'} takes {states[name].get('TimeoutSeconds')} s"
    asks = states["WaitForApproval"]
    if not asks["TimeoutSeconds"] == asks["Parameters"]["Payload"]["timeout_seconds"] == watch.world.wait_seconds:
        yield f"an answer may take {asks['TimeoutSeconds']} s"
    for name, state in states.items():
        has = tuple(tuple(map(each.get, _RETRIER)) for each in state.get("Retry", ()))
        if has != limits.RETRIES.get(name, ()):
            yield f"{name} is tried again {has}"
    if definition["States"]["ProcessProposals"]["MaxConcurrency"] != limits.MAP_ITEMS_AT_ONCE:
        yield "more or fewer proposals at once"


_RETRIER = ("IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds")


@at_rest
def a_console_waits_for_as_long_as_is_set(watch: Watch) -> Iterator[str]:
    """Five minutes for the outcome of what is in the ledger, and one for that of what is not known."""
    for approval_id, seconds in watch.saying.patience:
        if seconds not in (limits.WATCHED, limits.WATCHED_IF_NOT_KNOWN):
            yield f"{approval_id} is watched for {seconds:g} s"


@at_rest
def the_ledger_is_left_the_time_to_show_a_decision(watch: Watch) -> Iterator[str]:
    """Nobody is told that nothing is known of a decision sooner than a quarter of a minute after it was sent."""
    for decision_id, seconds in watch.saying.settled_after:
        if seconds < limits.SETTLES:
            yield f"{decision_id} was not known after {seconds:.1f} s"
