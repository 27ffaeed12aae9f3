"""What it costs to wait, as a person reads it before deciding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.ports import Approve, Deny
from qlikops.presentation import waiting
from qlikops.presentation.deciding import denial
from qlikops.presentation.deciding.decision import LatestSeen, what_goes_out
from qlikops.presentation.pages import review
from qlikops.presentation.pages.handover import sections
from qlikops.presentation.pictures import timebar
from qlikops.presentation.tone import Line, Tone, as_text
from tests.fakes import row_of
from tests.unit.presentation import samples
from tests.unit.presentation.pages.test_handover import QUIET
from tests.unit.presentation.samples import NOW

HOUR = timedelta(hours=1)
POINT = PointOfNoReturn("ORA-PROD", NOW - 6 * HOUR, 24 * 3600, tables=214, reload_seconds=6 * 3600)
ONE = replace(samples.proposal(), point_of_no_return=POINT)
ASKED = samples.approval(ONE)
UNSET = replace(ONE, point_of_no_return=replace(POINT, retention_seconds=None))
UNTIL = waiting.clock(NOW + 18 * HOUR, NOW)
ABOUT = waiting.about(NOW + 18 * HOUR, NOW)


def said(lines: Iterable[Line], label: str = "resume by") -> list[str]:
    return [each.text for each in lines if each.label == label]


def charted(minutes: float | None, log_minutes: float | None) -> list[str]:
    """The chart of a record that is to be answered within so many minutes, while the log is kept for so many."""
    ends = None if log_minutes is None else NOW + timedelta(minutes=log_minutes)
    point = None if ends is None else replace(POINT, position=ends - 24 * HOUR)
    deadline = None if minutes is None else NOW + timedelta(minutes=minutes)
    asked = replace(ASKED, proposal=replace(ONE, point_of_no_return=point), deadline=deadline)
    return [each.text for each in waiting.chart(asked, NOW)]


def test_in_a_record_both_times_are_said_where_they_are() -> None:
    axis, drawn, words, gone, after = charted(34, 60)
    assert axis.startswith("now      15m      1h       4h")
    assert drawn.index("✗") == gone.index("12:20 UTC log gone")
    assert words.strip() == "answer by 11:54 UTC"
    assert charted(34, 320)[2].split("  ") == ["answer by 11:54 UTC", "16:40 UTC log gone"]
    assert after == "only a reload of 214 tables, 6h00m last time"


def test_times_for_which_there_is_no_room_beside_each_other_stand_one_below_the_other() -> None:
    assert charted(2, 3)[2:4] == ["answer by 11:22 UTC", " 11:23 UTC log gone"]
    assert charted(None, -3)[2] == "log gone since 11:17 UTC"
    assert charted(None, None)[2:] == []


@pytest.mark.parametrize(("answer", "log"), [(60, 1380), (10, 3000), (1000, 100), (1440, -2000), (3000, 1439)])
def test_no_time_stands_beyond_the_bar_or_elsewhere_than_its_sign(answer: int, log: int) -> None:
    axis, drawn, *words, _ = charted(answer, log)
    assert all(len(each) <= len(axis) for each in words)
    gone = next(each for each in words if "log gone" in each)
    begins = len(gone) - len(gone.lstrip()) if "answer" not in gone else gone.index("  ") + 2
    assert begins == min(max(drawn.find("✗"), drawn.find("→")), len(axis) - len(gone.lstrip()))


def test_a_dialog_has_the_bar_of_the_inbox_beside_its_words() -> None:
    lines = list(waiting.lines(ASKED, NOW))
    assert timebar.bar(ASKED.deadline, NOW + 18 * HOUR, NOW).text in lines[0].text
    assert Tone.DANGER in [span.tone for span in lines[0].spans], "the end of the log"


@pytest.mark.parametrize(
    ("hours", "words"), [(1, "{time}"), (24, "tomorrow {time}"), (48, "{date} {time}"), (-24, "{date} {time}")]
)
def test_a_moment_is_said_as_one_speaks(hours: int, words: str) -> None:
    noon = NOW.replace(hour=12)
    moment = noon + hours * HOUR
    assert waiting.clock(moment, noon) == words.format(time=f"{moment:%H:%M} UTC", date=f"{moment:%Y-%m-%d}")
    about = words.replace(" {time}", " at about {time}") if " " in words else f"about {words}"
    assert waiting.about(moment, noon) == about.format(time=f"{moment:%H:%M} UTC", date=f"{moment:%Y-%m-%d}")


def test_what_is_left_fits_a_cell() -> None:
    cells = [waiting.left(until, NOW) for until in (None, NOW, NOW + HOUR, NOW + 2 * HOUR)]
    assert [each.text for each in cells] == ["", "passed", "1h00m", "2h00m"]
    assert [each.tone for each in cells] == [Tone.MUTED, Tone.DANGER, Tone.WARNING, Tone.NEUTRAL]


@pytest.mark.parametrize(
    ("now", "words", "tone"),
    [
        (
            NOW,
            f"{ABOUT}, in 18h00m  ━━━━━━━━━━━━····✗·; after that only a reload of 214 tables, 6h00m last time",
            Tone.NEUTRAL,
        ),
        (NOW + 13 * HOUR, "in 5h00m  ············✗·····", Tone.WARNING),
        (NOW + 18 * HOUR, "has passed: the log is probably gone; if it is, only a reload of 214 tables", Tone.DANGER),
    ],
)
def test_the_review_says_until_when_a_resume_is_possible(now: datetime, words: str, tone: Tone) -> None:
    lines = what_goes_out(Approve(ASKED.digest), ASKED, "", LatestSeen(None, now))
    (text,) = said(lines)
    assert words in text
    assert next(each for each in lines if each.label == "resume by").spans[0].tone is tone


def test_not_set_the_review_says_how_to_set_it() -> None:
    asked = samples.approval(UNSET)
    lines = [line for section in review.body(asked, NOW) for line in section.lines]
    assert said(lines) == ["unknown: set log_retention for ORA-PROD"]


def test_of_records_of_earlier_versions_nothing_is_said() -> None:
    assert "resume by" not in as_text(review.sections(samples.approval(), NOW))


def test_what_goes_out_says_it_once() -> None:
    approve = Approve(ASKED.digest)
    assert len(said(what_goes_out(approve, ASKED, "", LatestSeen(None, NOW)))) == 1


@pytest.mark.parametrize(
    ("snooze", "label", "words"),
    [
        (None, "waiting", f"until {UNTIL} is possible"),
        (4 * HOUR, "waiting", f"until {waiting.clock(NOW + 4 * HOUR, NOW)} is possible"),
        (24 * HOUR, "too late", f"after {ABOUT} only a reload of 214 tables, 6h00m last time"),
    ],
)
def test_a_denial_says_whether_it_can_still_be_resumed_then(snooze: timedelta | None, label: str, words: str) -> None:
    denied = what_goes_out(Deny(ASKED.digest, "later", snooze), ASKED, "", LatestSeen(None, NOW))
    assert said(denied, label) == [words]


def test_of_several_denials_the_first_counts() -> None:
    early = replace(ONE, point_of_no_return=replace(POINT, position=NOW - 23 * HOUR))
    found = list(denial.then([ONE, UNSET, early, samples.proposal()], 2 * HOUR, NOW))
    assert said(found, "too late")[0].startswith(f"after {waiting.about(NOW + HOUR, NOW)} only a reload")
    assert len(list(denial.then([UNSET], None, NOW))) == 1


def test_a_handover_says_until_when_what_waits_can_be_resumed() -> None:
    shift = replace(QUIET, waiting=(row_of(ASKED), row_of(samples.approval())))
    assert as_text(sections(shift)).count(f"; to be resumed by {ABOUT}; expires") == 1
