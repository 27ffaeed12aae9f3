"""The units of presentation: a piece of text with a tone, a labelled line of them, a titled section, a column.

A tone says what a text means; only the front end knows how that looks. Words carry the same meaning, so that
nothing is lost without colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from qlikops.domain.text import MESSAGE_CAP, harmless


class Tone(StrEnum):
    """What a text means to the person who reads it."""

    NEUTRAL = "neutral"
    MUTED = "muted"
    GOOD = "good"
    INFO = "info"
    WARNING = "warning"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Span:
    """Plain text in one tone. Never markup: front ends show it as it is."""

    text: str
    tone: Tone = Tone.NEUTRAL


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


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column."""

    key: str
    header: str
    width: int
    """Cells; for the flexible column the least it can do with."""
    right: bool = False
    flexible: bool = False
    """Takes what the others leave; one a table."""


def outside(text: object, tone: Tone = Tone.NEUTRAL, cap: int = MESSAGE_CAP, *, before: str = "") -> Span:
    """A span of text that came from outside: one line, harmless, capped; `before` is our own words ahead of it."""
    return Span(before + harmless(text, cap), tone)


def line(label: str, *spans: Span | str) -> Line:
    """A line of our own words and of spans."""
    return Line(label, tuple(span if isinstance(span, Span) else Span(span) for span in spans))


def plain(spans: Iterable[Span]) -> str:
    """The text of `spans`."""
    return "".join(span.text for span in spans)


def as_text(sections: Iterable[Section], label_width: int = 12) -> str:
    """Sections as plain text, for pipes, screen readers and copying."""
    blocks: list[str] = []
    for section in sections:
        lines = [section.title] if section.title else []
        lines += [f"{entry.label:<{label_width}} {entry.text}".rstrip() for entry in section.lines]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~])")


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


def fit(columns: Sequence[Column], width: int, drop_first: Sequence[str], padding: int = 2) -> tuple[Column, ...]:
    """The columns that fit in `width` cells, the flexible one widened to what is left.

    Columns named in `drop_first` go, in that order, while the rest does not fit. `padding` is what a front end adds
    to each column.
    """
    kept = list(columns)
    for key in drop_first:
        if sum(column.width + padding for column in kept) <= width:
            break
        kept = [column for column in kept if column.key != key]
    spare = max(0, width - sum(column.width + padding for column in kept))
    return tuple(replace(column, width=column.width + spare) if column.flexible else column for column in kept)


def spread(columns: Sequence[Column], width: int, content: Mapping[str, int], padding: int = 2) -> tuple[Column, ...]:
    """`columns` with cells that stand empty given to what would be cut, the flexible column first.

    `content` is how many cells the longest text of each column takes, by its key; 0 where all that it has is nothing.
    While nothing is cut the columns stay as they are. While the flexible one is, a column with nothing in it goes.
    """
    needs = {column.key: max(len(column.header), content.get(column.key, column.width)) for column in columns}
    if all(needs[column.key] <= column.width for column in columns):
        return tuple(columns)
    if any(column.flexible and needs[column.key] > column.width for column in columns):
        columns = [column for column in columns if content.get(column.key, 1) or column.flexible]
    widths = {column.key: min(column.width, needs[column.key]) for column in columns}
    room = max(0, width - sum(widths.values()) - padding * len(columns))
    cut_first = sorted(columns, key=lambda column: not column.flexible)
    usual = {column.key: column.width for column in columns}
    for wanted in (needs, usual):
        for column in cut_first:
            more = min(room, max(0, wanted[column.key] - widths[column.key]))
            widths[column.key] += more
            room -= more
    return tuple(replace(column, width=widths[column.key]) for column in columns)


Cells: TypeAlias = Mapping[str, Span]
"""A row: column key -> cell."""
