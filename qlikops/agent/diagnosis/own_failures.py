"""A team's own entries: TOML of the built-in form where they are written, one JSON document where they are kept.

The document is `{"version": 1, "failures": [...]}`, each failure with the fields of its TOML and its engine.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qlikops.agent.diagnosis.entry import Entries, Failure, InvalidEntries, read_entries, read_failures, read_toml
from qlikops.dataclass import dataclass

VERSION = 1
"""Rises when an older version could misread what is written."""

Raw = Mapping[str, Any]
"""A failure as JSON has it."""


@dataclass(frozen=True, slots=True)
class LibraryChanges:
    """What becomes of kept failures, by their ids."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Kept:
    """The failures that are kept."""

    raws: tuple[Raw, ...] = ()

    @classmethod
    def of(cls, document: str, place: str) -> Kept:
        """Reads the text at `place`, an empty one for none. InvalidEntries if it is none of ours, or one is wrong."""
        if not document:
            return cls()
        try:
            read = json.loads(document)
        except (ValueError, RecursionError) as exc:
            raise InvalidEntries(f"{place}: is no JSON ({exc})") from exc
        version = read.get("version") if isinstance(read, dict) else None
        if version != VERSION:
            raise InvalidEntries(f"{place}: version: is {version}, this qlikops reads {VERSION}")
        raws = read.get("failures")
        if not isinstance(raws, list) or not all(isinstance(raw, dict) for raw in raws):
            raise InvalidEntries(f"{place}: failures: is no list of entries")
        kept = cls(tuple(raws))
        read_failures(kept.raws, place)
        return kept

    @classmethod
    def written(cls, text: str, file: str) -> tuple[Kept, Entries]:
        """Reads a TOML file called `file`, with its entries; InvalidEntries if something is wrong with it."""
        entries, document = read_entries(text, file), read_toml(text, file)
        # It would only let more of a message pass as explained.
        if entries.tails:
            lines = text.splitlines()
            line = next((number for number, each in enumerate(lines, 1) if each.strip() == "[[tail]]"), 1)
            raise InvalidEntries(f"{file}:{line}: tail: is for built-in entries alone")
        if twice := [name for name, count in Counter(each.id for each in entries.failures).items() if count > 1]:
            raise InvalidEntries(f"{file}: id: several entries are called {', '.join(twice)}")
        raws = [{**raw, "engine": raw.get("engine", entries.engine)} for raw in document.get("failure", [])]
        return cls(tuple(json.loads(json.dumps(raws, default=_as_text)))), entries

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The entries as diagnosis has them."""
        return read_failures(self.raws, "")

    def document(self) -> str:
        """The document as text."""
        document = {"version": VERSION, "failures": list(self.raws)}
        return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)

    def with_(self, others: Kept) -> Kept:
        """A copy with `others`, each in the place of the one with its id if there is one."""
        by_id = {raw["id"]: raw for raw in self.raws} | {raw["id"]: raw for raw in others.raws}
        return Kept(tuple(by_id.values()))

    def without(self, ids: Iterable[str]) -> Kept:
        """A copy without the entries of those ids."""
        left_out = frozenset(ids)
        return Kept(tuple(raw for raw in self.raws if raw["id"] not in left_out))

    def changes_to(self, later: Kept) -> LibraryChanges:
        """What is otherwise in `later`."""
        before, after = ({raw["id"]: raw for raw in each.raws} for each in (self, later))
        return LibraryChanges(
            _sorted(after.keys() - before.keys()),
            _sorted(name for name in before.keys() & after.keys() if before[name] != after[name]),
            _sorted(before.keys() - after.keys()),
        )


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    found: Sequence[str] = sorted(names)
    return tuple(found)


def _as_text(value: object) -> str:
    if isinstance(value, datetime.date):
        return f"{value:%Y-%m-%d}"
    raise TypeError(f"{value!r} is no JSON")
