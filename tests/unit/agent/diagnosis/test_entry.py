"""A file of entries: read as it is written, or every mistake in it named by its place."""

from __future__ import annotations

import re

import pytest

from qlikops.agent.diagnosis.entry import InvalidEntries, read_entries

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


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('id = "oracle-x"', 'id = "Oracle X"', "id: has small letters"),
        ('id = "oracle-x"', "", "an entry without an id: id: is missing"),
        ("judgement = true", 'judgement = true\nneeds = "both"', "needs: wants both"),
        ('native = ["ORA:00060"]', 'native = ["ORA:00*"]', "native: has a family of codes"),
        ("judgement = true", "judgement = true\nautomatic = true\nfallback = true", "is not for a fallback"),
        ('engine = "oracle"', 'engine = "oracle"\nauthor = "me"', "author: is no field of a file"),
        ("[[failure]]", "[failure]", "failure: is written as [[failure]]"),
        ("[[failure]]", '[[tail]]\nabout = "x"\nshape = "y"\n[[failure]]', "tail: shape: is no field of a tail"),
        ("[[failure]]", '[[tail]]\ntext = "x"\n[[failure]]', "tail: text: is a list of texts"),
        ("[[failure]]", '[[tail]]\nnative = ["7"]\n[[failure]]', "tail: native: “7” is not NAMESPACE:VALUE"),
    ],
)
def test_what_contradicts_itself_or_is_at_the_wrong_place_is_named(before: str, after: str, words: str) -> None:
    with pytest.raises(InvalidEntries, match=re.escape(words)):
        read_entries(GOOD.replace(before, after), "mine.toml")


def test_every_mistake_of_a_file_is_named_at_once() -> None:
    wrong = GOOD.replace('then = "resume"', 'then = "dance"').replace('class = "retry_now"', 'class = "soon"')
    with pytest.raises(InvalidEntries) as caught:
        read_entries(wrong, "mine.toml")
    assert [line.split(": ")[2] for line in str(caught.value).splitlines()] == ["class", "then"]


def test_an_entry_is_read_with_its_codes_in_one_spelling_and_its_texts_on_one_line() -> None:
    text = GOOD.replace('says = "Something."', 'says = """Something\n  happened."""')
    tail = '[[tail]]\nabout = "headers"\ntext = ["line <n>"]\nnative = ["ORA:06512"]\n'
    entries = read_entries(text + tail, "mine.toml")
    (failure,) = entries.failures
    assert (failure.id, failure.engine, failure.native, failure.says) == (
        "oracle-x",
        "oracle",
        ("ORA:60",),
        "Something happened.",
    )
    assert (failure.automatic, failure.checked) == (False, "2026-11-27")
    assert [(tail.native, len(tail.phrases)) for tail in entries.tails] == [(("ORA:6512",), 1)]


def test_what_an_entry_lacks_is_not_looked_for_in_the_next_one() -> None:
    first, second = GOOD.replace('class = "retry_now"\n', ""), GOOD.partition("[[failure]]")[2]
    with pytest.raises(InvalidEntries) as caught:
        read_entries(f"{first}\n[[failure]]{second}", "mine.toml")
    assert str(caught.value) == "mine.toml:4: oracle-x: class: is missing"
