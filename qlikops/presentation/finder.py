"""Finding anything by a part of its name: what matches, how well, and in which order it is offered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Any, NamedTuple

from qlikops.dataclass import dataclass


class Sort(StrEnum):
    """What a thing is: its word on the screen. What can be acted on comes first."""

    WAITS = "Waits"
    TASK = "Task"
    ENDPOINT = "Endpoint"
    RUN = "Run"
    PROPOSAL = "Proposal"
    DO = "Do"
    CONTEXT = "Context"
    FILTER = "Filter"
    FAILURE = "Failure"


_RANK = {sort: rank for rank, sort in enumerate(Sort)}
_NARROWING = re.compile(r"(?:(?P<sort>[a-z]+):|@(?P<context>\S*))\s*", re.IGNORECASE)
_ID = re.compile(r"[0-9a-f]{4,12}")
EACH = 6
"""How many of one sort are offered, unless it is asked for by its word: none hides the others."""
MOST = 200
_BY_CHANCE = 2
"""First of what is compared where letters stand apart."""
_FEWEST_SCATTERED = 3
"""Letters of which fewer are no name."""
_SPREAD = 4
"""So many times as long as what is typed may be that which holds its letters."""
_AT_START, _AT_WORD, _WITHIN, _IN_MORE, _WORDS, _SCATTERED = range(6)
"""How well a name matches, the best first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be found."""

    sort: Sort
    name: str
    detail: str = ""
    """What is said of it beside its name."""
    target: Any = None
    """What is opened or done; the front end knows its type."""
    key: str = ""
    """The key that does the same."""
    more: str = ""
    """What it is found by beside its name, such as its id."""
    context: str = ""
    """Where it is; empty for what is everywhere."""
    weight: int = 0
    """Among equals of its sort the least comes first: what is broken before what runs."""
    folded: str = field(init=False, default="")
    folded_more: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "folded", self.name.casefold())
        object.__setattr__(self, "folded_more", f"{self.more} {self.detail}".casefold())


class FinderMatch(NamedTuple):
    """An entry that matches."""

    entry: Entry
    at: tuple[int, ...]
    """The characters of its name that do."""


class FinderResult(NamedTuple):
    """What was found."""

    found: tuple[FinderMatch, ...]
    matching: int
    """How many match, of which `found` may show only some."""


@dataclass(frozen=True, slots=True)
class FinderQuery:
    """What is typed, taken apart."""

    text: str
    """Folded."""
    sort: Sort | None = None
    context: str = ""

    @property
    def id(self) -> str:
        """The beginning of a proposal's id, if it can be one."""
        return self.text if _ID.fullmatch(self.text) else ""


def ask(typed: str) -> FinderQuery:
    """`task:`, `run:` and the like in front narrow it to one sort, `@name` to one context."""
    text, sort, context = typed.strip(), None, ""
    while narrowing := _NARROWING.match(text):
        word = (narrowing["sort"] or "").casefold()
        meant = next((each for each in Sort if word and each.value.casefold().startswith(word)), None)
        if word and meant is None:
            break
        sort, context = meant or sort, narrowing["context"] or context
        text = text[narrowing.end() :]
    return FinderQuery(text.casefold(), sort, context.casefold())


def find(entries: Iterable[Entry], question: FinderQuery) -> FinderResult:
    """What matches `question`: a name that is it, then what can be acted on; if nothing does, what holds its letters.

    Five thousand entries take up to 25 ms, so it may be asked with every key.
    """
    found: list[tuple[Any, ...]] = []
    needles = question.text.split()
    scattered = re.compile(".*?".join(map(re.escape, question.text.replace(" ", "")))) if question.text else None
    for entry in entries:
        if question.sort is not None and entry.sort is not question.sort:
            continue
        if question.context and not entry.context.casefold().startswith(question.context):
            continue
        quality, place = _match(entry, question.text, needles, scattered)
        if quality is not None:
            chance = 0 if entry.folded == question.text else _BY_CHANCE if quality == _SCATTERED else 1
            found.append((chance, _RANK[entry.sort], quality, place, entry.weight, len(found), entry))
    found = sorted(each for each in found if each[0] < _BY_CHANCE) or sorted(found)
    offered = _at_most(found, MOST if question.sort is not None else EACH)
    return FinderResult(
        tuple(FinderMatch(each[-1], _letters(each[-1], question.text, needles)) for each in offered), len(found)
    )


def complete(typed: str, name: str) -> str:
    """What is typed once Tab has put `name` in the place of its text; what narrows it stays."""
    text = typed.strip()
    kept = len(text) - len(ask(text).text)
    return f"{text[:kept]}{name}"


def _match(
    entry: Entry, text: str, needles: Sequence[str], scattered: re.Pattern[str] | None
) -> tuple[int | None, int]:
    if scattered is None:
        return _AT_START, 0
    name = entry.folded
    at = name.find(text)
    if at == 0:
        return _AT_START, 0
    if at > 0:
        return (_WITHIN if name[at - 1].isalnum() else _AT_WORD), at
    if text in entry.folded_more:
        return _IN_MORE, 0
    if len(needles) > 1 and all(each in name or each in entry.folded_more for each in needles):
        return _WORDS, 0
    letters = scattered.search(name) if len(text) >= _FEWEST_SCATTERED else None
    spread = letters.end() - letters.start() if letters is not None else 0
    # Letters from one end of a long name to the other are in most names by chance.
    return (_SCATTERED, spread) if 0 < spread <= _SPREAD * len(text) else (None, 0)


def _at_most(found: Sequence[tuple[Any, ...]], each: int) -> list[tuple[Any, ...]]:
    counted: dict[Any, int] = {}
    offered = []
    for match in found:
        counted[match[1]] = counted.get(match[1], 0) + 1
        if counted[match[1]] <= each:
            offered.append(match)
    return offered[:MOST]


def _letters(entry: Entry, text: str, needles: Sequence[str]) -> tuple[int, ...]:
    """Where in the name the letters stand that were looked for."""
    name = entry.folded
    if not text or len(name) != len(entry.name):
        return ()
    if text in name:
        needles = (text,)
    places = [range(at, at + len(each)) for each in needles if (at := name.find(each)) >= 0]
    if places or text in entry.folded_more:
        return tuple(sorted({at for place in places for at in place}))
    found, start = [], 0
    for letter in text.replace(" ", ""):
        at = name.find(letter, start)
        if at < 0:
            return ()
        found.append(at)
        start = at + 1
    return tuple(found)
