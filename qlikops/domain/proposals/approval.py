"""The life of one proposal in the ledger: waiting, decided, closed; and the decision that travels as the callback."""

from __future__ import annotations

import os
import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.stored import StoredEnum, unknown_values
from qlikops.domain.fleet.anomaly import Severity
from qlikops.domain.fleet.endpoint import EndpointWait
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.evaluation import Evaluation, PolicyResult, Route, Verdict
from qlikops.domain.proposals.lasting import FEWEST_FOR_RATE, Aftermath, TaskLasting
from qlikops.domain.proposals.proposal import RECORD_VERSION, Choice, NotOffered, Proposal
from qlikops.domain.words.naming import listed
from qlikops.domain.words.text import folded, harmless

ROW_TEXT_CAP = 60
"""Characters of each text in a row of the inbox."""
ADVICE_CAP = 30
"""Characters of what a row says is to be done first."""
ROW_BYTES = 780
"""Bytes of a row as JSON with every text cut. Of usual rows, one Query page of 1 MB holds 2,000, as a benchmark shows.
"""
SHORT_DIGEST = 12
"""Digits of a digest that rows and people need, of 64."""
LONGEST_SNOOZE = timedelta(days=30)
"""A snooze comes from outside; nobody means for ever."""
PULLED = '"brake":true'
"""Part of the text of a Claim in the ledger that says it is the brake."""
_NAME_CAP = 100
_NEVER = datetime.max.replace(tzinfo=UTC)
_POLICY = "policy"
_ARN = re.compile(r"arn:[\w-]+:(?:iam|sts)::\d*:\S+")


class Status(StoredEnum):
    """Where a proposal stands. Only the workflow writes one; the values after RESTARTING are final."""

    PROPOSED = "proposed"
    EVALUATED = "evaluated"
    WAITING = "waiting"
    RESTARTING = "restarting"
    RESTARTED = "restarted"
    ALREADY_RUNNING = "already_running"
    SUPERSEDED = "superseded"
    """The task or the proposal changed, or another proposal took the task; nothing was done."""
    STILL_DOWN = "still_down"
    """An endpoint was tested before the first task was started, and took no logins; nothing was sent."""
    PARTIAL = "partial"
    """Not every one of several tasks came up."""
    UNVERIFIED = "unverified"
    """The run call was or may have been sent, and the task was not seen to come up. It is not sent again."""
    NOT_TRIED = "not_tried"
    """A restart ended before the task's turn came: nothing was begun for it, and the next run proposes it again."""
    DENIED = "denied"
    EXPIRED = "expired"
    HELD = "held"
    FAILED = "failed"
    """It did not work. What was sent is in the outcome of each task; where there are none, nothing was."""
    ABANDONED = "abandoned"
    """The execution ended before the proposal did; a later run closed it."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to it. Of a status that this version does not know, nobody can say."""
        return self.is_known and self not in {Status.PROPOSED, Status.EVALUATED, Status.WAITING, Status.RESTARTING}

    @property
    def was_sent(self) -> bool:
        """Whether that alone says that the run call went out, or may have."""
        return self in {Status.RESTARTED, Status.PARTIAL, Status.UNVERIFIED}

    @property
    def is_up(self) -> bool:
        """Whether the task was seen running in the end."""
        return self in {Status.RESTARTED, Status.ALREADY_RUNNING}


