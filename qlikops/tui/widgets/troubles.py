"""A line for each context whose data is not live, or whose credentials end soon: what, since when, what to do."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from qlikops.tui.model.state import ConsoleState
from qlikops.tui.widgets.prose import palette, text

SHOWN = 3


class Troubles(Static):
    """Takes no room while all is well."""

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(markup=False)
        self._state = state

    def draw(self) -> None:
        """Shows how it is now."""
        state, colours = self._state, palette(self)
        found = [context.freshness.trouble(context.name, state.now()) for context in state.contexts]
        # Where one empty inbox is all there is, its place says why at length.
        lines = [text(spans, colours) for spans in found if spans] if state.several or state.waiting else []
        self.display = bool(lines)
        if len(lines) > SHOWN:
            lines[SHOWN - 1] = Text(
                f"and {len(lines) - SHOWN + 1} more contexts; {state.keys['errors']} has all errors"
            )
        self.update(Text("\n").join(lines[:SHOWN]))
