"""The record under review: the one that deciding is about, exactly as it was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias

from rich.console import RenderableType
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from qlikops.domain.gathered.background import Background
from qlikops.domain.gathered.latest import Latest
from qlikops.domain.proposals.approval import Claim, ProposalRecord
from qlikops.presentation.pages import review
from qlikops.presentation.tone import Line, Section, Tone
from qlikops.tui.model.outbox import Clock
from qlikops.tui.widgets.prose import Palette, beside, palette, prose, ruled

TWO, THREE = 110, 170
"""The widths in cells from which on the record has two columns, or three: what happened, the evidence, and the
reasons.
"""

Columns: TypeAlias = Sequence[Sequence[Section]]


class Aside(VerticalScroll):
    """Room elsewhere on the screen for the second half of a record. The style says when it is there."""

    def __init__(self) -> None:
        super().__init__(id="aside")
        self.border_title = "Evidence and reasons"
        self._columns: Columns = ()
        self._body = Static(markup=False)

    def compose(self) -> ComposeResult:
        yield self._body

    @property
    def has_room(self) -> bool:
        """Whether it is displayed, and all that it stands in too."""
        return all(each.display for each in self.ancestors_with_self if isinstance(each, Widget))

    def show(self, columns: Columns) -> None:
        """Shows the sections in place of what stands there; with none of them, not even the frame."""
        self._columns = columns
        self.visible = bool(columns)
        self.on_resize()

    def on_resize(self) -> None:
        """There is room for two columns, or only for one."""
        self._body.update(_side_by_side(self._columns, self.scrollable_content_region.width, palette(self)))


class Review(VerticalScroll):
    """Shows one Approval. `approval` is that very object, or None while nothing on the screen may be decided."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "unfold", "Codes", show=False, id="unfold", tooltip="ids, gates and the digest")
    ]

    def __init__(
        self,
        clock: Clock,
        claim: Callable[[], tuple[Claim | None, str]],
        *,
        id: str,  # noqa: A002 - Textual's name
        aside: Aside | None = None,
    ) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._aside = aside
        """Takes what follows the evidence, as long as it is displayed."""
        self._claim = claim
        """Who looks at what is shown, by the newest inbox: the record is older than that. And who we are."""
        self.approval: ProposalRecord | None = None
        self.loading_id = ""
        """The record that has been asked for and has not come."""
        self.gone = ""
        """The record that is left on the screen although it no longer waits."""
        self._shown: ProposalRecord | None = None
        self._background: Background | None = None
        self._notice = Static(markup=False, id="notice")
        self._is_folded = True
        """Whether codes, ids and the digest are left out."""
        self._minute = -1
        self._head = Static(markup=False, id="brief")
        self._you = Static(markup=False, id="at-zero")
        self._said: tuple[Section, Palette] | None = None
        """What the line with the countdown says, and in which colours."""
        self._body = Static(markup=False, id="body")

    def compose(self) -> ComposeResult:
        """Only the line with the countdown ticks."""
        yield self._notice
        yield self._head
        yield self._you
        yield self._body

    def on_mount(self) -> None:
        """Starts the countdown, and follows the theme."""
        self.set_interval(1, self._tick)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())
        self._notice.display = False

    def show_approval(
        self, approval: ProposalRecord, background: Background | None = None, changes: Sequence[Line] = ()
    ) -> None:
        """Puts a record on the screen to be decided, with what changed since somebody looked at it.

        From the top if it is another one, or another than it was.
        """
        if changes or self._shown is None or self._shown.approval_id != approval.approval_id:
            for each in (self, self._aside):
                if each is not None:
                    each.scroll_home(animate=False)
        self._reset(approval=approval)
        self._shown, self._background = approval, background
        if changes:
            colours = palette(self)
            self._notice.update(prose([Section("Changed since you looked at it", tuple(changes))], colours))
            self._notice.display = True
        self._draw()

    def show_background(self, approval_id: str, background: Background) -> None:
        """Adds what surrounds the record, if that is still the one on the screen."""
        if self._shown is not None and self._shown.approval_id == approval_id:
            self._background = background
            self._draw()

    def show_loading(self, approval_id: str, words: str) -> None:
        """Says what has been asked for."""
        self.show_text(words)
        self.loading_id = approval_id

    def show_text(self, words: str) -> None:
        """Says why there is no record to show."""
        self._reset()
        self._shown = None
        self.border_title = ""
        self._notice.update(Text(words, style=palette(self)[Tone.MUTED]))
        self._notice.display = True
        self._head.update("")
        self._you.update("")
        self._said = None
        self._body.update("")
        self._put_aside(())

    def show_gone(self, approval: ProposalRecord, notice: str) -> None:
        """Shows a record to be read, with a notice, and nothing to decide on."""
        self._reset(gone=approval.approval_id)
        self._shown = approval
        self._notice.update(Text(notice, style=palette(self)[Tone.WARNING]))
        self._notice.display = True
        self._draw()

    def _reset(self, *, approval: ProposalRecord | None = None, gone: str = "") -> None:
        self.approval, self.gone, self.loading_id = approval, gone, ""
        self._notice.display = False

    @property
    def context_label(self) -> str:
        """The name of the context that the record is from, where there are several."""
        return ""

    @property
    def keys(self) -> tuple[str, str]:
        """The keys that approve and deny; empty where none does."""
        return ("", "")

    @property
    def latest(self) -> Latest | None:
        """What the last poll says of what is shown; None where that has not been read."""
        return self._background.latest if self._background is not None else None

    def action_unfold(self) -> None:
        """Shows codes, ids and the digest, or no longer."""
        self._is_folded = not self._is_folded
        self._draw()

    def _tick(self) -> None:
        # Under a dialog too: what it is about must not look younger than it is.
        if self.approval is not None and self.screen.is_current:
            if self._minute != self._clock().minute:
                self._draw()
            else:
                self._draw_choices(self.approval, palette(self))

    @on(events.Resize)
    def _draw(self) -> None:
        if self._shown is not None:
            colours, now = palette(self), self._clock()
            self._minute = now.minute
            self.border_title = Text(review.title(self._shown, self.context_label))
            self._head.update(prose([review.brief(self._shown, now)], colours))
            body = review.body(self._shown, now, self._background, is_folded=self._is_folded)
            split = next((at for at, each in enumerate(body) if each.title == review.EVIDENCE), len(body))
            first, rest = body[:split], (body[split : split + 1], body[split + 1 :])
            is_beside = self._aside is not None and self._aside.has_room
            self._put_aside(rest if is_beside else ())
            columns = (first,) if is_beside else (first, *rest)
            self._body.update(_side_by_side(columns, self.scrollable_content_region.width, colours))
            self._draw_choices(self._shown, colours)

    def _put_aside(self, columns: Columns) -> None:
        if self._aside is not None:
            self._aside.show(columns)

    def _draw_choices(self, shown: ProposalRecord, colours: Palette) -> None:
        claim, caller = self._claim()
        said = review.you(shown, self._clock(), claim, caller, self.keys), colours
        if said != self._said:
            self._said = said
            self._you.update(ruled([said[0]], colours))


def _side_by_side(columns: Columns, width: int, colours: Palette) -> RenderableType:
    """Puts as many beside each other as fit; read from left to right they are in the order of one below the other."""
    columns = [each for each in columns if each]
    fit = 1 if width < TWO else 2 if width < THREE else 3
    last = [section for each in columns[fit - 1 :] for section in each]
    return beside([ruled(each, colours) for each in (*columns[: fit - 1], last) if each])
