"""What a method of the console is for is said once: where the method is new."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import qlikops.tui


def methods() -> Iterator[tuple[type, str, object]]:
    """Every public method and property of the console's classes, with the class that has it."""
    for found in pkgutil.walk_packages(qlikops.tui.__path__, f"{qlikops.tui.__name__}."):
        module = importlib.import_module(found.name)
        for cls in vars(module).values():
            if not inspect.isclass(cls) or cls.__module__ != found.name:
                continue
            for name, member in vars(cls).items():
                if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                    yield cls, name, member


def test_a_method_that_is_new_says_what_it_is_for() -> None:
    silent = [
        f"{cls.__name__}.{name}"
        for cls, name, member in methods()
        # What begins so is called by Textual when that happens.
        if not (inspect.getdoc(member) or name.startswith(("on_", "watch_")))
        and not any(name in vars(base) for base in cls.__mro__[1:])
    ]
    assert silent == []


def test_what_says_nothing_itself_has_the_words_of_its_base() -> None:
    said = [inspect.getdoc(getattr(cls, name)) for cls, name, _ in methods() if name in ("took", "outgoing", "compose")]
    assert all(said)
    assert len(said) > len(set(said))
