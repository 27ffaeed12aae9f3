"""What a newer version may have written: a value with one of its enums set to what this version does not know."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from qlikops.domain.encoding.stored import StoredEnum

SPELLING = "NOVEL [b]value"
"""Printable, as every value is; markup is text."""


def strangers(value: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    """A copy of `value` for each enum in it, with that one unknown, and where that is."""
    if isinstance(value, StoredEnum):
        yield path, type(value).read(SPELLING)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            for where, changed in strangers(getattr(value, field.name), f"{path}.{field.name}"):
                yield where, dataclasses.replace(value, **{field.name: changed})
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            for where, changed in strangers(item, f"{path}[{index}]"):
                yield where, (*value[:index], changed, *value[index + 1 :])
