"""Names on a command line: beginnings where nothing but reading follows, and what may have been meant everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.names import READING
from tests.commands import root
from tests.unit.cli.conftest import Run
from tests.unit.cli.test_errors import paths
from tests.unit.domain.samples import WAITING

WRITING = frozenset(
    {
        *("approve", "deny", "claim", "run", "stop", "redrive", "schedule", "probe", "exam", "demo", "deploy"),
        *("destroy", "login", "logout", "plan", "lift", "end", "add", "remove", "up", "down", "set", "edit"),
    }
)
"""Commands that change something, cost something, or open a session."""


def named(group: Any = None) -> Iterator[tuple[str, Any]]:
    for name, command in (group or root()).commands.items():
        yield name, command
        if hasattr(command, "commands"):
            yield from named(command)


def test_of_each_command_it_is_said_whether_it_only_reads() -> None:
    names = {name for name, _ in named()}
    assert names - READING - WRITING == set(), "PAGED in cli/pager.py, READING in cli/names.py, or WRITING here"
    assert names >= READING | WRITING
    assert not READING & WRITING


def test_a_command_that_writes_is_not_run_by_the_beginning_of_its_name(run: Run) -> None:
    result = run("den", WAITING.approval_id, "--reason", "x")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == "Failed: There is no command 'den'.\nDid you mean deny?\n"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("approv", "Did you mean approvals or approve?"),
        ("aprove", "Did you mean approve?"),
        ("xyz", "`qlikops --help` lists what there is."),
    ],
)
def test_what_is_no_command_says_which_may_have_been_meant(run: Run, typed: str, said: str) -> None:
    result = run(typed)
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.splitlines()[-1].replace("root", "qlikops") == said


def test_the_beginning_of_a_command_that_reads_will_do(run: Run) -> None:
    assert run("approva", "--json").stdout == run("approvals", "--json").stdout
    assert run("kno", "exp", "ORA-01017: x", "--json").exit_code == ExitCode.OK


def test_every_choice_takes_a_beginning_and_names_what_is_alike(run: Run) -> None:
    chosen = {
        (path, option.opts[0]): option.type_descriptor.annotation
        for path, command in paths()
        for option in command.params
        if isinstance(option.type_descriptor.annotation, type) and issubclass(option.type_descriptor.annotation, Enum)
    }
    assert (("approvals",), "--sort") in chosen
    assert run("approvals", "--sort", "sev", "--json").exit_code == ExitCode.OK
    assert run("approvals", "--sort", "sevrity").stderr.splitlines()[-1] == "Did you mean severity?"
    for (path, option), kind in chosen.items():
        result = run(*path, option, "zzzz")
        assert result.exit_code == ExitCode.USAGE, path
        assert f"{option}: there is no 'zzzz'" in result.stderr, path
        assert all(str(each.value) in result.stderr for each in kind), path


def test_no_known_failure_says_which_is_alike(run: Run) -> None:
    assert "Did you mean replicate-" in run("known", "show", "replicat", "--built-in").stderr
    assert run("known", "--engine", "oracel", "--built-in").stderr.endswith("Did you mean oracle?\n")
    assert (
        run("known", "--engine", "orac", "--built-in").stdout == run("known", "--engine", "oracle", "--built-in").stdout
    )


def test_a_context_is_named_in_full(run: Run) -> None:
    result = run("approvals", "--context", "defaul")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "Did you mean default?" in result.stderr
