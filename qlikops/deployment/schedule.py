"""When the monitoring runs: sets and removes the one schedule, which people then pause and resume."""

from __future__ import annotations

import re
from typing import Any

from qlikops.aws.schedule import GROUP, PausableSchedule
from qlikops.domain.errors import UsageError
from qlikops.domain.runs.schedule import Schedule
from qlikops.domain.words.text import harmless

_RATE = re.compile(r"(?:rate\()?\s*(\d+)\s*(m|min|minutes?|h|hours?|d|days?)\s*\)?", re.IGNORECASE)
_MOST_DIGITS = 6
"""Most digits of a rate; EventBridge Scheduler takes up to a year."""
_UNITS = {"m": "minute", "h": "hour", "d": "day"}
_CRON = re.compile(r"(?:cron\()?\s*([^\s()]+(?:\s+[^\s()]+){5})\s*\)?")


def rate_expression(text: str) -> str:
    """`5m`, `1h`, `1 minute` or `rate(5 minutes)` as EventBridge Scheduler writes it.

    Raises UsageError that says what is accepted.
    """
    match = _RATE.fullmatch(text.strip())
    if match is None or len(match[1]) > _MOST_DIGITS or (number := int(match[1])) == 0:
        raise UsageError(
            f"{harmless(text, 40)!r} is not a rate",
            "Write a whole number of minutes, hours or days, such as 5m, 1h, 1d or '10 minutes'.",
        )
    unit = _UNITS[match.group(2)[0].lower()]
    return f"rate({number} {unit if number == 1 else unit + 's'})"


def cron_expression(text: str) -> str:
    """`0/10 6-20 ? * MON-FRI *` as EventBridge Scheduler writes it. Raises UsageError unless it has six fields."""
    match = _CRON.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{harmless(text, 80)!r} is not a cron expression",
            "Write six fields, minutes hours day-of-month month day-of-week year, such as '0/10 6-20 ? * MON-FRI *'.",
        )
    return f"cron({match.group(1)})"


class Scheduler(PausableSchedule):
    """The schedule with all that can be done to it."""

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
                    "GroupName": GROUP,
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

    def remove(self) -> None:
        """Raises NotFound where none is set."""
        self._require()
        self._client.delete_schedule(Name=self._name, GroupName=GROUP)
