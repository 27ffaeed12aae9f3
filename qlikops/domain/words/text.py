"""Text from outside, made harmless: Qlik's messages, names, causes, model output.

Whatever a database or a person wrote ends up on a terminal. Control characters, ANSI and OSC sequences and
bidirectional overrides are removed at the border; markup is the widget's to escape.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import unicodedata
from collections.abc import Iterator

MESSAGE_CAP = 1000
"""Characters kept of one outside text."""

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, ended or not
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_STRING_BEGINS = re.compile(r"\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f]")
"""Begins an OSC, DCS, SOS, PM or APC: a terminal shows nothing of what follows until its end, if there is one."""
_DROPPED = frozenset({"Cc", "Cs", "Co", "Cn", "Cf"})
"""Unicode categories: control, surrogate, private use, unassigned, format."""
_BLANK_LETTERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that show as nothing and are in none of the dropped categories: fillers, variation selectors, joiners."""


def _kept(text: str, multiline: bool) -> Iterator[str]:
    """The characters of `text` that may be shown; unless `multiline`, one blank for several and none in front."""
    is_blank_due, has_begun = False, False
    for char in text:
        category = unicodedata.category(char)
        if char in "\n\r\t" or category in ("Zl", "Zp"):
            char = char if multiline and char in "\n\t" else " "
        elif category in _DROPPED and char not in "\u200c\u200d":
            continue
        if not multiline and (char == " " or (char.isspace() and not has_begun)):
            is_blank_due = has_begun
            continue
        if is_blank_due:
            yield " "
        is_blank_due, has_begun = False, True
        yield char


def harmless(text: object, cap: int = MESSAGE_CAP, *, multiline: bool = False) -> str:
    """`text` without anything that could steer a terminal, cut to `cap` characters with a mark where it was cut.

    Newlines and tabs become spaces unless `multiline`. Other control characters, lone surrogates, and format
    characters (bidi overrides, zero-width marks other than the joiners) are dropped, and cost what follows them none
    of the room.
    """
    raw = str(text)
    if raw.isprintable():
        shown = raw if multiline else raw.strip()
        if not multiline and "  " in shown:
            shown = re.sub(r" {2,}", " ", shown)
    else:
        kept = _kept(_ANSI.sub("", raw.replace("\r\n", "\n")), multiline)
        # One more than the cap shows that there is more; the rest of 200 KB need not be walked.
        shown = "".join(itertools.islice(kept, cap + 1))
    if len(shown) > cap:
        return shown[: cap - 1] + "…"
    return shown if multiline else shown.rstrip()


def unhidden(text: str) -> str:
    """`text` with a blank for whatever would make a terminal hide what follows: it is read like the rest."""
    return _STRING_BEGINS.sub(" ", text)


def plain(text: str) -> str:
    """`text` in compatibility forms (no full width, no ligatures), letters composed, without what shows as nothing."""
    if text.isascii() and text.isprintable():
        return text
    normal = _BLANK_LETTERS.sub("", unicodedata.normalize("NFKC", text))
    return "".join(char for char in normal if char.isspace() or unicodedata.category(char) not in _DROPPED)


def folded(text: str) -> str:
    """The form in which two spellings of one name are equal, whatever their case, width, accents and white space."""
    # Folding can compose anew what it took apart, and the other way round.
    return " ".join(unicodedata.normalize("NFKC", plain(text).casefold()).split())


@functools.lru_cache(maxsize=256)
def symbol(text: str) -> str:
    """An enum's name as it is spelt here, `FATAL_ERROR`, from `fatal error`, `Fatal-Error` and the like."""
    return re.sub(r"[\s_-]+", "_", folded(text)).upper()


def fitted(text: str, size: int) -> str:
    """The longest beginning of `text` that takes at most `size` bytes in JSON, with a mark where it was cut.

    Counted in JSON's ASCII spelling, the longest there is: an emoji takes 12 bytes.
    """
    if len(json.dumps(text)) - 2 <= size:
        return text
    room = size - len(json.dumps("…")) + 2
    taken = itertools.accumulate(len(json.dumps(char)) - 2 for char in text)
    return text[: sum(1 for _ in itertools.takewhile(lambda end: end <= room, taken))] + "…"
