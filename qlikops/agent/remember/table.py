"""DynamoDB in the ledger's verbs: plain items, conditions in words, and every write a transaction.

One way to write means one way to fail: a condition that does not hold is ConditionFailed, with the positions of the
writes that it hit. A table that is busy, or a conflict with somebody else's transaction, is tried again a few times.
"""

from __future__ import annotations

import random
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, field
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from qlikops.agent.transient import cancellation_reasons, is_busy
from qlikops.dataclass import dataclass
from qlikops.domain.errors import Throttled
from qlikops.domain.ledger import PARTITION, SORT

Item = dict[str, str | int]
"""Attribute name -> text or whole number; the ledger has no other types."""
Key = tuple[str, str]
"""Partition and sort key."""

_ATTEMPTS = 6
"""Attempts of one call, beyond those that botocore makes; then the invocation fails, and Step Functions retries it."""
_LONGEST_PAUSE = 2.0
_NAME = re.compile(r"#(\w+)")


class ConditionFailed(Exception):
    """Nothing was written: the conditions of the writes at `positions` do not hold."""

    def __init__(self, positions: Sequence[int]) -> None:
        super().__init__(f"conditions failed at {list(positions)}")
        self.positions = tuple(positions)


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression in DynamoDB's language, with `#name` for attributes and `:name` for `values`."""

    text: str
    values: Item = field(default_factory=dict)


ABSENT = Condition(f"attribute_not_exists(#{PARTITION})")
"""There is no such item yet."""
PRESENT = Condition(f"attribute_exists(#{PARTITION})")
"""There is such an item."""


