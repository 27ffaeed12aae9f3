"""The entries themselves: each is well formed, recognises its examples and leaves its near misses alone."""

from __future__ import annotations

import json
import re
import time

import pytest

from qlikops.agent.diagnosis.check import context_of
from qlikops.agent.diagnosis.entry import Failure, InvalidEntries, read_entries
from qlikops.agent.diagnosis.library import ENTRIES, Library, built_in, index_of, read_files
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


GOOD = """
engine = "oracle"

[[failure]]
id = "oracle-x"
native = ["ORA:00060"]
class = "retry_now"
says = "Something."
check = ["Nothing."]
then = "resume"
judgement = true
checked = 2026-11-27
examples = ["ORA-00060"]
"""


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ('engine = "oracle"', "", 1, "engine"),
        ('class = "retry_now"', 'class = "soon"', 7, "class: is one of position_lost"),
        ('class = "retry_now"', "", 4, "class: is missing"),
        ('native = ["ORA:00060"]', 'native = ["60"]', 6, "NAMESPACE:VALUE"),
        ('native = ["ORA:00060"]', 'native = "ORA:00060"', 6, "list of texts"),
        ('native = ["ORA:00060"]', "", 4, "text: is missing, and so is native"),
        ('native = ["ORA:00060"]', "text = [\"'quoted alone'\"]", 6, "too short"),
        ('then = "resume"', 'than = "resume"', 10, "than: is no field"),
        ("judgement = true", "", 4, "source: is missing"),
        ("judgement = true", 'judgement = "yes"', 11, "true or false"),
        ("checked = 2026-11-27", 'checked = "today"', 12, "is a date"),
        ('class = "retry_now"', 'class = "access"\nautomatic = true', 8, "automatic: is for"),
    ],
)
def test_a_mistake_is_named_with_file_line_entry_and_field(before: str, after: str, line: int, words: str) -> None:
    assert before in GOOD
    with pytest.raises(InvalidEntries, match=re.escape(words)) as raised:
        read_entries(GOOD.replace(before, after), "mine.toml")
    assert str(raised.value).startswith(f"mine.toml:{line}:")


def test_what_is_no_toml_is_named_with_its_place() -> None:
    with pytest.raises(InvalidEntries, match=r"mine\.toml: .*line 3"):
        read_entries('engine = "x"\n\nclass = \n', "mine.toml")


def test_one_id_is_used_once() -> None:
    path = next(iter(sorted(ENTRIES.glob("*.toml"))))
    with pytest.raises(InvalidEntries, match="2 entries are called"):
        read_files([path, path])


def test_the_compiled_entries_say_the_same_and_load_quickly() -> None:
    index = index_of(built_in())
    written = json.dumps(index)
    began = time.process_time()
    library = Library(json.loads(written))
    took = time.process_time() - began
    assert len(library) == len(FAILURES)
    for failure in FAILURES[::7]:
        assert explain(failure.examples[0], context_of(failure), library).diagnosis.failure == failure.id
    # Of several hundred times less than TOML takes, on a machine that others use as well.
    assert took < 0.2


def test_there_are_entries_of_every_class_that_is_one() -> None:
    assert {failure.failure_class for failure in FAILURES} == set(FailureClass)
