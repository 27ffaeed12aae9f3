"""Of a world in which nothing is under way any more: everything has ended, and all accounts of it agree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ParamValidationError

from qlikops.cli.exit_codes import ExitCode
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.packing import unpacked
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.callback import APPROVAL_DENIED, NoDecision
from qlikops.domain.workflow.history import fold_history
from tests.simulation import limits
from tests.simulation.dynamodb import Wire
from tests.simulation.invariants.choosing import effective_action, left_out
from tests.simulation.invariants.watch import Watch, at_rest, number, partition_of, status_of, told
from tests.simulation.stepfunctions import Execution

_OF_THE_PROGRAM = (
    TypeError,
    AttributeError,
    IndexError,
    KeyError,
    NameError,
    AssertionError,
    ArithmeticError,
    StopIteration,
    RuntimeError,
    ValueError,
    ParamValidationError,
)
_OF_ITS_INPUT = (codec.CodecError, NoDecision)
_TELLING = ("Publish", "PutEvents", "PutMetricData")
_CHANNELS = tuple(
    f"{head}{service}" for service in ("sns", "events", "cloudwatch") for head in ("//", "response from ")
)
"""What stands in an error without an operation: the endpoint, or whose answer was none."""
_ACTING_SECONDS = 900.0
"""That ExecuteRestart may take."""
_TOLD = frozenset({Status.EXPIRED, Status.FAILED, Status.UNVERIFIED, Status.PARTIAL, Status.STILL_DOWN})


@at_rest
def everything_ends(watch: Watch) -> Iterator[str]:
    """No proposal waits or goes on once nothing can end it any more, and no execution does."""
    for name, item in watch.records():
        if not status_of(item).is_final:
            yield f"{name} is {status_of(item)}"
    for execution in watch.world.states.executions.values():
        if execution.status == "RUNNING":
            yield f"{execution.name} runs"


@at_rest
def nothing_fails_by_a_fault_of_its_own(watch: Watch) -> Iterator[str]:
    """Functions, consoles and commands end with errors of the world only, and AWS refuses no request for its form."""
    for who, error in watch.world.kernel.failed:
        if isinstance(error, _OF_THE_PROGRAM) and not isinstance(error, _OF_ITS_INPUT):
            yield f"{who} ended with {type(error).__name__}: {error}"
    yield from watch.world.faults.malformed


@at_rest
def a_channel_that_fails_stops_no_function(watch: Watch) -> Iterator[str]:
    """Whatever SNS, EventBridge or CloudWatch answers, or does not, the function goes on without it."""
    for name, error in watch.world.kernel.failed:
        cause = error.__cause__ or error
        failed = getattr(cause, "operation_name", "") in _TELLING or any(each in str(cause) for each in _CHANNELS)
        if failed and name in watch.world.functions.begun:
            yield f"{name} ended with {type(cause).__name__}: {cause}"


@at_rest
def no_restart_runs_out_of_time_by_itself(watch: Watch) -> Iterator[str]:
    """One that nothing delays begins nothing that it cannot see to its end, and stores what came of it in time."""
    world = watch.world
    is_delayed = world.faults.befallen or any("stands still" in line.what for line in world.kernel.trace)
    for line in () if is_delayed else world.kernel.trace:
        begun = world.functions.begun.get(line.who)
        is_restart = line.what == "killed" and begun is not None and begun.function == "ExecuteRestart"
        is_stepped = begun is not None and any(begun.at <= at <= line.at for at, _ in world.clock_steps)
        if begun and is_restart and not is_stepped and line.at - begun.at > _ACTING_SECONDS - 1:
            yield f"{line.who} ran out of time"


@at_rest
def nothing_is_left_behind(watch: Watch) -> Iterator[str]:
    """An ended proposal has no token, no lease, no entry under OPEN, and the inbox is empty."""
    for (partition, sort), item in watch.items.items():
        if partition.startswith("TOKEN#") or partition == keys.OPEN_PARTITION:
            yield f"{partition} {sort}"
        if sort == keys.LEASE and number(item, Attribute.EXPIRES) > watch.world.kernel.now:
            yield f"{partition} is leased by {item[Attribute.PROPOSAL_ID]['S']}"


@at_rest
def every_end_is_in_the_history_of_its_tasks_once(watch: Watch) -> Iterator[str]:
    """Of every proposal, each task that was not left out has one line, with what became of this task."""
    lines: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for (partition, sort), item in watch.items.items():
        if sort.startswith(keys.HISTORY_PREFIX):
            line = json.loads(item[Attribute.BODY]["S"])
            lines.setdefault((partition, line["approval_id"]), []).append(line)
    for name, item in watch.records():
        if watch.is_tampered(name):
            lines = {place: found for place, found in lines.items() if place[1] != name}
            continue
        outcome = told(item, Attribute.OUTCOME)
        of_task = {partition_of(each["key"]): each["status"] for each in outcome.get("targets", [])}
        spared = left_out(watch.proposed[name], told(item, Attribute.DECISION))
        for partition in watch.task_partitions(name):
            found = lines.pop((partition, name), [])
            wanted = of_task.get(partition, outcome.get("status"))
            if [line["status"] for line in found] != ([] if partition in spared else [wanted]):
                yield f"{name} on {partition} is {wanted}, its history says {[line['status'] for line in found]}"
    for partition, name in lines:
        yield f"{partition} has a line of {name}, which there is not"


@at_rest
def the_track_record_counts_once(watch: Watch) -> Iterator[str]:
    """What people are shown of earlier proposals is what came of them."""
    wanted: Counter[tuple[str, str, str]] = Counter()
    for name, item in watch.records():
        if Attribute.COUNTED not in item and watch.is_tampered(name):
            continue
        evaluation, proposal = told(item, Attribute.EVALUATION), watch.proposed[name]
        action = effective_action(proposal, told(item, Attribute.DECISION))
        partition = keys.track_partition(_counted_as(proposal), action)
        sort = keys.track_sort(evaluation.get("evaluator", ""), evaluation.get("verdict", "unavailable"))
        for what in _counts(item):
            wanted[partition, sort, what] += 1
    found: Counter[tuple[str, str, str]] = Counter()
    for (partition, sort), item in watch.items.items():
        if partition.startswith("TRACK#"):
            for what in (Attribute.TRIED, Attribute.RECOVERED, Attribute.DENIED):
                found[partition, sort, what] += int(item.get(what, {"N": "0"})["N"])
    for place in {**wanted, **found}:
        if wanted[place] != found[place]:
            yield f"{' '.join(place)}: {wanted[place]} in the records, {found[place]} counted"


def _counted_as(proposal: Wire) -> str:
    diagnosis = proposal.get("diagnosis") or {}
    is_known = diagnosis.get("certainty") == "known" and diagnosis.get("failure_class") != "unknown"
    return str(diagnosis["failure"] if is_known else proposal["kind"])


def _counts(item: Wire) -> list[str]:
    status, targets = status_of(item), told(item, Attribute.OUTCOME).get("targets", [])
    if status is Status.DENIED:
        return [Attribute.DENIED]
    # Of a group, "partial" says nothing: all that was left may have come up, or changed, by itself.
    tried = (
        status.was_sent
        if not targets
        else any(
            each["stopped"] or Status(each["status"]).was_sent or each["run_call"] not in (None, "not_sent")
            for each in targets
        )
    )
    if not tried:
        return []
    return [Attribute.TRIED, Attribute.RECOVERED] if status is Status.RESTARTED else [Attribute.TRIED]


@at_rest
def a_run_knows_where_its_proposals_stand(watch: Watch) -> Iterator[str]:
    """The row of a run says what the record says."""
    for (partition, sort), item in watch.items.items():
        if partition.startswith("RUN#") and sort.startswith(keys.PROPOSAL_PREFIX):
            name = sort.removeprefix(keys.PROPOSAL_PREFIX)
            row, record = json.loads(item[Attribute.BODY]["S"]), watch.record(name)
            if record is None or row["status"] != status_of(record):
                yield f"{partition} says that {name} is {row['status']}: {status_of(record) if record else 'nowhere'}"


@at_rest
def a_report_says_what_the_ledger_says(watch: Watch) -> Iterator[str]:
    """Every run that succeeded has one, with each proposal that it asked about, and how that ended."""
    objects = watch.world.s3.objects
    reports = {
        key.rpartition("/")[2].removesuffix(".json"): json.loads(unpacked(body))
        for (_, key), (body, _) in objects.items()
        if key.startswith("reports/") and key.endswith(".json") and "latest" not in key
    }
    for execution in watch.world.states.executions.values():
        if execution.status == "SUCCEEDED" and execution.name not in reports:
            yield f"{execution.name} has no report"
    for name, report in reports.items():
        for one in report["proposals"]:
            proposal_id = one["proposal"]["proposal_id"]
            record = watch.record(proposal_id)
            if Status(one["status"]).is_final and (record is None or status_of(record) != one["status"]):
                yield f"the report of {name} says that {proposal_id} is {one['status']}"
    dropped = [
        # Where an invocation comes twice, its twin may have closed it, with a poll of a moment before.
        told(item, Attribute.OUTCOME)["detail"].partition(", as the poll of")[0]
        for _, item in watch.records()
        if status_of(item) is Status.SUPERSEDED
    ]
    for name, report in reports.items():
        for note in report["notes"]:
            if note.startswith("No longer asked: ") and not any(detail in note for detail in dropped if detail):
                yield f"the report of {name} says what nothing in the ledger does: {note}"
    for execution in watch.world.states.executions.values():
        reported = reports.get(execution.name, {}).get("proposals", ())
        ends = {one["proposal"]["proposal_id"]: one["status"] for one in reported}
        entered = {event.get("stateEnteredEventDetails", {}).get("name") for event in execution.history}
        for proposal_id in _mapped(execution) if execution.status == "SUCCEEDED" else ():
            is_told = proposal_id in ends and ("OutcomeNotRecorded" in entered or Status(ends[proposal_id]).is_final)
            if not is_told:
                yield f"the report of {execution.name} has {ends.get(proposal_id, 'nothing')} of {proposal_id}"


def _mapped(execution: Execution) -> list[str]:
    """The proposals that a run's Map went through."""
    for event in execution.history:
        if event["type"] == "MapStateEntered":
            given = json.loads(event["stateEnteredEventDetails"]["input"])
            return [each["proposal_id"] for each in given["proposals"]]
    return []


