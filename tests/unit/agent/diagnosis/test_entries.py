"""The entries themselves: each is well formed, recognises its examples and leaves its near misses alone."""

from __future__ import annotations

import pytest

from qlikops.agent.diagnosis.check import context_of
from qlikops.agent.diagnosis.entry import Failure
from qlikops.agent.diagnosis.library import built_in
from qlikops.agent.diagnosis.ranking import explain
from qlikops.domain.diagnosis import FailureClass

FAILURES = [failure for entries in built_in() for failure in entries.failures]


@pytest.mark.parametrize("failure", FAILURES, ids=[failure.id for failure in FAILURES])
def test_an_entry_recognises_its_examples_and_no_near_miss(failure: Failure) -> None:
    context = context_of(failure)
    for example in failure.examples:
        diagnosis = explain(example, context).diagnosis
        assert diagnosis.failure == failure.id, (diagnosis.runners_up, diagnosis.unexplained)
    for near in failure.near:
        assert explain(near, context).diagnosis.failure != failure.id


def test_an_id_begins_with_its_engine() -> None:
    assert [failure.id for failure in FAILURES if not failure.id.startswith(failure.engine.split("-")[0])] == []


def test_every_sentence_is_one() -> None:
    sentences = [(failure.id, text) for failure in FAILURES for text in (failure.says, *failure.checks) if text]
    assert [pair for pair in sentences if not pair[1].endswith((".", ")")) or not pair[1][0].isprintable()] == []
    assert [failure.id for failure in FAILURES if not failure.checks] == []


def test_there_are_entries_of_every_class_that_is_one() -> None:
    assert {failure.failure_class for failure in FAILURES} == set(FailureClass)
