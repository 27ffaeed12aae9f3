"""Of what services do not say: who was refused an answer takes that for none, and who was given one goes by it.

A refusal that is taken for an answer does harm hours later, if at all: what was not read counts as not there, what was
not ended as over. So what a process does next is held against what it was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qlikops.domain import ledger as keys
from qlikops.domain.fleet.anomaly import Severity
from qlikops.domain.fleet.task import ServerState
from qlikops.domain.ledger import LATEST_REPORT, LATEST_SNAPSHOT, OWN_FAILURES, Attribute
from qlikops.qlik.reader import NOT_READ_IN_TIME
from tests.simulation.enterprise_manager import Sent
from tests.simulation.invariants.asked import Asked
from tests.simulation.invariants.closing import attributes, tells
from tests.simulation.invariants.watch import (
    ANSWERS_OF_S3,
    WAIT_IS_OVER,
    Change,
    Deed,
    Heard,
    Watch,
    code_of,
    of_each_ask,
    of_each_call,
    of_each_item,
    of_each_object,
    told,
)
from tests.simulation.plant import MACHINE_ARN


@of_each_item(keys.TOKEN)
def who_could_not_end_a_wait_keeps_its_token(watch: Watch, change: Change) -> str:
    """Only that the wait is over makes up for an answer that was refused: without the token nobody can end it."""
    if change.after is not None or change.before is None:
        return ""
    who, token = watch.world.dynamodb.last_writer, change.before[Attribute.TOKEN]["S"]
    sent = [
        deed
        for deed in watch.deeds.get(who, ())
        if deed.asked.operation == "send_task_failure" and deed.asked.request["taskToken"] == token
    ]
    is_over = not watch.world.states.is_waiting(token)
    if is_over or not sent or sent[-1].error is None or code_of(sent[-1].error) in WAIT_IS_OVER:
        return ""
    return f"{who} was refused the end of the wait of {change.proposal_id}, and lets its token go: {sent[-1].error}"


@of_each_ask("put_object")
def who_could_not_read_what_was_remembered_remembers_nothing(watch: Watch, asked: Asked) -> str:
    """A run that was not told what the last one remembered writes nothing over that: a retry may be told."""
    is_latest = asked.request["Key"] == LATEST_SNAPSHOT and (asked.who, LATEST_SNAPSHOT) in watch.unread
    return f"{asked.who} could not read the last snapshot, and writes over it" if is_latest else ""


@of_each_object
def what_was_not_read_in_time_is_marked_so(watch: Watch, key: str) -> str:
    """Of a task whose server a run had no time to list, it does not say what it found: nothing of it is over."""
    run = watch.remembering() if key == LATEST_SNAPSHOT else None
    snapshot = watch.raw_snapshot() if run else {"servers": (), "tasks": ()}
    # Of a server that is down nothing is known at all.
    up = (each for each in snapshot["servers"] if each["state"] != ServerState.ERROR)
    late = {each["name"] for each in up if each["error_code"] == NOT_READ_IN_TIME}
    if run is None or not late:
        return ""
    watch.world.faults.reached("tasks that were not read in time")
    for task in snapshot["tasks"]:
        named = task["facts"]["key"]
        asked_at, _ = watch.world.journal.listed.get((run.process, named["server"]), (0.0, {}))
        if named["server"] in late and asked_at < run.at and not task["is_unread"]:
            return f"{run.process} says of {named} that it was read, and had no time to list its server"
    return ""


@of_each_ask("put_object")
def who_could_not_read_what_was_found_reports_nothing(watch: Watch, asked: Asked) -> str:
    """A report that was not told what its run has found is not written: a retry may be told."""
    if asked.request["Key"] != LATEST_REPORT:
        return ""
    unread = sorted(key for who, key in watch.unread if who == asked.who and key.startswith("snapshots/findings/"))
    return f"{asked.who} could not read {unread[0]}, and reports without it" if unread else ""


@of_each_call
def nothing_automatic_is_sent_on_what_is_not_known(watch: Watch, sent: Sent) -> str:
    """Whoever starts a task that nobody was asked about has read its tags, and what the team knows."""
    record = watch.record(watch.proposal_of(sent))
    if record is None or not told(record, Attribute.DECISION).get("automatic") or watch.could_not_see(sent):
        return ""
    if (sent.process, OWN_FAILURES) in watch.unread:
        return f"{sent.process} {sent.action}s {sent.task}, and could not read what the team knows"
    if not watch.may_be_protected(sent.process, sent.server, sent.task):
        return ""
    tags = watch.tags_read(sent.process, sent.server, sent.task)
    return f"{sent.process} {sent.action}s {sent.task}, which may be protected: {tags}"


# -- findings --------------------------------------------------------------------------------------------------------


def _key_of(finding: Mapping[str, Any]) -> str:
    """The dedup key of a finding that a run remembers."""
    _, _, _, region, account, *_ = MACHINE_ARN.split(":")
    place = (finding["key"][name] for name in ("instance", "server", "task"))
    return "/".join(("qlikops", region, account, "finding", *filter(None, (finding["kind"], *place))))


def _opened_by(watch: Watch, who: str) -> dict[str, Severity]:
    """The findings that a process has told of, and how bad it has said that they are."""
    return {
        event["dedup_key"]: Severity(event["severity"])
        for deed in watch.deeds.get(who, ())
        if deed.asked.operation == "put_events"
        for event in deed.asked.events
        if event["event"] == "FindingOpened"
    }


def _messages(watch: Watch, who: str, event: str) -> list[Deed]:
    return [each for each in watch.deeds.get(who, ()) if tells(each, event)]


@of_each_object
def what_is_worse_than_people_have_heard_is_told(watch: Watch, key: str) -> str:
    """A run that sees what people have heard of worse than they have tells of it, but for planned work."""
    if key != LATEST_SNAPSHOT or not watch.heard:
        return ""
    who, seen = watch.snapshots[-1].process, watch.raw_snapshot()
    begun = watch.world.functions.begun.get(who)
    is_silent = watch.world.is_struck(who, "events:")
    # If its write was late, what it has told is not at hand any more.
    if begun is None or seen["plans"] or is_silent or who not in watch.deeds:
        return ""
    opened = {name for each in _messages(watch, who, "FindingOpened") for name in attributes(each.asked, "dedup_key")}
    for each in (*seen["server_anomalies"], *(each for task in seen["tasks"] for each in task["anomalies"])):
        name, severity = _key_of(each), Severity(each["severity"])
        heard = watch.heard.get(name)
        if heard is None or heard.at >= begun.at or not each["confirmed"] or name in opened:
            continue
        if severity.rank > heard.severity.rank:
            return f"{who} sees {name}, and tells nobody that it is {severity}, not {heard.severity}"
    return ""


@of_each_object
def what_people_have_heard_of_is_remembered_so(watch: Watch, key: str) -> str:
    """A run that has told of a finding, and whose message was taken, remembers that, and how bad it has said it is."""
    if key != LATEST_SNAPSHOT:
        return ""
    stored = watch.snapshots[-1]
    begun, messages = watch.world.functions.begun.get(stored.process), _messages(watch, stored.process, "FindingOpened")
    # A run that began before another one stored what it remembers may write that over with what it had read.
    watch.heard = {name: heard for name, heard in watch.heard.items() if begun is not None and heard.at < begun.at}
    for message in _messages(watch, stored.process, "FindingClosed"):
        for name in attributes(message.asked, "dedup_key"):
            watch.heard.pop(name, None)
    is_silent = watch.world.is_struck(stored.process, "events:")
    if is_silent or stored.process not in watch.deeds:  # its write was late: what it has told is not at hand any more
        left = {_key_of(each): each["severity"] for each in watch.notified_in(stored.body)}
        watch.heard = {name: heard for name, heard in watch.heard.items() if left.get(name) == heard.severity}
    if not messages or any(each.error is not None for each in messages):
        return ""  # what was not taken is told again, and with it all that this run has told
    kept = {_key_of(each): each for each in watch.notified_in(stored.body)}
    for name, severity in _opened_by(watch, stored.process).items():
        if name not in kept or not kept[name]["heard"] or kept[name]["severity"] != severity:
            return f"{stored.process} has told of {name}, which is {severity}, and remembers {kept.get(name)}"
        watch.heard[name] = Heard(severity, stored.at)
    return ""


@of_each_ask("put_events")
def what_people_have_heard_of_is_not_told_again(watch: Watch, asked: Asked) -> str:
    """A run that has read what was remembered since tells of a finding again only if it is worse, or was over."""
    opened = [
        event for event in asked.events if event["event"] == "FindingOpened" and event["dedup_key"] in watch.heard
    ]
    if not opened:
        return ""
    read_at = max((deed.at for deed in watch.deeds[asked.who] if _is_read(deed, LATEST_SNAPSHOT)), default=0.0)
    for event in opened:
        heard = watch.heard[event["dedup_key"]]
        if read_at > heard.at and Severity(event["severity"]).rank <= heard.severity.rank:
            return f"{asked.who} tells again of {event['dedup_key']}, as people have heard that it is {heard.severity}"
        if read_at > heard.at:
            watch.world.faults.reached("a finding that is worse than was told")
    return ""


def _is_read(deed: Deed, key: str) -> bool:
    """Whether a process has been told what an object holds, or that it holds what was read before."""
    if deed.asked.operation != "get_object" or deed.asked.request["Key"] != key:
        return False
    return deed.error is None or code_of(deed.error) in ANSWERS_OF_S3
