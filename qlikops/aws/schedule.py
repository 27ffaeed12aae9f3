"""The schedule as the operator's side sees it: shown, paused, resumed. Setting and removing it is the deployment's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from qlikops.aws.errors import aws_errors
from qlikops.aws.session import Connection, refuse_writing
from qlikops.domain.errors import NotFound, UsageError
from qlikops.domain.runs.schedule import Schedule, ScheduleStatus
from qlikops.domain.words.duration import to_second

if TYPE_CHECKING:
    from types_boto3_scheduler.client import EventBridgeSchedulerClient

DEFAULT_SCHEDULE = "QlikMonitorSchedule"
GROUP = "default"

Now = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PausableSchedule:
    """The one EventBridge Scheduler schedule, changed without losing what others set on it."""

    def __init__(self, client: EventBridgeSchedulerClient, name: str = DEFAULT_SCHEDULE, now: Now = _utc_now) -> None:
        self._client = client
        self._name = name
        self._now = now

    def show(self) -> Schedule:
        """Raises NotFound where none is set."""
        return self._parse(self._require())

    def pause(self, duration: timedelta | None = None) -> Schedule:
        """Until `resume`, or for a while: then it goes on by itself.

        Raises NotFound where none is set, UsageError where it would not go on because it ends before.
        """
        fields = self._require()
        ends_at = self._parse(fields).ends_at
        until = self._now() + (duration or timedelta())
        if ends_at is not None and ends_at <= until:
            raise UsageError(
                f"The schedule ends {to_second(ends_at)}: it would not go on after this pause.",
                "`qlikops schedule --resume` lifts an end that is over; `--remove`, then `--rate`, any.",
            )
        if duration is None:
            self._update(fields, {"State": "DISABLED"})
        else:
            # EventBridge keeps the time, so nobody has to be there when it is over.
            self._update(fields, {"State": "ENABLED", "StartDate": until})
        return self.show()

    def resume(self) -> Schedule:
        """Raises NotFound where none is set."""
        self._update({**self._require(), "StartDate": None}, {"State": "ENABLED"})
        return self.show()

    def _update(self, fields: dict[str, Any], changes: dict[str, Any]) -> None:
        # UpdateSchedule replaces everything, so all that it takes goes back, whatever fields AWS adds.
        shape = self._client.meta.service_model.operation_model("UpdateSchedule").input_shape
        kept = {key: value for key, value in fields.items() if shape and key in shape.members and value is not None}
        for limit in ("StartDate", "EndDate"):
            if kept.get(limit, self._now()) <= self._now():
                kept.pop(limit, None)  # it has done its work, and one of long ago is refused
        self._client.update_schedule(**{**kept, **changes})

    def _require(self) -> dict[str, Any]:
        fields = self._read()
        if fields is None:
            raise NotFound(f"There is no schedule {self._name}.", "Set one with `qlikops schedule --rate 5m`.")
        return fields

    def _read(self) -> dict[str, Any] | None:
        try:
            return dict(self._client.get_schedule(Name=self._name, GroupName=GROUP))
        except self._client.exceptions.ResourceNotFoundException:
            return None

    def _parse(self, fields: dict[str, Any]) -> Schedule:
        start, end = fields.get("StartDate"), fields.get("EndDate")
        return Schedule(
            name=fields["Name"],
            expression=fields["ScheduleExpression"],
            timezone=fields.get("ScheduleExpressionTimezone", "UTC"),
            enabled=fields.get("State", "ENABLED") == "ENABLED",
            target_arn=fields["Target"]["Arn"],
            paused_until=start.astimezone(UTC) if start and start > self._now() else None,
            ends_at=end.astimezone(UTC) if end else None,
            has_ended=bool(end and end <= self._now()),
        )


class StackSchedules:
    """Implements `ports.Schedules`."""

    def __init__(self, connection: Connection, now: Now = _utc_now) -> None:
        self._aws = connection
        self._now = now

    def status(self) -> ScheduleStatus:
        """The schedule with its last and next run. Raises NotFound where none is set."""
        with aws_errors("read the schedule"):
            return self.status_of(self._schedule().show())

    def pause(self, duration: timedelta | None = None) -> ScheduleStatus:
        """Until `resume`, or for a while: then it goes on by itself."""
        refuse_writing(self._aws)
        with aws_errors("pause the schedule"):
            return self.status_of(self._schedule().pause(duration))

    def resume(self) -> ScheduleStatus:
        """Goes on as before."""
        refuse_writing(self._aws)
        with aws_errors("resume the schedule"):
            return self.status_of(self._schedule().resume())

    def status_of(self, schedule: Schedule) -> ScheduleStatus:
        """`schedule` with its last and next run; one ListExecutions call, which lists what has ended by when it did."""
        with aws_errors("read the last run"):
            newest = self._aws.stepfunctions.list_executions(stateMachineArn=schedule.target_arn)
        last = max((run["startDate"].astimezone(UTC) for run in newest["executions"]), default=None)
        return ScheduleStatus(schedule, last, schedule.upcoming(self._now(), last))

    def _schedule(self) -> PausableSchedule:
        return PausableSchedule(self._aws.scheduler, now=self._now)
