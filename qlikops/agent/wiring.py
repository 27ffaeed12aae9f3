"""Builds what the handlers need from a Lambda's environment, once a process and only what is used.

A handler takes its Services as an argument that Lambda never gives, so that tests hand in their own. What one handler
alone needs is imported where it is made: every handler comes through here when it starts.
"""

from __future__ import annotations

import functools
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from qlikops.agent.config import AgentConfig
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.table import Table
from qlikops.agent.remember.tasks import READERS

if TYPE_CHECKING:
    from qlikops.agent.remember.own_failures import OwnFailures
    from qlikops.agent.remember.store import Store
    from qlikops.agent.steps.assessment import Assessor
    from qlikops.agent.steps.monitoring import Monitor
    from qlikops.agent.steps.report import Reporter
    from qlikops.agent.steps.restart import Restarter
    from qlikops.agent.tell.notify import Notifier
    from qlikops.qlik.client import QemClient
    from qlikops.qlik.config import QemInstance

PROBING_SECONDS = 30.0
"""After the end of reading, by which tests of endpoints are over."""
SECRET_SECONDS = 300.0
"""How long the Qlik accounts are kept. One that Qlik refuses is looked up again at once: it may have been rotated."""


class Services:
    """The parts of the agent, each made when it is first used. `clients` makes a boto3 client by its service name."""

    def __init__(
        self,
        config: AgentConfig,
        clients: Callable[[str], Any],
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        client_factory: Callable[..., QemClient] | None = None,
    ) -> None:
        """`client_factory` makes a QemClient in another way than the class itself."""
        self.config = config
        self.clock = clock
        self._clients = clients
        self._sleep = sleep
        self._monotonic = monotonic
        self._client_factory = client_factory
        self._instances: tuple[float, tuple[QemInstance, ...]] | None = None

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Services:
        """Raises ConfigError."""
        options = Config(
            retries={"mode": "standard", "total_max_attempts": 4},
            connect_timeout=5,
            read_timeout=20,
            max_pool_connections=READERS,
        )
        client = functools.partial(boto3.client, config=options)
        return cls(AgentConfig.from_environment(env), client, clock=lambda: datetime.now(UTC))

    @cached_property
    def ledger(self) -> Ledger:
        """Proposals and runs."""
        return Ledger(self._table, self.clock)

    @cached_property
    def _table(self) -> Table:
        return Table(self._clients("dynamodb"), self.config.table, sleep=self._sleep)

    @cached_property
    def store(self) -> Store:
        """Snapshots and reports."""
        from qlikops.agent.remember.store import Store

        return Store(self._clients("s3"), self.config.bucket)

    @cached_property
    def notifier(self) -> Notifier:
        """Messages to people."""
        from qlikops.agent.tell.notify import Notifier

        config, clients = self.config, functools.cache(self._clients)
        form, second = config.notification_format, config.escalation_topic_arn
        return Notifier(clients, config.topic_arn, form, second, self._monotonic)

    @cached_property
    def assessor(self) -> Assessor:
        """Evaluator and policy."""
        from qlikops.agent.evaluate import make_evaluator
        from qlikops.agent.steps.assessment import Assessor

        evaluator = make_evaluator(self.config, self.clock, self._clients)
        return Assessor(self.ledger, evaluator, self.config, self.clock, self._monotonic)

    @cached_property
    def reporter(self) -> Reporter:
        """Reports and metrics."""
        from qlikops.agent.remember.outage import Outages
        from qlikops.agent.steps.report import Reporter
        from qlikops.agent.tell.metrics import Metrics

        metrics, outages = Metrics(self._clients("cloudwatch")), Outages(self._table, self.clock)
        return Reporter(self.ledger, self.store, metrics, self.notifier, outages, self.clock)

    @cached_property
    def own_failures(self) -> OwnFailures:
        """What a team knows of messages beside the built-in entries."""
        from qlikops.agent.remember.own_failures import OwnFailures

        return OwnFailures(self._clients("s3"), self.config.bucket, may_be_automatic=self.config.own_failures_automatic)

    @contextmanager
    def monitor(self, reading_seconds: float, notes: Sequence[str] = ()) -> Iterator[Monitor]:
        """One look at the fleet, for so long; what it learns of executions is not kept for the next.

        The report has its `notes` before those of its own.
        """
        from qlikops.agent.act.auditing import Auditor
        from qlikops.agent.act.probing import Prober
        from qlikops.agent.steps.monitoring import Monitor
        from qlikops.agent.steps.orders import Desk
        from qlikops.agent.steps.reconcile import ExecutionStates
        from qlikops.qlik.reader import read_fleet

        executions = ExecutionStates(self._clients("stepfunctions"))
        give_up_at = self._monotonic() + reading_seconds
        qem_client = functools.partial(self._qem_client, give_up_at=give_up_at)
        with self._operators(give_up_at + PROBING_SECONDS) as operators:
            yield Monitor(
                self.ledger,
                self.store,
                executions,
                lambda due: read_fleet(self.instances(), client_factory=qem_client, whose_health=due),
                self.notifier,
                Prober(self.ledger.probes, operators, self.config, self.clock),
                Auditor(operators, self.config),
                self.config,
                self.clock,
                Desk(self.ledger, self.notifier, self.config, self.clock),
                notes,
            )

    @contextmanager
    def restarter(self) -> Iterator[Restarter]:
        """The restarter with sessions as operator, which end with it."""
        from qlikops.agent.act.group import GroupRestarter
        from qlikops.agent.steps.restart import Restarter

        with self._operators() as operators:
            yield Restarter(GroupRestarter(self.ledger, operators, self.config, self.clock, self._sleep))

    @contextmanager
    def _operators(self, give_up_at: float = math.inf) -> Iterator[Callable[[str], QemClient]]:
        """The clients of Enterprise Managers by their names, as operator; their sessions end with it."""
        with ExitStack() as sessions:

            @functools.cache
            def operator(name: str) -> QemClient:
                instance = next((one for one in self.instances() if one.name == name), None)
                if instance is None:
                    raise LookupError(f"no Enterprise Manager is called {name!r} in the configuration any more")
                return sessions.enter_context(self._qem_client(instance, operator=True, give_up_at=give_up_at))

            yield operator

    def _qem_client(self, instance: QemInstance, *, operator: bool = False, give_up_at: float = math.inf) -> QemClient:
        def newest() -> QemInstance | None:
            return next((one for one in self.instances(afresh=True) if one.name == instance.name), None)

        from qlikops.qlik.client import QemClient

        make = self._client_factory or QemClient
        return make(instance, operator=operator, newest=newest, clock=self._monotonic, give_up_at=give_up_at)

    def instances(self, *, afresh: bool = False) -> tuple[QemInstance, ...]:
        """The Enterprise Managers, from the secret; read again after a while, and where that is asked for."""
        from qlikops.qlik.config import parse_instances

        now = self._monotonic()
        if afresh or self._instances is None or now - self._instances[0] > SECRET_SECONDS:
            try:
                secret = self._clients("secretsmanager").get_secret_value(SecretId=self.config.qlik_secret_arn)
            except ClientError as exc:
                if exc.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
                secret = {"SecretString": ""}  # the stack creates it without a value
            self._instances = (now, parse_instances(secret["SecretString"]))
        return self._instances[1]


@functools.cache
def process_services() -> Services:
    """The services of the Lambda process."""
    return Services.from_environment(os.environ)
