"""Looks for a secret in everything that an exception carries along, and an AWS that quotes requests in its refusals."""

from __future__ import annotations

import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

from qlikops.qlik.simulator.loopback import LoopbackHandler, LoopbackServer

Refusal = Callable[[bytes], tuple[int, bytes]]
"""From a request's body to the status and body of the reply."""


def told_by(error: BaseException) -> str:
    """All that a log, a traceback or a curious reader could find in `error` and in what hangs on it."""
    texts = traceback.format_exception(error)
    for each in _chain(error):
        texts += [str(each), repr(each), repr(each.args), repr(vars(each))]
    return "\n".join(texts)


def _chain(error: BaseException) -> Iterator[BaseException]:
    left: list[BaseException | None] = [error]
    seen: set[int] = set()
    while left:
        each = left.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            left += [each.__cause__, each.__context__]
            yield each


class QuotingAws(LoopbackServer):
    """Hands requests on to another AWS, but answers `operation` (the end of X-Amz-Target) with `refusal`."""

    def __init__(self, behind: str, operation: str, refusal: Refusal) -> None:
        super().__init__(_Handler)
        self.behind = behind
        self.operation = operation
        self.refusal = refusal
        self.refused = 0


class _Handler(LoopbackHandler):
    server: QuotingAws

    def respond(self) -> None:
        body = self.body()
        if self.headers.get("X-Amz-Target", "").endswith(f".{self.server.operation}"):
            self.server.refused += 1
            self._reply(*self.server.refusal(body))
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        request = urllib.request.Request(  # noqa: S310 - loopback
            self.server.behind + self.path, body or None, headers, method=self.command
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=30) as reply:
                self._reply(reply.status, reply.read(), dict(reply.headers))
        except urllib.error.HTTPError as exc:
            self._reply(exc.code, exc.read(), dict(exc.headers))

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {"Content-Type": "application/x-amz-json-1.1"}).items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
