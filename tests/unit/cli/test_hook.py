"""approvals --watch --exec: each proposal that waits, once, and nothing holds up the watch."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qlikops.cli import output
from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.hook import ProposalHook
from qlikops.domain.errors import UsageError
from qlikops.presentation.lists.watch import WatchEvent, What
from tests.unit.cli.conftest import Run
from tests.unit.cli.test_watch import story
from tests.unit.domain.samples import NOON, WAITING

__all__ = ["story"]
EVENT = WatchEvent(NOON, What.NEW, "new", approval_id="a1", context="eu")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(output, "say", lines.append)
    return lines


def python(program: str) -> str:
    return shlex.join([sys.executable, "-c", program])


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def appends(path: Path) -> str:
    return python(f"import sys; open({str(path)!r}, 'a').write(sys.stdin.read() + chr(10))")


def test_each_that_waits_is_told_once_as_json(tmp_path: Path, said: list[str]) -> None:
    path = tmp_path / "$(told);"
    hook = ProposalHook(appends(path))
    others = [What.CHANGED, What.CLAIMED, What.ENDED, What.TROUBLE]
    for event in (EVENT, EVENT, *(replace(EVENT, what=what, approval_id=what) for what in others)):
        hook.take(event)
    hook.take(replace(EVENT, what=What.WAITS, approval_id="a2"))
    hook.take(replace(EVENT, context="us"))
    until(lambda: path.exists() and path.read_text().count("\n") == 3)
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(each["what"], each["approval_id"], each["context"]) for each in told] == [
        ("new", "a1", "eu"),
        ("waits", "a2", "eu"),
        ("new", "a1", "us"),
    ]
    assert said == []


def test_a_program_that_fails_is_said_and_the_next_one_is_told(said: list[str]) -> None:
    hook = ProposalHook(python("raise SystemExit(7)"))
    hook.take(EVENT)
    hook.take(replace(EVENT, approval_id="a2"))
    until(lambda: len(said) == 2)
    assert said[1].endswith("ended with 7 for a2.")


def test_one_that_takes_too_long_is_ended(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qlikops.hook.PATIENCE_SECONDS", 0.05)
    ProposalHook(python("import time; time.sleep(60)")).take(EVENT)
    until(lambda: said)
    assert "took over 0 s for a1" in said[0]


@pytest.mark.parametrize("command", ["", "'", "/nowhere/to/be/found x", "no-such-program-anywhere"])
def test_what_is_no_program_is_said_before_anything_is_watched(command: str) -> None:
    with pytest.raises(UsageError, match="--exec"):
        ProposalHook(command)


@pytest.mark.usefixtures("story")
def test_the_watch_tells_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "told"
    assert run("approvals", "--watch", "--exec", appends(path)).exit_code == ExitCode.INTERRUPTED
    until(lambda: path.exists() and path.read_text().count("\n") == 2)
    assert [json.loads(line)["approval_id"] for line in path.read_text().splitlines()] == [
        WAITING.approval_id,
        "feedfacefeed",
    ]
    assert run("approvals", "--exec", "true").exit_code == ExitCode.USAGE
