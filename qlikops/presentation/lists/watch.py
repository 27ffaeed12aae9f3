"""The inbox as a stream of events, a line each, for screen readers, logs and scripts.

What leaves the inbox says nothing by itself: its record does, so whoever feeds this looks up those that it asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from qlikops.dataclass import dataclass
from qlikops.domain.errors import QlikopsError
from qlikops.domain.proposals.approval import Decision, InboxRow, Outcome, ProposalRecord, Status
from qlikops.presentation import vocabulary
from qlikops.presentation.lists.inbox import SOON_SECONDS, TABLE, ListedRow, claimed_by
from qlikops.presentation.problem import by_whom, explain
from qlikops.presentation.table import SortOrder
from qlikops.presentation.tone import outside


class What(StrEnum):
    """What happened."""

    WAITS = "waits"
    """It waited already when the watch began."""
    NEW = "new"
    CHANGED = "changed"
    """What waits is no longer what was said of it: its evaluation, its deadline."""
    CLAIMED = "claimed"
    UNCLAIMED = "unclaimed"
    SOON = "expires_soon"
    DECIDED = "decided"
    """Approved, and what becomes of it is not known yet."""
    ENDED = "ended"
    """The proposal's status is final."""
    FELL_OVER = "fell_over"
    """A restart came up, and the task failed again soon."""
    TROUBLE = "trouble"
    """The inbox cannot be read; said once."""
    BACK = "back"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One thing that happened; `--json` prints one an object."""

    at: datetime
    what: What
    text: str
    """The whole of it in words, on one line; empty of one that is `unsaid`."""
    context: str = ""
    approval_id: str = ""
    row: InboxRow | None = None
    status: Status | None = None
    decision: Decision | None = None
    outcome: Outcome | None = None
    severity: str = ""
    """Severity of what waits or fell over; empty for all else."""


class InboxWatch:
    """Compares what comes with what was there. Feed it rows, then a record for each of `pending`.

    What `wanted` once matched is followed to its end, whatever becomes of it meanwhile: a claim on it is news, and its
    end is what one waits for.
    """

    def __init__(
        self, wanted: Callable[[ListedRow], bool] = lambda _: True, order: SortOrder[ListedRow] = TABLE.orders[0]
    ) -> None:
        """Watches; `order` sorts what comes together."""
        self._wanted = wanted
        self._order = order
        self._rows: dict[str, InboxRow] = {}
        self._claimants: dict[str, str] = {}
        self._soon: set[str] = set()
        self._pending: dict[str, Status] = {}
        """What left the inbox and has not ended yet, with the status said last."""
        self._began = False
        self._trouble = ""
        """What kind was said last; empty where the inbox can be read."""

    @property
    def pending(self) -> tuple[str, ...]:
        """The approvals whose record is to be looked up."""
        return tuple(self._pending)

    def took_rows(self, rows: Sequence[InboxRow], now: datetime) -> Iterator[WatchEvent]:
        """What arrived, changed, was claimed, or expires soon."""
        if self._trouble:
            self._trouble = ""
            yield WatchEvent(now, What.BACK, "the inbox can be read again")
        followed = self._rows.keys() | self._pending.keys()
        listed = [ListedRow(row, now) for row in rows]
        kept = [each for each in listed if each.row.approval_id in followed or self._wanted(each)]
        before, self._rows = self._rows, {each.row.approval_id: each.row for each in kept}
        for each in TABLE.sorted(kept, self._order):
            yield from self._seen(each.row, before, now)
        self._pending.update(dict.fromkeys(before.keys() - self._rows.keys(), Status.WAITING))
        self._soon &= self._rows.keys()
        self._claimants = {name: who for name, who in self._claimants.items() if name in self._rows}
        self._began = True

    def took_record(self, approval: ProposalRecord, now: datetime) -> Iterator[WatchEvent]:
        """What became of one that left the inbox."""
        name, status = approval.approval_id, approval.status
        if status.is_final or name in self._rows:
            said = self._pending.pop(name, None)
        else:
            said, self._pending[name] = self._pending.get(name), status
        if said == status or name in self._rows:
            return
        decision, outcome = approval.decision, approval.outcome
        standing, meaning = vocabulary.standing(status, approval.waits), vocabulary.status_meaning
        became = f"{standing.text.lower()}: {meaning(status, outcome, approval.waits)}"
        if decision is not None and said is Status.WAITING:
            became = f"{by_whom(decision)}; {became}"
        if outcome is not None and outcome.detail and (decision is None or outcome.detail != decision.reason):
            became = f"{became} ({outcome.detail})"
        text = outside(f"{name} {approval.proposal.label}: {became}", cap=1000).text
        what = What.ENDED if status.is_final else What.DECIDED
        yield WatchEvent(now, what, text, approval_id=name, status=status, decision=decision, outcome=outcome)

    def lost_record(self, approval_id: str, error: QlikopsError, now: datetime) -> WatchEvent:
        """Says that what became of it cannot be learnt here."""
        del self._pending[approval_id]
        text = f"{approval_id} no longer waits. {explain(error)}"
        return WatchEvent(now, What.ENDED, text, approval_id=approval_id)

    def missed(self, error: QlikopsError, now: datetime) -> Iterator[WatchEvent]:
        """That the inbox could not be read, the first time for a reason of this kind."""
        problem = explain(error)
        if problem.title != self._trouble:
            self._trouble = problem.title
            yield WatchEvent(now, What.TROUBLE, f"{problem} Trying again until it can be read.")

    def _seen(self, row: InboxRow, before: Mapping[str, InboxRow], now: datetime) -> Iterator[WatchEvent]:
        name, known = row.approval_id, before.get(row.approval_id)
        soon = is_soon(row, now)
        # A claim runs out without a word: what was said of it is what tells.
        claimant, claimed_before = claimed_by(row, now), self._claimants.get(name, "")
        if known is None:
            yield arrived(row, now, What.NEW if self._began else What.WAITS)
        elif replace(known, claim=row.claim) != row:
            yield _of(row, now, What.CHANGED, f"now {_described(row, now)}")
        elif soon and name not in self._soon:
            yield runs_out(row, now)
        if soon:
            self._soon.add(name)
        else:
            self._soon.discard(name)
        self._claimants[name] = claimant
        if known is None or claimant == claimed_before:
            return
        if claimant:
            yield _of(row, now, What.CLAIMED, f"{_name(row)}: {claimant} is looking at it")
        else:
            yield _of(row, now, What.UNCLAIMED, f"{_name(row)}: {claimed_before} no longer says to be looking at it")


def arrived(row: InboxRow, now: datetime, what: What = What.NEW) -> WatchEvent:
    """That a proposal waits for a decision."""
    return _of(row, now, what, _described(row, now))


def unsaid(row: InboxRow, now: datetime, what: What) -> WatchEvent:
    """The event of `what`, NEW or SOON, before `in_words`: a thousand at once are counted, and few are read."""
    return _of(row, now, what, "")


def in_words(event: WatchEvent) -> WatchEvent:
    """`event` with its text, if that was left `unsaid`."""
    if event.text or event.row is None:
        return event
    return (runs_out if event.what is What.SOON else arrived)(event.row, event.at)


def is_soon(row: InboxRow, now: datetime) -> bool:
    """Whether there is little time left to decide."""
    return (row.deadline - now).total_seconds() < SOON_SECONDS


def runs_out(row: InboxRow, now: datetime) -> WatchEvent:
    """Says that there is little time left to decide."""
    return _of(row, now, What.SOON, f"{_name(row)}: {_expires(row, now)}, then {vocabulary.AT_ZERO}")


def _of(row: InboxRow, now: datetime, what: What, text: str) -> WatchEvent:
    return WatchEvent(now, what, text, approval_id=row.approval_id, row=row, severity=row.severity)


def spoken(event: WatchEvent, *, several: bool = False) -> str:
    """One line: when, what, the rest; and which of `several` contexts."""
    where = f"{outside(event.context, cap=30).text}  " if several else ""
    return f"{vocabulary.clock_time(event.at)}  {where}{event.what.replace('_', ' ')}: {event.text}"


def _described(row: InboxRow, now: datetime) -> str:
    verdict = vocabulary.verdict(row.verdict, row.evaluator, row.confidence).text
    risk = vocabulary.risk(row.risk).text
    claimant = claimed_by(row, now)
    parts = [
        f"{_name(row)}, {outside(row.severity, cap=20).text}, {outside(row.kind, cap=40).text}",
        f"would {outside(row.offered, cap=40).text.replace('_', ' ')}",
        f"evaluation {verdict}, risk {risk}",
        _expires(row, now),
        *([f"claimed by {claimant}"] if claimant else []),
    ]
    return "; ".join(parts)


def _name(row: InboxRow) -> str:
    return outside(f"{row.approval_id} {row.label}", cap=120).text


def _expires(row: InboxRow, now: datetime) -> str:
    left = vocabulary.short_duration((row.deadline - now).total_seconds())
    return f"expires in {left} at {vocabulary.clock_time(row.deadline)}"
