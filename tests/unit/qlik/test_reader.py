from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from qlikops.domain.fleet.task import ServerHealth, ServerState, TaskFacts, TaskKey, TaskState
from qlikops.qlik.client import QemClient
from qlikops.qlik.config import QemInstance
from qlikops.qlik.errors import QemBusinessError, QemLoginRefused, QemOutOfTime, QemProtocolError, QemUnreachable
from qlikops.qlik.reader import NOT_READ_IN_TIME, UNREADABLE, FleetReading, _health, read_fleet
from qlikops.qlik.simulator.library import server as simulated_server
from qlikops.qlik.simulator.library import task
from qlikops.qlik.simulator.scenario import Scenario
from qlikops.qlik.simulator.server import SimulatorServer
from qlikops.qlik.wire import ListedTask
from tests.scenarios.faulty import FaultKind, HttpFault
from tests.scenarios.library import build_scenario
from tests.scenarios.small import CheckedScenario
from tests.unit.qlik.conftest import Simulate, instance_of


def quick(instance: QemInstance) -> QemClient:
    return QemClient(instance, sleep=lambda _: None)


def read(*servers: SimulatorServer, **options: Any) -> FleetReading:
    instances = [instance_of(server, name=f"qem-{index}") for index, server in enumerate(servers)]
    return read_fleet(instances, client_factory=options.pop("client_factory", quick), **options)


DEAD = QemInstance("gone", "http://127.0.0.1:9/api/v1", "u", "pw")
"""At a port where nobody listens."""


def test_reads_every_task_of_every_server(simulate: Simulate) -> None:
    reading = read(simulate("large:4x25"))
    assert [server.name for server in reading.servers] == [f"replicate-{number:03d}" for number in range(4)]
    assert all(server.task_count == 25 for server in reading.servers)
    assert len(reading.tasks) == 100
    assert [task.key for task in reading.tasks] == sorted(task.key for task in reading.tasks)
    assert all(task.source_endpoint == "ORA-PROD" for task in reading.tasks)


def test_one_session_an_instance(simulate: Simulate) -> None:
    server = simulate("large:2x30")
    read(server)
    assert (server.sessions.opened, len(server.sessions)) == (1, 0)


def test_a_dead_server_costs_only_its_own_tasks(simulate: Simulate) -> None:
    reading = read(simulate("server_down"))
    alive, down = reading.servers
    assert (alive.state, alive.task_count, alive.error_code) == (ServerState.MONITORED, 2, "")
    assert (down.state, down.task_count, down.error_code) == (ServerState.ERROR, 0, "AEM_SERVER_NOT_CONNECTED")
    assert {task.key.server for task in reading.tasks} == {alive.name}


def test_a_dead_enterprise_manager_costs_only_its_own_servers(simulate: Simulate) -> None:
    server = simulate("healthy")
    reading = read_fleet([instance_of(server), DEAD], client_factory=quick)
    gone, alive = reading.servers
    assert (gone.instance, gone.name, gone.state, gone.error_code) == ("gone", "gone", ServerState.ERROR, UNREADABLE)
    assert gone.message
    assert gone.console == "http://127.0.0.1:9"
    assert alive.console == server.url + "/attunityenterprisemanager"
    assert alive.state is ServerState.MONITORED
    assert len(reading.tasks) == 4


def test_nothing_read_at_all_is_an_error(simulate: Simulate) -> None:
    with pytest.raises(QemUnreachable):
        read_fleet([DEAD], client_factory=quick)
    with pytest.raises(QemLoginRefused):
        read_fleet([instance_of(simulate(), password="wrong")], client_factory=quick)


def test_no_instances_are_no_fleet() -> None:
    assert read_fleet([]) == FleetReading((), ())


class Faulty(QemClient):
    """A client whose listing or details fail for what is named in its errors."""

    def __init__(self, instance: QemInstance, errors: Mapping[str, Exception]) -> None:
        super().__init__(instance, sleep=lambda _: None)
        self.errors = errors
        self.asked: list[str] = []

    def tasks(self, server: str) -> tuple[ListedTask, ...]:
        if server in self.errors:
            raise self.errors[server]
        return super().tasks(server)

    def task(self, server: str, task: str) -> TaskFacts:
        self.asked.append(task)
        error = self.errors.get(task) or self.errors.get("*")
        if error:
            raise error
        return super().task(server, task)


def test_a_task_without_details_keeps_what_the_list_says(simulate: Simulate) -> None:
    errors = {"orders": QemProtocolError("broken"), "stock": QemUnreachable("reset")}
    reading = read(simulate("one_fatal"), client_factory=lambda instance: Faulty(instance, errors))
    facts = {task.key.task: task for task in reading.tasks}
    assert len(facts) == 4
    assert (facts["orders"].state, facts["orders"].memory_mb) == (TaskState.ERROR, None)
    assert facts["orders"].message == "ORA-12170: TNS:Connect timeout occurred"
    assert facts["stock"].source_endpoint == ""
    assert facts["customers"].source_endpoint == "ORA-PROD"


def test_the_health_of_those_servers_is_read_that_are_chosen(simulate: Simulate) -> None:
    simulator = simulate("server_back")
    servers = read(simulator, whose_health=lambda listed: [listed[0].key]).servers
    assert [each.health is not None for each in servers] == [True, False]
    simulator.fleet.may_read_servers = lambda _: False
    assert read(simulator, whose_health=lambda listed: [listed[0].key]).servers[0].health == ServerHealth(refused=True)


