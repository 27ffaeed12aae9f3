"""Enterprise Manager's JSON parsed once, at the edge: what it calls things and how it spells them stays in here.

Unknown fields are ignored, a number that is missing or of a wrong type is None, an enum value that this version
does not know is UNKNOWN with its spelling kept. Cases, blanks, hyphens and underscores make no difference in an
enum's name. Every text is made harmless. What does not even have the answer's shape raises QemProtocolError.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import (
    Fetched,
    ServerFacts,
    ServerHealth,
    ServerState,
    StopReason,
    TaskFacts,
    TaskKey,
    TaskState,
)
from qlikops.domain.words.duration import LONGEST
from qlikops.domain.words.text import harmless, symbol, unhidden
from qlikops.qlik.errors import QemProtocolError
from qlikops.qlik.names import key_name

E = TypeVar("E", bound=StrEnum)

_LABEL_CAP = 200
"""Characters kept of an endpoint's name, a host."""
_TAG_CAP = 2000
"""Characters kept of a tag. A longer one cannot be compared, so the task's tags count as not known."""
_MESSAGE_BEGINNING, _MESSAGE_END = 24_000, 8_000
"""Characters of a task's message that are judged: 5,000 such messages fit into MonitorTasks' memory."""
_USUAL_LIMITS = frozenset(
    limit - short
    for limit in (255, 256, 500, 512, 1000, 1024, 2000, 2048, 4000, 4096, 8000, 8192, 16_384, 32_000, 32_768, 65_536)
    for short in (0, 1)
)
"""Lengths at which columns, log lines and buffers cut a text, with and without a final zero."""

_DATE_LENGTH = len("2026-11-27")
_FIRST_YEAR = 2000

_TASK_STATE_SPELLINGS = {"RECOVERING": "RECOVERY"}

