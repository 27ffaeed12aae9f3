"""Stories of one inbox over several contexts: each answers for itself, and a decision goes where its record was."""

from __future__ import annotations

import gc
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from qlikops.domain.errors import CredentialsProblem, Offline, Throttled
from qlikops.domain.ports import Credentials
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.tui.app import QlikOpsApp
from qlikops.tui.model.backend import Backend
from qlikops.tui.model.context import ContextSource
from qlikops.tui.start import console
from qlikops.tui.widgets.table import KeyedTable
from tests.fakes import SCHEDULE
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, flat_text, no_longer_sees, screen_text, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment, opener

WIDE = (200, 50)
FIRST = samples.proposal(1).proposal_id


def record(number: int, task: str, **more: Any) -> ProposalRecord:
    return samples.approval(samples.proposal(number, tasks=(task,)), minutes_left=200 + number, **more)


def context(name: str, *records: ProposalRecord) -> FakeEnvironment:
    found = FakeEnvironment.waiting_for(*records)
    found.name, found.where = name, f"{name}-account eu-west-1 qlikops"
    found.runs = [samples.execution(f"run-of-{name}")]
    task = found.snapshot.tasks[0]
    facts = replace(task.facts, key=replace(task.facts.key, task=f"task-of-{name}"))
    found.schedules.schedule = replace(SCHEDULE, name=f"schedule-of-{name}")
    found.snapshot = replace(found.snapshot, tasks=(replace(task, facts=facts),))
    return found


async def first_chosen(pilot: Pilot[Any], *texts: str) -> None:
    """Chooses the first to expire, whichever context answered first."""
    await sees(pilot, *texts, "orders resume")
    await pilot.press("home")
    await sees(pilot, "orders: connection lost")


@pytest.fixture
def east() -> FakeEnvironment:
    return context("east", record(1, "orders"), record(3, "prices"))


@pytest.fixture
def west() -> FakeEnvironment:
    return context("west", record(2, "stock"))


@pytest.mark.parametrize("size", [(80, 24), (120, 36), WIDE])
async def test_one_inbox_holds_what_waits_everywhere_and_says_where(
    started: Started, east: FakeEnvironment, west: FakeEnvironment, size: tuple[int, int]
) -> None:
    async with started(east, others=[west], size=size) as pilot:
        await first_chosen(pilot, "Context", "3 wait")

        def places() -> list[str]:
            return re.findall(r"^[ ›] {4}(east|west) ", screen_text(pilot), re.MULTILINE)

        # The list grows with its rows, a layout later.
        await wait_until(pilot, lambda: places() == ["east", "west", "east"])
        # Nobody has claimed anything, and no log is known: what is empty leaves its room to names.
        assert "Claimed by" not in flat_text(pilot)
        assert "Log kept" not in flat_text(pilot)


async def test_one_context_has_no_column_for_it(started: Started, east: FakeEnvironment) -> None:
    async with started(east, size=WIDE) as pilot:
        await first_chosen(pilot, "What broke")
        assert "Context" not in flat_text(pilot)


async def test_the_same_id_in_two_contexts_is_two_approvals(started: Started, east: FakeEnvironment) -> None:
    twin = context("west", record(1, "orders"))
    async with started(east, others=[twin], size=WIDE) as pilot:
        await first_chosen(pilot, "3 wait")
        table = pilot.app.screen.query_one(KeyedTable)
        # Whichever answered first has the cursor.
        await pilot.press("home")
        await wait_until(pilot, lambda: table.chosen == f"0/{FIRST}")
        await pilot.press("down")
        await wait_until(pilot, lambda: table.chosen == f"1/{FIRST}")
        await wait_until(pilot, lambda: twin.reads.count(FIRST) == 1)
        await pilot.press("a")
        await sees(pilot, "Approve: resume")
        await pilot.press("enter")
        await wait_until(pilot, lambda: [sent[0] for sent in twin.sent] == [FIRST])
        assert east.sent == []
        # The other one still waits and can be answered for itself.
        await sees(pilot, "2 wait")
        await pilot.press("up", "d")
        await sees(pilot, "Deny: leave")
        await pilot.press(*"no", "enter")
        await wait_until(pilot, lambda: [sent[0] for sent in east.sent] == [FIRST])
        assert len(twin.sent) == 1


