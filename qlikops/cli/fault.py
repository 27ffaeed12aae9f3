"""The net under all commands: what nobody foresaw is one line and a file, never a traceback across the terminal.

It is the last resort. What comes here is a fault of qlikops: the boundary that it came through should have named it.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping

import typer

from qlikops import __version__
from qlikops.cli import output
from qlikops.config import data_dir
from qlikops.files import UnwritableFile, replace_text
from qlikops.presentation.problem import explain
from qlikops.streams import OutputFailed

FILE = "last-fault.txt"
"""In the data folder: the traceback of the last one."""


def ends_outside(error: Exception) -> bool:
    """Whether a command ends by `error` outside of it: an exit, Ctrl-D, a stdout that takes nothing."""
    return isinstance(error, (typer.Exit, typer.Abort, OutputFailed))


def report(error: Exception, environ: Mapping[str, str]) -> None:
    """Says what happened, that it is a fault of qlikops, and where the traceback lies; on stderr where it cannot be
    kept.
    """
    found = "".join(traceback.format_exception(error))
    problem = explain(error)
    output.say(f"{problem.title}: {problem.text}")
    output.say(
        f"That is a mistake in qlikops {__version__}, not yours. What it had sent by then may count: look before you "
        "repeat it."
    )
    path = data_dir(environ) / FILE
    try:
        replace_text(path, found)
    except UnwritableFile:
        output.say(f"{found}Please report it with the lines above.")
    else:
        output.say(f"Please report it with {path}.")
