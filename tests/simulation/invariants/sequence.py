"""Of the order in which things are done: what has to be there comes first, and what is looked at is looked at last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from tests.simulation.enterprise_manager import Sent, Tested
from tests.simulation.invariants.asked import Asked
from tests.simulation.invariants.closing import actions_of
from tests.simulation.invariants.watch import (
    Change,
    Watch,
    at_rest,
    number,
    of_each_answer,
    of_each_ask,
    of_each_call,
    of_each_item,
    of_each_record,
    of_each_test,
    status_of,
    told,
)
from tests.simulation.services import Invocation

_TELLING = timedelta(minutes=2)
_UNSEEN_SECONDS = 150.0
"""For which a run takes an execution for younger than what Step Functions says of it."""


@of_each_call
def the_last_look_comes_after_all_that_takes_long(watch: Watch, sent: Sent) -> str:
    """What is sent rests on a look at its task after the last test of an endpoint, and after what was sent before."""
    looked_at = watch.looked.get((sent.process, sent.server, sent.task), 0.0)
    tests = [each.answered_at for each in watch.world.journal.tests if each.process == sent.process]
    before = [each.at for each in watch.requests if each.process == sent.process and each.at < sent.at]
    is_again = any(
        (each.process, each.task, each.action) == (sent.process, sent.task, sent.action) and each.at < sent.at
        for each in watch.requests
    )
    if is_again or looked_at >= max([0.0, *tests, *before]):
        return ""
    return f"{sent.process} sends {sent.action} to {sent.task}, which it looked at {sent.at - looked_at:.1f} s before"


@of_each_call
def who_has_stopped_a_task_looks_whether_the_restart_goes_on(watch: Watch, sent: Sent) -> str:
    """A stop takes minutes: between it and the run call, the claim is read once more."""
    stops = watch.stops_before(sent)
    if sent.action != "run" or not stops:
        return ""
    read_at = watch.world.dynamodb.read_at.get((sent.process, watch.claim_of(sent)), 0.0)
    return "" if read_at > stops[-1].at else f"{sent.process} runs {sent.task} after a stop, and did not look again"


@of_each_test
def a_test_is_asked_for_once_a_count(watch: Watch, test: Tested) -> str:
    """Whatever became of it, it is not asked for again but with a count of its own."""
    same = [
        each
        for each in watch.world.journal.tests
        if (each.process, each.server, each.endpoint) == (test.process, test.server, test.endpoint)
    ]
    arrived, counted = sum(each.has_arrived for each in same), watch.counted[test.process, test.server, test.endpoint]
    return f"{test.process} tests {test.endpoint} {arrived} times, counted {counted}" if arrived > counted else ""


@of_each_item(keys.SUMMARY)
def a_run_is_summed_up_once_its_findings_are_there(watch: Watch, change: Change) -> str:
    """The summary is the mark that a run has looked: who finds it there finds what was found."""
    if change.before is not None or change.after is None:
        return ""
    summary, writer = json.loads(change.after[Attribute.BODY]["S"]), watch.writer()
    if writer is None or writer.function != "MonitorTasks":
        return ""
    name = f"{summary['execution_name']}.json"
    is_there = any(key.startswith("snapshots/findings/") and key.endswith(name) for _, key in watch.world.s3.objects)
    return "" if is_there else f"{change.key[0]} is summed up, and its findings are not there"


@of_each_item(keys.TOKEN)
def a_token_goes_once_nothing_waits_with_it(watch: Watch, change: Change) -> str:
    """Without it, nobody could end the wait any more."""
    if change.after is not None or change.before is None:
        return ""
    is_forgotten = number(change.before, keys.TTL) < watch.world.kernel.now or watch.is_tampered(change.proposal_id)
    if is_forgotten or watch.was_redriven_meanwhile(change.proposal_id):
        return ""
    is_waiting = watch.is_waiting(change.before[Attribute.TOKEN]["S"])
    return f"{change.proposal_id} lost its token, and is waited for" if is_waiting else ""


@of_each_ask("put_events")
def what_is_told_is_written_down_first(watch: Watch, asked: Asked) -> str:
    """A reminder and a fall are marked as being told, and an end is one, before anybody hears of it."""
    for entry in asked.request["Entries"]:
        detail = json.loads(entry["Detail"])
        name = detail.get("approval_id", "")
        record = watch.record(name)
        is_right = True
        match entry["DetailType"]:
            case "ApprovalReminder":
                is_right = record is None or detail["reason"] in told(record, Attribute.REMINDED).get("reasons", ())
            case "ApprovalClosed":
                is_right = record is None or status_of(record).is_final
            case "RestartFellOver":
                followed = watch.items.get((keys.FOLLOWED_PARTITION, name))
                is_marked = followed is None or bool(told(followed, Attribute.BODY)["telling_since"])
                is_right = is_marked or _has_marked(watch, asked.who, name)
        if not is_right:
            return f"{asked.who} tells {entry['DetailType']} of {name}, which is not written down"
    return ""


def _has_marked(watch: Watch, who: str, name: str) -> bool:
    """Whether a run has marked a fall as being told; standing still since, another one may have told it by now."""
    put = (
        each
        for deed, each in actions_of(watch.deeds[who])
        if deed.error is None and each.kind == "Put" and each.key == (keys.FOLLOWED_PARTITION, name)
    )
    return any(json.loads(each.sets[Attribute.BODY]["S"])["telling_since"] for each in put)


@of_each_item(keys.FOLLOWED_PARTITION)
def who_tells_of_a_fall_is_left_the_time_to(watch: Watch, change: Change) -> str:
    """For two minutes, no other run tells of it."""
    if change.before is None or change.after is None:
        return ""
    before, after = (told(item, Attribute.BODY)["telling_since"] for item in (change.before, change.after))
    return _too_soon(watch, change, before, after)


@of_each_record
def who_tells_again_is_left_the_time_to(watch: Watch, change: Change) -> str:
    """For two minutes, no other run tells of it; but for another reason."""
    if change.before is None or change.after is None or Attribute.REMINDED not in change.before:
        return ""
    before, after = (told(item, Attribute.REMINDED) for item in (change.before, change.after))
    if after["reasons"] != before["reasons"]:
        return ""
    return _too_soon(watch, change, before["telling_since"], after["telling_since"])


@of_each_record
def an_escalation_is_kept(_: Watch, change: Change) -> str:
    """A record keeps that a reminder was escalated. A later claim or reminder does not remove that."""
    before, after = (told(item or {}, Attribute.REMINDED) for item in (change.before, change.after))
    is_lost = bool(before.get("escalated")) and change.after is not None and not after.get("escalated")
    return f"{change.proposal_id} no longer says that it was escalated" if is_lost else ""


def _too_soon(watch: Watch, change: Change, before: str | None, after: str | None) -> str:
    if not (before and after) or before == after or not watch.clocks_are_right:
        return ""
    passed = codec.parse_time(after) - codec.parse_time(before)
    return f"{change.proposal_id} is told of {passed} after another run began to" if passed < _TELLING else ""


@of_each_answer
def what_an_ended_execution_left_going_is_braked(watch: Watch, answered: Invocation) -> str:
    """A run that finds it going on lets it begin with no further task, or closes it."""
    if answered.function != "MonitorTasks" or watch.world.faults.befallen or not watch.clocks_are_right:
        return ""
    summary = keys.run_partition(answered.payload["execution_name"]), keys.SUMMARY
    if summary not in watch.summed_up or watch.summed_up[summary].at < answered.at:
        return ""  # it was asked once more, and says what it had found
    for name, item in watch.records():
        execution = watch.world.states.executions[item[Attribute.EXECUTION_ARN]["S"]]
        if status_of(item) is not Status.RESTARTING or Attribute.OUTCOME in item or execution.status == "RUNNING":
            continue
        moved_at = codec.parse_time(item[Attribute.UPDATED_AT]["S"]).timestamp()
        is_old = max(execution.stopped_at or 0.0, moved_at) < answered.at - _UNSEEN_SECONDS
        if is_old and not told(item, Attribute.CLAIM).get("brake") and not watch.is_tampered(name):
            return f"{name} goes on without its execution, and {summary[0]} has not braked it"
    return ""


@at_rest
def every_claim_has_its_result(watch: Watch) -> Iterator[str]:
    """Of each task that was claimed, it is known what came of it, as far as that can be known."""
    for (partition, sort), item in watch.items.items():
        name = sort.removeprefix(keys.RESTART_PREFIX)
        if sort.startswith(keys.RESTART_PREFIX) and Attribute.OUTCOME not in item and not watch.is_tampered(name):
            yield f"{name} claimed {partition}, and nothing says what came of it"


@at_rest
def what_is_held_can_be_taken_back(watch: Watch) -> Iterator[str]:
    """A console holds each decision for as long as is set, and what loads again for longer."""
    for decision_id, seconds in watch.saying.too_soon:
        yield f"{decision_id} went out after {seconds:.1f} s"
