"""What may be answered together, and what is said of each."""

from __future__ import annotations

import pytest

from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.proposals.evaluation import Risk, Verdict
from qlikops.domain.proposals.proposal import Proposal
from qlikops.presentation.deciding.bulk import entry, not_one_cause, together
from qlikops.presentation.pages.review import second_thoughts
from qlikops.presentation.tone import plain
from tests.unit.presentation import samples

CAUSE = "source ORA-ERP on replicate-eu-1"


def of(*subjects: Proposal) -> list[ProposalRecord]:
    return [samples.approval(subject) for subject in subjects]


def test_one_cause_with_one_action_may_be_approved_together() -> None:
    assert not_one_cause([samples.proposal(1, cause=CAUSE), samples.proposal(2, cause=CAUSE)]) == ""
    assert not_one_cause([samples.proposal(1)]) == ""


def test_what_has_no_cause_in_common_is_not_approved_together_however_alike_it_is() -> None:
    assert "nothing shows that replicate-eu-1/sales-orders has its cause" in not_one_cause(
        [samples.proposal(1), samples.proposal(2, tasks=("stock",))]
    )
    causes = not_one_cause([samples.proposal(1, cause=CAUSE), samples.proposal(2, cause="target SNOW")])
    assert f"of different causes ({CAUSE}, target SNOW)" in causes


def test_of_many_causes_the_first_are_named_and_the_rest_is_counted() -> None:
    said = not_one_cause([samples.proposal(n, cause=f"source ORA on replicate-{n:03}") for n in range(1, 301)])
    assert "replicate-001" in said
    assert " more)." in said
    assert len(said) < 500


def test_together_they_have_one_blast_radius() -> None:
    group = samples.proposal(1, cause=CAUSE, tasks=("a", "b"))
    said = [entry.text for entry in together(of(group, samples.proposal(2, cause=CAUSE)), approved=True)]
    assert "3 tasks, 126 tables; no table loads again, only changes are read" in said
    assert [entry.text for entry in together([], approved=True)] == ["nothing"]


def test_what_differs_is_named() -> None:
    kinds = not_one_cause([samples.proposal(1), samples.proposal(2, kind=AnomalyKind.USER_STOPPED)])
    assert "kinds of anomaly (FATAL_TRANSIENT, USER_STOPPED)" in kinds
    actions = not_one_cause([samples.proposal(1), samples.proposal(2, action=Action.RELOAD)])
    assert "actions (reload, resume)" in actions


def test_an_entry_says_what_which_id_and_what_speaks_against_it() -> None:
    group = samples.approval(
        samples.proposal(tasks=("a", "b"), cause="no listener"), assessed=samples.evaluation(Verdict.DENY)
    )
    said = plain(entry(group, approved=True))
    assert all(
        part in said for part in (group.proposal.label, "2 tasks: no listener", group.approval_id, "AI says deny")
    )


@pytest.mark.parametrize("approved", [True, False])
def test_long_names_that_differ_in_their_ends_differ_in_the_list(*, approved: bool) -> None:
    name = "orders-of-all-countries-replicated-from-oracle-to-snowflake-{}"
    said = {
        plain(entry(samples.approval(samples.proposal(1, tasks=(name.format(end),))), approved=approved))
        for end in ("daily", "hourly")
    }
    assert len(said) == 2
    assert all(max(map(len, each.split())) <= 60 for each in said)


def test_denying_together_says_what_stays_and_when_it_is_asked_again_and_nothing_against_approving() -> None:
    worst = samples.evaluation(Verdict.DENY, Risk.HIGH)
    group = samples.approval(samples.proposal(tasks=("a", "b"), action=Action.RELOAD), assessed=worst)
    alone = samples.approval(samples.proposal(2), assessed=worst)
    said = {line.label: line.text for line in together([group, alone], approved=False)}
    assert said == {
        "Does": "nothing is sent to Qlik",
        "Stays": "3 tasks as proposed: 3 ERROR",
    }
    each = plain(entry(group, approved=False))
    assert group.approval_id in each
    assert "■ critical connection lost" in each
    for warning in second_thoughts(group):
        assert warning not in each


def test_several_at_once_are_approved_for_their_first_options_and_the_others_are_said() -> None:
    lines = [f"{each.label}: {each.text}" for each in together([samples.approval(samples.OFFERING)] * 2, approved=True)]
    assert "Does: restore the log, then resume (RESUME_PROCESSING)" in lines
    assert "Not this: reload, which is approved one by one; loses what the target has" in lines
    assert "First: 4 checks, recorded as not ticked" in lines
