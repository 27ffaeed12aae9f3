"""One filter language for every list, in the console and on the command line.

Terms are separated by blanks and all must hold: `text` is in any of an item's fields, `key:value` in that field,
`key:` where the field holds anything at all; `!` in front turns a term around. Quotes keep blanks and colons together:
`cause:"source ORA"`, `"a: b"`. Case does not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from qlikops.dataclass import dataclass
from qlikops.domain.words.text import harmless

T = TypeVar("T")

HELP = "text, key:value, !not; blanks join them"

_NAMED = re.compile(r"\s*(?P<name>\w[\w-]*)\s*=(?P<rest>.*)", re.DOTALL)
_TERM = re.compile(r'(?P<inverse>!?)(?:(?P<key>[^\W\d][\w-]*):)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>\S+))?')


@dataclass(frozen=True, slots=True)
class FilterTerm:
    """One condition."""

    key: str
    """Empty: any field."""
    value: str
    """Folded. Empty: anything at all."""
    inverse: bool


@dataclass(frozen=True, slots=True)
class Filter(Generic[T]):
    """What to keep of a list. True where it keeps anything back."""

    terms: tuple[FilterTerm, ...]
    fields: Mapping[str, Callable[[T], str]]
    problem: str = ""
    """Why it cannot be used; such a filter keeps everything, since hiding on a typing mistake misleads."""

    def __bool__(self) -> bool:
        return bool(self.terms) and not self.problem

    def matches(self, item: T) -> bool:
        """Whether every term holds for `item`."""
        return bool(self.problem) or all(self._holds(term, item) is not term.inverse for term in self.terms)

    def _holds(self, term: FilterTerm, item: T) -> bool:
        if term.key:
            text = self.fields[term.key](item)
            return term.value in _folded(text) if term.value else bool(text)
        return any(term.value in _folded(text(item)) for text in self.fields.values())


def named(text: str) -> tuple[str, str]:
    """Name and filter of `name = filter`, which saves it; the name is empty where there is none."""
    found = _NAMED.fullmatch(text)
    return (found["name"], found["rest"].strip()) if found else ("", text.strip())


def parse(text: str, fields: Mapping[str, Callable[[T], str]]) -> Filter[T]:
    """The filter that `text` asks for; `fields` says what each key means, in lower case."""
    terms: list[FilterTerm] = []
    for found in _TERM.finditer(text):
        key = (found["key"] or "").casefold()
        value = found["plain"] if found["quoted"] is None else found["quoted"]
        if key and key not in fields:
            known = ", ".join(sorted(fields))
            return Filter(
                (), fields, f"There is no key {harmless(key, 40)}; there are {known}. Text with a colon goes in quotes."
            )
        # A lone `!` or quote is the beginning of something that is still being typed.
        if key or value:
            terms.append(FilterTerm(key, _folded(value or "").removesuffix("…"), bool(found["inverse"])))
    return Filter(tuple(terms), fields)


def _folded(text: str) -> str:
    """The text without case, and with the blanks drawn together, as a screen shows them."""
    return " ".join(text.split()).casefold()
