"""What a task's message says went wrong, for detection, grouping and wording.

Enterprise Manager has no call for logs: the message is all that there is. Whether resuming can work hangs on it, so
only a diagnosis that is certain, and that nothing in the message speaks against, counts as a failure that passes.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum

from qlikops.agent.diagnosis.engines import EVERYWHERE, engine_of, spoken_by
from qlikops.agent.diagnosis.evidence import VALUE_CAP
from qlikops.agent.diagnosis.library import Library, library
from qlikops.agent.diagnosis.parser import parse
from qlikops.agent.diagnosis.ranking import MessageContext, diagnose
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.fleet.task import TaskFacts
from qlikops.domain.words.text import harmless, plain


class MessageClass(StrEnum):
    """What a message means for a resume."""

    POSITION_LOST = "position_lost"
    """The source no longer has the changes from where the task stopped: a resume can't work."""
    ACCESS_REFUSED = "access_refused"
    """The database answered and said no. Trying again changes nothing and may lock the account."""
    CONNECTIVITY = "connectivity"
    """An endpoint wasn't reachable; once it is again, a resume goes on where the task stopped."""
    RETRY_NOW = "retry_now"
    """A deadlock, a lock, a limit, an ended session: the endpoint is there, and a resume works at once."""
    UNMATCHED = "unmatched"

    @property
    def passes(self) -> bool:
        """Whether a plain resume mends it."""
        return self in _PASSING


class EndpointSide(StrEnum):
    """The endpoint that a message is about."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class MessageMatch:
    """What a message was recognised as."""

    message_class: MessageClass
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    doubt: str = ""
    """Why an unmatched message that is cut or likely to pass is not taken for one that passes."""

    @property
    def failure(self) -> str:
        """Id of the known failure that decided the class; empty for an unmatched message."""
        return "" if self.message_class is MessageClass.UNMATCHED else self.diagnosis.failure

    @property
    def passage(self) -> str:
        """What of the message that rests on, in its own words; empty for one of which nothing is certain."""
        return self.diagnosis.passage if self.failure or self.is_known else ""

    @property
    def is_known(self) -> bool:
        """Whether the diagnosis is certain, whatever its class."""
        return self.diagnosis.is_known

    @property
    def lacks_the_cause(self) -> bool:
        """Whether the text is known to be one that comes after the cause, such as that the retries are used up."""
        return bool(self.diagnosis.failure) and not self.diagnosis.failure_class.is_explained

    def words(self, *, quoting: bool) -> str:
        """Words for evidence, with the passage if it is `quoting`; empty if nothing is known and nothing in doubt."""
        found = self.diagnosis
        if not found.failure_class.is_explained:
            return f"nothing known: {self.doubt}" if self.doubt else ""
        name = f"{self.message_class if self.failure else found.failure_class} ({found.failure})"
        if self.failure or self.is_known:
            return name + (f": {self.passage}" if quoting else "")
        return f"probably {name}" + (f": {self.doubt}" if self.doubt else "")


_PASSING: Mapping[MessageClass, FailureClass] = {
    MessageClass.CONNECTIVITY: FailureClass.TRANSIENT,
    MessageClass.RETRY_NOW: FailureClass.RETRY_NOW,
}
"""What a plain resume mends, and the failure class that it takes to be sure of that."""
_PROOF = re.compile(rf"({'|'.join(_PASSING)}) \(([a-z0-9-]+)\)")
_SIDE_WORD = re.compile(r"\b(source|target)\b", re.IGNORECASE)
_IN_QUOTES = re.compile(r"'[^']*'|\"[^\"]*\"")
_COMES_AND_GOES = re.compile(
    r"\S*\d\S*|\b(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|am|pm)\b[.,]?"
    r"|\b[0-9a-f]{8,}\b"
)
"""Parts of a folded text that differ each time the same is said: numbers, dates, handles in hex."""
_LASTING_CODE = re.compile(
    r"\b(?:ORA|TNS)-\d{4,5}\b|\bSQL\d{4,5}[A-Z]\b|\bMsg -?\d{1,12}\b|(?i:\bNativeError\W{1,3})-?\d{1,12}\b"
    r"|(?i:\b(?:error(?:[ _]code)?|errno)\W{1,2}(?:MY-0*)?)\d{4}\b|(?i:\bSQLSTATE\W{0,3})[0-9A-Z]{5}\b"
    r"|[\[(](?:0[0-9A-Z]|2[0-8ADEF]|3[48BCDF]|4[0-4]|5[3-8]|HY|IM|XX|P0)[0-9A-Z]{3}[\])]|\[\d{6,7}\]"
)
"""Numbers that do not come and go. Stored texts have them as written, so this stays as it is whatever codes come to
be known: what waits for an answer would else be another fault after each update.
"""
CODES_CAP = 20
"""Codes of a message that are stored; few have three."""
FAULT_CAP = 120
"""Characters of a message by which a fault is known to people; a longer one has a checksum of all of it behind `…`."""
_WAS_CUT = "a part of the message is missing"
_FAILED = "a connection failed,"
_PASSES = "it may pass by itself,"


def is_proof(words: str, diagnosis: Diagnosis | None = None) -> bool:
    """Whether `words`, of a MessageMatch of this or another version, are those of a failure that passes.

    `diagnosis` speaks for a team's own entry, which may be known only to the run that made it.
    """
    found = _PROOF.match(words)
    if found is None:
        return False
    failure = library().named(found[2]) or (diagnosis if diagnosis and diagnosis.failure == found[2] else None)
    return failure is not None and failure.automatic and failure.failure_class is _PASSING[MessageClass(found[1])]


def judge(facts: TaskFacts) -> MessageMatch:
    """What the task's message says, given its endpoints and how far it has got."""
    loading = (facts.tables_loading or 0) + (facts.tables_queued or 0) > 0
    is_loading = facts.full_load_completed is not True or loading
    context = MessageContext.of(facts.source_type, facts.target_type, is_loading=is_loading)
    return _classified(facts.message, context, library())


