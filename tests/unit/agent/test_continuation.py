"""A group that takes ExecuteRestart several invocations, in which each call that changes anything fails once: no task
is run twice, none is forgotten, and what is said of each is true.

Undisturbed, the story is told on the embedded AWS; a fault each, on the models that are held to it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import Outcome, Status
from qlikops.qlik.simulator.library import server, task
from qlikops.qlik.simulator.scenario import Scenario
from tests.embedded import EmbeddedAws
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import SERVER
from tests.unit.agent.faults import Call, Fault
from tests.unit.agent.story import INTRUDER, STRANGE, Story, Tell, faults_of, telling

GROUP = tuple(TaskKey("default", SERVER, f"task-{number:02}") for number in range(12))
FLEET = Scenario("group", (server(SERVER, [task(key.task) for key in (*GROUP, STRANGE)]),))
SECONDS = 26
"""Of an invocation; it starts so many tasks in that time that twelve take four: 1, 2, 4, 5."""


@pytest.fixture(scope="module")
def tell() -> Iterator[Tell]:
    with telling(ModelledAws, FLEET, GROUP, seconds=SECONDS, restarts_at_a_time=5) as tell:
        yield tell


@pytest.fixture(scope="module")
def tell_on_embedded_aws(embedded_aws: EmbeddedAws) -> Iterator[Tell]:
    with telling(lambda _: embedded_aws, FLEET, GROUP, seconds=SECONDS, restarts_at_a_time=5) as tell:
        yield tell


@pytest.fixture(scope="module")
def calls(tell: Tell) -> list[Call]:
    """What is disturbed of an undisturbed run."""
    story = tell()
    story.run()
    story.check("run-1")
    assert told(story) == dict.fromkeys(GROUP, Status.RESTARTED)
    assert len(story.invocations) == 4
    return [call for invocation in story.invocations for call in edges(invocation)]


@pytest.fixture(scope="module")
def intruded_calls(tell: Tell) -> list[Call]:
    """The same of the invocation behind which another proposal has taken a task."""
    story = tell()
    story.intruded_before = "CheckRestart"
    story.run()
    story.check("run-1")
    return edges(story.invocations[1])


def edges(invocation: list[Call]) -> list[Call]:
    """How an invocation begins (with its first task) and ends (with its last); the tasks in between are alike."""
    writes = [call for call in invocation if call.writes]
    return writes[:3] + writes[-2:]


def test_the_embedded_aws_gets_the_calls_that_the_models_get(tell_on_embedded_aws: Tell, tell: Tell) -> None:
    made = []
    for story in (tell_on_embedded_aws(), tell()):
        story.run()
        story.check("run-1")
        made.append([set(invocation) for invocation in story.invocations])
    assert made[0] == made[1]


def with_fault(calls: list[Call], fault: Fault) -> list[Call]:
    """Those for which this fault makes a difference."""
    return [call for call, one in faults_of(calls, "ExecuteRestart") if one is fault]


def outcome(story: Story) -> Outcome:
    (only,) = story.outcomes("run-1")
    return only


def told(story: Story) -> dict[TaskKey, Status]:
    """What is said of each task: of all of them, of none twice, and nothing that the fleet does not show."""
    targets = outcome(story).targets
    assert tuple(target.key for target in targets) == GROUP
    runs = story.runs()
    for target in targets:
        if target.status is not Status.UNVERIFIED:
            assert runs[target.key] == (target.status is Status.RESTARTED), target
    return {target.key: target.status for target in targets}


def check_retried(story: Story, call: Call, fault: Fault, but: dict[TaskKey, Status] | None = None) -> None:
    """Every task is restarted, except those in `but` and what nobody can know."""
    assert story.wire.fired
    story.check("run-1")
    said = told(story)
    unknown = {key: status for key, status in said.items() if status is Status.UNVERIFIED}
    # One was claimed, and the process gone before its run call: nobody knows whether it went out, so none is sent.
    assert len(unknown) <= (fault is Fault.KILLED and call.name == "TransactWriteItems")
    if GROUP[0] in unknown:
        # Nor does it show that the source is back: no other task is tried on it.
        assert said == {**dict.fromkeys(GROUP, Status.NOT_TRIED), **unknown}
        return
    assert said == {**dict.fromkeys(GROUP, Status.RESTARTED), **unknown, **(but or {})}
    assert outcome(story).status is (Status.PARTIAL if unknown or but else Status.RESTARTED)


@pytest.mark.parametrize("fault", Fault)
def test_each_write_fails_once_and_the_invocation_is_retried(tell: Tell, calls: list[Call], fault: Fault) -> None:
    for call in with_fault(calls, fault):
        story = tell()
        story.wire.fault = (call, fault)
        story.run()
        try:
            check_retried(story, call, fault)
        except AssertionError as exc:
            raise AssertionError(f"{call} {fault}: {exc}") from exc


def test_what_is_not_started_when_the_group_is_given_up_is_said_and_proposed_again(
    tell: Tell, calls: list[Call]
) -> None:
    for call in with_fault(calls, Fault.KILLED):
        story = tell()
        story.gives_up = True
        story.wire.fault = (call, Fault.KILLED)
        story.run()
        try:
            assert story.wire.fired
            left = {key for key, runs in story.runs().items() if not runs}
            if outcome(story).targets:
                assert left >= {key for key, status in told(story).items() if status is Status.FAILED}
            else:
                assert (outcome(story).status, left) == (Status.FAILED, set(GROUP))
            story.next_run()
            story.check("run-2")
            again = story.ledger.records([row.proposal_id for row in story.ledger.runs.proposals("run-2")])
            assert {target.key for record in again for target in record.approval.proposal.targets} == left
        except AssertionError as exc:
            raise AssertionError(f"{call}: {exc}") from exc


def test_every_invocation_comes_twice(tell_on_embedded_aws: Tell) -> None:
    story = tell_on_embedded_aws()
    story.doubled = True

    story.run()

    story.check("run-1")
    assert told(story) == dict.fromkeys(GROUP, Status.RESTARTED)
    assert len(story.invocations) == 2


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.KILLED])
def test_a_task_that_another_proposal_takes_in_between_is_left_to_that(
    tell: Tell, intruded_calls: list[Call], fault: Fault
) -> None:
    for call in with_fault(intruded_calls, fault):
        story = tell()
        story.intruded_before = "CheckRestart"
        story.wire.fault = (call, fault)
        story.run()
        try:
            check_retried(story, call, fault, {GROUP[-1]: Status.SUPERSEDED})
            (last,) = outcome(story).targets[-1:]
            assert last.detail == f"proposal {INTRUDER} holds the task by now"
        except AssertionError as exc:
            raise AssertionError(f"{call} {fault}: {exc}") from exc
