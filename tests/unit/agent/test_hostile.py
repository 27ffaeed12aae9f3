"""What the handlers have not seen before: broken snapshots and callbacks, through a whole run each, all of it twice.

Whatever comes, every run goes through to its report, every record is closed, and nothing runs that nobody approved.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from qlikops.agent.config import Thresholds
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.packing import packed
from qlikops.domain.proposals.callback import HOW_TO_DECIDE
from qlikops.domain.runs.report import RunReport
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import FakeClock, simulated
from tests.unit.agent.machine import Agent, Json, items

Make = Callable[..., Agent]
DEEP = "[" * 30_000
LAST = "9999-12-31T23:59:59Z"


@pytest.fixture
def agent() -> Iterator[Make]:
    with ExitStack() as running:

        def make(**settings: Any) -> Agent:
            clock = FakeClock()
            simulator = running.enter_context(simulated("one_fatal", clock, is_direct=True))
            return Agent(ModelledAws(clock), simulator, clock, **settings)

        yield make


def edited(*path: str | int, to: Any) -> Callable[[Json], bytes]:
    def edit(data: Json) -> bytes:
        node: Any = data
        for part in path[:-1]:
            node = node[part]
        node[path[-1]] = to
        return json.dumps(data).encode()

    return edit


def in_memory(name: str, to: Any) -> Callable[[Json], bytes]:
    """Of `orders`, the broken one."""

    def edit(data: Json) -> bytes:
        (number,) = (n for n, each in enumerate(data["tasks"]) if each["facts"]["key"]["task"] == "orders")
        return edited("tasks", number, "memory", name, to=to)(data)

    return edit


TOLD = {
    "key": {"instance": "default", "server": "replicate-1", "task": ""},
    "kind": "SERVER_DOWN",
    "severity": "critical",
    "seen_at": LAST,
}
LOST = "the snapshot of the last run"
SNAPSHOTS: dict[str, tuple[Callable[[Json], bytes], str]] = {
    "nothing": (lambda _: b"", "cannot be read"),
    "half": (lambda data: packed(json.dumps(data))[:40], "cannot be read"),
    "no JSON in it": (lambda _: b"\x1f\x8b garbage", "cannot be read"),
    "another encoding": (lambda data: json.dumps(data).encode("utf-16"), "cannot be read"),
    "an abyss": (lambda _: DEEP.encode(), "cannot be read"),
    "a number without end": (lambda _: b'{"version": ' + b"9" * 5000 + b"}", "cannot be read"),
    "no tasks": (edited("tasks", to=None), "cannot be read"),
    "a kind of tomorrow": (edited("told", to=[{**TOLD, "kind": "MOON", "seen_at": "2026-03-07T03:00:00Z"}]), ""),
    "a time that is none": (edited("taken_at", to="0001-01-01T00:00:00+14:00"), "cannot be read"),
    "tomorrow's version": (edited("version", to=2), "newer"),
    "the last day": (edited("taken_at", to=LAST), "from the future"),
    "seen at last": (in_memory("seen", {"FATAL_TRANSIENT": LAST}), "had not happened yet"),
    "sampled at last": (
        in_memory("samples", [{"at": LAST, "source_seconds": 1, "total_seconds": 2}]),
        "had not happened yet",
    ),
    "started at last": (in_memory("starts", [LAST] * 9), "had not happened yet"),
    "told at last": (edited("told", to=[TOLD]), "had not happened yet"),
    "the first day": (edited("taken_at", to="0001-01-01T00:00:00Z"), "had not happened yet"),
    "quiet for ever, says the snapshot alone": (
        in_memory("quiet", {"kind": "snoozed", "until": LAST, "by": "eve"}),
        "",
    ),
    "fewer than no polls": (in_memory("polls", {"FATAL_TRANSIENT": -5}), ""),
}


@pytest.mark.parametrize(("broken", "lost"), SNAPSHOTS.values(), ids=SNAPSHOTS)
def test_whatever_the_last_snapshot_is_a_broken_task_is_asked_about(
    agent: Make, broken: Callable[[Json], bytes], lost: str
) -> None:
    here = agent(thresholds=Thresholds(confirm_polls=2))
    here.report(here.monitor("run-0"))
    body = broken(json.loads(here.stored("snapshots/latest.json")))
    here.aws.client("s3").put_object(Bucket=here.bucket, Key="snapshots/latest.json", Body=body)

    asked = []
    for number in range(1, 9):
        here.clock.sleep(300)
        monitored = here.monitor(f"run-{number}")
        here.report(monitored)
        asked += items(monitored)
        if asked:
            break

    (item,) = asked
    assert item["proposal"]["kind"] == "FATAL_TRANSIENT"
    (*_, note) = codec.loads(RunReport, here.stored("reports/2026/03/07/run-1.json")).notes or ("",)
    assert lost in note
    assert note.lower().startswith(LOST if lost else "")


DENIALS: dict[str, tuple[Json, str]] = {
    "an abyss as the cause": ({"error": {"Error": "ApprovalDenied", "Cause": DEEP}}, "[[["),
    "a time that is none": ({"decision": {"approved": False, "at": "0001-01-01T00:00:00+14:00"}}, ""),
    "half a letter": ({"decision": {"approved": False, "reason": "\ud800no", "by": "\ud800/eve\udfff"}}, "no"),
    "a terminal's title": ({"decision": {"approved": False, "reason": "\x1b]0;x\x07no\x00"}}, "no"),
    "a cause that is an object": ({"error": {"Error": 5, "Cause": {"a": 1}}}, "{'a': 1}"),
    "a snooze until the end": ({"decision": {"approved": False, "snooze_seconds": 10**400}}, ""),
    "a long one": ({"decision": {"approved": False, "reason": "x" * 200_000}}, "xxx"),
    "an approval in a failure": ({"error": {"Error": "ApprovalDenied", "Cause": '{"approved": true}'}}, ""),
    "the policy, it says": ({"decision": {"approved": False, "automatic": True, "by": "policy"}}, ""),
}


@pytest.mark.parametrize(("answer", "detail"), DENIALS.values(), ids=DENIALS)
def test_whatever_a_denial_looks_like_it_is_one_and_recorded(agent: Make, answer: Json, detail: str) -> None:
    here = agent()
    monitored = here.monitor()
    (item,) = items(monitored)
    here.evaluate(item)
    here.request(item)

    recorded = here.record(item, {"status": "denied", **answer})

    assert here.record(item, {"status": "denied", **answer}) == recorded
    assert (recorded["status"], recorded["detail"][: len(detail)]) == ("denied", detail)
    assert here.inbox() == []
    assert here.report(monitored)["outcomes"] == {"denied": 1}
    assert here.simulator.task("orders")["runs"] == 0
    decision = here.services.ledger.record(item["proposal"]["proposal_id"]).approval.decision
    assert decision is not None
    assert decision.who() != "policy"


FOREIGN: dict[str, tuple[Json, str]] = {
    "a word": ({"status": "denied", "decision": {"approved": "true"}}, '`approved` was "true", not true or false'),
    "a number": ({"status": "denied", "decision": {"approved": 1, "snooze_seconds": 9}}, "`approved` was 1"),
    "deeper": ({"status": "denied", "decision": {"decision": {"approved": True}}}, "the output has no `approved`"),
    "nothing": ({"status": "denied", "decision": None}, "the output was null, not an object"),
    "no object": ({"status": "denied", "decision": [1, 2]}, "the output was a list, not an object"),
    "an abyss": ({"status": "denied", "decision": {"approved": [[[[[True]]]]]}}, "`approved` was a list"),
    "much": ({"status": "denied", "decision": {"approved": "x" * 200_000}}, '`approved` was "xxx'),
    "the policy, it says": (
        {"status": "denied", "decision": {"approved": "true", "automatic": True, "by": "policy"}},
        '`approved` was "true"',
    ),
    "a timeout that is none": ({"status": "expired", "error": {"Error": "States.Timeout"}}, "States.Timeout"),
    "an error of another name": ({"status": "failed", "error": {"Error": "No", "Cause": "not tonight"}}, "No: not"),
    "an error without a name": ({"status": "failed", "error": {"Error": None, "Cause": None}}, "unknown error"),
    "an approval as an error": ({"status": "failed", "error": {"Error": "Approved", "Cause": DEEP}}, "Approved: [["),
}


@pytest.mark.parametrize(("answer", "said"), FOREIGN.values(), ids=FOREIGN)
def test_an_answer_that_is_none_restarts_nothing_denies_nothing_and_is_asked_again(
    agent: Make, answer: Json, said: str
) -> None:
    here = agent()
    monitored = here.monitor()
    (item,) = items(monitored)
    here.evaluate(item)
    here.request(item)

    recorded = here.record(item, answer)

    assert here.record(item, answer) == recorded
    assert recorded["status"] == "failed"
    assert said in recorded["detail"]
    approval = here.services.ledger.record(item["proposal"]["proposal_id"]).approval
    assert approval.decision is None
    assert approval.outcome is not None
    assert HOW_TO_DECIDE in approval.outcome.detail
    assert here.simulator.task("orders")["runs"] == 0
    stored = here.aws.client("dynamodb").scan(TableName=here.table)["Items"]
    assert [each["pk"]["S"] for each in stored if each["pk"]["S"].startswith("TRACK#")] == []
    assert [each["sk"]["S"] for each in stored if each["sk"]["S"] == "SNOOZE"] == []
    assert here.report(monitored)["outcomes"] == {"failed": 1}
    here.clock.sleep(120)
    assert here.monitor("run-2")["proposal_count"] == 1


APPROVALS: dict[str, tuple[Json, str]] = {
    "a time that is none": ({"at": "9999-12-31T23:59:59-14:00"}, "restarted"),
    "half a letter": ({"by": "\ud800", "reason": "\udfff"}, "restarted"),
    "more than was asked": ({"targets": ["all"], "action": "reload"}, "restarted"),
    "an option that was not offered": ({"option": "RELOAD_TARGET"}, "superseded"),
    "a task that was not proposed": ({"tasks": ["OTHER"]}, "superseded"),
    "of the wrong types": ({"by": {"a": 1}, "reason": 7, "snooze_seconds": "x", "decision_id": None}, "restarted"),
    "the policy, it says": ({"automatic": True, "by": "policy"}, "restarted"),
    "a snooze": ({"snooze_seconds": 10**12}, "restarted"),
    "another digest": ({"digest": "0" * 64}, "superseded"),
    "a digest in capitals": ({"digest": "ABCDEF"}, "superseded"),
    "a digest that is a number": ({"digest": 4711}, "superseded"),
    "a digest that is a list": ({"digest": ["0" * 64]}, "superseded"),
    "a digest that is an object": ({"digest": {}}, "superseded"),
    "a digest that is true": ({"digest": True}, "superseded"),
    "a digest that shows as nothing": ({"digest": "\u200b"}, "superseded"),
    "a digest that is not given": ({"digest": None}, "restarted"),
}


@pytest.mark.parametrize(("answer", "status"), APPROVALS.values(), ids=APPROVALS)
def test_whatever_else_an_approval_says_what_was_proposed_is_done_once_or_nothing(
    agent: Make, answer: Json, status: str
) -> None:
    here = agent()
    monitored = here.monitor()
    (item,) = items(monitored)
    decision = {"approved": True, "digest": here.evaluate(item)["digest"], **answer}
    here.request(item)

    restarted = here.restart(item, decision)

    assert here.restart(item, decision) == restarted
    outcome = {"status": restarted["status"], "result": restarted}
    assert here.record(item, outcome) == here.record(item, outcome)
    assert here.report(monitored)["outcomes"] == {status: 1}
    calls = here.simulator.server.fleet.true_state()["calls"]
    assert [call.get("option") for call in calls] == (["RESUME_PROCESSING"] if status == "restarted" else [])
    decided = here.services.ledger.record(item["proposal"]["proposal_id"]).approval.decision
    assert decided is not None
    assert decided.who() != "policy", "somebody was asked, and answered"
    assert not decided.automatic
    assert decided.snooze_seconds == 0


@pytest.mark.parametrize("cause", [DEEP, "\ud800", '{"errorMessage": ["x"], "errorType": 5}', "null", "9" * 9000])
def test_whatever_broke_a_restart_its_record_is_closed(agent: Make, cause: str) -> None:
    here = agent()
    monitored = here.monitor()
    (item,) = items(monitored)
    here.evaluate(item)
    error = {"Error": "Sandbox.Timedout", "Cause": cause}
    decision = {"approved": True, "automatic": True}

    recorded = here.record(item, {"status": "failed", "error": error, "decision": decision})

    assert (recorded["status"], recorded["recorded"]) == ("failed", True)
    decided = here.services.ledger.record(item["proposal"]["proposal_id"]).approval.decision
    assert decided is not None
    assert not decided.automatic, "the policy asked, whatever the payload says"
    assert here.report({**monitored, "error": error})["outcomes"] == {"failed": 1}
