"""What the list of executions and one execution have in common: start, stop, redrive, copy, open in the AWS console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType

from qlikops.domain.ports import ContextServices
from qlikops.domain.workflow.execution import ExecutionStatus, ExecutionSummary
from qlikops.domain.workflow.redrive import UNSUCCESSFUL
from qlikops.tui.model import messages
from qlikops.tui.screens.base import PolledScreen, PollResult
from qlikops.tui.screens.dialog import OutgoingDialog
from qlikops.tui.screens.running import LANE, Act, RedriveScreen, StartScreen, StopScreen

_WRITES = frozenset({"start", "stop", "redrive"})
_ABOUT_ONE = frozenset({"stop", "redrive", "copy", "browse"})


class RunsScreen(PolledScreen[PollResult]):
    """A screen on which one execution is chosen, or none."""

    MODE = "executions"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "stop", "Stop", id="stop"),
        Binding("R", "redrive", "Redrive", id="redrive"),
        Binding("o", "browse", "Console", id="aws-console"),
        Binding("y", "copy", "Copy ARN", show=False, id="copy"),
    ]

    @property
    def execution(self) -> ExecutionSummary | None:
        """The chosen one."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        chosen = self.execution
        if action in _WRITES and (self.context.read_only or not _applies(action, chosen)):
            return False
        if action in _ABOUT_ONE and chosen is None:
            return None
        if action in _WRITES and self.context.locked_because():
            return None
        if action == "browse":
            return True
        return super().check_action(action, parameters)

    def chosen_values(self) -> Mapping[str, str]:
        run = self.execution
        return {} if run is None else {"execution": run.name, "execution_arn": run.arn, "context": self.context.name}

    def action_start(self) -> None:
        """Asks, then starts a run."""
        self._confirm(StartScreen(self.state, self.context), "start a run", "Started")

    def action_stop(self) -> None:
        """Asks for a reason, then stops the chosen one."""
        if self.execution is not None:
            screen = StopScreen(self.state, self.context, self.execution)
            self._confirm(screen, f"stop {self.execution.name}", "Stopped")

    def action_redrive(self) -> None:
        """Says what would run again, then does it."""
        if self.execution is not None:
            screen = RedriveScreen(self.state, self.context, self.execution)
            self._confirm(screen, f"redrive {self.execution.name}", "Redriven")

    def _confirm(self, screen: OutgoingDialog[Act], doing: str, done: str) -> None:
        context = self.context

        def send(act: Act | None) -> None:
            # The data may have grown old in the very moment of the key.
            if act is None or context.locked_because():
                return

            def work(environment: ContextServices) -> messages.RunChanged:
                return messages.RunChanged(done, act(environment))

            context.backend.call(LANE, work, lambda error: messages.RunChangeFailed(error, doing), self.app)

        self.app.push_screen(screen, send)

    def action_copy(self) -> None:
        """Copies what the AWS CLI takes."""
        if self.execution is not None:
            self.copy(self.execution.arn, "ARN")

    def action_browse(self) -> None:
        """Opens the AWS console's page, or says where it is."""
        if self.execution is not None:
            arn = self.execution.arn
            self.find_address(
                self.context.name,
                lambda environment: environment.executions.console_url(arn),
                none="No AWS console shows it: this is not AWS, or its console is not public.",
            )


def _applies(action: str, chosen: ExecutionSummary | None) -> bool:
    """Whether it can be done to this one at all; what speaks against it in particular, its dialog says."""
    match action:
        case "stop":
            return chosen is not None and chosen.status is ExecutionStatus.RUNNING
        case "redrive":
            return chosen is not None and chosen.status in UNSUCCESSFUL
    return True
