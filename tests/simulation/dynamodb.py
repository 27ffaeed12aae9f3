"""DynamoDB as its documentation has it, for one table with a sparse index: conditions, transactions, late indexes.

Modelled: expressions of conditions, filters, keys and updates; TransactWriteItems with cancellation reasons and
request tokens; consistent and eventually consistent reads; an index that lags; pages that end anywhere; BatchGetItem
that leaves keys unprocessed; the limits on items and keys; TTL that deletes late. Not modelled: other types than S and
N, projections, capacity (throttling is a fault).
Sources: the API reference of these operations, and in the Developer Guide "Expressions", "Transactions: how it works",
"Quotas". `docs/proof.md` says what is otherwise.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from botocore.exceptions import ClientError

from qlikops.domain.ledger import RECORD
from tests.simulation.kernel import Kernel

Wire = dict[str, dict[str, str]]
"""An item as it travels: attribute -> `{"S": …}` or `{"N": …}`."""
Key = tuple[str, str]
Test = Callable[[Wire, Mapping[str, str], Mapping[str, Any]], bool]
"""Whether an item, with names and values, passes."""

MOST_ITEM_BYTES = 400 * 1024
MOST_KEY_BYTES = {"pk": 2048, "sk": 1024}
MOST_ACTIONS = 100
MOST_TRANSACTION_BYTES = 4 * 1024 * 1024
CONFLICT_SECONDS = 0.02
"""How long a write takes: a transaction on the same item within this time may be cancelled because of it."""
TOKEN_SECONDS = 600.0
"""How long a ClientRequestToken makes a repeated transaction the same one."""
LATEST_TTL_SECONDS = 48 * 3600.0

_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_PLACEHOLDER = re.compile(r"[#:]\w+")
_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+]|[#:]?[A-Za-z_][\w]*)")


def error(code: str, operation: str, message: str = "", **more: Any) -> ClientError:
    """What botocore raises for an error answer."""
    return ClientError(
        cast(
            "Any",
            {
                "Error": {"Code": code, "Message": message or code},
                "ResponseMetadata": {"HTTPStatusCode": _STATUSES.get(code, 400)},
                **more,
            },
        ),
        operation,
    )


_STATUSES = {
    "304": 304,
    "AccessDenied": 403,
    "AuthorizationError": 403,
    "ConditionalRequestConflict": 409,
    "InternalError": 500,
    "InternalException": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InternalServiceError": 500,
    "NoSuchKey": 404,
    "PreconditionFailed": 412,
    "SlowDown": 503,
    "Throttled": 429,
}
"""HTTP statuses of errors, where they are not 400."""


@dataclass
class _Version:
    """A write to one item, and from when on it is seen by who reads late."""

    visible_at: float
    item: Wire | None


@dataclass
class DynamoDb:
    """One table with a sparse index over `inbox`, sorted by `deadline`."""

    kernel: Kernel
    table: str
    longest_lag: float = 5.0
    """Seconds by which an index or an eventually consistent read may lie behind."""
    index: str = "inbox"
    index_key: tuple[str, str] = ("inbox", "deadline")
    projected: tuple[str, ...] = ("row", "claim")
    items: dict[Key, Wire] = field(default_factory=dict)
    watchers: list[Callable[[Key, Wire | None, Wire | None], None]] = field(default_factory=list)
    """Called after each write with key, item before, item after: what invariants see of it."""
    contended: float = 0.0
    """Share of writes to a record that find somebody else's transaction on it."""
    contention: random.Random = field(default_factory=random.Random)
    """Says which ones, and for how long: of its own, so that the rest of a night is as it is."""
    last_writer: str = ""
    """The process whose write came last."""
    read_at: dict[tuple[str, Key], float] = field(default_factory=dict)
    """When each process got each item last, by its key."""
    _written: dict[Key, tuple[float, str]] = field(default_factory=dict)
    """When each item was written last, and by which process."""
    _late: dict[Key, list[_Version]] = field(default_factory=dict)
    _partitions: dict[str, set[Key]] = field(default_factory=dict)
    _ever_indexed: set[Key] = field(default_factory=set)
    _tokens: dict[str, tuple[float, Sequence[dict[str, Any]]]] = field(default_factory=dict)
    _contended_until: dict[Key, float] = field(default_factory=dict)

    @property
    def has_indexed(self) -> bool:
        """Whether the index has anything now, for whoever reads without any lag."""
        return any(self.index_key[0] in self.items.get(key, ()) for key in self._ever_indexed)

    def get_item(self, TableName: str, Key: Wire, ConsistentRead: bool = False, **request: Any) -> dict[str, Any]:
        self._check_table(TableName, "GetItem")
        _check_placeholders("GetItem", request)
        key = key_of(Key)
        self._note_read(key)
        item = self.items.get(key) if ConsistentRead else self._seen_late(key)
        return {"Item": dict(item)} if item is not None else {}

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:
        (name, request), *others = RequestItems.items()
        if others:
            raise error("ValidationException", "BatchGetItem", "one table is modelled")
        self._check_table(name, "BatchGetItem")
        _check_placeholders("BatchGetItem", request)
        keys: list[Wire] = request["Keys"]
        if not 0 < len(keys) <= 100:
            raise error("ValidationException", "BatchGetItem", "1 to 100 keys")
        if len({key_of(key) for key in keys}) != len(keys):
            raise error("ValidationException", "BatchGetItem", "Provided list of item keys contains duplicates")
        given = len(keys)
        if self.kernel.random.random() < 0.1:
            given = self.kernel.random.randint(0, len(keys))
        consistent = request.get("ConsistentRead", False)
        found = []
        for key in keys[:given]:
            if consistent:
                self._note_read(key_of(key))
            item = self.items.get(key_of(key)) if consistent else self._seen_late(key_of(key))
            if item is not None:
                found.append(dict(item))
        self.kernel.random.shuffle(found)
        answer: dict[str, Any] = {"Responses": {name: found}, "UnprocessedKeys": {}}
        if given < len(keys):
            answer["UnprocessedKeys"] = {name: {**request, "Keys": keys[given:]}}
        return answer

    def query(self, TableName: str, KeyConditionExpression: str, **request: Any) -> dict[str, Any]:
        self._check_table(TableName, "Query")
        _check_placeholders("Query", {"KeyConditionExpression": KeyConditionExpression, **request})
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        by_index = "IndexName" in request
        if by_index and request["IndexName"] != self.index:
            raise error("ValidationException", "Query", "The table does not have the specified index")
        if keyed := {"pk", "sk"} & set(_attributes(request.get("FilterExpression", ""), names)):
            raise error("ValidationException", "Query", f"A filter can only contain non-key attributes, not {keyed}")
        if by_index and request.get("ConsistentRead"):
            raise error(
                "ValidationException", "Query", "Consistent reads are not supported on global secondary indexes"
            )
        if by_index:
            candidates = self._indexed()
        else:
            # The key condition of a table always says which partition; the test below says it again.
            named = (value["S"] for value in values.values() if value.get("S") in self._partitions)
            keys = self._partitions.get(next(named, ""), set())
            candidates = self._sorted(keys, consistent=request.get("ConsistentRead", False))
        is_asked_for = compiled(KeyConditionExpression)
        rows = [(key, item) for key, item in candidates if is_asked_for(item, names, values)]
        if not request.get("ScanIndexForward", True):
            rows.reverse()
        if start := request.get("ExclusiveStartKey"):
            place = next((at for at, (key, _) in enumerate(rows) if key == key_of(start)), None)
            rows = rows[place + 1 :] if place is not None else self._after(rows, start, by_index=by_index)
        size = min(request.get("Limit", len(rows)), len(rows))
        if size > 1 and self.kernel.random.random() < 0.1:
            size = self.kernel.random.randint(1, size)
        # Who asks for no more than there is learns only by the next page that there is none.
        page, more = rows[:size], len(rows) > size or 0 < size == request.get("Limit")
        kept = [
            dict(item)
            for _, item in page
            if "FilterExpression" not in request or compiled(request["FilterExpression"])(item, names, values)
        ]
        answer: dict[str, Any] = {"Items": kept, "Count": len(kept), "ScannedCount": len(page)}
        if more:
            last = page[-1][1]
            attributes = {"pk", "sk", *(self.index_key if by_index else ())}
            answer["LastEvaluatedKey"] = {name: last[name] for name in sorted(attributes)}
        return answer

    def update_item(self, TableName: str, Key: Wire, UpdateExpression: str, **request: Any) -> dict[str, Any]:
        self._check_table(TableName, "UpdateItem")
        _check_placeholders("UpdateItem", {"UpdateExpression": UpdateExpression, **request})
        key = key_of(Key)
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        if self._is_being_written(key):
            raise error("TransactionConflictException", "UpdateItem", "Transaction is ongoing for the item")
        if not self._passes(key, request.get("ConditionExpression"), names, values):
            raise error("ConditionalCheckFailedException", "UpdateItem", "The conditional request failed")
        self._write(key, updated(self.items.get(key), key, UpdateExpression, names, values))
        return {}

    def transact_write_items(
        self,
        TransactItems: Sequence[dict[str, Any]],
        ClientRequestToken: str = "",
    ) -> dict[str, Any]:
        actions = [next(iter(action.items())) for action in TransactItems]
        keys = [key_of(body["Item"] if kind == "Put" else body["Key"]) for kind, body in actions]
        self._check_transaction(actions, keys)
        if ClientRequestToken and self._is_repeated(ClientRequestToken, TransactItems):
            return {}
        after: list[tuple[Key, Wire | None]] = []
        reasons = []
        for key, (kind, body) in zip(keys, actions, strict=True):
            code = "None"
            if self._is_being_written(key):
                code = "TransactionConflict"
            elif not self._passes(key, body.get("ConditionExpression"), *_spelt(body)):
                code = "ConditionalCheckFailed"
            elif kind != "ConditionCheck":
                item = self._after_action(key, kind, body)
                code = "ValidationError" if item and not self._fits(item) else code
                after.append((key, item))
            reasons.append({"Code": code})
        if any(reason["Code"] != "None" for reason in reasons):
            raise error(
                "TransactionCanceledException",
                "TransactWriteItems",
                f"Transaction cancelled [{', '.join(reason['Code'] for reason in reasons)}]",
                CancellationReasons=reasons,
            )
        for key, item in after:
            self._write(key, item)
        if ClientRequestToken:
            self._tokens[ClientRequestToken] = (self.kernel.now, TransactItems)
        return {}

    def _check_transaction(self, actions: Sequence[tuple[str, Mapping[str, Any]]], keys: Sequence[Key]) -> None:
        """Raises ClientError for what DynamoDB refuses without a look at the items."""
        operation = "TransactWriteItems"
        if not 0 < len(actions) <= MOST_ACTIONS:
            raise error("ValidationException", operation, "1 to 100 actions")
        if len(set(keys)) != len(keys):
            raise error(
                "ValidationException", operation, "Transaction request cannot include multiple operations on one item"
            )
        for _, body in actions:
            self._check_table(body["TableName"], operation)
            _check_placeholders(operation, body)
        put = [body["Item"] for kind, body in actions if kind == "Put"]
        for item in put:
            self._check_item(item, operation)
        if sum(map(_size, put)) > MOST_TRANSACTION_BYTES:
            raise error("ValidationException", operation, "The items of a transaction may not be larger than 4 MB")

    def _is_being_written(self, key: Key) -> bool:
        """Whether another process' write to the item has just been carried out, and is taken for under way still."""
        if self.contended and key[1] == RECORD and self._is_contended(key):
            return True
        at, who = self._written.get(key, (0.0, ""))
        is_close = self.kernel.now - at < CONFLICT_SECONDS and who != self.kernel.current_name
        return is_close and self.kernel.random.random() < 0.5

    def _is_contended(self, key: Key) -> bool:
        """Whether a transaction of which nothing is known otherwise is on the item."""
        now = self.kernel.now
        if now >= self._contended_until.get(key, 0.0) and self.contention.random() < self.contended:
            self._contended_until[key] = now + self.contention.choice([0.15, 0.6, 3.0])
        return now < self._contended_until.get(key, 0.0)

    def _is_repeated(self, token: str, asked: Sequence[dict[str, Any]]) -> bool:
        at, before = self._tokens.get(token, (0.0, None))
        if before is None or self.kernel.now - at >= TOKEN_SECONDS:
            return False
        if before != asked:
            raise error("IdempotentParameterMismatchException", "TransactWriteItems")
        return True

    def _after_action(self, key: Key, kind: str, body: Mapping[str, Any]) -> Wire | None:
        """The item as an action of a transaction leaves it."""
        match kind:
            case "Put":
                return dict(body["Item"])
            case "Delete":
                return None
            case "Update":
                return updated(self.items.get(key), key, body["UpdateExpression"], *_spelt(body))
        raise error("ValidationException", "TransactWriteItems", f"no such action: {kind}")

    def _passes(self, key: Key, condition: str | None, names: Mapping[str, str], values: Mapping[str, Any]) -> bool:
        return condition is None or compiled(condition)(self.items.get(key, {}), names, values)

    def _write(self, key: Key, item: Wire | None) -> None:
        self._check_item(item, "PutItem")
        if item is not None and not self._fits(item):
            raise error("ValidationException", "PutItem", "Type mismatch for Index Key")
        before = self.items.get(key)
        self._partitions.setdefault(key[0], set()).add(key)
        if item is not None and self.index_key[0] in item:
            self._ever_indexed.add(key)
        if item is None:
            self.items.pop(key, None)
        else:
            self.items[key] = item
        versions = self._late.setdefault(key, [_Version(0.0, before)])
        lag = self.kernel.random.random() ** 3 * self.longest_lag
        # Of one item, changes are seen in their order.
        versions.append(_Version(max(self.kernel.now + lag, versions[-1].visible_at), item))
        while len(versions) > 1 and versions[1].visible_at <= self.kernel.now:
            versions.pop(0)
        if item is not None and "ttl" in item:
            self._expire_later(key, int(item["ttl"]["N"]))
        self.last_writer = self.kernel.current_name
        self._written[key] = (self.kernel.now, self.last_writer)
        for watch in self.watchers:
            watch(key, before, item)

    def _expire_later(self, key: Key, ttl: int) -> None:
        def expire() -> None:
            item = self.items.get(key)
            if item is not None and "ttl" in item and int(item["ttl"]["N"]) <= self.kernel.now:
                self._write(key, None)

        late = self.kernel.random.random() ** 2 * LATEST_TTL_SECONDS
        self.kernel.at(max(float(ttl), self.kernel.now) + late, expire)

    def _note_read(self, key: Key) -> None:
        if not self.kernel.is_unheard:
            self.read_at[self.kernel.current_name, key] = self.kernel.now

    def _seen_late(self, key: Key) -> Wire | None:
        versions = self._late.get(key)
        if not versions:
            return self.items.get(key)
        return next(version.item for version in reversed(versions) if version.visible_at <= self.kernel.now)

    def _sorted(self, keys: Collection[Key], *, consistent: bool) -> list[tuple[Key, Wire]]:
        read = self.items.get if consistent else self._seen_late
        return [(key, item) for key in sorted(keys) if (item := read(key)) is not None]

    def _indexed(self) -> list[tuple[Key, Wire]]:
        partition, sort = self.index_key
        kept = {"pk", "sk", partition, sort, *self.projected}
        rows = [
            (key, {name: value for name, value in item.items() if name in kept})
            for key, item in self._sorted(self._ever_indexed, consistent=False)
            if partition in item and sort in item
        ]
        return sorted(rows, key=lambda row: (float(row[1][sort]["N"]), row[0]))

    def _after(self, rows: list[tuple[Key, Wire]], start: Wire, *, by_index: bool) -> list[tuple[Key, Wire]]:
        """The rows after a start key whose own row is gone by now."""

        def place(key: Key, item: Wire) -> tuple[float, Key]:
            return (float(item[self.index_key[1]]["N"]) if by_index else 0.0, key)

        return [row for row in rows if place(*row) > place(key_of(start), start)]

    def _check_table(self, name: str, operation: str) -> None:
        if name != self.table:
            raise error("ResourceNotFoundException", operation, f"Requested resource not found: Table: {name}")

    def _check_item(self, item: Wire | None, operation: str) -> None:
        """Raises ClientError for an item that is too large, or whose keys no table takes."""
        if item is None:
            return
        if _size(item) > MOST_ITEM_BYTES:
            raise error("ValidationException", operation, "Item size has exceeded the maximum allowed size")
        for name, most in MOST_KEY_BYTES.items():
            if not 0 < len(item[name].get("S", "").encode()) <= most:
                raise error("ValidationException", operation, f"The key {name} is empty, too long, or no text")

    def _fits(self, item: Wire) -> bool:
        """Whether an item is small enough, and the index takes its keys; if not, that cancels a transaction."""
        keys = zip(self.index_key, ("S", "N"), strict=True)
        return _size(item) <= MOST_ITEM_BYTES and all(item[name].get(kind) for name, kind in keys if name in item)


