"""Reads Enterprise Manager's audit trail, whose fields are not documented: by what their names and values look like.

The answer is a stream of JSON: a list, a list in an object, or one object after the other, maybe cut off at its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.audit import DoneBy
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.words.text import folded, harmless, symbol
from qlikops.qlik.wire import parse_time

LINES_READ = 20_000
"""Lines of one answer that are read; it begins with the oldest."""
_WRONG_STARTS = 1000
"""Places at which nothing could be read, before the rest is given up."""
_WHO_CAP, _WHAT_CAP, _VALUE_CAP, _VALUES_READ = 120, 80, 2000, 50
_TICKS_UNTIL_1970 = 621_355_968_000_000_000
"""Ticks of .NET, 100 ns each, from the year 1 to 1970."""
_TIMES = ("TIMESTAMP", "TIME", "DATE")
_ACCOUNTS = ("USER", "ACCOUNT", "PRINCIPAL", "ACTOR", "INITIATOR", "REQUESTER")
_DEEDS = ("ACTION", "OPERATION", "REQUEST", "COMMAND", "METHOD", "EVENT", "ACTIVITY")
_SERVERS = ("SERVER",)
_STOPPING = re.compile("STOP")
_EDITING = re.compile("EDIT|SAVE|UPDATE|MODIF|IMPORT|PATCH|RECONFIG|(?:^|_)PUT")
_OBJECT = re.compile(r"\{")


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line of the trail."""

    done: DoneBy
    text: str
    """All its values that are texts, those of its inner objects too, folded."""
    server: str = ""
    """The one of them that is called a server; empty if none is."""

    @property
    def stops(self) -> bool:
        """Whether something was stopped."""
        return bool(_STOPPING.search(symbol(self.done.what)))

    @property
    def edits(self) -> bool:
        """Whether something was changed."""
        return not self.stops and bool(_EDITING.search(symbol(self.done.what)))

    def is_about(self, key: TaskKey, servers: Collection[str]) -> bool:
        """Whether it names the task, and no other server than the task's, which may have one of that name.

        A server is one of `servers`, or what is called a server.
        """
        if not _is_named(key.task, self.text) or (self.server and not _is_named(key.server, self.server)):
            return False
        named = {server for server in servers if _is_named(server, self.text)}
        return not named or key.server in named


def parse_audit_trail(text: str) -> tuple[AuditLine, ...]:
    """The lines that say when what was done, oldest first; nothing of what cannot be read."""
    lines = []
    for number, entry in enumerate(_entries(text)):
        if number == LINES_READ:
            break
        if line := _line(entry):
            lines.append(line)
    return tuple(sorted(lines, key=lambda line: line.done.at))


def _entries(text: str) -> Iterator[Mapping[str, Any]]:
    """Every object of the stream that holds no list of objects, and those in such lists."""
    decoder, position, wrong = json.JSONDecoder(), 0, 0
    while (found := _OBJECT.search(text, position)) and wrong < _WRONG_STARTS:
        try:
            value, position = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            position, wrong = found.end(), wrong + 1
            continue
        lists = (each for each in value.values() if isinstance(each, list))
        inner = [one for each in lists for one in each if isinstance(one, dict)]
        yield from inner or [value]


def _line(entry: Mapping[str, Any]) -> AuditLine | None:
    values = dict(_values(entry))
    at = next((moment for value in _called(values, _TIMES) if (moment := _moment(value))), None)
    what = next((value for value in _called(values, _DEEDS) if isinstance(value, str) and value), "")
    if at is None or not what:
        return None
    who = next((value for value in _called(values, _ACCOUNTS) if isinstance(value, str) and value), "")
    texts = [folded(value[:_VALUE_CAP]) for value in values.values() if isinstance(value, str)]
    server = next((value for value in _called(values, _SERVERS) if isinstance(value, str)), "")
    done = DoneBy(harmless(what, _WHAT_CAP), harmless(who, _WHO_CAP), at)
    return AuditLine(done, "\n".join(texts[:_VALUES_READ]), folded(server[:_VALUE_CAP]))


def _values(entry: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Values of a line by their names, those of inner objects by the names above them too."""
    for name, value in entry.items():
        path = f"{above} {name}" if above else str(name)
        if isinstance(value, dict):
            yield from _values(value, path) if not above else ()
        else:
            yield path, value


def _called(values: Mapping[str, Any], words: Sequence[str]) -> Iterator[Any]:
    """The values whose names hold one of `words`: those called just that first, then by the order of the words."""
    names = {name: symbol(name.rpartition(" ")[2]) for name in values}
    for word in words:
        yield from (values[name] for name, spelling in names.items() if spelling == word)
    for word in words:
        yield from (values[name] for name, spelling in names.items() if word in spelling)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < len(str(_TICKS_UNTIL_1970)) + 1:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > _TICKS_UNTIL_1970:
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=(value - _TICKS_UNTIL_1970) // 10)
        except OverflowError:
            return None
    return parse_time(value)


def _is_named(name: str, text: str) -> bool:
    """Whether the folded `text` has the name between characters that are none of a name's."""
    wanted = folded(name)
    return wanted in text and re.search(rf"(?<![\w.-]){re.escape(wanted)}(?![\w.-])", text) is not None
