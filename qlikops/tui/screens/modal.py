"""What everything is that lies over a screen and takes the keys."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, TypeVar

from rich.console import RenderableType
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from qlikops.tui.model.state import ConsoleState
from qlikops.tui.widgets.delay_bar import DelayBar

ModalResult = TypeVar("ModalResult")


class Modal(ModalScreen[ModalResult]):
    """Answers once.

    A press becomes an answer some messages later, so of two keys in one burst both may be taken. Textual would hand the
    second answer to whoever asked as well, and then close what lies below.
    """

    TAKES_ESCAPE: ClassVar[bool] = False
    """Whether Esc means this one, also while a send delay runs."""

    def state_changed(self) -> None:
        """The inbox, its freshness or a decision changed."""

    def type_ahead(self, text: str) -> bool:  # noqa: ARG002 - for those with a field to type in
        """Keeps what is typed before there is a field to type it in; returns whether it does."""
        return False

    def dismiss(self, result: ModalResult | None = None) -> AwaitComplete:
        """Closes this one, if it still is the one on top."""
        return super().dismiss(result) if self.is_active else AwaitComplete()


class ModalPage(Modal[None]):
    """One scrolling page over a screen, as it was when it opened."""

    # Without the focus no key scrolls it, and at 24 lines half of it is below the edge.
    AUTO_FOCUS = "#help"
    NAME: ClassVar[str]
    KEYS: ClassVar[str]
    """What is said of them at the lower edge."""

    def __init__(self, state: ConsoleState) -> None:
        super().__init__()
        self.state = state

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as page:
            page.border_title, page.border_subtitle = self.NAME, self.KEYS
            yield Static(markup=False, id="help-text")
        yield DelayBar(self.state)

    def on_mount(self) -> None:
        self.query_one("#help-text", Static).update(self.page())

    @abstractmethod
    def page(self) -> RenderableType:
        """What is on it."""
