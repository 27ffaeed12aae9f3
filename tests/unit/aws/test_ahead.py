"""The process that asks for the first inbox while the console loads."""

from __future__ import annotations

import multiprocessing
import os

import pytest

from qlikops.agent.remember.ledger import Ledger
from qlikops.aws.ahead import FRESH_SECONDS, Ahead
from qlikops.aws.environment import AwsEnvironment
from qlikops.aws.session import Resources
from qlikops.config import Context, LocalConnection, Settings
from qlikops.domain.errors import NotFound, Offline
from tests.embedded import REGION, EmbeddedAws
from tests.unit.aws.conftest import ID, MACHINE, wait_for_approval

# The console has no threads yet when it forks; pytest has.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def local(endpoint: str, table: str) -> Context:
    status = LocalConnection(endpoint, REGION, "qlikops", MACHINE, table, "data")
    return Context("local", Settings(region=REGION, endpoint_url=endpoint), local=status)


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


def test_the_first_waiting_is_what_was_found_ahead_and_the_next_is_asked_for(
    embedded_aws: EmbeddedAws, table: str, ledger: Ledger
) -> None:
    wait_for_approval(ledger)
    client = embedded_aws.client("dynamodb")
    environment = AwsEnvironment(local(embedded_aws.endpoint, table))
    environment.ask_ahead()
    for process in multiprocessing.active_children():
        process.join()
    client.delete_table(TableName=table)
    assert [row.approval_id for row in environment.approvals.waiting()] == [ID]
    with pytest.raises(NotFound):
        environment.approvals.waiting()


def test_it_finds_what_the_stack_made_too(embedded_aws: EmbeddedAws, table: str, ledger: Ledger) -> None:
    wait_for_approval(ledger)
    ahead = Ahead(local(embedded_aws.endpoint, table))
    answer = ahead.answer()
    assert answer is not None
    assert answer.resources == Resources(MACHINE, table, "data")
    assert [row.approval_id for row in answer.rows] == [ID]


def test_an_answer_that_is_old_by_now_is_none(embedded_aws: EmbeddedAws, table: str) -> None:
    seconds = [0.0]
    ahead = Ahead(local(embedded_aws.endpoint, table), monotonic=lambda: seconds[0])
    seconds[0] = FRESH_SECONDS + 0.1
    assert ahead.answer() is None


def test_what_it_could_not_find_is_asked_for_and_fails_in_the_ordinary_words() -> None:
    nowhere = local("http://127.0.0.1:9", "ledger")
    assert Ahead(nowhere).answer() is None
    environment = AwsEnvironment(nowhere)
    environment.ask_ahead()
    with pytest.raises(Offline):
        environment.approvals.waiting()
