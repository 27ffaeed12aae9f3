"""All entries, indexed so that a message is held only against what can match it.

In a checkout and in the wheel the entries are TOML. The Lambda bundle has their index as JSON, which loads in a small
part of the time; what of it a message needs is made when it is needed.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from qlikops.agent.diagnosis.codes import NUMBERED, family
from qlikops.agent.diagnosis.engines import EVERYWHERE, spoken_by
from qlikops.agent.diagnosis.entry import Entries, Failure, InvalidEntries, read_entries
from qlikops.agent.diagnosis.phrases import Phrase
from qlikops.domain.fleet.diagnosis import FailureClass, Remedy

ENTRIES = Path(__file__).parent / "entries"
COMPILED = Path(__file__).parent / "entries.json"
"""Name of the index that stands in the Lambda bundle in place of the folder."""

PhraseSpan = tuple[int, int]
"""Start and end of a phrase in what a message says."""
Index = dict[str, Any]
"""The entries as JSON."""

_LONGEST_STATE = 5
_ID, _SHARED = 0, (6, 13)
"""Places in a failure as the index has it: its id, and what it has from `texts`."""
_WORD = re.compile(r"\w+")


class Library:
    """Known failures and known tails."""

    def __init__(self, index: Index, *, vouching: Library | None = None, lacks_own: bool = False) -> None:
        self.vouching = vouching
        """What must call a failure automatic too before it is; None where this library decides alone."""
        self.lacks_own = lacks_own
        """Whether a team's own entries, which might be stricter, could not be read."""
        self._index = index
        self._made: dict[int, Failure] = {}
        self._numbers = _numbers(index["codes"])
        self._names = frozenset(index["names"])
        self._phrases = _Phrases(index["words"], index["wordless"])
        self._tails = _Phrases(index["tails"])

    def __len__(self) -> int:
        return len(self._index["failures"])

    def failure(self, number: int) -> Failure:
        """The failure with that number, as far as judging needs it: without codes, phrases, examples."""
        if number not in self._made:
            self._made[number] = _failure(self._index["failures"][number], self._index["texts"])
        return self._made[number]

    def named(self, name: str) -> Failure | None:
        """The failure whose id is `name`."""
        numbers = (number for number, raw in enumerate(self._index["failures"]) if raw[0] == name)
        number = next(numbers, None)
        return None if number is None else self.failure(number)

    def without(self, name: str) -> Library:
        """The entries without the one called `name`."""
        number = next((number for number, raw in enumerate(self._index["failures"]) if raw[0] == name), -1)
        return _LibraryWithout(self, number)

    def is_tail(self, code: str, engines: frozenset[str] = frozenset()) -> bool:
        """Whether NAMESPACE:VALUE says nothing by itself: anywhere, or where one of `engines` speaks."""
        owners = self._index["tail_codes"].get(code)
        return bool(owners) and any(engine in EVERYWHERE or spoken_by(engine, engines) for engine in owners)

    def by_code(self, code: str) -> Sequence[int]:
        """Numbers of the failures with that code, or else of those with its family."""
        codes = self._index["codes"]
        found: Sequence[int] = codes.get(code, ())
        if not found and not self.is_tail(code):
            namespace, _, value = code.partition(":")
            found = codes.get(f"{namespace}:{family(value)}", ())
        return found

    def by_number(self, value: str) -> Sequence[tuple[str, int]]:
        """The engines to which that value, or else its family, belongs, each with the number of a failure."""
        found: Sequence[tuple[str, int]] = self._numbers.get(value, ()) or self._numbers.get(family(value), ())
        return found

    def by_name(self, said: str, words: frozenset[str]) -> Iterator[tuple[PhraseSpan, int]]:
        """Where names of codes stand in `said`, whose words are `words`, each with the number of a failure."""
        for word in sorted(self._names & words):
            for name, number in self._index["names"][word]:
                start = said.find(name)
                if start >= 0:
                    yield (start, start + len(name)), number

    def by_phrase(self, folded: str, words: frozenset[str]) -> Iterator[tuple[int, PhraseSpan]]:
        """Number of a failure, and where one of its phrases stands in `folded`, whose words are `words`."""
        return self._phrases.find(folded, words)

    def tails_in(self, folded: str, words: frozenset[str]) -> Iterator[PhraseSpan]:
        """Where known tails stand in `folded`, whose words are `words`."""
        return (found for _, found in self._tails.find(folded, words))


class _LibraryWithout(Library):
    """All of another library but one failure."""

    def __init__(self, whole: Library, hidden: int) -> None:
        vars(self).update(vars(whole))
        self._hidden = hidden

    def by_code(self, code: str) -> Sequence[int]:
        return [number for number in super().by_code(code) if number != self._hidden]

    def by_number(self, value: str) -> Sequence[tuple[str, int]]:
        return [found for found in super().by_number(value) if found[1] != self._hidden]

    def by_name(self, said: str, words: frozenset[str]) -> Iterator[tuple[PhraseSpan, int]]:
        return (found for found in super().by_name(said, words) if found[1] != self._hidden)

    def by_phrase(self, folded: str, words: frozenset[str]) -> Iterator[tuple[int, PhraseSpan]]:
        return (found for found in super().by_phrase(folded, words) if found[0] != self._hidden)


