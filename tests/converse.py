"""A small Converse endpoint over real HTTP that answers what a test tells it to: well, badly, late, or not at all."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from qlikops.agent.evaluate.prompt import TOOL_NAME
from qlikops.qlik.simulator.loopback import LoopbackHandler, LoopbackServer

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request: the model asked for, or another path, the body, and the headers."""

    model: str
    body: Json
    headers: Json


@dataclass(frozen=True)
class Reply:
    """A whole answer; `promised` is a Content-Length that the body does not keep."""

    body: bytes
    status: int = 200
    error: str = ""
    promised: int | None = None


@dataclass(frozen=True)
class Hangup:
    """The connection closes after the request was read."""


@dataclass(frozen=True)
class Silence:
    """Nothing comes until the test is over."""


@dataclass(frozen=True)
class Trickle:
    """A reply whose body comes byte by byte and never ends: every read is in time, the whole never is."""


Scripted = Reply | Hangup | Silence | Trickle

ANSWER: Json = {
    "verdict": "approve",
    "risk": "low",
    "confidence": 0.92,
    "rationale": "The source was unreachable and answers again.",
    "findings": [{"text": "The message is that of a lost connection.", "evidence_ids": ["e1"]}],
    "cautions": ["Watch the latency for a while."],
}
"""A good one."""


def tool_use(value: Any, name: str = TOOL_NAME) -> Json:
    """A content block that calls the tool."""
    return {"toolUse": {"toolUseId": "tooluse_1", "name": name, "input": value}}


def reply(*content: Any, stop: Any = "tool_use", usage: Any = (1200, 150)) -> Reply:
    """A reply with these content blocks, in Converse's form."""
    if isinstance(usage, tuple):
        usage = {"inputTokens": usage[0], "outputTokens": usage[1], "totalTokens": sum(usage)}
    message = {"role": "assistant", "content": list(content)}
    body = {"output": {"message": message}, "stopReason": stop, "usage": usage, "metrics": {"latencyMs": 5}}
    return Reply(json.dumps(body).encode())


def answered(**changes: Any) -> Reply:
    """A good answer with some of it changed."""
    return reply(tool_use({**ANSWER, **changes}))


def said(text: str, stop: str = "end_turn") -> Reply:
    """An answer as text."""
    return reply({"text": text}, stop=stop)


def refused(code: str, status: int, message: str = "no") -> Reply:
    """An error of the service."""
    return Reply(json.dumps({"message": message}).encode(), status, code)


class ConverseServer(LoopbackServer):
    """Answers from `script`, in order; an empty script hangs up."""

    def __init__(self, *script: Scripted) -> None:
        super().__init__(_Handler)
        self.script: deque[Scripted] = deque(script)
        self.requests: list[Request] = []


class _Handler(LoopbackHandler):
    server: ConverseServer

    def respond(self) -> None:
        model = unquote(self.path.removeprefix("/model/").removesuffix("/converse"))
        self.server.requests.append(Request(model, json.loads(self.body()), dict(self.headers)))
        match self.server.script.popleft() if self.server.script else Hangup():
            case Reply(body, status, error, promised):
                self._start(status, len(body) if promised is None else promised, error)
                self.wfile.write(body)
                self.close_connection |= promised is not None
            case Hangup():
                self.close_connection = True
            case Silence():
                self.server.over.wait()
                self.close_connection = True
            case Trickle():
                self._start(200, 1_000_000)
                while not self.server.over.wait(0.01):
                    self.wfile.write(b" ")
                    self.wfile.flush()
                self.close_connection = True

    def _start(self, status: int, length: int, error: str = "") -> None:
        self.write_head(status, length, "application/json", **({"x-amzn-ErrorType": error} if error else {}))
