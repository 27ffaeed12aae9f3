"""What the state machine hands to a function, in every shape that it may have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qlikops.agent.handlers.payload import error_text, proposal_id_of, run_of
from qlikops.agent.remember.run import Run
from qlikops.domain.encoding.codec import CodecError

RUN = {"execution_arn": "arn:x", "execution_name": "run-1", "started_at": "2026-03-07T03:00:00Z"}


def test_a_run_is_read_as_it_travels() -> None:
    assert run_of({"run": RUN}) == Run("arn:x", "run-1", "2026-03-07T03:00:00Z")
    with pytest.raises(CodecError, match=r"\$\.run"):
        run_of({})


@pytest.mark.parametrize("event", [{}, {"proposal": "x"}, {"proposal": {}}, {"proposal": {"proposal_id": ""}}])
def test_a_proposal_without_an_id_is_none(event: dict[str, Any]) -> None:
    assert proposal_id_of({"proposal": {"proposal_id": "0123"}}) == "0123"
    with pytest.raises(CodecError, match="proposal_id: missing"):
        proposal_id_of(event)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (None, "unknown error"),
        ("a text", "a text"),
        ({}, "unknown error"),
        ({"Error": None, "Cause": None}, "unknown error"),
        ({"Error": "States.Timeout"}, "States.Timeout"),
        ({"Error": "Lambda.Unknown", "Cause": "no JSON"}, "Lambda.Unknown: no JSON"),
        ({"Cause": json.dumps({"errorMessage": "no", "errorType": "KeyError"})}, "KeyError: no"),
        ({"Error": "TransientError", "Cause": json.dumps({"errorMessage": "Throttled: no"})}, "Throttled: no"),
    ],
)
def test_an_error_is_one_line_whatever_its_shape(error: Any, text: str) -> None:
    assert error_text(error) == text
