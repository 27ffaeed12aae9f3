"""One question to a model: bounded in time, tried again where that may help, and closed on failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.evaluate.causes import Cause, Unavailable
from qlikops.agent.evaluate.model import ModelEvaluator, NoStrictTool, Question
from qlikops.agent.evaluate.prompt import TOOL_NAME, bare_instructions, instructions
from qlikops.agent.models import BedrockSettings, Structured
from qlikops.domain.proposals.evaluation import Evaluation, Finding, Verdict
from tests.fakes import Clock
from tests.unit.agent.evaluate.test_answer import ANSWER
from tests.unit.domain.samples import NOON, PROPOSAL

SETTINGS = BedrockSettings(model_id="model-1", attempts=2)
GOOD = {
    "stopReason": "tool_use",
    "output": {"message": {"content": [{"toolUse": {"name": TOOL_NAME, "input": ANSWER}}]}},
    "usage": {"inputTokens": 812, "outputTokens": 210},
}
Step = Mapping[str, Any] | Exception | Callable[[], Mapping[str, Any]]


class Hurried(BedrockSettings):
    """Waits for an attempt so short that only what answers at once does."""

    @property
    def attempt_seconds(self) -> float:
        """A hundredth of a second."""
        return 0.01


class Scripted:
    """Answers each question with the next step."""

    def __init__(self, clock: Clock, *steps: Step) -> None:
        self.clock = clock
        self.steps = list(steps)
        self.asked: list[Question] = []

    def ask(self, question: Question) -> Mapping[str, Any]:
        self.asked.append(question)
        self.clock.seconds += 1.5
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step() if callable(step) else step


def evaluated(*steps: Step, settings: BedrockSettings = SETTINGS) -> tuple[Evaluation, Scripted]:
    clock = Clock(NOON)
    model = Scripted(clock, *steps)
    evaluator = ModelEvaluator(
        "bedrock",
        settings,
        model,
        clock.now,
        sleep=clock.sleep,
        monotonic=clock.monotonic,
        jitter=lambda: 1.0,
        mark=lambda: "abcd",
    )
    return evaluator.evaluate(PROPOSAL, EvaluationInput()), model


def test_an_answer_becomes_an_evaluation_with_what_it_took() -> None:
    evaluation, model = evaluated(GOOD)
    assert (evaluation.verdict, evaluation.evaluator) == (Verdict.APPROVE, "bedrock")
    assert evaluation.evaluator_version == f"v3 {SETTINGS.structured} model-1"
    assert evaluation.findings == (Finding("The listener was away.", ("e1",)),)
    assert (evaluation.duration_ms, evaluation.input_tokens, evaluation.output_tokens) == (1500, 812, 210)
    assert "<data-abcd>" in model.asked[0].data


@pytest.mark.parametrize(
    ("first", "asked", "because"),
    [
        (Unavailable(Cause.THROTTLED), 2, ""),
        (TimeoutError(), 2, ""),
        (Unavailable(Cause.ACCESS_DENIED), 1, "access denied"),
        (KeyError("x"), 1, "evaluator failed: KeyError"),
        ({**GOOD, "stopReason": "max_tokens"}, 1, "answer cut off: max_tokens"),
    ],
)
def test_only_what_may_pass_is_tried_again(first: Step, asked: int, because: str) -> None:
    evaluation, model = evaluated(first, GOOD)
    assert len(model.asked) == asked
    assert evaluation.unavailable_because == because


def test_attempts_have_an_end() -> None:
    evaluation, model = evaluated(*[Unavailable(Cause.THROTTLED)] * 3)
    assert (len(model.asked), evaluation.verdict) == (2, Verdict.UNAVAILABLE)
    assert evaluation.unavailable_because == "throttled"


def test_a_client_without_strict_tools_is_asked_with_an_ordinary_one() -> None:
    strict = replace(SETTINGS, structured=Structured.STRICT_TOOL)
    evaluation, model = evaluated(NoStrictTool("too old"), GOOD, settings=strict)
    assert [question.structured for question in model.asked] == [Structured.STRICT_TOOL, Structured.TOOL]
    assert evaluation.evaluator_version == "v3 tool model-1"


def test_a_model_that_never_answers_is_not_waited_for() -> None:
    ends = threading.Event()

    def never() -> Mapping[str, Any]:
        ends.wait(60)
        return GOOD

    try:
        evaluation, _ = evaluated(never, settings=Hurried(model_id="model-1", attempts=1))
    finally:
        ends.set()
    assert evaluation.unavailable_because == "timed out: TimeoutError"


@pytest.mark.parametrize("usage", [None, [], {}, {"inputTokens": True}, {"inputTokens": -1}, {"inputTokens": "9"}])
def test_a_count_that_is_none_is_not_kept(usage: object) -> None:
    evaluation, _ = evaluated({**GOOD, "usage": usage})
    assert (evaluation.input_tokens, evaluation.output_tokens) == (None, None)


@pytest.mark.parametrize("structured", Structured)
def test_only_who_answers_in_text_is_told_the_form(structured: Structured) -> None:
    parts = Question("data", structured, "text").instructions
    assert parts == (instructions(), *([bare_instructions()] if structured is Structured.PROMPT else []))
