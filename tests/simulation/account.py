"""The simulator's models of AWS as an account for tests: in the test's own process, without chance and without delay.

`tests/contract/test_simulated_models.py` holds the models to the embedded AWS. A story that is told many times, with
another fault each time, is told on them; once, undisturbed, it is told on the embedded AWS too.
"""

from __future__ import annotations

import functools
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.simulation.dynamodb import DynamoDb
from tests.simulation.dynamodb import Wire as Item
from tests.simulation.kernel import Kernel
from tests.simulation.services import (
    ModelClient,
    SimulatedCloudWatch,
    SimulatedEventBridge,
    SimulatedS3,
    SimulatedSecrets,
    SimulatedSns,
)


class Plain(random.Random):
    """Chance that never splits a page, leaves a key out or delays anything."""

    def random(self) -> float:
        return 0.999

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) / 2


def plain_kernel() -> Kernel:
    """A world in which nothing happens by chance."""
    kernel = Kernel(0, datetime(2026, 3, 7, tzinfo=UTC))
    kernel.random = Plain(0)
    return kernel


class ModelledAws:
    """An empty account; like `EmbeddedAws`, it has clients, and tests make in it what they need."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """`clock` says what time it is in the models."""
        kernel, lock = plain_kernel(), threading.RLock()
        models: dict[str, object] = {
            "dynamodb": _DynamoDb(kernel, "", longest_lag=0.0),
            "s3": _S3(kernel),
            "sns": _Sns(kernel),
            "cloudwatch": SimulatedCloudWatch(),
            "events": SimulatedEventBridge(kernel),
            "secretsmanager": _Secrets(""),
        }

        def carry(_operation: str, send: Callable[[], Any]) -> Any:
            with lock:  # the agent's threads come one after the other: no model is made for more
                kernel.now = clock().timestamp()
                return send()

        self.client = functools.cache(lambda service: ModelClient(service, models[service], carry))
        """Like boto3's."""


class _DynamoDb(DynamoDb):
    """A table that is made by its name, and may be read as a whole."""

    def create_table(self, TableName: str, **_: Any) -> dict[str, Any]:
        assert not self.table, "one table is modelled"
        self.table = TableName
        return {}

    def scan(self, TableName: str, **_: Any) -> dict[str, list[Item]]:
        self._check_table(TableName, "Scan")
        return {"Items": [dict(item) for _, item in sorted(self.items.items())]}


class _S3(SimulatedS3):
    def delete_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        self.objects.pop((Bucket, Key), None)
        return {}

    def create_bucket(self, **_: Any) -> dict[str, Any]:
        return {}


class _Sns(SimulatedSns):
    def create_topic(self, Name: str) -> dict[str, Any]:
        return {"TopicArn": f"arn:aws:sns:eu-west-1:000000000000:{Name}"}


class _Secrets(SimulatedSecrets):
    def create_secret(self, Name: str, SecretString: str) -> dict[str, Any]:
        self.text = SecretString
        return {"ARN": f"arn:aws:secretsmanager:eu-west-1:000000000000:secret:{Name}-000000"}
