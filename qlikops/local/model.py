"""A model on an OpenAI-style server (Ollama, vLLM, llama.cpp) as the local run's evaluator.

The agent goes through Bedrock as on AWS; the embedded AWS passes Converse on to such a server. What that proxy does,
as its source says: it carries messages, temperature, token limit, and tools with a forced choice, and brings tool calls
back; it drops `outputConfig` and a tool's `strict`, ignores why the server stopped, sends no API key, and replaces
every failure of the server, a refusal of tools included, by a made-up text that looks like a normal answer. So the
server is asked here, once and directly, before anything starts: does the model exist, and does it call a tool?
Ollama, for one, ignores a forced choice and refuses tools for models without them. Where no call comes back, the
evaluator asks for bare JSON in the text instead, under the name `prompt`.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from qlikops.domain.address import http_address
from qlikops.domain.errors import Unreachable, UsageError
from qlikops.domain.text import harmless

READ_TIMEOUT_SECONDS = 95
"""Of the one attempt that the agent makes: small machines are slow, and a second attempt would not be faster."""
PROXY_TIMEOUT_SECONDS = 110
"""Longer, so that slowness is reported as a time-out and not as the proxy's made-up answer."""
_FIRST_ANSWER_SECONDS = 300
"""The first request makes a server load the model."""
_FIRST_ANSWER_TOKENS = 1000
"""Enough for a model that thinks before it calls."""
_TOOL = "ready"
_ANY = "default"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that has answered."""

    url: str
    """Of the server, without `/v1`."""
    name: str
    calls_tools: bool

    @property
    def agent_settings(self) -> dict[str, object]:
        """What tells the agent to use it."""
        return {
            "evaluator": "bedrock",
            "bedrock": {
                "model_id": self.name,
                "structured": "tool" if self.calls_tools else "prompt",
                "read_timeout_seconds": READ_TIMEOUT_SECONDS,
                "attempts": 1,
            },
        }

    @property
    def aws_environment(self) -> dict[str, str]:
        """What tells the embedded AWS where to pass Converse on to."""
        return {
            "MINISTACK_BEDROCK_PROXY_URL": self.url,
            "MINISTACK_BEDROCK_PROXY_TIMEOUT_SECONDS": str(PROXY_TIMEOUT_SECONDS),
        }


def find_model(url: str, name: str = "", *, timeout_seconds: float = _FIRST_ANSWER_SECONDS) -> LocalModel:
    """The model `name` at `url`, or the only one there; asked whether it answers and calls a tool.

    Raises UsageError for a URL that is none and for a choice that is needed, Unreachable where nothing answers as an
    OpenAI-style server does, with what it says instead, such as that it has no such model.
    """
    base = _base(url)
    chosen = name or _only_model(base, timeout_seconds)
    return LocalModel(base, chosen, _calls_tools(base, chosen, timeout_seconds))


def _base(url: str) -> str:
    base = url.rstrip("/").removesuffix("/v1")
    try:
        parts = http_address(base)
        if parts.query or parts.fragment:
            raise ValueError("an address of a server ends with its host or a path")
    except ValueError as exc:
        raise UsageError(
            f"--model-url {harmless(url, 200)} is no address of a server: {exc}.", "Such as http://127.0.0.1:11434."
        ) from exc
    return base


def _only_model(base: str, timeout_seconds: float) -> str:
    try:
        listed = _list(_send(f"{base}/v1/models", None, timeout_seconds), "data")
    except Unreachable:
        # Some servers have one model, no list of it, and take any name. Whether this is one, the first question tells.
        return _ANY
    names = sorted(str(each["id"]) for each in listed if isinstance(each, dict) and each.get("id"))
    if len(names) != 1:
        raise UsageError(
            f"{base} has {harmless(', '.join(names), 400) or 'no models'}", "Choose one with --model NAME."
        )
    return names[0]


def _calls_tools(base: str, model: str, timeout_seconds: float) -> bool:
    """Whether the model calls a tool that it must call. Raises Unreachable where it doesn't even answer in text."""
    question = {
        "model": model,
        "messages": [{"role": "user", "content": "Call the tool."}],
        "max_tokens": _FIRST_ANSWER_TOKENS,
    }
    parameters = {"type": "object", "properties": {}, "additionalProperties": False}
    tool = {"type": "function", "function": {"name": _TOOL, "description": "Says ready.", "parameters": parameters}}
    choice = {"type": "function", "function": {"name": _TOOL}}
    address = f"{base}/v1/chat/completions"
    try:
        message = _message(_send(address, {**question, "tools": [tool], "tool_choice": choice}, timeout_seconds), base)
    except Unreachable:
        # Servers refuse tools for models without them; what fails without tools, too, is reported.
        _message(_send(address, question, timeout_seconds), base)
        return False
    return bool(_list(message, "tool_calls"))


def _message(answer: Any, base: str) -> Any:
    try:
        return answer["choices"][0]["message"]
    except (KeyError, IndexError, TypeError):
        raise Unreachable(f"{base} answers, but not as an OpenAI-style server does") from None


def _list(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _send(address: str, body: object, timeout_seconds: float) -> Any:
    """What the server answers, past any proxy. Raises Unreachable, with what it said."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 - checked: http(s)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=timeout_seconds) as response:
            return json.load(response)
    except urllib.error.HTTPError as exc:
        with exc:
            said = harmless(exc.read(2000).decode(errors="replace"), 300)
        raise Unreachable(f"{address} answered {exc.code}: {said}") from exc
    except (OSError, ValueError, RecursionError, http.client.HTTPException) as exc:
        why = harmless(exc, 200)
        raise Unreachable(f"{address} does not answer as an OpenAI-style server does: {why}") from exc