def key_of(item: Wire) -> Key:
    """Partition and sort key of an item."""
    return item["pk"]["S"], item["sk"]["S"]


def _size(item: Wire) -> int:
    """Bytes of names and values; of what is small by far, characters, since counting bytes takes time."""
    characters = sum(map(len, item)) + sum([len(text) for value in item.values() for text in value.values()])
    if characters < MOST_ITEM_BYTES // 8:
        return characters
    return sum(len(name) + len(text.encode()) for name, value in item.items() for text in value.values())


def _spelt(body: Mapping[str, Any]) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    return body.get("ExpressionAttributeNames", {}), body.get("ExpressionAttributeValues", {})


def _check_placeholders(operation: str, body: Mapping[str, Any]) -> None:
    """Raises ClientError where expressions use a name or value that is not given, or do not use one that is."""
    names, values = _spelt(body)
    for given, what in ((names, "ExpressionAttributeNames"), (values, "ExpressionAttributeValues")):
        if what in body and not given:
            raise error("ValidationException", operation, f"{what} must not be empty")
    used, spelt = _placeholders(*map(body.get, _EXPRESSIONS)), names.keys() | values.keys()
    if used != spelt:
        wrong = min(used ^ spelt)
        is_unused = wrong not in used
        raise error("ValidationException", operation, f"{wrong} is {'unused' if is_unused else 'not defined'}")


