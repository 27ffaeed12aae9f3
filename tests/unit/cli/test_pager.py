"""What goes through a pager: output on a terminal that is longer than it, and nothing else."""

from __future__ import annotations

import io
import shlex
import sys
from pathlib import Path

import pytest

from qlikops.cli import output
from qlikops.cli.names import READING
from qlikops.cli.pager import PAGED, come_at_once, paged
from tests.commands import root
from tests.unit.cli.test_errors import paths


class Screen(io.StringIO):
    """A terminal of ten lines, as stdout and as stdin."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_a_screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Not a fixture: pytest puts its own stdout there before each test."""
    found = Screen()
    monkeypatch.setattr(sys, "stdout", found)
    monkeypatch.setattr(sys, "stdin", found)
    monkeypatch.setenv("LINES", "10")
    return found


@pytest.fixture
def pager(tmp_path: Path) -> dict[str, str]:
    """A pager that writes down what it got, and $LESS."""
    program = f"import os, sys; open({str(tmp_path / 'got')!r}, 'w').write(os.environ['LESS'] + sys.stdin.read())"
    return {"PAGER": shlex.join([sys.executable, "-c", program])}


def written(lines: int) -> str:
    return "".join(f"line {number}\n" for number in range(lines))


def print_lines(lines: int) -> None:
    for line in written(lines).splitlines():
        output.write(line)


def _fail_after(lines: int) -> None:
    print_lines(lines)
    raise ZeroDivisionError


@pytest.mark.parametrize("lines", [9, 10])
def test_only_what_does_not_fit_is_paged(
    monkeypatch: pytest.MonkeyPatch, pager: dict[str, str], tmp_path: Path, lines: int
) -> None:
    screen = on_a_screen(monkeypatch)
    with paged(pager):
        assert sys.stdout.isatty()
        with paged(pager):
            print_lines(lines)
    is_long = lines == 10
    assert screen.getvalue() == ("" if is_long else written(lines))
    assert (tmp_path / "got").exists() == is_long
    assert not is_long or (tmp_path / "got").read_text() == f"FRX{written(lines)}"
    assert sys.stdout is screen


@pytest.mark.parametrize("line", ["", "cat", "no-such-pager-anywhere", "'", "false"])
def test_without_a_pager_that_runs_nothing_is_lost(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    screen = on_a_screen(monkeypatch)
    with paged({"PAGER": line}):
        print_lines(50)
    # One that ran and showed nothing had its reasons.
    assert screen.getvalue() == ("" if line == "false" else written(50))


def test_what_is_no_terminal_gets_it_as_it_comes(
    monkeypatch: pytest.MonkeyPatch, pager: dict[str, str], tmp_path: Path
) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stdout", file)
    with paged(pager):
        print_lines(50)
        assert file.getvalue() == written(50)
    assert not (tmp_path / "got").exists()


def test_what_goes_on_and_on_and_what_fails_is_shown_as_far_as_it_came(
    monkeypatch: pytest.MonkeyPatch, pager: dict[str, str]
) -> None:
    screen = on_a_screen(monkeypatch)
    with paged(pager):
        print_lines(2)
        come_at_once()
        print_lines(20)
        assert screen.getvalue() == written(2) + written(20)
    with pytest.raises(ZeroDivisionError), paged(pager):
        _fail_after(3)
    assert screen.getvalue().endswith(written(20) + written(3))


def test_only_commands_that_read_are_paged_and_all_that_may_be_long() -> None:
    assert PAGED <= READING
    lists = {path[-1] for path, command in paths() if any("--format" in param.opts for param in command.params)}
    assert lists & READING - {"status", "test", "draft", "env"} <= PAGED | {"probe"}
    assert "--no-pager" in {name for param in root().params for name in param.opts}
