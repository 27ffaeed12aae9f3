"""The inbox as a stream: what is said when, and that it is said once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from qlikops.domain.errors import CredentialsProblem, NotFound, Offline
from qlikops.domain.proposals.approval import Claim, Decision, Outcome, ProposalRecord, Status
from qlikops.presentation.lists.watch import InboxWatch, What, arrived, in_words, runs_out, spoken, unsaid
from tests.fakes import row_of
from tests.unit.presentation.samples import CALLER, HOSTILE, NOW, approval, proposal

FIRST, SECOND = approval(proposal(1)), approval(proposal(2, tasks=("billing",)), minutes_left=12)


class Console:
    """A watch with a clock, and what it said."""

    def __init__(self) -> None:
        self.watch, self.now = InboxWatch(), NOW

    def rows(self, *records: ProposalRecord, after: float = 0, claim: Claim | None = None) -> list[tuple[What, str]]:
        self.now += timedelta(seconds=after)
        rows = [replace(row_of(record), claim=claim) for record in records]
        return [(event.what, event.approval_id) for event in self.watch.took_rows(rows, self.now)]

    def record(self, record: ProposalRecord, status: Status, by: str = "") -> list[tuple[What, str]]:
        decision = Decision(True, by=by, at=self.now, reason="safe") if by else None
        outcome = Outcome(status, decision=decision) if status.is_final else None
        moved = replace(record, status=status, decision=decision, outcome=outcome)
        return [(event.what, event.text) for event in self.watch.took_record(moved, self.now)]


def test_what_waits_already_is_no_news_and_nothing_is_said_twice() -> None:
    console = Console()
    assert console.rows(FIRST) == [(What.WAITS, FIRST.approval_id)]
    assert console.rows(FIRST) == []
    assert console.rows(SECOND, FIRST) == [(What.NEW, SECOND.approval_id)]
    assert console.rows(SECOND, FIRST, after=180) == [(What.SOON, SECOND.approval_id)]
    assert console.rows(SECOND, FIRST, after=60) == []
    claim = Claim(CALLER, NOW + timedelta(hours=1))
    assert console.rows(FIRST, SECOND, claim=claim) == [
        (What.CLAIMED, SECOND.approval_id),
        (What.CLAIMED, FIRST.approval_id),
    ]
    assert console.rows(FIRST, SECOND, claim=claim) == []


def test_what_arrives_late_is_said_once_with_its_deadline() -> None:
    console = Console()
    console.rows()
    late = approval(proposal(3), minutes_left=5)
    assert console.rows(late) == [(What.NEW, late.approval_id)]
    assert console.rows(late, after=60) == []


def test_a_decision_is_followed_to_its_end() -> None:
    console = Console()
    console.rows(FIRST)
    console.rows()
    assert console.watch.pending == (FIRST.approval_id,)
    ((what, text),) = console.record(FIRST, Status.RESTARTING, CALLER)
    assert what is What.DECIDED
    assert "approved by anna at 11:20:00 UTC: safe" in text
    assert console.record(FIRST, Status.RESTARTING, CALLER) == []
    ((what, text),) = console.record(FIRST, Status.RESTARTED, CALLER)
    assert (what, "anna" in text) == (What.ENDED, False)
    assert not console.watch.pending


def test_what_nobody_decided_ends_too_and_a_lost_record_is_asked_for_once() -> None:
    console = Console()
    console.rows(FIRST, SECOND)
    console.rows()
    ((what, text),) = console.record(FIRST, Status.EXPIRED)
    assert what is What.ENDED
    assert "nobody decided in time; nothing was restarted" in text
    assert console.watch.lost_record(SECOND.approval_id, NotFound("gone"), NOW).what is What.ENDED
    assert console.watch.pending == ()


def test_a_record_that_the_index_lags_behind_is_looked_up_again() -> None:
    console = Console()
    console.rows(FIRST)
    console.rows()
    assert console.record(FIRST, Status.WAITING) == []
    assert console.watch.pending == (FIRST.approval_id,)


def test_what_changes_and_a_claim_that_runs_out_are_said() -> None:
    console = Console()
    claim = Claim(CALLER, NOW + timedelta(seconds=30))
    console.rows(FIRST, claim=claim)
    assert console.rows(FIRST, after=60, claim=claim) == [(What.UNCLAIMED, FIRST.approval_id)]
    assert console.rows(FIRST, after=60, claim=claim) == []
    assert FIRST.deadline is not None
    sooner = replace(FIRST, deadline=FIRST.deadline - timedelta(hours=1), digest="0" * 64)
    assert console.rows(sooner) == [(What.CHANGED, FIRST.approval_id)]
    assert console.rows(sooner) == []


def test_another_kind_of_outage_is_said_too() -> None:
    watch = InboxWatch()
    errors = (Offline("no route"), Offline("no route to host"), CredentialsProblem("expired"))
    said = [[event.text for event in watch.missed(error, NOW)] for error in errors]
    assert [len(each) for each in said] == [1, 0, 1]
    assert "expired" in said[2][0]


def test_an_outage_is_said_once_and_so_is_its_end() -> None:
    watch = InboxWatch()
    list(watch.took_rows([], NOW))
    assert [event.what for event in watch.missed(Offline("no route"), NOW)] == [What.TROUBLE]
    assert list(watch.missed(Offline("no route"), NOW)) == []
    assert [event.what for event in watch.took_rows([row_of(FIRST)], NOW)] == [What.BACK, What.NEW]


def test_a_line_is_one_line_of_plain_words() -> None:
    hostile = replace(row_of(FIRST), label=HOSTILE[:60], kind="a\nb", severity="\x1b[2Jcritical")
    (event,) = InboxWatch().took_rows([hostile], NOW)
    assert spoken(event).isprintable()
    assert spoken(event).startswith("2026-03-07 11:20:00 UTC  waits: 000000000001 ")
    assert "expires in 3h48m at 2026-03-07 15:08:00 UTC" in spoken(event)


def test_what_the_outcome_adds_is_said_and_a_reason_not_twice() -> None:
    def ended(detail: str) -> str:
        console = Console()
        console.rows(FIRST)
        console.rows()
        decision = Decision(False, by=CALLER, at=NOW, reason="planned work")
        record = replace(FIRST, status=Status.DENIED, decision=decision, outcome=Outcome(Status.DENIED, detail))
        (event,) = console.watch.took_record(record, NOW)
        return event.text

    assert ended("planned work").count("planned work") == 1
    assert ended("no answer for 120 s").endswith("nothing was restarted (no answer for 120 s)")


def test_what_was_left_unsaid_is_said_in_the_same_words() -> None:
    row = row_of(FIRST)
    assert in_words(unsaid(row, NOW, What.NEW)) == arrived(row, NOW)
    assert in_words(unsaid(row, NOW, What.SOON)) == runs_out(row, NOW)
    assert not unsaid(row, NOW, What.NEW).text
    assert in_words(arrived(row, NOW)) == arrived(row, NOW)
