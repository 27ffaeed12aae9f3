"""What lists can be sorted by, apart from the tables: the command line's help names it and loads nothing else."""

from __future__ import annotations

from enum import StrEnum


class InboxSort(StrEnum):
    """The orders of the inbox, the usual one first; a column of `presentation.inbox` says what each means."""

    EXPIRES = "expires"
    SEVERITY = "severity"
    AGE = "age"
    RISK = "risk"
    TASK = "task"


class FleetSort(StrEnum):
    """The orders of the fleet, the usual one first; `presentation.fleet` says what each means."""

    WORST = "worst"
    NAME = "name"
    SERVER = "server"
    LATENCY = "latency"
    RESTARTED = "restarted"
