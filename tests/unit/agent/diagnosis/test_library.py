"""All entries, and what their index leads to."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from qlikops.agent.diagnosis.check import context_of
from qlikops.agent.diagnosis.entry import InvalidEntries, read_entries
from qlikops.agent.diagnosis.library import (
    ENTRIES,
    Library,
    _built_in_index,
    built_in,
    compiled,
    index_of,
    library,
    read_files,
)
from qlikops.agent.diagnosis.ranking import explain
from tests.growth import seconds


def test_one_id_is_used_once() -> None:
    path = next(iter(sorted(ENTRIES.glob("*.toml"))))
    with pytest.raises(InvalidEntries, match="2 entries are called"):
        read_files([path, path])


def test_the_compiled_entries_say_the_same_and_load_quickly() -> None:
    index = index_of(built_in())
    written = json.dumps(index)
    library = Library(json.loads(written))
    failures = [failure for entries in built_in() for failure in entries.failures]
    assert len(library) == len(failures)
    for failure in failures[::7]:
        assert explain(failure.examples[0], context_of(failure), library).diagnosis.failure == failure.id
    files = [path.read_bytes() for path in ENTRIES.glob("*.toml")]
    assert seconds(lambda: Library(json.loads(written))) < 0.1 * seconds(
        lambda: [tomllib.loads(file.decode()) for file in files]
    )


MINE = """
engine = "oracle"

[[failure]]
id = "oracle-x"
native = ["ORA:99001", "ORA:LONG_NAME_OF_A_CODE"]
text = ["the moon is full", "月が満ちた"]
class = "retry_now"
says = "Something."
then = "resume"
judgement = true
checked = 2026-11-27
examples = ["ORA-99001"]

[[failure]]
id = "oracle-family"
native = ["ORA:98*"]
class = "retry_now"
says = "Something."
then = "resume"
judgement = true
fallback = true
checked = 2026-11-27
examples = ["ORA-98001"]

[[tail]]
about = "a place"
text = ["at the end"]
native = ["ORA:06512"]
"""


@pytest.fixture(scope="module")
def mine() -> Library:
    # As in Lambda: what JSON makes of it.
    return Library(json.loads(json.dumps(index_of([read_entries(MINE, "mine.toml")]))))


def ids(library: Library, numbers: Iterable[int]) -> list[str]:
    return [library.failure(number).id for number in numbers]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("ORA:99001", ["oracle-x"]),
        ("ORA:98765", ["oracle-family"]),
        ("ORA:6512", []),
        ("ORA:97", []),
        ("MYSQL:99001", []),
    ],
)
def test_a_code_leads_to_its_failure_or_to_that_of_its_family(mine: Library, code: str, found: list[str]) -> None:
    assert ids(mine, mine.by_code(code)) == found


def test_a_number_leads_to_the_engines_whose_it_may_be(mine: Library) -> None:
    assert [(engine, mine.failure(number).id) for engine, number in mine.by_number("99001")] == [("oracle", "oracle-x")]
    assert [(engine, mine.failure(number).id) for engine, number in mine.by_number("98765")] == [
        ("oracle", "oracle-family")
    ]
    assert list(mine.by_number("1")) == []


def test_a_tail_says_nothing_where_its_engine_speaks(mine: Library) -> None:
    assert mine.is_tail("ORA:6512", frozenset({"oracle"}))
    assert not mine.is_tail("ORA:6512", frozenset({"mysql"}))
    assert not mine.is_tail("ORA:99001", frozenset({"oracle"}))


@pytest.mark.parametrize("said", ["tonight the moon is full again", "昨夜は月が満ちた"])
def test_a_phrase_is_found_by_a_word_or_without_one(mine: Library, said: str) -> None:
    ((number, (start, end)),) = mine.by_phrase(said, frozenset(said.split()))
    assert mine.failure(number).id == "oracle-x"
    assert said[start:end] in ("the moon is full", "月が満ちた")


def test_names_of_codes_and_tails_are_found_with_their_places(mine: Library) -> None:
    said = "failed with LONG_NAME_OF_A_CODE at the end"
    words = frozenset(said.lower().split())
    (((start, end), _),) = mine.by_name(said, words)
    assert said[start:end] == "LONG_NAME_OF_A_CODE"
    assert [said[start:end] for start, end in mine.tails_in(said, words)] == ["at the end"]


def test_a_failure_is_found_by_its_id_or_not_at_all(mine: Library) -> None:
    found = mine.named("oracle-x")
    assert found is not None
    assert found.says == "Something."
    assert mine.named("oracle-y") is None
    assert len(mine) == 2


def test_the_mistakes_of_several_files_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("engine = 7")
    (tmp_path / "b.toml").write_bytes(b"\xff")
    with pytest.raises(InvalidEntries) as caught:
        read_files([tmp_path / "a.toml", tmp_path / "b.toml", tmp_path / "c.toml"])
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["a.toml", "b.toml", "c.toml"]


def test_the_bundles_json_is_that_of_the_entries() -> None:
    assert json.loads(compiled())["texts"] == index_of(built_in())["texts"]
    assert len(library()) == len(json.loads(compiled())["failures"])


def test_in_the_bundle_the_json_takes_the_place_of_the_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "entries.json"
    bundle.write_text(json.dumps(index_of([read_entries(MINE, "mine.toml")])), encoding="utf-8")
    monkeypatch.setattr("qlikops.agent.diagnosis.library.COMPILED", bundle)
    assert len(Library(_built_in_index.__wrapped__())) == 2
