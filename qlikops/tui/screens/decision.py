"""Asking once before anything is sent: what exactly goes out, on the record that was on the screen."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Input, Static

from qlikops.domain.errors import ApprovalGone
from qlikops.domain.gathered import advice
from qlikops.domain.gathered.latest import Latest
from qlikops.domain.ports import Approve, DecisionRequest, Deny
from qlikops.domain.proposals.approval import ProposalRecord, new_decision_id
from qlikops.domain.proposals.callback import DECISION_TEXT_CAP
from qlikops.domain.proposals.proposal import Choice
from qlikops.presentation import vocabulary
from qlikops.presentation.deciding import choosing
from qlikops.presentation.deciding.choosing import Enter
from qlikops.presentation.deciding.decision import LatestSeen, names, no_longer_waits, sheet
from qlikops.presentation.lists.inbox import claimed_by, claimed_by_another
from qlikops.presentation.pages.difference import differences, differs
from qlikops.presentation.pages.latest import doubts
from qlikops.presentation.pages.review import second_thoughts
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Line, Tone
from qlikops.tui.model import messages
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.dialog import LOOK_FIRST, FollowingDialog
from qlikops.tui.widgets.choosing import Choosing
from qlikops.tui.widgets.denying import Denying
from qlikops.tui.widgets.line import LineInput
from qlikops.tui.widgets.prose import palette, text

LEAST_ROWS, OTHER_LINES = 5, 22
"""Rows of the list in the smallest terminal, and lines of an approval beside it."""
CLAIM_WHILE_ASKED = timedelta(minutes=2)
"""Whoever opens the dialog is seen by the others for so long, unless somebody else is."""


class DecisionScreen(FollowingDialog[DecisionRequest]):
    """The record never changes while it is open; if reality does, it says what and who, and sends nothing any more."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("i", "names", "Ids and digest", show=False, id="names")]

    def __init__(
        self, state: ConsoleState, context: LiveContext, approval: ProposalRecord, latest: Latest | None, *, late: bool
    ) -> None:
        """`late` if it opens by itself, some time after the key, because the record had to be read."""
        super().__init__(state, context)
        self.approval = approval
        self.latest = latest
        """What the last poll says of its tasks; if that is not known yet, it is asked for."""
        self.answers_from = context.now() + LOOK_FIRST if late else None
        self.gone = ""
        """Why this record can never be decided any more; empty while it can."""
        self.became: ProposalRecord | None = None
        """What it was changed to, once that has been shown."""
        self._decision_id = new_decision_id()
        self._names = Static(markup=False, id="names")

    def heading(self) -> str:
        return "Changed since you opened this" if self.became is not None else self.asks()

    @abstractmethod
    def asks(self) -> str:
        """What is asked."""

    def after(self) -> ComposeResult:
        """Ids, digest and the wire's words."""
        yield self._names

    def action_names(self) -> None:
        """Shows ids and digest whole, or no longer."""
        self._names.toggle_class("-whole")
        self.draw()

    def foot(self) -> str:
        """Says in whose name it is sent, and how long Esc takes it back."""
        who = vocabulary.person(self.context.caller) if self.context.caller else vocabulary.NO_CALLER
        held = self.context.outbox.held_for(self.approval, self.answer()).total_seconds()
        back = f" · Esc takes it back for {held:.0f} s" if held else ""
        return f"as {who}{back} · {self.state.keys['names']} ids and digest"

    def draw(self) -> None:
        is_whole = self._names.has_class("-whole")
        shown = text(names(self.answer(), self.approval, is_whole=is_whole), palette(self))
        if is_whole and self.context.caller:
            shown.append(f"  as {self.context.caller}")
        self._names.update(shown)
        super().draw()

    def on_mount(self) -> None:
        """Looks whether it can be answered, and lets the others see that somebody is about to."""
        self.state_changed()
        # It says in whose name it sends, and whoever could not say so may be able to by now.
        self.context.load_caller(self.app)
        if self.latest is None:
            self.context.load_background(self.approval, self)
        row = self.context.row(self.approval.approval_id)
        if row is not None and not claimed_by(row, self.context.now()) and not self.context.read_only:
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
        return tuple(
            sheet(
                self.answer(),
                self.approval,
                LatestSeen(self.latest, self.context.now()),
                is_listed=self.approval.proposal.can_be_narrowed,
            )
        )

    def _claimant(self) -> str:
        row = self.context.row(self.approval.approval_id)
        return claimed_by_another(row, self.context.caller, self.context.now()) if row else ""

    @on(messages.BackgroundLoaded)
    def _take_latest(self, message: messages.BackgroundLoaded) -> None:
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
            self.gone = "Nothing can be sent from here. Esc closes; then look at it as it is now."
        else:
            self.gone = "Its row says something else than its record. Nothing can be sent from here. Esc closes."

    @on(messages.ApprovalLoadFailed)
    def _say_nobody_knows(self, message: messages.ApprovalLoadFailed) -> None:
        waits = "changed" if self.context.row(self.approval.approval_id) else "no longer waits"
        unsent = "" if isinstance(message.error, ApprovalGone) else "Nothing was sent from here. "
        self.gone = f"It {waits}. {unsent}{explain(message.error)} Esc closes."
        self.draw()