def diagnosis_of(facts: TaskFacts, said_before: str = "") -> Diagnosis:
    """What the task's message means, fit to be stored: made harmless and cut.

    `said_before` is an earlier message that has the cause which this one lacks. It explains and opens nothing: a
    diagnosis by it is never automatic.
    """
    found = judge(facts).diagnosis
    if said_before:
        found = replace(judge(replace(facts, message=said_before)).diagnosis, automatic=False)
    return replace(
        found,
        passage=harmless(found.passage, VALUE_CAP),
        unexplained=harmless(found.unexplained, VALUE_CAP),
        codes=found.codes[:CODES_CAP],
        automatic=found.automatic and not library().lacks_own,
    )


def classify(message: str, *, is_loading: bool = False) -> MessageMatch:
    """What `message` says of a task of which nothing else is known. An empty, cut or contradictory one is UNMATCHED."""
    return _classified(message, MessageContext(is_loading=is_loading), library())


# Detection, grouping and wording ask about the same message several times, one task after the other.
@functools.lru_cache(maxsize=256)
def _classified(message: str, context: MessageContext, _: Library) -> MessageMatch:
    found = diagnose(message, context)
    match found.failure_class:
        case FailureClass.POSITION_LOST if found.certainty is Certainty.KNOWN:
            return MessageMatch(MessageClass.POSITION_LOST, found)
        case FailureClass.ACCESS:
            return MessageMatch(MessageClass.ACCESS_REFUSED, found)
        case FailureClass.TRANSIENT if found.automatic:
            return MessageMatch(MessageClass.CONNECTIVITY, found)
        case FailureClass.RETRY_NOW if found.automatic:
            return MessageMatch(MessageClass.RETRY_NOW, found)
        case FailureClass.TRANSIENT | FailureClass.RETRY_NOW:
            return MessageMatch(MessageClass.UNMATCHED, found, _doubt(found))
        case _:
            return MessageMatch(MessageClass.UNMATCHED, found, _missing(found))


