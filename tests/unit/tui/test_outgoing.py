"""Stories of what goes out and does not fit: it says so, is read by key, and is not sent before it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.workflow.execution import ExecutionDetail
from qlikops.tui.widgets.outgoing import Outgoing
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, asked, dialog_text, flat_text, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment

FIRST = samples.proposal(1).proposal_id
SIZE = (80, 24)


def long_one() -> ProposalRecord:
    """Three tasks whose names take three lines each."""
    subject = samples.proposal(
        1, tasks=tuple(f"{name}-{name * 180}" for name in "xyz"), title="sales-orders: connection lost"
    )
    return samples.approval(subject)


@pytest.fixture
def environment() -> FakeEnvironment:
    return FakeEnvironment.waiting_for(long_one())


def lines(pilot: Pilot[Any]) -> Outgoing:
    return pilot.app.screen.query_one(Outgoing)


@pytest.mark.parametrize("size", [SIZE, (60, 20)])
async def test_what_does_not_fit_says_so_is_scrolled_by_key_and_is_not_sent_unread(
    started: Started, environment: FakeEnvironment, size: tuple[int, int]
) -> None:
    async with started(environment, size=size) as pilot:
        await asked(pilot, "a", "more lines below: PgDn", "There is more of what will be sent: PgDn shows it.")
        assert "then nothing is restarted" not in dialog_text(pilot)
        await pilot.press("enter")
        assert environment.sent == []
        while lines(pilot).below:
            before = lines(pilot).below
            await pilot.press("pagedown")
            await wait_until(pilot, lambda before=before: lines(pilot).below < before)  # type: ignore[misc]
        await sees(pilot, "lines above: PgUp", "then nothing is restarted", "Enter sends.")
        await pilot.press("pageup")
        await sees(pilot, "below: PgDn", "Enter sends.")
        await pilot.press("enter")
        await wait_until(pilot, lambda: [sent[0] for sent in environment.sent] == [FIRST])


async def test_it_takes_the_focus_where_there_is_something_to_scroll(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=SIZE) as pilot:
        await asked(pilot, "a", "below: PgDn")
        await pilot.press("shift+tab", "shift+tab")
        assert pilot.app.focused is lines(pilot).window
        below = lines(pilot).below
        await pilot.press("down")
        await wait_until(pilot, lambda: lines(pilot).below < below)
        await pilot.press("end")
        await sees(pilot, "then nothing is restarted", "Esc goes back.")
        assert "Enter" not in dialog_text(pilot)


async def test_in_a_denial_the_keys_work_from_the_reason_and_what_one_writes_oneself_has_been_seen(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=SIZE) as pilot:
        await asked(pilot, "d", "below: PgDn")
        await pilot.press(*"no", "enter")
        assert environment.sent == []
        await pilot.press("pagedown", "pagedown")
        await no_longer_sees(pilot, "There is more of what will be sent")
        await pilot.press(*(" because" * 12), "enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)


@pytest.mark.parametrize("key", ["a", "d"])
async def test_what_fits_is_not_asked_for_and_has_no_hint(started: Started, key: str) -> None:
    async with started(FakeEnvironment.waiting_for(samples.approval()), size=SIZE) as pilot:
        await asked(pilot, key, "then nothing is restarted")
        await wait_until(pilot, lambda: lines(pilot).is_seen)
        assert "PgDn" not in flat_text(pilot)
        assert not lines(pilot).window.can_focus


async def test_a_smaller_terminal_hides_lines_and_a_larger_one_shows_them_again(started: Started) -> None:
    cautions = tuple(f"Caution {number}" for number in range(9))
    record = samples.approval(assessed=replace(samples.evaluation(), cautions=cautions))
    async with started(FakeEnvironment.waiting_for(record), size=(120, 36)) as pilot:
        await asked(pilot, "a", "then nothing is restarted")
        await pilot.resize_terminal(60, 20)
        await sees(pilot, "below: PgDn", "Esc Back")
        await pilot.resize_terminal(120, 36)
        await sees(pilot, "then nothing is restarted", "Enter sends.")
        await no_longer_sees(pilot, "PgDn")


async def test_what_is_read_only_later_has_to_be_seen_as_well(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval())
    environment.runs = [run] = [samples.execution()]
    usual: ExecutionDetail = samples.execution_detail(run)
    (one,) = usual.proposals
    many = tuple(replace(one, proposal_id=f"{n:012x}", label=f"server-{n}/{'task' * 20}") for n in range(9))
    environment.details[run.arn] = replace(usual, proposals=many)
    async with started(environment, size=(60, 20)) as pilot:
        await pilot.press("4")
        await sees(pilot, "run-0711")
        await pilot.press("x", *"no")
        await sees(pilot, "Stop this run", "below: PgDn", "There is more of what will be sent")
        await pilot.press("enter")
        assert environment.written == []
        await pilot.press("pagedown", "pagedown", "pagedown", "enter")
        await wait_until(pilot, lambda: len(environment.written) == 1)
