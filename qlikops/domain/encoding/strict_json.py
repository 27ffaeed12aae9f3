"""JSON from outside, read in one way: whatever is wrong with it is a ValueError in plain words that quotes no value.

`json.loads` alone raises RecursionError for deep nesting, speaks of an interpreter setting where a number is long,
takes NaN and Infinity for numbers, the last of two values with one name, and lets through nesting that breaks whoever
walks the result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NoReturn

MOST_LEVELS = 100
"""Arrays and objects inside each other; nothing that AWS, Qlik or qlikops writes comes near."""
MOST_DIGITS = 100
"""Digits of one whole number at most."""
TOO_DEEP = f"it nests deeper than {MOST_LEVELS} levels"


def parse_json(text: str) -> Any:
    """The value in `text`. Raises ValueError, whose message completes "It cannot be read: …"."""
    try:
        value = json.loads(
            text.removeprefix("\ufeff"),
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_no_number,
            object_pairs_hook=with_names_once,
        )
    except RecursionError:
        problem = TOO_DEEP
    except json.JSONDecodeError as exc:
        problem = f"it is not JSON: {exc.msg}, line {exc.lineno}, column {exc.colno}"
    else:
        check_depth(value)
        return value
    # Raised out here, so that nothing hangs on it: the decoder's error holds the whole text, which may be a secret.
    raise ValueError(problem)


def check_depth(value: Any) -> None:
    """Raises ValueError where `value` nests deeper than MOST_LEVELS."""
    level: list[Any] = [value]
    for _ in range(MOST_LEVELS + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise ValueError(TOO_DEEP)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def with_names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's names and values as a dict, for `json.loads`. Raises ValueError for a name that is there twice."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object in it has one name twice")
    return value


def _whole(digits: str) -> int:
    if (length := len(digits.removeprefix("-"))) > MOST_DIGITS:
        raise ValueError(f"it holds a number of {length:,} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("it holds a number that is too large")
    return number


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is no number")
