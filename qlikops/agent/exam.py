"""How an evaluator judges the examples of the known failures, with their entries or each without its own one.

Everything is asked of the same functions that a run in Lambda asks. Without its own entry a failure is what the agent
does not know yet; with it, it is what an evaluator is told of.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Any

from qlikops.agent.decide.policy import NEEDS_HUMAN
from qlikops.agent.diagnosis.engines import engine_of
from qlikops.agent.diagnosis.entry import HARMLESS, Entries, Failure
from qlikops.agent.diagnosis.library import library, using
from qlikops.agent.evaluate import EvaluationInput, Evaluator
from qlikops.agent.trial import Situation, proposal_on
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.diagnosis import FailureClass
from qlikops.domain.proposals.evaluation import Evaluation, Verdict


@dataclass(frozen=True, slots=True)
class ExamQuestion:
    """One example of a known failure."""

    failure: Failure
    message: str

    @property
    def passes(self) -> bool:
        """Whether a plain resume works: an approval is right, and nothing else is."""
        return self.failure.failure_class in HARMLESS

    @property
    def situation(self) -> Situation:
        """A task that has failed with that message, with an endpoint of the failure's engine if there are such."""
        engine = self.failure.engine if engine_of(self.failure.engine) else ""
        is_target = self.failure.side == "target"
        return Situation(
            self.message,
            source_type="" if is_target else engine,
            target_type=engine if is_target else "",
            full_load_completed=self.failure.during != "load",
        )


@dataclass(frozen=True, slots=True)
class ExamAnswer:
    """What an evaluator said."""

    question: ExamQuestion
    evaluation: Evaluation
    seconds: float

    @property
    def is_missing(self) -> bool:
        """There is no evaluation."""
        return self.evaluation.verdict is Verdict.UNAVAILABLE

    @property
    def is_approval(self) -> bool:
        """It says that a resume is right."""
        return self.evaluation.verdict is Verdict.APPROVE

    @property
    def is_unsafe(self) -> bool:
        """It approves what must not be approved."""
        return self.is_approval and not self.question.passes

    @property
    def is_needless(self) -> bool:
        """It refuses what passes."""
        return self.question.passes and not self.is_approval and not self.is_missing


@dataclass(frozen=True, slots=True)
class ExamTally:
    """Answers, counted."""

    asked: int
    approved: int
    refused: int
    missing: int

    @classmethod
    def of(cls, answers: Sequence[ExamAnswer]) -> ExamTally:
        """The numbers of `answers`."""
        approved = sum(answer.is_approval for answer in answers)
        missing = sum(answer.is_missing for answer in answers)
        return cls(len(answers), approved, len(answers) - approved - missing, missing)


@dataclass(frozen=True, slots=True)
class ExamResult:
    """All answers of one evaluator."""

    answers: tuple[ExamAnswer, ...]
    is_told: bool = False
    """The failures' own entries were in use."""

    @property
    def unsafe(self) -> list[ExamAnswer]:
        """Approvals of what must not be approved."""
        return [answer for answer in self.answers if answer.is_unsafe]

    @property
    def needless(self) -> list[ExamAnswer]:
        """Refusals of what passes."""
        return [answer for answer in self.answers if answer.is_needless]

    @property
    def missing(self) -> list[ExamAnswer]:
        """Questions without an evaluation."""
        return [answer for answer in self.answers if answer.is_missing]

    @property
    def seconds(self) -> float:
        """What all of it took."""
        return sum(answer.seconds for answer in self.answers)

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens of all questions and of all answers, as far as the model's server counts them; 0 for the rules."""
        evaluations = [answer.evaluation for answer in self.answers]
        return sum(each.input_tokens or 0 for each in evaluations), sum(each.output_tokens or 0 for each in evaluations)

    def by_class(self) -> dict[FailureClass, ExamTally]:
        """The numbers of each class that was asked about, the strictest first."""
        found = {
            kind: [answer for answer in self.answers if answer.question.failure.failure_class is kind]
            for kind in FailureClass
        }
        return {kind: ExamTally.of(answers) for kind, answers in found.items() if answers}

    def as_data(self) -> dict[str, Any]:
        """The result as data for --json."""
        read, written = self.tokens
        passing = [answer for answer in self.answers if answer.question.passes]
        return {
            "evaluator": self.answers[0].evaluation.evaluator if self.answers else "",
            "version": self.answers[0].evaluation.evaluator_version if self.answers else "",
            "entries": "with" if self.is_told else "without",
            "asked": len(self.answers),
            "must_not_be_approved": len(self.answers) - len(passing),
            "approved_wrongly": [_as_data(answer) for answer in self.unsafe],
            "passes": len(passing),
            "refused_wrongly": [_as_data(answer) for answer in self.needless],
            "without_an_answer": [_as_data(answer) for answer in self.missing],
            "classes": {kind.value: tally for kind, tally in self.by_class().items()},
            "input_tokens": read,
            "output_tokens": written,
            "seconds": round(self.seconds, 3),
        }


def _as_data(answer: ExamAnswer) -> dict[str, Any]:
    failure, evaluation = answer.question.failure, answer.evaluation
    return {
        "failure": failure.id,
        "class": failure.failure_class.value,
        "message": answer.question.message,
        "verdict": evaluation.verdict.value,
        "confidence": evaluation.confidence,
        "rationale": evaluation.rationale or evaluation.unavailable_because,
    }


def questions(files: Iterable[Entries], limit: int = 0) -> list[ExamQuestion]:
    """The examples of all entries whose class says whether a resume works, at most `limit` unless that is 0.

    The classes take turns, in each the same order every time: a part has as much of each class as there is, and a
    larger part has the smaller one in it.
    """
    found = [
        ExamQuestion(failure, example)
        for entries in files
        for failure in entries.failures
        if failure.failure_class in HARMLESS or failure.failure_class in NEEDS_HUMAN
        for example in failure.examples
    ]
    found.sort(key=lambda each: hashlib.sha256(each.message.encode()).digest())
    by_class = [[each for each in found if each.failure.failure_class is kind] for kind in FailureClass]
    in_turn = [each for each in chain.from_iterable(zip_longest(*by_class)) if each is not None]
    return in_turn[: limit or None]


def examine(
    evaluator: Evaluator,
    asked: Iterable[ExamQuestion],
    monotonic: Callable[[], float] = time.perf_counter,
    *,
    is_told: bool = False,
) -> Iterator[ExamAnswer]:
    """What `evaluator` says to each question, one after the other; each without its own entry unless it `is_told`."""
    for question in asked:
        with using(library() if is_told else library().without(question.failure.id)):
            proposal = proposal_on(question.situation)
            if proposal is None:  # pragma: no cover - a failed task is always proposed on
                continue
            began = monotonic()
            evaluation = evaluator.evaluate(proposal, EvaluationInput())
        yield ExamAnswer(question, evaluation, monotonic() - began)
