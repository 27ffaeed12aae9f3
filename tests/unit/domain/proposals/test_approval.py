from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.proposals.approval import (
    ADVICE_CAP,
    ROW_BYTES,
    ROW_TEXT_CAP,
    Decision,
    InboxRow,
    Outcome,
    RunCall,
    Status,
    TaskOutcome,
    attributed,
    digest_of,
    new_decision_id,
    terms_of,
)
from qlikops.domain.proposals.evaluation import BlockingGate, Gate, Route
from qlikops.domain.proposals.proposal import Option, Proposal
from tests.unit.domain.samples import EVALUATION, KEY, NOON, POLICY, PROPOSAL, WAITING


def test_an_approval_that_an_earlier_version_stored_with_a_snooze_does_not_snooze() -> None:
    assert Decision(True, snooze_seconds=10**12).snooze == 0
    assert Decision(False, snooze_seconds=10**12).snooze == 30 * 86400


@pytest.mark.parametrize(
    ("by", "who"),
    [
        ("policy", "“policy” (no ARN)"),
        ("arn:aws:iam::111111111111:user/policy", "“policy” (a caller)"),
        ("arn:aws:sts::111111111111:assumed-role/OnCall/Policy", "“Policy” (a caller)"),
        ("arn:aws:iam::111111111111:user/ｐｏｌｉｃｙ", "“ｐｏｌｉｃｙ” (a caller)"),
        ("arn:aws-cn:iam::111111111111:user/anna", "anna"),
        ("arn:aws:s3:::policy", "“arn:aws:s3:::policy” (no ARN)"),
        ("the policy, automatically", "“the policy, automatically” (no ARN)"),
        ("", "unknown (no caller given)"),
    ],
)
def test_nobody_who_says_so_reads_as_the_policy(by: str, who: str) -> None:
    assert Decision(True, by=by).who() == who
    assert Decision(True, by=by, automatic=True).who() == "policy"


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("route", Route)
def test_automatic_is_what_the_policy_let_run_and_nobody_was_asked_about(asked: bool, route: Route) -> None:
    record = replace(WAITING, policy=replace(POLICY, route=route), requested_at=NOON if asked else None)

    says_so = Decision(True, automatic=True)
    assert attributed(says_so, record).automatic is (route is Route.AUTOMATIC and not asked)
    assert attributed(says_so, replace(record, policy=None)).automatic is False
    assert attributed(Decision(True), record).automatic is False


def test_what_can_still_change_is_not_final() -> None:
    assert [status for status in Status if not status.is_final] == [
        Status.PROPOSED,
        Status.EVALUATED,
        Status.WAITING,
        Status.RESTARTING,
    ]


