"""One proposal of a shift."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.domain.gathered.shift import Shift
from qlikops.domain.gathered.shift_entry import ME, entry_of, fits, is_followed
from qlikops.domain.proposals.approval import Status, TaskOutcome
from qlikops.domain.proposals.lasting import Aftermath
from tests.fakes import CALLER
from tests.unit.domain.gathered.test_decisions import FELL, ended
from tests.unit.domain.gathered.test_shift import shift
from tests.unit.domain.samples import KEY, NOON, WAITING

__all__ = ["shift"]


@pytest.mark.parametrize(
    ("by", "task", "failure", "found"),
    [
        ("", "", "", 3),
        ("bob", "", "", 1),
        ("BO", "", "", 1),
        (ME, "", "", 1),
        ("", KEY.task, "", 3),
        ("", "nothing", "", 0),
    ],
)
def test_it_is_narrowed(shift: Shift, by: str, task: str, failure: str, found: int) -> None:
    fitting = [each for each in shift.entries if fits(each, by=by, task=task, failure=failure, caller=CALLER)]
    assert len(fitting) == found


def test_a_failure_by_its_beginning(shift: Shift) -> None:
    entry = replace(shift.entries[0], failure="oracle-missing-logfile")
    narrowed = [fits(entry, by="", task="", failure=each, caller="") for each in ("oracle", "ORACLE-M", "logfile")]
    assert narrowed == [True, True, False]


def test_what_waits_says_until_when_and_what_ended_does_not() -> None:
    waits, denied = entry_of(WAITING), entry_of(ended("a", Status.DENIED))
    assert (waits.at, waits.deadline, denied.deadline) == (NOON, WAITING.deadline, None)
    assert (waits.key, waits.execution_name) == (KEY, "run-1")
    (target,) = WAITING.proposal.targets
    several = replace(WAITING.proposal, targets=(target, replace(target, key=replace(KEY, task="other"))), cause="x")
    assert entry_of(replace(WAITING, proposal=several)).key is None


def test_a_restart_that_came_up_is_followed_until_it_is_known_whether_it_lasted() -> None:
    up = ended("a", Status.RESTARTED)
    assert up.outcome
    assert not is_followed(up)  # no task of it came up
    up = replace(up, outcome=replace(up.outcome, targets=(TaskOutcome(KEY, Status.RESTARTED),)))
    assert is_followed(up)
    assert is_followed(replace(up, lasting=Aftermath(1, up_seconds=900)))
    assert not is_followed(replace(up, lasting=FELL))
    assert not is_followed(WAITING)


def test_of_two_the_newer_counts_and_of_one_proposal_the_ledger_unless_it_has_ended_since() -> None:
    going, over = entry_of(ended("a", Status.RESTARTING)), entry_of(ended("a", Status.RESTARTED))
    assert over.is_newer_than(going)
    assert not going.is_newer_than(over)
    assert not going.is_newer_than(going)
    other = entry_of(ended("b", Status.DENIED, hours=1))
    assert other.is_newer_than(over)
    assert not over.is_newer_than(other)


def test_whether_it_fell_over() -> None:
    restarted = entry_of(ended("a", Status.RESTARTED, FELL))
    assert restarted.fell_over
    assert not replace(restarted, lasting=Aftermath(1)).fell_over
    assert not replace(restarted, lasting=None).fell_over
