"""Of groups: how many tasks are told to run at once, and when no further one is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import Action
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from tests.simulation.dynamodb import Wire, key_of
from tests.simulation.enterprise_manager import Sent
from tests.simulation.invariants.choosing import chosen_action, is_chosen, left_out
from tests.simulation.invariants.watch import (
    Change,
    Watch,
    at_rest,
    of_each_answer,
    of_each_call,
    of_each_item,
    partition_of,
    status_of,
    told,
)
from tests.simulation.services import Invocation

_LOOKING_SECONDS = 30.0
"""From a restart's last look at a task to its claim, at most."""


def _claims(watch: Watch, proposal_id: str) -> Iterator[tuple[str, str, Wire]]:
    """Server, task and claim of each task of a proposal that is claimed."""
    for target in watch.proposed.get(proposal_id, {}).get("targets", []):
        claim = watch.items.get((partition_of(target["key"]), f"{keys.RESTART_PREFIX}{proposal_id}"))
        if claim is not None:
            yield target["key"]["server"], target["key"]["task"], claim


def _under_way(watch: Watch, sent: Sent) -> int:
    """Of how many other tasks that this process told to run nobody knows yet what became of them."""
    told_to_run = {(each.server, each.task): each.at for each in watch.requests if each.process == sent.process}
    open_ = {
        (server, task)
        for server, task, claim in _claims(watch, watch.proposal_of(sent))
        # What this process has given back, another one may have claimed since.
        if Attribute.OUTCOME not in claim and told_to_run.get((server, task), -1.0) >= watch.claimed_at[key_of(claim)]
    }
    return len(open_ - {(sent.server, sent.task)})


@of_each_call
def no_more_at_a_time_than_is_set(watch: Watch, sent: Sent) -> str:
    """Of a group, only so many tasks are told to run before it is known what became of the first."""
    open_, most = _under_way(watch, sent), watch.world.config.restarts_at_a_time
    return f"{sent.process} has {open_ + 1} tasks under way, of {most}" if open_ >= most else ""


@of_each_call
def a_group_goes_on_only_as_tasks_come_up(watch: Watch, sent: Sent) -> str:
    """One task alone, and one more for each that is known to be up."""
    proposal_id = watch.proposal_of(sent)
    up = {
        (server, task)
        for server, task, claim in _claims(watch, proposal_id)
        if Status(told(claim, Attribute.OUTCOME).get("status", Status.RESTARTING)).is_up
    }
    for target in watch.proposed.get(proposal_id, {}).get("targets", []):
        place = target["key"]["server"], target["key"]["task"]
        if watch.world.journal.read.get((sent.process, *place), {}).get("state") == "RUNNING":
            up.add(place)  # came up by itself
    open_ = _under_way(watch, sent)
    return f"{sent.process} has {open_ + 1} tasks under way, and {len(up)} came up" if open_ > len(up) else ""


@of_each_call
def nothing_follows_what_shows_the_cause(watch: Watch, sent: Sent) -> str:
    """No task is told to run once the sender can know that another one of its group failed as it had before."""
    for (_, task), result in _known(watch, sent):
        # What may not even have been told to run shows little where others came up.
        if result.get("same_cause") and result["run_call"] != "uncertain":
            return f"{sent.process} runs {sent.task} after {task}: {result['detail']}"
    return ""


@of_each_call
def a_group_ends_after_so_many_that_did_not_come_up(watch: Watch, sent: Sent) -> str:
    """No further task is told to run once the sender can know that so many as are set did not come up."""
    known = [result for _, result in _known(watch, sent) if result["status"] in (Status.FAILED, Status.UNVERIFIED)]
    most = watch.world.config.max_errors
    return f"{sent.process} runs {sent.task} after {len(known)} that did not come up" if len(known) >= most else ""


@of_each_call
def no_reader_is_started_before_what_it_reads(watch: Watch, sent: Sent) -> str:
    """Of tasks that read a log, none is told to run before the one that stages it was seen up, if that is approved."""
    proposal_id = watch.proposal_of(sent)
    proposal, record = watch.proposed.get(proposal_id, {}), watch.record(proposal_id)
    decision, here = told(record, Attribute.DECISION) if record else {}, (sent.server, sent.task)
    staging = {(each["server"], each["task"]) for each in proposal.get("staging", ())}
    if here in staging:
        return ""
    up = {place for place, result in _seen(watch, sent) if Status(result["status"]).is_up}
    for place in sorted(place for place in staging - up if is_chosen(*place, decision)):
        if watch.world.journal.read.get((sent.process, *place), {}).get("state") != "RUNNING":
            return f"{sent.process} runs {sent.task} before {place[1]}, whose log it reads, is up"
    return ""


