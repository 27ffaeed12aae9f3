"""Of a proposal's record: how its life may go, and what nobody changes any more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.endpoint import ProbeAnswer
from qlikops.domain.ledger import OWN_FAILURES, Attribute
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.callback import APPROVAL_DENIED
from tests.simulation.dynamodb import Wire
from tests.simulation.invariants.asked import Asked
from tests.simulation.invariants.orders import may_be_planned
from tests.simulation.invariants.waiting import is_waiting_for_endpoint
from tests.simulation.invariants.watch import (
    Change,
    Watch,
    number,
    of_each_ask,
    of_each_invocation,
    of_each_record,
    status_of,
    told,
)
from tests.simulation.night import MENDED_FIRST_ID, MESSAGES, meaning
from tests.simulation.plant import BUCKET
from tests.simulation.services import Invocation

_OPEN = tuple(status for status in Status if not status.is_final)
_OF_STATES = ("FATAL_TRANSIENT", "FATAL_UNKNOWN", "POSITION_LOST", "RESOURCE_STOP")
"""The kinds that a task's state, stop reason and message say."""
_OF_A_MESSAGE = ("message was ", "it was FATAL_")
"""How it is said that a message means something else than it did."""
_HELD = ("position_lost", "access", "fix_first", "tables", "defect", "wait")
"""The classes of failures of which no model's evaluation may approve."""
_STEPS: dict[Status, frozenset[Status]] = {
    Status.PROPOSED: frozenset({Status.EVALUATED}),
    Status.EVALUATED: frozenset({Status.WAITING, Status.RESTARTING}),
    Status.WAITING: frozenset({Status.RESTARTING}),
    Status.RESTARTING: frozenset(),
}
"""Beside the ends: from each status that is none, to which one may go."""
_MUCH = 10_000
"""Characters on the tasks of an outcome, which may be more than there is room for."""
_EVENTS = {
    Status.EVALUATED: "20-evaluated",
    Status.WAITING: "30-requested",
    Status.RESTARTING: "40-decided",
}


@of_each_record
def a_status_only_moves_forward(_: Watch, change: Change) -> str:
    """From proposed by known steps to one end, and nobody rewrites how it ended."""
    if change.after is None:
        return ""
    after = status_of(change.after)
    if change.before is None:
        return "" if after is Status.PROPOSED else f"{change.proposal_id} began as {after}"
    before = status_of(change.before)
    may_follow = before is after or (not before.is_final and (after.is_final or after in _STEPS[before]))
    return "" if may_follow else f"{change.proposal_id}: {before} became {after}"


@of_each_record
def what_was_shown_stays(watch: Watch, change: Change) -> str:
    """Proposal, evaluation, policy, digest and decision are written once."""
    if change.before is None or change.after is None:
        return ""
    if watch.is_tampered(change.proposal_id) and watch.writer() is None:
        return ""
    for name in (Attribute.PROPOSAL, Attribute.EVALUATION, Attribute.POLICY, Attribute.DIGEST, Attribute.DECISION):
        if name in change.before and change.after.get(name) != change.before[name]:
            return f"{change.proposal_id}: its {name} was {change.before[name]}, is {change.after.get(name)}"
    return ""


@of_each_record
def the_first_result_stays(_: Watch, change: Change) -> str:
    """What a restart came to is not replaced by what somebody made of it later."""
    if change.before is None or change.after is None or Attribute.OUTCOME not in change.before:
        return ""
    before, after = told(change.before, Attribute.OUTCOME), told(change.after, Attribute.OUTCOME)
    known = (name for name in ("status", "targets", "detail", "at", "decision") if before.get(name) is not None)
    same = all(before[name] == after.get(name) for name in known)
    return "" if same else f"{change.proposal_id}: {before} became {after}"


@of_each_record
def a_final_status_is_that_of_the_outcome(_: Watch, change: Change) -> str:
    """Record and outcome say the same."""
    if change.after is None or not status_of(change.after).is_final:
        return ""
    outcome = told(change.after, Attribute.OUTCOME).get("status", "none")
    return "" if outcome == status_of(change.after) else f"{change.proposal_id} is {status_of(change.after)}: {outcome}"


