"""One value of config.toml changed in place: comments, order and blank lines stay as the person wrote them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from qlikops.config import ConfigFile, checked
from qlikops.domain.errors import UsageError
from qlikops.domain.words.text import harmless
from qlikops.files import MissingFile, read_text, read_toml, replace_text, shown


def set_value(path: Path, key: str, text: str, also: Callable[[ConfigFile], None]) -> Any:
    """Sets `key`, spelled as in the file (`contexts.prod.region`), to `text`; returns the value that was written.

    `text` is a value of TOML if the setting takes that, else a text as it stands: `3`, `true` and `eu-west-1` need no
    quotes. Raises UsageError for a key or a value that config.toml cannot hold, or that `also` refuses; then nothing is
    written.
    """
    steps = _steps(key)
    try:
        data, written = read_toml(path), read_text(path)
    except MissingFile:
        data, written = {}, ""
    refused = None
    for value in _meanings(text):
        wanted = _put(deepcopy(data), steps, value)
        try:
            also(checked(wanted, path))
        except UsageError as exc:
            refused = refused or exc
            continue
        # A link is often what keeps the file in a repository.
        replace_text(path.resolve(), _edited(written, steps, value, wanted, path))
        return value
    raise refused or UsageError(f"{harmless(key, 80)} needs a value.")


def _steps(key: str) -> Sequence[str]:
    try:
        found: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        found = {}
    steps: list[str] = []
    while isinstance(found, Mapping) and len(found) == 1:
        ((step, found),) = found.items()
        steps.append(step)
    if not steps or found != 0:
        raise UsageError(
            f"{harmless(key, 80)!r} is no key of config.toml.",
            "Write it as the file has it: default_context, contexts.NAME.region, keys.approve.",
        )
    return steps


def _meanings(text: str) -> Sequence[Any]:
    try:
        (value,) = tomllib.loads(f"value = {text}").values()
    except ValueError:
        return (text,)
    return (value, text)


def _put(data: dict[str, Any], steps: Sequence[str], value: Any) -> dict[str, Any]:
    table: Any = data
    for number, step in enumerate(steps[:-1], 1):
        table = table.setdefault(step, {})
        if not isinstance(table, dict):
            raise UsageError(f"{'.'.join(steps[:number])} is a value, and no table that has a {steps[number]}.")
    table[steps[-1]] = value
    return data


def _edited(written: str, steps: Sequence[str], value: Any, wanted: Mapping[str, Any], path: Path) -> str:
    try:
        document = tomlkit.parse(written)
        table: Any = document
        for number, step in enumerate(steps[:-1], 2):
            if step not in table:
                table[step] = tomlkit.table(is_super_table=number < len(steps))
            table = table[step]
        table[steps[-1]] = value
        text = tomlkit.dumps(document)
        is_right = tomllib.loads(text) == wanted
    except (TOMLKitError, tomllib.TOMLDecodeError):
        is_right = False
    if not is_right:
        raise UsageError(f"{shown(path)} is written in a way that cannot be changed here.", "Edit it by hand.")
    return text
