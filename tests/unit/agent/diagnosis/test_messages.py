from __future__ import annotations

import pytest

from qlikops.agent.diagnosis.messages import (
    EndpointSide,
    MessageClass,
    classify,
    diagnosis_of,
    fault_of,
    fingerprint,
    is_proof,
    side_of,
    still_says,
)
from qlikops.domain.encoding import codec
from tests.unit.agent.fleet import CONNECTION_LOST, failed, task

LOST, REFUSED = MessageClass.POSITION_LOST, MessageClass.ACCESS_REFUSED
CONNECTIVITY, UNMATCHED = MessageClass.CONNECTIVITY, MessageClass.UNMATCHED

TEXTS = [
    (LOST, "Archived Redo log with the sequence 4711 does not exist, thread 1"),
    (UNMATCHED, "ORA-01555: snapshot too old: rollback segment number 7"),
    (LOST, "ORA-00308: cannot open archived log '/arch/1_4711.dbf'"),
    (LOST, "Failed to access LSN '0000:01' in the backup log sets since BACKUP/LOG-s are not available."),
    (LOST, "SQL Server log backups not available"),
    (LOST, "The log scan number (1:2:3) passed to log scan in database 'x' is not valid."),
    (LOST, "Msg 9003, Level 20, State 1"),
    (LOST, "Could not find first log file name in binary log index file"),
    (LOST, "the source purged required binary logs"),
    (
        LOST,
        "Got fatal error 1236 from source when reading data from binary log: 'Client requested source "
        "to start replication from position > file size'",
    ),
    (LOST, 'ERROR: replication slot "qlik_1" does not exist'),
    (LOST, 'can no longer get changes from replication slot "qlik_1"'),
    (
        LOST,
        'cannot read from logical replication slot "qlik_1". This slot has been invalidated because it '
        "exceeded the maximum reserved size.",
    ),
    (LOST, "Can't resume task after replication slot was dropped."),
    (LOST, "Resume was not possible, as the resume point may no longer be in the oplog."),
    (LOST, "requested WAL segment 0000000100000001 has already been removed"),
    (REFUSED, "Failed to connect: ORA-01017: invalid username/password; logon denied"),
    (REFUSED, "[28000] Login failed for user 'replicate'"),
    (REFUSED, "ERROR 1698: refused"),
    (REFUSED, "Access denied for user 'replicate'@'10.0.0.1' (using password: YES)"),
    (REFUSED, 'connection to server at "db" failed: FATAL: password authentication failed for user "r"'),
    (REFUSED, "Failed to connect to Snowflake: Incorrect username or password was specified."),
    (REFUSED, "RetCode: SQL_ERROR SqlState: x [28000] refused"),
    (REFUSED, "Msg 18487, Level 14, State 1: the password of the account has to be changed"),
    (REFUSED, 'SQL30082N  Security processing failed with reason "24". SQLSTATE=08001'),
    (REFUSED, "Broker: Topic authorization failed"),
    (CONNECTIVITY, "ORA-12541: TNS:no listener"),
    (CONNECTIVITY, "ORA-12170: TNS:Connect timeout occurred"),
    (CONNECTIVITY, "ORA-03113: end-of-file on communication channel"),
    (CONNECTIVITY, "ORA-01034: ORACLE not available"),
    (CONNECTIVITY, "[08S01] Communication link failure"),
    (CONNECTIVITY, "Lost connection to MySQL server during query"),
    (CONNECTIVITY, "server closed the connection unexpectedly"),
    (CONNECTIVITY, "Msg 10054, Level 20, State 0"),
    (CONNECTIVITY, "SQL1224N  The database manager is not able to accept new requests. SQLSTATE=55032"),
    (CONNECTIVITY, "Local: Broker transport failure"),
    (
        CONNECTIVITY,
        "No suitable servers found: `serverSelectionTimeoutMS` expired: [connection refused calling "
        "hello on 'mongo1.example.com:27017']",
    ),
    (CONNECTIVITY, "The connection to the source was lost"),
    (CONNECTIVITY, "Connection reset by peer"),
    (CONNECTIVITY, "Could not resolve host: account.snowflakecomputing.com"),
]


