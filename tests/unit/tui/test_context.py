"""One context without a screen: what it asks for, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

import pytest
from textual.message import Message
from textual.message_pump import MessagePump

from qlikops.domain.errors import AccessDenied, ApprovalGone, NotFound, QlikopsError, Throttled, UsageError
from qlikops.domain.ports import Approve, ContextServices
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.tui.keys import KeyNames
from qlikops.tui.model import messages
from qlikops.tui.model.context import ContextSource, LiveContext
from qlikops.tui.model.following import AT_ONCE
from tests.fakes import row_of
from tests.unit.presentation import samples
from tests.unit.tui.fakes import FakeEnvironment

M = TypeVar("M", bound=Message)
RECORDS = [samples.approval(samples.proposal(number)) for number in range(3)]
FIRST, *OTHERS = (record.approval_id for record in RECORDS)


class Ledger(FakeEnvironment):
    """One of which some records cannot be read."""

    unreadable: Mapping[str, QlikopsError] = {}

    def approval(self, approval_id: str) -> ProposalRecord:
        if approval_id in self.unreadable:
            raise self.unreadable[approval_id]
        return super().approval(approval_id)


class Desk:
    """A context whose lanes run when they are told to, and which hears nothing by itself."""

    def __init__(self, environment: Ledger) -> None:
        self.environment = environment
        self.came: list[Message] = []
        self.to = cast("MessagePump", self)
        source = ContextSource("local", lambda: cast("ContextServices", self.environment), hold_seconds=5)
        self.lanes: list[Callable[[], None]] = []
        self.context = LiveContext(
            source, self.to, lambda: samples.NOW, {}, KeyNames({}, str), start=lambda _, body: self.lanes.append(body)
        )

    def post_message(self, message: Message) -> bool:
        self.came.append(message)
        return True

    def answered(self, kind: type[M]) -> M:
        """What the lanes answer."""
        lanes, self.lanes = self.lanes, []
        for lane in lanes:
            lane()
        came, self.came = self.came, []
        return next(message for message in came if isinstance(message, kind))

    def shows(self, records: list[ProposalRecord]) -> None:
        """The inbox comes, with these."""
        self.context.took_rows([row_of(record) for record in records])

    def asks_for(self) -> messages.FollowedLoaded:
        """What is followed comes."""
        self.context.load_followed(self.to)
        return self.answered(messages.FollowedLoaded)


@pytest.fixture
def desk() -> Desk:
    desk = Desk(Ledger({record.approval_id: record for record in RECORDS}))
    desk.shows(RECORDS)
    return desk


def test_what_left_the_inbox_is_asked_for_again_where_nobody_answered(desk: Desk) -> None:
    desk.shows(RECORDS[1:])
    desk.environment.error = Throttled("Rate exceeded")
    desk.context.load_followed(desk.to)
    failed = desk.answered(messages.FollowedLoadFailed)
    desk.context.missed_followed(failed.ids, failed.error)
    desk.environment.error = None
    assert [record.approval_id for record in desk.asks_for().approvals] == [FIRST]


def test_what_may_not_be_read_is_not_asked_for_again(desk: Desk) -> None:
    desk.shows(RECORDS[1:])
    desk.context.load_followed(desk.to)
    desk.lanes.clear()
    desk.context.missed_followed([FIRST], AccessDenied("no dynamodb:GetItem"))
    assert desk.context.following.due(samples.NOW) == []


def test_a_record_that_is_gone_or_spoilt_keeps_none_of_the_others(desk: Desk) -> None:
    spoilt = UsageError("its status cannot be read")
    desk.environment.unreadable = {FIRST: spoilt, OTHERS[0]: NotFound("no approval")}
    desk.shows([])
    came = desk.asks_for()
    assert [record.approval_id for record in came.approvals] == OTHERS[1:]
    assert came.errors == [spoilt]


@pytest.mark.parametrize("ends", ["cancelled", "too late"])
def test_what_left_the_inbox_under_an_answer_that_does_not_count_is_followed(desk: Desk, ends: str) -> None:
    record, outbox = RECORDS[0], desk.context.outbox
    outbox.send([(record, Approve(record.digest, decision_id="d"))], desk.to)
    desk.shows(RECORDS[1:])
    desk.context.load_followed(desk.to)
    assert not desk.lanes, "what is answered here is watched"
    if ends == "cancelled":
        outbox.cancel_delayed("you cancelled it")
    else:
        outbox.not_sent(FIRST, ApprovalGone(FIRST), desk.to)
    assert [each.approval_id for each in desk.asks_for().approvals] == [FIRST]


def test_all_that_left_the_inbox_under_cancelled_answers_is_followed_however_many_they_are() -> None:
    records = [samples.approval(samples.proposal(number)) for number in range(AT_ONCE + 2)]
    desk = Desk(Ledger({record.approval_id: record for record in records}))
    desk.shows(records)
    answers = [(record, Approve(record.digest, decision_id="d")) for record in records]
    desk.context.outbox.send(answers, desk.to)
    desk.shows([])
    desk.context.outbox.cancel_delayed("you cancelled it")
    asked = [record.approval_id for _ in range(2) for record in desk.asks_for().approvals]
    assert asked == [record.approval_id for record in records]


def test_an_answer_from_before_it_was_opened_anew_names_nobody(desk: Desk) -> None:
    desk.context.load_caller(desk.to)
    late = desk.answered(messages.CallerLoaded)
    desk.context.opened("111122223333 eu-west-1 qlikops", read_only=False)
    desk.context.took_caller(late)
    assert desk.context.caller == ""
    desk.context.load_caller(desk.to)
    desk.context.took_caller(desk.answered(messages.CallerLoaded))
    assert desk.context.caller == samples.CALLER
