"""What may be answered together, and what is said of each."""

from __future__ import annotations

from qlikops.domain.anomaly import AnomalyKind
from qlikops.domain.evaluation import Verdict
from qlikops.domain.proposal import Action
from qlikops.presentation.bulk import entry, not_one_cause
from qlikops.presentation.tone import plain
from tests.unit.presentation import samples


def test_one_kind_and_one_action_may_be_approved_together() -> None:
    assert not_one_cause([samples.proposal(1), samples.proposal(2, tasks=("stock",))]) == ""


def test_what_differs_is_named() -> None:
    kinds = not_one_cause([samples.proposal(1), samples.proposal(2, kind=AnomalyKind.USER_STOPPED)])
    assert "kinds of anomaly (FATAL_TRANSIENT, USER_STOPPED)" in kinds
    actions = not_one_cause([samples.proposal(1), samples.proposal(2, action=Action.RELOAD)])
    assert "actions (reload, resume)" in actions


def test_an_entry_says_what_which_digest_and_what_speaks_against_it() -> None:
    group = samples.approval(
        samples.proposal(tasks=("a", "b"), cause="no listener"), assessed=samples.evaluation(Verdict.DENY)
    )
    said = plain(entry(group))
    assert all(
        part in said for part in (group.proposal.label, "2 tasks: no listener", group.digest[:12], "AI says deny")
    )
