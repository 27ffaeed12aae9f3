"""config edit: config.toml in the person's editor, taken only if it makes sense."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from qlikops.child import run_child
from qlikops.domain.errors import QlikopsError, UsageError
from qlikops.files import MissingFile, read_text, replace_text, shown, writing

EDITOR = "vi"
NEW = """\
# Settings of the operator's side. `qlikops config` lists each with where its value came from.
# Give this line the file that `qlikops config schema` prints, and an editor with TOML support completes and checks:
#:schema ./config.schema.json

# default_context = "prod"

# [contexts.prod]
# profile = "prod"
# region = "eu-west-1"
"""


def editor(environ: Mapping[str, str]) -> Sequence[str]:
    """The program and its arguments. Raises UsageError for a command line that is none."""
    line = environ.get("VISUAL") or environ.get("EDITOR") or EDITOR
    try:
        return shlex.split(line)
    except ValueError as exc:
        raise UsageError(f"The editor {line!r} is no command line: {exc}.", "Set $VISUAL or $EDITOR anew.") from exc


def edit(path: Path, argv: Sequence[str], check: Callable[[Path], None], again: Callable[[str], bool]) -> bool:
    """Has the person edit a copy of the file at `path`, and puts it in its place; False if nothing was changed.

    `check` raises UsageError for a file that makes no sense; `again`, which is told why, says whether it is edited once
    more. Raises that error otherwise, and QlikopsError if the editor failed or the file was changed meanwhile: then it
    is as it was, and what was written lies beside it.
    """
    before = _text(path)
    place = path.resolve()  # a link is often what keeps the file in a repository
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="config.", suffix=".toml", dir=place.parent)
        os.close(handle)
    draft = Path(name)
    try:
        replace_text(draft, NEW if before is None else before)
        while True:
            _run(argv, draft)
            if (text := read_text(draft)) == (NEW if before is None else before):
                return False
            try:
                check(draft)
            except UsageError as exc:
                if again(exc.message.replace(shown(draft), shown(path))):
                    continue
                raise UsageError(f"{shown(path)} is as it was. {exc.message}", _kept(draft, place)) from exc
            if _text(path) != before:
                raise QlikopsError(f"{shown(path)} was changed meanwhile, and is as that left it.", _kept(draft, place))
            replace_text(place, text)
            return True
    finally:
        draft.unlink(missing_ok=True)


def _run(argv: Sequence[str], draft: Path) -> None:
    called = shlex.join(argv)
    try:
        code = run_child([*argv, str(draft)])
    except OSError as exc:
        raise UsageError(f"`{called}` cannot be run: {exc.strerror}.", "Set $VISUAL or $EDITOR.") from exc
    if code:
        raise QlikopsError(f"`{called}` ended with {code}, so nothing was changed.")


def _text(path: Path) -> str | None:
    try:
        return read_text(path)
    except MissingFile:
        return None


def _kept(draft: Path, path: Path) -> str:
    """Keeps what was written; says where."""
    aside = path.with_name(f"{path.name}.rejected")
    with writing(aside):
        draft.replace(aside)
    return f"What you wrote is kept in {shown(aside)}."
