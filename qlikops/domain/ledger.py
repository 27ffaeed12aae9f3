"""The keys of the ledger and of the data bucket: written by agent/, read by aws/, so they are spelled once, here.

The ledger is one DynamoDB table, partition key `pk`, sort key `sk`, TTL attribute `ttl` (epoch seconds).

| pk | sk | what |
|---|---|---|
| APPROVAL#<id> | RECORD | proposal, evaluation, policy, digest, status, deadline, decision, outcome (JSON text each) |
| APPROVAL#<id> | EVENT#<nn>-<what> | one audit record a step; written once, never overwritten |
| TOKEN#<id> | TOKEN | the task token, alone: who may not answer needs no read on TOKEN#* |
| TASK#<instance>/<server>/<task> | LEASE | one open proposal a task, with expiry (each name percent-encoded) |
| TASK#<instance>/<server>/<task> | SNOOZE | propose nothing until; a Mute; and up to when that was lifted |
| TASK#<instance>/<server>/<task> | RESTART#<id> | claim of a restart; counts for the budget; how it fell over later |
| TASK#<instance>/<server>/<task> | HISTORY#<time>#<id> | how a proposal on this task ended |
| ENDPOINT#<instance>/<server>/<endpoint> | PROBE#<n> | one of the tests that an endpoint may have in an hour; a Probe |
| ENDPOINT#<instance>/<server>/<endpoint> | PROBE#W<n> | the same of restarts that wait for the endpoint |
| TRACK#<failure or kind>/<action> | <evaluator>/<verdict> | counts: tried, recovered, lasted, fell over, denied |
| OPEN | <id> | a proposal whose end is not written everywhere yet, with its execution |
| FOLLOWED | <id> | a restart that came up, until it is known and told whether it lasted |
| RUN#<execution name> | SUMMARY | what a run found and did |
| RUN#<execution name> | PROPOSAL#<id> | the run's proposals and where each stands |
| RUN#<execution name> | ABANDONED#<id> | a dead run's proposal that this run closed |
| RUN#<execution name> | ORDER#<nn> | what became of an order in the run's input; written once, with what it does |
| PLANS | plan-<id> | planned work, until two days after its end |
| OUTAGE | OUTAGE | that runs fail, and who follows events has been told |

The sparse index `inbox` (partition `inbox` = WAITING, sort `deadline`, a number: epoch seconds) holds RECORD items
that wait, for an answer or for an endpoint, and nothing else; deciding one, and closing it, removes the attribute
`inbox`. It projects `row` (an InboxRow as JSON text) and `claim`.

The bucket (S3) holds, with days as year/month/day in UTC:

| key | what |
|---|---|
| snapshots/latest.json | the fleet as the last run saw it, packed |
| snapshots/findings/<day>/<execution name>.json | a run's report as long as it has no proposals and no end |
| reports/<day>/<execution name>.json, .md | a run's report |
| reports/latest.json | the report that was written last |
| known/entries.json | a team's own known failures, as `agent/diagnosis/own_failures.py` writes them |
| known/earlier/<time>.json | what they were until then |
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import quote

from qlikops.domain.encoding.codec import format_time
from qlikops.domain.fleet.endpoint import EndpointKey
from qlikops.domain.fleet.task import TaskKey

PARTITION = "pk"
SORT = "sk"
TTL = "ttl"
INBOX_INDEX = "inbox"
INBOX_PARTITION = "inbox"
INBOX_SORT = "deadline"
INBOX_WAITING = "WAITING"
OPEN_PARTITION = "OPEN"
FOLLOWED_PARTITION = "FOLLOWED"
PLANS_PARTITION = "PLANS"


class Attribute(StrEnum):
    """Attributes beyond the keys. JSON ones hold canonical JSON text of the domain type named."""

    STATUS = "status"
    VERSION = "version"
    UPDATED_AT = "updated_at"
    REQUESTED_AT = "requested_at"
    PROPOSAL = "proposal"
    EVALUATION = "evaluation"
    POLICY = "policy"
    DIGEST = "digest"
    DECISION = "decision"
    OUTCOME = "outcome"
    ROW = "row"
    STARTS = "starts"
    """On a RECORD: how often the start of one of its tasks was marked; a number, which never falls."""
    CLAIM = "claim"
    """JSON text of a Claim; written by consoles, never by the workflow."""
    TOKEN = "token"  # noqa: S105 - an attribute's name
    PROPOSAL_ID = "proposal_id"
    EXECUTION_ARN = "execution_arn"
    EXPIRES = "expires"
    """Epoch seconds; a lease or snooze past it counts for nothing, deleted yet or not."""
    BODY = "body"
    """JSON text of an audit event, run summary, history line, Mute, order or plan."""
    ATTEMPT = "attempt"
    """On a TOKEN: which attempt of its wait it is of; a number that grows with retries and redrives."""
    AT = "at"
    """ISO 8601."""
    COUNTED = "counted"
    """On a RECORD: when it went into the earlier results, ISO 8601; it goes there once."""
    PROGRESS = "progress"
    """On a run's PROPOSAL#: JSON text of a Progress while a group is being restarted, or waits for its endpoint."""
    WAITS = "waits"
    """On a RECORD: JSON text of an EndpointWait while an approved restart waits for its endpoint."""
    TRIED = "tried"
    RECOVERED = "recovered"
    DENIED = "denied"
    LASTED = "lasted"
    FELL_OVER = "fell_over"
    REMINDED = "reminded"
    """On a RECORD: JSON text of a Reminded once it was told again that it waits."""
    LASTING = "lasting"
    """JSON text of what became of a restart later: on a RECORD an Aftermath, on a RESTART# and a HISTORY# of a task
    that fell over its TaskLasting.
    """
    UNHEARD = "unheard"
    """On OUTAGE: since when it is not known whether the topic was told of it, and others may have heard; ISO 8601, 1 if
    an earlier version wrote it, or it is not there.
    """
    LIFTED = "lifted"
    """On a SNOOZE: what kept the task quiet up to then does so no more; ISO 8601."""
    REVISION = "revision"
    """On a FOLLOWED: counts its changes, so that none is lost; a number."""


