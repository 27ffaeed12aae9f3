"""The cheap half of `make coverage`, on every run: a new module comes with its own tests."""

from __future__ import annotations

import pytest

from tests.individual_coverage import LIST, listed, main, modules, own_tests

LONGEST = 14
"""Modules that the list may hold. Lower it with each line that goes; nothing raises it."""


def test_a_module_has_its_own_tests_or_is_on_the_list() -> None:
    assert [module for module in modules() if module not in listed() and not list(own_tests(module))] == []


def test_the_list_names_modules_that_there_are_once_and_in_order() -> None:
    assert listed() == sorted({*listed()} & {*modules()})


def test_the_list_has_only_ever_become_shorter() -> None:
    more = f"{LIST.name} has more than {LONGEST} lines: cover the module by its own tests instead of listing it"
    assert len(listed()) <= LONGEST, more


def test_what_is_named_must_be_a_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["", modules()[0], "qlikops/nowhere.py"])
    assert main() == 1
    assert capsys.readouterr().out.endswith(": qlikops/nowhere.py\n")
