"""Text from outside, made harmless: Qlik's messages, names, causes, model output.

Whatever a database or a person wrote ends up on a terminal. Control characters, ANSI and OSC sequences and
bidirectional overrides are removed at the border; markup is the widget's to escape.
"""

from __future__ import annotations

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


def _kept(text: str, multiline: bool) -> Iterator[str]:
    for char in text:
        category = unicodedata.category(char)
        if char in "\n\r\t" or category in ("Zl", "Zp"):
            yield char if multiline and char in "\n\t" else " "
        elif category not in ("Cc", "Cs", "Co", "Cn", "Cf") or char in "\u200c\u200d":
            yield char


def harmless(text: object, cap: int = MESSAGE_CAP, *, multiline: bool = False) -> str:
    """`text` without anything that could steer a terminal, cut to `cap` characters with a mark where it was cut.

    Newlines and tabs become spaces unless `multiline`. Other control characters, lone surrogates, and format
    characters (bidi overrides, zero-width marks other than the joiners) are dropped.
    """
    raw = str(text)
    # Ten times the cap is enough to have `cap` visible characters left; 200 KB need not be walked.
    head = raw[: cap * 10]
    joined = head if head.isprintable() else "".join(_kept(_ANSI.sub("", head.replace("\r\n", "\n")), multiline))
    if not multiline:
        joined = re.sub(r" {2,}", " ", joined).strip()
    if len(joined) > cap or len(raw) > cap * 10:
        return joined[: cap - 1] + "…"
    return joined


def fitted(text: str, size: int) -> str:
    """The longest beginning of `text` that takes at most `size` bytes in JSON, with a mark where it was cut.

    Counted in JSON's ASCII spelling, the longest there is: an emoji takes 12 bytes.
    """
    if len(json.dumps(text)) - 2 <= size:
        return text
    left = size - len(json.dumps("…")) + 2
    for index, char in enumerate(text):
        left -= len(json.dumps(char)) - 2
        if left < 0:
            return text[:index] + "…"
    return text