@of_each_record
def what_waits_is_in_the_inbox(_: Watch, change: Change) -> str:
    """The inbox holds what waits for its answer, and a restart that waits for its endpoint until that ends."""
    if change.after is None:
        return ""
    waits = status_of(change.after) is Status.WAITING or is_waiting_for_endpoint(change.after)
    return (
        "" if waits == (keys.INBOX_PARTITION in change.after) else f"{change.proposal_id} is {status_of(change.after)}"
    )


@of_each_record
def every_step_leaves_its_event(watch: Watch, change: Change) -> str:
    """The audit trail has what happened, as soon as it has happened."""
    if change.after is None or (change.before and status_of(change.before) is status_of(change.after)):
        return ""
    status = status_of(change.after)
    wanted = "50-closed" if status.is_final else _EVENTS.get(status, "10-proposed")
    has_it = (change.key[0], f"{keys.EVENT_PREFIX}{wanted}") in watch.items
    return "" if has_it else f"{change.proposal_id} is {status} without {wanted}"


@of_each_record
def what_is_not_over_is_listed_as_open(watch: Watch, change: Change) -> str:
    """Whoever looks for what executions left behind finds it."""
    if change.after is None or status_of(change.after).is_final:
        return ""
    listed = watch.items.get((keys.OPEN_PARTITION, change.proposal_id))
    if listed is not None and listed[Attribute.STATUS]["S"] == status_of(change.after):
        return ""
    return f"{change.proposal_id} is {status_of(change.after)}, listed: {listed}"


def _comes_to_wait(change: Change) -> Wire | None:
    if change.after is None or status_of(change.after) is not Status.WAITING:
        return None
    return None if change.before and status_of(change.before) is Status.WAITING else change.after


@of_each_record
def who_is_asked_can_answer(watch: Watch, change: Change) -> str:
    """What comes into the inbox has a token, and the time that is promised is not longer than Step Functions waits."""
    if (waiting := _comes_to_wait(change)) is None:
        return ""
    token = watch.items.get((keys.token_partition(change.proposal_id), keys.TOKEN))
    if token is None:
        return f"{change.proposal_id} waits without a token"
    ends_at = watch.world.states.ends_at(token[Attribute.TOKEN]["S"])
    if number(waiting, keys.INBOX_SORT) > ends_at:
        return f"{change.proposal_id} promises {number(waiting, keys.INBOX_SORT) - ends_at:.3f} s more than there are"
    return ""


@of_each_record
def the_row_is_that_of_the_record(watch: Watch, change: Change) -> str:
    """What the inbox shows is what an approval would be of."""
    if (waiting := _comes_to_wait(change)) is None or watch.is_tampered(change.proposal_id):
        return ""
    row = told(waiting, Attribute.ROW)
    agrees = row["approval_id"] == change.proposal_id and waiting[Attribute.DIGEST]["S"].startswith(row["digest"])
    return "" if agrees and row["digest"] else f"{change.proposal_id}: {row}"


@of_each_record
def what_waits_holds_its_tasks(watch: Watch, change: Change) -> str:
    """For as long as somebody may approve it, no other proposal gets one of its tasks."""
    if (waiting := _comes_to_wait(change)) is None or not watch.clocks_are_right:
        return ""
    needed = number(waiting, keys.INBOX_SORT) + watch.world.config.lease_margin_seconds
    for partition in watch.task_partitions(change.proposal_id):
        lease = watch.items.get((partition, keys.LEASE))
        holder = lease[Attribute.PROPOSAL_ID]["S"] if lease else "nobody"
        if lease is None or holder != change.proposal_id:
            return f"{partition} is held by {holder}, not by {change.proposal_id}"
        if number(lease, Attribute.EXPIRES) < needed:
            return f"{change.proposal_id} holds {partition} for {needed - number(lease, Attribute.EXPIRES):g} s too few"
    return ""


@of_each_record
def only_what_somebody_approved_is_carried_out(watch: Watch, change: Change) -> str:
    """A literal true came back with one of its tokens; where nobody was asked, the policy let it run by itself."""
    if change.after is None or status_of(change.after) is not Status.RESTARTING:
        return ""
    decision = told(change.after, Attribute.DECISION)
    if decision.get("approved") is not True:
        return f"{change.proposal_id}: {decision}"
    if decision["automatic"]:
        return ""
    is_approved = bool(_answers(watch, change.proposal_id, approved=True))
    return "" if is_approved else f"{change.proposal_id}: no answer with one of its tokens approves"


