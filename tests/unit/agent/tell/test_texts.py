"""The texts that people get, which fit a phone."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.remember.run import Run
from qlikops.agent.tell.texts import failure_text, outcome_text, recovery_text, request_text
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.fleet.task import Action
from qlikops.domain.proposals.approval import Decision, Outcome, ProposalRecord, Status
from qlikops.domain.proposals.evaluation import Evaluation
from qlikops.domain.proposals.proposal import Option
from tests.unit.agent.fakes import ARN, ASK, EVALUATION, START, group, proposal

ANNA = Decision(approved=True, by="arn:aws:sts::1:assumed-role/ops/anna", digest="f" * 64, reason="source is back")


def approval(**changes: Any) -> ProposalRecord:
    made = ProposalRecord(
        proposal(), Status.WAITING, START, EVALUATION, ASK, "f" * 64, START, START + timedelta(hours=4)
    )
    return replace(made, **changes)


def test_a_question_fits_a_phone() -> None:
    assert request_text(approval(), START) == (
        "orders: connection lost\n"
        "Proposed: resume replicate-1/orders\n"
        "Severity: critical. Rules: approve, low risk, 90% sure.\n"
        "Answer by 07:00 UTC (in 4h00m), or nothing is done.\n"
        "qlikops show 0123456789ab"
    )


def test_a_question_says_until_when_a_resume_is_possible() -> None:
    point = PointOfNoReturn("ORA", START, 24 * 3600, tables=5, reload_seconds=6 * 3600)
    asked = approval(proposal=replace(proposal(), point_of_no_return=point))
    said = (
        "A resume is possible until about 2026-03-08 03:00 UTC, after that only a reload of 5 tables, 6h00m last time."
    )
    assert said in request_text(asked, START).splitlines()
    assert "its log is probably gone" in request_text(asked, START + timedelta(days=2))


def test_only_a_model_is_called_ai() -> None:
    by_model = replace(EVALUATION, evaluator="bedrock", confidence=None)

    assert "AI: approve, low risk." in request_text(approval(evaluation=by_model), START)


def test_a_missing_evaluation_is_said_with_its_cause() -> None:
    missing = Evaluation.unavailable("timed out", "rules", "1", START)

    assert "Rules: no evaluation (timed out)." in request_text(approval(evaluation=missing), START)


def test_an_end_is_told_in_three_lines() -> None:
    ended = approval(status=Status.UNVERIFIED, outcome=Outcome(Status.UNVERIFIED, "not seen \x1b[31mup"))

    assert outcome_text(ended) == (
        "orders: connection lost\nresume replicate-1/orders: unverified\nnot seen up\nqlikops show 0123456789ab"
    )


def test_question_and_end_say_what_was_chosen() -> None:
    """The option in the place of the recommended one, the task that was left out, and that a check was not ticked."""
    reload = Option("reload", Action.RELOAD, "reload the target", ("Tell the readers.",))
    made = replace(group(2), options=(Option("resume", Action.RESUME, "restore the log, then resume"), reload))
    decision = replace(ANNA, approved=True, option="reload", tasks=("task-001",))
    outcome = Outcome(Status.FAILED, "refused", decision=decision)
    ended = approval(proposal=made, status=Status.FAILED, decision=decision, outcome=outcome)

    assert "\nOr: reload the target\n" in request_text(replace(ended, status=Status.WAITING), START)
    said = "option reload; left out: replicate-1/task-000; none of 1 check ticked"
    assert f"reload {made.label}: failed\nrefused\n{said}\n" in outcome_text(ended)


RUN = Run(ARN, "run-1", "2026-03-07T03:00:00.000Z")


def test_a_failure_says_what_where_since_when_why_and_what_to_type() -> None:
    assert failure_text(RUN, "QemLoginRefused: the account is refused", was_read=False) == (
        "The fleet cannot be read: nobody knows how Qlik is.\n"
        "Where: eu-west-1, account 000000000000\n"
        "Since: 03:00 UTC, until a run succeeds. You are told once, and when it is over.\n"
        "Why: QemLoginRefused: the account is refused\n"
        "qlikops show run-1\n"
        "qlikops doctor"
    )
    assert failure_text(RUN, "States.DataLimitExceeded", was_read=True).startswith("The fleet was read, but")
    assert recovery_text(RUN) == (
        "The run of 03:00 UTC succeeded.\nWhere: eu-west-1, account 000000000000\nqlikops report run-1"
    )


@pytest.mark.parametrize("name", ["a'b", "(run)", "-x"])
def test_a_command_in_a_message_can_be_pasted(name: str) -> None:
    text = failure_text(replace(RUN, execution_name=name), "why", was_read=False)
    (command,) = (line for line in text.splitlines() if line.startswith("qlikops show"))
    assert shlex.split(command)[-1] == name
