"""Answering several at once: a list in which each can be taken out, then one answer for each of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, SelectionList, Static
from textual.widgets.selection_list import Selection

from qlikops.domain.approval import Approval, Status, new_decision_id
from qlikops.domain.ports import DecisionRequest
from qlikops.presentation import vocabulary
from qlikops.presentation.bulk import entry
from qlikops.presentation.review import doubts
from qlikops.presentation.tone import Tone
from qlikops.tui.context import Context
from qlikops.tui.widgets.prose import palette, text

Answers = tuple[tuple[Approval, DecisionRequest], ...]


class Ticks(SelectionList[str]):
    """Space ticks and unticks; Enter never does, it goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.go_on", "Go on", show=False, id="go-on")]


class BulkScreen(ModalScreen[Answers | None]):
    """Answers with one request for each ticked record, bound to its own digest, or None.

    What has no sound evaluation starts unticked where it is about approving.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", id="cancel")]

    def __init__(self, context: Context, approvals: Sequence[Approval], *, approved: bool) -> None:
        super().__init__()
        self.context = context
        self._approvals = {approval.approval_id: approval for approval in approvals}
        self._approved = approved
        self._problem = Static(markup=False, id="problem")

    def compose(self) -> ComposeResult:
        """Title, the list, the reason where one is needed, problem, buttons."""
        verb = "Approve" if self._approved else "Deny"
        kind = vocabulary.action(next(iter(self._approvals.values())).proposal.action)
        colours = palette(self)
        with Vertical(id="dialog"):
            yield Static(f"{verb} together" + (f": {kind}" if self._approved else ""), markup=False, id="dialog-title")
            yield Ticks(
                *(
                    Selection(
                        # Outside text reaches the list as text, never as markup.
                        text(entry(approval), colours),
                        approval.approval_id,
                        not (self._approved and doubts(approval)),
                    )
                    for approval in self._approvals.values()
                ),
                id="ticks",
            )
            if not self._approved:
                yield Input(placeholder="One reason for all (required)", max_length=500, id="reason", compact=True)
            yield self._problem
            with Horizontal(id="buttons"):
                yield Button(verb, variant="success" if self._approved else "error", id="send", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Starts in the list."""
        self.query_one(Ticks).focus()
        self.set_interval(1, self.draw)
        self.draw()

    def state_changed(self) -> None:
        """What no longer waits as it was read drops out of the answer."""
        self.draw()

    @property
    def _gone(self) -> list[Approval]:
        rows = {row.approval_id: row.digest for row in self.context.rows}
        return [
            approval
            for key, approval in self._approvals.items()
            if approval.status is not Status.WAITING
            or not approval.digest.startswith(rows.get(key) or "no row")
            or self.context.in_flight(key)
        ]

    def _answered(self) -> list[Approval]:
        ticked, gone = set(self.query_one(Ticks).selected), self._gone
        return [approval for key, approval in self._approvals.items() if key in ticked and approval not in gone]

    @on(SelectionList.SelectedChanged)
    @on(Input.Changed)
    def draw(self) -> None:
        """How many would be sent, and what stands in the way."""
        colours = palette(self)
        verb = "approve" if self._approved else "deny"
        number, locked = len(self._answered()), self.context.locked_because()
        self.query_one("#send", Button).label = f"{verb.capitalize()} {number}"
        if locked:
            self._problem.update(Text(f"Locked: {locked}.", style=colours[Tone.DANGER]))
            return
        words = Text(f"{number} of {len(self._approvals)} ticked. Space unticks, Enter goes on, Esc cancels.")
        if gone := self._gone:
            names = ", ".join(entry(approval)[0].text for approval in gone)
            words = Text(f"Left out, no longer waiting as it was read: {names}. ", colours[Tone.WARNING]) + words
        if not self._approved and not self._reason():
            words.append(" A reason is required.", colours[Tone.WARNING])
        self._problem.update(words)

    def _reason(self) -> str:
        return "" if self._approved else self.query_one("#reason", Input).value.strip()

    @on(Input.Submitted)
    def action_go_on(self) -> None:
        """From the list to the reason, from there to the button that sends."""
        wants_reason = not self._approved and not self._reason()
        self.query_one("#reason" if wants_reason else "#send").focus()

    @on(Button.Pressed, "#send")
    def _send(self) -> None:
        answered = self._answered()
        if self.context.locked_because() or not answered or (not self._approved and not self._reason()):
            self.app.bell()
            self.draw()
            return
        self.dismiss(tuple((approval, self._request(approval)) for approval in answered))

    def _request(self, approval: Approval) -> DecisionRequest:
        return DecisionRequest(
            self._approved, approval.digest, reason=self._reason(), via="tui", decision_id=new_decision_id()
        )

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is sent."""
        self.dismiss(None)