@dataclass(frozen=True, slots=True)
class Put:
    """Writes a whole item."""

    item: Item
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Sets and removes attributes of an item."""

    key: Key
    values: Item
    remove: tuple[str, ...] = ()
    condition: Condition | None = None
    add: dict[str, int] = field(default_factory=dict)
    """Numbers to count up; one that is not there counts from 0."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes an item; one that is not there is removed already."""

    key: Key
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Writes nothing; what is written beside it is only where an item is as it must be."""

    key: Key
    condition: Condition


Write = Put | Update | Delete | Check


@dataclass(frozen=True)
class Table:
    """One DynamoDB table; `client` is boto3's."""

    client: Any
    name: str
    most_writes: ClassVar[int] = 100
    """Writes of one transaction that DynamoDB takes."""
    most_reads: ClassVar[int] = 100
    """Keys of one BatchGetItem that it takes."""
    _: KW_ONLY
    sleep: Callable[[float], None] = time.sleep
    rng: Callable[[], float] = random.random

    def get(self, key: Key, *, only: str = "") -> Item | None:
        """The item, or of a large one `only` the attribute of that name, read consistently."""
        request = {"TableName": self.name, "Key": _wire_key(key), "ConsistentRead": True}
        if only:
            request |= {"ProjectionExpression": f"#{only}", "ExpressionAttributeNames": {f"#{only}": only}}
        found = self._call(self.client.get_item, request).get("Item")
        return _plain(found) if found else None

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """The items that exist, read consistently. Raises Throttled if some are not given out."""
        wanted = list(dict.fromkeys(keys))
        items: dict[Key, Item] = {}
        fruitless = 0
        while wanted:
            batch, wanted = wanted[: self.most_reads], wanted[self.most_reads :]
            request = {self.name: {"Keys": [_wire_key(key) for key in batch], "ConsistentRead": True}}
            answer = self._call(self.client.batch_get_item, {"RequestItems": request})
            for wire in answer["Responses"].get(self.name, []):
                item = _plain(wire)
                items[str(item[PARTITION]), str(item[SORT])] = item
            left = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            fruitless = fruitless + 1 if len(left) == len(batch) else 0
            if fruitless == _ATTEMPTS:
                raise Throttled(f"the ledger gave out none of {len(left)} items, {_ATTEMPTS} times over")
            if left:
                wanted = [(key[PARTITION]["S"], key[SORT]["S"]) for key in left] + wanted
                self._pause(fruitless)
        return items

    def query(
        self,
        partition: str,
        prefix: str = "",
        *,
        keep: Condition | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        """The items of a partition whose sort key starts with `prefix`, in its order; `keep` filters."""
        request: dict[str, Any] = {
            "KeyConditionExpression": f"#{PARTITION} = :pk",
            "ExpressionAttributeNames": {f"#{PARTITION}": PARTITION},
            "ExpressionAttributeValues": _wire({":pk": partition}),
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
        }
        if prefix:
            request["KeyConditionExpression"] += f" AND begins_with(#{SORT}, :sk)"
            request["ExpressionAttributeNames"] |= {f"#{SORT}": SORT}
            request["ExpressionAttributeValues"] |= _wire({":sk": prefix})
        if keep:
            request["FilterExpression"] = keep.text
            request["ExpressionAttributeNames"] |= _names(keep.text)
            request["ExpressionAttributeValues"] |= _wire(keep.values)
        if limit:
            request["Limit"] = limit
        items: list[Item] = []
        for item in self._pages(request):
            items.append(item)
            if len(items) == limit:
                break
        return items

    def query_index(self, index: str, attribute: str, value: str) -> list[Item]:
        """What a sparse index holds under `value`, in its order; eventually consistent."""
        request = {
            "IndexName": index,
            "KeyConditionExpression": f"#{attribute} = :value",
            "ExpressionAttributeNames": {f"#{attribute}": attribute},
            "ExpressionAttributeValues": _wire({":value": value}),
        }
        return list(self._pages(request))

    def commit(self, *writes: Write) -> None:
        """All of `writes` or none, at most 100. Raises ConditionFailed."""
        request = {
            "TransactItems": [self._action(write) for write in writes],
            # One for all attempts: an attempt whose answer was lost is not refused by what it wrote itself.
            "ClientRequestToken": uuid.uuid4().hex,
        }
        try:
            self._call(self.client.transact_write_items, request)
        except ClientError as exc:
            failed = [
                index for index, reason in enumerate(cancellation_reasons(exc)) if reason == "ConditionalCheckFailed"
            ]
            if failed:
                raise ConditionFailed(failed) from exc
            raise

    def commit_each(self, *writes: Write) -> None:
        """Each write on its own terms, in as few calls as that takes; those whose condition fails are left out."""
        for start in range(0, len(writes), self.most_writes):
            chunk = list(writes[start : start + self.most_writes])
            while chunk:
                try:
                    self.commit(*chunk)
                    break
                except ConditionFailed as exc:
                    chunk = [write for index, write in enumerate(chunk) if index not in exc.positions]

    def _pages(self, request: dict[str, Any]) -> Iterator[Item]:
        start: dict[str, Any] = {}
        while True:
            answer = self._call(self.client.query, {"TableName": self.name, **request, **start})
            yield from map(_plain, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _call(self, operation: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        for attempt in range(1, _ATTEMPTS):
            try:
                return operation(**request)
            except ClientError as exc:
                if not is_busy(exc):
                    raise
            self._pause(attempt)
        return operation(**request)

    def _pause(self, attempt: int) -> None:
        self.sleep(self.rng() * min(_LONGEST_PAUSE, 0.05 * 2**attempt))

    def _action(self, write: Write) -> dict[str, Any]:
        action: dict[str, Any] = {"TableName": self.name}
        expression, values = "", dict[str, str | int]()
        match write:
            case Put(item=item):
                kind = "Put"
                action["Item"] = _wire(item)
            case Delete(key=key):
                kind = "Delete"
                action["Key"] = _wire_key(key)
            case Check(key=key):
                kind = "ConditionCheck"
                action["Key"] = _wire_key(key)
            case Update(key=key, values=changes, remove=remove, add=amounts):
                kind = "Update"
                action["Key"] = _wire_key(key)
                clauses = {
                    "SET": [f"#{name} = :set_{name}" for name in changes],
                    "REMOVE": [f"#{name}" for name in remove],
                    "ADD": [f"#{name} :add_{name}" for name in amounts],
                }
                expression = " ".join(f"{clause} {', '.join(each)}" for clause, each in clauses.items() if each)
                action["UpdateExpression"] = expression
                values = {f":set_{name}": value for name, value in changes.items()}
                values |= {f":add_{name}": amount for name, amount in amounts.items()}
        if write.condition:
            action["ConditionExpression"] = write.condition.text
            expression += f" {write.condition.text}"
            values |= write.condition.values
        if expression:
            action["ExpressionAttributeNames"] = _names(expression)
        if values:
            action["ExpressionAttributeValues"] = _wire(values)
        return {kind: action}


def _names(expression: str) -> dict[str, str]:
    return {f"#{name}": name for name in _NAME.findall(expression)}


def _wire_key(key: Key) -> dict[str, Any]:
    return _wire({PARTITION: key[0], SORT: key[1]})


def _wire(item: Item) -> dict[str, Any]:
    return {
        str(name): {"N": str(value)} if isinstance(value, int) else {"S": str(value)} for name, value in item.items()
    }


def _plain(wire: dict[str, Any]) -> Item:
    return {name: int(value["N"]) if "N" in value else value["S"] for name, value in wire.items()}
