from __future__ import annotations

import pytest

from qlikops.agent.messages import PATTERNS, MessageClass, Side, classify, fingerprint, side_of
from tests.unit.agent.fleet import task

TEXTS = [
    ("oracle-archived-log-missing", "Archived Redo log with the sequence 4711 does not exist, thread 1"),
    ("oracle-log-gone", "ORA-01555: snapshot too old: rollback segment number 7"),
    ("oracle-log-gone", "ORA-00308: cannot open archived log '/arch/1_4711.dbf'"),
    (
        "sqlserver-log-backup-missing",
        "Failed to access LSN '0000:01' in the backup log sets since BACKUP/LOG-s are not available.",
    ),
    ("sqlserver-log-backup-missing", "SQL Server log backups not available"),
    ("sqlserver-log-scan-number", "The log scan number (1:2:3) passed to log scan in database 'x' is not valid."),
    ("mysql-binlog-gone", "Could not find first log file name in binary log index file"),
    ("mysql-binlog-gone", "the source purged required binary logs"),
    ("postgresql-slot-gone", 'ERROR: replication slot "qlik_1" does not exist'),
    ("postgresql-slot-gone", 'can no longer get changes from replication slot "qlik_1"'),
    ("postgresql-wal-removed", "requested WAL segment 0000000100000001 has already been removed"),
    ("oracle-access", "Failed to connect: ORA-01017: invalid username/password; logon denied"),
    ("sqlserver-access", "[28000] Login failed for user 'replicate'"),
    ("mysql-access", "Access denied for user 'replicate'@'10.0.0.1' (using password: YES)"),
    ("postgresql-access", 'connection to server at "db" failed: FATAL: password authentication failed for user "r"'),
    ("access", "Failed to connect to Snowflake: Incorrect username or password was specified."),
    ("sqlstate-28", "RetCode: SQL_ERROR SqlState: x [28000] refused"),
    ("oracle-network", "ORA-12541: TNS:no listener"),
    ("oracle-network", "ORA-12170: TNS:Connect timeout occurred"),
    ("oracle-disconnected", "ORA-03113: end-of-file on communication channel"),
    ("oracle-unavailable", "ORA-01034: ORACLE not available"),
    ("sqlserver-network", "[08S01] Communication link failure"),
    ("mysql-network", "Lost connection to MySQL server during query"),
    ("postgresql-network", "server closed the connection unexpectedly"),
    ("sqlstate-08", "ODBC general error [08001] whatever"),
    ("endpoint-disconnected", "Endpoint is disconnected"),
    ("endpoint-disconnected", "The connection to the source was lost"),
    ("network", "Connection reset by peer"),
    ("network", "Could not resolve host: account.snowflakecomputing.com"),
]


@pytest.mark.parametrize(("name", "message"), TEXTS)
def test_each_pattern_recognises_its_text(name: str, message: str) -> None:
    assert classify(message).pattern == name


def test_no_pattern_is_without_an_example_and_names_are_unique() -> None:
    assert {pattern.name for pattern in PATTERNS} == {name for name, _ in TEXTS}
    assert len({pattern.name for pattern in PATTERNS}) == len(PATTERNS)


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


def test_a_lost_position_wins_over_a_lost_connection() -> None:
    message = "ORA-03113: end-of-file on communication channel. ORA-00308: cannot open archived log"
    assert classify(message).message_class is MessageClass.POSITION_LOST


@pytest.mark.parametrize(
    ("message", "source_type", "target_type", "side"),
    [
        ("Cannot connect to the source", "Oracle", "Oracle", Side.SOURCE),
        ("Target endpoint: connection reset by peer", "Oracle", "Oracle", Side.TARGET),
        ("ORA-12541: no listener", "Oracle", "Snowflake", Side.SOURCE),
        ("ORA-12541: no listener", "MySQL", "Oracle", Side.TARGET),
        ("ORA-12541: no listener", "Oracle", "Oracle", None),
        ("Communication link failure", "Microsoft SQL Server", "Kafka", Side.SOURCE),
        ("Connection reset by peer", "Oracle", "Snowflake", None),
        ("from source to target: broken pipe", "Oracle", "Snowflake", None),
    ],
)
def test_which_endpoint_a_message_is_about(message: str, source_type: str, target_type: str, side: Side | None) -> None:
    assert side_of(task(message=message, source_type=source_type, target_type=target_type)) is side


def test_a_fingerprint_is_what_messages_of_one_fault_share() -> None:
    assert fingerprint("Task 'a' failed at 03:12") == fingerprint("Task 'b' failed at 04:59")
    assert fingerprint("Task 'a' failed at 03:12") != fingerprint("Cannot write file 7")
    assert fingerprint("ORA-12541: no listener") == fingerprint("ORA-03113: end-of-file")
