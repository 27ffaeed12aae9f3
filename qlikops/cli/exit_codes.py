"""The exit codes of every command.

| code | name | meaning |
|---|---|---|
| 0 | OK | done; for a decision: it counts, and what it asked for happened |
| 1 | FAILURE | something broke, or the person said no |
| 2 | USAGE | the command line or a setting makes no sense |
| 3 | NOT_FOUND | no such approval, execution, report, context or stack |
| 4 | ALREADY_DECIDED | somebody (or the policy) was faster; the message says who and when |
| 5 | EXPIRED | the deadline had passed; nothing is restarted |
| 6 | CHANGED | what was reviewed is no longer what is there; nothing was sent |
| 7 | UNKNOWN | sent, and what became of it is not known yet: look again, don't repeat it |
| 8 | UNREACHABLE | no network, no credentials, throttled |
| 9 | DENIED_ACCESS | this identity, or this read-only context, may not do that |
| 10 | NOT_RESTARTED | approved, but failed, unverified, still_down or superseded: no task was seen to come up |
| 11 | WARNINGS | `doctor`: nothing is broken, but something should be looked at |
| 12 | PARTIAL | approved, and some of the tasks came up and some did not |
| 130 | INTERRUPTED | Ctrl-C |

The console that a signal ended, or whose terminal is gone, has 128 and the signal's number as its code.
"""

from __future__ import annotations

from enum import IntEnum

from qlikops.domain.errors import (
    AccessDenied,
    AlreadyDecided,
    ApprovalChanged,
    ApprovalExpired,
    DecisionUnknown,
    NotFound,
    QlikopsError,
    Unreachable,
    UsageError,
)


class ExitCode(IntEnum):
    """What the table above says."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    ALREADY_DECIDED = 4
    EXPIRED = 5
    CHANGED = 6
    UNKNOWN = 7
    UNREACHABLE = 8
    DENIED_ACCESS = 9
    NOT_RESTARTED = 10
    WARNINGS = 11
    PARTIAL = 12
    INTERRUPTED = 130


DECISION_CODES = (
    "Exit codes: 0 done, 1 failed or cancelled, 2 usage, 3 no such approval, 4 already decided, 5 expired, 6 changed, "
    "7 sent but not known yet, 8 unreachable, 9 access denied, 10 approved but not restarted, 12 restarted in part."
)
"""Exit codes that stand in the help of the commands that decide."""

ORDER_CODES = (
    "Exit codes: 0 applied, 1 refused or not taken, 2 usage, 3 no such plan or task, 7 sent but not known yet, "
    "8 unreachable, 9 access denied."
)
"""Exit codes that stand in the help of the commands that order."""

_OF_ERRORS: tuple[tuple[type[QlikopsError], ExitCode], ...] = (
    (UsageError, ExitCode.USAGE),
    (NotFound, ExitCode.NOT_FOUND),
    (AlreadyDecided, ExitCode.ALREADY_DECIDED),
    (ApprovalExpired, ExitCode.EXPIRED),
    (ApprovalChanged, ExitCode.CHANGED),
    (DecisionUnknown, ExitCode.UNKNOWN),
    (AccessDenied, ExitCode.DENIED_ACCESS),
    (Unreachable, ExitCode.UNREACHABLE),
)


def of_error(error: QlikopsError) -> ExitCode:
    """The exit code that `error` means."""
    return next((code for kind, code in _OF_ERRORS if isinstance(error, kind)), ExitCode.FAILURE)
