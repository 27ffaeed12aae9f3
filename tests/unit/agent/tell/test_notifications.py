"""What people hear of findings that nobody is asked about: once, grouped, and once more when they are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.config import LogRetention
from qlikops.agent.remember.run import Run
from qlikops.agent.tell.events import FindingClosed, FindingEvent, findings
from qlikops.agent.tell.notifications import OVER_AFTER, Notifications, news_of
from qlikops.domain.fleet.anomaly import Severity
from qlikops.domain.fleet.task import ServerFacts, ServerState, StopReason, TaskFacts, TaskState
from qlikops.domain.runs.plan import Plan
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.qlik.reader import NOT_READ_IN_TIME
from tests.unit.agent.fakes import START, FakeSns, notifier
from tests.unit.agent.fleet import CONFIG, SERVER, after, failed, plan, poll, task
from tests.unit.agent.pager import Pager

RUN = Run("arn:aws:states:eu-west-1:123456789012:execution:QlikMonitoringAgent:run-9", "run-9", "2026-03-07T03:12:00Z")
DOWN = replace(SERVER, state=ServerState.ERROR, message="it does not answer")
LATE = replace(SERVER, error_code=NOT_READ_IN_TIME, message="its tasks were not read in time")
STEP = 300.0
BOTH = ("before", "within")


def slow(name: str = "sales-orders", seconds: int = 400, **changes: Any) -> TaskFacts:
    return task(name, source_latency_seconds=seconds, **changes)


class Story:
    """Polls five minutes apart; people hear of each, unless the message does not go out."""

    def __init__(self) -> None:
        self.previous: FleetSnapshot | None = None
        self.at = 0.0

    def poll(
        self, *tasks: TaskFacts, server: ServerFacts = SERVER, goes_out: bool = True, plans: Sequence[Plan] = ()
    ) -> Notifications:
        snapshot = poll(*tasks, previous=self.previous, at=self.at, servers=(server,), plans=plans)
        news = news_of(self.previous.told if self.previous else (), snapshot)
        self.previous = replace(snapshot, told=news.told if goes_out else news.told_before)
        self.at += STEP
        return news


def said(news: Notifications) -> list[str]:
    return [
        *(f"{one.severity} {one.key} {one.kind}" for one in news.appeared),
        *(f"over {one.key} {one.kind}" for one in news.over),
    ]


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_server_that_is_down_is_told_once_and_when_it_is_back(story: Story) -> None:
    assert said(story.poll(task())) == []
    assert said(story.poll(server=DOWN)) == ["critical eu-1 SERVER_DOWN"]
    assert [said(story.poll(server=DOWN)) for _ in range(40)] == [[]] * 40
    back = [said(story.poll(task())) for _ in range(int(OVER_AFTER.total_seconds() / STEP) + 3)]
    assert [words for words in back if words] == [["over eu-1 SERVER_DOWN"]]


def test_of_two_findings_on_a_task_each_is_told_and_closed_with_the_same_tags(story: Story) -> None:
    heard: list[FindingEvent] = []
    polls = [slow(total_latency_seconds=1100, tags=("old",))] * 3
    polls += [slow(seconds=4000, total_latency_seconds=4700, tags=("new",))] * 3 + [task()] * 6
    for facts in polls:
        heard += findings(RUN, story.poll(facts), after(story.at))

    pager = Pager(event.detail() for event in heard)
    assert (pager.open, pager.otherwise, set(pager.closed.values())) == ({}, [], {1})
    assert [event.tags for event in heard if event.severity is Severity.CRITICAL] == [("new", "old")] * 2


def test_what_comes_and_goes_is_one_finding(story: Story) -> None:
    down = [said(story.poll(task(), server=DOWN if index % 2 else SERVER)) for index in range(20)]
    assert [words for words in down if words] == [["critical eu-1 SERVER_DOWN"]]


def test_what_gets_worse_is_told_again_and_what_gets_better_is_not(story: Story) -> None:
    seconds = [400] * 4 + [1000] * 2 + [400] * 2 + [1000] * 2
    assert [words for each in seconds if (words := said(story.poll(slow(seconds=each))))] == [
        ["warning eu-1/sales-orders SOURCE_LATENCY"],
        ["critical eu-1/sales-orders SOURCE_LATENCY"],
    ]


def test_what_nobody_could_be_told_is_told_by_the_next_run(story: Story) -> None:
    assert said(story.poll(server=DOWN, goes_out=False)) == ["critical eu-1 SERVER_DOWN"]
    assert said(story.poll(server=DOWN)) == ["critical eu-1 SERVER_DOWN"]
    assert said(story.poll(server=DOWN)) == []


def test_what_only_some_could_be_told_is_over_for_them(story: Story) -> None:
    story.poll(server=DOWN, goes_out=False)
    back = [said(story.poll(task())) for _ in range(int(OVER_AFTER.total_seconds() / STEP) + 3)]
    assert [words for words in back if words] == [["over eu-1 SERVER_DOWN"]]


CRITICAL = ["critical eu-1/sales-orders SOURCE_LATENCY"]


def test_what_got_worse_with_other_tags_and_could_not_be_told_is_over_for_those_who_go_by_either(story: Story) -> None:
    for _ in range(4):
        story.poll(slow(tags=("old",)))
    assert said(story.poll(slow(seconds=1000, tags=("new",)), goes_out=False)) == CRITICAL
    over = [one for _ in range(5) for one in story.poll(task()).over]
    assert [FindingClosed.of(RUN, one, after(story.at)).tags for one in over] == [("new", "old")]


@pytest.mark.parametrize("heard_before", [True, False], ids=["a warning before", "nothing before"])
@pytest.mark.parametrize(
    ("then", "told"),
    [
        ([1000, 1000], [CRITICAL]),
        ([400, 1000, 1000], [CRITICAL]),  # better for once: people still wait for the word
        ([400, 400], []),
    ],
)
def test_what_got_worse_and_could_not_be_told_is_told_if_it_is_so_again_and_over_as_bad_as_it_was(
    story: Story, heard_before: bool, then: list[int], told: list[list[str]]
) -> None:
    """EventBridge takes what the topic refuses: it has opened the worse one."""
    for number in range(4):
        story.poll(slow() if heard_before or number < 2 else slow(seconds=1000), goes_out=heard_before)
    assert said(story.poll(slow(seconds=1000), goes_out=False)) == CRITICAL
    news = [words for seconds in then if (words := said(story.poll(slow(seconds=seconds))))]
    assert [words for words in news if words == CRITICAL] == told
    assert news == told or not heard_before, "nobody hears of the warning twice"
    over = [one for _ in range(5) for one in story.poll(task()).over]
    events = [FindingClosed.of(RUN, one, after(story.at)) for one in over]
    assert [each.severity for each in events] == [Severity.CRITICAL]


@pytest.mark.parametrize("server", [DOWN, LATE], ids=["down", "late"])
def test_what_cannot_be_seen_is_not_over(story: Story, server: ServerFacts) -> None:
    for _ in range(4):
        story.poll(slow())
    hidden = [said(story.poll(server=server)) for _ in range(9)]
    assert [words for each in hidden for words in each if "sales-orders" in words] == []
    assert [words for _ in range(3) for words in said(story.poll(slow())) if "sales-orders" in words] == []


@pytest.mark.parametrize(
    "facts",
    [
        failed(),
        task(state=TaskState.STOPPED, stop_reason=StopReason.NORMAL),
        task(state=TaskState.STOPPED, stop_reason=StopReason.STOPPED_AFTER_FULL_LOAD),
        slow(seconds=10),
    ],
    ids=["asked", "stopped", "planned", "well"],
)
def test_what_is_asked_about_or_a_mere_remark_is_not_told(story: Story, facts: TaskFacts) -> None:
    assert [said(story.poll(facts)) for _ in range(5)] == [[]] * 5


def test_a_storm_is_one_message_that_fits_a_phone() -> None:
    servers = tuple(replace(SERVER, name=f"eu-{number}") for number in range(1, 31))
    down = replace(servers[0], state=ServerState.ERROR, message="x" * 900)
    tasks = [slow(f"t{n}", server=one.name) for one in servers[1:] for n in range(100)]
    snapshot = None
    for at in range(4):
        snapshot = poll(*tasks, previous=snapshot, at=at * STEP, servers=(down, *servers[1:]))
    assert snapshot is not None
    sns = FakeSns()

    notifier(sns).tell(*findings(RUN, news_of((), snapshot), snapshot.taken_at))

    (message,) = sns.messages
    assert message["Subject"] == "qlikops: critical: 2901 new findings"
    lines = message["Message"].splitlines()
    assert lines[0].startswith("critical: eu-1: down or not reachable")
    assert lines[1] == "warning: eu-10: source slow on 100 tasks"
    assert lines[-4:] == [
        "and 24 more",
        "Nothing is proposed on these; you are told once.",
        "Where: eu-west-1, account 123456789012",
        "qlikops tasks",
    ]
    assert len(message["Message"]) < 700


def test_of_what_is_alike_the_first_that_can_no_longer_be_resumed_is_told() -> None:
    kept = replace(CONFIG, log_retention=LogRetention(endpoints={"ORA-PROD": timedelta(hours=24)}))
    names = ("a", "b", "c")
    late = [task(name, total_latency_seconds=60 * number) for number, name in enumerate(names, 1)]
    stopped = [task(name, state=TaskState.STOPPED, stop_reason=StopReason.NORMAL, memory_mb=0) for name in names]
    first = poll(*late, config=kept)
    news = news_of(first.told, poll(*stopped, previous=first, at=20 * 3600, config=kept))
    told = findings(RUN, news, START)
    assert told[0].together(told)[1].splitlines()[0] == (
        "warning: eu-1: stopped by a user on 3 tasks; the first can be resumed until about 2026-03-08 03:09 UTC"
    )


def test_names_from_outside_are_harmless(story: Story) -> None:
    server = replace(DOWN, name="eu\x1b[31m-1\r\nqlikops approve ffffffffffff", message="\u202eevil")
    (event,) = findings(RUN, story.poll(server=server), START)
    text = event.text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert [line for line in text.splitlines() if line.startswith("qlikops")] == ["qlikops tasks"]


def test_there_is_something_to_tell_if_anything_appeared_or_is_over() -> None:
    quiet = news_of((), poll(task()))
    assert not quiet
    found = news_of((), poll(servers=[DOWN]))
    assert found
    assert found.appeared


def test_planned_work_is_told_of_once_it_is_over_and_what_was_told_before_is_not_over_for_it(story: Story) -> None:
    # From the second poll to the fifth.
    work = plan(starts_at=after(STEP), until=after(4 * STEP))
    told = [
        story.poll(slow("before"), plans=[work]),
        *(story.poll(slow("before"), slow("within"), plans=[work]) for _ in range(3)),
        story.poll(slow("before"), slow("within"), plans=[work]),
    ]
    # It takes three polls for latency to be confirmed.
    assert [said(news) for news in told] == [[], [], [], [], [f"warning eu-1/{each} SOURCE_LATENCY" for each in BOTH]]


def test_what_comes_through_and_what_is_over_is_told_during_planned_work(story: Story) -> None:
    work = plan(starts_at=after(STEP), until=after(40 * STEP))
    assert said(story.poll(server=DOWN)) == ["critical eu-1 SERVER_DOWN"]
    within = [story.poll(task(data_error_count=0), plans=[work])]
    within += [story.poll(task(data_error_count=20), plans=[work]) for _ in range(4)]
    lines = {line for news in within for line in said(news)}
    assert {"warning eu-1/sales-orders DATA_ERRORS", "over eu-1 SERVER_DOWN"} <= lines
