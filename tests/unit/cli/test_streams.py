"""Standard streams that are closed, full, without a reader or of another encoding: what then is said and returned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.unit.cli.in_a_process import TITLE
from tests.unit.domain.samples import WAITING

ID = WAITING.approval_id
ROOT = Path(__file__).parents[3]
NO_UTF8 = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@dataclass(frozen=True)
class Streams:
    """What a shell does to the streams of a command."""

    redirection: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *args: str, becomes: str = "restarted") -> subprocess.CompletedProcess[bytes]:
        words = (sys.executable, "-m", "tests.unit.cli.in_a_process", *args)
        quoted = " ".join(f"'{word}'" for word in words)
        return subprocess.run(
            ["sh", "-c", f"exec {quoted} {self.redirection}"],
            capture_output=True,
            timeout=120,
            cwd=ROOT,
            env={
                "PATH": os.defpath,
                "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
                "BECOMES": becomes,
                **self.environment,
            },
        )


BROKEN = {
    "stdout closed": Streams(">&-"),
    "stderr closed": Streams("2>&-"),
    "all closed": Streams("<&- >&- 2>&-"),
    "stdout full": Streams(">/dev/full"),
    "both full": Streams(">/dev/full 2>&1"),
}
ENCODED = {
    "Latin-1": Streams(environment={"PYTHONIOENCODING": "latin-1"}),
    "ASCII, strictly": Streams(environment={"PYTHONIOENCODING": "ascii:strict"}),
    "C locale": Streams(environment=NO_UTF8),
}
ALL = {**BROKEN, **ENCODED}
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")


def each(streams: Mapping[str, Streams]) -> list[object]:
    return [
        pytest.param(stream, id=name, marks=[needs_full] if "full" in stream.redirection else [])
        for name, stream in streams.items()
    ]


@pytest.mark.parametrize("streams", each(ALL))
@pytest.mark.parametrize(
    ("args", "becomes", "code"),
    [
        (["approve", ID], "restarted", ExitCode.OK),
        (["approve", ID, "--json"], "failed", ExitCode.NOT_RESTARTED),
        (["deny", ID, "--reason", "„nein“"], "unknown", ExitCode.UNKNOWN),
    ],
    ids=["restarted", "failed", "unknown"],
)
def test_the_exit_code_of_a_decision_says_what_came_of_it_whatever_can_be_printed(
    streams: Streams, args: list[str], becomes: str, code: ExitCode
) -> None:
    done = streams.run(*args, becomes=becomes)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("streams", each(ALL))
def test_no_command_ends_in_a_traceback_over_what_it_prints(streams: Streams) -> None:
    for args, codes in (
        (["approvals"], {ExitCode.OK}),
        (["--help"], {ExitCode.OK}),
        (["approvals", "--frobnicate"], {ExitCode.USAGE}),
    ):
        done = streams.run(*args)
        assert b"Traceback" not in done.stderr
        assert b"Exception ignored" not in done.stderr
        may_fail = streams.redirection.startswith(">/dev/full") and codes == {ExitCode.OK}
        assert done.returncode in ({ExitCode.FAILURE} if may_fail else codes), (args, done.stderr)


@needs_full
@pytest.mark.parametrize("args", [["approvals", "--json"], ["approvals"], ["config"], ["handover"], ["--help"]])
def test_data_that_cannot_be_written_is_a_failure_and_says_why(args: list[str]) -> None:
    done = Streams(">/dev/full").run(*args)
    assert done.returncode == ExitCode.FAILURE
    assert b"Standard output takes nothing: No space left on device." in done.stderr
    assert b"mistake in qlikops" not in done.stderr


def test_a_receipt_that_nobody_reads_is_said_to_count() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "tests.unit.cli.in_a_process", "approve", ID],
            stdout=nobody,
            stderr=subprocess.PIPE,
            timeout=120,
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        )
    assert done.returncode == ExitCode.OK
    assert b"The decision counts. Its receipt could not be printed" in done.stderr


@pytest.mark.parametrize("streams", each(ENCODED))
def test_json_loses_no_character_in_another_encoding(streams: Streams) -> None:
    (row,) = json.loads(streams.run("approvals", "--json").stdout)
    assert row["title"] == TITLE


INTERRUPTED = """
import sys
from qlikops.cli import doctor
from qlikops.cli.main import main

def interrupted():
    sys.stdout.write("printed by half")
    sys.stdin.readline()
    raise KeyboardInterrupt

doctor.doctor = interrupted
sys.argv[1:] = ["doctor"]
main()
"""


def test_an_interrupt_while_printing_keeps_its_own_exit_code_if_the_reader_leaves() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    process.stdin.close()
    assert process.stderr.read() == b"Interrupted.\n"
    process.stderr.close()
    assert process.wait(60) == ExitCode.INTERRUPTED
