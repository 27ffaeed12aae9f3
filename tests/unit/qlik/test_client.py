"""The client against the simulated Enterprise Manager, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from qlikops.domain.fleet.task import RunOption, ServerState, StopReason, TaskState
from qlikops.qlik.client import QemClient
from qlikops.qlik.config import QemInstance
from qlikops.qlik.errors import QemBusinessError, QemLoginRefused, QemSessionExpired
from qlikops.qlik.simulator.server import SESSION_HEADER
from tests.unit.qlik.conftest import OPERATOR_PASSWORD, Simulate, client_of, instance_of

SERVER = "replicate-1"


def test_every_reading_call(simulate: Simulate) -> None:
    with client_of(simulate("one_fatal")) as client:
        (server,) = client.servers()
        assert (server.instance, server.name, server.state) == ("qem", SERVER, ServerState.MONITORED)
        health = client.server(SERVER).health
        assert (health.license_days_left, health.license_state) == (400, "VALID_LICENSE")
        assert health.disk_usage_mb
        assert health.memory_mb
        listings = {listed.facts.key.task: listed.facts for listed in client.tasks(SERVER)}
        assert listings["orders"].state is TaskState.ERROR
        assert listings["orders"].stop_reason is StopReason.FATAL_ERROR
        facts = client.task(SERVER, "orders")
        assert facts.key == listings["orders"].key
        assert facts.message == "ORA-12170: TNS:Connect timeout occurred"
        assert (facts.source_endpoint, facts.memory_mb, facts.full_load_completed) == ("ORA-PROD", 0, True)
        assert client.task(SERVER, "stock").is_up


def test_a_run_is_shown_after_the_state_lag_and_its_memory_later(simulate: Simulate) -> None:
    server = simulate("one_fatal")
    with client_of(server) as client:
        reply = client.run(SERVER, "orders", RunOption.RESUME_PROCESSING)
        assert (reply.state, reply.error_message) == (TaskState.RUNNING, "")
        assert client.task(SERVER, "orders").state is TaskState.ERROR
        server.clock.advance(2.1)
        shown = client.task(SERVER, "orders")
        assert (shown.state, shown.memory_mb, shown.is_up) == (TaskState.RUNNING, 0, False)
        server.clock.advance(2)
        assert client.task(SERVER, "orders").is_up


def test_a_stop_is_shown_after_the_lag(simulate: Simulate) -> None:
    server = simulate()
    with client_of(server) as client:
        assert client.stop(SERVER, "orders").state is TaskState.STOPPED
        assert client.task(SERVER, "orders").state is TaskState.RUNNING
        server.clock.advance(3)
        facts = client.task(SERVER, "orders")
        assert (facts.state, facts.stop_reason, facts.memory_mb) == (TaskState.STOPPED, StopReason.NORMAL, 0)


def test_the_call_log_knows_what_was_run_by_whom(simulate: Simulate) -> None:
    server = simulate("one_fatal")
    instance = instance_of(server, operator_username="operator", operator_password=OPERATOR_PASSWORD)
    with QemClient(instance, operator=True, clock=server.clock) as client:
        client.run(SERVER, "orders", RunOption.RELOAD_TARGET)
    with QemClient(instance, clock=server.clock) as client:
        client.stop(SERVER, "stock")
    run, stop = server.fleet.true_state()["calls"]
    assert (run["user"], run["task"], run["action"], run["option"]) == ("operator", "orders", "run", "RELOAD_TARGET")
    assert (stop["user"], stop["task"], stop["action"]) == ("monitor", "stock", "stop")


@pytest.mark.parametrize("changes", [{"domain": "corp"}, {"username": "", "password": "", "api_token": "token-abcdef"}])
def test_other_ways_to_log_in(simulate: Simulate, changes: dict[str, str]) -> None:
    server = simulate()
    with QemClient(instance_of(server, **changes), clock=server.clock) as client:
        assert len(client.servers()) == 1


def test_a_refused_login_is_told_without_the_password(simulate: Simulate) -> None:
    client = QemClient(instance_of(simulate(), password="wrong-secret"))
    with pytest.raises(QemLoginRefused) as caught:
        client.servers()
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(client)


def test_a_password_that_was_rotated_meanwhile_is_used_and_the_same_one_is_not_tried_twice(simulate: Simulate) -> None:
    server = simulate()
    stale, fresh = instance_of(server, password="old"), instance_of(server)
    with QemClient(stale, newest=lambda: fresh, clock=server.clock) as client:
        assert len(client.servers()) == 1
    asked: list[int] = []

    def still_the_same() -> QemInstance:
        asked.append(server.sessions.refused)
        return stale

    with pytest.raises(QemLoginRefused):
        QemClient(stale, newest=still_the_same, clock=server.clock).servers()
    assert asked == [server.sessions.refused]


def test_who_polls_with_a_refused_account_tries_it_once_and_the_next_one_as_soon_as_the_secret_has_it(
    simulate: Simulate,
) -> None:
    server = simulate()
    configured = instance_of(server, password="old")
    with QemClient(configured, newest=lambda: configured, clock=server.clock) as client:
        for _ in range(3):
            with pytest.raises(QemLoginRefused):
                client.servers()
        assert server.sessions.refused == 1
        configured = instance_of(server)
        assert len(client.servers()) == 1


@pytest.mark.parametrize(("session_seconds", "idle"), [(60, 61), (300, 270)], ids=["expired", "too old"])
def test_a_run_in_an_old_session_is_not_sent_by_itself_and_the_next_one_has_a_new_session(
    simulate: Simulate, session_seconds: int, idle: int
) -> None:
    """A login takes up to minutes: who acts may be told not to by then."""
    server = simulate("one_fatal", session_seconds=session_seconds)
    with client_of(server) as client:
        client.servers()
        server.clock.advance(idle)
        with pytest.raises(QemSessionExpired) as expired:
            client.run(SERVER, "orders", RunOption.RESUME_PROCESSING)
        assert not expired.value.maybe_sent
        assert not server.fleet.true_state()["calls"]
        assert client.run(SERVER, "orders", RunOption.RESUME_PROCESSING).state is TaskState.RUNNING
        assert server.sessions.opened == 2
    assert len(server.fleet.true_state()["calls"]) == 1


def test_an_idle_session_is_renewed_before_it_expires(simulate: Simulate) -> None:
    server = simulate()
    with client_of(server) as client:
        client.servers()
        server.clock.advance(269)
        client.servers()
        assert server.sessions.opened == 1
        server.clock.advance(270)
        client.servers()
        assert server.sessions.opened == 2


def test_threads_share_one_session(simulate: Simulate) -> None:
    server = simulate("large:1x40")
    names = [f"task-{number:04d}" for number in range(40)]
    with client_of(server) as client, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda name: client.task("replicate-000", name), names))
    assert [facts.key.task for facts in found] == names
    assert server.sessions.opened == 1


def test_threads_renew_an_expired_session_together(simulate: Simulate) -> None:
    server = simulate("large:1x40", session_seconds=60)
    with client_of(server) as client, ThreadPoolExecutor(8) as threads:
        client.servers()
        server.clock.advance(61)
        list(threads.map(lambda number: client.task("replicate-000", f"task-{number:04d}"), range(40)))
    assert server.sessions.opened == 2


def test_logout_ends_the_session(simulate: Simulate) -> None:
    server = simulate()
    client = client_of(server)
    client.logout()
    assert server.sessions.opened == 0
    client.servers()
    assert len(server.sessions) == 1
    client.logout()
    assert len(server.sessions) == 0


@pytest.mark.parametrize(
    ("server", "task", "code"),
    [("nowhere", "orders", "AEM_SERVER_NOT_FOUND"), (SERVER, "orders", "AEM_TASK_ALREADY_RUNNING")],
)
def test_a_business_error_has_its_code(simulate: Simulate, server: str, task: str, code: str) -> None:
    with client_of(simulate()) as client, pytest.raises(QemBusinessError) as caught:
        client.run(server, task, RunOption.RESUME_PROCESSING)
    assert caught.value.error_code == code
    assert caught.value.message
    assert not caught.value.maybe_sent


def test_a_server_that_is_down_answers_so(simulate: Simulate) -> None:
    with client_of(simulate("server_down")) as client:
        states = {server.name: server.state for server in client.servers()}
        assert states == {"replicate-1": ServerState.MONITORED, "replicate-2": ServerState.ERROR}
        with pytest.raises(QemBusinessError) as caught:
            client.tasks("replicate-2")
    assert caught.value.error_code == "AEM_SERVER_NOT_CONNECTED"


def test_hostile_names_are_readable_and_runnable_and_their_texts_harmless(simulate: Simulate) -> None:
    server = simulate("hostile_text")
    with client_of(server) as client:
        (only,) = client.servers()
        listings = [listed.facts for listed in client.tasks(only.name)]
        assert len(listings) == 7
        for listing in listings:
            facts = client.task(only.name, listing.key.task)
            assert facts.state is TaskState.ERROR
            assert len(facts.message) <= 32_003  # 24,000 and 8,000 characters with a mark between
            for text in (facts.message, facts.key.task, listing.message):
                assert text.isprintable(), ascii(text)
            assert client.run(only.name, listing.key.task, RunOption.RESUME_PROCESSING).state is TaskState.RUNNING
    assert all(task["runs"] == 1 for task in server.fleet.true_state()["tasks"])


def test_a_failing_run_says_why(simulate: Simulate) -> None:
    with client_of(simulate("restart_fails")) as client:
        reply = client.run(SERVER, "customers", RunOption.RESUME_PROCESSING)
        assert (reply.state, reply.error_message) == (TaskState.ERROR, "ORA-12170: TNS:Connect timeout occurred")
        with pytest.raises(QemBusinessError) as caught:
            client.run(SERVER, "invoices", RunOption.RESUME_PROCESSING)
    assert caught.value.error_code == "AEM_RUN_TASK_INNER_ERR"


def test_the_session_header_is_the_vendors() -> None:
    assert SESSION_HEADER == "EnterpriseManager.APISessionID"
