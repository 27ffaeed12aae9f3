"""A model behind Bedrock's Converse.

The answer comes as the input of a tool that the model must call, not through `outputConfig.textFormat`: more models
take a forced tool, and it is the same form that OpenAI-style servers know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ParamValidationError

from qlikops.agent.evaluate.model import NoStrictTool, Question
from qlikops.agent.evaluate.prompt import TOOL_NAME, schema
from qlikops.agent.models import CONNECT_TIMEOUT_SECONDS, BedrockSettings, Structured

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime.client import BedrockRuntimeClient


def bedrock_client(
    settings: BedrockSettings, *, endpoint_url: str | None = None, session: boto3.Session | None = None
) -> BedrockRuntimeClient:
    """A client with the settings' Region and time-outs."""
    options = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=settings.read_timeout_seconds,
        # The evaluator itself tries again, within its own time.
        retries={"total_max_attempts": 1},
    )
    return (session or boto3.Session()).client(
        "bedrock-runtime", region_name=settings.region or None, endpoint_url=endpoint_url, config=options
    )


class BedrockModel:
    """The model that `settings` name. `client` makes the client, for the first question."""

    def __init__(self, settings: BedrockSettings, client: Callable[[], BedrockRuntimeClient] | None = None) -> None:
        self._settings = settings
        self._make_client = client or (lambda: bedrock_client(settings))
        self._client: BedrockRuntimeClient | None = None

    def ask(self, question: Question) -> Mapping[str, Any]:
        """Converse's reply. Raises NoStrictTool if botocore is older than `toolSpec.strict`."""
        client = self._client = self._client or self._make_client()
        try:
            return client.converse(**self._request(question))
        except ParamValidationError as exc:
            if question.structured is Structured.STRICT_TOOL and '"strict"' in str(exc):
                raise NoStrictTool("this botocore does not know toolSpec.strict") from exc
            raise

    def _request(self, question: Question) -> dict[str, Any]:
        settings = self._settings
        data: dict[str, Any] = {"text": question.data}
        inference: dict[str, Any] = {"maxTokens": settings.max_tokens}
        if settings.temperature is not None:
            inference["temperature"] = settings.temperature
        request: dict[str, Any] = {"modelId": settings.model_id, "inferenceConfig": inference}
        if settings.guardrail_id:
            request["guardrailConfig"] = {
                "guardrailIdentifier": settings.guardrail_id,
                "guardrailVersion": settings.guardrail_version,
            }
            # So marked, it is what the guardrail looks at; our own instructions are not.
            data = {"guardContent": {"text": data}}
        request["messages"] = [{"role": "user", "content": [data, {"text": question.text}]}]
        request["system"] = [{"text": part} for part in question.instructions]
        if question.structured is not Structured.PROMPT:
            request["toolConfig"] = _tool(strict=question.structured is Structured.STRICT_TOOL)
        return request


def _tool(*, strict: bool) -> dict[str, Any]:
    form = schema()
    spec: dict[str, Any] = {
        "name": TOOL_NAME,
        "description": form["description"],
        "inputSchema": {"json": form},
    }
    if strict:
        spec["strict"] = True
    return {"tools": [{"toolSpec": spec}], "toolChoice": {"tool": {"name": TOOL_NAME}}}
