"""What everything is that lies over a screen and takes the keys."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class Modal(ModalScreen[Answer]):
    """Answers once.

    A press becomes an answer some messages later, so of two keys in one burst both may be taken. Textual would hand the
    second answer to whoever asked as well, and then close what lies below.
    """

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Closes this one, if it still is the one on top."""
        return super().dismiss(result) if self.is_active else AwaitComplete()
