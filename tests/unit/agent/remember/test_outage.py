"""That monitoring fails is told once, and its end once, whoever tells what at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from qlikops.agent.remember.outage import Outages
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.table import Item, Put, Table
from qlikops.domain.encoding.codec import format_time
from qlikops.domain.ledger import OUTAGE, TTL, Attribute
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import START, FakeClock, create_table


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def table(clock: FakeClock) -> Table:
    client = ModelledAws(clock).client("dynamodb")
    return Table(client, create_table(client))


@pytest.fixture
def outages(table: Table, clock: FakeClock) -> Outages:
    return Outages(table, clock)


def run(minutes: int) -> Run:
    return Run(f"arn:{minutes}", f"run-{minutes}", format_time(START + timedelta(minutes=minutes)))


def ended(outages: Outages, minutes: int) -> Item:
    """What this run has ended."""
    found = outages.ended_by(run(minutes))
    assert found
    return found


def test_an_outage_is_known_until_a_run_that_began_after_it_has_worked(outages: Outages, clock: FakeClock) -> None:
    assert not outages.is_known()
    assert not outages.ended_by(run(0))

    outages.begin(run(3), lambda: False)  # by the topic; who follows events may have heard
    assert not outages.is_known()
    assert outages.ended_by(run(4))

    outages.begin(run(5), lambda: True)
    assert outages.is_known()
    assert not outages.ended_by(run(4))  # it began before the outage and waited through it

    assert outages.ended_by(run(10)) == outages.ended_by(run(15))  # who finds that tells of it, until one has
    outages.forget(ended(outages, 10))
    assert not outages.ended_by(run(15))
    assert not outages.is_known()
    outages.forget({Attribute.AT: "", TTL: 0})  # another run was first
    assert not outages.ended_by(run(15))

    outages.begin(run(20), lambda: True)
    clock.sleep(24 * 3600)
    assert not outages.is_known()  # whoever did nothing for so long is told again


def test_who_dies_while_telling_leaves_what_the_next_good_run_ends(outages: Outages) -> None:
    def dies() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outages.begin(run(3), dies)
    assert outages.ended_by(run(4))
    assert not outages.is_known()


def test_what_the_version_before_wrote_is_ended(outages: Outages, table: Table) -> None:
    table.commit(Put({"pk": OUTAGE, "sk": OUTAGE, Attribute.AT: format_time(START), Attribute.UNHEARD: 1, TTL: 7}))
    outages.forget(ended(outages, 3))
    assert not outages.ended_by(run(3))


ORDERS: dict[str, tuple[str, ...]] = {
    # What a failing run (f) and a good one (g) do, one after the other. The good run's forgetting comes last in each.
    "between writing and telling": ("f writes", "g reads", "f tells", "f keeps", "g tells", "g forgets"),
    "the end first": ("f writes", "g reads", "g tells", "f tells", "f keeps", "g forgets"),
    "forgotten in between": ("f writes", "g reads", "g tells", "g forgets", "f tells", "f keeps"),
    "forgotten just after telling": ("f writes", "g reads", "f tells", "g tells", "g forgets", "f keeps"),
}


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_what_is_told_at_the_same_moment_as_its_end_is_ended_by_a_later_run_and_told_by_a_later_failure(
    outages: Outages, clock: FakeClock, order: tuple[str, ...], heard: bool
) -> None:
    found: list[Item] = []
    steps: dict[str, Callable[[], object]] = {
        "g reads": lambda: found.append(ended(outages, 5)),
        "g forgets": lambda: outages.forget(found[0]),
    }
    inside = order[1 : order.index("f keeps")]
    after = order[order.index("f keeps") + 1 :]

    def do(names: tuple[str, ...]) -> None:
        for name in names:
            clock.sleep(0.01)
            steps.get(name, lambda: None)()

    def tell() -> bool:
        do(inside)
        return heard

    outages.begin(run(3), tell)
    do(after)
    assert outages.ended_by(run(6)), "a later good run would not tell its end"
    assert not outages.is_known(), "a later failure would not be told"


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize("minutes", [3, 4, 5])
def test_what_is_told_once_more_while_its_end_is_told_stays(
    outages: Outages, clock: FakeClock, minutes: int, heard: bool
) -> None:
    """By the same run, as its first invocation was not heard, or by another one."""
    outages.begin(run(3), lambda: False)
    found = ended(outages, 5)
    clock.sleep(0.01)
    outages.begin(run(minutes), lambda: heard)
    outages.forget(found)
    assert outages.ended_by(run(6))
    assert not outages.is_known()