def _known(watch: Watch, sent: Sent) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Server, task and result of each other task of the group of which the sender can know what came of it."""
    begun = watch.world.functions.begun.get(sent.process)
    return _settled(watch, sent, since=begun.at if begun else 0.0)


def _seen(watch: Watch, sent: Sent) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """The same of each other task of which the sender has settled itself, or read, what came of it."""
    return _settled(watch, sent, since=0.0)


def _settled(watch: Watch, sent: Sent, since: float) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Those that the sender has settled, or read since they were settled, or that were settled before `since`."""
    for server, task, claim in _claims(watch, watch.proposal_of(sent)):
        result = told(claim, Attribute.OUTCOME)
        if not result or (server, task) == (sent.server, sent.task):
            continue
        key = key_of(claim)
        by, at = watch.settled[key]
        if by == sent.process or at < max(since, watch.world.dynamodb.read_at.get((sent.process, key), 0.0)):
            yield (server, task), result


@at_rest
def what_is_stopped_is_braked_first(watch: Watch) -> Iterator[str]:
    """Once `qlikops stop` has stopped an execution without complaint, none of its restarts has begun after that.

    All that was open as it was called has its brake, what waits included: its function may be late.
    """
    for arn, partition in watch.world.unbraked:
        yield f"{arn} was stopped, and {partition} has no brake"
    for key, at in watch.claimed_at.items():
        proposal_id = key[1].removeprefix(keys.RESTART_PREFIX)
        arn = watch.proposed[proposal_id]["execution_arn"]
        stopped = watch.world.stopped.get(arn)
        if stopped is None or watch.world.states.executions[arn].redrives:
            continue
        until = stopped.at if watch.opened_at[proposal_id] < stopped.called_at else stopped.over_at
        if at > until:
            yield f"{proposal_id} begins with {key[0]} {at - until:.3f} s after its execution"


@of_each_item(keys.RESTART_PREFIX)
def what_was_only_seen_as_before_is_not_restarted(watch: Watch, change: Change) -> str:
    """What was to be stopped first runs already: seen up, without any call or another state, it may be as it was."""
    if change.after is None or told(change.after, Attribute.OUTCOME).get("status") != Status.RESTARTED:
        return ""
    proposal, record = watch.proposed.get(change.proposal_id, {}), watch.record(change.proposal_id)
    decision = told(record, Attribute.DECISION) if record else {}
    if not proposal or not Action(chosen_action(proposal, decision)).stops_first:
        return ""
    _, server, task = change.key[0].split("/")
    fleet = watch.world.fleet
    # What happened shortly before the claim may be shown only after it.
    since = watch.claimed_at[change.key] - fleet.scenario.state_lag_seconds - _LOOKING_SECONDS
    if fleet.was_called(server, task, since) or fleet.fell_at.get((server, task), 0.0) >= since:
        return ""
    return f"{change.key[0]} was restarted, says {change.proposal_id}, and nobody has stopped or run it"


@of_each_item(keys.RESTART_PREFIX)
def nothing_is_begun_after_the_brake(watch: Watch, change: Change) -> str:
    """Nor once it is said what was left: what was not tried has no claim."""
    is_new = change.before is None and change.after is not None
    record = watch.record(change.proposal_id) if is_new else None
    if record is None:
        return ""
    if told(record, Attribute.CLAIM).get("brake"):
        return f"{change.proposal_id} begins with {change.key[0]}, and was stopped"
    return f"{change.proposal_id} begins with {change.key[0]}, and is settled" if Attribute.OUTCOME in record else ""


@of_each_answer
def a_group_that_goes_on_holds_its_tasks_anew(watch: Watch, answered: Invocation) -> str:
    """An invocation that leaves tasks to the next one has taken them for longer."""
    record = watch.record(answered.proposal_id)
    if answered.function != "ExecuteRestart" or record is None or not watch.clocks_are_right:
        return ""
    if status_of(record) is not Status.RESTARTING or {Attribute.OUTCOME, Attribute.WAITS} & set(record):
        return ""
    spared = left_out(watch.proposed[answered.proposal_id], told(record, Attribute.DECISION))
    for partition in watch.task_partitions(answered.proposal_id):
        lease = watch.items.get((partition, keys.LEASE), {})
        is_its = partition not in spared and lease.get(Attribute.PROPOSAL_ID, {}).get("S") == answered.proposal_id
        if is_its and codec.parse_time(lease[Attribute.AT]["S"]).timestamp() < answered.at:
            return f"{answered.proposal_id} goes on, and has not taken {partition} anew"
    return ""
