"""A deployment while approvals wait: none is lost, none is doubled, and the old ones are answered as before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.conftest import SCENARIO, Local

pytestmark = pytest.mark.e2e


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Local]:
    running = Local(tmp_path)
    running.qlikops("local", "up", "--scenario", SCENARIO, "--approval-timeout", "10m", "--rate", "1h")
    try:
        running.status = running.json("local", "status")
        yield running
    finally:
        running.end()


def waits(local: Local, approval_id: str) -> float:
    """How long the approval waits in all, in seconds."""
    (row,) = (row for row in local.json("approvals") if row["approval_id"] == approval_id)
    return (datetime.fromisoformat(row["deadline"]) - datetime.fromisoformat(row["requested_at"])).total_seconds()


def test_an_update_leaves_what_waits_as_it_is(own: Local) -> None:
    first, arn = own.broken("task-0001")
    other = own.waiting("task-0000")  # which the scenario breaks
    before = own.json("approvals")
    assert {row["approval_id"] for row in before} == {first, other}

    # Definition and settings change; every function gets them while the execution waits on the old definition.
    done = own.qlikops("deploy", "--yes", "--approval-timeout", "20m", "--approval-mode", "always")
    assert "StateMachine" in done.stdout
    assert own.json("approvals") == before
    own.ended(own.start())
    assert own.json("approvals") == before
    assert own.task("task-0001")["runs"] == 0

    own.qlikops("approve", first, "--reason", "after the update")
    own.qlikops("deny", other, "--reason", "not now")
    own.ended(arn)
    assert own.record(first)["status"] == "restarted"
    assert own.task("task-0001")["runs"] == 1

    # What is asked from now on is asked by the new definition.
    second, _ = own.broken("task-0002")
    assert 1190 <= waits(own, second) <= 1200
    own.qlikops("deny", second, "--reason", "enough")
    # And the same deployment once more is none.
    assert "nothing to change" in own.qlikops("deploy", "--yes").stdout
