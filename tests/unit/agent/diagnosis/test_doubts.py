"""What beside a harmless cause makes a human look, and what stands there without saying anything."""

from __future__ import annotations

import pytest

from qlikops.agent.diagnosis import doubts
from qlikops.agent.diagnosis.codes import WORD
from qlikops.agent.diagnosis.engines import engine_of
from qlikops.agent.diagnosis.ranking import MessageContext, explain

LOST = "ORA-12541: TNS:no listener"
ORACLE = MessageContext(frozenset({engine_of("Oracle")}))


def left(message: str) -> str:
    return explain(message, ORACLE).diagnosis.unexplained


@pytest.mark.parametrize(
    "beside",
    [
        "",
        " at host db1.example.net:1521",
        " to server 10.0.0.7",
        " after 3 attempts",
        " on host 'db1'",
        " [1022502] (oracle_endpoint_conn.c:1211)",
        " 2026-03-07 03:12:09",
    ],
)
def test_where_when_and_how_often_say_nothing_of_the_cause(beside: str) -> None:
    assert left(f"{LOST}{beside}") == ""


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ("; the frobnicator is gone", "frobnicator gone"),
        ("; ORA-99999: who knows", "ORA-99999"),
        (" 'the frobnicator is gone'", "'the frobnicator is gone'"),
        (" 'replication slot \"x\" does not exist'", "replication slot"),
        (" 'ORA-00308: cannot open archived log'", "cannot open archived log"),
        (" 'the binlog was purged'", "binlog"),
        (" 'AuthorizationPermissionMismatch'", "AuthorizationPermissionMismatch"),
        (" 'ORA-99998'", "ORA-99998"),
        (": duplicate key value", "duplicate key"),
        (": the archived log was purged", "archived"),
        (f"; {'frob ' * 60}nicator", "frob frob"),
    ],
)
def test_what_nobody_accounts_for_is_quoted(beside: str, words: str) -> None:
    assert words in left(f"{LOST}{beside}")


def test_words_of_the_log_are_found_also_in_two_and_not_in_what_is_explained() -> None:
    def about(text: str, *explained: tuple[int, int]) -> str:
        return doubts.about_the_log(text, frozenset(WORD.findall(text)), explained)

    assert about("the rollback segment is too small") == "rollback segment"
    assert about("the resume_token is gone") == "resume_token"
    assert about("nothing of the kind") == ""
    assert about("the wal is gone", (4, 7)) == ""


def test_words_that_say_nothing_of_the_log_are_forgotten_some_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubts, "_MOST_WORDS", 0)
    for text in ("one two", "three four"):
        assert doubts.about_the_log(text, frozenset(text.split())) == ""
    assert {"three", "four"} == doubts._SAY_NOTHING_OF_IT


def test_a_long_text_is_quoted_by_its_beginning() -> None:
    assert doubts.about_a_row("x") == ""
    assert len(left(f"{LOST} '{'frobnicator ' * 30}'")) == 120
