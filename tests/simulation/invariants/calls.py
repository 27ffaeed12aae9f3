"""Of what is sent to Enterprise Manager: nothing without a claim, a decision and a second look, and nothing twice."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from qlikops.domain.fleet.task import Action
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status, digest_of
from tests.simulation import limits
from tests.simulation.enterprise_manager import Sent
from tests.simulation.invariants.choosing import chosen_action
from tests.simulation.invariants.watch import (
    NOT_STORED,
    Watch,
    at_rest,
    of_each_answer,
    of_each_call,
    status_of,
    told,
)
from tests.simulation.night import meaning
from tests.simulation.services import Invocation

_BY_MESSAGE = ("FATAL_TRANSIENT", "FATAL_UNKNOWN", "POSITION_LOST")
"""The kinds that rest on what the message says. A group's evidence has no message of one task."""


def _target(watch: Watch, sent: Sent) -> dict[str, Any] | None:
    targets = watch.proposed.get(watch.proposal_of(sent), {}).get("targets", [])
    return next(
        (each for each in targets if (each["key"]["server"], each["key"]["task"]) == (sent.server, sent.task)), None
    )


@at_rest
def a_refused_account_is_tried_once(watch: Watch) -> Iterator[str]:
    """By one session, as long as the secret says the same: an account with too many refused logins is locked."""
    for (who, _), count in watch.world.journal.refused_logins.items():
        most = 2 if who.startswith("MonitorTasks") else 1  # a run reads with one session, and tests with another
        if count > most and not watch.world.is_struck(who):
            yield f"{who} was refused a login with the same credentials {count} times"


_JUST_BEFORE = 1.0
"""Seconds between a look at the ledger and a call that rests on it: nobody can make the two one."""


@of_each_call
def a_claim_comes_before_the_call(watch: Watch, sent: Sent) -> str:
    """What is sent is claimed first. The sender has read just before that the claim has no result yet."""
    key = watch.claim_of(sent)
    claim = watch.items.get(key)
    if claim is None:
        return f"{sent.process} sends {sent.action} to {sent.task} without a claim"
    read_at = max(watch.world.dynamodb.read_at.get((sent.process, key), 0.0), watch.claimed_at.get(key, 0.0))
    if Attribute.OUTCOME not in claim or (watch.settled[key].at > read_at > sent.at - _JUST_BEFORE):
        return ""
    return f"{sent.process} sends {sent.action} to {sent.task} once more"


@of_each_call
def at_most_one_call_a_claim(watch: Watch, sent: Sent) -> str:
    """One run call, and where it stops first one stop, however often the function is invoked."""
    proposal_id = watch.proposal_of(sent)
    others = [
        each
        for each in watch.requests_of(proposal_id, sent.server, sent.task)
        if each is not sent and each.action == sent.action and not each.is_refused
    ]
    return f"{sent.process} sends {sent.action} to {sent.task} again for {proposal_id}" if others else ""


@of_each_call
def only_what_is_being_carried_out_is_touched(watch: Watch, sent: Sent) -> str:
    """The task is one of a proposal that is approved and not over, and the call is that of the option approved."""
    proposal_id = watch.proposal_of(sent)
    record, target = watch.record(proposal_id), _target(watch, sent)
    if record is None or target is None:
        return f"{sent.process} sends {sent.action} to {sent.task}, which nobody proposed"
    if status_of(record) is not Status.RESTARTING or told(record, Attribute.DECISION).get("approved") is not True:
        return f"{sent.process} acts on {proposal_id}, which is {status_of(record)}"
    if watch.could_not_see(sent):
        return ""
    action = Action(chosen_action(watch.proposed[proposal_id], told(record, Attribute.DECISION)))
    fits = sent.option == action.run_option if sent.action == "run" else action.stops_first
    return "" if fits else f"{proposal_id} was to {action}, and {sent.action} {sent.option} was sent"


@of_each_call
def what_was_approved_is_what_is_done(watch: Watch, sent: Sent) -> str:
    """The decision names the digest of what is stored, where it names one, and must where that is required."""
    record = watch.record(watch.proposal_of(sent))
    if record is None or watch.could_not_see(sent):
        return ""
    parts = (json.loads(record[name]["S"]) for name in (Attribute.PROPOSAL, Attribute.EVALUATION, Attribute.POLICY))
    digest, decided_on = digest_of(*parts), told(record, Attribute.DECISION).get("digest", "")
    if record[Attribute.DIGEST]["S"] != digest:
        return f"{sent.task}: the record is not what its digest was taken over"
    if decided_on != digest and (decided_on or watch.world.config.require_digest):
        return f"{sent.task}: approved was {decided_on or 'nothing by name'}, stored is {digest}"
    return ""


