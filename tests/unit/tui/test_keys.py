"""Keys: every one has an id and a description, is found in the palette and in help, and can be moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from textual.binding import Binding
from textual.dom import DOMNode
from textual.pilot import Pilot
from textual.screen import ModalScreen

from qlikops.domain.errors import UsageError
from qlikops.domain.workflow.execution import ExecutionStatus
from qlikops.tui import keys
from qlikops.tui.screens.inbox import InboxScreen
from qlikops.tui.usable import usable
from qlikops.tui.widgets.table import KeyedTable
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, flat_text, screen_text, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment
from tests.unit.tui.scenes import SCENES


@pytest.fixture
def environment() -> FakeEnvironment:
    found = FakeEnvironment.waiting_for(samples.approval(), samples.approval(samples.proposal(2, tasks=("stock",))))
    found.runs = [
        samples.execution(),
        samples.execution("run-0706", ExecutionStatus.SUCCEEDED, minutes_old=17),
        samples.execution("run-0701", ExecutionStatus.FAILED, minutes_old=22),
    ]
    return found


def bindings() -> Iterator[tuple[str, Binding]]:
    """Every binding that the console itself declares, with the class that does; its keys are one."""
    for name in keys.places():
        cls = next(found for found in keys._ours(DOMNode) if found.__name__ == name)
        for binding in vars(cls).get("BINDINGS", ()):
            yield name, binding if isinstance(binding, Binding) else Binding(*binding)


def test_every_binding_of_the_console_has_an_id_and_a_description() -> None:
    """Textual's own have none: `keys` leaves them where they are."""
    found = list(bindings())
    assert len(found) > 25
    for owner, binding in found:
        assert binding.id, (owner, binding)
        assert binding.id == binding.id.lower().replace("_", "-").replace(" ", "-"), (owner, binding)
        assert binding.description, (owner, binding)


def test_one_id_has_one_key() -> None:
    seen: dict[str, set[str]] = {}
    for _, binding in bindings():
        seen.setdefault(binding.id or "", set()).add(binding.key)
    assert not {name: found for name, found in seen.items() if len(found) > 1}


