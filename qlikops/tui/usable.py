"""What the keys do on a screen at this moment, and what stands on it: for the help and the finder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from qlikops.dataclass import dataclass
from qlikops.domain.words.text import harmless

_EVERY_SCREEN = ("follow", "neighbour", "browse")
"""What every screen has comes after what this one is for."""


@dataclass(frozen=True, slots=True)
class Usable:
    """An action with the keys that it has now."""

    keys: str
    """Keys as they are shown."""
    description: str
    more: str
    """What it comes to, if the description does not say; may be empty."""
    action: str
    node: DOMNode
    """Where it is bound."""
    enabled: bool
    """False for what is greyed: it applies here, but not now."""


def usable(screen: Screen[object]) -> Sequence[Usable]:
    """Every action, the nearest to the focus first; several keys of one are one entry.

    What only Textual binds, such as scrolling by page, is left out.
    """
    found: dict[tuple[str, DOMNode], Usable] = {}
    ours = set()
    for active in screen.active_bindings.values():
        binding, at = active.binding, (active.binding.action, active.node)
        key = harmless(screen.app.get_key_display(binding))
        if at in found:
            keys = dict.fromkeys([*found[at].keys.split(" "), key])
            found[at] = replace(found[at], keys=" ".join(keys))
        else:
            found[at] = Usable(key, binding.description, binding.tooltip, binding.action, active.node, active.enabled)
        if binding.id is not None:
            found[at] = replace(found[at], description=binding.description, more=binding.tooltip)
            ours.add(at)
    of_ours = (entry for at, entry in found.items() if at in ours)
    return tuple(sorted(of_ours, key=lambda entry: entry.action.startswith(_EVERY_SCREEN)))


def words_on(screen: Screen[object]) -> Sequence[str]:
    """The text of each widget in sight, with its lines drawn together: a term may be folded."""
    found = []
    for widget in screen.walk_children(Widget):
        if widget.is_attached and widget.region and not widget.children:
            strips = widget.render_lines(widget.size.region)
            text = " ".join(segment.text for strip in strips for segment in strip)
            found.append(" ".join(text.split()))
    return found
