"""That monitoring fails is told once, and its end once."""

from __future__ import annotations

from datetime import timedelta

from qlikops.agent.remember.outage import Outages
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.table import Table
from qlikops.domain.encoding.codec import format_time
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import START, create_table


def run(minutes: int) -> Run:
    return Run(f"arn:{minutes}", f"run-{minutes}", format_time(START + timedelta(minutes=minutes)))


def test_an_outage_is_known_until_a_run_that_began_after_it_has_worked() -> None:
    client = ModelledAws(lambda: START).client("dynamodb")
    outages = Outages(Table(client, create_table(client)))
    assert not outages.is_known(START)
    assert not outages.is_over(run(0))

    outages.told(run(3), START, heard=False)  # by the topic; who follows events may have heard
    assert not outages.is_known(START)
    assert outages.is_over(run(4))

    outages.told(run(5), START, heard=True)
    assert outages.is_known(START)
    assert not outages.is_known(START + timedelta(days=1))  # whoever did nothing for so long is told again
    assert not outages.is_over(run(4))  # it began before the outage and waited through it

    assert outages.is_over(run(10))
    assert outages.is_over(run(15))  # whoever finds that tells of it, until one has
    outages.forget(run(4))
    assert outages.is_known(START)
    outages.forget(run(10))
    assert not outages.is_over(run(15))
    assert not outages.is_known(START)
