"""What is followed after it left the inbox: what others decided, and restarts until it is known whether they lasted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from datetime import datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.gathered.shift_entry import entry_of, is_followed
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.presentation.lists import now as known
from qlikops.presentation.lists.watch import WatchEvent, What
from qlikops.presentation.tone import Span, Spans, outside, plain

AT_ONCE = 5
"""Records that are asked for together, and that are looked up of those that leave the inbox at one time: in a storm the
others are not told of.
"""
UNDER_WAY = timedelta(seconds=5)
"""How often a restart is looked at that is under way."""
CAME_UP = timedelta(minutes=1)
"""How often one is that came up: only runs find out more of it."""
KEPT = timedelta(hours=3)
"""Nothing is followed for longer, nor laid over what the last run saw."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that became of a proposal, for the status line."""

    at: datetime
    """When it was learnt."""
    record: ProposalRecord
    context: str
    """The name of its context, if there are several."""
    caller: str

    @property
    def fell_over(self) -> bool:
        """Whether a task of it was seen down again."""
        return entry_of(self.record).fell_over

    def as_event(self) -> WatchEvent:
        """Says that it fell over, also on the other screens."""
        words = plain(self.words(self.at))
        severity = self.record.proposal.severity
        return WatchEvent(self.at, What.FELL_OVER, words, approval_id=self.record.approval_id, severity=severity)

    def words(self, now: datetime) -> Spans:
        """Who decided what, and what has become of it so far."""
        entry = entry_of(self.record)
        label = outside(entry.label, cap=60).text + (f" in {self.context}" if self.context else "")
        became = known.of_entry(entry, now)
        if entry.decision is None:
            return (Span(f"{label}: ", became.tone), became)
        who = known.by(entry.decision, self.caller)
        verb = "approved" if entry.decision.approved else "denied"
        if entry.status is Status.DENIED:
            return (Span(f"{label} was denied by {who}"), outside(entry.decision.reason, before=": ", cap=200))
        return (Span(f"{label}, {verb} by {who}: ", became.tone), became)


@dataclass
class Following:
    """Only handlers on the UI thread change it."""

    records: dict[str, ProposalRecord] = field(default_factory=dict)
    """What was learnt last, by id, the newest last."""
    _unknown: dict[str, None] = field(default_factory=dict)
    """The ids of what left the inbox, and what became of it is not known."""
    _asked_at: dict[str, datetime] = field(default_factory=dict)

    def left(self, ids: Iterable[str]) -> None:
        """What is no longer in the inbox, and was not decided here."""
        self._unknown |= dict.fromkeys(list(ids)[:AT_ONCE])

    def follow(self, record: ProposalRecord, now: datetime) -> None:
        """The restart of a proposal that was decided here has ended."""
        self._unknown.pop(record.approval_id, None)
        self.records[record.approval_id] = record
        self._asked_at[record.approval_id] = now

    def want(self, ids: Iterable[str]) -> None:
        """What became of these is to be asked for, however many they are."""
        self._unknown |= dict.fromkeys(name for name in ids if name not in self.records)

    def due(self, now: datetime) -> list[str]:
        """The ids of what is to be asked for now; they count as asked for."""
        found = [*self._unknown, *self._due(now)][:AT_ONCE]
        self._asked_at |= dict.fromkeys(found, now)
        self._unknown = {name: None for name in self._unknown if name not in found}
        return found

    def _due(self, now: datetime) -> Iterator[str]:
        for name, record in self.records.items():
            pause = UNDER_WAY if not record.status.is_final else CAME_UP if is_followed(record) else None
            is_young = now - record.updated_at < KEPT
            if pause is not None and is_young and now - self._asked_at[name] >= pause:
                yield name

    def took(self, record: ProposalRecord, now: datetime) -> bool:
        """A record came; returns whether it says what was not known."""
        before = self.records.pop(record.approval_id, None)
        self.records = {name: each for name, each in self.records.items() if now - each.updated_at < KEPT}
        self.records[record.approval_id] = record
        self._asked_at = {name: at for name, at in self._asked_at.items() if name in self.records}
        self._asked_at.setdefault(record.approval_id, now)
        if record.status is Status.WAITING:  # it is in the inbox again
            del self.records[record.approval_id]
            return False
        if before is None:
            return record.decision is not None
        return (before.status, before.lasting, before.waits) != (record.status, record.lasting, record.waits)
