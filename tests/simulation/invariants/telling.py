"""Of what people and programs are told: what was opened is closed, with the same key."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile, pairwise, takewhile
from typing import Any

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.packing import unpacked
from qlikops.domain.fleet.anomaly import Severity
from qlikops.domain.ledger import LATEST_REPORT, Attribute
from qlikops.domain.proposals.approval import Status
from tests.simulation import limits
from tests.simulation.dynamodb import Wire
from tests.simulation.invariants.asked import Asked
from tests.simulation.invariants.watch import (
    Change,
    Watch,
    at_rest,
    number,
    of_each_ask,
    of_each_item,
    of_each_object,
    status_of,
    told,
)
from tests.simulation.plant import MACHINE_ARN
from tests.unit.agent.pager import Pager

_THING = ("severity", "tags", "servers", "instances")
"""What filters go by: the same when a thing is closed as when it was opened."""


@of_each_object
def the_latest_report_is_there_under_its_own_name(watch: Watch, key: str) -> str:
    """Who follows the latest report to that of its run finds it, and its text for people beside it."""
    if key != LATEST_REPORT:
        return ""
    stored = {name: body for (_, name), (body, _) in watch.world.s3.objects.items()}
    report = json.loads(unpacked(stored[LATEST_REPORT]))
    named = keys.report_key(codec.parse_time(report["started_at"]), report["execution_name"])
    missing = [ending for ending in (".json", ".md") if f"{named}{ending}" not in stored]
    return f"the latest report is {named}, which has no {missing[0]}" if missing else ""


@of_each_item(keys.SUMMARY)
def a_run_is_marked_as_reported_once_its_report_is_there(watch: Watch, change: Change) -> str:
    """The summary of a run names its report after that is written: a reader, or a retry, never finds it missing."""
    if change.after is None:
        return ""
    named = json.loads(change.after[Attribute.BODY]["S"])["report_key"]
    is_there = not named or any(key == f"{named}.json" for _, key in watch.world.s3.objects)
    return "" if is_there else f"{change.key[0]} names {named}, which is not there"


@of_each_item(keys.SUMMARY)
def a_run_is_counted_before_it_is_marked_as_over(watch: Watch, change: Change) -> str:
    """A count too many after a crash is better than an alarm that stays silent."""
    if change.after is None or not _finished_at(change.after):
        return ""
    is_first = change.before is None or not _finished_at(change.before)
    is_counted = (watch.world.dynamodb.last_writer, "put_metric_data") in watch.asked_for
    is_late = watch.world.dynamodb.last_writer == "world"
    return "" if is_counted or is_late or not is_first else f"{change.key[0]} is over, and was not counted"


@of_each_ask("put_object")
def a_run_without_its_ledger_is_counted_before_its_report(watch: Watch, asked: Asked) -> str:
    """What is left to raise the alarm is done first."""
    if asked.request["Key"] != LATEST_REPORT:
        return ""
    is_without = b"and the ledger cannot be read" in asked.request["Body"]
    is_counted = (asked.who, "put_metric_data") in watch.asked_for
    return f"{asked.who} reports what it has not counted" if is_without and not is_counted else ""


def _finished_at(summary: Wire) -> str:
    return str(json.loads(summary[Attribute.BODY]["S"])["finished_at"] or "")


@of_each_ask("publish", "put_events", "put_metric_data")
def who_tells_says_each_thing_once(watch: Watch, asked: Asked) -> str:
    """No process tells the same twice, whatever became of the first time: the next one may have to.

    But for what EventBridge refused alone, of a call that it took.
    """
    match asked.operation:
        case "publish":
            said = [" ".join(asked.request[name] for name in ("TopicArn", "Subject", "Message"))]
        case "put_events":
            put, refused = [entry["Detail"] for entry in asked.request["Entries"]], watch.world.eventbridge.refused
            details = [json.loads(detail) for detail in put if (asked.who, detail) not in refused]
            said = [json.dumps({**detail, "at": ""}, sort_keys=True) for detail in details]
        case _:
            said = ["metrics"]
    again = [each for each in said if (asked.who, each) in watch.said]
    watch.said.update((asked.who, each) for each in said)
    return f"{asked.who} says once more {again[0][:300]}" if again else ""


@at_rest
def what_was_opened_is_closed(watch: Watch) -> Iterator[str]:
    """A pager that follows events by their dedup keys has nothing open but findings that the last run still saw.

    So it is if it gets them all: what EventBridge refuses is told to nobody.
    """
    last_told = {each.told["dedup_key"]: each for each in watch.events}
    died, seen = watch.world.functions.unanswered["MonitorTasks"], _seen(watch)
    for key in Pager(each.told for each in watch.events).open:
        # Who dies between telling of a finding and keeping that tells of it again, or it is gone by then.
        is_known = "/finding/" not in key or (key not in seen and last_told[key].who not in died)
        is_hindered = _fell_silent(watch, since=last_told[key].at) or _could_keep_nothing(watch, last_told[key].who)
        if is_known and not is_hindered:
            yield f"{key} is open"


def _fell_silent(watch: Watch, since: float = 0.0, until: float = math.inf) -> bool:
    """Whether a process that was there between these times had no answer of EventBridge: it tells it nothing more.

    Neither does the next invocation that it serves, for a minute.
    """
    since -= limits.MINUTE
    begun = watch.world.functions.begun
    silent = [who for who in watch.world.faults.struck if watch.world.is_struck(who, "events:")]
    return any(begun[who].at <= until and watch.ended_at.get(who, math.inf) >= since for who in silent)


def _could_keep_nothing(watch: Watch, who: str) -> bool:
    """Whether ledger and bucket both failed a process, which tells all the same that monitoring fails."""
    befallen = [line.what for line in watch.world.kernel.trace if line.who == who]
    return all(any(name in what for what in befallen) for name in ("dynamodb:", "s3:PutObject"))


@at_rest
def what_is_closed_is_what_was_opened(watch: Watch) -> Iterator[str]:
    """A finding or an outage that is over was told before, and whatever was is closed for the same subscribers."""
    for key, events in _by_key(watch).items():
        for place, event in enumerate(events):
            opened = [each for each in events[:place] if each["state"] == "open"]
            if event["state"] != "closed":
                continue
            # Of a question that is answered before its message went out, only the end is told.
            is_excused = _may_have_been_told(watch, event) or _fell_silent(watch, until=_told_at(watch, event))
            if not opened and event["event"] != "ApprovalClosed" and not is_excused:
                yield f"{key} was closed by {event['event']}, and was not open"
            elif opened and not is_excused and _thing(event) not in map(_thing, (opened[-1], _worst(events[:place]))):
                yield f"{key} was opened as {_thing(opened[-1])}: {_thing(event)}"


def _thing(event: Mapping[str, Any]) -> list[Any]:
    return [event[name] for name in _THING]


def _worst(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The worst that was opened since the last closing: the topic may have refused it, and EventBridge taken it."""
    last = [*dropwhile(lambda each: each["state"] != "open", reversed(events))]
    opened = [*takewhile(lambda each: each["state"] == "open", last)]
    return max(opened, key=lambda each: Severity(each["severity"]).rank)


