"""`make recording`: the README's moving picture, a shift in some twenty seconds, the same bytes in every run.

Rich draws a still as SVG and no well-kept library draws a moving one, so rows are drawn here from the segments that
Textual paints: a row that stands in several frames is drawn once. CSS shows one frame after the other; there is no
script and no other file, so it plays wherever an image is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from qlikops.tui.themes import DARK
from tests.pictures import IMAGES, SIZE
from tests.unit.tui.scenes import SCENES, Scene
from tests.unit.tui.stills import painted, still

FILE = IMAGES / "recording.svg"
CELL_WIDTH, ROW_HEIGHT, FONT_SIZE = 8.4, 18, 14
"""Pixels."""
NBSP = "\N{NO-BREAK SPACE}"
"""In place of a space: not every viewer keeps several that follow each other."""
INK, PAPER = "#e0e0e0", "#121212"
"""Where a segment names no colour, and around the screen."""

Row = tuple[Segment, ...]


@dataclass(frozen=True)
class Step:
    """A scene, for so many seconds, with what a person does there."""

    name: str
    scene: Scene
    seconds: float
    caption: str


@dataclass(frozen=True)
class Frame:
    """What is seen during a step."""

    step: Step
    rows: Sequence[Row]


STORY = (
    Step("inbox", SCENES["inbox"], 4, "What broke waits in the inbox, the most urgent first."),
    Step("review", SCENES["review"], 4, "Enter: what was seen, what would run, what speaks against it."),
    Step("approve", SCENES["approve"], 4, "a: everything that will be sent, before it is sent."),
    Step(
        "receipt",
        Scene("InboxScreen", (*SCENES["approve"].steps, (("enter",), "y copies the receipt"))),
        3,
        "Enter: it is sent once, and the status line follows it to its end.",
    ),
    Step("shift", SCENES["shift"], 3, "2: what went wrong, what lasted, what is kept quiet."),
    Step("execution", SCENES["execution"], 4, "4: the run behind it, state by state."),
)


@dataclass
class Drawing:
    """Frames as SVG; rows and styles that come again are kept once."""

    rows: dict[Row, int] = field(default_factory=dict)
    styles: dict[str, int] = field(default_factory=dict)

    def svg(self, frames: Sequence[Frame]) -> str:
        """The whole file."""
        columns = max(cell_len("".join(part.text for part in row)) for frame in frames for row in frame.rows)
        lines = max(len(frame.rows) for frame in frames)
        width, height = columns * CELL_WIDTH, (lines + 2) * ROW_HEIGHT
        shown = "".join(self._frame(frame, lines) for frame in frames)
        defined = "".join(self._row(number, row) for row, number in self.rows.items())
        classes = "".join(f".s{number}{{{style}}}" for style, number in self.styles.items())
        name = quoteattr("qlikops: " + " ".join(frame.step.caption for frame in frames))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" role="img" aria-label={name}>\n'
            f"<style>text{{font:{FONT_SIZE}px monospace;fill:{INK}}}{classes}{timing(frames)}</style>\n"
            f'<rect width="100%" height="100%" fill="{PAPER}"/>\n<defs>\n{defined}</defs>\n{shown}</svg>\n'
        )

    def _frame(self, frame: Frame, lines: int) -> str:
        used = "".join(
            f'<use href="#r{self.rows.setdefault(row, len(self.rows))}" y="{y * ROW_HEIGHT}"/>'
            for y, row in enumerate(frame.rows)
        )
        below = (lines + 1) * ROW_HEIGHT + FONT_SIZE / 2
        caption = f'<text x="{CELL_WIDTH:g}" y="{below:g}">{escape(frame.step.caption)}</text>'
        return f'<g id="{frame.step.name}" class="frame">{used}{caption}</g>\n'

    def _row(self, number: int, row: Row) -> str:
        return f'<g id="r{number}">{"".join(self._parts(row))}</g>\n'

    def _parts(self, row: Row) -> Iterable[str]:
        column = 0
        for text, style, _ in row:
            width = cell_len(text)
            ink, paper = _colours(style)
            if paper is not None:
                x, wide = column * CELL_WIDTH, width * CELL_WIDTH
                yield f'<rect x="{x:.1f}" width="{wide:.1f}" height="{ROW_HEIGHT}" fill="{paper}"/>'
            if word := text.strip():
                x = (column + cell_len(text) - cell_len(text.lstrip())) * CELL_WIDTH
                kept = self.styles.setdefault(_css(style, ink), len(self.styles))
                # A viewer's own font may be wider or narrower; the columns stand below one another all the same.
                length = f'textLength="{cell_len(word) * CELL_WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"'
                drawn = escape(word.replace(" ", NBSP))
                yield f'<text class="s{kept}" x="{x:.1f}" y="{FONT_SIZE}" {length}>{drawn}</text>'
            column += width


def timing(frames: Sequence[Frame]) -> str:
    """One frame after the other, for ever; the first alone for those who want nothing to move."""
    total = sum(frame.step.seconds for frame in frames)
    rules, begun = [".frame{visibility:hidden}", f"#{frames[0].step.name}{{visibility:visible}}"], 0.0
    moves = []
    for frame in frames:
        name, start, end = frame.step.name, begun / total * 100, (begun + frame.step.seconds) / total * 100
        hidden_first = "0%{visibility:hidden}" if begun else ""
        hidden_last = "" if frame is frames[-1] else f"{end:.2f}%{{visibility:hidden}}"
        rules.append(f"@keyframes {name}{{{hidden_first}{start:.2f}%{{visibility:visible}}{hidden_last}}}")
        moves.append(f"#{name}{{animation:{name} {total:g}s step-end infinite}}")
        begun += frame.step.seconds
    return "".join((*rules, "@media (prefers-reduced-motion:no-preference){", *moves, "}"))


def _colours(style: Style | None) -> tuple[str, str | None]:
    """Ink and paper; no paper where it shows what lies below."""
    if style is None:
        return INK, None
    ink, paper = (_hexadecimal(colour) for colour in (style.color, style.bgcolor))
    return (paper or PAPER, ink or INK) if style.reverse else (ink or INK, paper)


def _hexadecimal(colour: Color | None) -> str | None:
    return None if colour is None or colour.is_default else colour.get_truecolor().hex


def _css(style: Style | None, ink: str) -> str:
    css = f"fill:{ink}"
    if style is not None:
        css += ";font-weight:bold" if style.bold else ""
        css += ";font-style:italic" if style.italic else ""
        css += ";text-decoration:underline" if style.underline else ""
        css += ";opacity:.6" if style.dim else ""
    return css


async def frames() -> list[Frame]:
    """What the console shows at each step."""
    taken = []
    for step in STORY:
        async with still(step.scene, SIZE, DARK.name) as pilot:
            taken.append(Frame(step, painted(pilot)))
    return taken


if __name__ == "__main__":
    FILE.write_text(Drawing().svg(asyncio.run(frames())), encoding="utf-8")
