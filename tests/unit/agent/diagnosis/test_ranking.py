"""Which known failure a message is, and that nothing harmful is ever taken for something harmless."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlikops.agent.diagnosis import doubts
from qlikops.agent.diagnosis.check import context_of
from qlikops.agent.diagnosis.codes import WORD
from qlikops.agent.diagnosis.entry import HARMLESS, Failure
from qlikops.agent.diagnosis.library import built_in, with_own
from qlikops.agent.diagnosis.phrases import Phrase
from qlikops.agent.diagnosis.ranking import MessageContext, diagnose, explain
from qlikops.domain.fleet.diagnosis import Certainty, FailureClass
from tests.beside import MESSAGES
from tests.cases import for_all

FAILURES = [failure for entries in built_in() for failure in entries.failures]
STRICT = [
    failure for failure in FAILURES if failure.failure_class not in HARMLESS | {FailureClass.UNKNOWN, FailureClass.WAIT}
]
SAFE = [failure for failure in FAILURES if failure.automatic]
NEIGHBOURS = [example for failure in SAFE for example in failure.examples][::5]


@for_all(STRICT, named=lambda failure: failure.id)
def test_the_stricter_class_holds_beside_a_harmless_cause(failure: Failure) -> None:
    for example in failure.examples:
        for neighbour in NEIGHBOURS[::8]:
            diagnosis = explain(f"{neighbour}; {example}", context_of(failure)).diagnosis
            assert not diagnosis.automatic
            assert diagnosis.certainty is not Certainty.KNOWN or diagnosis.failure_class not in HARMLESS


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SAFE), st.sampled_from(["„{0}“", "'{0}'", "«{0}»", "「{0}」", "=({0})", "`{0}`", '"{0}"']))
def test_what_is_only_quoted_proves_nothing(failure: Failure, quotes: str) -> None:
    assert not explain(f"The row {quotes.format(failure.examples[0])}", context_of(failure)).diagnosis.automatic


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FAILURES), st.sampled_from(["…", "...", " [truncated]", " '", " (", " „and"]))
def test_a_message_that_is_cut_is_never_a_harmless_one(failure: Failure, mark: str) -> None:
    diagnosis = explain(failure.examples[0] + mark, context_of(failure)).diagnosis
    assert diagnosis.is_cut
    assert diagnosis.failure_class not in HARMLESS
    assert not diagnosis.automatic


def test_only_what_the_entry_calls_automatic_is() -> None:
    for failure in FAILURES:
        automatic = explain(failure.examples[0], context_of(failure)).diagnosis.automatic
        assert failure.automatic or not automatic, failure.id
    kept = [failure.id for failure in SAFE if explain(failure.examples[0], context_of(failure)).diagnosis.automatic]
    assert len(kept) >= 40


SQLSERVER, MYSQL = "[Microsoft][ODBC Driver 17 for SQL Server]", "[MySQL][ODBC 8.0(w) Driver]"


@pytest.mark.parametrize(
    ("header", "source", "expected"),
    [
        (SQLSERVER, "", "sqlserver-deadlock"),
        (MYSQL, "", "mysql-lock-timeout"),
        (MYSQL, "Microsoft SQL Server", "mysql-lock-timeout"),
        ("", "Microsoft SQL Server", "sqlserver-deadlock"),
        ("", "MySQL", "mysql-lock-timeout"),
        ("", "", ""),
    ],
)
def test_a_number_is_read_with_its_engine(header: str, source: str, expected: str) -> None:
    message = f"RetCode: SQL_ERROR  SqlState: 40001 NativeError: 1205 Message: {header}x"
    assert diagnose(message, MessageContext.of(source)).failure == expected


@pytest.mark.parametrize(
    ("message", "failure", "certainty"),
    [
        ("ORA-12541: TNS:no listener", "oracle-no-listener", Certainty.KNOWN),
        ("ORA-12541: TNS:no listener. The moon is full.", "oracle-no-listener", Certainty.LIKELY),
        ("Endpoint is disconnected", "network-endpoint", Certainty.LIKELY),
        ("ORA-01017: logon denied; ORA-12541: TNS:no listener", "oracle-login", Certainty.KNOWN),
        ("Something nobody has seen", "", Certainty.UNKNOWN),
        ("", "", Certainty.UNKNOWN),
    ],
)
def test_certainty(message: str, failure: str, certainty: Certainty) -> None:
    diagnosis = diagnose(message)
    assert (diagnosis.failure, diagnosis.certainty) == (failure, certainty)


def test_what_is_left_unexplained_is_named() -> None:
    diagnosis = diagnose("ORA-12541: TNS:no listener; the moon is full")
    assert "moon" in diagnosis.unexplained
    assert diagnosis.codes == ("ORA:12541",)
    assert "ORA-12541" in diagnosis.passage


REAL: list[dict[str, Any]] = [
    entry for path in sorted(MESSAGES.glob("*.json")) for entry in json.loads(path.read_text(encoding="utf-8"))
]
_CLASSES = {"bug": "defect", "other": "unknown"}


@pytest.mark.skipif(not REAL, reason="the collection of real messages is not on this machine")
def test_real_messages_are_classed_as_they_are() -> None:
    wrong, unsafe, missed, reloads, held = [], [], [], [], []
    for entry in REAL:
        context = MessageContext.of(
            entry["source_type"], entry["target_type"], is_loading=not entry["full_load_completed"]
        )
        found = explain(entry["message"], context).diagnosis
        truth = _CLASSES.get(entry["truth"]["class"], entry["truth"]["class"])
        if found.failure_class.value != truth:
            wrong.append(entry["id"])
        if found.automatic and truth not in ("transient", "retry_now"):
            unsafe.append(entry["id"])
        if truth == "position_lost" != found.failure_class.value:
            missed.append(entry["id"])
        if found.failure_class is FailureClass.POSITION_LOST and truth != "position_lost":
            reloads.append(entry["id"])
        if truth in ("transient", "retry_now") and found.failure_class is FailureClass.UNKNOWN:
            held.append(entry["id"])
    assert (unsafe, missed, reloads) == ([], [], [])
    assert len(wrong) <= len(REAL) // 20, wrong
    assert len(held) <= 3, held


@pytest.mark.parametrize(
    ("message", "failure", "certainty"),
    [
        # The sentence after a code is the code's own, in any language and with any name in it.
        ("ORA-12541: TNS: Kein Listener [1020401]  (oracle_endpoint_conn.c:859)", "oracle-no-listener", "known"),
        ("ORA-12541: TNS: no entry that anybody wrote [1020401]", "oracle-no-listener", "known"),
        # One that just stops may have been cut; one that speaks of a login, a log or a row is not taken on trust.
        ("ORA-12541: TNS:no lis", "oracle-no-listener", "likely"),
        ("ORA-12541: TNS: das Kennwort ist abgelaufen [1020401]", "oracle-no-listener", "likely"),
        ("ORA-12541: TNS: the archived log is gone [1020401]", "oracle-no-listener", "likely"),
        ("ORA-12541: TNS: kein Listener [1020401]; und mehr", "oracle-no-listener", "likely"),
        # An answer in JSON says what stands in its fields; a row in JSON says nothing.
        ('{"error":{"code":"ServerBusy","message":"Please retry your request."}}', "adls-busy", "known"),
        ('{"error":{"code":"AuthenticationFailed","message":"x"}}', "adls-signature", "known"),
        ('Row {"note":"ServerBusy","message":"The server is busy."}', "", "unknown"),
        # A code that no entry has belongs to its family; that is no certainty.
        ("SqlState: 2200B NativeError: 1 Message: odd value [1022502]", "odbc-class-data", "likely"),
        ("AADSTS50999: something new", "entra-login-family", "likely"),
        # A number in parentheses is a state only after a number.
        (
            "[Microsoft][SQL Server]Change data capture is for other editions. (22988)",
            "sqlserver-cdc-cannot-be-enabled",
            "known",
        ),
    ],
)
def test_what_a_code_says_and_what_stands_around_it(message: str, failure: str, certainty: str) -> None:
    context = MessageContext.of("Oracle", "Microsoft Azure ADLS") if "error" in message else MessageContext()
    diagnosis = diagnose(message, context)
    assert (diagnosis.failure, diagnosis.certainty.value) == (failure, certainty), diagnosis.unexplained


def test_what_is_not_looked_for_changes_nothing() -> None:
    for failure in FAILURES:
        for example in failure.examples:
            whole, lean = (explain(example, context_of(failure), is_whole=each).diagnosis for each in (True, False))
            is_certain = lean.is_known and lean.failure_class not in HARMLESS | {FailureClass.WAIT}
            assert lean == (replace(whole, unexplained="") if is_certain else whole), example


@pytest.mark.parametrize(
    "words",
    [
        "Duplicate entry 5",
        "unique constraints",
        "a check constraint",
        "Violation of it",
        "data would be truncated",
        "value too large",
        "too long for column",
        "out of range",
        "must not be null",
        "cannot insert it",
        "invalid input syntax",
        "conversion failed",
        "value of x is not recognized",
        "Incorrect date value",
        "Arithmetic overflow",
    ],
)
def test_every_way_to_speak_of_a_row_is_heard(words: str) -> None:
    assert doubts.about_a_row(f"Connection refused. {words}".lower())


@pytest.mark.parametrize(
    "words",
    [
        *("too old", "no longer", "rollback segment", "binary logs", "relay log", "backup log", "expired logs"),
        *("change streams", "change tables", "resume token", "resume-point", "check-points", "log sequence", "log mnr"),
        *("log position", "x_log file", "po_no longer", "wal", "pg_replslot", "Protokolldatei", "スロット", "redo_log"),
        *("log readers", "log miner", "log-scan", "log_backup", "log segments", "log streams", "log files"),
    ],
)
def test_every_way_to_speak_of_the_log_is_heard(words: str) -> None:
    folded = f"connection refused. {words.lower()}"
    assert doubts.about_the_log(folded, frozenset(WORD.findall(folded)))


def of_a_team(**changes: Any) -> Failure:
    return replace(SAFE[0], id="a-teams", **changes)


def test_a_failure_of_one_part_of_the_work_is_none_in_the_other() -> None:
    entries = with_own([of_a_team(during="load")], may_be_automatic=False)
    example = SAFE[0].examples[0]
    context = context_of(SAFE[0])
    found = {
        loading: explain(example, replace(context, is_loading=loading), entries).candidates for loading in (True, False)
    }
    assert "a-teams" in [failure.id for failure in found[True]]
    assert "a-teams" not in [failure.id for failure in found[False]]


def test_a_teams_entry_makes_nothing_automatic_that_is_not_without_it() -> None:
    example, context = SAFE[0].examples[0], context_of(SAFE[0])
    strange = Failure("strange", "network", FailureClass.TRANSIENT, "Strange.", phrases=(Phrase.of("frobnicated"),))
    automatic = replace(strange, automatic=True)
    assert explain("frobnicated", entries=with_own([automatic], may_be_automatic=True)).diagnosis.automatic
    entries = with_own([automatic], may_be_automatic=False)
    assert not explain("frobnicated", entries=entries).diagnosis.automatic
    assert explain(example, context, entries).diagnosis.automatic