def test_every_screen_has_a_scene() -> None:
    ours = {screen.__name__ for screen in keys.screens() if not screen.__subclasses__()}
    # One lies over any scene, in a terminal that none of them fits.
    # A story of the inbox shows the one that stops a wait.
    assert ours - {"TooSmallScreen", "StopWaitingScreen"} <= {scene.screen for scene in SCENES.values()}


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        ({"aprove": "x"}, "there is no action 'aprove'"),
        ({"approve": "d"}, r"d would mean both approve \(Approve\) and deny \(Deny\) on InboxScreen"),
        ({"approve": "?"}, r"question_mark would mean both approve \(Approve\) and help \(Help\)"),
        ({"approve": "j"}, r"both approve \(Approve\) and down"),
        ({"approve": "f5", "claim": "f6,f5"}, r"f5 would mean both claim \(Claim\) and approve"),
        ({"copy": "r"}, r"copy \(Copy.*\) and refresh"),
        ({"back": "x"}, r"back \(Back\) has a key that means the same everywhere"),
        ({"approve": "enter"}, "enter means the same everywhere"),
        ({"approve": "ctrl+m"}, "means the same everywhere"),
        ({"approve": "fuenf"}, "'fuenf' is no key"),
        ({"approve": "ctrl+"}, "is no key"),
        ({"approve": ""}, "is no key"),
        ({"approve": "\x1b"}, "is no key"),
    ],
)
def test_a_choice_that_cannot_be_meant_names_both_sides(chosen: dict[str, str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        keys.keymap(chosen)


def test_the_key_of_a_screen_that_went_into_another_is_no_mistake() -> None:
    assert keys.keymap({"reports": "4", "help": "ctrl+g"}) == {"help": "ctrl+g"}


def test_keys_can_change_places_and_be_several() -> None:
    chosen = {"approve": "d", "deny": "a", "refresh": "f5, +", "help": "ctrl+g"}
    assert keys.keymap(chosen) == {"approve": "d", "deny": "a", "refresh": "f5,plus", "help": "ctrl+g"}


async def test_a_moved_key_works_is_shown_and_the_old_one_is_free(
    started: Started, environment: FakeEnvironment
) -> None:
    moved = keys.keymap({"approve": "f5", "fleet": "9", "help": "f1"})
    async with started(environment, size=(120, 50), keymap=moved) as pilot:
        await sees(pilot, "connection lost", "f5 Approve", "f1 Help")
        await pilot.press("a", "f1")
        await sees(pilot, "Here", "f5 Approve", "9 Fleet")
        await pilot.press("escape", "3", "f5")
        await sees(pilot, "Approve: resume")
        await pilot.press("escape", "9")
        await sees(pilot, "2 servers")


def can_be_found(pilot: Pilot[Any]) -> None:
    """Fails unless the finder and help reach all that can be done on a screen; a dialog says its keys itself."""
    app, screen = app_of(pilot), pilot.app.screen
    if isinstance(screen, ModalScreen):
        return
    active = screen.active_bindings.values()
    ours = {each.binding.id: each for each in active if each.binding.id and each.binding.id != "commands"}
    offered = {entry.description for entry in app.deeds(screen)}
    moves = {"Up", "Down", "Left", "Right", "First", "Last", "First row", "Last row", "Page up", "Page down"}
    assert {each.binding.description for each in ours.values() if each.enabled} - moves <= offered
    assert {each.binding.description for each in ours.values()} <= {entry.description for entry in usable(screen)}


async def test_help_says_why_something_cannot_be_done_now(started: Started, environment: FakeEnvironment) -> None:
    environment.records.clear()
    async with started(environment, size=(120, 50)) as pilot:
        await sees(pilot, "Nothing waits for a decision")
        await pilot.press("question_mark")
        await sees(pilot, "Approve not now: nothing is chosen")


async def test_tabs_and_footer_can_be_clicked(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment, size=(200, 40)) as pilot:
        await sees(pilot, "connection lost")
        await pilot.click(offset=(screen_text(pilot).splitlines()[0].index("3 Fleet"), 0))
        await sees(pilot, "2 servers")
        await pilot.click(offset=(screen_text(pilot).splitlines()[-1].index("Help"), 39))
        await sees(pilot, "Everywhere", "Esc closes")


async def test_a_click_chooses_a_row_and_another_opens_it(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await sees(pilot, "connection lost")
        table, inbox = pilot.app.screen.query_one(KeyedTable), pilot.app.screen
        first, second = table.keys[:2]
        assert table.chosen == first
        await pilot.click(table, offset=(4, 2))
        await wait_until(pilot, lambda: table.chosen == second)
        assert not inbox.has_class("-open")
        await pilot.click(table, offset=(4, 2))
        await wait_until(pilot, lambda: inbox.has_class("-open"))


async def test_however_little_room_there_is_the_key_bar_says_how_to_get_help(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=(60, 20)) as pilot:
        await sees(pilot, "connection lost")
        assert "space Mark c Claim … ? Help" in flat_text(pilot)
        await pilot.press("space")
        await sees(pilot, "a Approve d Deny space Mark A D Marked … ? Help")
        await pilot.resize_terminal(80, 24)
        await sees(pilot, "A D Marked c Claim / Filter : Find ? Help")


async def test_a_greyed_key_in_the_key_bar_can_be_clicked_in_vain(
    started: Started, environment: FakeEnvironment
) -> None:
    clock = Clock()
    async with started(environment, clock=clock, size=(120, 30)) as pilot:
        await sees(pilot, "connection lost")
        clock.advance(31)
        await sees(pilot, "STALE")
        await pilot.click(offset=(screen_text(pilot).splitlines()[-1].index("Approve"), 29))
        await pilot.pause()
        assert isinstance(pilot.app.screen, InboxScreen)
        clock.advance(-31)
        await sees(pilot, "live")
        await pilot.click(offset=(screen_text(pilot).splitlines()[-1].index("Approve"), 29))
        await sees(pilot, "Approve: resume")
