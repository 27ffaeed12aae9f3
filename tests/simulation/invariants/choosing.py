"""Of what an approval names: nothing else is done, to no other task, and nothing that was not offered."""

from __future__ import annotations

from typing import Any

from qlikops.domain import ledger as keys
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from tests.simulation.enterprise_manager import Sent
from tests.simulation.invariants.watch import (
    Change,
    Watch,
    of_each_call,
    of_each_item,
    of_each_record,
    partition_of,
    status_of,
    told,
)


def chosen_action(proposal: dict[str, Any], decision: dict[str, Any]) -> str:
    """The action of the option that a stored decision names; empty where the proposal does not offer it."""
    offers = proposal.get("options") or [{"name": proposal["action"], "action": proposal["action"]}]
    name = decision.get("option") or offers[0]["name"]
    return next((offer["action"] for offer in offers if offer["name"] == name), "")


def is_chosen(server: str, task: str, decision: dict[str, Any]) -> bool:
    """Whether a stored decision is for this task."""
    tasks = decision.get("tasks")
    return not tasks or bool({task, f"{server}/{task}", f"default/{server}/{task}"} & set(tasks))


def is_offered(proposal: dict[str, Any], decision: dict[str, Any]) -> bool:
    """Whether a stored decision names an option and tasks of the proposal; what does not is refused as a whole."""
    keys = [target["key"] for target in proposal["targets"]]
    named = {name for key in keys for name in (key["task"], f"{key['server']}/{key['task']}")}
    return chosen_action(proposal, decision) != "" and set(decision.get("tasks") or ()) <= named


def effective_action(proposal: dict[str, Any], decision: dict[str, Any]) -> str:
    """What history and track record have: that of the option approved, or else of the recommended one."""
    is_heeded = decision.get("approved") is True and is_offered(proposal, decision)
    return chosen_action(proposal, decision if is_heeded else {})


def left_out(proposal: dict[str, Any], decision: dict[str, Any]) -> set[str]:
    """The partitions of the tasks that an approval left out."""
    if decision.get("approved") is not True or not is_offered(proposal, decision):
        return set()
    keys = [target["key"] for target in proposal["targets"]]
    return {partition_of(key) for key in keys if not is_chosen(key["server"], key["task"], decision)}


@of_each_call
def nothing_is_sent_to_a_task_that_was_left_out(watch: Watch, sent: Sent) -> str:
    """A group that was narrowed is never widened again."""
    record = watch.record(watch.proposal_of(sent))
    decision = told(record, Attribute.DECISION) if record else {}
    if is_chosen(sent.server, sent.task, decision):
        return ""
    return f"{sent.process} sends {sent.action} to {sent.task}, and approved were {decision['tasks']}"


@of_each_call
def nothing_is_done_that_was_not_offered(watch: Watch, sent: Sent) -> str:
    """The option that the decision names is one of the proposal's."""
    proposal_id = watch.proposal_of(sent)
    record, proposal = watch.record(proposal_id), watch.proposed.get(proposal_id)
    if record is None or proposal is None or watch.could_not_see(sent):
        return ""
    decision = told(record, Attribute.DECISION)
    if chosen_action(proposal, decision):
        return ""
    return f"{sent.process} acts on {proposal_id}, which does not offer {decision.get('option')}"


@of_each_item(keys.LEASE)
def what_was_left_out_is_held_no_longer(watch: Watch, change: Change) -> str:
    """A restart holds the tasks that were approved for longer, and no other one."""
    if change.after is None:
        return ""
    proposal_id = change.after[Attribute.PROPOSAL_ID]["S"]
    record = watch.record(proposal_id)
    if record is None or status_of(record) is not Status.RESTARTING:
        return ""
    spared = left_out(watch.proposed[proposal_id], told(record, Attribute.DECISION))
    return f"{proposal_id} takes {change.key[0]}, which was left out" if change.key[0] in spared else ""


@of_each_record
def an_outcome_has_each_task_once(watch: Watch, change: Change) -> str:
    """What came of a restart is said of each task that was approved, and of none twice; or of none at all."""
    if change.after is None or Attribute.OUTCOME not in change.after or watch.is_tampered(change.proposal_id):
        return ""
    said = sorted(partition_of(each["key"]) for each in told(change.after, Attribute.OUTCOME).get("targets", ()))
    spared = left_out(watch.proposed[change.proposal_id], told(change.after, Attribute.DECISION))
    wanted = sorted(set(watch.task_partitions(change.proposal_id)) - spared)
    return f"{change.proposal_id} is about {wanted}, and its outcome about {said}" if said and said != wanted else ""


@of_each_record
def nothing_became_of_a_task_that_was_left_out(_: Watch, change: Change) -> str:
    """An outcome is of the tasks that were approved."""
    if change.after is None:
        return ""
    decision = told(change.after, Attribute.DECISION)
    for target in told(change.after, Attribute.OUTCOME).get("targets", []):
        if not is_chosen(target["key"]["server"], target["key"]["task"], decision):
            return f"{change.proposal_id} has an outcome of {target['key']['task']}, which was left out"
    return ""
