"""Stories of approving and denying: what was on the screen is what is sent, once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from qlikops.domain.errors import AlreadyDecided, ApprovalExpired, DecisionUnknown, Offline, Throttled
from qlikops.domain.fleet.task import StopReason, TaskState
from qlikops.domain.ports import Deny
from qlikops.domain.proposals.approval import Claim, Decision, Outcome, Status
from qlikops.domain.proposals.evaluation import Evaluation, Finding, Risk, Verdict
from qlikops.presentation.deciding import denial
from qlikops.tui.screens.decision import DecisionScreen
from qlikops.tui.widgets.review import Review
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, asked, flat_text, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment

FIRST = samples.proposal(1).proposal_id


def refresh(pilot: Pilot[Any]) -> None:
    """The timed refresh, which goes on while a modal takes the keys."""
    app_of(pilot).state.load_rows(pilot.app)


def in_flight(pilot: Pilot[Any]) -> bool:
    """Whether the console thinks that its answer to the first may count."""
    return app_of(pilot).state.current.outbox.in_flight(FIRST)


@pytest.fixture
def environment() -> FakeEnvironment:
    return FakeEnvironment.waiting_for(
        samples.approval(samples.proposal(1)), samples.approval(samples.proposal(2, tasks=("stock",)), minutes_left=229)
    )


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_approving_shows_and_sends_what_was_on_the_screen_and_shows_the_outcome(
    started: Started, environment: FakeEnvironment, size: tuple[int, int]
) -> None:
    digest = environment.records[FIRST].digest
    async with started(environment, size=size) as pilot:
        await asked(pilot, "a", "SendTaskSuccess", digest[:12], "as anna")
        await pilot.press("i")
        await sees(pilot, digest, "RESUME_PROCESSING", samples.CALLER)
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)
        approval_id, request = environment.sent[0]
        assert (approval_id, request.approved, request.digest, request.via) == (FIRST, True, digest, "tui")
        await sees(pilot, "RESTARTED replicate-eu-1/sales-orders in 4 s: ", "y copies the receipt")
        await pilot.press("y")
        copied = pilot.app.clipboard
        assert request.decision_id in copied
        assert "RESTARTED" in copied
        assert digest in copied


async def test_after_sending_the_next_one_is_chosen(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter")
        await sees(pilot, "stock: connection lost", "1 waits")


async def test_approve_pressed_while_the_record_loads_asks_once_it_is_there(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.loads.close()
    async with started(environment) as pilot:
        await sees(pilot, "Loading sales-orders")
        await pilot.press("a")
        await sees(pilot, "Loading sales-orders (replicate-eu-1); then it asks whether to approve it …")
        assert not isinstance(pilot.app.screen, DecisionScreen)
        environment.loads.open()
        await sees(pilot, "Approve: resume", "replicate-eu-1/sales-orders")
        # An Enter before the dialog has been seen is refused.
        await wait_until(pilot, lambda: isinstance(screen := pilot.app.screen, DecisionScreen) and not screen.problem())
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)


LETTERS = "a dam scary gap, DAM 12345"


@pytest.mark.parametrize("loaded", [True, False])
async def test_what_is_typed_after_d_is_the_reason_and_acts_on_no_list(
    started: Started, environment: FakeEnvironment, loaded: bool
) -> None:
    """Though the dialog has not opened yet, and whether or not its record had come."""
    if not loaded:
        environment.loads.close()
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost" if loaded else "Loading sales-orders")
        for key in ("d", *LETTERS):
            pilot.app.post_message(events.Key("space" if key == " " else key, key))
        if not loaded:
            await sees(pilot, f"Reason so far: {LETTERS}")
            assert not isinstance(pilot.app.screen, DecisionScreen)
            environment.loads.open()
        await sees(pilot, "Deny: leave", LETTERS)
        assert not environment.claimed[1:], "the dialog's own claim, and none of the letter c"
        assert not app_of(pilot).state.marked


async def test_escape_takes_back_a_key_whose_record_has_not_come(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.loads.close()
    async with started(environment) as pilot:
        await sees(pilot, "Loading sales-orders")
        await pilot.press("d", *"no")
        await sees(pilot, "Reason so far: no")
        await pilot.press("escape")
        await no_longer_sees(pilot, "Reason so far")
        environment.loads.open()
        await sees(pilot, "sales-orders: connection lost")
        assert not isinstance(pilot.app.screen, DecisionScreen)


async def test_a_dialog_that_opens_long_after_its_key_takes_no_enter_before_it_can_have_been_read(
    started: Started, environment: FakeEnvironment
) -> None:
    clock = Clock()
    environment.loads.close()
    async with started(environment, clock=clock) as pilot:
        await sees(pilot, "Loading sales-orders")
        await pilot.press("a")
        clock.advance(5)
        environment.loads.open()
        await sees(pilot, "Approve: resume", "It has only just been read: look at it first.")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, DecisionScreen)
        clock.advance(1)
        await sees(pilot, "Enter sends. Esc goes back.")
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)


async def test_a_dialog_does_not_open_for_somebody_who_went_elsewhere(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.loads.close()
    async with started(environment) as pilot:
        await sees(pilot, "Loading sales-orders")
        review = pilot.app.screen.query_one(Review)
        await pilot.press("a", "4")
        await wait_until(pilot, lambda: pilot.app.current_mode == "executions")
        environment.loads.open()
        await wait_until(pilot, lambda: review.approval is not None)
        await pilot.press("1")
        await sees(pilot, "sales-orders: connection lost")
        assert not isinstance(pilot.app.screen, DecisionScreen)


async def test_keys_typed_faster_than_the_screen_mean_the_row_they_were_typed_on(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        for key in ("down", "a"):
            pilot.app.simulate_key(key)
        await sees(pilot, "Approve: resume", "replicate-eu-1/stock")


async def test_escape_sends_nothing(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await asked(pilot, "a")
        await pilot.press("escape")
        await no_longer_sees(pilot, "Approve: resume")
        assert environment.sent == []


@pytest.mark.parametrize(
    ("assessed", "why"),
    [
        (samples.evaluation(Verdict.CAUTION), "AI says caution"),
        (replace(samples.evaluation(), confidence=0.5), "the evaluation is only 50% sure"),
        (replace(samples.evaluation(), confidence=None), "the evaluation does not say how sure it is"),
        (samples.evaluation(risk=Risk.HIGH), "the evaluation says approve, and that the risk is high"),
        (
            Evaluation.unavailable("truncated", "bedrock", "prompt 3", samples.NOW),
            "there is no evaluation",
        ),
        (
            samples.evaluation(findings=(Finding("seen", ("e9",), ("e9",)),)),
            "cited evidence is missing",
        ),
    ],
)
async def test_where_the_evaluation_is_nothing_to_lean_on_enter_cancels_and_the_button_says_why(
    started: Started, assessed: Evaluation, why: str
) -> None:
    record = samples.approval(assessed=assessed)
    environment = FakeEnvironment.waiting_for(record)
    async with started(environment) as pilot:
        await asked(pilot, "a", f"Careful: {why}")
        assert why in str(pilot.app.screen.query_one("#send").label)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await no_longer_sees(pilot, "Approve: resume")
        assert environment.sent == []
        await pilot.press("a")
        await sees(pilot, "Approve: resume")
        await pilot.press("left", "enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)


async def test_what_goes_against_advice_is_sent_with_a_reason_and_never_by_enter_alone(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval(assessed=samples.evaluation(Verdict.DENY)))
    async with started(environment) as pilot:
        await asked(pilot, "a", "A reason is needed: the AI says deny.", "Resume 1 task although AI says deny")
        await pilot.press("enter", *"known", "enter")
        await sees(pilot, "Enter goes back; ← then Enter sends.")
        assert environment.sent == []
        await pilot.press("left", "enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)
    assert environment.sent[0][1].reason == "known"


async def test_an_approval_may_say_why(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await asked(pilot, "a", "Why (not needed)")
        await pilot.press("up", *"it is back", "enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)
    assert environment.sent[0][1].reason == "it is back"


async def test_what_the_evaluation_warns_of_is_never_sent_by_enter_alone(started: Started) -> None:
    why, assessed = "AI says caution", samples.evaluation(Verdict.CAUTION, Risk.LOW)
    environment = FakeEnvironment.waiting_for(samples.approval(assessed=assessed))
    async with started(environment) as pilot:
        await asked(pilot, "a", f"Careful: {why}. Enter goes back; ← then Enter sends.", f"although {why}")
        await pilot.press("enter")
        await no_longer_sees(pilot, "Approve: resume")
        assert environment.sent == []
        await pilot.press("space", "A")
        await sees(pilot, "Approve together", why[:20], "Nothing is ticked.")


async def test_the_message_and_every_caution_are_read_to_their_end_before_an_approval_goes_out(
    started: Started,
) -> None:
    message = "ORA-00001: " + "unique constraint " * 60 + "END-OF-MESSAGE"
    cautions = tuple(f"Caution {number}: " + "look first " * 30 + f"END-{number}" for number in range(4))
    record = samples.approval(
        samples.proposal(1, message=message), assessed=replace(samples.evaluation(), cautions=cautions)
    )
    environment = FakeEnvironment.waiting_for(record)
    async with started(environment) as pilot:
        await asked(pilot, "a", "There is more of what will be sent")
        await pilot.press("enter")
        assert environment.sent == []
        seen = set()
        while "There is more of what will be sent" in flat_text(pilot):
            await pilot.press("pagedown")
            seen |= {end for end in ("END-OF-MESSAGE", *(f"END-{n}" for n in range(4))) if end in flat_text(pilot)}
        assert len(seen) == 5
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)


@pytest.mark.parametrize("dialog", [False, True])
async def test_what_somebody_else_decides_is_followed_to_its_end(
    started: Started, environment: FakeEnvironment, dialog: bool
) -> None:
    """Under the cursor and in the dialog: what is shown as of now goes on to be."""
    async with started(environment, size=(120, 40)) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        if dialog:
            await asked(pilot, "d")
        environment.decide_elsewhere(FIRST)
        refresh(pilot)
        await sees(pilot, "It no longer waits: RESTARTING, approved by bob")
        refresh(pilot)
        environment.records[FIRST] = replace(
            environment.records[FIRST], status=Status.PARTIAL, outcome=Outcome(Status.PARTIAL)
        )
        refresh(pilot)
        await sees(pilot, "It no longer waits: PARTIAL, approved by bob")
        await wait_until(pilot, lambda: not app_of(pilot).state.current.backend.busy("reviews"))
        read = environment.reads.count(FIRST)
        refresh(pilot)
        await wait_until(pilot, lambda: not app_of(pilot).state.current.backend.busy("inbox"))
        await pilot.pause()
        assert environment.reads.count(FIRST) == read, "it is over"


async def test_what_is_gone_stays_to_be_read_while_the_reading_fails(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=(120, 40)) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        environment.decide_elsewhere(FIRST)
        refresh(pilot)
        await sees(pilot, "It no longer waits: RESTARTING, approved by bob")
        environment.error = Throttled("rate exceeded")
        refresh(pilot)
        await sees(pilot, "THROTTLED", "sales-orders: connection lost", "It no longer waits: RESTARTING")


async def test_denying_needs_a_reason(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await asked(pilot, "d", "ApprovalDenied", "nothing")
        await pilot.press("enter")
        await sees(pilot, "A reason is required.")
        await pilot.press("space", "enter")
        assert environment.sent == []
        await pilot.press(*"patching")
        await sees(pilot, "patching")
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)
        _, request = environment.sent[0]
        assert isinstance(request, Deny)
        assert (request.reason, request.snooze) == ("patching", None)
        await sees(pilot, "DENIED replicate-eu-1/sales-orders: nothing was restarted y copies the receipt")


async def test_a_time_of_day_that_passes_while_it_is_asked_does_not_become_tomorrows(
    started: Started, environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    soon = (clock() + timedelta(seconds=5)).time()
    monkeypatch.setattr(denial, "MORNING", soon)
    async with started(environment, clock=clock) as pilot:
        await asked(pilot, "d")
        await pilot.press(*"x", "down", "down", "down")
        await sees(pilot, f"(•) until {soon:%H:%M} UTC")
        clock.advance(6)
        await pilot.press("y")
        await sees(pilot, "(•) after the usual cooldown", f"( ) until tomorrow {soon:%H:%M} UTC")
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)
        _, request = environment.sent[0]
        assert isinstance(request, Deny)
        assert request.snooze is None


async def test_denying_can_snooze(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await asked(pilot, "d")
        await pilot.press(*"patching", "down", "down")
        await sees(pilot, "(•) in 4 hours")
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)
        _, request = environment.sent[0]
        assert isinstance(request, Deny)
        assert request.snooze == timedelta(hours=4)


async def test_decided_elsewhere_while_the_modal_is_open_is_said_at_once_by_whom_and_blocks(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment) as pilot:
        await asked(pilot, "a")
        environment.decide_elsewhere(FIRST, "bob")
        refresh(pilot)
        await sees(pilot, "It no longer waits", "approved by bob", "Nothing was sent from here.")
        await pilot.press("enter")
        assert environment.sent == []
        assert isinstance(pilot.app.screen, DecisionScreen)


async def test_a_record_that_changes_while_the_modal_is_open_blocks(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment) as pilot:
        await asked(pilot, "a")
        environment.add(samples.approval(samples.proposal(1, title="sales-orders: another cause")))
        refresh(pilot)
        await sees(
            pilot, "Changed since you opened this", "title sales-orders: connection lost -> sales-orders: another"
        )
        await pilot.press("enter")
        assert environment.sent == []
        await pilot.press("escape")
        await sees(pilot, "sales-orders: another cause")


async def test_a_deadline_that_changes_while_the_modal_is_open_blocks_and_is_shown(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment) as pilot:
        await asked(pilot, "a")
        record = environment.records[FIRST]
        environment.add(replace(record, deadline=samples.NOW + timedelta(hours=1)))
        refresh(pilot)
        await sees(pilot, "Changed since", "deadline 2026-03-07 15:08:00 UTC -> 2026-03-07 12:20:00 UTC")
        await pilot.press("enter")
        assert environment.sent == []


async def test_what_changed_under_the_review_is_shown_before_it_can_be_decided(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=(120, 36)) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        environment.add(samples.approval(samples.proposal(1), assessed=samples.evaluation(risk=Risk.MEDIUM)))
        refresh(pilot)
        await sees(pilot, "Changed since you looked at it", "risk medium")
        await pilot.press("a")
        await sees(pilot, "Nothing was sent. Enter: look at it as it is now")
        assert not isinstance(pilot.app.screen, DecisionScreen)
        await pilot.press("enter")
        await no_longer_sees(pilot, "Changed since you looked at it")
        await asked(pilot, "a", environment.records[FIRST].digest[:12])
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(environment.sent) == 1)


async def test_a_row_that_cannot_be_read_shows_its_record_once_and_sends_nothing(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.spoilt.add(FIRST)
    clock = Clock()
    async with started(environment, size=(80, 40), clock=clock) as pilot:
        await sees(pilot, "cannot be read", "sales-orders: connection lost")
        backend = app_of(pilot).state.current.backend
        for _ in range(2):
            clock.advance(1)
            refresh(pilot)
            await wait_until(pilot, lambda: not backend.busy("inbox"))
            await pilot.pause()
        assert environment.reads.count(FIRST) == 1
        await pilot.press("a")
        await sees(pilot, "Its row says something else than its record. Nothing can be sent from here.")
        await pilot.press("enter")
        assert environment.sent == []


async def test_in_whose_name_it_goes_out_is_said_as_soon_as_it_is_known(
    started: Started, environment: FakeEnvironment
) -> None:
    own = Claim(samples.CALLER, samples.NOW + timedelta(minutes=5))
    environment.add(replace(environment.records[FIRST], claim=own))
    environment.callers.close()
    async with started(environment, size=(80, 40)) as pilot:
        await sees(pilot, "Claimed by anna until")
        await asked(pilot, "d", "as not known yet")
        environment.callers.open()
        await sees(pilot, "as anna")
        await pilot.press("escape")
        await sees(pilot, "Claimed by you until")
        await pilot.press("c")
        await sees(pilot, "Released: others")
        assert environment.records[FIRST].claim is None


async def test_in_whose_name_is_asked_again_when_it_is_needed_where_nobody_could_say(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.caller_error = Throttled("too many")
    async with started(environment, size=(80, 40)) as pilot:
        state = app_of(pilot).state
        await wait_until(pilot, lambda: bool(state.failures))
        await asked(pilot, "a", "as not known yet")
        environment.caller_error = None
        await pilot.press("escape")
        await asked(pilot, "a", "as anna")


async def test_a_record_that_was_another_before_it_came_is_read_once_more(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=(80, 40)) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        environment.loads.close()
        first, second = (
            samples.approval(assessed=samples.evaluation(each)) for each in (Verdict.CAUTION, Verdict.DENY)
        )
        environment.add(first)
        refresh(pilot)
        await sees(pilot, "Loading sales-orders")
        environment.answers_with[FIRST] = first
        environment.add(second)
        refresh(pilot)
        await wait_until(pilot, lambda: not app_of(pilot).state.current.backend.busy("inbox"))
        environment.loads.open()
        await sees(pilot, "would be careful")
        refresh(pilot)
        await sees(pilot, "would deny")


BURSTS = {
    "approve": ("a", "", 1),
    "deny": ("d", "x", 1),
    "cancel": ("a", "right", 0),
}


@pytest.mark.parametrize(("key", "then", "sent"), BURSTS.values(), ids=BURSTS)
async def test_two_enters_in_one_burst_answer_once(
    started: Started, environment: FakeEnvironment, key: str, then: str, sent: int
) -> None:
    async with started(environment, size=(80, 40)) as pilot:
        await asked(pilot, key)
        await pilot.press(*then.split())
        for _ in range(3):
            # Not by the pilot, which waits between keys.
            pilot.app.post_message(events.Key("enter", "\r"))
        await wait_until(pilot, lambda: not isinstance(pilot.app.screen, DecisionScreen))
        await wait_until(pilot, lambda: len(environment.sent) == sent)
        await pilot.pause()
        assert len(environment.sent) == sent
        assert app_of(pilot).is_running


async def test_whoever_claims_it_is_named_before_anything_is_sent(
    started: Started, environment: FakeEnvironment
) -> None:
    bob = Claim("arn:aws:iam::1:user/bob", samples.NOW + timedelta(minutes=5))
    environment.add(replace(environment.records[FIRST], claim=bob))
    async with started(environment, size=(120, 36)) as pilot:
        await sees(pilot, "Claimed by bob until 11:25 UTC")
        await asked(
            pilot, "a", "Careful: bob is looking at it. Enter goes back", "Resume 1 task although bob is looking at it"
        )
        # Nobody else's claim is taken away.
        assert environment.claimed == []
        await pilot.press("enter")
        await no_longer_sees(pilot, "Approve: resume")
        assert environment.sent == []


async def test_whoever_is_asked_is_seen_by_the_others(started: Started, environment: FakeEnvironment) -> None:
    run_out = Claim("arn:aws:iam::1:user/bob", samples.NOW - timedelta(minutes=1))
    environment.add(replace(environment.records[FIRST], claim=run_out))
    async with started(environment) as pilot:
        await asked(pilot, "a")
        await wait_until(pilot, lambda: environment.claimed == [FIRST])
        refresh(pilot)
        await sees(pilot, "Enter sends.")
        assert "is looking at it" not in flat_text(pilot)


async def test_going_offline_while_the_modal_is_open_locks_it_until_it_is_back(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment) as pilot:
        await asked(pilot, "a")
        environment.error = Offline("no answer")
        refresh(pilot)
        await sees(pilot, "Locked: the data is not live (OFFLINE).")
        await pilot.press("enter")
        assert environment.sent == []
        environment.error = None
        refresh(pilot)
        await sees(pilot, "Enter sends.")


async def test_under_the_modal_the_countdown_goes_on(started: Started, environment: FakeEnvironment) -> None:
    clock = Clock()
    async with started(environment, size=(200, 50), clock=clock) as pilot:
        await asked(pilot, "a")
        clock.advance(100)
        await wait_until(pilot, lambda: flat_text(pilot).count("expires in 3h46m") == 2)


async def test_the_modal_survives_a_resize(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment, size=(120, 36)) as pilot:
        await asked(pilot, "a")
        await pilot.resize_terminal(80, 24)
        await sees(pilot, "Approve: resume", environment.records[FIRST].digest[:12], "Esc Back")
        await pilot.press("enter")
        await wait_until(pilot, lambda: [sent[0] for sent in environment.sent] == [FIRST])


async def test_what_is_being_sent_is_not_sent_again_and_sends_go_one_by_one(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.decides.close()
    async with started(environment) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter")
        await sees(pilot, "Sending: approve replicate-eu-1/sales-orders")
        await wait_until(pilot, lambda: re.search("→@? connection lost 12m sales-orders", flat_text(pilot)) is not None)
        await pilot.press("up", "a")
        await sees(pilot, "You have already answered this one.")
        await pilot.press("down")
        await sees(pilot, "stock: connection lost")
        await pilot.press("a")
        await sees(pilot, "Approve: resume")
        await pilot.press("enter")
        assert environment.sent == []
        await sees(pilot, "To be sent next: approve replicate-eu-1/stock. Esc: do not send")
        environment.decides.open()
        await wait_until(pilot, lambda: len(environment.sent) == 2)
        assert [approval_id for approval_id, _ in environment.sent] == [FIRST, samples.proposal(2).proposal_id]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            AlreadyDecided("too late", decision=Decision(False, by="arn:aws:iam::1:user/bob"), status=Status.DENIED),
            "Already decided: approve replicate-eu-1/sales-orders: denied by bob.",
        ),
        (
            AlreadyDecided("0001 is closed: abandoned.", decision=None, status=Status.ABANDONED),
            "Closed: approve replicate-eu-1/sales-orders: 0001 is closed: abandoned. What you sent did not count. "
            "If the task is still broken, a later run asks again.",
        ),
        (ApprovalExpired("the deadline was 11:00"), "Expired: approve replicate-eu-1/sales-orders: the deadline was"),
        (Offline("no answer"), "Not sent: approve replicate-eu-1/sales-orders. Offline: no answer"),
        (ValueError("[bold]bug"), "Fault: approve replicate-eu-1/sales-orders: ValueError: [bold]bug"),
    ],
)
async def test_an_answer_that_did_not_count_says_why(
    started: Started, environment: FakeEnvironment, error: Exception, said: str
) -> None:
    environment.decide_error = error
    environment.outcomes.close()
    async with started(environment, size=(120, 36)) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter")
        await sees(pilot, said)
        environment.outcomes.open()


async def test_one_that_vanished_is_said_to_be_gone_that_nothing_was_sent_and_what_comes(
    started: Started, environment: FakeEnvironment
) -> None:
    gone = f"{FIRST} has no record any more: it was answered, expired or closed since"
    comes = "Nothing was sent. If the task is still broken, a later run asks again."
    environment.decides.close()
    async with started(environment, size=(120, 36)) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter")
        del environment.records[FIRST]
        environment.decides.open()
        await sees(pilot, f"Gone: approve replicate-eu-1/sales-orders: {gone}", comes, "stock: connection lost")
        assert not in_flight(pilot)
        await pilot.press("y")
        assert "no receipt" in pilot.app.clipboard
        assert environment.sent == []


async def test_one_that_vanishes_under_the_dialog_or_the_review_is_said_to_be_gone(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=(120, 36)) as pilot:
        await asked(pilot, "d")
        del environment.records[FIRST]
        refresh(pilot)
        await sees(pilot, "It no longer waits. Gone: ", "no record any more", "Nothing was sent.", "Esc closes.")
        await pilot.press(*"no", "enter")
        assert environment.sent == []
        await pilot.press("escape")
        await sees(pilot, "Gone: ", "no record any more")
        assert "Failed" not in flat_text(pilot)


async def test_a_change_found_while_sending_reloads_the_record(started: Started, environment: FakeEnvironment) -> None:
    environment.decides.close()
    async with started(environment, size=(120, 36)) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter", "up")
        environment.add(samples.approval(samples.proposal(1, title="sales-orders: another cause")))
        environment.decides.open()
        await sees(pilot, "Changed: approve", "Nothing was sent. Review it again.", "sales-orders: another cause")
        assert environment.sent == []


async def test_an_ambiguous_send_is_followed_until_the_record_says_whose_answer_counted(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.decide_error = DecisionUnknown("the connection broke after sending")
    environment.outcomes.close()
    async with started(environment, size=(120, 36)) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter")
        await sees(pilot, "Not known yet: approve replicate-eu-1/sales-orders")
        assert in_flight(pilot)
        environment.decide_elsewhere(FIRST, "bob", approved=False)
        environment.outcomes.open()
        await sees(pilot, "Your answer did not count", "denied by bob")


async def test_an_ambiguous_send_that_never_arrived_can_be_repeated(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.decide_error = DecisionUnknown("the connection broke")
    async with started(environment, size=(120, 36)) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter")
        await wait_until(pilot, lambda: not in_flight(pilot))
        await sees(
            pilot, "Not recorded: approve replicate-eu-1/sales-orders; it still waits and can be answered again."
        )


async def test_an_answer_that_does_not_come_is_said_to_be_in_doubt(
    started: Started, environment: FakeEnvironment
) -> None:
    clock = Clock()
    environment.decides.close()
    async with started(environment, size=(120, 36), clock=clock) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter")
        await sees(pilot, "Sending: approve replicate-eu-1/sales-orders …")
        clock.advance(8)
        await sees(pilot, "No answer for 8 s: nobody can say yet whether it counts.")
        environment.decides.open()
        await sees(pilot, "RESTARTED replicate-eu-1/sales-orders")


async def test_a_restart_that_takes_longer_than_one_watch_is_watched_to_its_end(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.restarts.close()
    async with started(environment, size=(120, 36), watch_again_seconds=0.01) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter")
        await sees(pilot, "RESTARTING replicate-eu-1/sales-orders")
        environment.restarts.open()
        await sees(pilot, "RESTARTED replicate-eu-1/sales-orders")


async def test_quitting_while_a_decision_is_being_sent_asks_again(
    started: Started, environment: FakeEnvironment
) -> None:
    environment.decides.close()
    async with started(environment) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter")
        await sees(pilot, "Sending: approve")
        await pilot.press("ctrl+q")
        await sees(pilot, "A decision is being sent.")
        assert pilot.app.is_running
        environment.decides.open()
        await sees(pilot, "RESTARTED")


async def test_a_record_that_no_longer_waits_cannot_be_decided(started: Started, environment: FakeEnvironment) -> None:
    record = environment.records[FIRST]
    environment.loads.close()
    async with started(environment) as pilot:
        await sees(pilot, "Loading sales-orders")
        # Decided between the inbox read and the record read.
        environment.records[FIRST] = replace(record, status=Status.DENIED)
        environment.loads.open()
        await sees(pilot, "DENIED: nothing was restarted")
        await pilot.press("a")
        await sees(pilot, "This one no longer waits.")
        assert "this will be sent" not in flat_text(pilot)


async def test_what_is_no_longer_as_proposed_is_approved_only_after_a_second_look(
    started: Started, environment: FakeEnvironment
) -> None:
    first, *others = [task for task in environment.snapshot.tasks if task.facts.key.task == "sales-orders"]
    assert not others
    runs = replace(
        first, facts=replace(first.facts, state=TaskState.RUNNING, stop_reason=StopReason.NONE), anomalies=()
    )
    environment.snapshot = replace(environment.snapshot, tasks=(runs,))
    async with started(environment) as pilot:
        await sees(pilot, "Now RUNNING, seen 40s ago; no longer as proposed")
        await pilot.press("d")
        await sees(pilot, "Stays 1 task as now: RUNNING, seen 40s ago")
        await pilot.press("escape")
        await asked(pilot, "a")
        await sees(pilot, "Resume 1 task although it is no longer as proposed:")
        await pilot.press("enter")
        await wait_until(pilot, lambda: not isinstance(pilot.app.screen, DecisionScreen))
    assert environment.sent == []
