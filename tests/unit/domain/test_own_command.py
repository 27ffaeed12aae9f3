"""Own commands: names from outside stay one word each, and nothing wrong is found only when the key is pressed."""

from __future__ import annotations

import subprocess

import pytest

from qlikops.domain.encoding.settings import ConfigError
from qlikops.domain.errors import UsageError
from qlikops.domain.own_command import OwnCommand

HOSTILE = "a b; $(id) `id` 'x' \"y\" {server} %s"


def test_a_name_from_outside_stays_in_its_word() -> None:
    command = OwnCommand("f6", "ticket --task={task} '{server}: {{x}}' {id}")
    values = {"task": HOSTILE, "server": "eu 1", "id": "abc"}
    assert command.words(values) == ["ticket", f"--task={HOSTILE}", "eu 1: {x}", "abc"]


def test_a_shell_gets_it_quoted() -> None:
    command = OwnCommand("f6", "printf '%s' {task} | cat", shell=True)  # noqa: S604 - nothing runs here
    done = subprocess.run(command.words({"task": HOSTILE}), capture_output=True, text=True, check=True)
    assert done.stdout == HOSTILE


def test_a_name_is_no_option() -> None:
    with pytest.raises(UsageError, match="would be taken for an option"):
        OwnCommand("f6", "rm {task}").words({"task": "-rf"})
    assert OwnCommand("f6", "rm -x --t={task}").words({"task": "-rf"}) == ["rm", "-x", "--t=-rf"]


@pytest.mark.parametrize(
    ("run", "where"),
    [("", ()), ("x '", ()), ("x {tsak}", ()), ("x {", ()), ("x {0}", ()), ("x", ("inbx",)), ("{}", ())],
)
def test_what_makes_no_sense_is_said_when_it_is_read(run: str, where: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        OwnCommand("f6", run, where)


def test_it_fits_where_all_of_its_names_are_known() -> None:
    command = OwnCommand("f6", "x {task} {id}", ("inbox", "task"))
    assert command.fits("inbox", {"task": "t", "id": "i"})
    assert not command.fits("inbox", {"task": "t", "id": ""})
    assert not command.fits("fleet", {"task": "t", "id": "i"})
    assert OwnCommand("f6", "x").fits("fleet", {})
