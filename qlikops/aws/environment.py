"""One context as the front ends see it. Making one touches neither the network nor boto3."""

from __future__ import annotations

from qlikops.aws.approvals import LedgerApprovals
from qlikops.aws.executions import StepFunctionsExecutions
from qlikops.aws.fleet import BucketFleet
from qlikops.aws.schedule import StackSchedules
from qlikops.aws.session import AwsConnection
from qlikops.config import Context
from qlikops.domain.ports import Credentials


class AwsEnvironment:
    """Implements `ports.Environment`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._connection = AwsConnection(context)
        self._approvals = LedgerApprovals(self._connection)
        self._executions = StepFunctionsExecutions(
            self._connection, has_console=not (context.local or context.settings.endpoint_url)
        )
        self._fleet = BucketFleet(self._connection)
        self._schedules = StackSchedules(self._connection)

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
    def read_only(self) -> bool:
        """Whether writing is refused here."""
        return self._connection.read_only

    def caller(self) -> str:
        """The caller's ARN, from STS; cached."""
        return self._connection.caller()

    def credentials(self) -> Credentials:
        """How one signs in here, and until when that lasts, as far as this machine knows."""
        return self._connection.credentials()

    @property
    def approvals(self) -> LedgerApprovals:
        """The inbox."""
        return self._approvals

    @property
    def executions(self) -> StepFunctionsExecutions:
        """The state machine."""
        return self._executions

    @property
    def fleet(self) -> BucketFleet:
        """The fleet and its reports."""
        return self._fleet

    @property
    def schedules(self) -> StackSchedules:
        """When it runs."""
        return self._schedules
