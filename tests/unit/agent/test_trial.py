"""What would follow from a message, without a fleet: judged as a run judges it."""

from __future__ import annotations

from typing import Any

import pytest

from qlikops.agent.trial import Situation, outcome
from qlikops.domain.fleet.task import StopReason, TaskState
from tests.unit.agent.fleet import CONNECTION_LOST


def test_a_lost_connection_is_proposed_on_and_a_stop_by_hand_is_not() -> None:
    found = outcome(Situation(CONNECTION_LOST, source_type="Oracle"))
    assert found.proposal is not None
    assert (found.verdict, found.risk, found.route_policy, found.route_always) == (
        "approve",
        "low",
        "automatic",
        "ask",
    )
    assert found.as_data()["kind"] == "FATAL_TRANSIENT"
    stopped = outcome(Situation("Stopped by user", state=TaskState.STOPPED, stop_reason=StopReason.NORMAL))
    assert stopped.proposal is None
    assert stopped.as_data()["kind"] == ""


def test_an_earlier_message_has_the_cause_that_this_one_lacks() -> None:
    found = outcome(Situation("Task error notification received", previous_message=CONNECTION_LOST))
    assert found.explained.diagnosis.failure == "oracle-no-listener"


def test_a_situation_is_read_as_people_write_it() -> None:
    given = {"message": "x", "state": "stopped", "stop_reason": "fatal error", "full_load_completed": None}
    found = Situation.of(given)
    assert (found.state, found.stop_reason) == (TaskState.STOPPED, StopReason.FATAL_ERROR)
    assert found.full_load_completed is None
    assert Situation.of({"message": "x", "state": ""}) == Situation("x")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "message is missing"),
        ({"message": "x", "source_type": 7}, "source_type is no text"),
        ({"message": "x", "full_load_completed": "yes"}, "full_load_completed is neither true nor false"),
        ({"message": "x", "state": "asleep"}, "state is one of "),
    ],
)
def test_what_makes_no_sense_is_named(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Situation.of(given)