@of_each_call
def somebody_looked_again(watch: Watch, sent: Sent) -> str:
    """What this very invocation was told of the task is what the proposal says of it."""
    target, read = _target(watch, sent), watch.world.journal.read.get((sent.process, sent.server, sent.task))
    proposal = watch.proposed.get(watch.proposal_of(sent), {})
    if target is None or watch.could_not_see(sent):
        return ""
    record = watch.record(watch.proposal_of(sent)) or {}
    if sent.action == "run" and Action(chosen_action(proposal, told(record, Attribute.DECISION))).stops_first:
        is_down = read is not None and read.get("state") != "RUNNING"
        return "" if is_down else f"{sent.process} runs {sent.task} before it was seen to have stopped"
    if read is None:
        return f"{sent.process} sends {sent.action} to {sent.task} without a look"
    seen = read.get("state"), read.get("task_stop_reason")
    if seen != (target["state"], target["stop_reason"]):
        return f"{sent.process} sends {sent.action} to {sent.task}, which was {seen}"
    if target["full_load_completed"] is not False and read.get("full_load_completed") is False:
        return f"{sent.process} sends {sent.action} to {sent.task}, which has not loaded in full, as nobody was told"
    said = {meaning(one["value"]) for one in proposal["evidence"] if one["label"] == "message"}
    # What a task does not say, the list may, for as long as it is gone by.
    asked_at, listed = watch.world.journal.listed.get((sent.process, sent.server), (0.0, {}))
    looked_at = watch.looked[sent.process, sent.server, sent.task]
    is_gone_by = not read.get("message") and looked_at - asked_at <= limits.LIST_IS_GOOD + 1
    says = listed.get(sent.task, {}).get("message", "") if is_gone_by else read.get("message", "")
    if proposal["kind"] in _BY_MESSAGE and said and meaning(says) not in said:
        return f"{sent.process} sends {sent.action} to {sent.task}, which said {read.get('message')!r}, not {said}"
    return ""


@of_each_call
def what_is_protected_by_now_is_left_alone(watch: Watch, sent: Sent) -> str:
    """If a sender reads that a task is protected, and the proposal did not say so, it sends nothing to that task.

    A task that the sender has stopped itself is started again.
    """
    target = _target(watch, sent)
    if target is None or target["protected"] or watch.could_not_see(sent):
        return ""
    if sent.action == "run" and watch.stops_before(sent):
        return ""
    tags = {*(watch.tags_read(sent.process, sent.server, sent.task) or ())}
    is_protected = tags & {*watch.world.config.protected_tags}
    return f"{sent.process} {sent.action}s {sent.task}, which is protected by now" if is_protected else ""


@of_each_answer
def a_command_that_did_not_arrive_is_sent_three_times(watch: Watch, answered: Invocation) -> str:
    """A run or stop that certainly did not arrive is sent again while the task's restart goes on and there is time."""
    if answered.function != "ExecuteRestart":
        return ""
    process, name = answered.process, answered.proposal_id
    commands: defaultdict[tuple[str, str, str], list[Sent]] = defaultdict(list)
    for sent in watch.requests:
        if sent.process == process:
            commands[sent.action, sent.server, sent.task].append(sent)
    has_time = watch.world.kernel.now - answered.at < limits.ACTS - limits.MINUTE
    goes_on = name not in watch.braked_at and watch.outcomes.get(name, NOT_STORED).process in ("", process)
    no_login_at = max(watch.world.journal.no_logins[process], default=0.0)
    for (action, _, task), sents in commands.items():
        if len(sents) > limits.RUN_CALLS:
            return f"{process} sends {action} to {task} {len(sents)} times"
        last = sents[-1]
        is_open = watch.settled.get(watch.claim_of(last), NOT_STORED).process in ("", process)
        is_last = len(sents) == limits.RUN_CALLS or not (has_time and goes_on and is_open)
        if last.is_refused and last.is_told and no_login_at < last.at and not is_last:
            return f"{process} sends {action} to {task} {len(sents)} times, and none arrived"
    return ""
