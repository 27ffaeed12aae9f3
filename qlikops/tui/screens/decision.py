"""Asking once before anything is sent: what exactly goes out, on the record that was on the screen."""

from __future__ import annotations

from datetime import timedelta

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Input, Select, Static

from qlikops.dataclass import dataclass
from qlikops.domain.approval import ProposalRecord, new_decision_id
from qlikops.domain.errors import ApprovalGone
from qlikops.domain.latest import Latest
from qlikops.domain.ports import Approve, DecisionRequest, Deny
from qlikops.domain.proposal import Choice
from qlikops.presentation import choosing
from qlikops.presentation.decision import Seen, no_longer_waits, what_goes_out
from qlikops.presentation.difference import differences, differs
from qlikops.presentation.inbox import claimed_by_another
from qlikops.presentation.latest import doubts
from qlikops.presentation.problem import explain
from qlikops.presentation.review import second_thoughts
from qlikops.presentation.tone import Line, Tone
from qlikops.tui.model import messages
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.dialog import LOOK_FIRST, Following, title_of
from qlikops.tui.widgets.choosing import Choosing
from qlikops.tui.widgets.denying import Denying
from qlikops.tui.widgets.line import LineInput
from qlikops.tui.widgets.prose import palette

LEAST_ROWS, OTHER_LINES = 5, 20
"""Rows of the list in the smallest terminal, and lines of an approval beside it."""
CLAIM_WHILE_ASKED = timedelta(minutes=2)
"""Whoever opens the dialog is seen by the others for so long, unless somebody else is."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a dialog asks about."""

    approval: ProposalRecord
    late: bool = False
    """It opens by itself, some time after the key, because the record had to be read."""
    latest: Latest | None = None
    """What the last poll says of its tasks; where that is not known yet, it is asked for."""


class DecisionScreen(Following[DecisionRequest]):
    """The record never changes while it is open; if reality does, it says what and who, and sends nothing any more."""

    def __init__(self, state: ConsoleState, context: LiveContext, question: Question) -> None:
        super().__init__(state, context)
        self.approval = question.approval
        self.latest = question.latest
        self.answers_from = context.now() + LOOK_FIRST if question.late else None
        self.gone = ""
        """Why this record can never be decided any more; empty while it can."""
        self.became: ProposalRecord | None = None
        """What it was changed to, once that has been shown."""
        self._decision_id = new_decision_id()

    def on_mount(self) -> None:
        """Looks whether it can be answered, and lets the others see that somebody is about to."""
        self.state_changed()
        # It says in whose name it sends, and whoever could not say so may be able to by now.
        self.context.load_caller(self.app)
        if self.latest is None:
            self.context.load_background(self.approval, self)
        row = self.context.row(self.approval.approval_id)
        if row is not None and row.claim is None and not self.context.read_only:
            self.context.claim(self.approval.approval_id, self, CLAIM_WHILE_ASKED)

    def state_changed(self) -> None:
        """Looks whether the record still waits, unchanged."""
        row = self.context.row(self.approval.approval_id)
        if not self.gone and row is None and not self.context.locked_because():
            self._stop("It no longer waits; looking up who decided …")
        elif not self.gone and row is not None and not row.is_of(self.approval):
            self._stop("It changed since you opened this; reading what it is now …")
        super().state_changed()

    def _stop(self, why: str) -> None:
        self.gone = why
        self.follow(self.approval.approval_id)

    def problem(self) -> str:
        """What became of the record comes first."""
        return self.gone or super().problem()

    def outgoing(self) -> tuple[Line, ...]:
        """What goes out and what happens otherwise, or what changed."""
        if self.became is not None:
            return differences(self.approval, self.became)
        now = self.context.now()
        return what_goes_out(self.answer(), self.approval, self.context.caller, now, Seen(self.latest, now))

    def _claimant(self) -> str:
        row = self.context.row(self.approval.approval_id)
        return claimed_by_another(row, self.context.caller, self.context.now()) if row else ""

    @on(messages.BackgroundLoaded)
    def _take_latest(self, message: messages.BackgroundLoaded) -> None:
        message.stop()
        self.latest = message.background.latest
        self.latest_came()
        self.draw()

    def latest_came(self) -> None:
        """What the last poll says has been read while the dialog was open."""

    def followed(self, approval: ProposalRecord) -> None:
        """Who decided and how that goes on, or what changed."""
        new = approval
        if self.context.row(new.approval_id) is None:
            self.gone = f"{no_longer_waits(new)} Nothing was sent from here. Esc closes."
        elif differs(self.approval, new):
            self.became = new
            self.query_one("#dialog-title", Static).update(title_of("Changed since you opened this", self.context))
            self.gone = "Nothing can be sent from here. Esc closes; then look at it as it is now."
        else:
            self.gone = "Its row says something else than its record. Nothing can be sent from here. Esc closes."

    @on(messages.ApprovalLoadFailed)
    def _say_nobody_knows(self, message: messages.ApprovalLoadFailed) -> None:
        message.stop()
        waits = "changed" if self.context.row(self.approval.approval_id) else "no longer waits"
        unsent = "" if isinstance(message.error, ApprovalGone) else "Nothing was sent from here. "
        self.gone = f"It {waits}. {unsent}{explain(message.error)} Esc closes."
        self.draw()


