"""The events of an execution's history, parsed once where they enter: task tokens are gone from then on.

A history can have 25,000 events and each may carry 256 KiB: texts are cut, so that keeping them all stays bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.strict_json import parse_json
from qlikops.domain.errors import UsageError
from qlikops.domain.words.text import harmless

REDACTED = "[redacted]"
PAYLOAD_CAP = 20_000
"""Characters kept of one input, output or parameters."""
LEFT_OUT = "[left out: this history is too long to keep all of it here]"

_PAYLOADS = frozenset({"input", "output", "parameters"})
_REQUEST_IDS = (
    ("output", re.compile(r'"SdkResponseMetadata"\s*:\s*\{\s*"RequestId"\s*:\s*"([^"\\]{1,64})"')),
    ("cause", re.compile(r'"requestId"\s*:\s*"([^"\\]{1,64})"|RequestId: ([\w-]{1,64})')),
)
"""Details in which a call to a Lambda function leaves its id: what came back or, if it failed, the cause."""
_TOKEN_TEXT = re.compile(r'(\\*"task_?token\\*"\s*:\s*\\*")[^"\\]+', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One event, tokens redacted."""

    id: int
    previous: int
    """The event it follows; 0 at the head."""
    type: str
    at: datetime | None
    details: Mapping[str, Any]
    """Details as Step Functions spells them, such as `{"name": "MonitorTasks", "input": "{}"}`."""
    request_id: str = ""
    """Id of the call that it ends, as Lambda's log has it; empty where the event says none."""

    def text(self, name: str, cap: int = 256) -> str:
        """A detail as harmless text; empty where there is none."""
        value = self.details.get(name)
        if value is None:
            return ""
        plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return harmless(plain, cap, multiline=True)

    def number(self, name: str) -> int | None:
        """A detail as a whole number."""
        return _number(self.details.get(name))

    @property
    def size(self) -> int:
        """Characters of text in its details."""
        return sum(len(value) for value in self.details.values() if isinstance(value, str))


def parse_events(raw: Iterable[Mapping[str, Any]]) -> tuple[HistoryEvent, ...]:
    """Events as boto3 or the AWS CLI gives them; one without an id is numbered by its place."""
    return tuple(parse_event(event, position) for position, event in enumerate(raw, start=1))


def parse_event(raw: Mapping[str, Any], position: int = 0, *, payloads: bool = True) -> HistoryEvent:
    """One of them, with or without its payloads. Nothing in it makes this raise."""
    of_type = (value for key, value in raw.items() if str(key).endswith("EventDetails") and isinstance(value, Mapping))
    details = next(of_type, {})
    kept = {str(name): _kept(str(name), value, payloads) for name, value in details.items()}
    return HistoryEvent(
        id=_number(raw.get("id")) or position,
        previous=_number(raw.get("previousEventId")) or 0,
        type=str(raw.get("type", "")),
        at=_time(raw.get("timestamp")),
        details=kept,
        request_id=_request_id(details) if str(raw.get("type", "")).startswith("Task") else "",
    )


def _request_id(details: Mapping[str, Any]) -> str:
    """Looked for before anything is cut: it stands behind what the function returned."""
    for name, pattern in _REQUEST_IDS:
        value = details.get(name, "")
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        if found := pattern.findall(text):
            last = found[-1]
            return harmless(last if isinstance(last, str) else "".join(last), 64)
    return ""


def _kept(name: str, value: Any, payloads: bool) -> Any:
    if _names_token(name):
        return REDACTED
    if name in _PAYLOADS:
        return payload(value) if payloads else LEFT_OUT
    return redact(value)


def payload(value: Any) -> str:
    """An input or output as text: redacted first, then cut, so that no half of a token is left."""
    text: str = redact(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= PAYLOAD_CAP else text[: PAYLOAD_CAP - 1] + "…"


def load_history_file(text: str) -> list[Mapping[str, Any]]:
    """The events in the output of `aws stepfunctions get-execution-history`, or in a bare list of events.

    Raises UsageError, saying what was found instead, for anything else.
    """
    hint = "Save one with: aws stepfunctions get-execution-history --execution-arn ARN > history.json"
    try:
        data = parse_json(text)
    except ValueError as exc:
        raise UsageError(f"The history cannot be read: {exc}.", hint) from exc
    events = data.get("events") if isinstance(data, dict) else data
    if not isinstance(events, list):
        found = "an object without an `events` list" if isinstance(data, dict) else f"a {type(data).__name__}"
        raise UsageError(f"The file holds {found}, not a history.", hint)
    for index, event in enumerate(events):
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise UsageError(f"Entry {index} of the history is not an event: it has no `type`.", hint)
    return events


def redact(value: Any) -> Any:
    """`value` with every task token replaced: under the keys TaskToken, taskToken and task_token at any depth, and
    inside strings of JSON, cut off or nested in each other as they may be.
    """
    match value:
        case Mapping():
            return {key: REDACTED if _names_token(key) else redact(item) for key, item in value.items()}
        case list() | tuple():
            return [redact(item) for item in value]
        case str():
            return _redact_text(value)
    return value


def _names_token(key: object) -> bool:
    return str(key).replace("_", "").lower() == "tasktoken"


def _redact_text(text: str) -> str:
    lower = text.lower()
    # Most texts name none, and parsing all of a long history takes seconds. A key may be spelled with escapes.
    if "tasktoken" not in lower and "task_token" not in lower and "\\u" not in lower:
        return text
    if not text.lstrip().startswith(("{", "[", '"')):
        return _TOKEN_TEXT.sub(rf"\1{REDACTED}", text)
    try:
        data = json.loads(text)
        clean = redact(data)
    except ValueError:
        # AWS cuts long payloads off: what is left of them is no JSON, and may still hold a token.
        return _TOKEN_TEXT.sub(rf"\1{REDACTED}", text)
    except RecursionError:
        # Nothing of ours nests so deeply, and nobody can say what lies at the bottom of it.
        return REDACTED
    return text if clean == data else json.dumps(clean, ensure_ascii=False, separators=(",", ":"))


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _time(value: Any) -> datetime | None:
    """Reads the time of an event: boto3's datetime, or the AWS CLI's ISO 8601 text or, in its first version, epoch
    seconds.
    """
    try:
        match value:
            case datetime():
                return value.astimezone(UTC)
            case int() | float():
                return datetime.fromtimestamp(value, UTC)
            case str():
                return codec.parse_time(value)
    except (ValueError, OverflowError, OSError):
        pass
    return None
