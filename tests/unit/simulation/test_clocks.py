"""That no time passes in a night but the kernel's: whatever of the product can sleep is given the world's way to."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import simulation

_CLOCKS = {"sleep", "now", "clock", "monotonic"}
"""Parameters by which the product reads the time or lets it pass."""
FILES = sorted(Path(simulation.__file__).parent.rglob("*.py"))


def _forgotten(path: Path) -> Iterator[str]:
    """Each call of a part of the product that leaves a clock to its default: that of this machine."""
    tree = ast.parse(path.read_text())
    parts: dict[str, Any] = {
        alias.asname or alias.name: getattr(importlib.import_module(node.module), alias.name, None)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("qlikops")
        for alias in node.names
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and callable(parts.get(call.func.id)):
            parameters = inspect.signature(parts[call.func.id]).parameters
            given = {*[*parameters][: len(call.args)], *(keyword.arg for keyword in call.keywords)}
            left = [name for name in parameters if name in _CLOCKS - given and None not in given]
            yield from (f"{path.name}:{call.lineno}: {call.func.id} without {name}" for name in left)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_part_of_a_night_goes_by_the_clock_of_this_machine(path: Path) -> None:
    assert not list(_forgotten(path))
