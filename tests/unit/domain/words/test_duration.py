from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import qlikops
from qlikops.domain.words.duration import format_duration, parse_duration, short_moment, to_minute, to_second


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), (" 1H 5m ", 3900)]
)
def test_durations_are_read_as_people_write_them(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "5 parsecs", "-5m", "0s", "1h or so"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"90s, 5m|no time at all"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (42, "42s"), (190, "3m10s"), (7500, "2h05m"), (356_400, "4d3h"), (-61, "-1m01s")],
)
def test_durations_are_written_in_two_units_at_most(seconds: int, text: str) -> None:
    assert format_duration(float(seconds)) == text


@pytest.mark.parametrize("text", ["999999d", "9" * 20 + "s", "9" * 5000 + "m", "3651d", "1h " * 90_000])
def test_none_is_longer_than_can_be_counted_with(text: str) -> None:
    with pytest.raises(ValueError, match="longer than 3,650 days") as caught:
        parse_duration(text)
    assert len(str(caught.value)) < 120
    assert datetime.now(UTC) - parse_duration("3650d") < datetime.now(UTC)


def test_a_moment_is_in_utc_and_says_so() -> None:
    moment = datetime(2026, 3, 7, 12, 19, 3, tzinfo=timezone(timedelta(hours=1)))
    assert to_second(moment) == "2026-03-07 11:19:03 UTC"
    assert to_minute(moment) == "2026-03-07 11:19 UTC"
    assert short_moment(moment, moment + timedelta(hours=23)) == "11:19 UTC"
    assert short_moment(moment, moment + timedelta(hours=24)) == "2026-03-07 11:19 UTC"


def test_a_day_with_its_time_is_written_in_one_place() -> None:
    package = Path(qlikops.__file__).parent
    written = {
        path.relative_to(package).as_posix() for path in package.rglob("*.py") if "%Y-%m-%d %H:%M" in path.read_text()
    }
    assert written == {"domain/words/duration.py", "presentation/lists/executions.py"}