@functools.lru_cache(maxsize=512)
def _placeholders(*expressions: str | None) -> frozenset[str]:
    return frozenset(_PLACEHOLDER.findall(" ".join(filter(None, expressions))))


def _number_or_text(value: Mapping[str, str]) -> tuple[str, Any]:
    return ("N", float(value["N"])) if "N" in value else ("S", value["S"])


def updated(item: Wire | None, key: Key, expression: str, names: Mapping[str, str], values: Mapping[str, Any]) -> Wire:
    """`item` after an UpdateExpression of SET, REMOVE and ADD; made with its key where it is not there yet."""
    made: Wire = dict(item) if item is not None else {"pk": {"S": key[0]}, "sk": {"S": key[1]}}
    _check_paths(expression, names)
    for clause, body in re.findall(
        r"\b(SET|REMOVE|ADD|DELETE)\b\s+(.*?)(?=\s+(?:SET|REMOVE|ADD|DELETE)\b|\Z)", expression
    ):
        for part in body.split(","):
            match clause:
                case "SET":
                    name, _, value = (piece.strip() for piece in part.partition("="))
                    made[names.get(name, name)] = dict(values[value])
                case "REMOVE":
                    made.pop(names.get(part.strip(), part.strip()), None)
                case "ADD":
                    name, value = part.split()
                    attribute = names.get(name, name)
                    made[attribute] = {"N": str(int(made.get(attribute, {"N": "0"})["N"]) + int(values[value]["N"]))}
                case _:
                    raise error("ValidationException", "UpdateItem", f"{clause} is not modelled")
    return made