async def test_one_that_fails_locks_only_what_is_in_it_and_says_why_in_a_line(
    started: Started, east: FakeEnvironment, west: FakeEnvironment
) -> None:
    async with started(east, others=[west], size=WIDE) as pilot:
        await first_chosen(pilot, "3 wait")
        west.error = Offline("no answer from the endpoint")
        await pilot.press("r")
        await sees(
            pilot,
            "✗ west OFFLINE, 0s old, locked: it recovers by itself once the network is back. no answer from",
            "3 wait",
        )
        await pilot.press("down", "a", "d", "c")
        assert pilot.app.screen.query_one(KeyedTable).chosen == f"1/{samples.proposal(2).proposal_id}"
        assert "this will be sent" not in flat_text(pilot)
        assert not west.claimed
        await pilot.press("up", "a")
        await sees(pilot, "Approve: resume")
        await pilot.press("enter")
        await wait_until(pilot, lambda: [sent[0] for sent in east.sent] == [FIRST])
        west.error = None
        await pilot.press("r")
        await no_longer_sees(pilot, "OFFLINE")
        await sees(pilot, "live, 0s old")


async def test_what_is_decided_names_its_context_from_the_record_to_the_receipt(
    started: Started, east: FakeEnvironment, west: FakeEnvironment
) -> None:
    clock = Clock()
    async with started(east, others=[west], size=WIDE, clock=clock, hold_seconds=1) as pilot:
        await first_chosen(pilot, "east · orders: connection lost")
        await pilot.press("d")
        await sees(pilot, "Deny: leave 1 task alone", "─ east ")
        await pilot.press(*"no", "enter")
        await sees(pilot, "Sending in 1 s: deny replicate-eu-1/orders in east.", "west · stock")
        clock.advance(1)
        await sees(pilot, "DENIED replicate-eu-1/orders in east")
        await pilot.press("y")
        assert re.search("^context +east$", pilot.app.clipboard, re.M)
        await pilot.press("space", "A")
        await sees(pilot, "Approve together: one answer for each that is ticked", "─ west ")
        await pilot.press("escape", "5")
        await sees(pilot, "schedule-of-east")
        await pilot.press("p")
        await sees(pilot, "Pause the schedule: this will be sent", "─ east ")


async def test_one_that_never_comes_does_not_hold_up_the_others(
    started: Started, east: FakeEnvironment, west: FakeEnvironment
) -> None:
    west.waits.close()
    async with started(east, others=[west]) as pilot:
        await first_chosen(pilot, "2 wait", "connecting … 1 of 2")
        west.waits.open()
        await sees(pilot, "3 wait", "live, 0s old")


async def test_a_stale_one_withdraws_only_what_was_held_back_for_it(
    started: Started, east: FakeEnvironment, west: FakeEnvironment
) -> None:
    clock = Clock()
    async with started(east, others=[west], size=WIDE, clock=clock, hold_seconds=600) as pilot:
        await first_chosen(pilot, "3 wait")
        await pilot.press("a")
        await sees(pilot, "Approve: resume")
        await pilot.press("enter")
        await sees(pilot, "stock: connection lost", "Sending in 600 s")
        await pilot.press("a")
        await sees(pilot, "Approve: resume")
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(app_of(pilot).state.held) == 2)
        west.error = Offline("no answer")
        await pilot.press("r")
        await wait_until(pilot, lambda: [held.key.context for held in app_of(pilot).state.held] == ["east"])
        assert west.sent == []


