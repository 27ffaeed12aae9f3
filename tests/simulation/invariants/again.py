"""Of what is asked a second time: what was refused for now is asked again, as it was; what acts is not, by anybody."""

from __future__ import annotations

import functools
from typing import Any

from botocore.exceptions import ClientError

from qlikops.agent.transient import is_busy
from qlikops.aws.session import AwsConnection
from qlikops.config import Context, Settings
from qlikops.domain import ledger as keys
from qlikops.domain.ledger import Attribute
from tests.simulation.enterprise_manager import Sent, Tested
from tests.simulation.invariants.asked import Asked
from tests.simulation.invariants.watch import (
    Change,
    Ended,
    Watch,
    is_decision,
    of_each_ask,
    of_each_call,
    of_each_end,
    of_each_item,
    of_each_test,
    told,
)

_FEWEST = 3
"""Times that a call to the ledger is tried at least as long as it is refused for now."""
_LEDGER = frozenset({"get_item", "batch_get_item", "query", "transact_write_items", "update_item"})


def _is_refused_for_now(watch: Watch, who: str, error: Exception | None) -> bool:
    """Whether the same call may succeed a moment later. People's own clients try again what is only busy."""
    if not isinstance(error, ClientError):
        return False
    is_conflict = error.response["Error"]["Code"] == "TransactionConflictException"
    return is_busy(error) if who in watch.world.functions.begun else is_conflict


@of_each_ask()
def what_is_refused_for_now_is_asked_again_as_it_was(watch: Watch, asked: Asked) -> str:
    """A busy table and a conflict end nothing at once; the same transaction has the same token, so that it is one."""
    who, process = asked.who, watch.world.kernel.current
    deed = watch.last.get(process)
    is_pending = deed is not None and deed.asked.operation in _LEDGER and _is_refused_for_now(watch, who, deed.error)
    if deed is None or not is_pending:
        watch.refused.pop(process, None)
        return ""
    watch.refused[process] += 1
    is_same = (deed.asked.operation, deed.asked.request) == (asked.operation, asked.request)
    if is_same or watch.refused[process] >= _FEWEST:
        return ""
    return f"{who} was refused {deed.asked.operation} for now, and goes on with {asked.operation}"


@of_each_end
def nobody_gives_up_what_is_refused_for_now(watch: Watch, ended: Ended) -> str:
    """No process of a function ends with a call to the ledger that was refused for now, and hardly tried again."""
    last = ended.deeds[-_FEWEST:]
    if not last or last[-1].asked.operation not in _LEDGER:
        return ""
    refused = [_is_refused_for_now(watch, ended.who, each.error) for each in last]
    if not refused[-1] or (all(refused) and len(refused) == _FEWEST):
        return ""
    return f"{ended.who} ends, and was refused {last[-1].asked.operation} only {sum(refused)} times"


@of_each_ask("put_metric_data")
def a_run_that_is_over_is_not_counted_again(watch: Watch, asked: Asked) -> str:
    """Who invokes a report once more, after the run was marked as over, puts no metrics, if it can read that."""
    begun = watch.invocation(asked.who, "GenerateReport")
    if begun is None:
        return ""
    run = keys.run_partition(begun.payload["run"]["execution_name"])
    if any(deed.error is not None for deed in watch.deeds[asked.who]):
        return ""  # without its ledger, a run is counted in any case: nothing else is left to raise the alarm
    is_over = watch.over_since.get(run, begun.at) < begun.at
    return f"{asked.who} counts {run}, which was over before" if is_over else ""


@of_each_item(keys.SUMMARY)
def a_run_that_is_over_stays_over(_: Watch, change: Change) -> str:
    """A look that is slow to arrive does not write its summary over that of the run's end."""
    if change.before is None or change.after is None:
        return ""
    ends = [told(item, Attribute.BODY)["finished_at"] for item in (change.before, change.after)]
    return f"{change.key[0]} was over at {ends[0]}, and is not any more" if ends[0] and not ends[1] else ""


@of_each_call
def no_client_repeats_a_call(_: Watch, sent: Sent) -> str:
    """What tells a task to run or to stop goes out once: no library sends it again, or to another address."""
    return f"{sent.process} lets {sent.action} be sent again" if sent.is_sent_on else ""


@of_each_test
def no_client_repeats_a_test(_: Watch, test: Tested) -> str:
    """A test of an endpoint is a login: no library asks for it again."""
    return f"{test.process} lets the test of {test.endpoint} be asked for again" if test.is_sent_on else ""


@of_each_test
def a_test_is_asked_for_as_often_as_it_was_counted(watch: Watch, test: Tested) -> str:
    """One login for each that was counted, whatever became of it; a session that had expired is none."""
    same = (test.process, test.server, test.endpoint)
    tests = [each for each in watch.world.journal.tests if (each.process, each.server, each.endpoint) == same]
    asked = sum(each.has_arrived or not each.answer for each in tests)
    counted = watch.counted[same]
    return f"{test.process} tests {test.endpoint} {asked} times, and has counted {counted}" if asked > counted else ""


@of_each_ask("send_task_success", "send_task_failure")
def a_wait_is_answered_once(watch: Watch, asked: Asked) -> str:
    """No function and no console sends the same answer twice: the ledger says what came of it, or the next run does."""
    said = str(asked.request.get("output") or asked.request.get("cause", ""))
    if asked.who not in watch.world.functions.begun and not is_decision(asked.request):
        return ""
    answer = asked.who, f"{asked.request['taskToken']} {said}"
    if answer in watch.said:
        return f"{asked.who} answers once more: {said[:200]}"
    watch.said.add(answer)
    return ""


@of_each_ask("send_task_success", "send_task_failure")
def no_client_repeats_a_decision(watch: Watch, asked: Asked) -> str:
    """The client that sends a person's decision tries once: after a lost reply, a second attempt would be too late."""
    if asked.who in watch.world.functions.begun or _attempts_of_a_decision() == 1:
        return ""
    return f"{asked.who} sends with a client that tries {_attempts_of_a_decision()} times"


@functools.cache
def _attempts_of_a_decision() -> int:
    """What boto3's client for one callback is set to."""
    sender = AwsConnection(Context("x", Settings(region="eu-west-1"))).sender("d1")
    config: Any = sender.meta.config
    return int(config.retries["total_max_attempts"])
