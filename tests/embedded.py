"""The embedded AWS for tests: a child process on loopback, so that conditions, transactions and indexes are real ones.

The child gets a minimal environment (Lambda handlers inherit it), only loopback, and a folder of the test's own; it
is ended by its process id whatever happens.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import boto3
import pytest
from botocore.config import Config

from qlikops.deployment.bundle import build_bundle

REGION = "eu-west-1"
ACCOUNT = "000000000000"
START_SECONDS = 60.0
STOP_SECONDS = 3.0
"""With waits inside a Map, a polite stop can take long."""
_PROGRAM = """
import yaml
yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
from ministack.app import main
main()
"""
"""What `python -m ministack` does, with templates read by libyaml: CloudFormation reads each plan's several times."""
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""No proxy of this machine's may stand in between."""


class EmbeddedAws:
    """One embedded AWS on a free port; `folder` takes all that it writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[tuple[str, int], Any] = {}

    @property
    def endpoint(self) -> str:
        """Where it listens, for `endpoint_url`."""
        return f"http://127.0.0.1:{self._port}"

    def client(self, service: str, attempts: int = 2) -> Any:
        """A boto3 client with dummy credentials; nothing of the machine's own AWS configuration is read.

        One for all who ask for the same: making one takes longer than most of what is asked of it.
        """
        if (service, attempts) not in self._clients:
            self._clients[service, attempts] = self.new_client(service, attempts)
        return self._clients[service, attempts]

    def new_client(self, service: str, attempts: int = 2) -> Any:
        """The same, for whoever changes it."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": attempts}, s3={"addressing_style": "path"}, proxies={}),
        )

    def start(self) -> None:
        """Starts it and returns once it answers. Raises RuntimeError, with its log, where it does not."""
        temporary = self._folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        log = self._folder / "ministack.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM],
                cwd=self._folder,
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "HOME": str(self._folder),
                    "TMPDIR": str(temporary),
                    "GATEWAY_PORT": str(self._port),
                    "BIND_HOST": "127.0.0.1",
                    "MINISTACK_HOST": "127.0.0.1",
                    # Its IoT listener would take port 8883 on every interface.
                    "IOT_MTLS_ENABLED": "0",
                    "AWS_ACCESS_KEY_ID": "test",
                    "AWS_SECRET_ACCESS_KEY": "test",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._await_health(log)
        except BaseException:
            self.stop()
            raise

    def empty(self) -> None:
        """Takes away all that is in it: it is as it was when it started."""
        _DIRECT.open(f"{self.endpoint}/_ministack/reset", data=b"", timeout=START_SECONDS).close()

    def stop(self) -> None:
        """Ends it and its Lambda workers; a second stop does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(ProcessLookupError):
            # Its own session: what is left in the group are its workers, and they must not outlive the test.
            os.killpg(process.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await_health(self, log: Path) -> None:
        process = self._process
        assert process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            try:
                with _DIRECT.open(f"{self.endpoint}/_ministack/health", timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"the embedded AWS did not start:\n{log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """One for all tests of a process, which keep apart by the names of their tables and buckets."""
    with EmbeddedAws(tmp_path_factory.mktemp("aws")) as aws:
        yield aws


@pytest.fixture(scope="session")
def emptied_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(tmp_path_factory.mktemp("emptied-aws")) as aws, pytest.MonkeyPatch.context() as patch:
        # Who deploys a stack deploys the same bundle each time, and to build it takes longer than to plan with it.
        patch.setattr("qlikops.deployment.deployer.build_bundle", functools.cache(build_bundle))
        yield aws


@pytest.fixture
def fresh_aws(emptied_aws: EmbeddedAws) -> EmbeddedAws:
    """An account with nothing in it, for tests of what has a fixed name, such as the stack.

    Starting a process for each, with every service that a stack needs, took longer than what was tested.
    """
    emptied_aws.empty()
    return emptied_aws


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
