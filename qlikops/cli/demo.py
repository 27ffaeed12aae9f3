"""demo."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import typer

from qlikops.cli import output
from qlikops.cli.console import open_console
from qlikops.cli.context import invocation, switch
from qlikops.cli.interrupts import ending_interrupts
from qlikops.cli.local import (
    ModelOption,
    ModelUrlOption,
    RateOption,
    ScenarioOption,
    SeedOption,
    TimeoutOption,
    local_environment,
    options,
)
from qlikops.domain.errors import QlikopsError, Unreachable
from qlikops.domain.ledger import PARTITION, SORT, TOKEN, Attribute, token_partition
from qlikops.domain.ports import Approvals, ContextServices
from qlikops.domain.proposals.approval import InboxRow
from qlikops.domain.proposals.callback import APPROVAL_DENIED
from qlikops.domain.words.duration import format_duration
from qlikops.domain.words.text import harmless
from qlikops.local.environment import LocalEnvironment, LocalOptions
from qlikops.local.state import LocalStatus
from qlikops.presentation.lists.inbox import happened

_LOOK_SECONDS = 2.0
_FIRST_RUN_SECONDS, _FIRST_RUN_LOOK_SECONDS = 60.0, 0.25
"""How long the console waits for the first run, and how often it looks."""


def demo(
    ctx: typer.Context,
    headless: Annotated[bool, switch("Print what waits instead of the console.", "--headless")] = False,
    keep: Annotated[bool, switch("Leave the environment running afterwards.", "--keep")] = False,
    scenario: ScenarioOption = "demo",
    seed: SeedOption = 1,
    approval_timeout: TimeoutOption = "1h",
    rate: RateOption = "1m",
    model_url: ModelUrlOption = "",
    model: ModelOption = "",
) -> None:
    """Start everything on this machine, no AWS account needed, and open the console.

    Without a terminal, or with --headless, it prints what waits and how to decide it, until it is interrupted. An
    environment that ran before is used as it is and left running.
    """
    chosen = options(scenario, seed, approval_timeout, rate, model_url, model)
    here = invocation(ctx)
    code = 0
    with ending_interrupts(), _environment(local_environment(ctx), chosen, keep=keep) as running:
        if headless or not here.is_terminal():
            with contextlib.suppress(KeyboardInterrupt):
                output.say("Ctrl-C ends it.")
                watch(here.environment("local").approvals, running.table, here.sleep)
        else:
            await_first_run(here.environment("local"), here.sleep)
            code = open_console(here, [here.context("local")], coach=scenario == "demo")
    raise typer.Exit(code)


def await_first_run(environment: ContextServices, sleep: Callable[[float], None]) -> None:
    """Lets the first run ask all that it has to ask: a list that fills while one looks at it has no first row."""
    output.say("The first run looks at the fleet …")
    for _ in range(int(_FIRST_RUN_SECONDS / _FIRST_RUN_LOOK_SECONDS)):
        with contextlib.suppress(QlikopsError):
            first = list(environment.executions.page().executions)[-1:]
            waiting = len(environment.approvals.waiting())
            if first and (first[0].stopped_at or (first[0].run and 0 < first[0].run.proposals <= waiting)):
                return
        sleep(_FIRST_RUN_LOOK_SECONDS)


@contextlib.contextmanager
def _environment(environment: LocalEnvironment, chosen: LocalOptions, *, keep: bool) -> Iterator[LocalStatus]:
    """A running local environment; what was started for it is taken down afterwards, unless it is to be kept."""
    began = time.monotonic()
    running, started = environment.up(chosen, output.say)
    if started:
        output.say(f"Started in {time.monotonic() - began:.0f} s.")
    else:
        output.say("Using the local environment that runs already.")
    try:
        yield running
    finally:
        if started and not keep:
            with contextlib.suppress(OSError):  # the terminal may be what went away
                output.say("Taking the local environment down …")
            environment.down()
        else:
            output.say("The local environment goes on running; `qlikops local down` ends it.")


def watch(approvals: Approvals, table: str, sleep: Callable[[float], None] = time.sleep) -> None:
    """Prints what waits and how to decide it, and again whenever that changes; ends by an exception only."""
    shown: Sequence[str] | None = None
    while True:
        try:
            rows = approvals.waiting()
        except Unreachable as exc:
            output.say(exc.message)
        else:
            waiting = [row.approval_id for row in rows]
            if waiting != shown:
                shown = waiting
                output.write("\n".join(_lines(rows, table)))
                sys.stdout.flush()
        sleep(_LOOK_SECONDS)


def _lines(rows: Sequence[InboxRow], table: str) -> Iterator[str]:
    if not rows:
        yield "Nothing waits for a decision."
        return
    yield f"{len(rows)} waiting for a decision:"
    for row in rows:
        left = format_duration(row.deadline - row.requested_at)
        yield f"  {row.approval_id}  {harmless(f'{row.label}: {happened(row)}')}"
        yield f"    {row.offered}, {row.severity}; {left} to decide"
    first = rows[0].approval_id
    yield "Decide with qlikops:"
    yield f"  qlikops approve {first}"
    yield f"  qlikops deny {first} --reason 'why'"
    yield "or with the AWS CLI:"
    yield '  eval "$(qlikops local env)"'
    key = json.dumps({PARTITION: {"S": token_partition(first)}, SORT: {"S": TOKEN}})
    yield (
        f"  token=$(aws dynamodb get-item --table-name {table} --key '{key}'"
        f" --query Item.{Attribute.TOKEN}.S --output text)"
    )
    yield """  aws stepfunctions send-task-success --task-token "$token" --task-output '{"approved": true}'"""
    yield f"""  aws stepfunctions send-task-failure --task-token "$token" --error {APPROVAL_DENIED} --cause 'why'"""
