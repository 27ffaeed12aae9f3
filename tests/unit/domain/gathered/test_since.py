"""What the ledger knows since the last poll lies over what that poll saw."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from qlikops.domain.errors import QlikopsError
from qlikops.domain.fleet.task import TaskKey, TaskState
from qlikops.domain.gathered.since import read_fleet
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import Outcome, ProposalRecord, Status, TaskOutcome
from qlikops.domain.runs.run import Progress, RunProposal
from qlikops.domain.workflow.execution import ExecutionDetail
from tests.unit.presentation import samples
from tests.unit.tui.fakes import FakeEnvironment

KEY = TaskKey("default", "replicate-eu-1", "sales-orders")


def environment(approval: ProposalRecord) -> FakeEnvironment:
    found = FakeEnvironment.waiting_for(approval)
    tasks = (
        replace(task, proposal_id=approval.approval_id if task.facts.key == KEY else "")
        for task in samples.fleet().tasks
    )
    found.snapshot = replace(samples.fleet(), tasks=tuple(tasks))
    return found


def ended(status: Status, after: str) -> ProposalRecord:
    outcome = Outcome(status, targets=(TaskOutcome(KEY, status, after=after),), at=samples.NOW)
    return replace(samples.approval(), status=status, outcome=outcome)


def seen(found: FakeEnvironment) -> tuple[TaskState, str, str, int]:
    snapshot = read_fleet(cast("ContextServices", found)).snapshot
    (task,) = [each for each in snapshot.tasks if each.facts.key == KEY]
    return task.facts.state, task.proposal_id, task.note, len(task.anomalies)


@pytest.mark.parametrize(
    ("status", "after", "state", "anomalies"),
    [
        (Status.RESTARTED, "RUNNING", TaskState.RUNNING, 0),
        (Status.ALREADY_RUNNING, "RUNNING", TaskState.RUNNING, 0),
        (Status.FAILED, "ERROR (FATAL_ERROR)", TaskState.ERROR, 1),
        (Status.UNVERIFIED, "", TaskState.ERROR, 1),
        (Status.DENIED, "", TaskState.ERROR, 1),
    ],
)
def test_what_has_ended_since_the_poll_is_no_longer_open(
    status: Status, after: str, state: TaskState, anomalies: int
) -> None:
    approval = ended(status, after)
    word = status.value.replace("_", " ")
    note = f"{word} at {samples.NOW:%H:%M:%S} UTC, after this poll (proposal {approval.approval_id})"
    assert seen(environment(approval)) == (state, "", note, anomalies)


def test_what_still_waits_or_is_under_way_stays_as_the_poll_saw_it() -> None:
    for approval in (samples.approval(), replace(samples.approval(), status=Status.RESTARTING)):
        assert seen(environment(approval)) == (TaskState.ERROR, approval.approval_id, "", 1)


def test_without_the_ledger_the_fleet_is_as_the_poll_saw_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = environment(ended(Status.RESTARTED, "RUNNING"))

    def refused() -> None:
        raise QlikopsError("no")

    monkeypatch.setattr(found, "waiting", refused)
    assert seen(found)[0] is TaskState.ERROR


def test_where_nothing_was_open_the_ledger_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = environment(samples.approval())
    found.snapshot = samples.fleet()
    monkeypatch.setattr(found, "waiting", lambda: pytest.fail("asked for the inbox"))
    fleet = read_fleet(cast("ContextServices", found))
    assert (fleet.snapshot is found.snapshot, fleet.deeds) == (True, {})


def test_what_was_decided_since_is_there_for_each_of_its_tasks_and_says_how_far_it_is() -> None:
    group = samples.proposal(tasks=("sales-orders", "billing"), cause="ORA")
    record = replace(samples.approval(group), status=Status.RESTARTING)
    found = environment(record)
    row = RunProposal(record.approval_id, "eu", "", "resume", record.status, samples.NOW, progress=Progress(1, 0, 2))
    run = samples.execution("run-0711")
    found.runs, found.details = [run], {"run-0711": ExecutionDetail(run, None, (row,))}
    deeds = read_fleet(cast("ContextServices", found)).deeds
    assert {key.task for key in deeds} == {"sales-orders", "billing"}
    assert {deed.progress for deed in deeds.values()} == {Progress(1, 0, 2)}
    alone = read_fleet(cast("ContextServices", environment(ended(Status.DENIED, "")))).deeds
    assert [(key, deed.status) for key, deed in alone.items()] == [(KEY, Status.DENIED)]
