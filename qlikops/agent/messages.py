"""What a task's message says went wrong, as far as a pattern can tell.

Enterprise Manager has no call for logs: the message is all that there is. Whether resuming can work hangs on it, so
the patterns are few, each has a name that evidence can quote, and what no pattern matches is left to a human.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import StrEnum

from qlikops.domain.task import TaskFacts


class MessageClass(StrEnum):
    """What a message means for a resume."""

    POSITION_LOST = "position_lost"
    """The source no longer has the changes from where the task stopped: a resume can't work."""
    ACCESS_REFUSED = "access_refused"
    """The database answered and said no. Trying again changes nothing and may lock the account."""
    CONNECTIVITY = "connectivity"
    """An endpoint wasn't reachable; once it is again, a resume goes on where the task stopped."""
    UNMATCHED = "unmatched"


class Side(StrEnum):
    """The endpoint that a message is about."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class MessagePattern:
    """One recognised text."""

    name: str
    message_class: MessageClass
    regex: re.Pattern[str]
    vendor: str = ""
    """As it occurs in endpoint types, lower case and without spaces; empty where any endpoint may say it."""


@dataclass(frozen=True, slots=True)
class MessageMatch:
    """What a message was recognised as. `pattern` is the pattern's name, empty for an unmatched message."""

    message_class: MessageClass
    pattern: str = ""
    vendor: str = ""


def _pattern(name: str, message_class: MessageClass, regex: str, vendor: str = "") -> MessagePattern:
    return MessagePattern(name, message_class, re.compile(regex, re.IGNORECASE), vendor)


_LOST = MessageClass.POSITION_LOST
_REFUSED = MessageClass.ACCESS_REFUSED
_CONNECTIVITY = MessageClass.CONNECTIVITY

PATTERNS: tuple[MessagePattern, ...] = (
    # Replicate's Oracle source: "Archived Redo log with the sequence 4711 does not exist, thread 1".
    _pattern("oracle-archived-log-missing", _LOST, r"archived redo log\b.{0,120}\bdoes not exist", "oracle"),
    # Oracle Database Error Messages: 00308 cannot open archived log, 01291 missing logfile, 01555 snapshot too old.
    _pattern("oracle-log-gone", _LOST, r"\bORA-(?:00308|01291|01555)\b", "oracle"),
    # Replicate's SQL Server source: "Failed to access LSN '…' in the backup log sets since BACKUP/LOG-s are not
    # available".
    _pattern(
        "sqlserver-log-backup-missing",
        _LOST,
        r"\b(?:log[ -]?backups?|backup log sets?|backup/log-s)\b.{0,60}\bnot available\b",
        "sqlserver",
    ),
    # SQL Server error 9003: "The log scan number (…) passed to log scan in database '…' is not valid".
    _pattern("sqlserver-log-scan-number", _LOST, r"\blog scan number\b.{0,120}\bnot valid\b", "sqlserver"),
    # MySQL error 1236: "Could not find first log file name in binary log index file", "purged (required) binary
    # logs", "impossible position".
    _pattern(
        "mysql-binlog-gone",
        _LOST,
        r"could not find first log file|purged (?:required )?binary logs|impossible position",
        "mysql",
    ),
    # PostgreSQL, slot.c: 'replication slot "…" does not exist'; logical.c, slotfuncs.c: 'can no longer get changes
    # from replication slot "…"' and, from 18 on, 'can no longer access'.
    _pattern(
        "postgresql-slot-gone",
        _LOST,
        r"replication slot\b.{0,120}\bdoes not exist|can no longer (?:get changes from|access) replication slot",
        "postgresql",
    ),
    # PostgreSQL, walsender.c: "requested WAL segment … has already been removed".
    _pattern("postgresql-wal-removed", _LOST, r"requested WAL segment\b.{0,80}\balready been removed", "postgresql"),
    # Oracle Database Error Messages: 01017 invalid username/password, 28000 account locked, 28001 password expired,
    # 01031 insufficient privileges.
    _pattern("oracle-access", _REFUSED, r"\bORA-(?:01017|28000|28001|01031)\b", "oracle"),
    # SQL Server error 18456 and its neighbours: "Login failed for user '…'".
    _pattern("sqlserver-access", _REFUSED, r"\blogin failed for user\b", "sqlserver"),
    # MySQL error 1045: "Access denied for user '…'".
    _pattern("mysql-access", _REFUSED, r"\baccess denied for user\b", "mysql"),
    # PostgreSQL, auth.c: 'password authentication failed for user "…"'; hba.c: "no pg_hba.conf entry".
    _pattern("postgresql-access", _REFUSED, r"authentication failed for user|no pg_hba\.conf entry", "postgresql"),
    # No one source: what drivers of cloud targets say; it must win over the "failed to connect" around it.
    _pattern(
        "access",
        _REFUSED,
        r"\b(?:incorrect|invalid) (?:user ?name|password|credentials)|\blogon denied|\bauthentication failed"
        r"|\baccount (?:is |has been )?locked|\bpassword (?:has |is )?expired",
    ),
    # ISO/IEC 9075: SQLSTATE class 28, invalid authorization specification.
    _pattern("sqlstate-28", _REFUSED, r"(?:\bSQLSTATE:? ?|\[)28000\b"),
    # Oracle Net error messages: timeouts, listener, lost connections. Not 12154, which is a misspelt service.
    _pattern(
        "oracle-network", _CONNECTIVITY, r"\bORA-12(?:15[23]|161|17[01]|203|5[0-4]\d|56[04]|57[01]|637)\b", "oracle"
    ),
    # Oracle Database Error Messages: 03113 end-of-file on communication channel, 03114 not connected, 03135 lost
    # contact.
    _pattern("oracle-disconnected", _CONNECTIVITY, r"\bORA-031(?:13|14|35)\b", "oracle"),
    # Oracle Database Error Messages: 01033, 01034, 01089, 01090: the instance is starting, down or shutting down.
    _pattern("oracle-unavailable", _CONNECTIVITY, r"\bORA-01(?:033|034|089|090)\b", "oracle"),
    # SQL Server ODBC driver and client: SQLSTATE 08S01 and HYT00, "TCP Provider", "network-related".
    _pattern(
        "sqlserver-network",
        _CONNECTIVITY,
        r"communication link failure|\bTCP Provider\b|login timeout expired|network-related or instance-specific",
        "sqlserver",
    ),
    # MySQL errors 2002, 2003, 2006, 2013.
    _pattern(
        "mysql-network",
        _CONNECTIVITY,
        r"can'?t connect to (?:local )?mysql server|mysql server has gone away|lost connection to mysql server",
        "mysql",
    ),
    # libpq, fe-connect.c and fe-misc.c; SQLSTATE 57P01 to 57P03: the server is shutting down or starting.
    _pattern(
        "postgresql-network",
        _CONNECTIVITY,
        r"could not connect to server|server closed the connection unexpectedly"
        r"|connection to server at\b.{0,120}\bfailed|terminating connection due to administrator command"
        r"|the database system is (?:starting up|shutting down)",
        "postgresql",
    ),
    # ISO/IEC 9075: SQLSTATE class 08, connection exception, and ODBC's 08S01.
    _pattern("sqlstate-08", _CONNECTIVITY, r"(?:\bSQLSTATE:? ?|\[)08(?:001|003|006|007|S01)\b"),
    # Replicate's own: "Endpoint is disconnected", "Failed to connect to …", "Cannot connect to …", "connection lost".
    _pattern(
        "endpoint-disconnected",
        _CONNECTIVITY,
        r"endpoint is disconnected|(?:failed to|unable to|cannot|can'?t|could not) (?:re)?connect\b"
        r"|\blost (?:the )?connection|connection\b.{0,60}\blost\b",
    ),
    # POSIX strerror and Winsock texts; libcurl's for cloud targets.
    _pattern(
        "network",
        _CONNECTIVITY,
        r"connection (?:was )?(?:refused|reset|aborted|timed out|closed by (?:the )?(?:remote|peer))"
        r"|network (?:is|was) unreachable|no route to host|host is (?:down|unreachable)|broken pipe"
        r"|(?:could|can) ?not resolve host|name or service not known|forcibly closed by the remote host",
    ),
)
"""Tried class by class in the order of MessageClass, within a class from top to bottom."""

