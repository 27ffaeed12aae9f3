"""Talks to one Enterprise Manager: sessions, retries and errors, so that callers see facts or a QemError.

A read without an answer is repeated. A run, a stop or a test of an endpoint is sent once: repeated only where
Enterprise Manager itself says that it did not look at it (an expired session).
"""

from __future__ import annotations

import base64
import json
import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import RunOption, ServerFacts, TaskFacts, TaskKey
from qlikops.qlik import wire
from qlikops.qlik.audit import AuditLine, parse_audit_trail
from qlikops.qlik.config import QemInstance
from qlikops.qlik.errors import (
    QemBusinessError,
    QemError,
    QemLoginRefused,
    QemOutOfTime,
    QemProtocolError,
    QemSessionExpired,
    QemTooSlow,
    QemUnreachable,
)
from qlikops.qlik.names import key_name, path_segment
from qlikops.qlik.transport import ANSWER_FACTOR, AnswerTooSlow, make_pool
from qlikops.qlik.wire import ActionReply, EndpointTest, ListedTask, ServerDetails

SESSION_HEADER = "EnterpriseManager.APISessionID"
SESSION_IDLE_SECONDS = 270.0
"""Enterprise Manager forgets a session 300 s after its last request; a new one is had before that."""
GET_ATTEMPTS = 3
BACKOFF_SECONDS = 0.5
"""Upper bound of the first pause between attempts; doubles, and the pause itself is random below it."""

AUDIT_BYTES = 4 * 1024**2
"""Read of one answer of the audit trail: it is asked for minutes, and may not fill a function's memory."""
_AUDIT_TIME = "%Y-%m-%dT%H:%M:%SZ"
_GATEWAY_STATUSES = frozenset({502, 503, 504})
_REPLY_MARGIN_SECONDS = 15.0


class ErrorCode(StrEnum):
    """The error_codes that decide something here."""

    INVALID_SESSION_ID = "INVALID_SESSION_ID"
    UNAUTHORIZED_REQUEST = "UNAUTHORIZED_REQUEST"
    SERVER_NOT_MONITORED = "AEM_SERVER_NOT_MONITORED"
    ENDPOINT_NOT_FOUND = "AEM_ENDPOINT_NOT_FOUND"
    TEST_TIMEOUT = "AEM_TEST_ENDPOINT_CONNECTION_TIMEOUT"


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    data: bytes
    """The body, as much of it as is read."""
    body: Any
    """The body's JSON value; None for an empty body, and for one that is not JSON."""
    is_json: bool

    @classmethod
    def of(cls, response: urllib3.BaseHTTPResponse, most: int | None = None) -> Self:
        """The answer; of its body `most` bytes, if that is given."""
        data = response.data if most is None else response.read(most)
        if most is not None:
            response.close()
        try:
            body, is_json = (json.loads(data) if data else None), True
        except (ValueError, RecursionError):
            body, is_json = None, False
        return cls(response.status, response.headers, data, body, is_json)

    @property
    def error_code(self) -> str:
        """Empty where the body is no error."""
        code = self.body.get("error_code") if isinstance(self.body, dict) else None
        return code if isinstance(code, str) else ""

    @property
    def error_message(self) -> str:
        return str(self.body.get("error_message") or "") if self.error_code else ""


