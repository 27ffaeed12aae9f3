"""handover."""

from __future__ import annotations

from typing import Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextsOption, JsonOption, invocation, switch, takes
from qlikops.cli.durations import duration
from qlikops.cli.several import ContextResult, ask_each, exit_with_problems, said
from qlikops.domain.encoding import codec
from qlikops.domain.errors import UsageError
from qlikops.domain.gathered.handover import Handover, gather
from qlikops.presentation.pages import handover as presented
from qlikops.presentation.tone import Section, as_markdown, line

_LABELS = 14
"""Cells that labels take beside a strip of hours."""


def handover(
    ctx: typer.Context,
    since: Annotated[str, takes("T", "How far back to look.")] = "12h",
    markdown: Annotated[bool, switch("As Markdown, for a ticket or a chat.", "--markdown")] = False,
    context: ContextsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the shift: what waits, what was decided by whom and how it ended, what is kept quiet, what runs.

    With several contexts --json prints a list; one that cannot be read has a `problem` in it, and its error is the
    exit code.
    """
    if markdown and as_json:
        raise UsageError("--markdown and --json exclude each other.")
    length = duration("--since", since)
    here = invocation(ctx)

    now = here.now()
    answers = ask_each(here, here.named(context), lambda environment: gather(environment, now - length, now))
    if as_json:
        found = [_as_data(answer) for answer in answers]
        output.write_json(found[0] if len(found) == 1 else found)
    elif markdown:
        title = "Handover: {}" if len(answers) > 1 else "Handover"
        pages = (as_markdown(title.format(answer.context), _sections(answer)) for answer in answers)
        output.write("\n".join(pages).rstrip("\n"))
    else:
        _write(answers)
    exit_with_problems(answers)


def _as_data(answer: ContextResult[Handover]) -> dict[str, object]:
    if answer.value is None:
        return {"context": answer.context, "problem": said(answer)}
    return {"context": answer.context, **codec.encode(answer.value)}


def _sections(answer: ContextResult[Handover], width: int | None = None) -> tuple[Section, ...]:
    if answer.value is None:
        return (Section("", (line("not read", said(answer)),)),)
    return presented.sections(answer.value, width - _LABELS if width else 0)


def _write(answers: tuple[ContextResult[Handover], ...]) -> None:
    for number, answer in enumerate(answers):
        if len(answers) > 1:
            output.write(f"{'' if number == 0 else chr(10)}Context {answer.context}\n")
        output.write_sections(_sections(answer, output.terminal_width()))
