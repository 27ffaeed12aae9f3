"""What all events say: one thing that happened, as it is told to people and programs.

Text from outside is made harmless and cut here, since what is told leaves the account.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from urllib.parse import quote

from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import Severity
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.words.text import harmless

VERSION = 1
"""Version of the details. A consumer may rely on the fields of a version; one that it does not know it leaves alone."""
LONGEST_KEY = 255
"""Characters of a dedup key: what PagerDuty takes."""
NAMED = 10
"""Tasks, servers and tags of a group that an event names."""
SUMMARY_CAP = 200
"""Characters of a summary; of other texts twice as many."""
_NAME_CAP = 120


class IncidentState(StrEnum):
    """What an event does to an incident with its dedup key."""

    OPEN = "open"
    """Somebody has to look; told again with the same key it is still the same thing."""
    CLOSED = "closed"
    """What was opened with this key is over."""
    NOTICE = "notice"
    """Opens nothing, so nothing closes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events say."""

    STATE: ClassVar[IncidentState] = IncidentState.NOTICE

    dedup_key: str
    """Key that is the same in all events of one thing, such as `qlikops/eu-west-1/123456789012/approval/0123456789ab`.
    """
    at: datetime
    """When it happened or was seen."""
    severity: Severity
    """Severity, when it is closed the same as when it was opened last: a finding that gets worse is opened again."""
    summary: str
    """One line, such as the subject of a message; at most 200 characters."""
    text: str
    """A few lines for people; how to see more is a command to type."""
    kind: str = ""
    """The kind of anomaly, such as `FATAL_TRANSIENT`; empty if it is about none."""
    instances: tuple[str, ...] = ()
    """The Enterprise Managers that it is about, the first 10."""
    servers: tuple[str, ...] = ()
    """The Replicate servers that it is about, the first 10."""
    tags: tuple[str, ...] = ()
    """The tags of the tasks that it is about, the first 10; the same when it is closed as when it was opened."""
    approval_id: str = ""
    """The id of the proposal, as commands take it; empty if it is about none."""

    @property
    def name(self) -> str:
        """What happened, such as `ApprovalRequested`: the detail-type."""
        return type(self).__name__

    def detail(self) -> codec.Json:
        """The event as JSON."""
        return {"version": VERSION, "event": self.name, "state": self.STATE.value, **codec.encode(self)}

    @classmethod
    def together(cls, events: Sequence[Event]) -> tuple[str, str]:
        """Summary and text of one message for several events of this kind, which happened in one run."""
        summary = events[0].summary if len(events) == 1 else f"{events[0].summary} (and {len(events) - 1} more)"
        return summary, "\n".join(event.text for event in events)


def dedup_key(execution_arn: str, *thing: str) -> str:
    """The key of one thing in the account and Region of an execution; of a long one, its beginning and a digest."""
    parts = execution_arn.split(":")
    deployment = parts[3:5] if len(parts) > 5 else parts[-1:]
    key = "/".join(quote(part, safe="") for part in ("qlikops", *deployment, *thing))
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return key if len(key) <= LONGEST_KEY else f"{key[: LONGEST_KEY - len(digest) - 1]}#{digest}"


def where(keys: Sequence[TaskKey]) -> dict[str, Any]:
    """The fields that say which Enterprise Managers and servers the tasks, or a server, belong to."""
    return {
        "instances": _distinct(key.instance for key in keys),
        "servers": _distinct(key.server for key in keys),
    }


def named(keys: Sequence[TaskKey]) -> tuple[str, ...]:
    """The first few tasks by their full names."""
    return tuple(name_of(key.full) for key in keys[:NAMED])


def tags_of(tags: Sequence[str]) -> tuple[str, ...]:
    """The first few tags by name."""
    return _distinct(sorted(tags))


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The first few different ones that are not empty."""
    return tuple(name for each in dict.fromkeys(names) if (name := name_of(each)))[:NAMED]


def name_of(text: str) -> str:
    """A name from outside, harmless and short enough."""
    return harmless(text, _NAME_CAP)


def summary_of(text: str) -> str:
    """One line, harmless and short enough."""
    return harmless(text, SUMMARY_CAP)
