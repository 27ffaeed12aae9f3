"""What a proposal, or its absence, says to a person at three in the morning: titles and reasons."""

from __future__ import annotations

from collections.abc import Sequence

from qlikops.agent.diagnosis.messages import FAULT_CAP, MessageClass, judge
from qlikops.agent.look.detectors import RESOURCE_STOPS, lost_connection
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.diagnosis import Diagnosis
from qlikops.domain.fleet.task import TaskFacts
from qlikops.domain.proposals.lasting import Streak
from qlikops.domain.proposals.proposal import ProposedTask
from qlikops.domain.words.text import harmless

_QUOTED_CAP = 160
"""Characters of a message that a sentence quotes."""
_NOT_CERTAIN = "Probably, though the message does not make it certain:"
_SAYS = {
    MessageClass.POSITION_LOST: "the source no longer has the log",
    MessageClass.ACCESS_REFUSED: "an endpoint refuses the login",
    MessageClass.CONNECTIVITY: "a lost connection",
    MessageClass.RETRY_NOW: "a failure that passes",
}


def headline(kind: AnomalyKind, facts: TaskFacts, cause: str = "", diagnosis: Diagnosis | None = None) -> str:
    """What happened, in a few words that fit a list; `cause` already names the endpoint where there is one."""
    if diagnosis is not None and _stands_for_the_kind(diagnosis, kind):
        return diagnosis.headline
    if kind is AnomalyKind.FATAL_TRANSIENT:
        return "connection lost" if cause else lost_connection(facts)
    lacking = _lacking(kind, facts)
    return f"stopped, {lacking}" if lacking else kind.traits.headline


def lead(streaks: Sequence[Streak | None]) -> str:
    """What the proposal on these tasks says first: how often restarting them did not last; empty if it never did."""
    fallen = [streak for streak in streaks if streak]
    if not fallen:
        return ""
    words = max(fallen, key=lambda streak: streak.count).words()
    return words if len(fallen) == len(streaks) else f"{words}, {len(fallen)} of the tasks"


def reason(
    kind: AnomalyKind, facts: TaskFacts, targets: Sequence[ProposedTask], diagnosis: Diagnosis | None = None
) -> str:
    """Why this action, and why it is or isn't safe, in a few sentences."""
    if diagnosis is not None and _stands_for_the_kind(diagnosis, kind):
        says = diagnosis.says if diagnosis.is_known else f"{_NOT_CERTAIN} {diagnosis.says}"
        passes = ("Replicate has stopped retrying; a plain resume works.", *diagnosis.checks)
        first = ("Before you resume:", *(diagnosis.checks or ("Read the message.",)), diagnosis.never)
        why = " ".join(filter(None, (says, *(first if kind.traits.cause_unknown else passes))))
    elif lacking := _lacking(kind, facts):
        why = f"Replicate stopped it: {lacking}. Resumed before that is put right, it stops again."
    else:
        why = kind.traits.why
    return f"{why} {_reloading(targets) if kind.traits.position_lost else _resuming(targets)}"


def _stands_for_the_kind(diagnosis: Diagnosis, kind: AnomalyKind) -> bool:
    """Whether what the message was recognised as says more than the words of the kind."""
    return bool(diagnosis.headline) if kind.traits.cause_unknown else diagnosis.passes_at_once


def _lacking(kind: AnomalyKind, facts: TaskFacts) -> str:
    return RESOURCE_STOPS.get(facts.stop_reason, "") if kind.traits.fix_first else ""


def fault(fault_of: str) -> str:
    """What a message said of which `messages.fault_of` is left."""
    known = next((words for each, words in _SAYS.items() if each.value == fault_of), "")
    # Longer than that is only what has a checksum behind its mark.
    return known or (f"“{fault_of[: FAULT_CAP + 1]}”" if fault_of else "empty")


def message(facts: TaskFacts) -> str:
    """What a task's message says: what it was recognised as, and the words that decided it, or else its beginning."""
    match = judge(facts)
    quoted = harmless(match.passage or facts.message, _QUOTED_CAP)
    known = _SAYS.get(match.message_class)
    return f"{known} ({quoted})" if known else f"“{quoted}”" if quoted else "empty"


def full_loads(targets: Sequence[ProposedTask]) -> str:
    """How many tasks' full load is complete, not complete, unknown: `36 complete, 1 not complete`."""
    states = [target.full_load_completed for target in targets]
    counts = (("complete", states.count(True)), ("not complete", states.count(False)), ("unknown", states.count(None)))
    return ", ".join(f"{count} {name}" for name, count in counts if count)


def _resuming(targets: Sequence[ProposedTask]) -> str:
    states = [target.full_load_completed for target in targets]
    if all(states):
        return "Full load is complete, so resuming goes on where it stopped."
    if len(targets) > 1:
        return f"Full load: {full_loads(targets)}; where it isn't complete, resuming reloads tables."
    if states[0] is None:
        return "Whether full load is complete isn't known; if it isn't, resuming reloads tables."
    return "Full load is not complete, so resuming reloads tables."


def _reloading(targets: Sequence[ProposedTask]) -> str:
    known = [target.tables for target in targets if target.tables is not None]
    tables = f" ({sum(known)} tables)" if known else ""
    return (
        f"If it can't be, only a reload helps: it replaces what the target has{tables}, and takes as a full load does."
    )
