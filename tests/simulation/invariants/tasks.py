"""Of what the ledger keeps for tasks and tokens: leases, claims, silence, and what says that something is open."""

from __future__ import annotations

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.callback import APPROVAL_DENIED
from tests.simulation.invariants.choosing import left_out
from tests.simulation.invariants.watch import Change, Watch, number, of_each_answer, of_each_item, status_of, told
from tests.simulation.services import Invocation

_DAY = 86400.0
"""For which a token is kept when it is good for nothing any more."""
_ACTING_SECONDS, _RESERVE_SECONDS = 900.0, 25.0
"""That ExecuteRestart may take, and what it keeps of that to store the result, with the way there."""


def _is_new_claim(change: Change) -> bool:
    return change.key[1].startswith(keys.RESTART_PREFIX) and change.before is None and change.after is not None


@of_each_item(keys.LEASE)
def a_lease_is_taken_from_nobody(watch: Watch, change: Change) -> str:
    """Of two proposals that are open, no two hold one task."""
    taking = watch.writer()
    if change.before is None or change.after is None:
        return ""
    before, after = (item[Attribute.PROPOSAL_ID]["S"] for item in (change.before, change.after))
    # To a function whose clock is hours ahead, a lease is over while its question waits.
    if before == after or number(change.before, Attribute.EXPIRES) < watch.may_be_late(taking.at if taking else 0.0):
        return ""
    return f"{change.key[0]}: {after} took it from {before}"


@of_each_item(keys.LEASE)
def a_lease_is_given_back_by_whose_it_is(watch: Watch, change: Change) -> str:
    """What holds a task and is not over keeps it, whoever ends beside it; but for a task that was left out."""
    if change.before is None or change.after is not None:
        return ""
    record = watch.record(change.before[Attribute.PROPOSAL_ID]["S"])
    if record is None or status_of(record).is_final or number(change.before, keys.TTL) < watch.world.kernel.now:
        return ""
    proposal_id = change.before[Attribute.PROPOSAL_ID]["S"]
    if change.key[0] in left_out(watch.proposed[proposal_id], told(record, Attribute.DECISION)):
        return ""
    # Who opens a large group is over before its leases are old enough to be freed, but by a clock that is set forward.
    run = watch.writer()
    is_opened_beside = run is not None and watch.opened_at[proposal_id] >= run.at
    if is_opened_beside and not watch.clocks_are_right:
        return ""
    return f"{change.key[0]} was taken from {proposal_id}, which is {status_of(record)}"


@of_each_item(keys.RESTART_PREFIX)
def a_task_is_claimed_by_whom_it_is_leased_to(watch: Watch, change: Change) -> str:
    """Only a proposal that is being carried out claims a task, and only one that it holds."""
    if not _is_new_claim(change):
        return ""
    record, lease = watch.record(change.proposal_id), watch.items.get((change.key[0], keys.LEASE))
    if record is None or status_of(record) is not Status.RESTARTING:
        return f"{change.proposal_id} claims and is {status_of(record) if record else 'nowhere'}"
    if lease is None or lease[Attribute.PROPOSAL_ID]["S"] != change.proposal_id:
        return f"{change.proposal_id} claims {change.key[0]}, leased: {lease}"
    return ""


@of_each_item(keys.RESTART_PREFIX)
def budget_and_cooldown_hold(watch: Watch, change: Change) -> str:
    """No task is restarted more often in an hour than is set, nor sooner after the last time."""
    if not _is_new_claim(change) or change.after is None or not watch.clocks_are_right:
        return ""
    now, config = watch.world.kernel.now, watch.world.config
    others = [
        codec.parse_time(item[Attribute.AT]["S"]).timestamp()
        for (partition, sort), item in watch.items.items()
        if partition == change.key[0] and sort.startswith(keys.RESTART_PREFIX) and sort != change.key[1]
    ]
    in_an_hour = sum(now - at < 3600 for at in others)
    if config.restart_budget_per_hour and in_an_hour >= config.restart_budget_per_hour:
        return f"{change.key[0]}: {in_an_hour + 1} restarts in an hour"
    is_lifted = bool(others) and max(others) <= watch.lifted_at(change.key[0])
    if others and now - max(others) < config.cooldown_seconds - 1 and not is_lifted:
        return f"{change.key[0]}: again after {now - max(others):.0f} s"
    return ""


