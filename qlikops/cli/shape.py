"""What becomes of a command's data on its way to stdout: `--json FIELDS`, `--jq EXPR`, `--format csv|yaml`.

The shape belongs to the one stdout that a process has; `output` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Annotated, Any

import typer

from qlikops.dataclass import dataclass
from qlikops.domain.errors import QlikopsError, UsageError
from qlikops.domain.words.naming import did_you_mean
from qlikops.domain.words.text import harmless

FLAG = "--json"


class Format(Enum):
    """How data is written, if neither for people nor as JSON."""

    YAML = "yaml"


class ListFormat(Enum):
    """Forms in which a command writes a list."""

    CSV = "csv"
    YAML = "yaml"


JsonFields = Annotated[
    str | None,
    typer.Option(
        FLAG,
        metavar="[=FIELDS]",
        help="Data on stdout as JSON; with FIELDS, names with commas between, only these. A wrong name lists them.",
    ),
]
JqOption = Annotated[
    str, typer.Option("--jq", metavar="EXPR", help="As --json, through this jq expression; text comes without quotes.")
]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", metavar="FORMAT", case_sensitive=False, help="yaml: the data of --json as YAML."),
]
ListFormatOption = Annotated[
    ListFormat | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        case_sensitive=False,
        help="csv: the list with all its columns. yaml: the data of --json as YAML.",
    ),
]


@dataclass(frozen=True, slots=True)
class Shape:
    """What was asked of the data."""

    fields: tuple[str, ...] = ()
    jq: str = ""
    is_csv: bool = False
    is_yaml: bool = False

    def of(self, value: Any) -> list[Any]:
        """What is written of `value`, which is JSON: one value, or all that the expression gives. Raises UsageError."""
        picked = _picked(value, self.fields) if self.fields else value
        return _through(self.jq, picked) if self.jq else [picked]


_ALL = Shape()
_current: ContextVar[Shape] = ContextVar("shape", default=_ALL)


def current() -> Shape:
    """Returns the shape of the command that runs."""
    return _current.get()


@contextmanager
def shaping(as_json: str | None, jq: str, format_: Enum | None) -> Iterator[bool]:
    """Inside, data is written as these options say; yields whether they ask for it. Raises UsageError."""
    is_csv, is_yaml = format_ is ListFormat.CSV, format_ in (Format.YAML, ListFormat.YAML)
    if is_csv and (as_json is not None or jq):
        raise UsageError("--format csv and --json exclude each other.", "--jq '… | @csv' writes csv of any data.")
    fields = tuple(name.strip() for name in (as_json or "").split(",") if name.strip())
    before = _current.set(Shape(fields, jq, is_csv, is_yaml))
    try:
        yield as_json is not None or bool(jq) or is_yaml
    finally:
        _current.reset(before)


def with_value(args: Sequence[str], *, takes_words: bool) -> list[str]:
    """`args` in which --json has a value: the word behind it if the command has no other use for one, else none.

    So `--json` alone means all of the data, and `show --json ID` still shows ID.
    """
    found = list(args)
    end = found.index("--") if "--" in found else len(found)
    if FLAG in found[:end]:
        at = found.index(FLAG)
        is_fields = not takes_words and at + 1 < end and not found[at + 1].startswith("-")
        found[at : at + 1 + is_fields] = [f"{FLAG}={found[at + 1] if is_fields else ''}"]
    return found


def _picked(value: Any, fields: Sequence[str]) -> Any:
    rows = value if isinstance(value, list) else [value]
    known = list(dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row))
    for field in fields if rows else ():
        if field.partition(".")[0] not in known:
            hint = did_you_mean(field.partition(".")[0], known)
            raise UsageError(
                f"--json: there is no field {harmless(field, 80)}.", f"{hint} There are: {', '.join(known)}.".lstrip()
            )
    found = [{field: _at(row, field.split(".")) for field in fields} for row in rows]
    return found if isinstance(value, list) else found[0]


def _at(value: Any, path: Sequence[str]) -> Any:
    if isinstance(value, list) and path:
        return [_at(each, path) for each in value]
    if not path:
        return value
    return _at(value.get(path[0]), path[1:]) if isinstance(value, dict) else None


def _through(expression: str, value: Any) -> list[Any]:
    try:
        import jq
    except ImportError as exc:
        raise QlikopsError(
            "--jq needs the library jq, which is not installed.",
            "Install it with `pip install jq`, or pipe --json into the program jq.",
        ) from exc
    try:
        found: list[Any] = jq.compile(expression).input_value(value).all()
    except ValueError as exc:
        raise UsageError(
            f"--jq: {harmless(str(exc), 300)}", "The manual of jq explains its language: https://jqlang.org/manual."
        ) from exc
    return found
