"""A team's own entries beside the built-in ones: in their place, stricter at will, looser only where that is set."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlikops.agent.diagnosis import library as rooms
from qlikops.agent.diagnosis.check import context_of, problems, taken_over
from qlikops.agent.diagnosis.entry import Entries, Failure, InvalidEntries
from qlikops.agent.diagnosis.library import Library, built_in, compiled, index_of, library, using, with_own, without_own
from qlikops.agent.diagnosis.messages import MessageClass, classify, diagnosis_of, judge
from qlikops.agent.diagnosis.own_failures import Kept, LibraryChanges
from qlikops.agent.diagnosis.ranking import MessageContext, explain
from qlikops.domain.fleet.diagnosis import FailureClass
from tests.unit.agent.fleet import failed

LISTENER = "ORA-12541: TNS:no listener"
ORACLE = MessageContext.of("Oracle", "Snowflake")
BATCH = "ORA-20001: table SALES is held by the night batch"


def written(*entries: dict[str, Any], engine: str = "oracle") -> Kept:
    """Entries as a file has them; what a test does not say is filled in."""
    lines = [f'engine = "{engine}"']
    for entry in entries:
        says = {"class": "fix_first", "says": "It is so.", "then": "resume", "judgement": True, **entry}
        lines += ["[[failure]]", "checked = 2026-11-27"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in says.items()]
    return Kept.written("\n".join(lines), "mine.toml")[0]


def own(*entries: dict[str, Any], automatic: bool = False) -> Library:
    return with_own(written(*entries).failures, may_be_automatic=automatic)


NIGHT = {"id": "oracle-night-batch", "text": ["held by the night batch"], "examples": [BATCH]}
SHADOW = {"id": "oracle-listener", "native": ["ORA:12541"], "examples": [LISTENER]}
MAINTENANCE = {
    "id": "oracle-gatekeeper",
    "text": ["the gatekeeper sent us away"],
    "class": "transient",
    "automatic": True,
    "examples": ["ORA-12541: the gatekeeper sent us away"],
}


def listener() -> Failure:
    """The built-in entry for a listener that is away."""
    found = library().named(explain(LISTENER, ORACLE).diagnosis.failure)
    assert found is not None
    assert found.automatic
    return found


def test_beside_an_entry_of_ones_own_every_built_in_one_still_knows_its_examples() -> None:
    index = json.loads(compiled())
    joined = Library(rooms._joined(index, index_of([Entries("", written(NIGHT).failures)])))
    assert len(joined) == len(library()) + 1
    for failure in (failure for entries in built_in() for failure in entries.failures):
        assert explain(failure.examples[0], context_of(failure), joined).diagnosis.failure == failure.id
    assert explain(BATCH, ORACLE, joined).diagnosis.failure == "oracle-night-batch"


def test_one_with_a_built_in_id_takes_its_place() -> None:
    shadow = {**SHADOW, "id": listener().id, "says": "The DBA is at it."}
    with using(own(shadow)):
        found = explain(LISTENER, ORACLE).diagnosis
        assert (found.failure, found.says) == (shadow["id"], "The DBA is at it.")
        assert found.failure_class is FailureClass.FIX_FIRST
        assert len(library()) == len(with_own((), may_be_automatic=False))
        assert classify(LISTENER).message_class is MessageClass.UNMATCHED
    assert classify(LISTENER).message_class is MessageClass.CONNECTIVITY


@pytest.mark.parametrize("automatic", [False, True])
def test_stricter_always_and_looser_only_by_the_setting(automatic: bool) -> None:
    away = "ORA-12541: the gatekeeper sent us away"
    assert not explain(away, ORACLE).diagnosis.automatic
    # Said by the side of what the built-in entries know, it would let them pass as well.
    beside = f"{LISTENER} (the gatekeeper sent us away)"
    assert not explain(beside, ORACLE).diagnosis.automatic
    assert explain(LISTENER, ORACLE).diagnosis.automatic

    loose = own(MAINTENANCE, automatic=automatic)

    assert explain(away, ORACLE, loose).diagnosis.automatic == automatic
    assert explain(beside, ORACLE, loose).diagnosis.automatic == automatic
    assert explain(LISTENER, ORACLE, loose).diagnosis.automatic
    strict = own({**SHADOW, "id": "oracle-our-listener"}, automatic=automatic)
    assert not explain(LISTENER, ORACLE, strict).diagnosis.automatic


def test_where_they_cannot_be_read_nothing_is_automatic_and_its_kind_stays() -> None:
    facts = failed(message=LISTENER)
    assert diagnosis_of(facts).automatic
    with using(without_own()):
        assert not diagnosis_of(facts).automatic
        assert judge(facts).message_class is MessageClass.CONNECTIVITY


def test_what_is_kept_is_what_was_written() -> None:
    kept = written(NIGHT, SHADOW)
    assert Kept.of(kept.document(), "there") == kept
    assert Kept.of("", "there") == Kept()
    later = kept.without(["oracle-listener"]).with_(written({**NIGHT, "says": "Otherwise."}, MAINTENANCE))
    assert kept.changes_to(later) == LibraryChanges(
        ("oracle-gatekeeper",), ("oracle-night-batch",), ("oracle-listener",)
    )
    assert not kept.changes_to(kept.with_(written(SHADOW)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "is no JSON"),
        ("[]", "version"),
        ('{"version": 2, "failures": []}', "version: is 2, this qlikops reads 1"),
        ('{"version": 1, "failures": {}}', "no list"),
        ('{"version": 1, "failures": [7]}', "no list"),
        ('{"version": 1, "failures": [{"id": "oracle-x"}]}', "class: is missing"),
        ('{"version": 1, "failures": [{"id": 7, "checked": "soon", "native": "ORA:1"}]}', "id: is a text"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_document_of_ours_is_named(text: str, said: str) -> None:
    with pytest.raises(InvalidEntries, match=said):
        Kept.of(text, "there")


values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted({*NIGHT, "class", "checked", "then", "engine", "native", "not"})), values)
def test_whatever_stands_in_a_document_it_is_read_or_named(field: str, value: Any) -> None:
    (raw,) = written(NIGHT).raws
    document = json.dumps({"version": 1, "failures": [{**raw, field: value}]})
    try:
        own = Kept.of(document, "there").failures
    except InvalidEntries:
        return
    explain(BATCH, ORACLE, with_own(own, may_be_automatic=True))


def test_a_file_with_a_tail_or_one_id_twice_is_refused() -> None:
    with pytest.raises(InvalidEntries, match=r"mine\.toml:3: tail: is for built-in entries alone"):
        Kept.written('engine = "oracle"\n\n[[tail]]\ntext = ["by the way"]\n', "mine.toml")
    with pytest.raises(InvalidEntries, match="several entries are called oracle-night-batch"):
        written(NIGHT, NIGHT)


def test_an_entry_that_says_too_little_is_found_out() -> None:
    broad = {"id": "oracle-broad", "text": ["listener"], "class": "access", "examples": ["ORA-20001: the listener"]}
    entries = Entries("oracle", written(broad).failures)
    assert problems(entries, built_in()) == []
    assert any(listener().id in sentence for sentence in taken_over(entries, built_in()))
    assert taken_over(Entries("oracle", written(NIGHT).failures), built_in()) == []
