"""Every interleaving of what restarts a task, and of one decision; and each rule is one that is needed."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from tests.simulation.exhaustive import Customs, Rules, deciding, restarting
from tests.simulation.invariants import NAMES


def test_restarting_is_safe_in_every_state() -> None:
    found = restarting()
    assert (found.violation, found.path) == ("", ())
    assert found.states > 10_000


def test_deciding_is_truthful_in_every_state() -> None:
    found = deciding()
    assert (found.violation, found.path) == ("", ())
    assert found.states > 500


@pytest.mark.parametrize("rule", [field.name for field in fields(Rules)])
def test_without_a_rule_a_task_is_not_safe(rule: str) -> None:
    found = restarting(replace(Rules(), **{rule: False}))
    assert found.violation in NAMES
    assert len(found.path) > 2


@pytest.mark.parametrize("custom", [field.name for field in fields(Customs)])
def test_without_a_custom_somebody_is_told_what_is_not_so(custom: str) -> None:
    found = deciding(replace(Customs(), **{custom: False}))
    assert found.violation in NAMES
    assert len(found.path) > 2
