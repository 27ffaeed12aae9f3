"""Nights with tasks behind one source that goes away: on handlers, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from qlikops.domain.encoding import codec
from qlikops.domain.fleet.endpoint import EndpointKey
from qlikops.domain.proposals.approval import Outcome, ProposalRecord
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.qlik.simulator.library import CONNECTION_LOST, ORACLE, SERVER
from tests.scenarios.outages import EndpointDown
from tests.unit.agent.machine import Agent, Json, items
from tests.unit.agent.story import approving

NAMES = ("orders", "customers", "invoices")
ORA_PROD = EndpointKey("default", SERVER, "ORA-PROD")
AWAY = EndpointDown(0, SERVER, ORACLE.name, CONNECTION_LOST, until=600)


class Night:
    """An agent and a fleet behind one Oracle source."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.fleet = agent.simulator.server.fleet
        self.ledger = agent.services.ledger
        self.number = 0

    def run(self) -> list[Json]:
        """What another run proposes."""
        self.number += 1
        return list(items(self.agent.monitor(f"run-{self.number}")))

    def proposal(self) -> tuple[Json, Proposal]:
        (item,) = self.run()
        return item, self.record(item).proposal

    def record(self, item: Json) -> ProposalRecord:
        return self.ledger.record(item["proposal"]["proposal_id"]).approval

    def approve(self, item: Json) -> Outcome:
        """An evaluated proposal is approved, carried out and closed."""
        digest = self.agent.evaluate(item)["digest"]
        self.agent.request(item)
        restarted = self.agent.restart(item, approving(digest))
        self.agent.record(item, {"status": restarted["status"], "result": restarted})
        outcome = self.record(item).outcome
        assert outcome is not None
        return outcome

    def runs(self) -> list[int]:
        return [self.agent.simulator.task(name)["runs"] for name in NAMES]

    def tests(self) -> list[str]:
        return [tested["answer"] for tested in self.fleet.true_state()["tests"]]

    def snapshot(self) -> FleetSnapshot:
        return codec.loads(FleetSnapshot, self.agent.stored("snapshots/latest.json"))


Begin = Callable[..., Night]
"""Begins one with these events, such as AWAY, more `tasks` and settings of the agent."""
