"""A busy DynamoDB is asked again, for a while and not in step with everybody else; what was refused is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qlikops.agent.remember.table import ABSENT, ConditionFailed, Delete, Item, Key, Put, Table
from qlikops.domain.errors import Throttled

ATTEMPTS = 6
KEY: Key = ("TASK#a", "LEASE")
ITEM: Item = {"pk": "TASK#a", "sk": "LEASE", "proposal_id": "1"}


def refused(code: str, *reasons: str) -> ClientError:
    """As boto3 raises it; `reasons` of a cancelled transaction, by position."""
    answer: Any = {"Error": {"Code": code, "Message": ""}}
    if reasons:
        answer["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(answer, "Operation")


class Busy:
    """A real DynamoDB client whose next calls fail as told, before they are sent or after they were carried out."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.errors: list[ClientError] = []
        self.lost_answers: list[ClientError] = []
        self.withheld: list[int] = []
        """How many keys the next batch reads leave unprocessed."""
        self.calls: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls.append(request)
            if self.errors:
                raise self.errors.pop(0)
            answer = getattr(self._client, name)(**request)
            if self.lost_answers:
                raise self.lost_answers.pop(0)
            return answer

        return call

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - boto3's name
        ((name, request),) = RequestItems.items()
        self.calls.append(request)
        keys, left = request["Keys"], []
        if self.withheld:
            count = self.withheld.pop(0)
            keys, left = keys[: len(keys) - count], keys[len(keys) - count :]
        answer = (
            self._client.batch_get_item(RequestItems={name: {**request, "Keys": keys}}) if keys else {"Responses": {}}
        )
        return {**answer, "UnprocessedKeys": {name: {"Keys": left}} if left else {}}


@pytest.fixture
def busy(database: Any) -> Busy:
    return Busy(database)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def ledger_table(busy: Busy, table: str, pauses: list[float]) -> Table:
    return Table(busy, table, sleep=pauses.append, rng=lambda: 1.0)


CALLS: dict[str, Callable[[Table], object]] = {
    "get": lambda table: table.get(KEY),
    "query": lambda table: table.query(KEY[0], KEY[1]),
    "commit": lambda table: table.commit(Put(ITEM)),
}
PASSING = [
    refused("ProvisionedThroughputExceededException"),
    refused("ThrottlingException"),
    refused("RequestLimitExceeded"),
    refused("InternalServerError"),
    refused("TransactionConflictException"),
    refused("TransactionInProgressException"),
    refused("TransactionCanceledException", "None", "TransactionConflict"),
    refused("TransactionCanceledException", "ThrottlingError", "ProvisionedThroughputExceeded"),
]
LASTING = [
    refused("AccessDeniedException"),
    refused("ValidationException"),
    refused("TransactionCanceledException", "ItemCollectionSizeLimitExceeded"),
    refused("TransactionCanceledException", "TransactionConflict", "ValidationError"),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_passes_is_tried_again(
    ledger_table: Table, busy: Busy, pauses: list[float], call: Callable[[Table], object], error: ClientError
) -> None:
    busy.errors = [error] * (ATTEMPTS - 1)

    call(ledger_table)

    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert len(busy.calls) == ATTEMPTS


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_not_for_ever(ledger_table: Table, busy: Busy, call: Callable[[Table], object]) -> None:
    busy.errors = [refused("ThrottlingException")] * 100

    with pytest.raises(ClientError, match="ThrottlingException"):
        call(ledger_table)

    assert len(busy.calls) == ATTEMPTS


@pytest.mark.parametrize("error", LASTING, ids=str)
def test_what_does_not_pass_is_not(ledger_table: Table, busy: Busy, pauses: list[float], error: ClientError) -> None:
    busy.errors = [error]

    with pytest.raises(ClientError):
        ledger_table.commit(Put(ITEM))

    assert (len(busy.calls), pauses) == (1, [])


def test_pauses_are_shortened_at_random(busy: Busy, table: str, pauses: list[float]) -> None:
    busy.errors = [refused("ThrottlingException")] * 2
    shares = iter([0.25, 0.5])

    Table(busy, table, sleep=pauses.append, rng=lambda: next(shares)).get(KEY)

    assert pauses == [0.025, 0.1]


def test_a_condition_that_fails_is_not_tried_again(ledger_table: Table, busy: Busy) -> None:
    ledger_table.commit(Put(ITEM))

    with pytest.raises(ConditionFailed) as failed:
        ledger_table.commit(Delete(("TASK#b", "LEASE")), Put(ITEM, ABSENT))

    assert failed.value.positions == (1,)
    assert len(busy.calls) == 2


def test_a_write_that_went_through_unanswered_is_not_refused_by_itself(ledger_table: Table, busy: Busy) -> None:
    busy.lost_answers = [refused("InternalServerError")]

    ledger_table.commit(Put(ITEM, ABSENT))

    assert len({call["ClientRequestToken"] for call in busy.calls}) == 1
    assert ledger_table.get(KEY) == ITEM


def test_what_a_batch_leaves_out_is_asked_for_again(ledger_table: Table, busy: Busy, pauses: list[float]) -> None:
    keys: list[Key] = [(f"TASK#{number:03}", "LEASE") for number in range(150)]
    for start in (0, 100):
        ledger_table.commit(*(Put({"pk": pk, "sk": sk}) for pk, sk in keys[start : start + 100]))
    busy.calls.clear()
    busy.withheld = [60, 100, 99, 0]

    found = ledger_table.get_many(keys)

    assert set(found) == set(keys)
    assert [len(call["Keys"]) for call in busy.calls] == [100, 100, 100, 100, 9]
    assert len(pauses) == 3


def test_a_batch_that_never_gives_anything_out_is_given_up(
    ledger_table: Table, busy: Busy, pauses: list[float]
) -> None:
    busy.withheld = [1] * 100

    with pytest.raises(Throttled):
        ledger_table.get_many([KEY])

    assert len(busy.calls) == ATTEMPTS
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6]
