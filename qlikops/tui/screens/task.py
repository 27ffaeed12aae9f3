"""One task of the fleet in full."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from qlikops.domain.gathered.lookup import TaskDetail, look_up
from qlikops.domain.ports import ContextServices
from qlikops.presentation.pages import task
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import as_text
from qlikops.tui.model import links
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.links import Links
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.ordering import LiftScreen, OrderingScreen
from qlikops.tui.widgets.chart import ChartPicture
from qlikops.tui.widgets.prose import palette, prose

_BESIDE = 110
"""The width in cells from which on the facts stand beside the chart."""
_HEIGHTS, _ROWS = (30, 45), (5, 8, 12)
"""Lines of the terminal, and those of the chart with fewer, with as many, and with more."""


class TaskScreen(OrderingScreen[TaskDetail]):
    """What `qlikops task` prints, kept up to date."""

    MODE = "fleet"
    AUTO_FOCUS = "#task"
    POLL_SECONDS = 15
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="back"),
        Binding("enter", "follow('record')", "Its proposal", id="its-proposal"),
        Binding("y", "copy", "Copy", id="copy"),
    ]

    def __init__(self, state: ConsoleState, key: str, context: LiveContext | None = None) -> None:
        super().__init__(state, context)
        self._key = key
        self._detail: TaskDetail | None = None

    def content(self) -> ComposeResult:
        with VerticalScroll(id="task"):
            yield Static("Loading …", markup=False, id="task-text")

    def load(self, environment: ContextServices) -> TaskDetail:
        return look_up(environment, self._key)

    def took(self, found: TaskDetail) -> None:
        self._detail = found
        self.refresh_bindings()
        self.query_one("#task-text", Static).update(self._page(self._with_deeds(found)))

    def on_resize(self) -> None:
        """The chart has room for more or less now."""
        super().on_resize()
        if self._detail is not None:
            self.took(self._detail)

    def _page(self, found: TaskDetail) -> RenderableType:
        """The chart first; facts beside it if there is room, else below."""
        now, colours, size = self.state.now(), palette(self), self.app.size
        rows = _ROWS[bisect(_HEIGHTS, size.height)]
        picture = ChartPicture(task.chart(found, now), rows, colours)
        state, figures = task.state(found, now, self.context.caller), task.figures(found)
        story = (*task.wrong(found), *task.earlier(found))
        if size.width < _BESIDE:
            name = prose(state, colours)
            return Group(name, picture, prose((*story, *figures), colours))
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(ratio=3)
        grid.add_column(ratio=2)
        grid.add_row(Group(picture, prose(story, colours)), prose((*state, *figures), colours))
        return grid

    def _with_deeds(self, found: TaskDetail) -> TaskDetail:
        """Adds to `found` what was decided since, here or as the ledger had it."""
        key = found.task.facts.key
        deeds = self.context.deeds({key: found.deed} if found.deed else {})
        return replace(found, deed=deeds.get(key))

    def state_changed(self) -> None:
        """What is decided here is seen at once."""
        if self._detail is not None:
            self.took(self._detail)
        super().state_changed()

    def missed(self, error: Exception) -> None:
        """Says why on the page, or beside what is there."""
        if self._detail is None:
            self.query_one("#task-text", Static).update(Text(str(explain(error))))
        else:
            super().missed(error)

    @property
    def place(self) -> str:
        """Not the list."""
        return "task"

    def chosen_values(self) -> Mapping[str, str]:
        return {} if self._detail is None else {**asdict(self._detail.task.facts.key), "context": self.context.name}

    def links(self) -> Links:
        """What the task leads to: its open proposal, its endpoints, what is known of its failure, and the run that
        saw it so.
        """
        detail = self._detail
        return Links() if detail is None else links.of_task(self.context.name, detail.task, detail.run)

    def action_lift(self) -> None:
        """Ends what keeps the task quiet."""
        if self._detail is not None:
            self.confirm(LiftScreen(self.state, self.context, self._detail.task))

    def action_copy(self) -> None:
        """Copies the task as plain text, for a ticket."""
        if self._detail is not None:
            found = self._with_deeds(self._detail)
            self.copy(as_text(task.sections(found, self.state.now(), self.context.caller)), "Task")
