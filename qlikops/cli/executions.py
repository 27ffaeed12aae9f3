"""executions, show, run, stop, redrive."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Annotated

import typer

from qlikops.cli import around, output
from qlikops.cli.context import Invocation, JsonListOption, JsonOption, argument, choice, switch, takes
from qlikops.cli.durations import duration
from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.one_by_one import one_by_one
from qlikops.cli.remembering import remember
from qlikops.domain.errors import NotFound, UsageError
from qlikops.domain.gathered.background import read_background
from qlikops.domain.ports import ContextServices, Executions
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.domain.words.naming import shown
from qlikops.domain.workflow.events import load_history_file
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionStatus, ExecutionSummary, FoldedHistory
from qlikops.domain.workflow.following import pages_of
from qlikops.domain.workflow.history import fold_history
from qlikops.files import read_text
from qlikops.presentation.lists import executions as presented
from qlikops.presentation.pages import review

_APPROVAL_ID = re.compile(r"[0-9a-f]{1,12}")
_POLL_SECONDS = 2.0
LARGEST_HISTORY = 500_000_000
"""Bytes: 25,000 events, of which hardly any fills its 256 KiB."""
MOST = 1_000_000
"""Executions in one list; `--all` has no limit."""


def executions(
    here: Invocation,
    status: Annotated[ExecutionStatus | None, choice("Only these.")] = None,
    limit: Annotated[int, takes("N", "How many at most.", min=1, max=MOST)] = 20,
    all_: Annotated[bool, switch("All there are: 90 days of them, a hundred a call.", "--all")] = False,
    as_json: JsonListOption = False,
) -> None:
    """List executions, newest first, with what each found and did."""
    environment = here.environment()
    newest = chain.from_iterable(pages_of(environment.executions, status))
    found = sorted(islice(newest, None if all_ else limit), key=lambda each: each.started_at, reverse=True)
    if status is None:
        remember(here, environment.name, "runs", {each.name: each.status.lower() for each in found})
    if as_json:
        output.write_json(found)
        return

    if not found:
        output.say("There are no executions.")
        return
    output.write_rows(presented.TABLE, presented.listed(found, here.now()))


def show(
    here: Invocation,
    targets: Annotated[
        list[str] | None, argument("EXECUTION-OR-APPROVAL…", "A name, an ARN, or an approval's id.")
    ] = None,
    history: Annotated[
        Path | None,
        takes(
            "FILE",
            "Fold the output of `aws stepfunctions get-execution-history` (- for stdin); asks nothing of AWS.",
            "--history",
            allow_dash=True,
        ),
    ] = None,
    logs: Annotated[
        bool, switch("Show the log lines of the Lambda functions that an execution called.", "--logs")
    ] = False,
    state: Annotated[str, takes("NAME", "With --logs: only of this state.")] = "",
    diff: Annotated[bool, switch("Compare an execution with the last one before it that succeeded.", "--diff")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show executions, approvals, or a saved history."""
    if history is not None:
        if targets or logs or diff or state:
            raise UsageError("--history is a file alone: leave out executions, --logs, --state and --diff.")
        folded = fold_history(load_history_file(read_text(history, at_most=LARGEST_HISTORY)))
        _write_history(here, folded, as_json=as_json)
        return
    if logs or diff or state:
        role = here.environment().executions
        around.show(role, targets or (), here.now(), logs=logs, state=state, diff=diff, as_json=as_json)
        return
    if not targets:
        raise UsageError("Say what to show.", "An execution, an approval's id, or --history FILE.")
    environment = here.environment()
    found = [_found(environment, target) for target in targets]
    if as_json:
        output.write_json(found if len(found) > 1 else found[0])
        return
    for number, each in enumerate(found):
        if number:
            output.write("")
        if isinstance(each, ProposalRecord):
            output.write_sections(review.sections(each, here.now(), read_background(environment, each)))
            continue
        if url := environment.executions.console_url(each.summary.arn):
            output.say(f"In the AWS console: {url}")
        _write_detail(here, each)


