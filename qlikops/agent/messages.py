"""What a task's message says went wrong, as far as a pattern can tell.

Enterprise Manager has no call for logs: the message is all that there is. Whether resuming can work hangs on it, so
the patterns are few, each has a name that evidence can quote, and what no pattern matches is left to a human.

A message may quote a row, and a row may say anything. So what is in quotes is not what the engine says, the engine's
own error code decides before the prose around it, and where two signals disagree the stricter one holds: a message is
taken for a lost connection only if nothing in it says otherwise.
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
    is_code: bool = False
    """It recognises error codes, not prose."""


@dataclass(frozen=True, slots=True)
class MessageMatch:
    """What a message was recognised as. `pattern` is the pattern's name, empty for an unmatched message."""

    message_class: MessageClass
    pattern: str = ""
    vendor: str = ""


def _prose(name: str, message_class: MessageClass, regex: str, vendor: str = "") -> MessagePattern:
    return MessagePattern(name, message_class, re.compile(regex, re.IGNORECASE | re.DOTALL), vendor)


def _code(name: str, message_class: MessageClass, regex: str, vendor: str = "") -> MessagePattern:
    return MessagePattern(name, message_class, re.compile(regex, re.IGNORECASE), vendor, is_code=True)


_LOST = MessageClass.POSITION_LOST
_REFUSED = MessageClass.ACCESS_REFUSED
_CONNECTIVITY = MessageClass.CONNECTIVITY


def _sqlstate(states: str) -> str:
    """SQLSTATEs with their name before them, as ODBC, JDBC and Db2 spell it, or alone in brackets."""
    return rf"(?:\bSQLSTATE\W{{0,3}}(?:{states})\b|[\[(](?:{states})[\])])"


_ERROR_NUMBER = r"\b(?:error(?:[ _]code)?|errno)\W{1,2}(?:MY-0*)?"
"""What stands before a number of MySQL's."""

