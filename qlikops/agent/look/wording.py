"""What a proposal, or its absence, says to a person at three in the morning: titles, reasons, why left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qlikops.agent.diagnosis.messages import FAULT_CAP, judge
from qlikops.agent.diagnosis.patterns import MessageClass
from qlikops.agent.look.detectors import RESOURCE_STOPS, lost_connection
from qlikops.domain.anomaly import AnomalyKind
from qlikops.domain.proposal import ProposedTask
from qlikops.domain.task import TaskFacts
from qlikops.domain.text import harmless

_QUOTED_CAP = 160
"""Characters of a message that a sentence quotes."""
_SAYS = {
    MessageClass.POSITION_LOST: "the source no longer has the log",
    MessageClass.ACCESS_REFUSED: "an endpoint refuses the login",
    MessageClass.CONNECTIVITY: "a lost connection",
}

WHY_NO_ACTION: Mapping[AnomalyKind, str] = {
    AnomalyKind.RECOVERING_LONG: "Replicate is still retrying by itself; a restart would only interrupt it",
    AnomalyKind.USER_STOPPED: "a user stopped it, so it stays as it is",
    AnomalyKind.PLANNED_STOP: "it stopped as its settings planned",
    AnomalyKind.SOURCE_LATENCY: "latency alone is no fault; reading the source is slow",
    AnomalyKind.TARGET_LATENCY: "latency alone is no fault; whether to stop and resume is a person's decision",
    AnomalyKind.TABLE_ERROR: "only a reload of those tables helps, in Qlik; the task itself runs on",
    AnomalyKind.DATA_ERRORS: "a restart doesn't repair data; look at the exceptions table in the target",
    AnomalyKind.DISK_SPILL: "the target takes changes more slowly than they come; a restart doesn't change that",
    AnomalyKind.FLAPPING: "held: it was started again several times in the last hour, and it doesn't help",
    AnomalyKind.NOT_RUNNING: "why it stopped is not known; look at it in Qlik, and resume it there if it is to run",
    AnomalyKind.SERVER_DOWN: "a task can't be restarted while its server is down; nothing is proposed on its tasks",
    AnomalyKind.NOT_READ: "nothing is proposed on what was not looked at; the next run reads it again",
}
"""Every kind on which nothing is proposed."""


def headline(kind: AnomalyKind, facts: TaskFacts, cause: str = "") -> str:
    """What happened, in a few words that fit a list; `cause` already names the endpoint where there is one."""
    match kind:
        case AnomalyKind.FATAL_TRANSIENT:
            return "connection lost" if cause else lost_connection(facts)
        case AnomalyKind.FATAL_UNKNOWN if _is_refused(facts):
            return "login refused"
        case AnomalyKind.FATAL_UNKNOWN:
            return "failed, cause not recognised"
        case AnomalyKind.POSITION_LOST:
            return "log position lost"
        case AnomalyKind.RESOURCE_STOP:
            return f"stopped, {RESOURCE_STOPS.get(facts.stop_reason, 'resources')}"
        case AnomalyKind.LEFT_STOPPED:
            return "stopped by qlikops, not running again"
        case AnomalyKind.PROCESS_MISMATCH:
            return "shown as running without a process"
        case AnomalyKind.STALLED:
            return "running, but applying nothing"
        case _:
            return kind.lower().replace("_", " ")


def reason(kind: AnomalyKind, facts: TaskFacts, targets: Sequence[ProposedTask]) -> str:
    """Why this action, and why it is or isn't safe, in a few sentences."""
    match kind:
        case AnomalyKind.POSITION_LOST:
            return (
                "The source no longer has the log from where this stopped, so resuming can't work. Only a reload "
                f"brings it back: it replaces what the target has{_tables(targets)} and takes as long as a full load."
            )
        case AnomalyKind.FATAL_TRANSIENT:
            why = (
                "An endpoint couldn't be reached and Replicate has stopped retrying; nothing says that the log is lost."
            )
        case AnomalyKind.FATAL_UNKNOWN if _is_refused(facts):
            why = (
                "An endpoint answered and refused the login. Resuming with the same password fails again and may lock "
                "the account: correct it first."
            )
        case AnomalyKind.FATAL_UNKNOWN:
            why = "The message is none that is known, so read it first: nothing says what resuming would run into."
        case AnomalyKind.RESOURCE_STOP:
            lacking = RESOURCE_STOPS.get(facts.stop_reason, "resources")
            why = f"Replicate stopped it: {lacking}. Resumed before that is put right, it stops again."
        case AnomalyKind.LEFT_STOPPED:
            why = (
                "qlikops stopped it for a restart and did not see it running again. It stays down until somebody "
                "starts it."
            )
        case _:
            why = "Its process is stopped and started again; what has been applied is kept."
    return f"{why} {_resuming(targets)}"


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


def _tables(targets: Sequence[ProposedTask]) -> str:
    known = [target.tables for target in targets if target.tables is not None]
    return f" ({sum(known)} tables)" if known else ""


def _is_refused(facts: TaskFacts) -> bool:
    return judge(facts).message_class is MessageClass.ACCESS_REFUSED
