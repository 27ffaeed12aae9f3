"""approve, deny, claim: what is decided is read, shown and confirmed first; each of several gets its own receipt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import Invocation, JsonOption, YesOption, argument, switch, takes
from qlikops.cli.durations import duration, quiet
from qlikops.cli.exit_codes import DECISION_CODES, ExitCode
from qlikops.cli.interrupts import ending_interrupts
from qlikops.cli.one_by_one import one_by_one
from qlikops.domain.errors import ApprovalChanged, DecisionUnknown, NotDecidable, UsageError
from qlikops.domain.gathered.advice import check_reason
from qlikops.domain.gathered.background import read_latest
from qlikops.domain.ports import Approve, ContextServices, DecisionReceipt, DecisionRequest, Deny
from qlikops.domain.proposals.approval import SHORT_DIGEST, Claim, ProposalRecord, Status, new_decision_id
from qlikops.domain.proposals.proposal import NotOffered, Proposal, ProposedTask
from qlikops.domain.words.naming import listed, named
from qlikops.domain.words.text import harmless
from qlikops.presentation.deciding import decision
from qlikops.presentation.deciding.bulk import not_one_cause
from qlikops.presentation.tone import Section

IdsArgument = Annotated[list[str], argument("ID…", "A proposal's id, or the beginning of one that waits.")]
DigestOption = Annotated[str, takes("D", "The digest that was reviewed: decide on nothing else.", show_default=False)]


def approve(
    here: Invocation,
    approval_ids: IdsArgument,
    reason: Annotated[str, takes("R", "Why, for the record.", show_default=False)] = "",
    option: Annotated[
        str, takes("NAME", "Which of its options; the first one if none is named.", "--option", show_default=False)
    ] = "",
    only: Annotated[
        list[str] | None, takes("TASK", "Of a group, restart only this task. Repeat for more tasks.", "--only")
    ] = None,
    checked: Annotated[bool, switch("Record that you have done every check that comes first.", "--checked")] = False,
    digest: DigestOption = "",
    no_wait: Annotated[bool, switch("Return once the decision is recorded.", "--no-wait")] = False,
    timeout: Annotated[str, takes("T", "How long to wait at most.")] = "10m",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Approve a proposal and wait for the outcome.

    What goes against advice needs a --reason: an evaluation that says deny, an option that loses what the recommended
    one keeps. A terminal asks for it; anything else refuses, with exit code 2.

    Several are approved together if they have one cause and one action; the exit code is that of the first that did
    not come up.
    """
    waits = duration("--timeout", timeout)
    environment = here.environment()
    records = _records(environment, approval_ids, digest or option or only)
    if why := not_one_cause([record.proposal for record in records]):
        raise UsageError(f"Nothing was sent. {why}")
    receipts, code = _decide(
        here,
        environment,
        records,
        lambda record, why: _approval(
            record.proposal, _pinned(record, digest), why, option, only or (), checked=checked
        ),
        reason,
        yes=yes,
    )
    if not no_wait and not all(receipt.status.is_final for receipt in receipts):
        output.say(f"Approved. Waiting for the outcome, {timeout} at most …")
        receipts = [_followed(environment, receipt, waits, timeout) for receipt in receipts]
    _write_receipts(receipts, as_json=as_json, several=len(records) > 1)
    codes = [code, *(of_approved(receipt.status) for receipt in receipts if not no_wait)]
    raise typer.Exit(next((each for each in codes if each is not ExitCode.OK), ExitCode.OK))


