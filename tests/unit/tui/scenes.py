"""Every screen of the console and how to get there: what pictures, snapshots and the tests of looks go through.

A new screen or dialog is a line in SCENES; a test says so where it is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.pilot import Pilot

from tests.unit.tui.conftest import sees
from tests.unit.tui.fakes import FakeEnvironment


@dataclass(frozen=True)
class Scene:
    """Keys in turns, each with what the screen says once they have done their work."""

    screen: str
    """The class that is on top at the end."""
    steps: tuple[tuple[tuple[str, ...], str], ...] = ()
    others: tuple[str, ...] = ()
    """Contexts beside the one that there always is."""

    def environments(self) -> tuple[FakeEnvironment, ...]:
        """The contexts beside it, in which nothing waits."""
        return tuple(FakeEnvironment(name=name) for name in self.others)

    async def enter(self, pilot: Pilot[Any]) -> None:
        """From the console's start to the scene."""
        await sees(pilot, "wait, oldest", "Proposal")
        for keys, seen in self.steps:
            await pilot.press(*keys)
            await sees(pilot, seen)
        assert type(pilot.app.screen).__name__ == self.screen
        await pilot.pause()


SCENES = {
    "inbox": Scene("InboxScreen"),
    "review": Scene("InboxScreen", ((("enter",), "rationale"),)),
    "filter": Scene("InboxScreen", ((("slash", "o"), "Task or group"),)),
    "approve": Scene("ApproveScreen", ((("a",), "Approve: this will be sent"),)),
    "deny": Scene("DenyScreen", ((("d",), "Deny: this will be sent"),)),
    "deny-marked": Scene("BulkScreen", ((("space", "space", "D"), "Deny together"),)),
    "executions": Scene("ExecutionsScreen", ((("2",), "succeeded"),)),
    "execution": Scene("ExecutionScreen", ((("2",), "succeeded"), (("enter",), "ProcessProposals"))),
    "fleet": Scene("FleetScreen", ((("3",), "servers"),)),
    "reports": Scene("ReportsScreen", ((("4",), "run-"),)),
    "report": Scene("ReportsScreen", ((("4",), "run-"), (("enter",), "on "))),
    "help": Scene("HelpScreen", ((("question_mark",), "Everywhere"),)),
    "contexts": Scene("ContextsScreen", ((("x",), "Enter chooses"),), others=("archive",)),
    "errors": Scene("ErrorsScreen", ((("exclamation_mark",), "Last errors"),)),
    "commands": Scene("CommandPalette", ((("colon",), "Turn it off"),)),
}
