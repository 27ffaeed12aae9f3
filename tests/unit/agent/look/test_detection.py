from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.config import LogRetention, Thresholds
from qlikops.agent.diagnosis.evidence import Label
from qlikops.agent.look.detection import (
    CLOCK_SKEW_SECONDS,
    contradicts_itself,
    detect,
    is_from_the_future,
    may_have_been_restarted,
)
from qlikops.agent.tell.trend import changes
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind, Severity
from qlikops.domain.fleet.diagnosis import FailureClass
from qlikops.domain.fleet.task import (
    Fetched,
    ServerFacts,
    ServerHealth,
    ServerState,
    StopReason,
    TaskFacts,
    TaskKey,
    TaskState,
)
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.report import Changes, Sighting
from qlikops.domain.runs.snapshot import FleetSnapshot, Notified, Sample, TaskProgress, TaskSnapshot
from qlikops.qlik.reader import NOT_READ_IN_TIME
from tests.cases import for_all
from tests.unit.agent.fleet import (
    CONFIG,
    CONNECTION_LOST,
    HEALTHY,
    NOW,
    POSITION_LOST,
    SERVER,
    UNMATCHED,
    after,
    anomaly_of,
    failed,
    kinds,
    only_task,
    plan,
    poll,
    poll_twice,
    stopped,
    task,
)

DOWN = ServerFacts("default", "eu-1", ServerState.ERROR, message="no route", error_code="AEM_SERVER_NOT_CONNECTED")


def test_a_healthy_task_has_nothing() -> None:
    assert kinds(poll_twice(task())) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": TaskState.STOPPED, "stop_reason": StopReason.NORMAL}, [AnomalyKind.USER_STOPPED]),
        (
            {"state": TaskState.STOPPED, "stop_reason": StopReason.FULL_LOAD_ONLY_FINISHED},
            [AnomalyKind.PLANNED_STOP],
        ),
        ({"state": TaskState.STOPPED, "stop_reason": StopReason.STOPPED_AFTER_DDL_APPLY}, [AnomalyKind.PLANNED_STOP]),
        (
            {
                "state": TaskState.STOPPED,
                "stop_reason": StopReason.UNKNOWN,
                "raw_stop_reason": "STOPPED_AFTER_SOMETHING_NEW",
            },
            [AnomalyKind.PLANNED_STOP],
        ),
        ({"state": TaskState.STOPPED, "stop_reason": StopReason.NONE}, [AnomalyKind.NOT_RUNNING]),
        ({"state": TaskState.STOPPED, "stop_reason": StopReason.UNKNOWN}, [AnomalyKind.NOT_RUNNING]),
        ({"state": TaskState.UNKNOWN, "stop_reason": StopReason.FATAL_ERROR}, [AnomalyKind.NOT_RUNNING]),
        (
            {"state": TaskState.STOPPED, "stop_reason": StopReason.UNKNOWN, "raw_stop_reason": "Stopped-after x"},
            [AnomalyKind.PLANNED_STOP],
        ),
        ({"state": TaskState.STOPPED, "stop_reason": StopReason.STOPPED_LOW_MEMORY}, [AnomalyKind.RESOURCE_STOP]),
        ({"state": TaskState.ERROR, "stop_reason": StopReason.STOPPED_LOW_DISK_SPACE}, [AnomalyKind.RESOURCE_STOP]),
        (
            {"state": TaskState.STOPPED, "stop_reason": StopReason.EXPRESS_LICENSE_LIMITS_REACHED},
            [AnomalyKind.RESOURCE_STOP],
        ),
        ({"tables_with_error": 2}, [AnomalyKind.TABLE_ERROR]),
        ({"memory_mb": None}, []),
        ({"state": TaskState.UNKNOWN, "raw_state": "STARTING"}, [AnomalyKind.NOT_RUNNING]),
    ],
)
def test_signals_that_one_poll_shows(changes: dict[str, Any], expected: list[AnomalyKind]) -> None:
    snapshot = poll(task(**changes))
    assert kinds(snapshot) == expected, "NOT_RUNNING beside another kind: _not_running in detectors.py knows no reason"
    assert all(anomaly.confirmed for anomaly in only_task(snapshot).anomalies)


@for_all(TaskState, StopReason)
def test_nothing_stands_still_without_a_finding(state: TaskState, stop_reason: StopReason) -> None:
    snapshot = poll(task(state=state, stop_reason=stop_reason))
    is_retried = state is TaskState.RECOVERY or stop_reason is StopReason.RECOVERABLE_ERROR
    assert kinds(snapshot) or state is TaskState.RUNNING or is_retried
    if AnomalyKind.NOT_RUNNING in kinds(snapshot):
        assert kinds(snapshot) == [AnomalyKind.NOT_RUNNING]
        assert anomaly_of(snapshot, AnomalyKind.NOT_RUNNING).severity is Severity.WARNING


def test_what_stands_still_for_an_unknown_reason_is_shown_in_the_words_of_enterprise_manager() -> None:
    snapshot = poll(task(state=TaskState.STOPPED, stop_reason=StopReason.UNKNOWN, raw_stop_reason="SOLAR_FLARE"))
    assert "STOPPED (SOLAR_FLARE)" in anomaly_of(snapshot, AnomalyKind.NOT_RUNNING).summary


