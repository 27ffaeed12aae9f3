"""What the keys do on a screen at this moment: one list for the help and for the palette."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.dom import DOMNode
from textual.screen import Screen

from qlikops.dataclass import dataclass
from qlikops.domain.text import harmless


@dataclass(frozen=True, slots=True)
class Usable:
    """An action with the keys that it has now."""

    keys: str
    """As they are shown."""
    description: str
    more: str
    """What it comes to, where the description does not say; may be empty."""
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
            found[at] = replace(found[at], keys=f"{found[at].keys} {key}")
        else:
            found[at] = Usable(key, binding.description, binding.tooltip, binding.action, active.node, active.enabled)
        if binding.id is not None:
            found[at] = replace(found[at], description=binding.description, more=binding.tooltip)
            ours.add(at)
    return tuple(entry for at, entry in found.items() if at in ours)
