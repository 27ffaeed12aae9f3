"""Whatever the console shows or does, a command does: screen readers and scripts have no other console.

A new screen or action without a line here fails: say which command it is, or that it is about the screen itself.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import pytest

from qlikops.presentation.filter import parse
from qlikops.presentation.lists import fleet, inbox
from qlikops.tui.keys import actions, places
from qlikops.tui.screens.base import ConsoleScreen
from tests.commands import root

SCREENS = {
    "InboxScreen": ("approvals", "show"),
    "ExecutionsScreen": ("executions", "reports"),
    "ExecutionScreen": ("show", "report"),
    "ShiftScreen": ("decisions",),
    "FleetScreen": ("tasks",),
    "TaskScreen": ("task",),
    "EndpointScreen": ("tasks",),
    "RecordScreen": ("show",),
    "PlansScreen": ("plan",),
    "ScheduleScreen": ("schedule",),
}
"""What each screen shows, as commands with --json."""
ACTIONS = {
    "approve": ("approve",),
    "approve-marked": ("approve",),
    "deny": ("deny", "--snooze"),
    "deny-marked": ("deny",),
    "claim": ("claim",),
    "lift": ("lift", "--reason"),
    "take-back": ("lift", "--reason"),
    "hours": ("decisions", "--since"),
    "plan": ("plan",),
    "filter": ("approvals", "--filter"),
    "sort": ("approvals", "--sort"),
    "status": ("executions", "--status"),
    "start": ("run",),
    "stop": ("stop", "--reason"),
    # On a command line a restart that waits for its endpoint is stopped with its run.
    "stop-waiting": ("stop", "--reason"),
    "redrive": ("redrive",),
    "events": ("show",),
    "graph": ("show",),
    "payloads": ("show",),
    "report": ("report",),
    "logs": ("show", "--logs"),
    "difference": ("show", "--diff"),
    "aws-console": ("show",),
    "pause": ("schedule", "--pause"),
    "resume": ("schedule", "--resume"),
}
"""What each action does, as a command and the option that makes it do so."""
ON_SCREEN = frozenset(
    {
        *("back", "cancel", "close-changes", "close-errors", "close-help", "commands", "copy", "do-not-send", "down"),
        *(
            "errors",
            "planned-work",
            "first-row",
            "go-on",
            "help",
            "last-row",
            "mark",
            "mark-all",
            "mark-cause",
            "match-before",
            "next",
            "next-match",
            "open",
        ),
        *("page-down", "page-up", "previous", "quit", "refresh", "row-down", "row-up", "search", "tick", "up"),
        *("its-task", "its-endpoint", "its-other-endpoint", "its-failure", "its-run", "its-proposal", "close-failure"),
        *("next-one", "one-before", "browse", "close-finder", "complete", "coach-next", "coach-off"),
        *("shift", "asked-earlier", "asked-later", "box-left", "box-right", "fold", "unfold", "names"),
        *("inbox", "executions", "fleet", "schedule", "context", "close-contexts", "group", "sign-in"),
    }
)
"""Moving, looking and leaving: a command line does these by itself."""

COMMANDS: Any = root().commands


def options(command: str) -> set[str]:
    return {option for parameter in COMMANDS[command].params for option in parameter.opts}


def test_every_screen_is_a_command_with_data() -> None:
    assert places()  # imports every screen there is
    screens = {screen.__name__ for screen in subclasses(ConsoleScreen) if not screen.__subclasses__()}
    assert screens == SCREENS.keys()
    assert [name for names in SCREENS.values() for name in names if "--json" not in options(name)] == []


def test_every_action_is_a_command_or_about_the_screen() -> None:
    assert actions().keys() - ON_SCREEN == ACTIONS.keys()


@pytest.mark.parametrize("action", ACTIONS)
def test_the_command_is_there(action: str) -> None:
    command, *needed = ACTIONS[action]
    assert set(needed) <= options(command)


@pytest.mark.parametrize(("command", "table"), [("approvals", inbox), ("tasks", fleet)])
def test_the_example_of_a_filter_is_the_consoles_and_makes_sense(command: str, table: ModuleType) -> None:
    (option,) = [each for each in COMMANDS[command].params if "--filter" in each.opts]
    (example,) = re.findall("'(.*)'", option.help)
    assert table.FILTER_EXAMPLE.startswith(example)
    assert not parse(table.FILTER_EXAMPLE, table.TABLE.fields).problem


def subclasses(cls: type[Any]) -> set[type[Any]]:
    direct: list[type[Any]] = cls.__subclasses__()
    return {found for each in direct for found in (each, *subclasses(each))}
