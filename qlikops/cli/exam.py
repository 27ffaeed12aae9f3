"""exam."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from qlikops.agent.config import AgentConfig
from qlikops.agent.diagnosis.library import built_in
from qlikops.agent.evaluate import make_evaluator
from qlikops.agent.exam import ExamAnswer, ExamResult, examine, questions
from qlikops.agent.models import EvaluatorName
from qlikops.cli import output
from qlikops.cli.context import JsonOption, SettingsOption, takes
from qlikops.cli.exit_codes import ExitCode
from qlikops.deployment.evaluator import agent_config
from qlikops.domain.errors import UsageError
from qlikops.domain.proposals.evaluation import is_ai
from qlikops.domain.words.text import harmless
from qlikops.files import read_object
from qlikops.presentation.table import Column
from qlikops.presentation.tone import Line, Section, Span, filled, line

_IN_VAIN = 3
"""Questions without an answer, one after the other from the first, after which no more are asked."""
_PROGRESS = 20
"""Questions between two lines that say how far it is."""
_LISTED = 20
"""Answers of one sort that are listed, but for unsafe ones, of which each is."""


def exam(
    evaluator: Annotated[str, takes("NAME", "Who evaluates proposals.", show_default="rules")] = "",
    model: Annotated[
        str, takes("ID", "The model that the evaluator asks; bedrock does, if --evaluator names none.")
    ] = "",
    url: Annotated[
        str,
        takes(
            "URL",
            "Address of its server, such as https://api.openai.com/v1; openai asks it, if --evaluator names none.",
        ),
    ] = "",
    settings: SettingsOption = None,
    is_told: Annotated[
        bool | None,
        typer.Option(
            "--with-entries/--without-entries",
            help="Whether a question's own entry is in use.",
            show_default="with for the rules, without for a model",
        ),
    ] = None,
    limit: Annotated[int, takes("N", "How many at most.", min=0, show_default="all")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Examine an evaluator: what it approves that it must not, what it refuses that passes, what it costs.

    The questions are the examples of the known failures, put as a run in AWS would put them; the classes take turns.
    The rules speak from the entries and are asked with them. A model is asked without the question's own entry, as it
    is about a failure that has no entry yet. --evaluator is what the setting of that name may be, and with --settings
    these options come first. A model is asked from here, with the credentials of boto3. The exit code is 1 if
    something was approved that must not be, and if there was no answer at all.
    """
    config = _config(evaluator, model, url, settings)

    is_told = not config.model if is_told is None else is_told
    result = ExamResult(tuple(_answers(config, limit, is_told)), is_told)
    if as_json:
        output.write_json(result.as_data())
    else:
        _write(result)
    if result.unsafe or len(result.missing) == len(result.answers):
        raise typer.Exit(ExitCode.FAILURE)


def _config(evaluator: str, model: str, url: str, file: Path | None) -> AgentConfig:
    """The settings as given. Raises UsageError."""
    agent = read_object(file) if file else {}
    chosen = evaluator or ("openai" if url else "") or agent.get("evaluator", "")
    if model and not is_ai(chosen):
        chosen = evaluator or "bedrock"
    agent["evaluator"] = chosen or "rules"
    asked = {name: value for name, value in (("model_id", model), ("url", url)) if value}
    if asked and not is_ai(agent["evaluator"]):
        models = " or ".join(filter(is_ai, EvaluatorName))
        raise UsageError("The rules ask no model.", f"Name one that does: --evaluator {models}.")
    if asked:
        agent[chosen] = {**agent.get(chosen, {}), **asked}
    return agent_config(agent)


def _answers(config: AgentConfig, limit: int, is_told: bool) -> Iterator[ExamAnswer]:
    def client(service: str) -> Any:
        import boto3

        return boto3.Session().client(service)  # type: ignore[call-overload]  # which service, the settings say

    asked = questions(built_in(), limit)
    examined = make_evaluator(config, lambda: datetime.now(UTC), client)
    in_vain = 0
    for number, answer in enumerate(examine(examined, asked, is_told=is_told), 1):
        yield answer
        in_vain += answer.is_missing
        if in_vain == number == _IN_VAIN:
            because = answer.evaluation.unavailable_because
            output.say(f"There is no answer to the first {number} questions ({because}): no more are asked.")
            return
        if config.model and number % _PROGRESS == 0:
            output.say(f"{number} of {len(asked)}")


def _write(result: ExamResult) -> None:
    numbers = ("asked", "approved", "refused", "missing")
    output.write_table(
        (
            Column("class", "Class", 13),
            Column("asked", "Asked", 6, right=True),
            Column("approved", "Approved", 8, right=True),
            Column("refused", "Refused", 8, right=True),
            Column("missing", "No answer", 9, right=True),
        ),
        [
            {"class": Span(kind.value.replace("_", " "))} | {name: Span(str(getattr(tally, name))) for name in numbers}
            for kind, tally in result.by_class().items()
        ],
    )
    output.write_sections(_sections(result))


def _sections(result: ExamResult) -> tuple[Section, ...]:
    passing = sum(answer.question.passes for answer in result.answers)
    read, written = result.tokens
    each = result.seconds / max(1, len(result.answers))
    return filled(
        ("Approved, and must not be", _listed(result.unsafe, len(result.unsafe))),
        ("Refused, and passes", _listed(result.needless)),
        ("No answer", _listed(result.missing)),
        (
            "In all",
            [
                line("entries", "with its own" if result.is_told else "without its own"),
                line("approved wrongly", f"{len(result.unsafe)} of {len(result.answers) - passing}"),
                line("refused wrongly", f"{len(result.needless)} of {passing}"),
                line("no answer", f"{len(result.missing)} of {len(result.answers)}"),
                line("tokens", f"{read:,} read, {written:,} written"),
                line("time", f"{result.seconds:.1f} s, {each:.2f} s a question"),
            ],
        ),
    )


def _listed(answers: list[ExamAnswer], most: int = _LISTED) -> Iterator[Line]:
    for answer in sorted(answers, key=lambda answer: answer.question.failure.id)[:most]:
        yield line(answer.question.failure.id, harmless(_why(answer), 200))
    if len(answers) > most:
        yield line("…", f"{len(answers) - most} more; --json has all")


def _why(answer: ExamAnswer) -> str:
    kind = answer.question.failure.failure_class.value.replace("_", " ")
    return f"{kind}: {answer.evaluation.rationale or answer.evaluation.unavailable_because}"
