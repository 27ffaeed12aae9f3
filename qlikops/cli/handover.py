"""handover."""

from __future__ import annotations

from typing import Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, JsonOption, invocation
from qlikops.cli.durations import duration
from qlikops.domain.errors import UsageError


def handover(
    ctx: typer.Context,
    since: Annotated[str, typer.Option(metavar="T", help="How long the shift was.")] = "12h",
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown, for a ticket or a chat.")] = False,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the shift: what waits, what was decided by whom and how it ended, what is kept quiet, what runs."""
    if markdown and as_json:
        raise UsageError("--markdown and --json exclude each other.")
    length = duration("--since", since)
    here = invocation(ctx)
    from qlikops.domain.handover import gather

    now = here.now()
    found = gather(here.environment(context), now - length, now)
    if as_json:
        output.write_json(found)
        return
    from qlikops.presentation import handover as presented

    if markdown:
        output.write(presented.markdown(found).rstrip("\n"))
    else:
        output.write_sections(presented.sections(found))
