"""The inbox as a stream of events, a line each, for screen readers, logs and scripts.

What leaves the inbox says nothing by itself: its record does, so whoever feeds this looks up those that it asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from qlikops.domain.approval import Approval, Decision, InboxRow, Outcome, Status
from qlikops.domain.errors import QlikopsError
from qlikops.presentation import vocabulary
from qlikops.presentation.inbox import SOON_SECONDS, claimed_by, ordered
from qlikops.presentation.problem import by_whom, explain
from qlikops.presentation.tone import outside


class What(StrEnum):
    """What happened."""

    WAITS = "waits"
    """It waited already when the watch began."""
    NEW = "new"
    CLAIMED = "claimed"
    SOON = "expires_soon"
    DECIDED = "decided"
    """Approved, and what becomes of it is not known yet."""
    ENDED = "ended"
    """Its status is final."""
    TROUBLE = "trouble"
    """The inbox cannot be read; said once."""
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `--json` prints one an object."""

    at: datetime
    what: What
    text: str
    """The whole of it in words, on one line."""
    approval_id: str = ""
    row: InboxRow | None = None
    status: Status | None = None
    decision: Decision | None = None
    outcome: Outcome | None = None


class Watch:
    """Compares what comes with what was there. Feed it rows, then a record for each of `pending`."""

    def __init__(self) -> None:
        self._rows: dict[str, InboxRow] = {}
        self._soon: set[str] = set()
        self._pending: dict[str, Status] = {}
        """What left the inbox and has not ended yet, with the status said last."""
        self._began = False
        self._trouble = False

    @property
    def pending(self) -> tuple[str, ...]:
        """The approvals whose record is to be looked up."""
        return tuple(self._pending)

    def took_rows(self, rows: Sequence[InboxRow], now: datetime) -> Iterator[Event]:
        """What arrived, was claimed, or expires soon."""
        if self._trouble:
            self._trouble = False
            yield Event(now, What.BACK, "the inbox can be read again")
        before, self._rows = self._rows, {row.approval_id: row for row in rows}
        for row in ordered(rows):
            yield from self._seen(row, before, now)
        self._pending.update(dict.fromkeys(before.keys() - self._rows.keys(), Status.WAITING))
        self._soon &= self._rows.keys()
        self._began = True

    def took_record(self, approval: Approval, now: datetime) -> Iterator[Event]:
        """What became of one that left the inbox."""
        name, status = approval.approval_id, approval.status
        if status.is_final or name in self._rows:
            said = self._pending.pop(name, None)
        else:
            said, self._pending[name] = self._pending.get(name), status
        if said == status or name in self._rows:
            return
        decision, outcome = approval.decision, approval.outcome
        became = f"{vocabulary.status(status).text.lower()}: {vocabulary.status_meaning(status)}"
        if decision is not None and said is Status.WAITING:
            became = f"{by_whom(decision)}; {became}"
        if outcome is not None and outcome.detail and (decision is None or outcome.detail != decision.reason):
            became = f"{became} ({outcome.detail})"
        text = outside(f"{name} {approval.proposal.label}: {became}", cap=1000).text
        what = What.ENDED if status.is_final else What.DECIDED
        yield Event(now, what, text, name, status=status, decision=decision, outcome=outcome)

    def lost_record(self, approval_id: str, error: QlikopsError, now: datetime) -> Event:
        """That nobody will learn what became of it here."""
        del self._pending[approval_id]
        return Event(now, What.ENDED, f"{approval_id} no longer waits. {explain(error)}", approval_id)

    def missed(self, error: QlikopsError, now: datetime) -> Iterator[Event]:
        """That the inbox could not be read, the first time."""
        if not self._trouble:
            self._trouble = True
            yield Event(now, What.TROUBLE, f"{explain(error)} Trying again until it can be read.")

    def _seen(self, row: InboxRow, before: Mapping[str, InboxRow], now: datetime) -> Iterator[Event]:
        known = before.get(row.approval_id)
        soon = (row.deadline - now).total_seconds() < SOON_SECONDS
        claimant = claimed_by(row, now)
        if known is None:
            what = What.NEW if self._began else What.WAITS
            yield Event(now, what, _described(row, now), row.approval_id, row)
        elif soon and row.approval_id not in self._soon:
            text = f"{_name(row)}: {_expires(row, now)}, then {vocabulary.AT_ZERO}"
            yield Event(now, What.SOON, text, row.approval_id, row)
        if soon:
            self._soon.add(row.approval_id)
        if known is not None and claimant and claimant != claimed_by(known, now):
            yield Event(now, What.CLAIMED, f"{_name(row)}: {claimant} is looking at it", row.approval_id, row)


def spoken(event: Event) -> str:
    """One line: when, what, and the rest."""
    return f"{vocabulary.clock_time(event.at)}  {event.what.replace('_', ' ')}: {event.text}"


def _described(row: InboxRow, now: datetime) -> str:
    verdict = vocabulary.verdict(row.verdict, row.evaluator, row.confidence).text
    risk = vocabulary.risk(row.risk).text
    claimant = claimed_by(row, now)
    parts = [
        f"{_name(row)}, {outside(row.severity, cap=20).text}, {outside(row.kind, cap=40).text}",
        f"would {outside(row.action, cap=40).text.replace('_', ' ')}",
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
