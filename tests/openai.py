"""A small OpenAI-style model server over real HTTP, as well behaved as vLLM or as free as Ollama."""

from __future__ import annotations

import json
import threading
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from qlikops.agent.evaluate.prompt import TOOL_NAME
from tests.converse import ANSWER

Json = dict[str, Any]


class Tools(StrEnum):
    """What a server makes of a tool that must be called."""

    CALLED = "called"
    IGNORED = "ignored"
    """Answered in text all the same."""
    REFUSED = "refused"
    """With an error, as Ollama does for models without them."""


class OpenAiServer(ThreadingHTTPServer):
    """Answers every question with `answer`, as a tool call or as text."""

    daemon_threads = True

    def __init__(self, tools: Tools = Tools.CALLED, models: tuple[str, ...] = ("llama3.2:3b",)) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tools = tools
        self.models = models
        self.answer: str = json.dumps(ANSWER)
        self.broken = False
        self.lists_models = True
        self.requests: list[Json] = []

    @property
    def url(self) -> str:
        """Without `/v1`."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def message(self, body: Json) -> Json | str:
        """The assistant's message, or why there is none."""
        if body["model"] not in self.models:
            return f"model {body['model']} not found"
        if "tools" not in body or self.tools is Tools.IGNORED:
            return {"role": "assistant", "content": self.answer}
        if self.tools is Tools.REFUSED:
            return f"{body['model']} does not support tools"
        name = body["tool_choice"]["function"]["name"]
        call = {"name": name, "arguments": self.answer if name == TOOL_NAME else "{}"}
        return {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
        }


class _Handler(BaseHTTPRequestHandler):
    server: OpenAiServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/v1/models" and self.server.lists_models:
            self._send(
                200, {"object": "list", "data": [{"id": name, "object": "model"} for name in self.server.models]}
            )
        else:
            self._send(404, {"error": {"message": "no such page"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        message = self.server.message(body)
        if self.server.broken:
            self._send(500, {"error": {"message": "out of memory"}})
        elif isinstance(message, str):
            self._send(400, {"error": {"message": message}})
        else:
            usage = {"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self._send(200, {"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage})

    def _send(self, status: int, value: Json) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""
