"""What the agent's tests share."""

from __future__ import annotations

from typing import Any

import pytest

from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.table import Table
from tests.embedded import EmbeddedAws
from tests.unit.agent.fakes import FakeClock, create_table


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="module")
def database(embedded_aws: EmbeddedAws) -> Any:
    """The embedded AWS's DynamoDB."""
    return embedded_aws.client("dynamodb")


@pytest.fixture
def table(database: Any) -> str:
    """A ledger table of this test's own."""
    return create_table(database)


@pytest.fixture
def ledger(database: Any, table: str, clock: FakeClock) -> Ledger:
    return Ledger(Table(database, table, sleep=clock.sleep, rng=lambda: 0.5), clock)
