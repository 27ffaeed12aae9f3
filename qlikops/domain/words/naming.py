"""Names as people type them: what is shown can be typed back, and as much of it as is needed.

What is shown is not what is stored: blanks are drawn together, what cannot be printed is left out, a long name is cut
with a mark. So a name is looked up as it is stored first, then as it is shown, then by its beginning, then by a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

from qlikops.domain.words.text import harmless

T = TypeVar("T")

_CAP = 2000
_NAMED = 5
"""So many of the names that something fits are named."""
_ALIKE = 0.75
"""Part of a name, 0 to 1, that must be as it was typed. Two letters in the wrong order of a word of five are 0.8."""


def named(given: str, among: Iterable[T], *spellings: Callable[[T], str], parts: bool = True) -> list[T]:
    """What of `among` is meant by `given`: by the first of its spellings, and in the closest way, in which any fits.

    Several where it does not say which one; without `parts` the beginning of a name will do, but not a part of it.
    """
    things = list(among)
    for spelling in spellings:
        if found := [thing for thing in things if spelling(thing) == given]:
            return found
    wanted = shown(given)
    ways: list[Callable[[str], bool]] = [lambda name: name == wanted, lambda name: name.startswith(wanted)]
    if parts:
        ways.append(lambda name: wanted in name)
    for fits in ways if wanted else ():
        for spelling in spellings:
            if found := [thing for thing in things if fits(shown(spelling(thing)))]:
                return found
    return []


def begun(given: str, names: Iterable[str]) -> str | None:
    """The one of `names` that `given` is or begins, case aside; None if that is none of them or several."""
    found = named(given, names, str, parts=False)
    return found[0] if len(found) == 1 else None


def did_you_mean(given: str, names: Iterable[str]) -> str:
    """A question with those of `names` that `given` may be meant for: the ones that it begins, else the ones spelled
    almost like it. `Did you mean approve or approvals?`; empty if there is none.
    """
    among = list(dict.fromkeys(names))
    found = named(given, among, str)
    if not found:
        spelled = {shown(name): name for name in among}
        found = [spelled[name] for name in get_close_matches(shown(given), spelled, _NAMED, _ALIKE)]
    if not found:
        return ""
    *others, last = (harmless(name, 120) for name in found[:_NAMED])
    return f"Did you mean {', '.join(others)} or {last}?" if others else f"Did you mean {last}?"


def is_named(given: str, name: str) -> bool:
    """Whether `given` is `name` as it is stored or as it is shown."""
    return given == name or shown(given) == shown(name)


def shown(name: str) -> str:
    """A name as a screen shows it, in lower case; without the mark where it was cut."""
    return harmless(name, _CAP).removesuffix("…").casefold()


def counted(names: Sequence[str], what: str) -> str:
    """One name, or how many of `what` there are and some of their names: `6 tasks (a, b, c, d, e and 1 more)`."""
    return listed(names) if len(names) == 1 else f"{len(names):,} {what} ({listed(names)})"


def listed(names: Sequence[str], most: int = _NAMED, cap: int = 120) -> str:
    """Some names for a message, each cut to `cap` characters, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(harmless(name, cap) for name in names[:most]) + more
