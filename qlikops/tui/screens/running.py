"""Starting, stopping and redriving runs: each asks once, in a dialog that says what is sent and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from qlikops.domain.execution import ExecutionDetail, ExecutionStatus, ExecutionSummary
from qlikops.domain.ports import Environment
from qlikops.domain.redrive import redrive_refusal
from qlikops.presentation import running
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Line, Section, Tone
from qlikops.tui import messages
from qlikops.tui.context import Context
from qlikops.tui.widgets.prose import palette, prose

Act = Callable[[Environment], ExecutionSummary]
"""What is sent; off the UI thread."""
LANE = "runs"


class RunScreen(ModalScreen[Act | None]):
    """Answers with what to send, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="cancel"),
        Binding("left,up", "app.focus_previous", "Previous", show=False, id="previous"),
        Binding("right,down", "app.focus_next", "Next", show=False, id="next"),
    ]
    AUTO_FOCUS = "#send"
    TITLE: ClassVar[str]
    VERB: ClassVar[str]

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context

    def compose(self) -> ComposeResult:
        """Title, what goes out, problem, buttons."""
        with Vertical(id="dialog"):
            yield Static(self.TITLE, markup=False, id="dialog-title")
            with VerticalScroll(id="outgoing-scroll", can_focus=False):
                yield Static(markup=False, id="outgoing")
            yield from self.fields()
            yield Static(markup=False, id="problem")
            with Horizontal(id="buttons"):
                yield Button(self.VERB, variant="warning", id="send", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def fields(self) -> ComposeResult:
        """What the person fills in."""
        yield from ()

    def outgoing(self) -> tuple[Line, ...]:
        """What is sent and what becomes of it."""
        raise NotImplementedError

    def refusal(self) -> str:
        """Why it cannot be sent, apart from the data's age; empty where it can."""
        return ""

    def act(self) -> Act:
        """What is sent."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Shows the state of things, and ticks: data grows old while the dialog is open."""
        # Textual calls this besides a subclass's own on_mount.
        self.set_interval(1, self.draw)
        self.draw()

    def problem(self) -> str:
        """Why it cannot be sent right now."""
        locked = self.context.locked_because()
        return f"Locked: {locked}." if locked else self.refusal()

    def draw(self) -> None:
        """What goes out, and whether it can."""
        colours = palette(self)
        self.query_one("#outgoing", Static).update(prose([Section("", self.outgoing())], colours))
        problem = self.problem()
        words = (
            Text(problem, colours[Tone.DANGER]) if problem else Text("Enter sends. Esc cancels.", colours[Tone.MUTED])
        )
        self.query_one("#problem", Static).update(words)
        self.query_one("#send").set_class(bool(problem), "-blocked")

    @on(Button.Pressed, "#send")
    def submit(self) -> None:
        """Answers, if nothing stands in the way."""
        if self.problem():
            self.app.bell()
            self.draw()
        else:
            self.dismiss(self.act())

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is sent."""
        self.dismiss(None)


class StartScreen(RunScreen):
    """A run of one's own."""

    TITLE = "Start a run now"
    VERB = "Start"

    def outgoing(self) -> tuple[Line, ...]:
        """What a run does."""
        return running.start_lines(self.context.caller)

    def act(self) -> Act:
        """With an empty input, as the schedule does."""
        return lambda environment: environment.executions.start()


class ReadingScreen(RunScreen):
    """About one execution, which is read anew before anything can be sent."""

    WITH_HISTORY: ClassVar[bool]

    def __init__(self, context: Context, execution: ExecutionSummary) -> None:
        super().__init__(context)
        self.execution = execution
        self.detail: ExecutionDetail | None = None
        self.failure = ""

    def on_mount(self) -> None:
        """Asks for the execution."""
        self.context.backend.call(LANE, self._read, messages.LoadFailed, self)

    def _read(self, environment: Environment) -> Message:
        return messages.RunRead(environment.executions.detail(self.execution.arn, with_history=self.WITH_HISTORY))

    @on(messages.RunRead)
    def _take(self, message: messages.RunRead) -> None:
        message.stop()
        self.detail = message.detail
        self.draw()

    @on(messages.LoadFailed)
    def _miss(self, message: messages.LoadFailed) -> None:
        message.stop()
        self.failure = str(explain(message.error))
        self.draw()

    def refusal(self) -> str:
        """Until it has been read nobody knows what would be done."""
        if self.failure:
            return self.failure
        return "Reading the execution …" if self.detail is None else self.against(self.detail)

    def against(self, detail: ExecutionDetail) -> str:
        """Why not; empty where nothing speaks against it."""
        raise NotImplementedError


class StopScreen(ReadingScreen):
    """Says why; whoever reads the history asks first."""

    AUTO_FOCUS = "#reason"
    TITLE = "Stop this run"
    VERB = "Stop it"
    WITH_HISTORY = False

    def fields(self) -> ComposeResult:
        """The reason."""
        yield Input(placeholder="Reason (required)", max_length=500, id="reason", compact=True)

    @property
    def _reason(self) -> str:
        return self.query_one("#reason", Input).value.strip()

    def outgoing(self) -> tuple[Line, ...]:
        """What becomes of what waits, of what is under way, and of the rest."""
        return running.stop_lines(self.execution, self.detail, self._reason, self.context.caller)

    def against(self, detail: ExecutionDetail) -> str:
        """One that has ended cannot be stopped."""
        if detail.summary.status is not ExecutionStatus.RUNNING:
            return f"It has ended: it is {detail.summary.status}. Nothing can be stopped."
        return "" if self._reason else "A reason is required."

    def act(self) -> Act:
        """With the reason as it stands."""
        reason = self._reason
        return lambda environment: environment.executions.stop(self.execution.arn, reason)

    @on(Input.Changed, "#reason")
    def _follow(self, event: Input.Changed) -> None:
        event.stop()
        self.draw()

    @on(Input.Submitted, "#reason")
    def _enter(self, event: Input.Submitted) -> None:
        event.stop()
        self.submit()


class RedriveScreen(ReadingScreen):
    """Says what would run again, or why nothing may."""

    TITLE = "Run the rest of it again (redrive)"
    VERB = "Redrive"
    WITH_HISTORY = True

    def outgoing(self) -> tuple[Line, ...]:
        """Where it goes on."""
        return running.redrive_lines(self.execution, self.detail)

    def against(self, detail: ExecutionDetail) -> str:
        """What `domain.redrive` says."""
        why = redrive_refusal(detail, self.context.now())
        return f"Not possible: {why}." if why else ""

    def act(self) -> Act:
        """Everything is checked again before it is sent."""
        return lambda environment: environment.executions.redrive(self.execution.arn)