PATTERNS: tuple[MessagePattern, ...] = (
    # Replicate's Oracle source: "Archived Redo log with the sequence 4711 does not exist, thread 1".
    _prose("oracle-archived-log-missing", _LOST, r"archived redo log\b.{0,120}\bdoes not exist", "oracle"),
    # Oracle Database Error Messages: 00308 cannot open archived log, 01291 missing logfile, 01555 snapshot too old.
    _code("oracle-log-gone", _LOST, r"\bORA-(?:00308|01291|01555)\b", "oracle"),
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
    # MySQL error 1236: "Could not find first log file name in binary log index file", "purged (required) binary
    # logs", "impossible position".
    _prose(
        "mysql-binlog-gone",
        _LOST,
        r"could not find first log file|purged (?:required )?binary logs|impossible position",
        "mysql",
    ),
    # PostgreSQL, slot.c: 'replication slot "…" does not exist'; logical.c, slotfuncs.c: 'can no longer get changes
    # from replication slot "…"' and, from 18 on, 'can no longer access'.
    _prose(
        "postgresql-slot-gone",
        _LOST,
        r"replication slot\b.{0,120}\bdoes not exist|can no longer (?:get changes from|access) replication slot",
        "postgresql",
    ),
    # PostgreSQL, walsender.c: "requested WAL segment … has already been removed".
    _prose("postgresql-wal-removed", _LOST, r"requested WAL segment\b.{0,80}\balready been removed", "postgresql"),
    # Oracle Database Error Messages: 01017 invalid username/password, 28000 account locked, 28001 password expired,
    # 01031 insufficient privileges.
    _code("oracle-access", _REFUSED, r"\bORA-(?:01017|28000|28001|01031)\b", "oracle"),
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
    _code("sqlstate-28", _REFUSED, _sqlstate("28[0-9A-Z]{3}")),
    # SQL Server, "Msg 18456": login failed, and its neighbours for expired, locked and disabled ones.
    _code("sqlserver-login", _REFUSED, r"\bMsg 18(?:452|456|470|486|487|488)\b", "sqlserver"),
    # Db2 messages: SQL30082N, security processing failed; it comes with SQLSTATE 08001, which says less.
    _code("db2-access", _REFUSED, r"\bSQL30082N\b", "db2"),
    # librdkafka: "SASL authentication error", "Broker: Topic authorization failed".
    _prose("kafka-access", _REFUSED, r"\bSASL authentication (?:error|failed)|\bauthorization failed\b", "kafka"),
    # Oracle Net error messages: timeouts, listener, lost connections. Not 12154, which is a misspelt service.
    _code(
        "oracle-network",
        _CONNECTIVITY,
        r"\b(?:ORA|TNS)-12(?:15[23]|161|17[01]|203|5[0-4]\d|56[04]|57[01]|637)\b",
        "oracle",
    ),
    # Oracle Database Error Messages: 03113 end-of-file on communication channel, 03114 not connected, 03135 lost
    # contact.
    _code("oracle-disconnected", _CONNECTIVITY, r"\bORA-031(?:13|14|35)\b", "oracle"),
    # Oracle Database Error Messages: 01033, 01034, 01089, 01090: the instance is starting, down or shutting down.
    _code("oracle-unavailable", _CONNECTIVITY, r"\bORA-01(?:033|034|089|090)\b", "oracle"),
    # SQL Server, "Msg 10054" and its neighbours: what Windows says of a connection; 40197, 40613: Azure moves it.
    _code(
        "sqlserver-transport",
        _CONNECTIVITY,
        r"\bMsg (?:53|64|121|233|258|1005[34]|1006[01]|11001|40197|40613)\b",
        "sqlserver",
    ),
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
    # libpq, fe-connect.c and fe-misc.c; SQLSTATE 57P01 to 57P03: the server is shutting down or starting.
    _prose(
        "postgresql-network",
        _CONNECTIVITY,
        r"could not connect to server|server closed the connection unexpectedly"
        r"|connection to server at\b.{0,120}\bfailed|terminating connection due to administrator command"
        r"|the database system is (?:starting up|shutting down)",
        "postgresql",
    ),
    # MySQL client errors 2002 to 2006, 2013, 2055, and 1053: the server is shutting down.
    _code("mysql-client", _CONNECTIVITY, rf"{_ERROR_NUMBER}(?:200[2-6]|2013|2055|1053)\b", "mysql"),
    # Db2 messages: SQL30080N and SQL30081N, communication errors; SQL1224N, the database manager stopped.
    _code("db2-network", _CONNECTIVITY, r"\bSQL(?:3008[01]N|1224N)\b", "db2"),
    # librdkafka's names of its own errors.
    _prose("kafka-network", _CONNECTIVITY, r"broker transport failure|all broker connections are down", "kafka"),
    # ISO/IEC 9075: SQLSTATE class 08, connection exception, and ODBC's 08S01 and HYT01. Not 08004: the server refused.
    # PostgreSQL's 57P01 to 57P03: it is shutting down or starting.
    _code("sqlstate-08", _CONNECTIVITY, _sqlstate("08(?:001|003|006|007|S01)|57P0[1-3]|HYT01")),
    # Replicate's own: "Endpoint is disconnected", "Failed to connect to …", "Cannot connect to …", "connection lost".
    _prose(
        "endpoint-disconnected",
        _CONNECTIVITY,
        r"endpoint is disconnected|(?:failed to|unable to|cannot|can'?t|could not) (?:re)?connect\b"
        r"|\blost (?:the )?connection|connection\b.{0,60}\blost\b",
    ),
    # POSIX strerror and Winsock texts; libcurl's for cloud targets.
    _prose(
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

_ENGINE_CODE = re.compile(
    r"\b(?:ORA|TNS)-\d{4,5}\b"
    r"|\bSQL\d{4,5}[A-Z]\b"
    r"|\bMsg \d{1,5}\b"
    rf"|(?i:{_ERROR_NUMBER})\d{{4}}\b"
    r"|(?i:\bSQLSTATE\W{0,3})[0-9A-Z]{5}\b"
    # ISO/IEC 9075's classes and those that engines add to them: not any number in brackets is a SQLSTATE.
    r"|[\[(](?:0[0-9A-Z]|2[0-8ADEF]|3[48BCDF]|4[0-4]|5[3-8]|HY|IM|XX|P0)[0-9A-Z]{3}[\])]"
)
"""An engine's own error code: Oracle's, Db2's, SQL Server's, MySQL's, and SQLSTATEs."""
_SAYS_NOTHING = re.compile(
    # Oracle: an error at recursive SQL level, over a link, in a trigger, at a line, of the operating system.
    r"ORA-(?:00604|02063|04088|06512|2730[0-3])"
    # ODBC: general errors and time-outs of whatever it was.
    rf"|{_sqlstate('00000|01000|HY000|HYT00|S1000')}"
    # PostgreSQL: the object is not there, not in the right state, its file is missing: slots and WAL are among them.
    # Db2's 55032 comes with SQL1224N.
    rf"|{_sqlstate('42704|55000|55032|58P01')}"
    # MySQL: reading the binary log failed; the text says how.
    rf"|{_ERROR_NUMBER}1236",
    re.IGNORECASE,
)
"""Codes that leave it to the prose."""
_ABOUT_DATA = re.compile(
    r"\bduplicate (?:key|entry)|\b(?:unique|primary key|foreign key|check|integrity|not[- ]null) constraint"
    r"|\bviolat(?:es|ed|ion of)\b|\b(?:would be|was|were) truncated|\bvalue too large|\btoo long for\b"
    r"|\bout of range\b|\b(?:cannot|must not) be null\b|\bcannot insert\b|\binvalid input (?:syntax|value)"
    r"|\bconversion failed\b|\bvalue\b.{0,60}\bis not recognized|\bincorrect \w+ value\b|\barithmetic overflow\b",
    re.IGNORECASE,
)
"""The engine is talking about a row: whatever else is in the message may be the row."""
_QUOTED = re.compile(
    # An apostrophe within a word ("can't") opens and closes nothing. What is never closed was cut off.
    r"(?<!\w)'.*?(?:'(?!\w)|\Z)"
    r'|".*?(?:"|\Z)'
    r"|`.*?(?:[`']|\Z)|“.*?(?:”|\Z)|‘.*?(?:’|\Z)|«.*?(?:»|\Z)"
    # PostgreSQL: "Key (name)=(…)", "Failing row contains (…)". SQL Server: "The duplicate key value is (…)".
    r"|(?:=|\b(?:contains|value is|values|row)) ?\(.*?(?:\)|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_QUOTES_ITSELF = re.compile(r"\berror 1236\b[^'\"]{0,80}:\s*\Z", re.IGNORECASE)
"""MySQL puts its own reason into quotes: "Got fatal error 1236 from source when reading data from binary log: '…'"."""

_SIDE_WORD = re.compile(r"\b(source|target)\b", re.IGNORECASE)
_VARIABLE_PART = re.compile(r"'[^']*'|\"[^\"]*\"|\S*\d\S*")


# Detection, grouping and wording ask about the same message several times.
@functools.lru_cache(maxsize=8192)
def classify(message: str) -> MessageMatch:
    """What `message` says. An empty, unknown or contradictory text is UNMATCHED."""
    said, quoted = _apart(message)
    other_code = _has_another_code(said)
    for pattern in _BY_PRECEDENCE:
        if not pattern.regex.search(said):
            continue
        match pattern.message_class:
            case MessageClass.POSITION_LOST if other_code and not pattern.is_code:
                continue
            case MessageClass.CONNECTIVITY if other_code or _ABOUT_DATA.search(said) or _objects(quoted):
                continue
        return MessageMatch(pattern.message_class, pattern.name, pattern.vendor)
    return MessageMatch(MessageClass.UNMATCHED)


def _apart(message: str) -> tuple[str, str]:
    """What the engine says, with empty quotes for quoted text, and what it quotes."""
    said, quoted, end = "", [], 0
    for match in _QUOTED.finditer(message):
        said += message[end : match.start()]
        if _QUOTES_ITSELF.search(said):
            said += match[0]
        else:
            said += "''"
            quoted.append(match[0])
        end = match.end()
    return said + message[end:], "\n".join(quoted)


def _has_another_code(text: str) -> bool:
    """Whether an engine gives a reason that is none of ours."""
    return any(
        not _SAYS_NOTHING.search(code[0])
        and not any(known.regex.search(code[0]) for known in PATTERNS if known.is_code)
        for code in _ENGINE_CODE.finditer(text)
    )


def _objects(quoted: str) -> bool:
    """Whether quoted text speaks against a lost connection.

    It may be a row or the engine's own words: it proves nothing, and is enough to have a human look.
    """
    return _has_another_code(quoted) or any(
        pattern.regex.search(quoted) for pattern in PATTERNS if pattern.message_class is not MessageClass.CONNECTIVITY
    )


def side_of(facts: TaskFacts) -> Side | None:
    """Which endpoint the task's message is about: the one it names, or the only one whose vendor talks like that."""
    words = {word.lower() for word in _SIDE_WORD.findall(_apart(facts.message)[0])}
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