async def test_a_read_only_context_beside_one_that_is_not(started: Started, east: FakeEnvironment) -> None:
    looked_at = context("audit", record(2, "stock"))
    looked_at.read_only = True
    async with started(east, others=[looked_at], size=WIDE) as pilot:
        await first_chosen(pilot, "ro audit", "Approve")
        await pilot.press("down")
        await sees(pilot, "stock: connection lost")
        await pilot.press("a", "d", "c", "space")
        assert "this will be sent" not in flat_text(pilot)
        assert not looked_at.claimed
        assert "✓" not in screen_text(pilot)
        await pilot.press("up", "a")
        await sees(pilot, "Approve: resume")


async def test_the_marked_are_answered_in_one_context_at_a_time(
    started: Started, east: FakeEnvironment, west: FakeEnvironment
) -> None:
    async with started(east, others=[west], size=WIDE) as pilot:
        await first_chosen(pilot, "3 wait")
        await pilot.press("space", "space", "D")
        await sees(pilot, "Not together: the marked ones are in different contexts.")
        await pilot.press("escape", "up", "space")
        await pilot.press("D")
        await sees(pilot, "Deny together", "1 of 1 ticked")


async def test_the_other_screens_show_the_context_that_is_chosen(
    started: Started, east: FakeEnvironment, west: FakeEnvironment
) -> None:
    async with started(east, others=[west], size=(120, 36)) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-of-east", "east-account")
        await pilot.press("0")
        await sees(pilot, "▶ east", "west-account", "1 waits")
        await pilot.press("down", "enter")
        await sees(pilot, "run-of-west", "west-account")
        assert "run-of-east" not in flat_text(pilot)
        await pilot.press("3", "4")
        await sees(pilot, "run-of-west")
        await pilot.press("1")
        await sees(pilot, "3 wait", "east, west")


def is_busy(backend: Backend, mode: str) -> bool:
    return any(backend.busy(lane) for lane in list(backend._lanes) if lane.startswith(f"{mode}-"))


@pytest.mark.parametrize(
    ("key", "lane", "shown"),
    [("3", "fleet", "task"), ("4", "executions", "run"), ("5", "schedule", "schedule")],
)
async def test_an_answer_from_the_context_left_behind_shows_nowhere(
    started: Started, east: FakeEnvironment, west: FakeEnvironment, key: str, lane: str, shown: str
) -> None:
    async with started(east, others=[west], size=(120, 36)) as pilot:
        await sees(pilot, "3 wait")
        east.listed.close()
        await pilot.press(key)
        left = app_of(pilot).state.contexts[0].backend
        await wait_until(pilot, lambda: is_busy(left, lane))
        await pilot.press("0")
        await sees(pilot, "▶ east")
        await pilot.press("down", "enter")
        await sees(pilot, f"{shown}-of-west")
        east.listed.open()
        await wait_until(pilot, lambda: not is_busy(left, lane))
        await pilot.pause()
        assert "-of-east" not in flat_text(pilot)


async def test_what_is_there_once_an_inbox_shows_is_kept_from_collections_once(
    east: FakeEnvironment, west: FakeEnvironment
) -> None:
    west.waits.close()
    gc.unfreeze()
    app = console([ContextSource(each.name, opener(each)) for each in (east, west)], clock=Clock(), poll_seconds=3600)
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await wait_until(pilot, lambda: gc.get_freeze_count() > 0)
            await sees(pilot, "2 wait")
            kept = gc.get_freeze_count()
            west.waits.open()
            await sees(pilot, "3 wait", "live, 0s old")
            for _ in range(3):
                await pilot.press("r")
                await pilot.pause()
            # What died since is taken off; a second freeze would add thousands.
            assert gc.get_freeze_count() <= kept
    finally:
        gc.unfreeze()