@at_rest
def what_is_said_to_have_been_sent_was_sent(watch: Watch) -> Iterator[str]:
    """Of each task, the outcome says taken only of what arrived, and not sent only of what did not."""
    for name, item in watch.records():
        for target in told(item, Attribute.OUTCOME).get("targets", []):
            server, task = target["key"]["server"], target["key"]["task"]
            sent = watch.requests_of(name, server, task)
            runs = [each for each in sent if each.action == "run"]
            stops = [each for each in sent if each.action == "stop"]
            came_to = f"{name} on {task}: {target['status']}, {target['run_call']}; {runs}"
            if target["run_call"] == "taken" and not any(each.taken for each in runs):
                yield came_to
            if target["run_call"] == "refused" and any(each.taken for each in runs):
                yield came_to
            if target["run_call"] in ("not_sent", None) and any(each.arrived for each in runs):
                yield came_to
            # Whoever finds a claim without a result cannot know: then it is up, and nobody says by whom.
            if target["status"] == "restarted" and target["run_call"] != "uncertain" and not runs:
                yield came_to
            if any(each.taken for each in stops) and not target["stopped"]:
                yield f"{name} on {task} was stopped, and nobody says so"


@at_rest
def who_was_told_that_it_counts_was_told_the_truth(watch: Watch) -> Iterator[str]:
    """The ledger holds every decision of which somebody has a receipt, from the moment of the receipt on."""
    for approval_id, decision_id in watch.saying.early:
        yield f"{approval_id}: a receipt for {decision_id} before it was recorded"
    for approval_id, decision_id in watch.saying.counted:
        if (held := _decision(watch, approval_id)) != decision_id:
            yield f"{approval_id}: a receipt for {decision_id}, the ledger has {held or 'none'}"


