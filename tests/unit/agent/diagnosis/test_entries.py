"""The entries themselves: each is well formed, recognises its examples and leaves its near misses alone."""

from __future__ import annotations

import datetime
from urllib.parse import urlsplit

from qlikops.agent.diagnosis.check import context_of
from qlikops.agent.diagnosis.entry import Failure, read_toml
from qlikops.agent.diagnosis.library import ENTRIES, built_in
from qlikops.agent.diagnosis.ranking import explain
from qlikops.domain.fleet.diagnosis import FailureClass
from tests.cases import for_all

FAILURES = [failure for entries in built_in() for failure in entries.failures]


@for_all(FAILURES, named=lambda failure: failure.id)
def test_an_entry_recognises_its_examples_and_no_near_miss(failure: Failure) -> None:
    context = context_of(failure)
    for example in failure.examples:
        diagnosis = explain(example, context).diagnosis
        assert diagnosis.failure == failure.id, (diagnosis.runners_up, diagnosis.unexplained)
    for near in failure.near:
        assert explain(near, context).diagnosis.failure != failure.id


def test_an_id_begins_with_its_engine() -> None:
    assert [failure.id for failure in FAILURES if not failure.id.startswith(failure.engine.split("-")[0])] == []


def test_each_names_its_page_or_says_that_it_is_a_judgement_and_when_that_was_read() -> None:
    written = [raw for file in sorted(ENTRIES.glob("*.toml")) for raw in read_toml(file.read_text(), "")["failure"]]
    assert len(written) == len(FAILURES)
    assert [raw["id"] for raw in written if ("source" in raw) == raw.get("judgement", False)] == []
    pages = {raw["id"]: urlsplit(raw["source"]) for raw in written if "source" in raw}
    assert [name for name, page in pages.items() if page.scheme != "https" or "." not in page.netloc] == []
    # What somebody once met proves nothing if the vendor's page is not named.
    forums = ("stackoverflow", "stackexchange", "reddit", "medium.com", "blogs")
    assert [name for name, page in pages.items() if any(forum in page.geturl() for forum in forums)] == []
    assert {type(raw["checked"]) for raw in written} == {datetime.date}


def test_every_sentence_is_one() -> None:
    sentences = [(failure.id, text) for failure in FAILURES for text in (failure.says, *failure.checks) if text]
    assert [pair for pair in sentences if not pair[1].endswith((".", ")")) or not pair[1][0].isprintable()] == []
    assert [failure.id for failure in FAILURES if not failure.checks] == []


def test_there_are_entries_of_every_class_that_is_one() -> None:
    assert {failure.failure_class for failure in FAILURES} == set(FailureClass)
