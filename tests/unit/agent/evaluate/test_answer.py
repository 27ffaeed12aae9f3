"""What is an answer of a model, and the reason that is named for whatever is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.agent.evaluate.answer import CAUTION_CAP, LIST_CAP, RATIONALE_CAP, parse_object, read_answer
from qlikops.agent.evaluate.causes import Cause, Unavailable
from qlikops.agent.evaluate.prompt import TOOL_NAME
from qlikops.agent.models import Structured
from qlikops.domain.proposals.evaluation import Finding, Risk, Verdict

ANSWER: dict[str, Any] = {
    "verdict": "approve",
    "risk": "low",
    "confidence": 1,
    "rationale": "It answers again.",
    "findings": [{"text": "The listener was away.", "evidence_ids": ["e1"]}],
    "cautions": ["Look at the source."],
}
CALLED = {"toolUse": {"name": TOOL_NAME, "input": ANSWER}}


def reply(*blocks: object, stop: object = "tool_use") -> dict[str, Any]:
    return {"stopReason": stop, "output": {"message": {"content": list(blocks)}}}


def refused(of: dict[str, Any], structured: Structured = Structured.TOOL) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        read_answer(of, structured)
    return caught.value


@pytest.mark.parametrize(
    ("structured", "of"),
    [
        (Structured.TOOL, reply(CALLED)),
        (Structured.STRICT_TOOL, reply({"reasoningContent": {}}, CALLED)),
        (Structured.PROMPT, reply({"text": json.dumps(ANSWER)}, stop="end_turn")),
        (Structured.PROMPT, reply({"text": f"```json\n{json.dumps(ANSWER)}\n```\n"}, stop="end_turn")),
    ],
)
def test_an_answer_is_read_whatever_gave_it_its_form(structured: Structured, of: dict[str, Any]) -> None:
    answer = read_answer(of, structured)
    assert (answer.verdict, answer.risk, answer.confidence) == (Verdict.APPROVE, Risk.LOW, 1.0)
    assert answer.findings == (Finding("The listener was away.", ("e1",)),)
    assert (answer.rationale, answer.cautions) == ("It answers again.", ("Look at the source.",))


@pytest.mark.parametrize(
    ("of", "cause"),
    [
        ({}, Cause.UNREADABLE),
        (reply(CALLED, stop="max_tokens"), Cause.CUT_OFF),
        (reply(CALLED, stop="model_context_window_exceeded"), Cause.CUT_OFF),
        (reply(CALLED, stop="guardrail_intervened"), Cause.GUARDRAIL),
        (reply(CALLED, stop="content_filtered"), Cause.FILTERED),
        (reply(CALLED, stop="malformed_tool_use"), Cause.MALFORMED),
        (reply(CALLED, stop="end_turn"), Cause.NO_ANSWER),
        (reply(CALLED, stop="\x1b[31mwho knows"), Cause.STOP_REASON),
        ({"stopReason": "tool_use"}, Cause.NO_ANSWER),
        ({"stopReason": "tool_use", "output": {"message": {"content": "text"}}}, Cause.NO_ANSWER),
        (reply(), Cause.NO_ANSWER),
        (reply({"reasoningContent": {}}), Cause.NO_ANSWER),
        (reply("text"), Cause.NO_ANSWER),
        (reply({"text": "Sure!"}), Cause.NO_ANSWER),
        (reply(CALLED, CALLED), Cause.NOT_ALONE),
        (reply({"text": "Sure!"}, CALLED), Cause.NOT_ALONE),
        (reply({"toolUse": {"name": "restart_everything", "input": ANSWER}}), Cause.WRONG_TOOL),
        (reply({"toolUse": {"name": TOOL_NAME}}), Cause.INVALID_ANSWER),
    ],
)
def test_anything_else_has_its_reason(of: dict[str, Any], cause: Cause) -> None:
    error = refused(of)
    assert error.cause is cause
    assert str(error).isprintable()


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"verdict": "yes"}, "answer.verdict is none of approve"),
        ({"verdict": "unavailable"}, "answer.verdict is none of"),
        ({"risk": 1}, "answer.risk is no string"),
        ({"confidence": True}, "answer.confidence is no number"),
        ({"confidence": 1.01}, "answer.confidence is not between 0 and 1"),
        ({"confidence": -0.01}, "answer.confidence is not between 0 and 1"),
        ({"confidence": float("nan")}, "answer.confidence is not between 0 and 1"),
        ({"rationale": "\u200b "}, "answer.rationale is empty"),
        ({"cautions": "none"}, "answer.cautions is no array"),
        ({"cautions": ["a"] * (LIST_CAP + 1)}, f"answer.cautions has more than {LIST_CAP} items"),
        ({"findings": [{"text": "x"}]}, "answer.findings[] has no evidence_ids"),
        ({"findings": [{"text": "x", "evidence_ids": [1]}]}, "answer.findings[].evidence_ids[] is no string"),
        ({"approved": True}, "answer has what nobody asked for"),
    ],
    ids=str,
)
def test_what_breaks_the_form_is_named_by_its_place_and_never_quoted(change: dict[str, Any], detail: str) -> None:
    error = refused(reply({"toolUse": {"name": TOOL_NAME, "input": ANSWER | change}}))
    assert error.cause is Cause.INVALID_ANSWER
    assert str(error).startswith(f"invalid answer: {detail}")


@pytest.mark.parametrize("name", ANSWER)
def test_every_part_is_needed(name: str) -> None:
    rest = {key: value for key, value in ANSWER.items() if key != name}
    error = refused(reply({"toolUse": {"name": TOOL_NAME, "input": rest}}))
    assert str(error) == f"invalid answer: answer has no {name}"


def test_long_texts_are_cut_with_a_mark() -> None:
    long = ANSWER | {"rationale": "r" * 9000, "cautions": ["c" * 9000]}
    answer = read_answer(reply({"toolUse": {"name": TOOL_NAME, "input": long}}), Structured.TOOL)
    assert (len(answer.rationale), answer.rationale[-1]) == (RATIONALE_CAP, "…")
    assert len(answer.cautions[0]) == CAUTION_CAP


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (None, Cause.NO_ANSWER),
        (" \n", Cause.NO_ANSWER),
        ('Here it is: {"a": 1}', Cause.INVALID_JSON),
        ('{"a": 1} {"a": 2}', Cause.INVALID_JSON),
        ('{"verdict": "deny", "verdict": "approve"}', Cause.INVALID_JSON),
        ('{"confidence": NaN}', Cause.INVALID_JSON),
        ("[" * 100_000, Cause.INVALID_JSON),
        ("```\n{}\n``` and more", Cause.INVALID_JSON),
    ],
    ids=lambda value: str(value)[:20],
)
def test_json_stands_alone_and_says_everything_once(text: object, cause: Cause) -> None:
    with pytest.raises(Unavailable) as caught:
        parse_object(text)
    assert caught.value.cause is cause


@given(st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=4))
def test_an_object_is_read_fenced_or_not(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    assert parse_object(text) == parse_object(f"```json\n{text}\n```") == value
