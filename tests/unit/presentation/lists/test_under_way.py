"""A restart that waits for its endpoint, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.proposals.approval import Claim, InboxRow, Status
from qlikops.presentation.lists import inbox, under_way
from qlikops.presentation.lists.inbox import TABLE, ListedRow
from qlikops.presentation.tone import Tone
from tests.fakes import row_of
from tests.unit.presentation import samples

NOW = samples.NOW
ORA_PROD = EndpointKey("default", "eu", "ORA-PROD")
WAIT = EndpointWait(ORA_PROD, NOW + timedelta(minutes=4), NOW + timedelta(hours=2), "down")
ASKED = samples.approval(samples.proposal(2, tasks=("web-logs",)))
RECORD = replace(samples.approval(samples.proposal(1, tasks=("orders",))), status=Status.RESTARTING, waits=WAIT)
ROW = row_of(RECORD)


def braked(row: InboxRow) -> InboxRow:
    return replace(row, claim=Claim("arn:aws:sts::1:assumed-role/OnCall/ann", NOW, brake=True))


@pytest.mark.parametrize(
    ("row", "minutes", "words", "tone"),
    [
        (ROW, 0, "probing, next in 4m, until 12:00 UTC", Tone.INFO),
        (ROW, 5, "probing, next now, until 12:00 UTC", Tone.INFO),
        (braked(ROW), 0, "stopped by ann, ends in 4m", Tone.WARNING),
        (braked(ROW), 9, "stopped by ann, ends now", Tone.WARNING),
        (row_of(ASKED), 0, "", Tone.NEUTRAL),
    ],
)
def test_what_it_does_is_said_with_when_it_looks_and_when_it_ends(
    row: InboxRow, minutes: int, words: str, tone: Tone
) -> None:
    said = under_way.words(row, NOW + timedelta(minutes=minutes))
    assert (said.text, said.tone) == (words.replace("12:00", f"{WAIT.until:%H:%M}"), tone)


def test_it_takes_no_answer_and_says_what_can_be_done() -> None:
    words = under_way.why_no_answer(WAIT, "x")
    assert words == "It is approved and waits for ORA-PROD: it takes no answer. x stops it."


def test_stopping_says_what_is_sent_and_how_it_ends() -> None:
    said = "\n".join("".join(span.text for span in each.spans) for each in under_way.stop_lines(ROW, NOW, "arn:ann"))
    assert "by arn:ann" in said
    assert "no task of it is started; it ends in 4m" in said
    assert under_way.stop_lines(row_of(ASKED), NOW, "arn:ann") == ()


def test_in_the_list_it_has_its_sign_and_is_no_question() -> None:
    cells = TABLE.cells(ListedRow(ROW, NOW))
    assert cells["expires"].text == "◐ 4m"
    assert cells["mark"].text == "◐"
    assert cells["task"].text == "orders"
    assert cells["proposed"] == cells["proposed_in_brief"] == under_way.words(ROW, NOW)
    assert inbox.summary([ROW], NOW) == "nothing waits, 1 under way"
    assert inbox.summary([ROW, row_of(ASKED)], NOW).startswith("1 waits, oldest ")
    headline = inbox.headline([ROW, row_of(ASKED)], NOW, 0, 0)
    assert headline is not None
    assert headline.number == "1"
    assert [each.row for each in TABLE.sorted([ListedRow(ROW, NOW), ListedRow(row_of(ASKED), NOW)], TABLE.orders[0])][
        -1
    ] == ROW


def test_a_row_of_it_is_as_small_as_it_can_be_and_comes_back_as_it_was() -> None:
    assert InboxRow.under_way(RECORD, WAIT).waits == replace(WAIT, said="")
    assert ROW.digest == ""
