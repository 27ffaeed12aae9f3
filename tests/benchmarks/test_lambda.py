"""What a cold start costs: importing a handler beside importing boto3, and the bundle's size."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from qlikops.deployment.bundle import build_bundle
from qlikops.resources import resource
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
PACKAGES = (str(Path(__file__).parents[2]), str(Path(boto3.__file__).parents[1]))
"""Where qlikops and boto3 are; no other Python's standard library."""


def interpreter() -> tuple[str, str]:
    """The Python of the functions, if this machine has it, or else the one that runs this; and its name.

    What takes longest of an import is making dataclasses, and 3.13 makes them in less time than 3.11 by a third.
    """
    (name,) = set(re.findall(r"Runtime: (python[\d.]+)", resource("deploy", "template.yaml").read_text()))
    try:
        subprocess.run([name, "-c", ""], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        return sys.executable, f"python{sys.version_info.major}.{sys.version_info.minor}"
    return name, name


def import_seconds(python: str, module: str, bytecode: Path) -> float:
    """Of the CPU, in a fresh interpreter whose own start does not count. Bytecode is kept in a folder of its own."""
    code = f"import time; began = time.process_time(); import {module}; print(time.process_time() - began)"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [python, "-c", code],
        env={**env, "PYTHONPATH": os.pathsep.join(PACKAGES), "PYTHONPYCACHEPREFIX": str(bytecode)},
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
    python, version = interpreter()
    # By turns, so that a machine that is busy for a while is busy for both; the first round writes the bytecode.
    pairs = [[import_seconds(python, module, bytecode) for module in modules] for _ in range(ROUNDS)]
    baseline, handler = (min(each) for each in zip(*pairs, strict=True))
    results.add(f"import of {name}", handler / baseline, 1.3, f"import boto3, {version}")


def test_the_bundle(results: Results) -> None:
    results.add("bundle", len(build_bundle().data) / 1_000_000, 1.0, "1 MB")
