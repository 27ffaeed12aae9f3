"""Stories of links: from a record to its tasks, endpoints, run and failure, and back the way one came."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from qlikops.domain.errors import NotFound
from qlikops.domain.proposals.approval import Outcome, ProposalRecord, Status
from qlikops.tui.model.links import RecordLink, of_record
from qlikops.tui.widgets.table import KeyedTable
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, no_longer_sees, screen_text, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment
from tests.unit.tui.scenery import Demo, demo


def on_screen(pilot: Pilot[int]) -> str:
    return type(pilot.app.screen).__name__


def chosen(pilot: Pilot[int]) -> str:
    return pilot.app.screen.query_one(KeyedTable).chosen or ""


@pytest.fixture
def environment() -> Demo:
    return demo()


async def hears(pilot: Pilot[int], words: str) -> None:
    """Waits for a notice, which lies over the lines of what is below it."""
    await wait_until(pilot, lambda: any(words in each.message for each in pilot.app._notifications))


def of_one_task(environment: FakeEnvironment) -> ProposalRecord:
    return next(
        each
        for each in environment.records.values()
        if len(each.proposal.targets) == 1 and each.proposal.endpoint and each.proposal.diagnosis
    )


async def chooses(pilot: Pilot[int], record: ProposalRecord) -> None:
    """Puts the inbox's cursor on it and waits for its record."""
    await sees(pilot, "wait")
    table = pilot.app.screen.query_one("#inbox", KeyedTable)
    table.choose(next(key for key in table.keys if record.approval_id in key))
    await wait_until(pilot, lambda: app_of(pilot).screen.query_one("#review").approval is record)  # type: ignore[attr-defined]


async def test_every_link_of_a_record_opens_and_esc_goes_back_the_way_one_came(
    started: Started, environment: Demo
) -> None:
    record = of_one_task(environment)
    task = record.proposal.targets[0].key
    endpoint = record.proposal.endpoint
    assert endpoint is not None
    async with started(environment, size=(200, 50)) as pilot:
        await chooses(pilot, record)
        before = chosen(pilot)
        await pilot.press("t")
        await sees(pilot, f"task {task}")
        await pilot.press("e")
        await sees(pilot, f"endpoint {endpoint.name}", "not running")
        await pilot.press("enter")
        await wait_until(pilot, lambda: on_screen(pilot) == "TaskScreen")
        await pilot.press("escape")
        assert on_screen(pilot) == "EndpointScreen"
        await pilot.press("escape", "escape")
        await wait_until(pilot, lambda: on_screen(pilot) == "InboxScreen")
        assert chosen(pilot) == before
        await pilot.press("F")
        await sees(pilot, "What is known of it", "Look at")
        await pilot.press("escape", "R")
        await wait_until(pilot, lambda: on_screen(pilot) == "ExecutionScreen")
        await pilot.press("escape")
        assert on_screen(pilot) == "InboxScreen"


async def test_a_task_leads_to_what_waits_in_the_inbox_and_esc_leads_back_to_the_fleet(
    started: Started, environment: Demo
) -> None:
    record = of_one_task(environment)
    task = record.proposal.targets[0].key
    tasks = tuple(
        replace(each, proposal_id=record.approval_id) if each.facts.key == task else each
        for each in environment.taken.tasks
    )
    environment.taken = replace(environment.taken, tasks=tasks)
    async with started(environment, size=(200, 50)) as pilot:
        await sees(pilot, "wait")
        await pilot.press("3")
        await sees(pilot, "servers")
        pilot.app.screen.query_one(KeyedTable).choose(task.full)
        await pilot.press("enter")
        await sees(pilot, f"task {task}", "⏎ Its proposal")
        await pilot.press("enter")
        await wait_until(pilot, lambda: on_screen(pilot) == "InboxScreen")
        assert record.approval_id in chosen(pilot)
        await pilot.press("escape", "escape")
        await wait_until(pilot, lambda: on_screen(pilot) == "TaskScreen")
        await pilot.press("3")
        await wait_until(pilot, lambda: on_screen(pilot) == "FleetScreen")
        assert chosen(pilot) == task.full


