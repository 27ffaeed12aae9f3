"""Which theme the console shows: its context's, else the one that the person chose, else one for this terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.app import App
from textual.theme import Theme

from qlikops.tui.model.state import ConsoleState
from qlikops.tui.themes import THEMES, default_theme

if TYPE_CHECKING:
    from qlikops.tui.app import QlikOpsApp

_SCROLLBARS = ("scrollbar-hover", "scrollbar-active")
_BEHIND_SCROLLBARS = (
    "scrollbar-background",
    "scrollbar-background-hover",
    "scrollbar-background-active",
    "scrollbar-corner-color",
)


class Theming:
    """Sets the theme of the app, and remembers the one that the person chooses."""

    def __init__(self, app: QlikOpsApp, state: ConsoleState) -> None:
        """Sets the theme before anything is shown."""
        self._app = app
        self._state = state
        for each in THEMES:
            app.register_theme(each)
        self._last = self._fitting()
        theme = app.available_themes[self._last]
        if not theme.dark or theme.ansi:
            app.theme = self._last
            return
        # Beside this, setting it would have every style sheet parsed twice more before the first frame. Textual starts
        # dark and in true colour.
        app.set_reactive(App.theme, self._last)
        app.stylesheet.set_variables(app.get_css_variables())

    def follow_context(self) -> None:
        """Sets the theme anew, since another context is shown, which may have one of its own."""
        self._app.theme = self._last = self._fitting()

    def remember(self, theme: Theme) -> None:
        """Keeps a theme that the person chose, unless the configuration names one."""
        if theme.name == self._last:
            return
        self._last = theme.name
        if self._state.current.theme:
            self._app.notify("Not kept: the configuration names this context's theme.", markup=False)
        else:
            self._app.remember(theme=theme.name)

    def _fitting(self) -> str:
        known = self._app.available_themes
        chosen = (self._state.current.theme, self._state.memory.preferences.theme or "")
        return next((name for name in chosen if name in known), default_theme(self._app.console.color_system))


def own_variables(theme: Theme) -> dict[str, str]:
    """Colours of ours, for themes that do not know them."""
    return {
        "qlikops-muted": "#8a94a3" if theme.dark else "#4d5663",
        "qlikops-line": "#36424f" if theme.dark else "#c3c9d0",
        "qlikops-cursor": f"{theme.primary} 30%",
        "qlikops-cursor-style": "none",
    }


def of_scrollbars(variables: Mapping[str, str]) -> dict[str, str]:
    """Colours of scrollbars that are as quiet as lines, in any theme, from the theme's `variables`."""
    return {
        "scrollbar": variables["qlikops-line"],
        **dict.fromkeys(_SCROLLBARS, variables["primary"]),
        **dict.fromkeys(_BEHIND_SCROLLBARS, variables["background"]),
    }
