"""approvals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextsOption, JsonListOption, choice, invocation, switch, takes
from qlikops.cli.hook import ProposalHook
from qlikops.cli.remembering import remember
from qlikops.cli.several import ask_each, exit_with_problems
from qlikops.cli.watching import watch_inboxes
from qlikops.domain.encoding import codec
from qlikops.domain.errors import UsageError
from qlikops.presentation.filter import parse
from qlikops.presentation.lists import inbox
from qlikops.presentation.lists.inbox import InboxSort, ListedRow
from qlikops.presentation.lists.watch import InboxWatch
from qlikops.presentation.table import Column, emptied, taken
from qlikops.presentation.tone import Span, outside


def approvals(
    ctx: typer.Context,
    watch: Annotated[
        bool,
        switch(
            "Go on, a line for what arrives, changes, is claimed, expires soon, is decided, and ends; with --json "
            "an object a line.",
            "--watch",
            "-w",
        ),
    ] = False,
    filter_: Annotated[
        str, takes("F", "As in the console: 'server:eu risk:high !claimed:'.", "--filter", show_default=False)
    ] = "",
    sort: Annotated[InboxSort, choice("What comes first.")] = InboxSort.URGENT,
    exec_: Annotated[
        str,
        takes(
            "CMD",
            "With --watch: run this program for each proposal that waits, once, with the event as JSON on stdin.",
            "--exec",
            show_default=False,
        ),
    ] = "",
    context: ContextsOption = None,
    as_json: JsonListOption = False,
) -> None:
    """List what waits for a decision, the most urgent first.

    --watch follows what matched --filter once to its end, whatever becomes of it.
    """
    here = invocation(ctx)
    wanted = parse(filter_, inbox.TABLE.fields)
    if wanted.problem:
        raise UsageError(f"--filter: {wanted.problem}")
    contexts, order = here.named(context), inbox.TABLE.order_called(sort)
    if exec_ and not watch:
        raise UsageError("--exec goes with --watch.")
    if watch:

        def watch_of(name: str) -> InboxWatch:
            return InboxWatch(lambda each: wanted.matches(replace(each, context=name)), order)

        watch_inboxes(
            here, contexts, watch_of, as_json=as_json, take=ProposalHook(exec_).take if exec_ else lambda _: None
        )
    answers = ask_each(here, contexts, lambda environment: environment.approvals.inbox())
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
    cells = [
        {"id": outside(each.row.approval_id), "digest": Span(each.row.digest), **inbox.IN_WORDS.cells(each)}
        for each in rows
    ]
    empty = () if width is None else emptied(cells)
    room = None if width is None else width - taken([identity])
    columns = inbox.columns(room, several=several, empty=empty, table=inbox.IN_WORDS)
    output.write_table((identity, *columns, *([digest] if width is None else [])), cells)