def approval_partition(approval_id: str) -> str:
    """Where a proposal's record and audit events live."""
    return f"APPROVAL#{approval_id}"


def token_partition(approval_id: str) -> str:
    """Where the task token lives, apart from everything else."""
    return f"TOKEN#{approval_id}"


def task_partition(key: TaskKey) -> str:
    """Where a task's lease, snooze, restarts and history live."""
    # Names may hold slashes; encoded ones keep two tasks from sharing a lease.
    return "TASK#" + "/".join(quote(part, safe=" ") for part in (key.instance, key.server, key.task))


def endpoint_partition(key: EndpointKey) -> str:
    """Where the tests of an endpoint are counted."""
    return "ENDPOINT#" + "/".join(quote(part, safe=" ") for part in (key.instance, key.server, key.name))


def track_partition(counted_as: str, action: str) -> str:
    """Where the counts of what came of proposals on one known failure, or else of one kind, with one action live."""
    return f"TRACK#{counted_as}/{action}"


def track_sort(evaluator: str, verdict: str) -> str:
    """One evaluator's one verdict."""
    return f"{evaluator}/{verdict}"


def run_partition(execution_name: str) -> str:
    """Where a run's summary and proposals live."""
    return f"RUN#{execution_name}"


RECORD = "RECORD"
TOKEN = "TOKEN"  # noqa: S105 - a sort key
LEASE = "LEASE"
SNOOZE = "SNOOZE"
SUMMARY = "SUMMARY"
OUTAGE = "OUTAGE"
EVENT_PREFIX = "EVENT#"
RESTART_PREFIX = "RESTART#"
PROBE_PREFIX = "PROBE#"
HISTORY_PREFIX = "HISTORY#"
PROPOSAL_PREFIX = "PROPOSAL#"
ABANDONED_PREFIX = "ABANDONED#"
ORDER_PREFIX = "ORDER#"


def restart_sort(approval_id: str) -> str:
    """The claim of a proposal on a task's restart."""
    return f"{RESTART_PREFIX}{approval_id}"


def history_sort(at: datetime, approval_id: str) -> str:
    """Sorts by time."""
    return f"{HISTORY_PREFIX}{format_time(at)}#{approval_id}"


LATEST_SNAPSHOT = "snapshots/latest.json"
LATEST_REPORT = "reports/latest.json"
REPORTS = "reports/"
OWN_FAILURES = "known/entries.json"


def report_key(started_at: datetime, execution_name: str) -> str:
    """The key of a run's report, without its ending."""
    return f"{REPORTS}{_day(started_at)}/{execution_name}"


def detection_key(started_at: datetime, execution_name: str) -> str:
    """The key of what MonitorTasks found in a run that is not over."""
    return f"snapshots/findings/{_day(started_at)}/{execution_name}.json"


def earlier_failures_key(until: datetime) -> str:
    """The key of the own failures that were replaced at that time."""
    return f"known/earlier/{format_time(until)}.json"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y/%m/%d}"
