"""A proposal: what the agent would do, to what, and why. Immutable once written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind, Evidence, Severity
from qlikops.domain.fleet.audit import DoneBy
from qlikops.domain.fleet.diagnosis import Diagnosis, FailureClass
from qlikops.domain.fleet.endpoint import EndpointKey, Probe, Siblings
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.fleet.task import Action, Fetched, StopReason, TaskKey, TaskState
from qlikops.domain.words.text import fitted, harmless

RECORD_VERSION = codec.VERSION
"""Version of the form of every record."""
WHEN_IT_ANSWERS = "when_it_answers"
"""Name of the option to resume once a test says that the endpoint in question takes logins."""
_NAME_CAP = 120
"""Characters of a name from outside that an error quotes."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a task was judged on beside its state: what must still be so for the proposal to hold."""

    fault: str = ""
    """What its message says, without what comes and goes; empty where the kind does not rest on the message.

    On a line of its own, Enterprise Manager's spelling of a stop reason that this version does not know: five hundred
    tasks share one record, and a field of its own would cost room in each.
    """
    side: str = ""
    """`source` or `target`: which endpoint the message is about, as far as it tells."""
    source: str = ""
    """The source endpoint's name; empty where Enterprise Manager did not say."""
    target: str = ""
    tables_with_error: int | None = None
    applied_records: int | None = None
    """Kept only of a task that applies nothing: one more, and it applies again."""


@dataclass(frozen=True, slots=True)
class ProposedTask:
    """A task as it was when the proposal was made; acting on one that has changed since is refused."""

    key: TaskKey
    state: TaskState
    stop_reason: StopReason
    full_load_completed: bool | None = None
    tables: int | None = None
    """Tables the task replicates, where known: what a reload reruns."""
    protected: bool = False
    """Carries a tag that the configuration protects."""
    basis: Basis | None = None
    """None in records of earlier versions."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of the things that a proposal offers to do."""

    name: str
    """What a decision names it by; no other option of the proposal has it."""
    action: Action
    words: str
    """What is done, in a few words without a full stop, such as `restore the log, then resume`."""
    checks: tuple[str, ...] = ()
    """What to look at or to correct before it, in this order, each a short imperative."""
    loses: str = ""
    """What nothing brings back afterwards, in a clause; empty if nothing is lost."""

    @property
    def waits_for_endpoint(self) -> bool:
        """Whether nothing is sent before a test says that the endpoint takes logins."""
        return self.name == WHEN_IT_ANSWERS


