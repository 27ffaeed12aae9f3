"""What a person reads before deciding: what runs on what, what speaks for it, and what gives second thoughts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from textwrap import wrap
from typing import Any

import pytest

from qlikops.domain.fleet.anomaly import AnomalyKind, Evidence, Severity
from qlikops.domain.fleet.audit import DoneBy
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait, Probe, ProbeAnswer, Siblings
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.gathered.background import Background
from qlikops.domain.proposals.approval import Claim, Decision, Outcome, ProposalRecord, Status, TaskOutcome
from qlikops.domain.proposals.evaluation import BlockingGate, Evaluation, Finding, Gate, Risk, Verdict
from qlikops.domain.proposals.lasting import Aftermath, Lasting, TaskLasting
from qlikops.domain.proposals.proposal import WHEN_IT_ANSWERS, Option
from qlikops.presentation.pages import review
from qlikops.presentation.tone import Section, as_text, plain
from tests.cases import for_all
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW


def reviewed(record: ProposalRecord) -> str:
    return as_text(review.sections(record, NOW))


class TestReview:
    def test_it_says_what_runs_on_what_and_what_happens_at_zero(self) -> None:
        text = reviewed(samples.approval())
        for expected in (
            "resume from where it stopped (RESUME_PROCESSING)",
            "replicate-eu-1/sales-orders ERROR (fatal error)",
            "1 task, 42 tables; no table loads again, only changes are read",
            "Unanswered   expires in 3h48m, then nothing is restarted",
            "So the AI    would approve, 92% sure, risk low",
            "answers again. [e1 message]",
            "e1           message: ORA-12541",
            "a human decides",
            "protected: tagged critical",
            samples.approval().digest,
        ):
            assert expected in text

    def test_what_could_go_wrong_comes_before_what_speaks_for_it(self) -> None:
        assessed = replace(samples.evaluation(), cautions=("c1", "c2", "c3"))
        text = reviewed(samples.approval(assessed=assessed))
        assert text.index("risk low") < text.index("c1") < text.index("c3") < text.index(assessed.rationale[:20])

    def test_what_must_be_known_before_a_decision_is_on_the_first_page_of_the_smallest_terminal(self) -> None:
        point = PointOfNoReturn("ORA", NOW, 3600)
        seen = Evidence("e2", "seen", "first 2026-03-07 10:44:20 UTC")
        message = "ORA-12541: no listener " * 40
        full = samples.proposal(message=message)
        full = replace(full, point_of_no_return=point, evidence=(*full.evidence, seen))
        assessed = replace(samples.evaluation(Verdict.CAUTION, Risk.HIGH), cautions=("Ask first.",))
        record = samples.approval(full, assessed=assessed)
        first = [line.text for line in review.head(record, NOW).lines]
        rows = sum(len(wrap(text, 65)) for text in first)
        assert rows <= 12
        for known in (
            full.title,
            "first 2026-03-07",
            "is possible until about",
            "“ORA-12541",
            "risk HIGH",
            "Ask first.",
        ):
            assert any(known in text for text in first), known
        whole = as_text(review.body(record, NOW))
        assert " ".join(message.split()) in whole
        assert "Ask first." not in whole
        over = replace(record, status=Status.EXPIRED)
        assert "Ask first." not in as_text([review.head(over, NOW)])
        assert "Ask first." in as_text(review.body(over, NOW))

    @pytest.mark.parametrize(("first", "times"), [("no listener", 1), ("no listener " * 40, 2)])
    def test_the_first_of_several_messages_stands_once_if_the_head_shows_all_of_it(
        self, first: str, times: int
    ) -> None:
        full = samples.proposal(message=first)
        full = replace(full, evidence=(*full.evidence, Evidence("e9", "message", "another")))
        labels = [label for label, _ in labelled(review.sections(samples.approval(full), NOW))]
        assert labels.count("Said") == times + 1

    def test_it_stands_in_the_order_in_which_a_person_decides(self) -> None:
        known = Diagnosis("f", "oracle", FailureClass.TRANSIENT, Certainty.KNOWN, "It went away.")
        siblings = Siblings(EndpointKey("default", "eu", "ORA"), total=6, running=5, at=NOW)
        point = PointOfNoReturn("ORA", NOW, 3600)
        full = replace(samples.proposal(), diagnosis=known, siblings=siblings, point_of_no_return=point)
        labels = [label for label, _ in labelled(review.sections(samples.approval(full), NOW))]
        order = ["Log kept", "Said", "So the AI", "Tasks", "Means", "Back yet?", "Waiting", "e1", "Why"]
        order += ["approve", "deny", "Proposal"]
        assert [label for label in labels if label in order] == order

    def test_codes_ids_and_the_digest_stand_in_the_record_alone_which_folds(self) -> None:
        record = samples.approval()
        *before, last = review.body(record, NOW, is_folded=True)
        text = as_text(before)
        for code in (record.digest, record.approval_id, "FATAL_TRANSIENT", "RESUME_PROCESSING", "run-0711"):
            assert code not in text
        assert len(last.lines) == 1

    @pytest.mark.parametrize(("caller", "said"), [("arn:aws:iam::1:user/ann", "you"), ("", "ann")])
    def test_a_claim_of_ones_own_is_told_from_that_of_another(self, caller: str, said: str) -> None:
        claim = Claim("arn:aws:iam::1:user/ann", NOW + timedelta(minutes=2))
        assert f"Claimed by   {said} until" in as_text([review.you(samples.approval(), NOW, claim, caller)])

    @pytest.mark.parametrize(
        ("answer", "detail", "said"),
        [
            (ProbeAnswer.CONNECTED, "", "ORA-PROD takes logins again, tested 12s ago"),
            (ProbeAnswer.ERROR, "gone", "ORA-PROD does not take logins: gone, tested 12s ago"),
        ],
    )
    def test_what_a_test_of_the_endpoint_said_has_its_age_and_casts_doubt(
        self, answer: ProbeAnswer, detail: str, said: str
    ) -> None:
        endpoint = EndpointKey("default", "replicate-eu-1", "ORA-PROD")
        probe = Probe(endpoint, answer, NOW - timedelta(seconds=12), detail)
        record = samples.approval(replace(samples.proposal(), probe=probe))
        assert said in reviewed(record)
        assert any("ORA-PROD" in doubt for doubt in review.doubts(record)) == (answer is ProbeAnswer.ERROR)
        waits = Option(WHEN_IT_ANSWERS, Action.RESUME, "resume when it answers")
        offering = replace(record, proposal=replace(record.proposal, options=(*record.proposal.offers, waits)))
        thoughts = review.second_thoughts(offering, offering.proposal.choose(waits.name))
        assert not any("ORA-PROD" in thought for thought in thoughts)

    def test_how_the_other_tasks_are_has_its_age(self) -> None:
        endpoint = EndpointKey("default", "replicate-eu-1", "ORA-PROD")
        siblings = Siblings(endpoint, total=6, running=5, at=NOW - timedelta(seconds=40))
        said = reviewed(samples.approval(replace(samples.proposal(), siblings=siblings)))
        assert "5 of 6 tasks on ORA-PROD run, seen 40s ago" in said

    def test_who_edited_the_task_before_it_failed_is_said(self) -> None:
        edited = DoneBy("SAVE_TASK", "CORP\\ben", NOW)
        text = reviewed(samples.approval(replace(samples.proposal(), done_by=edited)))
        assert "Edited       SAVE_TASK at 2026-03-07 11:20 UTC by CORP\\ben" in text

    def test_a_reload_says_what_it_replaces(self) -> None:
        text = reviewed(samples.approval(samples.proposal(action=Action.RELOAD)))
        assert "every table loads again from the source, replacing what the target has" in text

    @pytest.mark.parametrize(
        ("completed", "said"), [(False, "is not complete"), (None, "is not known"), (True, "no table loads again")]
    )
    def test_a_resume_says_whether_tables_load_again(self, completed: bool | None, said: str) -> None:
        proposal = samples.proposal()
        target = replace(proposal.targets[0], full_load_completed=completed)
        assert said in plain(review.blast_radius(replace(proposal, targets=(target,)).choose()))

    def test_tables_that_are_not_known_are_not_counted_as_none(self) -> None:
        proposal = samples.proposal(tasks=("a", "b"))
        targets = (proposal.targets[0], replace(proposal.targets[1], tables=None))
        said = plain(review.blast_radius(replace(proposal, targets=targets).choose()))
        assert said.startswith("2 tasks, 42 tables (not known for 1 task); ")

    def test_a_group_lists_every_task(self) -> None:
        names = tuple(f"t{n}" for n in range(14))
        text = reviewed(samples.approval(samples.proposal(tasks=names, cause="source ORA-PROD")))
        assert "14 tasks: replicate-eu-1/t0, replicate-eu-1/t1, replicate-eu-1/t2 and 11 more" in text
        assert all(f"replicate-eu-1/{name} ERROR" in text for name in names)

    def test_a_group_says_who_goes_first_and_what_stops_the_rest(self) -> None:
        proposal = samples.proposal(tasks=("big", "small"), cause="source ORA-PROD")
        small = replace(proposal.targets[1], tables=1, protected=False)
        text = reviewed(samples.approval(replace(proposal, targets=(proposal.targets[0], small))))
        assert "Order        small first, alone; then 2, 4, 8 … as tasks come up; one that fails as before" in text
        assert "Order  " not in reviewed(samples.approval())

    def test_the_brake_says_who_pulled_it_and_does_not_expire(self) -> None:
        record = replace(samples.approval(), status=Status.RESTARTING)
        text = reviewed(replace(record, claim=Claim("arn:aws:iam::1:user/anna", NOW - timedelta(hours=1), brake=True)))
        assert "Stopped by   anna: no further task is started" in text
        assert "Claimed by" not in text

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
            line.strip().removeprefix("By").strip() for line in reviewed(samples.approval(assessed=made)).splitlines()
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

    @for_all(Verdict, Risk, [None, -1.0, 0.0, 0.5, 0.69, 0.7, 1.0, 1.01, float("nan")])
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

    def test_what_became_of_a_restart_later_stands_below_its_outcome(self) -> None:
        keys = [target.key for target in samples.proposal(tasks=("orders", "stock")).targets]
        fell = TaskLasting(keys[0], Lasting.FELL_OVER, 420, NOW, "ERROR (FATAL_ERROR)")
        outcome = Outcome(Status.RESTARTED, "2 restarted", tuple(TaskOutcome(key, Status.RESTARTED) for key in keys))
        lasting = Aftermath(2, lasted=1, fell_over=1, not_lasted=(fell,))
        text = reviewed(replace(samples.approval(), status=Status.RESTARTED, outcome=outcome, lasting=lasting))
        assert text.index("outcome") < text.index("afterwards   came up 2: 1 lasted, 1 fell over")
        assert f"{keys[0]} fell over after 7 min, {NOW:%H:%M} UTC: ERROR (FATAL_ERROR)" in text

    def test_a_decision_without_a_digest_says_so(self) -> None:
        decided = replace(samples.approval(), status=Status.DENIED, decision=Decision(False, reason="no"))
        text = reviewed(decided)
        assert "denied by unknown (no caller given)" in text
        assert "made without a digest" in text
        assert "expires" not in text


def labelled(sections: Iterable[Section]) -> list[tuple[str, str]]:
    return [(line.label, line.text) for section in sections for line in section.lines]


def test_all_that_a_decision_is_about_is_what_the_digest_covers() -> None:
    record = samples.approval()
    shown = as_text(review.decided_on(record))
    for covered in (record.proposal.reason, record.proposal.evidence[1].value, "tagged critical", "answers again."):
        assert covered in shown
    for beside in (record.approval_id, record.digest, "expires"):
        assert beside not in shown


def test_a_stop_says_that_nothing_is_replicated_meanwhile() -> None:
    assert "stopped first, so nothing is replicated" in plain(
        review.blast_radius(samples.proposal(action=Action.STOP_AND_RESUME).choose())
    )


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"confidence": None}, "the evaluation does not say how sure it is"),
        ({"confidence": 0.5}, "the evaluation is only 50% sure"),
        ({"risk": Risk.UNKNOWN}, "the evaluation says approve, and no risk"),
        ({"verdict": Verdict.DENY, "evaluator": "rules"}, "the rules say deny"),
        ({"verdict": Verdict.CAUTION}, "AI says caution"),
        ({"verdict": Verdict.read("maybe")}, "this version does not know what “maybe” means"),
        ({"findings": (Finding("x", ("e9",), ("e9",)),)}, "cited evidence is missing"),
    ],
)
def test_a_doubt_says_what_it_is(change: dict[str, Any], doubt: str) -> None:
    assert doubt in review.doubts(samples.approval(assessed=replace(samples.evaluation(), **change)))


def test_what_an_approval_must_not_pass_over_is_uncut_and_there_once() -> None:
    message, caution = "m" * 3000, "c" * 3000
    assessed = replace(samples.evaluation(), cautions=(caution,))
    records = [samples.approval(samples.proposal(number, message=message), assessed=assessed) for number in (1, 2)]
    records.append(replace(samples.approval(samples.proposal(3, message="other")), evaluation=None))
    said = [(line.label, line.text) for line in review.in_full(*records)]
    assert said == [("Said", f"“{message}”"), ("Said", "“other”"), ("Caution", caution)]


def test_a_decision_and_its_outcome_are_told_task_by_task() -> None:
    key = samples.proposal().targets[0].key
    targets = (
        TaskOutcome(key, Status.RESTARTED, "", "ERROR (FATAL_ERROR)", "RUNNING", 4.2),
        TaskOutcome(key, Status.SUPERSEDED, "it runs already"),
    )
    made = Decision(False, "abc", samples.CALLER, NOW, "planned", "d", error="SomeError")
    record = replace(samples.approval(), decision=made, outcome=Outcome(Status.PARTIAL, "", targets))
    assert [(line.label, line.text) for line in review.decided(record)] == [
        ("decision", "denied by anna"),
        ("at", "2026-03-07 11:20:00 UTC"),
        ("reason", "planned"),
        ("error", "SomeError"),
        ("decision id", "abc"),
        ("outcome", "PARTIAL: some tasks came up and some did not"),
        ("", "replicate-eu-1/sales-orders RESTARTED ERROR (FATAL_ERROR) -> RUNNING in 4 s"),
        ("", "replicate-eu-1/sales-orders SUPERSEDED it runs already"),
    ]


def test_a_task_says_what_is_special_about_it() -> None:
    target = replace(samples.proposal().targets[0], key=TaskKey("second", "s", "t"), protected=True)
    record = samples.approval(replace(samples.proposal(), targets=(target,)))
    assert "Tasks        s/t ERROR (fatal error) at second protected" in reviewed(record)
    assert review.title(record, "prod") == "prod · sales-orders: connection lost"
    warned = replace(record, proposal=replace(record.proposal, severity=Severity.WARNING))
    assert review.title(warned) == "warning · sales-orders: connection lost"


def test_a_group_beyond_all_measure_is_counted() -> None:
    names = tuple(f"t{number}" for number in range(review.TARGETS_SHOWN + 7))
    assert reviewed(samples.approval(samples.proposal(tasks=names))).count("and 7 more") == 1


def test_rationale_and_cautions_stand_there_in_full() -> None:
    long = "because " * 40 + "end"
    assessed = replace(samples.evaluation(findings=(Finding("I feel it."),)), rationale=long, cautions=(long,))
    sections = labelled(review.sections(samples.approval(assessed=assessed), NOW))
    assert ("Because", long) in sections
    assert ("Caution", long) in sections
    assert ("Finding", "I feel it. [cites nothing]") in sections


def test_a_record_without_a_policy_shows_none() -> None:
    assert not any(
        label == "Route" for label, _ in labelled(review.body(replace(samples.approval(), policy=None), NOW))
    )


def test_what_waits_is_shown_as_the_last_poll_saw_it() -> None:
    record = samples.approval()
    text = as_text(review.sections(record, NOW, Background()))
    assert "what the last poll says has not been read" in text
    assert "no samples" in text
    ended = as_text(review.sections(replace(record, status=Status.DENIED), NOW, Background()))
    assert "last poll" not in ended


def test_an_approved_restart_that_waits_for_its_endpoint_says_so() -> None:
    wait = EndpointWait(EndpointKey("default", "eu", "ORA-PROD"), NOW, NOW + timedelta(hours=1), "it refused")
    record = replace(samples.approval(), status=Status.RESTARTING, waits=wait)
    text = as_text(review.sections(record, NOW, Background()))
    assert "Status       WAITS FOR ENDPOINT: approved; nothing is sent before" in text
    assert wait.words in text
    assert "RESTARTING" not in text


def test_options_stand_with_what_comes_first_and_what_they_lose() -> None:
    text = reviewed(samples.approval(samples.OFFERING))
    assert "approve      restore the log, then resume; 2 checks first" in text
    assert "             or reload the target from the source; loses what the target has" in text
    assert "resume       restore the log, then resume (RESUME_PROCESSING), recommended" in text
    assert "first: Restore the log." in text


def test_a_record_says_which_option_was_approved_what_was_left_out_and_which_checks_were_ticked() -> None:
    made = Decision(True, tasks=("stock",), checked=("Ask the DBA.",))
    text = reviewed(replace(samples.approval(samples.OFFERING), status=Status.RESTARTING, decision=made))
    assert "for          option resume" in text
    assert "left out: replicate-eu-1/orders, replicate-eu-1/payments" in text
    assert "1 of 2 checks ticked" in text
    assert "[ ] Restore the log." in text
    assert "[x] Ask the DBA." in text


def test_a_gate_that_is_closed_for_one_option_says_for_which() -> None:
    record = samples.approval(samples.OFFERING)
    assert record.policy is not None
    gate = BlockingGate(Gate.RELOAD, "a reload replaces it", "reload")
    text = reviewed(replace(record, policy=replace(record.policy, closed_gates=(gate,))))
    assert "(for reload): a reload replaces it" in text
