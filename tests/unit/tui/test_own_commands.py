"""Commands of a person's own on keys of the console."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.app import App

from qlikops.domain.errors import UsageError
from qlikops.domain.own_command import OwnCommand
from qlikops.tui import keys
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, sees
from tests.unit.tui.fakes import FakeEnvironment

TICKET = OwnCommand("f6", "ticket {id} --task={task}", ("inbox",), "Ticket", confirm=False)
SSH = OwnCommand("f7", "ssh {server}", description="ssh")


@pytest.mark.parametrize(
    ("commands", "complaint"),
    [
        ({"x": OwnCommand("a", "x")}, "commands.x: a is the key of approve"),
        ({"x": OwnCommand("f6", "x"), "y": OwnCommand("f6", "y")}, "commands.y: f6 is the key of x"),
        ({"x": OwnCommand("nokey", "x")}, "commands.x: 'nokey' is no key"),
        ({"x": OwnCommand("escape", "x")}, "commands.x: escape means the same everywhere"),
    ],
)
def test_a_key_that_is_not_free_is_said_before_the_console_opens(
    commands: dict[str, OwnCommand], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        keys.own_keys(commands, {})


def test_a_key_that_was_moved_away_is_free() -> None:
    assert list(keys.own_keys({"x": OwnCommand("ctrl+t", "x")}, {})) == ["ctrl+t"]
    moved = keys.keymap({"approve": "f5"})
    assert list(keys.own_keys({"x": OwnCommand("a", "x")}, moved)) == ["a"]
    with pytest.raises(UsageError, match="f5 is the key of approve"):
        keys.own_keys({"x": OwnCommand("f5", "x")}, moved)


async def test_it_runs_with_what_is_chosen_where_that_is_known(started: Started) -> None:
    approval = samples.approval(samples.proposal(1))
    environment = FakeEnvironment.waiting_for(approval)
    ran: list[tuple[list[str], dict[str, Any]]] = []

    def run(_: object, words: list[str], **how: Any) -> str:
        ran.append((words, how))
        return "" if words[0] == "ticket" else "`ssh` ended with 255."

    own = keys.own_keys({"ticket": TICKET, "ssh": SSH}, {})
    async with started(environment, size=(120, 50), own_commands=own, run_own_command=run) as pilot:
        await sees(pilot, "sales-orders", "f6 Ticket")
        await pilot.press("f6")
        key = approval.proposal.targets[0].key
        assert ran == [
            (["ticket", approval.approval_id, f"--task={key.task}"], {"confirm": False, "pause": True}),
        ]
        await pilot.press("f7")
        await sees(pilot, "ended with 255")
        await pilot.press("question_mark")
        await sees(pilot, "f7", "ssh {server}")
        await pilot.press("f7", "escape", "3", "f6")
        assert len(ran) == 2


async def test_a_key_that_came_before_the_screen_was_given_back_does_nothing(started: Started) -> None:
    ran: list[list[str]] = []

    def run(app: App[None], words: list[str], **_: Any) -> str:
        ran.append(words)
        app.app_resume_signal.publish(app)
        return ""

    own = keys.own_keys({"ticket": TICKET}, {})
    environment = FakeEnvironment.waiting_for(samples.approval(samples.proposal(1)))
    async with started(environment, own_commands=own, run_own_command=run) as pilot:
        await sees(pilot, "f6 Ticket")
        for _ in range(2):
            pilot.app.post_message(events.Key("f6", None))
        await pilot.pause()
        await pilot.press("f6")
        assert len(ran) == 2
