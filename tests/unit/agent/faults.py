"""Every call of the agent to the outside, in order, and one of them that goes wrong.

The seam is where the process ends: the clients of AWS's services, real or modelled, and the pool of connections to
Enterprise Manager.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

import urllib3
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from qlikops.agent.wiring import Services
from qlikops.qlik.client import QemClient
from qlikops.qlik.config import QemInstance
from tests.unit.agent.machine import Aws

T = TypeVar("T")


class Fault(StrEnum):
    """How a call goes wrong."""

    REFUSED = "refused"
    """It does not reach the service, and the agent is told."""
    UNANSWERED = "unanswered"
    """The service carries it out, and the answer is lost."""
    KILLED = "killed"
    """The service carries it out, and the function's process is gone."""


class Killed(BaseException):
    """The end of a process: nothing in it may catch this."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `number` counts those of its name in its state, so that threads may swap neighbours."""

    state: str
    number: int
    name: str

    @property
    def writes(self) -> bool:
        """Whether the world is another one after it. Of a read it makes no difference whether it arrived."""
        return self.name.startswith(("POST", "Transact", "Put", "Publish", "Send")) or self.tests

    @property
    def tests(self) -> bool:
        """Whether it has an endpoint tested, which logs in to a database."""
        return "/endpoints/" in self.name


class Wire:
    """What is called, by the state that the story is in; `fault` is what goes wrong, once."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self.calls: list[Call] = []
        self._counts = Counter[tuple[str, str]]()
        self.state = ""
        self.fault: tuple[Call, Fault] | None = None
        self.fired = False

    def forget(self) -> None:
        """Counts calls anew."""
        self.calls.clear()
        self._counts.clear()

    def services(self, config: Any, fakes: Callable[[str], Any], **seams: Any) -> Services:
        """Services whose calls pass here."""
        client_factory: Callable[..., QemClient] = seams.pop("client_factory")

        def client(service: str) -> Any:
            return _Client(self, fakes(service) if service == "stepfunctions" else self._aws.client(service))

        def qem_client(instance: QemInstance, **options: Any) -> QemClient:
            return client_factory(instance, **options, around=lambda pool: _Pool(self, pool))

        return Services(config, client, client_factory=qem_client, **seams)

    def passing(self, name: str, send: Callable[[], T], refused: Exception, unanswered: Exception) -> T:
        """What `send` answers, unless this is the call that goes wrong."""
        with self._lock:
            call = Call(self.state, self._counts[self.state, name], name)
            self._counts[self.state, name] += 1
            self.calls.append(call)
            fault = self._fault_of(call)
        if fault is Fault.REFUSED:
            raise refused
        if fault is None:
            return send()
        with contextlib.suppress(ClientError):  # an error is an answer too, and no answer arrives
            send()
        raise unanswered if fault is Fault.UNANSWERED else Killed(name)

    def _fault_of(self, call: Call) -> Fault | None:
        if self.fired or self.fault is None or self.fault[0] != call:
            return None
        self.fired = True
        return self.fault[1]


class _Client:
    """A client of AWS whose calls pass a wire."""

    def __init__(self, wire: Wire, client: Any) -> None:
        self._wire, self._client = wire, client

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        call = getattr(self._client, operation)
        return lambda **request: self._wire.passing(
            "".join(word.title() for word in operation.split("_")),
            lambda: call(**request),
            EndpointConnectionError(endpoint_url=""),
            ReadTimeoutError(endpoint_url=""),
        )


class _Pool(urllib3.PoolManager):
    """Connections to Enterprise Manager whose calls pass a wire."""

    def __init__(self, wire: Wire, pool: urllib3.PoolManager) -> None:
        super().__init__()
        self._wire, self._pool = wire, pool

    def request(self, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:  # type: ignore[override]
        connection = urllib3.connection.HTTPConnection("enterprise-manager")
        return self._wire.passing(
            f"{method} {urlsplit(url).path}",
            lambda: self._pool.request(method, url, **options),
            urllib3.exceptions.NewConnectionError(connection, "refused"),
            urllib3.exceptions.ProtocolError("Connection broken"),
        )

    def clear(self) -> None:
        self._pool.clear()