@pytest.mark.parametrize("changes", [{}, {"full_load_completed": False}, {"tables_loading": 1}, {"tables_queued": 3}])
@pytest.mark.parametrize("beside", ["", "; ORA-03113: end-of-file on communication channel"])
def test_a_snapshot_that_is_too_old_is_no_lost_log(changes: dict[str, Any], beside: str) -> None:
    message = f'ORA-01555: snapshot too old: rollback segment number 13 with name "_SYSSMU13$" too small{beside}'
    assert kinds(poll(failed(message=message, **changes))) == [AnomalyKind.FATAL_UNKNOWN]


@pytest.mark.parametrize("telling", [POSITION_LOST, "ORA-28000: the account is locked"])
def test_evidence_quotes_what_the_judgement_rests_on_however_far_down_it_stands(telling: str) -> None:
    snapshot = poll(failed(message=f"{CONNECTION_LOST}; {'on and on ' * 900}{telling} {'and on ' * 900}"))
    (anomaly,) = only_task(snapshot).anomalies
    assert anomaly.kind is not AnomalyKind.FATAL_TRANSIENT
    values = {item.label: item.value for item in anomaly.evidence}
    assert telling[:9] in values["message"]
    assert telling[:9] in values["message recognised as"]
    assert values["message"].endswith("…")


@pytest.mark.parametrize(
    ("message", "stop_reason", "state", "expected"),
    [
        (CONNECTION_LOST, StopReason.FATAL_ERROR, TaskState.ERROR, AnomalyKind.FATAL_TRANSIENT),
        (CONNECTION_LOST, StopReason.FATAL_ERROR, TaskState.STOPPED, AnomalyKind.FATAL_TRANSIENT),
        (CONNECTION_LOST, StopReason.UNKNOWN, TaskState.ERROR, AnomalyKind.FATAL_UNKNOWN),
        (UNMATCHED, StopReason.FATAL_ERROR, TaskState.ERROR, AnomalyKind.FATAL_UNKNOWN),
        ("", StopReason.NONE, TaskState.ERROR, AnomalyKind.FATAL_UNKNOWN),
        ("ORA-01017: invalid username/password", StopReason.FATAL_ERROR, TaskState.ERROR, AnomalyKind.FATAL_UNKNOWN),
        (POSITION_LOST, StopReason.FATAL_ERROR, TaskState.ERROR, AnomalyKind.POSITION_LOST),
        (POSITION_LOST, StopReason.NONE, TaskState.ERROR, AnomalyKind.POSITION_LOST),
        (f"{CONNECTION_LOST}; {POSITION_LOST}", StopReason.FATAL_ERROR, TaskState.ERROR, AnomalyKind.POSITION_LOST),
    ],
)
def test_a_failed_task_has_exactly_one_kind_of_failure(
    message: str, stop_reason: StopReason, state: TaskState, expected: AnomalyKind
) -> None:
    snapshot = poll(failed(message=message, stop_reason=stop_reason, state=state))
    assert kinds(snapshot) == [expected]
    assert anomaly_of(snapshot, expected).severity is Severity.CRITICAL


@pytest.mark.parametrize(("seconds", "confirmed"), [(1, False), (29.9, False), (30, True), (300, True)])
def test_a_lost_connection_needs_two_polls_apart(seconds: float, confirmed: bool) -> None:
    first = poll(failed())
    assert not anomaly_of(first, AnomalyKind.FATAL_TRANSIENT).confirmed
    second = anomaly_of(poll(failed(), previous=first, at=seconds), AnomalyKind.FATAL_TRANSIENT)
    assert (second.confirmed, second.polls) == (confirmed, 1 + confirmed)
    assert second.first_seen == NOW


def test_polls_closer_than_the_spacing_still_add_up() -> None:
    snapshot = poll(failed())
    for at in (10, 20, 30):
        snapshot = poll(failed(), previous=snapshot, at=at)
    assert anomaly_of(snapshot, AnomalyKind.FATAL_TRANSIENT).polls == 2


def test_a_fault_first_seen_by_a_doubled_poll_waits_its_own_spacing() -> None:
    snapshot = poll(failed(), previous=poll(task()), at=29)
    snapshot = poll(failed(), previous=snapshot, at=30)
    assert not anomaly_of(snapshot, AnomalyKind.FATAL_TRANSIENT).confirmed
    snapshot = poll(failed(), previous=snapshot, at=60)
    assert anomaly_of(snapshot, AnomalyKind.FATAL_TRANSIENT).confirmed


def test_a_break_starts_the_count_again() -> None:
    broken = poll_twice(failed())
    healed = poll(task(), previous=broken, at=120)
    again = anomaly_of(poll(failed(), previous=healed, at=180), AnomalyKind.FATAL_TRANSIENT)
    assert (again.polls, again.first_seen, again.confirmed) == (1, after(180), False)


def test_no_previous_snapshot_and_one_from_the_future_are_the_same() -> None:
    ahead = poll(failed(), at=3600)
    assert poll(failed(), previous=ahead) == poll(failed())


