"""Enterprise Manager in the world: its API over the simulated fleet, and a journal of what the agent does with it."""

from __future__ import annotations

import functools
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3

from qlikops.domain.fleet.task import StopReason, TaskState
from qlikops.qlik.simulator.fleet import Refusal, SimulatedFleet
from qlikops.qlik.simulator.scenario import LatencySide
from qlikops.qlik.simulator.server import API_ROOT, SESSION_HEADER, Sessions, Unauthorized
from qlikops.qlik.simulator.task import SimulatedState, TaskModel
from tests.scenarios.disturbed import DisturbedFleet, DisturbedTask
from tests.simulation.faults import Fault, Faults
from tests.simulation.kernel import Kernel

_AGENT = "monitor"
"""The user as whom the agent logs in."""
_CONNECTION = urllib3.connection.HTTPConnection("enterprise-manager")


@dataclass(eq=False, slots=True)
class Sent:
    """One run or stop that a process sends, and what becomes of it."""

    at: float
    process: str
    action: str
    server: str
    task: str
    option: str
    arrived: int = 0
    """How often Enterprise Manager was asked for it by this one request: at most once, unless something repeats it."""
    taken: bool = False
    """Enterprise Manager did it."""
    is_refused: bool = False
    """There was no connection, or no session: Enterprise Manager did not look at it, and the sender may know."""
    is_told: bool = True
    """The sender was told what Enterprise Manager made of it."""
    is_answered: bool = False
    """The sender has got Enterprise Manager's reply."""
    is_sent_on: bool = False
    """The client was told to repeat the request or to follow to another address by itself."""
    answered_at: float = 0.0
    """When the sender went on; 0 as long as it waits."""


@dataclass(eq=False, slots=True)
class Tested:
    """One test of an endpoint that a process asks for, and what becomes of it."""

    at: float
    process: str
    server: str
    endpoint: str
    has_arrived: bool = False
    """Enterprise Manager looked at it."""
    answered_at: float = 0.0
    answer: str = ""
    """What the process was told: the status or the error_code; empty where no answer came back."""
    said: str = ""
    """What the endpoint is said to have answered."""
    is_sent_on: bool = False
    """The client was told to repeat the request or to follow to another address by itself."""


class Requested(NamedTuple):
    """One request as it goes out."""

    at: float
    process: str
    method: str
    connect_seconds: float
    """That a connection may take."""
    read_seconds: float
    """That the first byte of an answer may take."""


class Listed(NamedTuple):
    """One list of a server's tasks that a process had."""

    at: float
    """When it was asked for."""
    process: str
    server: str


