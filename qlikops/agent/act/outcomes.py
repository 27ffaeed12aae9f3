"""What a restart comes to: the outcome of a group from those of its tasks, and of one that was interrupted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from qlikops.agent.remember.tasks import StartMarker, TaskLedger
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import Outcome, ProposalRecord, RunCall, Status, TaskOutcome

_DOWN = (Status.UNVERIFIED, Status.FAILED, Status.SUPERSEDED, Status.NOT_TRIED)
"""What a group comes to of which no task is up, what needs a look first."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One invocation was too short for the group. The next one goes on; nothing is lost if it comes twice."""

    done: int
    """Tasks of which it is known what came of them."""
    total: int


def combined(targets: Sequence[TaskOutcome]) -> Outcome:
    """One outcome for all tasks: PARTIAL where some are up and some are not."""
    statuses = {target.status for target in targets}
    up = {status for status in statuses if status.is_up}
    if statuses == up:
        status = Status.RESTARTED if Status.RESTARTED in statuses else Status.ALREADY_RUNNING
    elif up:
        status = Status.PARTIAL
    else:
        status = next(one for one in _DOWN if one in statuses)
    if len(targets) == 1:
        return Outcome(status, targets[0].detail, tuple(targets))
    counts = Counter(target.came_to for target in targets)
    detail = ", ".join(f"{count} {words}" for words, count in counts.most_common())
    why = next((target.detail for target in targets if target.status is Status.NOT_TRIED), "")
    return Outcome(status, f"{detail}: {why}" if why else detail, tuple(targets))


def nothing_sent(status: Status, tasks: Iterable[TaskKey], seen_up: Mapping[TaskKey, TaskOutcome], why: str) -> Outcome:
    """What a restart comes to that started none of its `tasks`; those of them that were `seen_up` need nothing."""
    left = (TaskOutcome(key, status, run_call=RunCall.NOT_SENT) for key in tasks)
    return Outcome(status, f"nothing was sent: {why}", tuple(seen_up.get(each.key, each) for each in left))


def interrupted(tasks: TaskLedger, approval: ProposalRecord, detail: str) -> Outcome:
    """What came of a restart without a result, from its claims, which get one: without any, nothing was done."""
    choice = approval.chosen
    claims = tasks.restart_claims((target.key for target in choice.targets), approval.approval_id)
    if not claims:
        return Outcome(Status.FAILED, detail)
    why = (approval.claim.stops_because if approval.claim else "") or "the restart was interrupted"
    targets = [
        _left_by_an_interruption(tasks, approval, target.key, claims[target.key])
        if target.key in claims
        else not_tried(target.key, why)
        for target in choice.targets
    ]
    outcome = combined(targets)
    return replace(outcome, detail=f"{outcome.detail} ({detail})" if outcome.detail else detail)


def _left_by_an_interruption(
    tasks: TaskLedger, approval: ProposalRecord, key: TaskKey, claim: StartMarker
) -> TaskOutcome:
    if claim.result:
        return claim.result
    result = TaskOutcome(
        key,
        Status.UNVERIFIED,
        "may have been told to run; the restart was interrupted",
        claim.before,
        run_call=RunCall.UNCERTAIN,
        stopped=approval.chosen.action.stops_first,
    )
    # The next run looks at the claims only to learn whether it was we who stopped the task.
    return tasks.finish_restart_claim(key, approval.approval_id, result)


def not_started(key: TaskKey, why: str) -> TaskOutcome:
    """Nothing was sent."""
    return TaskOutcome(key, Status.FAILED, f"not started: {why}", run_call=RunCall.NOT_SENT)


def not_tried(key: TaskKey, why: str) -> TaskOutcome:
    """Nothing was begun: there is no claim, and the next run proposes the task anew."""
    return TaskOutcome(key, Status.NOT_TRIED, why)
