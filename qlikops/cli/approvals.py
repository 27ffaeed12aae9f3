"""approvals, approve, deny, claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, ContextsOption, Invocation, JsonOption, YesOption, invocation
from qlikops.cli.durations import duration
from qlikops.cli.exit_codes import DECISION_CODES, ExitCode, of_approved
from qlikops.cli.interrupts import ending_interrupts
from qlikops.cli.remembering import remember
from qlikops.cli.several import ask_each, exit_with_problems
from qlikops.cli.watching import watch_inboxes
from qlikops.domain.approval import SHORT_DIGEST, ProposalRecord, Status, new_decision_id
from qlikops.domain.background import read_latest
from qlikops.domain.encoding import codec
from qlikops.domain.errors import ApprovalChanged, DecisionUnknown, UsageError
from qlikops.domain.naming import listed, named
from qlikops.domain.ports import Approve, ContextServices, DecisionReceipt, DecisionRequest, Deny
from qlikops.domain.proposal import NotOffered, Proposal, ProposedTask
from qlikops.presentation import decision, inbox
from qlikops.presentation.filter import parse
from qlikops.presentation.inbox import InboxSort, ListedRow
from qlikops.presentation.table import Column, taken
from qlikops.presentation.tone import Section, Span, outside
from qlikops.presentation.watch import Watch

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="An approval's id, or the beginning of one that waits.")]
DigestOption = Annotated[
    str, typer.Option(metavar="D", help="The digest that was reviewed: decide on nothing else.", show_default=False)
]


def approvals(
    ctx: typer.Context,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            "-w",
            help="Go on, a line for what arrives, changes, is claimed, expires soon, is decided, and ends; with --json "
            "an object a line.",
        ),
    ] = False,
    filter_: Annotated[
        str,
        typer.Option(
            "--filter", metavar="F", help="As in the console: 'server:eu risk:high !claimed:'.", show_default=False
        ),
    ] = "",
    sort: Annotated[InboxSort, typer.Option(case_sensitive=False, help="What comes first.")] = InboxSort.URGENT,
    context: ContextsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what waits for a decision, the most urgent first.

    --watch follows what matched --filter once to its end, whatever becomes of it.
    """
    here = invocation(ctx)
    wanted = parse(filter_, inbox.TABLE.fields)
    if wanted.problem:
        raise UsageError(f"--filter: {wanted.problem}")
    contexts, order = here.named(context), inbox.TABLE.order_called(sort)
    if watch:

        def watch_of(name: str) -> Watch:
            return Watch(lambda each: wanted.matches(replace(each, context=name)), order)

        watch_inboxes(here, contexts, watch_of, as_json=as_json)
    answers = ask_each(here, contexts, lambda environment: environment.approvals.waiting())
    for answer in answers:
        if answer.value is not None:
            remember(here, answer.context, "proposals", {row.approval_id: row.label for row in answer.value})
    now = here.now()
    waiting = [ListedRow(row, now, answer.context) for answer in answers for row in answer.value or ()]
    shown = inbox.TABLE.sorted(filter(wanted.matches, waiting), order)
    if as_json:
        output.write_json([{"context": each.context, **codec.encode(each.row)} for each in shown])
    else:
        output.say(inbox.summary([each.row for each in waiting], now).capitalize() + ".")
        if wanted:
            output.say(f"Shown: {len(shown):,} of {len(waiting):,}.")
        _write_list(shown, several=len(contexts) > 1)
    exit_with_problems(answers)


def _write_list(rows: Sequence[ListedRow], *, several: bool) -> None:
    if not rows:
        return
    width = output.terminal_width()
    identity, digest = Column("id", "Id", 12), Column("digest", "Digest", 12)
    with_log = width is None or any(each.row.resume_until for each in rows)
    room = None if width is None else width - taken([identity])
    columns = inbox.columns(room, several=several, with_log=with_log)
    cells = [
        {"id": outside(each.row.approval_id), "digest": Span(each.row.digest), **inbox.TABLE.cells(each)}
        for each in rows
    ]
    output.write_table((identity, *columns, *([digest] if width is None else [])), cells)


def approve(
    ctx: typer.Context,
    approval_id: IdArgument,
    reason: Annotated[str, typer.Option(metavar="R", help="Why, for the record.", show_default=False)] = "",
    option: Annotated[
        str,
        typer.Option(
            "--option", metavar="NAME", help="Which of its options; the first one if none is named.", show_default=False
        ),
    ] = "",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="TASK", help="Of a group, restart only this task. Repeat for more tasks."),
    ] = None,
    checked: Annotated[
        bool, typer.Option("--checked", help="Record that you have done every check that comes first.")
    ] = False,
    digest: DigestOption = "",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return once the decision is recorded.")] = False,
    timeout: Annotated[str, typer.Option(metavar="T", help="How long to wait at most.")] = "10m",
    yes: YesOption = False,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a proposal and wait for the outcome."""
    waits = duration("--timeout", timeout)
    here = invocation(ctx)
    environment = here.environment(context)
    receipt = _decide(
        here,
        environment,
        approval_id,
        digest,
        lambda approval, pinned: _approval(approval.proposal, pinned, reason, option, only or (), checked=checked),
        yes=yes,
    )
    if not no_wait and not receipt.status.is_final:
        output.say(f"Approved. Waiting for the outcome, {timeout} at most …")
        receipt = _followed(environment, receipt, waits, timeout)
    _write_receipt(receipt, as_json=as_json)
    raise typer.Exit(ExitCode.OK if no_wait else of_approved(receipt.status))


def deny(
    ctx: typer.Context,
    approval_id: IdArgument,
    reason: Annotated[str, typer.Option(metavar="R", help="Why, for the record.")],
    snooze: Annotated[
        str, typer.Option(metavar="T", help="Propose nothing on its tasks for so long.", show_default=False)
    ] = "",
    digest: DigestOption = "",
    yes: YesOption = False,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deny a proposal: nothing is restarted."""
    snoozed = duration("--snooze", snooze) if snooze else None
    here = invocation(ctx)
    receipt = _decide(
        here, here.environment(context), approval_id, digest, lambda _, pinned: Deny(pinned, reason, snoozed), yes=yes
    )
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


