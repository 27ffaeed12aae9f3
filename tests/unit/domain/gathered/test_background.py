"""What is read beside a proposal's record, and what is said of a part that cannot be read."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from qlikops.domain.errors import AccessDenied, NotFound, QlikopsError
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskState
from qlikops.domain.gathered.background import Background, read_background, read_latest
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import EarlierResults, HistoryLine, Status
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.runs.snapshot import FleetSnapshot, Sample, TaskProgress, TaskSnapshot
from tests.fakes import Clock, FakeApprovals, FakeEnvironment
from tests.unit.domain.samples import KEY, NOON, PROPOSAL, WAITING

LINE = HistoryLine(NOON, "0123456789ab", "STALLED", "resume", Status.RESTARTED)
TRACK = EarlierResults("rules", Verdict.APPROVE, 3, 2)
SAMPLES = (Sample(NOON, 3, 9),)
SEEN = TaskSnapshot(TaskFacts(KEY, TaskState.ERROR, StopReason.FATAL_ERROR), TaskProgress(samples=SAMPLES))
GROUP = replace(WAITING, proposal=replace(PROPOSAL, targets=PROPOSAL.targets * 2))


@pytest.fixture
def environment() -> FakeEnvironment:
    made = FakeEnvironment(FakeApprovals(Clock(NOON), lines=(LINE,), track=(TRACK,)))
    other = replace(SEEN, facts=replace(SEEN.facts, key=replace(KEY, task="other")), memory=TaskProgress())
    made.fleet.latest = FleetSnapshot(NOON, "run-2", (), (other, SEEN))
    return made


def read(environment: FakeEnvironment, approval: object = WAITING) -> Background:
    return read_background(cast("ContextServices", environment), approval)  # type: ignore[arg-type]


def failing(monkeypatch: pytest.MonkeyPatch, part: object, name: str, error: QlikopsError) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(part, name, fail)


def test_of_one_task_everything_is_read_and_the_samples_are_its_own(environment: FakeEnvironment) -> None:
    background = read(environment)
    assert (background.history, background.track, background.samples) == ((LINE,), (TRACK,), SAMPLES)
    assert background.latest is not None
    assert background.latest.tasks == ((PROPOSAL.targets[0], SEEN),)
    assert background.missing == ()


def test_a_group_has_no_history_and_no_samples(environment: FakeEnvironment) -> None:
    background = read(environment, GROUP)
    assert (background.history, background.track, background.samples) == ((), (TRACK,), ())
    assert background.latest is not None


@pytest.mark.parametrize(
    ("part", "name", "lost"),
    [("approvals", "history", "history"), ("approvals", "track_record", "track"), ("fleet", "snapshot", "latest")],
)
def test_a_part_that_cannot_be_read_costs_itself_alone_and_is_told_from_one_that_is_not_there(
    environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch, part: str, name: str, lost: str
) -> None:
    whole = read(environment)
    refused = AccessDenied("not allowed")
    for error, missing in ((refused, (refused,)), (NotFound("none yet"), ())):
        failing(monkeypatch, getattr(environment, part), name, error)
        background = read(environment)
        assert background.missing == missing
        assert not getattr(background, lost)
        for kept in {"history", "track", "latest"} - {lost}:
            assert getattr(background, kept) == getattr(whole, kept)


@pytest.mark.parametrize("error", [None, NotFound("none yet"), AccessDenied("not allowed")])
def test_the_last_poll_alone_is_there_or_not(
    environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch, error: QlikopsError | None
) -> None:
    if error is not None:
        failing(monkeypatch, environment.fleet, "snapshot", error)
    latest = read_latest(cast("ContextServices", environment), PROPOSAL)
    assert (latest is None) is (error is not None)