@of_each_item(keys.RESTART_PREFIX)
def a_claim_is_released_only_if_nothing_was_sent(watch: Watch, change: Change) -> str:
    """What may have been sent stays claimed, so that it is not sent again."""
    if change.after is not None or change.before is None:
        return ""
    if number(change.before, keys.TTL) < watch.world.kernel.now:
        return ""
    _, server, task = change.key[0].split("/")
    # Who is told that a task had been stopped already has done nothing to it.
    sent = [
        each
        for each in watch.requests_of(change.proposal_id, server, task)
        if not each.is_refused and not (each.action == "stop" and each.arrived and each.is_told and not each.taken)
    ]
    if Attribute.OUTCOME in change.before:
        return f"{change.proposal_id} gave back {task}, of which it is known what came of it"
    return f"{change.proposal_id} gave back {task} after {sent[-1]}" if sent else ""


@of_each_item(keys.RESTART_PREFIX)
def the_result_of_a_claim_stays(_: Watch, change: Change) -> str:
    """The first one counts."""
    if change.before is None or change.after is None:
        return ""
    before = change.before.get(Attribute.OUTCOME)
    return f"{change.key}: {before} was replaced" if before and change.after.get(Attribute.OUTCOME) != before else ""


@of_each_item(keys.LEASE)
def nothing_is_asked_while_there_is_to_be_quiet(watch: Watch, change: Change) -> str:
    """A denied or snoozed task is left alone for as long as was said, by every run that began after that."""
    if change.after is None or not watch.clocks_are_right:
        return ""
    proposal_id = change.after[Attribute.PROPOSAL_ID]["S"]
    if change.before is not None and change.before[Attribute.PROPOSAL_ID]["S"] == proposal_id:
        return ""
    snooze = watch.items.get((change.key[0], keys.SNOOZE))
    if snooze is None or number(snooze, Attribute.EXPIRES) <= watch.world.kernel.now:
        return ""
    asking = watch.writer()
    if asking and asking.at < codec.parse_time(snooze[Attribute.AT]["S"]).timestamp():
        return ""  # it looked before the denial, and its write came late: it asks once more, and a restart looks again
    return f"{proposal_id} takes {change.key[0]}, to be left alone: {snooze[Attribute.BODY]['S']}"


@of_each_item(keys.SNOOZE)
def a_silence_is_not_shortened(_: Watch, change: Change) -> str:
    """An old denial, written once more, does not end a longer snooze; only a person's lift does."""
    if change.before is None or change.after is None:
        return ""
    if change.after.get(Attribute.LIFTED) != change.before.get(Attribute.LIFTED):
        return ""
    shorter = number(change.before, Attribute.EXPIRES) - number(change.after, Attribute.EXPIRES)
    return f"{change.key[0]}: by {shorter:g} s" if shorter > 0 else ""


@of_each_item(keys.EVENT_PREFIX)
def an_audit_event_is_never_rewritten(_: Watch, change: Change) -> str:
    """Written once."""
    rewritten = change.before and change.after
    return f"{change.key} was {change.before}, is {change.after}" if rewritten else ""


@of_each_item(keys.OPEN_PARTITION)
def an_open_entry_goes_last(watch: Watch, change: Change) -> str:
    """As long as something of a closed proposal is undone, the next run finds it."""
    if change.after is not None or change.before is None:
        return ""
    proposal_id = change.proposal_id
    record = watch.record(proposal_id)
    if record is None or not status_of(record).is_final:
        return f"{proposal_id} is not over"
    if (keys.token_partition(proposal_id), keys.TOKEN) in watch.items:
        return f"{proposal_id} still has its token"
    tokens = watch.tokens.get(proposal_id, [])
    if any(map(watch.is_waiting, tokens[-1:])) and not watch.was_redriven_meanwhile(proposal_id):
        return f"{proposal_id} is still waited for"
    if watch.is_tampered(proposal_id):
        return ""
    spared = left_out(watch.proposed[proposal_id], told(record, Attribute.DECISION))
    for partition in watch.task_partitions(proposal_id):
        lease = watch.items.get((partition, keys.LEASE))
        # Who restarts it and stood still may take a task once more after it was closed; that is freed by the next run.
        is_new = any(at > watch.moved_at[proposal_id] for at, _ in watch.taken[partition, proposal_id])
        if lease is not None and lease[Attribute.PROPOSAL_ID]["S"] == proposal_id and not is_new:
            return f"{proposal_id} still holds {partition}"
        if partition not in spared and not any(
            key[0] == partition and key[1].endswith(f"#{proposal_id}") for key in _histories(watch)
        ):
            return f"{proposal_id} is not in the history of {partition}"
    return ""


