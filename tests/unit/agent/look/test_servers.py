"""Which servers a run asks for their health, and what it remembers of the others."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.agent.look.servers import due, remembering
from qlikops.domain.fleet.task import Fetched, ServerFacts, ServerHealth, ServerState
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.qlik.reader import UNREADABLE
from tests.unit.agent.fleet import NOW, SERVER, after, poll


def servers(number: int) -> list[ServerFacts]:
    return [ServerFacts("default", f"s{each:02}", ServerState.MONITORED) for each in range(number)]


@pytest.mark.parametrize(("number", "every"), [(1, 12), (5, 12), (50, 12), (7, 3), (4, 1)])
def test_each_server_is_asked_every_so_many_runs_and_every_run_asks_as_few_as_that_takes(
    number: int, every: int
) -> None:
    listed, previous, asked = servers(number), None, Counter[str]()
    for run in range(5 * every):
        keys, now = due(listed, previous, every), NOW + run * timedelta(minutes=5)
        assert len(keys) <= -(-number // every)
        asked.update(key.server for key in keys)
        read = [replace(each, health=ServerHealth(9) if each.key in keys else None) for each in listed]
        previous = FleetSnapshot(now, "run", tuple(remembering(read, previous, now, now)), ())
    assert set(asked) == {each.name for each in listed}
    assert set(asked.values()) <= {4, 5}
    assert previous is not None
    assert all(each.health and each.health.license_days_left == 9 for each in previous.servers)


def test_what_could_not_be_read_is_asked_for_again_and_what_was_known_stays() -> None:
    known = replace(SERVER, health=ServerHealth(9, read_at=NOW, runs_ago=11))
    previous = FleetSnapshot(NOW, "run", (known,), ())
    assert due([SERVER], previous, 12) == [SERVER.key]
    (kept,) = remembering([SERVER], previous, NOW + timedelta(minutes=5), NOW + timedelta(minutes=5))
    assert kept.health == ServerHealth(9, read_at=NOW, runs_ago=12)
    assert due([SERVER], FleetSnapshot(NOW, "run", (kept,), ()), 12) == [SERVER.key]


def test_what_was_known_of_a_server_outlasts_an_outage_of_its_enterprise_manager() -> None:
    """Its clock may be hours behind ours, which only two readings tell."""
    west, health = timedelta(hours=-8), ServerHealth(99, read_at=NOW)
    away = ServerFacts("default", "default", ServerState.ERROR, error_code=UNREADABLE)
    snapshot = None
    for number in range(6):
        written = after(300 * number - 30) + west
        read = replace(SERVER, fetched=Fetched(written, written), health=None if number else health)
        listed = [away] if number in (3, 4) else [read]
        snapshot = poll(previous=snapshot, at=300 * number, servers=listed)
    assert snapshot
    assert snapshot.server_anomalies == ()
    assert snapshot.unread_servers == ()
    assert snapshot.servers[0].health
    assert snapshot.servers[0].health.license_days_left == 99


def test_it_may_be_switched_off() -> None:
    assert due(servers(3), None, 0) == []
