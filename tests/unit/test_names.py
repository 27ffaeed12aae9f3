"""One name, one thing: where a class, an alias or a TypeVar stands is no part of what it is called."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_two_classes_aliases_or_type_variables_have_one_name() -> None:
    """Whoever looks for a name, or reads it in an error, finds one thing.

    An alias may be written twice if it stands for the same, as `Clock` and each `T` do. A class in a class is not
    counted: code and errors have the outer one's name before it, as in `FilterBar.Changed`.
    """
    places = defaultdict[str, dict[str, list[str]]](lambda: defaultdict(list))
    for path in sorted((ROOT / "qlikops").rglob("*.py")):
        where = str(path.relative_to(ROOT))
        for name, means in named(ast.parse(path.read_text(encoding="utf-8"))):
            places[name][means or where].append(where)
    assert len(places) > 500
    assert not {name: [*found.values()] for name, found in places.items() if len(found) > 1}


def named(module: ast.Module) -> Iterator[tuple[str, str]]:
    """The classes, aliases and type variables of a module: a name, and what it stands for; empty for a class."""
    for node in module.body:
        match node:
            case ast.ClassDef(name=name):
                yield name, ""
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if is_type_name(name):
                yield name, ast.unparse(value)


def is_type_name(name: str) -> bool:
    """Whether `name` is spelled as a class is, `T` and `_Profiles` too; a constant has several capitals and no more."""
    word = name.lstrip("_")
    return word[:1].isupper() and (len(word) == 1 or not word.isupper())


def test_an_alias_is_told_from_a_constant() -> None:
    text = (
        'class A: ...\nB = tuple[int, int]\n_Pair = B\nT = TypeVar("T")\nLIMIT = 3\n_KEYS: dict[str, int] = {}\nx = 1'
    )
    assert [*named(ast.parse(text))] == [("A", ""), ("B", "tuple[int, int]"), ("_Pair", "B"), ("T", "TypeVar('T')")]
