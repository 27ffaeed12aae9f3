"""What is asked of AWS, as it goes out: calls, and writes to the ledger with the conditions that they carry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from tests.simulation.dynamodb import Key, Wire, compiled

_KIND = 5
"""Characters of a sort key that say what its item is."""
Changes = Mapping[Key, Wire | None]
"""Items as they might be instead; None for one that there is not."""


class Asked(NamedTuple):
    """One call."""

    who: str
    """The process."""
    operation: str
    """Under boto3's name."""
    request: Mapping[str, Any]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The details of the events that a PutEvents puts."""
        return [json.loads(entry["Detail"]) for entry in self.request["Entries"]]


@dataclass(frozen=True)
class Action:
    """One write, or check, of a call that writes."""

    kind: str
    """Put, Update, Delete or ConditionCheck."""
    body: Mapping[str, Any]

    @cached_property
    def key(self) -> Key:
        """Of its item."""
        item = self.body["Item"] if self.kind == "Put" else self.body["Key"]
        return item["pk"]["S"], item["sk"]["S"]

    @cached_property
    def sets(self) -> Wire:
        """The attributes that it gives values."""
        if self.kind == "Put":
            return dict(self.body["Item"])
        names, values = self.body.get("ExpressionAttributeNames", {}), self.body.get("ExpressionAttributeValues", {})
        found = re.findall(r"(#\w+) = (:\w+)", self.body.get("UpdateExpression", ""))
        return {names[name]: values[value] for name, value in found}

    @cached_property
    def removes(self) -> frozenset[str]:
        """The attributes that it takes away."""
        removed = re.search(r"REMOVE ([^:]*?)(?= SET | ADD |$)", self.body.get("UpdateExpression", ""))
        names = self.body.get("ExpressionAttributeNames", {})
        return frozenset(names[name.strip()] for name in removed[1].split(",")) if removed else frozenset()

    def holds(self, item: Wire | None) -> bool:
        """Whether its condition holds for its item."""
        condition = self.body.get("ConditionExpression")
        names, values = self.body.get("ExpressionAttributeNames", {}), self.body.get("ExpressionAttributeValues", {})
        return condition is None or compiled(condition)(item or {}, names, values)


@dataclass(frozen=True)
class Write:
    """What one call writes: all of it or nothing."""

    who: str
    actions: tuple[Action, ...]
    token: str
    """That makes the same call, sent once more, one call; empty if it has none."""
    items: Mapping[Key, Wire]
    """The ledger as the call goes out."""

    @property
    def shape(self) -> tuple[object, ...]:
        """What it is apart from its values."""
        who = self.who.partition("#")[0]
        return who, *((each.kind, each.key[1][:_KIND], each.body.get("ConditionExpression")) for each in self.actions)

    def of(self, sort: str, *kinds: str) -> Iterator[Action]:
        """Its actions of these kinds on items whose sort key begins so."""
        return (each for each in self.actions if each.kind in kinds and each.key[1].startswith(sort))

    def passes(self, changes: Changes) -> bool:
        """Whether it would be carried out if these items were as they are said to be."""
        return all(
            each.holds(changes[each.key]) if each.key in changes else holds
            for each, holds in zip(self.actions, self._holds, strict=True)
        )

    @cached_property
    def _holds(self) -> tuple[bool, ...]:
        """Whether each action would be carried out as the ledger is: asked once for all that might be."""
        return tuple(each.holds(self.items.get(each.key)) for each in self.actions)

    def but(self, key: Key, **changed: str | int | None) -> Changes:
        """The item at `key` with these attributes instead; None for those that it has not."""
        item = dict(self.items.get(key, {"pk": {"S": key[0]}, "sk": {"S": key[1]}}))
        for name, value in changed.items():
            item.pop(name, None)
            if value is not None:
                item[name] = {"N": str(value)} if isinstance(value, int) else {"S": value}
        return {key: item}


def actions_in(transaction: Mapping[str, Any]) -> tuple[Action, ...]:
    """What a TransactWriteItems writes and checks."""
    return tuple(Action(*next(iter(each.items()))) for each in transaction["TransactItems"])


def write_of(asked: Asked, items: Mapping[Key, Wire]) -> Write | None:
    """What a call writes to the ledger; None for one that does not."""
    if asked.operation == "update_item":
        return Write(asked.who, (Action("Update", asked.request),), "", items)
    if asked.operation != "transact_write_items":
        return None
    token = asked.request.get("ClientRequestToken", "")
    return Write(asked.who, actions_in(asked.request), token, items)
