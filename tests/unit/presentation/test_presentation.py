"""What people read: rows, reviews, decisions, executions, fleet, reports, errors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

import pytest

from qlikops.domain.anomaly import AnomalyKind, Severity
from qlikops.domain.approval import Claim, Decision, Outcome, ProposalRecord, Status
from qlikops.domain.errors import AlreadyDecided, Offline, QlikopsError, Throttled, UsageError
from qlikops.domain.evaluation import BlockingGate, Evaluation, Finding, Gate, Risk, Route, Verdict
from qlikops.domain.ports import Approve, DecisionReceipt, Deny
from qlikops.domain.report import Changes, NoAction, ReportedProposal, RunPoint, RunReport, Sighting
from qlikops.domain.task import Action, TaskKey, TaskState
from qlikops.domain.workflow.execution import ExecutionStatus, ExecutionSummary, StateStatus
from qlikops.presentation import decision, executions, fleet, inbox, report, review, vocabulary
from qlikops.presentation.freshness import Freshness, Trust
from qlikops.presentation.problem import explain
from qlikops.presentation.table import Cells, Column, fit
from qlikops.presentation.tone import Section, Span, Tone, as_text, line, plain
from tests.fakes import row_of
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW


def text_of(*sections: Section) -> str:
    return as_text(sections)


def reviewed(record: ProposalRecord) -> str:
    return text_of(*review.sections(record, NOW))


@pytest.mark.parametrize(
    ("enum", "say"),
    [
        (Status, vocabulary.status),
        (ExecutionStatus, vocabulary.execution_status),
        (StateStatus, vocabulary.state_status),
        (TaskState, vocabulary.task_state),
        (Severity, vocabulary.severity),
        (Risk, vocabulary.risk),
        (Route, vocabulary.route),
        (Gate, vocabulary.gate),
        (Action, vocabulary.action),
    ],
)
def test_every_value_has_a_word(enum: type[StrEnum], say: Callable[[StrEnum], Span | str]) -> None:
    words = [said.text if isinstance(said, Span) else said for said in map(say, enum)]
    assert all(words)
    assert len(set(words)) == len(words)


def test_statuses_of_executions_and_states_fit_their_column() -> None:
    width = {column.key: column.drawn.width for column in executions.TABLE.columns}["status"]
    assert max(len(vocabulary.execution_status(status).text) for status in ExecutionStatus) <= width
    assert max(len(vocabulary.state_status(status).text) for status in StateStatus) <= width


class TestColumns:
    COLUMNS = (Column("a", "A", 5), Column("b", "B", 5, flexible=True), Column("c", "C", 5, goes=1))

    def test_the_flexible_one_takes_what_is_left(self) -> None:
        assert [column.width for column in fit(self.COLUMNS, 40)] == [5, 24, 5]

    def test_the_ones_named_go_when_it_is_narrow(self) -> None:
        assert [column.key for column in fit(self.COLUMNS, 15)] == ["a", "b"]

    @pytest.mark.parametrize("width", [60, 79, 119, 200])
    @pytest.mark.parametrize(
        "columns", [inbox.TABLE.fit, executions.TABLE.fit, executions.state_columns, fleet.TABLE.fit]
    )
    def test_tables_fit(self, columns: Callable[[int], tuple[Column, ...]], width: int) -> None:
        shown = columns(width)
        assert sum(column.width + 2 for column in shown) == width
        assert any(column.flexible for column in shown)


class TestInbox:
    def cells(self, minutes_left: float = 228, claim: Claim | None = None, mark: str = "") -> dict[str, str]:
        row = row_of(samples.approval(minutes_left=minutes_left), claim)
        return {key: span.text for key, span in inbox.TABLE.cells(inbox.ListedRow(row, NOW, mark=mark)).items()}

    def test_a_row(self) -> None:
        assert self.cells() == {
            "expires": "3h48m",
            "severity": "■ critical",
            "severity_short": "■ crit",
            "context": "",
            "task": "sales-orders (replicate-eu-1)",
            "kind": "FATAL_TRANSIENT",
            "verdict": "AI approve 92%",
            "verdict_short": "AI approve",
            "risk": "low",
            "age": "12m",
            "claimed": "–",
        }

    def test_only_a_model_is_called_ai(self) -> None:
        row = row_of(samples.approval(assessed=samples.evaluation(evaluator="rules")))
        assert inbox.TABLE.cells(inbox.ListedRow(row, NOW))["verdict"].text == "rules approve 92%"

    @pytest.mark.parametrize(
        ("minutes", "left", "tone"),
        [
            (228, "3h48m", Tone.NEUTRAL),
            (9, "9m", Tone.DANGER),
            (0.5, "30s", Tone.DANGER),
            (-1, "expired", Tone.DANGER),
        ],
    )
    def test_the_countdown(self, minutes: float, left: str, tone: Tone) -> None:
        assert inbox.countdown(NOW + timedelta(minutes=minutes), NOW) == Span(left, tone)

    def test_a_claim_shows_until_it_runs_out(self) -> None:
        claim = Claim(samples.CALLER, NOW + timedelta(minutes=1))
        assert self.cells(claim=claim)["claimed"] == "anna"
        assert self.cells(claim=claim)["task"] == "@ sales-orders (replicate-eu-1, claimed)"
        assert self.cells(claim=replace(claim, until=NOW))["claimed"] == "–"

    def test_values_of_a_newer_agent_are_shown_as_they_are(self) -> None:
        row = replace(row_of(samples.approval()), severity="fatal", verdict="maybe", risk="odd", evaluator="xy")
        cells = inbox.TABLE.cells(inbox.ListedRow(row, NOW))
        assert [cells[key].text for key in ("severity", "verdict", "risk")] == ["? fatal", "AI maybe", "odd"]

    def test_what_expires_first_comes_first(self) -> None:
        late, soon = (
            inbox.ListedRow(row_of(samples.approval(samples.proposal(n), minutes_left=m)), NOW)
            for n, m in ((1, 9), (2, 5))
        )
        assert inbox.TABLE.sorted([late, soon], inbox.TABLE.orders[0]) == [soon, late]

    def test_the_summary(self) -> None:
        rows = [row_of(samples.approval(minutes_old=minutes)) for minutes in (3, 12)]
        assert inbox.summary(rows, NOW) == "2 wait, oldest 12m"
        assert inbox.summary([], NOW) == "nothing waits"


class TestReview:
    def test_it_says_what_runs_on_what_and_what_happens_at_zero(self) -> None:
        text = reviewed(samples.approval())
        for expected in (
            "resume from where it stopped (RESUME_PROCESSING)",
            "replicate-eu-1/sales-orders ERROR (fatal error)",
            "1 task, 42 tables; no table loads again, only changes are read",
            "unanswered   expires in 3h48m, then nothing is restarted",
            "evaluation   AI approve   risk low   confidence 92%",
            "answers again. [e1 message]",
            "e1           message: ORA-12541",
            "a human decides",
            "protected: tagged critical",
            samples.approval().digest,
        ):
            assert expected in text

    def test_what_could_go_wrong_comes_before_what_speaks_for_it(self) -> None:
        few, many = (
            replace(samples.evaluation(), cautions=cautions) for cautions in (("c1", "c2"), ("c1", "c2", "c3"))
        )
        brief = text_of(review.brief(samples.approval(assessed=few)))
        assert brief.index("risk low") < brief.index("c1") < brief.index("c2") < brief.index(few.rationale[:20])
        assert reviewed(samples.approval(assessed=few)).count("caution      ") == 2
        assert "c3" in reviewed(samples.approval(assessed=many))

    @pytest.mark.parametrize(("caller", "said"), [("arn:aws:iam::1:user/ann", "you"), ("", "ann")])
    def test_a_claim_of_ones_own_is_told_from_that_of_another(self, caller: str, said: str) -> None:
        claim = Claim("arn:aws:iam::1:user/ann", NOW + timedelta(minutes=2))
        assert f"claimed by   {said} until" in text_of(review.at_zero(samples.approval(), NOW, claim, caller))

    @pytest.mark.parametrize(("kind", "count"), [(AnomalyKind.FATAL_UNKNOWN, 1), (AnomalyKind.FATAL_TRANSIENT, 0)])
    def test_a_message_that_nobody_knows_is_read_before_deciding(self, kind: AnomalyKind, count: int) -> None:
        proposal = replace(samples.proposal(), kind=kind)
        assert text_of(review.brief(samples.approval(proposal))).count("message      ORA-12541") == count

    def test_a_reload_says_what_it_replaces(self) -> None:
        text = reviewed(samples.approval(samples.proposal(action=Action.RELOAD)))
        assert "every table loads again from the source, replacing what the target has" in text

    @pytest.mark.parametrize(
        ("completed", "said"), [(False, "is not complete"), (None, "is not known"), (True, "no table loads again")]
    )
    def test_a_resume_says_whether_tables_load_again(self, completed: bool | None, said: str) -> None:
        proposal = samples.proposal()
        target = replace(proposal.targets[0], full_load_completed=completed)
        assert said in plain(review.blast_radius(replace(proposal, targets=(target,))))

    def test_tables_that_are_not_known_are_not_counted_as_none(self) -> None:
        proposal = samples.proposal(tasks=("a", "b"))
        targets = (proposal.targets[0], replace(proposal.targets[1], tables=None))
        said = plain(review.blast_radius(replace(proposal, targets=targets)))
        assert said.startswith("2 tasks, 42 tables (not known for 1 task); ")

    def test_a_group_lists_every_task(self) -> None:
        names = tuple(f"t{n}" for n in range(14))
        text = reviewed(samples.approval(samples.proposal(tasks=names, cause="source ORA-PROD")))
        assert "14 tasks: replicate-eu-1/t0, replicate-eu-1/t1, replicate-eu-1/t2 and 11 more" in text
        assert all(f"replicate-eu-1/{name} ERROR" in text for name in names)

    def test_a_finding_that_cites_what_is_not_there_is_marked(self) -> None:
        finding = Finding("I saw it", ("e1", "e9"), ("e9",))
        text = reviewed(samples.approval(assessed=samples.evaluation(findings=(finding,))))
        assert "I saw it [e1 message] [cites e9, which does not exist]" in text

    def test_an_unavailable_evaluation_says_why_and_nothing_else(self) -> None:
        gone = Evaluation.unavailable("the answer was truncated", "bedrock", "prompt 3", NOW)
        text = reviewed(samples.approval(assessed=gone))
        assert "unavailable: the answer was truncated; decide on the evidence" in text
        assert "confidence" not in text

    @pytest.mark.parametrize(
        ("tokens", "milliseconds", "said"),
        [
            ((812, 1210), 2340, "AI prompt-3, 812 + 1,210 tokens, 2.3 s"),
            ((None, None), 4, "AI prompt-3, 0.0 s"),
            ((None, None), None, "AI prompt-3"),
        ],
    )
    def test_what_an_evaluation_took_stands_beside_who_made_it(
        self, tokens: tuple[int | None, int | None], milliseconds: int | None, said: str
    ) -> None:
        made = replace(
            samples.evaluation(),
            evaluator="bedrock",
            evaluator_version="prompt-3",
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            duration_ms=milliseconds,
        )
        assert said in [
            line.strip().removeprefix("by").strip() for line in reviewed(samples.approval(assessed=made)).splitlines()
        ]

    def test_no_evaluation_is_unavailable_too(self) -> None:
        assert "unavailable: none was recorded; decide on the evidence" in reviewed(
            replace(samples.approval(), evaluation=None)
        )

    @pytest.mark.parametrize(
        ("record", "count"),
        [
            (samples.approval(), 0),
            (samples.approval(assessed=samples.evaluation(Verdict.CAUTION, Risk.MEDIUM)), 1),
            (samples.approval(samples.proposal(kind=AnomalyKind.FATAL_UNKNOWN)), 1),
            (samples.approval(assessed=samples.evaluation(Verdict.DENY, Risk.HIGH)), 2),
            (replace(samples.approval(), evaluation=None), 1),
            (samples.approval(samples.proposal(action=Action.RELOAD)), 1),
        ],
    )
    def test_second_thoughts(self, record: ProposalRecord, count: int) -> None:
        assert len(review.second_thoughts(record)) == count

    @pytest.mark.parametrize("verdict", Verdict)
    @pytest.mark.parametrize("risk", Risk)
    @pytest.mark.parametrize("confidence", [None, -1.0, 0.0, 0.5, 0.69, 0.7, 1.0, 1.01, float("nan")])
    def test_nothing_is_preselected_but_a_sure_yes_of_low_or_medium_risk_on_a_known_message(
        self, verdict: Verdict, risk: Risk, confidence: float | None
    ) -> None:
        assessed = replace(samples.evaluation(verdict, risk), confidence=confidence)
        below_floor = (BlockingGate(Gate.LOW_CONFIDENCE, "the floor is 0.9"),)
        for kind, action, closed in itertools.product(AnomalyKind, Action, [(), below_floor]):
            record = samples.approval(samples.proposal(kind=kind, action=action), assessed=assessed)
            assert record.policy is not None
            record = replace(record, policy=replace(record.policy, closed_gates=closed))
            is_sound = (
                verdict is Verdict.APPROVE
                and risk in {Risk.LOW, Risk.MEDIUM}
                and confidence in {0.7, 1.0}
                and not closed
                and kind is not AnomalyKind.FATAL_UNKNOWN
                and action is not Action.RELOAD
            )
            assert (review.second_thoughts(record) == ()) is is_sound

    def test_a_decision_without_a_digest_says_so(self) -> None:
        decided = replace(samples.approval(), status=Status.DENIED, decision=Decision(False, reason="no"))
        text = reviewed(decided)
        assert "denied by unknown (no caller given)" in text
        assert "made without a digest" in text
        assert "expires" not in text


class TestDecision:
    REQUEST = Approve(samples.approval().digest, decision_id="abc")

    def test_what_goes_out_when_approving(self) -> None:
        text = text_of(Section("", decision.what_goes_out(self.REQUEST, samples.approval(), samples.CALLER)))
        for expected in ("SendTaskSuccess", "RESUME_PROCESSING", "sales-orders", "no table loads again"):
            assert expected in text
        for expected in (self.REQUEST.digest, samples.approval().approval_id, "abc", samples.CALLER):
            assert expected in text

    def test_what_goes_out_when_denying(self) -> None:
        request = Deny("d1", reason="patching", snooze=timedelta(hours=1))
        text = text_of(Section("", decision.what_goes_out(request, samples.approval())))
        assert "SendTaskFailure ApprovalDenied" in text
        assert "will run     nothing" in text
        assert "patching" in text
        assert "left alone for 1h00m" in text

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


def cells_of(summary: ExecutionSummary) -> Cells:
    return executions.TABLE.cells(executions.ListedExecution(summary, NOW))


class TestExecutions:
    def test_a_row(self) -> None:
        cells = cells_of(samples.execution(status=ExecutionStatus.SUCCEEDED))
        texts = {key: span.text for key, span in cells.items()}
        assert texts["status"] == "✓ succeeded"
        assert texts["duration"] == "1m15s"
        assert (texts["anomalies"], texts["proposals"], texts["restarted"]) == ("4", "2", "1")

    def test_what_is_not_known_is_not_zero(self) -> None:
        for status, shown in ((ExecutionStatus.RUNNING, "…"), (ExecutionStatus.ABORTED, "–")):
            cells = cells_of(replace(samples.execution(status=status), run=None))
            assert {cells[key].text for key in ("anomalies", "proposals", "restarted")} == {shown}

    def test_a_report_of_an_earlier_end_is_not_that_of_a_run_that_goes_on(self) -> None:
        redriven = replace(
            samples.execution(status=ExecutionStatus.SUCCEEDED), status=ExecutionStatus.RUNNING, stopped_at=None
        )
        cells = cells_of(redriven)
        assert (cells["anomalies"].text, cells["restarted"].text) == ("4", "…")
        assert executions.TABLE.fields["restarted"](executions.ListedExecution(redriven, NOW)) == ""

    def test_the_detail_names_what_waits_and_what_the_ledger_filled_in(self) -> None:
        text = text_of(*executions.heading(samples.execution_detail(), NOW))
        assert "WaitForApproval, item 0, for 4h00m at most" in text
        assert "the ledger filled them in" in text
        assert "WAITING replicate-eu-1/sales-orders: resume, FATAL_TRANSIENT" in text

    def test_map_items_are_indented_and_numbered(self) -> None:
        history = samples.execution_detail().history
        assert history is not None
        cells = executions.state_cells(history.states[4], NOW)
        assert (cells["state"].text, cells["item"].text) == ("  WaitForApproval", "0")

    def test_a_missing_history_says_so(self) -> None:
        gone = replace(samples.execution_detail(), history=None)
        assert "no longer available" in executions.states_note(gone)

    def test_payloads_are_indented_and_harmless(self) -> None:
        assert executions.payload('{"a":1}') == '{\n  "a": 1\n}'
        assert executions.payload("\x1b[31mnot json\u202e") == "not json"


class TestReport:
    REPORT = RunReport(
        execution_arn=samples.ARN,
        execution_name="run-0711",
        started_at=NOW - timedelta(seconds=90),
        finished_at=NOW,
        servers=3,
        tasks=38,
        tasks_by_state={"RUNNING": 36, "ERROR": 2},
        anomalies=samples.fleet().tasks[1].anomalies,
        proposals=(
            ReportedProposal(
                samples.proposal(),
                Status.DENIED,
                outcome=Outcome(Status.DENIED, decision=Decision(False, by="arn:aws:iam::1:user/bob", reason="no")),
            ),
        ),
        left_alone=(NoAction(TaskKey("default", "s", "stock"), "USER_STOPPED", "stopped by a user"),),
    )

    def test_it_says_what_was_found_and_who_decided(self) -> None:
        text = text_of(*report.sections(self.REPORT))
        assert "38 tasks on 3 servers: 2 ERROR, 36 RUNNING" in text
        assert "1 FATAL_TRANSIENT" in text
        assert "DENIED replicate-eu-1/sales-orders: resume; denied by bob: no" in text
        assert "s/stock: stopped by a user" in text

    def test_it_says_what_changed_and_how_the_last_runs_went(self) -> None:
        points = (
            RunPoint("r1", NOW - timedelta(minutes=10), 12, 4, 3, 1, 8.6),
            RunPoint("r2", NOW - timedelta(minutes=5), failed=True),
            RunPoint("r3", NOW, 9),
        )
        new = (Sighting(TaskKey("default", "s", "stock"), "STALLED"),)
        text = text_of(
            *report.sections(replace(self.REPORT, changes=Changes(NOW - timedelta(minutes=5), new), trend=points))
        )
        assert "1 new, 0 resolved since " in text
        assert "12 ! 9" in text
        assert "9 ! -  mean, in seconds" in text

    def test_a_report_without_a_trend_says_nothing_of_one(self) -> None:
        assert "Trend" not in text_of(*report.sections(self.REPORT))

    def test_a_failed_run_shows_no_counts(self) -> None:
        text = text_of(*report.sections(replace(self.REPORT, error="no server answered")))
        assert "no server answered" in text
        assert "38" not in text


class TestTrouble:
    @pytest.mark.parametrize(
        ("freshness", "trust"),
        [
            (Freshness(), Trust.CONNECTING),
            (Freshness(NOW), Trust.LIVE),
            (Freshness(NOW - timedelta(seconds=31)), Trust.STALE),
            (Freshness(NOW, Offline("x")), Trust.OFFLINE),
            (Freshness(NOW, Throttled("x")), Trust.THROTTLED),
            (Freshness(NOW, ValueError("x")), Trust.FAILED),
        ],
    )
    def test_only_live_data_can_be_decided_on(self, freshness: Freshness, trust: Trust) -> None:
        assert freshness.trust(NOW) is trust
        assert bool(freshness.locked_because(NOW)) is (trust is not Trust.LIVE)

    def test_somebody_who_was_faster_is_named(self) -> None:
        faster = Decision(True, by="arn:aws:iam::1:user/bob", at=NOW, reason="on the phone")
        said = str(explain(AlreadyDecided("too late", decision=faster, status=Status.RESTARTING)))
        assert "approved by bob at 11:20:00 UTC: on the phone" in said

    def test_our_own_hint_comes_before_the_general_one(self) -> None:
        assert explain(Offline("x", "Start the VPN.")).hint == "Start the VPN."

    @pytest.mark.parametrize("error", [QlikopsError("what"), UsageError("what"), ValueError("what")])
    def test_every_error_has_words(self, error: Exception) -> None:
        assert "what" in str(explain(error))


def test_nothing_from_outside_reaches_a_terminal_but_as_text() -> None:
    hostile = samples.HOSTILE
    subject = samples.proposal(tasks=(hostile,), title=hostile, message=hostile, cause=hostile)
    assessed = replace(
        samples.evaluation(findings=(Finding(hostile, (hostile,), (hostile,)),)),
        rationale=hostile,
        cautions=(hostile,),
        evaluator=hostile,
        evaluator_version=hostile,
    )
    record = replace(
        samples.approval(subject, assessed=assessed),
        decision=Decision(False, hostile, hostile, NOW, hostile, hostile),
        outcome=Outcome(Status.FAILED, hostile),
        claim=Claim(hostile, NOW + timedelta(hours=1)),
    )
    request = Deny(hostile, hostile, decision_id=hostile)
    cells = inbox.TABLE.cells(inbox.ListedRow(row_of(record), NOW))
    shown = [
        *(entry.label + entry.text for section in review.sections(record, NOW) for entry in section.lines),
        *(entry.text for entry in decision.what_goes_out(request, record, hostile)),
        *(span.text for span in cells.values()),
        plain(decision.progress(record, request, ended=record)),
        str(explain(Offline(hostile, hostile))),
        line("x", Span("y")).text,
    ]
    for text in shown:
        assert not [char for char in text if ord(char) < 32 or char in "\x7f\x9b\u202e\u202c"], text[:80]
        assert len(text) < 3_000
