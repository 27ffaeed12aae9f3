"""One name, one thing: where a class stands is no part of what it is called."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_two_classes_have_one_name() -> None:
    """Whoever looks for a name, or reads it in an error, finds one class."""
    places = defaultdict[str, list[str]](list)
    for path in sorted((ROOT / "qlikops").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert len(places) > 500
    assert not {name: where for name, where in places.items() if len(where) > 1}
