"""The console as a process on a pseudo terminal, through all that can happen to one."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qlikops.tui.terminal.driver import TerminalDriver
from tests.terminal import Terminal

RECORD, KEY_LINE = "ORA-12541", "Approve"
ALTERNATE, NORMAL = "\x1b[?1049h", "\x1b[?1049l"
RESTORED = (NORMAL, "\x1b[?25h", "\x1b[?1000l", "\x1b[?1003l", "\x1b[?2004l", "\x1b[?1004l")
"""The screen that was there, the cursor, no mouse, no bracketed paste, no focus events."""
QUIT, F6 = b"\x11", b"\x1b[17~"
NOISE = (
    b"\xff",
    "é".encode("latin-1"),
    b"\xc3",
    b"\xe2\x82",
    b"\xf5\x80\x80\x80",
    b"\x00\x80\x9b",
    b"\x1b[1114112u",
    b"\x1b[55296u",
    b"\x1b[48;:200~",
    b"\x1b[99999999999999999999u",
    b"\x1b[<999999999999999999999;1;1M",
    b"\x1b[" + b"9" * 5000 + b"u",
)


@contextmanager
def console(*arguments: str) -> Iterator[Terminal]:
    with Terminal(["tests.unit.tui.on_a_terminal", *arguments], os.environ) as terminal:
        terminal.sees(RECORD, KEY_LINE)
        yield terminal


def deny(terminal: Terminal) -> None:
    """As far as the countdown."""
    terminal.type(b"d")
    terminal.sees("Deny: leave", "Esc goes back")
    terminal.stay(1)  # no Enter counts sooner
    terminal.type(b"no\r")
    terminal.sees("Sending in")


def stop(terminal: Terminal, number: signal.Signals) -> None:
    os.kill(terminal.pid, number)
    found, status = 0, 0
    while not found:
        terminal.read(0.05)
        found, status = os.waitpid(terminal.pid, os.WUNTRACED | os.WNOHANG)
    assert os.WIFSTOPPED(status)


def test_bytes_that_mean_nothing_are_no_keys_and_end_nothing() -> None:
    noise_of = random.Random(9)  # noqa: S311 - the same in every run
    # No capital letter, digit or control character: they could be meant.
    more = [bytes(noise_of.choices([*range(0x80, 0x100), 0x1B, 0x5B, 0x3B], k=40)) for _ in range(20)]
    with console() as terminal:
        for noise in (*NOISE, *more):
            terminal.type(noise)
        terminal.sees()
        for _ in range(10):  # an Esc ends what the noise may have begun, once it has been read
            terminal.type(b"\x1b")
            terminal.stay(1)
            terminal.type(b"?")
            if terminal.saw("Everywhere", 5):
                break
        terminal.sees("Everywhere")
        terminal.type(QUIT)
        assert terminal.ended() == 0
        assert "sent: 0" in terminal.written


def test_a_crash_is_never_exit_0_and_gives_the_terminal_back() -> None:
    with console() as terminal:
        terminal.type(b"r")
        assert terminal.ended() == 1
        assert all(sequence in terminal.written for sequence in RESTORED)
        assert "RuntimeError: a bug" in terminal.written
        # Textual's own report has the values of every frame.
        assert "locals" not in terminal.written


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP], ids=["stopped as by Ctrl+Z", "stopped for good"])
def test_stopped_and_continued_the_whole_screen_is_there_again(number: signal.Signals) -> None:
    with console() as terminal:
        for _ in range(2):
            stop(terminal, number)
            if number is signal.SIGTSTP:
                assert all(sequence in terminal.written for sequence in RESTORED)
            terminal.sees()
            os.kill(terminal.pid, signal.SIGCONT)
            terminal.sees(ALTERNATE, "Inbox", RECORD, KEY_LINE, "Help")
        terminal.type(b"?")
        terminal.sees("Everywhere")
        terminal.type(QUIT)
        assert terminal.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_ended_from_outside_it_gives_the_terminal_back_and_sends_nothing(number: signal.Signals) -> None:
    with console("30") as terminal:
        before = terminal.modes()
        deny(terminal)
        os.kill(terminal.pid, number)
        assert terminal.ended() == 128 + number
        assert all(sequence in terminal.written for sequence in RESTORED)
        assert "sent: 0" in terminal.written
        assert terminal.modes() != before


def test_what_is_typed_while_a_command_has_the_screen_is_not_the_consoles(tmp_path: Path) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    with console("0", f"sh -c 'echo it runs; cat {held}'") as terminal:
        terminal.type(F6 + F6)
        terminal.sees("it runs")
        terminal.type(F6 + b"\r" + b"a")
        held.write_text("")
        terminal.sees("Enter goes back")
        terminal.type(F6 + b"\r")
        terminal.sees(ALTERNATE, KEY_LINE)
        terminal.type(b"?")
        terminal.sees("Everywhere")
        terminal.type(QUIT)
        assert terminal.ended() == 0
        assert "sent: 0" in terminal.written


def test_a_terminal_that_is_gone_ends_it() -> None:
    with console() as terminal:
        terminal.close()
        assert terminal.ended() == 128 + signal.SIGHUP


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP], ids=["stopped as by Ctrl+Z", "stopped for good"])
def test_what_was_held_when_it_was_stopped_is_not_sent(number: signal.Signals) -> None:
    with console("4") as terminal:
        deny(terminal)
        stop(terminal, number)
        terminal.stay(2.5)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.sees("the console stood still for")
        terminal.type(QUIT)
        assert terminal.ended() == 0
        assert "sent: 0" in terminal.written


@pytest.mark.skipif(sys.platform == "darwin", reason="there the other end of a pseudo terminal has no modes")
def test_quitting_leaves_the_terminal_as_it_was() -> None:
    with Terminal(["tests.unit.tui.on_a_terminal"], os.environ) as terminal:
        before = terminal.modes()
        terminal.sees(RECORD, KEY_LINE)
        assert terminal.modes() != before
        terminal.type(QUIT)
        assert terminal.ended() == 0
        assert terminal.modes() == before


def test_a_console_that_has_ended_takes_no_notice_of_being_continued() -> None:
    driver = object.__new__(TerminalDriver)
    driver._loop = asyncio.new_event_loop()
    driver._loop.close()
    driver._sigcont_application(signal.SIGCONT)
