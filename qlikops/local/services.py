"""The two children: how each is started, and how we know that it answers."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import urllib3
from botocore.config import Config

import qlikops
from qlikops.aws.session import embedded_session
from qlikops.domain.errors import QlikopsError
from qlikops.files import UnreadableFile, read_json
from qlikops.local.processes import spawn
from qlikops.local.state import LocalState, SimulatedQlik

REGION = "us-east-1"
ACCOUNT = "000000000000"
ACCESS_KEY = "test"
"""The embedded AWS takes any credentials; these belong to no account."""
AWS = "aws"
QLIK = "qlik"

_START_SECONDS = 30.0
_POLL_SECONDS = 0.05


class LocalStartFailed(QlikopsError):
    """A part of the local environment did not start."""


def require_embedded_aws() -> None:
    """Raises LocalStartFailed, with the command that installs it, where the embedded AWS is missing."""
    if importlib.util.find_spec("ministack") is None:
        raise LocalStartFailed(
            "The embedded AWS (ministack) is not installed.",
            f"Install it with: {sys.executable} -m pip install 'qlikops[local]'",
        )


def start_aws(state: LocalState) -> tuple[str, int]:
    """Starts the embedded AWS; its endpoint, once it answers, and its pid."""
    folder = state.make_folder(AWS)
    port = _free_port()
    child = spawn(
        *("-m", "ministack"),
        # Lambda handlers inherit this environment: nothing of the caller's AWS settings may be in it.
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(state.make_folder(AWS, "home")),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",  # it would listen to the whole network, and it runs code for anybody
            "IOT_MTLS_ENABLED": "0",  # its broker ignores BIND_HOST
            "SFTP_ENABLED": "0",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "PERSIST_STATE": "0",
            "STATE_DIR": str(state.make_folder(AWS, "state")),
            "S3_PERSIST": "0",
            "S3_DATA_DIR": str(state.make_folder(AWS, "s3")),
            "PYTHONUNBUFFERED": "1",
        },
        temporary=state.make_folder(AWS, "tmp"),
        cwd=folder,
        log=state.log(AWS),
    )
    endpoint = f"http://127.0.0.1:{port}"
    _await(lambda: is_aws_up(endpoint) or None, child, "The embedded AWS", state.log(AWS))
    return endpoint, child.pid


def start_qlik(state: LocalState, *, scenario: str, seed: int) -> tuple[SimulatedQlik, int]:
    """Starts the simulated fleet; how to reach it, once it answers, and its pid."""
    folder = state.make_folder(QLIK)
    ready = folder / "ready.json"
    child = spawn(
        *("-m", "qlikops.qlik.simulator", "--port", "0"),
        *("--scenario", scenario, "--seed", str(seed), "--ready-file", str(ready)),
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            # The simulator of this very qlikops, installed or not.
            "PYTHONPATH": str(Path(qlikops.__file__).parents[1]),
            "PYTHONUNBUFFERED": "1",
        },
        temporary=folder,
        cwd=folder,
        log=state.log(QLIK),
    )
    said = _await(lambda: _read_ready(ready), child, "The simulated Qlik fleet", state.log(QLIK))
    return SimulatedQlik(said["base_url"], said["username"], said["password"]), child.pid


def is_aws_up(endpoint: str) -> bool:
    """Whether the embedded AWS answers."""
    return _status_of(f"{endpoint}/_ministack/health") == 200


def is_qlik_up(qlik: SimulatedQlik) -> bool:
    """Whether the simulated Enterprise Manager answers; that it refuses us without a session is an answer."""
    return _status_of(f"{qlik.base_url}/servers") is not None


def client(service: str, endpoint: str) -> Any:
    """A boto3 client of the embedded AWS that reads nothing of the machine's AWS configuration."""
    return embedded_session(REGION).client(  # type: ignore[call-overload]  # one function for every service
        service,
        endpoint_url=endpoint,
        config=Config(proxies={}, s3={"addressing_style": "path"}),
    )


def _await(attempt: Callable[[], Any], child: subprocess.Popen[bytes], what: str, log: Path) -> Any:
    """What `attempt` answers once it is not None; LocalStartFailed, with the log's end, if the child dies or hangs."""
    deadline = time.monotonic() + _START_SECONDS
    while (answer := attempt()) is None:
        if child.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise LocalStartFailed(f"{what} did not start:\n{tail}", f"Its log is {log}")
        time.sleep(_POLL_SECONDS)
    return answer


def _read_ready(path: Path) -> Mapping[str, Any] | None:
    try:
        said: Mapping[str, Any] = read_json(path)
    except UnreadableFile:  # not written yet, or not all of it
        return None
    return said


def _status_of(url: str) -> int | None:
    """The HTTP status of a GET, past any proxy; None where nothing answers."""
    try:
        return urllib3.PoolManager().request("GET", url, timeout=2, retries=False).status
    except urllib3.exceptions.HTTPError:
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
