from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qlikops.domain.fleet.task import StopReason, TaskState
from qlikops.qlik.simulator.fleet import Refusal
from qlikops.qlik.simulator.library import healthy
from qlikops.qlik.simulator.scenario import AfterRun, Break, Effect, ServerDown
from qlikops.qlik.simulator.server import AdjustableClock
from tests.cases import for_all
from tests.scenarios.library import STORIES, build_scenario
from tests.scenarios.outages import FetchingStops, OutageFleet

SERVER = "replicate-1"
RESUME = "RESUME_PROCESSING"
RELOAD = "RELOAD_TARGET"


class Story:
    """A fleet whose time passes only when told."""

    def __init__(self, scenario: str, seed: int = 1) -> None:
        self.clock = AdjustableClock(lambda: 1000.0)
        self.fleet = OutageFleet(build_scenario(scenario, seed), seed=seed, clock=self.clock)

    def after(self, seconds: float) -> Story:
        self.clock.advance(seconds)
        return self

    def task(self, name: str = "orders", server: str = SERVER) -> dict[str, Any]:
        return self.fleet.task(server, name)

    def latency(self, name: str, server: str = SERVER) -> int:
        hours, minutes, seconds = map(int, self.task(name, server)["cdc_latency"]["total_latency"].split(":"))
        return hours * 3600 + minutes * 60 + seconds

    def everything(self) -> list[Any]:
        up = [server["name"] for server in self.fleet.servers() if server["state"] == "MONITORED"]
        return [self.fleet.task(server, task["name"]) for server in up for task in self.fleet.tasks(server)]


@for_all(STORIES)
def test_the_same_seed_tells_the_same_story(scenario: str) -> None:
    first, second, other = Story(scenario, 7), Story(scenario, 7), Story(scenario, 8)
    for seconds in (0, 30, 300, 3000):
        answers = [story.after(seconds).everything() for story in (first, second, other)]
        assert answers[0] == answers[1]
        assert answers[0] != answers[2]


def test_looking_more_often_changes_nothing() -> None:
    watched, left = Story("demo"), Story("demo")
    for _ in range(100):
        watched.after(10).everything()
    assert watched.everything() == left.after(1000).everything()


def test_a_running_task_makes_progress_and_a_broken_one_does_not() -> None:
    story = Story("one_fatal")
    counters = "cdc_transactions_counters"
    before = {name: story.task(name)[counters]["applied_records_comitted_count"] for name in ("orders", "stock")}
    story.after(60)
    after = {name: story.task(name)[counters]["applied_records_comitted_count"] for name in ("orders", "stock")}
    assert after["stock"] > before["stock"]
    assert after["orders"] == before["orders"]


def test_resuming_on_a_lost_position_fails_again_and_a_reload_helps() -> None:
    story = Story("lost_position")
    message = story.task()["message"]
    story.fleet.run(SERVER, "orders", RESUME)
    assert story.after(4).task()["state"] == TaskState.RUNNING
    again = story.after(2).task()
    assert (again["state"], again["task_stop_reason"], again["message"], again["memory_mb"]) == (
        TaskState.ERROR,
        StopReason.FATAL_ERROR,
        message,
        0,
    )
    story.fleet.run(SERVER, "orders", RELOAD)
    loading = story.after(5).task()
    assert (loading["state"], loading["full_load_completed"]) == (TaskState.RUNNING, False)
    assert 0 < loading["full_load_counters"]["tables_completed_count"] < 12
    loaded = story.after(60).task()
    assert (loaded["state"], loaded["full_load_completed"]) == (TaskState.RUNNING, True)
    assert loaded["full_load_counters"]["tables_completed_count"] == 12


@pytest.mark.parametrize(("hours", "state"), [(2.9, TaskState.RUNNING), (3.1, TaskState.ERROR)])
def test_once_its_log_is_gone_a_task_can_only_be_reloaded(hours: float, state: TaskState) -> None:
    story = Story("log_runs_out").after(60 + hours * 3600)
    assert story.fleet.run(SERVER, "orders", RESUME)["state"] == state
    assert story.after(30).task()["state"] == state
    if state is TaskState.ERROR:
        assert "The archived log does not exist" in story.task()["message"]
        assert story.fleet.run(SERVER, "orders", RELOAD)["state"] == TaskState.RUNNING
        assert story.after(60).task()["state"] == TaskState.RUNNING


