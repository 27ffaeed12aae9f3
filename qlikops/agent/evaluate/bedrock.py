"""The evaluator with a model: one question through Bedrock's Converse, bounded in time and cost, closed on failure.

The answer comes as the input of a tool that the model must call, not through `outputConfig.textFormat`: forcing a tool
works with more models, and it is what the embedded AWS passes on to a local model server, where it drops
`outputConfig` silently. So the laptop and AWS take the same path.

A timeout of botocore's is one between two bytes, so a body that trickles never meets it. Each attempt therefore runs
in a thread that is waited for so long and no longer.
"""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ParamValidationError

from qlikops.agent.config import CONNECT_TIMEOUT_SECONDS, BedrockSettings, Structured
from qlikops.agent.evaluate import Clock, EvaluationInput, mark_unsupported
from qlikops.agent.evaluate.answer import ModelReply, read_answer
from qlikops.agent.evaluate.causes import TRANSIENT, Unavailable, unavailable_for
from qlikops.agent.evaluate.prompt import (
    PROMPT_VERSION,
    TOOL_NAME,
    bare_instructions,
    data_block,
    instructions,
    schema,
)
from qlikops.domain.evaluation import Evaluation
from qlikops.domain.proposal import Proposal

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime.client import BedrockRuntimeClient

NAME = "bedrock"
SERVICE: Final = "bedrock-runtime"

_QUESTION = "Evaluate the proposal in the data above."

_logger = logging.getLogger(__name__)


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
        SERVICE, region_name=settings.region or None, endpoint_url=endpoint_url, config=options
    )


class BedrockEvaluator:
    """Asks the model that `settings` name. `client` is called for the first evaluation."""

    def __init__(
        self,
        settings: BedrockSettings,
        client: Callable[[], BedrockRuntimeClient],
        clock: Clock,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        mark: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._settings = settings
        self._make_client = client
        self._client: BedrockRuntimeClient | None = None
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic
        self._jitter = jitter
        self._mark = mark
        self._structured = settings.structured

    @property
    def version(self) -> str:
        """Prompt version, form of the answer and model ID, such as `v1 strict_tool eu.anthropic.…`."""
        return f"{PROMPT_VERSION} {self._structured} {self._settings.model_id}"

    def evaluate(self, proposal: Proposal, history: EvaluationInput) -> Evaluation:
        """What the model says; unavailable, with the cause, for anything but a complete and valid answer."""
        began = self._monotonic()
        reply: Mapping[str, Any] = {}
        try:
            reply = self._reply(proposal, history)
            evaluation = self._evaluation(read_answer(reply, self._structured), proposal)
        except Exception as exc:  # a human decides, whatever it is
            unavailable = unavailable_for(exc)
            evaluation = Evaluation.unavailable(str(unavailable), NAME, self.version, self._clock())
        evaluation = replace(
            evaluation,
            duration_ms=max(0, round((self._monotonic() - began) * 1000)),
            input_tokens=_tokens(reply, "inputTokens"),
            output_tokens=_tokens(reply, "outputTokens"),
        )
        _logger.info(
            "%s evaluated by %s in %s ms with %s + %s tokens: %s",
            proposal.proposal_id,
            self.version,
            evaluation.duration_ms,
            evaluation.input_tokens,
            evaluation.output_tokens,
            evaluation.unavailable_because or evaluation.verdict,
        )
        return evaluation

    def _reply(self, proposal: Proposal, history: EvaluationInput) -> Mapping[str, Any]:
        """The model's reply. A botocore older than `toolSpec.strict` refuses it: from then on it is left out."""
        try:
            return self._ask(self._request(proposal, history))
        except Unavailable as failure:
            if self._structured is not Structured.STRICT_TOOL or not _knows_no_strict(failure.__cause__):
                raise
        _logger.warning("this botocore does not know toolSpec.strict: asking with `tool` instead")
        self._structured = Structured.TOOL
        return self._ask(self._request(proposal, history))

    def _request(self, proposal: Proposal, history: EvaluationInput) -> dict[str, Any]:
        settings = self._settings
        data: dict[str, Any] = {"text": data_block(proposal, history, self._mark())}
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
        request["messages"] = [{"role": "user", "content": [data, {"text": _QUESTION}]}]
        request["system"] = [{"text": instructions()}]
        if self._structured is Structured.PROMPT:
            request["system"].append({"text": bare_instructions()})
        else:
            request["toolConfig"] = _tool(strict=self._structured is Structured.STRICT_TOOL)
        return request

    def _ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The reply, after as many attempts as the settings allow. Raises Unavailable."""
        client = self._client = self._client or self._make_client()
        attempt = 1
        while True:
            try:
                return _within(self._settings.attempt_seconds, lambda: client.converse(**request))
            except Exception as exc:
                failure = unavailable_for(exc)
                _logger.warning("attempt %d at %s: %s", attempt, self._settings.model_id, failure)
                if failure.cause not in TRANSIENT or attempt >= self._settings.attempts:
                    raise failure from exc
            self._sleep(self._settings.longest_pause(attempt) * self._jitter())
            attempt += 1

    def _evaluation(self, answer: ModelReply, proposal: Proposal) -> Evaluation:
        return Evaluation(
            verdict=answer.verdict,
            risk=answer.risk,
            confidence=answer.confidence,
            rationale=answer.rationale,
            evaluator=NAME,
            evaluator_version=self.version,
            evaluated_at=self._clock(),
            findings=tuple(mark_unsupported(finding, proposal) for finding in answer.findings),
            cautions=answer.cautions,
        )


def _knows_no_strict(error: BaseException | None) -> bool:
    return isinstance(error, ParamValidationError) and '"strict"' in str(error)


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


def _within(seconds: float, call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What `call` returns or raises; TimeoutError after `seconds`, and the call is left to end by itself."""
    future: Future[Mapping[str, Any]] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except Exception as exc:
            future.set_exception(exc)

    threading.Thread(target=run, name=SERVICE, daemon=True).start()
    return future.result(timeout=seconds)


def _tokens(reply: Mapping[str, Any], name: str) -> int | None:
    """A count that the service gave, or None where it gave none that can be one."""
    usage = reply.get("usage")
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