@pytest.mark.parametrize(
    "facts",
    [
        task(state=TaskState.RECOVERY),
        task(state=TaskState.ERROR, stop_reason=StopReason.RECOVERABLE_ERROR, message=CONNECTION_LOST),
    ],
)
def test_recovering_is_told_only_when_it_takes_long(facts: Any) -> None:
    snapshot = poll(facts)
    assert kinds(snapshot) == []
    assert kinds(poll(facts, previous=snapshot, at=900)) == []
    late = poll(facts, previous=snapshot, at=901)
    assert kinds(late) == [AnomalyKind.RECOVERING_LONG]
    assert anomaly_of(late, AnomalyKind.RECOVERING_LONG).first_seen == NOW


@pytest.mark.parametrize(
    ("changes", "kind", "severity"),
    [
        ({"source_latency_seconds": 300, "total_latency_seconds": 310}, AnomalyKind.SOURCE_LATENCY, Severity.WARNING),
        ({"source_latency_seconds": 900, "total_latency_seconds": 910}, AnomalyKind.SOURCE_LATENCY, Severity.CRITICAL),
        ({"source_latency_seconds": 5, "total_latency_seconds": 605}, AnomalyKind.TARGET_LATENCY, Severity.WARNING),
        ({"source_latency_seconds": 5, "total_latency_seconds": 1805}, AnomalyKind.TARGET_LATENCY, Severity.CRITICAL),
    ],
)
def test_latency_needs_three_polls(changes: dict[str, Any], kind: AnomalyKind, severity: Severity) -> None:
    slow = task(**changes)
    snapshot: FleetSnapshot | None = None
    confirmed = []
    for at in (0, 60, 120):
        snapshot = poll(slow, previous=snapshot, at=at)
        assert kinds(snapshot) == [kind]
        confirmed.append(anomaly_of(snapshot, kind).confirmed)
    assert snapshot is not None
    assert confirmed == [False, False, True]
    assert anomaly_of(snapshot, kind).severity is severity


def test_latency_below_the_limit_or_unknown_is_none() -> None:
    assert kinds(poll(task(source_latency_seconds=299, total_latency_seconds=898))) == []
    assert kinds(poll(task(source_latency_seconds=None, total_latency_seconds=5000))) == []


def test_stalled_is_a_backlog_with_counters_that_stand_still() -> None:
    waiting = task(changes_in_memory=50)
    first = poll(waiting)
    assert kinds(poll(waiting, previous=first, at=1799)) == []
    stalled = poll(waiting, previous=first, at=1800)
    assert kinds(stalled) == [AnomalyKind.STALLED]
    assert "30m00s with 50 changes waiting" in anomaly_of(stalled, AnomalyKind.STALLED).summary
    assert kinds(poll(replace(waiting, applied_records=1001), previous=stalled, at=1860)) == []


def test_an_idle_hour_before_the_backlog_does_not_count_as_stalled() -> None:
    idle = poll(task(), previous=poll(task()), at=3600)
    waiting = task(changes_on_disk=50)
    first = poll(waiting, previous=idle, at=3660)
    assert AnomalyKind.STALLED not in kinds(first)
    assert AnomalyKind.STALLED not in kinds(poll(waiting, previous=first, at=5000))


@pytest.mark.parametrize("changes", [{"tables_loading": 1}, {"tables_queued": 3}, {"applied_records": None}])
def test_a_full_load_or_an_unknown_counter_is_not_stalled(changes: dict[str, Any]) -> None:
    waiting = task(changes_in_memory=50, **changes)
    assert kinds(poll(waiting, previous=poll(waiting), at=7200)) == []


@pytest.mark.parametrize(
    ("count", "expected"), [(10, None), (11, Severity.WARNING), (50, Severity.WARNING), (51, Severity.CRITICAL)]
)
def test_data_errors_are_counted_between_polls(count: int, expected: Severity | None) -> None:
    snapshot = poll(task(data_error_count=count), previous=poll(task()), at=60)
    assert kinds(snapshot) == ([AnomalyKind.DATA_ERRORS] if expected else [])
    assert expected is None or anomaly_of(snapshot, AnomalyKind.DATA_ERRORS).severity is expected


def test_a_doubled_poll_neither_hides_nor_repeats_data_errors() -> None:
    second = poll(task(data_error_count=60), previous=poll(task()), at=60)
    doubled = poll(task(data_error_count=60), previous=second, at=61)
    assert anomaly_of(doubled, AnomalyKind.DATA_ERRORS) == anomaly_of(second, AnomalyKind.DATA_ERRORS)
    assert kinds(poll(task(data_error_count=60), previous=doubled, at=120)) == []


def test_a_counter_that_fell_back_to_zero_is_no_error() -> None:
    before = poll(task(data_error_count=500))
    assert kinds(poll(task(data_error_count=0), previous=before, at=60)) == []


def test_disk_spill_rises_on_three_polls() -> None:
    snapshot = poll(task(changes_on_disk=0))
    confirmed = []
    for at, count in ((60, 10), (61, 10), (120, 20), (180, 30)):
        snapshot = poll(task(changes_on_disk=count, applied_records=1000 + at), previous=snapshot, at=at)
        confirmed.append(anomaly_of(snapshot, AnomalyKind.DISK_SPILL).confirmed)
    assert confirmed == [False, False, False, True]
    assert kinds(poll(task(changes_on_disk=30, applied_records=1), previous=snapshot, at=240)) == []