# Hours may exceed 24; a leading day and a fraction are how .NET writes longer and finer spans.
_LATENCY = re.compile(r"(?:(\d{1,6})\.)?(\d{1,6}):(\d{1,2}):(\d{1,2})(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class ListedTask:
    """What the list of a server's tasks says of one task: no endpoint, no number."""

    facts: TaskFacts
    has_unreadable_tags: bool = False
    """It does say something of tags, and not all of that can be read."""

    def completing(self, details: TaskFacts) -> TaskFacts:
        """`details` with the tags and the message that only the list has.

        Whether the tags are known is for the details to say, unless the list has some that cannot be read.
        """
        return dataclasses.replace(
            details,
            tags=tuple(dict.fromkeys((*details.tags, *self.facts.tags))),
            tags_known=details.tags_known and not self.has_unreadable_tags,
            message=details.message or self.facts.message,
        )


@dataclass(frozen=True, slots=True)
class ServerDetails:
    """What only the details of one server say."""

    health: ServerHealth
    fetched: Fetched | None = None
    """How old the state of its tasks is."""


@dataclass(frozen=True, slots=True)
class ActionReply:
    """The answer to a run or stop. The state that a later read shows lags behind this one."""

    state: TaskState
    error_message: str = ""


class EndpointStatus(StrEnum):
    """What a test of an endpoint comes to."""

    CONNECTED = "CONNECTED"
    ERROR = "ERROR"
    UNKNOWN = "UNKNOWN"
    """Enterprise Manager's own word, and any that this version does not know."""


@dataclass(frozen=True, slots=True)
class EndpointTest:
    """The answer to a test of an endpoint."""

    status: EndpointStatus
    message: str = ""
    """Enterprise Manager's message, and its detailed one behind it if that says more."""


def parse_server_list(body: Any, instance: str) -> tuple[ServerFacts, ...]:
    """`GET /servers`."""
    return tuple(parse_server(entry, instance) for entry in _entries(body, "serverList"))


def parse_server(entry: Any, instance: str) -> ServerFacts:
    """One entry of the list of servers. Raises QemProtocolError where it has no name."""
    data = _object(entry)
    raw_state = _text(data, "state")
    return ServerFacts(
        instance=instance,
        name=_name(data, "a server"),
        state=_member(ServerState, raw_state, ServerState.UNKNOWN),
        message=_text(data, "message"),
        host=_text(data, "host", cap=_LABEL_CAP),
        fetched=_fetched(data),
    )


def parse_server_details(body: Any) -> ServerDetails:
    """`GET /servers/S`; the object is called `serverDetails` or `server_details`."""
    details = _object(body).get("serverDetails", _object(body).get("server_details"))
    if not isinstance(details, dict):
        raise QemProtocolError("the details of a server have no serverDetails")
    resources, license_ = _object(details.get("resource_utilization")), _object(details.get("license"))
    health = ServerHealth(
        license_days_left=_number(license_, "days_to_expiration"),
        license_state=_text(license_, "state", cap=_LABEL_CAP),
        disk_usage_mb=_number(resources, "disk_usage_mb"),
        memory_mb=_number(resources, "memory_mb"),
    )
    return ServerDetails(health, _fetched(details))


def parse_task_list(body: Any, instance: str, server: str) -> tuple[ListedTask, ...]:
    """`GET /servers/S/tasks`; `server` is S as kept in a TaskKey."""
    return tuple(parse_listed_task(entry, instance, server) for entry in _entries(body, "taskList"))


def parse_listed_task(entry: Any, instance: str, server: str) -> ListedTask:
    """One entry of the list of tasks. Raises QemProtocolError where it has no name."""
    data = _object(entry)
    facts = TaskFacts(TaskKey(instance, server, _name(data, "a task")), **_status(data))
    return ListedTask(facts, data.get("assigned_tags") is not None and not facts.tags_known)


def parse_task(body: Any, key: TaskKey) -> TaskFacts:
    """`GET /servers/S/tasks/T`: the fields themselves, or an object such as `task` that holds them."""
    data = _with_state(body)
    if "state" not in data:
        raise QemProtocolError(f"the details of {key} have no state")
    source, target = _object(data.get("source_endpoint")), _object(data.get("target_endpoint"))
    status, options = _status(data), _object(data.get("options"))
    # Of a task that does not run it says 00:00:00, or what it was before: neither is how far behind the target is.
    latency = _object(data.get("cdc_latency")) if status["state"] is TaskState.RUNNING else {}
    load, changes = _object(data.get("full_load_counters")), _object(data.get("cdc_transactions_counters"))
    return TaskFacts(
        key=key,
        **status,
        source_endpoint=_text(source, "name", cap=_LABEL_CAP),
        source_type=_text(source, "type", cap=_LABEL_CAP),
        target_endpoint=_text(target, "name", cap=_LABEL_CAP),
        target_type=_text(target, "type", cap=_LABEL_CAP),
        source_latency_seconds=parse_latency(latency.get("source_latency")),
        total_latency_seconds=parse_latency(latency.get("total_latency")),
        memory_mb=_number(data, "memory_mb"),
        cpu_percent=_number(data, "cpu_percentage"),
        disk_usage_mb=_number(data, "disk_usage_mb"),
        data_error_count=_number(data, "data_error_count"),
        full_load_enabled=_flag(options, "full_load_enabled"),
        full_load_completed=_flag(data, "full_load_completed"),
        full_load_seconds=_seconds_between(data, "full_load_start", "full_load_end"),
        apply_changes_enabled=_flag(options, "apply_changes_enabled"),
        tables_completed=_number(load, "tables_completed_count"),
        tables_loading=_number(load, "tables_loading_count"),
        tables_queued=_number(load, "tables_queued_count"),
        tables_with_error=_number(load, "tables_with_error_count"),
        changes_in_memory=_sum(
            changes, "incoming_accumulated_changes_in_memory_count", "incoming_applying_changes_in_memory_count"
        ),
        changes_on_disk=_sum(
            changes, "incoming_accumulated_changes_on_disk_count", "incoming_applying_changes_on_disk_count"
        ),
        # The vendor's spelling, and the one that it will have the day somebody mends it.
        applied_records=_number(changes, "applied_records_comitted_count", "applied_records_committed_count"),
        log_stream_staging=_text(data, "log_stream_staging", cap=_LABEL_CAP),
    )


def parse_action(body: Any) -> ActionReply:
    """The answer to a run or stop; one that cannot be read leaves open what happened."""
    data = _with_state(body)
    if "state" not in data:
        raise QemProtocolError("the answer to a run or stop has no state", maybe_sent=True)
    return ActionReply(state=_task_state(data), error_message=_text(data, "error_message"))


def parse_endpoint_test(body: Any) -> EndpointTest:
    """`GET /servers/S/endpoints/E?action=test`: the SDK reads `status`, the REST page has `requeststate`.

    Raises QemProtocolError if there is none of them.
    """
    data = _object(body)
    spelling = _text(data, "status", "requeststate", "state")
    if not spelling:
        raise QemProtocolError("the answer to a test of an endpoint has no status")
    message, detailed = _text(data, "message"), _text(data, "detailed_message")
    said = (message, detailed) if message not in detailed else (detailed,)
    status = _member(EndpointStatus, spelling, EndpointStatus.UNKNOWN)
    return EndpointTest(status, harmless(": ".join(part for part in said if part)))


def parse_latency(value: Any) -> int | None:
    """Seconds in `hh:mm:ss`; None for anything else."""
    match = _LATENCY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def parse_time(value: Any) -> datetime | None:
    """A moment in ISO 8601, in UTC where it names no zone; None for anything else.

    A date alone is no moment, and .NET writes what has never been as a day of the year 1.
    """
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) > _DATE_LENGTH else None
        found = found and (found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return found if found and found.year >= _FIRST_YEAR else None


def _fetched(data: Mapping[str, Any]) -> Fetched | None:
    """When a server's tasks were last fetched, taken for the same by every clock."""
    written = parse_time(data.get("last_connection"))
    return Fetched(written, written) if written else None


def _status(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the list and the details of tasks share, though they call the stop reason differently."""
    raw_stop_reason = _text(data, "task_stop_reason", "stop_reason")
    return {
        "state": _task_state(data),
        "stop_reason": _member(StopReason, raw_stop_reason, StopReason.UNKNOWN),
        "raw_state": _text(data, "state", cap=_LABEL_CAP),
        "raw_stop_reason": raw_stop_reason[:_LABEL_CAP],
        "message": _message(data.get("message")),
        **_tags(data.get("assigned_tags")),
    }


def _task_state(data: Mapping[str, Any]) -> TaskState:
    name = symbol(_text(data, "state"))
    return _member(TaskState, _TASK_STATE_SPELLINGS.get(name, name), TaskState.UNKNOWN)


def _entries(body: Any, name: str) -> list[Any]:
    entries = _object(body).get(name)
    if not isinstance(entries, list):
        raise QemProtocolError(f"the answer has no list named {name}")
    return entries


def _name(data: Mapping[str, Any], what: str) -> str:
    raw = data.get("name")
    if not isinstance(raw, str) or not raw:
        raise QemProtocolError(f"{what} in the list has no name")
    return key_name(raw)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _with_state(body: Any) -> Mapping[str, Any]:
    """`body`, or the only object in it that has a state where it has none itself."""
    data = _object(body)
    inner = [value for value in data.values() if isinstance(value, dict) and "state" in value]
    return inner[0] if "state" not in data and len(inner) == 1 else data


def _text(data: Mapping[str, Any], *names: str, cap: int | None = None) -> str:
    """The first of the fields `names` that is a text, made harmless."""
    raw = next((data[name] for name in names if isinstance(data.get(name), str)), "")
    return harmless(raw) if cap is None else harmless(raw, cap)


def _number(data: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = data.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return int(value)
    return None


def _sum(data: Mapping[str, Any], *names: str) -> int | None:
    known = [number for name in names if (number := _number(data, name)) is not None]
    return sum(known) if known else None


def _seconds_between(data: Mapping[str, Any], start: str, end: str) -> int | None:
    """Seconds from one time to a later one; None if one is missing, or says that it was not yet."""
    began, ended = parse_time(data.get(start)), parse_time(data.get(end))
    if began is None or ended is None:
        return None
    seconds = int((ended - began).total_seconds())
    return seconds if 0 < seconds < LONGEST.total_seconds() else None


def _flag(data: Mapping[str, Any], name: str) -> bool | None:
    value = data.get(name)
    return value if isinstance(value, bool) else None


def _message(value: Any) -> str:
    """A task's message, as long as it is judged, with `…` wherever something is missing of it or seems to be."""
    if not isinstance(value, str):
        return ""
    # One character more than is kept shows whether there is more.
    whole = harmless(unhidden(value), len(value) + 1)
    if len(whole) > _MESSAGE_BEGINNING + _MESSAGE_END:
        whole = f"{whole[:_MESSAGE_BEGINNING]} … {whole[-_MESSAGE_END:]}"
    is_cut = len(value) in _USUAL_LIMITS or len(value.encode("utf-8", "surrogatepass")) in _USUAL_LIMITS
    return f"{whole}…" if is_cut and not whole.endswith("…") else whole


def _tags(value: Any) -> dict[str, Any]:
    """The fields `tags` and `tags_known`. A tag is a text, or an object with a name.

    Only a list all of which can be read says which tags there are: with any other one, a task may have more of them.
    """
    entries = value if isinstance(value, list) else []
    names = [entry.get("name") if isinstance(entry, dict) else entry for entry in entries]
    texts = [name for name in names if isinstance(name, str)]
    return {
        "tags": tuple(tag for text in texts if (tag := harmless(text, _TAG_CAP))),
        "tags_known": isinstance(value, list)
        and len(texts) == len(entries)
        and all(len(text) < _TAG_CAP and unhidden(text) == text for text in texts),
    }


def _member(enum: type[E], raw: str, unknown: E) -> E:
    try:
        return enum(symbol(raw))
    except ValueError:
        return unknown
