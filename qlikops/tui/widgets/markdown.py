"""Markdown in the colours of the theme, drawn by Rich as one piece of text.

Textual has a widget for each paragraph, item and cell, with its styles and its place in the layout: of a report of one
bad night, seconds until it is shown.
"""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown
from rich.style import Style
from rich.theme import Theme

from qlikops.presentation.tone import Tone
from qlikops.tui.widgets.prose import Palette


class _Heading(Heading):
    """Where the text begins, whatever its level."""

    LEVEL_ALIGN = {}  # noqa: RUF012 - Rich declares it


class _Markdown(Markdown):
    """Links in a report are text from outside: they are written out, and nothing opens a browser."""

    elements = {**Markdown.elements, "heading_open": _Heading}  # noqa: RUF012 - Rich declares it


class ColouredMarkdown:
    """A Rich renderable of `source`, which is text from outside."""

    def __init__(self, source: str, colours: Palette) -> None:
        self._source = source
        heading = colours[Tone.INFO] + Style(bold=True)
        plain = dict.fromkeys(("code", "code_block", "block_quote", "list", "item.number", "link", "link_url", "hr"))
        styles = {**plain, **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "table.header"), heading)}
        styles["table.border"] = colours[Tone.MUTED]
        self._theme = Theme({f"markdown.{name}": style or Style() for name, style in styles.items()})

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with console.use_theme(self._theme):
            yield from console.render(_Markdown(self._source, hyperlinks=False), options)
