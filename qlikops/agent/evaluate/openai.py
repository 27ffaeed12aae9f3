"""A model behind OpenAI's chat completions, as OpenAI, vLLM, Ollama, llama.cpp and many gateways speak them.

Straight over HTTP: no redirect is followed, since the question carries a key, no proxy is used but the secret's, and a
reply is read to a bound. What servers make of a forced tool differs: vLLM and OpenAI honour it, Ollama ignores the
choice and refuses tools for models without them; `structured` in the settings says which form fits.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, fields
from typing import Any

import urllib3
from botocore.exceptions import ClientError
from urllib3.exceptions import ProxySchemeUnknown

from qlikops.agent.evaluate.answer import parse_object
from qlikops.agent.evaluate.causes import Cause, Unavailable, refusal
from qlikops.agent.evaluate.model import Question
from qlikops.agent.evaluate.prompt import TOOL_NAME, schema
from qlikops.agent.models import CONNECT_TIMEOUT_SECONDS, OpenAiSettings, Structured
from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.qlik.transport import through, trusting

REPLY_CAP = 1_000_000
"""Bytes of a reply that are read; an answer has a few thousand."""
_STOPPED = {"length": "max_tokens", "content_filter": "content_filtered"}
"""`finish_reason` -> Converse's stop reason."""
_DONE = frozenset({"stop", "tool_calls", "function_call"})
"""Reasons for an end of the model's own; servers differ in which they give for a tool that had to be called."""


@dataclass(frozen=True, slots=True)
class _Access:
    """What the secret says: how the server lets one in, and by which way one gets there."""

    api_key: str = field(default="", repr=False)
    ca_bundle: str = ""
    """Authorities' certificates as PEM text; empty for the system's authorities."""
    proxy: str = field(default="", repr=False)
    """`http://HOST:PORT`, with `USER:PASSWORD@` before the host if the proxy asks for it."""


class OpenAiModel:
    """The model that `settings` name. `clients` makes a boto3 client by its service name, for the key."""

    def __init__(self, settings: OpenAiSettings, clients: Callable[[str], Any]) -> None:
        self._settings = settings
        self._clients = clients
        self._pool = functools.lru_cache(maxsize=1)(_pool)

    def ask(self, question: Question) -> Mapping[str, Any]:
        """The reply in Converse's form. Raises Unavailable, and urllib3's errors."""
        settings, access = self._settings, self._access()
        headers = {"Content-Type": "application/json"}
        if access.api_key:
            headers["Authorization"] = f"Bearer {access.api_key}"
        response = self._pool(access.ca_bundle, access.proxy).request(
            "POST",
            f"{settings.url.rstrip('/')}/chat/completions",
            body=json.dumps(self._request(question)).encode(),
            headers=headers,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=settings.read_timeout_seconds),
            redirect=False,
            preload_content=False,
        )
        try:
            reply = _parsed(response.stream(REPLY_CAP, decode_content=False))
        finally:
            response.close()
        if response.status != 200:
            error = reply.get("error")
            raise refusal(response.status, str((isinstance(error, dict) and error.get("code")) or ""))
        return _as_converse(reply)

    def _access(self) -> _Access:
        """What the secret says now: read each time, since it may have been rotated, and questions are few."""
        arn = self._settings.key_secret_arn
        if not arn:
            return _Access()
        try:
            secret = self._clients("secretsmanager").get_secret_value(SecretId=arn)["SecretString"].strip()
        except ClientError as exc:
            # Not Unavailable by its own code: a missing secret is no missing model.
            raise Unavailable(Cause.ACCESS_DENIED, f"no key, {exc.response['Error']['Code']}") from exc
        if not secret.startswith("{"):
            return _Access(secret)
        try:
            return codec.read_settings(_Access, json.loads(secret))
        except (ValueError, RecursionError):
            # Not chained: the cause may quote the key.
            keys = ", ".join(each.name for each in fields(_Access))
            raise Unavailable(Cause.FAILED, f"the secret is neither a key nor an object with {keys}") from None

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


def _pool(ca_bundle: str, proxy: str) -> urllib3.PoolManager:
    try:
        return through(proxy, retries=False, ssl_context=trusting(ca_bundle))
    except (OSError, ValueError, ProxySchemeUnknown) as exc:
        raise Unavailable(Cause.FAILED, f"ca_bundle or proxy of the secret, {type(exc).__name__}") from None


def _parsed(chunks: Iterable[bytes]) -> Mapping[str, Any]:
    """A reply as an object; an empty one for what is none, which has neither an error nor an answer."""
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) > REPLY_CAP:
            raise Unavailable(Cause.UNREADABLE, "too long")
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return reply if isinstance(reply, dict) else {}


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
