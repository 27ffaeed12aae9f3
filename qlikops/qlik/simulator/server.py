"""Enterprise Manager's REST API over a simulated fleet: its paths, headers, error bodies and sessions.

Below `/_sim` are control paths that the real one does not have; they need no session. Loopback only.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from qlikops.qlik.simulator.fleet import Refusal, SimulatedFleet
from qlikops.qlik.simulator.loopback import LoopbackHandler, LoopbackServer
from qlikops.qlik.simulator.scenario import Break

API_ROOT = "/attunityenterprisemanager/api/v1"
SESSION_HEADER = "EnterpriseManager.APISessionID"
SESSION_SECONDS = 300.0


class AdjustableClock:
    """Seconds of `base`, plus what it was advanced by."""

    def __init__(self, base: Callable[[], float]) -> None:
        self._base = base
        self._ahead = 0.0

    def __call__(self) -> float:
        """The time, in seconds since nowhere in particular."""
        return self._base() + self._ahead

    def advance(self, seconds: float) -> None:
        """Puts the clock forward."""
        self._ahead += seconds


class Sessions:
    """Who is logged in. A session ends a while after its last request."""

    def __init__(self, accounts: Mapping[str, str], clock: Callable[[], float], seconds: float) -> None:
        """`accounts` maps what a login may say before its first colon to what it must say after it."""
        self.accounts = dict(accounts)
        """Looked at by each login; sessions that are open stay so."""
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()
        self._open: dict[str, tuple[str, float]] = {}
        self.opened = 0
        """How many logins were accepted."""
        self.refused = 0
        """How many logins were refused."""

    def __len__(self) -> int:
        return len(self._open)

    def login(self, header: str) -> str:
        """A new session's id. Raises Unauthorized."""
        scheme, _, encoded = header.partition(" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Unauthorized from None
        if scheme != "Basic" or user not in self.accounts or self.accounts[user] != password:
            with self._lock:
                self.refused += 1
            raise Unauthorized
        session_id = secrets.token_hex(16)
        with self._lock:
            self._open[session_id] = (user, self._clock())
            self.opened += 1
        return session_id

    def use(self, session_id: str) -> str:
        """The session's user; its time begins anew. Raises Refusal where it has ended or never was."""
        with self._lock:
            user, used_at = self._open.pop(session_id, ("", 0.0))
            if not user or self._clock() - used_at > self._seconds:
                raise Refusal("INVALID_SESSION_ID", "The session ID is invalid or has expired")
            self._open[session_id] = (user, self._clock())
            return user

    def logout(self, session_id: str) -> None:
        """Ends a session."""
        with self._lock:
            self._open.pop(session_id, None)


class Unauthorized(Exception):
    """The login is refused."""


class Handler(LoopbackHandler):
    """Answers one connection's requests."""

    server: SimulatorServer
    _new_session = ""

    def respond(self) -> None:
        """Answers one request, whatever it asks for."""
        length = self.headers.get("Content-Length")
        if self.command == "POST" and length is None:
            self.close_connection = True
            return self._send(HTTPStatus.LENGTH_REQUIRED, _error("LENGTH_REQUIRED", "Content-Length is missing"))
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        try:
            body = self.body()
            if url.path.startswith("/_sim/"):
                answer = self._control(_segments(url.path.removeprefix("/_sim/")), _json_object(body))
            elif url.path.startswith(API_ROOT + "/"):
                segments = _segments(url.path.removeprefix(API_ROOT + "/"))
                answer = self.api(segments, query)
            else:
                raise LookupError
        except Unauthorized:
            return self._send(HTTPStatus.UNAUTHORIZED, _error("UNAUTHORIZED_REQUEST", "The credentials are not valid"))
        except Refusal as exc:
            return self._send(HTTPStatus.INTERNAL_SERVER_ERROR, _error(exc.error_code, exc.message))
        except LookupError:
            return self._send(HTTPStatus.NOT_FOUND, _error("NOT_FOUND", "There is nothing at this path"))
        except ValueError as exc:
            return self._send(HTTPStatus.BAD_REQUEST, _error("DESERIALIZE_TO_TYPE", str(exc)))
        return self._send(HTTPStatus.OK, answer)

    def api(self, segments: list[str], query: Mapping[str, str]) -> Any:
        """The JSON to answer; None for an empty body."""
        if self.server.latency_seconds:
            time.sleep(self.server.latency_seconds)
        if segments == ["login"]:
            self._new_session = self.server.sessions.login(self.headers.get("Authorization", ""))
            return None
        session_id = self.headers.get(SESSION_HEADER, "")
        user = self.server.sessions.use(session_id)
        fleet = self.server.fleet
        match [self.command, *segments]:
            case ["GET", "logout"]:
                self.server.sessions.logout(session_id)
                return None
            case ["GET", "security", "audit_trail"] if "start_timestamp" in query:
                since, until = query["start_timestamp"], query.get("end_timestamp", "")
                return {"auditTrail": fleet.audit_trail(since, until, user)}
            case ["GET", "servers"]:
                return {"serverList": fleet.servers()}
            case ["GET", "servers", server]:
                return {"serverDetails": fleet.server_details(server, user)}
            case ["GET", "servers", server, "tasks"]:
                return {"taskList": fleet.tasks(server)}
            case ["GET", "servers", server, "tasks", task]:
                return fleet.task(server, task)
            case ["GET", "servers", server, "endpoints", endpoint] if query.get("action") == "test":
                return fleet.test_endpoint(server, endpoint, user)
            case ["POST", "servers", server, "tasks", task] if query.get("action") == "run":
                return fleet.run(server, task, query.get("option", ""), user)
            case ["POST", "servers", server, "tasks", task] if query.get("action") == "stop":
                return fleet.stop(server, task, user)
        raise LookupError

    def _control(self, segments: list[str], body: Mapping[str, Any]) -> Any:
        fleet = self.server.fleet
        match [self.command, *segments]:
            case ["GET", "state"]:
                pass
            case ["POST", "reset"]:
                fleet.reset()
            case ["POST", "tasks", server, task, "break"]:
                fleet.break_now(Break(0, server, task, message=str(body.get("message", ""))))
            case _:
                raise LookupError
        return fleet.true_state()

    def _send(self, status: HTTPStatus, answer: Any) -> None:
        self.write(status, b"" if answer is None else json.dumps(answer).encode(), "application/json; charset=utf-8")

    def write_head(self, status: int, length: int, content_type: str, **headers: str) -> None:
        """Says what is coming, and the session that a login has begun."""
        if self._new_session:
            headers[SESSION_HEADER] = self._new_session
            self._new_session = ""
        super().write_head(status, length, content_type, **headers)


class SimulatorServer(LoopbackServer):
    """Serves one fleet."""

    handler: type[Handler] = Handler

    def __init__(
        self,
        fleet: SimulatedFleet,
        clock: AdjustableClock,
        *,
        accounts: Mapping[str, str],
        port: int = 0,
        session_seconds: float = SESSION_SECONDS,
        latency_seconds: float = 0,
    ) -> None:
        """`clock` is the fleet's; sessions age by it too. Raises OSError where the port is taken."""
        super().__init__(self.handler, port)
        self.fleet = fleet
        self.latency_seconds = latency_seconds
        self.clock = clock
        self.sessions = Sessions(accounts, clock, session_seconds)

    @property
    def base_url(self) -> str:
        """What goes into a QemInstance; the control paths are below `url`."""
        return self.url + API_ROOT


def _segments(path: str) -> list[str]:
    """The names in a path: clients quote them twice, so they are unquoted twice."""
    return [unquote(unquote(segment)) for segment in path.split("/")]


def _error(code: str, message: str) -> dict[str, str]:
    return {"error_code": code, "error_message": message}


def _json_object(body: bytes) -> Mapping[str, Any]:
    data = json.loads(body) if body else {}
    if not isinstance(data, dict):
        raise ValueError("the body must be a JSON object")
    return data