async def test_the_tasks_of_a_group_are_a_part_of_the_fleet(started: Started, environment: Demo) -> None:
    record = max(environment.records.values(), key=lambda each: len(each.proposal.targets))
    keys = {target.key for target in record.proposal.targets}
    tasks = tuple(
        replace(each, proposal_id=record.approval_id) if each.facts.key in keys else each
        for each in environment.taken.tasks
    )
    environment.taken = replace(environment.taken, tasks=tasks)
    async with started(environment, size=(200, 50)) as pilot:
        await chooses(pilot, record)
        await pilot.press("t")
        await sees(pilot, f"proposal:{record.approval_id}", f"{len(keys)} of {len(tasks)} tasks")
        first = chosen(pilot)
        await pilot.press("enter")
        title = "task " + first.split("/", 1)[1]
        await sees(pilot, title)
        await pilot.press("n")
        await no_longer_sees(pilot, title)
        await sees(pilot, "task replicate")
        await pilot.press("escape")
        await sees(pilot, f"{len(keys)} of {len(tasks)} tasks")
        await pilot.press("escape")
        assert on_screen(pilot) == "InboxScreen"


async def test_what_is_over_has_a_screen_of_its_own(started: Started, environment: Demo) -> None:
    record = of_one_task(environment)
    over = replace(record, status=Status.EXPIRED, outcome=Outcome(Status.EXPIRED, at=samples.NOW))
    environment.records[record.approval_id] = over
    async with started(environment, size=(200, 50)) as pilot:
        await sees(pilot, "wait")
        app_of(pilot).state.navigation.go(RecordLink("demo", record.approval_id))
        await sees(pilot, "It no longer waits: EXPIRED")
        await pilot.press("t")
        await sees(pilot, f"task {record.proposal.targets[0].key}")
        await pilot.press("escape", "escape")
        assert on_screen(pilot) == "InboxScreen"
        app_of(pilot).state.navigation.go(RecordLink("demo", "0000"))
        await sees(pilot, "no approval 0000")


async def test_o_opens_enterprise_manager_and_says_its_address_without_a_display(
    started: Started, environment: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "elsewhere")
    servers = tuple(replace(each, console="https://qem.example") for each in environment.taken.servers)
    record = of_one_task(environment)
    async with started(environment, size=(200, 50)) as pilot:
        await chooses(pilot, record)
        await pilot.press("o")
        await hears(pilot, "The address of its Enterprise Manager is not known")
        environment.taken = replace(environment.taken, servers=servers)
        await pilot.press("o")
        await hears(
            pilot, "no display here to open it on: https://qem.example Its tasks have no addresses of their own"
        )
        assert pilot.app.clipboard == "https://qem.example"


async def test_a_run_that_is_gone_is_said(started: Started, environment: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    record = of_one_task(environment)

    def gone(*_: object, **__: object) -> None:
        raise NotFound("AWS keeps executions for 90 days.")

    monkeypatch.setattr("tests.unit.tui.fakes.FakeExecutions.detail", gone)
    async with started(environment, size=(200, 50)) as pilot:
        await chooses(pilot, record)
        await pilot.press("R")
        await hears(pilot, "AWS keeps executions for 90 days.")
        assert on_screen(pilot) == "InboxScreen"


def test_a_record_of_an_earlier_version_leads_as_far_as_it_knows() -> None:
    record = samples.approval()
    bare = replace(record.proposal, targets=tuple(replace(each, basis=None) for each in record.proposal.targets))
    found = of_record("local", replace(record, proposal=bare))
    assert found.task is not None
    assert found.endpoint is None
    assert found.other_endpoint is None


async def test_what_is_of_another_context_says_so_in_the_title(started: Started) -> None:
    elsewhere = FakeEnvironment.waiting_for(samples.approval())
    elsewhere.name = "prod-apac"
    async with started(FakeEnvironment(name="prod-eu"), size=(120, 36), others=(elsewhere,)) as pilot:
        await sees(pilot, "sales-orders", "prod-eu, prod-apac")
        await wait_until(pilot, lambda: app_of(pilot).screen.query_one("#review").approval is not None)  # type: ignore[attr-defined]
        await pilot.press("t")
        await sees(pilot, "task replicate-eu-1/sales-orders")
        await wait_until(pilot, lambda: "▐prod-apac▌" in screen_text(pilot))
        await pilot.press("escape", "3")
        await wait_until(pilot, lambda: "▐prod-eu▌" in screen_text(pilot))
