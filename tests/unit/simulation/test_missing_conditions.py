"""Conditions left out of the writes of the product: each is found in the first night that comes past it."""

from __future__ import annotations

import pytest

from qlikops.agent.remember import ledger, tasks
from tests.simulation.simulate import one

NIGHT = 20001
"""In which people approve, and a task is restarted."""
ANYWAY = " OR attribute_exists(#pk)"


@pytest.mark.parametrize(
    ("module", "name", "planted", "found"),
    [
        (tasks, "_GOES_ON", tasks._GOES_ON.rpartition(" AND ")[0], "a claim rests on lease record and brake"),
        (tasks, "_GOES_ON", tasks._GOES_ON.partition(" AND ")[2], "what is changed is there"),
        (tasks, "_LEASE_FREE", tasks._LEASE_FREE + ANYWAY, "a lease rests on that nobody has it"),
        (ledger, "_NEWEST_TOKEN", ledger._NEWEST_TOKEN + ANYWAY, "a token rests on that it is the newest"),
    ],
    ids=["brake", "status", "lease", "token"],
)
def test_a_condition_that_is_missing_is_found(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, planted: str, found: str
) -> None:
    monkeypatch.setattr(module, name, planted)
    assert one(NIGHT).violation.partition(":")[0] == found
