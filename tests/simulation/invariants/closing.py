"""Of what a process has begun by the time it ends: it has closed that, or has left it where the next one finds it.

A close that is missing does harm only if something else goes wrong, hours later and seldom. So each process is held
against all that it has asked for, in its order, in the moment in which it answers, raises, or takes the next step.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.packing import unpacked
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.qlik.errors import QemError
from tests.simulation.dynamodb import Key
from tests.simulation.enterprise_manager import Sent
from tests.simulation.invariants.asked import Action, Asked, actions_in
from tests.simulation.invariants.choosing import effective_action, left_out
from tests.simulation.invariants.watch import (
    Change,
    Deed,
    Ended,
    Watch,
    at_rest,
    code_of,
    of_each_ask,
    of_each_call,
    of_each_end,
    of_each_item,
    of_each_record,
    partition_of,
    status_of,
    told,
)

_NOT_WORKED = frozenset({Status.EXPIRED, Status.FAILED, Status.UNVERIFIED, Status.PARTIAL, Status.STILL_DOWN})
"""The ends of which people hear even if nobody was asked."""
_WAITS = frozenset({"ApprovalRequested", "ApprovalReminder"})
_ENDS = frozenset({"ApprovalClosed", "ProposalFailed"})
_REFUSED = "ORA-01017"
_READING_SECONDS = 400.0
"""By then a run may be out of the time that it has for Enterprise Manager, and asks it for nothing more."""


def actions_of(deeds: Iterable[Deed]) -> Iterator[tuple[Deed, Action]]:
    """What was asked to be written, taken or not."""
    for deed in deeds:
        if deed.asked.operation == "transact_write_items":
            yield from ((deed, each) for each in actions_in(deed.asked.request))


def _reads_latest(deed: Deed) -> bool:
    """Whether it reads what the last run remembered."""
    return deed.asked.operation == "get_object" and deed.asked.request["Key"] == keys.LATEST_SNAPSHOT


def attributes(asked: Asked, name: str) -> list[str]:
    """The values of an attribute of a message."""
    found = asked.request.get("MessageAttributes", {}).get(name, {})
    text = found.get("StringValue", "")
    several = json.loads(text) if found.get("DataType") == "String.Array" else [text]
    return [str(each) for each in several if each]


def tells(deed: Deed, event: str) -> bool:
    """Whether it sends people a message of this event."""
    return deed.asked.operation == "publish" and event in attributes(deed.asked, "event")


def _messages(deeds: Iterable[Deed], events: frozenset[str]) -> Iterator[tuple[Deed, str]]:
    """The messages that say one of these `events`, and the proposal that each is about."""
    for deed in deeds:
        if deed.asked.operation == "publish" and events & {*attributes(deed.asked, "event")}:
            for proposal_id in attributes(deed.asked, "approval_id"):
                yield deed, proposal_id


def _record(proposal_id: str) -> Key:
    return keys.approval_partition(proposal_id), keys.RECORD


# -- restarts --------------------------------------------------------------------------------------------------------


@of_each_end
def a_claim_without_a_call_is_given_back(watch: Watch, ended: Ended) -> str:
    """What certainly was not sent holds no task, counts for no limit, and is not said to be uncertain later."""
    is_cut_off = ended.error is not None and not isinstance(ended.error, QemError)
    if ended.begun.function != "ExecuteRestart" or is_cut_off:
        return ""
    for deed, put in actions_of(ended.deeds):
        if put.kind != "Put" or not put.key[1].startswith(keys.RESTART_PREFIX) or deed.error is not None:
            continue
        claim, (_, server, task) = watch.items.get(put.key), put.key[0].split("/")
        if claim is None or Attribute.OUTCOME in claim or claim[Attribute.AT] != put.sets[Attribute.AT]:
            continue
        sent = [each for each in watch.requests if (each.process, each.server, each.task) == (ended.who, server, task)]
        if all(each.is_refused for each in sent):
            return f"{ended.who} keeps its claim on {task}, and nothing was sent"
    return ""


@of_each_call
def what_is_started_is_waited_for_no_more(watch: Watch, sent: Sent) -> str:
    """Who starts a task whose endpoint was waited for has taken out of record and inbox that it waits."""
    proposal_id, acting = watch.proposal_of(sent), watch.world.functions.begun.get(sent.process)
    record = watch.record(proposal_id)
    if record is None or acting is None or Attribute.WAITS not in record:
        return ""
    if watch.awaits_endpoint_since.get(proposal_id, acting.at) >= acting.at:
        return ""  # another invocation has said so since
    unsaid = any(
        Attribute.WAITS in each.removes
        for _, each in actions_of(watch.deeds[sent.process])
        if each.key == _record(proposal_id)
    )
    return "" if unsaid else f"{sent.process} starts {sent.task}, and {proposal_id} is said to wait for its endpoint"


@of_each_call
def who_goes_on_with_a_restart_holds_its_tasks_anew(watch: Watch, sent: Sent) -> str:
    """An invocation that finds a restart begun takes its tasks anew before it sends: a run goes by that for its age."""
    proposal_id, acting = watch.proposal_of(sent), watch.world.functions.begun.get(sent.process)
    if acting is None or watch.moved_at.get(proposal_id, acting.at) >= acting.at - 1 or not watch.clocks_are_right:
        return ""
    task = partition_of({"instance": "default", "server": sent.server, "task": sent.task})
    lease = watch.items.get((task, keys.LEASE))
    taken_at = codec.parse_time(lease[Attribute.AT]["S"]).timestamp() if lease else 0.0
    return "" if taken_at >= acting.at - 1 else f"{sent.process} goes on with {sent.task}, and has not taken it anew"


@of_each_item(keys.RESTART_PREFIX)
def what_a_task_came_to_is_what_the_sender_knows(watch: Watch, change: Change) -> str:
    """Taken is a run call with a reply, uncertain one without; and what is up has the time at which it was seen so."""
    who, acting = watch.world.dynamodb.last_writer, watch.writer()
    is_first = change.after is not None and Attribute.OUTCOME in change.after
    is_first = is_first and Attribute.OUTCOME not in (change.before or {})
    if not is_first or change.after is None or acting is None:
        return ""
    result, (_, server, task) = told(change.after, Attribute.OUTCOME), change.key[0].split("/")
    runs = [each for each in watch.requests_of(change.proposal_id, server, task) if each.action == "run"]
    answered, said = [each.process for each in runs if each.is_answered], result["run_call"]
    if (said == "taken" and not answered) or (said == "uncertain" and who in answered):
        return f"{who} says that its call to {task} was {said}, and replies came to {answered}"
    has_no_time = result["status"] == Status.RESTARTED and not result["up_at"]
    return f"{who} says that {task} is up, and not since when" if has_no_time else ""


@of_each_item(keys.RESTART_PREFIX)
def what_was_left_out_is_free_before_a_task_is_started(watch: Watch, change: Change) -> str:
    """The tasks that a decision left out are held by it no longer once it begins with the others."""
    is_claim = change.before is None and change.after is not None
    record = watch.record(change.proposal_id) if is_claim else None
    if record is None or watch.is_tampered(change.proposal_id):
        return ""
    for partition in left_out(watch.proposed[change.proposal_id], told(record, Attribute.DECISION)):
        lease = watch.items.get((partition, keys.LEASE))
        if lease is not None and lease[Attribute.PROPOSAL_ID]["S"] == change.proposal_id:
            return f"{change.proposal_id} begins, and holds {partition}, which was left out"
    return ""


@of_each_record
def starts_are_counted_before_the_claims_are_read(watch: Watch, change: Change) -> str:
    """That a task was left alone rests on the number of starts as it was before its claim was looked for."""
    if change.before is None or change.after is None or Attribute.OUTCOME in change.before:
        return ""
    who, acting = watch.world.dynamodb.last_writer, watch.writer()
    is_result = acting is not None and acting.function == "ExecuteRestart" and Attribute.OUTCOME in change.after
    if not is_result or who not in watch.deeds or status_of(change.after).is_final:
        return ""
    sort, read_at = f"{keys.RESTART_PREFIX}{change.proposal_id}", watch.world.dynamodb.read_at
    counted_at = read_at.get((who, change.key), 0.0)
    for each in told(change.after, Attribute.OUTCOME).get("targets", ()):
        claim, was_left = (partition_of(each["key"]), sort), each.get("run_call") not in ("taken", "uncertain")
        if was_left and claim not in watch.items and read_at.get((who, claim), counted_at) < counted_at:
            return f"{who} says that {claim[0]} was left alone, and counted the starts after it looked for that"
    return ""


# -- what people are told --------------------------------------------------------------------------------------------


@of_each_end
def what_was_told_is_marked_as_told(watch: Watch, ended: Ended) -> str:
    """A reminder and a fall are marked as being told, and once the topic has taken the message, as told."""
    if ended.begun.function != "MonitorTasks" or ended.error is not None:
        return ""
    told_at = {"reminded": 0.0, "fell over": 0.0}
    marked: dict[Key, tuple[float, str, bool]] = {}
    read = {codec.format_time(each.said) for each in watch.world.readings[ended.who]}
    for deed in ended.deeds:
        if deed.asked.operation == "publish":
            event = {*attributes(deed.asked, "event")}
            if deed.error is not None:
                return ""  # whoever was not told of one thing is told of it again
            told_at["reminded"] = deed.at if "ApprovalReminder" in event else told_at["reminded"]
            told_at["fell over"] = deed.at if "RestartFellOver" in event else told_at["fell over"]
    for deed, each in actions_of(ended.deeds):
        if deed.error is not None:
            marked.pop(each.key, None)
        elif Attribute.REMINDED in each.sets:
            is_telling = bool(json.loads(each.sets[Attribute.REMINDED]["S"])["telling_since"])
            marked[each.key] = deed.at, "reminded", is_telling
        elif each.key[0] == keys.FOLLOWED_PARTITION:
            since = json.loads(each.sets[Attribute.BODY]["S"])["telling_since"] if each.kind == "Put" else None
            # What another run marked is put again as it was, with another task that fell or lasted.
            marked[each.key] = deed.at, "fell over", since in read
    for key, (at, what, is_telling) in marked.items():
        if is_telling and at < told_at[what]:
            return f"{ended.who} has told of {key}, and leaves it as if it were telling still"
    return ""


@of_each_end
def what_is_marked_as_told_was_taken(watch: Watch, ended: Ended) -> str:
    """A reminder that the topic has not taken is told again by the next run."""
    taken_at = {
        proposal_id: deed.at
        for deed, proposal_id in _messages(ended.deeds, frozenset({"ApprovalReminder"}))
        if deed.error is None and deed.asked.request["TopicArn"] == watch.world.config.topic_arn
    }
    for deed, each in actions_of(ended.deeds):
        is_mark = Attribute.REMINDED in each.sets and deed.error is None
        if not is_mark or json.loads(each.sets[Attribute.REMINDED]["S"])["telling_since"]:
            continue
        if taken_at.get(each.key[0].partition("#")[2], math.inf) > deed.at:
            return f"{ended.who} marks {each.key} as told, and the topic has not taken it"
    return ""


@of_each_end
def who_tells_that_something_waits_looks_once_more(_: Watch, ended: Ended) -> str:
    """What ended while people were told that it waits is told to be over after that: the closing comes last."""
    looked = {
        (deed.asked.request["Key"]["pk"]["S"], deed.asked.request["Key"]["sk"]["S"]): deed.at
        for deed in ended.deeds
        if deed.asked.operation == "get_item"
    }
    for deed, proposal_id in _messages(ended.deeds, _WAITS) if ended.error is None else ():
        if looked.get(_record(proposal_id), 0.0) < deed.at:
            return f"{ended.who} has told that {proposal_id} waits, and has not looked since"
    return ""


@of_each_ask("publish")
def what_is_told_of_an_end_is_that_end(watch: Watch, asked: Asked) -> str:
    """People and programs are told the end that the ledger has; who heard of it by escalation hears of its end so."""
    if not _ENDS & {*attributes(asked, "event")}:
        return ""
    topic, config = asked.request["TopicArn"], watch.world.config
    for proposal_id in attributes(asked, "approval_id"):
        record = watch.record(proposal_id)
        if record is None:
            continue
        watch.ends_told.add((proposal_id, status_of(record)))
        is_escalated = bool(told(record, Attribute.REMINDED).get("escalated")) and config.escalation_topic_arn
        messages = _messages(watch.deeds[asked.who], _ENDS)
        before = {deed.asked.request["TopicArn"] for deed, each in messages if each == proposal_id}
        if is_escalated and topic == config.topic_arn and config.escalation_topic_arn not in before:
            return f"{asked.who} tells that {proposal_id} is over, and not those who were told by escalation"
        words = status_of(record).replace("_", " ")
        if words not in asked.request["Subject"]:
            return f"{asked.who} tells of {proposal_id}, which is {words}: {asked.request['Subject']}"
    return ""


@of_each_item(keys.OPEN_PARTITION)
def an_end_is_told_before_its_entry_is_struck_off(watch: Watch, change: Change) -> str:
    """Who dies between the two leaves it listed as open, to a run that tells."""
    if change.after is not None or change.before is None:
        return ""
    record = watch.record(change.proposal_id)
    if record is None or watch.is_tampered(change.proposal_id):
        return ""
    status = status_of(record)
    is_heard = Attribute.REQUESTED_AT in record or status in _NOT_WORKED
    if not is_heard or (change.proposal_id, status) in watch.ends_told:
        return ""
    return f"{change.proposal_id} is {status}, is struck off, and nobody was told"


@of_each_item(keys.OUTAGE)
def an_outage_is_called_off_before_it_is_forgotten(watch: Watch, change: Change) -> str:
    """Who dies between the two leaves it to the next run to tell once more that monitoring works again."""
    who = watch.world.dynamodb.last_writer
    if change.after is not None or not watch.deeds.get(who):
        return ""
    is_told = any(tells(deed, "MonitoringRecovered") for deed in watch.deeds[who])
    return "" if is_told else f"{who} forgets an outage, and has not told that it is over"


@of_each_item(keys.OUTAGE)
def an_outage_was_heard_of_once_the_topic_has_taken_it(watch: Watch, change: Change) -> str:
    """Until then, the next run that fails tells again."""
    deeds = watch.deeds.get(watch.world.dynamodb.last_writer)
    if change.after is None or Attribute.UNHEARD in change.after or not deeds:
        return ""
    is_taken = any(tells(deed, "MonitoringFailed") and not deed.error for deed in deeds)
    return "" if is_taken else f"{watch.world.dynamodb.last_writer} says that an outage was heard of, and it was not"


@of_each_end
def who_says_that_an_outage_was_heard_of_leaves_it_so(_: Watch, ended: Ended) -> str:
    """What says so is not written over by the same process: people are told of an outage once, not by each run."""
    was_heard = False
    for deed, each in actions_of(ended.deeds):
        if each.key[0] != keys.OUTAGE or each.kind != "Put" or deed.error is not None:
            continue
        if was_heard and Attribute.UNHEARD in each.sets:
            return f"{ended.who} has said that an outage was heard of, and takes that back"
        was_heard = Attribute.UNHEARD not in each.sets
    return ""


_RUNS_AT_ONCE = 8
"""That may store what they remember while another one tells."""


@of_each_ask("put_object")
def what_is_remembered_as_told_was_told(watch: Watch, asked: Asked) -> str:
    """A run keeps of a finding that people have heard of it only once the topic has taken the message."""
    if asked.request["Key"] != keys.LATEST_SNAPSHOT:
        return ""
    # A run beside this one may have forgotten since what this one read of an earlier run.
    stored = (each for one in watch.snapshots[-_RUNS_AT_ONCE:] for each in watch.notified_in(one.body))
    before = {_finding(each) for each in stored if each["heard"]}
    found = [deed for deed in watch.deeds[asked.who] if tells(deed, "FindingOpened")]
    for each in watch.notified_in(asked.request["Body"]):
        if each["heard"] and _finding(each) not in before and not any(deed.error is None for deed in found):
            return f"{asked.who} remembers {_finding(each)} as told, and nobody was told"
    return ""


@of_each_ask("put_object")
def a_run_tells_again_what_the_topic_refused(watch: Watch, asked: Asked) -> str:
    """If the topic refused a finding and a run still sees it, that run tries to tell it again."""
    is_latest = asked.request["Key"] == keys.LATEST_SNAPSHOT
    if not is_latest or all(each["heard"] for each in watch.notified_in(asked.request["Body"])):
        return ""
    if any(tells(deed, "FindingOpened") for deed in watch.deeds[asked.who]):
        return ""
    snapshot = codec.loads(FleetSnapshot, unpacked(asked.request["Body"]))
    unheard = {(each.key, each.kind) for each in snapshot.told if not each.heard and each.key not in snapshot.planned}
    seen = {(each.key, each.kind) for each in snapshot.anomalies if each.confirmed}
    return "".join(f"{asked.who} leaves untold {key} {kind}" for key, kind in sorted(unheard & seen)[:1])


@of_each_ask("put_object")
def what_is_forgotten_was_told_to_be_over(watch: Watch, asked: Asked) -> str:
    """A run forgets that people have heard of a finding only once the topic has taken that it is over."""
    if asked.request["Key"] != keys.LATEST_SNAPSHOT or not watch.snapshots:
        return ""
    mine, last = watch.deeds[asked.who], watch.snapshots[-1]
    read = [each.at for each in mine if _reads_latest(each) and (each.error is None or code_of(each.error) == "304")]
    is_told = any(tells(each, "FindingClosed") and each.error is None for each in mine)
    if is_told or last.at > max(read, default=0.0):
        return ""
    kept = {_finding(each) for each in watch.notified_in(asked.request["Body"])}
    forgotten = {_finding(each) for each in watch.notified_in(last.body) if each["heard"]} - kept
    return "".join(f"{asked.who} forgets {each}, and nobody was told that it is over" for each in sorted(forgotten)[:1])


def _finding(notified: dict[str, Any]) -> tuple[str, str]:
    return json.dumps(notified["key"], sort_keys=True), notified["kind"]


@of_each_ask("publish")
def what_was_told_by_now_is_read_before_more_is_told(watch: Watch, asked: Asked) -> str:
    """A run tells of findings by what people have been told as it has read that after its look at the fleet."""
    if not {"FindingOpened", "FindingClosed"} & {*attributes(asked, "event")}:
        return ""
    read = [deed.at for deed in watch.deeds[asked.who] if _reads_latest(deed)]
    looked = [at for (who, _), (at, _) in watch.world.journal.listed.items() if who == asked.who]
    if max(read, default=0.0) > max(looked, default=0.0):
        return ""
    return f"{asked.who} tells of findings by what had been told before it looked at the fleet"


# -- runs ------------------------------------------------------------------------------------------------------------


_OF_SEVERAL = ("transact_write_items", "batch_get_item", "get_item", "query")
"""Calls to the ledger that are refused for no condition, as that for the token before: tasks let go are several."""


@of_each_end
def a_question_that_is_dropped_holds_no_task(watch: Watch, ended: Ended) -> str:
    """What a run proposes anew need not wait for the question that it has closed."""
    # What Step Functions does not answer hinders no release.
    is_hindered = any(deed.error is not None and deed.asked.operation in _OF_SEVERAL for deed in ended.deeds)
    if ended.begun.function != "MonitorTasks" or ended.error is not None or is_hindered:
        return ""
    for deed, each in actions_of(ended.deeds):
        is_dropped = each.key[1] == keys.RECORD and each.sets.get(Attribute.STATUS, {}).get("S") == Status.SUPERSEDED
        if not is_dropped or deed.error is not None:
            continue
        proposal_id = each.key[0].partition("#")[2]
        for partition in watch.task_partitions(proposal_id):
            lease = watch.items.get((partition, keys.LEASE))
            # A function that is late may have taken it since.
            is_taken_anew = any(at > deed.at for at, _ in watch.taken[partition, proposal_id][-1:])
            if lease is not None and lease[Attribute.PROPOSAL_ID]["S"] == proposal_id and not is_taken_anew:
                return f"{ended.who} has dropped {proposal_id}, which holds {partition} still"
    return ""


@of_each_record
def what_a_run_closes_for_another_is_in_its_report(watch: Watch, change: Change) -> str:
    """A run keeps the ids of what it closed since the run that had opened that was over: its report names them."""
    if (closing := watch.closing_run(change)) is None:
        return ""
    run = keys.run_partition(closing.payload["execution_name"])
    is_kept = (run, f"{keys.ABANDONED_PREFIX}{change.proposal_id}") in watch.items
    return "" if is_kept else f"{run} has closed {change.proposal_id}, and does not keep that"


@of_each_item(keys.SUMMARY)
def a_summary_counts_what_its_run_has_proposed(watch: Watch, change: Change) -> str:
    """The number of proposals that people see of a run is that of its rows."""
    if change.after is None or change.before is not None:
        return ""
    who, acting = watch.world.dynamodb.last_writer, watch.writer()
    said = json.loads(change.after[Attribute.BODY]["S"])["proposals"]
    rows = [sort for run, sort in watch.items if run == change.key[0] and sort.startswith(keys.PROPOSAL_PREFIX)]
    # Another invocation of the same run may have opened more meanwhile.
    others = sum(watch.opened_by.get(sort.removeprefix(keys.PROPOSAL_PREFIX)) != who for sort in rows)
    is_right = len(rows) - others <= said <= len(rows) or acting is None or acting.function != "MonitorTasks"
    return "" if is_right else f"{change.key[0]} has {len(rows)} proposals, and says {said}"


@of_each_end
def what_a_test_came_to_is_kept(watch: Watch, ended: Ended) -> str:
    """Others go by it; and an endpoint that refused a login is not tested for an hour, by anybody."""
    if ended.error is not None:
        return ""
    for test in (each for each in watch.world.journal.tests if each.process == ended.who):
        later = [
            each
            for deed, each in actions_of(ended.deeds)
            if deed.at > test.at and each.key[0].endswith(f"/{test.server}/{test.endpoint}") and each.kind == "Update"
        ]
        if not any(Attribute.BODY in each.sets for each in later):
            return f"{ended.who} has not kept what the test of {test.endpoint} came to"
        is_refused = test.answer == "ERROR" and test.said.startswith(_REFUSED)
        if is_refused and not any(Attribute.AT in each.sets for each in later):
            return f"{ended.who} was refused by {test.endpoint}, and lets others try"
    return ""


@of_each_end
def who_logs_in_logs_out(watch: Watch, ended: Ended) -> str:
    """A process of a function leaves no session behind with Enterprise Manager."""
    is_out_of_time = watch.world.kernel.now - ended.begun.at > _READING_SECONDS
    is_left = watch.world.journal.is_logged_in.get(ended.who) and not is_out_of_time
    return f"{ended.who} has left a session behind" if is_left else ""


@of_each_end
def what_a_function_answers_is_in_the_ledger(watch: Watch, ended: Ended) -> str:
    """The status with which RecordOutcome and ExecuteRestart answer is that of the record and of its outcome."""
    proposal_id, record = ended.begun.proposal_id, watch.record(ended.begun.proposal_id)
    if ended.error is not None or record is None or not isinstance(ended.answer, dict):
        return ""
    said, outcome = ended.answer.get("status", ""), told(record, Attribute.OUTCOME)
    match ended.begun.function:
        case "RecordOutcome":
            is_right = said == status_of(record)
        case "ExecuteRestart":
            is_right = said in ("continue", "waiting") or said == outcome.get("status")
        case _:
            is_right = True
    return "" if is_right else f"{ended.who} says that {proposal_id} is {said}: {status_of(record)}, {outcome}"


@at_rest
def a_line_of_history_says_what_the_record_says(watch: Watch) -> Iterator[str]:
    """What people read of earlier proposals on a task: what was done, when, by whom, why, and what it came to."""
    for (partition, sort), item in watch.items.items():
        if not sort.startswith(keys.HISTORY_PREFIX):
            continue
        line = json.loads(item[Attribute.BODY]["S"])
        record = watch.record(line["approval_id"])
        if record is None or watch.is_tampered(line["approval_id"]):
            continue
        proposal, outcome = watch.proposed[line["approval_id"]], told(record, Attribute.OUTCOME)
        decision = outcome.get("decision") or {}
        wanted = {
            "kind": proposal["kind"],
            "action": effective_action(proposal, told(record, Attribute.DECISION)),
            "at": outcome["at"],
            "reason": decision.get("reason", ""),
            "came_to": _came_to(outcome, partition),
            "snooze_seconds": 0 if decision.get("approved") else decision.get("snooze_seconds", 0),
        }
        if wrong := [name for name, value in wanted.items() if line[name] != value]:
            yield f"{partition} {sort}: {[(name, line[name], wanted[name]) for name in wrong]}"
        if decision.get("by") and decision["by"].rpartition("/")[2] not in line["by"]:
            yield f"{partition} {sort} says that {line['by']} decided it: {decision['by']}"


_FAILED = {"taken": "failed again", "uncertain": "failed again", "refused": "start refused", "not_sent": "not started"}


def _came_to(outcome: dict[str, Any], partition: str) -> str:
    """What a restart came to for a task, in words; empty if its outcome says nothing of tasks."""
    for each in outcome.get("targets", ()):
        if partition_of(each["key"]) == partition:
            if each["status"] != Status.FAILED:
                return str(each["status"]).replace("_", " ")
            left_down = each["stopped"] and each["run_call"] in ("refused", "not_sent", None)
            return "stopped and not started again" if left_down else _FAILED.get(each["run_call"], "failed")
    return ""