class ApproveScreen(DecisionScreen):
    """Enter sends, unless anything speaks against it or a check is open: then that is said, and Enter goes elsewhere.

    Where tables are certain to load again it looks and works differently: no button sends, a word has to be typed.
    """

    def __init__(self, state: ConsoleState, context: LiveContext, question: Question) -> None:
        super().__init__(state, context, question)
        self._choosing = Choosing(self.approval.proposal)
        claimant = self._claimant()
        self._claimed_before = (f"{claimant} is looking at it",) if claimant else ()

    @property
    def _choice(self) -> Choice:
        return self._choosing.choice

    def _changed(self) -> tuple[str, ...]:
        latest = self.latest.only(self._choice.targets) if self.latest else None
        return doubts(self.approval.proposal, latest, self.context.now())

    def _against(self) -> tuple[str, ...]:
        """What speaks against it, but for the checks that are open."""
        return (*self._claimed_before, *self._changed(), *second_thoughts(self.approval, self._choice))

    def latest_came(self) -> None:
        """Has Enter cancel where the tasks are no longer as they were proposed on."""
        if self._changed():
            self.query_one("#cancel").focus()

    def heading(self) -> str:
        """What is asked."""
        return choosing.heading(self._choice)

    def fields(self) -> ComposeResult:
        """What there is to choose, and the word."""
        yield self._choosing
        yield LineInput(max_length=200, id="word", compact=True)

    def send_button(self) -> Button:
        """Carries what speaks against it."""
        return Button("Approve", id="send", compact=True)

    def on_mount(self) -> None:
        """Chooses what Enter does."""
        self.set_class(self._choosing.display, "-choosing")
        self._choosing.begin()
        self.begin_in("#choosing" if self._choosing.open_checks else self._next())

    def on_resize(self) -> None:
        """The list has the room that the lines of what goes out usually leave."""
        self._choosing.styles.max_height = max(LEAST_ROWS, self.size.height - OTHER_LINES)

    def _next(self) -> str:
        if self._choice.loads_again:
            return "#word"
        return "#cancel" if self._against() or self._choosing.open_checks else "#send"

    def on_descendant_focus(self) -> None:
        """Enter means something else now."""
        self.draw()

    @on(Choosing.Done)
    def _go_on(self) -> None:
        self.set_focus(self.query_one(self._next()))

    @on(Choosing.Changed)
    def _choose(self, event: Choosing.Changed) -> None:
        event.stop()
        if event.is_other_option:
            # It may lose something that has not been read.
            self._outgoing.show_anew()
        self.draw()

    @on(Input.Changed, "#word")
    def _type(self, event: Input.Changed) -> None:
        event.stop()
        self.draw()

    @on(Input.Submitted, "#word")
    def _send_by_word(self) -> None:
        self.submit()

    def draw(self) -> None:
        """As it is chosen now."""
        choice, against, is_open = self._choice, self._against(), self._choosing.open_checks
        self.set_class(choice.loads_again, "-irreversible")
        if self.became is None:
            self.query_one("#dialog-title", Static).update(title_of(self.heading(), self.context))
        button = self.query_one("#send", Button)
        button.label = choosing.button(self.approval.proposal, choice, is_open, against)
        button.refresh(layout=True)
        button.variant = "warning" if against or is_open else "success"
        button.display = not choice.loads_again
        word, what = choosing.word_to_type(choice)
        typing = self.query_one("#word", Input)
        typing.display, typing.placeholder = choice.loads_again, f"{what}: {word}"
        super().draw()

    def problem(self) -> str:
        """What is missing comes last: the word, where tables load again."""
        if (problem := super().problem()) or not self._choice.loads_again:
            return problem
        word, what = choosing.word_to_type(self._choice)
        if choosing.is_typed(self.query_one("#word", Input).value, self._choice):
            return ""
        return f"To send it, type {what}, {word}, then Enter. Esc cancels."

    def answer(self) -> Approve:
        """An approval of this very digest, for what is chosen."""
        choice, proposal = self._choice, self.approval.proposal
        some = len(choice.targets) < len(proposal.targets)
        return Approve(
            self.approval.digest,
            via="tui",
            decision_id=self._decision_id,
            option=choice.option.name if len(proposal.offers) > 1 else "",
            tasks=tuple(str(target.key) for target in choice.targets) if some else (),
            checked=self._choosing.checked,
        )

    def advice(self) -> Text:
        """Which key does what."""
        colours = palette(self)
        careful = list(self._against())
        keys = self._keys()
        claimant = self._claimant()
        if claimant and (claimed := f"{claimant} is looking at it") not in careful:
            # Since this was opened.
            careful.insert(0, claimed)
        if careful:
            return Text(f"Careful: {'; '.join(careful)}. {keys}", style=colours[Tone.WARNING])
        return Text(keys, style=colours[Tone.MUTED])

    def _keys(self) -> str:
        # By what has the focus, not by what speaks against it: the focus is what Enter goes by.
        match self.focused.id if self.focused is not None else None:
            case "choosing":
                return "Space ticks and chooses. Enter goes on. Esc cancels."
            case "word":
                return "Enter sends, once it is typed. Esc cancels."
            case "send":
                return "Enter approves. Esc cancels."
            case "cancel":
                return "Enter cancels." if self._choice.loads_again else "Enter cancels; ← then Enter approves."
        return "Esc cancels."


