"""The evaluator with a model: one question, bounded in time and cost, closed on failure, with any model.

How the question travels is the model's own (bedrock.py, openai.py). Timing, attempts, the checks of the answer and what
is recorded are the same for all.

A client's time-out is one between two bytes, so a body that trickles never meets it. Each attempt therefore runs in a
thread that is waited for so long and no longer.
"""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import KW_ONLY, replace
from typing import Any, Protocol

from qlikops.agent.evaluate import Clock, EvaluationInput, mark_unsupported
from qlikops.agent.evaluate.answer import ModelReply, read_answer
from qlikops.agent.evaluate.causes import TRANSIENT, unavailable_for
from qlikops.agent.evaluate.floor import held_to_class
from qlikops.agent.evaluate.prompt import PROMPT_VERSION, bare_instructions, data_block, instructions, task_text
from qlikops.agent.models import ModelSettings, Structured
from qlikops.dataclass import dataclass
from qlikops.domain.proposals.evaluation import Evaluation
from qlikops.domain.proposals.proposal import Proposal

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked."""

    data: str
    """Proposal and history, delimited."""
    structured: Structured
    """How the answer gets its form."""
    text: str
    """What is asked about it, and what the agent itself knows: nothing in it comes from outside."""

    @property
    def instructions(self) -> tuple[str, ...]:
        """The system prompt, in parts."""
        bare = (bare_instructions(),) if self.structured is Structured.PROMPT else ()
        return (instructions(), *bare)


class NoStrictTool(Exception):
    """The client at hand cannot ask for a strict tool; nothing was sent."""


class Model(Protocol):
    """Carries a question to a model and its reply back."""

    def ask(self, question: Question) -> Mapping[str, Any]:
        """The reply, in the form of a reply of Bedrock's Converse, which `read_answer` takes apart.

        Raises NoStrictTool, or anything that `unavailable_for` gives a cause.
        """


@dataclass
class ModelEvaluator:
    """Asks `model`, which is recorded under `name`, the evaluator's."""

    name: str
    settings: ModelSettings
    model: Model
    clock: Clock
    _: KW_ONLY
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    mark: Callable[[], str] = lambda: secrets.token_hex(8)

    def __post_init__(self) -> None:
        """Asks as the settings say, until the client turns out not to know how."""
        self._structured = self.settings.structured

    @property
    def version(self) -> str:
        """Prompt version, form of the answer and model ID, such as `v2 strict_tool eu.anthropic.…`."""
        return f"{PROMPT_VERSION} {self._structured} {self.settings.model_id}"

    def evaluate(self, proposal: Proposal, history: EvaluationInput) -> Evaluation:
        """What the model says; unavailable, with the cause, for anything but a complete and valid answer."""
        began = self.monotonic()
        reply: Mapping[str, Any] = {}
        try:
            mark = self.mark()
            reply = self._reply(data_block(proposal, history, mark), task_text(proposal, mark))
            said = self._evaluation(read_answer(reply, self._structured), proposal)
            evaluation = held_to_class(said, proposal.diagnosis)
        except Exception as exc:  # a human decides, whatever it is
            unavailable = unavailable_for(exc)
            evaluation = Evaluation.unavailable(str(unavailable), self.name, self.version, self.clock())
        evaluation = replace(
            evaluation,
            duration_ms=max(0, round((self.monotonic() - began) * 1000)),
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

    def _reply(self, data: str, text: str) -> Mapping[str, Any]:
        """The model's reply. If the client knows no strict tool, it is asked with `tool` from then on."""
        try:
            return self._ask(Question(data, self._structured, text))
        except NoStrictTool as exc:
            _logger.warning("%s: asking with `tool` instead", exc)
        self._structured = Structured.TOOL
        return self._ask(Question(data, self._structured, text))

    def _ask(self, question: Question) -> Mapping[str, Any]:
        """The reply, after as many attempts as the settings allow. Raises Unavailable, or NoStrictTool."""
        attempt = 1
        while True:
            try:
                return _within(self.settings.attempt_seconds, lambda: self.model.ask(question))
            except NoStrictTool:
                raise
            except Exception as exc:
                failure = unavailable_for(exc)
                _logger.warning("attempt %d at %s: %s", attempt, self.settings.model_id, failure)
                if failure.cause not in TRANSIENT or attempt >= self.settings.attempts:
                    raise failure from exc
            self.sleep(self.settings.longest_pause(attempt) * self.jitter())
            attempt += 1

    def _evaluation(self, answer: ModelReply, proposal: Proposal) -> Evaluation:
        return Evaluation(
            verdict=answer.verdict,
            risk=answer.risk,
            confidence=answer.confidence,
            rationale=answer.rationale,
            evaluator=self.name,
            evaluator_version=self.version,
            evaluated_at=self.clock(),
            findings=tuple(mark_unsupported(finding, proposal) for finding in answer.findings),
            cautions=answer.cautions,
        )


def _within(seconds: float, call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What `call` returns or raises; TimeoutError after `seconds`, and the call is left to end by itself."""
    future: Future[Mapping[str, Any]] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except Exception as exc:
            future.set_exception(exc)

    threading.Thread(target=run, name="model", daemon=True).start()
    return future.result(timeout=seconds)


def _tokens(reply: Mapping[str, Any], name: str) -> int | None:
    """A count that the service gave, or None where it gave none that can be one."""
    usage = reply.get("usage")
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
