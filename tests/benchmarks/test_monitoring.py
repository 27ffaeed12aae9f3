"""MonitorTasks on 5,000 tasks over 50 servers at 50 ms a call, with five hours of samples remembered of each."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from qlikops.agent.config import AgentConfig
from qlikops.agent.look.detection import detect
from qlikops.agent.remember.store import Store
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import LATEST_SNAPSHOT
from qlikops.domain.runs.snapshot import LATENCY_SAMPLES, FleetSnapshot, Sample
from qlikops.qlik import wire
from qlikops.qlik.client import QemClient
from qlikops.qlik.config import QemInstance
from qlikops.qlik.reader import CONCURRENCY, read_fleet
from qlikops.qlik.simulator.fleet import SimulatedFleet
from tests.benchmarks.conftest import Results
from tests.embedded import REGION, EmbeddedAws
from tests.scenarios.library import build_scenario
from tests.unit.agent.fakes import create_table

SERVERS, TASKS = 50, 100
SCENARIO = f"large:{SERVERS}x{TASKS}"
LATENCY_SECONDS = 0.05
CALLS = SERVERS * TASKS + SERVERS + 3
"""Details, lists, and login, servers, logout."""
SAMPLE_CALLS = 60
"""Of the sequential reader: all of them would take over four minutes."""
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@contextlib.contextmanager
def served(scenario: str, folder: Path, latency_seconds: float = 0) -> Iterator[QemInstance]:
    """A fleet, in another process."""
    ready_file = folder / "ready.json"
    command = [sys.executable, "-m", "qlikops.qlik.simulator", "--scenario", scenario]
    options = ["--latency-seconds", str(latency_seconds), "--ready-file", str(ready_file)]
    with subprocess.Popen([*command, *options], env=ENVIRONMENT) as process:
        try:
            deadline = time.monotonic() + 60
            while not ready_file.exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            ready = json.loads(ready_file.read_text())
            yield QemInstance("default", ready["base_url"], ready["username"], ready["password"])
        finally:
            process.kill()


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QemInstance]:
    """The fleet that is monitored."""
    with served(SCENARIO, tmp_path_factory.mktemp("simulator"), LATENCY_SECONDS) as running:
        yield running


def remembered(at: datetime) -> FleetSnapshot:
    """What a run at that time, after five hours of runs, would have written."""
    fleet = SimulatedFleet(build_scenario(SCENARIO, 1), seed=1, clock=lambda: 0.0)
    servers = wire.parse_server_list({"serverList": fleet.servers()}, "default")
    facts = [
        wire.parse_task(fleet.task(server.name, task["name"]), TaskKey("default", server.name, task["name"]))
        for server in servers
        for task in fleet.tasks(server.name)
    ]
    snapshot = detect(servers, facts, None, AgentConfig("t", "b", "s", "q"), at, "before")
    samples = tuple(Sample(at - timedelta(minutes=5 * n), 3, 9) for n in reversed(range(LATENCY_SAMPLES)))
    return replace(
        snapshot, tasks=tuple(replace(task, memory=replace(task.memory, samples=samples)) for task in snapshot.tasks)
    )


def monitor(aws: EmbeddedAws, instance: QemInstance) -> dict[str, Any]:
    """One run of the handler in a process of its own, on an environment of its own."""
    table = create_table(aws.client("dynamodb"))
    bucket = f"data-{table}"
    aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    Store(aws.client("s3"), bucket).save_snapshot(remembered(datetime.now(UTC) - timedelta(minutes=5)))
    entry = {"base_url": instance.base_url, "username": instance.username, "password": instance.password}
    secret = aws.client("secretsmanager").create_secret(
        Name=f"qlik-{table}", SecretString=json.dumps({"instances": [entry]})
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.monitor_once", "run-1"],
        cwd=Path(__file__).parents[2],
        env={
            **ENVIRONMENT,
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "QLIKOPS_TABLE": table,
            "QLIKOPS_BUCKET": bucket,
            "QLIKOPS_TOPIC_ARN": "arn:aws:sns:eu-west-1:000000000000:t",
            "QLIKOPS_QLIK_SECRET_ARN": secret["ARN"],
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    size = aws.client("s3").head_object(Bucket=bucket, Key=LATEST_SNAPSHOT)["ContentLength"]
    return {**json.loads(done.stdout), "snapshot_mb": size / 1024**2}


def sequential_seconds(instance: QemInstance, calls: int) -> float:
    """What a reader that waits for each answer before it asks again would take, scaled from a sample."""
    with QemClient(instance) as client:
        client.servers()
        began = time.perf_counter()
        for number in range(SAMPLE_CALLS):
            client.task("replicate-001", f"task-{number:04d}")
        return (time.perf_counter() - began) / SAMPLE_CALLS * calls


def test_monitoring_five_thousand_tasks(embedded_aws: EmbeddedAws, instance: QemInstance, results: Results) -> None:
    sequential = sequential_seconds(instance, CALLS)
    done = monitor(embedded_aws, instance)
    counts = done["result"]["counts"]
    assert (counts["tasks"], counts["servers"]) == (SERVERS * TASKS, SERVERS)
    assert (done["result"]["proposal_count"], counts["deferred"]) == (40, SERVERS - 40)
    ideal = CALLS * LATENCY_SECONDS / CONCURRENCY
    calls = done["calls"][str(urlsplit(instance.base_url).port)]
    results.add("MonitorTasks, calls to Qlik", calls / CALLS, 1.01, "details, lists, and login, servers, logout")
    results.add(
        "a sequential reader", sequential / ideal, None, f"calls x latency / {CONCURRENCY}, scaled from a sample"
    )
    results.add("MonitorTasks, 5,000 tasks", done["seconds"] / ideal, 1.3, f"calls x latency / {CONCURRENCY}")
    results.add("MonitorTasks, peak memory", done["peak_mb"] / 256, 1.0, "256 MB")
    results.add("MonitorTasks, snapshot", done["snapshot_mb"] / 2, 1.0, "2 MB in S3")


def test_reading_the_largest_fleet(tmp_path: Path, results: Results) -> None:
    """A hundred servers of two hundred tasks, answered at once: what is left is the reader's own work."""
    with served("large:100x200", tmp_path) as instance:
        sequential = sequential_seconds(instance, 20_103)
        began = time.perf_counter()
        reading = read_fleet([instance])
        seconds = time.perf_counter() - began
    assert (len(reading.servers), len(reading.tasks)) == (100, 20_000)
    assert all(facts.memory_mb is not None for facts in reading.tasks)
    results.add("reading 20,000 tasks, no latency", seconds / sequential, None, "a sequential reader, from a sample")
