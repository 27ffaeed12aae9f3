"""What may lie where a file of ours is expected: every kind of thing that is no such file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

DEEP = 100_000
"""Levels that no parser follows."""
WALKED = 900
"""Levels that a parser follows, and a function that walks the result does not."""

CONTENTS: Mapping[str, bytes] = {
    "empty": b"",
    "no text": b"\xff\xfe\x00{",
    "NUL": b'{"a": "\x00"}\n',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a word": b"nonsense",
    "half": b'{"endpoint_url": "http',
    "an abyss of arrays": b"[" * DEEP,
    "an abyss of objects": b'{"a":' * DEEP,
    "deep arrays": b"[" * WALKED + b"]" * WALKED,
    "a deep table": b"contexts.a" + b".a" * WALKED + b" = 1",
    "deep TOML": b"a = " + b"[" * DEEP,
    "a number of 20 digits": b'{"version": 99999999999999999999}',
    "a number of 5,000 digits": b'{"version": ' + b"9" * 5000 + b"}",
    "TOML with 5,000 digits": b"log_retention = " + b"9" * 5000,
    "NaN": b'{"confidence_floor": NaN}',
    "too large a float": b'{"confidence_floor": 1e999}',
    "null": b"null",
    "a list": b"[]",
    "an object": b"{}",
    "an object of objects": b'{"processes": {"aws": {}}, "instances": [{}], "events": [{}], "theme": {}}',
    "wrong types": b'{"processes": 5, "instances": "x", "events": "x", "theme": 5, "bell": "x"}',
    "an address that is none": b'[contexts.c]\nendpoint_url = "http://["\n',
    "a NUL in a setting": b'[contexts.c]\nprofile = "a\\u0000b"\nstack = "\\u0000"\n',
    "a time for a word": b"default_context = 2026-01-01\n",
    "a time that is none": b"default_context = 2026-13-45\n",
    "a console on nothing": b'console_contexts = ["a", "a", "local"]\n',
    "a hold for ever": b"[contexts.default]\nhold_seconds = 99999999999999999999\n",
    "lone surrogates": b'{"theme": "\\ud800"}',
}


def zoo(folder: Path) -> dict[str, Path]:
    """A path for every kind, made in `folder`: files of CONTENTS, and things that are no files."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for number, (name, content) in enumerate(CONTENTS.items()):
        found[name] = folder / f"{number}.txt"
        found[name].write_bytes(content)
    for name, make in _THINGS.items():
        found[name] = make(folder)
    return found


def _pipe(folder: Path) -> Path:
    path = folder / "pipe"
    os.mkfifo(path)
    return path


def _loop(folder: Path) -> Path:
    path = folder / "loop"
    path.symlink_to(path)
    return path


def _below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "below"


_THINGS: Mapping[str, Callable[[Path], Path]] = {
    "missing": lambda folder: folder / "missing",
    "a folder": lambda folder: folder,
    "a pipe that nobody writes into": _pipe,
    "a link to itself": _loop,
    "below a file": _below_a_file,
    "too long a name": lambda folder: folder / ("x" * 5000),
    "a NUL in its name": lambda folder: folder / "a\0b",
    "a device": lambda _: Path("/dev/null"),
    "a device without an end": lambda _: Path("/dev/zero"),
}