def _check_paths(expression: str, names: Mapping[str, str]) -> None:
    """Raises ClientError for an update that names an attribute twice, or one of the key."""
    changed = _attributes(expression, names)
    if len(set(changed)) < len(changed):
        raise error("ValidationException", "UpdateItem", "Two document paths overlap with each other")
    if {"pk", "sk"} & set(changed):
        raise error("ValidationException", "UpdateItem", "Cannot update attribute. This attribute is part of the key")


def _attributes(expression: str, names: Mapping[str, str]) -> list[str]:
    """The attributes that an expression names by placeholders, each as often as it does."""
    return [names[each] for each in _PLACEHOLDER.findall(expression) if each.startswith("#")]


@functools.lru_cache(maxsize=512)
def compiled(expression: str) -> Test:
    """A condition, key condition or filter as a test of items. Raises ClientError for what is no expression."""
    tokens = _tokens(expression)
    parser = _Parser(tokens, expression)
    test = parser.any_of()
    if parser.at != len(tokens):
        raise error("ValidationException", "Expression", f"syntax error in {expression!r} at {tokens[parser.at]!r}")
    return test


def _tokens(expression: str) -> list[str]:
    tokens, at = [], 0
    while at < len(expression.rstrip()):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise error("ValidationException", "Expression", f"syntax error in {expression!r} at {at}")
        tokens.append(match[1])
        at = match.end()
    return tokens