@at_rest
def who_was_told_that_it_does_not_count_was_told_the_truth(watch: Watch) -> Iterator[str]:
    """What somebody was told was not sent, or came too late, is not in the ledger."""
    for approval_id, decision_id in watch.saying.not_counted:
        if _decision(watch, approval_id) == decision_id:
            yield f"{approval_id}: {decision_id} counts, and somebody was told that it does not"


@at_rest
def who_was_told_that_nothing_is_known_was_told_the_truth(watch: Watch) -> Iterator[str]:
    """Whoever reads that it has ended, or been decided, is told so."""
    for (approval_id, decision_id), read_at in watch.saying.unknown:
        record = watch.record(approval_id)
        if record is not None and status_of(record).is_final and watch.moved_at[approval_id] < read_at - 1:
            yield f"{approval_id}: {decision_id} was called unknown, and the record that was read said more"


@at_rest
def a_decision_is_sent_once(watch: Watch) -> Iterator[str]:
    """Nobody's answer goes out a second time by itself."""
    for decision_id, count in watch.saying.sent.items():
        if count > 1:
            yield f"{decision_id} was sent {count} times"


@at_rest
def who_is_refused_is_told_what_is_so(watch: Watch) -> Iterator[str]:
    """That it expired, was changed, is decided or gone, is said of a decision only where it is so; that there is no
    claim of theirs, of a claim.
    """
    yield from watch.saying.wrongly_refused


