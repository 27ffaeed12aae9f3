"""What `show` tells of an execution beyond the execution itself: log lines, and the difference to the last good run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from qlikops.cli import output
from qlikops.domain.errors import NotFound, UsageError
from qlikops.domain.ports import Executions
from qlikops.domain.words.naming import did_you_mean
from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.execution import StateVisit
from qlikops.domain.workflow.following import ExecutionFollower, FollowedExecution, last_good
from qlikops.domain.workflow.logs import calls_of, read_logs
from qlikops.presentation.pages import comparison
from qlikops.presentation.pages import logs as log_text

_KEPT = "Step Functions keeps a history for 90 days."


def show(
    role: Executions, targets: Sequence[str], now: datetime, *, logs: bool, state: str, diff: bool, as_json: bool
) -> None:
    """Writes log lines, of all states or only of `state`, or the difference.

    Raises UsageError unless it is one thing about one execution.
    """
    if logs == diff or (state and diff) or len(targets) != 1:
        raise UsageError(
            "--logs [--state NAME] and --diff are each about one execution.", "`qlikops show RUN --logs`, for example."
        )
    summary = role.detail(targets[0], with_history=False).summary
    followed = ExecutionFollower(summary.arn).read(role)
    if logs:
        visits = _visits(followed, state)
        calls = calls_of(followed, visits)
        found = read_logs(role.log_lines, calls, now)
        if as_json:
            output.write_json(found)
        else:
            output.write(log_text.text(followed.machine, visits, calls, found, now))
        return
    good = last_good(role, summary)
    if good is None:
        raise NotFound(comparison.none(summary), "`qlikops executions --status succeeded` lists those that did.")
    then = ExecutionFollower(good.arn).read(role)
    if gone := comparison.gone(followed, then):
        raise NotFound(gone, _KEPT)
    compared = comparison.compare(followed, then, now)
    if as_json:
        output.write_json(compared)
    else:
        output.write(comparison.text(compared))


def _visits(followed: FollowedExecution, state: str) -> Sequence[StateVisit]:
    """Visits of every state, or of one state. Raises NotFound without a history, or such a state."""
    if followed.detail.history is None:
        raise NotFound("The history is gone, which says what was called.", _KEPT)
    visits = followed.detail.history.states
    names = {each.name for _, each in followed.machine.walk()} if followed.machine else {each.name for each in visits}
    if state and state not in names:
        hint = did_you_mean(state, sorted(names)) or f"There are: {', '.join(sorted(names))}."
        raise NotFound(f"The execution has no state {harmless(state, 80)}.", hint)
    return [visit for visit in visits if state in ("", visit.name)]
