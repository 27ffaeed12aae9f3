"""How often Python looks for garbage in a command, and in the console.

What is made until an inbox is shown stays: modules, classes, style sheets, widgets. Looking through it some 150 times
takes a tenth of the CPU of a start, and the process that asks ahead as much again. Once an inbox is shown all that is
there is left out for good. Else a full collection walks all of Textual and boto3 every few refreshes of a long inbox, a
tenth of a second in which no key is answered.
"""

from __future__ import annotations

import gc

_USUAL = gc.get_threshold()
_SELDOM = 200_000
"""Objects that have come, less those that went, before Python looks."""


def look_seldom() -> None:
    """Lets more objects come before Python looks than a first frame is made of; the first thing that a command does."""
    gc.set_threshold(_SELDOM)


def look_as_usual() -> None:
    """Looks as often as before, and leaves out all that is there now."""
    gc.freeze()
    gc.set_threshold(*_USUAL)
