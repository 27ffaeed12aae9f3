"""Every task behind one source restarted, however many there are: in virtual time, part by part."""

from __future__ import annotations

import os

import pytest

from qlikops.agent.propose.correlation import TARGETS_LIMIT
from qlikops.domain.proposals.approval import Status
from tests.unit.agent.act.restarted import Restarted, lost_source

PARTS = int(os.environ.get("LARGE", "500")) // TARGETS_LIMIT
"""`make nightly` restarts 5,000 tasks."""


@pytest.mark.parametrize("part", range(PARTS))
def test_all_tasks_of_a_part_come_up_and_each_is_run_once(part: int) -> None:
    group = Restarted(lost_source(TARGETS_LIMIT, first=part * TARGETS_LIMIT))
    began = group.clock.now

    outcome = group.to_the_end(120)

    assert outcome.status is Status.RESTARTED
    assert len(outcome.targets) == TARGETS_LIMIT
    assert sorted(group.runs()) == sorted({target.key.task for target in outcome.targets})
    assert (group.clock.now - began).total_seconds() <= 1.3 * 4 * TARGETS_LIMIT / group.settings.restarts_at_a_time
