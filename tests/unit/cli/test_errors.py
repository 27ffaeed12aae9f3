"""One form of error: what happened, to what, then what to do, whoever noticed it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import qlikops.cli
from qlikops.cli.exit_codes import ExitCode
from tests.commands import root
from tests.unit.cli.conftest import Run

ERRORS = frozenset({"UsageError", "NotFound", "QlikopsError", "ApprovalChanged", "DecisionUnknown", "Unreachable"})
SOURCES = sorted(Path(qlikops.cli.__path__[0]).glob("*.py"))


def paths(command: Any = None, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, each in getattr(command or root(), "commands", {}).items():
        yield (*before, name), each
        yield from paths(each, (*before, name))


@pytest.mark.parametrize(("path", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in paths()])
def test_a_wrong_command_line_is_said_in_two_lines(run: Run, path: tuple[str, ...], command: Any) -> None:
    wrong: list[tuple[str, ...]] = [("--no-such-option",)]
    if any(param.required for param in command.params):
        wrong.append(())
    options = [param for param in command.params if param.param_type_name == "option" and not param.is_flag]
    wrong += [(param.opts[0],) for param in options if param.opts[0] != "--json"]
    for args in wrong:
        result = run(*path, *args)
        assert result.exit_code == ExitCode.USAGE, (path, args)
        first, *hints = result.stderr.splitlines()
        assert first.startswith("Failed: "), result.stderr
        assert first.endswith((".", "?")), first
        assert len(hints) == 1, result.stderr
        assert result.stdout == ""


def test_a_wrong_option_names_the_one_that_is_alike(run: Run) -> None:
    assert run("deny", "x", "--resaon", "y").stderr == "Failed: There is no option --resaon.\nDid you mean --reason?\n"


def raised() -> Iterator[tuple[str, str, str]]:
    """Where each error of the commands is raised, its message and its hint, with `{}` for what is put in."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS):
                continue
            texts = [text(each) for each in node.args[:2]]
            yield f"{path.name}:{node.lineno}", texts[0], texts[1] if len(texts) > 1 else ""


def text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values)
    return "{}"


def test_every_message_is_a_sentence_and_every_hint_too() -> None:
    found = list(raised())
    assert len(found) > 40
    bad = [
        (where, said)
        for where, *both in found
        for said in both
        if said and not (said.endswith((".", "?", "…", "{}")) and (said[0] in "-{`" or said[0].isupper()))
    ]
    assert bad == []
