"""The model of an OpenAI-style server (Ollama, vLLM, llama.cpp), asked before a local run relies on it.

It is asked twice: anything at all, which makes a server load the model, and then a question as long as a run's, by the
evaluator itself. What it does with that decides the form of the answer: Ollama ignores a tool that must be called, or
refuses tools for models without them; such a model is asked for bare JSON in the text.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import urllib3

from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.evaluate.causes import Cause
from qlikops.agent.evaluate.model import ModelEvaluator
from qlikops.agent.evaluate.openai import OpenAiModel
from qlikops.agent.models import EvaluatorName, OpenAiSettings, Structured
from qlikops.agent.trial import Situation, outcome
from qlikops.dataclass import dataclass
from qlikops.domain.encoding.settings import ConfigError
from qlikops.domain.errors import Unreachable, UsageError
from qlikops.domain.proposals.evaluation import Evaluation
from qlikops.domain.words.address import http_address
from qlikops.domain.words.text import harmless

READ_TIMEOUT_SECONDS = 95
"""How long the one attempt that the agent makes may take: small machines are slow, and a second attempt would not be
faster.
"""
_LOADING_SECONDS = 300
"""The first request makes a server load the model."""
_MESSAGE = "Failed to connect: ORA-12541: TNS:no listener"
_RECENT = ("eu-1/orders: 2026-01-01 03:12 UTC, resume for FATAL_TRANSIENT, restarted by policy",) * 5
_DEFAULTS = asdict(OpenAiSettings())
_WITHOUT_TOOLS = (Cause.NO_ANSWER, Cause.REQUEST_REJECTED, Cause.MODEL_FAILED)
"""What comes of a tool that must be called, at a server or a model that knows no tools."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that has answered."""

    settings: OpenAiSettings
    seconds: float
    """What a question of a run's length took, once the model was loaded."""
    doubt: str = ""
    """Why the answer was no evaluation; empty if it was one."""

    @property
    def agent_settings(self) -> dict[str, object]:
        """What tells the agent to use it."""
        changed = {name: value for name, value in asdict(self.settings).items() if value != _DEFAULTS[name]}
        return {"evaluator": EvaluatorName.OPENAI.value, EvaluatorName.OPENAI.value: changed}

    def __str__(self) -> str:
        """Names model and server, such as `llama3.2:3b at http://127.0.0.1:11434/v1`."""
        return f"{harmless(self.settings.model_id)} at {self.settings.url}"


def find_model(url: str, name: str = "") -> LocalModel:
    """The model `name` at `url`, or the only one there, after its answer to a question as long as a run's.

    Raises UsageError for a URL that is none and for a choice that is needed, Unreachable for a model that is too slow,
    and if nothing answers as an OpenAI-style server does, with what it says instead: that it has no such model.
    """
    base = _base(url)
    chosen = name or _only_model(base)
    _load(base, chosen)
    try:
        settings = OpenAiSettings(url=base, model_id=chosen, read_timeout_seconds=READ_TIMEOUT_SECONDS, attempts=1)
    except ConfigError as exc:
        raise UsageError(f"--model {harmless(chosen, 200)} cannot be used: {exc.allowed}.") from exc
    settings = replace(settings, structured=Structured.TOOL)
    evaluation = _evaluation(settings)
    if evaluation.unavailable_because.startswith(_WITHOUT_TOOLS):
        settings = replace(settings, structured=Structured.PROMPT)
        evaluation = _evaluation(settings)
    if evaluation.unavailable_because.startswith((Cause.TIMED_OUT, Cause.UNREACHABLE, Cause.MODEL_FAILED)):
        raise Unreachable(
            f"{harmless(chosen, 200)} at {base} does not answer a question as long as a run's: "
            f"{evaluation.unavailable_because}.",
            f"It has {READ_TIMEOUT_SECONDS} s for one. Choose a smaller model with --model NAME.",
        )
    return LocalModel(settings, (evaluation.duration_ms or 0) / 1000, evaluation.unavailable_because)


def _evaluation(settings: OpenAiSettings) -> Evaluation:
    """What the model says of a lost connection."""
    proposal = outcome(Situation(_MESSAGE, source_type="Oracle")).proposal
    assert proposal is not None  # noqa: S101 - a lost connection is proposed on
    model = OpenAiModel(settings, clients=_no_client)
    evaluator = ModelEvaluator(EvaluatorName.OPENAI, settings, model, lambda: datetime.now(UTC))
    return evaluator.evaluate(proposal, EvaluationInput(recent=_RECENT))


def _no_client(service: str) -> Any:
    raise LookupError(f"no client for {service}: a local server wants no key")


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
    return f"{base}/v1"


def _only_model(base: str) -> str:
    try:
        listed = _send(f"{base}/models").get("data")
    except Unreachable:
        # Some servers have one model, no list of it, and take any name. Whether this is one, the first question tells.
        return "default"
    models = listed if isinstance(listed, list) else []
    names = sorted(str(each["id"]) for each in models if isinstance(each, dict) and each.get("id"))
    if len(names) != 1:
        raise UsageError(
            f"{base} has {harmless(', '.join(names), 400) or 'no models'}", "Choose one with --model NAME."
        )
    return names[0]


def _load(base: str, model: str) -> None:
    question = {"model": model, "messages": [{"role": "user", "content": "Say ready."}], "max_tokens": 16}
    choices = _send(f"{base}/chat/completions", question).get("choices")
    if not isinstance(choices, list) or not choices:
        raise Unreachable(f"{base} answers, but not as an OpenAI-style server does")


def _send(address: str, body: object = None) -> dict[str, Any]:
    """What the server answers, past any proxy. Raises Unreachable, with what it said."""
    method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
    headers = {"Content-Type": "application/json"}
    try:
        response = urllib3.PoolManager().request(
            method, address, body=data, headers=headers, timeout=_LOADING_SECONDS, retries=False
        )
        if response.status >= 300:
            said = harmless(response.data[:2000].decode(errors="replace"), 300)
            raise Unreachable(f"{address} answered {response.status}: {said}")
        answer = json.loads(response.data)
    except (urllib3.exceptions.HTTPError, ValueError, RecursionError) as exc:
        why = harmless(exc, 200)
        raise Unreachable(f"{address} does not answer as an OpenAI-style server does: {why}") from exc
    return answer if isinstance(answer, dict) else {}
