"""What is shown before the console is there, and that it goes away where the console does not come."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from qlikops.tui.opening import opening


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_says_what_is_opened_as_text_and_leaves_the_screen_to_the_console() -> None:
    out = Terminal()
    with opening(["prod", "\x1b[2Jst\u202eaging"], out):
        pass
    assert out.getvalue() == "\x1b[?1049h\x1b[2J\x1b[H qlikops  opening prod, staging …"


def test_the_screen_is_given_back_where_the_console_cannot_open() -> None:
    out = Terminal()
    with pytest.raises(ValueError, match="no"), opening(["prod"], out):
        raise ValueError("no")
    assert out.getvalue().endswith("\x1b[?1049l")


def test_nothing_is_written_to_what_is_no_terminal() -> None:
    out = io.StringIO()
    with opening(["prod"], out), opening(["prod"], None):
        pass
    assert out.getvalue() == ""


def test_it_imports_nothing_heavy() -> None:
    code = "import sys, qlikops.tui.opening; print([m for m in ('textual', 'rich', 'boto3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
