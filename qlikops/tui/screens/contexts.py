"""Choosing the context that the screens beside the inbox show."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from qlikops.presentation.lists.inbox import summary
from qlikops.presentation.tone import Span, Tone, outside
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.modal import Modal
from qlikops.tui.widgets.prose import palette, text


class ContextsScreen(Modal[LiveContext | None]):
    """Answers with a context, or None. Each says how it is."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel", id="close-contexts")]

    def __init__(self, state: ConsoleState) -> None:
        super().__init__()
        self.state = state

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static("Context of Fleet, Executions and Schedule", markup=False, id="dialog-title")
            yield OptionList(*(Option(self._entry(context)) for context in self.state.contexts), id="contexts")
            yield Static("Enter chooses, Esc cancels. The inbox shows all of them.", markup=False, id="problem")

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = self.state.contexts.index(self.state.current)
        options.focus()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self.state.contexts[event.option_index])

    def _entry(self, context: LiveContext) -> Text:
        now = self.state.now()
        waits = "" if context.freshness.loaded_at is None else f"  {summary(context.rows, now)}"
        return text(
            [
                Span("▶ " if context is self.state.current else "  "),
                outside(context.name, cap=30),
                Span("  READ-ONLY" if context.read_only else "", Tone.WARNING),
                Span(f"{waits}  "),
                *context.freshness.words(now),
                outside(context.where, Tone.MUTED, 60, before="  "),
            ],
            palette(self),
        )