def _answers(watch: Watch, proposal_id: str, *, approved: bool) -> list[dict[str, Any]]:
    """The answers with one of its tokens that approve, or that deny, by a literal value."""
    answers = (watch.world.states.answer(token) for token in watch.tokens.get(proposal_id, ()))
    return [each for each in answers if isinstance(each, dict) and each.get("approved") is approved]


@of_each_record
def what_an_approval_names_is_kept(watch: Watch, change: Change) -> str:
    """Its tasks, option and digest: without them it would be for all tasks, for what is recommended, for anything."""
    if change.after is None or status_of(change.after) is not Status.RESTARTING:
        return ""
    decision = told(change.after, Attribute.DECISION)
    approvals = _answers(watch, change.proposal_id, approved=True)
    for name in ("tasks", "option", "digest"):
        is_named = bool(approvals) and all(each.get(name) not in (None, "") for each in approvals)
        if is_named and not decision["automatic"] and not decision.get(name):
            return f"{change.proposal_id} was approved with {name} {approvals[0][name]!r}, which is lost"
    return ""


@of_each_record
def only_what_needs_nobody_is_automatic(watch: Watch, change: Change) -> str:
    """One task with a lost connection, of which it is known that it is not protected, on no endpoint that a test found
    down, in a mode that allows it, evaluated as safe, by a run that could read what a team knows.
    """
    if change.after is None or not told(change.after, Attribute.DECISION).get("automatic"):
        return ""
    if watch.is_tampered(change.proposal_id):  # what it says is not what was decided on; it is refused later
        return ""
    policy, evaluation = told(change.after, Attribute.POLICY), told(change.after, Attribute.EVALUATION)
    proposal, opened_by = watch.proposed[change.proposal_id], watch.opened_by[change.proposal_id]
    reasons = {
        "the policy does not say so": policy.get("route") != "automatic" or policy.get("closed_gates"),
        "the mode is always": watch.world.config.approval_mode == "always",
        "the evaluation does not": evaluation.get("verdict") != "approve" or evaluation.get("risk") == "high",
        "the evaluation is not sure": (evaluation.get("confidence") or 0.0) < watch.world.config.confidence_floor,
        "the evaluation made it up": _cited(evaluation) - {each["id"] for each in proposal["evidence"]},
        "a full load is not complete": any(each["full_load_completed"] is not True for each in proposal["targets"]),
        "its endpoint takes no logins": (proposal.get("probe") or {}).get("answer") == ProbeAnswer.ERROR,
        "several tasks": len(proposal["targets"]) != 1,
        "the kind needs a human": proposal["kind"] != "FATAL_TRANSIENT" or proposal["action"] != "resume",
        "the team wants to look first": _is_to_be_mended_first(watch, proposal),
        "it is protected": any(watch.world.is_protected(target["key"]["task"]) for target in proposal["targets"]),
        "it may be protected": any(
            watch.may_be_protected(opened_by, each["key"]["server"], each["key"]["task"])
            for each in proposal["targets"]
        ),
        "what a team knows was not read": (opened_by, OWN_FAILURES) in watch.unread,
        "somebody was asked": Attribute.REQUESTED_AT in change.after,
    }
    wrong = [reason for reason, holds in reasons.items() if holds]
    return f"{change.proposal_id}: {', '.join(wrong)}" if wrong else ""


def _is_to_be_mended_first(watch: Watch, proposal: Mapping[str, Any]) -> bool:
    said = {each["value"] for each in proposal["evidence"] if each["label"] == "message"}
    is_known = (BUCKET, OWN_FAILURES) in watch.world.s3.objects
    return is_known and any(each.startswith(MESSAGES[0]) for each in said)


def _cited(evaluation: Mapping[str, Any]) -> set[str]:
    return {cited for finding in evaluation.get("findings", ()) for cited in finding["evidence_ids"]}


