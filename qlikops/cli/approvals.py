"""approvals, approve, deny, claim."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, Invocation, JsonOption, invocation
from qlikops.cli.durations import duration
from qlikops.cli.exit_codes import DECISION_CODES, ExitCode, of_approved
from qlikops.cli.interrupts import ending_interrupts
from qlikops.domain.approval import Approval, Status, new_decision_id
from qlikops.domain.errors import ApprovalChanged, NotFound, RecordTooNew, Unreachable, UsageError

if TYPE_CHECKING:
    from qlikops.domain.ports import Approvals, DecisionReceipt, DecisionRequest, Environment

_SHORTEST_DIGEST = 12
_WATCH_SECONDS = 3.0
_LONGEST_PAUSE = 30.0
"""Between two tries while nothing can be reached."""

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="An approval's id, or the beginning of one that waits.")]
DigestOption = Annotated[
    str, typer.Option(metavar="D", help="The digest that was reviewed: decide on nothing else.", show_default=False)
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask, even on a terminal.")]


class Sort(StrEnum):
    """As `presentation.inbox.Sort`, which loads what the command line's help has no need of."""

    EXPIRES = "expires"
    SEVERITY = "severity"
    AGE = "age"
    RISK = "risk"
    TASK = "task"


def approvals(
    ctx: typer.Context,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", "-w", help="Go on, a line for what arrives, is claimed, expires soon, is decided, and ends."
        ),
    ] = False,
    filter_: Annotated[
        str,
        typer.Option(
            "--filter", metavar="F", help="As in the console: 'server:eu risk:high !claimed:'.", show_default=False
        ),
    ] = "",
    sort: Annotated[Sort, typer.Option(case_sensitive=False, help="What comes first.")] = Sort.EXPIRES,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what waits for a decision, what expires first first."""
    here = invocation(ctx)
    from qlikops.presentation import inbox
    from qlikops.presentation.filter import parse
    from qlikops.presentation.tone import Column, Span, outside

    now = here.now()
    wanted = parse(filter_, inbox.fields(now))
    if wanted.problem:
        raise UsageError(f"--filter: {wanted.problem}")
    if watch:
        if filter_ or sort is not Sort.EXPIRES:
            raise UsageError("--watch says everything, as it happens; --filter and --sort are for the list.")
        _watch(here, here.environment(context).approvals, as_json=as_json)
    waiting = here.environment(context).approvals.waiting()
    rows = inbox.ordered((row for row in waiting if wanted.matches(row)), inbox.Sort[sort.name])
    if as_json:
        output.write_json(rows)
        return
    output.say(inbox.summary(waiting, now).capitalize() + ".")
    if wanted:
        output.say(f"Shown: {len(rows):,} of {len(waiting):,}.")
    if not rows:
        return
    width = output.terminal_width()
    identity, digest = Column("id", "Id", 12), Column("digest", "Digest", 12)
    shown = (*inbox.COLUMNS, digest) if width is None else inbox.columns(width - identity.width - 2)
    cells = [{"id": outside(row.approval_id), "digest": Span(row.digest), **inbox.cells(row, now)} for row in rows]
    output.write_table((identity, *shown), cells)


def _watch(here: Invocation, role: Approvals, *, as_json: bool) -> NoReturn:
    """Until it is interrupted. What cannot be read at the very start is an error like any other."""
    from qlikops.presentation.watch import Event, Watch, spoken

    def tell(events: Iterable[Event]) -> None:
        for event in events:
            if as_json:
                output.write_json_line(event)
            else:
                output.write(spoken(event), flush=True)

    watched, pause = Watch(), _WATCH_SECONDS
    tell(watched.took_rows(role.waiting(), here.now()))
    with ending_interrupts():
        while True:
            here.sleep(pause)
            try:
                tell(watched.took_rows(role.waiting(), here.now()))
                for approval_id in watched.pending:
                    try:
                        tell(watched.took_record(role.approval(approval_id), here.now()))
                    except (NotFound, RecordTooNew) as error:
                        tell([watched.lost_record(approval_id, error, here.now())])
                pause = _WATCH_SECONDS
            except Unreachable as error:
                tell(watched.missed(error, here.now()))
                pause = min(2 * pause, _LONGEST_PAUSE)


def approve(
    ctx: typer.Context,
    approval_id: IdArgument,
    reason: Annotated[str, typer.Option(metavar="R", help="Why, for the record.", show_default=False)] = "",
    digest: DigestOption = "",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return once the decision is recorded.")] = False,
    timeout: Annotated[str, typer.Option(metavar="T", help="How long to wait for the outcome.")] = "10m",
    yes: YesOption = False,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a proposal and wait for the outcome."""
    from qlikops.domain.ports import DecisionRequest

    waits = duration("--timeout", timeout)
    here = invocation(ctx)
    environment = here.environment(context)
    receipt = _decide(here, environment, approval_id, DecisionRequest(True, digest, reason), yes=yes)
    if not no_wait and not receipt.status.is_final:
        output.say(f"Approved. Waiting for the outcome, {timeout} at most …")
        final = environment.approvals.outcome(receipt.approval_id, waits)
        receipt = replace(receipt, status=final.status, outcome=final.outcome)
        if not final.status.is_final:
            output.say(
                f"Still running after {timeout}; a large group may take 90 minutes and more. Do not repeat it: "
                f"`qlikops show {final.approval_id}` says what has come of it."
            )
    _write_receipt(receipt, as_json=as_json)
    raise typer.Exit(ExitCode.OK if no_wait else of_approved(receipt.status))


