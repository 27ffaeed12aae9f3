"""What a proposal rests on still holds as long as its task is as it was, whatever kind it was proposed on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from qlikops.agent.look.detection import detect
from qlikops.agent.propose.correlation import propose
from qlikops.agent.propose.judgement import difference
from qlikops.domain.anomaly import ACTIONS, AnomalyKind
from qlikops.domain.task import StopReason, TaskFacts, TaskState
from tests.unit.agent.fleet import CONFIG, NOW, POSITION_LOST, SERVER, UNMATCHED, after, failed, task

PROPOSED: Mapping[AnomalyKind, TaskFacts] = {
    AnomalyKind.POSITION_LOST: failed(message=POSITION_LOST),
    AnomalyKind.FATAL_TRANSIENT: failed(),
    AnomalyKind.FATAL_UNKNOWN: failed(message=UNMATCHED),
    AnomalyKind.RESOURCE_STOP: failed(stop_reason=StopReason.STOPPED_LOW_MEMORY),
    AnomalyKind.LEFT_STOPPED: task(state=TaskState.STOPPED, stop_reason=StopReason.NORMAL, memory_mb=0),
    AnomalyKind.PROCESS_MISMATCH: task(memory_mb=0),
    AnomalyKind.STALLED: task(changes_in_memory=7),
}
"""A task of every kind on which something is proposed."""


@pytest.mark.parametrize("kind", ACTIONS)
def test_nothing_is_different_about_a_task_that_is_as_it_was(kind: AnomalyKind) -> None:
    facts = PROPOSED[kind]
    left_stopped = {facts.key: NOW} if kind is AnomalyKind.LEFT_STOPPED else {}
    snapshot = None
    for seconds in (0, 7200):
        snapshot = detect([SERVER], [facts], snapshot, CONFIG, after(seconds), "run", left_stopped=left_stopped)
    assert snapshot is not None
    found = propose(snapshot, CONFIG, execution_arn="arn", execution_name="run", now=after(7200), blocked={})
    (proposal,) = found.proposals
    assert (proposal.kind, proposal.action) == (kind, ACTIONS[kind])
    assert difference(proposal, proposal.targets[0], facts, CONFIG, after(7260)) == ""
