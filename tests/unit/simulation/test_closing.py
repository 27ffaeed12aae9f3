"""Processes that leave behind what they have begun, and calls that somebody repeats: each promise of that can fail."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from qlikops.qlik.errors import QemUnreachable
from tests.simulation import enterprise_manager
from tests.simulation.dynamodb import error
from tests.simulation.invariants import again, closing
from tests.simulation.invariants.asked import Asked
from tests.simulation.invariants.watch import Change, Deed, Ended, Remembered, Watch
from tests.simulation.plant import Reading
from tests.simulation.services import Invocation

WHO, ID, NOON = "MonitorTasks#1", "0123456789ab", datetime(2026, 3, 7, 12, tzinfo=UTC)
RECORD, TASK = (f"APPROVAL#{ID}", "RECORD"), "TASK#default/replicate-0/task-0"
PROPOSAL: dict[str, Any] = {
    "kind": "FATAL_TRANSIENT",
    "action": "resume",
    "targets": [
        {"key": {"instance": "default", "server": "replicate-0", "task": name}} for name in ("task-0", "task-1")
    ],
}
RESTART = Invocation("ExecuteRestart", {"proposal": {"proposal_id": ID}}, 100.0, WHO)
RUN = Invocation("MonitorTasks", {"execution_name": "run-1"}, 100.0, WHO)
REPORT = Invocation("GenerateReport", {"run": {"execution_name": "run-1"}}, 100.0, WHO)
CONFLICT = error("TransactionConflictException", "UpdateItem")


def text(**attributes: str) -> dict[str, dict[str, str]]:
    return {name: {"S": value} for name, value in attributes.items()}


def put(partition: str, sort: str, **attributes: str) -> dict[str, Any]:
    return {"Put": {"Item": text(pk=partition, sk=sort, **attributes)}}


def update(partition: str, sort: str, **attributes: str) -> dict[str, Any]:
    names = {f"#{name}": name for name in attributes}
    return {
        "Update": {
            "Key": text(pk=partition, sk=sort),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": text(**{f":{name}": value for name, value in attributes.items()}),
        }
    }


def written(at: float, *actions: Mapping[str, Any]) -> Deed:
    return Deed(at, Asked(WHO, "transact_write_items", {"TransactItems": list(actions)}))


def published(at: float, event: str, topic: str = "t", subject: str = "") -> Deed:
    named = {
        name: {"DataType": "String", "StringValue": value} for name, value in (("event", event), ("approval_id", ID))
    }
    return Deed(at, Asked(WHO, "publish", {"TopicArn": topic, "Subject": subject, "MessageAttributes": named}))


def read(at: float, key: tuple[str, str] = RECORD) -> Deed:
    return Deed(at, Asked(WHO, "get_item", {"Key": text(pk=key[0], sk=key[1])}))


def ended(*deeds: Deed, function: str = "MonitorTasks", failure: Exception | None = None, answer: Any = None) -> Ended:
    payload = {"proposal": {"proposal_id": ID}, "execution_name": "run-1"}
    return Ended(WHO, Invocation(function, payload, 100.0, WHO), deeds, answer, failure)


def watch(**known: Any) -> Any:
    """What the promises ask of a world, as far as a test says it."""
    items: dict[tuple[str, str], Any] = known.pop("items", {})
    world = SimpleNamespace(
        journal=SimpleNamespace(
            tests=known.pop("tests", []),
            is_logged_in=known.pop("is_logged_in", {}),
            listed={(WHO, "replicate-0"): (3.0, {})},
        ),
        kernel=SimpleNamespace(now=101.0, current=None),
        functions=SimpleNamespace(begun={WHO: known.pop("begun", REPORT)}),
        dynamodb=SimpleNamespace(last_writer=WHO, read_at=known.pop("read_at", {})),
        config=SimpleNamespace(topic_arn="t", escalation_topic_arn="e"),
        readings={WHO: [Reading(100.0, NOON)]},
    )
    found: Any = SimpleNamespace(
        world=world,
        items=items,
        proposed={ID: PROPOSAL},
        opened_by={ID: WHO},
        clocks_are_right=True,
        writer=lambda: world.functions.begun[WHO],
        proposal_of=lambda _: ID,
        moved_at=known.pop("moved_at", {}),
        taken=known.pop("taken", {(TASK, ID): []}),
        awaits_endpoint_since=known.pop("awaits_endpoint_since", {}),
        snapshots=known.pop("snapshots", []),
        notified_in=lambda body: json.loads(body),
        requests_of=lambda *_: known.get("runs", []),
        requests=known.pop("requests", []),
        record=lambda proposal_id: items.get((f"APPROVAL#{proposal_id}", "RECORD")),
        task_partitions=lambda _: [TASK],
        is_tampered=lambda _: False,
        deeds=defaultdict(list, {WHO: known.pop("deeds", [])}),
        ends_told=set(),
        refused=Counter(),
        over_since=known.pop("over_since", {}),
        last=known.pop("last", {}),
    )
    found.closing_run = lambda change: Watch.closing_run(found, change)
    found.invocation = lambda process, function: Watch.invocation(found, process, function)
    return found


CLAIM = put(TASK, f"RESTART#{ID}", at="noon")
CLAIMED = {(TASK, f"RESTART#{ID}"): text(at="noon")}
LOST, SENT = (
    enterprise_manager.Sent(100.0, WHO, "run", "replicate-0", "task-0", "", is_refused=refused)
    for refused in (True, False)
)


@pytest.mark.parametrize(("sent", "is_kept"), [([], True), ([LOST], True), ([LOST, SENT], False)])
def test_a_claim_without_a_call(sent: Sequence[enterprise_manager.Sent], is_kept: bool) -> None:
    process = ended(written(1, CLAIM), function="ExecuteRestart", failure=QemUnreachable("away"))
    assert bool(closing.a_claim_without_a_call_is_given_back(watch(items=CLAIMED, requests=sent), process)) is is_kept


def reminded(since: str | None) -> dict[str, Any]:
    return update(*RECORD, reminded=json.dumps({"reasons": ["half"], "telling_since": since}))


def falling(since: str | None) -> dict[str, Any]:
    return put("FOLLOWED", ID, body=json.dumps({"telling_since": since}))


@pytest.mark.parametrize(("marked", "event"), [(reminded, "ApprovalReminder"), (falling, "RestartFellOver")])
def test_what_was_told_is_marked(marked: Callable[[str | None], dict[str, Any]], event: str) -> None:
    telling = written(1, marked("2026-03-07T12:00:00.000Z")), published(2, event)
    assert closing.what_was_told_is_marked_as_told(watch(), ended(*telling))
    assert not closing.what_was_told_is_marked_as_told(watch(), ended(*telling, written(3, marked(None))))


def test_what_another_run_marks_as_being_told_is_not_ones_own() -> None:
    put_again = written(1, falling("2026-03-07T11:59:00.000Z")), published(2, "RestartFellOver")
    assert not closing.what_was_told_is_marked_as_told(watch(), ended(*put_again))


def test_who_tells_looks_once_more() -> None:
    asking = read(1), published(2, "ApprovalRequested")
    assert closing.who_tells_that_something_waits_looks_once_more(watch(), ended(*asking))
    assert not closing.who_tells_that_something_waits_looks_once_more(watch(), ended(*asking, read(3)))


def test_an_end_is_told_as_it_is_to_all_who_were_told() -> None:
    items = {RECORD: text(status="expired", reminded='{"escalated":true}')}
    main, second = (published(2, "ApprovalClosed", topic, "qlikops: expired: erp").asked for topic in "te")
    wrong = published(2, "ApprovalClosed", "e", "qlikops: denied: erp").asked
    told = closing.what_is_told_of_an_end_is_that_end
    assert told(watch(items=items), main)
    assert told(watch(items=items), wrong)
    assert not told(watch(items=items), second)
    assert not told(watch(items=items, deeds=[Deed(1, second)]), main)


def test_an_end_is_told_before_it_is_struck_off() -> None:
    gone, known = Change(("OPEN", ID), {}, None), watch(items={RECORD: text(status="expired", requested_at="noon")})
    assert closing.an_end_is_told_before_its_entry_is_struck_off(known, gone)
    closing.what_is_told_of_an_end_is_that_end(known, published(1, "ApprovalClosed", "e", "qlikops: expired: x").asked)
    assert not closing.an_end_is_told_before_its_entry_is_struck_off(known, gone)


def test_an_outage_is_called_off_before_it_is_forgotten() -> None:
    gone = Change(("OUTAGE", "OUTAGE"), {}, None)
    assert closing.an_outage_is_called_off_before_it_is_forgotten(watch(deeds=[read(1)]), gone)
    told = watch(deeds=[published(1, "MonitoringRecovered")])
    assert not closing.an_outage_is_called_off_before_it_is_forgotten(told, gone)


def test_a_dropped_question_holds_no_task() -> None:
    dropped = ended(written(1, update(*RECORD, status="superseded")))
    held = {(TASK, "LEASE"): text(proposal_id=ID)}
    assert closing.a_question_that_is_dropped_holds_no_task(watch(items=held), dropped)
    taken_anew = watch(items=held, taken={(TASK, ID): [(0.5, 0.5), (2.0, 2.0)]})
    assert not closing.a_question_that_is_dropped_holds_no_task(taken_anew, dropped)
    assert not closing.a_question_that_is_dropped_holds_no_task(watch(), dropped)


@pytest.mark.parametrize(("said", "kept"), [("ORA-01017", ["at", "body"]), ("ORA-12541", ["body"])])
def test_what_a_test_came_to_is_kept(said: str, kept: Sequence[str]) -> None:
    tested = watch(tests=[enterprise_manager.Tested(1.0, WHO, "replicate-0", "ORA-0", answer="ERROR", said=said)])
    updates = [update("ENDPOINT#default/replicate-0/ORA-0", "PROBE#00", **{name: "x"}) for name in kept]
    assert closing.what_a_test_came_to_is_kept(tested, ended(written(2, *updates[:-1])))
    assert not closing.what_a_test_came_to_is_kept(tested, ended(written(2, *updates)))


@pytest.mark.parametrize("is_left", [True, False])
def test_who_logs_in_logs_out(is_left: bool) -> None:
    assert bool(closing.who_logs_in_logs_out(watch(is_logged_in={WHO: is_left}), ended())) is is_left


@pytest.mark.parametrize(("function", "said"), [("RecordOutcome", "denied"), ("ExecuteRestart", "restarted")])
def test_what_a_function_answers(function: str, said: str) -> None:
    known = watch(items={RECORD: text(status="denied", outcome='{"status":"restarted"}')})
    right, wrong = (ended(function=function, answer={"status": each}) for each in (said, "expired"))
    assert not closing.what_a_function_answers_is_in_the_ledger(known, right)
    assert closing.what_a_function_answers_is_in_the_ledger(known, wrong)


def test_what_is_refused_for_now_is_asked_again() -> None:
    asked = Asked("anna", "update_item", {"ClientRequestToken": "1"})
    refused = watch(last={None: Deed(100.0, asked, CONFLICT)})
    assert not again.what_is_refused_for_now_is_asked_again_as_it_was(refused, asked)
    other = Asked("anna", "update_item", {"ClientRequestToken": "2"})
    assert again.what_is_refused_for_now_is_asked_again_as_it_was(watch(last=refused.last), other)


@pytest.mark.parametrize(("times", "is_given_up"), [(1, True), (3, False)])
def test_nobody_gives_up_what_is_refused_for_now(times: int, is_given_up: bool) -> None:
    deeds = [Deed(1, Asked(WHO, "query", {}), CONFLICT) for _ in range(times)]
    assert bool(again.nobody_gives_up_what_is_refused_for_now(watch(), ended(*deeds, failure=CONFLICT))) is is_given_up


def test_no_client_repeats_what_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    run = enterprise_manager.Sent(1.0, WHO, "run", "s", "t", "", is_sent_on=True)
    test = enterprise_manager.Tested(1.0, WHO, "s", "e", is_sent_on=True)
    assert again.no_client_repeats_a_call(watch(), run)
    assert again.no_client_repeats_a_test(watch(), test)
    decision = Asked("anna", "send_task_success", {})
    assert not again.no_client_repeats_a_decision(watch(), decision)
    monkeypatch.setattr(again, "_attempts_of_a_decision", lambda: 2)
    assert again.no_client_repeats_a_decision(watch(), decision)


@pytest.mark.parametrize(
    ("over_since", "is_again"), [({}, False), ({"RUN#run-1": 101.0}, False), ({"RUN#run-1": 99.0}, True)]
)
def test_a_run_that_is_over_is_not_counted_again(over_since: Mapping[str, float], is_again: bool) -> None:
    asked = Asked(WHO, "put_metric_data", {})
    assert bool(again.a_run_that_is_over_is_not_counted_again(watch(over_since=over_since), asked)) is is_again


@pytest.mark.parametrize(
    ("since", "deeds", "is_wrong"), [(99.0, [], True), (101.0, [], False), (99.0, ["waits"], False)]
)
def test_what_is_started_is_waited_for_no_more(since: float, deeds: Sequence[str], is_wrong: bool) -> None:
    names = {f"#{name}": name for name in deeds}
    unsaid = {"Key": text(pk=RECORD[0], sk=RECORD[1]), "UpdateExpression": f"REMOVE {', '.join(names)}"}
    known = watch(
        items={RECORD: text(waits="{}")},
        begun=RESTART,
        awaits_endpoint_since={ID: since},
        deeds=[written(1, {"Update": {**unsaid, "ExpressionAttributeNames": names}})] if deeds else [],
    )
    assert bool(closing.what_is_started_is_waited_for_no_more(known, SENT)) is is_wrong


@pytest.mark.parametrize(("taken", "is_wrong"), [("1970-01-01T00:00:50Z", True), ("1970-01-01T00:01:41Z", False)])
def test_who_goes_on_holds_its_tasks_anew(taken: str, is_wrong: bool) -> None:
    known = watch(items={(TASK, "LEASE"): text(at=taken)}, begun=RESTART, moved_at={ID: 10.0})
    assert bool(closing.who_goes_on_with_a_restart_holds_its_tasks_anew(known, SENT)) is is_wrong


@pytest.mark.parametrize("is_held", [True, False])
def test_what_was_left_out_is_free(is_held: bool) -> None:
    record = text(decision=json.dumps({"approved": True, "tasks": ["task-1"]}))
    lease = {(TASK, "LEASE"): text(proposal_id=ID)} if is_held else {}
    claim = Change(("TASK#default/replicate-0/task-1", f"RESTART#{ID}"), None, text(at="noon"))
    known = watch(items={RECORD: record, **lease}, begun=RESTART)
    assert bool(closing.what_was_left_out_is_free_before_a_task_is_started(known, claim)) is is_held


@pytest.mark.parametrize(("counted", "is_wrong"), [(1.0, False), (3.0, True)])
def test_starts_are_counted_before_the_claims_are_read(counted: float, is_wrong: bool) -> None:
    outcome = json.dumps({"status": "not_tried", "targets": [{"key": PROPOSAL["targets"][0]["key"]}]})
    before = text(status="restarting")
    known = watch(begun=RESTART, read_at={(WHO, RECORD): counted, (WHO, (TASK, f"RESTART#{ID}")): 2.0})
    result = Change(RECORD, before, {**before, **text(outcome=outcome)})
    assert bool(closing.starts_are_counted_before_the_claims_are_read(known, result)) is is_wrong


@pytest.mark.parametrize(
    ("run_call", "is_answered", "up_at", "is_wrong"),
    [
        ("taken", False, "x", True),
        ("uncertain", True, "x", True),
        ("taken", True, None, True),
        ("taken", True, "x", False),
    ],
)
def test_what_a_task_came_to(run_call: str, is_answered: bool, up_at: str | None, is_wrong: bool) -> None:
    run = enterprise_manager.Sent(1.0, WHO, "run", "replicate-0", "task-0", "", is_answered=is_answered)
    result = json.dumps({"status": "restarted", "run_call": run_call, "up_at": up_at})
    change = Change((TASK, f"RESTART#{ID}"), {}, text(outcome=result))
    known = watch(begun=RESTART, runs=[run])
    assert bool(closing.what_a_task_came_to_is_what_the_sender_knows(known, change)) is is_wrong


def test_an_outage_was_heard_of_once_the_topic_has_taken_it() -> None:
    heard, failed = Change(("OUTAGE", "OUTAGE"), None, text(at="noon")), published(1, "MonitoringFailed")
    failed.error = CONFLICT
    holds = closing.an_outage_was_heard_of_once_the_topic_has_taken_it
    assert holds(watch(deeds=[failed]), heard)
    assert not holds(watch(deeds=[published(1, "MonitoringFailed")]), heard)


def test_what_is_remembered_as_told_was_told() -> None:
    told = json.dumps([{"key": {}, "kind": "STALLED", "heard": True}])
    kept = Asked(WHO, "put_object", {"Key": "snapshots/latest.json", "Body": told})
    assert closing.what_is_remembered_as_told_was_told(watch(), kept)
    assert not closing.what_is_remembered_as_told_was_told(watch(deeds=[published(1, "FindingOpened")]), kept)
    assert not closing.what_is_remembered_as_told_was_told(
        watch(snapshots=[Remembered(1.0, told.encode(), "MonitorTasks#0")]), kept
    )


@pytest.mark.parametrize(("at", "is_wrong"), [(2.0, True), (4.0, False)])
def test_what_was_told_by_now_is_read_before_more_is_told(at: float, is_wrong: bool) -> None:
    known = watch(deeds=[Deed(at, Asked(WHO, "get_object", {"Key": "snapshots/latest.json"}))])
    found = published(5, "FindingOpened").asked
    assert bool(closing.what_was_told_by_now_is_read_before_more_is_told(known, found)) is is_wrong


@pytest.mark.parametrize("said", [0, 1])
def test_a_summary_counts_what_its_run_has_proposed(said: int) -> None:
    summary = Change(("RUN#run-1", "SUMMARY"), None, text(body=json.dumps({"proposals": said})))
    known = watch(items={("RUN#run-1", f"PROPOSAL#{ID}"): {}}, begun=RUN)
    assert bool(closing.a_summary_counts_what_its_run_has_proposed(known, summary)) is (said == 0)


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_a_run_closes_for_another_is_in_its_report(is_kept: bool) -> None:
    closed = Change(RECORD, text(status="waiting"), text(status="abandoned"))
    known = watch(items={("RUN#run-1", f"ABANDONED#{ID}"): {}} if is_kept else {}, begun=RUN)
    assert bool(closing.what_a_run_closes_for_another_is_in_its_report(known, closed)) is not is_kept


@pytest.mark.parametrize(
    ("said", "is_wrong"), [({}, False), ({"came_to": ""}, True), ({"by": ""}, True), ({"at": "x"}, True)]
)
def test_a_line_of_history_says_what_the_record_says(said: Mapping[str, str], is_wrong: bool) -> None:
    decision = {"approved": True, "by": "role/anna", "reason": "why"}
    task = {"key": PROPOSAL["targets"][0]["key"], "status": "failed", "run_call": "refused", "stopped": False}
    record = text(
        outcome=json.dumps({"at": "noon", "decision": decision, "targets": [task]}), decision=json.dumps(decision)
    )
    line = {
        "approval_id": ID,
        "kind": "FATAL_TRANSIENT",
        "action": "resume",
        "at": "noon",
        "by": "anna",
        "reason": "why",
        "snooze_seconds": 0,
        "came_to": "start refused",
    }
    items = {RECORD: record, (TASK, f"HISTORY#noon#{ID}"): text(body=json.dumps({**line, **said}))}
    assert bool(list(closing.a_line_of_history_says_what_the_record_says(watch(items=items)))) is is_wrong
