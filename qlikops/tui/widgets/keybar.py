"""The keys at the bottom. Textual's footer makes them all anew whenever anybody asks whether one changed, which a
console that refreshes every few seconds does all the time.
"""

from __future__ import annotations

from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Footer


class KeyBar(Footer):
    """Made anew only where a key, its words or whether it applies now is another."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._keys: tuple[tuple[Binding, bool], ...] = ()

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Textual's signal."""
        keys = tuple((active.binding, active.enabled) for active in screen.active_bindings.values())
        if keys != self._keys or not self._bindings_ready:
            # Without the terminal's focus Textual draws nothing, and asks again once that is back.
            self._keys = keys if screen.app.app_focus else ()
            super().bindings_changed(screen)