class TestInboxRow:
    """The row of a proposal whose every text is longer than a row holds, in a run that the scheduler named."""

    RECORD = replace(
        WAITING,
        proposal=replace(
            WAITING.proposal,
            kind=max(AnomalyKind, key=len),
            title="t" * 90,
            options=(Option("resume", Action.RESUME, "w" * 90), Option("reload", Action.RELOAD, "")),
            cause="c" * 90,
            targets=(
                replace(
                    WAITING.proposal.targets[0],
                    key=TaskKey("i", "s" * 40, "t" * 40),
                    tables=999_999,
                    full_load_completed=False,
                ),
            ),
            execution_name="e" * 80,
            point_of_no_return=PointOfNoReturn("s", NOON, 3600),
            stale_from=NOON,
        ),
        evaluation=replace(EVALUATION, confidence=0.9),
        digest="ab" * 32,
    )
    ROW = InboxRow.of(RECORD, NOON, NOON + timedelta(hours=4))

    @pytest.mark.parametrize("name", [each.name for each in fields(InboxRow) if each.name not in {"claim", "waits"}])
    def test_every_field_is_filled_in(self, name: str) -> None:
        assert getattr(self.ROW, name) not in ("", None, 0), "InboxRow.of leaves it out, or RECORD has nothing for it"

    @pytest.mark.parametrize("name", [each.name for each in fields(InboxRow)][14:])
    def test_a_field_that_earlier_rows_lack_has_a_default(self, name: str) -> None:
        stored = {key: value for key, value in codec.encode(self.ROW).items() if key != name}
        assert codec.decode(InboxRow, stored) is not None

    @pytest.mark.parametrize(
        ("certainty", "cause"),
        [(Certainty.KNOWN, "sqlserver-deadlock"), (Certainty.LIKELY, ""), (Certainty.UNKNOWN, "")],
    )
    def test_the_cause_of_one_task_is_its_failure_if_that_is_certain(self, certainty: Certainty, cause: str) -> None:
        deadlock = Diagnosis(
            "sqlserver-deadlock", "sqlserver", FailureClass.RETRY_NOW, certainty, "Two sessions waited."
        )
        record = replace(self.RECORD, proposal=replace(self.RECORD.proposal, cause="", diagnosis=deadlock))
        assert InboxRow.of(record, NOON, NOON + timedelta(hours=4)).cause == cause

    @pytest.mark.parametrize("server", ["eu-1", "replicate-production-of-europe-central-1"])
    def test_tasks_whose_long_names_differ_in_their_ends_differ_in_their_rows(self, server: str) -> None:
        (target,) = self.RECORD.proposal.targets
        labels = set()
        for end in ("daily", "hourly"):
            key = TaskKey("default", server, f"orders-and-returns-of-all-countries-from-oracle-to-snowflake-{end}")
            proposal = replace(self.RECORD.proposal, targets=(replace(target, key=key),))
            labels.add(InboxRow.of(replace(self.RECORD, proposal=proposal), NOON, NOON).label)
        assert len(labels) == 2
        assert all(each.startswith(server[:20]) and len(each) == ROW_TEXT_CAP for each in labels)

    def test_it_is_as_small_as_it_says(self) -> None:
        assert all(len(text) == ROW_TEXT_CAP for text in (self.ROW.label, self.ROW.title, self.ROW.cause))
        assert len(self.ROW.advice or "") == ADVICE_CAP
        size = len(self.ROW.as_stored().encode())
        assert size <= ROW_BYTES, (
            "cut its text, or raise ROW_BYTES in domain/proposals/approval.py as long as 2,000 rows are in a page: "
            "pytest -s tests/benchmarks/test_console.py -k calls_to_refresh_the_inbox"
        )

    @pytest.mark.parametrize(
        ("option", "advice"),
        [
            (Option("resume", Action.RESUME, Action.RESUME.words), None),
            (Option("resume", Action.RESUME, "restore the log, then resume"), "restore the log"),
            (Option("resume", Action.RESUME, "look at the tables"), "look at the tables"),
        ],
    )
    def test_it_says_what_comes_first_and_how_much_loads_again(self, option: Option, advice: str | None) -> None:
        (target,) = self.RECORD.proposal.targets
        proposal = replace(
            self.RECORD.proposal, options=(option,), targets=(target, replace(target, full_load_completed=True))
        )
        row = InboxRow.of(replace(self.RECORD, proposal=proposal), NOON, NOON)
        assert (row.advice, row.loads) == (advice, 999_999)
        whole = replace(proposal, options=(replace(option, action=Action.RELOAD),))
        assert whole.choose().tables_to_load == 2 * 999_999

    @pytest.mark.parametrize("row", [ROW, replace(ROW, resume_until=None, confidence=None)])
    def test_stored_it_is_read_as_it_was(self, row: InboxRow) -> None:
        assert codec.loads(InboxRow, row.as_stored()) == row
        assert "null" not in row.as_stored().replace('"confidence":null', "")


def test_the_digest_of_stored_json_is_that_of_the_values() -> None:
    stored = [json.loads(codec.dumps(value)) for value in (PROPOSAL, EVALUATION, POLICY)]

    assert digest_of(*stored) == digest_of(PROPOSAL, EVALUATION, POLICY)


def test_the_digest_covers_every_part() -> None:
    stored = [json.loads(codec.dumps(value)) for value in (PROPOSAL, EVALUATION, POLICY)]
    digests = {digest_of(*stored)}
    for part in stored:
        part["reason" if "reason" in part else "rationale"] += "."
        digests.add(digest_of(*stored))

    assert len(digests) == 4


ACTED = TaskOutcome(KEY, Status.FAILED)


@pytest.mark.parametrize(
    ("outcome", "was_sent", "may_have_started", "came_to"),
    [
        (replace(ACTED, run_call=RunCall.NOT_SENT), False, False, "not started"),
        (replace(ACTED, run_call=RunCall.REFUSED), True, False, "start refused"),
        (replace(ACTED, run_call=RunCall.UNCERTAIN), True, True, "failed again"),
        (replace(ACTED, run_call=RunCall.TAKEN), True, True, "failed again"),
        (replace(ACTED, run_call=RunCall.NOT_SENT, stopped=True), True, False, "stopped and not started again"),
        (replace(ACTED, run_call=RunCall.REFUSED, stopped=True), True, False, "stopped and not started again"),
        (ACTED, False, True, "failed"),  # by a version that did not say what was sent
        (replace(ACTED, status=Status.UNVERIFIED), True, True, "unverified"),
        (replace(ACTED, status=Status.ALREADY_RUNNING), False, False, "already running"),
    ],
)
def test_what_was_sent_for_a_task_and_what_came_of_it(
    outcome: TaskOutcome, was_sent: bool, may_have_started: bool, came_to: str
) -> None:
    assert (outcome.was_sent, outcome.may_have_started, outcome.came_to) == (was_sent, may_have_started, came_to)
    assert Outcome(Status.HELD, targets=(outcome,)).was_sent is was_sent
    assert Outcome(Status.PARTIAL, targets=(outcome,)).was_sent is was_sent