def test_resuming_before_the_full_load_ended_loads_again() -> None:
    story = Story("demo").after(481)
    name, server = "claims-history-mssql-to-redshift", "replicate-us-1"
    assert story.task(name, server)["full_load_completed"] is False
    story.fleet.run(server, name, RESUME)
    assert story.after(10).task(name, server)["full_load_counters"]["tables_loading_count"] == 1
    assert story.after(30).task(name, server)["full_load_completed"] is True


def test_a_latency_spike_rises_and_falls_while_the_task_runs() -> None:
    story = Story("latency_spike")
    assert story.latency("orders") < 30
    assert story.after(210).latency("orders") > 300
    assert story.task()["state"] == TaskState.RUNNING
    assert story.after(200).latency("orders") < 30


def test_a_resumed_task_catches_up() -> None:
    story = Story("one_fatal").after(600)
    story.fleet.run(SERVER, "orders", RESUME)
    assert story.after(5).latency("orders") > 300
    assert story.after(60).latency("orders") < 30


def test_a_task_breaks_in_the_middle_of_coming_up() -> None:
    story = Story("one_fatal")
    story.fleet.run(SERVER, "orders", RESUME)
    story.after(1).fleet.break_now(Break(0, SERVER, "orders", message="ORA-12541: TNS:no listener"))
    broken = story.after(30).task()
    assert (broken["state"], broken["message"], broken["memory_mb"]) == ("ERROR", "ORA-12541: TNS:no listener", 0)


def test_a_recovering_task_heals_by_itself() -> None:
    story = Story("healthy")
    story.fleet.break_now(
        Break(0, SERVER, "orders", TaskState.RECOVERY, StopReason.RECOVERABLE_ERROR, heals_after_seconds=60)
    )
    assert story.after(59).task()["state"] == TaskState.RECOVERY
    healed = story.after(2).task()
    assert (healed["state"], healed["memory_mb"] > 0) == (TaskState.RUNNING, True)


