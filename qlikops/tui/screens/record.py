"""One record by its id, wherever one came across it: to be read, as what still waits is decided in the inbox."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.presentation.deciding.decision import no_longer_waits
from qlikops.presentation.pages import review
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import as_text
from qlikops.tui.model import links
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.links import Links
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.base import PolledScreen
from qlikops.tui.widgets.review import Review


class RecordScreen(PolledScreen[ProposalRecord]):
    """What `qlikops show` prints, kept up to date until it is over."""

    MODE = "inbox"
    AUTO_FOCUS = "#review"
    POLL_SECONDS = 5
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="back"),
        Binding("y", "copy", "Copy", id="copy"),
    ]

    def __init__(self, state: ConsoleState, context: LiveContext, approval_id: str) -> None:
        super().__init__(state, context)
        self._approval_id = approval_id
        self._record: ProposalRecord | None = None
        self._review = Review(state.clock, lambda: (None, context.caller), id="review")

    def content(self) -> ComposeResult:
        yield self._review

    def on_mount(self) -> None:
        self._review.show_loading(self._approval_id, f"Loading {self._approval_id} …")

    def poll(self) -> None:
        """What is over changes no more."""
        if self._record is None or not self._record.status.is_final:
            self.action_refresh()

    def load(self, environment: ContextServices) -> ProposalRecord:
        """The record; the beginning of an id will do, if it begins no other."""
        return environment.approvals.approval(self._approval_id)

    def took(self, found: ProposalRecord) -> None:
        self._record = found
        self._review.show_approval(found)
        if found.status is not Status.WAITING:
            self._review.show_gone(found, no_longer_waits(found))
        self.refresh_bindings()

    def missed(self, error: Exception) -> None:
        """Says why in its place, or beside it."""
        if self._record is None:
            self._review.show_text(str(explain(error)))
        else:
            super().missed(error)

    def links(self) -> Links:
        """What the record leads to: its tasks, endpoints and run, and what is known of its failure."""
        return Links() if self._record is None else links.of_record(self.context.name, self._record)

    def action_copy(self) -> None:
        """Copies the record as plain text, for a ticket."""
        if self._record is not None:
            self.copy(as_text(review.sections(self._record, self.state.now())), "Record")