@pytest.mark.parametrize(
    "kind", [FaultKind.MALFORMED, FaultKind.TRUNCATED, FaultKind.GATEWAY, FaultKind.RESET, FaultKind.LOST_REPLY]
)
def test_a_health_that_cannot_be_read_costs_nothing_else(simulate: Simulate, kind: FaultKind) -> None:
    story = build_scenario("one_fatal", 1)
    simulator = simulate(replace(story, faults=(HttpFault(kind, path="/servers/replicate-1$"),)))
    reading = read(simulator, whose_health=lambda listed: [each.key for each in listed])
    assert [(each.health, each.error_code) for each in reading.servers] == [(None, "")]
    assert len(reading.tasks) == 4


@pytest.mark.parametrize(
    "body", [None, [], {}, {"serverDetails": 7}, {"error_code": "AEM_SERVER_NOT_CONNECTED"}, {"x": "y" * 10**6}]
)
def test_nonsense_is_no_health(body: Any) -> None:
    class Told(QemClient):
        def _get(self, path: str) -> Any:  # noqa: ARG002
            return body

    assert _health(Told(DEAD), TaskKey("gone", "s", "")) is None


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (QemProtocolError("broken"), ServerState.ERROR, UNREADABLE),
        (QemBusinessError("AEM_SERVER_LICENSE_EXPIRED", ""), ServerState.ERROR, "AEM_SERVER_LICENSE_EXPIRED"),
        (QemBusinessError("AEM_SERVER_NOT_MONITORED", ""), ServerState.NOT_MONITORED, "AEM_SERVER_NOT_MONITORED"),
    ],
)
def test_a_server_that_cannot_be_listed(simulate: Simulate, error: Exception, state: ServerState, code: str) -> None:
    reading = read(simulate("server_down"), client_factory=lambda instance: Faulty(instance, {"replicate-1": error}))
    assert (reading.servers[0].state, reading.servers[0].error_code) == (state, code)


def test_gives_up_on_details_that_nobody_answers(simulate: Simulate) -> None:
    clients: list[Faulty] = []

    def factory(instance: QemInstance) -> QemClient:
        clients.append(Faulty(instance, {"*": QemUnreachable("timed out")}))
        return clients[0]

    reading = read(simulate("large:1x200"), client_factory=factory, concurrency=2)
    assert len(reading.tasks) == 200
    assert 4 <= len(clients[0].asked) <= 5


def test_a_bug_is_not_swallowed(simulate: Simulate) -> None:
    with pytest.raises(ZeroDivisionError):
        read(simulate(), client_factory=lambda instance: Faulty(instance, {"orders": ZeroDivisionError()}))


def slow_fleet(path: str) -> Scenario:
    """Two servers of two tasks; whatever `path` is found in takes ten minutes."""
    servers = tuple(
        simulated_server(name, [task("orders"), task("customers")]) for name in ("replicate-1", "replicate-2")
    )
    return CheckedScenario("slow", servers, faults=(HttpFault(FaultKind.LATENCY, path=path, seconds=600.0),))


@pytest.mark.parametrize(
    ("path", "listed", "unread", "said"),
    [
        ("nowhere", 4, set(), {}),
        # One call at a time: both lists come before any details.
        ("replicate-1/tasks$", 2, {"customers", "orders"}, {"replicate-1": "2 of its 2", "replicate-2": "its tasks"}),
        ("replicate-2/tasks$", 4, {"customers", "orders"}, {"replicate-1": "2 of its 2", "replicate-2": "2 of its 2"}),
        ("replicate-1/tasks/orders$", 4, {"customers", "orders"}, {"replicate-1": "1 of its 2", "replicate-2": "2 of"}),
    ],
)
def test_when_the_time_is_over_what_was_not_read_says_so(
    simulate: Simulate, path: str, listed: int, unread: set[str], said: dict[str, str]
) -> None:
    passed: list[float] = [0]
    server = simulate(slow_fleet(path), sleep=passed.append)

    def in_five_minutes(instance: QemInstance) -> QemClient:
        return QemClient(instance, clock=lambda: sum(passed), sleep=passed.append, give_up_at=300)

    reading = read(server, client_factory=in_five_minutes, concurrency=1)

    assert len(reading.tasks) == listed
    assert {key.task for key in reading.not_read} == unread
    assert {one.name: one.message[: len(said[one.name])] for one in reading.servers if one.error_code} == said
    assert {one.error_code for one in reading.servers if one.error_code} <= {NOT_READ_IN_TIME}
    assert {one.state for one in reading.servers} == {ServerState.MONITORED}
    assert all(facts.memory_mb is not None for facts in reading.tasks if facts.key not in reading.not_read)


def test_an_enterprise_manager_that_outlasts_the_time_costs_only_its_own_servers(simulate: Simulate) -> None:
    fast = simulate("healthy")
    late = simulate("healthy")

    def client(instance: QemInstance) -> QemClient:
        over = instance.base_url == late.base_url
        return QemClient(instance, clock=lambda: 0.0, sleep=lambda _: None, give_up_at=0 if over else 60)

    reading = read(fast, late, client_factory=client)

    alive, gone = reading.servers
    assert (alive.state, alive.error_code) == (ServerState.MONITORED, "")
    assert (gone.name, gone.state, gone.error_code) == ("qem-1", ServerState.UNKNOWN, NOT_READ_IN_TIME)


def test_a_fleet_of_which_nothing_was_read_in_time_is_not_a_healthy_one(simulate: Simulate) -> None:
    with pytest.raises(QemOutOfTime):
        read(simulate("healthy"), client_factory=lambda instance: QemClient(instance, clock=lambda: 0, give_up_at=0))