@dataclass
class Journal:
    """What passed between the agent and Enterprise Manager."""

    server_asked_at: dict[tuple[str, str], float] = field(default_factory=dict)
    """Process and server -> when what is known of the server itself was asked for last."""
    lists: list[Listed] = field(default_factory=list)
    on_request: list[Callable[[Requested], None]] = field(default_factory=list)
    """Told each request as it goes out."""
    sent: list[Sent] = field(default_factory=list)
    tests: list[Tested] = field(default_factory=list)
    on_read: list[Callable[[str, str, str], None]] = field(default_factory=list)
    """Told process, server and task of each look at one task, before the process goes on."""
    read: dict[tuple[str, str, str], Mapping[str, Any]] = field(default_factory=dict)
    """Process, server and task -> what the last answer told this process of this task."""
    is_logged_in: dict[str, bool] = field(default_factory=dict)
    """Of each process that has got a session, whether it has not asked for its end since."""
    no_logins: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """When each process asked for a session and got none."""
    refused_logins: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each process was refused a session for the same credentials."""
    listed: dict[tuple[str, str], tuple[float, Mapping[str, Any]]] = field(default_factory=dict)
    """Process and server -> when the last list of its tasks was asked for, and each task as it stood there."""


class LosableSessions(Sessions):
    """Sessions that do not survive their server."""

    def end_all(self) -> None:
        """Nobody is logged in any more."""
        self._open.clear()


_OF_GATEWAYS = (502, 503, 504)
"""What somebody in between says who had no answer: the request may have been carried out."""
_READS_NOTHING_SECONDS = 90.0
"""For which a task that was just started shows no latency."""


class StartingTask(DisturbedTask):
    """A task that shows a latency of 0 before it has read anything."""

    def _latencies(self, now: float, extra: Mapping[LatencySide, int]) -> tuple[int, int]:
        has_begun = self.running_since is not None and now - self.running_since < _READS_NOTHING_SECONDS
        return (0, 0) if has_begun else super()._latencies(now, extra)


class WatchedFleet(DisturbedFleet):
    """The simulator's fleet, which says when a task last broke or was stopped."""

    task_model = StartingTask
    fell_at: Mapping[tuple[str, str], float]
    starts_nothing_it_stopped = False
    """It refuses to start, for whoever had it stopped for a restart, what stands since."""
    details_from = 0.0
    """Until then its account gets no tasks' details: seconds since the scenario began."""
    tags_as_given: Callable[[list[str]], Any] = staticmethod(lambda tags: tags)
    """How a task's tags come in an answer: they may be left out, or some of them be written otherwise."""

    @property
    def details_at(self) -> float:
        """The moment from which on tasks' details may be read."""
        return self._began + self.details_from

    @property
    def began(self) -> float:
        """When the scenario began."""
        return self._began

    def reset(self) -> None:
        """Nothing has broken yet."""
        self._fell_at: dict[tuple[str, str], float] = {}
        self.fell_at = self._fell_at
        super().reset()

    def stopped_by_hand(self) -> dict[tuple[str, str], float]:
        """The tasks that stand because a person stopped them, and since when."""
        last = {(call.server, call.task): call for call in self._calls}
        return {
            place: self._fell_at[place]
            for place, task in self._tasks.items()
            # A run call that could not begin leaves one that was stopped shown in error.
            if task.true.stop_reason is StopReason.NORMAL and task.true.state is task.shown.state is TaskState.STOPPED
            if place in last and last[place].action == "stop" and last[place].user != _AGENT
        }

    def was_called(self, server: str, task: str, since: float) -> bool:
        """Whether anybody has had a task run or stopped since then."""
        at = since - self._began
        return any((call.server, call.task) == (server, task) and call.at >= at for call in self._calls)

    def run(self, server: str, task: str, option: str, user: str = "") -> dict[str, Any]:
        """Raises Refusal."""
        stopped_by = [
            call.user for call in self._calls if (call.server, call.task, call.action) == (server, task, "stop")
        ]
        if self.starts_nothing_it_stopped and user == _AGENT and stopped_by[-1:] == [_AGENT]:
            raise Refusal("AEM_RUN_TASK_INNER_ERR", "The task cannot be started")
        return super().run(server, task, option, user)

    def task(self, server: str, task: str) -> dict[str, Any]:
        """Raises Refusal."""
        if self._clock() < self.details_at:
            raise Refusal("AEM_NO_PERMISSION", "The user may not view this task")
        return self._with_tags_as_given(super().task(server, task))

    def tasks(self, server: str) -> list[dict[str, Any]]:
        """Raises Refusal."""
        return [self._with_tags_as_given(entry) for entry in super().tasks(server)]

    def _with_tags_as_given(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {**entry, "assigned_tags": self.tags_as_given(entry["assigned_tags"])}

    def _fall(self, now: float, task: TaskModel, condition: SimulatedState) -> None:
        self._fell_at[next(place for place, each in self._tasks.items() if each is task)] = self._began + now
        super()._fall(now, task, condition)

    def _run(self, now: float, server: str, name: str, option: str) -> dict[str, Any]:
        reply = super()._run(now, server, name, option)
        if reply["state"] == TaskState.ERROR:
            self._fell_at[server, name] = self._began + now
        return reply

    def _stop(self, now: float, server: str, name: str) -> dict[str, Any]:
        reply = super()._stop(now, server, name)
        self._fell_at[server, name] = self._began + now
        return reply


class EnterpriseManagerPool(urllib3.PoolManager):
    """urllib3's connections to an Enterprise Manager that is the simulator's fleet, in this world's time."""

    def __init__(
        self,
        kernel: Kernel,
        faults: Faults,
        fleet: SimulatedFleet,
        sessions: Sessions,
        journal: Journal,
        who: Callable[[], str],
    ) -> None:
        super().__init__()
        self._kernel, self._faults, self._fleet, self._sessions = kernel, faults, fleet, sessions
        self._journal, self._who = journal, who
        self.is_down: Callable[[], bool] = lambda: False
        """Whether it is being restarted right now."""
        self.stands_still: Callable[[str], float] = lambda _: 0.0
        """Seconds for which who lists a server's tasks stands still before the answer is heard."""

    def request(self, method: str, url: str, **options: Any) -> urllib3.HTTPResponse:  # type: ignore[override]
        path = urlsplit(url).path.removeprefix(API_ROOT)
        kind = "/".join(part if index % 2 else "*" for index, part in enumerate(path.split("/")))
        who, sent, asked_at = self._who(), self._sending(method, url), self._kernel.now
        test = self._testing(method, url)
        self._note_request(method, url, options, sent, test)
        try:
            response = self._faults.befall(
                f"qem:{method} {kind if path != '/login' else path}",
                who,
                lambda: self._heard(method, url, options.get("headers", {}), sent, test),
                lambda fault: self._failure(fault, method, url, sent),
            )
        except urllib3.exceptions.NewConnectionError:
            if sent:
                sent.is_refused = True
            raise
        finally:
            if sent:
                sent.answered_at = self._kernel.now
        if sent:
            sent.is_answered = response.status == 200 and response.data[-1:] == b"}"
        if test:
            said = _said(response)
            test.answered_at = self._kernel.now
            test.answer = said.get("status") or said.get("error_code", "")
            test.said = said.get("detailed_message", "")
        if path == "/login" and response.status == 200 and SESSION_HEADER in response.headers:
            self._journal.is_logged_in[who] = True
            self._journal.no_logins[who].pop()
        match [method, *_segments(url)]:
            case ["GET", "servers", server, "tasks", task] if response.status == 200:
                self._journal.read[who, server, task] = _said(response)
                for told in self._journal.on_read:
                    told(who, server, task)
            case ["GET", "servers", server, "tasks"] if response.status == 200:
                entries = _said(response).get("taskList", ())
                self._journal.listed[who, server] = (asked_at, {entry["name"]: entry for entry in entries})
                self._journal.lists.append(Listed(asked_at, who, server))
        return response

    def _note_request(
        self, method: str, url: str, options: Mapping[str, Any], sent: Sent | None, test: Tested | None
    ) -> None:
        who, timeout = self._who(), options["timeout"]
        for each in (sent, test):
            if each:
                each.is_sent_on = bool(options.get("retries") is not False or options.get("redirect"))
        match _segments(url):
            case ("login",):
                self._journal.no_logins[who].append(self._kernel.now)
            case ("logout",):
                self._journal.is_logged_in[who] = False
            case ("servers", server):
                self._journal.server_asked_at[who, server] = self._kernel.now
        request = Requested(self._kernel.now, who, method, float(timeout.connect_timeout), float(timeout.read_timeout))
        for told in self._journal.on_request:
            told(request)

    def _heard(
        self, method: str, url: str, headers: Mapping[str, str], sent: Sent | None, test: Tested | None
    ) -> urllib3.HTTPResponse:
        answer = self._answer(method, url, headers, sent, test)
        is_list = _segments(url)[::2] == ("servers", "tasks")
        if is_list and not self._kernel.is_unheard and (seconds := self.stands_still(self._who())):
            self._kernel.sleep(seconds)
        return answer

    def _sending(self, method: str, url: str) -> Sent | None:
        """The journal's line for a request that does something."""
        query = _query(url)
        match [method, *_segments(url)]:
            case ["POST", "servers", server, "tasks", task]:
                action, option = query.get("action", ""), query.get("option", "")
                sent = Sent(self._kernel.now, self._who(), action, server, task, option)
                self._journal.sent.append(sent)
                return sent
        return None

    def _testing(self, method: str, url: str) -> Tested | None:
        """The journal's line for a request that has an endpoint tested."""
        match [method, *_segments(url)]:
            case ["GET", "servers", server, "endpoints", endpoint]:
                self._journal.tests.append(Tested(self._kernel.now, self._who(), server, endpoint))
                return self._journal.tests[-1]
        return None

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], sent: Sent | None, test: Tested | None
    ) -> urllib3.HTTPResponse:
        segments = _segments(url)
        new_session = ""
        if self.is_down():
            raise urllib3.exceptions.NewConnectionError(_CONNECTION, "restarting")
        try:
            if segments == ("login",):
                new_session = self._login(headers.get("Authorization", ""))
                body: Any = None
            else:
                user = self._sessions.use(headers.get(SESSION_HEADER, ""))
                if sent:
                    sent.arrived += 1
                if test:
                    test.has_arrived = True
                body = self._api(method, segments, _query(url), user)
                if sent:
                    sent.taken = True
        except Unauthorized:
            if sent:
                sent.is_refused = True
            return _http(401, {"error_code": "UNAUTHORIZED_REQUEST", "error_message": "The credentials are not valid"})
        except Refusal as exc:
            if sent and not sent.arrived:  # the session was one of before a restart
                sent.is_refused = True
            return _http(500, {"error_code": exc.error_code, "error_message": exc.message})
        return _http(200, body, {SESSION_HEADER: new_session} if new_session else {})

    def _login(self, header: str) -> str:
        try:
            return self._sessions.login(header)
        except Unauthorized:
            self._journal.refused_logins[self._who(), header] += 1
            raise

    def _failure(self, fault: Fault, method: str, url: str, sent: Sent | None) -> urllib3.HTTPResponse | Exception:
        if sent:
            sent.is_told = fault is Fault.REFUSED
        match fault:
            case Fault.REFUSED:
                return urllib3.exceptions.NewConnectionError(_CONNECTION, "refused")
            case Fault.LOST:
                return urllib3.exceptions.ReadTimeoutError(_CONNECTION, url, "Read timed out.")  # type: ignore[arg-type]
            case Fault.BUSY:
                return urllib3.HTTPResponse(io.BytesIO(b"{"), {}, 200)
            case Fault.FORBIDDEN:
                return _page(403)
        if method == "POST" and self._kernel.random.random() < 0.5:
            return _http(500, {"error_code": "AEM_TASK_ACTION_TIMEOUT", "error_message": "no answer from the server"})
        return _page(_OF_GATEWAYS[len(self._faults.befallen) % len(_OF_GATEWAYS)])

    def _api(self, method: str, segments: Sequence[str], query: Mapping[str, str], user: str) -> Any:
        match [method, *segments]:
            case ["GET", "logout"]:
                return None
            case ["GET", "servers"]:
                return {"serverList": self._fleet.servers()}
            case ["GET", "servers", server]:
                return {"serverDetails": self._fleet.server_details(server)}
            case ["GET", "servers", server, "tasks"]:
                return {"taskList": self._fleet.tasks(server)}
            case ["GET", "servers", server, "tasks", task]:
                return self._fleet.task(server, task)
            case ["GET", "servers", server, "endpoints", endpoint] if query.get("action") == "test":
                return self._fleet.test_endpoint(server, endpoint, user)
            case ["POST", "servers", server, "tasks", task] if query.get("action") == "run":
                return self._fleet.run(server, task, query.get("option", ""), user)
            case ["POST", "servers", server, "tasks", task] if query.get("action") == "stop":
                return self._fleet.stop(server, task, user)
        raise Refusal("NOT_FOUND", "There is nothing at this path")


