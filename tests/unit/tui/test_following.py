"""What others decided is followed to its end, and a restart until it is known whether it lasted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from qlikops.domain.errors import Throttled, UsageError
from qlikops.domain.ports import Approve
from qlikops.domain.proposals.approval import Decision, Outcome, ProposalRecord, Status, TaskOutcome
from qlikops.domain.proposals.lasting import Aftermath, Lasting, TaskLasting
from qlikops.presentation.tone import Tone, plain
from qlikops.tui.model.following import AT_ONCE, CAME_UP, KEPT, UNDER_WAY, Following, Told
from qlikops.tui.model.messages import FollowedLoaded, FollowedLoadFailed
from qlikops.tui.model.outbox import ApprovalKey, Sending
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW
from tests.unit.tui.conftest import Started, app_of, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment

BOB = Decision(approved=True, by="arn:aws:iam::1:user/bob", at=NOW, reason="on the phone")
KEY = samples.proposal().targets[0].key
ONE = replace(samples.approval(), status=Status.RESTARTING, decision=BOB)
UP = replace(
    ONE, status=Status.RESTARTED, outcome=Outcome(Status.RESTARTED, targets=(TaskOutcome(KEY, Status.RESTARTED),))
)
FELL = replace(UP, lasting=Aftermath(1).with_results([TaskLasting(KEY, Lasting.FELL_OVER, 420, NOW)]))
LASTED = replace(UP, lasting=Aftermath(1, lasted=1))
ID = ONE.approval_id


def test_what_left_the_inbox_is_asked_for_once_and_then_as_often_as_something_may_have_become_of_it() -> None:
    following = Following()
    following.left([ID])
    assert following.due(NOW) == [ID]
    assert following.due(NOW) == []
    assert following.took(ONE, NOW)
    assert following.due(NOW + UNDER_WAY / 2) == []
    assert following.due(NOW + UNDER_WAY) == [ID]
    assert not following.took(ONE, NOW + UNDER_WAY)
    assert following.took(UP, NOW + UNDER_WAY)
    assert following.due(NOW + 2 * UNDER_WAY) == []
    assert following.due(NOW + UNDER_WAY + CAME_UP) == [ID]
    assert following.took(LASTED, NOW + CAME_UP)
    assert following.due(NOW + 3 * CAME_UP) == []


def test_in_a_storm_only_some_are_followed_and_nothing_for_ever() -> None:
    following = Following()
    following.left(f"{number}" for number in range(100))
    assert len(following.due(NOW)) == AT_ONCE
    assert following.due(NOW) == []
    following.follow(UP, NOW)
    assert following.due(NOW + KEPT) == []
    following.took(replace(ONE, proposal=samples.proposal(2), updated_at=NOW + 2 * KEPT), NOW + 2 * KEPT)
    assert list(following.records) == [samples.proposal(2).proposal_id]


def test_what_nobody_decided_is_no_news_and_what_waits_again_is_not_followed() -> None:
    following = Following()
    assert not following.took(replace(ONE, status=Status.EXPIRED, decision=None), NOW)
    assert not following.took(replace(ONE, status=Status.WAITING), NOW)
    assert following.records == {}


def said(record: ProposalRecord, caller: str = "", context: str = "") -> str:
    return plain(Told(NOW, record, context, caller).words(NOW))


def test_it_is_told_by_whom_and_what_became_of_it() -> None:
    assert said(ONE) == f"{KEY}, approved by bob: restarting"
    assert said(ONE, context="prod") == f"{KEY} in prod, approved by bob: restarting"
    assert said(FELL, caller=BOB.by) == f"{KEY}, approved by you: fell over after 7 min"
    assert said(replace(ONE, status=Status.DENIED)) == f"{KEY} was denied by bob: on the phone"
    assert said(replace(FELL, decision=None)) == f"{KEY}: fell over after 7 min"
    assert {span.tone for span in Told(NOW, FELL, "", "").words(NOW)} == {Tone.DANGER}
    event = Told(NOW, FELL, "", "").as_event()
    assert (event.text, event.severity) == (said(FELL), samples.proposal().severity)


async def test_what_a_colleague_decides_is_followed_until_it_fell_over_which_rings_once(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval())
    async with started(environment, size=(120, 36), watch_again_seconds=0.1) as pilot:
        await sees(pilot, "sales-orders")
        with patch.object(pilot.app, "bell") as bell:
            environment.decide_elsewhere(ID)
            await pilot.press("r")
            await sees(pilot, "approved by bob: restarting")
            following = app_of(pilot).state.current.following
            environment.records[ID] = FELL
            following._asked_at[ID] -= timedelta(minutes=2)
            await sees(pilot, "approved by bob: fell over after 7 min", "Shift +1")
            await wait_until(pilot, lambda: bell.call_count > 0)
            assert bell.call_count == 1
        await pilot.press("2")
        await no_longer_sees(pilot, "Shift +1")


async def test_what_could_not_be_asked_for_is_asked_for_again_and_what_cannot_be_read_is_said(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval())
    async with started(environment, size=(120, 36), watch_again_seconds=0.1) as pilot:
        await sees(pilot, "sales-orders")
        state = app_of(pilot).state
        environment.restarts.close()
        environment.decide_elsewhere(ID)
        pilot.app.post_message(FollowedLoadFailed(Throttled("Rate exceeded"), context=state.current.name, ids=[ID]))
        await sees(pilot, "approved by bob: restarting")
        pilot.app.post_message(FollowedLoaded(state.current.name, [], [UsageError("its status cannot be read")]))
        await wait_until(pilot, lambda: any("its status" in failure.words for failure in state.failures))


async def test_the_fleet_and_a_task_say_at_once_what_was_decided_of_it(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval())
    async with started(environment, size=(200, 50), watch_again_seconds=0.1) as pilot:
        await sees(pilot, "sales-orders")
        environment.restarts.close()
        environment.decide_elsewhere(ID)
        await pilot.press("r")
        await sees(pilot, "approved by bob: restarting")
        await pilot.press("3")
        await sees(pilot, "approved by bob 0s ago, restarting")
        environment.records[ID] = replace(UP, updated_at=NOW + timedelta(seconds=1))
        app_of(pilot).state.current.following._asked_at[ID] -= timedelta(minutes=2)
        await sees(pilot, "runs again since 11:20")
        await pilot.press("enter")
        await sees(pilot, "since runs again since 11:20")


async def test_ones_own_restart_that_fell_over_is_told_of_as_a_colleagues_is(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval())
    mine = replace(FELL, decision=replace(BOB, by=samples.CALLER, decision_id="d"))
    async with started(environment, size=(120, 36), watch_again_seconds=0.1) as pilot:
        await sees(pilot, "sales-orders", "anna")
        context = app_of(pilot).state.current
        request = Approve(ONE.digest, decision_id="d")
        key = ApprovalKey(context.name, ID)
        context.outbox.sendings[key] = Sending(key, samples.approval(), request, ended=UP, sent_at=NOW - CAME_UP)
        context.following.follow(UP, NOW - 2 * CAME_UP)
        environment.records[ID] = mine
        await sees(pilot, "approved by you: fell over after 7 min")
        assert context.outbox.sendings[key].ended == mine