def test_a_process_that_is_not_there_for_over_a_minute() -> None:
    ghost = task(memory_mb=0)
    first = poll(ghost)
    assert kinds(first) == []
    assert kinds(poll(ghost, previous=first, at=60)) == []
    assert kinds(poll(ghost, previous=first, at=61)) == [AnomalyKind.PROCESS_MISMATCH]


@pytest.mark.parametrize(("restarts", "expected"), [(2, []), (3, [AnomalyKind.FLAPPING])])
def test_flapping(restarts: int, expected: list[AnomalyKind]) -> None:
    assert kinds(poll(task(), restarts={task().key: restarts})) == expected


def test_a_running_task_that_keeps_falling_over_is_flapping_whoever_restarts_it() -> None:
    snapshot: FleetSnapshot | None = None
    for at in range(0, 1500, 300):
        snapshot = poll(task() if at % 600 else failed(message=UNMATCHED), previous=snapshot, at=at)
        assert AnomalyKind.FLAPPING not in kinds(snapshot)
    snapshot = poll(task(), previous=snapshot, at=1500)
    assert kinds(snapshot) == [AnomalyKind.FLAPPING]
    assert "3 times" in anomaly_of(snapshot, AnomalyKind.FLAPPING).summary
    assert kinds(poll(task(), previous=snapshot, at=3900)) == [AnomalyKind.FLAPPING]
    assert kinds(poll(task(), previous=snapshot, at=3901)) == []


@pytest.mark.parametrize("reason", [StopReason.NORMAL, StopReason.FULL_LOAD_ONLY_FINISHED])
def test_a_task_that_is_stopped_and_started_on_purpose_does_not_flap(reason: StopReason) -> None:
    snapshot: FleetSnapshot | None = None
    for at in range(0, 3600, 300):
        facts = task() if at % 600 else task(state=TaskState.STOPPED, stop_reason=reason)
        snapshot = poll(facts, previous=snapshot, at=at)
        assert AnomalyKind.FLAPPING not in kinds(snapshot)


def test_restarts_are_read_only_where_there_can_be_any() -> None:
    facts = [task("running"), failed("failed"), task("retried", state=TaskState.RECOVERY)]
    stopped = task("stopped", state=TaskState.STOPPED, stop_reason=StopReason.NORMAL)
    held, was_held, long_ago = task("held"), task("was-held"), task("held-long-ago")
    everything = [*facts, stopped, held, was_held, long_ago]

    def names(previous: FleetSnapshot | None) -> list[str]:
        return [key.task for key in may_have_been_restarted(everything, previous, after(3600))]

    def remembered(facts: TaskFacts, at: float, proposal_id: str = "") -> TaskSnapshot:
        return TaskSnapshot(facts, TaskProgress(held_at=after(at)), proposal_id=proposal_id)

    assert names(None) == ["failed", "retried"]
    tasks = (remembered(held, -9999, "abc"), remembered(was_held, 0), remembered(long_ago, -1))
    assert names(replace(poll(), tasks=tasks)) == ["failed", "retried", "held", "was-held"]


def test_a_clock_that_is_seconds_behind_forgets_nothing_and_counts_nothing_twice() -> None:
    ahead = poll_twice(failed())
    behind = poll(failed(), previous=ahead, at=30)
    assert anomaly_of(behind, AnomalyKind.FATAL_TRANSIENT).polls == 2
    assert anomaly_of(behind, AnomalyKind.FATAL_TRANSIENT).first_seen == NOW


def test_a_server_down_is_one_anomaly_and_its_tasks_none() -> None:
    other_server = ServerFacts("default", "eu-2", ServerState.MONITORED)
    before = poll_twice(failed("a"), failed("b"), task("c", server="eu-2", tables_with_error=1))
    snapshot = poll(
        failed("a"),
        task("c", server="eu-2", tables_with_error=1),
        previous=before,
        at=120,
        servers=[other_server, DOWN],
    )
    (down,) = snapshot.server_anomalies
    assert (down.kind, str(down.key), down.confirmed) == (AnomalyKind.SERVER_DOWN, "eu-1", True)
    assert "AEM_SERVER_NOT_CONNECTED" in {word for item in down.evidence for word in item.value.strip(")").split("(")}
    by_name = {each.facts.key.task: each for each in snapshot.tasks}
    assert by_name["a"].anomalies == ()
    assert by_name["c"].anomalies
    # Not listed, so nothing is known of it, but it hasn't vanished and its memory outlasts the outage.
    assert (by_name["b"].facts.state, by_name["b"].anomalies) == (TaskState.UNKNOWN, ())
    assert by_name["b"].facts.source_endpoint == "ORA-PROD"
    back = poll(failed("b"), previous=snapshot, at=180)
    assert anomaly_of(back, AnomalyKind.FATAL_TRANSIENT).first_seen == NOW


def fetched(seconds: float) -> Fetched:
    return Fetched(after(seconds), after(seconds))


