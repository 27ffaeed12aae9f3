"""What the ledger writes beside a proposal's record: events, rows of runs, entries of what is open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from qlikops.agent.remember.table import ABSENT, Item, Put
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.run import RunProposal

RECORD_DAYS = 90
"""How long records, events, runs and histories are kept."""


class Step(StrEnum):
    """The audit events of a proposal, in their order; the value ends the sort key."""

    PROPOSED = "10-proposed"
    EVALUATED = "20-evaluated"
    REQUESTED = "30-requested"
    DECIDED = "40-decided"
    CLOSED = "50-closed"


def event(now: datetime, proposal_id: str, step: Step, body: Mapping[str, Any]) -> Put:
    """An audit event of a proposal; a step has one."""
    return Put(
        {
            **key_of(keys.approval_partition(proposal_id), f"{keys.EVENT_PREFIX}{step}"),
            Attribute.AT: codec.format_time(now),
            Attribute.BODY: codec.dumps(body),
            **kept(now),
        },
        ABSENT,
    )


def row(now: datetime, proposal: RunProposal, execution_name: str) -> Put:
    """A proposal as its run lists it."""
    return Put(
        {
            **key_of(keys.run_partition(execution_name), f"{keys.PROPOSAL_PREFIX}{proposal.proposal_id}"),
            Attribute.PROPOSAL_ID: proposal.proposal_id,
            Attribute.BODY: codec.dumps(proposal),
            **kept(now),
        }
    )


def still_open(now: datetime, proposal: Proposal, status: Status) -> Put:
    """The entry of what is not over in every respect."""
    return Put(
        {
            **key_of(keys.OPEN_PARTITION, proposal.proposal_id),
            Attribute.STATUS: status,
            Attribute.EXECUTION_ARN: proposal.execution_arn,
            Attribute.AT: codec.format_time(now),
            **kept(now),
        }
    )


def abandoned(now: datetime, proposal_id: str, execution_name: str) -> Put:
    """That a run closed a proposal of another one, which was over."""
    return Put(
        {
            **key_of(keys.run_partition(execution_name), f"{keys.ABANDONED_PREFIX}{proposal_id}"),
            Attribute.PROPOSAL_ID: proposal_id,
            **kept(now),
        }
    )


def kept(now: datetime) -> Item:
    """When an item was written, and until when DynamoDB keeps it."""
    kept_until = now + timedelta(days=RECORD_DAYS)
    return {Attribute.UPDATED_AT: codec.format_time(now), keys.TTL: int(kept_until.timestamp())}


def key_of(partition: str, sort: str) -> Item:
    """The two attributes that are an item's key."""
    return {keys.PARTITION: partition, keys.SORT: sort}


def record_key(proposal_id: str) -> tuple[str, str]:
    """The key of a proposal's record."""
    return keys.approval_partition(proposal_id), keys.RECORD
