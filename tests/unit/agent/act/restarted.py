"""Groups that are restarted in the test's own process: the simulated fleet without HTTP, the ledger on the models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from qlikops.agent.act.endpoint_wait import Waiting
from qlikops.agent.act.group import GroupRestarter
from qlikops.agent.act.outcomes import Unfinished
from qlikops.agent.config import AgentConfig
from qlikops.agent.propose.judgement import staging_among, target_of
from qlikops.agent.remember.attempts import Attempt
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.table import Table
from qlikops.agent.steps.restart import Restarter
from qlikops.domain.fleet.task import RunOption, TaskFacts, TaskKey
from qlikops.domain.proposals.approval import Decision, Outcome
from qlikops.qlik.errors import QemBusinessError
from qlikops.qlik.simulator.fleet import Refusal, SimulatedFleet
from qlikops.qlik.simulator.library import server, task
from qlikops.qlik.simulator.scenario import AfterRun, Break, Effect, Scenario
from qlikops.qlik.wire import (
    ActionReply,
    EndpointTest,
    ListedTask,
    ServerDetails,
    parse_action,
    parse_endpoint_test,
    parse_server_details,
    parse_task,
    parse_task_list,
)
from tests.scenarios.outages import OutageFleet
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import ASK, EVALUATION, SERVER, FakeClock, create_table, proposal

ID = "0123456789ab"
SETTINGS = AgentConfig("ledger", "data", "topic", "secret")
LOST = "ORA-12541: TNS:no listener"
COMES_UP = AfterRun()
STAYS_DOWN = AfterRun(resume=Effect.FAILS_AGAIN, fails_after_seconds=3)
ANOTHER_MATTER = AfterRun(resume=Effect.REFUSED, message="Something nobody has seen before")


def lost_source(size: int, after: Callable[[int], AfterRun] = lambda _: COMES_UP, *, first: int = 0) -> Scenario:
    """`size` tasks that have lost their source; `after` says of each by its number what running it does."""
    names = [f"task-{number:04}" for number in range(first, first + size)]
    broken = (Break(0, SERVER, name, message=LOST, after_run=after(number)) for number, name in enumerate(names))
    return Scenario("lost source", (server(SERVER, map(task, names)),), tuple(broken))


class Operator:
    """The fleet as a client of Enterprise Manager answers; `before` is called with the name of each call.

    Servers are on the Enterprise Manager "default" if `instances` does not name another one.
    """

    def __init__(self, fleet: SimulatedFleet, instances: Mapping[str, str]) -> None:
        self._fleet, self._instances = fleet, instances
        self.calls = Counter[str]()
        self.before: Callable[[str], None] = lambda _: None

    def task(self, server: str, task: str) -> TaskFacts:
        self._call("task")
        return parse_task(self._fleet.task(server, task), TaskKey(self._instances.get(server, "default"), server, task))

    def tasks(self, server: str) -> Sequence[ListedTask]:
        self._call("tasks")
        return parse_task_list({"taskList": self._fleet.tasks(server)}, "default", server)

    def server(self, server: str) -> ServerDetails:
        self._call("server")
        return parse_server_details({"serverDetails": self._fleet.server_details(server)})

    def run(self, server: str, task: str, option: RunOption, timeout_seconds: int = 60) -> ActionReply:  # noqa: ARG002
        self._call("run")
        try:
            return parse_action(self._fleet.run(server, task, option))
        except Refusal as exc:
            raise QemBusinessError(exc.error_code, exc.message) from exc

    def stop(self, server: str, task: str, timeout_seconds: int = 60) -> ActionReply:  # noqa: ARG002
        self._call("stop")
        return parse_action(self._fleet.stop(server, task))

    def test_endpoint(self, server: str, endpoint: str, timeout_seconds: int = 60) -> EndpointTest:  # noqa: ARG002
        self._call("test")
        return parse_endpoint_test(self._fleet.test_endpoint(server, endpoint))

    def _call(self, name: str) -> None:
        self.calls[name] += 1
        self.before(name)


class Restarted:
    """One approved proposal on all tasks of a scenario, as often as ExecuteRestart is invoked for it."""

    def __init__(
        self, scenario: Scenario, settings: AgentConfig = SETTINGS, instances: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.clock = FakeClock()
        self.fleet = OutageFleet(scenario, seed=1, clock=lambda: self.clock.now.timestamp())
        self.operator = Operator(self.fleet, instances)
        self.settings = settings
        aws = ModelledAws(self.clock)
        self.dynamodb = aws.client("dynamodb")
        self.table = create_table(self.dynamodb)
        self.ledger = Ledger(Table(self.dynamodb, self.table, sleep=self.clock.sleep, rng=lambda: 0.5), self.clock)
        facts = [self.operator.task(each.name, spec.name) for each in scenario.servers for spec in each.tasks]
        self.operator.calls.clear()
        made = proposal(ID, cause=f"source ORA-PROD on {SERVER}")
        targets = tuple(target_of(one, made.kind, settings) for one in facts)
        made = replace(made, targets=targets, staging=staging_among(facts))
        assert not self.ledger.open_proposals("run-1", [made], 7200).refused
        self.digest = self.ledger.save_evaluation(ID, EVALUATION, ASK).approval.digest

    def invoke(self, seconds: float = 840) -> Outcome | Unfinished:
        restarter = Restarter(
            GroupRestarter(self.ledger, lambda _: self.operator, self.settings, self.clock, self.clock.sleep)
        )
        until = self.clock.now + timedelta(seconds=seconds)
        acted = restarter.restart(ID, Decision(approved=True, digest=self.digest), until, may_continue=True)
        assert not isinstance(acted, Waiting)
        return acted

    def to_the_end(self, seconds: float = 840) -> Outcome:
        """In as many invocations as it takes, each so many `seconds` long."""
        while isinstance(came_to := self.invoke(seconds), Unfinished):
            pass
        return came_to

    def attempts(self, outcome: Outcome) -> list[Attempt]:
        """The restarts of the outcome's tasks that count for their limits."""
        keys = [target.key for target in outcome.targets]
        found = self.ledger.tasks.attempts(keys, self.clock.now - timedelta(hours=1))
        return [attempt for attempts in found.values() for attempt in attempts]

    def runs(self) -> list[str]:
        """The tasks that were told to run, in that order."""
        return [call["task"] for call in self.fleet.true_state()["calls"] if call["action"] == "run"]
