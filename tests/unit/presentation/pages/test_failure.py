from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.agent.diagnosis.messages import diagnosis_of
from qlikops.domain.fleet.diagnosis import Diagnosis
from qlikops.presentation.pages.failure import happened
from qlikops.presentation.tone import plain
from tests.unit.agent.fleet import failed


def shown(diagnosis: Diagnosis | None) -> list[tuple[str, str]]:
    return [(each.label, plain(each.spans)) for each in happened(diagnosis)]


def test_a_known_failure_is_told_in_the_order_in_which_it_is_needed() -> None:
    known = diagnosis_of(failed(message="ORA-01017: invalid username/password; logon denied"))
    labels = [label for label, _ in shown(known) if label]
    assert labels == ["Means", "Look at", "Then", "Never", "Documented", "Failure"]
    assert dict(shown(known))["Look at"] == f"1. {known.checks[0]}"
    assert dict(shown(known))["Means"] == known.says


def test_what_is_only_probable_says_so_and_what_speaks_against_it() -> None:
    likely = dict(shown(diagnosis_of(failed(message="ORA-12541: TNS:no listener. The moon is full."))))
    assert likely["Means"].startswith("probably: ")
    assert "moon" in likely["Unexplained"]


@pytest.mark.parametrize("diagnosis", [None, Diagnosis(), diagnosis_of(failed(message="Nothing that is known"))])
def test_nothing_is_told_of_a_message_that_is_not_known(diagnosis: Diagnosis | None) -> None:
    assert shown(diagnosis) == []


def test_a_message_of_which_a_part_is_missing_says_so() -> None:
    known = diagnosis_of(failed(message="ORA-01017: invalid username/password; logon denied"))
    assert ("", "a part of the message is missing") in shown(replace(known, is_cut=True))
    assert ("", "a part of the message is missing") not in shown(known)


def test_what_no_page_documents_is_said_to_be_a_judgement() -> None:
    known = diagnosis_of(failed(message="ORA-01017: invalid username/password; logon denied"))
    assert dict(shown(replace(known, source="")))["Documented"] == "nowhere; judged by experience"
