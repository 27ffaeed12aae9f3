"""Nights in which somebody has an endpoint waited for, and what finds that a call went out too early."""

from __future__ import annotations

import pytest

from qlikops.agent.act.endpoint_wait import Waiter
from tests.simulation.living import Lived, live_through
from tests.simulation.night import LARGE, Habit, draw
from tests.simulation.plant import without_threads

SEED = 659
"""A person waits in it several times, and that ends in more than one way."""


def lived() -> Lived:
    with without_threads():
        return live_through(draw(SEED, LARGE))


def test_a_night_has_waits_that_end_in_more_than_one_way() -> None:
    night = lived()
    assert any(Habit.WAITS in each.habits for each in draw(SEED, LARGE).operators)
    assert not night.violation
    assert night.reached["wait WaitForEndpoint"] > 1
    assert len([what for what in night.reached if what.startswith("waited ")]) > 1


def test_who_does_not_wait_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Waiter, "look", lambda *_, **__: None)
    assert lived().violation.startswith("nothing is sent before the endpoint answers")
