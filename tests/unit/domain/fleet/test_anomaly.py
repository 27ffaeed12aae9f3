"""Each step of CONTRIBUTING, "To add a kind of anomaly", for every kind: what is forgotten fails by the kind's name."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Collection, Mapping

import pytest

from qlikops.agent.config import Thresholds
from qlikops.agent.look.detectors import DETECTORS, SERVER_DETECTORS
from qlikops.domain.fleet.anomaly import ACTIONS, KINDS, AnomalyKind, Severity
from tests.documents import DOCS
from tests.scenarios.library import STORIES, build_scenario

THRESHOLDS = {spec.name for spec in dataclasses.fields(Thresholds)}
FINDING = DOCS.parent / "tests" / "unit" / "agent" / "look" / "test_detection.py"
PRODUCT = DOCS.parent / "qlikops"
NAMED: Mapping[str, Collection[str]] = {
    "agent/look/detectors.py": AnomalyKind.__members__,
    "agent/evaluate/rules.py": [kind.name for kind in ACTIONS],
    "agent/look/wording.py": ["FATAL_TRANSIENT"],
    "agent/look/detection.py": ["USER_STOPPED", "STOPPED_IN_PLAN"],
    "agent/decide/policy.py": ["LEFT_STOPPED"],
    "agent/propose/judgement.py": ["LEFT_STOPPED", "STOPPED_IN_PLAN"],
    "deployment/doctor.py": ["SERVER_STATE_OLD"],
}
"""The modules that name kinds: for their detectors and opinions, and for what is true of no other, whatever comes."""
OF_NO_KIND = {"poll_spacing_seconds"}
OF_NO_FLEET = {AnomalyKind.NOT_READ, AnomalyKind.LEFT_STOPPED, AnomalyKind.STOPPED_IN_PLAN}
"""These take an end of the time, a restart, and planned work: none is a fleet's story."""
every_kind = pytest.mark.parametrize("kind", AnomalyKind)


@every_kind
def test_it_has_an_entry_with_words_for_people(kind: AnomalyKind) -> None:
    assert kind in KINDS, "its entry in KINDS of qlikops/domain/fleet/anomaly.py"
    traits = KINDS[kind]
    assert len(traits.headline) <= 40, "a few words for a list"
    for sentences in (traits.meaning, traits.look_first):
        assert sentences.endswith((".", "?")), f"full sentences: {sentences}"
    for words in (traits.headline, traits.why):
        assert words, "headline and why"
    is_clause = not traits.why.endswith(".")
    assert is_clause is (traits.action is None), "why it is proposed in full sentences, why it is not in a clause"
    assert not traits.headline.endswith("."), "no full stop in a headline"


@every_kind
def test_its_thresholds_exist(kind: AnomalyKind) -> None:
    named = {key for key in (*KINDS[kind].limits, KINDS[kind].polls) if key}
    assert named <= THRESHOLDS, "fields of Thresholds in qlikops/agent/config.py"


@pytest.mark.parametrize("key", sorted(THRESHOLDS - OF_NO_KIND))
def test_a_threshold_belongs_to_a_kind(key: str) -> None:
    assert any(key in (*traits.limits, traits.polls) for traits in KINDS.values()), "limits or polls of a kind"


@every_kind
def test_it_has_one_detector(kind: AnomalyKind) -> None:
    assert (kind in SERVER_DETECTORS) is KINDS[kind].of_server, "SERVER_DETECTORS of agent/look, of_server in its entry"
    assert (kind in DETECTORS) is not KINDS[kind].of_server, "its line in DETECTORS of agent/look/detectors.py"


@every_kind
def test_a_test_of_detection_finds_it(kind: AnomalyKind) -> None:
    tests = FINDING.read_text()
    assert f"AnomalyKind.{kind.name}" in tests, "a case of tests/unit/agent/look/test_detection.py"


@every_kind
def test_a_scenario_shows_it(kind: AnomalyKind) -> None:
    assert kind in found_in_scenarios() or kind in OF_NO_FLEET, "a scenario of tests/scenarios expects it"


@functools.cache
def found_in_scenarios() -> frozenset[AnomalyKind]:
    """The kinds that a scenario of the simulated fleet comes to."""
    stories = [build_scenario(name, 1) for name in STORIES]
    return frozenset(kind for story in stories for kinds in story.expected.found.values() for kind in kinds)


def test_modules_ask_what_is_true_of_a_kind_and_not_which_it_is() -> None:
    modules = {str(path.relative_to(PRODUCT)): path.read_text() for path in PRODUCT.rglob("*.py")}
    named = {name: {*re.findall(r"AnomalyKind\.([A-Z][A-Z_]+)", text)} for name, text in modules.items()}
    more = {name: kinds - {*NAMED.get(name, ())} for name, kinds in named.items() if name != "domain/fleet/anomaly.py"}
    assert {name: kinds for name, kinds in more.items() if kinds} == {}, "make it a field of Traits, for the next kind"


@every_kind
def test_the_page_says_what_it_means(kind: AnomalyKind) -> None:
    page = (DOCS / "reference" / "anomalies.md").read_text()
    assert f"| {kind} | {KINDS[kind].meaning} | {KINDS[kind].look_first} |" in page, "make docs"


@every_kind
def test_nothing_is_done_to_a_server_or_without_a_person_by_default(kind: AnomalyKind) -> None:
    assert not (KINDS[kind].of_server and KINDS[kind].action)
    assert KINDS[kind].is_automatic is (kind is AnomalyKind.FATAL_TRANSIENT)


def test_the_worst_kinds_come_first() -> None:
    ranks = [traits.severity.rank for traits in KINDS.values() if not traits.of_server]
    assert ranks == sorted(ranks, reverse=True)
    assert AnomalyKind.POSITION_LOST.place == 0


def test_a_kind_of_a_newer_version_is_told_and_nothing_is_proposed_on_it() -> None:
    newer = AnomalyKind.read("DISK_ON_FIRE")
    assert newer.traits.headline == "disk on fire"
    assert newer.traits.action is None
    assert newer.traits.why
    assert not newer.traits.is_automatic


def test_a_severity_that_is_not_known_ranks_above_all() -> None:
    ranks = [severity.rank for severity in (*Severity, Severity.read("apocalyptic"))]
    assert ranks == sorted(set(ranks))
    assert Severity.rank_of("") == ranks[-1]
