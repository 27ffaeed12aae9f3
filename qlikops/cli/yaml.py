"""Data as YAML 1.2, which any reader of YAML takes: blocks, with text in quotes wherever it could be read otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = re.compile(r"(?i)(?!(?:true|false|null|yes|no|on|off|y|n)\Z)[A-Z_](?:[\w./@ -]*[\w./@-])?", re.ASCII)
"""Text that nothing but text can be read from."""
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def to_yaml(value: Any) -> str:
    """`value`, which is JSON, without an end of line."""
    return "\n".join(_lines(value))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for name, each in value.items():
            first, *rest = _lines(each)
            if isinstance(each, Mapping | list) and each:
                yield f"{_scalar(name)}:"
                yield from (f"  {line}" for line in (first, *rest))
            else:
                yield f"{_scalar(name)}: {first}"
    elif isinstance(value, list) and value:
        for each in value:
            first, *rest = _lines(each)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else f'"{"".join(map(_quoted, value))}"'
    if isinstance(value, Mapping):
        return "{}"
    return "[]" if isinstance(value, list) else json.dumps(value)


def _quoted(char: str) -> str:
    if char in _ESCAPED:
        return _ESCAPED[char]
    return char if char.isprintable() else f"\\U{ord(char):08x}"
