"""Attempts to restart a task: what each came to, and when there were enough of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.agent.config import AgentConfig
from qlikops.agent.remember.attempts import Attempt, RestartLimits, last_hour, streak_of, tried_enough
from qlikops.domain.proposals.approval import RunCall, Status, TaskOutcome
from qlikops.domain.proposals.lasting import Lasting, TaskLasting
from qlikops.domain.proposals.mute import MuteReason
from tests.unit.domain.samples import KEY, NOON

MINUTE = timedelta(minutes=1)
UP = TaskOutcome(KEY, Status.RESTARTED, run_call=RunCall.TAKEN)
FAILED = TaskOutcome(KEY, Status.FAILED, run_call=RunCall.TAKEN)
UNVERIFIED = TaskOutcome(KEY, Status.UNVERIFIED, run_call=RunCall.TAKEN)
FELL = TaskLasting(KEY, Lasting.FELL_OVER, 420, NOON - 20 * MINUTE)
LIMITS = RestartLimits(3, 900, 3600)


def ago(minutes: int, result: TaskOutcome | None = UP, fell: TaskLasting | None = None) -> Attempt:
    return Attempt(NOON - minutes * MINUTE, result, fell)


@pytest.mark.parametrize(
    ("attempt", "words", "may_have_started", "has_fallen"),
    [
        (ago(1, None), "may have been told to run", True, False),
        (ago(1), "restarted", True, False),
        (ago(27, UP, FELL), "fell over after 7 min", True, True),
        (ago(1, FAILED), "failed again", True, True),
        (ago(1, replace(FAILED, run_call=RunCall.NOT_SENT)), "not started", False, False),
        (ago(1, UNVERIFIED), "told to run and not seen up", True, False),
        (ago(1, replace(UNVERIFIED, run_call=RunCall.UNCERTAIN)), "may have been told to run", True, False),
    ],
)
def test_an_attempt_says_no_more_than_is_known(
    attempt: Attempt, words: str, may_have_started: bool, has_fallen: bool
) -> None:
    assert attempt.words() == words
    assert attempt.may_have_started is may_have_started
    assert (attempt.fall is not None) is has_fallen


def test_a_task_that_qlikops_stopped_and_did_not_see_up_is_left_stopped() -> None:
    assert ago(1, replace(FAILED, stopped=True)).left_stopped
    assert not ago(1, replace(UP, stopped=True)).left_stopped
    assert not ago(1, None).left_stopped


def test_a_streak_ends_with_a_restart_that_lasted_and_with_what_is_long_ago() -> None:
    fallen = [ago(27, UP, FELL), ago(5, FAILED)]
    assert streak_of(fallen, NOON).count == 2
    assert streak_of([*fallen, ago(1, None)], NOON).count == 2
    assert streak_of([*fallen, ago(1)], NOON).count == 0
    assert streak_of([ago(3 * 24 * 60, FAILED), *fallen], NOON).count == 2


def test_the_limits_are_those_of_the_settings_and_reach_as_far_back_as_they_count() -> None:
    config = AgentConfig("t", "b", "s", "q", cooldown_seconds=86400)
    limits = RestartLimits.of(config)
    assert limits == RestartLimits(3, 86400, 3600)
    assert limits.since(NOON) == NOON - timedelta(days=1)
    assert last_hour([ago(61), ago(60), ago(1)], NOON) == 2


def test_the_budget_mutes_until_one_more_fits() -> None:
    mute = tried_enough([ago(50), ago(40), ago(30)], NOON, LIMITS, lifted=NOON)
    assert mute is not None
    assert (mute.kind, mute.until, mute.restarts) == (MuteReason.BUDGET, NOON + 10 * MINUTE, 3)


@pytest.mark.parametrize(
    ("attempts", "until", "words"),
    [
        ([], None, ""),
        ([ago(15)], None, ""),
        ([ago(10)], NOON + 5 * MINUTE, "restarted"),
        ([ago(27, UP, FELL)], None, ""),
        (
            [ago(40, FAILED), ago(10, FAILED)],
            NOON + 11 * MINUTE,
            "failed again; 2 restarts in a row did not last",
        ),
    ],
)
def test_a_cooldown_is_longer_the_more_restarts_in_a_row_did_not_last(
    attempts: list[Attempt], until: object, words: str
) -> None:
    mute = tried_enough(attempts, NOON, LIMITS)
    assert (mute.until if mute else None, mute.attempt if mute else "") == (until, words)


def test_a_cooldown_that_was_lifted_is_over_and_a_later_attempt_is_another_one() -> None:
    assert tried_enough([ago(10)], NOON, LIMITS, lifted=NOON - 5 * MINUTE) is None
    assert tried_enough([ago(10)], NOON, LIMITS, lifted=NOON - 15 * MINUTE) is not None
