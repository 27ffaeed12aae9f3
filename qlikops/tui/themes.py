"""The console's own themes. A test computes the contrast of everything that they show, on every screen.

Textual's themes can be chosen too; those are not measured.
"""

from __future__ import annotations

from rich.color import ColorSystem
from textual.theme import BUILTIN_THEMES, Theme

from qlikops.dataclass import dataclass
from qlikops.domain.errors import UsageError
from qlikops.domain.words.naming import did_you_mean


@dataclass(frozen=True, slots=True)
class Colours:
    """What a theme is made of, by what it means. All but `line` are text, and stand on each of the grounds."""

    text: str
    quiet: str
    """Labels, reasons, hints."""
    accent: str
    """What you can act on."""
    green: str
    """What went well."""
    amber: str
    """Soon, late, or with doubt."""
    red: str
    """What is lost or cannot be taken back."""
    line: str
    """Rules and dots, never text."""
    ground: str
    sheet: str
    """Ground of dialogs."""
    bar: str
    """Ground of title, status and keys."""
    row: str
    """Ground of the row that keys are about."""
    row_style: str = "none"
    """If the ground of that row is like any other, what tells it apart beside the cursor."""

    def theme(self, name: str, *, dark: bool) -> Theme:
        """Makes the theme as Textual takes it."""
        return Theme(
            name=name,
            dark=dark,
            primary=self.accent,
            secondary=self.accent,
            accent=self.accent,
            success=self.green,
            warning=self.amber,
            error=self.red,
            foreground=self.text,
            background=self.ground,
            surface=self.sheet,
            panel=self.bar,
            text_alpha=1,
            variables={
                # Textual would tint these towards the background.
                "text-primary": self.accent,
                "text-success": self.green,
                "text-warning": self.amber,
                "text-error": self.red,
                "text-muted": self.quiet,
                "text-disabled": self.quiet,
                "foreground-muted": self.quiet,
                "qlikops-muted": self.quiet,
                "qlikops-line": self.line,
                "qlikops-cursor": self.row,
                "qlikops-cursor-style": self.row_style,
                "block-cursor-foreground": self.text,
                "block-cursor-background": self.row,
                "block-cursor-blurred-foreground": self.text,
                "block-cursor-blurred-background": self.row,
                # Ink on what is filled.
                "button-color-foreground": self.ground,
                "footer-key-foreground": self.accent,
                "footer-description-foreground": self.text,
            },
        )


DARK = Colours(
    text="#dce3eb",
    quiet="#95a2b3",
    accent="#7cc0ff",
    green="#86d3a0",
    amber="#e8b65a",
    red="#ff8585",
    line="#36424f",
    ground="#0e1319",
    sheet="#131a22",
    bar="#18212b",
    row="#1a2f47",
).theme("dark", dark=True)
LIGHT = Colours(
    text="#1c2127",
    quiet="#57616d",
    accent="#0b57ad",
    green="#196638",
    amber="#7a4c00",
    red="#ae1d1d",
    line="#c3c9d0",
    ground="#fcfbf8",
    sheet="#ffffff",
    bar="#eef0f1",
    row="#d9e7f8",
).theme("light", dark=False)
HIGH_CONTRAST = Colours(
    text="#ffffff",
    # Of 16 colours the nearest is light grey; of anything lighter it is white.
    quiet="#c4c4c4",
    accent="#8ad4ff",
    green="#7dff9b",
    amber="#ffe14d",
    # Of 16 colours the nearest is bright red; of a paler one it is white.
    red="#ff9090",
    line="#808080",
    ground="#000000",
    sheet="#000000",
    bar="#101010",
    # Of 16 colours the nearest is dark blue, on which all the others can be read; of most blues it is grey.
    row="#001c69",
).theme("high-contrast", dark=True)
SIXTEEN = Colours(
    text="#ffffff",
    quiet="#aaaaaa",
    accent="#55ffff",
    green="#55ff55",
    amber="#ffff55",
    red="#ff5555",
    line="#555555",
    ground="#000000",
    sheet="#000000",
    bar="#000000",
    # The terminal decides what its blue is; on most of them red could not be read.
    row="#000000",
    row_style="bold underline",
).theme("16-colours", dark=True)
"""Each is exactly one of the 16, so that nothing is sent as its neighbour."""
THEMES = (DARK, HIGH_CONTRAST, LIGHT, SIXTEEN)
_FEW_COLOURS = {None, ColorSystem.STANDARD.name.lower(), ColorSystem.WINDOWS.name.lower()}


def check_theme(name: str) -> str:
    """`name`, if there is such a theme or it is empty. Raises UsageError."""
    if not name or name in BUILTIN_THEMES or name in {theme.name for theme in THEMES}:
        return name
    ours = [theme.name for theme in THEMES]
    hint = f"There are: {', '.join(ours)}; and Textual's: {', '.join(BUILTIN_THEMES)}."
    raise UsageError(
        f"There is no theme {name!r}.", " ".join(filter(None, (did_you_mean(name, (*ours, *BUILTIN_THEMES)), hint)))
    )


def default_theme(colour_system: str | None) -> str:
    """The default: with 16 colours the finer tones of the others would fall together."""
    return SIXTEEN.name if colour_system in _FEW_COLOURS else DARK.name
