"""The programs that take a copied text, and what is known of it: the terminal never says whether it took one."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence

from qlikops.tui.terminal.browser import has_display

Command = tuple[str, ...]
_PATIENCE_SECONDS = 2.0
_TMUX: Command = ("tmux", "load-buffer", "-w", "-")
"""Into tmux's own buffer, and with -w on to the terminal that tmux is in; a sequence of an app in it tmux swallows."""


class Clipboard:
    """The programs that take a text here, each tried in turn."""

    def __init__(self, commands: Sequence[Command] = ()) -> None:
        self._commands = tuple(commands)

    @classmethod
    def of(cls, environ: Mapping[str, str], platform: str = sys.platform) -> Clipboard:
        """Finds the programs that the environment speaks of."""
        return cls(tuple(_commands(environ, platform)))

    async def take(self, text: str, what: str) -> str:
        """Hands `text` to all of them; returns what became of `what` in words, for a person.

        Only a program that ended well is known to have taken it.
        """
        taken = [command for command in self._commands if await _run(command, text)]
        if any(command is not _TMUX for command in taken):
            return f"{what} copied."
        if taken:
            return f"{what} copied to tmux's buffer (prefix ] pastes it), which hands it on to the terminal."
        return f"{what} handed to the terminal, which does not say whether it took it."


def _commands(environ: Mapping[str, str], platform: str) -> Iterator[Command]:
    if environ.get("TMUX"):
        yield _TMUX
    if not has_display(environ, platform):
        return
    if platform == "darwin":
        yield ("pbcopy",)
    elif environ.get("WAYLAND_DISPLAY"):
        yield ("wl-copy",)
    else:
        yield ("xclip", "-selection", "clipboard")
        yield ("xsel", "--clipboard", "--input")


async def _run(command: Command, text: str) -> bool:
    """Whether `command` read `text` and ended well."""
    nothing = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=nothing, stderr=nothing
        )
    except OSError:  # there is none
        return False
    try:
        await asyncio.wait_for(process.communicate(text.encode(errors="replace")), _PATIENCE_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return process.returncode == 0