class ApproveScreen(DecisionScreen):
    """Enter sends what is advised and can be undone, if nothing speaks against it and no check is open.

    Otherwise Enter moves on, and however often it is pressed, nothing is sent. Where tables are certain to load again
    it looks and works differently: no button sends, a word has to be typed.
    """

    def __init__(
        self, state: ConsoleState, context: LiveContext, approval: ProposalRecord, latest: Latest | None, *, late: bool
    ) -> None:
        super().__init__(state, context, approval, latest, late=late)
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

    def _needs_reason(self) -> str:
        """What advice it goes against, while no reason is given; empty otherwise."""
        return "" if self.reason else advice.against(self.approval, self._choice)

    def _enter(self) -> Enter:
        needs_reason, against = bool(self._needs_reason()), self._against()
        return choosing.enter(self.approval.proposal, self._choice, needs_reason=needs_reason, against=against)

    def latest_came(self) -> None:
        """Has Enter go back where the tasks are no longer as they were proposed on."""
        if self._changed():
            self.query_one("#cancel").focus()

    def asks(self) -> str:
        return choosing.heading(self.approval.proposal, self._choice)

    def fields(self) -> ComposeResult:
        yield self._choosing
        yield LineInput(max_length=DECISION_TEXT_CAP, id="reason", compact=True)
        yield LineInput(max_length=200, id="word", compact=True)

    def send_button(self) -> Button:
        """Carries the deed, and what speaks against it."""
        return Button("Approve", id="send", compact=True)

    def on_mount(self) -> None:
        """Chooses what Enter does."""
        self.set_class(self._choosing.display, "-choosing")
        self._choosing.begin()
        self.begin_in("#choosing" if self._choosing.open_checks else self._next())

    def on_resize(self) -> None:
        """The list has the room that the lines of what goes out usually leave."""
        self._choosing.styles.max_height = max(LEAST_ROWS, self.size.height - OTHER_LINES)

    def _sends(self) -> bool:
        return not self._choosing.open_checks and self._enter() is Enter.SEND

    def _next(self) -> str:
        match self._enter():
            case Enter.REASON:
                return "#reason"
            case Enter.WORD:
                return "#word"
            case Enter.SEND if not self._choosing.open_checks:
                return "#send"
        return "#cancel"

    @on(Choosing.Done)
    def _go_on(self) -> None:
        self.set_focus(self.query_one(self._next()))

    @on(Choosing.Changed)
    def _choose(self, event: Choosing.Changed) -> None:
        if event.is_other_option:
            # It may lose something that has not been read.
            self._outgoing.show_anew()
        self.draw()

    @on(Input.Submitted, "#reason")
    def _enter_reason(self) -> None:
        if self._sends():
            self.submit()
        else:
            self._go_on()

    @on(events.DescendantFocus)
    def draw(self) -> None:
        proposal, choice = self.approval.proposal, self._choice
        against, is_open, needs = self._against(), self._choosing.open_checks, self._needs_reason()
        self.set_class(choice.loads_again, "-irreversible")
        button = self.query_one("#send", Button)
        button.label = ("⏎ " if self._sends() else "") + choosing.button(proposal, choice, is_open, against)
        button.refresh(layout=True)
        button.variant = "warning" if against or is_open else "success"
        button.display = not choice.loads_again
        word, what = choosing.word_to_type(choice)
        typing = self.query_one("#word", Input)
        typing.display, typing.placeholder = choice.loads_again, f"{what}: {word}"
        self.query_one("#reason", Input).placeholder = choosing.why(is_open, needs)
        super().draw()

    def problem(self) -> str:
        """What is missing comes last: the reason, and the word where tables load again."""
        if problem := super().problem():
            return problem
        if needs := self._needs_reason():
            return f"A reason is needed: {needs}. Esc goes back."
        word, what = choosing.word_to_type(self._choice)
        if not self._choice.loads_again or choosing.is_typed(self.query_one("#word", Input).value, self._choice):
            return ""
        return f"To send it, type {what}, {word}, then Enter. Esc goes back."

    @on(Input.Submitted, "#word")
    def submit(self) -> None:
        """Asks for the reason first."""
        if self._needs_reason():
            self.set_focus(self.query_one("#reason"))
        super().submit()

    def answer(self) -> Approve:
        """An approval of this very digest, for what is chosen."""
        choice, proposal = self._choice, self.approval.proposal
        some = len(choice.targets) < len(proposal.targets)
        return Approve(
            self.approval.digest,
            self.reason,
            via="tui",
            decision_id=self._decision_id,
            option=choice.option.name if len(proposal.offers) > 1 else "",
            tasks=tuple(str(target.key) for target in choice.targets) if some else (),
            checked=self._choosing.checked,
        )

    def advice(self) -> Text:
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
                return "Space ticks and chooses. Enter goes on. Esc goes back."
            case "reason":
                return "Enter sends. Esc goes back." if self._sends() else "Enter goes on. Esc goes back."
            case "word":
                return "Enter sends, once it is typed. Esc goes back."
            case "send":
                return "Enter sends. Esc goes back."
            case "cancel":
                return "Enter goes back." if self._choice.loads_again else "Enter goes back; ← then Enter sends."
        return "Esc goes back."


