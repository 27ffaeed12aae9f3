"""Ledger items, as DynamoDB returns them, to domain values. Only texts and whole numbers occur in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from qlikops.domain.encoding import codec
from qlikops.domain.errors import QlikopsError, RecordTooNew
from qlikops.domain.ledger import INBOX_SORT, PARTITION, SORT, Attribute, approval_partition
from qlikops.domain.proposals.approval import Claim, EarlierResults, HistoryLine, InboxRow, ProposalRecord
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.proposals.lasting import TaskLasting
from qlikops.domain.proposals.record import read_record, stored_digest

T = TypeVar("T")
WireItem = Mapping[str, Any]


def key(partition: str, sort: str) -> dict[str, Any]:
    """A primary key on the wire."""
    return {PARTITION: {"S": partition}, SORT: {"S": sort}}


def text(item: WireItem, attribute: str) -> str:
    """The text of an attribute; empty where there is none."""
    return str(item.get(attribute, {}).get("S", ""))


def number(item: WireItem, attribute: str) -> int | None:
    """The whole number of an attribute."""
    value = item.get(attribute, {}).get("N")
    return None if value is None else int(float(value))


def value(cls: type[T], item: WireItem, attribute: str) -> T | None:
    """The domain value in an attribute of JSON text; None where there is none."""
    written = text(item, attribute)
    if not written:
        return None
    try:
        return codec.loads(cls, written)
    except codec.NewerVersion as exc:
        raise too_new(text(item, PARTITION), exc.version) from exc
    except codec.CodecError as exc:
        raise QlikopsError(f"The ledger's {attribute} of {text(item, PARTITION)} cannot be read: {exc}") from exc


def approval(item: WireItem, now: datetime) -> ProposalRecord:
    """The approval in a RECORD item, without a claim that has run out.

    Raises RecordTooNew for one that a newer version wrote.
    """
    where = text(item, PARTITION) or "record"
    try:
        record = read_record(_plain(item))
    except codec.NewerVersion as exc:
        raise too_new(where, exc.version) from exc
    except codec.CodecError as exc:
        raise QlikopsError(f"The ledger's {where} cannot be read: {exc}") from exc
    if approval_partition(record.approval_id) != where:
        # Deciding on it would be deciding on something else than its row said.
        raise QlikopsError(f"The ledger's {where} holds another's proposal, {record.approval_id}.")
    return replace(record, claim=_unless_over(record.claim, now))


def inbox_row(item: WireItem, now: datetime) -> InboxRow:
    """The row in an item of the inbox index.

    One that cannot be read is a row all the same, with what the index itself says: it must not hide what else waits,
    nor that it waits. Its record says what is wrong.
    """
    try:
        row = value(InboxRow, item, Attribute.ROW) or _unreadable_row(item, "cannot be read")
    except RecordTooNew:
        row = _unreadable_row(item, "of a newer qlikops, update this one")
    except QlikopsError:
        row = _unreadable_row(item, "cannot be read")
    return replace(row, claim=_claim(item, now))


def _unreadable_row(item: WireItem, why: str) -> InboxRow:
    """A row in place of one that cannot be read; equal at every reading. It has no digest, so the console takes no
    answer to it.
    """
    approval_id = text(item, PARTITION).removeprefix(approval_partition(""))
    deadline = datetime.fromtimestamp(number(item, INBOX_SORT) or 0, UTC)
    words = f"{why}: {approval_id}"
    return InboxRow(
        approval_id=approval_id,
        label=words,
        title=words,
        kind="",
        severity="critical",
        action="",
        verdict="",
        risk="",
        confidence=None,
        evaluator="",
        task_count=0,
        requested_at=deadline,  # nobody knows
        deadline=deadline,
        digest="",
    )


def history_line(item: WireItem) -> HistoryLine | None:
    """The line in an item of a task's history, with how the task fell over later; None if it holds none."""
    line = value(HistoryLine, item, Attribute.BODY)
    return replace(line, lasting=value(TaskLasting, item, Attribute.LASTING)) if line else None


def track_record(item: WireItem) -> EarlierResults:
    """The counts in an item of a TRACK# partition."""
    evaluator, _, verdict = text(item, SORT).rpartition("/")
    try:
        said = Verdict.read(verdict)
    except ValueError as exc:
        raise QlikopsError(f"The ledger's {text(item, PARTITION)} cannot be read: {exc}") from exc
    names = (Attribute.TRIED, Attribute.RECOVERED, Attribute.DENIED, Attribute.LASTED, Attribute.FELL_OVER)
    return EarlierResults(evaluator, said, *(number(item, name) or 0 for name in names))


def digest(item: WireItem) -> str:
    """The digest over what a RECORD item holds, as it is written there."""
    return stored_digest(_plain(item))


def too_new(what: str, version: int) -> RecordTooNew:
    """The error for what a newer qlikops wrote, whatever else is the matter with it."""
    return RecordTooNew(f"{what} was written by a newer qlikops (record version {version}).", "Update qlikops.")


def _plain(item: WireItem) -> dict[str, str | int]:
    """The texts and whole numbers of `item` by attribute."""
    return {name: each["S"] if "S" in each else int(float(each["N"])) for name, each in item.items()}


def _claim(item: WireItem, now: datetime) -> Claim | None:
    try:
        return _unless_over(value(Claim, item, Attribute.CLAIM), now)
    except QlikopsError:
        # Written by somebody's console, perhaps of another version; it is a courtesy, nothing depends on it.
        return None


def _unless_over(claim: Claim | None, now: datetime) -> Claim | None:
    """The brake does not run out, whatever time it has for versions that know no brake."""
    return claim if claim is not None and (claim.brake or claim.until > now) else None
