"""Which of the known failures a message is, and how sure that is.

An exact entry counts before a fallback, among exact ones the stricter class. A harmless class holds only if nothing
in the message speaks against it; a message of which a part is missing is never taken for a harmless one.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import field, replace
from itertools import pairwise

from qlikops.agent.diagnosis import doubts
from qlikops.agent.diagnosis.codes import BROAD, NATIVE, Code
from qlikops.agent.diagnosis.engines import EVERYWHERE, SERVICES, engine_of, is_kin, named_in, spoken_by
from qlikops.agent.diagnosis.entry import HARMLESS, Failure
from qlikops.agent.diagnosis.library import Library, PhraseSpan, library
from qlikops.agent.diagnosis.parser import Parsed, parse
from qlikops.agent.diagnosis.sentences import NAME, own_sentences
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass

BEFORE, AFTER = 20, 120
"""Characters that a passage has on either side of what an entry was recognised by."""
_MOST_RUNNERS_UP = 5
_TELLING = 4
"""Digits of a number that is known to be one engine's."""
_NEXT = 3
"""Characters between a SQLSTATE and the number that it is the class of."""
_OF_A_LOG = frozenset({"42704", "55000", "58P01"})
"""SQLSTATEs of PostgreSQL: the object is not there, not in the right state, its file is missing. Slots and WAL are
among them, and which of them it is only the prose says.
"""
_PASSES = HARMLESS | {FailureClass.WAIT}
"""Classes that a cut message can't have."""


@dataclass(frozen=True, slots=True)
class MessageContext:
    """What is known of a task beside its message."""

    engines: frozenset[str] = frozenset()
    """Engines of the task's endpoints; empty if they are not known."""
    is_complete: bool = False
    """No endpoint has another engine than those."""
    is_loading: bool | None = None
    """Tables are being loaded; None where that is not known."""

    @classmethod
    def of(cls, source_type: str = "", target_type: str = "", *, is_loading: bool | None = None) -> MessageContext:
        """The context of a task with endpoints of these types, as Enterprise Manager spells them."""
        found = {engine_of(source_type), engine_of(target_type)}
        return cls(frozenset(found - {""}), "" not in found, is_loading)


@dataclass(slots=True)
class _Match:
    """How one entry matches."""

    failure: Failure
    by_code: list[PhraseSpan] = field(default_factory=list)
    by_phrase: list[PhraseSpan] = field(default_factory=list)
    is_sure: bool = False
    """Whether a code or a phrase of the message fits the engine."""
    nearness: int = 0
    """Nearness of the entry's engine; 0 is the nearest."""

    @property
    def is_exact(self) -> bool:
        return self.is_sure and not self.failure.is_fallback

    @property
    def is_certain(self) -> bool:
        """Whether it holds whatever else the message says."""
        return self.is_exact and self.failure.failure_class.is_explained and self.failure.failure_class not in _PASSES

    @property
    def spans(self) -> list[PhraseSpan]:
        return [*self.by_phrase, *self.by_code]

    @property
    def weight(self) -> int:
        """How much of the message speaks for the entry; of two entries of one class, the heavier is meant."""
        return sum(end - start for start, end in self.spans)


@dataclass(frozen=True, slots=True)
class Explained:
    """A message, taken apart, with everything that was found in it."""

    parsed: Parsed
    diagnosis: Diagnosis
    candidates: tuple[Failure, ...] = ()
    """The entries that match, the best first."""


def diagnose(message: str, context: MessageContext | None = None) -> Diagnosis:
    """What `message` means by the entries in use."""
    return _diagnosed(message, context or MessageContext(), library())


# Detection, grouping and wording ask about the same message several times, one task after the other.
@functools.lru_cache(maxsize=1024)
def _diagnosed(message: str, context: MessageContext, entries: Library) -> Diagnosis:
    return explain(message, context, entries, is_whole=False).diagnosis


