"""One run as the ledger keeps it."""

from __future__ import annotations

from datetime import timedelta

from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.proposals.approval import Status
from qlikops.domain.runs.run import Progress, RunProposal
from tests.unit.domain.samples import NOON


def test_what_a_proposal_of_a_run_waits_for() -> None:
    wait = EndpointWait(EndpointKey("default", "eu", "ORA-PROD"), NOON, NOON + timedelta(hours=1))

    def waits(progress: Progress | None) -> EndpointWait | None:
        return RunProposal("1", "eu/x", "", "resume", Status.RESTARTING, NOON, progress=progress).waits

    assert [waits(None), waits(Progress(1, 0, 2)), waits(Progress(0, 0, 2, wait))] == [None, None, wait]
