"""An Enterprise Manager that is hard to talk to: what can happen to a call, to which, and a server to which it does.

The seed and the call decide which calls a scenario's faults befall, so that concurrency changes nothing.
"""

from __future__ import annotations

import random
import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any

from qlikops.qlik.simulator.fleet import Refusal, SimulatedFleet
from qlikops.qlik.simulator.server import AdjustableClock, Handler, SimulatorServer

_PIECES = 8
"""In which a slow body comes."""


class FaultKind(StrEnum):
    """What can happen to an HTTP call."""

    LATENCY = "latency"
    """The answer begins after `HttpFault.seconds`."""
    SLOW_BODY = "slow_body"
    """It begins at once and takes `HttpFault.seconds` to come."""
    DRIP = "drip"
    """It begins at once and comes byte by byte, `HttpFault.seconds` apart: no byte is late, and the end is."""
    RESET = "reset"
    """The connection is reset, and nothing is done."""
    GATEWAY = "gateway"
    """Somebody in between answers `HttpFault.status` with HTML, and nothing is done."""
    SESSION_EXPIRED = "session_expired"
    """INVALID_SESSION_ID, whatever session it was."""
    LOST_REPLY = "lost_reply"
    """What was asked for is done, and the connection closes without an answer."""
    TRUNCATED = "truncated"
    """The answer ends half way, and the connection with it."""
    MALFORMED = "malformed"
    """The answer arrives whole and is no JSON."""


@dataclass(frozen=True, slots=True)
class HttpFault:
    """What befalls some of the calls. Which ones depends on the seed and on the call, not on how calls interleave."""

    kind: FaultKind
    method: str = ""
    """Empty: any."""
    path: str = ""
    """A regular expression to be found in the path below the API's root, names as Enterprise Manager spells them."""
    first: int | None = None
    """Of each method and path only the first so many calls; None: all."""
    share: float = 1.0
    """Of those calls, this part."""
    seconds: float = 0.0
    status: int = 503
    at: float = 0.0
    until: float | None = None


class FaultPlan:
    """The faults of one scenario. `seconds` says how old it is. Thread-safe."""

    def __init__(self, faults: Sequence[HttpFault], seed: int, seconds: Callable[[], float]) -> None:
        self._faults = faults
        self._seed = seed
        self._seconds = seconds
        self._lock = threading.Lock()
        self._calls: Counter[tuple[int, str, str]] = Counter()
        self.befallen: Counter[FaultKind] = Counter()
        """How many calls each kind has befallen."""

    def of(self, method: str, path: str) -> list[HttpFault]:
        """What befalls this call. Asking is counting: each call is to ask once."""
        now = self._seconds()
        hit = [fault for index, fault in enumerate(self._faults) if self._hits(index, fault, method, path, now)]
        with self._lock:
            self.befallen.update(fault.kind for fault in hit)
        return hit

    def forget(self) -> None:
        """Counts from the beginning again."""
        with self._lock:
            self._calls.clear()
            self.befallen.clear()

    def _hits(self, index: int, fault: HttpFault, method: str, path: str, now: float) -> bool:
        if fault.method not in ("", method) or not re.search(fault.path, path):
            return False
        if now < fault.at or (fault.until is not None and now >= fault.until):
            return False
        with self._lock:
            self._calls[index, method, path] += 1
            number = self._calls[index, method, path]
        if fault.first is not None and number > fault.first:
            return False
        if fault.share >= 1:
            return True
        chance = random.Random(f"{self._seed}/{index}/{method}/{path}/{number}")  # noqa: S311 - a story, no secret
        return chance.random() < fault.share


class _NoAnswer(Exception):
    """The connection closes; with a reset where asked for."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


class _Gateway(Exception):
    """Somebody in between answers."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class FaultyHandler(Handler):
    """Does to each call what the scenario has for it."""

    server: FaultySimulator
    _faults: Mapping[FaultKind, HttpFault]

    def respond(self) -> None:
        self._faults = {}
        try:
            super().respond()
        except _NoAnswer as exc:
            self._hang_up(reset=exc.reset)
        except _Gateway as exc:
            self.write(exc.status, b"<html><body>gateway</body></html>", "text/html")

    def api(self, segments: list[str], query: Mapping[str, str]) -> Any:
        faults = self.server.faults.of(self.command, "/" + "/".join(segments))
        self._faults = {fault.kind: fault for fault in faults}
        for fault in faults:
            match fault.kind:
                case FaultKind.LATENCY:
                    self.server.sleep(fault.seconds)
                case FaultKind.RESET:
                    raise _NoAnswer(reset=True)
                case FaultKind.GATEWAY:
                    raise _Gateway(fault.status)
                case FaultKind.SESSION_EXPIRED:
                    raise Refusal("INVALID_SESSION_ID", "The session ID is invalid or has expired")
        return super().api(segments, query)

    def write(self, status: int, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        if FaultKind.LOST_REPLY in self._faults and status == HTTPStatus.OK:
            return self._hang_up(reset=False)
        if FaultKind.MALFORMED in self._faults:
            body = body[: len(body) // 2]
        self.write_head(status, len(body), content_type, **headers)
        if FaultKind.TRUNCATED in self._faults:
            body, self.close_connection = body[: len(body) // 2], True
        if FaultKind.DRIP in self._faults:
            self._write_slowly(pieces(body, len(body)), self._faults[FaultKind.DRIP].seconds)
        elif FaultKind.SLOW_BODY in self._faults:
            self._write_slowly(pieces(body, _PIECES), self._faults[FaultKind.SLOW_BODY].seconds / _PIECES)
        else:
            self.wfile.write(body)
        return None

    def _write_slowly(self, parts: Sequence[bytes], pause: float) -> None:
        for part in parts:
            self.wfile.flush()
            self.server.sleep(pause)
            self.wfile.write(part)

    def _hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class FaultySimulator(SimulatorServer):
    """The simulator with the faults of its scenario. `certificate` is a PEM file with its key, for TLS.

    `sleep` is what slow answers do. Raises ValueError where the scenario wants TLS and there is no certificate.
    """

    handler = FaultyHandler

    def __init__(
        self,
        fleet: SimulatedFleet,
        clock: AdjustableClock,
        *,
        certificate: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
        **options: Any,
    ) -> None:
        if getattr(fleet.scenario, "tls", False) and certificate is None:
            raise ValueError(f"{fleet.scenario.name} needs a certificate")
        super().__init__(fleet, clock, **options)
        self.faults = FaultPlan(getattr(fleet.scenario, "faults", ()), fleet.seed, fleet.seconds)
        self.sleep = sleep
        if certificate:
            self._use_tls(certificate)

    def _use_tls(self, certificate: Path) -> None:
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        except OSError:
            self.server_close()
            raise
        # The handshake is the connection's own thread's: a client that hangs in it must not stop the others.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "https"


def pieces(body: bytes, count: int) -> list[bytes]:
    """`body` in at most `count` parts of one size."""
    size = max(1, -(-len(body) // max(1, count)))
    return [body[start : start + size] for start in range(0, len(body), size)]
