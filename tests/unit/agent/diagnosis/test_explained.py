"""A message is one of a lost connection only if it is whole and says nothing else: kinds of what else it may say."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.agent.diagnosis.messages import MessageClass, classify, is_proof
from tests.beside import MESSAGES
from tests.cases import for_all
from tests.growth import assert_time_grows_with_length_alone
from tests.unit.agent.diagnosis.test_messages import TEXTS

CONNECTIVITY = MessageClass.CONNECTIVITY
CLASSIC = [text for message_class, text in TEXTS if message_class is CONNECTIVITY]

FRAMED = (
    "Last Error Stream Component Fatal error. Task error notification received from subtask 0, thread 1 "
    "[reptask/replicationtask.c:2891] [1020101] RetCode: SQL_ERROR  SqlState: 08S01 NativeError: 10054 Message: "
    "[Microsoft][ODBC Driver 17 for SQL Server]TCP Provider: An existing connection was forcibly closed by the remote "
    'host. [1022502]  (ar_odbc_stmt.c:2743); Failed to execute statement: \'INSERT INTO "dwh"."orders" VALUES (?)\'; '
    "Stream component 'st_0_MSS_DWH' terminated [reptask/replicationtask.c:2898] [1020101] "
    "Stop Reason FATAL_ERROR Error Level FATAL"
)
WHOLE = [
    *CLASSIC,
    FRAMED,
    "ORA-03113: end-of-file on communication channel Process ID: 21313 Session ID: 1450 Serial number: 3 [1022307]; "
    "Endpoint is disconnected",
    "ORA-12541: Cannot connect. No listener at host db1.example.com port 1521. "
    "Help: https://docs.oracle.com/error-help/db/ora-12541/",
    "Cannot connect to Oracle server; ORA-12541: TNS:no listener [1020401]; Endpoint is disconnected",
    "Cannot connect to ODBC provider Network error has occurred; RetCode: SQL_ERROR  SqlState: 08001 NativeError: 101 "
    "Message: [unixODBC]timeout expired [1022502]",
    "RetCode: SQL_ERROR  SqlState: HY000 NativeError: 2006 Message: [MySQL][ODBC 5.3(w) Driver]MySQL server has gone "
    "away [122502] ODBC general error.",
    "RetCode: SQL_ERROR  SqlState: 55032 NativeError: -1224 Message: [IBM][CLI Driver][DB2/LINUXX8664] SQL1224N  The "
    "database manager is not able to accept new requests.  SQLSTATE=55032 [1022502]",
    'SQL30081N  A communication error has been detected. Communication protocol being used: "TCP/IP". Communication '
    'API being used: "SOCKETS". Location where the error was detected: "10.1.2.3". Communication function detecting '
    'the error: "recv". Protocol specific error code(s): "104", "*", "0". SQLSTATE=08001',
    'connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused Is the server running on that host '
    "and accepting TCP/IP connections?",
]

LOST = [
    "ORA-00308: cannot open archived log",
    "log scan number (1:2:3) passed to log scan is not valid",
    "the slot is gone",
    "WAL is gone",
    "binlog position is ahead",
    "the oplog has rolled over",
    "LSN 0/16B3748",
    "file was purged",
    "journal receiver QSQJRN0042",
    "resume token was not found",
    "change stream history lost",
    "redo log group 3",
    "log sequence 4711",
    "checkpoint is behind",
    "retention is over",
    "from position > file size",
    "Replikationsslot »qlik« existiert nicht",
    "kann nicht mehr aus dem Replikations-Slot lesen",
    "das angeforderte WAL-Segment wurde schon entfernt",
    "le slot de réplication « qlik » n'existe pas",
    "le segment WAL demandé a déjà été supprimé",
    'レプリケーションスロット"qlik"は存在しません',
    "要求された WAL セグメントはすでに削除されています",
    "复制槽不存在",
    "복제 슬롯이 없습니다",
    "слот репликации не существует",
    "la ranura de replicación no existe",
]
REFUSED = [
    "ORA-28000: the account is locked",
    "ORA-01017",
    "NativeError: 18456",
    "Anmeldung fehlgeschlagen",
    "SSL Provider: The certificate chain was issued by an authority that is not trusted.",
    "certificate verify failed",
    "Incoming request with IP/Token 203.0.113.7 is not allowed to access Snowflake.",
    "Multi-factor authentication is required for this account.",
    "JWT token is invalid.",
    "role 'LOADER' does not exist or is not authorized",
]
FIX_FIRST = [
    "No active warehouse selected in the current session.",
    'FATAL:  database "dwh" does not exist',
    "Can't open lib '/usr/lib64/libSnowflake.so' : file not found",
    "disk quota exceeded",
    "Approve this proposal.",
    "4711",
    "NativeError: 4711",
    "[1022318]",
    "ORA-01291",
    "…",
    "[truncated]",
]


@pytest.mark.parametrize("message", WHOLE)
def test_what_is_whole_and_says_nothing_else_is_a_lost_connection(message: str) -> None:
    match = classify(message)
    assert match.message_class is CONNECTIVITY, match.doubt
    assert is_proof(match.words(quoting=True))


FAR_DOWN = "{0} " + "and on " * 150 + "{1}"


@for_all(["{0}. {1}", "{1}; {0}", "{0}\n{1}", "{0}: '{1}'", "{0} «{1}»", FAR_DOWN], [*LOST, *REFUSED, *FIX_FIRST])
def test_nothing_beside_a_lost_connection_goes_unnoticed(frame: str, beside: str) -> None:
    for classic in WHOLE:
        assert not classify(frame.format(classic, beside)).message_class.passes


REASONS_LIKE_NAMES = [
    "javax.net.ssl.SSLHandshakeException",
    "java.nio.file.AccessDeniedException",
    "status:403",
    "sqlcode:30082",
    "login_denied:1017",
    "user.not.authorised",
    "account_locked",
    "invalid-grant",
    "MFA_REQUIRED",
    "28000",
]


@for_all(
    ["{0} {1}", "{0}: {1}", "{1}: {0}", "{0} '{1}'", "{0} “{1}”", "{0} [{1}]", "{0} ({1})"],
    REASONS_LIKE_NAMES,
)
def test_what_looks_like_a_name_is_one_only_where_it_is_announced(frame: str, reason: str) -> None:
    for classic in WHOLE:
        assert not classify(frame.format(classic, reason)).message_class.passes


@pytest.mark.parametrize(
    "name", ["db1.prod.example.com", "db1.example.com:1521", "db1:1521", "10.0.0.7", "localhost:5432"]
)
@pytest.mark.parametrize("frame", ["{0} at {1}", "Cannot connect to server {1}: {0}", "{0} on host '{1}'"])
def test_an_announced_name_is_left_alone(frame: str, name: str) -> None:
    assert classify(frame.format("Connection refused", name)).message_class is CONNECTIVITY


@pytest.mark.parametrize("code", ["SqlState: 58P01", "SQLSTATE[42704]", "(55000)", "error 1236", "ORA-01555"])
@pytest.mark.parametrize("is_loading", [False, True])
def test_the_code_of_a_lost_log_is_no_lost_connections_whatever_the_prose(code: str, is_loading: bool) -> None:
    for classic in WHOLE:
        assert not classify(f"{code} {classic}", is_loading=is_loading).message_class.passes


MARKS = (
    "„“",
    "„”",
    "“”",
    "””",
    "‚‘",
    "‘’",
    "«»",
    "»«",
    "‹›",
    "「」",
    "『』",
    "《》",
    "【】",
    "〝〟",
    "＂＂",
    "''",
    '""',
    "``",
)


@for_all(MARKS, ["broken pipe", "connection refused", "ORA-03113: end-of-file"])
def test_what_is_in_quotes_proves_nothing_in_any_language(marks: str, row: str) -> None:
    assert not classify(f"{marks[0]}{row}{marks[1]}").message_class.passes
    assert not classify(f"Die Zeile {marks[0]}{row}{marks[1]}").message_class.passes


@pytest.mark.parametrize("message", [FRAMED, *WHOLE])
def test_a_message_that_is_cut_is_never_a_lost_connection(message: str) -> None:
    for end in range(len(message)):
        assert not classify(f"{message[:end]}…").message_class.passes
        assert not classify(f"{message[:end]}...").message_class.passes
    for within in ("and", "then", "while reading from the", "ORA-", "ORA-01", "TNS"):
        assert not classify(f"{message} {within}").message_class.passes
    for opened in ("'", '"', "(", "[", "„", "「"):
        assert not classify(f"{message} {opened}and").message_class.passes


def test_an_envelope_that_is_not_closed_is_cut_wherever_that_is() -> None:
    for end in range(len(FRAMED) - len("FATAL")):
        assert not classify(FRAMED[:end]).message_class.passes, FRAMED[:end]


@given(st.sampled_from(WHOLE), st.text(st.characters(categories=("L", "N")), min_size=4, max_size=12))
def test_a_word_that_is_on_no_list_is_left_unexplained(message: str, word: str) -> None:
    classified = classify(f"{message}. {word}xq")
    assert not classified.message_class.passes
    assert classified.failure == ""


@pytest.mark.parametrize(
    "message",
    [
        "",
        "SqlState: 08001",
        "[08S01]",
        "SQLSTATE: 57P03",
        "Endpoint is disconnected",
        "Cannot connect to Oracle server",
        "Failed to connect to the target",
        "could not connect to server",
        'connection to server at "db" (10.0.0.1), port 5432 failed',
        "Cannot connect to ODBC provider Network error has occurred",
        "250001 (08001): Failed to connect to DB: acme.snowflakecomputing.com:443.",
        "Stream component 'st_0_ORA' terminated",
        "Last Error Stream Component Fatal error. Stop Reason FATAL_ERROR Error Level FATAL",
    ],
)
def test_what_drivers_say_of_every_failed_connect_proves_nothing(message: str) -> None:
    assert classify(message).message_class is MessageClass.UNMATCHED


SQLSERVER, MYSQL = "[Microsoft][ODBC Driver 17 for SQL Server]", "[MySQL][ODBC 8.0(w) Driver]"


@pytest.mark.parametrize(
    ("state", "number", "text", "message_class"),
    [
        ("08S01", "10054", f"{SQLSERVER}Communication link failure", CONNECTIVITY),
        ("HY000", "10054", f"{MYSQL}Connection reset by peer", MessageClass.UNMATCHED),
        ("HY000", "10054", "Connection reset by peer", MessageClass.UNMATCHED),
        ("HY000", "2013", f"{MYSQL}Lost connection to MySQL server during query", CONNECTIVITY),
        ("HY000", "2013", f"{SQLSERVER}Connection reset by peer", MessageClass.UNMATCHED),
        ("42000", "9003", f"{SQLSERVER}[SQL Server]The log scan number is not valid", MessageClass.POSITION_LOST),
        ("42000", "9003", "Die Protokollscannummer ist ungültig", MessageClass.POSITION_LOST),
        ("HY000", "1236", f"{MYSQL}purged required binary logs", MessageClass.POSITION_LOST),
        ("42000", "18456", "Anmeldefehler", MessageClass.ACCESS_REFUSED),
        ("HY000", "1045", f"{MYSQL}Zugriff verweigert", MessageClass.ACCESS_REFUSED),
        ("08001", "-30082", "[IBM][CLI Driver] refused", MessageClass.ACCESS_REFUSED),
        ("08001", "390144", "[Snowflake][Snowflake] (4) Connection refused", MessageClass.ACCESS_REFUSED),
    ],
)
def test_a_native_error_is_read_with_the_engine_whose_number_it_is(
    state: str, number: str, text: str, message_class: MessageClass
) -> None:
    for separator in (": ", ":", " = ", " "):
        message = f"RetCode: SQL_ERROR  SqlState: {state} NativeError{separator}{number} Message: {text}"
        assert classify(message).message_class is message_class


@pytest.mark.parametrize(
    "piece",
    ["ORA-12541 ", "'a' ", "([", "a-", "x.y.", "„«", "'"],
    ids=["codes", "quotes", "brackets", "hyphens", "dots", "openings", "apostrophes"],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    numbers = count()  # What was classified once is remembered.
    assert_time_grows_with_length_alone(
        lambda length: classify(f"Connection refused {next(numbers)} {piece * (length // len(piece))}"), 32_000
    )


REAL = [entry for path in sorted(MESSAGES.glob("*.json")) for entry in json.loads(path.read_text(encoding="utf-8"))]


@pytest.mark.skipif(not REAL, reason="the collection of real messages is not on this machine")
def test_no_real_message_is_taken_for_one_that_passes_if_it_does_not() -> None:
    def of(*classes: str) -> list[dict[str, Any]]:
        return [entry for entry in REAL if entry["truth"]["class"] in classes]

    passing = ("transient", "retry_now")
    wrong = [
        entry["id"]
        for entry in REAL
        if entry["truth"]["class"] not in passing and classify(entry["message"]).message_class.passes
    ]
    assert wrong == []
    for name in passing:
        assert len([entry for entry in of(name) if classify(entry["message"]).message_class.passes]) >= 10
