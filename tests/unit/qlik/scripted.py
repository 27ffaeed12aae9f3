"""An HTTP server that answers what a test tells it to: for what the simulator, which behaves, never does."""

from __future__ import annotations

import json
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from qlikops.qlik.client import SESSION_HEADER
from qlikops.qlik.config import QemInstance
from qlikops.qlik.simulator.loopback import LoopbackHandler, LoopbackServer


@dataclass(frozen=True)
class Request:
    """One request as it came in, its path as it was on the wire."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """An answer; `promised` is a Content-Length that the body does not keep."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None


@dataclass(frozen=True)
class Hangup:
    """No answer: the connection closes after the request was read, with a reset where asked for."""

    reset: bool = False


@dataclass(frozen=True)
class Drip:
    """An answer that comes byte by byte, 20 ms apart, for as long as somebody listens."""

    at_once: bytes
    bytewise: bytes


def json_reply(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode())


LOGGED_IN = Reply(headers={SESSION_HEADER: "session-1"})


class ScriptedQem(LoopbackServer):
    """Answers logins with a session and everything else from `script`, in order; an empty script hangs up."""

    def __init__(
        self, *script: Reply | Hangup | Drip, login: Callable[[], Reply | Hangup | Drip] = lambda: LOGGED_IN
    ) -> None:
        super().__init__(_Handler)
        self.script = deque(script)
        self.login = login
        self.requests: list[Request] = []
        self.dripped = 0

    def instance(self, **changes: Any) -> QemInstance:
        values = {"name": "scripted", "base_url": f"{self.url}/api/v1", "username": "u", "password": "pw"}
        return QemInstance(**{**values, **changes})

    def sent(self, method: str) -> list[str]:
        """The paths asked for with `method`, logins and logouts left out."""
        return [r.path for r in self.requests if r.method == method and not r.path.endswith(("/login", "/logout"))]


class _Handler(LoopbackHandler):
    server: ScriptedQem

    def respond(self) -> None:
        self.server.requests.append(Request(self.command, self.path, dict(self.headers)))
        if self.path.endswith("/login"):
            answer = self.server.login()
        elif self.path.endswith("/logout"):
            answer = Reply()
        else:
            answer = self.server.script.popleft() if self.server.script else Hangup()
        match answer:
            case Hangup(reset):
                self.close_connection = True
                if reset:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case Drip(at_once, bytewise):
                self.close_connection = True
                self.wfile.write(at_once)
                self.wfile.flush()
                for byte in bytewise:
                    self.server.over.wait(0.02)
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    self.server.dripped += 1
            case Reply(status, body, headers, promised):
                self.write_head(status, len(body) if promised is None else promised, "application/json", **headers)
                self.wfile.write(body)
                self.close_connection |= promised is not None
