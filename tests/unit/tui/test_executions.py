"""Stories of the executions: the list without an end, one in detail, and what can be done to them."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from qlikops.domain.errors import AccessDenied, DecisionUnknown, NotFound, Offline
from qlikops.domain.proposals.approval import Status
from qlikops.domain.workflow.events import HistoryEvent, parse_events
from qlikops.domain.workflow.execution import ExecutionStatus, ExecutionSummary, Redrive, RunSummary
from qlikops.domain.workflow.logs import FoundLines
from qlikops.tui.widgets.graph import GraphView
from qlikops.tui.widgets.table import KeyedTable
from tests.unit.presentation import samples
from tests.unit.tui.conftest import PATIENCE_SECONDS, Started, flat_text, no_longer_sees, screen_text, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment, FakeExecutions

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 36)])
Size = tuple[int, int]
FAILED = ExecutionStatus.FAILED


@pytest.fixture
def environment() -> FakeEnvironment:
    found = FakeEnvironment.waiting_for(samples.approval())
    found.runs = [
        samples.execution(),
        samples.execution("run-0706", ExecutionStatus.SUCCEEDED, minutes_old=17),
        samples.execution("run-0701", FAILED, minutes_old=22),
    ]
    return found


def many(number: int) -> list[ExecutionSummary]:
    return [
        samples.execution(f"run-{index:05}", ExecutionStatus.SUCCEEDED, minutes_old=index + 1)
        for index in range(number)
    ]


def table(pilot: Pilot[Any]) -> KeyedTable:
    return pilot.app.screen.query_one("#executions", KeyedTable)


# The list


async def test_what_each_run_took_found_and_did_is_seen_at_a_glance(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=(120, 36)) as pilot:
        await pilot.press("4")
        await sees(pilot, "▶ running run-0711", "✓ succeeded run-0706", "1m15s", "1 restarted, 1 denied")
        running, ended = (
            line for line in screen_text(pilot).splitlines() if "run-07" in line and "run-0701" not in line
        )
        assert running.count("█") == 6 > ended.count("█")


@SIZES
async def test_runs_that_found_nothing_are_one_line_until_it_is_opened(
    started: Started, environment: FakeEnvironment, size: Size
) -> None:
    quiet = many(5)
    for each in quiet:
        nothing = replace(each, run=RunSummary(each.arn, each.name, each.started_at, 3, 38, outcomes={}))
        environment.runs.append(nothing)
    async with started(environment, size=size) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0701", "▸ 5 runs found nothing, 11:15 to 11:19", "all, 8 loaded")
        await pilot.press("home")
        environment.runs.append(replace(environment.runs[-1], arn="older", name="run-older"))
        await pilot.press("r")
        await sees(pilot, "›▸ 6 runs found nothing")
        await pilot.press("enter")
        await sees(pilot, "run-00004", "nothing was wrong")
        await pilot.press("f")
        await no_longer_sees(pilot, "▸")
        await pilot.press("f")
        await sees(pilot, "▸ 6 runs found nothing")
        await pilot.press("slash", *"older")
        await sees(pilot, "run-older", "all, 1 of 9 loaded")


async def test_executions_are_asked_for_only_while_on_the_screen(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("r")
        await wait_until(pilot, lambda: environment.reads.count("waiting") == 2)
        assert "executions" not in environment.reads


async def test_a_refresh_is_one_call(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        before = len(environment.reads)
        await pilot.press("r")
        await wait_until(pilot, lambda: len(environment.reads) > before)
        # A poll may have come in between; it asks the same.
        assert set(environment.reads[before:]) == {"executions"}


async def test_a_status_key_goes_through_the_statuses(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711", "run-0706")
        await pilot.press("s")
        await sees(pilot, "RUNNING only, 1 loaded", "run-0711")
        await no_longer_sees(pilot, "run-0706")
        await pilot.press("s", "s", "s")
        await sees(pilot, "No execution is TIMED_OUT. s shows others.")


async def test_a_filter_keeps_what_matches(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711", "run-0706")
        await pilot.press("slash", *"!status:succ restarted:", "enter")
        await sees(pilot, "all, 1 of 3 loaded", "run-0701")
        await no_longer_sees(pilot, "run-0706")
        await pilot.press("escape")
        await sees(pilot, "run-0706", "all, 3 loaded")


async def test_more_pages_come_as_one_goes_down_and_a_refresh_keeps_them_and_the_cursor(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.runs, environment.page_size = many(400), 50
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-00000", "more below")
        await wait_until(pilot, lambda: len(table(pilot).keys) == 50)
        for loaded in (100, 150, 200):
            await pilot.press("end")
            await wait_until(pilot, lambda loaded=loaded: len(table(pilot).keys) >= loaded)  # type: ignore[misc]
        await pilot.press("up")
        chosen, line = table(pilot).chosen, cursor_line(pilot)
        environment.runs.insert(0, samples.execution("run-brand-new", minutes_old=0))
        loaded = len(table(pilot).keys)
        await pilot.press("r", "r")
        await wait_until(pilot, lambda: len(table(pilot).keys) > loaded)
        assert (table(pilot).chosen, cursor_line(pilot)) == (chosen, line)


def cursor_line(pilot: Pilot[Any]) -> int:
    return table(pilot).cursor - int(table(pilot).scroll_y)


async def test_ten_thousand_are_walked_to_the_end(started: Started, environment: FakeEnvironment) -> None:
    environment.runs, environment.page_size = many(10_000), 1000
    async with started(environment, size=(120, 36)) as pilot:
        await pilot.press("4")
        for loaded in range(1000, 10_001, 1000):
            await wait_until(pilot, lambda loaded=loaded: len(table(pilot).keys) >= loaded)  # type: ignore[misc]
            await pilot.press("end")
        await sees(pilot, "all, 10,000 loaded", "run-09999")
        await no_longer_sees(pilot, "more below")


async def test_what_is_wrong_is_said_and_what_was_loaded_stays(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        environment.error = Offline("no network")
        await pilot.press("r")
        await sees(pilot, "Offline: no network", "run-0711")


# One execution


def chosen(pilot: Pilot[Any]) -> str:
    return pilot.app.screen.query_one(GraphView).chosen


async def opened(pilot: Pilot[Any]) -> None:
    await pilot.press("4")
    await sees(pilot, "run-0711")
    await pilot.press("enter")
    await sees(pilot, "g Graph", "13 events")


@SIZES
async def test_the_graph_says_what_ran_waits_and_was_not_reached(
    started: Started, environment: FakeEnvironment, size: Size
) -> None:
    async with started(environment, size=size) as pilot:
        await opened(pilot)
        await sees(pilot, "MonitorTasks", "38 tasks", "1 of 1 open", "1 waits", "15 states")
        assert chosen(pilot) == "state WaitForApproval"
        await pilot.press("f")
        await sees(pilot, "CheckDecision", "not reached")
        await pilot.press("home", "slash", *"monitor", "enter")
        await sees(pilot, "match 2 of")
        assert chosen(pilot) == "state ReportMonitoringFailure"


async def test_the_arrows_go_from_box_to_box_and_light_the_path_of_an_item(
    started: Started, environment: FakeEnvironment
) -> None:
    _, proposals = samples.four_proposals()
    detail = samples.execution_detail(environment.runs[0])
    environment.details[detail.summary.arn] = replace(detail, proposals=proposals)
    environment.events[detail.summary.arn] = samples.events()
    async with started(environment, size=(120, 40)) as pilot:
        await opened(pilot)
        gone = []
        for key in ("home", "right", "right", "left", "down", "down", "down", "down", "up", "k", "j", "end", "down"):
            await pilot.press(key)
            gone.append(chosen(pilot))
        assert gone == [
            *("state MonitorTasks", "state CheckAnomalies", "state ProcessProposals", "state CheckAnomalies"),
            *("state EvaluateProposal", "state WaitForApproval", "item 0", "item 1"),
            *("item 0", "state WaitForApproval", "item 0", "item 3", "item 3"),
        ]
        await sees(pilot, "○ denied")
        await pilot.press("enter")
        await sees(pilot, "It was not reached")
        await pilot.press("escape", "home", "up", "enter")
        await sees(pilot, "MonitorTasks: ✓ succeeded")


async def test_a_state_opens_with_its_input_and_esc_goes_back_to_it(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment) as pilot:
        await opened(pilot)
        await pilot.press("home", "enter")
        await sees(pilot, "MonitorTasks: ✓ succeeded", '"source": "schedule"', '"proposal_count": 2')
        await pilot.press("escape")
        await sees(pilot, "CheckAnomalies")
        await pilot.press("i")
        await sees(pilot, "Execution run-0711", "Input")
        await pilot.press("escape")
        await sees(pilot, "all, 3 loaded")


@SIZES
async def test_events_are_listed_searched_and_opened_without_tokens_or_markup(
    started: Started, environment: FakeEnvironment, size: Size
) -> None:
    async with started(environment, size=size) as pilot:
        await opened(pilot)
        await pilot.press("e")
        await sees(pilot, "ExecutionStarted", "MapIterationStarted", "WaitForApproval #0")
        await pilot.press("slash", *"taskscheduled", "enter", "enter")
        await sees(pilot, "Event 12, TaskScheduled, WaitForApproval, item 0", '"task_token": "[redacted]"')
        assert "s3cret" not in flat_text(pilot)
        await pilot.press("escape", "end", "enter")
        await sees(pilot, "Event 13, TaskFailed", "[red]no answer[/red]")


async def test_a_search_goes_through_a_long_text(started: Started, environment: FakeEnvironment) -> None:
    arn = environment.runs[0].arn
    lines = {f"key-{number:03}": "needle" if number in (90, 180) else number for number in range(200)}
    text = str(lines).replace("'", '"')
    environment.details[arn] = replace(samples.execution_detail(environment.runs[0]), input=text)
    async with started(environment) as pilot:
        await opened(pilot)
        await pilot.press("i", "slash", *"NEEDLE", "enter")
        await sees(pilot, '"key-090": "needle"', "match 1 of 2")
        await pilot.press("n")
        await sees(pilot, '"key-180": "needle"', "match 2 of 2")
        await pilot.press("n", "N")
        await sees(pilot, '"key-180": "needle"', "match 2 of 2")


async def test_log_lines_and_the_difference_are_about_what_is_chosen(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.logged = ["START RequestId: a-1", "boom"]
    async with started(environment, size=(200, 50)) as pilot:
        await opened(pilot)
        # On a wide terminal the chosen state stands beside the graph.
        await sees(pilot, "waits for its token", "function QlikMonitor-RequestApproval", '"proposal": "first"')
        await pilot.press("l")
        await sees(pilot, "WaitForApproval, item 0: /aws/lambda/QlikMonitor-RequestApproval", "boom")
        environment.logged = ["START RequestId: a-1", "boom", "once more"]
        await pilot.press("r")
        await sees(pilot, "once more")
        await pilot.press("escape", "home", "d")
        await sees(pilot, "Against run-0706, the last run before it that succeeded", "= MonitorTasks")
        await pilot.press("escape")
        await sees(pilot, "MonitorTasks: ✓ 38 tasks")


async def test_log_lines_of_one_state_that_come_late_are_not_taken_for_those_of_the_next(
    started: Started, environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, read = threading.Event(), FakeExecutions.log_lines

    def lines(executions: FakeExecutions, function: str, begin: datetime, end: datetime) -> FoundLines:
        if function.endswith("RequestApproval"):
            slow.wait(PATIENCE_SECONDS)
        return read(executions, function, begin, end)

    monkeypatch.setattr(FakeExecutions, "log_lines", lines)
    environment.logged = ["START RequestId: a-1"]
    async with started(environment) as pilot:
        await opened(pilot)
        await pilot.press("l")
        await sees(pilot, "Loading …")
        await pilot.press("escape", "home", "l")
        await sees(pilot, "Its function has not been called yet.")
        slow.set()
        await pilot.pause(0.1)
        assert "RequestApproval" not in flat_text(pilot)


@pytest.mark.parametrize("key", ["l", "d"])
async def test_without_a_history_neither_lines_nor_a_difference_are_made_up(
    started: Started, environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    def gone(*_: object) -> list[HistoryEvent]:
        raise NotFound("The history is gone.")

    monkeypatch.setattr(FakeExecutions, "events", gone)
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        await pilot.press("enter")
        await sees(pilot, "l Log d Difference 0 events")
        await pilot.press(key)
        await wait_until(pilot, lambda: flat_text(pilot).count("The history is gone (it is kept for 90 days)") == 2)


async def test_a_running_one_is_followed_by_what_is_new(started: Started, environment: FakeEnvironment) -> None:
    arn = environment.runs[0].arn
    environment.events[arn] = samples.events()[:9]
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        await pilot.press("enter")
        await sees(pilot, "9 events")
        environment.events[arn] = samples.events()
        await pilot.press("r")
        await sees(pilot, "13 events")
        assert [read for read in environment.reads if "events after" in read][:2] == [
            "events after 0",
            "events after 9",
        ]
        assert environment.reads.count(f"definition of {arn}") == 1


async def test_a_history_without_map_items_is_filled_in_and_says_so(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.events[environment.runs[0].arn] = samples.events()[:6]
    async with started(environment, size=(120, 36)) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        await pilot.press("enter")
        await sees(pilot, "the ledger filled it in", "● 1 waits, by ledger", "? not recorded")


async def test_without_the_definition_what_ran_is_shown_and_why(started: Started, environment: FakeEnvironment) -> None:
    environment.definition_error = AccessDenied("no right to states:DescribeStateMachineForExecution")
    async with started(environment, size=(120, 36)) as pilot:
        await opened(pilot)
        await sees(pilot, "could not be read: no right to", "These are the states that ran.", "✓ 38 tasks")
        await no_longer_sees(pilot, "not reached")


async def test_an_execution_that_is_gone_says_so(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        environment.error = NotFound("it is gone")
        await pilot.press("enter")
        await sees(pilot, "it is gone")


async def test_twenty_five_thousand_events_are_a_list_like_any_other(
    started: Started, environment: FakeEnvironment
) -> None:
    state = [("PassStateEntered", "stateEntered"), ("PassStateExited", "stateExited")]
    environment.events[environment.runs[0].arn] = parse_events(
        {"id": number, "previousEventId": number - 1, "type": kind, f"{name}EventDetails": {"name": "Loop"}}
        for number in range(1, 25_001)
        for kind, name in [state[number % 2]]
    )
    async with started(environment, size=(120, 36)) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        await pilot.press("enter")
        await sees(pilot, "25,000 events")
        await pilot.press("e", "end")
        await sees(pilot, "25000")


# What can be done


@SIZES
async def test_stopping_says_what_becomes_of_what_waits_and_needs_a_reason(
    started: Started, environment: FakeEnvironment, size: Size
) -> None:
    async with started(environment, size=size) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        await pilot.press("x")
        await sees(
            pilot,
            "Stop this run",
            "replicate-eu-1/sales-orders (resume)",
            "nothing is restarted",
            "closes them as abandoned",
        )
        await pilot.press("enter")
        await sees(pilot, "A reason is required.")
        assert environment.written == []
        await pilot.press(*"too noisy", "enter")
        await sees(pilot, "Stopped: run-0711", "■ aborted")
        assert environment.written == ["stop run-0711: too noisy"]


async def test_a_restart_under_way_is_said_not_to_be_called_back(
    started: Started, environment: FakeEnvironment
) -> None:
    detail = samples.execution_detail(environment.runs[0])
    acting = tuple(replace(proposal, status=Status.RESTARTING) for proposal in detail.proposals)
    environment.details[detail.summary.arn] = replace(detail, proposals=acting)
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        await pilot.press("x")
        await sees(pilot, "no further task is started", "is not called back: look at it")


async def test_a_run_is_started_after_asking(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        await pilot.press("n")
        await sees(pilot, "StartExecution with the input {}")
        await pilot.press("escape", "n", "enter")
        await sees(pilot, "Started: run-by-hand", "▶ running run-by-hand")
        assert environment.written == ["start"]


async def choose_failed(pilot: Pilot[Any]) -> None:
    await pilot.press("4")
    await sees(pilot, "run-0701")
    await pilot.press("end", "R")


async def test_a_redrive_that_is_refused_says_why_and_sends_nothing(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.details[environment.runs[2].arn] = replace(
        samples.execution_detail(environment.runs[2]), redrive=Redrive("REDRIVABLE")
    )
    async with started(environment) as pilot:
        await choose_failed(pilot)
        await sees(pilot, "Not possible: proposals of it are still open: replicate-eu-1/sales-orders (waiting)")
        await pilot.press("enter", "escape")
        await sees(pilot, "all, 3 loaded")
        assert environment.written == []


async def test_a_redrive_where_nothing_speaks_against_it(started: Started, environment: FakeEnvironment) -> None:
    detail = samples.execution_detail(environment.runs[2])
    closed = tuple(replace(proposal, status=Status.DENIED) for proposal in detail.proposals)
    environment.details[detail.summary.arn] = replace(detail, redrive=Redrive("REDRIVABLE"), proposals=closed)
    async with started(environment) as pilot:
        await choose_failed(pilot)
        await sees(pilot, "1 proposal closed: none is asked or acted on again", "Enter sends.")
        await pilot.press("enter")
        await sees(pilot, "Redriven: run-0701")
        assert environment.written == ["redrive run-0701"]


async def test_a_reply_that_was_lost_is_not_called_a_failure(started: Started, environment: FakeEnvironment) -> None:
    environment.run_error = DecisionUnknown("No answer. Whether it counted is not known yet.")
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        await pilot.press("n", "enter")
        await sees(pilot, "Perhaps not done: start a run. Not known yet: No answer.")


async def test_read_only_hides_what_writes(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment, read_only=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711", "Console")
        assert "New run" not in flat_text(pilot)
        assert "Stop" not in flat_text(pilot)
        await pilot.press("n", "x")
        await pilot.press("enter")
        await sees(pilot, "g Graph")


async def test_data_that_grew_old_locks_an_open_dialog(started: Started, environment: FakeEnvironment) -> None:
    clock = Clock()
    async with started(environment, clock=clock) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        await pilot.press("n")
        await sees(pilot, "Enter sends.")
        clock.advance(timedelta(minutes=1).total_seconds())
        await sees(pilot, "Locked: the data is not live")
        await pilot.press("enter")
        assert environment.written == []


@pytest.mark.parametrize(
    ("console", "said"),
    [("https://console.test", "There is no display here"), ("", "No AWS console shows it")],
)
async def test_the_aws_console_is_named_where_there_is_one(
    started: Started, environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch, console: str, said: str
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSH_CONNECTION", "there here")
    environment.console = console
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        await pilot.press("o")
        await sees(pilot, said)
        assert pilot.app.clipboard == (f"{console}/{environment.runs[0].arn}" if console else "")


@pytest.mark.parametrize(("keys", "field"), [("4", "#filter"), ("4\n", "#search")])
async def test_what_is_typed_in_one_burst_with_the_key_of_a_text_field_is_its_text(
    started: Started, environment: FakeEnvironment, keys: str, field: str
) -> None:
    """`s`, `x`, `n` and the digits mean something in the list below."""
    async with started(environment) as pilot:
        for key in keys:
            await pilot.press("enter" if key == "\n" else key)
            await sees(pilot, "ProcessProposals" if key == "\n" else "run-0711")
        for key in ("slash", *"snx12"):
            pilot.app.post_message(events.Key(key, key if len(key) == 1 else "/"))
        # It may not be there before its key has done its work.
        await wait_until(
            pilot, lambda: [each.value for each in pilot.app.screen.query(field).results(Input)] == ["snx12"]
        )
        assert not pilot.app.screen.is_modal


async def test_a_reason_typed_in_one_burst_with_its_key_is_the_reason_of_a_stop(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        for key in "xnos":
            pilot.app.post_message(events.Key(key, key))
        await sees(pilot, "Stop this run")
        await wait_until(pilot, lambda: pilot.app.screen.query_one("#reason", Input).value == "nos")