def test_a_state_that_is_not_fetched_any_more_is_found_once_it_is_old() -> None:
    still = replace(SERVER, fetched=fetched(-5))
    snapshot = poll(task(), servers=[still])
    for at, found in ((300, []), (594, []), (595, [AnomalyKind.SERVER_STATE_OLD])):
        snapshot = poll(task(), servers=[still], previous=snapshot, at=at)
        assert [anomaly.kind for anomaly in snapshot.server_anomalies] == found
    (anomaly,) = snapshot.server_anomalies
    assert "10m00s ago, limit 10m00s" in anomaly.summary
    assert (anomaly.severity, anomaly.confirmed) == (Severity.WARNING, True)
    patient = replace(CONFIG, server_thresholds={"eu-1": {"server_state_seconds": 1200}})
    assert not poll(task(), servers=[still], previous=snapshot, at=900, config=patient).server_anomalies
    again = poll(task(), servers=[replace(SERVER, fetched=fetched(895))], previous=snapshot, at=900)
    assert not again.server_anomalies


def test_a_task_is_not_stalled_by_what_was_not_fetched() -> None:
    waiting = task(changes_in_memory=50)
    snapshot = poll(waiting, servers=[replace(SERVER, fetched=fetched(0))])
    for at, found in ((1799, []), (1800, [AnomalyKind.STALLED])):
        fresh = poll(waiting, servers=[replace(SERVER, fetched=fetched(at))], previous=snapshot, at=at)
        assert kinds(fresh) == found
    snapshot = poll(waiting, servers=[replace(SERVER, fetched=fetched(1799))], previous=snapshot, at=1799)
    assert kinds(poll(waiting, servers=[replace(SERVER, fetched=fetched(1799))], previous=snapshot, at=9000)) == []


@pytest.mark.parametrize(
    "server", [SERVER, replace(DOWN, fetched=fetched(-9000)), replace(SERVER, state=ServerState.NOT_MONITORED)]
)
def test_a_state_of_unknown_age_is_as_before_and_a_server_that_is_down_or_not_monitored_has_one_finding_less(
    server: ServerFacts,
) -> None:
    kinds = {anomaly.kind for anomaly in poll(task(), servers=[server]).server_anomalies}
    assert AnomalyKind.SERVER_STATE_OLD not in kinds


@pytest.mark.parametrize(
    ("health", "found"),
    [
        (ServerHealth(31, "VALID_LICENSE", 9000, 9000), {}),
        (ServerHealth(30, "VALID_LICENSE"), {AnomalyKind.LICENSE_EXPIRING: Severity.WARNING}),
        (ServerHealth(7, "LICENSE_VALID"), {AnomalyKind.LICENSE_EXPIRING: Severity.CRITICAL}),
        (ServerHealth(0, "VALID_LICENSE"), {AnomalyKind.LICENSE_EXPIRING: Severity.CRITICAL}),
        (ServerHealth(-3, "EXPIRED_LICENSE"), {AnomalyKind.LICENSE_EXPIRING: Severity.CRITICAL}),
        (ServerHealth(-1, "VALID_LICENSE"), {}),
        (ServerHealth(), {}),
        (ServerHealth(refused=True), {}),
        (ServerHealth(disk_usage_mb=9001), {AnomalyKind.SERVER_DISK: Severity.WARNING}),
        (ServerHealth(memory_mb=9001), {AnomalyKind.SERVER_MEMORY: Severity.WARNING}),
    ],
)
def test_what_a_server_has_left_and_uses(health: ServerHealth, found: dict[AnomalyKind, Severity]) -> None:
    limits = {"server_disk_mb": 9001, "server_memory_mb": 9001}
    servers, config = [replace(SERVER, health=health)], replace(CONFIG, server_thresholds={"eu-1": limits})
    snapshot = poll(task(), servers=servers, config=config)
    assert {anomaly.kind: anomaly.severity for anomaly in snapshot.server_anomalies} == found
    by_default = poll(task(), servers=servers)
    assert not {AnomalyKind.SERVER_DISK, AnomalyKind.SERVER_MEMORY} & {each.kind for each in by_default.anomalies}
    remembered = poll(task(), previous=snapshot, at=300, config=config)
    assert {anomaly.kind: anomaly.severity for anomaly in remembered.server_anomalies} == found


def test_a_server_down_remembers_since_when() -> None:
    first = poll(servers=[DOWN])
    second = poll(servers=[DOWN], previous=first, at=300)
    (down,) = poll(servers=[DOWN], previous=second, at=301).server_anomalies
    assert (down.first_seen, down.polls) == (NOW, 2)


def test_an_enterprise_manager_that_is_gone_hides_all_its_servers_tasks() -> None:
    gone = ServerFacts("default", "default", ServerState.ERROR, error_code="QEM_UNREADABLE")
    snapshot = poll(previous=poll(task()), at=60, servers=[gone])
    assert only_task(snapshot).facts.state is TaskState.UNKNOWN


@pytest.mark.parametrize("state", [ServerState.NOT_MONITORED, ServerState.UNKNOWN])
def test_a_server_that_is_not_monitored_is_not_down(state: ServerState) -> None:
    assert poll(servers=[replace(SERVER, state=state)]).server_anomalies == ()


def test_a_task_that_was_deleted_is_forgotten() -> None:
    assert poll(previous=poll(task()), at=60).tasks == ()


