"""An Enterprise Manager without a connection: the simulator's own handler answers a call in the caller's thread.

Who is told the same story with another fault each time hears nothing of connections, and HTTP took a third of the time.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import urllib3

from tests.scenarios.faulty import FaultyHandler, FaultySimulator


class _Direct(FaultyHandler):
    """Answers one request. Its `__init__` is not that of a handler, which would read from a socket until it closes."""

    def __init__(self, server: FaultySimulator, method: str, path: str, headers: Mapping[str, str]) -> None:
        self.server, self.command, self.path = server, method, path
        self.headers = urllib3.HTTPHeaderDict(headers)  # type: ignore[assignment]
        self.rfile, self.wfile = io.BytesIO(), io.BytesIO()
        self.status = 0
        self.answered: dict[str, str] = {}
        """The answer's headers."""

    def send_response(self, code: int, message: str | None = None) -> None:  # noqa: ARG002
        self.status = int(code)

    def send_header(self, keyword: str, value: str) -> None:
        self.answered[keyword] = value

    def end_headers(self) -> None:
        pass


class DirectPool(urllib3.PoolManager):
    """Connections to a simulator that are none. Nothing befalls a call: that takes a real connection."""

    def __init__(self, server: FaultySimulator) -> None:
        assert not getattr(server.fleet.scenario, "faults", ())
        super().__init__()
        self._server = server

    def request(  # type: ignore[override]
        self, method: str, url: str, *, headers: Mapping[str, str], preload_content: bool, **_: object
    ) -> urllib3.HTTPResponse:
        answer = _Direct(self._server, method, urllib3.util.parse_url(url).request_uri, headers)
        answer.respond()
        return urllib3.HTTPResponse(
            io.BytesIO(answer.wfile.getvalue()),  # type: ignore[attr-defined]
            answer.answered,
            answer.status,
            preload_content=preload_content,
        )
