"""What a task's facts come to: whether anything is proposed on it, what, and on what grounds.

Three ask it: the run that proposes, the run that holds a waiting proposal against a later poll, and ExecuteRestart,
which looks again before it acts. What one of them would judge otherwise than the others is a restart that nobody
approved, so they share these functions. Memory of earlier polls is not needed to ask whether a judgement still holds:
what took several polls to confirm has been confirmed. What comes and goes by itself (memory, latency, counters) is
no part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from qlikops.agent.config import AgentConfig
from qlikops.agent.decide.policy import decide
from qlikops.agent.diagnosis.library import library
from qlikops.agent.diagnosis.messages import fault_of, judge, side_of, still_says
from qlikops.agent.look import wording
from qlikops.agent.look.detectors import (
    DETECTORS,
    SERVER_DETECTORS,
    ServerView,
    TaskView,
    is_stopped_by_command,
    is_waiting_to_apply,
)
from qlikops.agent.transient import TransientError
from qlikops.domain.fleet.anomaly import ACTIONS, Anomaly, AnomalyKind
from qlikops.domain.fleet.diagnosis import Diagnosis
from qlikops.domain.fleet.task import ServerFacts, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.proposals.evaluation import Route
from qlikops.domain.proposals.proposal import Basis, Proposal, ProposedTask
from qlikops.domain.runs.plan import StoppedInPlan
from qlikops.domain.runs.snapshot import TaskProgress


class OwnFailuresUnread(TransientError):
    """It takes a team's own known failures to say whether a judgement still holds, and they cannot be read now."""


_LOG_STREAM = "logstream"
"""Text in the type of a staging task's target, whatever its spelling."""
_FULL_LOAD = {True: "complete", False: "not complete", None: "not known to be complete"}


def chosen_of(anomalies: Sequence[Anomaly]) -> Anomaly | None:
    """The anomaly that speaks for its task: one open proposal a task."""
    proposable = [anomaly for anomaly in anomalies if anomaly.kind in ACTIONS and anomaly.confirmed]
    return min(proposable, key=lambda anomaly: (-anomaly.severity.rank, anomaly.kind.place), default=None)


def target_of(facts: TaskFacts, kind: AnomalyKind, config: AgentConfig) -> ProposedTask:
    """The task as a proposal on `kind` holds it."""
    return ProposedTask(
        key=facts.key,
        state=facts.state,
        stop_reason=facts.stop_reason,
        full_load_completed=facts.full_load_completed,
        tables=facts.tables,
        protected=config.is_protected(facts),
        basis=_basis(facts, kind),
    )


def staging_among(tasks: Sequence[TaskFacts]) -> tuple[TaskKey, ...]:
    """The Log Stream staging tasks: by the type of their target, or named by one of `tasks` that reads what they stage.

    A reader names the task or its target: which of the two is not documented.
    """
    read = {facts.log_stream_staging for facts in tasks} - {""}
    return tuple(
        facts.key
        for facts in tasks
        if _LOG_STREAM in re.sub(r"[\W_]", "", facts.target_type.casefold())
        or not read.isdisjoint((facts.key.task, facts.target_endpoint))
    )


def same_cause(proposal: Proposal, target: ProposedTask, facts: TaskFacts) -> bool:
    """Whether a task that did not come up has what it was proposed on: the cause is still there.

    A message says so by the same failure, or by one of the same class on the same side. Where the kind does not rest on
    a message, the state and the stop reason do.
    """
    if not proposal.kind.traits.rests_on_message:
        return (facts.state, facts.stop_reason) == (target.state, target.stop_reason)
    if not facts.message:
        return False
    basis, side = target.basis or Basis(), side_of(facts)
    if basis.side and side and basis.side != side:
        return False
    then, now = proposal.diagnosis or Diagnosis(), judge(facts).diagnosis
    alike = now.failure_class.is_explained and now.failure_class is then.failure_class
    return alike or (bool(basis.fault) and still_says(facts, basis.fault.partition("\n")[0]))


def came_up(proposal: Proposal, target: ProposedTask, facts: TaskFacts) -> bool:
    """Whether the task was down when the proposal was made, and is up now."""
    was_down = target.state is not TaskState.RUNNING or proposal.kind.traits.only_shown_running
    return was_down and facts.is_up