def _missing(found: Diagnosis) -> str:
    """What is in the way of knowing more of a message of which a part is missing; empty if that is not it."""
    if not found.is_cut or found.failure:
        return ""
    likely = library().named(found.runners_up[0]) if found.runners_up else None
    if likely is None or likely.failure_class is not FailureClass.TRANSIENT:
        return _WAS_CUT
    return _doubt(found) if found.unexplained else f"{_FAILED} but {_WAS_CUT}"


def _doubt(found: Diagnosis) -> str:
    """Why a message of a failure that may pass is not taken for one that a resume mends."""
    what = _PASSES if found.failure_class is FailureClass.RETRY_NOW else _FAILED
    if found.unexplained:
        return f"{what} but it also says “{found.unexplained}”"
    return f"{what} but it does not say why" if found.certainty is not Certainty.KNOWN else ""


def side_of(facts: TaskFacts) -> EndpointSide | None:
    """Which endpoint the task's message is about: the one it names, or the only one whose engine talks like that."""
    named = _sides_in(facts.message)
    if len(named) == 1:
        return next(iter(named))
    match = judge(facts)
    engine = match.diagnosis.engine
    if not match.failure or not engine or engine in EVERYWHERE:
        return None
    is_source, is_target = (
        spoken_by(engine, frozenset({engine_of(kind)})) for kind in (facts.source_type, facts.target_type)
    )
    if is_source == is_target:
        return None
    return EndpointSide.SOURCE if is_source else EndpointSide.TARGET


@functools.lru_cache(maxsize=256)
def _sides_in(message: str) -> frozenset[EndpointSide]:
    """The endpoints that a message names; kept as long as what it was judged to say."""
    return frozenset(EndpointSide(word.lower()) for word in _SIDE_WORD.findall(parse(message).said))


def fingerprint(message: str, match: MessageMatch | None = None) -> str:
    """What is the same in the messages of one fault: a lost connection, the known failure's id, or the text without
    names and numbers.

    `match` is what `message` was judged to say, where that is known.
    """
    match = match or classify(message)
    # A database that goes away is said in many ways; a refused login and a full disk are two causes.
    if match.message_class is MessageClass.CONNECTIVITY:
        return match.message_class.value
    if match.is_known or match.failure:
        return match.diagnosis.failure
    return _lasting(_IN_QUOTES.sub("#0", message))[:120]


def fault_of(facts: TaskFacts) -> str:
    """What must still be said for the task to have the same fault: the matched class, the id of a failure that passes
    at once, or all of an unknown text.

    Of one task, unlike of a group, nothing but what comes and goes is left out: a reason may stand in quotes, and far
    behind an envelope.
    """
    match = judge(facts)
    if match.message_class is MessageClass.RETRY_NOW:
        # A deadlock is not what a limit is, though a resume mends both.
        return match.diagnosis.failure
    return _text_of(facts.message) if match.message_class is MessageClass.UNMATCHED else match.message_class.value


def still_says(facts: TaskFacts, fault: str) -> bool:
    """Whether the task has the `fault` that `fault_of` gave of it, in this version or an earlier one.

    The same text is the same fault, also if an earlier version did not know it yet.
    """
    return fault in (fault_of(facts), _text_of(facts.message))


def _text_of(message: str) -> str:
    text = " ".join((_lasting(message), *sorted({code[0] for code in _LASTING_CODE.finditer(plain(message))})))
    if len(text) <= FAULT_CAP:
        return text
    return f"{text[:FAULT_CAP]}…{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _lasting(message: str) -> str:
    """`message` folded, with one `#` for whatever comes and goes in it."""
    return re.sub(r"#(?:\s*#)+", "#", " ".join(_COMES_AND_GOES.sub("#", message.casefold()).split()))
