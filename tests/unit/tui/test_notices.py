"""Which sequence asks for a notice, in which terminal, and how it gets through tmux."""

from __future__ import annotations

from pathlib import Path

import pytest

from qlikops.tui.terminal import notices
from qlikops.tui.terminal.notices import OSC9, OSC99, OSC777, Terminal, form_of, sequence, terminal


@pytest.mark.parametrize(
    ("environ", "form"),
    [
        ({"TERM": "xterm-kitty"}, OSC99),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, OSC99),
        ({"TERM_PROGRAM": "iTerm.app", "TERM": "xterm-256color"}, OSC9),
        ({"LC_TERMINAL": "iTerm2"}, OSC9),
        ({"TERM_PROGRAM": "WezTerm"}, OSC777),
        ({"TERM": "xterm-ghostty"}, OSC777),
        ({"TERM": "foot-extra"}, OSC777),
        ({"TERM": "rxvt-unicode-256color"}, OSC777),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, OSC777),
        ({"TERM": "xterm-256color", "WT_SESSION": "uuid"}, OSC777),
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM_PROGRAM": "Apple_Terminal"}, ""),
        ({}, ""),
    ],
)
async def test_the_form_is_the_terminals(environ: dict[str, str], form: str) -> None:
    assert form_of(environ) == form
    assert await terminal(environ) == Terminal(form)


def test_each_form_is_written_as_its_terminal_reads_it() -> None:
    assert sequence(OSC9, "a; b", "c", 1) == "\x1b]9;a; b. c\x1b\\"
    assert sequence(OSC777, "a; b", "c; d", 1) == "\x1b]777;notify;a, b;c, d\x1b\\"
    # Of another number, or kitty changes the notice before instead.
    assert sequence(OSC99, "a", "b", 7) == "\x1b]99;i=qlikops7:d=0;a\x1b\\\x1b]99;i=qlikops7:p=body;b\x1b\\"


@pytest.mark.parametrize("form", [OSC9, OSC777, OSC99])
def test_tmux_hands_on_what_is_wrapped(form: str) -> None:
    wrapped = sequence(form, "a", "b", 1, in_tmux=True)
    assert wrapped.startswith("\x1bPtmux;")
    assert wrapped.endswith("\x1b\\")
    inner = wrapped.removeprefix("\x1bPtmux;").removesuffix("\x1b\\")
    assert inner.replace("\x1b\x1b", "\x1b") == sequence(form, "a", "b", 1)
    # Where one escape stood alone, tmux would take the rest for its own.
    assert "\x1b" not in inner.replace("\x1b\x1b", "")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("echo 'kitty(0.42.1) xterm-kitty on'", Terminal(OSC99, in_tmux=True)),
        ("echo 'iTerm2 3.5.0 xterm-256color all'", Terminal(OSC9, in_tmux=True)),
        ("echo ' foot off'", Terminal(OSC777, in_tmux=True, blocked=True)),
        ("exit 1", Terminal(OSC777, in_tmux=True)),
        ("exec sleep 60", Terminal(OSC777, in_tmux=True)),
    ],
)
async def test_tmux_is_asked_which_terminal_shows_it_now(
    said: str, found: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmux").write_text(f"#!/bin/sh\n{said}\n")
    (tmp_path / "tmux").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(notices, "_PATIENCE_SECONDS", 0.5)
    assert await terminal({"TMUX": "socket,1,0", "WT_SESSION": "of the one that tmux was started in"}) == found


async def test_without_a_tmux_to_ask_the_environment_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await terminal({"TMUX": "x", "TERM_PROGRAM": "ghostty"}) == Terminal(OSC777, in_tmux=True)
