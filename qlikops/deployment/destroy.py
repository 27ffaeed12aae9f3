"""Takes qlikops out of an account: the schedule and what runs first, the stack last; data only if that is asked for.

Every step is repeatable: what is gone already is skipped, so an interrupted run is taken up by the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qlikops.dataclass import dataclass
from qlikops.deployment.data import DataStore, DataStores
from qlikops.deployment.executions import RunningExecutions
from qlikops.deployment.schedule import Scheduler
from qlikops.deployment.settling import OnProgress
from qlikops.deployment.stack import Stack, StackEvent
from qlikops.domain.errors import NotFound
from qlikops.domain.ledger import INBOX_INDEX, INBOX_PARTITION, INBOX_WAITING

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a destruction takes and what it leaves."""

    stack: str
    goes: tuple[str, ...]
    """What is removed, in words."""
    stays: tuple[DataStore, ...]
    """What is kept."""
    waiting: int
    """Approvals that nobody could answer any more."""
    running: int = 0
    """Executions that are stopped."""
    machine: str = ""
    """ARN of the state machine; empty where there is none."""
    removes: tuple[DataStore, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not self.goes


@dataclass(frozen=True)
class Destroyer:
    """Looks first, then removes."""

    stack: Stack
    scheduler: Scheduler
    executions: RunningExecutions
    data: DataStores
    dynamodb: DynamoDBClient
    """Client that counts what waits."""

    def look(self, *, delete_data: bool) -> Leaving:
        """What would go and what would stay. Changes nothing."""
        found = self.stack.resources()
        resources = found or {}
        machine = resources.get("StateMachine", "")
        running = len(self.executions.running(machine)) if machine else 0
        stores = self.data.find(resources)
        goes: list[str] = []
        if self._has_schedule():
            goes.append("the schedule")
        if running:
            goes.append(f"{running} executions, which are stopped")
        if found is not None:
            goes.append(f"the stack {self.stack.name} with {len(resources)} resources")
            if "QlikSecret" in resources:
                goes.append("the secret with the Qlik accounts")
        if delete_data:
            goes.extend(map(str, stores))
        return Leaving(
            stack=self.stack.name,
            goes=tuple(goes),
            stays=() if delete_data else stores,
            waiting=sum(self._waiting(each.name) for each in stores if each.name == resources.get("Table")),
            running=running,
            machine=machine,
            removes=stores if delete_data else (),
        )

    def destroy(self, leaving: Leaving, progress: OnProgress) -> Iterator[StackEvent]:
        """Does what `look` said. Yields CloudFormation's events. Raises DeploymentError."""
        if self._has_schedule():
            self.scheduler.remove()
            progress("Removed the schedule.")
        if leaving.machine:
            self.executions.stop(leaving.machine)
        for store in leaving.removes:
            self.data.remove(store)
        self.data.mark(leaving.stays)
        yield from self.stack.delete()
        if leaving.machine:
            self.executions.await_end_of(leaving.machine)

    def left(self, leaving: Leaving) -> tuple[DataStore, ...]:
        """What is still there afterwards, found again: a stack that is gone names nothing any more."""
        return self.data.find({}, (*leaving.stays, *leaving.removes))

    def _has_schedule(self) -> bool:
        try:
            self.scheduler.show()
        except NotFound:
            return False
        return True

    def _waiting(self, table: str) -> int:
        try:
            return self.dynamodb.query(
                TableName=table,
                IndexName=INBOX_INDEX,
                KeyConditionExpression="#inbox = :waiting",
                ExpressionAttributeNames={"#inbox": INBOX_PARTITION},
                ExpressionAttributeValues={":waiting": {"S": INBOX_WAITING}},
                Select="COUNT",
            )["Count"]
        except self.dynamodb.exceptions.ResourceNotFoundException:
            return 0