class DenyScreen(DecisionScreen):
    """A denial says why; whoever reads the report asks first."""

    _missing = False
    """Sending was tried without a reason."""

    def heading(self) -> str:
        """What is asked."""
        return "Deny: this will be sent"

    def fields(self) -> ComposeResult:
        """Reason, and for how long to keep quiet."""
        yield Denying("Reason (required)")

    def send_button(self) -> Button:
        """Denying restarts nothing, so it is never dangerous."""
        return Button("Deny", variant="error", id="send", compact=True)

    def on_mount(self) -> None:
        """Starts with the reason."""
        self.begin_in("#reason")

    def answer(self) -> Deny:
        """A denial with what has been filled in."""
        fields = self.query_one(Denying)
        return Deny(self.approval.digest, fields.reason, fields.snooze, via="tui", decision_id=self._decision_id)

    def advice(self) -> Text:
        """Which key does what, or what is missing."""
        colours = palette(self)
        if self._missing:
            return Text("A reason is required.", style=colours[Tone.DANGER])
        keys = "Enter in the reason sends. Tab: snooze. Esc cancels."
        if claimant := self._claimant():
            return Text(f"{claimant} is looking at it. {keys}", style=colours[Tone.WARNING])
        return Text(keys, style=colours[Tone.MUTED])

    @on(Input.Changed, "#reason")
    @on(Select.Changed, "#snooze")
    def _follow(self, event: Input.Changed | Select.Changed) -> None:
        event.stop()
        self._missing = self._missing and not self.answer().reason
        self.draw()

    @on(Input.Submitted, "#reason")
    def _enter_reason(self) -> None:
        self.submit()

    def submit(self) -> None:
        """Asks for the reason first."""
        if not self.answer().reason:
            self._missing = True
            self.set_focus(self.query_one("#reason"))
            self.draw()
            return
        super().submit()
