"""What a cold start costs: importing a handler beside importing boto3, and the bundle's size."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from qlikops.deployment.bundle import build_bundle
from tests.benchmarks.conftest import Results

HANDLERS = (
    "monitor_tasks",
    "evaluate_proposal",
    "request_approval",
    "execute_restart",
    "record_outcome",
    "generate_report",
)
ROUNDS = 7


def import_seconds(module: str) -> float:
    """In a fresh interpreter, whose own start does not count."""
    code = f"import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return float(done.stdout)


@pytest.mark.parametrize("name", HANDLERS)
def test_importing_a_handler(name: str, results: Results) -> None:
    # By turns, so that a machine that is busy for a while is busy for both.
    pairs = [(import_seconds("boto3"), import_seconds(f"qlikops.agent.handlers.{name}")) for _ in range(ROUNDS)]
    boto3, handler = (min(each) for each in zip(*pairs, strict=True))
    results.add(f"import of {name}", handler / boto3, 1.3, "import boto3")


def test_the_bundle(results: Results) -> None:
    results.add("bundle", len(build_bundle().data) / 1_000_000, 1.0, "1 MB")
