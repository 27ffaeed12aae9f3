"""A small OpenAI-style model server over real HTTP, as well behaved as vLLM or as free as Ollama."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from qlikops.agent.evaluate.prompt import TOOL_NAME
from qlikops.qlik.simulator.loopback import LoopbackHandler, LoopbackServer
from tests.converse import ANSWER

Json = dict[str, Any]


class Tools(StrEnum):
    """What a server makes of a tool that must be called."""

    CALLED = "called"
    IGNORED = "ignored"
    """Answered in text all the same."""
    REFUSED = "refused"
    """With an error, as Ollama does for models without them."""


class OpenAiServer(LoopbackServer):
    """Answers every question with `answer`, as a tool call or as text."""

    def __init__(self, tools: Tools = Tools.CALLED, models: tuple[str, ...] = ("llama3.2:3b",)) -> None:
        super().__init__(_Handler)
        self.tools = tools
        self.models = models
        self.answer: str = json.dumps(ANSWER)
        self.broken = False
        self.lists_models = True
        self.requests: list[Json] = []

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


class _Handler(LoopbackHandler):
    server: OpenAiServer

    def respond(self) -> None:
        if self.command == "POST":
            self._answer(json.loads(self.body()))
        elif self.path == "/v1/models" and self.server.lists_models:
            self._send(
                200, {"object": "list", "data": [{"id": name, "object": "model"} for name in self.server.models]}
            )
        else:
            self._send(404, {"error": {"message": "no such page"}})

    def _answer(self, body: Json) -> None:
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
        self.write(status, json.dumps(value).encode())