def _histories(watch: Watch) -> list[tuple[str, str]]:
    return [key for key in watch.items if key[1].startswith(keys.HISTORY_PREFIX)]


@of_each_item(keys.TOKEN)
def a_token_goes_when_nobody_can_answer_any_more(watch: Watch, change: Change) -> str:
    """Nobody loses the way to answer what waits."""
    if change.after is not None or change.before is None:
        return ""
    record = watch.record(change.proposal_id)
    if record is None or status_of(record).is_final or number(change.before, keys.TTL) < watch.world.kernel.now:
        return ""
    return f"{change.proposal_id} is {status_of(record)} and lost its token"


@of_each_item(keys.TOKEN)
def the_kept_token_is_the_one_that_waits(watch: Watch, change: Change) -> str:
    """A retry of the state has a token of its own, and a late invocation of an earlier one does not replace it."""
    if change.after is None or change.before is None:
        return ""
    before, after = (item[Attribute.TOKEN]["S"] for item in (change.before, change.after))
    states = watch.world.states
    if before != after and states.is_waiting(before) and not states.is_waiting(after):
        return f"{change.proposal_id}: one that is over replaced the one that waits"
    return ""


@of_each_answer
def who_asks_keeps_the_token(watch: Watch, answered: Invocation) -> str:
    """Once RequestApproval has answered, the token with which its state waits is in the ledger, of a retry as well."""
    if answered.function != "RequestApproval" or watch.is_tampered(answered.proposal_id):
        return ""
    token, record = answered.payload["task_token"], watch.record(answered.proposal_id)
    if record is None or status_of(record) is not Status.WAITING or not watch.world.states.is_waiting(token):
        return ""
    kept = watch.items.get((keys.token_partition(answered.proposal_id), keys.TOKEN), {}).get(Attribute.TOKEN)
    return "" if kept == {"S": token} else f"{answered.proposal_id} waits with a token that the ledger does not have"


@of_each_item(keys.TOKEN)
def what_was_denied_is_not_asked_again(watch: Watch, change: Change) -> str:
    """A denial ends its question: the workflow does not ask people once more, with another token."""
    states, name = watch.world.states, change.proposal_id
    denied = [token for token in watch.tokens.get(name, ()) if states.error_name(token) == APPROVAL_DENIED]
    is_asked = change.after is not None and change.after[Attribute.TOKEN]["S"] not in denied
    return f"{name} was denied, and is asked again" if denied and is_asked else ""


@of_each_item(keys.TOKEN)
def who_can_answer_holds_the_tasks(watch: Watch, change: Change) -> str:
    """A token is kept once its proposal holds its tasks for as long as it is good: who has it may use it at once."""
    if change.after is None or not watch.clocks_are_right:
        return ""
    needed = number(change.after, keys.TTL) - _DAY + watch.world.config.lease_margin_seconds
    for partition in watch.task_partitions(change.proposal_id):
        until = watch.leased_until.get((partition, change.proposal_id), 0.0)
        if until < needed and not watch.is_tampered(change.proposal_id):
            return f"{change.proposal_id} has a token, and holds {partition} for {needed - until:g} s too few"
    return ""


