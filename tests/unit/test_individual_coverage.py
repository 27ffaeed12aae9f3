"""The cheap half of `make coverage`, on every run: a new module comes with its own tests."""

from __future__ import annotations

from tests.individual_coverage import listed, modules, own_tests


def test_a_module_has_its_own_tests_or_is_on_the_list() -> None:
    assert [module for module in modules() if module not in listed() and not list(own_tests(module))] == []


def test_the_list_names_modules_that_there_are_once_and_in_order() -> None:
    assert listed() == sorted({*listed()} & {*modules()})
