"""An entry drafted from a message: well formed, recognises the message it came from, has none of its names."""

from __future__ import annotations

import pytest

from qlikops.agent.diagnosis.check import problems
from qlikops.agent.diagnosis.draft import draft
from qlikops.agent.diagnosis.entry import read_entries
from qlikops.agent.diagnosis.library import Library, built_in, index_of, library
from qlikops.agent.diagnosis.ranking import MessageContext, explain
from qlikops.domain.fleet.diagnosis import FailureClass

FRAME = (
    "Last Error Stream Component Fatal error. Task error notification received from subtask 0, thread 1 "
    "[reptask/replicationtask.c:2891] [1020101] {0}; Stream component 'st_0_X' terminated "
    "[reptask/replicationtask.c:2898] [1020101] Stop Reason FATAL_ERROR Error Level FATAL"
)
SOLVED = [
    "The night batch 'ACME_NIGHT' holds 17 tables of db1.acme.example",
    "RetCode: SQL_ERROR  SqlState: HY000 NativeError: 61234 Message: [Microsoft][ODBC Driver 17 for SQL Server]"
    "[SQL Server]The quarterly freeze of 'ACME' is on. [1022502]  (ar_odbc_stmt.c:2743)",
    'ORA-20777: the steward of "ACME" stopped the load after 12,5 minutes [1022307]',
]


@pytest.mark.parametrize("frame", ["{0}", FRAME])
@pytest.mark.parametrize("message", SOLVED)
def test_a_draft_recognises_its_message_and_names_nobody(message: str, frame: str) -> None:
    context = MessageContext.of("Oracle" if message.startswith("ORA") else "Microsoft SQL Server", "Snowflake")
    text = frame.format(message)
    written = draft(text, context, library(), FailureClass.FIX_FIRST, "The house holds it.", "Ask the steward.")
    assert "acme" not in written.lower()
    entries = read_entries(written, "draft.toml")
    assert problems(entries, built_in()) == []
    (failure,) = entries.failures
    mine = Library(index_of([*built_in(), entries]))
    assert explain(text, context, mine).diagnosis.failure == failure.id


@pytest.mark.parametrize("message", ["", "4711", "'ACME'", "[1020101]"])
def test_nothing_is_drafted_from_names_and_numbers_alone(message: str) -> None:
    with pytest.raises(ValueError, match="nothing is left"):
        draft(message, MessageContext(), library(), FailureClass.FIX_FIRST, "It.", "Look.")


def test_a_name_with_a_number_in_it_is_a_hole() -> None:
    text = draft(
        "ORA-20077: ledger closed by job MEC_0412 until 06:00 [1022307]",
        MessageContext(),
        library(),
        FailureClass.FIX_FIRST,
        "The month end job has closed the ledger.",
        "Wait.",
    )
    assert 'text = ["ledger closed by job <word> until <n>:<n>"]' in text
