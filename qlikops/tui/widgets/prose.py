"""Spans and sections as Rich renderables. The only place where a tone becomes a colour, and where outside text meets
the screen: always as Text, never as markup.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, ConsoleOptions, Group, OverflowMethod, RenderableType, RenderResult
from rich.rule import Rule
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.color import Color
from textual.dom import DOMNode

from qlikops.presentation.tone import Line, Section, Span, Tone

LABEL_WIDTH, NUMBER_WIDTH = 12, 3
"""Cells of the labels of a section, and of one with nothing but numbers such as `e1`: its values are long."""

Palette = Mapping[Tone, Style]
_VARIABLES = {
    Tone.MUTED: "qlikops-muted",
    Tone.GOOD: "text-success",
    Tone.INFO: "text-primary",
    Tone.WARNING: "text-warning",
    Tone.DANGER: "text-error",
    Tone.LINE: "qlikops-line",
}


class Drawn(Group):
    """Parts that do not change, one below the other, laid out once for a width: Textual asks for the height first."""

    def __init__(self, *parts: RenderableType) -> None:
        super().__init__(*parts)
        self._drawn: dict[tuple[object, ...], list[Segment]] = {}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The segments of all parts, which no height of a widget changes."""
        room = options.max_width, options.justify, options.overflow, options.no_wrap
        if room not in self._drawn:
            self._drawn[room] = [*console.render(Group(*self.renderables), options.reset_height())]
        return self._drawn[room]


def apart(left: Text, right: Text, width: int, *, gap: int = 0, overflow: OverflowMethod = "ellipsis") -> Text:
    """One line of `width` cells: `right` whole, at its edge; `left` cut to what remains, less the gap between them."""
    left = left.copy()
    left.truncate(max(0, width - right.cell_len - gap * bool(right)), overflow=overflow)
    room = max(0, width - left.cell_len - right.cell_len)
    return Text.assemble(left, " " * room, right, no_wrap=True, overflow="crop")


def palette(node: DOMNode) -> Palette:
    """The tones in the colours of the app's theme."""
    variables = node.app.theme_variables
    return _palette(tuple(variables[name] for name in _VARIABLES.values()))


@functools.cache  # every line of every table asks for it
def _palette(colours: tuple[str, ...]) -> Palette:
    found = {
        tone: Style(color=Color.parse(colour).rich_color, bold=True if tone is Tone.DANGER else None)
        for tone, colour in zip(_VARIABLES, colours, strict=True)
    }
    return {Tone.NEUTRAL: Style(), **found}


def text(spans: Iterable[Span], colours: Palette) -> Text:
    """The spans in one Text."""
    return Text.assemble(*((span.text, colours[span.tone]) for span in spans))


def lines(entries: Sequence[Line], colours: Palette) -> Table:
    """Labels in a column of their own, so that long values wrap beside them."""
    grid = Table.grid(padding=(0, 1), expand=True)
    is_numbered = all(0 < len(entry.label) <= NUMBER_WIDTH for entry in entries)
    grid.add_column(width=NUMBER_WIDTH if is_numbered else LABEL_WIDTH, style=colours[Tone.MUTED], no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    for entry in entries:
        grid.add_row(Text(entry.label), text(entry.spans, colours))
    return grid


def ruled(sections: Iterable[Section], colours: Palette) -> RenderableType:
    """Sections one below the other, each title with a line to the edge, which is all that is above the first."""
    parts: list[RenderableType] = []
    for section in sections:
        if section.title:
            title = Text(section.title, Style(bold=True))
            parts += [*([Text()] if parts else []), Rule(title, align="left", style=colours[Tone.MUTED])]
        parts.append(lines(section.lines, colours))
    return Drawn(*parts)


def beside(columns: Sequence[RenderableType]) -> RenderableType:
    """One beside the other; the first has the most room."""
    grid = Table.grid(padding=(0, 2), expand=True)
    for index, _ in enumerate(columns):
        grid.add_column(ratio=2 if index else 3)
    grid.add_row(*columns)
    return Drawn(grid)


def prose(sections: Iterable[Section], colours: Palette) -> RenderableType:
    """Sections one below the other."""
    parts: list[RenderableType] = []
    for section in sections:
        if section.title:
            parts.append(Text(f"\n{section.title}", colours[Tone.INFO] + Style(bold=True)))
        parts.append(lines(section.lines, colours))
    return Drawn(*parts)
