"""`qlikops approve` and `deny` as people type them: the commands themselves, down to their exit codes.

They read, show, send and wait as they do in a shell. What they print is not read here.
"""

from __future__ import annotations

import contextlib
import io
import signal
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import typer

from qlikops.aws.approvals import LedgerApprovals
from qlikops.cli import deciding
from qlikops.cli.context import Invocation
from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.errors import NotFound
from qlikops.domain.proposals.approval import ProposalRecord
from tests.simulation.plant import Person, World

_ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def in_a_shell(world: World) -> Iterator[None]:
    """Commands of many people run side by side meanwhile, in one process: what each leaves behind is put back after it.

    Their decisions get their names from the seed. Nothing else of them is patched: a shell has no other seam for that.
    """
    handlers = {number: signal.getsignal(number) for number in _ENDING}
    unread = io.StringIO()
    try:
        with (
            mock.patch.object(deciding, "new_decision_id", world.new_decision_id),
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
    here = _shell(world, person, approvals)
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


def _shell(world: World, person: Person, approvals: LedgerApprovals) -> Invocation:
    environment = SimpleNamespace(
        approvals=approvals, read_only=False, caller=person.caller, fleet=SimpleNamespace(snapshot=_no_snapshot)
    )
    shell = SimpleNamespace(environment=lambda: environment, is_terminal=lambda: False, now=world.kernel.time)
    return cast("Invocation", shell)


def _no_snapshot() -> None:
    raise NotFound("No run has looked yet.")
