"""Every screen of the console and how to get there: what pictures, snapshots and the tests of looks go through.

A new screen or dialog is a line in SCENES; a test says so where it is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual.pilot import Pilot

from qlikops.domain.proposals.evaluation import Verdict
from qlikops.presentation.pages.difference import differences
from qlikops.tui.model.links import RecordLink
from qlikops.tui.screens.changed import ChangedScreen
from qlikops.tui.widgets.review import Review
from tests.unit.presentation import samples
from tests.unit.tui.conftest import app_of, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment
from tests.unit.tui.scenery import OVER


@dataclass(frozen=True)
class Scene:
    """Keys in turns, each with what the screen says once they have done their work."""

    screen: str
    """The class that is on top at the end."""
    steps: tuple[tuple[tuple[str, ...], str], ...] = ()
    happens: Callable[[Pilot[Any]], object] = lambda _: None
    """What no key does, before the first of them."""
    others: tuple[str, ...] = ()
    """Contexts beside the one that there always is."""
    coach: bool = False
    """Whether the first steps are shown."""

    def environments(self) -> tuple[FakeEnvironment, ...]:
        """The contexts beside it, in which nothing waits."""
        return tuple(FakeEnvironment(name=name) for name in self.others)

    async def enter(self, pilot: Pilot[Any]) -> None:
        """From the console's start to the scene."""
        await record_is_there(pilot)
        self.happens(pilot)
        for keys, seen in self.steps:
            await pilot.press(*keys)
            await sees(pilot, seen)
        assert type(pilot.app.screen).__name__ == self.screen
        await pilot.pause()


async def record_is_there(pilot: Pilot[Any]) -> None:
    """Waits until the record under the cursor is drawn, whatever words it has."""
    await wait_until(pilot, lambda: pilot.app.screen.query_one(Review).approval is not None)


def something_changes(pilot: Pilot[Any]) -> None:
    """As a and d do on a record that is another one than somebody looked at."""
    changed = differences(samples.approval(), samples.approval(assessed=samples.evaluation(Verdict.DENY)))
    state = app_of(pilot).state
    pilot.app.push_screen(ChangedScreen(state, state.current, changed))


def a_record_that_is_over(pilot: Pilot[Any]) -> None:
    """As a link to it does."""
    state = app_of(pilot).state
    state.navigation.go(RecordLink(state.current.name, OVER))


SCENES = {
    "inbox": Scene("InboxScreen"),
    "review": Scene("InboxScreen", ((("enter",), "esc Back"),)),
    "filter": Scene("InboxScreen", ((("slash", "l"), "What broke"),)),
    "approve": Scene("ApproveScreen", ((("a",), "Approve: resume"),)),
    "changed": Scene("ChangedScreen", (((), "would approve"),), something_changes),
    "deny": Scene("DenyScreen", ((("d",), "Deny: leave"),)),
    "deny-marked": Scene("BulkScreen", ((("space", "space", "D"), "Deny together"),)),
    "executions": Scene("ExecutionsScreen", ((("4",), "succeeded"),)),
    "execution": Scene("ExecutionScreen", ((("4",), "succeeded"), (("enter",), "ProcessProposals"))),
    "events": Scene(
        "ExecutionScreen", ((("4",), "succeeded"), (("enter",), "ProcessProposals"), (("e",), "ExecutionStarted"))
    ),
    "payloads": Scene("ExecutionScreen", ((("4",), "succeeded"), (("enter",), "ProcessProposals"), (("i",), "Input"))),
    "start": Scene("StartScreen", ((("4",), "succeeded"), (("n",), "Start a run now"))),
    "stop": Scene("StopScreen", ((("4",), "succeeded"), (("x",), "Stop"))),
    "redrive": Scene(
        "RedriveScreen", ((("4",), "succeeded"), (("down", "down"), "✗ failed"), (("R",), "Run the rest of it again"))
    ),
    "shift": Scene("ShiftScreen", ((("2",), "Went wrong"),)),
    "fleet": Scene("FleetScreen", ((("3",), "servers"),)),
    "task": Scene("TaskScreen", ((("3",), "servers"), (("enter",), "target"))),
    "endpoint": Scene("EndpointScreen", ((("3",), "servers"), (("e",), "endpoint"))),
    "failure": Scene("FailurePage", ((("F",), "What is known of it"),)),
    "record": Scene("RecordScreen", (((), "It no longer waits"),), a_record_that_is_over),
    "planned-work": Scene("PlansScreen", ((("3",), "servers"), (("w",), "to come"))),
    "plan": Scene("PlanScreen", ((("3",), "servers"), (("w",), "to come"), (("n",), "Plan work that begins now"))),
    "lift": Scene("LiftScreen", ((("3",), "servers"), (("L",), "Lift what keeps it quiet"))),
    "report": Scene(
        "ExecutionScreen",
        ((("4",), "succeeded"), (("down", "enter"), "ProcessProposals"), (("p",), "tasks on 4 servers")),
    ),
    "schedule": Scene("ScheduleScreen", ((("5",), "every 5 minutes"),)),
    "pause": Scene("ChangeScreen", ((("5",), "every 5 minutes"), (("p",), "Pause the schedule"))),
    "help": Scene("HelpScreen", ((("question_mark",), "Here"),)),
    "inbox-contexts": Scene("InboxScreen", others=("archive",)),
    "contexts": Scene("ContextsScreen", ((("0",), "Enter chooses"),), others=("archive",)),
    "errors": Scene("ErrorsScreen", ((("exclamation_mark",), "Last errors"),)),
    "coach": Scene("InboxScreen", (((), "1 of"),), coach=True),
    "commands": Scene("FinderScreen", ((("colon",), "Find"), (tuple("sales"), "ORA-SALES-PROD"))),
}