class _Phrases:
    """Phrases with their owners, by a word of theirs; each is made when its word is met for the first time."""

    def __init__(self, by_word: Mapping[str, Sequence[Any]], wordless: Sequence[Any] = ()) -> None:
        self._by_word = by_word
        self._words = frozenset(by_word)
        self._wordless = wordless
        self._made: dict[str, list[tuple[int, Phrase, str]]] = {}

    def find(self, folded: str, words: frozenset[str]) -> Iterator[tuple[int, PhraseSpan]]:
        # A phrase in a language that writes no blanks has no word to be looked up by.
        wordless = () if folded.isascii() else ("",)
        for word in (*wordless, *sorted(self._words & words)):
            for owner, phrase, needed in self._made.get(word) or self._make(word):
                if not needed or needed in words:
                    for found in phrase.find(folded):
                        yield owner, found

    def _make(self, word: str) -> list[tuple[int, Phrase, str]]:
        written = self._by_word[word] if word else self._wordless
        self._made[word] = [(owner, Phrase(parts, holes), needed) for owner, parts, holes, needed in written]
        return self._made[word]


_IN_USE: ContextVar[Library | None] = ContextVar("_IN_USE", default=None)


def library() -> Library:
    """The entries that messages are read by: those that are in use, or the built-in ones."""
    in_use = _IN_USE.get()
    return _library() if in_use is None else in_use


@contextmanager
def using(entries: Library) -> Iterator[None]:
    """Within it, this thread reads messages by `entries`."""
    before = _IN_USE.set(entries)
    try:
        yield
    finally:
        _IN_USE.reset(before)


def with_own(own: Iterable[Failure], *, may_be_automatic: bool) -> Library:
    """The built-in entries and a team's `own`; of several with one id the last counts, and no built-in one.

    Unless they `may_be_automatic`, nothing is automatic by them that is not by the built-in entries alone.
    """
    by_id = {failure.id: failure for failure in own}
    index = _joined(_built_in_index(), index_of([Entries("", tuple(by_id.values()))]))
    return Library(index, vouching=None if may_be_automatic else _library())


@functools.cache
def without_own() -> Library:
    """The built-in entries alone, if a team's own ones cannot be read: nothing is automatic by them."""
    return Library(_built_in_index(), lacks_own=True)


@functools.cache
def _library() -> Library:
    return Library(_built_in_index())


@functools.cache
def _built_in_index() -> Index:
    if COMPILED.exists():
        index: Index = json.loads(COMPILED.read_text(encoding="utf-8"))
        return index
    return index_of(built_in())


@functools.cache
def built_in() -> tuple[Entries, ...]:
    """The built-in entries as they are written, with examples; not in Lambda."""
    return tuple(read_files(sorted(ENTRIES.glob("*.toml"))))


