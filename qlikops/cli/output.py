"""What the commands print: data to stdout, talk to stderr, rich only where something is drawn.

On a terminal tables fit its width and tones have colours (unless NO_COLOR); elsewhere nothing is cut or coloured.
Text is never markup.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import json
import os
import select
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from qlikops.cli.shape import current
from qlikops.cli.yaml import to_yaml
from qlikops.domain.encoding import codec
from qlikops.domain.words.text import harmless
from qlikops.streams import OutputFailed

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from qlikops.presentation.table import Cells, Column, TableOf
    from qlikops.presentation.tone import Line, Section, Span

T = TypeVar("T")

ANY_WIDTH = 100_000
"""Nothing is cut at it."""
_STYLES = {"muted": "dim", "good": "green", "info": "cyan", "warning": "yellow", "danger": "bold red"}


def write_json(value: Any, indent: int | None = 2) -> None:
    """`value` on stdout in the codec's spelling and the shape that was asked for. Raises UsageError.

    Without an `indent` it is one line, as a stream's objects are.
    """
    shape = current()
    for each in shape.of(codec.encode(value)):
        if shape.is_yaml:
            # Of a stream, or of what an expression gives, each is a document.
            write(f"{'---' + chr(10) if indent is None or shape.jq else ''}{to_yaml(each)}")
        elif not shape.jq:
            write(_json(each, indent))
        elif isinstance(each, str):
            write(harmless(each, ANY_WIDTH, multiline=True) if sys.stdout.isatty() else each)
        else:
            write(_json(each))


def _json(value: Any, indent: int | None = None) -> str:
    """`value` as JSON that stdout can encode: with escapes where it lacks a character, so that nothing is lost."""
    written = json.dumps(value, indent=indent, ensure_ascii=False)
    try:
        written.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent)
    return written


def write(text: str) -> None:
    """A line of data on stdout, at once: raises OutputFailed where it cannot be written, not some time later."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def whatever_is_printed(what: str) -> Iterator[None]:
    """Inside, failing to print is said on stderr and nothing else: for `what` is no longer the command's to undo, and
    the exit code has to tell what came of it.
    """
    try:
        yield
    except Exception as exc:
        say(f"{what} could not be printed: {exc}.")


def check_reader() -> None:
    """Raises OutputFailed if no program reads stdout any more, as writing would: between two lines nothing else
    tells.
    """
    if not hasattr(select, "poll"):  # Windows
        return
    try:
        stdout = sys.stdout.fileno()
    except (OSError, ValueError):  # not a file at all
        return
    poller = select.poll()
    poller.register(stdout, 0)
    if any(event & select.POLLERR for _, event in poller.poll(0)):
        raise OutputFailed(errno.EPIPE, os.strerror(errno.EPIPE))


def say(text: str) -> None:
    """A line of talk on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def terminal_width() -> int | None:
    """The width of stdout if it is a terminal and no csv was asked for."""
    if current().is_csv:
        return None
    console = _console(sys.stdout)
    return console.width if console.is_terminal else None


def write_table(columns: Sequence[Column], rows: Iterable[Cells]) -> None:
    """Rows under headers on stdout; on a terminal each column keeps to its width, elsewhere to its content."""
    if current().is_csv:
        _write_csv(columns, rows)
        return
    from rich.table import Table

    fixed = terminal_width() is not None
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column.header,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            width=column.width if fixed else None,
        )
    for row in rows:
        table.add_row(*(_text(row[column.key]) for column in columns))
    _print(table, sys.stdout)


def write_rows(table: TableOf[T], rows: Iterable[T]) -> None:
    """Rows of `table`: on a terminal the columns that fit in it, elsewhere all of them."""
    write_table(table.fit(terminal_width()), map(table.cells, rows))


def _write_csv(columns: Sequence[Column], rows: Iterable[Cells]) -> None:
    """A line of column keys, then a line a row, as RFC 4180 has them but with this system's line ends."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    for row in rows:
        writer.writerow([_no_formula(row[column.key].text) for column in columns])
    sys.stdout.flush()


def _no_formula(text: str) -> str:
    """`text` as a spreadsheet takes it for text: names come from outside."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def write_sections(sections: Iterable[Section], *, to_stderr: bool = False) -> None:
    """Titled, labelled lines, wrapped beside their labels if there is a width to wrap at; a blank between sections."""
    from rich.console import Group
    from rich.text import Text

    blocks: list[RenderableType] = []
    for section in sections:
        if blocks:
            blocks.append(Text())
        if section.title:
            blocks.append(Text(section.title, style="bold"))
        blocks.append(_grid(section.lines))
    _print(Group(*blocks), sys.stderr if to_stderr else sys.stdout)


def write_either(value: Any, sections: Iterable[Section], *, as_json: bool) -> None:
    """`value` as JSON, or what people read of it."""
    if as_json:
        write_json(value)
    else:
        write_sections(sections)


def _grid(lines: Sequence[Line]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, min_width=12)
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(Text(line.label, style="dim"), Text.assemble(*(_text(span) for span in line.spans)))
    return grid


def _print(renderable: RenderableType, file: TextIO) -> None:
    console = _console(file)
    with console.capture() as captured:
        console.print(renderable)
    # rich pads every line to the table's width.
    file.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())
    file.flush()


def _console(file: TextIO) -> Console:
    from rich.console import Console

    width = None if file.isatty() else ANY_WIDTH
    return Console(file=file, width=width, markup=False, highlight=False, emoji=False)


def _text(span: Span) -> Text:
    from rich.text import Text

    return Text(span.text, style=_STYLES.get(span.tone, ""))
