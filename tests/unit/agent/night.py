"""A night of ordinary runs in virtual time: a task that falls over, and a person who approves whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.runs.snapshot import TaskSnapshot
from qlikops.qlik.simulator.library import falls_over, healthy
from qlikops.qlik.simulator.scenario import Scenario
from tests.scenarios.disturbed import Disturbance, Trouble
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import SERVER, FakeClock, simulated
from tests.unit.agent.faults import Wire
from tests.unit.agent.machine import Agent, Json, items
from tests.unit.agent.story import approving

ORDERS = TaskKey("default", SERVER, "orders")
EVERY = timedelta(minutes=5)


def falling_over(after: timedelta, *tasks: str, times: int | None = None) -> Scenario:
    """Tasks that lose their source at once, and again so long after each run call, or after so many of them."""
    return falls_over(0, after.total_seconds(), tasks or ("orders",), times)


def stalling(after: timedelta, trouble: Trouble = Trouble.STALL) -> Scenario:
    """A task that runs and is stuck at once, and again so long after each start."""
    amount = 5000 if trouble is Trouble.STALL else 0
    again = Disturbance(0, SERVER, "orders", trouble, amount, again_after=after.total_seconds())
    return Scenario("stalling", healthy(0).servers, (again,))


class Night:
    """Runs on a schedule, until told otherwise."""

    def __init__(self, agent: Agent, clock: FakeClock) -> None:
        self.agent, self.clock, self.ledger = agent, clock, agent.services.ledger
        self.asked: list[ProposalRecord] = []
        """What was asked and approved, in order."""
        self.runs = 0
        self.approves = True

    @property
    def told(self) -> list[str]:
        """The subjects of all messages."""
        return [message["Subject"] for message in self.agent.sns.messages]

    def told_of(self, words: str) -> list[str]:
        """The texts of the messages with these words in their subject."""
        return [message["Message"] for message in self.agent.sns.messages if words in message["Subject"]]

    def run(self) -> Json:
        """One run; what it proposes is asked and approved at once."""
        self.runs += 1
        monitored = self.agent.monitor(f"run-{self.runs}")
        for item in items(monitored):
            self.agent.evaluate(item)
            self.agent.request(item, f"token-{self.runs}-{item['index']}")
            record = self.record(item)
            self.asked.append(record)
            if self.approves:
                restarted = self.agent.restart(item, approving(record.digest))
                self.agent.record(item, {"status": restarted["status"], "result": restarted})
        self.agent.report(monitored)
        self.agent.states.statuses[monitored["run"]["execution_arn"]] = "SUCCEEDED"
        return monitored

    def live(self, time: timedelta, every: timedelta = EVERY) -> None:
        """Runs by the schedule for so long."""
        until = self.clock.now + time
        while self.clock.now < until:
            began = self.clock.now
            self.run()
            self.clock.sleep((max(every, self.clock.now - began) - (self.clock.now - began)).total_seconds())

    def record(self, item: Json) -> ProposalRecord:
        """A proposal as it is stored."""
        return self.ledger.record(item["proposal"]["proposal_id"]).approval

    def again(self, number: int) -> ProposalRecord:
        """What was asked in that place, as it is stored now."""
        return self.ledger.record(self.asked[number].approval_id).approval

    def seen(self, key: TaskKey = ORDERS) -> TaskSnapshot:
        """The task in the last snapshot."""
        snapshot = self.agent.services.store.snapshot().snapshot
        assert snapshot
        return next(task for task in snapshot.tasks if task.facts.key == key)

    def items_under(self, partition: str) -> list[dict[str, Any]]:
        """The ledger's items in a partition."""
        found = self.agent.aws.client("dynamodb").scan(TableName=self.agent.table)["Items"]
        return [item for item in found if item["pk"]["S"] == partition]


@contextmanager
def night(scenario: Scenario, **settings: Any) -> Iterator[Night]:
    """A night that begins with the scenario."""
    clock = FakeClock()
    with simulated(scenario, clock, is_direct=True) as simulator:
        yield Night(Agent(ModelledAws(clock), simulator, clock, **settings), clock)


@contextmanager
def wired_night(scenario: Scenario, **settings: Any) -> Iterator[tuple[Night, Wire]]:
    """The same, in which calls can go wrong; its messages go through the wire as well."""
    clock = FakeClock()
    aws = ModelledAws(clock)
    wire = Wire(aws)
    with simulated(scenario, clock, is_direct=True) as simulator:
        yield Night(Agent(aws, simulator, clock, wire.services, **settings), clock), wire
