"""What the console knows, apart from any screen: its contexts, what waits in all of them, and the last errors."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from textual.message_pump import MessagePump

from qlikops.dataclass import dataclass
from qlikops.domain.proposals.approval import InboxRow
from qlikops.domain.saved_filter import LISTS, SavedFilter
from qlikops.presentation.lists.watch import WatchEvent, What
from qlikops.presentation.problem import explain
from qlikops.tui.keys import KeyNames
from qlikops.tui.model.context import ContextSource, LiveContext, WaitingRow
from qlikops.tui.model.following import Told
from qlikops.tui.model.outbox import ApprovalKey, Clock, Sending
from qlikops.tui.preferences import PreferenceFile

if TYPE_CHECKING:
    from qlikops.tui.coach import Coach
    from qlikops.tui.navigation import Navigator

NEWS_DURATION = timedelta(seconds=10)
"""How long the title says that something new came."""
FAILURES_KEPT = 50
VISIT_ENDS = timedelta(minutes=5)
"""Who is back on the shift's screen before that has not been away: what was new still is."""


@dataclass(frozen=True, slots=True)
class RepeatedError:
    """An error, and how often it came in a row."""

    at: datetime
    """When it came last."""
    words: str
    times: int = 1


class ConsoleState:
    """State shared by screens. Only handlers on the UI thread change it.

    The inbox spans all contexts; the other screens show the current one.
    """

    navigation: Navigator
    """Set by the app, which owns the screens."""

    def __init__(
        self,
        sources: Sequence[ContextSource],
        to: MessagePump,
        clock: Clock,
        memory: PreferenceFile,
        keys: KeyNames,
    ) -> None:
        self.clock = clock
        self.memory = memory
        self.keys = keys
        """What to call the key of an action in a text, by the action's id."""
        self.sendings: dict[ApprovalKey, Sending] = {}
        """Decisions in the order in which they were sent."""
        self.marked: frozenset[ApprovalKey] = frozenset()
        """What is marked, to be answered together."""
        self.contexts = tuple(
            LiveContext(source, to, clock, self.sendings, keys, several=len(sources) > 1) for source in sources
        )
        self.current = self.contexts[0]
        """The context that the screens beside the inbox show."""
        self.waiting: tuple[WaitingRow, ...] = ()
        """What waits in every context: what expires first first, then restarts that wait for their endpoint."""
        self.unseen: Counter[str] = Counter()
        """Mode -> how much came, or went wrong, since its screen was looked at."""
        self.failures: list[RepeatedError] = []
        """The last errors, newest first."""
        self.told: Told | None = None
        """What became last of something that others decided, or of a restart that came up."""
        self._visited: dict[str, datetime] = {}
        self._arrived: tuple[datetime, int] | None = None
        """When something new came last, and how much."""
        self.filters: Mapping[str, SavedFilter] = {}
        """Filters of the configuration, by name."""
        self.coach: Coach | None = None
        """Leads through the demo's first steps; None anywhere else, and once they are known."""
        self._by_row_key: dict[str, WaitingRow] = {}
        self.by_key: dict[ApprovalKey, WaitingRow] = {}
        """What waits, by what tells it apart, in the same order."""

    def now(self) -> datetime:
        """The time, aware."""
        return self.clock()

    @property
    def saved_filters(self) -> Mapping[str, SavedFilter]:
        """The filters of the configuration and the ones that were saved in the console, which do not hide them."""
        saved = self.memory.preferences.filters
        known = {name: SavedFilter(text, where) for name, (where, text) in saved.items() if where in LISTS and text}
        return {**known, **self.filters}

    def remember(self, **changes: object) -> str:
        """Remembers `changes`, fields of Preferences; returns why not beyond this console, or nothing."""
        problem = self.memory.change(**changes)
        return f"Only until the console ends: {problem}" if problem else ""

    @property
    def unanswered(self) -> int:
        """How much waits for an answer."""
        return sum(each.row.waits is None for each in self.waiting)

    def visited(self, context: str) -> datetime | None:
        """When the person looked at the shift of `context` last, before the visit that goes on; None if never."""
        known = (self.memory.preferences.visits or {}).get(context)
        with contextlib.suppress(ValueError, TypeError):  # whatever a person has written there
            last = datetime.fromisoformat(known) if known else None
            if last is not None and self.now() - last > VISIT_ENDS:
                self._visited[context] = last
        return self._visited.get(context)

    def visits(self, context: str) -> None:
        """Remembers that the person looks at the shift of `context` now."""
        known = self.memory.preferences.visits or {}
        self.remember(visits={**known, context: self.now().isoformat()})

    @property
    def several(self) -> bool:
        """Whether it has to be said which context something is in."""
        return len(self.contexts) > 1

    def shown_on(self, screen: object) -> tuple[LiveContext, ...]:
        """The contexts whose data a screen shows: the one that it asks, else all of them."""
        context: LiveContext | None = getattr(screen, "context", None)
        return self.contexts if context is None else (context,)

    def context(self, name: str) -> LiveContext:
        """The context of that name."""
        return next(context for context in self.contexts if context.name == name)

    def find(self, row_key: str | None) -> WaitingRow | None:
        """What waits under that key of a table."""
        return self._by_row_key.get(row_key or "")

    @property
    def latest(self) -> Sending | None:
        """The decision sent last, wherever."""
        return next(reversed(self.sendings.values()), None)

    @property
    def latest_together(self) -> tuple[Sending, ...]:
        """The decision made last, with all that were made together with it."""
        return () if self.latest is None else self.together_with(self.latest)

    def together_with(self, sending: Sending) -> tuple[Sending, ...]:
        """All that were made together with it, itself among them."""
        if not sending.batch:
            return (sending,)
        return tuple(each for each in self.sendings.values() if each.batch == sending.batch)

    @property
    def held(self) -> tuple[Sending, ...]:
        """What is held back in any context."""
        return tuple(sending for context in self.contexts for sending in context.outbox.held)

    def cancel_delayed(self, reason: str) -> tuple[Sending, ...]:
        """Sends nothing of what is held back; returns what was."""
        return tuple(sending for context in self.contexts for sending in context.outbox.cancel_delayed(reason))

    def poll(self, to: MessagePump) -> None:
        """Asks the contexts that do not pause for their inboxes."""
        for context in self.contexts:
            context.poll(to)

    def load_rows(self, to: MessagePump) -> None:
        """Asks every context for its inbox."""
        for context in self.contexts:
            context.load_rows(to)

    def took_rows(self, context: LiveContext, rows: Sequence[InboxRow]) -> tuple[WatchEvent, ...]:
        """A fresh inbox came; returns what is new and what runs out soon."""
        news = context.took_rows(rows)
        if new := sum(event.what is What.NEW for event in news):
            self._arrived = (self.now(), new)
            self.unseen["inbox"] += new
        found = [
            # The number ends at the first slash, whatever an id holds.
            WaitingRow(each, row, f"{number}/{row.approval_id}")
            for number, each in enumerate(self.contexts)
            for row in each.rows
        ]
        found.sort(key=lambda each: each.order)
        self.waiting = tuple(found)
        self._by_row_key = {waiting.row_key: waiting for waiting in found}
        self.by_key = {waiting.key: waiting for waiting in found}
        self.marked &= self.by_key.keys()
        return news

    def news(self) -> int:
        """How much came just now; 0 a moment later."""
        if self._arrived is None or self.now() - self._arrived[0] >= NEWS_DURATION:
            return 0
        return self._arrived[1]

    def failed(self, context: LiveContext, error: Exception) -> None:
        """Remembers an error; one that repeats itself counts up."""
        context.failed(error)
        words = f"{context.name}: {explain(error)}" if self.several else str(explain(error))
        times = 1
        if self.failures and self.failures[0].words == words:
            times = self.failures.pop(0).times + 1
        self.failures = [RepeatedError(self.now(), words, times), *self.failures][:FAILURES_KEPT]
