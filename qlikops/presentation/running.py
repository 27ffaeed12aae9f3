"""What starting, stopping and redriving send, and what becomes of what is under way."""

from __future__ import annotations

from collections.abc import Sequence

from qlikops.domain.proposals.approval import Status
from qlikops.domain.words.naming import listed
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionSummary, RunProposal
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Line, Tone, line, outside


def start_lines(caller: str) -> tuple[Line, ...]:
    """What a run does that a person starts."""
    return (
        line("sends", "StartExecution with the input {}, as the schedule does"),
        line("by", outside(caller or vocabulary.NO_CALLER, cap=200)),
        line("then", "the fleet is read, and what is broken and not asked about yet is proposed"),
    )


def stop_lines(
    execution: ExecutionSummary, detail: ExecutionDetail | None, reason: str, caller: str
) -> tuple[Line, ...]:
    """What stopping does to each proposal; `detail` is None until it has been read."""
    lines = [
        line("execution", outside(execution.name, cap=100)),
        line("sends", "StopExecution, error StoppedByOperator"),
        line("cause", outside(f"{reason or '…'} ({caller or 'caller not known yet'})", cap=600)),
    ]
    proposals = () if detail is None else detail.proposals
    asking = [one for one in proposals if one.status is Status.WAITING]
    acting = [one for one in proposals if one.status is Status.RESTARTING]
    early = [one for one in proposals if one.status in (Status.PROPOSED, Status.EVALUATED)]
    if asking or early:
        lines.append(line("withdrawn", outside(_named([*asking, *early]), Tone.WARNING, 500)))
        lines.append(
            line("", "nobody can answer them any more and nothing is restarted; the next run closes them as abandoned")
        )
    if acting:
        lines.append(line("stopped", outside(_named(acting), Tone.DANGER, 500)))
        lines.append(line("", "no further task is started; what was told to run is not called back: look at it"))
    if detail is not None and not (asking or acting or early):
        lines.append(line("then", "nothing of it waits for a decision; it ends without a report"))
    return tuple(lines)


def redrive_lines(execution: ExecutionSummary, detail: ExecutionDetail | None) -> tuple[Line, ...]:
    """Where it would go on."""
    lines = [line("execution", outside(execution.name, cap=100)), line("sends", "RedriveExecution")]
    if detail is None:
        return tuple(lines)
    states = () if detail.history is None else detail.history.states
    unfinished = next(
        (run for run in reversed(states) if run.error or run.exited_at == detail.summary.stopped_at), None
    )
    if unfinished is not None:
        where = outside(f"{unfinished.name}, with the same input and the same definition", cap=200)
        lines.append(line("goes on at", where))
    error = outside(detail.error, cap=100, before="  ")
    lines.append(line("was", vocabulary.execution_status(detail.summary.status), error))
    if detail.proposals:
        closed = vocabulary.count(sum(one.status.is_final for one in detail.proposals), "proposal")
        lines.append(line("stays", f"{closed} closed: none is asked or acted on again"))
    return tuple(lines)


def progress(proposal: RunProposal) -> str:
    """How far a restart has come, or what it waits for; empty if none is under way, or nothing is settled yet."""
    done = proposal.progress
    if done is None or proposal.status is not Status.RESTARTING:
        return ""
    if done.waits:
        return outside(done.waits.words, cap=120).text
    down = f"{done.down:,} not, " if done.down else ""
    return f"{done.up:,} up, {down}{done.total - done.up - done.down:,} to go"


def _named(proposals: Sequence[RunProposal]) -> str:
    return listed([f"{one.label} ({one.action})" for one in proposals])
