"""What lies in the data folder, who may read it, and who may write it at the same time."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qlikops.local.environment import exports
from qlikops.local.state import LocalState, LocalStatus, SimulatedQlik

STATUS = LocalStatus(
    endpoint_url="http://127.0.0.1:4000",
    region="us-east-1",
    account="000000000000",
    stack="qlikops",
    state_machine_arn="arn:aws:states:us-east-1:000000000000:stateMachine:QlikMonitoringAgent",
    table="t",
    bucket="b",
    topic_arn="arn:t",
    schedule="QlikMonitorSchedule",
    qlik=SimulatedQlik("http://127.0.0.1:5000/attunityenterprisemanager/api/v1", "operator@sim", "it's secret"),
    pids={"aws": 1, "qlik": 2},
    started_at=datetime(2026, 3, 1, tzinfo=UTC),
    version="1",
)


@pytest.fixture
def state(tmp_path: Path) -> LocalState:
    return LocalState(tmp_path / "data")


def test_status_round_trips_and_is_nobody_elses_to_read(state: LocalState) -> None:
    assert state.read_status() is None
    state.write_status(STATUS)
    assert state.read_status() == STATUS
    assert stat.S_IMODE((state.folder / "status.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700
    assert json.loads((state.folder / "status.json").read_text())["qlik"]["username"] == "operator@sim"


def test_a_half_written_status_is_none(state: LocalState) -> None:
    state.write_status(STATUS)
    (state.folder / "status.json").write_text('{"endpoint_url": "http')
    assert state.read_status() is None


def test_all_but_the_logs_may_be_cleared_and_then_all(state: LocalState) -> None:
    state.write_status(STATUS)
    state.log("aws").write_text("why it failed")
    state.clear(keep_logs=True)
    assert state.read_status() is None
    assert state.log("aws").read_text() == "why it failed"
    state.clear()
    assert not state.folder.exists()
    state.clear()


def test_one_at_a_time(state: LocalState) -> None:
    waited: list[str] = []
    code = (
        "import sys; from pathlib import Path; from qlikops.local.state import LocalState\n"
        f"with LocalState(Path({str(state.folder.parent)!r})).locked(lambda: print('waiting', flush=True)):\n"
        "    print('in', flush=True)"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    with state.locked(lambda: waited.append("x")):
        other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        assert other.stdout is not None
        assert other.stdout.readline() == "waiting\n"
    assert other.stdout.readline() == "in\n"
    other.stdout.close()
    assert other.wait(60) == 0
    assert waited == []


def test_the_password_is_in_no_repr() -> None:
    assert "secret" not in repr(STATUS)


def test_exports_survive_a_shell() -> None:
    script = exports(STATUS) + "\necho $AWS_ENDPOINT_URL $AWS_REGION $QLIKOPS_CONTEXT ${AWS_PROFILE-none} $NO_PROXY"
    shell = subprocess.run(
        ["sh", "-c", script], check=True, capture_output=True, text=True, env={"AWS_PROFILE": "x", "NO_PROXY": "corp"}
    )
    assert shell.stdout.split() == ["http://127.0.0.1:4000", "us-east-1", "local", "none", "127.0.0.1,corp"]
