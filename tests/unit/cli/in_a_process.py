"""The command line as a process of its own, on the fake environment: `python -m tests.unit.cli.in_a_process …`.

The variable BECOMES is the final status of what is approved, or `unknown`: then its decision is.
"""

from __future__ import annotations

import os
from dataclasses import replace

from qlikops.cli.context import Invocation
from qlikops.cli.main import app
from qlikops.domain.errors import DecisionUnknown
from qlikops.domain.proposals.approval import Status
from tests.fakes import Clock, FakeApprovals, FakeEnvironment
from tests.unit.domain.samples import NOON, WAITING

TITLE = "売上 – „orders“ \N{SNOWMAN} 🛑 \ud800"
"""Characters that no encoding but UTF-8 has, and one that not even that has."""


def main() -> None:
    clock = Clock(NOON)
    shown = replace(WAITING, proposal=replace(WAITING.proposal, title=TITLE))
    approvals = FakeApprovals(clock, {WAITING.approval_id: shown})
    becomes = os.environ.get("BECOMES", "restarted")
    if becomes == "unknown":
        approvals.fails = DecisionUnknown("Nobody can say yet.")
    else:
        approvals.becomes = Status(becomes)
    environment = FakeEnvironment(approvals)
    app(
        obj=Invocation(
            environ={"QLIKOPS_CONFIG": "/nowhere/config.toml", "QLIKOPS_DATA_DIR": "/nowhere"},
            open_environment=lambda _: environment,
            answers=lambda _: False,
            is_terminal=lambda: False,
            keyring=lambda: None,
            now=clock.now,
            monotonic=clock.monotonic,
            sleep=clock.sleep,
        )
    )


if __name__ == "__main__":
    main()