def rested_on_message(proposal: Proposal, target: ProposedTask) -> bool:
    """Whether it was the task's message that was judged: a team's own known failures may have had a say in it."""
    return target.basis.fault != "" if target.basis else proposal.kind.traits.rests_on_message


def difference(proposal: Proposal, target: ProposedTask, facts: TaskFacts, config: AgentConfig, now: datetime) -> str:
    """How the task would be judged now otherwise than it was for `proposal`, in words; empty where it would not.

    Of a record without a basis, which an earlier version wrote, kind, state and protection are held against `facts`.

    Raises OwnFailuresUnread if only the message would be judged otherwise, and that by the built-in entries alone; or
    if it was judged by an entry that is none of them.
    """
    if change := _other_state(target, facts):
        return change
    kind = kind_now(proposal.kind, target, facts, config, now)
    by_reason = [*_other_reason(proposal.kind, target, facts)]
    by_message = [*_other_diagnosis(proposal.kind, kind, target, facts)]
    around: list[str] = []
    current = target_of(facts, kind or proposal.kind, config)
    if target.basis and current.basis:
        around += _other_surroundings(target.basis, current.basis)
    if current.protected and not target.protected:
        around.append(f"it is protected now ({', '.join(facts.tags) or 'its tags are not known'})")
    takes_own = library().lacks_own and facts.message and rested_on_message(proposal, target)
    if takes_own and not (by_reason or around) and (by_message or _is_by_own(proposal)):
        raise OwnFailuresUnread(
            f"your own known failures cannot be read, and without them it is not sure that this is still what was "
            f"decided on: {wording.message(facts)}"
        )
    return "; ".join([*by_reason, *by_message, *around])


def _is_by_own(proposal: Proposal) -> bool:
    """Whether its diagnosis is by an entry that is not at hand."""
    known_as = proposal.diagnosis.failure if proposal.diagnosis else ""
    return known_as != "" and library().named(known_as) is None


def kind_now(
    kind: AnomalyKind, target: ProposedTask, facts: TaskFacts, config: AgentConfig, now: datetime
) -> AnomalyKind | None:
    """The kind on which something would be proposed now: `kind` as long as it is still seen; None for none."""
    if kind.traits.rests_on_applied and target.basis is None:
        return kind  # what it had applied by then is not on record
    thresholds = config.thresholds_for(facts)
    stands_still_since = now - timedelta(seconds=thresholds.stalled_seconds)
    by_command = is_stopped_by_command(facts)
    memory = TaskProgress(
        applied_since=stands_still_since if _applies_nothing(target, facts) else None,
        left_stopped=kind is AnomalyKind.LEFT_STOPPED and by_command,
        stopped_in=StoppedInPlan("", "", now) if kind is AnomalyKind.STOPPED_IN_PLAN and by_command else None,
    )
    view = TaskView(facts, memory, thresholds, now)
    seen = [each for each in ACTIONS if DETECTORS[each](view)]
    return kind if kind in seen else next(iter(seen), None)


def what_stops(facts: TaskFacts, restarts_last_hour: int, config: AgentConfig, now: datetime) -> str:
    """What stops proposals on the task, such as restarts that have not helped; empty if these facts say nothing."""
    view = TaskView(facts, TaskProgress(), config.thresholds_for(facts), now, restarts_last_hour)
    signals = (detector(view) for kind, detector in DETECTORS.items() if kind.traits.stops_proposals)
    return next((signal.summary for signal in signals if signal), "")


def what_stops_server(server: ServerFacts, config: AgentConfig, now: datetime) -> str:
    """What stops proposals on the server's tasks, such as their old state; empty if these facts say nothing."""
    view = ServerView(server, (), config.thresholds_for_server(server.name), now)
    signals = (detector(view) for kind, detector in SERVER_DETECTORS.items() if kind.traits.stops_proposals)
    return next((signal.summary for signal in signals if signal), "")