@pytest.mark.parametrize(("message_class", "message"), TEXTS)
def test_what_engines_say_is_recognised(message_class: MessageClass, message: str) -> None:
    assert classify(message).message_class is message_class


@pytest.mark.parametrize(
    "message",
    [
        "",
        "ORA-12154: TNS:could not resolve the connect identifier specified",
        "ORA-00001: unique constraint violated",
        "Table dbo.orders was suspended",
        "Backup of the task settings is not available yet",
    ],
)
def test_what_nothing_matches_is_unmatched(message: str) -> None:
    assert classify(message).message_class is MessageClass.UNMATCHED


@pytest.mark.parametrize(
    ("message", "message_class"),
    [
        # Oracle
        ("ORA-00001: unique constraint violated, value 'connection timed out'", UNMATCHED),
        ("ORA-00001: unique constraint violated, value connection timed out", UNMATCHED),
        ("ORA-00001: unique constraint (S.PK) violated on 'ORA-12541: TNS:no listener'", UNMATCHED),
        ("ORA-00001: unique constraint (S.PK) violated. ORA-03113: end-of-file on communication channel", UNMATCHED),
        ('ORA-12899: value too large for column "S"."T"."broken pipe" (actual: 40, maximum: 20)', UNMATCHED),
        ("ORA-01722: invalid number 'archived redo log 7 does not exist'", UNMATCHED),
        ("ORA-01722: invalid number archived redo log 7 does not exist", UNMATCHED),
        ("ORA-00604: error occurred at recursive SQL level 1; ORA-03135: connection lost contact", CONNECTIVITY),
        ("ORA-02063: preceding line from PROD; ORA-06512: at line 1; ORA-12170: TNS:Connect timeout", CONNECTIVITY),
        ("TNS-12541: TNS:no listener", CONNECTIVITY),
        ("ORA-03135: connection lost contact; ORA-01017: invalid username/password; logon denied", REFUSED),
        ("Cannot connect to Oracle: 'ORA-01017: invalid username/password; logon denied'", UNMATCHED),
        ("ORA-00308: cannot open archived log '/arch/1_4711.dbf'; ORA-27037: unable to obtain file status", LOST),
        # SQL Server
        (
            "Violation of PRIMARY KEY constraint 'PK'. Cannot insert duplicate key in object 'dbo.t'. "
            "The duplicate key value is (connection reset by peer).",
            UNMATCHED,
        ),
        ("RetCode: SQL_ERROR  SqlState: 22001 NativeError: 2628 Truncated value: 'broken pipe'", UNMATCHED),
        ("Msg 2627, Level 14, State 1: the key is connection timed out", UNMATCHED),
        (
            "RetCode: SQL_ERROR  SqlState: 08S01 NativeError: 10054 Message: [Microsoft][ODBC Driver 17 for SQL "
            "Server]TCP Provider: An existing connection was forcibly closed by the remote host. [1022502]",
            CONNECTIVITY,
        ),
        ("SqlState: HYT00 NativeError: 0 Message: [Microsoft][ODBC Driver]Login timeout expired", CONNECTIVITY),
        ("SqlState: 40001 Transaction (Process ID 61) was deadlocked; connection lost", UNMATCHED),
        ("SqlState: 28000 NativeError: 18456 Message: Login failed for user 'connection refused'.", REFUSED),
        # PostgreSQL
        (
            'ERROR: duplicate key value violates unique constraint "pk"; DETAIL: Key (note)=(connection refused) '
            "already exists.",
            UNMATCHED,
        ),
        ('ERROR: new row violates check constraint "c" DETAIL: Failing row contains (1, broken pipe).', UNMATCHED),
        ('ERROR: invalid input syntax for type integer: "connection timed out"', UNMATCHED),
        ("SQLSTATE[57P01]: terminating connection due to administrator command", CONNECTIVITY),
        ('SqlState: 42704 ERROR: replication slot "connection lost" does not exist', LOST),
        ('connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused', CONNECTIVITY),
        ('connection to server at "db", port 5432 failed: FATAL: no pg_hba.conf entry for host "10.0.0.7"', REFUSED),
        # MySQL
        ("ERROR 1062 (23000): Duplicate entry 'MySQL server has gone away' for key 'PRIMARY'", UNMATCHED),
        ("Duplicate entry 'x' MySQL server has gone away 'y' for key 'PRIMARY'", UNMATCHED),
        ("Error_code: MY-001406; Data too long for column 'lost connection to MySQL server' at row 1", UNMATCHED),
        ("Can't connect to MySQL server on 'db.example.com' (111)", CONNECTIVITY),
        ("ERROR 2013 (HY000): Lost connection to MySQL server at 'reading initial packet'", CONNECTIVITY),
        (
            "Got fatal error 1236 from source when reading data from binary log: "
            "'Could not find first log file name in binary log index file'",
            LOST,
        ),
        ("Incorrect string value: 'error 1236: could not find first log file' for column 'c'", UNMATCHED),
        ("ERROR 1045 (28000): Access denied for user 'lost connection'@'db' (using password: YES)", REFUSED),
        # Db2
        ('SQL30081N  A communication error has been detected. Protocol: "TCP/IP". SQLSTATE=08001', CONNECTIVITY),
        ('SQL30082N  Security processing failed with reason "24" ("USERNAME INVALID"). SQLSTATE=08001', REFUSED),
        ("SQL0803N  One or more values are not valid: connection reset by peer. SQLSTATE=23505", UNMATCHED),
        # Kafka
        (
            "Failed to deliver: Local: Broker transport failure: broker:9092: Connect failed: Connection refused",
            CONNECTIVITY,
        ),
        ("Broker: Message size too large, key 'connection refused'", UNMATCHED),
        ("SASL authentication error: broker closed; connection reset by peer", REFUSED),
        # Snowflake
        ("250001 (08001): Failed to connect to DB: account.snowflakecomputing.com:443", UNMATCHED),
        ("390100 (08004): Failed to connect to DB. Incorrect username or password was specified.", REFUSED),
        ("100038 (22018): Numeric value 'connection timed out' is not recognized", UNMATCHED),
        ("Numeric value connection timed out is not recognized", UNMATCHED),
        # What was cut off within a quote, and quotes of other scripts.
        ("Cannot apply row 'connection refused by the custo…", UNMATCHED),
        ("Cannot apply «connection refused» and “broken pipe” and `host is down'", UNMATCHED),
        ("The customer's connection isn't there: connection refused", UNMATCHED),
        ("Can't connect to MySQL server on 'db-1' (111)", CONNECTIVITY),
        ("Connection refused (port 50000), 3 attempts (23505 ms)", CONNECTIVITY),
    ],
)
def test_a_row_in_a_message_does_not_say_what_went_wrong(message: str, message_class: MessageClass) -> None:
    assert classify(message).message_class is message_class