def explain(
    message: str, context: MessageContext | None = None, entries: Library | None = None, *, is_whole: bool = True
) -> Explained:
    """What `message` means by `entries`, those in use if none are given, with what led there.

    Without `is_whole` what is left unexplained is not looked for if it would change nothing: beside a failure that is
    known for certain and that no resume mends.
    """
    entries = library() if entries is None else entries
    context = context or MessageContext()
    parsed = parse(message)
    matches = _ranked(parsed, context, entries)
    codes = tuple(dict.fromkeys(str(code) for code in parsed.codes if code.is_marked))
    if not matches:
        left = doubts.unexplained(parsed, entries, (), _tail_codes(parsed, entries, context.engines))
        return Explained(parsed, Diagnosis(codes=codes, unexplained=left, is_cut=parsed.is_cut))
    best = matches[0]
    failures = tuple(match.failure for match in matches)
    is_needed = is_whole or not best.is_certain
    left = _what_speaks_against(parsed, entries, matches, context.engines) if is_needed else ""
    diagnosis = _diagnosis(parsed, best, failures, codes, left)
    if diagnosis.automatic and entries.vouching is not None:
        vouched = explain(message, context, entries.vouching).diagnosis
        diagnosis = replace(diagnosis, automatic=vouched.automatic)
    return Explained(parsed, diagnosis, failures)


def _diagnosis(
    parsed: Parsed, best: _Match, failures: tuple[Failure, ...], codes: tuple[str, ...], left: str
) -> Diagnosis:
    found = best.failure
    runners_up = tuple(failure.id for failure in failures[1 : 1 + _MOST_RUNNERS_UP])
    if parsed.is_cut and found.failure_class in _PASSES:
        return Diagnosis(
            codes=codes,
            unexplained=left,
            is_cut=True,
            passage=_passage(parsed, best),
            runners_up=(found.id, *runners_up)[:_MOST_RUNNERS_UP],
        )
    harmless = found.failure_class in HARMLESS
    all_harmless = all(failure.failure_class in HARMLESS or failure.is_fallback for failure in failures)
    is_known = best.is_exact and found.failure_class is not FailureClass.UNKNOWN
    if harmless:
        is_known = is_known and not left and all_harmless
    return Diagnosis(
        found.id,
        found.engine,
        found.failure_class,
        Certainty.KNOWN if is_known else Certainty.LIKELY,
        found.says,
        found.checks,
        found.then,
        found.never,
        found.source,
        found.side,
        automatic=found.automatic and is_known and harmless and not parsed.is_cut,
        codes=codes,
        unexplained=left,
        is_cut=parsed.is_cut,
        passage=_passage(parsed, best),
        runners_up=runners_up,
    )


def _passage(parsed: Parsed, match: _Match) -> str:
    start, end = min(match.spans)
    place = parsed.parts.place
    return parsed.text[max(0, place(start) - BEFORE) : place(end) + AFTER].strip()


def _ranked(parsed: Parsed, context: MessageContext, entries: Library) -> list[_Match]:
    found = _matches(parsed, context, entries)
    kept = [match for match in found.values() if _holds(match, parsed, context)]
    return sorted(
        kept,
        key=lambda match: (
            not match.is_exact,
            match.failure.failure_class.rank,
            match.failure.is_fallback,
            # The entry of an engine that is there says more than that of the network, or of one that may be.
            match.nearness,
            -match.weight,
            match.failure.engine not in EVERYWHERE,
            match.failure.id,
        ),
    )


def _holds(match: _Match, parsed: Parsed, context: MessageContext) -> bool:
    failure = match.failure
    if failure.needs_both and not (match.by_code and match.by_phrase):
        return False
    if failure.during and context.is_loading is not None and context.is_loading != (failure.during == "load"):
        return False
    return not any(next(phrase.find(parsed.folded), None) for phrase in failure.excluded)


def _matches(parsed: Parsed, context: MessageContext, entries: Library) -> dict[int, _Match]:
    named = named_in(parsed.folded, parsed.words)
    found: dict[int, _Match] = {}

    def add(index: int) -> _Match:
        if index not in found:
            failure = entries.failure(index)
            found[index] = _Match(failure, nearness=_nearness(failure.engine, named, context))
        return found[index]

    for code in parsed.codes:
        for index, is_sure in _by_code(code, entries, named, context):
            match = add(index)
            match.by_code.append((code.start, code.end))
            match.is_sure = match.is_sure or is_sure
    for place, index in entries.by_name(parsed.said, parsed.words):
        match = add(index)
        match.by_code.append(place)
        match.is_sure = match.is_sure or _fits(match.failure.engine, named, context)
    for index, place in entries.by_phrase(parsed.folded, parsed.words):
        match = add(index)
        match.by_phrase.append(place)
        match.is_sure = match.is_sure or _fits(match.failure.engine, named, context)
    return found


