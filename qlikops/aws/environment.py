"""One context as the front ends see it. Making one touches neither the network nor boto3."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from qlikops.aws.ahead import Ahead
from qlikops.aws.approvals import LedgerApprovals
from qlikops.aws.session import AwsConnection
from qlikops.config import Context
from qlikops.domain.ports import Awaited, Credentials

if TYPE_CHECKING:  # imported by what is asked for first: the inbox needs none of them
    from qlikops.aws.executions import StepFunctionsExecutions
    from qlikops.aws.fleet import BucketFleet
    from qlikops.aws.schedule import StackSchedules
    from qlikops.domain.proposals.approval import InboxRow


class AwsEnvironment:
    """Implements `ports.Environment`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._connection = AwsConnection(context)
        self._approvals = LedgerApprovals(self._connection, first=self._asked_ahead)
        self._ahead: Ahead | None = None

    def ask_ahead(self) -> None:
        """Has another process ask for the inbox now; returns at once."""
        self._ahead = Ahead(self._context)

    def _asked_ahead(self) -> Sequence[InboxRow] | None:
        ahead, self._ahead = self._ahead, None
        answer = ahead.answer() if ahead is not None else None
        if answer is None:
            return None
        self._connection.learn(answer.resources)
        return answer.rows

    @property
    def name(self) -> str:
        """The context's name."""
        return self._context.name

    @property
    def where(self) -> str:
        """Account and Region (once they are known) and stack; never asks the network."""
        settings, found = self._context.settings, self._connection.known_resources
        account = "" if found is None or self._context.local else found.account
        region = settings.region if found is None else found.region
        return " ".join(part for part in (account, region, settings.stack) if part)

    @property
    def agent_version(self) -> str:
        """Version of qlikops that deployed the stack, once the stack's outputs are known; never asks the network."""
        found = self._connection.known_resources
        return found.version if found else ""

    @property
    def read_only(self) -> bool:
        """Whether writing is refused here."""
        return self._connection.read_only

    def sign_in(self) -> None:
        """Runs a credential_process of the profile in this terminal; the terminal is the console's from then on."""
        from qlikops.aws import process

        try:
            if self._context.local is None and process.may_be_configured():
                self._connection.sign_in()
        finally:
            process.take_terminal()

    @property
    def waits_for(self) -> Awaited | None:
        """The credential_process that runs right now."""
        return self._connection.waits_for

    def close(self) -> None:
        """Gives back connections and memory, where another one takes its place."""
        self._connection.close()

    def caller(self) -> str:
        """The caller's ARN, from STS; cached."""
        caller = self._connection.caller()
        # Whoever asks may be about to decide, and what a first client of a service reads should not come between.
        self._connection.client("stepfunctions")
        return caller

    def credentials(self) -> Credentials:
        """How one signs in here, and until when that lasts, as far as this machine knows."""
        return self._connection.credentials()

    @property
    def approvals(self) -> LedgerApprovals:
        """The inbox."""
        return self._approvals

    @cached_property
    def executions(self) -> StepFunctionsExecutions:
        """The state machine."""
        from qlikops.aws.executions import StepFunctionsExecutions

        has_console = not (self._context.local or self._connection.endpoint_url("stepfunctions"))
        return StepFunctionsExecutions(self._connection, has_console=has_console)

    @cached_property
    def fleet(self) -> BucketFleet:
        """The fleet and its reports."""
        from qlikops.aws.fleet import BucketFleet

        return BucketFleet(self._connection)

    @cached_property
    def schedules(self) -> StackSchedules:
        """When it runs."""
        from qlikops.aws.schedule import StackSchedules

        return StackSchedules(self._connection)