UNANSWERED = (Status.PROPOSED, Status.EVALUATED, Status.WAITING)
"""There is no decision yet, so nothing has been done."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a human (or the policy) answered. Fields are None or empty where the caller did not say."""

    approved: bool
    decision_id: str = ""
    """Chosen by the sender, so that it can recognise its own answer after an ambiguous send."""
    by: str = ""
    """Caller ARN from STS; empty for the plain AWS CLI."""
    at: datetime | None = None
    reason: str = ""
    digest: str = ""
    """Digest of the record that the decider saw; empty for a decision by the plain AWS CLI."""
    via: str = ""
    """`tui`, `cli`, or empty."""
    snooze_seconds: int = 0
    """Seconds for which a denial asks that nothing is proposed on these tasks."""
    automatic: bool = False
    """The policy's own: no person was asked. Only the workflow says so, never what came from outside."""
    error: str = ""
    """The error name of a failure callback that was not ours, for the record."""
    option: str = ""
    """Name of the option that an approval is for; empty for the first one."""
    tasks: tuple[str, ...] = ()
    """Tasks of a group that an approval is for, as `server/task`; empty for all of them."""
    checked: tuple[str, ...] = ()
    """Checks of the option that the decider ticked, in their words."""

    @property
    def is_bound(self) -> bool:
        """Whether it names what it was made on."""
        return bool(self.digest)

    @property
    def terms(self) -> tuple[str, ...]:
        """What it names beside a plain yes or no, a few words each; of what that is a part, `terms_of` says."""
        return (
            *([f"option {self.option}"] if self.option else []),
            *([f"{len(self.tasks)} of its tasks"] if self.tasks else []),
            *([f"{len(self.checked)} check{'s'[: len(self.checked) > 1]} ticked"] if self.checked else []),
        )

    @property
    def snooze(self) -> int:
        """Seconds for which it keeps its tasks quiet: 0 for an approval, LONGEST_SNOOZE at most for a denial."""
        longest = int(LONGEST_SNOOZE.total_seconds())
        return 0 if self.approved else max(0, min(self.snooze_seconds, longest))

    def who(self) -> str:
        """The decider for people: the session part of an assumed role's ARN, the user's name, or `unknown`.

        What is no ARN is quoted and said to be none, and so is whoever is called like the policy: `by` is what the
        sender says of itself, and only an automatic decision reads as the policy's.
        """
        if self.automatic:
            return _POLICY
        if not self.by:
            return "unknown (no caller given)"
        if not _ARN.fullmatch(self.by):
            return f"“{self.by}” (no ARN)"
        name = self.by.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
        return f"“{name}” (a caller)" if folded(name) == _POLICY else name


def new_decision_id() -> str:
    """A fresh decision id: 16 hex digits from the system's randomness."""
    return os.urandom(8).hex()


class RunCall(StoredEnum):
    """What became of the run call for one task."""

    NOT_SENT = "not_sent"
    REFUSED = "refused"
    """Enterprise Manager answered that it starts nothing."""
    UNCERTAIN = "uncertain"
    """It may have been sent; that is not known."""
    TAKEN = "taken"
    """Enterprise Manager took it."""


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """What happened to one task."""

    key: TaskKey
    status: Status
    detail: str = ""
    before: str = ""
    """State and stop reason as re-read just before acting, such as `ERROR (FATAL_ERROR)`."""
    after: str = ""
    seconds: float | None = None
    """Seconds from the start command until the task was up."""
    run_call: RunCall | None = None
    """None where there was no question of one, and in records of versions that did not keep it."""
    stopped: bool = False
    """qlikops stopped the task first, or may have."""
    same_cause: bool = False
    """It did not come up, and what it said then is what it was proposed on: the cause is still there."""
    up_at: datetime | None = None
    """When the task was seen up after its restart; None if it was not, and in records of earlier versions."""

    @property
    def was_sent(self) -> bool:
        """Whether a call went out for the task, or may have."""
        return self.status.was_sent or self.stopped or self.run_call not in (None, RunCall.NOT_SENT)

    @property
    def may_have_started(self) -> bool:
        """Whether Replicate may have started the task, if only for a moment."""
        if self.run_call is None:
            return self.status.was_sent or self.status is Status.FAILED
        return self.run_call in (RunCall.UNCERTAIN, RunCall.TAKEN)

    @property
    def is_left_stopped(self) -> bool:
        """Whether qlikops stopped the task, or may have, and did not see it running again."""
        return self.stopped and not self.status.is_up

    @property
    def came_to(self) -> str:
        """What became of the task in a few words; a failure by what was sent."""
        if self.status is not Status.FAILED:
            return self.status.value.replace("_", " ")
        match self.run_call:
            case RunCall.UNCERTAIN | RunCall.TAKEN:
                return "failed again"
            case _ if self.stopped:
                return "stopped and not started again"
            case RunCall.REFUSED:
                return "start refused"
            case RunCall.NOT_SENT:
                return "not started"
            case _:
                return "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a proposal ended."""

    status: Status
    detail: str = ""
    targets: tuple[TaskOutcome, ...] = ()
    at: datetime | None = None
    decision: Decision | None = None

    @property
    def was_sent(self) -> bool:
        """Whether any call went out for any task, or may have.

        The tasks say so where there are any: PARTIAL also is a group of which some came up by themselves, and which
        nothing was sent to.
        """
        return any(target.was_sent for target in self.targets) if self.targets else self.status.was_sent


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """How one earlier proposal on a task ended."""

    at: datetime
    approval_id: str
    kind: str
    action: str
    status: Status
    by: str = ""
    reason: str = ""
    snooze_seconds: int = 0
    """Seconds for which a denial asked that nothing is proposed; 0 if it did not."""
    came_to: str = ""
    """What became of the task in a few words, such as `failed again`; empty in lines of earlier versions."""
    lasting: TaskLasting | None = None
    """How the task fell over later; None if it did not. Kept beside the line, which is never written again."""