class DenyScreen(DecisionScreen):
    """A denial says why; whoever reads the report asks first."""

    _missing = False
    """Sending was tried without a reason."""

    def asks(self) -> str:
        return f"Deny: leave {vocabulary.count(len(self.approval.proposal.targets), 'task')} alone"

    def fields(self) -> ComposeResult:
        yield Denying("Why (needed: those who are asked next read it)", self.context.now)

    def foot(self) -> str:
        """It can be taken back later, too."""
        return f"{super().foot()} · later: {self.state.keys['lift']} on the task"

    def send_button(self) -> Button:
        """Denying restarts nothing, so it is never dangerous."""
        many = vocabulary.count(len(self.approval.proposal.targets), "task")
        return Button(f"⏎ Leave {many} alone", variant="success", id="send", compact=True)

    def on_mount(self) -> None:
        self.begin_in("#reason")

    @on(Denying.Changed)
    def draw(self) -> None:
        self.query_one(Denying).show([self.approval.proposal])
        super().draw()

    def answer(self) -> Deny:
        snooze = self.query_one(Denying).snooze
        return Deny(self.approval.digest, self.reason, snooze, via="tui", decision_id=self._decision_id)

    def advice(self) -> Text:
        """Which key does what, or what is missing."""
        colours = palette(self)
        if self._missing and not self.reason:
            return Text("A reason is required.", style=colours[Tone.DANGER])
        keys = "Enter sends. ↑ ↓ choose when you are asked again. Esc goes back."
        if claimant := self._claimant():
            return Text(f"{claimant} is looking at it. {keys}", style=colours[Tone.WARNING])
        return Text(keys, style=colours[Tone.MUTED])

    @on(Input.Submitted, "#reason")
    def submit(self) -> None:
        """Asks for the reason first."""
        if not self.reason:
            self._missing = True
            self.set_focus(self.query_one("#reason"))
            self.draw()
            return
        super().submit()
