"""That monitoring fails is told once, and its end once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from qlikops.agent.remember.outage import Outages
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.table import Item, Table
from qlikops.domain.encoding.codec import format_time
from qlikops.domain.ledger import TTL, Attribute
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import START, create_table


def run(minutes: int) -> Run:
    return Run(f"arn:{minutes}", f"run-{minutes}", format_time(START + timedelta(minutes=minutes)))


@pytest.fixture
def outages() -> Outages:
    client = ModelledAws(lambda: START).client("dynamodb")
    return Outages(Table(client, create_table(client)))


def ended(outages: Outages, minutes: int) -> Item:
    """What this run has ended."""
    found = outages.ended_by(run(minutes))
    assert found
    return found


def test_an_outage_is_known_until_a_run_that_began_after_it_has_worked(outages: Outages) -> None:
    assert not outages.is_known(START)
    assert not outages.ended_by(run(0))

    outages.told(run(3), START, heard=False)  # by the topic; who follows events may have heard
    assert not outages.is_known(START)
    assert outages.ended_by(run(4))

    outages.told(run(5), START, heard=True)
    assert outages.is_known(START)
    assert not outages.is_known(START + timedelta(days=1))  # whoever did nothing for so long is told again
    assert not outages.ended_by(run(4))  # it began before the outage and waited through it

    assert outages.ended_by(run(10)) == outages.ended_by(run(15))  # who finds that tells of it, until one has
    outages.forget(ended(outages, 10))
    assert not outages.ended_by(run(15))
    assert not outages.is_known(START)
    outages.forget({Attribute.AT: "", TTL: 0})  # another run was first


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize(("minutes", "seconds"), [(3, 0), (3, 1), (4, 0), (5, 0)])
def test_what_was_told_while_the_end_was_told_stays(outages: Outages, minutes: int, seconds: int, heard: bool) -> None:
    """By the same run once more, as its first invocation was not heard, or by another one."""
    outages.told(run(3), START, heard=False)
    found = ended(outages, 5)
    outages.told(run(minutes), START + timedelta(seconds=seconds), heard=heard)
    outages.forget(found)
    is_the_same = (minutes, seconds, heard) == (3, 0, False)
    assert bool(outages.ended_by(run(6))) is not is_the_same
