"""What a cold start costs: importing a handler beside importing boto3, and the bundle's size."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
ROUNDS = 9


def import_seconds(module: str, bytecode: Path) -> float:
    """Of the CPU, in a fresh interpreter whose own start does not count. Bytecode is kept in a folder of its own."""
    code = f"import time; began = time.process_time(); import {module}; print(time.process_time() - began)"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**env, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONPYCACHEPREFIX": str(bytecode)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return float(done.stdout)


@pytest.mark.parametrize("name", HANDLERS)
def test_importing_a_handler(name: str, results: Results, tmp_path_factory: pytest.TempPathFactory) -> None:
    bytecode = tmp_path_factory.getbasetemp() / "bytecode"
    modules = ("boto3", f"qlikops.agent.handlers.{name}")
    # By turns, so that a machine that is busy for a while is busy for both; the first round writes the bytecode.
    pairs = [[import_seconds(module, bytecode) for module in modules] for _ in range(ROUNDS)]
    boto3, handler = (min(each) for each in zip(*pairs, strict=True))
    results.add(f"import of {name}", handler / boto3, 1.3, "import boto3")


def test_the_bundle(results: Results) -> None:
    results.add("bundle", len(build_bundle().data) / 1_000_000, 1.0, "1 MB")
