"""The part of the app that owns every decision under way, from holding it back to telling what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import App
from textual.notifications import SeverityLevel

from qlikops.presentation.deciding import decision
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Tone, plain
from qlikops.presentation.vocabulary import short_duration
from qlikops.presentation.vocabulary import status as status_word
from qlikops.tui.drawing import Redrawer
from qlikops.tui.model import messages
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.outbox import Sending
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.base import ConsoleScreen
from qlikops.tui.terminal.pulse import Pulse

WATCH_AGAIN_SECONDS = 5
HOLD_TICK_SECONDS = 0.2
SHIFT = "shift"
"""The mode whose tab says how much went wrong."""


class DecidingApp(App[int]):
    """What is held back is counted down, sent when its turn comes, and followed to its end."""

    state: ConsoleState
    _drawing: Redrawer
    _pulse: Pulse
    _watch_again_seconds: float

    def action_cancel_delayed(self) -> None:
        """Sends nothing of what is held back."""
        self._withdrawn(self.state.cancel_delayed("you cancelled it"), Tone.NEUTRAL)

    def _withdrawn(self, sendings: Sequence[Sending], tone: Tone) -> None:
        for sending in {each.batch or each.key: each for each in sendings}.values():
            self._tell_elsewhere(sending, tone)
        self._drawing.soon()

    def _let_go(self) -> None:
        """Counts down what is held back, and sends what has been held long enough and whose turn it is.

        Time in which the console stood still is none in which a person could have thought again.
        """
        missed = self._pulse.missed()
        if not self.state.held:
            return
        if missed:
            self.bell()
            stood_still = f"the console stood still for {short_duration(missed.total_seconds())}"
            self._withdrawn(self.state.cancel_delayed(stood_still), Tone.WARNING)
            return
        for context in self.state.contexts:
            if not context.outbox.held:
                continue
            if reason := context.locked_because():
                self.bell()
                self._withdrawn(context.outbox.cancel_delayed(reason), Tone.WARNING)
            else:
                context.outbox.send_due(self)
        if self.state.held:
            self._drawing.held_bars()
        else:
            self._drawing.soon()

    @on(messages.DecisionSent)
    def _decision_sent(self, message: messages.DecisionSent) -> None:
        context, approval_id = self._context_of(message), message.approval.approval_id
        context.outbox.sent(approval_id, message.receipt, self)
        self._let_go()
        self._catch_up(context)

    @on(messages.DecisionSendFailed)
    def _decision_send_failed(self, message: messages.DecisionSendFailed) -> None:
        context, approval_id = self._context_of(message), message.approval.approval_id
        self.bell()
        sending = context.outbox.not_sent(approval_id, message.error, self)
        self._tell_elsewhere(sending, Tone.DANGER)
        self._let_go()
        self._catch_up(context)

    @on(messages.OutcomeLoaded)
    def _outcome_loaded(self, message: messages.OutcomeLoaded) -> None:
        context, approval = self._context_of(message), message.approval
        sending = context.outbox.ended(approval)
        if sending.goes_on:
            # A long group, or one that counted after all: until it is known what came of it.
            self._watch_again(context, approval.approval_id)
        else:
            self._tell_elsewhere(sending, status_word(approval.status).tone)
            context.following.follow(approval, context.now())
        self._catch_up(context)

    @on(messages.OutcomeLoadFailed)
    def _outcome_load_failed(self, message: messages.OutcomeLoadFailed) -> None:
        problem = explain(message.error)
        self.notify(f"The outcome could not be read, trying again. {problem}", severity="warning", markup=False)
        self._watch_again(self._context_of(message), message.asked)

    def _follow(self) -> None:
        for context in self.state.contexts:
            context.load_followed(self)

    @on(messages.FollowedLoaded)
    def _followed_loaded(self, message: messages.FollowedLoaded) -> None:
        context, fallen = self._context_of(message), []
        for error in message.errors:
            self.state.failed(context, error)
        for record in message.approvals:
            told = context.followed(record)
            if told is None:
                continue
            if is_ours := context.outbox.in_flight(record.approval_id):
                context.outbox.ended(record)
            if told.fell_over:
                self.state.unseen[SHIFT] += not (isinstance(self.screen, ConsoleScreen) and self.screen.MODE == SHIFT)
                fallen.append(told.as_event())
            if told.fell_over or not is_ours:
                self.state.told = told
        if fallen:
            self.post_message(messages.Alerted(context.name, fallen))
        if message.approvals:
            self._drawing.soon()

    @on(messages.FollowedLoadFailed)
    def _followed_load_failed(self, message: messages.FollowedLoadFailed) -> None:
        self._context_of(message).missed_followed(message.ids, message.error)

    def _watch_again(self, context: LiveContext, approval_id: str) -> None:
        self.set_timer(self._watch_again_seconds, lambda: context.outbox.watch(approval_id, self))

    def _catch_up(self, context: LiveContext) -> None:
        """After a decision; in the midst of many the timed question is enough."""
        if not context.outbox.sending_now:
            context.load_rows(self)
        self._drawing.soon()

    def _tell_elsewhere(self, sending: Sending, tone: Tone) -> None:
        """Says what became of a decision if the status line that does is not to be seen.

        Of what was decided together only once nothing more comes of any of it, and in one notice.
        """
        latest = self.state.latest
        is_latest = latest is not None and (latest.key == sending.key or sending.batch == latest.batch != "")
        # An answer still comes while the app ends: it runs, and no screen is left to tell it on.
        if not self.screen_stack or (isinstance(self.screen, ConsoleScreen) and is_latest):
            return
        together = self.state.together_with(sending)
        if len(together) > 1 and any(each.goes_on for each in together):
            return
        alone = len(together) == 1
        words = sending.progress(self.state.now()) if alone else decision.counted([each.stage for each in together])
        severity: SeverityLevel = "information" if tone in {Tone.GOOD, Tone.NEUTRAL} else "warning"
        self.notify(plain(words), severity=severity, timeout=8, markup=False)

    def _context_of(self, message: messages.ContextMessage | messages.LoadFailed) -> LiveContext:
        return self.state.context(message.context)
