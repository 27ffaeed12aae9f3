"""The console's own themes. A test computes the contrast of everything that they show, on every screen.

Textual's themes can be chosen too; nobody has measured those.
"""

from __future__ import annotations

from rich.color import ColorSystem
from textual.theme import BUILTIN_THEMES, Theme

from qlikops.dataclass import dataclass
from qlikops.domain.errors import UsageError
from qlikops.domain.naming import did_you_mean


@dataclass(frozen=True, slots=True)
class Colours:
    """What a theme is made of. The tones are text; they and `foreground` stand on each of the grounds."""

    foreground: str
    muted: str
    primary: str
    success: str
    warning: str
    error: str
    background: str
    surface: str
    panel: str
    cursor: str
    """The ground of the row that keys are about."""

    def theme(self, name: str, *, dark: bool) -> Theme:
        """As Textual takes it."""
        return Theme(
            name=name,
            dark=dark,
            primary=self.primary,
            secondary=self.primary,
            accent=self.primary,
            success=self.success,
            warning=self.warning,
            error=self.error,
            foreground=self.foreground,
            background=self.background,
            surface=self.surface,
            panel=self.panel,
            text_alpha=1,
            variables={
                # Textual would tint these towards the background.
                "text-primary": self.primary,
                "text-success": self.success,
                "text-warning": self.warning,
                "text-error": self.error,
                "text-muted": self.muted,
                "text-disabled": self.muted,
                "foreground-muted": self.muted,
                "qlikops-muted": self.muted,
                "qlikops-cursor": self.cursor,
                "block-cursor-foreground": self.foreground,
                "block-cursor-background": self.cursor,
                "block-cursor-blurred-foreground": self.foreground,
                "block-cursor-blurred-background": self.cursor,
                "footer-key-foreground": self.primary,
                "footer-description-foreground": self.foreground,
            },
        )


DARK = Colours(
    foreground="#d5dbe3",
    muted="#98a2b1",
    primary="#6cb6ff",
    success="#7ac99a",
    warning="#e0b060",
    error="#f08a8a",
    background="#0f1318",
    surface="#151b22",
    panel="#1d2530",
    cursor="#20344a",
).theme("dark", dark=True)
LIGHT = Colours(
    foreground="#1b2027",
    muted="#4d5663",
    primary="#0b4a94",
    success="#0c5730",
    warning="#6b4300",
    error="#9b1515",
    background="#ffffff",
    surface="#f4f6f8",
    panel="#e9edf1",
    cursor="#cfe0f3",
).theme("light", dark=False)
HIGH_CONTRAST = Colours(
    foreground="#ffffff",
    # Of 16 colours the nearest is light grey; of anything lighter it is white.
    muted="#c4c4c4",
    primary="#8ad4ff",
    success="#7dff9b",
    warning="#ffe14d",
    # Of 16 colours the nearest is bright red; of a paler one it is white.
    error="#ff9090",
    background="#000000",
    surface="#000000",
    panel="#101010",
    # Of 16 colours the nearest is dark blue, on which all the others can be read; of most blues it is grey.
    cursor="#001c69",
).theme("high-contrast", dark=True)
THEMES = (DARK, LIGHT, HIGH_CONTRAST)
_FEW_COLOURS = {None, ColorSystem.STANDARD.name.lower(), ColorSystem.WINDOWS.name.lower()}


def check_theme(name: str) -> str:
    """`name`, where there is such a theme or it is empty. Raises UsageError."""
    if not name or name in BUILTIN_THEMES or name in {theme.name for theme in THEMES}:
        return name
    ours = [theme.name for theme in THEMES]
    hint = f"There are: {', '.join(ours)}; and Textual's: {', '.join(BUILTIN_THEMES)}."
    raise UsageError(
        f"There is no theme {name!r}.", " ".join(filter(None, (did_you_mean(name, (*ours, *BUILTIN_THEMES)), hint)))
    )


def default_theme(colour_system: str | None) -> str:
    """What nobody chose: with 16 colours the finer tones of the others would fall together."""
    return HIGH_CONTRAST.name if colour_system in _FEW_COLOURS else DARK.name
