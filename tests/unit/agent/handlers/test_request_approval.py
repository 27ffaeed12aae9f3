"""What RequestApproval makes of its payload; how people are asked is tested with `steps/asking.py`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from qlikops.agent.handlers.request_approval import handler
from qlikops.agent.wiring import Services
from qlikops.domain.encoding.codec import CodecError
from tests.unit.agent.steps.test_asking import Asked
from tests.unit.domain.samples import NOON

EVENT = {
    "proposal": {"proposal_id": "0123456789ab"},
    "task_token": "token-1",
    "entered_at": "2026-03-07T12:00:00.700Z",
    "timeout_seconds": 3600,
}


def services(asked: Asked) -> Services:
    config = SimpleNamespace(lease_margin_seconds=60)
    parts = SimpleNamespace(ledger=asked, assessor=asked, notifier=asked, config=config, clock=lambda: NOON)
    return cast("Services", parts)


def test_the_deadline_counts_from_when_the_state_was_entered() -> None:
    asked = Asked()
    answer = handler(EVENT, None, services(asked))
    assert answer == {"proposal_id": "0123456789ab", "status": "waiting", "deadline": "2026-03-07T13:00:00.000Z"}
    assert asked.tokens == ["token-1"]


@pytest.mark.parametrize("missing", ["task_token", "entered_at", "timeout_seconds"])
def test_nobody_is_asked_on_half_a_payload(missing: str) -> None:
    asked = Asked()
    event: dict[str, Any] = {key: value for key, value in EVENT.items() if key != missing}
    with pytest.raises(CodecError, match=missing):
        handler(event, None, services(asked))
    assert asked.tokens == []
