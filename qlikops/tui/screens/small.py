"""What is shown where the terminal has no room for anything else. No key means anything there but quitting: what one
cannot see, one cannot mean.
"""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.geometry import Size
from textual.widgets import Static

from qlikops.presentation.tone import Tone
from qlikops.tui.screens.modal import Modal
from qlikops.tui.widgets.prose import palette

LEAST = Size(60, 20)
"""The smallest terminal in which every screen and dialog can be read and reached."""


def is_too_small(size: Size) -> bool:
    """Whether a terminal of that size cannot show the console."""
    return size.width < LEAST.width or size.height < LEAST.height


class TooSmallScreen(Modal[None]):
    """Lies over whatever there was, which stays as it is. The app takes it away again."""

    def __init__(self, withdrawn: str, quits: str) -> None:
        super().__init__()
        self._withdrawn = withdrawn
        """What was held back and is not sent now; empty where nothing was."""
        self._quits = quits
        """The key that does."""
        self._words = Static(markup=False, id="too-small")

    def compose(self) -> ComposeResult:
        """A few lines, the important first."""
        yield self._words

    def on_resize(self) -> None:
        """The size is part of it."""
        colours, now = palette(self), self.app.size
        words = Text(f"Too small: needs {LEAST.width}x{LEAST.height}, is {now.width}x{now.height}.", justify="center")
        if self._withdrawn:
            words.append(f"\n{self._withdrawn}", colours[Tone.WARNING])
        words.append(f"\nMake it larger to go on. {self._quits} quits.", colours[Tone.MUTED])
        self._words.update(words)
