"""What an engine says, told from what it quotes: quoted text proves nothing, in any kind of quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.agent.diagnosis.quotes import Role, without_quotes


@pytest.mark.parametrize(
    ("text", "said", "quoted"),
    [
        ("can't open 'a b'", "can't open ''", ["'a b'"]),
        ('key "x" and `y`', "key '' and ''", ['"x"', "`y`"]),
        ("Fehler „eins“ und «zwei»", "Fehler '' und ''", ["„eins“", "«zwei»"]),
        ("エラー「値」です", "エラー''です", ["「値」"]),
        ("Key (name)=(bob) exists", "Key (name)'' exists", ["=(bob)"]),
        ("Failing row contains (1, x).", "Failing row contains ''.", ["(1, x)"]),
        ("a call (of a kind) failed", "a call (of a kind) failed", []),
        ("never 'closed", "never ''", ["'closed"]),
        # The engine's own words, for once in quotes.
        ("OCI error 'ORA-03113: end of file'", "OCI error 'ORA-03113: end of file'", []),
        ('{"error":{"code":403,"message":"Forbidden"}}', None, []),
        ('Reason code: "00C9008E"', 'Reason code: "00C9008E"', []),
        (
            "OCI error 'ORA-06512: at \"SYS.X\", line 5'",
            "OCI error 'ORA-06512: at '', line 5'",
            ['"SYS.X"'],
        ),
    ],
)
def test_what_is_said_and_what_is_quoted(text: str, said: str | None, quoted: list[str]) -> None:
    found = without_quotes(text)
    assert said is None or found.said == said
    assert said is None or [each.text for each in found.quotations] == quoted
    if said is None:
        assert "Forbidden" in found.said


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("cannot connect to host 'db1.example.com'", Role.NAME),
        ("cannot connect to host 'a sentence of words'", Role.TEXT),
        ("the reason is 'db1'", Role.TEXT),
        ("Failed to execute statement: 'SELECT 1'", Role.STATEMENT),
        ("Failed to execute statement: 'nothing of SQL'", Role.TEXT),
    ],
)
def test_what_a_quotation_is_goes_by_what_stands_before_it(text: str, role: Role) -> None:
    (quotation,) = without_quotes(text).quotations
    assert quotation.role is role
    assert quotation.inner in text


@given(st.text(alphabet="ab '\"`„“()=,.", max_size=30))
def test_every_place_of_what_is_said_leads_back_to_the_text(text: str) -> None:
    found = without_quotes(text)
    assert found.place(len(found.said)) == len(text)
    for quotation in found.quotations:
        assert found.said[quotation.place : quotation.place + 2] == "''"
        assert text.startswith(quotation.text, found.place(quotation.place))


@pytest.mark.parametrize(("text", "is_open"), [("a 'b'", False), ("a 'b", True), ("row (1, 2", True), ("a", False)])
def test_a_quotation_without_an_end_was_cut_off(text: str, is_open: bool) -> None:
    assert without_quotes(text).is_open is is_open
