"""The texts and codes by which a message is recognised, each with a name that evidence can quote.

A pattern says what an engine's words mean. Whether they are all that the message says is asked in explained.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class MessageClass(StrEnum):
    """What a message means for a resume."""

    POSITION_LOST = "position_lost"
    """The source no longer has the changes from where the task stopped: a resume can't work."""
    ACCESS_REFUSED = "access_refused"
    """The database answered and said no. Trying again changes nothing and may lock the account."""
    CONNECTIVITY = "connectivity"
    """An endpoint wasn't reachable; once it is again, a resume goes on where the task stopped."""
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class MessagePattern:
    """One recognised text."""

    name: str
    message_class: MessageClass
    regex: re.Pattern[str]
    vendor: str = ""
    """As it occurs in endpoint types, lower case and without spaces; empty where any endpoint may say it."""
    is_code: bool = False
    """It recognises error codes, not prose."""
    native: re.Pattern[str] | None = None
    """The same codes as Replicate prints them after `NativeError:`, which does not say whose they are."""
    is_fallback: bool = False
    """What drivers say of every failed connect, whatever the reason: it proves nothing."""
    holds_while_loading: bool = True
    """False: while tables load, the same text has another reason."""

    def search(self, said: str) -> re.Match[str] | None:
        """Where `said` has it, itself or as the native error of an engine that is named beside it."""
        return self.regex.search(said) or self._native(said)

    def names(self, code: str) -> bool:
        """Whether `code` is one of its codes, whoever gives it."""
        return bool(self.regex.search(code) or (self.native and self.native.search(code)))

    def _native(self, said: str) -> re.Match[str] | None:
        found = self.native.search(said) if self.native else None
        if found is None:
            return None
        engines = {vendor for vendor, header in _HEADERS.items() if header.search(said)}
        # Without a name the number may be anybody's. SQL Server's for a lost position or a refusal are nobody else's.
        is_nobody_elses = not engines and self.vendor == "sqlserver" and self.message_class is not _CONNECTIVITY
        return found if self.vendor in engines or is_nobody_elses else None


_HEADERS = {
    "oracle": re.compile(r"\bORA-\d|\[Oracle\]"),
    "sqlserver": re.compile(r"\bSQL Server\]"),
    "mysql": re.compile(r"\[(?:MySQL|MariaDB)\]|\b(?:MySQL|MariaDB)\b[^\]]{0,40}\]", re.IGNORECASE),
    "db2": re.compile(r"\[DB2|\[IBM\]", re.IGNORECASE),
    "postgresql": re.compile(r"\bPostgreSQL\b|\bpsqlODBC\b", re.IGNORECASE),
    "": re.compile(r"\[(?:Snowflake|Simba|Amazon|Teradata|SAP|Vertica|Netezza|Informix)\b", re.IGNORECASE),
}
"""Vendor -> how a driver's header names it."""
NATIVE_ERROR = r"\bNativeError\W{1,3}"
"""What Replicate writes before an engine's own number, which may have a sign."""


def _prose(
    name: str, message_class: MessageClass, regex: str, vendor: str = "", *, is_fallback: bool = False
) -> MessagePattern:
    compiled = re.compile(regex, re.IGNORECASE | re.DOTALL)
    return MessagePattern(name, message_class, compiled, vendor, is_fallback=is_fallback)


def _code(
    name: str,
    message_class: MessageClass,
    regex: str,
    vendor: str = "",
    native: str = "",
    *,
    is_fallback: bool = False,
    holds_while_loading: bool = True,
) -> MessagePattern:
    return MessagePattern(
        name,
        message_class,
        re.compile(regex, re.IGNORECASE),
        vendor,
        is_code=True,
        native=re.compile(rf"{NATIVE_ERROR}-?(?:{native})\b", re.IGNORECASE) if native else None,
        is_fallback=is_fallback,
        holds_while_loading=holds_while_loading,
    )


def _ora(name: str, message_class: MessageClass, numbers: str, *, holds_while_loading: bool = True) -> MessagePattern:
    regex = rf"\b(?:ORA|TNS)-0*(?:{numbers})\b"
    return _code(name, message_class, regex, "oracle", numbers, holds_while_loading=holds_while_loading)


def _msg(name: str, message_class: MessageClass, numbers: str) -> MessagePattern:
    return _code(name, message_class, rf"\bMsg (?:{numbers})\b", "sqlserver", numbers)


def _mysql(name: str, message_class: MessageClass, numbers: str) -> MessagePattern:
    return _code(name, message_class, rf"{ERROR_NUMBER}(?:{numbers})\b", "mysql", numbers)


_LOST = MessageClass.POSITION_LOST
_REFUSED = MessageClass.ACCESS_REFUSED
_CONNECTIVITY = MessageClass.CONNECTIVITY


def sqlstate(states: str) -> str:
    """SQLSTATEs with their name before them, as ODBC, JDBC and Db2 spell it, or alone in brackets."""
    return rf"(?:\bSQLSTATE\W{{0,3}}(?:{states})\b|[\[(](?:{states})[\])])"


