"""A known failure as data, and what is wrong with one that was written down wrongly."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from typing import Any

from qlikops.agent.diagnosis.codes import NAMESPACES, NATIVE, normal
from qlikops.agent.diagnosis.phrases import Phrase
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.diagnosis import FailureClass, Remedy

SHORTEST_PHRASE = 5
"""Letters and digits; less would recognise anything."""
HARMLESS = frozenset({FailureClass.TRANSIENT, FailureClass.RETRY_NOW})
"""Classes in which a plain resume can be right without anybody."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One known failure."""

    id: str
    engine: str
    failure_class: FailureClass
    says: str
    checks: tuple[str, ...] = ()
    then: Remedy = Remedy.UNKNOWN
    never: str = ""
    side: str = ""
    native: tuple[str, ...] = ()
    """Codes of the failure as NAMESPACE:VALUE in the spelling that `codes.normal` gives."""
    phrases: tuple[Phrase, ...] = ()
    excluded: tuple[Phrase, ...] = ()
    """What must not be said beside it."""
    needs_both: bool = False
    """Neither a code nor a phrase is enough."""
    is_fallback: bool = False
    """It applies only where nothing else does: a wrapper, a general SQLSTATE."""
    during: str = ""
    """`load` or `changes` where the text means this only in that part of a task's work."""
    automatic: bool = False
    source: str = ""
    checked: str = ""
    examples: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tail:
    """What may stand beside a cause without changing it."""

    phrases: tuple[Phrase, ...] = ()
    native: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entries:
    """What one file says."""

    engine: str
    failures: tuple[Failure, ...] = ()
    tails: tuple[Tail, ...] = ()


class InvalidEntries(ValueError):
    """A file of entries is wrong. The words name file, line, entry and field, one mistake a line."""


@dataclass(slots=True)
class _Mistakes:
    """What is wrong with a file."""

    file: str
    lines: Sequence[str]
    found: list[str] = field(default_factory=list)

    def add(self, block: int | None, name: str, key: str, words: str) -> None:
        """Notes that `key` of the entry `name`, in the block that begins at line `block`, is wrong."""
        where = f"{self.file}:{self._line(block, key)}"
        self.found.append(f"{where}: {name}: {key}: {words}" if name else f"{where}: {key}: {words}")

    def _line(self, block: int | None, key: str) -> int:
        start = block or 0
        for number, line in enumerate(self.lines[start:], start + 1):
            if line.startswith("[[") and number > start + 1 and block is not None:
                break
            if re.match(rf"\s*{re.escape(key)}\s*=", line):
                return number
        return start + 1 if block is None else block


def read_entries(text: str, file: str) -> Entries:
    """The entries of a TOML file called `file`; InvalidEntries where something is wrong with it."""
    document = read_toml(text, file)
    mistakes = _Mistakes(file, text.splitlines())
    engine = document.get("engine")
    if not isinstance(engine, str) or not re.fullmatch(r"[a-z0-9_-]{2,32}", engine):
        mistakes.add(None, "", "engine", "names the family in small letters, such as oracle or network")
        engine = ""
    for key in document.keys() - {"engine", "failure", "tail"}:
        mistakes.add(None, "", key, "is no field of a file; there are engine, [[failure]] and [[tail]]")
    failures = _blocks(document, "failure", mistakes, lambda raw, block: _failure(raw, engine, block, mistakes))
    tails = _blocks(document, "tail", mistakes, lambda raw, block: _tail(raw, block, mistakes))
    if mistakes.found:
        raise InvalidEntries("\n".join(mistakes.found))
    return Entries(engine, tuple(failures), tuple(tails))


def read_toml(text: str, file: str) -> dict[str, Any]:
    """What a TOML file called `file` has; InvalidEntries if it is none."""
    # In Lambda nobody reads TOML.
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidEntries(f"{file}: {exc}") from exc


def read_failures(raws: Sequence[Mapping[str, Any]], place: str) -> tuple[Failure, ...]:
    """Failures that were kept as JSON at `place`, each with its engine; InvalidEntries if one of them is wrong."""
    mistakes = _Mistakes(place, ())
    found = []
    for raw in raws:
        checked = raw.get("checked")
        with suppress(ValueError):
            checked = datetime.date.fromisoformat(checked) if isinstance(checked, str) else checked
        found.append(_failure({**raw, "checked": checked}, str(raw.get("engine", "")), 1, mistakes))
    if mistakes.found:
        raise InvalidEntries("\n".join(mistakes.found))
    return tuple(failure for failure in found if failure is not None)


def _blocks(
    document: Mapping[str, Any], kind: str, mistakes: _Mistakes, read: Callable[[Mapping[str, Any], int], Any]
) -> list[Any]:
    starts = [number for number, line in enumerate(mistakes.lines, 1) if line.strip() == f"[[{kind}]]"]
    raws = document.get(kind, [])
    if not isinstance(raws, list):
        mistakes.add(None, "", kind, f"is written as [[{kind}]]")
        return []
    return [read(raw, starts[index] if index < len(starts) else 1) for index, raw in enumerate(raws)]