_ORDER = list(MessageClass)
_BY_PRECEDENCE = tuple(sorted(PATTERNS, key=lambda pattern: _ORDER.index(pattern.message_class)))
"""A lost position wins over everything and a refusal over a lost connection: each makes the resume that the weaker
class suggests useless or harmful."""

_SIDE_WORD = re.compile(r"\b(source|target)\b", re.IGNORECASE)
_VARIABLE_PART = re.compile(r"'[^']*'|\"[^\"]*\"|\S*\d\S*")


# Detection, grouping and wording ask about the same message several times.
@functools.lru_cache(maxsize=8192)
def classify(message: str) -> MessageMatch:
    """What `message` says. An empty or unknown text is UNMATCHED."""
    for pattern in _BY_PRECEDENCE:
        if pattern.regex.search(message):
            return MessageMatch(pattern.message_class, pattern.name, pattern.vendor)
    return MessageMatch(MessageClass.UNMATCHED)


def side_of(facts: TaskFacts) -> Side | None:
    """Which endpoint the task's message is about: the one it names, or the only one whose vendor talks like that."""
    words = {word.lower() for word in _SIDE_WORD.findall(facts.message)}
    if len(words) == 1:
        return Side(words.pop())
    vendor = classify(facts.message).vendor
    if not vendor:
        return None
    is_source, is_target = (
        vendor in kind.casefold().replace(" ", "") for kind in (facts.source_type, facts.target_type)
    )
    if is_source == is_target:
        return None
    return Side.SOURCE if is_source else Side.TARGET


def fingerprint(message: str) -> str:
    """What is the same in the messages of one fault: the matched class, or the text without names and numbers."""
    match = classify(message)
    if match.message_class is not MessageClass.UNMATCHED:
        return match.message_class.value
    return " ".join(_VARIABLE_PART.sub("#", message).casefold().split())[:120]
