"""What is offered follows from what is known of the failure."""

from __future__ import annotations

import pytest

from qlikops.agent.propose.options import options_of
from qlikops.domain.fleet.anomaly import ACTIONS, AnomalyKind
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.fleet.task import Action
from tests.cases import for_all

CHECKS = ("Free the disk.", "Find out what filled it.")


def of_class(failure: FailureClass, certainty: Certainty = Certainty.KNOWN) -> Diagnosis:
    return Diagnosis("an-entry", "oracle", failure, certainty, "It broke.", CHECKS)


@pytest.mark.parametrize(
    ("kind", "failure", "words", "checks"),
    [
        (AnomalyKind.FATAL_UNKNOWN, FailureClass.FIX_FIRST, "correct the cause, then resume", CHECKS),
        (AnomalyKind.FATAL_UNKNOWN, FailureClass.ACCESS, "correct the cause, then resume", CHECKS),
        (AnomalyKind.FATAL_UNKNOWN, FailureClass.TABLES, "look at the suspended tables, then resume the task", CHECKS),
        (AnomalyKind.FATAL_UNKNOWN, FailureClass.DEFECT, "resume from where it stopped", CHECKS),
        (AnomalyKind.FATAL_UNKNOWN, FailureClass.UNKNOWN, "resume from where it stopped", ()),
        (AnomalyKind.FATAL_TRANSIENT, FailureClass.TRANSIENT, "resume from where it stopped", ()),
        (AnomalyKind.FATAL_TRANSIENT, FailureClass.RETRY_NOW, "resume from where it stopped", ()),
        (AnomalyKind.POSITION_LOST, FailureClass.POSITION_LOST, "restore the log, then resume", CHECKS),
        (AnomalyKind.STALLED, FailureClass.UNKNOWN, "stop, then resume from where it stopped", ()),
    ],
)
def test_the_recommended_one_says_what_comes_first(
    kind: AnomalyKind, failure: FailureClass, words: str, checks: tuple[str, ...]
) -> None:
    first = options_of(kind, of_class(failure))[0]
    assert (first.words, first.checks) == (words, checks)


def test_a_server_that_lacks_something_is_seen_to_first() -> None:
    (only,) = options_of(AnomalyKind.RESOURCE_STOP, None)
    assert only.checks == ("Free memory or disk space first.",)


@for_all(ACTIONS, FailureClass, Certainty)
def test_an_approval_that_names_no_option_loses_nothing(
    kind: AnomalyKind, failure: FailureClass, certainty: Certainty
) -> None:
    first, *others = options_of(kind, of_class(failure, certainty))
    assert first.action is not Action.RELOAD
    assert not first.loses
    assert len({first.name, *(other.name for other in others)}) == 1 + len(others)
    assert all(other.loses for other in others if other.action is Action.RELOAD)


@pytest.mark.parametrize("kind", ACTIONS)
def test_a_reload_is_offered_only_where_the_log_is_certain_to_be_gone(kind: AnomalyKind) -> None:
    offered = {option.action for failure in FailureClass for option in options_of(kind, of_class(failure))}
    assert (Action.RELOAD in offered) is (kind is AnomalyKind.POSITION_LOST)
