"""An HTTP server on loopback, in a thread of its own for as long as its context is open."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class LoopbackServer(ThreadingHTTPServer):
    """Serves on 127.0.0.1, on a free port unless told which."""

    daemon_threads = True
    request_queue_size = 256
    scheme = "http"

    def __init__(self, handler: type[LoopbackHandler], port: int = 0) -> None:
        """Raises OSError where the port is taken."""
        super().__init__(("127.0.0.1", port), handler)
        self.over = threading.Event()
        """Set as soon as it is to end, for a handler that waits."""

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class LoopbackHandler(BaseHTTPRequestHandler):
    """Answers one connection's requests, whatever their method, by `respond`."""

    protocol_version = "HTTP/1.1"
    # Head and body in one packet: otherwise every answer waits for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def respond(self) -> None:
        """Answers one request."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Called for each GET, as its like are for the other methods."""
        self.respond()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Says nothing of a request."""

    def body(self) -> bytes:
        """What came with the request."""
        return self.rfile.read(max(0, int(self.headers.get("Content-Length") or 0)))

    def write(self, status: int, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        """Answers with a body that is whole and of the length that is said."""
        self.write_head(status, len(body), content_type, **headers)
        self.wfile.write(body)

    def write_head(self, status: int, length: int, content_type: str, **headers: str) -> None:
        """Says what is coming."""
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
