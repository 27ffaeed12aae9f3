"""What the ledger has on runs: read many at a time, and not again once it cannot change."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from qlikops.aws import records
from qlikops.aws.errors import aws_errors
from qlikops.aws.session import Connection
from qlikops.dataclass import dataclass
from qlikops.domain.errors import QlikopsError
from qlikops.domain.ledger import PARTITION, SUMMARY, Attribute, run_partition
from qlikops.domain.runs.run import RunSummary
from qlikops.domain.workflow.execution import ExecutionStatus

if TYPE_CHECKING:
    from types_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

MOST = 100
"""Executions that one BatchGetItem takes."""
KEPT = 1_000
"""Runs that are remembered. A screen asks for two pages by turns, of a hundred each."""
_LATEST_WRITE = timedelta(minutes=16)
"""After an execution's end: stopping it stops none of its functions, and Lambda lets one run for fifteen minutes."""
_SOONEST = timedelta(seconds=10)
"""Between two looks at the same run."""


def summaries(connection: Connection, names: Sequence[str]) -> dict[str, RunSummary | None]:
    """The summaries of at most MOST runs by name; None where there is none that makes sense. What could not be read
    this time is left out.
    """
    if not names:
        return {}
    table = connection.resources.table
    keys = {run_partition(name): name for name in names}
    with aws_errors("read the runs"):
        reply = connection.dynamodb.batch_get_item(
            RequestItems={
                table: {"Keys": [records.key(partition, SUMMARY) for partition in keys], "ConsistentRead": True}
            }
        )
    unread = reply.get("UnprocessedKeys", {}).get(table, {"Keys": []})["Keys"]
    found: dict[str, RunSummary | None] = dict.fromkeys(keys.values())
    for item in reply["Responses"].get(table, []):
        # One that cannot be read must not take the list of all with it; the execution by itself says what is wrong.
        with contextlib.suppress(QlikopsError):
            found[keys[records.text(item, PARTITION)]] = records.value(RunSummary, item, Attribute.BODY)
    for key in unread:
        del found[keys[records.text(key, PARTITION)]]
    return found


@dataclass(frozen=True, slots=True)
class _Seen:
    """An execution as Step Functions lists it: another one of the same ARN has gone on since."""

    status: str
    started_at: datetime
    stopped_at: datetime | None
    redrives: int

    @classmethod
    def of(cls, listed: ExecutionListItemTypeDef) -> _Seen:
        return cls(listed["status"], listed["startDate"], listed.get("stopDate"), listed.get("redriveCount", 0))

    def is_settled(self, run: RunSummary | None, read_at: datetime) -> bool:
        """Whether `run`, read at `read_at`, holds for as long as the execution stays as it is."""
        if self.stopped_at is None:
            # What was found is written once; what came of it, together with the end.
            return run is not None
        # A run that was redriven may hold the report of its first end.
        is_reported = run is not None and run.finished_at is not None
        is_whole = not self.redrives or self.status == ExecutionStatus.SUCCEEDED
        return (is_reported and is_whole) or read_at - self.stopped_at >= _LATEST_WRITE

    def is_due(self, read_at: datetime, now: datetime) -> bool:
        """Whether to look again for what was not there at `read_at`: ever more rarely, as its age doubles."""
        return now - read_at >= max(_SOONEST, read_at - (self.stopped_at or self.started_at))


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger said of an execution."""

    seen: _Seen
    run: RunSummary | None
    read_at: datetime

    def holds(self, seen: _Seen, now: datetime) -> bool:
        """Whether it need not be read again."""
        if seen != self.seen:
            return False
        return seen.is_settled(self.run, self.read_at) or not seen.is_due(self.read_at, now)


class RunSummaries:
    """Summaries of listed executions. The ledger is asked for those that are new, have ended, or lack what is still
    to come; for the others what it said. Safe to share between threads.
    """

    def __init__(self, connection: Connection, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._aws = connection
        self._now = now
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        """Rows of runs by ARN; what was asked for last is at the end."""

    def of(self, listed: Sequence[ExecutionListItemTypeDef]) -> dict[str, RunSummary | None]:
        """Reads the rows of at most MOST executions, by ARN: one BatchGetItem, or no call at all. None where the ledger
        has nothing (yet) or could not be read this time.
        """
        now = self._now()
        seen = {each["executionArn"]: _Seen.of(each) for each in listed}
        names = {each["executionArn"]: each["name"] for each in listed}
        with self._lock:
            wanted = [arn for arn in seen if not (arn in self._known and self._known[arn].holds(seen[arn], now))]
        read = summaries(self._aws, [names[arn] for arn in wanted])
        with self._lock:
            for arn in wanted:
                if names[arn] in read:
                    self._known[arn] = _Known(seen[arn], read[names[arn]], now)
            found = {arn: known.run for arn in seen if (known := self._known.get(arn)) and known.seen == seen[arn]}
            self._forget_the_oldest(seen)
        return {arn: found.get(arn) for arn in seen}

    def _forget_the_oldest(self, used: Iterable[str]) -> None:
        for arn in used:
            if arn in self._known:
                self._known.move_to_end(arn)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