@of_each_record
def a_model_makes_no_less_of_a_failure_than_is_known(watch: Watch, change: Change) -> str:
    """It does not approve of a failure that never passes by itself."""
    if change.after is None or watch.is_tampered(change.proposal_id):
        return ""
    evaluation, proposal = told(change.after, Attribute.EVALUATION), watch.proposed[change.proposal_id]
    diagnosis = proposal.get("diagnosis") or {}
    known = diagnosis.get("failure_class") if diagnosis.get("failure") else None
    is_loose = evaluation.get("verdict") == "approve" and evaluation.get("evaluator") == "bedrock"
    return f"{change.proposal_id}: {known}, and the model approves" if is_loose and known in _HELD else ""


@of_each_record
def nobody_closes_what_is_being_carried_out(watch: Watch, change: Change) -> str:
    """A run closes nothing of which a function that may still act has sent a call and not seen the end.

    Nobody drops it as a question that is out of date.
    """
    if change.before is None or change.after is None or not status_of(change.after).is_final:
        return ""
    if status_of(change.before) is not Status.RESTARTING or not watch.clocks_are_right:
        return ""
    if status_of(change.after) is Status.SUPERSEDED and Attribute.OUTCOME not in change.before:
        return f"{change.proposal_id} is dropped while it is carried out"
    closing = watch.world.functions.begun.get(watch.world.dynamodb.last_writer)
    if closing is None or closing.function != "MonitorTasks":
        return ""
    for name in watch.world.functions.running:
        acting = watch.world.functions.begun.get(name)
        if acting and acting.function == "ExecuteRestart" and acting.proposal_id == change.proposal_id:
            sent = [each for each in watch.requests if each.process == name]
            if sent and Attribute.OUTCOME not in change.before:
                return f"{change.proposal_id} is closed while {name} is at it"
    return ""


@of_each_record
def only_what_somebody_denied_is_denied(watch: Watch, change: Change) -> str:
    """A literal false came back, or the error that means a denial: what is no answer is nobody's denial."""
    if change.after is None or status_of(change.after) is not Status.DENIED:
        return ""
    states, tokens = watch.world.states, watch.tokens.get(change.proposal_id, ())
    answers = [states.answer(token) for token in tokens]
    errors = [states.error_name(token) for token in tokens]
    if APPROVAL_DENIED in errors or any(isinstance(each, dict) and each.get("approved") is False for each in answers):
        return ""
    return f"{change.proposal_id}: the answers were {answers}, the errors {errors}"


@of_each_record
def nothing_expires_before_its_time(watch: Watch, change: Change) -> str:
    """Expired is what nobody answered by its deadline, by a minute; an error of that name is not enough."""
    if change.after is None or status_of(change.after) is not Status.EXPIRED or not watch.clocks_are_right:
        return ""
    closing = watch.writer()
    if closing and closing.at <= watch.waiting_at.get(change.proposal_id, 0.0):
        return ""  # what is asked by when was not yet there to read
    left = number(change.after, keys.INBOX_SORT) - watch.world.kernel.now if keys.INBOX_SORT in change.after else 0.0
    return f"{change.proposal_id} had {left:.0f} s left" if left > 61 else ""


@of_each_record
def only_what_waits_is_claimed_by_a_person(_: Watch, change: Change) -> str:
    """Whoever says that he looks at something finds it in the inbox; a brake may come at any time."""
    before = change.before.get(Attribute.CLAIM) if change.before else None
    if change.after is None or Attribute.CLAIM not in change.after or change.after[Attribute.CLAIM] == before:
        return ""
    status = status_of(change.after) if Attribute.STATUS in change.after else None
    is_brake = status is not None and told(change.after, Attribute.CLAIM).get("brake")
    is_listed = keys.INBOX_PARTITION in change.after
    return "" if is_brake or is_listed else f"{change.proposal_id} is claimed and {status or 'nowhere'}"


@of_each_record
def what_came_of_a_task_is_said_whole(_: Watch, change: Change) -> str:
    """Only an outcome that does not fit into its record says less of each task."""
    after = change.after or {}
    if Attribute.OUTCOME not in after or Attribute.OUTCOME in (change.before or {}):
        return ""
    said = [each["detail"] for each in told(after, Attribute.OUTCOME).get("targets", ())]
    cut = [each for each in said if each.endswith("…")]
    return f"{change.proposal_id} says {cut[0]}" if cut and sum(map(len, said)) < _MUCH else ""


