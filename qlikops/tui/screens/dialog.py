"""What every sheet that sends has: what goes out, what stands in the way, a button that sends and one that doesn't."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime, timedelta
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Input, Select, Static

from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.runs.orders import REASON_CAP
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Line, Section, Tone
from qlikops.tui.model import messages
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.modal import Modal, ModalResult
from qlikops.tui.widgets.delay_bar import DelayBar
from qlikops.tui.widgets.line import LineInput
from qlikops.tui.widgets.outgoing import Outgoing
from qlikops.tui.widgets.prose import palette, prose
from qlikops.tui.widgets.sheet import Sheet

LOOK_FIRST = timedelta(seconds=1)
"""How long what comes by itself takes no answer: what was typed at what stood there before is none to it."""


def lasting(*hours: float) -> tuple[tuple[str, float], ...]:
    """What a Select offers, such as `for 30 minutes` or `for 2 hours`."""
    words = (f"{each * 60:.0f} minutes" if each < 1 else vocabulary.count(int(each), "hour") for each in hours)
    return tuple((f"for {said}", each) for said, each in zip(words, hours, strict=True))


class Dialog(Modal[ModalResult | None]):
    """Answers with what to send, or None. Esc means the dialog, whatever else is held back."""

    TAKES_ESCAPE = True
    TITLE: ClassVar[str] = ""
    """What is asked, if that is always the same."""
    verb: str
    """What the button that sends says, if that is all."""
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-low"), (28, "-tall")]  # noqa: RUF012 - Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="cancel"),
        Binding("left,up", "app.focus_previous", "Previous", show=False, id="previous"),
        Binding("right,down", "app.focus_next", "Next", show=False, id="next"),
    ]

    def __init__(self, state: ConsoleState, context: LiveContext) -> None:
        super().__init__()
        self.state = state
        self.context = context
        self.answers_from: datetime | None = None
        """Until then it has only just come; None where it stood there from the start."""
        self._problem = Static(markup=False, id="problem")
        self._typed = ""
        """What was typed before any field of it could be typed in."""

    def compose(self) -> ComposeResult:
        """Content, problem, buttons; then what only a ticket needs."""
        with Sheet(self.context):
            yield from self.content()
            yield self._problem
            with Horizontal(id="buttons"):
                for button in (self.send_button(), Button("Esc Back", id="cancel", compact=True)):
                    # While it shows that it is pressed it takes no key, and an Enter that was refused a moment ago
                    # must not swallow the next one.
                    button.active_effect_duration = 0
                    yield button
            yield from self.after()
            yield DelayBar(self.state, "Esc closes this; then Esc: do not send")

    def heading(self) -> str:
        """What is asked."""
        return self.TITLE

    @abstractmethod
    def content(self) -> ComposeResult:
        """What goes out, and what the person fills in."""

    def after(self) -> ComposeResult:
        """What stands below the buttons."""
        yield from ()

    def foot(self) -> str:
        """What the lower edge says: in whose name, and how it is taken back."""
        return ""

    def send_button(self) -> Button:
        """The one that sends."""
        return Button(self.verb, variant="warning", id="send", compact=True)

    @abstractmethod
    def answer(self) -> ModalResult:
        """What to send, as it stands."""

    def begin_in(self, selector: str) -> None:
        """Gives the focus, and what has been typed already, to the widget where the person begins."""
        begins = self.query_one(selector)
        # At once, not after the next refresh: what is typed right after is meant for it.
        self.set_focus(begins)
        if isinstance(begins, Input):
            begins.insert_text_at_cursor(self._typed)
        self._typed = ""

    def type_ahead(self, text: str) -> bool:
        """Keeps what is typed until a field has the focus; returns whether it kept it."""
        if self.focused is not None:
            return False
        self._typed += text
        return True

    def advice(self) -> Text:
        """What to know before sending, while nothing stands in the way."""
        return Text("Enter sends. Esc goes back.", style=palette(self)[Tone.MUTED])

    def problem(self) -> str:
        """Why nothing can be sent right now; empty where it can."""
        if locked := self.context.locked_because():
            return f"Locked: {locked}."
        too_soon = self.answers_from is not None and self.context.now() < self.answers_from
        return "It has only just been read: look at it first." if too_soon else ""

    def on_mount(self) -> None:
        """Shows the state of things, and ticks. Textual calls this beside a subclass's own on_mount."""
        self.set_interval(1, self.draw)
        self.draw()

    def state_changed(self) -> None:
        """The inbox, its freshness or a decision changed."""
        self.draw()

    def draw(self) -> None:
        """What stands in the way, or what to know."""
        problem = self.problem()
        self.query_one(Sheet).say(self.heading(), self.foot())
        self._problem.update(Text(problem, style=palette(self)[Tone.DANGER]) if problem else self.advice())
        # Not disabled: that would move the focus, and Enter would mean something else than a moment ago.
        self.query_one("#send").set_class(bool(problem), "-blocked")

    def submit(self) -> None:
        """Answers, if nothing stands in the way."""
        if self.problem():
            self.app.bell()
            self.draw()
        else:
            self.dismiss(self.answer())

    @on(Button.Pressed, "#send")
    def _press_send(self) -> None:
        self.submit()

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is sent."""
        self.dismiss(None)


class Reading(Modal[ModalResult]):
    """Has lines to read to the end: they get the room that the rest of the dialog leaves, and two keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown", "page(1)", "Page down", show=False, id="page-down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="page-up"),
    ]

    def action_page(self, direction: int) -> None:
        """Whatever has the focus."""
        self.query_one(Outgoing).page(direction)

    def on_resize(self) -> None:
        """Has more room now, or less."""
        self.call_after_refresh(self._fit)

    @on(Outgoing.Looked)
    def _fit(self) -> None:
        # What was said on its way out comes when there is nothing left of it.
        if not self.is_current:
            return
        dialog, lines = self.query_one("#dialog"), self.query_one(Outgoing)
        if lines.size.height:
            others = dialog.virtual_size.height - lines.size.height + dialog.gutter.height
            lines.fit(self.size.height - others)


