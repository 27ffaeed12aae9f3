"""Phrases with holes."""

from __future__ import annotations

import pytest

from qlikops.agent.diagnosis.parser import parse
from qlikops.agent.diagnosis.phrases import Phrase


def found(phrase: str, text: str) -> bool:
    return next(Phrase.of(phrase).find(parse(text).folded), None) is not None


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("deadlock detected", "ERROR:  Deadlock\n detected while"),
        ("replication slot <name> does not exist", 'replication slot "qlik" does not exist'),
        ('replication slot "<name>" does not exist', "replication slot 'qlik' does not exist"),
        (
            "requested WAL segment <name> has already been removed",
            "requested WAL segment 0001 has already been removed",
        ),
        ("after <n> attempts", "stopped after 7 attempts"),
        ("pid <n>", "is active for PID 4711"),
        ("cdc.fn_cdc_get<any>", "function cdc.fn_cdc_get_all_changes_x"),
        ("既存の接続は", "TCP Provider: 既存の接続はリモート"),
    ],
)
def test_a_phrase_is_found_whatever_fills_its_holes(phrase: str, text: str) -> None:
    assert found(phrase, text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("deadlock detected", "the row 'deadlock detected' was refused"),
        ("broken pipe", "broken pipes"),
        ("after <n> attempts", "stopped after many attempts"),
        ("requested WAL segment <name> already removed", f"requested WAL segment {'x' * 200} already removed"),
        ("to host <host> failed", "to host number one failed"),
    ],
)
def test_a_phrase_is_not_found_in_quotes_in_longer_words_or_across_a_sentence(phrase: str, text: str) -> None:
    assert not found(phrase, text)


def test_a_hole_in_front_has_nothing_to_hold_on_to() -> None:
    assert list(Phrase.of("<n> rows lost").find("7 rows lost")) == [(1, 11)]


def test_the_same_letters_within_a_longer_word_are_another_word() -> None:
    assert not found("deadlock detected", "xdeadlock detected")
    assert not found("deadlock detected", "deadlock detectedly")