def deny(
    ctx: typer.Context,
    approval_id: IdArgument,
    reason: Annotated[str, typer.Option(metavar="R", help="Why, for the record and the report.")],
    snooze: Annotated[
        str, typer.Option(metavar="T", help="Propose nothing on its tasks for so long.", show_default=False)
    ] = "",
    digest: DigestOption = "",
    yes: YesOption = False,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deny a proposal: nothing is restarted."""
    from qlikops.domain.ports import DecisionRequest

    snoozed = duration("--snooze", snooze) if snooze else None
    here = invocation(ctx)
    request = DecisionRequest(False, digest, reason, snoozed)
    receipt = _decide(here, here.environment(context), approval_id, request, yes=yes)
    _write_receipt(receipt, as_json=as_json)


approve.__doc__ = f"{approve.__doc__}\n\n{DECISION_CODES}"
deny.__doc__ = f"{deny.__doc__}\n\n{DECISION_CODES}"


def claim(
    ctx: typer.Context,
    approval_id: IdArgument,
    for_: Annotated[str, typer.Option("--for", metavar="T", help="For how long.")] = "15m",
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the others that you are looking at it. It stops nobody and runs out by itself."""
    made = invocation(ctx).environment(context).approvals.claim(approval_id, duration("--for", for_))
    if as_json:
        output.write_json(made)
    else:
        output.write(f"Claimed until {made.until:%H:%M:%S} UTC as {made.by}.")


def _decide(
    here: Invocation, environment: Environment, approval_id: str, request: DecisionRequest, *, yes: bool
) -> DecisionReceipt:
    """Decides on what the record says now, or on what `request.digest` pins, shown before it is sent."""
    from qlikops.presentation import decision, review
    from qlikops.presentation.tone import Section

    approval = environment.approvals.approval(approval_id)
    request = replace(request, digest=_pinned(approval, request.digest), decision_id=new_decision_id())
    if approval.status is Status.WAITING and not environment.read_only:
        lines = decision.what_goes_out(request, approval, environment.caller())
        output.write_sections([Section("", lines)], to_stderr=True)
        for thought in review.second_thoughts(approval) if request.approved else ():
            output.say(f"Careful: {thought}.")
        if not yes and here.is_terminal():
            typer.confirm("Send it?", abort=True, err=True)
    return environment.approvals.decide(approval.approval_id, request)


def _pinned(approval: Approval, digest: str) -> str:
    """The record's digest, which must be the one that was reviewed where that is given."""
    if not digest:
        return approval.digest
    if len(digest) < _SHORTEST_DIGEST:
        raise UsageError(f"--digest {digest} is too short.", f"Give {_SHORTEST_DIGEST} digits or all of it.")
    if not approval.digest.startswith(digest.lower()):
        raise ApprovalChanged(
            f"{approval.approval_id} is no longer what was reviewed: its digest begins {approval.digest[:12]}."
        )
    return approval.digest


def _write_receipt(receipt: DecisionReceipt, *, as_json: bool) -> None:
    if as_json:
        output.write_json(receipt)
        return
    from qlikops.presentation import decision

    output.write_lines(decision.receipt(receipt))