def _nearness(engine: str, named: frozenset[str], context: MessageContext) -> int:
    """0 for the engine of an endpoint, 1 for one whose words the message has, 2 else."""
    return 0 if engine in context.engines else 1 if engine in named else 2


def _fits(engine: str, named: frozenset[str], context: MessageContext) -> bool:
    """Whether an entry's engine may speak in this message; a driver's header says more than the endpoints' types."""
    if engine in EVERYWHERE or engine in SERVICES:
        return True
    if engine in named:
        return True
    if named and not is_kin(engine, named):
        return False
    return not context.is_complete or spoken_by(engine, context.engines)


def _by_code(
    code: Code, entries: Library, named: frozenset[str], context: MessageContext
) -> Iterator[tuple[int, bool]]:
    """Indexes of the failures with `code`, each with whether it is certain that the code is that engine's."""
    if code.namespace == NATIVE:
        owned = entries.by_number(code.value)
        for engine, index in owned:
            # Some drivers print the same small number whatever happened: it is a code only of an engine that is named.
            is_telling = code.is_marked and not entries.is_tail(str(code))
            speaking = named or (context.engines if is_telling else frozenset())
            if speaking and is_kin(engine, speaking):
                yield index, _fits(entries.failure(index).engine, named, context)
            elif not speaking and is_telling and entries.failure(index).failure_class not in HARMLESS:
                # Whose it is nobody says: enough to be careful, not enough to act.
                yield index, len(code.value) >= _TELLING and len({owner for owner, _ in owned}) == 1
        return
    for index in entries.by_code(str(code)):
        engine = entries.failure(index).engine
        if code.namespace not in BROAD:
            yield index, True
        elif _fits(engine, named, context):
            yield index, engine in EVERYWHERE or bool(named or context.engines)


def _tail_codes(parsed: Parsed, entries: Library, engines: frozenset[str]) -> list[Code]:
    return [code for code in parsed.codes if entries.is_tail(str(code), engines)]


def _theirs(codes: tuple[Code, ...], entries: Library, ours: list[_Match]) -> Iterator[PhraseSpan]:
    """The numbers that are those of a failure of the same class whose engine said the words beside them."""
    said = {(match.failure.engine, match.failure.failure_class) for match in ours if match.by_phrase and match.is_exact}
    for code in codes if said else ():
        owned = entries.by_number(code.value) if code.namespace == NATIVE else ()
        if any((engine, entries.failure(number).failure_class) in said for engine, number in owned):
            yield code.start, code.end


def _states_of(codes: tuple[Code, ...], known: set[PhraseSpan], entries: Library) -> Iterator[Code]:
    """The SQLSTATEs that a driver prints right before a number that is known: they only say its class.

    One by which an engine says something stricter is no mere class.
    """
    for state, number in pairwise(codes):
        if state.namespace != "SQLSTATE" or number.start - state.end > _NEXT:
            continue
        said = map(entries.failure, entries.by_code(str(state)))
        is_strict = any(each.failure_class not in HARMLESS and not each.is_fallback for each in said)
        if (number.start, number.end) in known and not is_strict and state.value not in _OF_A_LOG:
            yield state


def _what_speaks_against(parsed: Parsed, entries: Library, matches: list[_Match], engines: frozenset[str]) -> str:
    """What in the message is no part of the best entry's cause: the first words, or empty."""
    best = matches[0].failure.failure_class
    ours = [match for match in matches if (match.failure.failure_class in HARMLESS) == (best in HARMLESS)]
    spans = [span for match in ours for span in match.spans]
    speaking = engines | {match.failure.engine for match in ours}
    known = {span for match in ours for span in match.by_code}
    known.update(_theirs(parsed.codes, entries, ours))
    codes = [code for code in parsed.codes if (code.start, code.end) in known]
    codes += [*_tail_codes(parsed, entries, speaking), *_states_of(parsed.codes, known, entries)]
    if best in HARMLESS:
        # The stricter readings first: they are what a human must see.
        if words := doubts.objection(parsed, entries):
            return words
        if words := doubts.about_a_row(parsed.folded):
            return words
        if words := doubts.about_the_log(parsed.said, parsed.words, spans):
            return words
        named = known - {(code.start, code.end) for code in parsed.codes}
        own = [code for code in parsed.codes if (code.start, code.end) in known]
        own += [Code(NAME, parsed.said[start:end], start, end) for start, end in sorted(named)]
        spans += own_sentences(parsed.said, own)
    return doubts.unexplained(parsed, entries, spans, codes)
