"""A message taken apart: any text, whole, in linear time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlikops.agent.diagnosis.parser import parse
from qlikops.agent.diagnosis.ranking import explain
from tests.growth import assert_time_grows_with_length_alone

ENVELOPE = (
    "Last Error Stream Component Fatal error.\n"
    "Task error notification received from subtask 0, thread 1 [reptask/replicationtask.c:2891] [1020101]\n"
    "RetCode: SQL_ERROR  SqlState: 40001 NativeError: 1205 Message: [Microsoft][ODBC Driver 17 for SQL Server]"
    "[SQL Server]Transaction (Process ID 71) was deadlocked on lock resources with another process and has been chosen "
    "as the deadlock victim. Rerun the transaction. [1022502]  (ar_odbc_stmt.c:2743); "
    "Stream component 'st_0_DWH' terminated [reptask/replicationtask.c:2898] [1020101]\n"
    " Stop Reason FATAL_ERROR Error Level FATAL"
)
PIECES = st.sampled_from(
    [
        *(ENVELOPE[start : start + 23] for start in range(0, len(ENVELOPE), 23)),
        *"'\"`„“”«»「」()[]{};:\n\t…\0\u202e",
        "ORA-01017",
        "=(",
        "SqlState: ",
        "NativeError: -",
        "<n>",
        "\ud800",
        "İ",
        "ﬁ",
        "ＯＲＡ－０１０１７",
    ]
)
ANYTHING = st.text() | st.lists(PIECES | st.text(max_size=6), max_size=40).map("".join)


@settings(max_examples=1000, deadline=None)
@given(ANYTHING)
def test_any_text_can_be_taken_apart(text: str) -> None:
    parsed = parse(text)
    assert len(parsed.folded) == len(parsed.said)
    assert all(0 <= code.start <= code.end <= len(parsed.said) for code in parsed.codes)
    assert all(frame.text for frame in parsed.frames)
    found = explain(text)
    assert found.diagnosis.is_cut == parsed.is_cut
    assert not (parsed.is_cut and found.diagnosis.automatic)


def test_a_message_is_its_frames() -> None:
    headline, notice, cause, terminated, stop = parse(ENVELOPE).frames
    assert headline.text == "Last Error Stream Component Fatal error."
    assert notice.place == "reptask/replicationtask.c:2891"
    assert cause.codes == ("SQLSTATE:40001", "NATIVE:1205", "REPLICATE:1022502")
    assert cause.place == "ar_odbc_stmt.c:2743"
    assert terminated.text.startswith("Stream component '' terminated")
    assert stop.text == "Stop Reason FATAL_ERROR Error Level FATAL"


def test_a_line_of_the_log_has_its_component() -> None:
    line = "00004711: 2026-11-27T02:14:09 [TARGET_APPLY    ]E:  ORA-00060: deadlock detected [1022502]  (x.c:1)"
    (frame,) = parse(line).frames
    assert (frame.component, frame.codes) == ("TARGET_APPLY", ("ORA:60", "REPLICATE:1022502"))


@pytest.mark.parametrize(
    "text",
    [
        ENVELOPE[:-20],
        ENVELOPE[: ENVELOPE.index("[1022502]") + 4],
        "Failed to execute statement: 'SELECT a FROM",
        "ORA-01017: invalid…",
        "x [truncated]",
        "Task error notification received from subtask 0, thread 0 [reptask/replicationtask.c:2891] [1020101]",
    ],
)
def test_a_text_that_lacks_something_is_cut(text: str) -> None:
    assert parse(text).is_cut


def test_a_whole_text_is_not_cut() -> None:
    assert not parse(ENVELOPE).is_cut
    assert not parse("ORA-00060: deadlock detected while waiting for resource").is_cut


@pytest.mark.parametrize(
    "piece", ["ORA-12541 ", "'a' ", "([", "„«", "'", "[1022502] ", "requested wal segment ", "NativeError: 1 ", "\n; "]
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    explain(piece)
    assert_time_grows_with_length_alone(lambda length: explain(piece * (length // len(piece))), 64_000)