def no_longer_automatic(
    approval: ProposalRecord, current: ProposedTask, restarts_last_hour: int, config: AgentConfig
) -> str:
    """Why the policy would not let this task be restarted without a human any more; empty where it would."""
    if approval.evaluation is None:
        return "there is no evaluation"
    if library().lacks_own:
        return "the team's own known failures cannot be read"
    policy = decide(
        replace(approval.proposal, targets=(current,)),
        approval.evaluation,
        restarts_last_hour={current.key: restarts_last_hour},
        config=config,
    )
    if policy.route is Route.AUTOMATIC:
        return ""
    reasons = [closed.reason for closed in policy.closed_gates]
    return reasons[0] if reasons else f"the approval mode is {policy.mode} now"


def _basis(facts: TaskFacts, kind: AnomalyKind) -> Basis:
    rests_on_message = kind.traits.rests_on_message
    side = side_of(facts) if rests_on_message else None
    return Basis(
        fault=_fault(facts) if rests_on_message else "",
        side=side.value if side else "",
        source=facts.source_endpoint,
        target=facts.target_endpoint,
        tables_with_error=facts.tables_with_error,
        applied_records=facts.applied_records if kind.traits.rests_on_applied else None,
    )


def _fault(facts: TaskFacts) -> str:
    """`Basis.fault`."""
    is_unknown = facts.stop_reason is StopReason.UNKNOWN and facts.raw_stop_reason
    return f"{fault_of(facts)}\n{facts.raw_stop_reason}" if is_unknown else fault_of(facts)


def _applies_nothing(target: ProposedTask, facts: TaskFacts) -> bool:
    then = target.basis.applied_records if target.basis else None
    return then is not None and facts.applied_records == then and is_waiting_to_apply(facts)


def _other_state(target: ProposedTask, facts: TaskFacts) -> str:
    for name, then, now in (
        ("state", target.state, facts.state),
        ("stop reason", target.stop_reason, facts.stop_reason),
    ):
        if then != now:
            return f"{name} was {then}, is {now}"
    before, after = target.full_load_completed, facts.full_load_completed
    # What was not known then speaks for the task if it is known now to be complete.
    if before == after or (before is None and after):
        return ""
    return f"full load was {_FULL_LOAD[before]}, is {_FULL_LOAD[after]}"


def _other_reason(kind: AnomalyKind, target: ProposedTask, facts: TaskFacts) -> Iterator[str]:
    """Whether a stop reason that this version does not know has another name in Enterprise Manager by now."""
    if kind.traits.rests_on_message and target.basis:
        _, _, reason = target.basis.fault.partition("\n")
        _, _, reason_now = _fault(facts).partition("\n")
        if reason != reason_now:
            yield f"the stop reason was {reason or 'not given'}, is {reason_now or 'not given'}"


def _other_diagnosis(
    kind: AnomalyKind, now: AnomalyKind | None, target: ProposedTask, facts: TaskFacts
) -> Iterator[str]:
    says = wording.message(facts)
    if kind.traits.rests_on_message:
        basis = target.basis
        said = basis.fault.partition("\n")[0] if basis else ""
        if basis and not still_says(facts, said):
            yield f"message was {wording.fault(said)}, is now: {says}"
        elif now is not kind:
            yield f"it was {kind}, is {now or 'nothing of the kind'} now: {says}"
        elif basis and basis.side and (side := side_of(facts)) and basis.side != side:
            # Where it tells of no side now, or did not then, an endpoint's type may not have been said.
            yield f"the message was about the {basis.side}, is about the {side}: {says}"
    elif now is None:
        yield f"it was {wording.headline(kind, facts)}, and is no longer"
    elif now is not kind:
        yield f"it was {kind}, is {now} now"


def _other_surroundings(then: Basis, now: Basis) -> Iterator[str]:
    for name, before, after in (("source", then.source, now.source), ("target", then.target, now.target)):
        # What was not known then was no ground.
        if before and before != after:
            yield f"the {name} endpoint was {before}, is {after or 'not named'}"
    if (now.tables_with_error or 0) > (then.tables_with_error or 0):
        before_ = "not known" if then.tables_with_error is None else then.tables_with_error
        yield f"tables suspended with errors: {before_} then, {now.tables_with_error} now"
