"""Entries that somebody wrote: whether they recognise their examples, beside all the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.agent.diagnosis.check import context_of, problems, shadowed
from qlikops.agent.diagnosis.entry import Entries, read_entries
from tests.unit.agent.diagnosis.test_entry import GOOD

MINE = read_entries(GOOD, "mine.toml")
(ENTRY,) = MINE.failures
OTHER = replace(ENTRY, id="oracle-other", native=("ORA:1",), examples=("ORA-00001: unique constraint violated",))


def changed(**changes: object) -> Entries:
    return replace(MINE, failures=(replace(ENTRY, **changes),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (MINE, []),
        (changed(examples=("ORA-00060", "nothing of the kind")), ["oracle-x: example 2 is recognised as nothing."]),
        (changed(examples=("ORA-00001",)), ["oracle-x: example 1 is recognised as oracle-other."]),
        (
            changed(examples=("ORA-00060: dead…",), native=("ORA:61",)),
            ["oracle-x: example 1 is recognised as nothing; the example is cut."],
        ),
        (changed(near=("ORA-00060 again", "ORA-00061")), ["oracle-x: near miss 1 is recognised as this failure."]),
    ],
)
def test_what_is_wrong_with_an_entry_is_a_sentence_each(written: Entries, said: list[str]) -> None:
    assert problems(written, [Entries("oracle", (OTHER,))]) == said


def test_an_entry_of_ones_own_replaces_a_built_in_one_of_its_id() -> None:
    others = [Entries("oracle", (OTHER, replace(ENTRY, native=("ORA:2",))))]
    assert shadowed(MINE, others) == ["oracle-x"]
    assert shadowed(MINE, []) == []
    assert problems(MINE, others) == []


def test_what_happens_everywhere_is_tried_on_an_endpoint_that_nobody_names() -> None:
    assert context_of(ENTRY).engines == {"oracle"}
    assert context_of(replace(ENTRY, engine="network")).engines == frozenset()
