"""The agent's handlers on an environment of their own, called with the payloads that state_machine.json builds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from qlikops.agent.config import AgentConfig, Thresholds
from qlikops.agent.handlers import (
    evaluate_proposal,
    execute_restart,
    generate_report,
    monitor_tasks,
    record_outcome,
    request_approval,
)
from qlikops.agent.wiring import Services
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.packing import unpacked
from qlikops.domain.proposals.approval import InboxRow, Status
from tests.unit.agent.fakes import (
    PASSWORD,
    FakeClock,
    FakeEvents,
    FakeSns,
    FakeStepFunctions,
    Simulator,
    create_table,
    inbox,
)

Json = dict[str, Any]
MACHINE = "arn:aws:states:eu-west-1:000000000000:execution:QlikMonitoringAgent"


class Context:
    """A Lambda context, with a quarter of an hour left unless told otherwise."""

    def __init__(self, seconds: int = 900) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return 1000 * self._seconds


class Aws(Protocol):
    """The embedded AWS, or what stands before it."""

    def client(self, service: str) -> Any:
        """Like boto3's."""
        ...


class Agent:
    """The handlers on one environment, called with the payloads that state_machine.json builds."""

    def __init__(
        self,
        aws: Aws,
        simulator: Simulator,
        clock: FakeClock,
        make_services: Callable[..., Services] = Services,
        **settings: Any,
    ) -> None:
        table = create_table(aws.client("dynamodb"))
        self.aws, self.table, self.bucket, self.clock, self.simulator = aws, table, f"data-{table}", clock, simulator
        aws.client("s3").create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        instance = {"base_url": simulator.instance.base_url, "username": "monitor", "password": PASSWORD}
        secret = aws.client("secretsmanager").create_secret(
            Name=f"qlik-{table}", SecretString=json.dumps({"instances": [instance]})
        )
        config = AgentConfig(table, self.bucket, "arn:aws:sns:eu-west-1:000000000000:t", secret["ARN"])
        # One poll is enough here: what confirms an anomaly is detection's business.
        config = replace(config, **{"thresholds": Thresholds(confirm_polls=1), **settings})
        self.sns, self.events, self.states = FakeSns(), FakeEvents(), FakeStepFunctions()
        self._config, self._make_services = config, make_services
        self.services = self.again()

    def again(self, **clients: Any) -> Services:
        """The services of another process, with these clients in place of AWS's."""
        fakes = {"sns": self.sns, "events": self.events, "stepfunctions": self.states, **clients}
        return self._make_services(
            self._config,
            lambda service: fakes.get(service) or self.aws.client(service),
            clock=self.clock,
            sleep=self.clock.sleep,
            monotonic=lambda: self.clock().timestamp(),
            client_factory=self.simulator.client,
        )

    def monitor(self, name: str = "run-1", given: Any = None) -> Json:
        """A run whose execution has the input `given`."""
        self.states.statuses.setdefault(f"{MACHINE}:{name}", "RUNNING")
        event = {
            "execution_arn": f"{MACHINE}:{name}",
            "execution_name": name,
            "started_at": codec.format_time(self.clock.now),
            "input": {} if given is None else given,
        }
        return self.monitor_as(event)

    def monitor_as(self, run: Json) -> Json:
        return passed(monitor_tasks.handler(run, Context(), self.services))

    def evaluate(self, item: Json) -> Json:
        return passed(evaluate_proposal.handler(item, Context(), self.services))

    def request(
        self,
        item: Json,
        task_token: str = "the-token",  # noqa: S107 - opens nothing
        entered: datetime | None = None,
    ) -> Json:
        event = {
            **item,
            "task_token": task_token,
            "entered_at": codec.format_time(entered or self.clock.now),
            "timeout_seconds": 14400,
            "retries_transient": True,
        }
        return passed(request_approval.handler(event, Context(), self.services))

    def restart(self, item: Json, decision: Json, seconds: int = 900, *, may_wait: bool = True) -> Json:
        event = {**item, "decision": decision, "may_continue": True, "may_wait": may_wait}
        return passed(execute_restart.handler(event, Context(seconds), self.services))

    def record(self, item: Json, outcome: Json) -> Json:
        return passed(record_outcome.handler({**item, "outcome": outcome}, Context(), self.services))

    def report(self, payload: Json) -> Json:
        return passed(generate_report.handler(payload, Context(), self.services))

    def stored(self, key: str) -> str:
        return unpacked(self.aws.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def inbox(self) -> list[InboxRow]:
        return inbox(self.aws.client("dynamodb"), self.table)

    def status(self, item: Json) -> Status:
        return self.services.ledger.record(item["proposal"]["proposal_id"]).approval.status


def passed(result: Json) -> Json:
    """What the next state gets: JSON and small, without anything that only Python has."""
    text = json.dumps(result)
    assert len(text) < 200_000
    return dict(json.loads(text))


def items(monitored: Json) -> list[Json]:
    """The Map's items, as ItemSelector builds them."""
    return [
        {"proposal": proposal, "index": index, "run": monitored["run"]}
        for index, proposal in enumerate(monitored["proposals"])
    ]
