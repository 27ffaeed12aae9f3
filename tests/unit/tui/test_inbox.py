"""Stories of what waits, and of what happens to it while somebody looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from qlikops.domain.errors import AccessDenied, CredentialsProblem, Offline, Throttled
from qlikops.domain.fleet.anomaly import AnomalyKind, Severity
from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.domain.workflow.execution import ExecutionStatus
from qlikops.presentation.lists import inbox
from qlikops.presentation.table import SORTED
from qlikops.tui.preferences import PreferenceFile
from qlikops.tui.screens.inbox import InboxScreen
from qlikops.tui.widgets.review import Aside, Review
from qlikops.tui.widgets.table import KeyedTable
from tests.fakes import row_of
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, flat_text, no_longer_sees, screen_text, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment


def task(number: int, name: str, *, minutes_left: float = 200) -> ProposalRecord:
    return samples.approval(samples.proposal(number, tasks=(name,)), minutes_left=minutes_left)


def row_key(number: int, context: int = 0) -> str:
    return f"{context}/{samples.proposal(number).proposal_id}"


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_it_fills_and_shows_the_first_to_expire(started: Started, size: tuple[int, int]) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "late"), task(2, "early", minutes_left=8))
    async with started(environment, size=size) as pilot:
        counts = ("2 wait. 8m to answer early",) if size[1] == 24 else ("2 wait, oldest 12m", "runs out in 8m")
        rows = ("connection lost 12m early resume 8m", "connection lost 12m late resume 3h20m")
        await sees(pilot, *counts, "early: connection lost", "expires in 8m00s", "1 of 2", *rows)
        assert max(map(len, screen_text(pilot).splitlines())) <= size[0]
        assert flat_text(pilot).index(rows[0]) < flat_text(pilot).index(rows[1])


async def test_a_wide_and_high_terminal_has_evidence_and_reasons_below_the_list(started: Started) -> None:
    async with started(FakeEnvironment.waiting_for(task(1, "sales-orders")), size=(200, 50)) as pilot:
        aside, review = pilot.app.screen.query_one(Aside), pilot.app.screen.query_one(Review)
        await sees(pilot, "─ Evidence and reasons ─")
        assert aside.region.y > pilot.app.screen.query_one(KeyedTable).region.y
        assert aside.region.right <= review.region.x
        await pilot.press("enter")
        await no_longer_sees(pilot, "Evidence and reasons")
        await sees(pilot, "Evidence ─")
        await pilot.press("escape")
        await sees(pilot, "─ Evidence and reasons ─")
        await pilot.resize_terminal(200, 36)
        await no_longer_sees(pilot, "Evidence and reasons")
        await sees(pilot, "Evidence ─")


async def test_home_and_end_choose_the_first_row_and_the_last(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(*(task(number, f"task-{number}") for number in (1, 2, 3)))
    async with started(environment) as pilot:
        await sees(pilot, "task-1: connection lost")
        await pilot.press("end")
        await sees(pilot, "task-3: connection lost")
        await pilot.press("home")
        await sees(pilot, "task-1: connection lost")


async def test_the_first_frame_does_not_wait_for_the_network(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"))
    environment.waits.close()
    async with started(environment) as pilot:
        await sees(pilot, "1 Inbox", "connecting …")
        environment.waits.open()
        await sees(pilot, "sales-orders: connection lost")


async def test_an_empty_inbox_says_when_the_fleet_was_last_checked(started: Started) -> None:
    newest = samples.execution("run-0706", ExecutionStatus.SUCCEEDED)
    assert newest.run is not None
    assert newest.stopped_at is not None
    began, ended = newest.started_at - timedelta(hours=4), newest.stopped_at + timedelta(minutes=1)
    waited = replace(newest, arn="long", started_at=began, stopped_at=ended, run=replace(newest.run, anomalies=9))
    environment = FakeEnvironment(runs=[newest, waited])
    async with started(environment) as pilot:
        await sees(pilot, "Nothing waits for a decision.", "38 tasks on 3 servers checked, 4 anomalies")


async def test_when_it_was_last_checked_is_looked_up_once_nothing_waits_any_more(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"))
    environment.runs = [samples.execution("run-0706", ExecutionStatus.SUCCEEDED)]
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        environment.listed.close()
        environment.decide_elsewhere(samples.proposal(1).proposal_id)
        await pilot.press("r")
        await sees(pilot, "Nothing waits for a decision.", "Looking up the last run …")
        environment.listed.open()
        await sees(pilot, "38 tasks on 3 servers checked, 4 anomalies")


async def test_a_last_run_that_cannot_be_looked_up_is_said(started: Started) -> None:
    environment = FakeEnvironment(runs=[samples.execution("run-0706", ExecutionStatus.SUCCEEDED)])
    environment.listed.close()
    async with started(environment) as pilot:
        await sees(pilot, "Looking up the last run …")
        environment.error = AccessDenied("ListExecutions is not allowed")
        environment.listed.open()
        await sees(pilot, "The last run could not be looked up; ! says why.")


async def test_the_cursor_stays_on_its_row_when_one_comes_above_and_one_goes(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "first"), task(2, "second", minutes_left=201))
    async with started(environment) as pilot:
        await sees(pilot, "first: connection lost")
        await pilot.press("down")
        await sees(pilot, "second: connection lost")
        environment.add(task(3, "urgent", minutes_left=5))
        await pilot.press("r")
        await sees(pilot, "12m urgent")
        table = pilot.app.screen.query_one(KeyedTable)
        assert (table.chosen, table.cursor) == (row_key(2), 2)
        environment.decide_elsewhere(samples.proposal(1).proposal_id)
        await pilot.press("r")
        await no_longer_sees(pilot, "12m first")
        assert (table.chosen, table.cursor) == (row_key(2), 1)
        assert "second: connection lost" in flat_text(pilot)


async def test_with_two_thousand_rows_the_ages_tick_and_the_cursor_stays(started: Started) -> None:
    clock = Clock()
    environment = FakeEnvironment.waiting_for(*(task(n, f"task-{n}", minutes_left=200 + n / 100) for n in range(2000)))
    async with started(environment, size=(120, 36), clock=clock) as pilot:
        await sees(pilot, "2,000 wait", "task-0: connection lost")
        await pilot.press(*["down"] * 40)
        table = pilot.app.screen.query_one(KeyedTable)
        await wait_until(pilot, lambda: table.scroll_y > 0 and table.cursor == 40)
        before = (table.chosen, table.cursor, table.scroll_y)
        screen = pilot.app.screen
        assert isinstance(screen, InboxScreen)
        for _ in range(5):
            clock.advance(60)
            screen.state_changed()
        assert (table.chosen, table.cursor, table.scroll_y) == before
        await pilot.press("ctrl+end")
        await sees(pilot, "task-1999: connection lost", "3h34m")


async def test_a_filter_that_drops_hundreds_of_old_rows_from_far_down_chooses_the_first_that_matches(
    started: Started,
) -> None:
    clock = Clock()
    environment = FakeEnvironment.waiting_for(*(task(n, f"task-{n}", minutes_left=200 + n / 100) for n in range(300)))
    async with started(environment, clock=clock) as pilot:
        await sees(pilot, "300 wait", "task-0: connection lost")
        await pilot.press("end")
        await sees(pilot, "task-299: connection lost")
        clock.advance(120)
        await pilot.press("slash", *"task-7")
        await sees(pilot, "11 of 300", "14m task-7", "task-7: connection lost")


@pytest.mark.parametrize("change", ["more above", "fewer above", "many fewer above", "another width"])
async def test_the_row_under_the_cursor_stays_on_its_line(started: Started, change: str) -> None:
    environment = FakeEnvironment.waiting_for(*(task(n, f"task-{n}", minutes_left=200 + n / 100) for n in range(300)))
    async with started(environment) as pilot:
        await sees(pilot, "300 wait", "task-0: connection lost")
        await pilot.press("end", "up", "up")
        await sees(pilot, "task-297: connection lost")
        table = pilot.app.screen.query_one(KeyedTable)
        line = table.cursor - table.scroll_y
        if change == "another width":
            await pilot.resize_terminal(130, 24)
            await sees(pilot, "Answer in")
        else:
            for number in range(100 if change == "many fewer above" else 20):
                if change == "more above":
                    environment.add(task(1000 + number, f"urgent-{number}", minutes_left=5))
                else:
                    environment.decide_elsewhere(samples.proposal(number).proposal_id)
            await pilot.press("r")
            await no_longer_sees(pilot, "300 wait")
        await wait_until(pilot, lambda: table.cursor - table.scroll_y == line)
        assert table.chosen == row_key(297)


async def test_what_takes_room_from_the_list_leaves_the_cursor_in_sight(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(*(task(n, f"task-{n}", minutes_left=200 + n / 100) for n in range(30)))
    async with started(environment) as pilot:
        await sees(pilot, "30 wait", "task-0: connection lost")
        await pilot.press(*["down"] * 20)
        await sees(pilot, "task-20: connection lost", "12m task-20")
        await pilot.press("slash")
        await sees(pilot, "Filter: ", "12m task-20")


async def test_home_and_end_go_to_the_first_and_the_last_row(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(*(task(n, f"task-{n}", minutes_left=200 + n / 100) for n in range(30)))
    async with started(environment) as pilot:
        await sees(pilot, "30 wait", "task-0: connection lost")
        await pilot.press("end")
        await sees(pilot, "12m task-29", "task-29: connection lost")
        await pilot.press("home")
        await sees(pilot, "12m task-0", "task-0: connection lost")


async def test_the_last_minute_is_counted_in_seconds_in_the_list_too(started: Started) -> None:
    clock = Clock()
    environment = FakeEnvironment.waiting_for(task(1, "first", minutes_left=0.75), task(2, "second", minutes_left=9))
    async with started(environment, clock=clock) as pilot:
        await sees(pilot, "12m first resume 45s", "second resume 9m")
        clock.advance(7)
        await sees(pilot, "12m first resume 38s", "second resume 8m")
        clock.advance(38)
        await sees(pilot, "first resume expired")


async def test_when_the_row_goes_nothing_else_slides_under_the_approve_key(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "first"), task(2, "second"), task(3, "third"))
    async with started(environment) as pilot:
        await sees(pilot, "first: connection lost")
        environment.decide_elsewhere(samples.proposal(1).proposal_id, "bob")
        await pilot.press("r")
        await sees(pilot, "It no longer waits: RESTARTING, approved by bob", "↓ chooses the next.")
        await pilot.press("a")
        await pilot.press("enter")  # chooses; it does not answer a question that was not asked
        await sees(pilot, "second: connection lost")
        assert environment.sent == []


async def test_a_changed_record_is_loaded_again(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"))
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        changed = samples.approval(samples.proposal(1, title="sales-orders: something else"))
        environment.add(changed)
        await pilot.press("r")
        await sees(pilot, "sales-orders: something else")
        assert pilot.app.screen.query_one(Review).approval is changed


async def test_an_unchanged_record_is_read_once(started: Started) -> None:
    record = task(1, "sales-orders")
    environment = FakeEnvironment.waiting_for(record)
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("r", "r")
        await wait_until(pilot, lambda: environment.reads.count("waiting") >= 2)
        assert environment.reads.count(record.approval_id) == 1


async def test_a_refresh_that_is_still_under_way_is_not_started_again(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"))
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        before = environment.reads.count("waiting")
        environment.waits.close()
        await pilot.press("r", "r", "r")
        environment.waits.open()
        await wait_until(pilot, lambda: environment.reads.count("waiting") > before)
        assert environment.reads.count("waiting") == before + 1


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_hostile_text_is_only_text(started: Started, size: tuple[int, int]) -> None:
    hostile = samples.proposal(1, tasks=(samples.HOSTILE,), title=samples.HOSTILE, message=samples.HOSTILE)
    async with started(FakeEnvironment.waiting_for(samples.approval(hostile)), size=size) as pilot:
        await sees(pilot, "red [bold]markup[/bold] gnp.exe")
        shown = screen_text(pilot)
        assert not [char for char in shown if ord(char) < 32 and char != "\n"]
        assert "\u202e" not in shown
        await pilot.press("d")
        await sees(pilot, "Deny: leave", "[bold]markup[/bold]")


@pytest.mark.parametrize(
    ("error", "word", "advice"),
    [
        (Offline("no answer in 3 s"), "OFFLINE", "recovers by itself"),
        (Throttled("rate exceeded"), "THROTTLED", "passes by itself"),
        (CredentialsProblem("the token expired"), "CREDENTIALS", "aws sso login"),
    ],
)
async def test_trouble_is_said_in_words_locks_deciding_and_passes(
    started: Started, error: Offline, word: str, advice: str
) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"))
    environment.error = error
    async with started(environment) as pilot:
        await sees(pilot, word, advice, "deciding is locked")
        environment.error = None
        await pilot.press("r")
        await sees(pilot, "live, 0s old", "sales-orders: connection lost")
        environment.error = error
        await pilot.press("r")
        await sees(pilot, word, "sales-orders: connection lost")
        await pilot.press("a", "enter")
        assert environment.sent == []


async def test_an_environment_that_cannot_be_opened_is_tried_again(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"))
    failures = [CredentialsProblem("no credentials")]

    def open_environment() -> FakeEnvironment:
        if failures:
            raise failures.pop()
        return environment

    async with started(environment, open_environment=open_environment) as pilot:
        await sees(pilot, "CREDENTIALS", "no credentials")
        await pilot.press("r")
        await sees(pilot, "local", "sales-orders: connection lost")


async def test_old_data_locks_deciding(started: Started) -> None:
    clock = Clock()
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"))
    async with started(environment, clock=clock) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        clock.advance(31)
        await sees(pilot, "STALE, 31s old, deciding is locked")
        await pilot.press("a", "enter")
        assert environment.sent == []


async def test_read_only_says_so_and_has_no_writing_keys(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"))
    async with started(environment, read_only=True) as pilot:
        await sees(pilot, "READ-ONLY", "sales-orders: connection lost", "Open")
        footer = screen_text(pilot).splitlines()[-1]
        assert not [word for word in ("Approve", "Deny", "Claim") if word in footer]
        await pilot.press("a", "enter", "escape", "d", "c")
        assert not environment.sent
        assert not environment.claimed


async def test_a_read_only_environment_makes_the_console_read_only(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"))
    environment.read_only = True
    async with started(environment) as pilot:
        await sees(pilot, "READ-ONLY")
        await no_longer_sees(pilot, "Approve")


async def test_the_filter_narrows_and_escape_brings_all_back(started: Started) -> None:
    stopped = samples.approval(samples.proposal(2, tasks=("stock",), kind=AnomalyKind.USER_STOPPED))
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"), stopped)
    async with started(environment) as pilot:
        await sees(pilot, "12m sales-orders", "12m stock")
        await pilot.press("slash", *"user_st")
        await no_longer_sees(pilot, "12m sales-orders")
        await sees(pilot, "stock: connection lost")
        await pilot.press("enter", "escape")
        await sees(pilot, "12m sales-orders", "12m stock")


async def test_what_is_typed_faster_than_the_filter_opens_is_the_filters_and_never_means_approve(
    started: Started,
) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"), task(2, "stock"))
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost", "12m stock")
        for key, character in (("slash", "/"), ("s", "s"), ("a", "a"), ("enter", None)):
            pilot.app.post_message(events.Key(key, character))
        await wait_until(pilot, lambda: [each.value for each in pilot.app.screen.query(Input)] == ["sa"])
        await no_longer_sees(pilot, "12m stock")
        assert isinstance(pilot.app.screen, InboxScreen)
        assert environment.sent == []


async def test_the_filter_takes_keys_and_says_which_there_are(started: Started) -> None:
    stopped = samples.approval(samples.proposal(2, tasks=("stock",), kind=AnomalyKind.USER_STOPPED))
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"), stopped)
    async with started(environment, size=(120, 36)) as pilot:
        await sees(pilot, "lost 12m sales-orders", "lost 12m stock")
        await pilot.press("slash", *"!kind:user")
        await no_longer_sees(pilot, "12m stock")
        await pilot.press(" ", *"colour:x")
        await sees(pilot, "There is no key colour; there are action, cause, claimed, context,", "12m stock")
        await pilot.press("escape", "slash", *"kind:nothing")
        await sees(pilot, "Nothing that waits is like that. Esc clears the filter.", "The filter keeps it back.")
        assert "no longer waits" not in flat_text(pilot)


async def test_sorting_goes_round_marks_its_column_and_keeps_the_row(started: Started) -> None:
    quiet = samples.approval(
        samples.proposal(2, tasks=("billing",), severity=Severity.WARNING), minutes_left=300, minutes_old=90
    )
    point = PointOfNoReturn("ORA-PROD", samples.NOW, 3600)
    hurried = samples.approval(replace(samples.proposal(1), point_of_no_return=point))
    environment = FakeEnvironment.waiting_for(hurried, quiet)
    async with started(environment, size=(120, 36)) as pilot:
        await sees(pilot, "1d▾", "sales-orders: connection lost")
        table = pilot.app.screen.query_one(KeyedTable)
        labels = {row_key(1): "sales-orders", row_key(2): "billing"}
        rows = [inbox.ListedRow(row_of(each), samples.NOW) for each in environment.records.values()]
        for order in (*inbox.TABLE.orders[1:], inbox.TABLE.orders[0]):
            (column,) = (each for each in inbox.TABLE.columns if each.order is order)
            await pilot.press("s")
            await sees(pilot, f"{' '.join(column.drawn.header.split())}{SORTED}")
            first = inbox.TABLE.sorted(rows, order)[0].row.label
            assert first.endswith(labels[table.keys[0]])
            assert table.chosen == row_key(1)
            assert table.keys[table.cursor] == row_key(1)


async def test_grouping_puts_one_cause_together_and_is_remembered(started: Started, tmp_path: Path) -> None:
    fatal, position = AnomalyKind.FATAL_TRANSIENT, AnomalyKind.POSITION_LOST
    environment = FakeEnvironment.waiting_for(
        *(
            samples.approval(samples.proposal(number, tasks=(f"task-{number}",), kind=kind), minutes_left=100 + number)
            for number, kind in ((1, fatal), (2, position), (3, fatal), (4, fatal))
        )
    )
    path = tmp_path / "console.json"
    async with started(environment, size=(120, 36), memory=PreferenceFile(path)) as pilot:
        await sees(pilot, "task-1: connection lost")
        await pilot.press("down", "g")
        await sees(pilot, "┌3 connection lost 12m task-1", "└ connection lost 12m task-4")
        table = pilot.app.screen.query_one(KeyedTable)
        assert list(table.keys) == [row_key(number) for number in (1, 3, 4, 2)]
        assert (table.chosen, table.cursor) == (row_key(2), 3)
    async with started(environment, size=(120, 36), memory=PreferenceFile(path)) as pilot:
        await sees(pilot, "┌3 connection lost 12m task-1")
        await pilot.press("g")
        await no_longer_sees(pilot, "┌3")


async def test_the_review_shows_how_earlier_proposals_on_the_task_ended(started: Started) -> None:
    async with started(FakeEnvironment.waiting_for(task(1, "sales-orders")), size=(120, 60)) as pilot:
        await sees(pilot, "Earlier on this task", "1 restarted", "resume, FATAL_TRANSIENT by bob")


async def test_a_claim_is_sent_and_seen(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(task(1, "sales-orders"))
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("c")
        await sees(pilot, "@ connection lost 12m sales-orders")
        assert environment.claimed == [samples.proposal(1).proposal_id]


async def test_a_restart_that_waits_is_listed_last_takes_no_answer_and_is_stopped_after_a_question(
    started: Started,
) -> None:
    wait = EndpointWait(EndpointKey("default", "eu", "ORA-PROD"), samples.NOW + timedelta(minutes=4), samples.NOW)
    under_way = replace(task(1, "sales-orders", minutes_left=1), status=Status.RESTARTING, waits=wait)
    environment = FakeEnvironment.waiting_for(under_way, task(2, "web-logs"))
    async with started(environment, size=(200, 50)) as pilot:
        await sees(pilot, "1 waits", "1 under way", "◐ connection lost 12m sales-orders probing, next in 4m")
        await pilot.press("end", "a")
        await sees(pilot, "It is approved and waits for ORA-PROD: it takes no")  # the rest is a line of its own
        await pilot.press("x")
        await sees(pilot, "Stop this restart", "no task of it is started; it ends in 4m")
        await pilot.press("enter")
        await wait_until(pilot, lambda: environment.records[under_way.approval_id].claim is not None)
        await sees(pilot, "ends in 4m")
        assert environment.sent == []


async def test_on_a_narrow_screen_enter_opens_the_record_and_escape_goes_back(started: Started) -> None:
    async with started(FakeEnvironment.waiting_for(task(1, "sales-orders"))) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("enter")
        await sees(pilot, "What happened", "What waiting costs", "Evidence")
        assert not pilot.app.screen.query_one(KeyedTable).region
        await pilot.press("escape")
        await sees(pilot, "What broke")


async def test_what_goes_away_unseen_while_one_answers_is_not_the_next(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(*(task(number, f"task-{number}") for number in (1, 2, 3)))
    async with started(environment) as pilot:
        await sees(pilot, "task-1: connection lost")
        await pilot.press("a")
        await sees(pilot, "Approve: resume")
        state = app_of(pilot).state
        # The list draws what came a moment later.
        state.took_rows(state.current, [row for row in state.current.rows if row.approval_id[-1] != "2"])
        await pilot.press("enter")
        await sees(pilot, "task-3: connection lost", "RESTARTED")


async def test_evidence_below_the_list_begins_at_its_top_with_another_record(started: Started) -> None:
    records = (samples.approval(samples.proposal(n, tasks=(f"task-{n}",), message="why " * 250)) for n in (1, 2))
    async with started(FakeEnvironment.waiting_for(*records), size=(160, 40)) as pilot:
        aside = pilot.app.screen.query_one(Aside)
        await sees(pilot, "task-1: connection lost", "Evidence and reasons")
        await wait_until(pilot, lambda: aside.max_scroll_y > 0)
        aside.scroll_end(animate=False)
        await wait_until(pilot, lambda: aside.scroll_y > 0)
        await pilot.press("down")
        await sees(pilot, "task-2: connection lost")
        await wait_until(pilot, lambda: aside.scroll_y == 0)