def _http(status: int, body: Any, headers: Mapping[str, str] | None = None) -> urllib3.HTTPResponse:
    data = b"" if body is None else json.dumps(body).encode()
    # Bytes are taken as they are; a stream would be read, decoded and closed, which takes as long as all the rest.
    return urllib3.HTTPResponse(data or io.BytesIO(), {"Content-Type": "application/json", **(headers or {})}, status)


def _page(status: int) -> urllib3.HTTPResponse:
    """What somebody in between answers."""
    return urllib3.HTTPResponse(io.BytesIO(b"<html>gateway</html>"), {"Content-Type": "text/html"}, status)


def _said(response: urllib3.HTTPResponse) -> Mapping[str, Any]:
    """What an answer says; nothing where it is cut off, or none."""
    try:
        said: Mapping[str, Any] = json.loads(response.data or b"{}")
    except ValueError:
        return {}
    return said


# The same few addresses are asked for all night, and each request is looked at four times on its way.
@functools.lru_cache(maxsize=1024)
def _segments(url: str) -> tuple[str, ...]:
    return tuple(unquote(unquote(each)) for each in urlsplit(url).path.removeprefix(API_ROOT + "/").split("/"))


@functools.lru_cache(maxsize=1024)
def _query(url: str) -> Mapping[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