@of_each_item(keys.HISTORY_PREFIX)
def what_is_told_of_a_denial_keeps_its_tasks_quiet(watch: Watch, change: Change) -> str:
    """With the line in a task's history comes the silence that was asked for."""
    if change.after is None:
        return ""
    proposal_id = change.key[1].rpartition("#")[2]
    record = watch.record(proposal_id)
    if record is None or status_of(record) is not Status.DENIED:
        return ""
    outcome = told(record, Attribute.OUTCOME)
    seconds = outcome["decision"]["snooze_seconds"] or watch.world.config.cooldown_seconds
    until = codec.parse_time(outcome["at"]).timestamp() + seconds
    snooze = watch.items.get((change.key[0], keys.SNOOZE))
    quiet_until = number(snooze, Attribute.EXPIRES) if snooze else 0.0
    is_lifted = codec.parse_time(outcome["at"]).timestamp() <= watch.lifted_at(change.key[0])
    if not seconds or until < watch.world.kernel.now or quiet_until >= int(until) or is_lifted:
        return ""
    return f"{proposal_id} was denied, and {change.key[0]} is quiet until {quiet_until:g}, not {until:g}"


@of_each_item(keys.RESTART_PREFIX)
def what_is_said_of_a_task_was_seen(watch: Watch, change: Change) -> str:
    """Up is what was seen up; failed again is what broke after the run; and patience lasts as long as is set."""
    if change.after is None or not watch.clocks_are_right:
        return ""
    acting, process = watch.writer(), watch.world.dynamodb.last_writer
    if Attribute.OUTCOME not in change.after or acting is None or acting.function != "ExecuteRestart":
        return ""
    result, (_, server, task) = told(change.after, Attribute.OUTCOME), change.key[0].split("/")
    if change.before is not None and Attribute.OUTCOME in change.before:
        return ""
    runs = [each for each in watch.requests_of(change.proposal_id, server, task) if each.action == "run"]
    world, seen = watch.world, watch.world.journal.read.get((process, server, task), {})
    if result["status"] == "restarted" and seen.get("state") != "RUNNING":
        return f"{change.proposal_id} says that {task} is up, and it was last seen as {seen.get('state')}"
    again = result["status"] == "failed" and result["run_call"] == "taken"
    if again and runs and world.fleet.fell_at.get((server, task), 0.0) < runs[-1].at:
        return f"{change.proposal_id} says that {task} failed again, and it had not"
    begun = max([acting.at, *(each.at for each in runs if each.process == process)])
    waited, may_still = world.kernel.now - begun, acting.at + _ACTING_SECONDS - world.kernel.now
    too_soon = waited < world.config.verify_timeout_seconds - 1 and may_still > _RESERVE_SECONDS
    if result["status"] == "unverified" and too_soon:
        return f"{change.proposal_id} gave {task} up after {waited:.0f} s"
    return ""


@of_each_item(keys.SUMMARY)
def a_run_is_summed_up_once(watch: Watch, change: Change) -> str:
    """Whoever invokes a run once more, after it has looked, gets what it found, and nothing is looked for again."""
    if change.before is None or change.after is None:
        return ""
    again = watch.writer()
    first = watch.summed_up[change.key].at
    if again is None or again.function != "MonitorTasks" or not watch.clocks_are_right or again.at <= first:
        return ""
    return f"{change.key[0]} was summed up, and was looked at once more"


@of_each_item(keys.OUTAGE)
def an_outage_ends_with_a_run_that_began_after_it(watch: Watch, change: Change) -> str:
    """A run that waited through an outage says nothing of its end."""
    if change.after is not None or change.before is None:
        return ""
    ending = watch.writer()
    if ending is None:
        return ""
    run = ending.payload.get("run", ending.payload)
    return "" if run["started_at"] >= change.before[Attribute.AT]["S"] else f"{run['execution_name']} ended it"


@of_each_answer
def what_is_recorded_is_finished(watch: Watch, answered: Invocation) -> str:
    """Once RecordOutcome has answered, nothing of its proposal is left for the next run to make up for."""
    proposal_id = answered.proposal_id
    if answered.function != "RecordOutcome" or watch.is_tampered(proposal_id):
        return ""
    if (keys.OPEN_PARTITION, proposal_id) in watch.items:
        return f"{proposal_id} is recorded, and is listed as open still"
    histories = {key[0] for key in _histories(watch) if key[1].endswith(f"#{proposal_id}")}
    record = watch.record(proposal_id)
    spared = left_out(watch.proposed[proposal_id], told(record, Attribute.DECISION)) if record else set()
    partitions = [partition for partition in watch.task_partitions(proposal_id) if partition not in spared]
    missing = [partition for partition in partitions if partition not in histories]
    return f"{proposal_id} is recorded, and is not in the history of {missing[0]}" if missing else ""
