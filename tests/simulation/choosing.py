"""What people make of a proposal's options and tasks: mostly what is offered, in a callback by hand anything."""

from __future__ import annotations

from random import Random
from typing import Any

from qlikops.domain.proposals.proposal import WHEN_IT_ANSWERS, Proposal

NOT_OFFERED: tuple[dict[str, Any], ...] = (
    {"option": "rewind"},
    {"option": ["reload"]},
    {"tasks": []},
    {"tasks": "all"},
    {"tasks": ["of another proposal"]},
    {"tasks": [None]},
)


def terms_chosen(chance: Random, proposal: Proposal) -> dict[str, Any]:
    """Fields of an approval: an option by name or none, some of a group's tasks, some of the checks."""
    option = chance.choice(proposal.offers)
    checked = tuple(check for check in option.checks if chance.random() < 0.5)
    fields: dict[str, Any] = {"option": option.name, "checked": checked}
    if option is proposal.offers[0] and chance.random() < 0.5:
        del fields["option"]
    if proposal.can_be_narrowed and chance.random() < 0.7:
        kept = chance.sample(proposal.targets, chance.randint(1, len(proposal.targets) - 1))
        fields["tasks"] = tuple(chance.choice([target.key.task, str(target.key)]) for target in kept)
    return fields


def waiting(_: Random, proposal: Proposal) -> dict[str, Any]:
    """The option to wait until the endpoint answers; of what does not offer it, the first one."""
    return {"option": WHEN_IT_ANSWERS} if proposal.offers[-1].waits_for_endpoint else {}