def test_a_lost_position_wins_over_a_lost_connection() -> None:
    message = "ORA-03113: end-of-file on communication channel. ORA-00308: cannot open archived log"
    assert classify(message).message_class is MessageClass.POSITION_LOST


@pytest.mark.parametrize(
    ("message", "source_type", "target_type", "side"),
    [
        ("Cannot connect to the source", "Oracle", "Oracle", EndpointSide.SOURCE),
        ("Target endpoint: connection reset by peer", "Oracle", "Oracle", EndpointSide.TARGET),
        ("ORA-12541: no listener", "Oracle", "Snowflake", EndpointSide.SOURCE),
        ("ORA-12541: no listener", "MySQL", "Oracle", EndpointSide.TARGET),
        ("ORA-12541: no listener", "Oracle", "Oracle", None),
        ("Communication link failure", "Microsoft SQL Server", "Kafka", EndpointSide.SOURCE),
        ("Connection reset by peer", "Oracle", "Snowflake", None),
        ("from source to target: broken pipe", "Oracle", "Snowflake", None),
        ("Broken pipe while sending 'the source'", "Oracle", "Snowflake", None),
    ],
)
def test_which_endpoint_a_message_is_about(
    message: str, source_type: str, target_type: str, side: EndpointSide | None
) -> None:
    assert side_of(task(message=message, source_type=source_type, target_type=target_type)) is side