def test_what_is_refused_leaves_the_task_as_it_was_and_is_counted() -> None:
    story = Story("restart_fails")
    before = story.task("invoices")
    with pytest.raises(Refusal):
        story.fleet.run(SERVER, "invoices", RESUME)
    assert story.task("invoices") == before
    (task,) = (task for task in story.fleet.true_state()["tasks"] if task["task"] == "invoices")
    assert task["runs"] == 1
    assert [call["answer"] for call in story.fleet.true_state()["calls"]] == ["AEM_RUN_TASK_INNER_ERR"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda fleet: fleet.run(SERVER, "stock", RESUME), "AEM_TASK_ALREADY_RUNNING"),
        (lambda fleet: fleet.stop(SERVER, "orders"), "AEM_TASK_ALREADY_STOPPED"),
        (lambda fleet: fleet.run(SERVER, "orders", "REWIND"), "DESERIALIZE_TO_TYPE"),
        (lambda fleet: fleet.run("nowhere", "orders", RESUME), "AEM_SERVER_NOT_FOUND"),
        (lambda fleet: fleet.task(SERVER, "nothing"), "AEM_TASK_NOT_FOUND"),
    ],
)
def test_refusals(call: Any, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        call(Story("one_fatal").fleet)
    assert caught.value.error_code == code


def test_reset_begins_the_story_again() -> None:
    story, fresh = Story("one_fatal"), Story("one_fatal")
    story.fleet.run(SERVER, "orders", RESUME)
    story.after(100).fleet.reset()
    assert story.everything() == fresh.everything()
    assert story.fleet.true_state()["calls"] == []


def test_a_failure_again_can_say_something_else() -> None:
    story = Story("healthy")
    after_run = AfterRun(resume=Effect.FAILS_AGAIN, fails_after_seconds=3, message="second")
    story.fleet.break_now(Break(0, SERVER, "orders", message="first", after_run=after_run))
    story.fleet.run(SERVER, "orders", RESUME)
    assert story.after(4).task()["message"] == "second"


def test_the_demo_is_a_bad_night() -> None:
    story = Story("demo")
    assert {server["state"] for server in story.fleet.servers()} == {"MONITORED"}, "its tasks are to be seen once"
    story.after(60)
    servers = {server["name"]: server for server in story.fleet.servers()}
    assert len(servers) == 4
    assert servers["replicate-ap-1"]["state"] == "ERROR"
    every = [task for server in story.fleet.scenario.servers for task in server.tasks]
    assert 30 <= len(every) <= 40
    shown = {task["name"]: task for task in story.everything()}
    assert shown["sales-orders-ora-to-snowflake"]["message"] == "ORA-12170: TNS:Connect timeout occurred"
    assert "ORA-00308" in shown["inventory-ora-to-snowflake"]["message"]
    assert shown["pricing-mssql-to-redshift"]["task_stop_reason"] == "FATAL_ERROR"
    assert shown["loyalty-points-pg-to-snowflake"]["task_stop_reason"] == "NORMAL"
    assert shown["policies-db2-to-databricks"]["state"] == "RECOVERY"
    assert shown["call-centre-mysql-to-s3"]["task_stop_reason"] == "STOPPED_LOW_DISK_SPACE"
    outage = [task for task in shown.values() if task["source_endpoint"]["name"] == "ORA-ERP-PROD"]
    assert len(outage) == 12
    assert {task["state"] for task in outage} == {"ERROR"}
    assert story.after(200).latency("web-orders-mysql-to-kafka", "replicate-eu-1") > 300
    assert story.after(50).task("payments-pg-to-kafka", "replicate-us-1")["state"] == "ERROR"
    assert story.after(300).latency("web-orders-mysql-to-kafka", "replicate-eu-1") < 30


def test_what_the_demo_restarts_is_up_within_five_seconds() -> None:
    story = Story("demo")
    story.fleet.run("replicate-eu-1", "sales-orders-ora-to-snowflake", RESUME)
    task = story.after(5).task("sales-orders-ora-to-snowflake", "replicate-eu-1")
    assert (task["state"], task["memory_mb"] >= 1) == ("RUNNING", True)


@for_all(STORIES)
def test_every_event_concerns_something_that_exists(scenario: str) -> None:
    story = build_scenario(scenario, 3)
    known = {(server.name, task.name) for server in story.servers for task in server.tasks}
    for event in story.events:
        server, task = getattr(event, "server", None), getattr(event, "task", None)
        assert (server, task) in known if task else server in {server for server, _ in known}


def test_large_by_parameters() -> None:
    story = build_scenario("large:3x7", 1)
    assert [len(server.tasks) for server in story.servers] == [7, 7, 7]


@pytest.mark.parametrize("name", ["", "demo:2x2", "large:", "large:x", "large:2", "no such"])
def test_an_unknown_scenario_names_the_known(name: str) -> None:
    with pytest.raises(ValueError, match="there are demo, healthy"):
        build_scenario(name, 1)


def test_an_endpoint_takes_its_tasks_with_it_and_nothing_comes_up_before_it_is_back() -> None:
    story = Story("endpoint_away")
    assert [story.task(name)["state"] for name in ("erp-00", "erp-02", "crm")] == ["ERROR", "ERROR", "RUNNING"]
    assert story.fleet.test_endpoint(SERVER, "ORA-PROD")["status"] == "ERROR"
    assert story.fleet.test_endpoint(SERVER, "SNOWFLAKE-DWH")["status"] == "CONNECTED"
    story.fleet.run(SERVER, "erp-00", RESUME)
    assert story.after(4.5).task("erp-00")["state"] == "RUNNING"
    assert story.after(1).task("erp-00")["state"] == "ERROR"
    story.after(600)
    assert story.fleet.test_endpoint(SERVER, "ORA-PROD")["status"] == "CONNECTED"
    assert story.task("erp-01")["state"] == "ERROR"
    story.fleet.run(SERVER, "erp-01", RESUME)
    assert story.after(30).task("erp-01")["state"] == "RUNNING"
    assert [tested["answer"] for tested in story.fleet.true_state()["tests"]] == ["ERROR", "CONNECTED", "CONNECTED"]


def test_a_server_that_is_away_is_not_fetched_meanwhile_and_neither_is_one_that_is_back() -> None:
    clock = AdjustableClock(lambda: 1_000_000.0)
    away = ServerDown(100, SERVER, "no route to host", until=300)
    fleet = OutageFleet(replace(healthy(1), events=(away, FetchingStops(200, SERVER))), seed=1, clock=clock)
    fetched = []
    for seconds in (50, 150, 150):
        clock.advance(seconds)
        fetched.append(fleet.servers()[0]["last_connection"])
    assert fetched[0] < fetched[1] == fetched[2]
