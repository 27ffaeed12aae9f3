"""Makes an answer of a Converse reply, or the reason why it is none.

Only one thing is an answer: the expected stop reason, exactly one block beside the model's reasoning, and in it an
object that the schema and the checks here accept. Nothing is repaired and nothing is guessed. Texts that are too long
are the one exception: they are cut with a mark, since no decision hangs on their length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from qlikops.agent.evaluate.causes import Cause, Unavailable
from qlikops.agent.evaluate.prompt import TOOL_NAME, schema
from qlikops.agent.models import Structured
from qlikops.dataclass import dataclass
from qlikops.domain.proposals.evaluation import Finding, Risk, Verdict
from qlikops.domain.words.text import harmless

RATIONALE_CAP = 1000
FINDING_CAP = 500
CAUTION_CAP = 300
ID_CAP = 20
"""Characters kept of each."""
LIST_CAP = 20
"""Findings, cautions, and ids that one finding cites; a longer list is no answer, since cutting it could hide a no."""

_STOP_REASONS = {
    "max_tokens": Cause.CUT_OFF,
    "model_context_window_exceeded": Cause.CUT_OFF,
    "guardrail_intervened": Cause.GUARDRAIL,
    "content_filtered": Cause.FILTERED,
    "malformed_model_output": Cause.MALFORMED,
    "malformed_tool_use": Cause.MALFORMED,
}
_FENCE = re.compile(r"```(?:json)?\n(.*)\n```", re.DOTALL)
_TYPES: Mapping[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
}


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a model said, complete and harmless."""

    verdict: Verdict
    risk: Risk
    confidence: float
    rationale: str
    findings: tuple[Finding, ...]
    cautions: tuple[str, ...]


def read_answer(reply: Mapping[str, Any], structured: Structured) -> ModelReply:
    """The answer in a reply of Converse. Raises Unavailable, with the cause, for anything less."""
    _check_stop_reason(reply.get("stopReason"), structured)
    block = _only_block(reply)
    value = parse_object(block.get("text")) if structured is Structured.PROMPT else _tool_input(block.get("toolUse"))
    _conform(value, schema(), "answer")
    return _answer(value)


def _check_stop_reason(reason: object, structured: Structured) -> None:
    expected = "end_turn" if structured is Structured.PROMPT else "tool_use"
    if reason == expected:
        return
    if not isinstance(reason, str):
        # What botocore makes of a body that is no Converse reply at all.
        raise Unavailable(Cause.UNREADABLE, "no stop reason")
    named = harmless(reason, 40)
    if named in _STOP_REASONS:
        raise Unavailable(_STOP_REASONS[named], named)
    if named == "end_turn":
        raise Unavailable(Cause.NO_ANSWER, "the model did not call the tool")
    raise Unavailable(Cause.STOP_REASON, named)


def _only_block(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        content = reply["output"]["message"]["content"]
    except (KeyError, TypeError):
        content = None
    if not isinstance(content, list):
        raise Unavailable(Cause.NO_ANSWER, "no content")
    # Reasoning is no part of the answer, and is neither read nor shown.
    blocks = [block for block in content if not (isinstance(block, dict) and block.keys() == {"reasoningContent"})]
    if not blocks:
        raise Unavailable(Cause.NO_ANSWER, "no content")
    if len(blocks) > 1:
        raise Unavailable(Cause.NOT_ALONE, f"{len(blocks)} blocks")
    if not isinstance(blocks[0], dict):
        raise Unavailable(Cause.NO_ANSWER, "no content")
    return blocks[0]


def _tool_input(use: Any) -> Any:
    if not isinstance(use, dict):
        raise Unavailable(Cause.NO_ANSWER, "the model did not call the tool")
    if use.get("name") != TOOL_NAME:
        raise Unavailable(Cause.WRONG_TOOL)
    return use.get("input")


def parse_object(text: Any) -> Any:
    """The JSON in what a model wrote. Raises Unavailable for anything around it, and for a key that is there twice."""
    if not isinstance(text, str) or not text.strip():
        raise Unavailable(Cause.NO_ANSWER, "no text")
    text = text.strip()
    # Small models fence their JSON even when told not to. Around the whole of it, a fence says nothing more.
    fenced = _FENCE.fullmatch(text)
    try:
        return json.loads(
            fenced[1] if fenced else text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as exc:
        raise Unavailable(Cause.INVALID_JSON, type(exc).__name__) from exc


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key twice")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _conform(value: Any, form: Mapping[str, Any], where: str) -> None:
    """Raises Unavailable where `value` breaks `form`, in the words of JSON schema that schema.json uses."""
    kind = form["type"]
    if not isinstance(value, _TYPES[kind]) or isinstance(value, bool):
        raise Unavailable(Cause.INVALID_ANSWER, f"{where} is no {kind}")
    if "enum" in form and value not in form["enum"]:
        raise Unavailable(Cause.INVALID_ANSWER, f"{where} is none of {', '.join(form['enum'])}")
    if kind == "object":
        missing = [name for name in form["required"] if name not in value]
        if missing:
            raise Unavailable(Cause.INVALID_ANSWER, f"{where} has no {missing[0]}")
        if value.keys() - form["properties"].keys():
            raise Unavailable(Cause.INVALID_ANSWER, f"{where} has what nobody asked for")
        for name, part in form["properties"].items():
            _conform(value[name], part, f"{where}.{name}")
    elif kind == "array":
        if len(value) > LIST_CAP:
            raise Unavailable(Cause.INVALID_ANSWER, f"{where} has more than {LIST_CAP} items")
        for item in value:
            _conform(item, form["items"], f"{where}[]")


def _answer(value: Mapping[str, Any]) -> ModelReply:
    # Written so that NaN is out of range.
    if not 0 <= value["confidence"] <= 1:
        raise Unavailable(Cause.INVALID_ANSWER, "answer.confidence is not between 0 and 1")
    return ModelReply(
        verdict=Verdict(value["verdict"]),
        risk=Risk(value["risk"]),
        confidence=float(value["confidence"]),
        rationale=_text(value["rationale"], RATIONALE_CAP, "answer.rationale"),
        findings=tuple(
            Finding(
                _text(finding["text"], FINDING_CAP, "answer.findings[].text"),
                tuple(harmless(cited, ID_CAP) for cited in finding["evidence_ids"]),
            )
            for finding in value["findings"]
        ),
        cautions=tuple(_text(caution, CAUTION_CAP, "answer.cautions[]") for caution in value["cautions"]),
    )


def _text(text: str, cap: int, where: str) -> str:
    kept = harmless(text, cap)
    if not kept:
        raise Unavailable(Cause.INVALID_ANSWER, f"{where} is empty")
    return kept
