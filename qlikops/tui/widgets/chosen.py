"""The review beside the inbox's list: it follows what is chosen there, and reads what it shows."""

from __future__ import annotations

from dataclasses import replace

from textual import on
from textual.message import Message

from qlikops.domain.errors import ApprovalGone
from qlikops.domain.proposals.approval import Claim, InboxRow, ProposalRecord
from qlikops.presentation.deciding import decision
from qlikops.presentation.freshness import Trust
from qlikops.presentation.lists import inbox
from qlikops.presentation.pages.difference import differences
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Line
from qlikops.tui.model import messages
from qlikops.tui.model.context import WaitingRow
from qlikops.tui.model.outbox import ApprovalKey
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.model.surroundings import Surroundings
from qlikops.tui.widgets.review import Aside, Review


class ChosenReview(Review):
    """Reads a record once, and again when its row says that it is another one.

    What a person looked at stays the measure until they have been shown what changed.
    """

    class Shown(Message):
        """A record is on the screen, to be decided or to be read."""

    def __init__(self, state: ConsoleState, aside: Aside) -> None:
        super().__init__(state.clock, self._claim_on_shown, id="review", aside=aside)
        self._state = state
        self._chosen: WaitingRow | None = None
        self._key: ApprovalKey | None = None
        """What is shown or waited for: an id alone does not say where it came from."""
        self._read_for: InboxRow | None = None
        """What the row said when its record was asked for: as long as it says that, another reading is no use."""
        self._records: dict[ApprovalKey, ProposalRecord] = {}
        """Records of what waits, as they were read last."""
        self._looked_at: dict[ApprovalKey, ProposalRecord] = {}
        """Record as you looked at it; another one can be decided once its difference has been shown."""
        self._around = Surroundings()
        self._is_over = False
        """Whether nothing more becomes of the record that is gone."""

    def shows(self, key: ApprovalKey) -> bool:
        """Whether the record of `key` is on the screen, to be decided."""
        return self.approval is not None and self._key == key

    def follow(self, chosen: WaitingRow | None) -> None:
        """Shows the record of what is chosen: from memory if it is unchanged, else it asks for it.

        Where nothing is chosen any more, what is on the screen is left to be read, with what became of it.
        """
        self._chosen = chosen
        if chosen is None:
            self._say_it_is_gone()
            return
        shown, row = self.approval, chosen.row
        if shown is not None and self._key == chosen.key and (row.is_of(shown) or _unclaimed(row) == self._read_for):
            self._look_around(chosen, shown)
            return
        known = self._records.get(chosen.key)
        if known is not None and row.is_of(known):
            self._show(chosen, known)
        elif self._key != chosen.key or self.loading_id != row.approval_id:
            self._key, self._read_for = chosen.key, _unclaimed(row)
            self.show_loading(row.approval_id, f"Loading {inbox.label(row)} …")
            # The list is drawn first: boto3 is loaded for the first record, and holds up what is drawn meanwhile.
            self.call_after_refresh(chosen.context.load_approval, row.approval_id, self)

    def follow_on(self) -> None:
        """A new inbox came: what became of a record that is gone is read again, until nothing more does."""
        if self.gone and self._key is not None and not self._is_over:
            self._state.context(self._key.context).load_again([self.gone], self)

    def clear(self) -> None:
        """Nothing waits any more; what has just gone stays to be read."""
        self._chosen = None
        if not self.gone:
            self.show_text("")

    def forget_others(self) -> None:
        """What no longer waits is not shown from memory."""
        waiting = self._state.by_key
        self._records = {
            key: record for key, record in self._records.items() if key in waiting and waiting[key].row.is_of(record)
        }
        self._looked_at = {key: seen for key, seen in self._looked_at.items() if key in waiting}
        self._around.keep(waiting.keys())

    def changes(self) -> tuple[Line, ...]:
        """What is different from when you looked at what is shown."""
        if self.approval is None or self._key is None:
            return ()
        return differences(self._looked_at.get(self._key, self.approval), self.approval)

    def have_seen(self, key: ApprovalKey, approval: ProposalRecord) -> None:
        """The person has been shown what changed: this is what they look at now."""
        self._looked_at[key] = approval
        if self.approval is not None and self._key == key:
            self.show_approval(self.approval, self._around.of(key), self.changes())

    def look_around_again(self) -> None:
        """Asks for what surrounds the record that is shown, however young that is."""
        if self._chosen is not None and self.approval is not None and self._key == self._chosen.key:
            self._look_around(self._chosen, self.approval, now=True)

    def _show(self, chosen: WaitingRow, approval: ProposalRecord) -> None:
        key = self._key = chosen.key
        changes = differences(self._looked_at.setdefault(key, approval), approval)
        self.show_approval(approval, self._around.of(key), changes)
        self._look_around(chosen, approval)
        self.post_message(self.Shown())

    def _look_around(self, chosen: WaitingRow, approval: ProposalRecord, *, now: bool = False) -> None:
        """Asks for what surrounds the record where that may be another than it was; with `now` in any case."""
        context, moment = chosen.context, self._state.now()
        waiting = frozenset(row.approval_id for row in context.rows)
        wanted = now or self._around.wants(chosen.key, approval, waiting, moment)
        if wanted and context.freshness.trust(moment) is Trust.LIVE:
            self._around.ask(chosen.key, approval, waiting, moment)
            context.load_background(approval, self)

    @property
    def context_label(self) -> str:
        """The name of the context that the record is from, if there are several."""
        return "" if self._key is None else self._state.context(self._key.context).label

    @property
    def keys(self) -> tuple[str, str]:
        """Keys as they are in force; none if nothing may be written."""
        keys = self._state.keys
        may = self._key is not None and not self._state.context(self._key.context).read_only
        return (keys["approve"], keys["deny"]) if may else ("", "")

    def _claim_on_shown(self) -> tuple[Claim | None, str]:
        if self._key is None:
            return None, ""
        context = self._state.context(self._key.context)
        row = context.row(self._key.approval_id)
        return (row.claim if row else None), context.caller

    def _say_it_is_gone(self) -> None:
        if self.approval is None or self._key is None:
            return
        context, approval_id = self._state.context(self._key.context), self._key.approval_id
        if context.row(approval_id) is not None:
            self.show_text("The filter keeps it back.")
            return
        answered = "You answered this; it" if context.outbox.in_flight(approval_id) else "This"
        self.show_gone(self.approval, f"{answered} no longer waits. {self._how_to_go_on()}")
        self._is_over = False
        context.load_approval(approval_id, self)

    def _how_to_go_on(self) -> str:
        return "↓ chooses the next." if self._state.waiting else ""

    @on(messages.ApprovalLoaded)
    def _take_approval(self, message: messages.ApprovalLoaded) -> None:
        message.stop()
        approval = message.approval
        key = ApprovalKey(message.context, approval.approval_id)
        row = self._state.context(message.context).row(approval.approval_id)
        if row is not None and row.is_of(approval):
            self._records[key] = approval
        if self._chosen is not None and self._chosen.key == key:
            self._show(self._chosen, approval)
        elif self._key == key and self.gone == approval.approval_id:
            self._is_over = approval.status.is_final
            self.show_gone(approval, f"{decision.no_longer_waits(approval)} {self._how_to_go_on()}")
            self.post_message(self.Shown())

    @on(messages.ApprovalLoadFailed)
    def _miss_approval(self, message: messages.ApprovalLoadFailed) -> None:
        message.stop()
        # What is gone stays to be read and is asked for again, while there is a record of it.
        stays = self.gone == message.asked and not isinstance(message.error, ApprovalGone)
        if self._key == ApprovalKey(message.context, message.asked) and not stays:
            self.show_text(str(explain(message.error)))

    @on(messages.BackgroundLoaded)
    def _take_background(self, message: messages.BackgroundLoaded) -> None:
        message.stop()
        key = ApprovalKey(message.context, message.approval_id)
        if self._around.take(key, message.background) and self._key == key:
            self.show_background(message.approval_id, message.background)


def _unclaimed(row: InboxRow) -> InboxRow:
    """Who looks at it changes all the time, and is no part of the record."""
    return replace(row, claim=None)