@at_rest
def who_was_shown_an_end_was_shown_the_end(watch: Watch) -> Iterator[str]:
    """What a receipt or a watch said of the end is what the ledger says."""
    for approval_id, status in watch.saying.ends:
        record = watch.record(approval_id)
        if record is None or status_of(record) is not status:
            yield f"{approval_id} was shown as {status}, and is {status_of(record) if record else 'nowhere'}"


@at_rest
def an_exit_code_says_what_came_of_it(watch: Watch) -> Iterator[str]:
    """A command that ends well has seen its tasks up; one that says that none or some came up has seen that."""
    for approval_id, code in watch.saying.exits:
        record = watch.record(approval_id)
        status = status_of(record) if record else None
        came_up = status is not None and status.is_up
        is_right = {
            ExitCode.OK: came_up,
            ExitCode.PARTIAL: status is Status.PARTIAL,
            ExitCode.NOT_RESTARTED: not came_up and status is not Status.PARTIAL,
            ExitCode.UNKNOWN: True,
        }
        if not is_right.get(code, False):
            yield f"a command ended with {code.name} after it approved {approval_id}, which is {status}"


@at_rest
def who_is_asked_is_told(watch: Watch) -> Iterator[str]:
    """A message for everything that waited, and one that closes it where nobody who acted knows the end.

    SNS was asked to publish it, at least: what it refuses stops nothing else.
    """
    messages = [(each.at, each.told["Subject"], each.told["Message"]) for each in watch.messages]
    for name, item in watch.records():
        about = [(at, subject) for at, subject, text in messages if f"qlikops show {name}" in text]
        status, was_asked = status_of(item), Attribute.REQUESTED_AT in item
        # Who dies between inbox and message is retried; by then somebody may have answered from the inbox, and where
        # the retries are used up, the wait is over and that is told. So it is where Lambda brings an invocation when
        # the wait is over, and a write of the attempt before was slow: it waits, and nothing is there that could tell.
        # Where no attempt came through to the ledger by the deadline, nothing waited there.
        was_told = any(subject.endswith("?") for _, subject in about)
        if status is Status.EXPIRED and was_asked and not was_told and not _was_asked_too_late(watch, name, item):
            yield f"{name} waited, and nobody was told"
        must_close = status in _TOLD or (status is Status.SUPERSEDED and was_asked)
        if must_close and not any(not subject.endswith("?") for _, subject in about):
            yield f"{name} is {status}, and nobody was told"


