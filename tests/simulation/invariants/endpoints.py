"""Of tests of endpoints: seldom, never where a login may have been refused, and believed by whoever asked for them."""

from __future__ import annotations

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.endpoint import EndpointKey
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from tests.simulation import limits
from tests.simulation.enterprise_manager import Sent, Tested
from tests.simulation.invariants.closing import actions_of
from tests.simulation.invariants.waiting import REFUSED, is_waited_for
from tests.simulation.invariants.watch import (
    Change,
    Ended,
    Watch,
    code_of,
    of_each_call,
    of_each_end,
    of_each_record,
    of_each_test,
    told,
)

_HOUR, _RECENT = 3600.0, 300.0
_LIFE = 900.0
"""Seconds of a function's life. A test is counted before it is asked for: one that stands still in between is late."""


@of_each_test
def an_endpoint_is_tested_seldom(watch: Watch, test: Tested) -> str:
    """No endpoint is tested more often in an hour than is set, by runs, restarts and those that wait together."""
    same = [each for each in watch.world.journal.tests if (each.server, each.endpoint) == (test.server, test.endpoint)]
    # A session that had expired is renewed, and the test asked for once more: Enterprise Manager looked at one of them.
    since = test.at - _HOUR + _LIFE
    within = [each for each in same if each.at > since and (each.has_arrived or each is test)]
    config = watch.world.config
    most = config.probes_per_hour + config.wait_probes_per_hour * bool(config.wait_for_endpoint_seconds)
    if len(within) <= most or not watch.clocks_are_right:
        return ""
    return f"{test.process} tests {test.endpoint}, the {len(within)}. time in an hour"


@of_each_test
def no_login_is_tried_after_a_refused_one(watch: Watch, test: Tested) -> str:
    """Who has read that a task on an endpoint was refused does not have that endpoint tested."""
    for (process, server, task), read in watch.world.journal.read.items():
        ends = [read.get(side, {}).get("name") for side in ("source_endpoint", "target_endpoint")]
        is_on_it = (process, server) == (test.process, test.server) and test.endpoint in ends
        if is_on_it and read.get("state") != "RUNNING" and read.get("message", "").startswith(REFUSED):
            return f"{process} tests {test.endpoint}, and {task} was refused a login"
    return ""


@of_each_end
def who_bars_an_endpoint_bars_all_of_its_tests(watch: Watch, ended: Ended) -> str:
    """Those of restarts that wait for it too: each is a login, and an account may be locked after a few."""
    barred: dict[str, set[str]] = {}
    for deed, each in actions_of(ended.deeds) if ended.error is None else ():
        if each.kind == "Update" and each.key[1].startswith(keys.PROBE_PREFIX) and Attribute.AT in each.sets:
            barred.setdefault(each.key[0], set()).add(each.key[1])
            if deed.error is not None and code_of(deed.error) != "TransactionCanceledException":
                return ""
    config = watch.world.config
    wanted = config.probes_per_hour + config.wait_probes_per_hour
    few = [partition for partition, sorts in barred.items() if len(sorts) < wanted]
    return "".join(f"{ended.who} bars {len(barred[each])} of {wanted} tests of {each}" for each in sorted(few)[:1])


@of_each_call
def nothing_is_started_on_what_is_down(watch: Watch, sent: Sent) -> str:
    """Who was told that the endpoint takes no logins sends nothing any more."""
    refused = [each for each in watch.world.journal.tests if each.process == sent.process and each.answer == "ERROR"]
    return f"{sent.process} was told that {refused[0].endpoint} is down" if refused else ""


@of_each_record
def what_is_still_down_was_tested_just_now(watch: Watch, change: Change) -> str:
    """Nobody goes by an old test: one of minutes ago, or of within the hour where no person was asked."""
    before = change.before or {}
    if change.after is None or Attribute.OUTCOME not in change.after or Attribute.OUTCOME in before:
        return ""
    outcome, acting = told(change.after, Attribute.OUTCOME), watch.writer()
    if outcome["status"] != Status.STILL_DOWN or acting is None or not watch.clocks_are_right:
        return ""
    if is_waited_for(change.after):  # it ends with its time, whatever the last test came to
        return ""
    is_automatic = (outcome["decision"] or {}).get("automatic")
    since = acting.at - (_HOUR if is_automatic else _RECENT) - 1
    if any(test.answer == "ERROR" and test.answered_at >= since for test in watch.world.journal.tests):
        return ""
    return f"{change.proposal_id} is still down, and no test has said so of late"


@of_each_record
def an_old_test_is_gone_by_only_if_there_is_none_left(watch: Watch, change: Change) -> str:
    """Who ends a restart by another one's test of more than half a minute ago could not test the endpoint itself."""
    if change.after is None or Attribute.OUTCOME not in change.after or Attribute.OUTCOME in (change.before or {}):
        return ""
    acting, outcome = watch.writer(), told(change.after, Attribute.OUTCOME)
    if outcome["status"] != Status.STILL_DOWN or acting is None or is_waited_for(change.after):
        return ""
    servers = {target["key"]["server"] for target in watch.proposed[change.proposal_id]["targets"]}
    named = (each for each in watch.world.journal.tests if f" {each.endpoint} " in outcome["detail"])
    tests = [each for each in named if each.server in servers]
    if any(each.process == acting.process for each in tests) or not watch.clocks_are_right:
        return ""
    newest = max((each for each in tests if each.answer == "ERROR"), key=lambda each: each.answered_at, default=None)
    if newest is None:
        return ""
    now = min(each.at for each in watch.world.readings[acting.process])
    age = now - newest.answered_at
    is_old = age > limits.TEST_IS_NEW + 1 and _tests_left(watch, newest, now) > 0
    return f"{change.proposal_id} is still down by a test of {age:.1f} s ago" if is_old else ""


def _tests_left(watch: Watch, test: Tested, now: float) -> int:
    """How often the endpoint of a test may be tested once more by then, but for what waits: one may be barred."""
    partition = keys.endpoint_partition(EndpointKey("default", test.server, test.endpoint))
    taken = [
        codec.parse_time(item[Attribute.AT]["S"]).timestamp() > now - _HOUR
        for (where, sort), item in watch.items.items()
        if where == partition and sort.removeprefix(keys.PROBE_PREFIX).isdigit()
    ]
    return watch.world.config.probes_per_hour - sum(taken)


@of_each_record
def what_is_still_down_was_left_alone(watch: Watch, change: Change) -> str:
    """Nothing was sent to any task of what ends as still down, by this invocation or another one beside it."""
    if change.after is None or Attribute.OUTCOME not in change.after:
        return ""
    if told(change.after, Attribute.OUTCOME).get("status") != Status.STILL_DOWN:
        return ""
    sent = [each for each in watch.requests if watch.proposal_of(each) == change.proposal_id and not each.is_refused]
    return f"{change.proposal_id} is still down, and {sent[0].process} sent {sent[0].action}" if sent else ""


@of_each_test
def no_endpoint_is_tested_for_what_has_begun(watch: Watch, test: Tested) -> str:
    """Who finds that a task of its restart was claimed goes on with it: a test could only say that nothing was sent."""
    acting = watch.invocation(test.process, "ExecuteRestart")
    if acting is None:
        return ""
    for partition in watch.task_partitions(acting.proposal_id):
        claim = partition, f"{keys.RESTART_PREFIX}{acting.proposal_id}"
        read_at = watch.world.dynamodb.read_at.get((test.process, claim), 0.0)
        if claim in watch.items and watch.claimed_at.get(claim, read_at) < read_at:
            return f"{test.process} tests {test.endpoint}, and knew that {partition} was claimed"
    return ""
