"""Drafts an entry from a message that no entry explains yet: what it says without its names, hosts and numbers."""

from __future__ import annotations

import datetime
import json
import re

from qlikops.agent.diagnosis.codes import BROAD, NATIVE, NUMBERED, WORD
from qlikops.agent.diagnosis.engines import FRAME, named_in
from qlikops.agent.diagnosis.entry import SHORTEST_PHRASE
from qlikops.agent.diagnosis.library import Library
from qlikops.agent.diagnosis.phrases import LONGEST_HOLE, Phrase
from qlikops.agent.diagnosis.ranking import Explained, MessageContext, explain
from qlikops.domain.fleet.diagnosis import FailureClass

_LEFT_OUT = re.compile(
    # Replicate's codes and places, what ODBC puts before the words, an engine's own code.
    r"\[1\d{5,6}\]|[(\[](?:[\w-]{1,40}/)?[\w-]{1,60}\.c(?:pp)?:\d{1,6}[)\]]|\bRetCode: SQL_ERROR\b"
    r"|\bSqlState: ?\w{5}\b|\bNativeError: ?-?\d{1,9}\b|\bMessage:|(?:\[[^\]]{1,60}\])+"
    r"|\bLine: -?\d{1,6} Column: -?\d{1,6}"
    r"|\b(?:ORA|TNS)-\d{3,5}\b:?|\bSQL\d{4,5}[A-Z]\b"
)
_PLACE = re.compile(r"[(\[](?:[\w-]{1,40}/)?[\w-]{1,60}\.c(?:pp)?:\d{1,6}[)\]](?: ?\[1\d{5,6}\])?")
_HOST = re.compile(r"\b(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[A-Za-z0-9-]{1,63}\.){2,8}[A-Za-z]{2,24})(?::\d{1,5})?\b")
_NUMBERED = re.compile(r"(?<![\w<])(?=\w{0,60}\d)(?=\w{0,60}[^\W\d])\w{2,120}(?![\w>])")
"""A name that has a number in it: `MEC_0412`, `batch7`."""
_NUMBER = re.compile(r"(?<![\w<])-?\d[\d.,]{0,15}(?![\w>])")
_STANDS_FOR = {"<n>": "1", "<word>": "A1", "<host>": "db1.example.net", "<name>": "x"}
_LONGEST = 160


def draft(message: str, context: MessageContext, entries: Library, kind: FailureClass, says: str, check: str) -> str:
    """An entry as TOML that recognises `message`; ValueError if nothing in it is worth recognising.

    It has none of the message's names: example and phrase have holes filled with made-up ones.
    """
    found = explain(message, context, entries)
    pieces = (piece for frame in found.parsed.frames for piece in _PLACE.split(frame.text))
    clauses = [piece for piece in pieces if _says_something(piece, entries)]
    phrase = max(map(_phrase, clauses), key=_weight, default="")
    native = _native(found, context, entries)
    if _weight(phrase) < SHORTEST_PHRASE:
        raise ValueError("nothing is left of the message without its names and numbers")
    engine = _engine(found, context)
    example = phrase
    for hole, filled in _STANDS_FOR.items():
        example = example.replace(hole, filled)
    name = "-".join(
        re.findall(r"[a-z]{3,}", phrase.lower().replace("<name>", "").replace("<host>", "").replace("<word>", ""))[:4]
    )
    lines = [
        f"engine = {_text(engine)}",
        "",
        "[[failure]]",
        f"id = {_text(f'{engine}-{name}'[:79].rstrip('-'))}",
        *([f"native = [{', '.join(map(_text, native))}]"] if native else []),
        f"text = [{_text(phrase)}]",
        f"class = {_text(kind.value)}",
        f"says = {_text(says)}",
        f"check = [{_text(check)}]",
        'then = "resume"',
        "judgement = true",
        f"checked = {datetime.datetime.now(datetime.UTC).date()}",
        f"examples = [{_text(example)}]",
    ]
    return "\n".join(lines) + "\n"


def _says_something(clause: str, entries: Library) -> bool:
    """Whether it is more than what stands around every cause: headlines, notices, what followed."""
    words = frozenset(WORD.findall(clause.lower()))
    around = sum(end - start for start, end in entries.tails_in(clause.lower(), words))
    return around < len(clause) / 2


def _phrase(clause: str) -> str:
    said = _HOST.sub("<host>", _LEFT_OUT.sub(" ", clause))
    said = _NUMBER.sub("<n>", _NUMBERED.sub("<word>", said)).replace("''", "'<name>'")
    words = " ".join(said.split()).strip(" .;:-")
    return words if len(words) <= _LONGEST else words[:_LONGEST].rpartition(" ")[0]


def _weight(phrase: str) -> int:
    return min(Phrase.of(phrase).weight, LONGEST_HOLE) if phrase else 0


def _engine(found: Explained, context: MessageContext) -> str:
    engines = named_in(found.parsed.folded, found.parsed.words) or context.engines
    return min(engines) if len(engines) == 1 else FRAME


def _native(found: Explained, context: MessageContext, entries: Library) -> list[str]:
    """The codes that say more than a family and that no entry has."""
    engine = _engine(found, context)
    own = {whose: namespace for namespace, whose in NUMBERED.items()}
    codes = [
        f"{own[engine]}:{code.value}" if code.namespace == NATIVE and engine in own else str(code)
        for code in found.parsed.codes
        if code.is_marked and code.namespace not in BROAD and not entries.is_tail(str(code), context.engines)
    ]
    return [code for code in dict.fromkeys(codes) if not code.startswith(f"{NATIVE}:") and not entries.by_code(code)]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
