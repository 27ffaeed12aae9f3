"""The list in which an approval is made: one option, the checks before it, and the tasks of a group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option as Row

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.proposal import Choice, Proposal
from qlikops.presentation.deciding import choosing
from qlikops.presentation.tone import Span, Spans, Tone
from qlikops.tui.widgets.prose import palette, text


class Choosing(OptionList):
    """Space chooses, ticks and leaves out; Enter goes to the next check that is open, and then on.

    The recommended option and all tasks are chosen at first, and nothing is ticked. A group can be made smaller, never
    larger.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "change", "Tick", show=False, id="tick"),
        Binding("enter", "go_on", "Go on", show=False, id="go-on"),
        Binding("pagedown", "screen.page(1)", "Page down", show=False, id="page-down"),
        Binding("pageup", "screen.page(-1)", "Page up", show=False, id="page-up"),
    ]

    @dataclass
    class Changed(Message):
        """Something else would be sent now."""

        is_other_option: bool

    class Done(Message):
        """Enter, and no check is open below."""

    def __init__(self, proposal: Proposal) -> None:
        super().__init__(id="choosing")
        self._proposal = proposal
        self._option = proposal.offers[0]
        self._ticked: set[str] = set()
        self._left_out: set[TaskKey] = set()
        self._meanings: list[str | TaskKey | int | None] = []
        """What each row is about: a check, a task, the number of an option; None for a heading."""

    def on_mount(self) -> None:
        """Shows what there is to choose, if there is anything."""
        self._fill()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._fill())
        self.display = self.option_count > 0

    @property
    def choice(self) -> Choice:
        """The option and the tasks as they are chosen."""
        kept = tuple(target for target in self._proposal.targets if target.key not in self._left_out)
        return Choice(self._option, kept)

    @property
    def checked(self) -> tuple[str, ...]:
        """The option's checks that are ticked."""
        return tuple(check for check in self._option.checks if check in self._ticked)

    @property
    def open_checks(self) -> int:
        """How many of the option's checks are not ticked."""
        return len(self._option.checks) - len(self.checked)

    def begin(self) -> None:
        """Puts the cursor on the first check that is open."""
        self.highlighted = next(self._open_rows(), self.highlighted)

    def _open_rows(self) -> Iterator[int]:
        rows = enumerate(self._meanings)
        return (index for index, meaning in rows if isinstance(meaning, str) and meaning not in self._ticked)

    def action_change(self) -> None:
        """Changes what the cursor is on."""
        before = self._option
        match self._meanings[self.highlighted] if self.highlighted is not None else None:
            case int(number):
                self._option = self._proposal.offers[number]
            case str(check):
                self._ticked ^= {check}
            case TaskKey() as key if self._left_out | {key} != {target.key for target in self._proposal.targets}:
                self._left_out ^= {key}
            case _:
                self.app.bell()
                return
        self._fill()
        self.post_message(self.Changed(self._option is not before))

    def action_go_on(self) -> None:
        """Goes to the next check that is open, else on."""
        here = -1 if self.highlighted is None else self.highlighted
        below = next((index for index in self._open_rows() if index > here), None)
        if below is None:
            self.post_message(self.Done())
        else:
            self.highlighted = below

    def _fill(self) -> None:
        here, colours = self.highlighted, palette(self)
        rows = tuple(self._rows())
        self._meanings = [meaning for meaning, _ in rows]
        self.clear_options()
        # Outside text reaches the list as text, never as markup.
        self.add_options(Row(text(spans, colours), disabled=meaning is None) for meaning, spans in rows)
        if rows:
            self.highlighted = min(here, len(rows) - 1) if here is not None else None

    def _rows(self) -> Iterator[tuple[str | TaskKey | int | None, Spans]]:
        offers = self._proposal.offers
        if len(offers) > 1:
            for number, option in enumerate(offers):
                yield number, choosing.option_row(option, is_chosen=option is self._option)
        if self._option.checks:
            yield None, (Span("First (Space ticks what is done; it is kept with the decision)", Tone.MUTED),)
        for check in self._option.checks:
            yield check, choosing.tick_row(check, is_ticked=check in self._ticked)
        if self._proposal.can_be_narrowed:
            yield None, (Span("Tasks (Space leaves one out)", Tone.MUTED),)
            for target, wave in choosing.waves(self._proposal, self.choice):
                yield target.key, choosing.task_row(target, wave, is_chosen=target.key not in self._left_out)
