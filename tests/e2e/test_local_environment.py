"""Starting twice, crashing, starting again, and leaving nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.e2e.conftest import PATIENCE_SECONDS, Local, eventually, leftovers

pytestmark = pytest.mark.e2e


def up(own: Local, scenario: str = "healthy") -> dict[str, object]:
    return dict(json.loads(own.qlikops("local", "up", "--scenario", scenario, "--json").stdout))


def test_the_life_of_an_environment(own: Local) -> None:
    assert own.qlikops("local", "status", expect=None).returncode == ExitCode.NOT_FOUND
    first = up(own)
    assert up(own) == first
    assert json.loads(own.qlikops("local", "status", "--json").stdout) == first
    own.qlikops("local", "down")
    assert leftovers(own.data_folder) == []
    assert [path.name for path in own.data_folder.iterdir()] == ["local.lock"]
    assert own.qlikops("local", "status", expect=None).returncode == ExitCode.NOT_FOUND
    own.qlikops("local", "down")


@pytest.mark.parametrize("victim", ["aws", "qlik"])
def test_a_killed_child_is_noticed_and_the_next_up_starts_afresh(own: Local, victim: str) -> None:
    first = up(own)
    os.kill(first["pids"][victim], signal.SIGKILL)  # type: ignore[index]
    assert own.qlikops("local", "status", expect=None).returncode == ExitCode.NOT_FOUND
    second = up(own)
    assert second["pids"] != first["pids"]
    own.status = second
    assert own.simulator("state")["scenario"] == "healthy"


def test_a_killed_up_leaves_nothing_that_the_next_cannot_clean(own: Local) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "qlikops", "local", "up"],
        env=own.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: (own.data_folder / "local" / "logs" / "qlik.log").exists() or None, "the first child")
    process.kill()
    process.wait()
    assert own.qlikops("local", "status", expect=None).returncode == ExitCode.NOT_FOUND
    running = up(own)
    ours = {str(pid) for pid in running["pids"].values()}  # type: ignore[attr-defined]
    assert {name for name in ours if Path(f"/proc/{name}").exists()} == ours


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_up_cleans_up(own: Local, number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "qlikops", "local", "up"],
        env=own.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: (own.data_folder / "local" / "logs" / "qlik.log").exists() or None, "the first child")
    process.send_signal(number)
    assert process.wait(PATIENCE_SECONDS) == ExitCode.INTERRUPTED
    assert leftovers(own.data_folder) == []


def test_two_ups_at_once_start_one(own: Local) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "qlikops", "local", "up", "--scenario", "healthy", "--json"],
            env=own.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    first, second = (json.loads(process.communicate(timeout=60)[0]) for process in both)
    assert first == second


def test_a_wrong_option_starts_nothing(own: Local) -> None:
    assert own.qlikops("local", "up", "--rate", "soon", expect=None).returncode == ExitCode.USAGE
    assert own.qlikops("local", "up", "--approval-timeout", "soon", expect=None).returncode == ExitCode.USAGE
    failed = own.qlikops("local", "up", "--scenario", "none-such", expect=None)
    assert failed.returncode == ExitCode.FAILURE
    assert "none-such" in failed.stderr
    assert leftovers(own.data_folder) == []


def test_the_headless_demo_says_what_waits_and_ends_when_told(own: Local) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "qlikops", "demo", "--scenario", "one_fatal"],
        env=own.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    # Ends the reading below if it never says so.
    patience = threading.Timer(60, process.terminate)
    patience.start()
    text = ""
    while "send-task-failure" not in text:
        line = process.stdout.readline()
        assert line, text
        text += line
    patience.cancel()
    assert "1 waiting for a decision" in text
    assert "replicate-1/orders: connection to the source lost" in text
    assert "qlikops approve " in text
    process.terminate()
    process.stdout.close()
    assert process.wait(PATIENCE_SECONDS) == 0
    assert leftovers(own.data_folder) == []
    assert own.qlikops("local", "status", expect=None).returncode == ExitCode.NOT_FOUND
