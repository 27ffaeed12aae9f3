"""What a decision sends, where it stands meanwhile, and the receipt after."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.domain.errors import AccessDenied, AlreadyDecided, ApprovalExpired, DecisionUnknown
from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.gathered.latest import Latest
from qlikops.domain.ports import Approve, DecisionReceipt, Deny
from qlikops.domain.proposals.approval import Decision, Outcome, Status, TaskOutcome
from qlikops.domain.proposals.callback import DECISION_TEXT_CAP
from qlikops.domain.proposals.lasting import Aftermath, Lasting, TaskLasting
from qlikops.presentation.deciding import decision
from qlikops.presentation.pages import review
from qlikops.presentation.tone import Section, Span, as_text, plain
from qlikops.presentation.vocabulary import status_meaning as meaning
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW

UNREAD = decision.LatestSeen(None, NOW)
WAIT = EndpointWait(EndpointKey("default", "eu", "ORA-PROD"), NOW, NOW + timedelta(hours=1))
FELL = TaskLasting(samples.proposal().targets[0].key, Lasting.FELL_OVER, 420, NOW)


class TestDecision:
    REQUEST = Approve(samples.approval().digest, decision_id="abc")

    def test_what_goes_out_when_approving(self) -> None:
        text = as_text([Section("", decision.what_goes_out(self.REQUEST, samples.approval(), samples.CALLER, UNREAD))])
        for expected in ("SendTaskSuccess", "RESUME_PROCESSING", "sales-orders", "no table loads again"):
            assert expected in text
        for expected in (self.REQUEST.digest, samples.approval().approval_id, "abc", samples.CALLER):
            assert expected in text

    def test_a_reason_is_shown_to_its_last_word_wherever_it_goes(self) -> None:
        reason = "why " * (DECISION_TEXT_CAP // 4 - 1) + "not"
        request = Deny("d1", reason=reason)
        denied = replace(samples.approval(), decision=Decision(approved=False, by="anna", reason=reason))
        receipt = DecisionReceipt(denied.approval_id, Decision(approved=False, by="anna", reason=reason), Status.DENIED)
        for lines in (
            decision.what_goes_out(request, samples.approval(), "", UNREAD),
            decision.receipt(receipt),
            review.decided(denied),
        ):
            assert reason in [line.text for line in lines]
        assert reason in " ".join(decision.unproven(samples.approval(), request, ()).split())

    def test_what_goes_out_when_denying(self) -> None:
        request = Deny("d1", reason="patching", snooze=timedelta(hours=1))
        text = as_text([Section("", decision.what_goes_out(request, samples.approval(), "", UNREAD))])
        assert "SendTaskFailure ApprovalDenied" in text
        assert "Does         nothing is sent to Qlik" in text
        assert "patching" in text
        assert "muted for 1h00m" in text

    def test_a_receipt_is_complete(self) -> None:
        made = Decision(True, "abc", samples.CALLER, NOW, "", "d1", "tui")
        text = decision.receipt_text(DecisionReceipt("id1", made, Status.RESTARTED, Outcome(Status.RESTARTED)))
        for expected in ("id1", "approved by anna", "abc", "2026-03-07 11:20:00 UTC", "d1", "RESTARTED"):
            assert expected in text

    def test_progress_tells_our_decision_from_another(self) -> None:
        ended = replace(samples.approval(), status=Status.RESTARTED, decision=Decision(True, "abc"))
        assert plain(decision.progress(samples.approval(), self.REQUEST, ended=ended)).startswith("RESTARTED ")
        theirs = replace(ended, decision=Decision(False, "other", "arn:aws:iam::1:user/bob"), status=Status.DENIED)
        said = plain(decision.progress(samples.approval(), self.REQUEST, ended=theirs))
        assert said.startswith("Your answer did not count")
        assert "bob" in said


APPROVE = Approve(samples.approval().digest, decision_id="abc")
DENY = Deny(samples.approval().digest, "patching", decision_id="abc")
THEIRS = Decision(False, "other", "arn:aws:iam::1:user/bob", NOW)
OURS = replace(samples.approval(), status=Status.RESTARTED, decision=Decision(True, "abc"))
DECIDED = AlreadyDecided("too late", decision=THEIRS, status=Status.DENIED)


@pytest.mark.parametrize(
    ("how", "line", "word"),
    [
        ({}, "Sending: approve replicate-eu-1/sales-orders …", "on the way"),
        ({"waited": 7}, "No answer for 7 s: nobody can say yet whether it counts.", "on the way"),
        (
            {"sent": DecisionReceipt("1", Decision(True), Status.RESTARTING)},
            "replicate-eu-1/sales-orders: approved, restarting …  decision abc",
            "RESTARTING",
        ),
        (
            {"error": DECIDED},
            "Already decided: approve replicate-eu-1/sales-orders: denied by bob",
            "already denied by bob",
        ),
        ({"error": ApprovalExpired("late")}, "Expired: approve replicate-eu-1/sales-orders: late", "expired"),
        (
            {"error": AccessDenied("no")},
            "Not sent: approve replicate-eu-1/sales-orders. Access denied: no",
            "not sent (access denied)",
        ),
        ({"error": DecisionUnknown("cut off")}, "Not known yet: ", "not known yet"),
        ({"error": ValueError("bug")}, "The record is being asked what became of it.", "fault"),
        ({"ended": OURS}, "RESTARTED replicate-eu-1/sales-orders: every task was seen", "RESTARTED"),
        (
            {"ended": replace(OURS, decision=THEIRS, status=Status.DENIED)},
            "Your answer did not count: replicate-eu-1/sales-orders was denied by bob",
            "already denied by bob",
        ),
        (
            {"ended": replace(OURS, status=Status.RESTARTING, outcome=None, waits=WAIT)},
            f"WAITS FOR ENDPOINT replicate-eu-1/sales-orders: {meaning(Status.RESTARTING, waits=WAIT)}",
            "WAITS FOR ENDPOINT",
        ),
        (
            {"ended": replace(OURS, lasting=Aftermath(1, up_seconds=900))},
            "replicate-eu-1/sales-orders runs again since 11:20, still up after 15 min",
            "RESTARTED",
        ),
        (
            {"ended": replace(OURS, lasting=Aftermath(1).with_results([FELL]))},
            "replicate-eu-1/sales-orders fell over after 7 min",
            "FELL OVER",
        ),
        (
            {"ended": replace(OURS, decision=None, status=Status.WAITING)},
            "Not recorded: approve replicate-eu-1/sales-orders; it still waits and can be answered again.",
            "WAITING",
        ),
    ],
)
def test_where_a_decision_is_in_a_line_and_in_a_word(how: dict[str, Any], line: str, word: str) -> None:
    assert line in plain(decision.progress(samples.approval(), APPROVE, **how))
    how.pop("waited", None)
    assert decision.stage(APPROVE, **how).text == word


def test_how_long_the_slowest_task_took_is_said() -> None:
    targets = tuple(
        TaskOutcome(samples.proposal().targets[0].key, Status.RESTARTED, seconds=each) for each in (4.2, 9.6)
    )
    ended = replace(OURS, outcome=Outcome(Status.RESTARTED, targets=targets))
    assert "sales-orders in 10 s: " in plain(decision.progress(samples.approval(), APPROVE, ended=ended))


@pytest.mark.parametrize(
    ("error", "maybe"),
    [(DecisionUnknown("x"), True), (ValueError("x"), True), (AccessDenied("x"), False), (ApprovalExpired("x"), False)],
)
def test_only_our_own_errors_rule_out_that_it_counted(error: Exception, maybe: bool) -> None:
    assert decision.maybe_sent(error) is maybe


def test_several_are_counted_in_the_order_in_which_each_first_occurs() -> None:
    stages = [decision.stage(APPROVE, ended=OURS), decision.stage(APPROVE), decision.stage(APPROVE, ended=OURS)]
    assert plain(decision.counted(stages)) == "2 RESTARTED, 1 on the way"


@pytest.mark.parametrize(
    ("seconds", "others", "said"),
    [
        (2.1, 0, "Sending in 3 s: deny replicate-eu-1/sales-orders in prod. Esc takes it back"),
        (0, 2, "To be sent next: deny replicate-eu-1/sales-orders in prod and 2 more. Esc takes it back"),
    ],
)
def test_what_is_held_back_counts_down(seconds: float, others: int, said: str) -> None:
    held = decision.held_back(samples.approval(), DENY, seconds, others, "Esc takes it back", "prod")
    assert plain(held) == said


def test_what_was_withdrawn_was_never_sent() -> None:
    said = plain(decision.withdrawn(samples.approval(), APPROVE, "taken back"))
    assert said == "Not sent: approve replicate-eu-1/sales-orders; taken back."


def test_without_a_receipt_the_ticket_says_that_there_is_none() -> None:
    text = decision.unproven(samples.approval(), DENY, (Span("not known yet"),), "prod")
    lines = dict(line.split(None, 1) for line in text.splitlines() if not line.startswith("decision id"))
    assert lines["context"] == "prod"
    assert lines["decision"] == "deny; no receipt"
    assert (lines["reason"], lines["status"]) == ("patching", "not known yet")


def test_a_receipt_of_a_denial_has_its_snooze_and_its_context() -> None:
    made = Decision(False, "abc", samples.CALLER, NOW, "patching", "d1", "tui", 3600)
    text = decision.receipt_text(DecisionReceipt("id1", made, Status.DENIED), "prod")
    muted, status = "1h00m, until 2026-03-07 12:20:00 UTC", "DENIED: nothing was restarted"
    for expected in ("context      prod", "denied by anna", "patching", muted, status):
        assert expected in text


@pytest.mark.parametrize(
    ("made", "said"),
    [(THEIRS, "It no longer waits: DENIED, denied by bob at 11:20:00 UTC."), (None, "It no longer waits: DENIED.")],
)
def test_why_it_no_longer_waits(made: Decision | None, said: str) -> None:
    assert decision.no_longer_waits(replace(OURS, status=Status.DENIED, decision=made)) == said


@pytest.mark.parametrize("request_", [APPROVE, DENY])
def test_what_goes_out_is_shown_beside_what_the_last_poll_saw_and_what_happens_otherwise(
    request_: Approve | Deny,
) -> None:
    def said(seen: decision.LatestSeen) -> str:
        return as_text([Section("", decision.what_goes_out(request_, samples.approval(), "", seen))])

    latest = Latest.of(samples.as_proposed(samples.fleet(), samples.proposal()), samples.proposal())
    assert "seen 40s ago" in said(decision.LatestSeen(latest, NOW))
    assert "what the last poll says has not been read" in said(decision.LatestSeen(None, NOW))
    assert ("expires in 3h48m" in said(UNREAD)) is request_.approved
    assert "As           not known yet" in said(UNREAD)


class TestChoosing:
    RECORD = samples.approval(samples.OFFERING)
    REQUEST = Approve("d", option="reload", tasks=("stock",))

    def test_what_goes_out_says_the_option_what_it_loses_and_what_is_left_out(self) -> None:
        text = as_text([Section("", decision.what_goes_out(self.REQUEST, self.RECORD, "", UNREAD))])
        assert "Does         reload the target from the source" in text
        assert "Lost         what the target has" in text
        assert "RELOAD_TARGET" in text
        assert "left out: replicate-eu-1/orders, replicate-eu-1/payments" in text
        assert "Tasks        1 task, 42 tables" in text

    def test_what_speaks_against_it_goes_by_option_tasks_and_open_checks(self) -> None:
        seen = decision.LatestSeen(None, NOW)
        assert list(decision.careful(self.REQUEST, self.RECORD, seen)) == ["a reload replaces what the target has"]
        first = Approve("d", checked=("Ask the DBA.",))
        assert list(decision.careful(first, self.RECORD, seen)) == ["not ticked: Restore the log"]
        assert not list(decision.careful(Deny("d", "no"), self.RECORD, seen))

    def test_a_receipt_says_what_was_chosen_and_ticked(self) -> None:
        made = Decision(True, "abc", option="resume", checked=("Ask the DBA.",))
        text = decision.receipt_text(DecisionReceipt("id1", made, Status.RESTARTING, terms=("1 of 2 checks ticked",)))
        assert "for          1 of 2 checks ticked" in text
        assert "[x] Ask the DBA." in text
