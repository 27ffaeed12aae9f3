"""The console on the terminal that it is started on: `python -m tests.unit.tui.on_a_terminal [HOLD_SECONDS [COMMAND]]`.

Two wait, for an hour from now. F6 runs COMMAND, `r` is a bug that ends it. Once it has ended it says how many decisions
were sent.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from qlikops.domain.own_command import OwnCommand
from qlikops.streams import prepare
from qlikops.tui.model.context import ContextSource
from qlikops.tui.screens.inbox import InboxScreen
from qlikops.tui.start import run_console
from tests.unit.presentation import samples
from tests.unit.tui.fakes import FakeEnvironment, opener


def broken(_: InboxScreen) -> None:
    raise RuntimeError("a bug")


def main() -> None:
    prepare()
    InboxScreen.action_refresh = broken  # type: ignore[assignment, method-assign]
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    environment = FakeEnvironment.waiting_for(
        *(replace(samples.approval(samples.proposal(number)), deadline=in_an_hour) for number in (1, 2))
    )
    hold_seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0
    own = {"f6": OwnCommand("f6", sys.argv[2], confirm=False)} if len(sys.argv) > 2 else {}
    code = run_console([ContextSource("local", opener(environment), hold_seconds=hold_seconds)], own_commands=own)
    print(f"sent: {len(environment.sent)}", file=sys.stderr)  # noqa: T201 - a program
    sys.exit(code)


if __name__ == "__main__":
    main()
