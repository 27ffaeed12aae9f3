"""What was decided, month by month, kept for longer than the ledger keeps it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.errors import UsageError
from qlikops.domain.gathered.decided import decided_since
from qlikops.domain.gathered.shift_entry import ShiftEntry, entry_of
from qlikops.domain.ports import ContextServices

KEPT = timedelta(days=90)
"""So long the ledger keeps a proposal."""
SETTLED = timedelta(hours=3)
"""So long after its end a month counts as over: by then it is known whether its last restarts lasted."""
PAGES = 1500
"""Most pages of a hundred runs each: ninety days at a run a minute."""


@dataclass(frozen=True, slots=True)
class Month:
    """A month of UTC."""

    begins: datetime
    ends: datetime

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"decisions-{self.begins:%Y-%m}.jsonl"

    def has(self, entry: ShiftEntry) -> bool:
        """Whether the proposal ended in it."""
        return self.begins <= entry.at < self.ends


def finished(now: datetime) -> Iterator[Month]:
    """The months that are over, and of which the ledger still knows something; the oldest first."""
    oldest = now.astimezone(UTC) - KEPT
    begins = oldest.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while (ends := (begins + timedelta(days=32)).replace(day=1)) + SETTLED <= now:
        yield Month(begins, ends)
        begins = ends


@dataclass(frozen=True, slots=True)
class Export:
    """The months that were missing, with what ended in each."""

    months: tuple[tuple[Month, tuple[ShiftEntry, ...]], ...]
    is_complete: bool
    """False if there were more runs than are looked at: the oldest are missing."""
    too_new: tuple[str, ...]
    """The ids of proposals that a newer qlikops wrote: they are in no month."""


def gather(environment: ContextServices, now: datetime, there: Collection[str]) -> Export:
    """Reads the months that are over and whose files are not `there`; nothing is asked if all are.

    As `decided_since` reads. Blocks like the ports do.
    """
    missing = [month for month in finished(now) if month.file not in there]
    if not missing:
        return Export((), is_complete=True, too_new=())
    decided = decided_since(environment, missing[0].begins, pages=PAGES)
    entries = sorted(map(entry_of, (each for each in decided.records if each.status.is_final)), key=lambda one: one.at)
    months = tuple((month, tuple(filter(month.has, entries))) for month in missing)
    return Export(months, decided.is_complete, decided.too_new)


def as_lines(entries: Iterable[ShiftEntry]) -> str:
    """One JSON object a line, as `qlikops decisions --json` has them."""
    return "".join(f"{codec.dumps(entry)}\n" for entry in entries)


def parse(text: str, name: str) -> Sequence[ShiftEntry]:
    """What `as_lines` wrote. Raises UsageError, naming the file and the line that is not from there."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found.append(codec.loads(ShiftEntry, line))
        except codec.CodecError as error:
            raise UsageError(f"{name}, line {number}, is no decision: {error}.") from error
    return found
