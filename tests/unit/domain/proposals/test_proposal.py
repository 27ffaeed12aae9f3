"""What a proposal is called, and the card of it that travels through the state machine."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from qlikops.domain.encoding import codec
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.fleet.task import Action, StopReason, TaskKey, TaskState
from qlikops.domain.proposals.proposal import NotOffered, Option, Proposal, ProposalSummary, ProposedTask
from tests.unit.domain.samples import PROPOSAL


def test_the_card_of_a_large_proposal_stays_small() -> None:
    card = codec.dumps(ProposalSummary.of(PROPOSAL))

    assert json.loads(card)["tasks"] == ["replicate-eu-1/sales-orders"]
    assert codec.parse_time("2026-01-01T00:00:00Z") == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["x" * 500, "\u8ba2\u5355" * 250, "\U0001f600" * 100])
def test_the_card_travels_in_4_kb_whatever_script_its_names_are_in(name: str) -> None:
    target = replace(PROPOSAL.targets[0], key=TaskKey("default", name, name))
    card = ProposalSummary.of(replace(PROPOSAL, title=name, reason=name * 4, targets=(target,) * 500))
    assert len(json.dumps(codec.encode(card))) <= 4096
    assert (card.task_count, len(card.tasks)) == (500, 10)


def test_one_task_is_called_by_its_name_and_several_by_what_they_have_in_common() -> None:
    assert PROPOSAL.label == "replicate-eu-1/sales-orders"
    several = replace(PROPOSAL, targets=PROPOSAL.targets * 2, cause="source ORA-PROD on replicate-eu-1")
    assert several.label == "2 tasks: source ORA-PROD on replicate-eu-1"


@pytest.mark.parametrize(
    ("diagnosis", "is_explained"),
    [
        (None, False),
        (Diagnosis(), False),
        (Diagnosis("lost", failure_class=FailureClass.TRANSIENT, certainty=Certainty.LIKELY), False),
        (Diagnosis("lost", failure_class=FailureClass.TRANSIENT, certainty=Certainty.KNOWN), True),
    ],
)
def test_it_is_explained_only_if_that_is_certain(diagnosis: Diagnosis | None, is_explained: bool) -> None:
    assert replace(PROPOSAL, diagnosis=diagnosis).is_explained is is_explained


RESUME = Option("resume", Action.RESUME, "restore the log, then resume", ("Restore the log.",))
RELOAD = Option("reload", Action.RELOAD, "reload the target", loses="what the target has")
OFFERING = replace(
    PROPOSAL,
    options=(RESUME, RELOAD),
    targets=tuple(
        ProposedTask(TaskKey("default", "eu-1", name), TaskState.ERROR, StopReason.FATAL_ERROR, True)
        for name in ("orders", "invoices", "stock")
    ),
)
OLDER = replace(OFFERING, options=())


class TestChoosing:
    """What a decision means by what it names."""

    def test_nothing_named_is_the_first_option_on_all_tasks(self) -> None:
        chosen = OFFERING.choose()
        assert (chosen.option, chosen.targets) == (RESUME, OFFERING.targets)

    @pytest.mark.parametrize("name", ["stock", "eu-1/stock", "default/eu-1/stock"])
    def test_a_task_is_named_as_it_is_shown(self, name: str) -> None:
        chosen = OFFERING.choose("reload", [name, "orders", name])
        assert chosen.action is Action.RELOAD
        assert [target.key.task for target in chosen.targets] == ["orders", "stock"], "the proposal's order"

    @pytest.mark.parametrize(
        ("option", "tasks", "words"),
        [
            ("stop_and_resume", (), "does not offer “stop_and_resume”, but resume or reload"),
            ("Reload", (), "does not offer “Reload”"),
            ("", ("orders", "payments"), "none of its tasks is called “payments”"),
            ("", ("",), "none of its tasks is called “”"),
            ("", ("eu-2/orders",), "none of its tasks is called “eu-2/orders”"),
        ],
    )
    def test_what_is_not_offered_is_refused(self, option: str, tasks: tuple[str, ...], words: str) -> None:
        with pytest.raises(NotOffered, match=words):
            OFFERING.choose(option, tasks)

    def test_a_name_that_fits_two_tasks_names_none(self) -> None:
        twin = replace(OFFERING.targets[0], key=TaskKey("default", "eu-2", "orders"))
        with pytest.raises(NotOffered, match="several of its tasks are called “orders”"):
            replace(OFFERING, targets=(*OFFERING.targets, twin)).choose(tasks=["orders"])

    def test_a_record_of_an_earlier_version_offers_its_action_on_all_its_tasks(self) -> None:
        assert OLDER.choose("resume").action is Action.RESUME
        assert OLDER.choose(tasks=["orders", "invoices", "stock"]).targets == OLDER.targets
        with pytest.raises(NotOffered, match="“reload”, but resume"):
            OLDER.choose("reload")
        with pytest.raises(NotOffered, match="an earlier version proposed it"):
            OLDER.choose(tasks=["orders"])

    @pytest.mark.parametrize(
        ("proposal", "can_be"), [(OFFERING, True), (OLDER, False), (replace(PROPOSAL, options=(RESUME,)), False)]
    )
    def test_only_a_group_that_this_version_proposed_can_be_made_smaller(
        self, proposal: Proposal, can_be: bool
    ) -> None:
        assert proposal.can_be_narrowed is can_be

    def test_what_loads_again_depends_on_option_and_tasks(self) -> None:
        half_loaded = replace(OFFERING.targets[0], full_load_completed=False)
        mixed = replace(OFFERING, targets=(half_loaded, *OFFERING.targets[1:]))
        assert OFFERING.choose("reload").loads_again
        assert not OFFERING.choose("resume").loads_again
        assert mixed.choose("resume").loads_again
        assert not mixed.choose("resume", ["invoices", "stock"]).loads_again
