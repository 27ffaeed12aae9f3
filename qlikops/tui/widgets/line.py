"""A line to type in that keeps all that is pasted."""

from __future__ import annotations

from textual import events
from textual.widgets import Input


class LineInput(Input):
    """Textual's keeps the first of several pasted lines, and nothing of a paste that is too long, without a word."""

    def _on_paste(self, event: events.Paste) -> None:
        # Not Textual's own as well.
        event.prevent_default()
        event.stop()
        pasted = " ".join(event.text.split())
        selected = len(self.selected_text)
        room = self.max_length - len(self.value) + selected if self.max_length else len(pasted)
        if len(pasted) > room:
            words = f"Cut: {len(pasted):,} characters were pasted, {room:,} fit."
            self.notify(words, severity="warning", markup=False)
        self.replace(pasted[:room], *self.selection)
