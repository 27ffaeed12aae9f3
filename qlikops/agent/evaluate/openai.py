"""A model behind OpenAI's chat completions, as OpenAI, vLLM, Ollama, llama.cpp and many gateways speak them.

What servers make of a forced tool differs: vLLM and OpenAI honour it, Ollama ignores the choice and refuses tools for
models without them; `structured` in the settings says which form fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qlikops.agent.evaluate.answer import parse_object
from qlikops.agent.evaluate.causes import Cause, Unavailable
from qlikops.agent.evaluate.http import ModelServer
from qlikops.agent.evaluate.model import Question
from qlikops.agent.evaluate.prompt import TOOL_NAME, schema
from qlikops.agent.models import OpenAiSettings, Structured

_STOPPED = {"length": "max_tokens", "content_filter": "content_filtered"}
"""`finish_reason` -> Converse's stop reason."""
_DONE = frozenset({"stop", "tool_calls", "function_call"})
"""Reasons for an end of the model's own; servers differ in which they give for a tool that had to be called."""


class OpenAiModel:
    """The model that `settings` name. `clients` makes a boto3 client by its service name, for the key."""

    def __init__(self, settings: OpenAiSettings, clients: Callable[[str], Any]) -> None:
        self._settings = settings
        self._server = ModelServer(settings, clients)

    def ask(self, question: Question) -> Mapping[str, Any]:
        """The reply in Converse's form. Raises Unavailable, and urllib3's errors."""
        reply = self._server.post("/chat/completions", self._request(question), _with_key, error="code")
        return _as_converse(reply)

    def _request(self, question: Question) -> dict[str, Any]:
        settings = self._settings
        request: dict[str, Any] = {
            "model": settings.model_id,
            "messages": [
                {"role": "system", "content": "\n\n".join(question.instructions)},
                {"role": "user", "content": f"{question.data}\n\n{question.text}"},
            ],
            settings.token_limit.value: settings.max_tokens,
        }
        if settings.temperature is not None:
            request["temperature"] = settings.temperature
        if question.structured is not Structured.PROMPT:
            form = schema()
            tool = {"name": TOOL_NAME, "description": form["description"], "parameters": form}
            if question.structured is Structured.STRICT_TOOL:
                tool["strict"] = True
            request["tools"] = [{"type": "function", "function": tool}]
            request["tool_choice"] = {"type": "function", "function": {"name": TOOL_NAME}}
        return request


def _with_key(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _as_converse(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        (choice,) = reply["choices"]
        stop, message = choice["finish_reason"], choice["message"]
        text, refused = message.get("content"), message.get("refusal")
        functions = [call["function"] for call in message.get("tool_calls") or ()]
        calls = [(function.get("name"), function.get("arguments")) for function in functions]
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise Unavailable(Cause.UNREADABLE, "no chat completion") from exc
    if refused:
        stop = "content_filter"
    if isinstance(stop, str):
        stop = ("tool_use" if calls else "end_turn") if stop in _DONE else _STOPPED.get(stop, stop)
    # Servers give an empty text beside a call.
    is_blank = text is None or (isinstance(text, str) and not text.strip())
    content: list[Any] = [] if is_blank else [{"text": text}]
    if stop == "tool_use":  # of a call that was cut off, the stop reason says so; that it is no JSON says less
        content += [{"toolUse": {"name": name, "input": parse_object(written)}} for name, written in calls]
    usage = reply.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return {
        "stopReason": stop,
        "output": {"message": {"content": content}},
        "usage": {"inputTokens": counts.get("prompt_tokens"), "outputTokens": counts.get("completion_tokens")},
    }
