"""The times and numbers that are promised, once: those of the documentation, whatever the code says.

Seconds, where nothing else is said. What is set for a night is in its settings, and not here. Whoever changes one of
these in the code changes it here as well, and says in the commit why it is another one.
"""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 86400

# -- how long the ledger keeps what
KEPT = 90 * DAY
"""Records, runs and events, from when they were written; histories, from when it ended."""
RESTARTS_KEPT = 30 * DAY
"""Claims, from when they were made; silence and lifts, from their end."""
RESULTS_KEPT = 365 * DAY
"""What came of earlier proposals, from the last one."""
GOOD_FOR_NOTHING_KEPT = DAY
"""Leases and tokens after their time; tests; an outage that nobody has ended."""
PLANS_KEPT = 2 * DAY
"""Planned work, from its end."""

# -- how long a proposal holds its tasks
HELD_WHILE_PROPOSED = 2 * HOUR
HELD_WHILE_GOING_ON = HOUR

# -- what a run goes by
YOUNG = 2 * MINUTE
"""As long as an execution, a step or a lease is so young, nothing is closed."""
MAY_ACT = 16 * MINUTE
"""As long as the last sign of a restart is so young, a function may be at it."""
TELLS = 2 * MINUTE
"""So long who says that it tells is left the time to."""
GONE = 15 * MINUTE
"""A finding that has not been seen for so long is over."""
SAID_AT = {"half_of_its_time": 0.5, "most_of_its_time": 0.8}
"""Parts of the time to answer after which people are told again."""
LOOKED_LATE = HOUR
"""So long after a restart was to have lasted, it cannot be said any more whether it has."""
MONITORS = 600
READS = MONITORS - 2 * MINUTE
"""Seconds of its life in which MonitorTasks reads; tests of endpoints may take half a minute more."""
PROBES = READS + 30
READ_TIMEOUTS = (30.0, 45.0, 75.0)
"""For a first byte: of what is read, of a test of an endpoint, and of a call that acts, each with a margin."""
ORDER_IS_LATE = HOUR

# -- what a restart goes by
ACTS = 900
STORES = 20
"""Seconds of its life that ExecuteRestart keeps for storing what came of it."""
GOES_ON = 90 * MINUTE
"""From the first start on, a group goes on for so long."""
POLLS = 2.0
"""From one look at a task to the next."""
LIST_IS_GOOD = 15
"""So long a list of tasks is gone by."""
SAYS_PROGRESS = 10
RUN_CALLS = 3
"""Attempts of a run call that certainly did not arrive."""
TEST_IS_NEW, TEST_IS_GOOD = 30, 5 * MINUTE
"""So long a test that found an endpoint down stands for the next one, and if there is none left."""
FIRST_PAUSE, LONGEST_PAUSE = MINUTE, 15 * MINUTE
"""From one test of what is waited for to the next."""

# -- the rest
CLOCKS_DIFFER = 60
"""Lambda's and Step Functions': so much earlier than its deadline, a question may expire."""
CALLS = 6
"""Attempts of a call to the ledger that is too busy."""
CLAIM_CALLS = 5
SETTLES = 15.0
"""So long the ledger has to show a decision that was sent before it counts as not known."""
WATCHED, WATCHED_IF_NOT_KNOWN = 5 * MINUTE, MINUTE
"""So long a console waits for the outcome of a decision that is in the ledger, and of one that is not."""
LIVE = 10.0
"""So old rows may be that a console decides on."""
FOLLOWED, FOLLOWED_AT_ONCE = 3 * HOUR, 5
"""So long a console follows what left its inbox, and so much of what leaves it at one time."""

# -- the definition
TIME_OUTS = {
    "": 12 * HOUR,
    "MonitorTasks": MONITORS,
    "EvaluateProposal": 180,
    "ExecuteRestart": ACTS,
    "RecordOutcome": 120,
    "GenerateReport": 300,
    "ReportMonitoringFailure": 300,
}
"""Of each state with a fixed one, and of the execution."""
_BUSY, _PASSING = (2, 30, 2.0, 30), (2, 5, 2.0, 30)
RETRIES: dict[str, tuple[tuple[float | None, ...], ...]] = {
    "MonitorTasks": (_BUSY, _PASSING, (5, 2, 2.0, 30)),
    "EvaluateProposal": (_BUSY, _PASSING, (2, 1, 2.0, None)),
    "WaitForApproval": ((2, 60, 2.0, 60), _PASSING, (5, 2, 2.0, 30)),
    "ExecuteRestart": (_BUSY, _PASSING, (5, 2, 2.0, 30)),
    "RecordOutcome": (_BUSY, _PASSING, (2, 5, 2.0, 30)),
    "GenerateReport": (_BUSY, _PASSING, (2, 4, 2.0, 30)),
    "ReportMonitoringFailure": (_BUSY, _PASSING, (2, 2, 2.0, 30)),
}
"""Of each state, by the order of its retriers: the first pause, how often, the factor, the longest pause."""
MAP_ITEMS_AT_ONCE = 40