class QemClient:
    """One session with one Enterprise Manager, shared by any number of threads.

    Every call raises a QemError: QemUnreachable, QemLoginRefused, QemBusinessError, QemProtocolError, and QemOutOfTime
    where it was given an end.
    """

    def __init__(
        self,
        instance: QemInstance,
        *,
        operator: bool = False,
        newest: Callable[[], QemInstance | None] = lambda: None,
        pool: urllib3.PoolManager | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        rng: Callable[[], float] = random.random,
        give_up_at: float = math.inf,
    ) -> None:
        """Logs in with the first call: as the operator's account where `operator` and one is configured.

        Where the account is refused, `newest` is asked for the instance as it is configured by now: a password that
        was rotated meanwhile is used; the same one is not tried again, so that nobody's account gets locked. Raises
        QemMisconfigured where the CA bundle cannot be read.

        At `give_up_at`, by `clock`, reading ends: what waits then waits no longer, and nothing more is asked for.
        """
        self._instance = instance
        self._operator = operator
        self._credentials = instance.credentials(operator=operator)
        self._refused = ""
        """The credentials that were refused last."""
        self._newest = newest
        self._pool = pool or make_pool(instance)
        self._clock = clock
        self._sleep = sleep
        self._rng = rng
        self._give_up_at = give_up_at
        self._lock = threading.Lock()
        self._session_id = ""
        self._used_at = 0.0

    def __repr__(self) -> str:
        return f"QemClient({self._instance.name!r}, {self._instance.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.logout()
        self._pool.clear()

    def servers(self) -> tuple[ServerFacts, ...]:
        """All Replicate servers, without their tasks."""
        return wire.parse_server_list(self._get("/servers"), self._instance.name)

    def server(self, server: str) -> ServerDetails:
        """One server's licence and resources, and how old the state of its tasks is."""
        return wire.parse_server_details(self._get(f"/servers/{path_segment(server)}"))

    def tasks(self, server: str) -> tuple[ListedTask, ...]:
        """All tasks of a server, with their states only."""
        return wire.parse_task_list(self._get(f"/servers/{path_segment(server)}/tasks"), self._instance.name, server)

    def task(self, server: str, task: str) -> TaskFacts:
        """One task with everything that is known of it."""
        return wire.parse_task(self._get(_task_path(server, task)), TaskKey(self._instance.name, server, task))

    def run(self, server: str, task: str, option: RunOption, timeout_seconds: int = 60) -> ActionReply:
        """Runs a task; Enterprise Manager answers when it runs, or after `timeout_seconds`.

        Sent once: if the session has expired, or is too old to count on, QemSessionExpired says that nothing was done,
        and the next call has a new one. An error with `maybe_sent` leaves open whether the task was started.
        """
        return self._act(server, task, timeout_seconds, action="run", option=option.value)

    def stop(self, server: str, task: str, timeout_seconds: int = 60) -> ActionReply:
        """Stops a task, in the same way as `run` runs one."""
        return self._act(server, task, timeout_seconds, action="stop")

    def test_endpoint(self, server: str, endpoint: str, timeout_seconds: int = 60) -> EndpointTest:
        """Has Enterprise Manager test an endpoint: the Replicate server logs in to it. Sent once, for that reason.

        Enterprise Manager answers within `timeout_seconds`, or with ErrorCode.TEST_TIMEOUT.
        """
        query = urlencode({"action": "test", "timeout": timeout_seconds})
        path = f"/servers/{path_segment(server)}/endpoints/{path_segment(key_name(endpoint))}?{query}"
        return wire.parse_endpoint_test(self._call_once("GET", path, timeout_seconds))

    def audit_trail(self, since: datetime, until: datetime) -> tuple[AuditLine, ...]:
        """What was done on all servers in that time, by whom, as far as AUDIT_BYTES go. Asked for once."""
        query = urlencode({"start_timestamp": f"{since:{_AUDIT_TIME}}", "end_timestamp": f"{until:{_AUDIT_TIME}}"})
        path = f"/security/audit_trail?{query}"
        answer = self._answered("GET", path, 1, most=AUDIT_BYTES)
        if answer.error_code or answer.status != 200:
            self._checked(answer, "GET", path)
        return parse_audit_trail(answer.data.decode("utf-8", "replace"))

    def logout(self) -> None:
        """Ends the session, where there is one. Never fails: a session that is left behind expires by itself."""
        with self._lock:
            session_id, self._session_id = self._session_id, ""
        if session_id:
            with suppress(QemError):
                self._exchange_once("GET", "/logout", {SESSION_HEADER: session_id})

    def _get(self, path: str) -> Any:
        return self._call("GET", path, GET_ATTEMPTS)

    def _act(self, server: str, task: str, timeout_seconds: int, **query: str) -> ActionReply:
        path = f"{_task_path(server, task)}?{urlencode({**query, 'timeout': timeout_seconds})}"
        return wire.parse_action(self._call_once("POST", path, timeout_seconds))

    def _call_once(self, method: str, path: str, timeout_seconds: int) -> Any:
        # Enterprise Manager is silent until its own timeout; ours must not come first.
        read_timeout = max(self._instance.read_timeout, timeout_seconds + _REPLY_MARGIN_SECONDS)
        return self._call(method, path, 1, read_timeout)

    def _call(self, method: str, path: str, attempts: int, read_timeout: float | None = None) -> Any:
        """The JSON that `path` answers, with a session."""
        return self._checked(self._answered(method, path, attempts, read_timeout), method, path)

    def _answered(
        self, method: str, path: str, attempts: int, read_timeout: float | None = None, most: int | None = None
    ) -> _Reply:
        """What `path` answers, with a session, which a POST does not renew, and a GET once."""
        before, session_id = self._session_id, self._session()
        if method == "POST" and before not in ("", session_id):
            # A login takes up to minutes: who is to act looks once more whether it still may.
            raise QemSessionExpired(f"{self._where(method, path)}: the session was too old")
        answer = self._exchange(method, path, {SESSION_HEADER: session_id}, attempts, read_timeout, most)
        if answer.error_code == ErrorCode.INVALID_SESSION_ID:
            session_id = self._session(refused=session_id)
            if method == "POST":
                raise QemSessionExpired(f"{self._where(method, path)}: the session had expired")
            answer = self._exchange(method, path, {SESSION_HEADER: session_id}, attempts, read_timeout, most)
        return answer

    def _checked(self, answer: _Reply, method: str, path: str) -> Any:
        if answer.error_code:
            raise QemBusinessError(answer.error_code, answer.error_message)
        where = f"{self._where(method, path)} answered HTTP {answer.status}"
        if answer.status == 401:
            raise QemLoginRefused(f"{where} although logged in")
        if answer.status != 200:
            raise QemProtocolError(f"{where} without an error_code", maybe_sent=method == "POST")
        if not answer.is_json:
            # Not quoted: the body may be anybody's.
            raise QemProtocolError(
                f"{where} with {len(answer.data)} bytes that are not JSON", maybe_sent=method == "POST"
            )
        return answer.body

    def _session(self, refused: str = "") -> str:
        """The session's id. A thread that finds it expired logs in; the others wait for it and share the new one."""
        with self._lock:
            idle = self._clock() - self._used_at
            if self._session_id in ("", refused) or idle >= SESSION_IDLE_SECONDS:
                self._session_id = self._login()
            self._used_at = self._clock()
            return self._session_id

    def _login(self) -> str:
        """A new session's id. The caller holds the lock.

        A restart that waits comes here every two seconds: what was refused is not sent again before the secret says
        otherwise.
        """
        session_id = self._open_session()
        if session_id is None and (newest := self._newest()):
            self._credentials = newest.credentials(operator=self._operator)
            session_id = self._open_session()
        if session_id is None:
            account = "operator's" if self._operator and self._instance.has_operator else "monitoring"
            raise QemLoginRefused(f"Enterprise Manager {self._instance.name} refused the {account} account")
        return session_id

    def _open_session(self) -> str | None:
        """The id of one; None if the account is refused, or was the last time with the same credentials."""
        if self._credentials == self._refused:
            return None
        header = "Basic " + base64.b64encode(self._credentials.encode()).decode("ascii")
        answer = self._exchange("GET", "/login", {"Authorization": header}, GET_ATTEMPTS)
        if answer.status == 401 or answer.error_code == ErrorCode.UNAUTHORIZED_REQUEST:
            self._refused = self._credentials
            return None
        self._checked(answer, "GET", "/login")
        session_id = answer.headers.get(SESSION_HEADER, "")
        if not session_id:
            raise QemProtocolError(f"{self._where('GET', '/login')} answered without a session")
        return session_id

    def _exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        attempts: int,
        read_timeout: float | None = None,
        most: int | None = None,
    ) -> _Reply:
        """One answer, whatever it says. What has no answer is sent `attempts` times.

        An answer that takes too long is not asked for again: whoever is that slow has enough to do.
        """
        for retry in range(attempts - 1):
            try:
                return self._exchange_once(method, path, headers, read_timeout, most)
            except QemTooSlow:
                raise
            except QemUnreachable:
                pass
            self._sleep(min(self._time_left(), self._rng() * BACKOFF_SECONDS * 2**retry))
        return self._exchange_once(method, path, headers, read_timeout, most)

    def _exchange_once(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        read_timeout: float | None = None,
        most: int | None = None,
    ) -> _Reply:
        left = self._time_left()
        if not left:
            raise QemOutOfTime(f"{self._where(method, path)}: there was no time left")
        with self._unanswered_is_unreachable(method, path):
            response = self._pool.request(
                method,
                self._instance.base_url.rstrip("/") + path,
                headers={**headers, "Accept": "application/json"}
                | ({"Content-Length": "0"} if method == "POST" else {}),
                timeout=urllib3.Timeout(
                    connect=min(left, self._instance.connect_timeout),
                    # A whole answer may take longer than its first byte.
                    read=min(left / ANSWER_FACTOR, read_timeout or self._instance.read_timeout),
                ),
                retries=False,
                redirect=False,
                preload_content=most is None,
            )
            answer = _Reply.of(response, most)
        if answer.status in _GATEWAY_STATUSES and not answer.error_code:
            raise QemUnreachable(
                f"{self._where(method, path)}: a gateway answered HTTP {answer.status}", maybe_sent=method == "POST"
            )
        return answer

    @contextmanager
    def _unanswered_is_unreachable(self, method: str, path: str) -> Iterator[None]:
        try:
            yield
        except HTTPError as exc:
            if method == "GET" and not self._time_left():
                raise QemOutOfTime(f"{self._where(method, path)}: no answer in the time that was left") from exc
            # Only while connecting is it certain that nothing was sent.
            connecting = isinstance(exc, NewConnectionError | ConnectTimeoutError)
            slow = any(isinstance(arg, AnswerTooSlow) for arg in exc.args)
            raise (QemTooSlow if slow else QemUnreachable)(
                f"{self._where(method, path)}: {type(exc).__name__}: {exc}",
                maybe_sent=method == "POST" and not connecting,
            ) from exc

    def _time_left(self) -> float:
        """Seconds that are left; 0 when the time is over."""
        return max(0.0, self._give_up_at - self._clock())

    def _where(self, method: str, path: str) -> str:
        return f"Enterprise Manager {self._instance.name}: {method} {path}"


def _task_path(server: str, task: str) -> str:
    return f"/servers/{path_segment(server)}/tasks/{path_segment(task)}"
