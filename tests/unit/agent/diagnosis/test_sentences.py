"""The sentence after a known code belongs to it, unless it speaks of what the code of a harmless cause would not."""

from __future__ import annotations

import pytest

from qlikops.agent.diagnosis.codes import Code, codes_in
from qlikops.agent.diagnosis.sentences import NAME, own_sentences


@pytest.mark.parametrize(
    ("said", "sentences"),
    [
        ("ORA-00060: Verklemmung beim Warten. Mehr", ["ORA-00060: Verklemmung beim Warten"]),
        ("ERROR 1205 (HY000): Lock wait timeout exceeded; try", ["ERROR 1205 (HY000): Lock wait timeout exceeded"]),
        (
            "Msg 1205, Level 13, State 51, Line 1: Transaction was chosen. x",
            ["Msg 1205, Level 13, State 51, Line 1: Transaction was chosen"],
        ),
        # What just stops may have been cut off.
        ("ORA-00060: deadlock detected", []),
        # Not the code's own: it speaks of a login, of the log, of a row.
        ("Msg 1205, Level 13, State 51, Line 1: Login denied for a user of the moon. Try again.", []),
        ("ORA-00060: login denied for that user. x", []),
        ("ORA-00060: the archived log is gone. x", []),
        # A status is no engine's own.
        ("HTTP 503: Service is away. x", []),
    ],
)
def test_a_code_has_the_sentence_after_it(said: str, sentences: list[str]) -> None:
    found = [said[start:end] for start, end in own_sentences(said, codes_in(said)[:1])]
    assert found == sentences


@pytest.mark.parametrize(
    "said",
    [
        "<Error><Code>SlowDown</Code><Message>Please be slower.</Message>",
        """{'':{'':"SlowDown",'':"Please be slower."}}""",
    ],
)
def test_a_code_that_is_a_name_has_the_message_after_it(said: str) -> None:
    start = said.index("SlowDown")
    code = Code(NAME, "SlowDown", start, start + len("SlowDown"))
    assert [said[begin:end].endswith("Please be slower") for begin, end in own_sentences(said, [code])] == [True]
    refused = said.replace("Please be slower", "The login was not allowed")
    assert list(own_sentences(refused, [code])) == []
