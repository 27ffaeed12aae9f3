"""What a newer version wrote: its version is seen first, its values keep their spelling, none counts as ours."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import json
import pickle
import pkgutil
from collections.abc import Iterator
from enum import Enum, StrEnum
from typing import Any

import pytest

import qlikops.domain
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.stored import StoredEnum, unknown_values
from qlikops.domain.fleet.task import Action, StopReason, TaskFacts, TaskState
from qlikops.domain.gathered.ordering import OrderState
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import (
    Decision,
    EarlierResults,
    HistoryLine,
    Outcome,
    Status,
    TaskOutcome,
    digest_of,
)
from qlikops.domain.proposals.evaluation import BlockingGate, Gate, Verdict
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.proposals.proposal import Proposal, ProposalSummary
from qlikops.domain.runs.report import ReportedProposal, RunReport
from qlikops.domain.runs.run import RunProposal, RunSummary
from qlikops.domain.runs.snapshot import TaskProgress, TaskSnapshot
from tests.unit.domain.samples import EVALUATION, KEY, NOON, POLICY, PROPOSAL, WAITING
from tests.unit.presentation.samples import fleet
from tests.unit.strangers import SPELLING, strangers

OUTCOME = Outcome(Status.PARTIAL, targets=(TaskOutcome(KEY, Status.FAILED),), at=NOON, decision=Decision(True))
ENDED = dataclasses.replace(
    WAITING,
    status=Status.PARTIAL,
    outcome=OUTCOME,
    policy=dataclasses.replace(POLICY, closed_gates=(BlockingGate(Gate.PROTECTED, "gold"),)),
)
QUIET = TaskSnapshot(
    TaskFacts(KEY, TaskState.STOPPED, StopReason.NORMAL), TaskProgress(quiet=Mute(MuteReason.COOLDOWN, NOON))
)
DOCUMENTS: tuple[Any, ...] = (
    ENDED,
    PROPOSAL,
    ProposalSummary.of(PROPOSAL),
    OUTCOME,
    dataclasses.replace(fleet(), tasks=(*fleet().tasks, QUIET)),
    RunReport("arn", "run-1", NOON, NOON, 1, 1, {}, fleet().anomalies, (ReportedProposal(PROPOSAL, Status.HELD),), ()),
    RunSummary("arn", "run-1", NOON),
    RunProposal("0123456789ab", "orders", "FATAL_TRANSIENT", "resume", Status.WAITING, NOON, outcome=OUTCOME),
    HistoryLine(NOON, "0123456789ab", "FATAL_TRANSIENT", "resume", Status.DENIED),
    EarlierResults("rules", Verdict.APPROVE, 1, 1),
    Mute(MuteReason.SNOOZED, NOON),
)
CASES = [
    pytest.param(changed, id=f"{type(document).__name__}{path[1:]}")
    for document in DOCUMENTS
    for path, changed in strangers(document)
]


def domain_modules() -> Iterator[Any]:
    for module in pkgutil.walk_packages(qlikops.domain.__path__, f"{qlikops.domain.__name__}."):
        yield importlib.import_module(module.name)


def test_every_enum_of_the_domain_may_come_back_from_a_newer_version() -> None:
    enums = {
        value
        for module in domain_modules()
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Enum) and value not in (Enum, StrEnum, StoredEnum)
    }

    # What the ledger's attributes are called is written here and nowhere read back.
    # OrderState is what a command says and is stored nowhere.
    assert {enum for enum in enums if not issubclass(enum, StoredEnum)} == {Attribute, OrderState}
    assert len(enums) > 15


@pytest.mark.parametrize("changed", CASES)
def test_a_value_that_a_newer_version_added_is_read_and_written_again_as_it_was(changed: Any) -> None:
    text = codec.dumps(changed)
    assert json.dumps(SPELLING)[1:-1] in text

    read = codec.loads(type(changed), text)

    assert codec.dumps(read) == text
    assert read == changed
    assert [value.value for value in unknown_values(read)] == [SPELLING]


def test_the_digest_of_a_record_holds_with_values_that_nobody_knows_here() -> None:
    stored = json.loads(codec.dumps(dataclasses.replace(PROPOSAL, action=Action.read("rewind"))))
    digest = digest_of(stored, codec.encode(EVALUATION), codec.encode(POLICY))

    assert digest_of(codec.decode(Proposal, stored), EVALUATION, POLICY) == digest


def test_an_unknown_value_is_no_member_and_stays_itself_when_copied() -> None:
    novel = Status.read("paused")

    assert not novel.is_known
    assert str(novel) == novel.value == "paused"
    assert codec.dumps(novel) == '"paused"'
    assert novel.name == "UNKNOWN"
    assert novel not in list(Status)
    assert {novel: 1}[Status.read("paused")] == 1
    for copied in (copy.copy(novel), copy.deepcopy(novel)):
        assert copied == novel
        assert not copied.is_known
    with pytest.raises(ValueError, match="paused"):
        Status("paused")
    with pytest.raises(ValueError, match="paused"):
        pickle.loads(pickle.dumps(novel))  # noqa: S301 - our own bytes; nothing sends an unknown value to a process


@pytest.mark.parametrize("status", Status)
def test_a_known_value_is_its_member(status: Status) -> None:
    assert Status.read(status.value) is status
    assert status.is_known


def test_a_member_called_unknown_is_not_what_is_unknown_to_us() -> None:
    assert TaskState.read("UNKNOWN") is TaskState.UNKNOWN
    assert TaskState.UNKNOWN.is_known
    assert not TaskState.read("PAUSED").is_known


def test_nothing_can_be_run_for_an_action_that_nobody_knows_here() -> None:
    with pytest.raises(ValueError, match="rewind"):
        _ = Action.read("rewind").run_option


def test_nobody_can_say_that_an_unknown_status_is_the_last() -> None:
    assert not Status.read("paused").is_final


def test_unknown_values_are_found_wherever_they_are() -> None:
    strange = Status.read("paused")
    holder = TaskOutcome(KEY, strange)
    for value in (strange, holder, (holder,), [Status.WAITING, strange], {"a": {"b": strange}}):
        assert list(unknown_values(value)) == [strange]
    assert list(unknown_values((Status.WAITING, "paused", None, {"a": 1}))) == []


@pytest.mark.parametrize("spelling", ["", "re\x1b[31msume", "\u202eresume", "x" * 81, "two\nlines"])
def test_what_no_version_would_call_a_value_is_not_read(spelling: str) -> None:
    with pytest.raises(ValueError, match="is not a Action") as caught:
        Action.read(spelling)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 120