@pytest.mark.parametrize("status", [Status.RESTARTED, Status.PARTIAL, Status.UNVERIFIED, Status.FAILED, Status.HELD])
def test_an_outcome_without_tasks_says_by_its_status_what_was_sent(status: Status) -> None:
    assert Outcome(status).was_sent is status.was_sent


@pytest.mark.parametrize("status", Status)
def test_a_task_that_was_stopped_is_left_so_unless_it_was_seen_running(status: Status) -> None:
    stopped = TaskOutcome(KEY, status, stopped=True)
    assert stopped.is_left_stopped is (status not in (Status.RESTARTED, Status.ALREADY_RUNNING))
    assert not replace(stopped, stopped=False).is_left_stopped


@pytest.mark.parametrize(
    ("change", "agrees"),
    [
        ({}, True),
        ({"deadline": NOON + timedelta(hours=4, milliseconds=700)}, True),  # a record keeps whole seconds
        ({"deadline": NOON + timedelta(hours=4, seconds=1)}, False),
        ({"digest": "0" * 12}, False),
        ({"digest": ""}, False),
    ],
)
def test_a_row_is_of_the_record_that_a_decision_would_be_about(change: dict[str, Any], agrees: bool) -> None:
    row = InboxRow.of(WAITING, NOON, NOON + timedelta(hours=4))
    assert replace(row, **change).is_of(WAITING) is agrees
    assert not row.is_of(replace(WAITING, deadline=None))


def test_what_nobody_here_can_approve_is_named_once() -> None:
    assert WAITING.unknown == ()
    strange = Action.read("rewind")
    odd = replace(POLICY, closed_gates=(BlockingGate(Gate.read("moon_phase"), "full"),) * 2)
    record = replace(WAITING, proposal=replace(WAITING.proposal, action=strange), policy=odd)
    assert record.unknown == ("rewind", "moon_phase")
    assert record.approval_id == WAITING.proposal.proposal_id


def test_no_two_decisions_have_one_id() -> None:
    ids = {new_decision_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in ids)


def test_a_decision_is_bound_by_the_digest_that_it_names() -> None:
    assert Decision(True, digest=WAITING.digest).is_bound
    assert not Decision(True).is_bound


RESUME = Option("resume", Action.RESUME, "restore the log, then resume", ("Restore it.", "Ask the DBA."))
OFFERED = replace(
    PROPOSAL,
    options=(RESUME, Option("reload", Action.RELOAD, "reload the target")),
    targets=tuple(replace(PROPOSAL.targets[0], key=TaskKey("default", "eu-1", name)) for name in ("orders", "stock")),
)


@pytest.mark.parametrize(
    ("decision", "terms", "named"),
    [
        (Decision(True), ("option resume", "none of 2 checks ticked"), ()),
        (Decision(True, option="reload"), ("option reload",), ("option reload",)),
        (
            Decision(True, tasks=("stock",), checked=("Ask the DBA.", "Of another option.")),
            ("option resume", "left out: eu-1/orders", "1 of 2 checks ticked"),
            ("1 of its tasks", "2 checks ticked"),
        ),
        (Decision(False, "d1"), (), ()),
    ],
)
def test_what_an_approval_is_for_is_said(decision: Decision, terms: tuple[str, ...], named: tuple[str, ...]) -> None:
    assert terms_of(decision, OFFERED) == terms
    assert decision.terms == named


def test_of_what_is_not_offered_the_record_shows_what_was_proposed() -> None:
    record = replace(WAITING, proposal=OFFERED, decision=Decision(True, option="rewind"))
    assert record.chosen == OFFERED.choose()
    assert replace(record, decision=Decision(True, option="reload")).chosen.action is Action.RELOAD
    assert replace(record, decision=Decision(False, option="reload")).chosen == OFFERED.choose()


@pytest.mark.parametrize("cls", [Decision, Proposal])
def test_what_an_earlier_version_stored_is_read_without_options(cls: type) -> None:
    stored = codec.encode(Decision(True) if cls is Decision else PROPOSAL)
    for name in ("option", "tasks", "checked", "options"):
        stored.pop(name, None)
    assert codec.decode(cls, stored) == (Decision(True) if cls is Decision else PROPOSAL)
