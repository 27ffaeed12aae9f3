"""Of restarts that wait for an endpoint: nothing is sent before it answers, and a wait has an end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from qlikops.agent.act.endpoint_wait import LONGEST_PAUSE
from qlikops.domain import ledger as keys
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.proposal import WHEN_IT_ANSWERS
from tests.simulation import limits
from tests.simulation.dynamodb import Wire
from tests.simulation.enterprise_manager import Sent, Tested
from tests.simulation.invariants.choosing import left_out
from tests.simulation.invariants.watch import (
    NOT_STORED,
    Change,
    Ended,
    Watch,
    at_rest,
    number,
    of_each_call,
    of_each_end,
    of_each_record,
    of_each_test,
    status_of,
    told,
)

_LIFE = timedelta(minutes=15)
"""Of a function: what it wrote may be so much older than what it does."""


def is_waited_for(record: Wire) -> bool:
    """Whether a resume was approved that waits until its endpoint answers."""
    decision = told(record, Attribute.DECISION)
    return bool(decision.get("approved")) and decision.get("option") == WHEN_IT_ANSWERS


def is_waiting_for_endpoint(record: Wire) -> bool:
    """Whether the record says that its restart waits."""
    return status_of(record) is Status.RESTARTING and Attribute.WAITS in record


def _endpoints(proposed: Any) -> set[tuple[str, str]]:
    """Servers and names of the endpoints that a proposal may be about."""
    return {
        (target["key"]["server"], (target.get("basis") or {}).get(side, ""))
        for target in proposed.get("targets", [])
        for side in ("source", "target")
    }


def _places(proposed: Any) -> set[tuple[str, str]]:
    """Servers and names of the tasks of a proposal."""
    return {(target["key"]["server"], target["key"]["task"]) for target in proposed.get("targets", [])}


REFUSED = "ORA-01017"
"""What says in these nights that a login was refused."""


@of_each_call
def nothing_is_sent_before_the_endpoint_answers(watch: Watch, sent: Sent) -> str:
    """What was approved for when it answers is sent only after a test has said that the endpoint takes logins."""
    proposal_id = watch.proposal_of(sent)
    record = watch.record(proposal_id)
    if record is None or not is_waited_for(record):
        return ""
    endpoints = _endpoints(watch.proposed.get(proposal_id, {}))
    answered = [
        each
        for each in watch.world.journal.tests
        if each.answer == "CONNECTED" and (each.server, each.endpoint) in endpoints and each.at <= sent.at
    ]
    return "" if answered else f"{sent.process} {sent.action}s {sent.task}, and no test said that its endpoint answers"


@of_each_test
def a_test_is_counted_before_it_is_asked_for(watch: Watch, test: Tested) -> str:
    """Each test of an endpoint has been counted in the ledger by the time Enterprise Manager is asked for it."""
    since = watch.world.kernel.time() - _LIFE
    for (partition, sort), item in watch.items.items():
        is_of_it = partition.startswith("ENDPOINT#") and partition.endswith(f"/{test.server}/{test.endpoint}")
        if is_of_it and sort.startswith(keys.PROBE_PREFIX) and datetime.fromisoformat(item["at"]["S"]) >= since:
            return ""
    return "" if not watch.clocks_are_right else f"{test.process} tests {test.endpoint}, which nothing has counted"


@of_each_record
def a_wait_has_an_end(watch: Watch, change: Change) -> str:
    """What is said to be waited for is tested again within a quarter of an hour, and not later than it ends."""
    waits = told(change.after, Attribute.WAITS) if change.after and Attribute.WAITS in change.after else None
    if not waits or not watch.clocks_are_right:
        return ""
    now, until = watch.world.kernel.time(), datetime.fromisoformat(waits["until"])
    following = datetime.fromisoformat(waits["next_test_at"])
    longest = timedelta(seconds=watch.world.config.wait_for_endpoint_seconds)
    if following > now + LONGEST_PAUSE or until > now + longest or following > until + timedelta(seconds=1):
        return f"{change.proposal_id} is tested again at {following}, until {until}"
    return ""


@of_each_record
def what_waits_for_its_endpoint_holds_its_tasks_anew(watch: Watch, change: Change) -> str:
    """Whoever says that it waits has first, in the same invocation, taken its tasks until after the next look."""
    waits = told(change.after, Attribute.WAITS) if change.after and Attribute.WAITS in change.after else None
    acting = watch.writer()
    said_before = change.before is not None and change.before.get(Attribute.WAITS) == (change.after or {}).get("waits")
    if not waits or said_before or acting is None or acting.function != "ExecuteRestart" or not watch.clocks_are_right:
        return ""
    spared = left_out(watch.proposed[change.proposal_id], told(change.after or {}, Attribute.DECISION))
    for partition in watch.task_partitions(change.proposal_id):
        lease = watch.items.get((partition, keys.LEASE))
        if partition in spared or lease is None or lease[Attribute.PROPOSAL_ID]["S"] != change.proposal_id:
            continue
        taken_at = datetime.fromisoformat(lease[Attribute.AT]["S"]).timestamp()
        needed = datetime.fromisoformat(waits["next_test_at"]).timestamp() + _LIFE.total_seconds()
        if taken_at < acting.at or number(lease, Attribute.EXPIRES) < needed:
            return f"{change.proposal_id} waits, and has not taken {partition} anew"
    return ""


@of_each_record
def a_wait_goes_by_a_new_test(watch: Watch, change: Change) -> str:
    """If a restart waits on for an endpoint that takes no logins, a test has said so within the last 30 seconds."""
    waits, acting = told(change.after or {}, Attribute.WAITS), watch.writer()
    is_said_before = (change.before or {}).get(Attribute.WAITS) == (change.after or {}).get(Attribute.WAITS)
    if is_said_before or acting is None or "does not take logins" not in waits.get("said", ""):
        return ""
    endpoints = _endpoints(watch.proposed.get(change.proposal_id, {}))
    tests = [each for each in watch.world.journal.tests if (each.server, each.endpoint) in endpoints]
    newest = max((each.answered_at for each in tests if each.answer == "ERROR"), default=0.0)
    is_new = newest >= acting.at - limits.TEST_IS_NEW - 1 or not watch.clocks_are_right
    return "" if is_new else f"{change.proposal_id} goes on waiting by a test of {acting.at - newest:.0f} s ago"


@of_each_record
def who_is_refused_a_login_waits_no_longer(watch: Watch, change: Change) -> str:
    """A test that was refused a login ends the wait: each further one may lock an account."""
    waits, process = told(change.after or {}, Attribute.WAITS), watch.world.dynamodb.last_writer
    if not waits or (change.before or {}).get(Attribute.WAITS) == (change.after or {}).get(Attribute.WAITS):
        return ""
    refused = (each for each in watch.world.journal.tests if each.process == process and REFUSED in each.said)
    test = next(refused, None)
    return f"{change.proposal_id} goes on waiting for {test.endpoint}, which refused a login" if test else ""


@of_each_end
def a_wait_outlasts_enterprise_manager(watch: Watch, ended: Ended) -> str:
    """What waits for its endpoint is looked at again as long as there is time, if nothing was seen this time."""
    begun, proposal_id = ended.begun, ended.begun.proposal_id
    record, result = watch.record(proposal_id), ended.answer or {}
    if begun.function != "ExecuteRestart" or record is None or not begun.payload.get("may_wait"):
        return ""
    if result.get("status") != Status.FAILED or not is_waited_for(record) or not watch.clocks_are_right:
        return ""
    # What is over already is answered once more; of what has begun, there is more to see than the endpoint.
    has_begun = any(sort == f"{keys.RESTART_PREFIX}{proposal_id}" for _, sort in watch.items)
    if has_begun or watch.outcomes.get(proposal_id, NOT_STORED).process != ended.who:
        return ""
    journal, places = watch.world.journal, _places(watch.proposed[proposal_id])
    has_looked = any((ended.who, *place) in journal.read for place in places)
    has_tested = any(each.process == ended.who and each.answer for each in journal.tests)
    is_listed = any((ended.who, server) in journal.listed for server, _ in places)
    began = datetime.fromisoformat(record[Attribute.UPDATED_AT]["S"]).timestamp()
    has_time = watch.world.kernel.now < began + watch.world.config.wait_for_endpoint_seconds
    if has_looked or has_tested or is_listed or not has_time:
        return ""
    return f"{ended.who} has seen nothing, and gives up {proposal_id}: {result.get('detail')}"


@of_each_record
def the_inbox_says_what_is_waited_for(_: Watch, change: Change) -> str:
    """The row of a restart that waits is that of the last look, and takes no answer."""
    if change.after is None or not is_waiting_for_endpoint(change.after):
        return ""
    row, waits = told(change.after, Attribute.ROW), told(change.after, Attribute.WAITS)
    is_right = row["waits"] == {**waits, "said": ""} and not row["digest"] and row["approval_id"] == change.proposal_id
    return "" if is_right else f"{change.proposal_id} waits for {waits}, its row says {row}"


@at_rest
def nothing_waits_any_more(watch: Watch) -> Iterator[str]:
    """In the end, nothing says that it waits for an endpoint."""
    for (_, sort), item in watch.items.items():
        if sort == keys.RECORD and Attribute.WAITS in item and Status(status_of(item)).is_final:
            yield f"{item['pk']['S']} is over, and waits"
