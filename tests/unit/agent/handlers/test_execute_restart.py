"""What ExecuteRestart hands on, and when it asks to be called again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from qlikops.agent.act.outcomes import Unfinished
from qlikops.agent.handlers.execute_restart import CONTINUE, RESERVE, handler
from qlikops.agent.wiring import Services
from qlikops.domain.proposals.approval import Outcome, Status, TaskOutcome
from qlikops.domain.proposals.callback import NoDecision
from tests.unit.domain.samples import KEY, NOON

CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)
EVENT = {"proposal": {"proposal_id": "0123456789ab"}, "decision": {"approved": True}}


def services(acted: Outcome | Unfinished, asked: list[tuple[str, datetime, bool]]) -> Services:
    def restart(
        proposal_id: str, _decision: object, until: datetime, *, may_continue: bool, may_wait: bool
    ) -> Outcome | Unfinished:
        assert not may_wait  # as an execution whose definition has no WaitForEndpoint
        asked.append((proposal_id, until, may_continue))
        return acted

    parts = {
        "own_failures": SimpleNamespace(in_use=nullcontext),
        "restarter": lambda: nullcontext(SimpleNamespace(restart=restart)),
        "clock": lambda: NOON,
    }
    return cast("Services", SimpleNamespace(**parts))


def test_an_outcome_is_handed_on_and_counted() -> None:
    asked: list[tuple[str, datetime, bool]] = []
    outcome = Outcome(Status.RESTARTED, "x" * 600, (TaskOutcome(KEY, Status.RESTARTED),))
    answer = handler(EVENT, CONTEXT, services(outcome, asked))
    assert answer == {"proposal_id": "0123456789ab", "status": "restarted", "detail": "x" * 500, "tasks": 1}
    assert asked == [("0123456789ab", NOON + timedelta(minutes=15) - RESERVE, False)]


def test_what_took_long_to_load_is_no_time_for_acting() -> None:
    asked: list[tuple[str, datetime, bool]] = []
    left = [900_000]

    @contextmanager
    def slow() -> Iterator[None]:
        left[0] -= 60_000
        yield

    parts = services(Outcome(Status.RESTARTED), asked)
    parts.own_failures.in_use = slow  # type: ignore[method-assign, assignment]
    handler(EVENT, SimpleNamespace(get_remaining_time_in_millis=lambda: left[0]), parts)
    assert asked[0][1] == NOON + timedelta(minutes=14) - RESERVE


def test_a_long_group_asks_to_be_called_again() -> None:
    asked: list[tuple[str, datetime, bool]] = []
    answer = handler({**EVENT, "may_continue": True}, CONTEXT, services(Unfinished(3, 40), asked))
    assert (answer["status"], answer["detail"], answer["tasks"]) == (CONTINUE, "3 of 40 tasks are settled", 3)
    assert asked[0][2]


@pytest.mark.parametrize("event", [{**EVENT, "decision": "perhaps"}, {"proposal": EVENT["proposal"]}])
def test_what_is_no_decision_restarts_nothing(event: dict[str, Any]) -> None:
    asked: list[tuple[str, datetime, bool]] = []
    with pytest.raises(NoDecision):
        handler(event, CONTEXT, services(Outcome(Status.RESTARTED), asked))
    assert asked == []