def test_a_stored_diagnosis_is_small_whatever_the_message_holds() -> None:
    flood = " ".join(f"ORA-{number:05d}" for number in range(100, 900))
    assert len(codec.dumps(diagnosis_of(task(message=flood)))) < 3000


def test_a_fingerprint_is_what_messages_of_one_fault_share() -> None:
    assert fingerprint("Task 'a' failed at 03:12") == fingerprint("Task 'b' failed at 04:59")
    assert fingerprint("Task 'a' failed at 03:12") != fingerprint("Cannot write file 7")
    assert fingerprint("ORA-12541: no listener") == fingerprint("ORA-03113: end-of-file")


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (
            "ORA-12154: TNS:could not resolve the connect identifier specified [1022307]",
            "# tns:could not resolve the connect identifier specified # ORA-12154 [1022307]",
        ),
        (
            "RetCode: SQL_ERROR SqlState: 42S02 NativeError: 208 Message: Invalid object name 'dbo.orders' Line: 1",
            "retcode: sql_error sqlstate: # nativeerror: # message: invalid object name 'dbo.orders' line: # "
            "NativeError: 208 SqlStat…70ad7b4c",
        ),
        (
            'SQL0204N "ORDERS" is an undefined name. SQLSTATE=42704',
            '# "orders" is an undefined name. # SQL0204N SQLSTATE=42704',
        ),
        (
            "Got fatal error 1236 while Error_code: 1146 at 03:12:07 on Fri",
            "got fatal error # while error_code: # at # on # Error_code: 1146 error 1236",
        ),
        ("ORA-28000: the account is locked", "access_refused"),
        ("ORA-28000: the account is locked", "# the account is locked ORA-28000"),  # of a version that knew it not
    ],
)
def test_what_waits_since_before_an_update_has_the_same_fault_after_it(message: str, fault: str) -> None:
    """Faults as the ledger holds them: a version that spells them otherwise would ask all questions anew."""
    facts = task(message=message)
    assert still_says(facts, fault)
    assert not still_says(task(message=f"{message} ORA-00001"), fault) or fault == "access_refused"


DEADLOCK = "ORA-00060: deadlock detected while waiting for resource"


def test_what_passes_at_once_is_a_class_of_its_own() -> None:
    found = classify(DEADLOCK)
    assert found.message_class is MessageClass.RETRY_NOW
    assert fault_of(failed(message=DEADLOCK)) == found.failure == "oracle-deadlock"
    assert is_proof(found.words(quoting=True), found.diagnosis)
    for words in ("", "unmatched", "retry_now (of another version)", "connectivity (oracle-deadlock)"):
        assert not is_proof(words, found.diagnosis)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            f"{DEADLOCK}; the frobnicator is gone",
            "probably retry_now (oracle-deadlock): it may pass by itself, but it al",
        ),
        ("SqlState: 08001 [1022502]", ": a connection failed, but it does not say why"),
        (f"{CONNECTION_LOST}:", "nothing known: a connection failed, but a part of the message is missing"),
        (
            f"{CONNECTION_LOST}; the frobnicator is gone ...",
            "nothing known: a connection failed, but it also says “frob",
        ),
    ],
)
def test_what_is_not_sure_says_what_is_in_the_way(message: str, words: str) -> None:
    found = classify(message)
    assert found.message_class is UNMATCHED
    assert words in found.words(quoting=False)


def test_an_earlier_message_explains_and_opens_nothing() -> None:
    found = diagnosis_of(failed(message="Task error notification received"), CONNECTION_LOST)
    assert (found.failure, found.automatic) == ("oracle-no-listener", False)