async def test_errors_say_which_context_they_are_from(
    started: Started, east: FakeEnvironment, west: FakeEnvironment
) -> None:
    west.error = Throttled("rate exceeded")
    async with started(east, others=[west], size=(120, 36)) as pilot:
        await sees(pilot, "↷ west THROTTLED", "asking again in 5s")
        await pilot.press("exclamation_mark")
        await sees(pilot, "west: Throttled: rate exceeded")


async def test_one_that_stays_offline_is_opened_anew_since_it_may_be_elsewhere_by_now(east: FakeEnvironment) -> None:
    clock, moved = Clock(), context("east", record(1, "orders"))
    east.error = Offline("nobody listens")
    opened = [moved, east]
    app = QlikOpsApp([ContextSource("east", opened.pop)], clock=clock, poll_seconds=3600)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(3):
            await wait_until(pilot, app.state.current.rests)
            clock.advance(5)
            app.state.poll(app)
        await first_chosen(pilot, "live, 0s old")
        assert opened == []
        assert (east.closed, moved.closed) == (1, 0)


async def test_being_throttled_makes_it_ask_less_and_less_often_until_it_is_over(east: FakeEnvironment) -> None:
    clock = Clock()
    east.error = Throttled("rate exceeded")
    app = QlikOpsApp([ContextSource("east", opener(east))], clock=clock, poll_seconds=3600)
    async with app.run_test(size=(80, 24)) as pilot:
        state, only = app.state, app.state.current
        for pause in (5, 10, 20, 40, 60, 60):
            await wait_until(pilot, only.rests)
            asked = east.reads.count("waiting")
            clock.advance(pause - 1)
            state.poll(app)
            await pilot.pause()
            assert not only.backend.busy("inbox")
            assert east.reads.count("waiting") == asked
            clock.advance(1)
            assert not only.rests()
            state.poll(app)
            await wait_until(pilot, lambda asked=asked: east.reads.count("waiting") == asked + 1)  # type: ignore[misc]
        await wait_until(pilot, only.rests)
        east.error = None
        await pilot.press("r")
        await sees(pilot, "live, 0s old")
        assert not only.rests()


# Credentials

LOGIN = ("aws", "sso", "login", "--profile", "prod")


class Terminal:
    """What runs when the screen is handed over."""

    def __init__(self, *renewed: FakeEnvironment, problem: str = "") -> None:
        self.ran: list[tuple[str, ...]] = []
        self._renewed = renewed
        self._problem = problem

    def __call__(self, _app: object, command: Any) -> str:
        self.ran.append(tuple(command))
        for environment in () if self._problem else self._renewed:
            environment.error = None
            environment.signs_in = Credentials(login=LOGIN)
        return self._problem


def expire(environment: FakeEnvironment, login: tuple[str, ...] = LOGIN, advice: str = "") -> None:
    environment.signs_in = Credentials(login=login, advice=advice)
    environment.error = CredentialsProblem("the token has expired", "Sign in again.")


async def test_credentials_that_expire_in_a_dialog_are_renewed_from_there_and_it_goes_on(
    started: Started, east: FakeEnvironment
) -> None:
    terminal = Terminal(east)
    opened = []

    def open_environment() -> FakeEnvironment:
        opened.append(1)
        return east

    async with started(east, size=(84, 40), run_command=terminal, open_environment=open_environment) as pilot:
        await first_chosen(pilot)
        assert "Sign in" not in flat_text(pilot)
        await pilot.press("a")
        await sees(pilot, "Approve: resume")
        expire(east)
        app_of(pilot).state.load_rows(pilot.app)
        await sees(pilot, "◆ CREDENTIALS")
        app_of(pilot).state.current.load_credentials(pilot.app)
        await sees(
            pilot, "Locked: the data is not live (CREDENTIALS); sign in with `aws sso login --profile prod` (ctrl+l)"
        )
        await pilot.press("enter")
        assert not pilot.app.screen.query("Button.-active"), "the next Enter would be lost"
        assert east.sent == []
        before = len(opened)
        await pilot.press("ctrl+l")
        await sees(pilot, "Enter sends.")
        assert terminal.ran == [LOGIN]
        assert len(opened) > before
        await pilot.press("enter")
        await wait_until(pilot, lambda: [sent[0] for sent in east.sent] == [FIRST])