def run(
    here: Invocation,
    wait: Annotated[bool, switch("Until it has ended, or only humans are waited for.", "--wait")] = False,
    timeout: Annotated[str, takes("T", "How long to wait at most.")] = "10m",
    as_json: JsonOption = False,
) -> None:
    """Start a run now, as the schedule would."""
    waits = duration("--timeout", timeout)
    role = here.environment().executions
    summary = role.start()
    if not wait:
        _write_summary(here, summary, as_json=as_json)
        return
    output.say(f"Started {summary.name}.")
    detail = _await_run(here, role, summary, waits)
    if as_json:
        output.write_json(detail)
    else:
        _write_detail(here, detail)
    if detail.summary.status is ExecutionStatus.SUCCEEDED or _only_humans(detail):
        return
    raise typer.Exit(ExitCode.UNKNOWN if detail.summary.status is ExecutionStatus.RUNNING else ExitCode.FAILURE)


RunsArgument = Annotated[list[str], argument("EXECUTION…", "A name or an ARN.")]
"""One execution or several."""


def stop(
    here: Invocation,
    executions: RunsArgument,
    reason: Annotated[str, takes("R", "Why, for the record.")],
    as_json: JsonOption = False,
) -> None:
    """Abort an execution. A restart under way starts no further task; what waits is closed as abandoned.

    Several at once end with the exit code of the first that failed.
    """
    role = here.environment().executions
    _to_each(here, executions, lambda each: role.stop(each, reason), as_json=as_json)


def redrive(
    here: Invocation,
    executions: RunsArgument,
    as_json: JsonOption = False,
) -> None:
    """Run the rest of a failed, timed-out or aborted execution again, where nothing can be asked or done twice.

    Several at once end with the exit code of the first that failed.
    """
    _to_each(here, executions, here.environment().executions.redrive, as_json=as_json)


def _to_each(here: Invocation, names: Sequence[str], deed: Callable[[str], ExecutionSummary], *, as_json: bool) -> None:
    changed, code = one_by_one(names, deed)
    if as_json:
        output.write_json(changed if len(names) > 1 else changed[0])
    else:
        for summary in changed:
            _write_summary(here, summary, as_json=False)
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def _await_run(here: Invocation, role: Executions, summary: ExecutionSummary, waits: timedelta) -> ExecutionDetail:
    end = here.monotonic() + waits.total_seconds()
    while True:
        detail = role.detail(summary.arn)
        ended = detail.summary.status is not ExecutionStatus.RUNNING
        if ended or _only_humans(detail) or here.monotonic() >= end:
            return detail
        here.sleep(_POLL_SECONDS)


def _only_humans(detail: ExecutionDetail) -> bool:
    """Whether the run has proposals and can get no further without a decision."""
    statuses = [proposal.status for proposal in detail.proposals]
    return Status.WAITING in statuses and all(status is Status.WAITING or status.is_final for status in statuses)


def _found(environment: ContextServices, target: str) -> ProposalRecord | ExecutionDetail:
    """The proposal or execution that `target` names: an execution's name may look like an id."""
    if _APPROVAL_ID.fullmatch(shown(target)):
        try:
            return environment.approvals.approval(target)
        except NotFound:
            pass
    return environment.executions.detail(target)


def _write_summary(here: Invocation, summary: ExecutionSummary, *, as_json: bool) -> None:
    output.write_either(summary, presented.heading(ExecutionDetail(summary, None), here.now()), as_json=as_json)


def _write_detail(here: Invocation, detail: ExecutionDetail) -> None:
    output.write_sections(presented.heading(detail, here.now()))
    if note := presented.states_note(detail):
        output.say(note)
    if detail.history is not None and detail.history.states:
        output.write("")
        columns = presented.state_columns(output.terminal_width())
        output.write_table(columns, [presented.state_cells(state, here.now()) for state in detail.history.states])


def _write_history(here: Invocation, history: FoldedHistory, *, as_json: bool) -> None:
    if as_json:
        output.write_json(history)
        return
    summary = ExecutionSummary("", "", history.status, history.started_at or here.now(), history.stopped_at)
    _write_detail(here, ExecutionDetail(summary, history, error=history.error, cause=history.cause))