_TEXT = "is a text"
_TEXTS = "is a list of texts"
_FIELDS: dict[str, str] = {
    **dict.fromkeys(("id", "class", "says", "side", "then", "never", "source", "needs", "during", "engine"), _TEXT),
    **dict.fromkeys(("native", "text", "not", "check", "examples", "near"), _TEXTS),
    **dict.fromkeys(("automatic", "judgement", "fallback"), "is true or false"),
    "checked": "is a date such as 2026-11-27",
}
_REQUIRED = ("id", "class", "says", "then", "checked", "examples")
_CHOICES: dict[str, tuple[str, ...]] = {
    "class": tuple(kind.value for kind in FailureClass),
    "then": tuple(remedy.value for remedy in Remedy if remedy is not Remedy.UNKNOWN),
    "side": ("source", "target"),
    "needs": ("both",),
    "during": ("load", "changes"),
}


def _is_a(value: object, form: str) -> bool:
    if form == _TEXT:
        return isinstance(value, str) and bool(value.strip())
    if form == _TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)
    return isinstance(value, datetime.date if form.startswith("is a date") else bool)


def _failure(raw: Mapping[str, Any], engine: str, block: int, mistakes: _Mistakes) -> Failure | None:
    name = raw.get("id") if isinstance(raw.get("id"), str) else "an entry without an id"
    before = len(mistakes.found)

    def wrong(key: str, words: str) -> None:
        mistakes.add(block, str(name), key, words)

    for key, value in raw.items():
        if key not in _FIELDS:
            wrong(key, f"is no field of an entry; there are {', '.join(sorted(_FIELDS))}")
        elif not _is_a(value, _FIELDS[key]):
            wrong(key, _FIELDS[key])
        elif key in _CHOICES and value not in _CHOICES[key]:
            wrong(key, f"is one of {', '.join(_CHOICES[key])}, not {value}")
    for key in _REQUIRED:
        if key not in raw:
            wrong(key, "is missing")
    if len(mistakes.found) > before:
        return None
    _hold_together(raw, wrong)
    native = _native(raw.get("native", ()), wrong)
    return Failure(
        raw["id"],
        raw.get("engine", engine),
        FailureClass(raw["class"]),
        _one_line(raw["says"]),
        tuple(map(_one_line, raw.get("check", ()))),
        Remedy(raw["then"]),
        _one_line(raw.get("never", "")),
        raw.get("side", ""),
        native,
        _phrases(raw.get("text", ()), "text", wrong),
        _phrases(raw.get("not", ()), "not", wrong, shortest=1),
        raw.get("needs") == "both",
        raw.get("fallback", False),
        raw.get("during", ""),
        raw.get("automatic", False),
        raw.get("source", ""),
        str(raw["checked"]),
        tuple(raw["examples"]),
        tuple(raw.get("near", ())),
    )


def _hold_together(raw: Mapping[str, Any], wrong: Callable[[str, str], None]) -> None:
    """Says what contradicts something else in the same entry."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{2,79}", raw["id"]):
        wrong("id", "has small letters, digits and hyphens")
    if not raw.get("native") and not raw.get("text"):
        wrong("text", "is missing, and so is native: nothing would ever match")
    if raw.get("needs") and not (raw.get("native") and raw.get("text")):
        wrong("needs", "wants both native and text")
    if not raw.get("source") and not raw.get("judgement"):
        wrong("source", "is missing: name the page, or write judgement = true")
    if raw.get("automatic") and FailureClass(raw["class"]) not in HARMLESS:
        wrong("automatic", f"is for {' and '.join(sorted(HARMLESS))} alone, not for {raw['class']}")
    if any(str(code).endswith("*") for code in raw.get("native", ())) and not raw.get("fallback"):
        wrong("native", "has a family of codes: that is for a fallback alone")
    if raw.get("automatic") and raw.get("fallback"):
        wrong("automatic", "is not for a fallback: it says too little")


def _native(values: Sequence[str], wrong: Callable[[str, str], None]) -> tuple[str, ...]:
    found = []
    for value in values:
        namespace, _, number = value.partition(":")
        if not number or (namespace not in NAMESPACES and namespace != NATIVE):
            wrong("native", f"“{value}” is not NAMESPACE:VALUE with one of {', '.join(sorted(NAMESPACES))}")
        else:
            found.append(f"{namespace}:{normal(namespace, number)}")
    return tuple(found)


def _phrases(
    texts: Sequence[str], key: str, wrong: Callable[[str, str], None], shortest: int = SHORTEST_PHRASE
) -> tuple[Phrase, ...]:
    found = []
    for text in texts:
        phrase = Phrase.of(text)
        if phrase.weight < shortest:
            wrong(key, f"“{text}” is too short to recognise anything by, quoted text apart")
        found.append(phrase)
    return tuple(found)


def _tail(raw: Mapping[str, Any], block: int, mistakes: _Mistakes) -> Tail:
    def wrong(key: str, words: str) -> None:
        mistakes.add(block, "tail", key, words)

    for key, value in raw.items():
        if key not in ("about", "text", "native"):
            wrong(key, "is no field of a tail; there are about, text and native")
        elif not _is_a(value, _TEXT if key == "about" else _TEXTS):
            wrong(key, _TEXT if key == "about" else _TEXTS)
            return Tail()
    return Tail(_phrases(raw.get("text", ()), "text", wrong, shortest=2), _native(raw.get("native", ()), wrong))


def _one_line(text: str) -> str:
    return " ".join(text.split())
