"""What is loud enough, and in which words it reaches a desktop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.presentation.alert import Alerts, notice
from qlikops.presentation.lists.watch import WatchEvent, What, arrived, runs_out
from tests.fakes import row_of
from tests.unit.presentation.samples import HOSTILE, NOW, approval, proposal

ROW = row_of(approval(proposal(1)))
FELL = WatchEvent(NOW, What.FELL_OVER, "web-orders failed again after 12m", approval_id="a", severity="critical")


@pytest.mark.parametrize(
    ("least", "heard"),
    [
        ("info", ["info", "warning", "critical", "of a newer version"]),
        ("warning", ["warning", "critical", "of a newer version"]),
        ("critical", ["critical", "of a newer version"]),
    ],
)
def test_what_is_not_severe_enough_is_not_heard(least: str, heard: list[str]) -> None:
    events = [replace(FELL, severity=each) for each in ("info", "warning", "critical", "of a newer version")]
    assert [each.severity for each in Alerts(notify_from=least).heard(events)] == heard


def test_a_notice_says_what_happened_to_what_and_until_when() -> None:
    title, body = notice([arrived(ROW, NOW)])
    assert title == "qlikops: A new proposal waits"
    assert body == f"{ROW.label}, {ROW.title}: answer by {ROW.deadline:%H:%M} UTC"
    assert notice([runs_out(ROW, NOW)], "prod")[0] == "prod: Little time is left to decide"
    assert notice([FELL]) == ("qlikops: A restart did not last", FELL.text)


def test_of_many_that_come_together_there_is_one_notice() -> None:
    rows = [row_of(approval(proposal(number, tasks=(f"task-{number}",)))) for number in range(5)]
    title, body = notice([arrived(row, NOW) for row in rows])
    assert title == "qlikops: 5 new proposals wait"
    assert "task-2" in body
    assert "task-3" not in body
    assert body.endswith(" and 2 more")
    assert notice([arrived(ROW, NOW), FELL])[0] == "qlikops: 2 events"


def test_no_notice_steers_a_terminal_or_is_long() -> None:
    hostile = replace(ROW, label=HOSTILE * 50, title=HOSTILE)
    for text in notice([arrived(hostile, NOW)] * 9, HOSTILE * 9):
        assert text.isprintable()
        assert len(text) <= 250