@dataclass(frozen=True, slots=True)
class EarlierResults:
    """What came of proposals with one kind of anomaly and one action, after one evaluator's one verdict."""

    evaluator: str
    """Empty where no evaluation was recorded."""
    verdict: Verdict
    tried: int = 0
    """Approved, and a call went out or may have, whatever came of it."""
    recovered: int = 0
    """Proposals that were tried, and each of whose tasks was seen to come up."""
    denied: int = 0
    lasted: int = 0
    """Proposals that recovered and were followed, and each of whose tasks lasted."""
    fell_over: int = 0
    """Proposals that recovered and were followed, and one of whose tasks fell over."""

    @property
    def followed(self) -> int:
        """Proposals that recovered and of which it is known whether they lasted."""
        return self.lasted + self.fell_over

    def words(self) -> str:
        """The results in words, such as `12 of 13 recovered; of 11 followed, 9 lasted (82%)`; both numbers, and a rate
        only from five on.
        """
        words = f"{self.recovered:,} of {self.tried:,} recovered"
        if not self.followed:
            return words
        rate = f" ({self.lasted / self.followed:.0%})" if self.followed >= FEWEST_FOR_RATE else ""
        return f"{words}; of {self.followed:,} followed, {self.lasted:,} lasted{rate}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A soft "I am looking at it": shown to others, stops nothing, expires by itself. Or the brake, which does stop."""

    by: str
    until: datetime
    brake: bool = False
    """The restart that is under way begins with no further task; that does not expire."""
    why: str = ""
    """Why a run pulled the brake; empty if a person pulled it."""

    @property
    def stops_because(self) -> str:
        """Why a restart is stopped, in words; empty for a claim that is no brake."""
        if self.brake and self.why:
            return f"stopped: {harmless(self.why, _NAME_CAP)}"
        who = Decision(approved=False, by=self.by).who()
        return f"stopped by {harmless(who, _NAME_CAP)}" if self.brake else ""


@dataclass(frozen=True, slots=True)
class Reminded:
    """Reasons for which people were reminded that a proposal waits."""

    reasons: tuple[str, ...] = ()
    """Reasons in the order in which they came up; people are reminded once for each."""
    escalated: bool = False
    """Whether it went to the escalation topic as well, which then hears of the end too."""
    telling_since: datetime | None = None
    """When a run began to tell the last one; None once it has."""


