"""The schedule in words, and what changing it sends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.errors import AccessDenied, Offline, QlikopsError, UsageError
from qlikops.domain.runs.schedule import Schedule, ScheduleStatus
from qlikops.presentation.pages import schedule
from qlikops.presentation.tone import Section, as_text
from tests.fakes import SCHEDULE
from tests.unit.presentation.samples import NOW

ON = SCHEDULE
OFF = replace(ON, enabled=False)
FOR_NOW = replace(ON, paused_until=NOW + timedelta(hours=2))
ENDING = replace(ON, ends_at=NOW + timedelta(minutes=2))
ENDED = replace(ON, ends_at=NOW - timedelta(hours=1), has_ended=True)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("rate(5 minutes)", "every 5 minutes"),
        ("rate(1 hour)", "every hour"),
        ("rate(90 minutes)", "every 90 minutes"),
        ("rate(2 days)", "every 2 days"),
        ("cron(0/10 6-20 ? * MON-FRI *)", "every 10 minutes from 06 to 20 h, Monday to Friday"),
        ("cron(30 9 * * ? *)", "at 09:30, every day"),
        ("cron(0 9 ? * SUN *)", "at 09:00, on Sundays"),
        ("cron(15 * * * ? *)", "every hour at minute 15, every day"),
        ("cron(* * * * ? *)", "every minute, every day"),
        ("cron(0 6 1 * ? *)", ""),
        ("cron(0 6 ? * 2#1 *)", ""),
        ("cron(0 6 ? JAN MON *)", ""),
        ("cron(5,25 8,12 * * ? *)", ""),
        ("at(2026-03-07T12:00:00)", ""),
    ],
)
def test_an_expression_in_words_or_none_rather_than_wrong_ones(expression: str, words: str) -> None:
    assert schedule.in_words(expression) == words


def shown(found: Schedule) -> str:
    last = NOW - timedelta(minutes=2)
    return as_text(schedule.sections(ScheduleStatus(found, last, found.upcoming(NOW, last)), NOW))


def test_where_it_stands() -> None:
    assert "▶ on" in shown(ON)
    assert "2026-03-07 11:18:00 UTC, 2m00s ago" in shown(ON)
    assert "about 2026-03-07 11:23:00 UTC, in 3m00s" in shown(ON)
    assert "PAUSED until 2026-03-07 13:20:00 UTC" in shown(FOR_NOW)
    assert "about 2026-03-07 13:20:00 UTC" in shown(FOR_NOW)
    assert "ends         2026-03-07 11:22:00 UTC, in 2m00s: a person set that by hand" in shown(ENDING)
    assert "none before it ends" in shown(ENDING)
    assert "■ ENDED 2026-03-07 10:20:00 UTC" in shown(ENDED)
    assert "none: it has ended" in shown(ENDED)
    assert "PAUSED until a person resumes it" in shown(OFF)
    assert "none: it is paused" in shown(OFF)
    assert "about 2026-03-31 06:00:00 UTC" in shown(replace(ON, expression="cron(0 6 L * ? *)"))
    assert "none: the expression has no later time" in shown(replace(ON, expression="cron(0 6 L * ? 2020)"))


@pytest.mark.parametrize(
    ("pause", "duration", "before", "says"),
    [
        (True, None, ON, ["ENABLED -> DISABLED", "until a person resumes it"]),
        (True, timedelta(hours=2), ON, ["State        ENABLED\n", "2026-03-07 13:20:00 UTC, 2h00m from now"]),
        (False, None, OFF, ["DISABLED -> ENABLED", "by themselves again"]),
        (False, None, FOR_NOW, ["State        ENABLED\n", "2026-03-07 13:20:00 UTC -> none"]),
        (False, None, ENDED, ["State        ENABLED\n", "EndDate      2026-03-07 10:20:00 UTC -> none"]),
    ],
)
def test_what_is_sent_is_shown(
    pause: bool, duration: timedelta | None, before: Schedule, says: tuple[str, ...]
) -> None:
    lines = schedule.what_goes_out(before, pause=pause, duration=duration, now=NOW)
    text = as_text([Section("", lines)])
    assert [words for words in says if words not in text] == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (UsageError("The pause would outlast the schedule's end"), "Not changed. Failed: The pause would outlast"),
        (AccessDenied("Could not update the schedule"), "Not changed. Access denied: Could not update the schedule. "),
        (Offline("connection reset"), "Perhaps changed; what is shown is read anew. Offline: connection reset. It "),
    ],
)
def test_only_a_lost_reply_leaves_it_open_whether_the_schedule_was_changed(error: QlikopsError, says: str) -> None:
    assert schedule.not_changed(error).startswith(says)


def test_a_schedule_that_has_not_run_yet_says_so() -> None:
    assert "last run     none yet" in as_text(schedule.sections(ScheduleStatus(ON, None, NOW), NOW))


def test_what_cannot_be_read_and_what_the_console_leaves_to_the_command_line_are_said() -> None:
    assert schedule.not_read(AccessDenied("Could not read it")).text.startswith("Access denied: Could not read it")
    assert "qlikops schedule --rate" in schedule.by_command().text