class NotOffered(ValueError):
    """A decision asks for what the proposal does not offer; the message says for what."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a proposal is to be done: one of its options, on some or all of its tasks."""

    option: Option
    targets: tuple[ProposedTask, ...]
    """At least one, in the proposal's order."""

    @property
    def action(self) -> Action:
        """What is done to each of its tasks."""
        return self.option.action

    @property
    def loads_again(self) -> bool:
        """Whether tables are certain to be emptied and loaded again, which nothing takes back."""
        return self.action is Action.RELOAD or any(target.full_load_completed is False for target in self.targets)

    @property
    def tables_to_load(self) -> int:
        """How many tables are certain to be loaded again, as far as their number is known."""
        reloads = self.action is Action.RELOAD
        return sum(each.tables or 0 for each in self.targets if reloads or each.full_load_completed is False)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One decision: one cause, one or more options, one or more tasks."""

    proposal_id: str
    """12 hex digits, the same for the same cause in the same execution: a retried invocation proposes once."""
    kind: AnomalyKind
    severity: Severity
    action: Action
    """Action of the first option, which an approval means that names no option."""
    title: str
    """One line for a list, such as `sales-orders: connection lost`."""
    reason: str
    """Why this action, in a sentence or two."""
    cause: str
    """What the tasks have in common, such as `source ORA-PROD on replicate-eu-1`; empty for one task alone."""
    targets: tuple[ProposedTask, ...]
    evidence: tuple[Evidence, ...]
    created_at: datetime
    execution_arn: str
    execution_name: str
    version: int = RECORD_VERSION
    diagnosis: Diagnosis | None = None
    """What the message of the first task means, and so those of all; None if it does not rest on a message, and in
    records of earlier versions.
    """
    siblings: Siblings | None = None
    """How the tasks on the endpoint in question are; None where that is no other task, and where it is not known."""
    probe: Probe | None = None
    """What a test of that endpoint said right before this was proposed; None where there was none that says anything
    of it.
    """
    options: tuple[Option, ...] = ()
    """What it offers, the recommended one first; empty in records of earlier versions, whose action is all there is."""
    staging: tuple[TaskKey, ...] = ()
    """Tasks that stage a log (Log Stream), which the others may read."""
    tags: tuple[str, ...] = ()
    """The first few that its tasks carry, by name: what is told of it is filtered by them."""
    point_of_no_return: PointOfNoReturn | None = None
    """Until when a resume is possible; None where that is no question, and in records of earlier versions."""
    stale_from: datetime | None = None
    """Time from which on a target's data is older than its freshness allows, for the task that is there first; it may
    be ahead. None without a limit, and if that is not known.
    """
    done_by: DoneBy | None = None
    """Who edited one of its tasks before it failed; None if that is not asked or known. It is part of no message."""
    fetched: Fetched | None = None
    """How old the state of its tasks was; None where Enterprise Manager did not say."""

    @property
    def resume_until(self) -> datetime | None:
        """Until about when a resume is possible; None if that is not known."""
        return self.point_of_no_return.resume_until if self.point_of_no_return else None

    @property
    def endpoint(self) -> EndpointKey | None:
        """The endpoint in question: the one that the message is about or that the tasks share; the source in doubt.

        None if the proposal does not rest on a message, or nothing is known of its endpoints.
        """
        first = self.targets[0] if self.targets and self.kind.traits.rests_on_message else None
        if first is None or first.basis is None:
            return None
        side = first.basis.side or self.cause.partition(" ")[0]
        name = first.basis.target if side == "target" else first.basis.source
        return EndpointKey(first.key.instance, first.key.server, name) if name else None

    @property
    def waits_for_endpoint(self) -> bool:
        """Whether it is certain that a resume works once the endpoint in question takes logins."""
        is_about_it = bool(self.cause or any(target.basis and target.basis.side for target in self.targets))
        known = self.diagnosis if self.diagnosis and self.diagnosis.is_known else None
        return is_about_it and known is not None and known.failure_class is FailureClass.TRANSIENT

    @property
    def offers(self) -> tuple[Option, ...]:
        """Options of the proposal, the recommended one first; its action alone in records of earlier versions."""
        return self.options or (Option(self.action.value, self.action, self.action.words),)

    @property
    def can_be_narrowed(self) -> bool:
        """Whether tasks may be left out. The version that carries out a record without options would not heed it."""
        return len(self.targets) > 1 and bool(self.options)

    def choose(self, option: str = "", tasks: Sequence[str] = ()) -> Choice:
        """Resolves a decision for `option` on `tasks`. No option means the first one, no tasks mean all.

        A task is named as `task`, `server/task` or `instance/server/task`. Raises NotOffered.
        """
        chosen = next((each for each in self.offers if option in ("", each.name)), None)
        if chosen is None:
            names = " or ".join(each.name for each in self.offers)
            raise NotOffered(f"it does not offer “{harmless(option, _NAME_CAP)}”, but {names}")
        if not tasks:
            return Choice(chosen, self.targets)
        keys = {self._named(task) for task in tasks}
        targets = tuple(target for target in self.targets if target.key in keys)
        if len(targets) < len(self.targets) and not self.can_be_narrowed:
            raise NotOffered("an earlier version proposed it, so no task of it can be left out")
        return Choice(chosen, targets)

    def left_out(self, choice: Choice) -> tuple[ProposedTask, ...]:
        """The tasks that a choice of this proposal is not about."""
        kept = {target.key for target in choice.targets}
        return tuple(target for target in self.targets if target.key not in kept)

    def _named(self, task: str) -> TaskKey:
        keys = [target.key for target in self.targets]
        found = [key for key in keys if task in (key.task, str(key), key.full)]
        if len(found) != 1:
            what = "several of its tasks are" if found else "none of its tasks is"
            raise NotOffered(f"{what} called “{harmless(task, _NAME_CAP)}”")
        return found[0]

    @property
    def in_turn(self) -> tuple[ProposedTask, ...]:
        """The tasks in the order in which they are started: those that stage a log before their readers, unprotected
        before protected, few tables before many and before what is not known, then by name.
        """

        def turn(target: ProposedTask) -> tuple[bool, bool, bool, int, TaskKey]:
            return (
                target.key not in self.staging,
                target.protected,
                target.tables is None,
                target.tables or 0,
                target.key,
            )

        return tuple(sorted(self.targets, key=turn))

    @property
    def citable(self) -> dict[str, str]:
        """What an evaluation of it may cite, with words for each: its evidence, and the known failures that match."""
        known = self.diagnosis.citable if self.diagnosis else {}
        return {item.id: item.label for item in self.evidence} | known

    @property
    def is_explained(self) -> bool:
        """Whether it is certain what the message means."""
        return self.diagnosis is not None and self.diagnosis.is_known

    @property
    def known_failure(self) -> str:
        """The id of the failure that is known for certain; empty if none is."""
        return self.diagnosis.failure if self.diagnosis is not None and self.diagnosis.is_known else ""

    @property
    def counted_as(self) -> str:
        """What earlier results are counted by: the id of a failure that is known for certain, or else the kind."""
        return self.known_failure or self.kind

    @property
    def happened(self) -> str:
        """What happened, as the title has it, without the name of task or cause and the count, which `label` has."""
        return happened_by(self.title, self.cause or self.targets[0].key.task, len(self.targets))

    @property
    def label(self) -> str:
        """The task's name, or how many tasks there are behind which cause."""
        if len(self.targets) == 1:
            return str(self.targets[0].key)
        return f"{len(self.targets)} tasks: {self.cause}"


def happened_by(title: str, name: str, tasks: int) -> str:
    """What `title` says beside the `name` it begins with and the number of `tasks` that it ends with."""
    words = title.removeprefix(f"{name}: ")
    return words.rpartition(f", {tasks} tasks")[0] or words


@dataclass(frozen=True, slots=True)
class ProposalSummary:
    """What of a proposal travels through the state machine: at most 4 KB, the ledger has the rest."""

    proposal_id: str
    kind: AnomalyKind
    severity: Severity
    action: Action
    title: str
    reason: str
    task_count: int
    tasks: tuple[str, ...]
    """The first ten, as `server/task`."""

    @classmethod
    def of(cls, proposal: Proposal) -> ProposalSummary:
        """The card of `proposal`, cut to size whatever script its names are in."""
        return cls(
            proposal_id=proposal.proposal_id,
            kind=proposal.kind,
            severity=proposal.severity,
            action=proposal.action,
            title=fitted(proposal.title, 400),
            reason=fitted(proposal.reason, 1200),
            task_count=len(proposal.targets),
            tasks=tuple(fitted(str(target.key), 160) for target in proposal.targets[:10]),
        )
