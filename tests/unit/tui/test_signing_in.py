"""Stories of a credential_process: it is named while it is waited for, and asks only where the screen was left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from qlikops.domain.errors import CredentialsProblem
from qlikops.domain.ports import Awaited, Credentials
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, sees
from tests.unit.tui.fakes import Clock, FakeEnvironment

WAITING = "credential_process of the profile prod"


class Screen:
    """The terminal that is handed over; `left` says with which words."""

    def __init__(self) -> None:
        self.left: list[str] = []

    def __call__(self, _app: object, words: str, call: Callable[[], object]) -> str:
        self.left.append(words)
        try:
            call()
        except CredentialsProblem as error:
            return error.message
        return ""


@pytest.fixture
def environment() -> FakeEnvironment:
    found = FakeEnvironment.waiting_for(samples.approval(samples.proposal(1), minutes_left=200))
    found.signs_in = Credentials(advice="Sign in to `vault …`.", in_terminal=True)
    found.error = CredentialsProblem("the credential_process failed", "Run it by hand.")
    return found


async def test_what_is_waited_for_is_named_with_how_long_and_it_can_be_quit(
    started: Started, environment: FakeEnvironment
) -> None:
    clock = Clock()
    environment.error = None
    environment.waits.close()
    async with started(environment, size=(160, 40), clock=clock) as pilot:
        await sees(pilot, "connecting …")
        environment.waits_for = Awaited(WAITING, clock() - timedelta(seconds=12))
        await sees(pilot, f"waiting for {WAITING}, 12s")
        await pilot.press("ctrl+q")
        assert app_of(pilot).return_code == 0
    environment.waits.open()


async def test_it_asks_where_the_screen_was_left_and_the_console_goes_on_with_the_keys(
    started: Started, environment: FakeEnvironment
) -> None:
    screen = Screen()
    async with started(environment, size=(160, 40), call=screen) as pilot:
        await sees(pilot, "◆ CREDENTIALS", "Sign in to `vault …`", "ctrl+l Sign in")
        await pilot.press("ctrl+l")
        await sees(pilot, "live, ")
        assert screen.left == [f"Signing in to {environment.name} …"]


async def test_signing_in_that_fails_there_says_why(started: Started, environment: FakeEnvironment) -> None:
    environment.sign_in_error = CredentialsProblem("the code was wrong")
    async with started(environment, size=(160, 40), call=Screen()) as pilot:
        await sees(pilot, "◆ CREDENTIALS", "ctrl+l Sign in")
        await pilot.press("ctrl+l")
        await sees(pilot, "the code was wrong", "◆ CREDENTIALS")
