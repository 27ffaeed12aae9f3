"""Evidence as label and value, numbered: detection collects it, correlation condenses it, evaluators cite it by id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from qlikops.domain.fleet.anomaly import Evidence
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskState
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.words.text import harmless

EVIDENCE_CAP = 16
"""Items of one proposal's evidence."""
VALUE_CAP = 400
"""Characters of one value: enough for a vendor message's telling part."""

MESSAGE_CAP = VALUE_CAP - 40
"""Characters of a task's message in evidence: of a group, how many tasks say it stands behind it."""

Observed = tuple[str, str]
"""Label and value, not yet numbered."""


class Label(StrEnum):
    """What a piece of evidence is about, in the words people see."""

    STATE = "state"
    MESSAGE = "message"
    RECOGNISED = "message recognised as"
    EARLIER = "message before"
    FULL_LOAD = "full load"
    SOURCE = "source endpoint"
    TARGET = "target endpoint"
    LATENCY = "latency"
    SEEN = "seen"
    MEMORY = "memory"
    BACKLOG = "changes waiting"
    APPLIED = "changes applied"
    TABLES = "tables with errors"
    DATA_ERRORS = "data errors"
    DISK = "changes on disk"
    RESTARTS = "restarts in the last hour"
    NOT_LASTED = "restarts that did not last"
    TASKS = "tasks"
    CAUSE = "in common"
    PROTECTED = "protected"
    SERVER = "server"
    FRESHNESS = "freshness of the target"
    FETCHED = "state last fetched"
    LICENSE = "licence"
    READ = "read"
    SIBLINGS = "tasks on the endpoint"
    PROBE = "test of the endpoint"
    POINT_OF_NO_RETURN = "point of no return"
    SOURCE_MEANWHILE = "the source meanwhile"
    PLAN = "planned work"


def numbered(observed: Iterable[Observed], cap: int = EVIDENCE_CAP) -> tuple[Evidence, ...]:
    """The first `cap` of `observed` as evidence e1, e2, …, made harmless and cut."""
    kept = [(label, value) for label, value in observed if value][:cap]
    return tuple(
        Evidence(f"e{number}", label, harmless(value, VALUE_CAP)) for number, (label, value) in enumerate(kept, 1)
    )


def with_evidence(proposal: Proposal, label: Label, value: str) -> Proposal:
    """`proposal` with one more piece of evidence behind the others."""
    observed = [(item.label, item.value) for item in proposal.evidence]
    return replace(proposal, evidence=numbered([*observed, (label, value)]))


def shortened(message: str, cap: int, passage: str) -> str:
    """`message` in `cap` characters: its beginning, and `passage` if that is further on, with marks where it is cut."""
    if len(message) <= cap:
        return message
    if not passage or passage in message[: cap - 1]:
        return message[: cap - 1] + "…"
    kept = passage[: cap // 2]
    return f"{message[: cap - len(kept) - 5]} … {kept} …"


def state_text(facts: TaskFacts) -> str:
    """`ERROR (FATAL_ERROR)`, in Enterprise Manager's spelling where this version doesn't know the value."""
    state = facts.raw_state if facts.state is TaskState.UNKNOWN and facts.raw_state else facts.state.value
    reason = (
        facts.raw_stop_reason
        if facts.stop_reason is StopReason.UNKNOWN and facts.raw_stop_reason
        else facts.stop_reason.value
    )
    return f"{state} ({reason})" if facts.stop_reason is not StopReason.NONE else state
