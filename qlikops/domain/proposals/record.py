"""A proposal's record as an item of the ledger holds it: the agent and the operator's side read it alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from qlikops.domain.encoding import codec
from qlikops.domain.fleet.endpoint import EndpointWait
from qlikops.domain.ledger import INBOX_SORT, Attribute
from qlikops.domain.proposals.approval import Claim, Decision, Outcome, ProposalRecord, Reminded, Status, digest_of
from qlikops.domain.proposals.evaluation import Evaluation, PolicyResult
from qlikops.domain.proposals.lasting import Aftermath
from qlikops.domain.proposals.proposal import RECORD_VERSION, Proposal

T = TypeVar("T")
RecordItem = Mapping[str, str | int]
"""Attribute -> text or whole number; the ledger has no other types."""


def read_record(item: RecordItem) -> ProposalRecord:
    """The record in `item`. A claim that cannot be read is left out: it is a courtesy, and nothing depends on it.

    Raises codec.NewerVersion for a record that a newer version wrote, and CodecError that names what cannot be read.
    """
    version = int(item.get(Attribute.VERSION) or RECORD_VERSION)
    if version > RECORD_VERSION:
        raise codec.NewerVersion(version)
    proposal = _value(Proposal, item, Attribute.PROPOSAL)
    if proposal is None:
        raise codec.CodecError("it holds no proposal")
    deadline, requested_at = item.get(INBOX_SORT), item.get(Attribute.REQUESTED_AT)
    try:
        status = Status.read(str(item.get(Attribute.STATUS, "")))
        updated_at = codec.parse_time(str(item.get(Attribute.UPDATED_AT, "")))
    except ValueError as exc:
        raise codec.CodecError(str(exc)) from exc
    return ProposalRecord(
        proposal=proposal,
        status=status,
        updated_at=updated_at,
        evaluation=_value(Evaluation, item, Attribute.EVALUATION),
        policy=_value(PolicyResult, item, Attribute.POLICY),
        digest=str(item.get(Attribute.DIGEST, "")),
        requested_at=codec.parse_time(str(requested_at)) if requested_at else None,
        deadline=None if deadline is None else datetime.fromtimestamp(int(deadline), UTC),
        decision=_value(Decision, item, Attribute.DECISION),
        outcome=_value(Outcome, item, Attribute.OUTCOME),
        claim=claim_in(item),
        lasting=_value(Aftermath, item, Attribute.LASTING),
        waits=_value(EndpointWait, item, Attribute.WAITS),
        reminded=_value(Reminded, item, Attribute.REMINDED),
        version=version,
    )


def claim_in(item: RecordItem) -> Claim | None:
    """The claim in a record's `item`; None for one that cannot be read: a person wrote it, perhaps with another
    version, not the workflow.
    """
    try:
        return _value(Claim, item, Attribute.CLAIM)
    except codec.CodecError:
        return None


def stored_digest(item: RecordItem) -> str:
    """The digest over what `item` holds, as it is written there: fields that this version doesn't know count too."""
    names = (Attribute.PROPOSAL, Attribute.EVALUATION, Attribute.POLICY)
    stored: list[Any] = [json.loads(str(item[name])) if item.get(name) else None for name in names]
    return digest_of(*stored)


def _value(cls: type[T], item: RecordItem, name: str) -> T | None:
    """The value in an attribute of JSON text; None if there is none."""
    try:
        return codec.loads(cls, str(item[name])) if item.get(name) else None
    except codec.NewerVersion:
        raise
    except codec.CodecError as exc:
        raise codec.CodecError(f"{name}: {exc}") from exc