def test_evidence_is_numbered_quoted_harmlessly_and_capped() -> None:
    anomaly = anomaly_of(poll(failed(message="ORA-12541 \x1b[31mred\x1b[0m " + "x" * 5000)), AnomalyKind.FATAL_UNKNOWN)
    assert [item.id for item in anomaly.evidence] == [f"e{n}" for n in range(1, len(anomaly.evidence) + 1)]
    values = {item.label: item.value for item in anomaly.evidence}
    assert values["state"] == "ERROR (FATAL_ERROR)"
    assert values["message"].startswith("ORA-12541 red xxx")
    assert len(values["message"]) <= 400
    assert values["message recognised as"].startswith("nothing known: a connection failed, but it also says “")
    assert values["full load"] == "complete"
    assert values["source endpoint"] == "ORA-PROD (Oracle)"
    assert values["latency"] == "source 3s, total 9s"
    assert values["seen"] == "1 poll, first 2026-03-07 03:12:00 UTC"


def test_samples_are_kept_once_a_poll_and_no_more_than_the_cap() -> None:
    snapshot = poll(task())
    for at in (1, *range(60, 70 * 60, 60)):
        snapshot = poll(task(), previous=snapshot, at=at)
    samples = only_task(snapshot).memory.samples
    assert len(samples) == 60
    assert samples[-1].at == after(69 * 60)


def test_thresholds_come_from_the_configuration() -> None:
    quick = replace(CONFIG, thresholds=Thresholds(confirm_polls=1, recovering_seconds=0))
    assert anomaly_of(poll(failed(), config=quick), AnomalyKind.FATAL_TRANSIENT).confirmed
    first = poll(task(state=TaskState.RECOVERY), config=quick)
    assert kinds(first) == [AnomalyKind.RECOVERING_LONG]


def test_a_snapshot_survives_storage() -> None:
    snapshot = poll_twice(failed("a"), task("b"), task("c", state=TaskState.STOPPED, stop_reason=StopReason.NORMAL))
    assert codec.loads(FleetSnapshot, codec.dumps(snapshot)) == snapshot


def test_a_poll_of_five_thousand_tasks_is_in_the_order_of_their_keys() -> None:
    snapshot = poll(*(task(f"t{number:04}") for number in reversed(range(5000))))
    assert [each.facts.key.task for each in snapshot.tasks] == [f"t{number:04}" for number in range(5000)]


LATE = replace(SERVER, error_code=NOT_READ_IN_TIME, message="1 of its 2 tasks were not read in time")


def test_what_was_not_read_in_time_keeps_its_memory_and_is_a_finding_of_its_server() -> None:
    broken, well = failed("orders"), task("customers", source_latency_seconds=400)
    first = poll(broken, well)
    late = detect([LATE], [broken, well], first, CONFIG, after(60), "run-60", unread={broken.key})

    customers, orders = late.tasks
    assert (orders.is_unread, orders.anomalies, orders.memory) == (True, (), first.tasks[1].memory)
    assert (customers.is_unread, customers.memory.polls) == (False, {"SOURCE_LATENCY": 2})
    (anomaly,) = late.server_anomalies
    assert (anomaly.kind, anomaly.severity, str(anomaly.key)) == (AnomalyKind.NOT_READ, Severity.WARNING, "eu-1")
    assert "1 of its 2 tasks were not read in time" in anomaly.summary
    assert not late.on_down_servers
    assert late.not_visible == {broken.key}
    assert changes(first, late).resolved == ()

    again = poll(broken, well, previous=late, at=120)
    assert again.tasks[1].anomalies[0].confirmed
    assert changes(late, again) == Changes(late.taken_at, resolved=(Sighting(anomaly.key, "NOT_READ"),))


@pytest.mark.parametrize("name", ["eu-1", "default"], ids=["a server", "an Enterprise Manager"])
def test_of_what_was_not_even_listed_in_time_the_last_snapshot_is_kept(name: str) -> None:
    first = poll(failed("orders"))
    late = detect([replace(LATE, name=name)], [], first, CONFIG, after(60), "run-60")

    (orders,) = late.tasks
    assert (orders.facts.state, orders.is_unread, orders.memory) == (TaskState.UNKNOWN, True, first.tasks[0].memory)
    assert [one.kind for one in late.server_anomalies] == [AnomalyKind.NOT_READ]


def test_a_server_that_is_down_hides_its_tasks_and_they_are_neither_over_nor_new_again() -> None:
    broken = failed("orders")
    first = poll(broken)
    down = poll(previous=first, at=60, servers=[replace(SERVER, state=ServerState.ERROR)])
    assert changes(first, down) == Changes(
        first.taken_at, new=(Sighting(TaskKey("default", "eu-1", ""), "SERVER_DOWN"),)
    )

    back = poll(broken, previous=down, at=120)
    assert changes(down, back).new == ()


def test_what_qlikops_left_stopped_is_not_a_users_stop_until_it_has_run_again() -> None:
    stopped = task(state=TaskState.STOPPED, stop_reason=StopReason.NORMAL, memory_mb=0)
    left = {stopped.key: NOW}
    down = detect([SERVER], [stopped], None, CONFIG, after(60), "run-60", left_stopped=left)
    assert kinds(down) == [AnomalyKind.LEFT_STOPPED]
    back = detect([SERVER], [task()], down, CONFIG, after(120), "run-120", left_stopped=left)
    assert kinds(back) == []
    again = detect([SERVER], [stopped], back, CONFIG, after(180), "run-180", left_stopped=left)
    assert kinds(again) == [AnomalyKind.USER_STOPPED]


