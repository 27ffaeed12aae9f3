"""The one attribute of a record that people write: a claim, or the brake of what is being restarted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from qlikops.aws import records
from qlikops.aws.session import Connection
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import INBOX_PARTITION, PARTITION, RECORD, Attribute, approval_partition
from qlikops.domain.proposals.approval import PULLED, Claim

_SHOWN_FOR = timedelta(hours=2)
"""A brake, as a claim, to versions that know no brake. Where it is known, it does not expire."""
_TRIES = 5
_PAUSE = 0.1
"""Seconds between them: a transaction on the record is over in a fraction of that."""


def brake_of(caller: str, now: datetime) -> Claim:
    """The brake that `caller` pulls."""
    return Claim(by=caller, until=now + _SHOWN_FOR, brake=True)


def write_claim(connection: Connection, approval_id: str, claim: Claim, sleep: Callable[[float], None]) -> bool:
    """Whether it was written: a brake on any record that there is, a claim only on one that waits and has no brake.

    A claim in place of a brake would let go of it. Tries again while the workflow moves the record on, or starts one of
    its tasks. Raises what the client raises.
    """
    names, values = {"#claim": Attribute.CLAIM.value}, {":claim": codec.dumps(claim)}
    if claim.brake:
        condition, names["#pk"] = "attribute_exists(#pk)", PARTITION
    else:
        condition = "attribute_exists(#inbox) AND NOT contains(#claim, :pulled)"
        names["#inbox"], values[":pulled"] = INBOX_PARTITION, PULLED
    return _update(connection, approval_id, "SET #claim = :claim", condition, names, values, sleep)


def remove_claim(connection: Connection, approval_id: str, by: str, sleep: Callable[[float], None]) -> None:
    """Removes the claim that `by` made, and no brake; one that is not there any more, or another's by now, is no error.

    An SDK that repeats a call whose answer was lost finds what it has removed itself. Raises what the client raises.
    """
    condition = "contains(#claim, :mine) AND NOT contains(#claim, :pulled)"
    values = {":mine": codec.dumps({"by": by})[1:-1], ":pulled": PULLED}
    names = {"#claim": Attribute.CLAIM.value}
    _update(connection, approval_id, "REMOVE #claim", condition, names, values, sleep)


def _update(
    connection: Connection,
    approval_id: str,
    update: str,
    condition: str,
    names: Mapping[str, str],
    values: Mapping[str, str],
    sleep: Callable[[float], None],
) -> bool:
    """Whether the condition held. Tries again while a transaction is on the record."""
    client = connection.dynamodb
    for left in reversed(range(_TRIES)):
        try:
            client.update_item(
                TableName=connection.resources.table,
                Key=records.key(approval_partition(approval_id), RECORD),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        except client.exceptions.TransactionConflictException:
            if not left:
                raise
            sleep(_PAUSE)
        else:
            return True
    return False