@dataclass(frozen=True, slots=True)
class ProposalRecord:
    """One proposal's ledger record as the operator's side reads it. The token is not part of it."""

    proposal: Proposal
    status: Status
    updated_at: datetime
    evaluation: Evaluation | None = None
    policy: PolicyResult | None = None
    digest: str = ""
    requested_at: datetime | None = None
    deadline: datetime | None = None
    """What Step Functions enforces; never later than that."""
    decision: Decision | None = None
    outcome: Outcome | None = None
    claim: Claim | None = None
    version: int = RECORD_VERSION
    lasting: Aftermath | None = None
    """What became later of the tasks that came up; None before a run has found out anything."""
    waits: EndpointWait | None = None
    """What an approved restart waits for before it starts a task; None if it does not."""
    reminded: Reminded | None = None
    """None until people were told again that it waits."""

    @property
    def approval_id(self) -> str:
        """The proposal's id: what commands take."""
        return self.proposal.proposal_id

    @property
    def chosen(self) -> Choice:
        """What was approved of it; `choice_of`."""
        return choice_of(self.proposal, self.decision)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the digest covers and this version does not know, in its spelling: nobody here can approve that."""
        decided_on = (self.proposal, self.evaluation, self.policy)
        return tuple(dict.fromkeys(value.value for value in unknown_values(decided_on)))


@dataclass(frozen=True, slots=True)
class InboxRow:
    """What the inbox index holds of an approval that waits for its answer, or of an approved restart that waits for its
    endpoint; rows of earlier versions too, so a new field has a default.
    """

    approval_id: str
    label: str
    """Cut to ROW_TEXT_CAP, as `title` and `cause` are; of a long name both ends are kept, since names differ there."""
    title: str
    """What happened, in the words of the proposal's title; in rows of earlier versions all of that."""
    kind: str
    severity: str
    action: str
    verdict: str
    risk: str
    confidence: float | None
    evaluator: str
    task_count: int
    requested_at: datetime
    deadline: datetime
    digest: str
    """The first 12 digits."""
    execution_name: str = ""
    claim: Claim | None = None
    cause: str = ""
    """Cause that several tasks share, else the id of a failure that is known for certain; empty if neither is there,
    and in rows of earlier versions.
    """
    options: tuple[str, ...] = ()
    """Names of its options, the first one recommended; empty if there is only one."""
    resume_until: datetime | None = None
    """The point of no return; None if it is not known, and in rows of earlier versions."""
    stale_from: datetime | None = None
    """Time from which on the target is out of freshness; None if that is not known, and in rows of earlier versions."""
    waits: EndpointWait | None = None
    """What an approved restart waits for, without what a test said; None if the row waits for an answer."""
    advice: str | None = None
    """What the recommended option has to be done before its action, in words cut to ADVICE_CAP, such as `restore the
    log`; None if there is nothing, and in rows of earlier versions.
    """
    loads: int | None = None
    """Tables that the recommended option is certain to load again; None if there are none, or it is not known."""

    @property
    def urgency(self) -> tuple[datetime, datetime, int, datetime]:
        """Sorts the most urgent first: by point of no return, then freshness, then severity, then the deadline for an
        answer. What needs none comes last.
        """
        if self.waits:
            return (_NEVER, _NEVER, 0, self.waits.until)
        return (
            self.resume_until or _NEVER,
            self.stale_from or _NEVER,
            -Severity.rank_of(self.severity),
            self.deadline,
        )

    @property
    def offered(self) -> str:
        """The actions that one decides about: `resume`, `resume or reload`, or `resume or when it answers`."""
        return " or ".join(self.options).replace("_", " ") or self.action

    @classmethod
    def of(cls, approval: ProposalRecord, requested_at: datetime, deadline: datetime) -> InboxRow:
        """The row of an evaluated proposal that waits from `requested_at` until `deadline`."""
        proposal, evaluation = approval.proposal, approval.evaluation
        recommended = proposal.offers[0]
        return cls(
            approval_id=proposal.proposal_id,
            label=_with_both_ends(proposal.label),
            title=_cut(proposal.happened),
            kind=proposal.kind,
            severity=proposal.severity,
            action=proposal.action,
            verdict=evaluation.verdict if evaluation else "",
            risk=evaluation.risk if evaluation else "",
            confidence=evaluation.confidence if evaluation else None,
            evaluator=evaluation.evaluator if evaluation else "",
            task_count=len(proposal.targets),
            requested_at=requested_at,
            deadline=deadline,
            digest=approval.digest[:SHORT_DIGEST],
            execution_name=proposal.execution_name,
            cause=_cut(proposal.cause or proposal.known_failure),
            options=tuple(each.name for each in proposal.options) if len(proposal.options) > 1 else (),
            resume_until=proposal.resume_until,
            stale_from=proposal.stale_from,
            advice=None
            if recommended.words == recommended.action.words
            else _cut(_first(recommended.words), ADVICE_CAP),
            loads=proposal.choose().tables_to_load or None,
        )

    @classmethod
    def under_way(cls, approval: ProposalRecord, wait: EndpointWait) -> InboxRow:
        """The row of an approved restart that waits for its endpoint.

        It names no digest: to a version that knows no such row it is one that takes no answer, and is read anew.
        """
        asked = approval.requested_at or approval.updated_at
        row = cls.of(approval, asked, approval.deadline or wait.until)
        return replace(row, digest="", waits=replace(wait, said=""))

    def as_stored(self) -> str:
        """The row as canonical JSON text without what is not known, which is read as None: 2,000 rows are one page."""
        optional = {each.name for each in fields(self) if each.default is None}
        values = codec.encode(self).items()
        return codec.dumps({name: value for name, value in values if value is not None or name not in optional})

    def is_of(self, approval: ProposalRecord) -> bool:
        """Whether the row agrees with a record on what a decision would be about; a record keeps whole seconds."""
        deadline = approval.deadline
        return (
            bool(self.digest)
            and approval.digest.startswith(self.digest)
            and deadline is not None
            and int(deadline.timestamp()) == int(self.deadline.timestamp())
        )


