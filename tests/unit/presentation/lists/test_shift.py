"""A shift as a list."""

from __future__ import annotations

from dataclasses import replace

from qlikops.domain.gathered.shift import Shift
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.lasting import Aftermath
from qlikops.presentation.lists.shift import summary, table
from qlikops.presentation.tone import Tone
from tests.unit.domain.gathered.test_shift import shift
from tests.unit.domain.samples import NOON

__all__ = ["shift"]

TABLE = table(NOON)


def test_a_row_says_who_decided_how_it_ended_and_whether_it_lasted(shift: Shift) -> None:
    waits, restarted, denied = map(TABLE.cells, shift.entries)
    assert waits["status"].text.startswith("waits, ")
    assert waits["decided"].text == waits["lasted"].text == ""
    assert restarted["decided"].text == "approved by anna"
    assert (restarted["status"].text, restarted["lasted"].tone) == ("RESTARTED", Tone.DANGER)
    assert restarted["lasted"].text.startswith("fell over after")
    assert denied["decided"].text == "denied by bob"
    assert denied["muted"].text == "03-07 13:00"
    assert waits.keys() == {column.key for column in TABLE.fit(None)}
    lasted = replace(shift.entries[1], lasting=Aftermath(1, lasted=1))
    assert (TABLE.cells(lasted)["lasted"].text, TABLE.cells(lasted)["lasted"].tone) == ("lasted", Tone.GOOD)


def test_the_summary_counts(shift: Shift) -> None:
    said = summary(shift)
    assert said.startswith("3 proposals since 2026-03-06 12:00:00 UTC: ")
    assert "1 denied" in said
    assert "oldest are missing" in summary(replace(shift, is_complete=False))
    assert summary(replace(shift, entries=())) == "0 proposals since 2026-03-06 12:00:00 UTC."


def test_a_narrow_terminal_keeps_what_was_decided() -> None:
    assert {column.key for column in TABLE.fit(80)} >= {"at", "label", "decided", "status"}
    assert Status.WAITING.value not in {column.key for column in TABLE.fit(80)}
