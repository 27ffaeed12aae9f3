"""Real calls that fail: on what listens instead of AWS, and on an AWS that refuses."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from qlikops.aws.session import AwsConnection
from qlikops.config import Context, Settings
from qlikops.domain.errors import QlikopsError
from qlikops.qlik.simulator.loopback import LoopbackHandler, LoopbackServer
from tests.certificates import certificate as certificate


@pytest.fixture(autouse=True)
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Dummy keys, and nothing of this machine's configuration."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "QLIKOPS_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("HOME", str(tmp_path))
    return monkeypatch


def failing(url: str, profile: str = "") -> QlikopsError:
    """What asking the AWS at `url` who one is raises."""
    connection = AwsConnection(Context("x", Settings(profile=profile, region="eu-west-1", endpoint_url=url)))
    with pytest.raises(QlikopsError) as caught:
        connection.caller()
    return caught.value


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of something that lets `answer` speak on each connection."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with closing(connection):
                    try:
                        answer(connection)
                    except OSError:
                        continue  # the client went away, which is what is tried here

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://localhost:{server.getsockname()[1]}"


def cut_off(connection: socket.socket) -> None:
    connection.recv(5000)


class Refusing(LoopbackHandler):
    """AWS, refusing everything with `code` and `words`, at a time that is off from ours."""

    code, words, off, has_date = "AccessDenied", "no", timedelta(), True

    def respond(self) -> None:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{self.code}</Code><Message>{self.words}</Message></Error>"
            "<RequestId>1</RequestId></ErrorResponse>"
        ).encode()
        self.send_response_only(403)
        if self.has_date:
            self.send_header("Date", format_datetime(datetime.now(UTC) - self.off, usegmt=True))
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def refusing(**said: Any) -> Iterator[str]:
    handler = type("Handler", (Refusing,), said)
    with LoopbackServer(handler) as server:
        yield server.url
