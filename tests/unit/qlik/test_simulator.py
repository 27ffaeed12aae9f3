"""The simulator's own paths, and the simulator as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import urllib3

from qlikops.domain.fleet.task import StopReason, TaskState
from qlikops.qlik.client import QemClient
from qlikops.qlik.config import QemInstance
from qlikops.qlik.simulator.server import SESSION_HEADER, SimulatorServer
from tests.unit.qlik.conftest import PASSWORD, Simulate, client_of

SERVER = "replicate-1"


def ask(method: str, url: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    with urllib3.PoolManager() as pool:
        response = pool.request(
            method, url, body=None if body is None else json.dumps(body), headers=headers, retries=False
        )
        return response.status, json.loads(response.data) if response.data else None


def control(server: SimulatorServer, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    return ask(method, f"{server.url}/_sim/{path}", body)


def login(server: SimulatorServer, method: str = "GET") -> str:
    with urllib3.PoolManager() as pool:
        headers = urllib3.make_headers(basic_auth=f"monitor:{PASSWORD}")
        response = pool.request(method, f"{server.base_url}/login", headers=headers, retries=False)
        assert (response.status, response.data) == (200, b"")
        return response.headers[SESSION_HEADER]


def test_control_paths_need_no_session(simulate: Simulate) -> None:
    server = simulate("one_fatal")
    status, state = control(server, "GET", "state")
    assert status == 200
    assert (state["scenario"], state["seed"], state["calls"]) == ("one_fatal", 1, [])
    assert {task["task"]: task["state"] for task in state["tasks"]}["orders"] == "ERROR"


def test_a_task_can_be_broken(simulate: Simulate) -> None:
    server = simulate()
    assert control(server, "POST", f"tasks/{SERVER}/orders/break", {"message": "no memory"})[0] == 200
    with client_of(server) as client:
        facts = client.task(SERVER, "orders")
        assert (facts.state, facts.stop_reason, facts.message) == (
            TaskState.ERROR,
            StopReason.FATAL_ERROR,
            "no memory",
        )


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"tasks/{SERVER}/nothing/break", {}, 500),
        (f"tasks/{SERVER}/orders/break", [], 400),
        ("nothing", {}, 404),
    ],
)
def test_wrong_control_calls(simulate: Simulate, path: str, body: Any, status: int) -> None:
    assert control(simulate(), "POST", path, body)[0] == status


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_both_ways_to_log_in(simulate: Simulate, method: str) -> None:
    server = simulate()
    status, body = ask("GET", f"{server.base_url}/servers", **{SESSION_HEADER: login(server, method)})
    assert status == 200
    assert body["serverList"][0]["$type"] == "ReplicateServerInfo"


def test_errors_have_the_vendors_shape(simulate: Simulate) -> None:
    server = simulate()
    status, body = ask("GET", f"{server.base_url}/servers")
    assert (status, body["error_code"]) == (500, "INVALID_SESSION_ID")
    for credentials in ("Basic !", "Bearer x", "", "Basic bW9uaXRvcjp3cm9uZw=="):
        status, body = ask("GET", f"{server.base_url}/login", Authorization=credentials)
        assert (status, body["error_code"]) == (401, "UNAUTHORIZED_REQUEST")
    status, body = ask("GET", f"{server.base_url}/servers/nowhere", **{SESSION_HEADER: login(server)})
    assert (status, body["error_code"]) == (500, "AEM_SERVER_NOT_FOUND")


def test_a_server_detail_has_the_vendors_shape(simulate: Simulate) -> None:
    server = simulate()
    _, body = ask("GET", f"{server.base_url}/servers/{SERVER}", **{SESSION_HEADER: login(server)})
    assert body["serverDetails"]["task_summary"]["total"] == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    ready_file = tmp_path / "ready.json"
    with subprocess.Popen(
        [sys.executable, "-m", "qlikops.qlik.simulator", "--scenario", "one_fatal", "--ready-file", str(ready_file)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while not ready_file.exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            ready = json.loads(ready_file.read_text())
            assert ready["pid"] == process.pid
            assert ready_file.stat().st_mode & 0o077 == 0
            instance = QemInstance("q", ready["base_url"], ready["username"], ready["password"])
            with QemClient(instance) as client:
                assert client.task(SERVER, "orders").state is TaskState.ERROR
            process.send_signal(number)
            output = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, *output) == (0, b"", b"")


def test_an_unknown_scenario_ends_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "qlikops.qlik.simulator", "--scenario", "paradise"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "paradise" in done.stderr
