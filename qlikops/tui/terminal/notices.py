"""Notices on the desktop, shown by the terminal: the sequences that ask for one, and which of them it knows.

A terminal that knows none swallows it. OSC 9 is iTerm2's and has a text only; OSC 777, urxvt's, and OSC 99, kitty's,
have a title too. Windows Terminal takes OSC 9 for other things.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from qlikops.dataclass import dataclass

OSC9, OSC777, OSC99 = "osc9", "osc777", "osc99"
_BY_NAME = {
    "kitty": OSC99,
    **dict.fromkeys(("iterm", "zed"), OSC9),
    **dict.fromkeys(("wezterm", "ghostty", "foot", "rxvt", "contour", "warp", "vte"), OSC777),
}
_PATIENCE_SECONDS = 1.0
_ASK_TMUX = ("tmux", "display-message", "-p", "#{client_termtype} #{client_termname} #{allow-passthrough}")
"""What the terminal that tmux is shown in calls itself, and whether tmux hands anything on to it."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What shows a notice here."""

    form: str = ""
    """Form of the terminal's sequence; empty if it is not known to have one."""
    in_tmux: bool = False
    blocked: bool = False
    """Whether tmux hands nothing on."""


def form_of(environ: Mapping[str, str]) -> str:
    """The form that the terminal takes which the environment speaks of; empty if it speaks of none."""
    if environ.get("KITTY_WINDOW_ID"):
        return OSC99
    if environ.get("WT_SESSION") or environ.get("VTE_VERSION"):
        return OSC777
    return _form_named(
        " ".join((environ.get("TERM_PROGRAM", ""), environ.get("LC_TERMINAL", ""), environ.get("TERM", "")))
    )


def _form_named(names: str) -> str:
    return next((form for name, form in _BY_NAME.items() if name in names.casefold()), "")


async def terminal(environ: Mapping[str, str]) -> Terminal:
    """The terminal here. tmux, which may be shown in another one than it was started in, is asked."""
    if not environ.get("TMUX"):
        return Terminal(form_of(environ))
    said = await _answer_of_tmux()
    return Terminal(_form_named(said) or form_of(environ), in_tmux=True, blocked=said.endswith(" off"))


async def _answer_of_tmux() -> str:
    nothing = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *_ASK_TMUX, stdin=nothing, stdout=asyncio.subprocess.PIPE, stderr=nothing
        )
    except OSError:
        return ""
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _PATIENCE_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return ""
    return said.decode(errors="replace").strip()


def sequence(form: str, title: str, body: str, number: int, *, in_tmux: bool = False) -> str:
    """What to write for a notice. `title` and `body` are harmless already; `number` tells it from the one before."""
    if form == OSC9:
        text = f"\x1b]9;{title}. {body}\x1b\\"
    elif form == OSC99:
        text = f"\x1b]99;i=qlikops{number}:d=0;{title}\x1b\\\x1b]99;i=qlikops{number}:p=body;{body}\x1b\\"
    else:
        text = f"\x1b]777;notify;{title.replace(';', ',')};{body.replace(';', ',')}\x1b\\"
    doubled = text.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\" if in_tmux else text