def _approval(
    proposal: Proposal, digest: str, reason: str, option: str, only: Sequence[str], *, checked: bool
) -> Approve:
    """An approval of an option of `proposal`, on those of its tasks that are named."""
    tasks = tuple(str(_task(proposal, name).key) for name in only)
    try:
        choice = proposal.choose(option, tasks)
    except NotOffered as exc:
        look = f"`qlikops show {proposal.proposal_id}` lists its options and tasks."
        raise UsageError(f"Nothing was sent: {exc}.", look) from exc
    kept = tasks if len(choice.targets) < len(proposal.targets) else ()
    return Approve(digest, reason, option=option, tasks=kept, checked=choice.option.checks if checked else ())


def _task(proposal: Proposal, name: str) -> ProposedTask:
    """The task of `proposal` that `--only` means: a name, the beginning of one, or a part that no other one has."""
    found = named(name, proposal.targets, lambda target: target.key.task, lambda target: str(target.key))
    if len(found) == 1:
        return found[0]
    fitting = listed([str(target.key) for target in found or proposal.targets])
    what = "fits several of its tasks" if found else "is none of its tasks"
    raise UsageError(f"Nothing was sent: --only {name} {what}: {fitting}.")


def _decide(
    here: Invocation,
    environment: ContextServices,
    approval_id: str,
    digest: str,
    request_on: Callable[[ProposalRecord, str], DecisionRequest],
    *,
    yes: bool,
) -> DecisionReceipt:
    """Decides on what the record says now, or on what `digest` pins, shown before it is sent.

    `request_on` makes the request from the record and its digest.
    """
    approval = environment.approvals.approval(approval_id)
    request = replace(request_on(approval, _pinned(approval, digest)), decision_id=new_decision_id())
    if approval.status is Status.WAITING and not environment.read_only:
        seen = decision.Seen(read_latest(environment, approval.proposal), here.now())
        lines = decision.what_goes_out(request, approval, environment.caller(), seen=seen)
        output.write_sections([Section("", lines)], to_stderr=True)
        for thought in decision.careful(request, approval, seen):
            output.say(f"Careful: {thought}.")
        if not yes and here.is_terminal():
            typer.confirm("Send it?", abort=True, err=True)
    try:
        with ending_interrupts():
            return environment.approvals.decide(approval.approval_id, request)
    except (Exception, KeyboardInterrupt) as exc:
        if not decision.maybe_sent(exc) or isinstance(exc, DecisionUnknown):
            raise
        # From here on only an answer about the decision says anything else.
        why = "it was interrupted" if isinstance(exc, KeyboardInterrupt) else repr(exc)
        raise DecisionUnknown(
            f"Decision {request.decision_id} may have been sent, and whether it counts is not known: {why}.",
            f"Look with `qlikops show {approval.approval_id}` before you do anything else.",
        ) from exc


def _followed(
    environment: ContextServices, receipt: DecisionReceipt, waits: timedelta, timeout: str
) -> DecisionReceipt:
    """The receipt with what came of it; as it was where that cannot be read: the decision counts all the same."""
    look = f"Do not repeat it: `qlikops show {receipt.approval_id}` says what has come of it."
    try:
        with ending_interrupts():
            final = environment.approvals.outcome(receipt.approval_id, waits)
    except KeyboardInterrupt:
        output.say(f"Interrupted; it goes on. {look}")
        return receipt
    except Exception as exc:
        output.say(f"The decision counts, but its outcome cannot be read: {exc} {look}")
        return receipt
    if not final.status.is_final:
        output.say(f"Still running after {timeout}; a large group may take 90 minutes and more. {look}")
    return replace(receipt, status=final.status, outcome=final.outcome)


def _pinned(approval: ProposalRecord, digest: str) -> str:
    """The record's digest, which must be the one that was reviewed where that is given."""
    if not digest:
        return approval.digest
    if len(digest) < SHORT_DIGEST:
        raise UsageError(f"--digest {digest} is too short.", f"Give {SHORT_DIGEST} digits or all of it.")
    if not approval.digest.startswith(digest.lower()):
        raise ApprovalChanged(
            f"{approval.approval_id} is no longer what was reviewed: "
            f"its digest begins {approval.digest[:SHORT_DIGEST]}."
        )
    return approval.digest


def _write_receipt(receipt: DecisionReceipt, *, as_json: bool) -> None:
    with output.whatever_is_printed("The decision counts. Its receipt"):
        if as_json:
            output.write_json(receipt)
        else:
            output.write_lines(decision.receipt(receipt))
