"""What is known of one failure: its entry in the library of failures."""

from __future__ import annotations

from typing import ClassVar

from rich.console import RenderableType
from textual.binding import Binding, BindingType

from qlikops.domain.fleet.diagnosis import Diagnosis
from qlikops.presentation.pages.failure import happened
from qlikops.presentation.tone import Section
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.modal import ModalPage
from qlikops.tui.widgets.prose import palette, prose


class FailurePage(ModalPage):
    """What it says, what to look at first, what helps, what never does, and where it is documented."""

    NAME, KEYS = "What is known of it", "↑ ↓ scroll, Esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,F,q", "dismiss", "Close", id="close-failure")]

    def __init__(self, state: ConsoleState, diagnosis: Diagnosis) -> None:
        super().__init__(state)
        self._diagnosis = diagnosis

    def page(self) -> RenderableType:
        return prose([Section("", tuple(happened(self._diagnosis)))], palette(self))
