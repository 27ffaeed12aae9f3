"""The sentence that an engine prints after one of its codes.

The code says what happened; the sentence says the same in words, in the server's language and with its own names. So
a known code accounts for it, unless it speaks of something that the code of a harmless cause would not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from qlikops.agent.diagnosis.codes import Code
from qlikops.agent.diagnosis.words import ABOUT_DATA, OF_ACCESS, OF_THE_LOG

_LEAD = re.compile(
    # `ERROR 1205 (HY000): …`, `[131] (at 28): …`, `Msg 1205, Level 13, State 51, Line 1: …`, `SQL0911N  …`.
    r"(?: ?\([\w-]{2,40}\))?[)\]:,]{0,2}(?: \(at \d{1,9}\):)?"
    r"(?:,? ?level \d{1,3}, state \d{1,3}(?:, [^\n:]{0,80})?:?)?"
    # `NativeError: 1205 Message: [Microsoft][ODBC Driver 17 for SQL Server][SQL Server]…`.
    r"(?: nativeerror: ?-?\d{1,9})?(?: message:)?(?: ?\[[^\]\n]{1,60}\]){0,4}(?: ?\(-?\d{1,6}\))?"
    r" ?(?:(?:error|fatal|fehler|erreur|general error):)? ?",
    re.IGNORECASE,
)
_FIELD = re.compile(r"</Code> ?<Message>|\" ?, ?'' ?: ?\"", re.IGNORECASE)
"""Between a code that is a name and its message: `<Code>SlowDown</Code><Message>…`, `{"code":"SlowDown","message":"…"}`
without the names of the fields.
"""
_SENTENCE = re.compile(r"((?:[^.;\n\[\"<]|\.(?=\w)){3,300})[.;\n\[\"<]")
"""A sentence with its end: what just stops may have been cut off."""
_TEXT = re.compile(r"([^;\n\[]{3,500}?)(?: line: -?\d|[;\n\[])", re.IGNORECASE)
"""SQL Server's: all sentences of it, to the end of what ODBC hands on."""
_SERVER = "[SQL Server]"
NAME = "NAME"
"""Namespace of a code that is a name, such as `SlowDown`, if it is not known whose it is."""
_WHOSE = frozenset({"SQLSTATE", "HTTP", "POSIX", "WIN", "CURL", "GRPC", "REPLICATE"})
"""Codes that are no engine's own; a SQLSTATE of five characters is one of PostgreSQL only with a letter in it."""


def own_sentences(said: str, codes: Iterable[Code]) -> Iterator[tuple[int, int]]:
    """Start and end of what follows each of `codes` in `said` to the end of the sentence."""
    for code in codes:
        is_own = code.namespace not in _WHOSE or (code.namespace == "SQLSTATE" and not code.value.isdigit())
        lead = (_FIELD if code.namespace == NAME else _LEAD).match(said, code.end)
        if not is_own or not lead:
            continue
        form = _TEXT if lead[0].rstrip().endswith(_SERVER) else _SENTENCE
        sentence = form.match(said, lead.end())
        if sentence and not any(words.search(sentence[1]) for words in (OF_ACCESS, OF_THE_LOG, ABOUT_DATA)):
            yield code.start, sentence.end(1)