@of_each_record
def the_end_of_a_group_is_that_of_its_tasks(watch: Watch, change: Change) -> str:
    """Up is what all are; partial is what some are; and what none is says none of the two.

    Of a group that was not begun with, for its endpoint, some may have come up by themselves: nothing was sent to any.
    """
    if change.after is None or Attribute.OUTCOME not in change.after:
        return ""
    outcome = told(change.after, Attribute.OUTCOME)
    ups = [Status(each["status"]).is_up for each in outcome.get("targets", ())]
    status = Status(outcome["status"])
    if not ups:
        return ""
    if outcome["detail"].startswith("nothing was sent: "):
        sent = [each for each in watch.requests if watch.proposal_of(each) == change.proposal_id and each.arrived]
        is_right = status in (Status.STILL_DOWN, Status.FAILED) and not sent
        return "" if is_right else f"{change.proposal_id} is {status}, {outcome['detail']}; {sent}"
    fits = status.is_up if all(ups) else (status is Status.PARTIAL) is any(ups) and not status.is_up
    return "" if fits else f"{change.proposal_id} is {status}: {[each['status'] for each in outcome['targets']]}"


@of_each_record
def only_what_is_over_is_abandoned(watch: Watch, change: Change) -> str:
    """A run closes nothing whose execution goes on, whatever Step Functions does not say."""
    closing = watch.writer()
    if change.before is None or change.after is None or status_of(change.before).is_final or closing is None:
        return ""
    is_closed_by_run = closing.function == "MonitorTasks" and status_of(change.after) not in _OPEN
    if not is_closed_by_run or status_of(change.after) is Status.SUPERSEDED:
        return ""
    arn = change.after[Attribute.EXECUTION_ARN]["S"]
    execution = watch.world.states.executions[arn]
    since = execution.seen[-1][0]
    if execution.status != "RUNNING" or since > closing.at:
        return ""
    return f"{change.proposal_id} is {status_of(change.after)}, and {execution.name} has been running since {since:.0f}"


@of_each_record
def a_run_looked_before_a_question_was_dropped(watch: Watch, change: Change) -> str:
    """A run that asks no longer has itself read, after the proposal was made, that a task is not as it was; or that
    planned work covers it.
    """
    process, closing = watch.world.dynamodb.last_writer, watch.writer()
    if change.before is None or change.after is None or closing is None or closing.function != "MonitorTasks":
        return ""
    if status_of(change.after) is not Status.SUPERSEDED or Attribute.OUTCOME in change.before:
        return ""
    proposal = watch.proposed[change.proposal_id]
    # Its write may have come later than the look that closes it. To a clock that is ahead, an old look is younger.
    made_at = codec.parse_time(proposal["created_at"]).timestamp() - watch.world.furthest_ahead(closing.at)
    for target in proposal["targets"]:
        server, task = target["key"]["server"], target["key"]["task"]
        if may_be_planned(watch, server, task, closing.at):
            return ""
        asked_at, entries = watch.world.journal.listed.get((process, server), (0.0, {}))
        if asked_at < made_at:
            continue
        seen = watch.world.journal.read.get((process, server, task)) or entries.get(task)
        if seen is None or proposal["kind"] not in _OF_STATES or _differs(watch, proposal, target, seen):
            return ""
        if not target["protected"] and watch.may_be_protected(process, server, task):
            return ""
    return f"{change.proposal_id} is no longer asked: {told(change.after, Attribute.OUTCOME).get('detail')}"


