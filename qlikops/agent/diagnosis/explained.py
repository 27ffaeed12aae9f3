"""What may stand beside the words for a lost connection in a message without changing what it says.

The world is open: no list holds all that databases say of a lost log or a refused login, in all their languages. So a
message counts as one of a lost connection only if everything else in it is on the lists of this module. What is on
none of them makes the message unknown, which costs a question to a human; the other way round it would cost a restart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from qlikops.agent.diagnosis.words import OF_THE_LOG

_ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|localhost)(?::\d{1,5})?"
"""Nothing else looks like it."""
_HOST = rf"(?:{_ADDRESS}|(?:[a-z0-9_-]{{1,63}}\.){{2,8}}[a-z]{{2,24}}(?::\d{{1,5}})?|[a-z0-9_-]{{1,63}}:\d{{2,5}})"
"""What may be a host where it is announced; alone it may be a Java exception, `status:403` or `login_denied:1017`."""
_NUMBER = r"[(\[]?-?\d{1,10}[)\]]?"
_DATABASE = (
    r"(?:oracle|sql server|mysql|mariadb|postgresql|db2|kafka|snowflake|redshift|databricks|mongodb|odbc provider)"
)

_FRAME = (
    # Replicate: log lines, headlines, its own codes for a family of causes, what followed from the cause.
    r"\d{8}: \d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(?:[.:]\d{1,6})? \[[a-z_]{2,15} *\] ?[ewit]:",
    r"last error",
    r"stop reason (?:fatal|recoverable)_error error level [a-z]{4,12}",
    r"stream component fatal error",
    r"endpoint initialization failed",
    r"task error notification received from subtask \d{1,4}, thread \d{1,4}",
    r"stream component (?:''|st_\d{1,4}_[\w-]{1,64})? ?(?:terminated|failed)(?: at subtask \d{1,4})?"
    r"(?:, component st_\d{1,4}_[\w-]{1,64})?",
    r"failed while preparing stream component ''",
    r"cannot initialize subtask",
    r"error executing (?:source loop|command)",
    r"task '' encountered a (?:fatal|recoverable) error",
    r"[(\[](?:[\w-]{1,40}/)?[\w-]{1,40}\.c(?:pp)?:\d{1,6}[)\]]",
    r"\[(?:1?[01]?20101|1?[01]?20401|1?[01]?20403|1?[01]?22307|1?[01]?22502|1020417|1022505|1026401)\]",
    rf"(?:failed to|unable to|cannot|can't|could not) (?:re)?connect(?: to(?: the)?)?"
    rf"(?: (?:source|target))?(?: (?:endpoint|database|{_DATABASE}))?(?: (?:server|host|broker|at|db))?"
    rf"(?: {_HOST})?",
    r"endpoint is disconnected",
    r"network error has occurred",
    r"odbc general error",
    r"failed to (?:execute (?:the )?(?:sql )?statement|deliver)(?: ?:? ?'')?",
    # ODBC: an error's parts, and who hands it on.
    r"retcode: sql_error",
    r"message:",
    r"\[(?:microsoft|unixodbc|ibm|mysql|mariadb|oracle|snowflake|simba|amazon|amazon redshift|postgresql|teradata"
    r"|sql server|driver manager|cli driver|db2(?:/[\w-]{1,24})?|(?:[\w.()-]{1,24} ){0,3}odbc [\w.() -]{0,32}driver"
    r"(?: [\w.() -]{0,40})?|odbc [\w.]{1,8}(?:\(\w\))? driver)\]",
    r"line: -?\d{1,6}(?: column: -?\d{1,6})?",
    r"error while executing the query",
    # The engines' own.
    rf"(?:process id|session id|serial number|pid)[: ]{{1,2}}{_NUMBER}",
    r"error occurred at recursive sql level \d{1,3}",
    r"preceding \d{0,4} ?lines? from [\w.$#-]{1,64}",
    r"(?:at )?\(?line \d{1,7}\)?",
    r"(?:at |on )?(?:\d{4}-\d\d-\d\d[ t])?\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?: ?z| utc)?",
    r"at ''(?:, line \d{1,7})?",
    r"help: https://docs\.oracle\.com/error-help/db/(?:ora|tns)-\d{5}/?",
    r"https://docs\.oracle\.com/error-help/db/(?:ora|tns)-\d{5}/?",
    r"level \d{1,2}, state \d{1,3}(?:, line \d{1,6})?",
    rf"(?:on |at )?port {_NUMBER}",
    rf"(?:after )?{_NUMBER} (?:attempts?|retries|tries|times|ms|milliseconds|s|seconds?)",
    rf"(?:at|to|from|on) (?:host |server )?{_HOST}",
    rf"(?:server|host|broker) {_HOST}",
    _ADDRESS,
)
"""Envelopes and tails: they say that something failed, or where, and never why."""

_CONNECTION = (
    # Oracle Net and Oracle Database Error Messages, by the codes that patterns.py knows.
    r"tns ?:? ?(?:no listener|connect timeout occurred|connect timeout|operation timed out|connection closed"
    r"|lost contact|not connected|packet (?:reader|writer) failure|destination host unreachable"
    r"|unable to connect to destination|protocol adapter error|connection refused|unable to send break message"
    r"|internal error: partial data received"
    r"|listener does not currently know of service requested(?: in connect descriptor)?"
    r"|listener could not find available handler(?: with matching protocol stack)?"
    r"|all appropriate instances are blocking new connections)",
    r"cannot connect\. no listener at host [\w.:-]{1,253} port \d{1,5}",
    r"no listener",
    r"packet receive failed",
    r"end-of-file(?: on communication channel)?",
    r"not connected to oracle",
    r"connection lost contact",
    r"oracle initialization or shutdown in progress",
    r"oracle not available",
    r"(?:immediate )?shutdown (?:or close )?in progress"
    r"(?: - (?:no operations are permitted|connection is not permitted))?",
    # SQL Server and its drivers; Winsock.
    r"tcp provider: ?(?:error code 0x(?:68|2746|274c|274d|20|6e|6f)\b)?",
    r"communication link failure",
    r"login timeout expired",
    r"unable to complete login process due to delay in (?:opening server connection|login response"
    r"|prelogin response)",
    r"a network-related or instance-specific error has occurred"
    r"(?: while establishing a connection to(?: sql server)?)?",
    r"(?:the )?server (?:is|was) not found or (?:is |was )?not accessible",
    r"check if (?:the )?instance name is correct and if sql server is configured to allow remote connections",
    r"verify that the instance name is correct and that sql server is configured to allow remote connections",
    r"for more information see sql server books online",
    r"an (?:existing|established) connection was (?:forcibly closed by the remote host"
    r"|aborted by the software in your host(?: machine)?)",
    r"no connection could be made because the target machine actively refused it",
    r"a connection attempt failed because the connected party did not properly respond after a period of time, or "
    r"established connection failed because connected host has failed to respond",
    r"the semaphore timeout period has expired",
    r"the specified network name is no longer available",
    # MySQL and MariaDB.
    r"can'?t connect to (?:local )?mysql server(?: on ''| through socket '')?(?: ?\((?:2|104|11[0-3]|10060|10061)\))?",
    r"mysql server has gone away",
    r"lost connection to mysql server(?: during query| at '')?"
    r"(?:,? (?:system error: )?\(?(?:0|4|11|104|110|10054|10060)\)?)?",
    r"server shutdown in progress",
    r"reading (?:initial communication|initial|authorization) packet",
    r"reading final connect information",
    # libpq and PostgreSQL's server.
    r"could not connect to server",
    rf"connection to server at ''(?: \({_HOST}\))?(?:, port \d{{1,5}})? failed",
    rf"is the server running (?:on that host|on host ''(?: \({_HOST}\))?|locally) and accepting "
    r"(?:tcp/ip connections(?: on port \d{1,5})?|connections on (?:unix domain )?socket '')\??",
    r"server closed the connection unexpectedly",
    r"this probably means the server terminated abnormally before or while processing the request",
    r"terminating connection due to administrator command",
    r"terminating connection because of crash of another server process",
    r"the database system is (?:starting up|shutting down)",
    r"could not (?:receive data from|send data to) server",
    r"timeout expired",
    r"ssl syscall error: eof detected",
    r"ssl connection has been closed unexpectedly",
    # Db2.
    r"a communication error has been detected",
    r"(?:communication )?protocol(?: being used)?: ?(?:''|tcp/ip)",
    r"communication api being used: ?(?:''|sockets)",
    r"location where the error was detected: ?''",
    r"communication function detecting the error: ?''",
    r"protocol specific error codes?(?:\(s\))?: ?''(?:, ?'')*",
    r"the database manager is not able to accept new requests(?:, has terminated all requests in progress, or has "
    r"terminated the specified request because of an error or a forced interrupt)?",
    # librdkafka, MongoDB's drivers.
    r"local: broker transport failure",
    r"broker transport failure",
    r"(?:local: )?all broker connections are down(?:: \d{1,4}/\d{1,4} brokers are down)?",
    r"no suitable servers found",
    r"serverselectiontimeoutms",
    r"'' expired: \[connection refused calling (?:hello|ismaster) on ''\]",
    rf"(?:{_HOST}: )?connect failed",
    # Replicate.
    r"(?:the )?connection to (?:the )?(?:source|target)(?: endpoint| database)? (?:was |is |has been )?lost",
    r"lost (?:the )?connection(?: to (?:the )?(?:source|target)(?: endpoint| database)?)?",
    # POSIX strerror, resolvers, libcurl.
    r"connection (?:was )?(?:refused|reset|aborted|timed out)(?: by (?:the )?(?:remote|peer)(?: host)?)?",
    r"connection (?:was )?closed by (?:the )?(?:remote(?: host)?|peer)",
    r"network (?:is|was) unreachable",
    r"no route to host",
    r"host is (?:down|unreachable)",
    r"broken pipe",
    r"forcibly closed by the remote host",
    rf"(?:could|can) ?not resolve host(?: ?name)?:? ?(?:''|{_HOST})?",
    r"could not translate host name '' to address",
    r"(?:name or service not known|temporary failure in name resolution)",
)
"""What networks and engines say of a lost connection, to the end of the sentence."""

_WORDS = frozenset(
    {
        "a",
        "an",
        "and",
        "as",
        "at",
        "be",
        "been",
        "by",
        "during",
        "for",
        "from",
        "has",
        "have",
        "in",
        "is",
        "it",
        "of",
        "on",
        "or",
        "that",
        "the",
        "then",
        "this",
        "to",
        "was",
        "were",
        "when",
        "while",
        "with",
        "source",
        "target",
        "endpoint",
        "database",
        "server",
        "host",
        "node",
        "broker",
        "listener",
        "client",
        "connection",
        "network",
        "communication",
        "port",
        "task",
        "error",
        "errors",
        "failed",
        "failure",
        "fatal",
        "local",
        "read",
        "reading",
        "write",
        "writing",
        "send",
        "sending",
        "query",
        "connect",
        "connecting",
        "reconnect",
    }
)
"""Words that say nothing by themselves."""


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    # Within a longer word the same letters are something else.
    return re.compile(rf"(?:(?<!\w)|(?=\W))(?:{'|'.join(phrases)})(?:(?!\w)|(?<=\W))", re.IGNORECASE)


_OF_A_CONNECTION = _any_of(_CONNECTION)
_EXPLAINED = _any_of((*_CONNECTION, *_FRAME))
_PIECE = re.compile(r"[^\s.,;:()\[\]'-]+(?:['-]\w+)*|\.{2,}")


_CUT_MARK = re.compile(
    r"(?:[\[(<](?:\.\.\.|truncated|cut|more|snip)[^\])>]{0,40}[\])>]\W*|\.\.\W*|[:,;(\[{\\=-]\s*)\Z", re.IGNORECASE
)
"""A text that ends like this goes on somewhere else. `…` is three dots by now."""
_ENDS_WITHIN = re.compile(
    r"\b(?:an?|the|and|or|of|to|from|by|with|at|on|in|for|as|that|this|while|when|during|then|is|was|were|has|have"
    r"|been|(?:ora|tns)(?:-\d{0,4})?)[\s.]*\Z",
    re.IGNORECASE,
)
"""No sentence ends with these words, and no code is so short."""
_ENVELOPES = (
    (re.compile(r"\blast error\b", re.IGNORECASE), re.compile(r"\berror level \w+[\s.]*\Z", re.IGNORECASE)),
    (
        re.compile(r"\btask error notification received\b", re.IGNORECASE),
        re.compile(r"(?:\berror level \w+|\bterminated \[[\w/.-]{1,80}:\d+\] ?\[\d{6,7}\])[\s.]*\Z", re.IGNORECASE),
    ),
)
"""How Replicate begins what it says of a failure, and how it ends it."""
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def unexplained(text: str) -> str:
    """The first few words of `text` that nothing here accounts for, or an empty string.

    `text` is what an engine says: quoted text replaced by `''`, its own codes taken out.
    """
    rest = _EXPLAINED.sub(" ", text)
    pieces = [piece for piece in _PIECE.findall(rest) if piece.casefold() not in _WORDS]
    return " ".join(pieces[:8])


def about_the_log(text: str) -> str:
    """The first words in `text` that speak of a source's log, or an empty string."""
    found = OF_THE_LOG.search(_OF_A_CONNECTION.sub(" ", text))
    return found[0] if found else ""


def is_cut(text: str, said: str) -> bool:
    """Whether something is missing at the end of `text`, or was left out of it; `said` is it without what it quotes."""
    if "..." in text or _CUT_MARK.search(said) or _ENDS_WITHIN.search(said):
        return True
    if any(begins.search(said) and not ends.search(said) for begins, ends in _ENVELOPES):
        return True
    is_open: list[str] = []
    for char in said:
        if char in "([{":
            is_open.append(char)
        elif char in _BRACKETS and is_open and is_open[-1] == _BRACKETS[char]:
            is_open.pop()
    return bool(is_open)
