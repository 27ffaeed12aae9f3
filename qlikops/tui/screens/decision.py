"""Asking once before anything is sent: what exactly goes out, on the record that was on the screen."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Select, Static

from qlikops.domain.approval import Approval, new_decision_id
from qlikops.domain.ports import DecisionRequest
from qlikops.presentation.decision import no_longer_waits, what_goes_out
from qlikops.presentation.inbox import deadline_line
from qlikops.presentation.problem import explain
from qlikops.presentation.review import doubts, second_thoughts
from qlikops.presentation.tone import Line, Section, Tone
from qlikops.tui import messages
from qlikops.tui.context import Context
from qlikops.tui.widgets.prose import palette, prose

SNOOZES = (("usual cooldown", 0), ("1 hour", 1), ("4 hours", 4), ("24 hours", 24))


class DecisionScreen(ModalScreen[DecisionRequest | None]):
    """Answers with what to send, or None. The record never changes while it is open; if reality does, it says so."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="cancel"),
        Binding("left,up", "app.focus_previous", "Previous", show=False, id="previous"),
        Binding("right,down", "app.focus_next", "Next", show=False, id="next"),
    ]
    TITLE: ClassVar[str]

    def __init__(self, context: Context, approval: Approval) -> None:
        super().__init__()
        self.context = context
        self.approval = approval
        self.gone = ""
        """Why this record can never be decided any more; empty while it can."""
        self._decision_id = new_decision_id()
        self._outgoing = Static(markup=False, id="outgoing")
        self._problem = Static(markup=False, id="problem")

    def compose(self) -> ComposeResult:
        """Title, what goes out, what to fill in, problem, buttons."""
        with Vertical(id="dialog"):
            yield Static(self.TITLE, markup=False, id="dialog-title")
            with VerticalScroll(id="outgoing-scroll", can_focus=False):
                yield self._outgoing
            yield from self.fields()
            yield self._problem
            with Horizontal(id="buttons"):
                yield self.send_button()
                yield Button("Cancel", id="cancel", compact=True)

    def fields(self) -> ComposeResult:
        """What the person fills in."""
        yield from ()

    def send_button(self) -> Button:
        """The one that sends."""
        raise NotImplementedError

    def request(self) -> DecisionRequest:
        """What will be sent, as it stands."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Shows the state of things, and ticks."""
        self.set_interval(1, self.draw)
        self.draw()

    def state_changed(self) -> None:
        """Looks whether the record still waits, unchanged."""
        row = self.context.row(self.approval.approval_id)
        if not self.gone and row is None and not self.context.locked_because():
            self.gone = "It no longer waits; looking up who decided …"
            self.context.load_approval(self.approval.approval_id, self, with_history=False)
        elif row is not None and not self.approval.digest.startswith(row.digest):
            self.gone = "It changed since you opened this. Nothing can be sent from here: close and review it again."
        self.draw()

    def draw(self) -> None:
        """What goes out, and whether it can."""
        colours = palette(self)
        outgoing = what_goes_out(self.request(), self.approval, self.context.caller)
        if self.approval.deadline is not None:
            outgoing += (Line("deadline", deadline_line(self.approval.deadline, self.context.now())),)
        self._outgoing.update(prose([Section("", outgoing)], colours))
        locked = self.context.locked_because()
        problem = self.gone or (f"Locked: {locked}." if locked else "")
        self._problem.update(Text(problem, style=colours[Tone.DANGER]) if problem else self.advice())
        # Not disabled: that would move the focus, and Enter would mean something else than a moment ago.
        self.query_one("#send").set_class(bool(problem), "-blocked")

    def advice(self) -> Text:
        """What to know before sending, while nothing stands in the way."""
        return Text()

    @on(messages.ApprovalLoaded)
    def _say_who_decided(self, message: messages.ApprovalLoaded) -> None:
        message.stop()
        self.gone = f"{no_longer_waits(message.approval)} Nothing was sent from here. Esc closes."
        self.draw()

    @on(messages.ApprovalLoadFailed)
    def _say_nobody_knows(self, message: messages.ApprovalLoadFailed) -> None:
        message.stop()
        self.gone = f"It no longer waits. Nothing was sent from here. {explain(message.error)}"
        self.draw()

    @on(Button.Pressed, "#send")
    def _press_send(self) -> None:
        self.submit()

    def submit(self) -> None:
        """Answers with the request, if nothing stands in the way."""
        if self.gone or self.context.locked_because():
            self.app.bell()
        else:
            self.dismiss(self.request())

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is sent."""
        self.dismiss(None)


class ApproveScreen(DecisionScreen):
    """Enter sends, unless the evaluation is nothing to lean on: then it cancels. What speaks against it is said."""

    TITLE = "Approve: this will be sent"

    def __init__(self, context: Context, approval: Approval) -> None:
        super().__init__(context, approval)
        self._against = second_thoughts(approval)
        self._doubtful = bool(doubts(approval))

    def send_button(self) -> Button:
        """Carries what speaks against it."""
        if self._against:
            return Button(f"Approve although {self._against[0]}", variant="warning", id="send", compact=True)
        return Button("Approve", variant="success", id="send", compact=True)

    def on_mount(self) -> None:
        """Chooses what Enter does."""
        super().on_mount()
        self.query_one("#cancel" if self._doubtful else "#send").focus()

    def request(self) -> DecisionRequest:
        """An approval of this very digest."""
        return DecisionRequest(True, self.approval.digest, via="tui", decision_id=self._decision_id)

    def advice(self) -> Text:
        """Which key does what."""
        colours = palette(self)
        if self._against:
            why = "; ".join(self._against)
            keys = "Enter cancels; ← then Enter approves." if self._doubtful else "Enter sends. Esc cancels."
            return Text(f"Careful: {why}. {keys}", style=colours[Tone.WARNING])
        return Text("Enter sends. Esc cancels.", style=colours[Tone.MUTED])


class DenyScreen(DecisionScreen):
    """A denial says why; whoever reads the report asks first."""

    TITLE = "Deny: this will be sent"

    def __init__(self, context: Context, approval: Approval) -> None:
        super().__init__(context, approval)
        self._missing = False

    def fields(self) -> ComposeResult:
        """Reason, and for how long to keep quiet."""
        yield Input(placeholder="Reason (required)", max_length=500, id="reason", compact=True)
        yield Select(SNOOZES, value=0, allow_blank=False, id="snooze", compact=True)

    def send_button(self) -> Button:
        """Denying restarts nothing, so it is never dangerous."""
        return Button("Deny", variant="error", id="send", compact=True)

    def on_mount(self) -> None:
        """Starts with the reason."""
        super().on_mount()
        self.query_one("#reason").focus()

    def request(self) -> DecisionRequest:
        """A denial with what has been filled in."""
        snooze = self.query_one("#snooze", Select).value
        return DecisionRequest(
            False,
            self.approval.digest,
            reason=self.query_one("#reason", Input).value.strip(),
            snooze=timedelta(hours=snooze) if isinstance(snooze, int) and snooze else None,
            via="tui",
            decision_id=self._decision_id,
        )

    def advice(self) -> Text:
        """Which key does what, or what is missing."""
        colours = palette(self)
        if self._missing:
            return Text("A reason is required.", style=colours[Tone.DANGER])
        return Text("Enter in the reason sends. Tab: snooze. Esc cancels.", style=colours[Tone.MUTED])

    @on(Input.Changed, "#reason")
    @on(Select.Changed, "#snooze")
    def _follow(self, event: Input.Changed | Select.Changed) -> None:
        event.stop()
        self._missing = self._missing and not self.request().reason
        self.draw()

    @on(Input.Submitted, "#reason")
    def _enter_reason(self) -> None:
        self.submit()

    def submit(self) -> None:
        """Asks for the reason first."""
        if not self.request().reason:
            self._missing = True
            self.query_one("#reason").focus()
            self.draw()
            return
        super().submit()
