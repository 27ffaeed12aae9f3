"""Times and numbers that are off in the product: each is found in the first night that comes past it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from qlikops.agent.act import group
from qlikops.agent.remember import entries, tasks
from qlikops.agent.steps import monitoring
from qlikops.agent.steps.asking import ApprovalRequest
from tests.simulation import limits
from tests.simulation.simulate import one

NIGHT = 20021
"""In which people approve, and a task is restarted."""
_DEADLINE: Callable[[ApprovalRequest], object] = ApprovalRequest.deadline.fget  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("owner", "name", "planted", "found"),
    [
        (entries, "RECORD_DAYS", 91, "a record is kept for as long as it is set"),
        (tasks, "RESTART_DAYS", 29, "the ledger keeps each thing for as long as it is set"),
        (monitoring, "OPENING_LEASE_SECONDS", 7201, "a task is held for as long as it is set"),
        (group, "POLL_SECONDS", 3.0, "who acts looks every two seconds"),
        (
            ApprovalRequest,
            "deadline",
            property(lambda request: _DEADLINE(request) - timedelta(seconds=1)),  # type: ignore[operator]
            "a task is held for as long as it is set",
        ),
        (limits, "MAP_ITEMS_AT_ONCE", 39, "the definition waits for as long as is set"),
    ],
    ids=["record", "restart", "lease", "poll", "deadline", "definition"],
)
def test_a_number_that_is_off_is_found(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, planted: object, found: str
) -> None:
    monkeypatch.setattr(owner, name, planted)
    assert one(NIGHT).violation.partition(":")[0] == found