def _was_asked_too_late(watch: Watch, name: str, item: Wire) -> bool:
    """Whether the last invocation that was to ask may have been at it when the deadline came, or began after it."""
    begun = watch.world.functions.begun.values()
    asked = [each.at for each in begun if each.function == "RequestApproval" and each.proposal_id == name]
    return bool(asked) and max(asked) > number(item, keys.INBOX_SORT) - limits.MINUTE


@at_rest
def an_outage_that_was_told_is_called_off(watch: Watch) -> Iterator[str]:
    """Once runs succeed again, nobody is left with the message that monitoring fails."""
    if (keys.OUTAGE, keys.OUTAGE) in watch.items:
        yield "runs succeed, and the outage is not over"


@at_rest
def histories_fold(watch: Watch) -> Iterator[str]:
    """Every history of an execution can be read, and no state of it is without a name."""
    # One of each shape: most runs of a night found nothing, and their histories are alike but for their times.
    shapes = {
        tuple((event["type"], event["previousEventId"]) for event in execution.history): execution
        for execution in watch.world.states.executions.values()
    }
    for execution in shapes.values():
        for run in fold_history(execution.history).states:
            if not run.name:
                yield f"{execution.name} has a state without a name"


def _decision(watch: Watch, approval_id: str) -> str:
    return str(told(watch.record(approval_id) or {}, Attribute.DECISION).get("decision_id", ""))


@at_rest
def the_answer_that_was_taken_is_the_one_that_counts(watch: Watch) -> Iterator[str]:
    """What Step Functions took as an approval or a denial is not recorded as something else."""
    for name, item in watch.records():
        status, states = status_of(item), watch.world.states
        for token in watch.tokens.get(name, ())[-1:]:
            answer = states.answer(token)
            approved = isinstance(answer, dict) and answer.get("approved") is True
            denied = states.error_name(token) == APPROVAL_DENIED or (
                isinstance(answer, dict) and answer.get("approved") is False
            )
            if approved and status in (Status.DENIED, Status.EXPIRED, Status.HELD):
                yield f"{name} was approved, and is {status}"
            if denied and status not in (Status.DENIED, Status.SUPERSEDED, Status.ABANDONED):
                yield f"{name} was denied, and is {status}"


@at_rest
def nobody_is_told_before_an_answer_counts(watch: Watch) -> Iterator[str]:
    """A message that asks goes out when the inbox has it, not before."""
    if not watch.clocks_are_right:
        return
    for at, message in watch.world.sns.published:
        if not message["Subject"].endswith("?"):
            continue
        name = message["Message"].partition("qlikops show ")[2].split()[0]
        event = watch.items.get((keys.approval_partition(name), f"{keys.EVENT_PREFIX}30-requested"))
        if event is None or codec.parse_time(event[Attribute.AT]["S"]).timestamp() > at:
            yield f"{name} was told of before it waited"


@at_rest
def nobody_approves_what_somebody_changed(watch: Watch) -> Iterator[str]:
    """The console sends no approval of a record that is not, or no longer, what was reviewed."""
    for approval_id, decision_id in watch.saying.misled:
        yield f"{approval_id}: {decision_id} was sent although the record had been changed"
