"""One question to several contexts at once: one that cannot answer says why and keeps none of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import typer

from qlikops.cli import output
from qlikops.cli.context import Invocation
from qlikops.cli.exit_codes import of_error
from qlikops.config import Context
from qlikops.dataclass import dataclass
from qlikops.domain.errors import QlikopsError
from qlikops.domain.ports import ContextServices
from qlikops.presentation.problem import explain

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ContextResult(Generic[T]):
    """What one context said."""

    context: str
    value: T | None
    error: QlikopsError | None = None


def ask_each(
    here: Invocation, contexts: Sequence[Context], question: Callable[[ContextServices], T]
) -> tuple[ContextResult[T], ...]:
    """The answers in the order of `contexts`. Where there is one context, its error is raised."""

    def ask(context: Context) -> ContextResult[T]:
        try:
            return ContextResult(context.name, question(here.reopened(context)))
        except QlikopsError as error:
            if len(contexts) == 1:
                raise
            return ContextResult(context.name, None, error)

    with ThreadPoolExecutor(len(contexts)) as pool:
        return tuple(pool.map(ask, contexts))


def said(answer: ContextResult[T]) -> str:
    """Why a context did not answer."""
    return "" if answer.error is None else str(explain(answer.error))


def exit_with_problems(answers: Sequence[ContextResult[T]]) -> None:
    """Says which contexts are missing from what was printed, and ends with the first one's exit code."""
    failed = [answer for answer in answers if answer.error is not None]
    for answer in failed:
        output.say(f"{answer.context}: {said(answer)}")
    if failed and failed[0].error is not None:
        raise typer.Exit(of_error(failed[0].error))
