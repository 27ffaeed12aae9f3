"""That a run still does its work once the ledger has forgotten what it keeps for a time: records after 90 days."""

from __future__ import annotations

import pytest

from qlikops.domain.ledger import RECORD
from tests.simulation.living import live_through
from tests.simulation.night import draw
from tests.simulation.plant import MACHINE_ARN, World, without_threads

DAY = 86400.0


def runs_after(world: World, days: float) -> str:
    """The status of a run that is started so many days later."""
    world.kernel.run(world.kernel.now + days * DAY)
    arn: str = world.states.start_execution(MACHINE_ARN, f"{days:.0f}-days-later", "{}")["executionArn"]
    world.kernel.run(world.kernel.now + DAY)
    return world.states.executions[arn].status


@pytest.mark.parametrize("seed", range(1_610_000, 1_610_004))
def test_a_run_succeeds_when_all_that_was_kept_for_a_time_is_gone(seed: int) -> None:
    with without_threads():
        world = live_through(draw(seed)).world
        assert world is not None
        earlier = {key for key in world.dynamodb.items if key[1] == RECORD}
        assert runs_after(world, 35) == "SUCCEEDED"  # without what is kept of restarts, for 30 days
        assert earlier <= world.dynamodb.items.keys()
        assert runs_after(world, 65) == "SUCCEEDED"
        assert earlier
        assert not earlier & world.dynamodb.items.keys()
