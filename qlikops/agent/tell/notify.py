"""Tells people and programs: each event goes to an SNS topic, for people, and to EventBridge, for programs."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from typing import Any

from qlikops.agent.config import NotificationFormat
from qlikops.agent.tell.event import Event
from qlikops.agent.tell.events import ended
from qlikops.agent.transient import IN_VAIN, NO_ANSWER
from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.words.text import harmless

SOURCE = "qlikops"
"""Source of all events; the functions may put no others."""
MOST_ENTRIES = 10
"""Events in one call of PutEvents; together they may have 256 KB, and each event has less than a tenth of that."""
_TRIES = 3
"""Times that an event is put which EventBridge refuses alone."""
PAUSE_SECONDS = 60.0
"""Time for which EventBridge gets nothing after it did not answer: a VPC may have no way to it, and each try waits."""
_SUBJECT_CAP = 99
"""Characters of a subject: SNS takes less than 100."""
_MOST_VALUES = 50
"""Values of one attribute of a message: attributes share the 256 KB of the message."""

_logger = logging.getLogger(__name__)


@dataclass
class Notifier:
    """Tells events. What one channel does not take goes to the other one all the same, is logged and lost."""

    clients: Callable[[str], Any]
    """Gives boto3's client of a service, the same one each time."""
    topic_arn: str
    message_format: NotificationFormat = NotificationFormat.TEXT
    escalation_topic_arn: str = ""
    """Empty if there is no escalation topic."""
    monotonic: Callable[[], float] = time.monotonic
    _no_answer_at: float = field(default=-math.inf, init=False)

    def tell(self, *events: Event, escalates: bool = False) -> bool:
        """Tells `events`, all of one kind and of one run; whether the topic took them.

        What `escalates` goes to the escalation topic as well, if there is one.
        """
        if not events:
            return True
        self._put(events)
        alone = self.message_format is NotificationFormat.JSON
        messages = [[event] for event in events] if alone else [events]
        if escalates and self.escalation_topic_arn:
            for message in messages:
                self._publish(self.escalation_topic_arn, message)
        published = [self._publish(self.topic_arn, message) for message in messages]
        return all(published)

    def closed(self, approval: ProposalRecord) -> bool:
        """Tells that a proposal is over, if people have heard of it or have to; to all who were told that it waits."""
        return self.tell(*ended(approval), escalates=approval.reminded is not None and approval.reminded.escalated)

    def _publish(self, topic_arn: str, events: Sequence[Event]) -> bool:
        summary, text = events[0].together(events)
        # SNS takes ASCII only in a subject.
        subject = harmless(f"qlikops: {summary}", _SUBJECT_CAP).encode("ascii", "replace").decode()[:_SUBJECT_CAP]
        try:
            self.clients("sns").publish(
                TopicArn=topic_arn,
                Subject=subject,
                Message=_message(self.message_format, events, summary, text),
                MessageAttributes=_attributes(events),
            )
        except IN_VAIN:
            _logger.exception("nobody was told: %s", subject)
            return False
        return True

    def _put(self, events: Sequence[Event]) -> None:
        if self.monotonic() - self._no_answer_at < PAUSE_SECONDS:
            _logger.error("EventBridge did not answer just now: %d events are lost", len(events))
            return
        for start in range(0, len(events), MOST_ENTRIES):
            entries = [_entry(event) for event in events[start : start + MOST_ENTRIES]]
            try:
                refused = self._refused(entries)
            except IN_VAIN as exc:
                _logger.exception("EventBridge did not take %d events", len(events) - start)
                if isinstance(exc, NO_ANSWER):
                    self._no_answer_at = self.monotonic()
                return
            if refused:
                # Without the details: what is told has no place in a log of failures.
                _logger.error("EventBridge refused %d events: %s", len(refused), sorted(set(refused)))

    def _refused(self, entries: Sequence[dict[str, Any]]) -> list[str]:
        """Puts `entries`; the error codes of those that are refused, which boto3 does not try again, each time."""
        refused: list[str] = []
        for _ in range(_TRIES):
            answers = self.clients("events").put_events(Entries=entries)["Entries"]
            refused = [each["ErrorCode"] for each in answers if "ErrorCode" in each]
            entries = [entry for entry, each in zip(entries, answers, strict=True) if "ErrorCode" in each]
            if not entries:
                break
        return refused


def _entry(event: Event) -> dict[str, Any]:
    return {"Source": SOURCE, "DetailType": event.name, "Time": event.at, "Detail": codec.dumps(event.detail())}


def _message(message_format: NotificationFormat, events: Sequence[Event], summary: str, text: str) -> str:
    match message_format:
        case NotificationFormat.JSON:
            return codec.dumps(events[0].detail())
        case NotificationFormat.CHAT:
            return codec.dumps(_chat(events, summary, text))
    return text


def _chat(events: Sequence[Event], summary: str, text: str) -> codec.Json:
    """The custom notification of Amazon Q Developer in chat applications; what is told of one thing is one thread."""
    metadata = {"summary": _unmarked(summary), "eventType": events[0].name}
    if len(events) == 1:
        metadata["threadId"] = events[0].dedup_key
    return {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": _unmarked(summary),
            # In a block of code nothing is markup: a name with underscores stays one.
            "description": f"```\n{_unmarked(text)}\n```",
        },
        "metadata": metadata,
    }


def _unmarked(text: str) -> str:
    """`text` that mentions no person, links nowhere and ends no block of code."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")


def _attributes(events: Sequence[Event]) -> dict[str, Any]:
    """What the filters of subscriptions go by: ten at most, or SNS drops what goes to a queue as raw messages."""
    values: dict[str, Iterator[str]] = {
        "event": (event.name for event in events),
        "state": (event.STATE.value for event in events),
        "severity": (event.severity.value for event in events),
        "kind": (event.kind for event in events),
        "instance": (name for event in events for name in event.instances),
        "server": (name for event in events for name in event.servers),
        "tags": (tag for event in events for tag in event.tags),
        "approval_id": (event.approval_id for event in events),
        "dedup_key": (event.dedup_key for event in events),
    }
    several = {name: list(filter(None, dict.fromkeys(each)))[:_MOST_VALUES] for name, each in values.items()}
    return {name: _attribute(each) for name, each in several.items() if each}


def _attribute(values: Sequence[str]) -> dict[str, str]:
    if len(values) == 1:
        return {"DataType": "String", "StringValue": values[0]}
    return {"DataType": "String.Array", "StringValue": json.dumps(values)}
