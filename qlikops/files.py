"""Every file that the operator's side reads or writes for itself goes through here, so each failure has one wording.

A file may be missing, a folder, unreadable, no text, too large, a pipe that nobody writes into, or nest a thousand
levels deep. Whatever it is, the error names the file and the reason, and quotes nothing: a file may hold passwords.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qlikops.domain.encoding.strict_json import TOO_DEEP, check_depth, parse_json
from qlikops.domain.errors import QlikopsError, UsageError

STDIN = Path("-")
"""Stands for standard input where a command takes a file."""
MOST_BYTES = 16_000_000
"""Most bytes of one file, unless its reader says otherwise."""
_SHOWN = 200
"""Characters of a path in a message."""


class UnreadableFile(UsageError):
    """A file that a person named, or that qlikops keeps, cannot be read or makes no sense."""


class MissingFile(UnreadableFile):
    """There is no such file."""


class UnwritableFile(QlikopsError):
    """Something cannot be kept on this machine."""


def read_text(path: Path, *, at_most: int = MOST_BYTES, encoding: str = "utf-8", hint: str = "") -> str:
    """The text of a file, of a pipe to its end, or of standard input for STDIN.

    Raises MissingFile and UnreadableFile; `hint` says what to do then.
    """
    try:
        raw = _stdin(at_most) if path == STDIN else _bytes(path, at_most)
    except FileNotFoundError as exc:
        raise MissingFile(f"There is no file {shown(path)}.", hint) from exc
    except OSError as exc:
        raise _unreadable(path, exc.strerror or str(exc), hint) from exc
    except ValueError as exc:  # a path with a NUL in it
        raise _unreadable(path, str(exc), hint) from exc
    if len(raw) > at_most:
        raise _unreadable(path, f"it has more than {at_most:,} bytes", hint)
    return _decoded(raw, path, encoding, hint)


def read_json(path: Path, *, at_most: int = MOST_BYTES, hint: str = "") -> Any:
    """The value in a file of JSON. Raises MissingFile and UnreadableFile."""
    text = read_text(path, at_most=at_most, hint=hint)
    try:
        return parse_json(text)
    except ValueError as exc:
        # Not chained: what the parser says may quote a secret.
        raise _unreadable(path, str(exc), hint) from None


def read_object(path: Path, *, hint: str = "") -> dict[str, Any]:
    """The object in a file of JSON. Raises MissingFile and UnreadableFile."""
    value = read_json(path, hint=hint)
    if not isinstance(value, dict):
        raise UnreadableFile(f"{shown(path)} is not a JSON object.", hint)
    return value


def read_toml(path: Path, *, hint: str = "") -> dict[str, Any]:
    """The table in a file of TOML. Raises MissingFile and UnreadableFile."""
    text = read_text(path, hint=hint)
    # Not above: it compiles its patterns, and every command comes by here, most of them without a file to read.
    import tomllib

    try:
        table = tomllib.loads(text)
        check_depth(table)
    except RecursionError:
        raise _unreadable(path, TOO_DEEP, hint) from None
    except ValueError as exc:
        why = "it holds a number with too many digits" if "int_max_str_digits" in str(exc) else str(exc)
        raise _unreadable(path, why, hint) from exc
    return table


def read_stdin_line() -> str:
    """The first line of standard input, without its end. Raises UnreadableFile."""
    try:
        raw = _stdin_buffer().readline(MOST_BYTES)
    except (OSError, ValueError) as exc:
        raise _unreadable(STDIN, str(exc), "") from exc
    return _decoded(raw, STDIN, "utf-8", "").rstrip("\r\n")


@contextlib.contextmanager
def writing(path: Path, hint: str = "") -> Iterator[None]:
    """Inside, what the system says against writing at `path`, or making it, is an UnwritableFile."""
    try:
        yield
    except (OSError, ValueError) as exc:
        why = (exc.strerror if isinstance(exc, OSError) else "") or str(exc)
        raise UnwritableFile(f"{shown(path)} cannot be written: {why}.", hint) from exc


def replace_text(path: Path, text: str, hint: str = "") -> None:
    """Writes a file for its owner alone, whole or not at all: two may write at once, and either may die meanwhile.

    Makes its folder where that is missing. Raises UnwritableFile.
    """
    with writing(path, hint):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise


def set_aside(path: Path) -> Path | None:
    """Moves what lies at `path` out of the way, over what was set aside before; where it lies now, None where it cannot
    be moved.
    """
    aside = path.with_name(f"{path.name}.unreadable")
    try:
        path.replace(aside)
    except OSError:
        return None
    return aside


def shown(path: Path) -> str:
    """A path in a message: a long one by its end, so that the reason behind it still has room."""
    if path == STDIN:
        return "Standard input"
    text = str(path)
    return text if len(text) <= _SHOWN else f"…{text[-_SHOWN:]}"


def _bytes(path: Path, at_most: int) -> bytes:
    # Opening a pipe that nobody writes into would wait for ever; reading it says at once that it is empty.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        os.set_blocking(file.fileno(), True)
        raw = file.read(at_most + 1)
        if not raw and stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
            raise OSError("it is a pipe that nobody writes into")
        return raw


def _stdin(at_most: int) -> bytes:
    raw: bytes = _stdin_buffer().read(at_most + 1)
    return raw


def _stdin_buffer() -> Any:
    if sys.stdin is None or sys.stdin.closed:
        raise OSError("it is closed")
    return sys.stdin.buffer


def _decoded(raw: bytes, path: Path, encoding: str, hint: str) -> str:
    try:
        # Editors of Windows begin a file with a byte order mark, which none of its readers knows.
        return raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as exc:
        # Not chained: the cause holds all that was read.
        raise _unreadable(path, f"it is no text in {encoding.upper()} (byte {exc.start:,})", hint) from None


def _unreadable(path: Path, why: str, hint: str) -> UnreadableFile:
    return UnreadableFile(f"{shown(path)} cannot be read: {why.rstrip('.')}.", hint)
