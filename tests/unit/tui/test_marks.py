"""Stories of answering several at once: each is listed, each is answered for itself."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from qlikops.domain.errors import AlreadyDecided, ApprovalExpired, DecisionUnknown, Offline, QlikopsError
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action
from qlikops.domain.ports import Deny
from qlikops.domain.proposals.approval import Decision, ProposalRecord, Status
from qlikops.domain.proposals.evaluation import Evaluation, Risk, Verdict
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, dialog_text, flat_text, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment
from tests.unit.tui.scenes import record_is_there

TASKS = ("orders", "stock", "prices", "refunds")
SIZE = (84, 40)
KEYS = {" ": "space", "?": "question_mark", "!": "exclamation_mark", ":": "colon", "/": "slash"}


CAUSE = "source ORA-ERP on replicate-eu-1"


def record(number: int, *, assessed: Evaluation | None = None, cause: str = CAUSE, **more: Any) -> ProposalRecord:
    subject = samples.proposal(number, tasks=(TASKS[number - 1],), cause=cause, **more)
    return samples.approval(subject, assessed=assessed, minutes_left=200 + number)


@pytest.fixture
def environment() -> FakeEnvironment:
    return FakeEnvironment.waiting_for(*(record(number) for number in (1, 2, 3)))


async def mark(pilot: Pilot[Any], number: int) -> None:
    """Marks the first `number` rows."""
    await sees(pilot, "orders: connection lost")
    await pilot.press(*["space"] * number)
    await sees(pilot, "A D Marked")
    # A wide terminal has a column between the two.
    await wait_until(pilot, lambda: bool(re.search(rf"■ connection lost (\w+ )?{TASKS[number - 1]}", flat_text(pilot))))


async def asked_about_three(pilot: Pilot[Any], key: str) -> None:
    """Marks three rows and opens the dialog that `key` opens."""
    await mark(pilot, 3)
    await pilot.press(key)
    await sees(pilot, "3 of 3 ticked")


def ids(*numbers: int) -> list[str]:
    return [samples.proposal(number).proposal_id for number in numbers]


async def test_what_is_ticked_is_approved_one_after_the_other_each_with_its_own_digest(
    started: Started, environment: FakeEnvironment
) -> None:
    digests = {approval_id: one.digest for approval_id, one in environment.records.items()}
    async with started(environment, size=SIZE) as pilot:
        await mark(pilot, 3)
        await pilot.press("A")
        await sees(
            pilot,
            "Approve together",
            "3 of 3 ticked",
            "3 tasks, 126 tables",
            *digests,
        )
        await pilot.press("down", "space")
        await sees(pilot, "2 of 3 ticked", "Approve 2")
        assert (flat_text(pilot).count("[x]"), flat_text(pilot).count("[ ]")) == (2, 1)
        await pilot.press("enter")
        assert environment.sent == []
        await pilot.press("enter")
        await wait_until(pilot, lambda: [approval_id for approval_id, _ in environment.sent] == ids(1, 3))
        assert all(request.approved and request.digest == digests[key] for key, request in environment.sent)
        assert len({request.decision_id for _, request in environment.sent}) == 2
        await sees(pilot, "1 waits", "■ connection lost stock")


async def test_while_it_counts_down_escape_holds_back_all_of_them(
    started: Started, environment: FakeEnvironment
) -> None:
    clock = Clock()
    async with started(environment, size=SIZE, clock=clock, hold_seconds=3) as pilot:
        await mark(pilot, 2)
        await pilot.press("A")
        await sees(pilot, "2 of 2 ticked")
        await pilot.press("enter", "enter")
        await sees(pilot, "approve replicate-eu-1/orders and 1 more. Esc: do not send")
        await pilot.press("escape")
        await sees(pilot, "2 not sent")
        clock.advance(5)
        await pilot.press("r")
        assert environment.sent == []


async def test_a_cause_or_all_that_is_shown_is_marked_at_once(started: Started, environment: FakeEnvironment) -> None:
    environment.add(record(4, cause="target SNOWFLAKE"))
    async with started(environment, size=SIZE) as pilot:
        await sees(pilot, "4 wait", "orders: connection lost")
        await pilot.press("m")
        await sees(pilot, "4 wait, oldest 12m, 3 marked")
        await pilot.press("A")
        await sees(pilot, "Approve together", "3 of 3 ticked")
        await pilot.press("escape", "M", "D")
        await sees(pilot, "Deny together", "4 of 4 ticked")
        await pilot.press("escape", "M")
        await no_longer_sees(pilot, "marked")
        await pilot.press("slash", *"snowflake", "enter", "M", "D")
        await sees(pilot, "Deny together", "1 of 1 ticked")


async def test_reading_what_is_marked_is_said_and_escape_gives_it_up(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=SIZE) as pilot:
        await mark(pilot, 3)
        environment.loads.close()
        await pilot.press("A", "enter", "enter")
        await sees(pilot, "Approve together", "Reading the 3 marked … Esc gives up.")
        await pilot.press("escape")
        await no_longer_sees(pilot, "Reading the 3 marked")
        environment.loads.open()
        await pilot.press("D")
        await sees(pilot, "Deny together", "3 of 3 ticked")
        await pilot.press("escape")
        await no_longer_sees(pilot, "together")
        assert environment.sent == []


async def test_what_is_typed_after_the_key_is_the_reason_and_acts_on_no_list(
    started: Started, environment: FakeEnvironment
) -> None:
    """Every letter that means something in the inbox, at once, while the records are on their way."""
    reason = "a dam scary gap: DAMc 12345?!0 / n"
    async with started(environment, size=SIZE) as pilot:
        await sees(pilot, "orders: connection lost")
        environment.loads.close()
        for key in ("M", "D", *reason):
            pilot.app.post_message(events.Key(KEYS.get(key, key), key))
        await sees(pilot, "Deny together", "Reading the 3 marked")
        await wait_until(pilot, lambda: pilot.app.screen.query_one("#reason", Input).value == reason)
        environment.loads.open()
        await sees(pilot, "3 of 3 ticked")
        await pilot.press("enter", "enter")
        await wait_until(pilot, lambda: [request.reason for _, request in environment.sent] == [reason] * 3)
        assert not environment.claimed


async def test_records_that_come_late_take_no_enter_before_they_can_have_been_read(
    started: Started, environment: FakeEnvironment
) -> None:
    clock = Clock()
    async with started(environment, size=SIZE, clock=clock) as pilot:
        await mark(pilot, 2)
        environment.loads.close()
        await pilot.press("A")
        await sees(pilot, "Reading the 2 marked")
        clock.advance(5)
        environment.loads.open()
        await sees(pilot, "It has only just been read: look at it first.")
        await pilot.press("enter", "enter")
        assert environment.sent == []
        clock.advance(1)
        await sees(pilot, "2 of 2 ticked")
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(environment.sent) == 2)


async def test_the_messages_and_cautions_of_all_that_is_ticked_are_read_to_their_end_before_it_goes_out(
    started: Started, environment: FakeEnvironment
) -> None:
    message = "ORA-12541: " + "no listener " * 60 + "the very end"
    environment.add(record(1, message=message))
    async with started(environment, size=(80, 24)) as pilot:
        await mark(pilot, 2)
        await pilot.press("A")
        await sees(pilot, "more lines below: PgDn")
        await pilot.press("enter", "enter")
        assert environment.sent == []
        while "There is more of what will be sent" in flat_text(pilot):
            await pilot.press("pagedown")
        assert "The source was patched an hour ago." in dialog_text(pilot)
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(environment.sent) == 2)


@pytest.mark.parametrize(
    "other",
    [{"kind": AnomalyKind.USER_STOPPED}, {"action": Action.RELOAD}, {"cause": "target SNOWFLAKE"}, {"cause": ""}],
)
async def test_different_causes_are_not_approved_together(
    started: Started, environment: FakeEnvironment, other: dict[str, Any]
) -> None:
    environment.add(record(2, **other))
    async with started(environment, size=(200, 50)) as pilot:
        await mark(pilot, 2)
        await pilot.press("A")
        await sees(pilot, "Not together: ")
        await pilot.press("enter", "enter")
        assert environment.sent == []


async def test_what_has_no_sound_evaluation_starts_unticked_and_says_why(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.add(record(2, assessed=samples.evaluation(Verdict.DENY)))
    async with started(environment, size=SIZE) as pilot:
        await mark(pilot, 2)
        await pilot.press("A")
        await sees(pilot, "1 of 2 ticked", "AI says deny")
        await pilot.press("escape")
        await no_longer_sees(pilot, "Approve together")
        assert environment.sent == []


async def test_denying_the_marked_takes_one_reason_whatever_their_cause(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.add(record(2, kind=AnomalyKind.USER_STOPPED))
    async with started(environment, size=SIZE) as pilot:
        await mark(pilot, 2)
        await pilot.press("D")
        await sees(pilot, "Deny together", "A reason is required.")
        await pilot.press("enter", "enter")
        assert environment.sent == []
        await pilot.press(*"patching", "enter", "enter")
        await wait_until(pilot, lambda: [approval_id for approval_id, _ in environment.sent] == ids(1, 2))
        assert {(request.approved, request.reason) for _, request in environment.sent} == {(False, "patching")}


async def test_one_that_somebody_else_decides_while_the_list_is_open_is_left_out(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=SIZE) as pilot:
        await mark(pilot, 2)
        await pilot.press("A")
        await sees(pilot, "2 of 2 ticked")
        environment.decide_elsewhere(ids(1)[0])
        app_of(pilot).state.load_rows(pilot.app)
        await sees(
            pilot, "Left out:", "replicate-eu-1/orders: It no longer waits: RESTARTING, approved by bob", "Approve 1"
        )
        assert re.search(r"\[–\] replicate-eu-1/orders.*\[x\] replicate-eu-1/", flat_text(pilot))
        await pilot.press("enter", "enter")
        await wait_until(pilot, lambda: [approval_id for approval_id, _ in environment.sent] == ids(2))


async def test_one_that_is_another_than_its_row_says_is_left_out_from_the_start(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=SIZE) as pilot:
        await mark(pilot, 2)
        environment.add(replace(environment.records[ids(1)[0]], digest="0" * 64))
        await pilot.press("D")
        await sees(pilot, "1 of 2 ticked", "[–] replicate-eu-1/orders")
        assert environment.reads.count("waiting") == 1


@pytest.mark.parametrize("readable", [2, 0])
async def test_of_several_one_that_is_gone_keeps_none_of_the_others(
    started: Started, environment: FakeEnvironment, readable: int
) -> None:
    async with started(environment, size=SIZE) as pilot:
        await mark(pilot, 3)
        for gone in ids(1, 2, 3)[readable:]:
            del environment.records[gone]
        await pilot.press("D")
        if readable:
            gone = f"{ids(3)[0]} has no record any more"
            await sees(pilot, "2 of 2 ticked", f"Left out: prices (replicate-eu-1): {gone}")
            await pilot.press("x", "enter")
            await wait_until(pilot, lambda: [sent for sent, _ in environment.sent] == ids(1, 2))
        else:
            await sees(pilot, "2 more have no record that can be read. Nothing was sent. Esc closes.")


async def test_of_many_that_are_left_out_the_first_are_named_and_the_rest_is_counted(
    started: Started, environment: FakeEnvironment
) -> None:
    for number in range(4, 13):
        environment.add(samples.approval(samples.proposal(number, tasks=(f"t-{number}",)), minutes_left=200 + number))
    async with started(environment, size=(80, 24)) as pilot:
        await record_is_there(pilot)
        await pilot.press("M", "D")
        await sees(pilot, "12 of 12 ticked")
        for number in range(3, 13):
            del environment.records[ids(number)[0]]
        await pilot.press(*"why")
        app_of(pilot).state.load_rows(pilot.app)
        await sees(pilot, "2 of 12 ticked", "7 more are left out.", "Deny 2")


async def test_one_whose_row_cannot_be_read_is_not_marked(started: Started, environment: FakeEnvironment) -> None:
    environment.spoilt = {ids(1)[0]}
    async with started(environment, size=SIZE) as pilot:
        await sees(pilot, "cannot be read: ", "3 wait")
        await pilot.press("M")
        await sees(pilot, "3 wait, oldest 12m, 2 marked")
        await pilot.press("home", "space")
        await sees(pilot, "3 wait, oldest 12m, 2 marked")


async def test_each_answer_is_sent_in_order_though_one_was_too_late_and_all_are_counted(
    started: Started, environment: FakeEnvironment
) -> None:
    first, second, third, fourth = ids(1, 2, 3, 4)
    bob = Decision(False, by="arn:aws:iam::1:user/bob")
    environment.decide_errors[first] = AlreadyDecided("too late", decision=bob, status=Status.DENIED)
    environment.decide_errors[second] = ApprovalExpired("too late")
    environment.decide_errors[fourth] = DecisionUnknown("the connection broke after sending")
    environment.add(record(4))
    environment.outcomes.close()
    async with started(environment, size=SIZE) as pilot:
        await mark(pilot, 4)
        await pilot.press("A")
        await sees(pilot, "4 of 4 ticked")
        await pilot.press("enter", "enter")
        await sees(pilot, "1 already denied by bob, 1 expired, 1 RESTARTING, 1 not known yet y copies all of it")
        assert [approval_id for approval_id, _ in environment.sent] == [third]
        environment.outcomes.open()
        await sees(pilot, "1 already denied by bob, 1 expired, 1 RESTARTED, 1 WAITING")
        await pilot.press("y")
        copied = pilot.app.clipboard
        assert [block.split()[1] for block in copied.split("\n\n")] == [first, second, third, fourth]
        assert "no receipt" in copied
        assert environment.sent[0][1].decision_id in copied


@pytest.mark.parametrize(("rows", "key"), [(1, "d"), (2, "D")])
async def test_a_denial_is_not_warned_of_what_speaks_against_approving(
    started: Started, environment: FakeEnvironment, rows: int, key: str
) -> None:
    environment.add(record(1, action=Action.RELOAD, assessed=samples.evaluation(Verdict.DENY, Risk.HIGH)))
    async with started(environment, size=SIZE) as pilot:
        await sees(pilot, "orders: connection lost")
        await pilot.press(*["space"] * rows, *["up"] * rows, key)
        await sees(pilot, "1 task as proposed: 1 ERROR" if rows == 1 else "2 tasks as proposed: 2 ERROR", "asked again")
        said = dialog_text(pilot)
        assert "Deny" in said
        for warning in ("Careful", "although", "says deny", "risk", "reload"):
            assert warning not in said


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (DecisionUnknown("the connection broke after sending"), "1 not known yet, 2 not sent"),
        (Offline("no answer"), "1 not sent (offline), 2 not sent"),
    ],
)
async def test_where_nobody_knows_what_became_of_one_the_rest_stays_here(
    started: Started, environment: FakeEnvironment, error: QlikopsError, counted: str
) -> None:
    environment.decide_errors[ids(1)[0]] = error
    environment.outcomes.close()
    async with started(environment, size=SIZE) as pilot:
        await asked_about_three(pilot, "A")
        await pilot.press("enter", "enter")
        await sees(pilot, counted)
        assert environment.sent == []
        environment.outcomes.open()


async def test_what_has_not_gone_out_can_be_taken_back_while_the_first_is_sent(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.decides.close()
    async with started(environment, size=SIZE) as pilot:
        await asked_about_three(pilot, "A")
        await pilot.press("enter", "enter")
        await sees(pilot, "To be sent next: approve", "and 1 more. Esc: do not send", "1 on the way, 2 to be sent")
        await pilot.press("escape")
        await sees(pilot, "1 on the way, 2 not sent")
        environment.decides.open()
        await sees(pilot, "1 RESTARTED, 2 not sent")
        assert [approval_id for approval_id, _ in environment.sent] == ids(1)


async def test_what_has_not_gone_out_stays_here_when_the_data_is_no_longer_live(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.decides.close()
    async with started(environment, size=SIZE) as pilot:
        await asked_about_three(pilot, "A")
        await pilot.press("enter", "enter")
        await sees(pilot, "1 on the way, 2 to be sent")
        environment.error = Offline("no answer")
        await pilot.press("r")
        await sees(pilot, "1 on the way, 2 not sent")
        environment.error = None
        environment.decides.open()
        await sees(pilot, "1 RESTART", "2 not sent")
        assert [approval_id for approval_id, _ in environment.sent] == ids(1)


async def test_several_denials_are_on_the_way_at_once(started: Started, environment: FakeEnvironment) -> None:
    environment.decides.close()
    async with started(environment, size=SIZE) as pilot:
        await asked_about_three(pilot, "D")
        await pilot.press(*"patching", "enter")
        await sees(pilot, "3 on the way")
        environment.decides.open()
        await sees(pilot, "3 DENIED")


async def test_a_storm_is_denied_by_a_few_keys(started: Started) -> None:
    storm = [samples.approval(samples.proposal(number, tasks=(f"task-{number}",))) for number in range(200)]
    environment = FakeEnvironment.waiting_for(*storm)
    async with started(environment, size=SIZE) as pilot:
        await sees(pilot, "200 wait")
        await record_is_there(pilot)
        await pilot.press("M", "D")
        await sees(pilot, "200 of 200 ticked")
        await pilot.press(*"patching", "enter")
        await sees(pilot, "200 DENIED y copies all of it", "Nothing waits for a decision.")
        assert len(environment.sent) == 200


async def test_another_screen_says_in_its_status_line_what_became_of_all(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.decides.close()
    async with started(environment, size=SIZE) as pilot:
        await asked_about_three(pilot, "A")
        await pilot.press("enter", "enter", "4")
        await sees(pilot, "To be sent next")
        environment.decides.open()
        await sees(pilot, "3 RESTARTED")
        assert not pilot.app._notifications


async def test_what_goes_against_advice_is_approved_together_with_a_reason_only(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.add(record(2, assessed=samples.evaluation(Verdict.DENY)))
    async with started(environment, size=SIZE) as pilot:
        await mark(pilot, 2)
        await pilot.press("A")
        await sees(pilot, "1 of 2 ticked", "Why (not needed)")
        await pilot.press("down", "space")
        await sees(pilot, "A reason is needed: the AI says deny.")
        await pilot.press("pagedown", "enter", *"known", "enter", "enter")
        await wait_until(pilot, lambda: [request.reason for _, request in environment.sent] == ["known"] * 2)


async def test_denying_together_can_snooze_all(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment, size=SIZE) as pilot:
        await mark(pilot, 2)
        await pilot.press("D")
        await sees(pilot, "Deny together", "Stays 2 tasks as proposed: 2 ERROR", "after the usual cooldown")
        await pilot.press(*"patching", "down")
        await sees(pilot, "(•) in 1 hour")
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(environment.sent) == 2)
        assert {isinstance(request, Deny) and request.snooze for _, request in environment.sent} == {timedelta(hours=1)}


async def test_a_list_that_is_longer_than_its_window_says_how_much_lies_below(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(
        *(samples.approval(samples.proposal(n, tasks=(f"task-{n}",), cause=CAUSE)) for n in range(1, 21))
    )
    async with started(environment, size=(80, 24)) as pilot:
        await sees(pilot, "20 wait")
        await pilot.press(*["space"] * 20, "A")
        await sees(pilot, "Approve together", "20 of 20 ticked", "more below.")
        await pilot.press("end")
        await no_longer_sees(pilot, "more below.")
