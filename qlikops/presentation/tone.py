"""The units of presentation: a piece of text with a tone, a labelled line of them, a titled section.

A tone says what a text means; only the front end knows how that looks. Words carry the same meaning, so that
nothing is lost without colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from itertools import groupby
from typing import TypeAlias

from qlikops.dataclass import dataclass
from qlikops.domain.words.text import MESSAGE_CAP, harmless


class Tone(StrEnum):
    """What a text means to the person who reads it."""

    NEUTRAL = "neutral"
    MUTED = "muted"
    GOOD = "good"
    INFO = "info"
    WARNING = "warning"
    DANGER = "danger"
    LINE = "line"
    """Tone of rules and dots, never of words."""


@dataclass(frozen=True, slots=True)
class Span:
    """Plain text in one tone. Never markup: front ends show it as it is."""

    text: str
    tone: Tone = Tone.NEUTRAL
    parts: tuple[Span, ...] = ()
    """Pieces in tones of their own, if it is not of one tone; their texts are `text`."""


Spans: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One labelled line; front ends wrap the spans beside the label."""

    label: str
    spans: Spans

    @property
    def text(self) -> str:
        """The spans without tones."""
        return plain(self.spans)


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a title. An untitled one heads a page."""

    title: str
    lines: tuple[Line, ...]


def outside(text: object, tone: Tone = Tone.NEUTRAL, cap: int = MESSAGE_CAP, *, before: str = "") -> Span:
    """A span of text that came from outside: one line, harmless, capped; `before` is our own words ahead of it."""
    return Span(before + harmless(text, cap), tone)


def mixed(*parts: Span) -> Span:
    """A span of several tones, such as for a cell of a table."""
    return Span(plain(parts), Tone.NEUTRAL, parts)


def line(label: str, *spans: Span | str) -> Line:
    """A line of our own words and of spans."""
    return Line(label, tuple(span if isinstance(span, Span) else Span(span) for span in spans))


def joined(pieces: Iterable[tuple[str, Tone]]) -> Spans:
    """Pieces of text with their tones, neighbours of one tone as one span."""
    runs = groupby(pieces, key=lambda piece: piece[1])
    return tuple(Span("".join(text for text, _ in run), tone) for tone, run in runs)


def filled(*titled: tuple[str, Iterable[Line]]) -> tuple[Section, ...]:
    """Sections by title and lines; one without lines is left out."""
    sections = (Section(title, tuple(lines)) for title, lines in titled)
    return tuple(section for section in sections if section.lines)


def plain(spans: Iterable[Span]) -> str:
    """The text of `spans`."""
    return "".join(span.text for span in spans)


def as_text(sections: Iterable[Section]) -> str:
    """Sections as plain text, for pipes, screen readers and copying."""
    blocks: list[str] = []
    for section in sections:
        lines = [section.title] if section.title else []
        lines += [f"{entry.label:<12} {entry.text}".rstrip() for entry in section.lines]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~&])")
"""An ampersand too: `&rlm;` would come out as the control character that was made harmless before."""


def as_markdown(title: str, sections: Iterable[Section]) -> str:
    """Sections as Markdown, a list item a line. No text can be taken for markup."""
    blocks = [f"# {_unmarked(title)}"]
    for section in sections:
        if section.title:
            blocks.append(f"## {_unmarked(section.title)}")
        items = ((_unmarked(entry.label), _unmarked(entry.text)) for entry in section.lines)
        blocks.append("\n".join(f"- **{label}** {text}" if label else f"- {text}" for label, text in items))
    return "\n\n".join(blocks) + "\n"


def _unmarked(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text.strip())