Operand = Callable[[Wire, Mapping[str, str], Mapping[str, Any]], tuple[str, Any] | None]


class _Parser:
    """Recursive descent: OR of AND of NOT of comparisons and functions."""

    def __init__(self, tokens: list[str], text: str) -> None:
        self.tokens, self.text, self.at = tokens, text, 0

    def any_of(self) -> Test:
        tests = [self.all_of()]
        while self._take("OR"):
            tests.append(self.all_of())
        return tests[0] if len(tests) == 1 else lambda *given: any(test(*given) for test in tests)

    def all_of(self) -> Test:
        tests = [self.one()]
        while self._take("AND"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda *given: all(test(*given) for test in tests)

    def one(self) -> Test:
        if self._take("NOT"):
            inner = self.one()
            return lambda *given: not inner(*given)
        if self._take("("):
            inner = self.any_of()
            self._expect(")")
            return inner
        if self._peek() in ("attribute_exists", "attribute_not_exists", "begins_with", "contains"):
            return self._function()
        left = self._operand()
        if self._take("IN"):
            self._expect("(")
            among = [self._operand()]
            while self._take(","):
                among.append(self._operand())
            self._expect(")")
            return lambda *given: (value := left(*given)) is not None and any(value == other(*given) for other in among)
        if self._take("BETWEEN"):
            low = self._operand()
            self._expect("AND")
            high = self._operand()
            return lambda *given: (
                _compared(low(*given), "<=", left(*given)) and _compared(left(*given), "<=", high(*given))
            )
        sign = self._next()
        right = self._operand()
        return lambda *given: _compared(left(*given), sign, right(*given))

    def _function(self) -> Test:
        name = self._next()
        self._expect("(")
        path = self._next()
        if name in ("begins_with", "contains"):
            self._expect(",")
            operand = self._operand()
            self._expect(")")
            holds = str.startswith if name == "begins_with" else str.__contains__

            def test(item: Wire, names: Mapping[str, str], values: Mapping[str, Any]) -> bool:
                text, part = item.get(names.get(path, path)), operand(item, names, values)
                return text is not None and "S" in text and part is not None and holds(text["S"], str(part[1]))

            return test
        self._expect(")")
        wanted = name == "attribute_exists"
        return lambda item, names, _: (names.get(path, path) in item) is wanted

    def _operand(self) -> Operand:
        token = self._next()
        if token.startswith(":"):
            return lambda _item, _names, values: _number_or_text(values[token])
        return lambda item, names, _: _number_or_text(item[name]) if (name := names.get(token, token)) in item else None

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self.at += 1
        if not token:
            raise error("ValidationException", "Expression", f"{self.text!r} ends too early")
        return token

    def _take(self, token: str) -> bool:
        if self._peek() == token:
            self.at += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise error("ValidationException", "Expression", f"{token!r} expected in {self.text!r} at {self._peek()!r}")


def _compared(left: tuple[str, Any] | None, sign: str, right: tuple[str, Any] | None) -> bool:
    """False where one is not there or the types differ, except that `<>` is true then."""
    if left is None or right is None or left[0] != right[0]:
        return sign == "<>"
    match sign:
        case "=":
            return bool(left == right)
        case "<>":
            return bool(left != right)
        case "<":
            return bool(left[1] < right[1])
        case "<=":
            return bool(left[1] <= right[1])
        case ">":
            return bool(left[1] > right[1])
        case ">=":
            return bool(left[1] >= right[1])
    raise error("ValidationException", "Expression", f"no such comparison: {sign}")
