"""The keys at the bottom, in one line of one widget.

Textual's footer makes a widget of every key, anew whenever anybody asks whether one changed: in a console that starts
at night and refreshes every few seconds that costs more than all the rest of the frame. It also scrolls where it has
no room, and pushes out of sight the one key that explains the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import ActiveBinding
from textual.screen import Screen
from textual.widget import Widget

_DEEDS = ("do-not-send", "sign-in", "open", "approve", "deny", "mark", "approve-marked", "claim")
"""Ids of what stands first, in this order, wherever it can be done."""
_RIGHT = ("filter", "commands", "back", "help")
"""Ids of what stands at the right edge; the last is shown however little room there is."""
_MORE = "… "


class KeyBar(Widget):
    """What can be pressed here, greyed where it cannot be pressed now; a click presses it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"keybar--key", "keybar--words", "keybar--off"}

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[ActiveBinding, ...] = ()

    def on_mount(self) -> None:
        """Waits for Textual to say that a binding may have changed."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        # Without the terminal's focus nothing is focused, and the keys would seem to be others.
        if not screen.app.app_focus:
            return
        shown = tuple(_first_of_each(screen.active_bindings.values()))
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def render(self) -> Text:
        """Draws as many keys as have room: what acts here, deeds first; at the right edge what is the same
        everywhere.
        """
        groups = [list(each) for _, each in groupby(self._shown, lambda each: each.binding.group or each.binding)]
        named = {group[0].binding.id or "": group for group in groups}
        right = [self._group(named[name]) for name in _RIGHT if name in named]
        deeds = [name for name in _DEEDS if name in named]
        left = [self._group(named[name]) for name in deeds]
        left += [self._group(group) for group in groups if group[0].binding.id not in (*deeds, *_RIGHT)]
        room, more = self.content_size.width, Text()

        def taken() -> int:
            return sum(each.cell_len for each in (*left, more, *right))

        while taken() > room and (left or len(right) > 1):
            more = Text(_MORE)
            if len(left) > len(deeds) or len(right) == 1:
                left.pop()
            else:
                right.pop(0)
        gap = Text(" " * max(0, room - taken()))
        return Text(no_wrap=True, overflow="crop", end="").join([*left, more, gap, *right])

    def _group(self, group: Sequence[ActiveBinding]) -> Text:
        """`a Approve`, or `A D Marked` for several that share their words; with a space after it."""
        line = Text()
        for _, binding, enabled, _ in group:
            pressed = Style(meta={"key": binding.key if enabled else ""})
            key, words = self._styles(enabled=enabled)
            line.append(self.app.get_key_display(binding), key + pressed)
            line.append(" ")
            if len(group) == 1:
                line.append(binding.description, words + pressed)
        if len(group) > 1 and (named := group[0].binding.group):
            line.append(named.description, self._styles(enabled=any(each.enabled for each in group))[1])
        return line.append(" ")

    def _styles(self, *, enabled: bool) -> tuple[Style, Style]:
        names = ("keybar--key", "keybar--words") if enabled else ("keybar--off", "keybar--off")
        key, words = (self.get_component_rich_style(name, partial=True) for name in names)
        return key, words

    def on_click(self, event: events.Click) -> None:
        """Presses the key that is under the mouse."""
        key = event.style.meta.get("key")
        if key:
            self.app.simulate_key(key)
        elif key == "":
            self.app.bell()


def _first_of_each(active: Iterable[ActiveBinding]) -> Iterator[ActiveBinding]:
    """An action with several keys is shown with the first."""
    actions = set()
    for each in active:
        if each.binding.show and each.binding.action not in actions:
            actions.add(each.binding.action)
            yield each