def deny(
    here: Invocation,
    approval_ids: IdsArgument,
    reason: Annotated[str, takes("R", "Why, for the record.", show_default=False)] = "",
    snooze: Annotated[str, takes("T", "Propose nothing on its tasks for so long.", show_default=False)] = "",
    until: Annotated[
        str,
        takes(
            "T",
            "Propose nothing on its tasks until then: 08:00 by this computer's clock, or a full time.",
            show_default=False,
        ),
    ] = "",
    digest: DigestOption = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Deny a proposal: nothing is restarted. Asks for the reason at a terminal if there is no --reason.

    Several are denied with one reason.
    """
    snoozed = quiet(snooze, until, here.now())
    environment = here.environment()
    records = _records(environment, approval_ids, digest)
    receipts, code = _decide(
        here, environment, records, lambda record, why: Deny(_pinned(record, digest), why, snoozed), reason, yes=yes
    )
    _write_receipts(receipts, as_json=as_json, several=len(records) > 1)
    raise typer.Exit(code)


approve.__doc__ = f"{approve.__doc__}\n\n{DECISION_CODES}"
deny.__doc__ = f"{deny.__doc__}\n\n{DECISION_CODES}"


def claim(
    here: Invocation,
    approval_ids: IdsArgument,
    for_: Annotated[str, takes("T", "For how long.", "--for")] = "15m",
    release: Annotated[bool, switch("Take your claim back.", "--release")] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell the others that you are looking at it, or at several. It stops nobody and runs out by itself.

    Several at once end with the exit code of the first that failed.
    """
    length = duration("--for", for_)
    approvals = here.environment().approvals
    several = len(approval_ids) > 1

    def one(approval_id: str) -> Claim | None:
        which = f"{approval_id}: " if several else ""
        if release:
            approvals.release(approval_id)
            output.say(f"{which}Your claim is released.")
            return None
        made = approvals.claim(approval_id, length)
        if not as_json:
            output.write(f"{which}Claimed until {made.until:%H:%M:%S} UTC as {made.by}.")
        return made

    made, code = one_by_one(approval_ids, one)
    if as_json and not release:
        output.write_json(made if several else made[0])
    raise typer.Exit(code)


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


def _records(environment: ContextServices, ids: Sequence[str], of_one: object) -> list[ProposalRecord]:
    """The records of `ids`, each once. Raises UsageError for several with `of_one`, which can be meant of one only."""
    found = {record.approval_id: record for record in map(environment.approvals.approval, ids)}
    if of_one and len(found) > 1:
        raise UsageError(
            f"Nothing was sent: --digest, --option and --only are about one proposal, not {len(found)}.",
            "Decide on them one by one.",
        )
    return list(found.values())


def _reason(
    here: Invocation,
    environment: ContextServices,
    records: Sequence[ProposalRecord],
    request_on: Callable[[ProposalRecord, str], DecisionRequest],
    given: str,
) -> str:
    """The reason that is `given` or, if it takes one and there is none, that of the person at the terminal.

    Raises UsageError if there is no terminal.
    """
    can_count = [record for record in records if record.status is Status.WAITING and not environment.read_only]
    try:
        for record in can_count:
            check_reason(request_on(record, given), record)
    except UsageError as exc:
        if not here.is_terminal():
            raise
        for record in records:
            output.say(f"{record.approval_id}  {harmless(record.proposal.label, 160)}")
        return str(typer.prompt(f"{exc.message.removeprefix('Nothing was sent: ')} Why?", prompt_suffix=" ", err=True))
    return given


def _decide(
    here: Invocation,
    environment: ContextServices,
    records: Sequence[ProposalRecord],
    request_on: Callable[[ProposalRecord, str], DecisionRequest],
    reason: str,
    *,
    yes: bool,
) -> tuple[list[DecisionReceipt], ExitCode]:
    """Decides on what the records say, shown before it is sent; of several, with the code of the first that was not.

    One that was decided, changed or expired meanwhile keeps none of the others; any other error ends it, and names
    what was not sent.
    """
    why = _reason(here, environment, records, request_on, reason).strip()
    requests = [replace(request_on(record, why), decision_id=new_decision_id()) for record in records]
    is_shown = False
    for record, request in zip(records, requests, strict=True):
        is_shown |= _show(here, environment, record, request)
    if is_shown and not yes and here.is_terminal():
        typer.confirm("Send it?" if len(records) == 1 else f"Send these {len(records)}?", abort=True, err=True)
    pairs = {record.approval_id: (record, request) for record, request in zip(records, requests, strict=True)}
    return one_by_one(pairs, lambda each: _sent(environment, *pairs[each]), goes_on=(NotDecidable,))


def _show(here: Invocation, environment: ContextServices, record: ProposalRecord, request: DecisionRequest) -> bool:
    """Says what goes out and what speaks against it; False if there is nothing to send."""
    if record.status is not Status.WAITING or environment.read_only:
        return False
    seen = decision.LatestSeen(read_latest(environment, record.proposal), here.now())
    lines = decision.what_goes_out(request, record, environment.caller(), seen)
    output.write_sections([Section("", lines)], to_stderr=True)
    for thought in decision.careful(request, record, seen):
        output.say(f"Careful: {thought}.")
    return True


def _sent(environment: ContextServices, record: ProposalRecord, request: DecisionRequest) -> DecisionReceipt:
    try:
        with ending_interrupts():
            return environment.approvals.decide(record.approval_id, request)
    except (Exception, KeyboardInterrupt) as exc:
        if not decision.maybe_sent(exc) or isinstance(exc, DecisionUnknown):
            raise
        # From here on only an answer about the decision says anything else.
        why = "it was interrupted" if isinstance(exc, KeyboardInterrupt) else repr(exc)
        raise DecisionUnknown(
            f"Decision {request.decision_id} may have been sent, and whether it counts is not known: {why}.",
            f"Look with `qlikops show {record.approval_id}` before you do anything else.",
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
    if final.waits and not final.status.is_final:
        output.say(f"It waits for its endpoint: {final.waits.words}. {look}")
    elif not final.status.is_final:
        output.say(f"Still running after {timeout}; a large group may take 90 minutes and more. {look}")
    return replace(receipt, status=final.status, outcome=final.outcome)


def of_approved(status: Status) -> ExitCode:
    """The exit code of an approval whose proposal stands at `status` when the command has waited."""
    if status.is_up:
        return ExitCode.OK
    if status is Status.PARTIAL:
        return ExitCode.PARTIAL
    return ExitCode.NOT_RESTARTED if status.is_final else ExitCode.UNKNOWN


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


def _write_receipts(receipts: Sequence[DecisionReceipt], *, as_json: bool, several: bool) -> None:
    with output.whatever_is_printed("The decision counts. Its receipt"):
        if as_json:
            output.write_json(receipts if several else receipts[0])
        elif receipts:
            output.write_sections(Section("", tuple(decision.receipt(receipt))) for receipt in receipts)
