"""What was decided over days or weeks, beside what the approval policy alone would have done, and what lasted.

It counts and names no decider: who decided is in each proposal's record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median

from qlikops.dataclass import dataclass
from qlikops.domain.gathered.decided import decided_since
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.domain.proposals.evaluation import Route, Verdict

AFTER_ALL = timedelta(hours=24)
"""How long after a denial a restart of one of its tasks says whether the denial was right."""


@dataclass(frozen=True, slots=True)
class ByVerdict:
    """What people decided after one evaluator's one verdict."""

    evaluator: str
    verdict: Verdict
    approved: int
    denied: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class Shadow:
    """What mode `policy` would have restarted of the proposals on one known failure, or else of one kind."""

    counted_as: str
    proposals: int
    would_restart: int
    wrongly: tuple[str, ...]
    """The ids of those of them that a person denied, or whose restart failed or fell over."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The time from `since` until `until`."""

    since: datetime
    until: datetime
    closed: int
    """Proposals that ended."""
    verdicts: tuple[ByVerdict, ...]
    median_seconds: float | None
    """Median seconds from the question to a person's decision; None if there was no decision."""
    longest_seconds: float | None
    approved: int
    """Proposals that people approved."""
    automatic: int
    """Restarted by the policy, which asked no person; they count in no number of what people decided."""
    automatic_fell_over: tuple[tuple[str, str], ...]
    """Automatic restarts that fell over."""
    came_up: int
    """Approved proposals each of whose tasks was seen to come up."""
    lasted: int
    fell_over: tuple[tuple[str, str], ...]
    """The id of each approved proposal that fell over, and in words how."""
    denied: int
    denied_right: int
    """Denied proposals one of whose tasks was restarted within AFTER_ALL, and failed or fell over."""
    denied_restarted: int
    """Denied proposals one of whose tasks was restarted within AFTER_ALL, with a known result."""
    shadow: tuple[Shadow, ...]
    """The most frequent first; only of proposals that say what the policy would have done."""
    is_complete: bool = True
    """False if there were more runs than are looked at."""
    too_new: tuple[str, ...] = ()
    """The ids of proposals that a newer qlikops wrote: they are in no number."""


def gather(environment: ContextServices, since: datetime, now: datetime, *, mine: bool = False) -> Decisions:
    """The numbers of what `decided_since` reads; `mine`: only of proposals that the caller decided."""
    decided = decided_since(environment, since)
    everyones = found = [record for record in decided.records if record.status.is_final]
    if mine:
        caller = environment.caller()
        found = [record for record in found if record.decision is not None and record.decision.by == caller]
    counted = tallied(found, since, now, is_complete=decided.is_complete, everyones=everyones)
    return replace(counted, too_new=decided.too_new)


def tallied(
    records: Sequence[ProposalRecord],
    since: datetime,
    until: datetime,
    *,
    is_complete: bool,
    everyones: Sequence[ProposalRecord] | None = None,
) -> Decisions:
    """The numbers of closed proposals.

    `everyones`: those of other people too, where `records` are one person's; a denied task may have been restarted by
    anybody, or by the policy.
    """
    approved = [record for record in records if _by_people(record)]
    automatic = [record for record in records if record.decision is not None and record.decision.automatic]
    restarted = [
        record
        for record in (records if everyones is None else everyones)
        if record.decision is not None and record.decision.approved
    ]
    denied = [record for record in records if record.status is Status.DENIED]
    waits = [
        (record.decision.at - record.requested_at).total_seconds()
        for record in (*approved, *denied)
        if record.decision and record.decision.at and record.requested_at
    ]
    later = [went_well for record in denied if (went_well := _after_all(record, restarted)) is not None]
    return Decisions(
        since=since,
        until=until,
        closed=len(records),
        verdicts=_by_verdict(records),
        median_seconds=median(waits) if waits else None,
        longest_seconds=max(waits, default=None),
        approved=len(approved),
        automatic=len(automatic),
        automatic_fell_over=_fell_over(automatic),
        came_up=sum(record.status is Status.RESTARTED for record in approved),
        lasted=sum(_went_well(record) is True for record in approved),
        fell_over=_fell_over(approved),
        denied=len(denied),
        denied_right=later.count(False),
        denied_restarted=len(later),
        shadow=_shadow(records),
        is_complete=is_complete,
    )


def _fell_over(records: Iterable[ProposalRecord]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (record.approval_id, f"{record.proposal.label}: {record.lasting.words()}")
        for record in records
        if record.lasting is not None and record.lasting.fell_over
    )


def _by_people(record: ProposalRecord) -> bool:
    """Whether a person approved it; what the policy restarted by itself says nothing of what people decide."""
    return record.decision is not None and record.decision.approved and not record.decision.automatic


def _went_well(record: ProposalRecord) -> bool | None:
    """Whether the restart of an approved proposal lasted; None if that is not known."""
    lasting = record.lasting
    if record.status in (Status.FAILED, Status.PARTIAL) or (lasting is not None and lasting.fell_over):
        return False
    is_known = record.status is Status.RESTARTED and lasting is not None and lasting.lasted == lasting.came_up
    return True if is_known else None


def _after_all(denied: ProposalRecord, restarted: Iterable[ProposalRecord]) -> bool | None:
    """How the first restart of one of the denied tasks went soon after the denial; None if there is none to go by."""
    keys = {target.key for target in denied.proposal.targets}
    ended = denied.outcome.at if denied.outcome and denied.outcome.at else denied.updated_at
    restarts = [
        record
        for record in restarted
        if ended <= record.proposal.created_at <= ended + AFTER_ALL
        # What was left out of an approval was not restarted.
        and keys & {target.key for target in record.chosen.targets}
        and _went_well(record) is not None
    ]
    return _went_well(min(restarts, key=lambda record: record.proposal.created_at)) if restarts else None


def _by_verdict(records: Sequence[ProposalRecord]) -> tuple[ByVerdict, ...]:
    said: dict[tuple[str, Verdict], list[ProposalRecord]] = {}
    for record in records:
        is_peoples = record.decision is not None and not record.decision.automatic
        if record.evaluation is not None and (is_peoples or record.status is Status.EXPIRED):
            said.setdefault((record.evaluation.evaluator, record.evaluation.verdict), []).append(record)
    return tuple(
        ByVerdict(
            evaluator,
            verdict,
            approved=sum(map(_by_people, of)),
            denied=sum(one.status is Status.DENIED for one in of),
            unanswered=sum(one.status is Status.EXPIRED for one in of),
        )
        for (evaluator, verdict), of in sorted(said.items())
    )


def _shadow(records: Sequence[ProposalRecord]) -> tuple[Shadow, ...]:
    by_failure: dict[str, list[ProposalRecord]] = {}
    for record in records:
        # What was taken back, or ended with its execution, nobody has judged.
        is_judged = record.decision is not None or record.status is Status.EXPIRED
        if is_judged and record.policy is not None and record.policy.shadow is not None:
            by_failure.setdefault(record.proposal.counted_as, []).append(record)
    found = [
        Shadow(
            counted_as,
            proposals=len(of),
            would_restart=len(would := [one for one in of if one.policy and one.policy.shadow is Route.AUTOMATIC]),
            wrongly=tuple(one.approval_id for one in would if one.status is Status.DENIED or _went_well(one) is False),
        )
        for counted_as, of in by_failure.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.proposals, each.counted_as)))