async def test_signing_in_that_fails_says_so_and_changes_nothing(started: Started, east: FakeEnvironment) -> None:
    terminal = Terminal(problem="It ended with 255.")
    expire(east)
    async with started(east, run_command=terminal) as pilot:
        await sees(pilot, "◆ CREDENTIALS", "ctrl+l Sign in")
        await pilot.press("ctrl+l")
        await sees(pilot, "ended with 255.", "◆ CREDENTIALS")


async def test_without_a_command_to_sign_in_with_it_says_what_to_do(
    started: Started, east: FakeEnvironment, west: FakeEnvironment
) -> None:
    terminal = Terminal()
    expire(west, (), "Renew the keys of the profile west, such as with `aws configure --profile west`.")
    async with started(east, others=[west], size=WIDE, run_command=terminal) as pilot:
        await sees(pilot, "◆ west CREDENTIALS, no data yet, locked: Renew the keys of the profile west")
        await pilot.press("ctrl+l")
        await sees(pilot, "west: Renew the keys")
        assert terminal.ran == []


async def test_one_sign_in_serves_every_context_of_its_profile(
    started: Started, east: FakeEnvironment, west: FakeEnvironment
) -> None:
    terminal = Terminal(east, west)
    expire(east)
    expire(west)
    async with started(east, others=[west], run_command=terminal) as pilot:
        await sees(pilot, "◆ west CREDENTIALS", "Sign in")
        await pilot.press("ctrl+l")
        await sees(pilot, "3 wait", "live, 0s old")
        assert terminal.ran == [LOGIN]


async def test_an_expiry_that_is_known_is_said_before(started: Started, east: FakeEnvironment) -> None:
    clock = Clock()
    east.signs_in = Credentials(clock.now + timedelta(minutes=20), LOGIN)
    async with started(east, size=WIDE, clock=clock) as pilot:
        await first_chosen(pilot, "live, 0s old")
        assert "expire in" not in flat_text(pilot)
        clock.advance(8 * 60)
        await pilot.press("r")
        await sees(pilot, "credentials expire in 12m", "sign in with `aws sso login --profile prod`", "Sign in")
        # A warning locks nothing.
        await pilot.press("a")
        await sees(pilot, "Approve: resume", "Enter sends.")


async def test_what_is_held_back_does_not_go_out_while_somebody_signs_in(
    started: Started, east: FakeEnvironment, west: FakeEnvironment
) -> None:
    clock = Clock()
    expire(west)
    async with started(
        east, others=[west], size=WIDE, clock=clock, hold_seconds=3, run_command=Terminal(west)
    ) as pilot:
        await first_chosen(pilot, "Sign in")
        await pilot.press("a")
        await sees(pilot, "Approve: resume")
        await pilot.press("enter")
        await sees(pilot, "Sending in 3 s")
        await pilot.press("ctrl+l")
        await sees(pilot, "Not sent: approve replicate-eu-1/orders in east; you went to sign in.")
        clock.advance(5)
        assert east.sent == []


async def test_another_terminal_can_sign_in_too(started: Started, east: FakeEnvironment) -> None:
    opened = []

    def open_environment() -> FakeEnvironment:
        opened.append(1)
        return east

    expire(east)
    async with started(east, open_environment=open_environment) as pilot:
        await sees(pilot, "◆ CREDENTIALS")
        east.error = None
        before = len(opened)
        await pilot.press("r")
        await first_chosen(pilot, "live, 0s old")
        # Clients keep the credentials that they began with.
        assert len(opened) > before