def _cut(text: str, cap: int = ROW_TEXT_CAP) -> str:
    return text if len(text) <= cap else text[: cap - 1] + "…"


def _with_both_ends(label: str) -> str:
    """`server/task` in ROW_TEXT_CAP characters. A server's name that takes more than half of them is cut too."""
    server, slash, _ = label.partition("/")
    before = f"{server}{slash}" if slash and len(server) < ROW_TEXT_CAP // 2 else ""
    name, room = label[len(before) :], ROW_TEXT_CAP - len(before)
    if len(name) <= room:
        return label
    ends = (room - 1) // 2
    return f"{before}{name[: room - 1 - ends]}…{name[-ends:]}"


def _first(words: str) -> str:
    """What an option's words have done before `then`; all of them if they have no `then`."""
    return words.partition(", then ")[0]


def choice_of(proposal: Proposal, decision: Decision | None) -> Choice:
    """What was approved of `proposal`; without an approval, and for one of what is not offered, the first option on
    all tasks. Whether a decision may be carried out, `Proposal.choose` says.
    """
    try:
        if decision is not None and decision.approved:
            return proposal.choose(decision.option, decision.tasks)
    except NotOffered:
        pass
    return proposal.choose()


def terms_of(decision: Decision, proposal: Proposal) -> tuple[str, ...]:
    """What an approval is for beside a plain yes, a few words each: which option of several, which tasks are left out,
    how many checks were ticked. Empty for a denial.
    """
    if not decision.approved:
        return ()
    choice = choice_of(proposal, decision)
    terms = [f"option {choice.option.name}"] if len(proposal.offers) > 1 else []
    kept = {target.key for target in choice.targets}
    if left_out := [str(target.key) for target in proposal.targets if target.key not in kept]:
        terms.append(f"left out: {listed(left_out)}")
    if checks := choice.option.checks:
        ticked = sum(check in decision.checked for check in checks)
        terms.append(f"{ticked or 'none'} of {len(checks)} check{'s'[: len(checks) > 1]} ticked")
    return tuple(terms)


def attributed(decision: Decision, approval: ProposalRecord) -> Decision:
    """`decision` as the record can vouch for it: automatic only where the policy let it run and nobody was asked."""
    may_be = approval.policy is not None and approval.policy.route is Route.AUTOMATIC and approval.requested_at is None
    return replace(decision, automatic=decision.automatic and may_be)


def digest_of(
    proposal: Proposal | codec.Json, evaluation: Evaluation | codec.Json, policy: PolicyResult | codec.Json
) -> str:
    """SHA-256, hex, over all that a decider is shown; one changed character anywhere changes it.

    Whoever checks a stored digest passes the parsed JSON as stored, so that a version with more fields still agrees.
    """
    import hashlib

    text = codec.dumps({"proposal": proposal, "evaluation": evaluation, "policy": policy})
    return hashlib.sha256(text.encode()).hexdigest()