def looked(*looks: tuple[float, TaskFacts], plans: Sequence[Plan] = (plan(until=after(3600)),)) -> FleetSnapshot:
    """The last of these looks at one task, each so many seconds after NOW."""
    snapshot = None
    for seconds, facts in looks:
        snapshot = poll(facts, previous=snapshot, at=seconds, plans=plans)
    assert snapshot
    return snapshot


@pytest.mark.parametrize(
    ("looks", "kind"),
    [
        ([(-60, task()), (240, stopped()), (3540, stopped())], AnomalyKind.USER_STOPPED),
        ([(-60, task()), (240, stopped()), (3600, stopped())], AnomalyKind.STOPPED_IN_PLAN),
        ([(3540, task()), (3840, stopped())], AnomalyKind.STOPPED_IN_PLAN),
        ([(3660, task()), (3840, stopped())], AnomalyKind.USER_STOPPED),
        ([(-360, task()), (-60, stopped()), (3600, stopped())], AnomalyKind.USER_STOPPED),
        ([(240, stopped()), (3600, stopped())], AnomalyKind.STOPPED_IN_PLAN),
        ([(240, stopped()), (1000, task()), (3700, stopped()), (4000, stopped())], AnomalyKind.STOPPED_IN_PLAN),
        ([(240, stopped()), (3700, task()), (4000, stopped())], AnomalyKind.USER_STOPPED),
        ([(240, failed()), (3700, stopped())], AnomalyKind.STOPPED_IN_PLAN),
    ],
    ids=[
        "while it goes on",
        "at its end",
        "in its last minutes, or right after it",
        "after it",
        "before it",
        "by the first look there is",
        "again, in its last minutes or right after it",
        "up in between",
        "after a failure",
    ],
)
def test_planned_work_is_asked_about_what_was_stopped_during_it(
    looks: list[tuple[float, TaskFacts]], kind: AnomalyKind
) -> None:
    assert kinds(looked(*looks)) == [kind]


@pytest.mark.parametrize("unseen", ["down", "not read in time"])
@pytest.mark.parametrize(("last_up", "kind"), [(3300, AnomalyKind.STOPPED_IN_PLAN), (3700, AnomalyKind.USER_STOPPED)])
def test_what_is_found_stopped_once_its_server_is_back_was_stopped_since_it_was_seen_last(
    unseen: str, last_up: float, kind: AnomalyKind
) -> None:
    plans = [plan(until=after(3600))]
    server = replace(SERVER, state=ServerState.ERROR) if unseen == "down" else LATE
    snapshot = looked((-60, task()), (last_up, task()), plans=plans)
    for seconds in (4000, 4300, 4600):
        snapshot = poll(previous=snapshot, at=seconds, servers=[server], plans=plans)
    assert kinds(poll(stopped(), previous=snapshot, at=4900, plans=plans)) == [kind]


@pytest.mark.parametrize(
    ("fetched", "last_up", "kind"),
    [
        (3000, 3900, AnomalyKind.STOPPED_IN_PLAN),
        (3700, 3900, AnomalyKind.USER_STOPPED),
        (None, 3620, AnomalyKind.STOPPED_IN_PLAN),
        (None, 3640, AnomalyKind.USER_STOPPED),
    ],
    ids=["fetched before its end", "fetched after it", "as far as statuses lag", "later than statuses lag"],
)
def test_a_look_at_what_was_fetched_long_before_is_one_of_then(
    fetched: float | None, last_up: float, kind: AnomalyKind
) -> None:
    plans, as_of = [plan(until=after(3600))], after(fetched) if fetched else None
    server = replace(SERVER, fetched=Fetched(as_of, as_of)) if as_of else SERVER
    snapshot = poll(task(), at=-60, plans=plans)
    snapshot = poll(task(), previous=snapshot, at=last_up, servers=[server], plans=plans)
    back = replace(SERVER, fetched=Fetched(after(4200), after(4200)))
    assert kinds(poll(stopped(), previous=snapshot, at=4200, servers=[back], plans=plans)) == [kind]


def test_planned_work_that_goes_on_in_other_work_ends_with_that() -> None:
    later = plan("plan-2", until=after(7200), starts_at=after(3000))
    both = [plan(until=after(3600)), later]
    going_on = looked((-60, task()), (240, stopped()), (3540, stopped()), (3700, stopped()), plans=both)
    assert kinds(going_on) == [AnomalyKind.USER_STOPPED]
    over = poll(stopped(), previous=going_on, at=7300, plans=both)
    assert kinds(over) == [AnomalyKind.STOPPED_IN_PLAN]
    stop = over.tasks[0].memory.stopped_in
    assert stop
    assert stop.plan_id == "plan-2"
    # It is remembered longer than the plan.
    assert kinds(poll(stopped(), previous=over, at=7400)) == [AnomalyKind.STOPPED_IN_PLAN]


def test_planned_work_covers_what_it_names() -> None:
    elsewhere = replace(plan(until=after(3600)), scope=Scope(servers=("eu-2",)))
    assert kinds(looked((-60, task()), (240, stopped()), (3600, stopped()), plans=[elsewhere])) == [
        AnomalyKind.USER_STOPPED
    ]


