"""What reaches a person who looks elsewhere: from which severity on, by which ways, and in which words."""

from __future__ import annotations

from collections.abc import Sequence

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import Severity
from qlikops.domain.words.text import harmless
from qlikops.presentation.lists.watch import WatchEvent, What

_TITLE_CAP = 80
_BODY_CAP = 240
_NAMED = 3
_WORDS = {
    What.NEW: ("A new proposal waits", "new proposals wait"),
    What.SOON: ("Little time is left to decide", "proposals expire soon"),
    What.FELL_OVER: ("A restart did not last", "restarts did not last"),
}


@dataclass(frozen=True, slots=True)
class Alerts:
    """How one context reaches a person; each field as the setting of its name in config.toml."""

    bell: bool = True
    notices: str = "auto"
    notify_from: str = Severity.WARNING.value
    notify_command: str = ""

    def heard(self, events: Sequence[WatchEvent]) -> tuple[WatchEvent, ...]:
        """The `events` that are severe enough, for every way alike; a severity that is not known is."""
        least = Severity.rank_of(self.notify_from)
        return tuple(event for event in events if Severity.rank_of(event.severity) >= least)


def notice(events: Sequence[WatchEvent], context: str = "") -> tuple[str, str]:
    """Title and text of one notice on all of `events`, which are of one kind at least each; `context` names it among
    several. Nothing in them can steer a terminal.
    """
    first, *others = events
    kinds = {event.what for event in events}
    one, many = _WORDS.get(first.what, (first.what.replace("_", " "), "events")) if len(kinds) == 1 else ("", "events")
    title = f"{len(events)} {many}" if others else one
    body = "; ".join(_named(event) for event in events[:_NAMED])
    more = f" and {len(events) - _NAMED} more" if len(events) > _NAMED else ""
    before = f"{context}: " if context else "qlikops: "
    return harmless(f"{before}{title}", _TITLE_CAP), harmless(body, _BODY_CAP - len(more)) + more


def _named(event: WatchEvent) -> str:
    row = event.row
    if row is None:
        return event.text
    return f"{row.label}, {row.title}: answer by {row.deadline:%H:%M} UTC"
