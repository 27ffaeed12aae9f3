"""When the monitoring runs: one EventBridge Scheduler schedule, changed without losing what others set on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from qlikops.domain.errors import NotFound, UsageError

if TYPE_CHECKING:
    from types_boto3_scheduler.client import EventBridgeSchedulerClient

DEFAULT_SCHEDULE = "QlikMonitorSchedule"

_RATE = re.compile(r"(?:rate\()?\s*(\d+)\s*(m|min|minutes?|h|hours?|d|days?)\s*\)?", re.IGNORECASE)
_UNITS = {"m": "minute", "h": "hour", "d": "day"}
_CRON = re.compile(r"(?:cron\()?\s*([^\s()]+(?:\s+[^\s()]+){5})\s*\)?")
_GROUP = "default"


def rate_expression(text: str) -> str:
    """`5m`, `1h`, `1 minute` or `rate(5 minutes)` as EventBridge Scheduler writes it.

    Raises UsageError that says what is accepted.
    """
    match = _RATE.fullmatch(text.strip())
    if match is None or (number := int(match.group(1))) == 0:
        raise UsageError(
            f"{text!r} is not a rate",
            "Write a whole number of minutes, hours or days, such as 5m, 1h, 1d or '10 minutes'.",
        )
    unit = _UNITS[match.group(2)[0].lower()]
    return f"rate({number} {unit if number == 1 else unit + 's'})"


def cron_expression(text: str) -> str:
    """`0/10 6-20 ? * MON-FRI *` as EventBridge Scheduler writes it. Raises UsageError unless it has six fields."""
    match = _CRON.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{text!r} is not a cron expression",
            "Write six fields, minutes hours day-of-month month day-of-week year, such as '0/10 6-20 ? * MON-FRI *'.",
        )
    return f"cron({match.group(1)})"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The schedule as it is set."""

    name: str
    expression: str
    timezone: str
    enabled: bool
    target_arn: str
    paused_until: datetime | None = None
    """It runs by itself again from then on."""

    @property
    def runs(self) -> bool:
        """Whether it starts runs now."""
        return self.enabled and self.paused_until is None


class Scheduler:
    """Reads and changes the one schedule."""

    def __init__(
        self,
        client: EventBridgeSchedulerClient,
        name: str = DEFAULT_SCHEDULE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._name = name
        self._now = now

    def show(self) -> Schedule:
        """Raises NotFound where none is set."""
        return self._parse(self._require())

    def set(
        self, expression: str, *, target_arn: str, role_arn: str, dead_letter_arn: str = "", timezone: str = ""
    ) -> Schedule:
        """Runs `target_arn` (a state machine) by `expression`; an existing schedule keeps everything else.

        `expression` is what rate_expression or cron_expression returned. A start that fails goes to the queue
        `dead_letter_arn`. A paused schedule stays paused.
        """
        target = {"Arn": target_arn, "RoleArn": role_arn}
        if dead_letter_arn:
            target["DeadLetterConfig"] = {"Arn": dead_letter_arn}  # type: ignore[assignment]
        fields = self._read()
        changes: dict[str, Any] = {"ScheduleExpression": expression}
        if timezone:
            changes["ScheduleExpressionTimezone"] = timezone
        if fields is None:
            self._client.create_schedule(
                **{
                    "Name": self._name,
                    "GroupName": _GROUP,
                    "Description": "Starts the Qlik monitoring.",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "State": "ENABLED",
                    "Target": {
                        **target,
                        "Input": "{}",
                        # A run that is late by minutes is worth less than the next one.
                        "RetryPolicy": {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 3},
                    },
                    **changes,
                }
            )
        else:
            changes["Target"] = {**fields["Target"], **target}
            self._update(fields, changes)
        return self.show()

    def pause(self, duration: timedelta | None = None) -> Schedule:
        """Until `resume`, or for a while: then it goes on by itself. Raises NotFound where none is set."""
        if duration is None:
            self._update(self._require(), {"State": "DISABLED"})
        else:
            # EventBridge keeps the time, so nobody has to be there when it is over.
            self._update(self._require(), {"State": "ENABLED", "StartDate": self._now() + duration})
        return self.show()

    def resume(self) -> Schedule:
        """Raises NotFound where none is set."""
        self._update({**self._require(), "StartDate": None}, {"State": "ENABLED"})
        return self.show()

    def remove(self) -> None:
        """Raises NotFound where none is set."""
        self._require()
        self._client.delete_schedule(Name=self._name, GroupName=_GROUP)

    def _update(self, fields: dict[str, Any], changes: dict[str, Any]) -> None:
        # UpdateSchedule replaces everything, so all that it takes goes back, whatever fields AWS adds.
        shape = self._client.meta.service_model.operation_model("UpdateSchedule").input_shape
        kept = {key: value for key, value in fields.items() if shape and key in shape.members and value is not None}
        if kept.get("StartDate", self._now()) <= self._now():
            kept.pop("StartDate", None)  # it has done its work, and one of long ago is refused
        self._client.update_schedule(**{**kept, **changes})

    def _require(self) -> dict[str, Any]:
        fields = self._read()
        if fields is None:
            raise NotFound(f"there is no schedule {self._name}", "Set one with `qlikops schedule --rate 5m`.")
        return fields

    def _read(self) -> dict[str, Any] | None:
        try:
            return dict(self._client.get_schedule(Name=self._name, GroupName=_GROUP))
        except self._client.exceptions.ResourceNotFoundException:
            return None

    def _parse(self, fields: dict[str, Any]) -> Schedule:
        start = fields.get("StartDate")
        return Schedule(
            name=fields["Name"],
            expression=fields["ScheduleExpression"],
            timezone=fields.get("ScheduleExpressionTimezone", "UTC"),
            enabled=fields.get("State", "ENABLED") == "ENABLED",
            target_arn=fields["Target"]["Arn"],
            paused_until=start.astimezone(UTC) if start and start > self._now() else None,
        )
