"""One word for each value, and none for two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta, timezone
from enum import StrEnum

import pytest

from qlikops.domain.fleet.anomaly import Severity
from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.fleet.task import Action, StopReason, TaskKey, TaskState
from qlikops.domain.proposals.approval import Outcome, RunCall, Status, TaskOutcome
from qlikops.domain.proposals.evaluation import Gate, Risk, Route
from qlikops.domain.proposals.proposal import Option
from qlikops.domain.workflow.execution import ExecutionStatus, StateStatus
from qlikops.presentation import vocabulary
from qlikops.presentation.lists import executions
from qlikops.presentation.tone import Span, Tone
from tests.unit.presentation.samples import NOW


@pytest.mark.parametrize(
    ("enum", "say"),
    [
        (Status, vocabulary.status),
        (ExecutionStatus, vocabulary.execution_status),
        (StateStatus, vocabulary.state_status),
        (TaskState, vocabulary.task_state),
        (Severity, vocabulary.severity),
        (Risk, vocabulary.risk),
        (Route, vocabulary.route),
        (Gate, vocabulary.gate),
        (Action, lambda action: vocabulary.option(Option(action.value, action, action.words))),
    ],
)
def test_every_value_has_a_word(enum: type[StrEnum], say: Callable[[StrEnum], Span | str]) -> None:
    words = [said.text if isinstance(said, Span) else said for said in map(say, enum)]
    assert all(words)
    assert len(set(words)) == len(words)


def test_only_a_restart_under_way_waits_for_its_endpoint() -> None:
    wait = EndpointWait(EndpointKey("default", "eu", "ORA-PROD"), NOW, NOW + timedelta(hours=1))
    assert vocabulary.standing(Status.RESTARTING, wait).text == "WAITS FOR ENDPOINT"
    assert vocabulary.standing(Status.RESTARTING, None) == vocabulary.status(Status.RESTARTING)
    assert vocabulary.standing(Status.RESTARTED, wait) == vocabulary.status(Status.RESTARTED)
    assert vocabulary.status_meaning(Status.RESTARTING, waits=wait).startswith("approved; nothing is sent before")


def test_statuses_of_executions_and_states_fit_their_column() -> None:
    width = {column.key: column.drawn.width for column in executions.TABLE.columns}["status"]
    assert max(len(vocabulary.execution_status(status).text) for status in ExecutionStatus) <= width
    assert max(len(vocabulary.state_status(status).text) for status in StateStatus) <= width


@pytest.mark.parametrize(
    ("say", "shown"),
    [
        (lambda: vocabulary.status(Status.read("paused")), "paused"),
        (lambda: vocabulary.execution_status(ExecutionStatus.read("SUSPENDED")), "? SUSPENDED"),
        (lambda: vocabulary.state_status(StateStatus.read("skipped")), "? skipped"),
        (lambda: vocabulary.task_state(TaskState.read("WARMING"), "warming up"), "warming up"),
        (lambda: vocabulary.task_state(TaskState.UNKNOWN), "UNKNOWN"),
        (lambda: vocabulary.severity("fatal"), "? fatal"),
        (lambda: vocabulary.risk("odd"), "odd"),
        (lambda: vocabulary.risk(""), "unknown"),
        (lambda: vocabulary.verdict("maybe", "bedrock"), "AI maybe"),
        (lambda: vocabulary.verdict("", ""), "? ?"),
    ],
)
def test_what_a_newer_version_says_is_shown_in_its_own_word_and_stands_out(say: Callable[[], Span], shown: str) -> None:
    assert say() == Span(shown, Tone.WARNING)


def test_what_a_newer_version_does_is_said_not_to_be_known() -> None:
    assert vocabulary.route(Route.read("ask_twice")) == "ask_twice"
    assert "does not know" in vocabulary.option(Option("rewind", Action.read("rewind"), "rewind"))
    assert "update qlikops" in vocabulary.status_meaning(Status.read("paused"))


@pytest.mark.parametrize(
    ("value", "evaluator", "confidence", "shown"),
    [
        ("approve", "bedrock", 0.92, "AI approve 92%"),
        ("caution", "rules", None, "rules caution"),
        ("unavailable", "bedrock", 0.5, "unavailable"),
    ],
)
def test_a_verdict_says_whose_it_is_and_how_sure(
    value: str, evaluator: str, confidence: float | None, shown: str
) -> None:
    assert vocabulary.verdict(value, evaluator, confidence).text == shown


def test_an_unknown_severity_is_said_in_its_own_words() -> None:
    assert vocabulary.severity("dire") == Span("? dire", Tone.WARNING)


KEY = TaskKey("default", "eu", "orders")


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ((), "something broke; nothing was restarted"),
        ((TaskOutcome(KEY, Status.FAILED, run_call=RunCall.REFUSED),), "Enterprise Manager refused the start"),
        ((TaskOutcome(KEY, Status.FAILED, run_call=RunCall.TAKEN),), "the run call was sent"),
        (
            (
                TaskOutcome(KEY, Status.FAILED, run_call=RunCall.TAKEN),
                TaskOutcome(KEY, Status.FAILED, run_call=RunCall.NOT_SENT, stopped=True),
            ),
            "it is down until it is started",
        ),
        ((TaskOutcome(KEY, Status.FAILED),), "its record says whether anything was started"),
    ],
)
def test_a_failure_is_told_by_the_worst_that_became_of_a_task(targets: tuple[TaskOutcome, ...], words: str) -> None:
    assert words in vocabulary.status_meaning(Status.FAILED, Outcome(Status.FAILED, targets=targets))


@pytest.mark.parametrize("status", Status)
def test_every_status_says_what_it_means_for_the_task(status: Status) -> None:
    assert vocabulary.status_meaning(status)
    restarts = {Status.RESTARTED, Status.PARTIAL, Status.UNVERIFIED, Status.RESTARTING, Status.FAILED}
    is_nothing = "nothing was restarted" in vocabulary.status_meaning(status)
    assert not (is_nothing and status in restarts)


@pytest.mark.parametrize(
    ("arn", "who"),
    [
        ("arn:aws:sts::1:assumed-role/oncall/anna", "anna"),
        ("arn:aws:iam::1:user/bob", "bob"),
        ("arn:aws:iam::1:root", "root"),
        ("", "somebody"),
    ],
)
def test_a_person_is_the_end_of_an_arn(arn: str, who: str) -> None:
    assert vocabulary.person(arn) == who


def test_times_are_utc_and_never_negative() -> None:
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    assert vocabulary.clock_time(tokyo) == "2026-03-07 11:20:00 UTC"
    assert vocabulary.ago(NOW, NOW - timedelta(seconds=3)) == "0s"
    assert vocabulary.ago(NOW, tokyo + timedelta(seconds=190)) == "3m10s"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-5, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h00m"), (100 * 3600, "4d4h")]
)
def test_a_glances_worth_of_a_duration(seconds: float, shown: str) -> None:
    assert vocabulary.short_duration(seconds) == shown


def test_counts_agree_with_their_noun() -> None:
    assert [vocabulary.count(number, "task") for number in (0, 1, 2000)] == ["0 tasks", "1 task", "2,000 tasks"]
    assert vocabulary.stop_reason(StopReason.STOPPED_LOW_DISK_SPACE) == "low disk space"
    assert vocabulary.evaluator("") == "?"