@pytest.mark.parametrize("scope", [Scope(endpoints=("LAKE",)), Scope(tags=("gold",))], ids=["endpoint", "tag"])
def test_a_task_whose_details_cannot_be_read_is_known_by_its_endpoints_and_tags_of_before(scope: Scope) -> None:
    config = replace(CONFIG, log_retention=LogRetention(endpoints={"ORA-PROD": timedelta(hours=24)}))
    plans = [replace(plan(until=after(3600)), scope=scope)]
    listed = TaskFacts(HEALTHY.key, TaskState.ERROR, StopReason.FATAL_ERROR, message=CONNECTION_LOST, tags=("new",))
    snapshot = poll(task(tags=("gold",)), plans=plans, config=config)
    for seconds in (60, 120, 180):
        snapshot = poll(listed, previous=snapshot, at=seconds, plans=plans, config=config)

    assert snapshot.planned.keys() == {HEALTHY.key}
    found = only_task(snapshot)
    assert (found.is_listed, found.facts.tags, found.facts.tags_known) == (True, ("new", "gold"), False)
    assert found.anomalies[0].resume_until
    assert not only_task(poll(task(), previous=snapshot, at=240)).is_listed


GAVE_UP = "Task 'CRM' was stopped after 7 recovery attempts"
REFUSED = "ORA-01017: invalid username/password; logon denied"


def test_what_a_failure_means_goes_with_its_anomaly() -> None:
    found = anomaly_of(poll(failed(message=REFUSED)), AnomalyKind.FATAL_UNKNOWN).diagnosis
    assert found is not None
    assert (found.failure, found.failure_class, found.codes) == ("oracle-login", FailureClass.ACCESS, ("ORA:1017",))
    assert found.checks


def test_the_message_before_is_the_cause_where_replicate_only_says_that_it_gave_up() -> None:
    retrying = {"state": TaskState.RECOVERY, "stop_reason": StopReason.RECOVERABLE_ERROR}
    snapshot = poll(failed(message=REFUSED, **retrying))
    for number in range(1, 4):
        snapshot = poll(failed(message=GAVE_UP), previous=snapshot, at=60 * number)
        anomaly = anomaly_of(snapshot, AnomalyKind.FATAL_UNKNOWN)
        assert anomaly.diagnosis is not None
        assert anomaly.diagnosis.failure == "oracle-login"
        assert REFUSED in [item.value for item in anomaly.evidence if item.label == Label.EARLIER]
        assert anomaly.summary == f"failed: {anomaly.diagnosis.headline}"
    again = poll(failed(message="Something else"), previous=snapshot, at=300)
    assert not again.tasks[0].memory.said_before


def test_a_message_from_before_a_long_silence_is_not_the_cause() -> None:
    snapshot = poll(failed(message=GAVE_UP), previous=poll(failed(message=REFUSED)), at=5 * 3600)
    assert snapshot.tasks[0].memory.said_before == ""


def test_a_lost_connection_that_replicate_gave_up_on_still_needs_a_human() -> None:
    snapshot = poll(failed(message=GAVE_UP), previous=poll(failed()), at=60)
    assert kinds(snapshot) == [AnomalyKind.FATAL_UNKNOWN]
    found = anomaly_of(snapshot, AnomalyKind.FATAL_UNKNOWN).diagnosis
    assert found is not None
    assert (found.failure, found.automatic) == ("oracle-no-listener", False)


def test_the_message_of_a_task_that_ran_is_no_cause() -> None:
    ran = poll(failed(message=REFUSED, state=TaskState.RUNNING, stop_reason=StopReason.NONE))
    snapshot = poll(failed(message=GAVE_UP), previous=ran, at=60)
    found = anomaly_of(snapshot, AnomalyKind.FATAL_UNKNOWN).diagnosis
    assert found is not None
    assert found.failure == "replicate-attempts-used-up"


LATER = timedelta(seconds=CLOCK_SKEW_SECONDS + 1)


def test_a_snapshot_of_a_clock_that_is_ahead_is_from_the_future() -> None:
    snapshot = FleetSnapshot(NOW, "run", (), ())
    assert is_from_the_future(snapshot, NOW - LATER)
    assert not is_from_the_future(snapshot, NOW - LATER + timedelta(seconds=2))


@pytest.mark.parametrize(
    "memory",
    [
        TaskProgress(seen={"STALLED": NOW + LATER}),
        TaskProgress(starts=(NOW, NOW + LATER)),
        TaskProgress(samples=(Sample(NOW + LATER, 1, 1),)),
        TaskProgress(applied_since=NOW + LATER),
        TaskProgress(held_at=NOW + LATER),
        TaskProgress(restarted_at=NOW + LATER),
        TaskProgress(back_since=NOW + LATER),
    ],
)
def test_a_snapshot_that_remembers_something_later_than_itself_contradicts_itself(memory: TaskProgress) -> None:
    snapshot = FleetSnapshot(NOW, "run", (), (TaskSnapshot(task(), memory),))
    assert contradicts_itself(snapshot)
    assert not contradicts_itself(replace(snapshot, taken_at=NOW + LATER))


def test_so_does_one_whose_people_were_told_later() -> None:
    told = Notified(task().key, AnomalyKind.STALLED, Severity.WARNING, NOW + LATER)
    assert contradicts_itself(FleetSnapshot(NOW, "run", (), (), told=(told,)))
