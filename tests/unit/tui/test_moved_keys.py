"""Stories with every key moved that can be: no screen, dialog or hint tells anybody to press one that does nothing."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import pytest
from textual.app import App
from textual.binding import Binding
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from qlikops.domain.errors import CredentialsProblem, Offline, UsageError
from qlikops.domain.ports import Credentials
from qlikops.tui import keys
from qlikops.tui.app import QlikOpsApp
from qlikops.tui.model.context import ContextSource
from qlikops.tui.modes import MODES
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, screen_text, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment, opener
from tests.unit.tui.scenery import demo
from tests.unit.tui.scenes import SCENES, Scene, record_is_there
from tests.unit.tui.test_snapshots import file as snapshot

LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяαβγδεζηθικλμνξπρστυφχψωաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ"
"""Nothing else on a screen is one of these."""
MOVABLE = [name for name, action in sorted(keys.actions().items()) if not action.is_fixed]
MOVED = dict(zip(MOVABLE, LETTERS, strict=False)) | {"sign-in": "f9", "quit": "f10"}
# Space also ticks in a list of Textual's, which nothing moves.
WORDS = {"a": "approv", "A": "(approv|D )", "space": "mark", "0": "demo", ":": "finds"} | {
    mode.key: mode.title for mode in MODES
}
"""What follows a key that is also a word or a number, where a text means the key."""


def moved(screen: Screen[Any], key: str) -> str:
    """Where the action went that `key` has on this screen."""
    for place in (type(screen).__name__, "KeyedTable", "QlikOpsApp"):
        for action in keys.places()[place]:
            if key in action.keys and action.id in MOVED:
                return MOVED[action.id]
    return key


def old_keys(app: App[Any], text: str, typed: Collection[str] = ()) -> set[str]:
    """The keys that a screen names as they are where nobody moved them."""
    named = keys.KeyNames({}, app.get_key_display)
    return {
        key
        for key in {named[name] for name in MOVED}.difference(typed)
        # An edge cuts words of what lies below into letters.
        if re.search(rf"(?<![\w!./:'\"│▌╯-]){re.escape(key)}(?=[ ,;:)]|$)", text, re.MULTILINE)
        and (key not in WORDS or re.search(rf"\b{key} {WORDS[key]}", text, re.IGNORECASE))
    }


async def enter(pilot: Pilot[Any], scene: Scene) -> None:
    """As `Scene.enter`, with the moved keys."""
    await record_is_there(pilot)
    scene.happens(pilot)
    for pressed, seen in scene.steps:
        for key in pressed:
            await pilot.press(moved(pilot.app.screen, key))
        await sees(pilot, seen)
    assert type(pilot.app.screen).__name__ == scene.screen


@pytest.mark.parametrize("name", SCENES)
async def test_no_scene_names_a_key_that_was_moved(started: Started, name: str) -> None:
    scene = SCENES[name]
    async with started(demo(), others=scene.environments(), size=(120, 50), keymap=keys.keymap(MOVED)) as pilot:
        await enter(pilot, scene)
        inputs = pilot.app.screen.query(Input)
        text = "\n".join([screen_text(pilot), *(each.placeholder for each in inputs)])
        assert old_keys(pilot.app, text, [each.value for each in inputs]) == set()


def test_a_scene_whose_keys_are_where_they_were_names_them() -> None:
    """Else the test before would not notice anything."""
    app = QlikOpsApp([ContextSource("demo", opener(demo()))])
    seen = {name: snapshot(name, (120, 36)).read_text(encoding="utf-8") for name in SCENES}
    says_no_key = {name for name, text in seen.items() if not old_keys(app, text)}
    assert says_no_key <= {"help", "commands", "filter", "events", "failure"}


def test_every_key_that_can_be_moved_was() -> None:
    assert set(MOVED) == set(MOVABLE)
    assert len(set(MOVED.values())) == len(MOVED)


async def press(pilot: Pilot[Any], *pressed: str) -> None:
    for key in pressed:
        await pilot.press(moved(pilot.app.screen, key))


@pytest.mark.parametrize("chosen", [{}, MOVED], ids=["as they are", "moved"])
async def test_what_a_key_is_called_in_passing_is_what_it_is(started: Started, chosen: dict[str, str]) -> None:
    """Texts that come and go: of an inbox that cannot be read, of a receipt, of lists that hold nothing."""
    environment = FakeEnvironment.waiting_for(samples.approval())
    environment.error = Offline("no answer")
    async with started(environment, size=(120, 36), keymap=keys.keymap(chosen)) as pilot:
        app = app_of(pilot)
        names = keys.KeyNames(chosen, app.get_key_display)

        async def does(name: str) -> None:
            await pilot.press(chosen.get(name) or keys.actions()[name].keys[0])

        await sees(pilot, f"; {names['refresh']} tries now.")
        environment.error = None
        await does("refresh")
        await sees(pilot, "sales-orders: connection lost")
        await does("approve")
        await sees(pilot, "Approve: resume")
        await pilot.press("enter")
        await sees(pilot, "RESTARTED replicate-eu-1/sales-orders in 4 s", f"{names['copy']} copies")
        await does("copy")
        await wait_until(pilot, lambda: "RESTARTED" in app.clipboard)
        await does("executions")
        await sees(pilot, f"{names['start']} starts one now")
        await does("status")
        await sees(pilot, f"{names['status']} shows others")


async def test_the_key_that_signs_in_and_that_of_the_last_errors_are_called_what_they_are(started: Started) -> None:
    first, *others = (FakeEnvironment.waiting_for(samples.approval(samples.proposal(n))) for n in range(1, 6))
    for number, each in enumerate(others):
        each.name, each.error = f"other-{number}", Offline("no answer")
    login = ("aws", "sso", "login")
    chosen = {"sign-in": "f9", "errors": "f2"}
    async with started(first, others=others, size=(120, 36), keymap=keys.keymap(chosen)) as pilot:
        await sees(pilot, "2 more contexts; f2 has all errors", "sales-orders: connection lost")
        await pilot.press("a")
        await sees(pilot, "Approve: resume")
        first.signs_in, first.error = Credentials(login=login), CredentialsProblem("the token has expired")
        app = app_of(pilot)
        app.state.load_rows(app)
        app.state.current.load_credentials(app)
        await sees(pilot, "sign in with `aws sso login` (f9)")


@pytest.mark.parametrize("key", ["q", "space", "question_mark", "ö"])
@pytest.mark.parametrize("name", ["quit", "sign-in"])
def test_what_comes_before_a_text_field_takes_no_letter(name: str, key: str) -> None:
    with pytest.raises(UsageError, match="could not be typed"):
        keys.keymap({name: key, "mark": "f3", "help": "f1"})


def test_names_are_those_in_force_the_first_of_several() -> None:
    def display(binding: Binding) -> str:
        return binding.key

    assert keys.KeyNames({"copy": "f5,f6"}, display)["copy"] == "f5"
    assert keys.KeyNames({}, display)["commands"] == "colon"
