"""How a group is restarted: one task first, then 2, 4, 8 …, and no further once the cause is seen to be still there.

Sixty tasks behind a source that is still down would else get sixty run calls. All of it follows from the proposal and
from what is known to have come of its tasks, most of which lies in the ledger's claims: any invocation goes on where
another one was.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import RunCall, Status, TaskOutcome

_SAYS_NOTHING = frozenset({Status.RESTARTED, Status.ALREADY_RUNNING, Status.SUPERSEDED, Status.NOT_TRIED})
"""Speaks no word against starting the next task, unless that reads the log of this one."""


def has_room(
    following: TaskKey,
    results: Sequence[TaskOutcome],
    under_way: Collection[TaskKey],
    staging: Collection[TaskKey],
    at_a_time: int,
) -> bool:
    """Whether the task `following` may be started now, beside those that are `under_way`.

    One task, and one more for each that came up, so that twice as many are under way after each round; `at_a_time` at
    most. While one of those `staging` a log is under way, nothing is started that may read it.
    """
    came_up = sum(result.status.is_up for result in results)
    if following not in staging and any(key in under_way for key in staging):
        return False
    return len(under_way) < min(at_a_time, 1 + came_up)


def why_no_further(results: Sequence[TaskOutcome], staging: Collection[TaskKey], max_errors: int) -> str:
    """Why no further task of a group is started, in words; empty if one may be.

    The first that shows that the cause is still there ends it, and the first of those `staging` a log that did not come
    up: others read what it stages. Otherwise `max_errors` tasks that did not come up, for whatever reason. Whether a
    task that may not even have been told to run shows anything is doubtful: only as long as no other one came up.
    """
    bad = [result for result in results if result.status not in _SAYS_NOTHING]
    some_came_up = any(result.status.is_up for result in results)
    shows = (result for result in bad if result.same_cause)
    if still_there := next((one for one in shows if not (some_came_up and one.run_call is RunCall.UNCERTAIN)), None):
        return f"the cause is still there: {still_there.key} {still_there.came_to}"
    # Also one that was left alone as it is another matter by now: it is not up, whatever it speaks for.
    if parent := next((result for result in results if result.key in staging and not result.status.is_up), None):
        return f"{parent.key}, which stages the log for others, {parent.came_to}"
    return f"{len(bad)} tasks did not come up" if len(bad) >= max_errors else ""
