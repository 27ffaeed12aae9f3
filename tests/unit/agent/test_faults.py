"""One run through all states, in which each call to the outside fails once, and each function is killed after each
of its side effects: nothing is lost, nothing is done twice, and what is said is true.

Undisturbed, the stories are told on the embedded AWS and over HTTP; a fault each, on the models that are held to it,
and without a connection to Enterprise Manager.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from qlikops.domain.proposals.approval import Status
from tests.embedded import EmbeddedAws
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import SERVER
from tests.unit.agent.faults import Call, Fault
from tests.unit.agent.machine import MACHINE, Json, items
from tests.unit.agent.story import (
    BROKEN,
    INTRUDER,
    STATES,
    Story,
    Tell,
    approving,
    denying,
    expiring,
    faults_of,
    telling,
)


@pytest.fixture(scope="module")
def tell() -> Iterator[Tell]:
    with telling(ModelledAws, "healthy") as tell:
        yield tell


@pytest.fixture(scope="module")
def tell_on_embedded_aws(embedded_aws: EmbeddedAws) -> Iterator[Tell]:
    with telling(lambda _: embedded_aws, "healthy") as tell:
        yield tell


@pytest.fixture(scope="module")
def calls(tell: Tell) -> list[Call]:
    """Of an undisturbed run."""
    story = tell()
    story.run()
    story.wire.state = "check"
    assert [outcome.status for outcome in story.outcomes("run-1")] == [Status.RESTARTED]
    return [call for call in story.wire.calls if call.state in STATES]


@pytest.fixture(scope="module")
def intruded_calls(tell: Tell) -> list[Call]:
    """Of a run whose group loses a task before anybody is asked."""
    story = tell()
    story.intruded_before = "RequestApproval"
    story.run()
    return story.wire.calls


def test_the_embedded_aws_gets_the_calls_that_the_models_get(tell_on_embedded_aws: Tell, calls: list[Call]) -> None:
    story = tell_on_embedded_aws()
    story.run()
    story.check("run-1")
    assert {call for call in story.wire.calls if call.state in STATES} == set(calls)


def test_every_state_calls_out(calls: list[Call]) -> None:
    assert {call.state for call in calls} == set(STATES)
    assert {call.state for call in calls if call.tests} == {"MonitorTasks", "ExecuteRestart"}
    assert {call.name for call in calls if call.writes and call.state == "ExecuteRestart"} >= {"TransactWriteItems"} | {
        f"POST /attunityenterprisemanager/api/v1/servers/{SERVER}/tasks/{key.task}" for key in BROKEN
    }


@pytest.mark.parametrize("state", STATES)
def test_each_call_fails_once_and_the_state_is_retried(tell: Tell, calls: list[Call], state: str) -> None:
    for call, fault in faults_of(calls, state):
        story = tell()
        story.wire.fault = (call, fault)
        story.run()
        try:
            assert story.wire.fired
            if call.name == "DescribeExecution":
                # No run fails for that; the next one asks again, closes what is left, and proposes on what that held.
                assert story.outcomes("run-1") == []
                story.next_run()
                story.check("run-1", "run-2")
                continue
            story.check("run-1")
            check_retried(story, call, fault)
        except AssertionError as exc:
            raise AssertionError(f"{call} {fault}: {exc}") from exc


def check_retried(story: Story, call: Call, fault: Fault) -> None:
    """What a retry makes good again: all, but that nobody knows whether a restart was sent."""
    (outcome,) = story.outcomes("run-1")
    if set(story.runs().values()) == {1}:
        assert outcome.status is Status.RESTARTED
    else:
        assert (call.state, call.name) == ("ExecuteRestart", "TransactWriteItems")
        assert fault is not Fault.REFUSED
        assert outcome.status in (Status.UNVERIFIED, Status.PARTIAL)
    assert [one.status for one in story.report("run-1").abandoned] == [Status.ABANDONED]
    assert not story.report("run-1").error
    assert "PutMetricData" in [one.name for one in story.wire.calls]


@pytest.mark.parametrize("gives_up", [False, True])
@pytest.mark.parametrize("state", ["RequestApproval", "RecordOutcome"])
def test_nobody_is_asked_about_a_task_that_another_proposal_took_whatever_fails(
    tell: Tell, intruded_calls: list[Call], state: str, gives_up: bool
) -> None:
    for call, fault in faults_of(intruded_calls, state):
        story = tell()
        story.intruded_before, story.gives_up = "RequestApproval", gives_up
        story.wire.fault = (call, fault)
        story.run()
        try:
            assert story.wire.fired
            assert "Publish" not in [one.name for one in story.wire.calls if one.state == "RequestApproval"]
            if gives_up:
                story.next_run()
                story.check("run-2")
            else:
                story.check("run-1")
                check_superseded(story)
            assert set(story.runs().values()) == {0}
        except AssertionError as exc:
            raise AssertionError(f"{call} {fault}: {exc}") from exc


def check_superseded(story: Story) -> None:
    """The Map itself ended it, saying why, and what nobody else took is proposed again."""
    (outcome,) = story.outcomes("run-1")
    why = f"no approval would count: {BROKEN[1]}: proposal {INTRUDER} holds the task by now"
    assert (outcome.status, outcome.detail, outcome.decision) == (Status.SUPERSEDED, why, None)
    (item,) = items(story.agent.monitor("run-2"))
    proposed = story.ledger.record(item["proposal"]["proposal_id"]).approval.proposal
    assert [target.key for target in proposed.targets] == [BROKEN[0]]


@pytest.mark.parametrize("state", STATES)
def test_each_call_fails_once_and_the_state_is_given_up(tell: Tell, calls: list[Call], state: str) -> None:
    first = next(call for call in calls if call.state == state)
    for call, fault in faults_of(calls, state):
        if fault is not Fault.KILLED and call != first:
            continue  # once given up, only what was written by then makes a difference
        story = tell()
        story.gives_up = True
        story.wire.fault = (call, fault)
        story.run()
        story.next_run()
        try:
            story.check("run-2")
        except AssertionError as exc:
            raise AssertionError(f"{call} {fault}: {exc}") from exc


@pytest.mark.parametrize("answer", [approving, denying, expiring])
def test_every_function_is_invoked_twice(tell_on_embedded_aws: Tell, answer: Callable[[str], Json]) -> None:
    story = tell_on_embedded_aws()
    story.doubled = True

    story.run(answer)

    story.check("run-1")
    (outcome,) = story.outcomes("run-1")
    assert outcome.status == {approving: "restarted", denying: "denied", expiring: "expired"}[answer]
    assert set(story.runs().values()) == {1 if answer is approving else 0}


def overtaken(tell: Tell) -> Story:
    """A story whose first run goes on, while what it asks about has another diagnosis by now."""
    story = tell()
    story.agent.states.statuses[f"{MACHINE}:run-0"] = "RUNNING"
    for key in BROKEN:
        story.simulator.break_task(key.task, message="ORA-00308: cannot open archived log")
    return story


@pytest.mark.parametrize("gives_up", [False, True])
def test_each_call_fails_once_while_a_question_is_overtaken(tell: Tell, gives_up: bool) -> None:
    undisturbed = overtaken(tell)
    undisturbed.run()
    undisturbed.check("run-1")
    assert [one.status for one in undisturbed.outcomes("run-0")] == [Status.SUPERSEDED]
    assert list(undisturbed.agent.states.ended) == ["the-token"]
    calls = [call for call in undisturbed.wire.calls if call.state == "MonitorTasks"]
    assert "SendTaskFailure" in [call.name for call in calls]
    for call, fault in faults_of(calls, "MonitorTasks"):
        story = overtaken(tell)
        story.gives_up = gives_up
        story.wire.fault = (call, fault)
        story.run()
        story.next_run()
        try:
            assert story.wire.fired
            story.check("run-2")
            assert [one.status for one in story.outcomes("run-0")] == [Status.SUPERSEDED]
            assert list(story.agent.states.ended) == ["the-token"]
        except AssertionError as exc:
            raise AssertionError(f"{call} {fault}: {exc}") from exc


@pytest.mark.parametrize("answer", [denying, expiring])
def test_an_end_without_a_restart_survives_each_fault_of_recording_it(
    tell: Tell, calls: list[Call], answer: Callable[[str], Json]
) -> None:
    for call, fault in faults_of(calls, "RecordOutcome"):
        story = tell()
        story.wire.fault = (call, fault)
        story.run(answer)
        try:
            story.check("run-1")
            assert set(story.runs().values()) == {0}
            blocked = story.agent.monitor("run-2")["proposal_count"] == 0
            assert blocked == (answer is denying)
        except AssertionError as exc:
            raise AssertionError(f"{call} {fault}: {exc}") from exc


def test_an_interrupted_run_says_so(tell: Tell, calls: list[Call]) -> None:
    last = [call for call in calls if call.state == "MonitorTasks" and call.writes][-1]
    story = tell()
    story.gives_up = True
    story.wire.fault = (last, Fault.REFUSED)
    story.run()
    story.clock.sleep(timedelta(minutes=20).total_seconds())

    assert story.report("run-1").error == "Sandbox.Timedout: gone"
