"""What the state machine is told of an evaluation; the ledger has the rest."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from qlikops.agent.handlers.evaluate_proposal import handler
from qlikops.agent.wiring import Services
from qlikops.domain.proposals.approval import ProposalRecord
from tests.unit.domain.samples import WAITING

EVENT = {"proposal": {"proposal_id": "0123456789ab"}}


def services(record: ProposalRecord) -> Services:
    return cast("Services", SimpleNamespace(assessor=SimpleNamespace(assess=lambda _: record)))


def test_the_route_travels_with_what_led_to_it() -> None:
    assert handler(EVENT, None, services(WAITING)) == {
        "route": "ask",
        "verdict": "approve",
        "risk": "low",
        "confidence": 0.9,
        "evaluator": "rules",
        "digest": WAITING.digest,
        "gates": [],
    }


def test_what_was_closed_meanwhile_is_not_evaluated() -> None:
    with pytest.raises(LookupError, match="closed before it was evaluated"):
        handler(EVENT, None, services(replace(WAITING, evaluation=None)))