@at_rest
def an_outage_is_written_down_before_it_is_told(watch: Watch) -> Iterator[str]:
    """Who dies after telling that monitoring fails leaves an incident that the next good run knows of, and closes."""
    bus = watch.world.eventbridge
    for (at, entry), who in zip(bus.put, bus.put_by, strict=True):
        # Who cannot reach the ledger tells of it all the same, and its report remembers that.
        if entry["DetailType"] == "MonitoringFailed" and watch.told_of_outage.get(who, at) > at:
            yield f"{who} told of it before it was written down"


def _told_at(watch: Watch, event: Mapping[str, Any]) -> float:
    return next(each.at for each in watch.events if each.told is event)


def _may_have_been_told(watch: Watch, event: Mapping[str, Any]) -> bool:
    """Whether an outage was about to be told, by who died then or was still at it: it is called off all the same."""
    at = _told_at(watch, event)
    died = set(watch.world.functions.unanswered["GenerateReport"])
    about_to = (
        who in died or since <= at <= watch.ended_at.get(who, math.inf) for who, since in watch.told_of_outage.items()
    )
    return event["event"] == "MonitoringRecovered" and any(about_to)


@at_rest
def what_waits_is_told_again_once(watch: Watch) -> Iterator[str]:
    """Each reason to tell again of what waits is told by one run, but if it was hindered, or another ran beside it."""
    runs: dict[tuple[str, str], list[str]] = {}
    for each in watch.events:
        if each.told["event"] == "ApprovalReminder":
            runs.setdefault((each.told["dedup_key"], each.told["reason"]), []).append(each.who)
    for (key, reason), told_by in runs.items():
        for first, second in pairwise(dict.fromkeys(told_by)):
            if not watch.may_repeat(first, second):
                yield f"{second} tells again of {key} for {reason}, as {first} has"


