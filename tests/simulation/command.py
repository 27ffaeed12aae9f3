"""`qlikops approve`, `deny` and `plan add` as people type them: the commands, down to their exit codes.

They read, show, send and wait as they do in a shell. What they print is not read here.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import signal
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import typer

from qlikops.aws import executions
from qlikops.aws.approvals import LedgerApprovals, Timing
from qlikops.aws.executions import StepFunctionsExecutions
from qlikops.aws.fleet import BucketFleet
from qlikops.cli import deciding, planning
from qlikops.cli.context import Invocation
from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.errors import NotFound
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.runs.orders import Order
from tests.simulation.plant import Person, World

_ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def in_a_shell(world: World) -> Iterator[None]:
    """Commands of many people run side by side meanwhile, in one process: what each leaves behind is put back after it.

    Their decisions and runs get their names from the seed. Nothing else of them is patched: there is no other seam.
    """
    handlers = {number: signal.getsignal(number) for number in _ENDING}
    unread = io.StringIO()
    try:
        with (
            mock.patch.object(deciding, "new_decision_id", world.new_decision_id),
            mock.patch.object(executions, "os", SimpleNamespace(urandom=world.urandom)),
            contextlib.redirect_stdout(unread),
            contextlib.redirect_stderr(unread),
        ):
            yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def run(
    world: World,
    person: Person,
    approvals: LedgerApprovals,
    reviewed: ProposalRecord,
    *,
    approved: bool,
    waits: bool,
    snooze: timedelta | None,
    terms: dict[str, Any],
) -> ExitCode:
    """The exit code of the command that answers what was `reviewed`. Raises QlikopsError, as the command does."""
    here = _shell(world, person, approvals=approvals, fleet=SimpleNamespace(snapshot=_no_snapshot))
    given: dict[str, Any] = {"reason": "simulated", "digest": reviewed.digest, "yes": True}
    try:
        if approved:
            deciding.approve(
                here,
                [reviewed.approval_id],
                option=terms.get("option", ""),
                only=list(terms.get("tasks", ())),
                checked=bool(terms.get("checked")),
                no_wait=not waits,
                timeout="5m",
                **given,
            )
        else:
            quiet = f"{int(snooze.total_seconds())}s" if snooze else ""
            deciding.deny(here, [reviewed.approval_id], snooze=quiet, **given)
    except typer.Exit as exc:
        return ExitCode(exc.exit_code)
    raise AssertionError("a command that decides ends with an exit code")


def plan(world: World, person: Person, order: Order, runs: StepFunctionsExecutions) -> ExitCode:
    """The exit code of `qlikops plan add` for what `order` plans, from now or in so long. Raises QlikopsError."""
    now, kernel = world.kernel.time(), world.kernel
    approvals = LedgerApprovals(person, Timing(world.clock_of_people, kernel.monotonic, kernel.sleep))
    starts_at = order.starts_at or now
    lasts = round((order.ends_at - starts_at).total_seconds()) if order.ends_at else 0
    try:
        inspect.unwrap(planning.add)(
            _shell(world, person, approvals=approvals, executions=runs, fleet=BucketFleet(person)),
            lasts=f"{lasts}s",
            why=order.reason,
            server=list(order.scope.servers),
            endpoint=list(order.scope.endpoints),
            tag=list(order.scope.tags),
            task=[str(key) for key in order.scope.tasks],
            starts=f"{round((starts_at - now).total_seconds())}s" if order.starts_at else "now",
        )
    except typer.Exit as exc:
        return ExitCode(exc.exit_code)
    raise AssertionError("a command that orders ends with an exit code")


def _shell(world: World, person: Person, **ports: object) -> Invocation:
    environment = SimpleNamespace(read_only=False, caller=person.caller, **ports)
    shell = SimpleNamespace(
        environment=lambda: environment,
        is_terminal=lambda: False,
        now=world.kernel.time,
        sleep=world.kernel.sleep,
        monotonic=world.kernel.monotonic,
    )
    return cast("Invocation", shell)


def _no_snapshot() -> None:
    raise NotFound("No run has looked yet.")
