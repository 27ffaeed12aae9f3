"""The dialog that approves: options, checks to tick, tasks to leave out, and the word before what cannot be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from qlikops.domain.fleet.endpoint import EndpointKey, Probe, ProbeAnswer
from qlikops.domain.fleet.task import Action
from qlikops.domain.ports import Approve
from qlikops.domain.proposals.proposal import Option, Proposal
from qlikops.tui.model.outbox import Outbox, Sending
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, asked, flat_text, no_longer_sees, screen_text, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment

RESTORE = Option("resume", Action.RESUME, "restore the log, then resume", ("Restore the log.", "Ask the DBA."))
RELOAD = Option(
    "reload", Action.RELOAD, "reload the target from the source", ("Tell the readers.",), "what the target has"
)
PLAIN = Option("resume", Action.RESUME, "resume from where it stopped")
NAMES = ("sales-orders", "stock", "payments")
WORD = "To send it, type"
A_TASK = "the first word of the task's name"


def waits(*options: Option, tasks: tuple[str, ...] = NAMES[:1]) -> FakeEnvironment:
    made: Proposal = replace(samples.proposal(1, tasks=tasks), options=options)
    return FakeEnvironment.waiting_for(samples.approval(replace(made, title="sales-orders: connection lost")))


def sent(environment: FakeEnvironment) -> Approve:
    ((_, request),) = environment.sent
    assert isinstance(request, Approve)
    return request


async def test_enter_goes_from_check_to_check_and_what_was_ticked_is_sent(started: Started) -> None:
    environment = waits(replace(PLAIN, checks=RESTORE.checks))
    async with started(environment) as pilot:
        await asked(pilot, "a", "[ ] Restore the log.", "Resume 1 task with 2 checks open")
        await pilot.press("space")
        await sees(pilot, "[x] Restore the log.", "Resume 1 task with 1 check open")
        await pilot.press("enter", "space")
        await sees(pilot, "[x] Ask the DBA.", "⏎ Resume 1 task Esc Back")
        await pilot.press("pagedown", "enter", "enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)
    assert sent(environment).checked == RESTORE.checks


async def test_with_a_check_open_enter_alone_sends_nothing(started: Started) -> None:
    environment = waits(replace(PLAIN, checks=RESTORE.checks))
    async with started(environment) as pilot:
        await asked(pilot, "a", "Resume 1 task with 2 checks open")
        await pilot.press("enter", "enter", "enter")
        await no_longer_sees(pilot, "Approve: resume")
        assert environment.sent == []
        await asked(pilot, "a", "Resume 1 task with 2 checks open")
        await pilot.press("pagedown", "enter", "enter", "left", "enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)
    assert sent(environment).checked == ()


async def test_a_task_that_is_left_out_is_not_sent_and_one_always_stays(started: Started) -> None:
    environment = waits(PLAIN, tasks=NAMES)
    async with started(environment) as pilot:
        await asked(pilot, "a", "then 2 [x] replicate-eu-1/sales-orders 42 tables")
        await pilot.press("up", "up", "down", "space")
        await sees(pilot, "left out, proposed again", "Resume 2 of 3 tasks", "2 tasks, 84 tables")
        await pilot.press("down", "space", "down", "space")
        await sees(pilot, "Resume 1 of 3 tasks", "1 task, 42 tables")
        await pilot.press("pagedown", "enter", "enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)
    assert sent(environment).tasks == ("replicate-eu-1/stock",)


async def test_a_reload_is_sent_by_a_word_and_by_nothing_else(started: Started) -> None:
    environment = waits(RESTORE, RELOAD)
    async with started(environment) as pilot:
        await asked(pilot, "a", "(•) restore the log, then resume loses nothing", "[ ] Restore the log.")
        await pilot.press("up", "space")
        await sees(
            pilot,
            "CAN'T BE UNDONE",
            "Lost what the target has",
            "[ ] Tell the readers.",
            "the first word of the task's name: sales",
        )
        assert "╔" in screen_text(pilot)
        assert "Resume 1 task" not in flat_text(pilot)
        await pilot.press("down", "space", "pagedown", "pagedown", "enter", "enter", "enter")
        await sees(pilot, "[x] Tell the readers.", "A reason is needed: the advice is to restore the log, then resume.")
        await pilot.press(*"gone", "enter", "enter")
        await sees(pilot, f"{WORD} {A_TASK}, sales")
        await pilot.press(*"stock", "enter")
        assert environment.sent == []
        await pilot.press(*["backspace"] * 5, *"Sales", "enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)
    request = sent(environment)
    assert (request.option, request.checked, request.reason) == ("reload", ("Tell the readers.",), "gone")


async def test_what_enter_does_is_said_by_what_has_the_focus(started: Started) -> None:
    environment = waits(replace(PLAIN, checks=RESTORE.checks))
    async with started(environment) as pilot:
        await asked(pilot, "a")
        await pilot.press("pagedown")
        await sees(pilot, "Space ticks and chooses. Enter goes on. Esc goes back.")
        await pilot.press("enter", "enter")
        await sees(pilot, "Enter goes back; ← then Enter sends.")
        await pilot.press("left")
        await sees(pilot, "Enter sends. Esc goes back.")
        assert "Enter goes back" not in flat_text(pilot)


async def test_what_enter_does_is_said_of_a_reload_too_where_no_button_sends(started: Started) -> None:
    environment = waits(RESTORE, RELOAD)
    async with started(environment) as pilot:
        await asked(pilot, "a")
        await pilot.press("up", "space", "pagedown", "pagedown", "down", "enter", "enter", *"gone", "enter", *"sales")
        await sees(pilot, "Enter sends, once it is")
        await pilot.press("tab")
        await sees(pilot, "Enter goes back.")
        assert "then Enter sends" not in flat_text(pilot)
        await pilot.press("shift+tab", "enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)


async def test_a_record_of_an_earlier_version_that_reloads_takes_the_word_too(started: Started) -> None:
    made = samples.proposal(1, tasks=NAMES, action=Action.RELOAD, title="sales-orders: connection lost")
    environment = FakeEnvironment.waiting_for(samples.approval(made))
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("a")
        await sees(pilot, "CAN'T BE UNDONE", f"{WORD} the number of tables, 126, then Enter.")
        await pilot.press("enter")
        assert environment.sent == []
        await pilot.press(*"126", "enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)
    assert (sent(environment).option, sent(environment).tasks) == ("", ())


async def test_choosing_the_gentler_way_again_takes_the_warning_away(started: Started) -> None:
    environment = waits(RESTORE, RELOAD)
    async with started(environment) as pilot:
        await asked(pilot, "a")
        await pilot.press("up", "space")
        await sees(pilot, "CAN'T BE UNDONE")
        await pilot.press("up", "space")
        await sees(pilot, "Approve: resume", "Resume 1 task with 2 checks open")
        assert "╔" not in screen_text(pilot)


def test_what_loads_tables_again_is_held_back_longer() -> None:
    sendings: dict[Any, Sending] = {}
    outbox = Outbox("demo", cast("Any", None), lambda: samples.NOW, timedelta(seconds=3), sendings)
    made = replace(samples.proposal(1), options=(RESTORE, RELOAD))
    held = {}
    for name in ("", "resume", "reload"):
        outbox.send([(samples.approval(made), Approve("d", option=name))], cast("Any", None))
        ((_, sending),) = sendings.items()
        held[name] = sending.due and (sending.due - samples.NOW).total_seconds()
    assert held == {"": 3, "resume": 3, "reload": 10}


async def test_cancel_is_in_sight_however_long_what_speaks_against_it_is(started: Started) -> None:
    probe = Probe(EndpointKey("default", "eu", "ORA-PROD"), ProbeAnswer.ERROR, samples.NOW, "no listener " * 9)
    for size in ((120, 36), (80, 24), (60, 20)):
        # Each its own: the claim of a console that has just ended may still be there.
        environment = FakeEnvironment.waiting_for(samples.approval(replace(samples.proposal(1), probe=probe)))
        async with started(environment, size=size) as pilot:
            await asked(pilot, "a", "Resume 1 task although ORA-PROD")
            (buttons,) = (row for row in screen_text(pilot).splitlines() if "Resume 1 task although" in row)
            assert "Esc Back" in buttons
