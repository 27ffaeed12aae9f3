"""The terminal from the console's first frame to its last: also where what it sends makes no sense, where the console
is stopped and continued, ended from outside, or loses its terminal.

Textual's own driver ends the app over one byte that is not UTF-8, starts a second time what a SIGSTOP left running,
leaves the terminal as it is over SIGTERM, and hangs over a terminal that is gone.
"""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import sys
from typing import Any, cast

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from qlikops.streams import talking
from qlikops.tui.model.backend import post
from qlikops.tui.model.messages import ToldToEnd
from qlikops.tui.terminal.control import discard_typed

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_LISTEN_SECONDS = 0.1
_CHUNK = 4096


class TerminalDriver(LinuxDriver):
    """Signals are heard where they arrive and acted upon in the event loop: in the midst of a write nothing is safe."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if sys.__stderr__ is not None:
            # The thread that writes must outlive a terminal that is gone: once its queue is full, the app stands still.
            self._file = cast("Any", talking(sys.__stderr__))
        self._is_suspended = False
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
                signal.signal(number, self._told_to_end)

    def _told_to_end(self, number: int, *_: object) -> None:
        exit_code = 128 + number  # as a shell has it
        if self._loop.is_closed():
            raise SystemExit(exit_code)
        self._loop.call_soon_threadsafe(post, self._app, ToldToEnd(exit_code))

    def _sigtstp_application(self, *_: object) -> None:
        if self._loop.is_closed():
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if self._auto_restart and not self._is_suspended:
            self.suspend_application_mode()
            self._is_suspended = True
        os.kill(os.getpid(), signal.SIGSTOP)

    def _sigcont_application(self, *_: object) -> None:
        if not self._loop.is_closed():  # a demo outlives its console while it ends what it started
            self._loop.call_soon_threadsafe(self._continue)

    def _continue(self) -> None:
        if not self._auto_restart:
            return  # somebody else has the screen, and gives it back
        if not self._is_suspended:
            # By a signal that nobody can hear. Whoever had the terminal meanwhile set it up for themselves.
            self.suspend_application_mode()
        self._is_suspended = False
        self._must_signal_resume = True
        self.resume_application_mode()

    def resume_application_mode(self) -> None:
        """Takes the terminal back. What was typed while another program had it was not meant for the console."""
        discard_typed(self.fileno)
        super().resume_application_mode()

    def run_input_thread(self) -> None:
        """Reads keys until the app ends. Bytes that are no text, and sequences that are none, are line noise."""
        parser, decoder = XTermParser(self._debug), codecs.getincrementaldecoder("utf-8")("replace")
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                typed = ""
                if selector.select(_LISTEN_SECONDS):
                    if not (data := self._read()):
                        self._told_to_end(signal.SIGHUP)
                        return
                    typed = decoder.decode(data)
                try:
                    self._take(parser, typed)
                except (ValueError, OverflowError):
                    # A sequence whose numbers are none. What came in the same reading is lost with it.
                    parser = XTermParser(self._debug)

    def _take(self, parser: XTermParser, typed: str) -> None:
        # Nothing would tell the parser that its input has ended.
        for event in parser.feed(typed) if typed else ():
            self.process_message(event)
        for event in parser.tick():
            self.process_message(event)

    def _read(self) -> bytes:
        """What was typed; nothing where there is no terminal any more."""
        try:
            return os.read(self.fileno, _CHUNK)
        except OSError:
            return b""
