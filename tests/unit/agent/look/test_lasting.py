"""What one run says of a restart that is followed: nothing that it did not see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.look.lasting import Look, Stuck
from qlikops.agent.remember.follow_ups import FollowedTask, FollowUp
from qlikops.domain.fleet.task import ServerFacts, ServerState, StopReason, TaskState
from qlikops.domain.proposals.lasting import Aftermath, Lasting
from tests.unit.agent.fleet import NOW, failed

BROKEN = failed("orders")
UP = replace(BROKEN, state=TaskState.RUNNING, stop_reason=StopReason.NONE, message="", memory_mb=9)
KEY = UP.key
SERVER = ServerFacts(KEY.instance, KEY.server, ServerState.MONITORED)
FOLLOWED = FollowUp("0123456789ab", (FollowedTask(KEY, NOW),), Aftermath(1))
STOPPED: dict[str, Any] = {"state": TaskState.STOPPED, "message": ""}


def look(facts: Any, minutes: float, server: ServerFacts = SERVER, not_read: bool = False) -> FollowUp:
    """The follow-up after a run so many minutes later."""
    tasks = {KEY: facts} if facts else {}
    first, last = timedelta(minutes=15), timedelta(hours=1)
    at = NOW + timedelta(minutes=minutes)
    return Look(at, tasks, (server,), {KEY} if not_read else (), first, last).at_restart(FOLLOWED)


@pytest.mark.parametrize(
    ("facts", "minutes", "result"),
    [
        (UP, 59, None),
        (UP, 60, Lasting.LASTED),
        (UP, 600, Lasting.LASTED),
        (BROKEN, 0, None),  # read before it came up
        (BROKEN, 5, Lasting.FELL_OVER),
        (BROKEN, 119, Lasting.FELL_OVER),
        (BROKEN, 121, Lasting.UNCLEAR),  # no run looked in time
        (replace(BROKEN, **STOPPED, stop_reason=StopReason.STOPPED_LOW_MEMORY), 5, Lasting.FELL_OVER),
        (replace(BROKEN, **STOPPED, stop_reason=StopReason.NORMAL), 5, Lasting.UNCLEAR),
        (replace(BROKEN, **STOPPED, stop_reason=StopReason.STOPPED_AFTER_DDL_APPLY), 5, Lasting.UNCLEAR),
        (replace(BROKEN, stop_reason=StopReason.RECOVERABLE_ERROR), 5, None),  # Replicate retries
        (replace(BROKEN, state=TaskState.RECOVERY), 121, Lasting.UNCLEAR),
        (replace(UP, memory_mb=0), 61, None),
        (None, 5, Lasting.UNCLEAR),  # it is gone
    ],
)
def test_what_a_run_sees(facts: Any, minutes: float, result: Lasting | None) -> None:
    found = look(facts, minutes)
    settled = [each.result for each in found.so_far.not_lasted] or [Lasting.LASTED] * found.so_far.lasted
    assert settled == ([result] if result else [])
    assert [each.result for each in found.untold] == ([Lasting.FELL_OVER] if result is Lasting.FELL_OVER else [])
    assert bool(found.tasks) is (result is None)


@pytest.mark.parametrize(
    ("minutes", "result"),
    [(29, None), (30, Lasting.FELL_OVER), (60, Lasting.FELL_OVER), (121, Lasting.UNCLEAR)],
)
def test_what_is_stuck_has_fallen_over_once_that_cannot_be_from_before_the_restart(
    minutes: int, result: Lasting | None
) -> None:
    at, stuck = NOW + timedelta(minutes=minutes), {KEY: Stuck("nothing applied for 30m", timedelta(minutes=30))}
    look = Look(at, {KEY: UP}, (SERVER,), (), timedelta(minutes=15), timedelta(hours=1), stuck=stuck)

    found = look.at_restart(FOLLOWED).so_far
    assert [each.result for each in found.not_lasted] == ([result] if result else [])
    assert found.lasted == 0


@pytest.mark.parametrize("minutes", [40, 61])
def test_of_one_that_was_restarted_again_it_cannot_be_said(minutes: int) -> None:
    """No run saw why; the newer restart is followed on its own."""
    again = NOW + timedelta(minutes=30)
    at = NOW + timedelta(minutes=minutes)
    newer = FollowUp("ba9876543210", (FollowedTask(KEY, again),), Aftermath(1))
    look = Look(at, {KEY: UP}, (SERVER,), (), timedelta(minutes=15), timedelta(hours=1), {KEY: again})

    found = look.at_restart(FOLLOWED).so_far
    assert (found.unclear, found.lasted) == (1, 0)
    assert found.words() == "whether it lasted cannot be said (it was restarted again)"
    assert look.at_restart(newer).so_far.is_over is False


@pytest.mark.parametrize("minutes", [5, 61, 119])
@pytest.mark.parametrize(
    "server",
    [
        replace(SERVER, state=ServerState.ERROR),
        replace(SERVER, error_code="QEM_NOT_READ_IN_TIME"),
        replace(SERVER, error_code="QEM_UNREADABLE"),
    ],
)
def test_what_could_not_be_read_is_followed_on(server: ServerFacts, minutes: float) -> None:
    assert look(None, minutes, server) == FOLLOWED
    assert look(BROKEN, minutes, server, not_read=True) == FOLLOWED


def test_an_hour_after_the_last_look_was_due_it_cannot_be_said() -> None:
    (found,) = look(None, 121, replace(SERVER, state=ServerState.ERROR)).so_far.not_lasted
    assert (found.result, found.detail) == (Lasting.UNCLEAR, "it could not be read")


def test_the_first_look_says_once_how_long_all_were_up() -> None:
    assert look(UP, 14).so_far.up_seconds == 0
    assert look(UP, 15).so_far.up_seconds == 900
