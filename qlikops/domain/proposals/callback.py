"""What comes back with a task token, ours or anybody's: an approval, a denial, or neither."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qlikops.domain.encoding import codec
from qlikops.domain.proposals.approval import Decision
from qlikops.domain.words.text import harmless

APPROVAL_DENIED = "ApprovalDenied"
"""The error of a denying SendTaskFailure; the state machine catches it by this name."""
HOW_TO_DECIDE = (
    'To approve, send the output {"approved": true}; to deny, {"approved": false}, or the error ApprovalDenied.'
)

DECISION_TEXT_CAP = 2000
"""Characters kept of each text in a decision; a longer reason is not sent."""
_QUOTED = 60
"""Characters of what was sent instead."""
LISTS_BYTES = 40_000
"""Bytes as JSON of the tasks and the checks of a decision together. The record of the largest group has no room for
more: it holds the decision twice, in the outcome too, beside all tasks.
"""


class NoDecision(ValueError):
    """What came back is neither an approval nor a denial; the message says what it was, and what to send instead."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the answer was none: {what}. Nothing was restarted. {HOW_TO_DECIDE}")


def parse_decision(output: Any) -> Decision:
    """The decision in a SendTaskSuccess output: a literal true approves, a literal false denies.

    Raises NoDecision for anything else: it must not restart, and it is no denial either.
    """
    if not isinstance(output, dict):
        raise NoDecision(f"the output was {_described(output)}, not an object")
    if "approved" not in output:
        raise NoDecision("the output has no `approved`")
    approved = output["approved"]
    if not isinstance(approved, bool):
        raise NoDecision(f"`approved` was {_described(approved)}, not true or false")
    return _tolerant(output, approved=approved)


def parse_denial(error: object, cause: object) -> Decision:
    """The denial in a SendTaskFailure's error and cause: our JSON, or plain text as the reason."""
    text = "" if cause is None else str(cause)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    name = "" if error == APPROVAL_DENIED else str(error or "")
    return _tolerant({**(data if isinstance(data, dict) else {"reason": text}), "error": name}, approved=False)


def _described(value: Any) -> str:
    """A value of JSON in words: short ones as they are spelled, others by what they are."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return f'"{harmless(value, _QUOTED)}"'
        case bool() | None:
            return json.dumps(value)
        case int() if abs(value) > 10**_QUOTED:
            return "a large number"
    return harmless(value, _QUOTED)


def _texts(value: Any, made: Callable[[str], str], room: int) -> tuple[str, ...]:
    """A list of texts, each `made` and once; empty for anything else, and for one that takes more than the `room`."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return ()
    texts = tuple(dict.fromkeys(map(made, value)))
    return texts if _size(texts) <= room else ()


def _size(texts: tuple[str, ...]) -> int:
    return len(codec.dumps(texts).encode("utf-8", "surrogatepass"))


def _lists(data: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The tasks and the checks of an approval; of what there is no room for, the tasks go first."""
    kept: dict[str, tuple[str, ...]] = {}
    if (tasks := data.get("tasks")) is not None:
        # As they are spelled: two that look alike are two.
        said = _texts(tasks, lambda each: each.encode(errors="replace").decode(), LISTS_BYTES)
        kept["tasks"] = said or (_described(tasks),)
    room = LISTS_BYTES - sum(map(_size, kept.values()))
    kept["checked"] = _texts(data.get("checked"), lambda each: harmless(each, DECISION_TEXT_CAP), room)
    return kept


def _tolerant(data: dict[str, Any], approved: bool) -> Decision:
    """`data` made harmless, every field of a wrong type dropped: a foreign callback must not break the workflow.

    But for what says what an approval is for, the digest, the option and the tasks: one of a wrong type names nothing
    that there is, which is not the same as naming nothing.
    """
    kept: dict[str, Any] = {"approved": approved}
    names = ("digest", "option") if approved else ("digest",)
    for name in ("decision_id", "by", "reason", "via", "error", *names):
        if isinstance(data.get(name), str):
            kept[name] = harmless(data[name], DECISION_TEXT_CAP, multiline=True)
    for name in names:
        named = data.get(name)
        if named is not None and named != "":
            kept[name] = kept.get(name) or _described(named)
    if approved:
        kept |= _lists(data)
    snooze = data.get("snooze_seconds")
    if isinstance(snooze, int | float) and not isinstance(snooze, bool) and 0 < snooze < math.inf:
        kept["snooze_seconds"] = math.ceil(snooze)
    if approved and data.get("automatic") is True:
        kept["automatic"] = True
    if isinstance(data.get("at"), str):
        with contextlib.suppress(codec.CodecError):
            kept["at"] = codec.parse_time(data["at"])
    decision = Decision(**kept)
    return replace(decision, snooze_seconds=decision.snooze)
