"""The net under all commands and the console: an unforeseen failure is one line and a file, never a traceback.

It is the last resort. What comes here is a fault of qlikops: the boundary that it came through should have named it.
"""

from __future__ import annotations

import platform
import traceback
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer

from qlikops import __version__
from qlikops.cli import output
from qlikops.config import data_dir
from qlikops.domain.errors import QlikopsError
from qlikops.domain.words.text import harmless
from qlikops.files import UnwritableFile, replace_text
from qlikops.presentation.problem import explain
from qlikops.streams import OutputFailed

FILE = "crash-report.txt"
"""File of the data folder with the report of the last crash."""
_FRAMES = 60
_MESSAGE_CAP = 500
_OF_THE_PROGRAM = (AttributeError, ImportError, IndexError, NameError, QlikopsError, TypeError, ZeroDivisionError)
"""Errors whose message is of the program's own words. Any other one may quote a request, a record or a secret."""
_LIBRARIES = ("boto3", "botocore", "textual", "rich", "typer")


def ends_outside(error: Exception) -> bool:
    """Whether a command ends by `error` outside of it: an exit, Ctrl-D, a stdout that takes nothing."""
    return isinstance(error, (typer.Exit, typer.Abort, OutputFailed))


def report(error: Exception, environ: Mapping[str, str]) -> None:
    """Says what happened, that it is a fault of qlikops, and in which file the crash report is; on stderr if the file
    cannot be written.
    """
    found = crash_report(error, environ)
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
        output.say(f"Please report it and attach {path}. It holds no values: no passwords, tokens or names of yours.")


def crash_report(error: BaseException, environ: Mapping[str, str]) -> str:
    """Versions, and where in the program each error of the chain came from. No variable and no message that could
    quote data is in it: a traceback of Textual's would show the locals of each frame, task tokens among them.
    """
    libraries = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    lines = [
        f"qlikops {__version__}",
        f"Python {platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}",
        libraries,
        f"terminal {harmless(environ.get('TERM', ''), 60)} {harmless(environ.get('TERM_PROGRAM', ''), 60)}".rstrip(),
    ]
    for each in _chain(error):
        kind = f"{type(each).__module__}.{type(each).__qualname__}"
        is_ours = isinstance(each, _OF_THE_PROGRAM)
        said = harmless(str(each), _MESSAGE_CAP) if is_ours else "its message is left out, since it may quote data"
        frames = traceback.extract_tb(each.__traceback__, limit=-_FRAMES)
        lines += ["", f"{kind}: {said}"]
        lines += [f"  {_place(frame.filename)}:{frame.lineno} {frame.name}: {frame.line}" for frame in frames]
    return "\n".join(lines) + "\n"


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, then what it came from, as Python would print them."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _place(filename: str) -> str:
    """A file from its package on: what is before that names a person's folders."""
    parts = Path(filename).parts
    roots = [index for index, part in enumerate(parts) if part in {"site-packages", "qlikops"} or "python3" in part]
    return "/".join(parts[roots[-1] :] if roots else parts[-1:])
