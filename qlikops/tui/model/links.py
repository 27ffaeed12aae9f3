"""What one thing of the console leads to: each has a name and a context, and `Navigator` knows the screen of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.endpoint import EndpointKey
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import InboxRow, ProposalRecord

if TYPE_CHECKING:  # the inbox is not to wait for what only other screens need
    from qlikops.domain.fleet.diagnosis import Diagnosis
    from qlikops.domain.runs.snapshot import TaskSnapshot


@dataclass(frozen=True, slots=True)
class RecordLink:
    """A proposal with its decision, whether it still waits or is over."""

    context: str
    approval_id: str
    label: str = ""
    """What it is about, as far as that is known where the link stands."""


@dataclass(frozen=True, slots=True)
class TaskLink:
    """A task of the fleet."""

    context: str
    key: TaskKey


@dataclass(frozen=True, slots=True)
class TasksLink:
    """The tasks of one proposal, as a list."""

    context: str
    approval_id: str
    label: str


@dataclass(frozen=True, slots=True)
class EndpointLink:
    """An endpoint of a Replicate server."""

    context: str
    endpoint: EndpointKey


@dataclass(frozen=True, slots=True)
class RunLink:
    """An execution, with its report."""

    context: str
    name: str


@dataclass(frozen=True, slots=True)
class FailureLink:
    """What is known of a failure: an entry of the library of failures."""

    context: str
    diagnosis: Diagnosis


Link = RecordLink | TaskLink | TasksLink | EndpointLink | RunLink | FailureLink


@dataclass(frozen=True, slots=True)
class Links:
    """What the chosen thing leads to; None where it leads to nothing of that sort."""

    record: RecordLink | None = None
    task: TaskLink | TasksLink | None = None
    endpoint: EndpointLink | None = None
    """The one in question; its source in doubt."""
    other_endpoint: EndpointLink | None = None
    run: RunLink | None = None
    failure: FailureLink | None = None


def of_row(context: str, row: InboxRow) -> Links:
    """What is known of a proposal before its record has been read."""
    run = RunLink(context, row.execution_name) if row.execution_name else None
    return Links(RecordLink(context, row.approval_id, row.label), run=run)


def of_record(context: str, approval: ProposalRecord) -> Links:
    """What a whole record leads to; its tasks are one link, if they are several."""
    proposal = approval.proposal
    keys = [target.key for target in proposal.targets]
    first = proposal.targets[0] if proposal.targets else None
    basis = first.basis if first is not None else None
    sides = (basis.source, basis.target) if basis is not None else ("", "")
    in_question = proposal.endpoint
    if in_question is not None and in_question.name == sides[1]:
        sides = sides[::-1]
    endpoint, other = (_endpoint(context, first.key, name) if first else None for name in sides)
    return Links(
        RecordLink(context, proposal.proposal_id, proposal.label),
        TaskLink(context, keys[0]) if len(keys) == 1 else TasksLink(context, proposal.proposal_id, proposal.label),
        endpoint,
        other,
        RunLink(context, proposal.execution_name) if proposal.execution_name else None,
        _failure(context, proposal.diagnosis),
    )


def of_task(context: str, task: TaskSnapshot, run: str = "") -> Links:
    """What a task leads to; `run` is the one that saw it so."""
    facts = task.facts
    diagnosis = next((each.diagnosis for each in task.anomalies if each.diagnosis is not None), None)
    names = (facts.source_endpoint, facts.target_endpoint)
    if diagnosis is not None and diagnosis.side == "target":
        names = names[::-1]
    endpoint, other = (_endpoint(context, facts.key, name) for name in names)
    return Links(
        RecordLink(context, task.proposal_id, str(facts.key)) if task.proposal_id else None,
        TaskLink(context, facts.key),
        endpoint,
        other,
        RunLink(context, run) if run else None,
        _failure(context, diagnosis),
    )


def _endpoint(context: str, key: TaskKey, name: str) -> EndpointLink | None:
    return EndpointLink(context, EndpointKey(key.instance, key.server, name)) if name else None


def _failure(context: str, diagnosis: Diagnosis | None) -> FailureLink | None:
    return FailureLink(context, diagnosis) if diagnosis is not None and diagnosis.failure else None
