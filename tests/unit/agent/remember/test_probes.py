"""How often an endpoint may be tested, on the modelled DynamoDB: whatever overlaps, dies or comes late."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from qlikops.agent.remember.probes import ProbeLedger, slots
from qlikops.agent.remember.table import Table
from qlikops.domain.fleet.endpoint import EndpointKey, Probe, ProbeAnswer
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import FakeClock, create_table

ORACLE = EndpointKey("default", "replicate-1", "ORA/PROD")
OTHER = EndpointKey("default", "replicate-1", "SNOWFLAKE")


@pytest.fixture
def probes(clock: FakeClock) -> ProbeLedger:
    database = ModelledAws(clock).client("dynamodb")
    return ProbeLedger(Table(database, create_table(database), sleep=clock.sleep), clock)


def test_an_endpoint_is_tested_so_often_in_any_hour_and_no_more(probes: ProbeLedger, clock: FakeClock) -> None:
    taken = []
    for _ in range(40):
        if probes.take(ORACLE, slots(3)):
            taken.append(clock())
        clock.sleep(420)
    assert len(taken) > 10
    assert all(fourth - first >= timedelta(hours=1) for first, fourth in zip(taken, taken[3:], strict=False))


def test_endpoints_are_counted_apart(probes: ProbeLedger) -> None:
    assert [bool(probes.take(ORACLE, slots(1))) for _ in range(2)] == [True, False]
    assert probes.take(OTHER, slots(1))


def test_side_by_side_there_are_no_more(probes: ProbeLedger) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = [sort for sort in pool.map(lambda _: probes.take(ORACLE, slots(3)), range(8)) if sort]
    assert len(taken) == len(set(taken)) == 3


def test_a_refused_login_is_not_tried_again_within_an_hour_of_the_last_time_it_was_seen(
    probes: ProbeLedger, clock: FakeClock
) -> None:
    assert probes.take(ORACLE, slots(3))
    for _ in range(3):
        probes.bar(ORACLE, slots(3))
        clock.sleep(1800)
        assert not probes.take(ORACLE, slots(3))
    clock.sleep(1800)
    assert probes.take(ORACLE, slots(3))


def test_a_bar_that_arrives_late_shortens_nothing(probes: ProbeLedger, clock: FakeClock) -> None:
    probes.bar(ORACLE, slots(3))
    clock.sleep(-600)
    probes.bar(ORACLE, slots(3))
    clock.sleep(600 + 3599)
    assert not probes.take(ORACLE, slots(3))


def test_the_newest_answer_is_known_as_long_as_its_item_is(probes: ProbeLedger, clock: FakeClock) -> None:
    assert probes.newest(ORACLE) is None
    for answer in (ProbeAnswer.ERROR, ProbeAnswer.CONNECTED):
        clock.sleep(60)
        probes.keep(probes.take(ORACLE, slots(3)), Probe(ORACLE, answer, clock(), "said"))
    found = probes.newest(ORACLE)
    assert found is not None
    assert (found.answer, found.at) == (ProbeAnswer.CONNECTED, clock())
    assert probes.newest(OTHER) is None