class OutgoingDialog(Dialog[ModalResult], Reading[ModalResult | None]):
    """Shows line by line what goes out, as it stands, above what the person fills in.

    Nothing is sent before its last line has been in sight.
    """

    def __init__(self, state: ConsoleState, context: LiveContext) -> None:
        super().__init__(state, context)
        self._outgoing = Outgoing()

    def content(self) -> ComposeResult:
        yield self._outgoing
        yield from self.fields()

    def fields(self) -> ComposeResult:
        """What the person fills in."""
        yield from ()

    @property
    def reason(self) -> str:
        """The reason as it stands, of a dialog that has a field for one."""
        return self.query_one("#reason", Input).value.strip()

    @on(Input.Changed)
    @on(Select.Changed)
    def _filled_in(self) -> None:
        self.draw()

    @abstractmethod
    def outgoing(self) -> tuple[Line, ...]:
        """What is sent and what becomes of it."""

    def draw(self) -> None:
        self._outgoing.show(prose([Section("", self.outgoing())], palette(self)))
        super().draw()

    def problem(self) -> str:
        """What has not been in sight yet cannot be meant."""
        unseen = self._outgoing.below if not self._outgoing.is_seen else 0
        return super().problem() or ("There is more of what will be sent: PgDn shows it." if unseen else "")

    def submit(self) -> None:
        """Answers, if nothing stands in the way; not before it has been drawn at all."""
        if self._outgoing.is_seen:
            super().submit()
        else:
            self.app.bell()
            self.draw()

    @on(Outgoing.Looked)
    def _say_whether_it_can_go(self) -> None:
        if self.is_current:
            super().draw()
            # What it says takes room, or leaves some.
            self.call_after_refresh(self._fit)


class ReasonedDialog(OutgoingDialog[ModalResult]):
    """Asks why, for the readers of report and history."""

    AUTO_FOCUS = ""
    FIRST: ClassVar[str] = "#reason"
    """Selector of the widget that has the focus first."""

    def fields(self) -> ComposeResult:
        yield LineInput(placeholder="Reason (required)", max_length=REASON_CAP, id="reason", compact=True)

    def on_mount(self) -> None:
        self.begin_in(self.FIRST)

    def problem(self) -> str:
        """What else is in the way comes first."""
        return super().problem() or ("" if self.reason else "A reason is required.")

    @on(Input.Submitted)
    def _enter(self) -> None:
        self.submit()


class FollowingDialog(OutgoingDialog[ModalResult]):
    """Says what became of records that can no longer be decided, and goes on until nothing more becomes of them."""

    def __init__(self, state: ConsoleState, context: LiveContext) -> None:
        super().__init__(state, context)
        self._followed: set[str] = set()
        """Ids of the records that something may still become of."""

    @abstractmethod
    def followed(self, approval: ProposalRecord) -> None:
        """It was read anew: says what it is now."""

    def follow(self, approval_id: str) -> None:
        """Asks for the record now, and again with every new inbox until it is over."""
        self._followed.add(approval_id)
        self.context.load_approval(approval_id, self)

    def state_changed(self) -> None:
        """A new inbox came: what is followed may have gone on."""
        self.context.load_again(sorted(self._followed), self)
        super().state_changed()

    @on(messages.ApprovalLoaded)
    def _take_followed(self, message: messages.ApprovalLoaded) -> None:
        if message.approval.status.is_final:
            self._followed.discard(message.approval.approval_id)
        self.followed(message.approval)
        self.draw()