@of_each_record
def an_approval_counts_while_the_task_says_the_same(watch: Watch, change: Change) -> str:
    """The only ExecuteRestart of a proposal has read another message, or another state, if it leaves all tasks alone
    for their message.
    """
    process, closing = watch.world.dynamodb.last_writer, watch.writer()
    if change.after is None or closing is None or closing.function != "ExecuteRestart":
        return ""
    proposal = watch.proposed[change.proposal_id]
    targets = {(each["key"]["server"], each["key"]["task"]): each for each in proposal["targets"]}
    outcomes = told(change.after, Attribute.OUTCOME).get("targets", ())
    if any(each["status"] != Status.SUPERSEDED for each in outcomes):
        return ""  # what has begun waits for no entries
    for outcome in outcomes:
        place = outcome["key"]["server"], outcome["key"]["task"]
        seen = watch.world.journal.read.get((process, *place))
        if not outcome["detail"].startswith(_OF_A_MESSAGE) or seen is None or _is_one_of_several(watch, closing):
            continue
        if not _differs(watch, proposal, targets[place], seen):
            return f"{change.proposal_id} was approved, and {place[1]} is left alone: {outcome['detail']}"
    return ""


def _is_one_of_several(watch: Watch, invocation: Invocation) -> bool:
    """Whether its function was invoked more than once for its proposal: then another one may have looked."""
    begun = watch.world.functions.begun.values()
    mine = invocation.function, invocation.proposal_id
    return sum((each.function, each.proposal_id) == mine for each in begun) > 1


@of_each_record
def what_ends_without_a_word_of_its_tasks_has_claimed_none(watch: Watch, change: Change) -> str:
    """A restart that has begun with a task ends with what came of that, or may have."""
    if change.after is None or Attribute.OUTCOME not in change.after or watch.is_tampered(change.proposal_id):
        return ""
    claim = f"{keys.RESTART_PREFIX}{change.proposal_id}"
    claimed = sorted(partition for partition, sort in watch.items if sort == claim)
    if not claimed or told(change.after, Attribute.OUTCOME).get("targets"):
        return ""
    return f"{change.proposal_id} is {status_of(change.after)}, and says nothing of {claimed[0]}"


@of_each_record
def what_was_answered_is_not_dropped(watch: Watch, change: Change) -> str:
    """A run that finds a question overtaken closes it only as long as nobody has answered."""
    closing = watch.writer()
    if change.before is None or change.after is None or closing is None or closing.function != "MonitorTasks":
        return ""
    was_answered = status_of(change.before) is Status.RESTARTING and Attribute.OUTCOME not in change.before
    dropped = was_answered and status_of(change.after) is Status.SUPERSEDED
    return f"{change.proposal_id} was answered, and is no longer asked" if dropped else ""


def _differs(watch: Watch, proposal: dict[str, Any], target: dict[str, Any], seen: Mapping[str, Any]) -> bool:
    """Whether what was read of a task is not what was proposed on."""
    reason = seen.get("task_stop_reason", seen.get("stop_reason"))
    said = {meaning(one["value"]) for one in proposal["evidence"] if one["label"] == "message"}
    is_by_own = any(MENDED_FIRST_ID in one["value"] for one in proposal["evidence"])
    says_the_same = is_by_own and seen.get("message", "").startswith(MESSAGES[0])
    if (BUCKET, OWN_FAILURES) in watch.world.s3.objects and "connection" in said and not says_the_same:
        return True  # to the team, not each of them is one; and that may not have been known when it was proposed
    says_other = meaning(seen.get("message", "")) not in said if len(said) == 1 else True
    loaded = seen.get("full_load_completed", target["full_load_completed"]) != target["full_load_completed"]
    return (seen.get("state"), reason) != (target["state"], target["stop_reason"]) or says_other or loaded


@of_each_invocation
def only_an_approval_reaches_the_restart(_: Watch, invocation: Invocation) -> str:
    """The definition lets a literal true through, and nothing that looks like one."""
    if invocation.function != "ExecuteRestart":
        return ""
    decision = invocation.payload.get("decision")
    is_approval = isinstance(decision, dict) and decision.get("approved") is True
    return "" if is_approval else f"{invocation.proposal_id} is to be carried out by {decision!r}"


@of_each_ask("send_task_success")
def what_was_braked_is_not_approved(watch: Watch, asked: Asked) -> str:
    """A console or command that has read the brake of a proposal sends no approval of it."""
    if asked.who in watch.world.functions.begun:
        return ""
    name = watch.answered(asked.request)
    read_at = watch.world.dynamodb.read_at.get((asked.who, (keys.approval_partition(name), keys.RECORD)), 0.0)
    return f"{asked.who} approves {name}, which was stopped" if watch.braked_at.get(name, math.inf) < read_at else ""