def compiled() -> str:
    """The built-in entries as the JSON that the Lambda bundle has."""
    return json.dumps(index_of(built_in()), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def read_files(paths: Iterable[Path]) -> list[Entries]:
    """The entries of several files; InvalidEntries with the mistakes of all of them."""
    found: list[Entries] = []
    mistakes: list[str] = []
    for path in paths:
        try:
            found.append(read_entries(path.read_text(encoding="utf-8"), path.name))
        except InvalidEntries as exc:
            mistakes.append(str(exc))
        except (OSError, UnicodeDecodeError) as exc:
            mistakes.append(f"{path.name}: {exc}")
    ids = Counter(failure.id for entries in found for failure in entries.failures)
    mistakes += [f"id: {count} entries are called {name}" for name, count in ids.items() if count > 1]
    if mistakes:
        raise InvalidEntries("\n".join(mistakes))
    return found


def index_of(files: Iterable[Entries]) -> Index:
    """The index of several files' entries."""
    files = list(files)
    failures = [failure for entries in files for failure in entries.failures]
    tails = [tail for entries in files for tail in entries.tails]
    codes: dict[str, list[int]] = {}
    names: dict[str, list[tuple[str, int]]] = {}
    for number, failure in enumerate(failures):
        for code in failure.native:
            value = code.partition(":")[2]
            codes.setdefault(code, []).append(number)
            if not value.isdigit() and not value.endswith("*") and len(value) > _LONGEST_STATE:
                names.setdefault(max(_WORD.findall(value.lower()), key=len), []).append((value, number))
    # Many entries share these, and the bundle has a limit.
    texts = sorted({text for failure in failures for text in (failure.never, failure.source)})
    examples = Counter(
        word for failure in failures for text in failure.examples for word in set(_WORD.findall(text.lower()))
    )
    owned = [(number, phrase) for number, failure in enumerate(failures) for phrase in failure.phrases]
    words, wordless = _by_word(owned, examples)
    return {
        "failures": [_raw(failure, texts) for failure in failures],
        "texts": texts,
        "codes": codes,
        "names": names,
        "words": words,
        "wordless": wordless,
        "tails": _by_word([(0, phrase) for tail in tails for phrase in tail.phrases], examples)[0],
        "tail_codes": {
            code: sorted({each.engine for each in files for tail in each.tails if code in tail.native})
            for code in sorted({code for tail in tails for code in tail.native})
        },
    }


def _joined(base: Index, own: Index) -> Index:
    """`base` with the failures of `own`, each in the place of the one with its id if there is one."""
    failures, texts = list(base["failures"]), [*base["texts"], *own["texts"]]
    numbers = {raw[_ID]: number for number, raw in enumerate(failures)}
    taken, number_of = set(), []
    for raw in own["failures"]:
        moved = list(raw)
        for place in _SHARED:
            moved[place] += len(base["texts"])
        number = numbers.get(raw[_ID], len(failures))
        if number < len(failures):
            failures[number] = moved
            taken.add(number)
        else:
            failures.append(moved)
        number_of.append(number)

    def owners(key: str, place: int) -> dict[str, list[Any]]:
        """One of the maps from a text to what it leads to, where `place` is that of a failure's number."""
        found = {text: [each for each in owned if each[place] not in taken] for text, owned in base[key].items()}
        for text, owned in own[key].items():
            found[text] = [*found.get(text, ()), *(_with(each, place, number_of) for each in owned)]
        return {text: owned for text, owned in found.items() if owned}

    codes = {code: [number for number in owned if number not in taken] for code, owned in base["codes"].items()}
    for code, owned in own["codes"].items():
        codes[code] = [*codes.get(code, ()), *(number_of[number] for number in owned)]
    wordless = [each for each in base["wordless"] if each[0] not in taken]
    return {
        **base,
        "failures": failures,
        "texts": texts,
        "codes": {code: owned for code, owned in codes.items() if owned},
        "names": owners("names", 1),
        "words": owners("words", 0),
        "wordless": [*wordless, *(_with(each, 0, number_of) for each in own["wordless"])],
    }


def _with(owned: Sequence[Any], place: int, number_of: Sequence[int]) -> list[Any]:
    """`owned` with its failure's number of another index."""
    moved = list(owned)
    moved[place] = number_of[moved[place]]
    return moved


def _by_word(
    owned: Sequence[tuple[int, Phrase]], examples: Mapping[str, int]
) -> tuple[dict[str, list[Any]], list[Any]]:
    """The phrases by the rarest of their words, and those that have none.

    A word that is in many `examples` is in many messages, and would lead to the phrase in vain.
    """
    counts = Counter(word for _, phrase in owned for word in set(phrase.words))
    counts.update(examples)
    found: dict[str, list[Any]] = {}
    wordless: list[Any] = []
    for owner, phrase in owned:
        rarest = min(phrase.words, key=lambda word: (counts[word], -len(word), word), default="")
        # Another rare word rules out most of what the first one lets through.
        second = min(set(phrase.words) - {rarest}, key=lambda word: (counts[word], -len(word), word), default="")
        (found.setdefault(rarest, []) if rarest else wordless).append((owner, phrase.parts, phrase.holes, second))
    return found, wordless


def _numbers(codes: Mapping[str, Sequence[int]]) -> dict[str, list[tuple[str, int]]]:
    """Each value that may follow `NativeError`, with the engines whose it is and the numbers of their failures."""
    found: dict[str, list[tuple[str, int]]] = {}
    for code, numbers in codes.items():
        namespace, _, value = code.partition(":")
        if namespace in NUMBERED:
            found.setdefault(value, []).extend((NUMBERED[namespace], number) for number in numbers)
    return found


def _raw(failure: Failure, texts: Sequence[str]) -> list[Any]:
    return [
        failure.id,
        failure.engine,
        failure.failure_class.value,
        failure.says,
        failure.checks,
        failure.then.value,
        texts.index(failure.never),
        failure.side,
        [[phrase.parts, phrase.holes] for phrase in failure.excluded],
        failure.needs_both,
        failure.is_fallback,
        failure.during,
        failure.automatic,
        texts.index(failure.source),
    ]


def _failure(raw: Sequence[Any], texts: Sequence[str]) -> Failure:
    name, engine, kind, says, checks, then, never, side, excluded, needs, is_fallback, during, automatic, source = raw
    phrases = tuple(Phrase(tuple(parts), tuple(holes)) for parts, holes in excluded)
    return Failure(
        name,
        engine,
        FailureClass(kind),
        says,
        tuple(checks),
        Remedy(then),
        texts[never],
        side,
        (),
        (),
        phrases,
        needs,
        is_fallback,
        during,
        automatic,
        texts[source],
    )