@of_each_ask("put_events")
def who_says_that_somebody_looks_knows_it(watch: Watch, asked: Asked) -> str:
    """A reminder goes to the escalation topic unless a claim goes on: one that has run out wakes somebody."""
    read = [each.said.timestamp() for each in watch.world.readings[asked.who]]
    for event in asked.events:
        name = event["dedup_key"].rpartition("/")[2]
        record = watch.record(name) if event["event"] == "ApprovalReminder" else None
        claim = told(record, Attribute.CLAIM) if record and not watch.is_tampered(name) else {}
        if not claim or claim.get("brake") or not read:
            continue
        until = codec.parse_time(claim["until"]).timestamp()
        if until < min(read):
            watch.world.faults.reached("told of a claim that has run out")
        if event["is_claimed"] and until < min(read):
            return f"{asked.who} says that somebody looks at {name}, whose claim was over before it began"
    return ""


@at_rest
def what_expires_was_told_again(watch: Watch) -> Iterator[str]:
    """No question expires without a reminder, if a run looked in the second half of its time, and could keep that."""
    if not watch.clocks_are_right:
        return
    begun = watch.world.functions.begun
    messages = [str(each.told) for each in watch.messages]  # the topic gets them, whether or not EventBridge does
    # A run that failed is summed up by its report, and has not looked; one that cannot write down that it tells leaves
    # that to the next one.
    looked_at = [
        each.at
        for each in watch.summed_up.values()
        if begun[each.process].function == "MonitorTasks" and not watch.world.is_struck(each.process, "dynamodb:")
    ]
    for name, item in watch.records():
        if status_of(item) is not Status.EXPIRED or watch.is_tampered(name) or Attribute.REQUESTED_AT not in item:
            continue
        asked = codec.parse_time(str(item[Attribute.REQUESTED_AT]["S"])).timestamp()
        deadline = number(item, keys.INBOX_SORT)
        # What a run has summed up it has looked at: a run takes no longer than that.
        has_looked = any((asked + deadline) / 2 + _A_RUN < at < deadline - 1 for at in looked_at)
        is_told = any("ApprovalReminder" in each and f"qlikops show {name}" in each for each in messages)
        if has_looked and not is_told:
            yield f"{name} expired, and nobody was told again"


_A_RUN = 900.0


def _by_key(watch: Watch) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in watch.events:
        found.setdefault(each.told["dedup_key"], []).append(each.told)
    return found


def _seen(watch: Watch) -> set[str]:
    """The dedup keys of the findings that the last run remembers as told."""
    snapshot = watch.last_snapshot()
    _, _, _, region, account, *_ = MACHINE_ARN.split(":")
    told = snapshot.told if snapshot else ()
    found = ((each.kind, each.key.instance, each.key.server, each.key.task) for each in told)
    return {"/".join(("qlikops", region, account, "finding", *filter(None, each))) for each in found}