ERROR_NUMBER = r"\b(?:error(?:[ _]code)?|errno)\W{1,2}(?:MY-0*)?"
"""What stands before a number of MySQL's."""

PATTERNS: tuple[MessagePattern, ...] = (
    # Replicate's Oracle source: "Archived Redo log with the sequence 4711 does not exist, thread 1".
    _prose("oracle-archived-log-missing", _LOST, r"archived redo log\b.{0,120}\bdoes not exist", "oracle"),
    # Oracle Database Error Messages: 00308 cannot open archived log, 01291 missing logfile.
    _ora("oracle-log-gone", _LOST, "308|1291"),
    # The same, 01555: snapshot too old. While tables load it is the load's own query that took too long.
    _ora("oracle-undo-gone", _LOST, "1555", holds_while_loading=False),
    # Replicate's SQL Server source: "Failed to access LSN '…' in the backup log sets since BACKUP/LOG-s are not
    # available".
    _prose(
        "sqlserver-log-backup-missing",
        _LOST,
        r"\b(?:log[ -]?backups?|backup log sets?|backup/log-s)\b.{0,60}\bnot available\b",
        "sqlserver",
    ),
    # SQL Server error 9003: "The log scan number (…) passed to log scan in database '…' is not valid".
    _prose("sqlserver-log-scan-number", _LOST, r"\blog scan number\b.{0,120}\bnot valid\b", "sqlserver"),
    _msg("sqlserver-log-scan", _LOST, "9003"),
    # MySQL error 1236: "Could not find first log file name in binary log index file", "purged (required) binary
    # logs", "impossible position", "start replication from position > file size".
    _prose(
        "mysql-binlog-gone",
        _LOST,
        r"could not find first log file|purged (?:required )?binary logs|impossible position"
        r"|\bfrom position > file size",
        "mysql",
    ),
    # PostgreSQL, slot.c: 'replication slot "…" does not exist'; logical.c, slotfuncs.c: 'can no longer get changes
    # from replication slot "…"' and, from 18 on, 'can no longer access'; slot.c, up to 17: 'cannot read from logical
    # replication slot "…"', 'This slot has been invalidated because …'.
    _prose(
        "postgresql-slot-gone",
        _LOST,
        r"replication slot\b.{0,120}\bdoes not exist|can no longer (?:get changes from|access) replication slot"
        r"|\bslot has been invalidated\b|replication slot was dropped",
        "postgresql",
    ),
    # PostgreSQL, walsender.c: "requested WAL segment … has already been removed".
    _prose("postgresql-wal-removed", _LOST, r"requested WAL segment\b.{0,80}\balready been removed", "postgresql"),
    # MongoDB error 286, ChangeStreamHistoryLost: "resume point may no longer be in the oplog".
    _prose("mongodb-oplog-gone", _LOST, r"\bresume point may no longer be in the oplog\b", "mongodb"),
    # Oracle Database Error Messages: 01017 invalid username/password, 28000 account locked, 28001 password expired,
    # 01031 insufficient privileges.
    _ora("oracle-access", _REFUSED, "1017|28000|28001|1031"),
    # SQL Server error 18456 and its neighbours: "Login failed for user '…'".
    _prose("sqlserver-access", _REFUSED, r"\blogin failed for user\b", "sqlserver"),
    # MySQL error 1045: "Access denied for user '…'".
    _prose("mysql-access", _REFUSED, r"\baccess denied for user\b", "mysql"),
    # PostgreSQL, auth.c: 'password authentication failed for user "…"'; hba.c: "no pg_hba.conf entry".
    _prose("postgresql-access", _REFUSED, r"authentication failed for user|no pg_hba\.conf entry", "postgresql"),
    # No one source: what drivers of cloud targets say; it must win over the "failed to connect" around it.
    _prose(
        "access",
        _REFUSED,
        r"\b(?:incorrect|invalid) (?:user ?name|password|credentials)|\blogon denied|\bauthentication failed"
        r"|\baccount (?:is |has been )?locked|\bpassword (?:has |is )?expired",
    ),
    # ISO/IEC 9075: SQLSTATE class 28, invalid authorization specification.
    _code("sqlstate-28", _REFUSED, sqlstate("28[0-9A-Z]{3}")),
    # SQL Server, "Msg 18456": login failed, and its neighbours for expired, locked and disabled ones.
    _msg("sqlserver-login", _REFUSED, "18452|18456|18470|18486|18487|18488"),
    # MySQL error 1045, access denied, and its neighbours for an unknown plugin and a locked account.
    _mysql("mysql-login", _REFUSED, "1045|1698|3118"),
    # Db2 messages: SQL30082N, security processing failed; it comes with SQLSTATE 08001, which says less.
    _code("db2-access", _REFUSED, r"\bSQL30082N\b", "db2", "30082"),
    # librdkafka: "SASL authentication error", "Broker: Topic authorization failed".
    _prose("kafka-access", _REFUSED, r"\bSASL authentication (?:error|failed)|\bauthorization failed\b", "kafka"),
    # Oracle Net error messages: timeouts, listener, lost connections. Not 12154 and its like, a misspelt service; not
    # 12506, 12529 and 12546, a refusal.
    _ora(
        "oracle-network",
        _CONNECTIVITY,
        "12152|12153|12161|12170|12203|12514|12516|12528|12535|12537|12541|12543|12547|12560|12564|12570|12571|12637",
    ),
    # Oracle Database Error Messages: 03113 end-of-file on communication channel, 03114 not connected, 03135 lost
    # contact.
    _ora("oracle-disconnected", _CONNECTIVITY, "3113|3114|3135"),
    # Oracle Database Error Messages: 01033, 01034, 01089, 01090: the instance is starting, down or shutting down.
    _ora("oracle-unavailable", _CONNECTIVITY, "1033|1034|1089|1090"),
    # SQL Server, "Msg 10054" and its neighbours: what Windows says of a connection; 40197, 40613: Azure moves it.
    _msg("sqlserver-transport", _CONNECTIVITY, "53|64|121|233|258|10053|10054|10060|10061|11001|40197|40613"),
    # SQL Server ODBC driver and client: SQLSTATE 08S01 and HYT00, "TCP Provider", "network-related".
    _prose(
        "sqlserver-network",
        _CONNECTIVITY,
        r"communication link failure|\bTCP Provider\b|login timeout expired|network-related or instance-specific",
        "sqlserver",
    ),
    # MySQL errors 2002, 2003, 2006, 2013.
    _prose(
        "mysql-network",
        _CONNECTIVITY,
        r"can'?t connect to (?:local )?mysql server|mysql server has gone away|lost connection to mysql server",
        "mysql",
    ),
    # libpq, fe-connect.c and fe-misc.c; the server's own words when it is shut down or starts.
    _prose(
        "postgresql-network",
        _CONNECTIVITY,
        r"server closed the connection unexpectedly|terminating connection due to administrator command"
        r"|terminating connection because of crash of another server process"
        r"|the database system is (?:starting up|shutting down)|\btimeout expired\b"
        r"|ssl syscall error: eof detected|ssl connection has been closed unexpectedly",
        "postgresql",
    ),
    # MySQL client errors 2002 to 2006, 2013, 2055, and 1053: the server is shutting down.
    _mysql("mysql-client", _CONNECTIVITY, "200[2-6]|2013|2055|1053"),
    # Db2 messages: SQL30080N and SQL30081N, communication errors; SQL1224N, the database manager stopped.
    _code("db2-network", _CONNECTIVITY, r"\bSQL(?:3008[01]N|1224N)\b", "db2", "3008[01]|1224"),
    # librdkafka's names of its own errors.
    _prose("kafka-network", _CONNECTIVITY, r"broker transport failure|all broker connections are down", "kafka"),
    # MongoDB's C driver.
    _prose("mongodb-network", _CONNECTIVITY, r"\[connection refused calling (?:hello|ismaster) on\b", "mongodb"),
    # Replicate and whoever else says which connection it was.
    _prose(
        "connection-lost",
        _CONNECTIVITY,
        r"\bconnection to (?:the )?(?:source|target)\b(?: endpoint| database)? (?:was |is |has been )?lost\b"
        r"|\blost (?:the )?connection to (?:the )?(?:source|target)\b",
    ),
    # POSIX strerror and Winsock texts; libcurl's for cloud targets.
    _prose(
        "network",
        _CONNECTIVITY,
        r"connection (?:was )?(?:refused|reset|aborted|timed out|closed by (?:the )?(?:remote|peer))"
        r"|network (?:is|was) unreachable|no route to host|host is (?:down|unreachable)|broken pipe"
        r"|(?:could|can) ?not resolve host|name or service not known|temporary failure in name resolution"
        r"|forcibly closed by the remote host",
    ),
    # ISO/IEC 9075: SQLSTATE class 08, connection exception, and ODBC's 08S01 and HYT01: the driver's word for whatever
    # ended a connect. Not 08004: the server refused. PostgreSQL's 57P01 to 57P03, which others use for other things.
    _code("sqlstate-08", _CONNECTIVITY, sqlstate("08(?:001|003|006|007|S01)|57P0[1-3]|HYT01"), is_fallback=True),
    # Replicate's wrappers: "Endpoint is disconnected", "Failed to connect to …", "Cannot connect to …"; libpq's.
    _prose(
        "endpoint-disconnected",
        _CONNECTIVITY,
        r"endpoint is disconnected|(?:failed to|unable to|cannot|can'?t|could not) (?:re)?connect\b"
        r"|\blost (?:the )?connection|connection\b.{0,60}\b(?:lost|failed)\b|network error has occurred",
        is_fallback=True,
    ),
)
"""Tried class by class in the order of MessageClass, within a class from top to bottom."""
