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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from qlikops.domain.task import StopReason, TaskState
from qlikops.qlik.simulator.fleet import Refusal, SimulatedFleet
from qlikops.qlik.simulator.scenario import AfterRun, Break, Effect

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
        """How often somebody has logged in."""
        self.refused = 0
        """How often somebody was not let in."""

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


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    server: SimulatorServer
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: otherwise every answer waits for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Called for each GET."""
        self.respond()

    def do_POST(self) -> None:
        """Called for each POST."""
        self.respond()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Says nothing of a request."""

    def respond(self) -> None:
        """Answers one request, whatever it asks for."""
        length = self.headers.get("Content-Length")
        if self.command == "POST" and length is None:
            self.close_connection = True
            return self._send(HTTPStatus.LENGTH_REQUIRED, _error("LENGTH_REQUIRED", "Content-Length is missing"))
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        try:
            body = self.rfile.read(max(0, int(length or 0)))
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
            case ["GET", "servers"]:
                return {"serverList": fleet.servers()}
            case ["GET", "servers", server]:
                return {"serverDetails": fleet.server_details(server)}
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
            case ["POST", "advance"]:
                self.server.clock.advance(float(body.get("seconds", 0)))
            case ["POST", "tasks", server, task, "break"]:
                fleet.break_now(_parse_break(server, task, body))
            case _:
                raise LookupError
        return fleet.true_state()

    _new_session = ""

    def _send(self, status: HTTPStatus, answer: Any) -> None:
        self.write(status, b"" if answer is None else json.dumps(answer).encode(), "application/json; charset=utf-8")

    def write(self, status: int, body: bytes, content_type: str) -> None:
        """Answers with a body that is whole and of the length that is said."""
        self.write_head(status, len(body), content_type)
        self.wfile.write(body)

    def write_head(self, status: int, length: int, content_type: str) -> None:
        """Says what is coming."""
        self.send_response(status)
        if self._new_session:
            self.send_header(SESSION_HEADER, self._new_session)
            self._new_session = ""
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        self.end_headers()


class SimulatorServer(ThreadingHTTPServer):
    """Serves one fleet on 127.0.0.1, on a free port unless told which."""

    daemon_threads = True
    request_queue_size = 256
    handler: type[Handler] = Handler
    scheme = "http"

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
        super().__init__(("127.0.0.1", port), self.handler)
        self.fleet = fleet
        self.latency_seconds = latency_seconds
        self.clock = clock
        self.sessions = Sessions(accounts, clock, session_seconds)

    @property
    def origin(self) -> str:
        """Where the control paths are: `http://127.0.0.1:PORT`."""
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    @property
    def base_url(self) -> str:
        """What goes into a QemInstance."""
        return self.origin + API_ROOT

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


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


def _parse_break(server: str, task: str, body: Mapping[str, Any]) -> Break:
    """`state`, `stop_reason`, `message`, `heals_after_seconds` of a Break; `resume`, `reload`, `fails_after_seconds`,
    `next_message` of its AfterRun. All may be absent. Raises ValueError for an unknown value.
    """
    heals_after = body.get("heals_after_seconds")
    return Break(
        at=0,
        server=server,
        task=task,
        state=TaskState(body.get("state", TaskState.ERROR)),
        stop_reason=StopReason(body.get("stop_reason", StopReason.FATAL_ERROR)),
        message=str(body.get("message", "")),
        after_run=AfterRun(
            resume=Effect(body.get("resume", Effect.COMES_UP)),
            reload=Effect(body.get("reload", Effect.COMES_UP)),
            fails_after_seconds=float(body.get("fails_after_seconds", AfterRun().fails_after_seconds)),
            message=str(body.get("next_message", "")),
        ),
        heals_after_seconds=None if heals_after is None else float(heals_after),
    )
