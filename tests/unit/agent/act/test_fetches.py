"""Whether what Enterprise Manager says was fetched after a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from qlikops.agent.act.fetches import READ_EVERY, Fetches
from qlikops.domain.fleet.task import Fetched, ServerHealth, TaskKey
from qlikops.qlik.errors import QemBusinessError, QemError, QemUnreachable
from qlikops.qlik.wire import ServerDetails
from tests.unit.agent.fakes import FakeClock

KEY = TaskKey("default", "replicate-1", "orders")
OTHER = TaskKey("default", "replicate-1", "customers")
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


class Says:
    """Enterprise Manager, with one time of its last fetch after another; the last one from then on."""

    def __init__(self, *said: int | QemError | None) -> None:
        self.said = list(said)
        self.asked = 0

    def server(self, server: str) -> ServerDetails:  # noqa: ARG002
        self.asked += 1
        said = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(said, QemError):
            raise said
        at = None if said is None else LONG_AGO + timedelta(seconds=said)
        return ServerDetails(ServerHealth(), None if at is None else Fetched(at, at))


def answers(says: Says, clock: FakeClock, since: datetime, looks: int) -> list[bool]:
    fetches, found = Fetches(clock), []
    for _ in range(looks):
        found.append(fetches.have_come(says, KEY, since))
        clock.now += READ_EVERY
    return found


def test_only_a_time_that_moves_tells(clock: FakeClock) -> None:
    assert answers(Says(7, 7, 8, 8), clock, clock.now, 4) == [False, False, True, True]


def test_a_fetch_may_have_come_before_the_moment_if_the_reading_before_it_did(clock: FakeClock) -> None:
    assert answers(Says(7, 8, 8, 9), clock, clock.now + READ_EVERY / 2, 4) == [False, False, False, True]


@pytest.mark.parametrize("said", [None, QemBusinessError("AEM_X", "you may not read that")])
def test_where_it_does_not_say_it_is_believed(clock: FakeClock, said: QemError | None) -> None:
    assert answers(Says(said), clock, clock.now, 2) == [True, True]


def test_silence_tells_nothing(clock: FakeClock) -> None:
    assert answers(Says(QemUnreachable("no answer"), 7, 8), clock, clock.now, 3) == [False, False, True]


def test_tasks_of_one_server_share_a_reading(clock: FakeClock) -> None:
    says, fetches = Says(7, 8), Fetches(clock)
    assert [fetches.have_come(says, each, clock.now) for each in (KEY, OTHER, KEY)] == [False] * 3
    assert says.asked == 1
