"""One local environment for every end-to-end test: started and driven by commands, as a person would."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from qlikops.domain import ledger
from qlikops.local import services

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
SERVER = "replicate-000"
SCENARIO = "large:1x40"
"""One server, forty tasks, the first of them broken; tests break those that they need."""
APPROVAL_SECONDS = 30
PATIENCE_SECONDS = 120.0


def eventually(look: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """The first answer of `look` that is not None; fails, naming `what`, if there is none in time."""
    deadline = time.monotonic() + seconds
    while (answer := look()) is None:
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.2)
    return answer


@dataclass
class Local:
    """The commands on one data folder, and the simulated fleet behind them."""

    data_folder: Path
    status: dict[str, Any] = field(default_factory=dict)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Of every command: nothing of the caller's AWS or qlikops settings."""
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.data_folder),
            "PYTHONPATH": str(ROOT),
            "QLIKOPS_DATA_DIR": str(self.data_folder),
            "COLUMNS": "120",
        }

    def qlikops(self, *arguments: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        """One command; fails with what it said unless its exit code is `expect` (None: any)."""
        done = subprocess.run(
            [sys.executable, "-m", "qlikops", *arguments],
            env=self.environment,
            cwd=self.data_folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert expect is None or done.returncode == expect, (
            f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done

    def json(self, *arguments: str) -> Any:
        """What a command prints with --json."""
        return json.loads(self.qlikops(*arguments, "--json").stdout)

    def shell(self, script: str) -> str:
        """What `script` prints, run after `eval "$(qlikops local env)"`; fails if it fails."""
        qlikops = shlex.join([sys.executable, "-m", "qlikops"])
        done = subprocess.run(
            ["sh", "-ec", f'eval "$({qlikops} local env)"\n{script}'],
            env=self.environment,
            cwd=self.data_folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def aws(self, command: str) -> Any:
        """The JSON that one AWS CLI command prints; None where it prints nothing."""
        said = self.shell(f"aws {command} --output json")
        return json.loads(said) if said.strip() else None

    def client(self, service: str) -> Any:
        """A boto3 client of the embedded AWS, made once: that takes longer than most of what is asked of it."""
        asked = service, str(self.status["endpoint_url"])
        if asked not in self._clients:
            self._clients[asked] = services.client(*asked)
        return self._clients[asked]

    def inbox(self) -> list[dict[str, Any]]:
        """The rows that wait, from the ledger itself: polls ask it, since each command is a process of its own.

        What counts is what a command then says.
        """
        items = self.client("dynamodb").query(
            TableName=self.status["table"],
            IndexName=ledger.INBOX_INDEX,
            KeyConditionExpression="#inbox = :waiting",
            ExpressionAttributeNames={"#inbox": ledger.INBOX_PARTITION},
            ExpressionAttributeValues={":waiting": {"S": ledger.INBOX_WAITING}},
        )["Items"]
        return [json.loads(item[ledger.Attribute.ROW]["S"]) for item in items]

    def status_of(self, approval_id: str) -> str:
        """The status of an approval's record, from the ledger itself as well."""
        key = {ledger.PARTITION: ledger.approval_partition(approval_id), ledger.SORT: ledger.RECORD}
        item = self.client("dynamodb").get_item(
            TableName=self.status["table"], Key={name: {"S": value} for name, value in key.items()}, ConsistentRead=True
        )["Item"]
        return str(item[ledger.Attribute.STATUS]["S"])

    def simulator(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The simulator's own state, asked of it directly, past every layer of ours."""
        base = self.status["qlik"]["base_url"].partition("/attunity")[0]
        data = None if body is None else json.dumps(body).encode()
        # No proxy of this machine's may stand in between.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{base}/_sim/{path}", data, timeout=10) as reply:
            return json.load(reply)

    def task(self, name: str) -> dict[str, Any]:
        """One simulated task as it really is."""
        (found,) = (task for task in self.simulator("state")["tasks"] if task["task"] == name)
        return dict(found)

    def break_task(self, name: str) -> None:
        """Breaks a task whose cause nobody knows: it is proposed at the first poll."""
        self.simulator(f"tasks/{SERVER}/{name}/break", {"message": "Stream component terminated unexpectedly"})

    def start(self) -> str:
        """Starts a run and returns its execution's ARN."""
        machine = self.status["state_machine_arn"]
        return str(self.client("stepfunctions").start_execution(stateMachineArn=machine, input="{}")["executionArn"])

    def waiting(self, name: str, seconds: float = PATIENCE_SECONDS) -> str:
        """The id of the approval that waits for a decision on task `name`, once it does."""

        def among(rows: list[dict[str, Any]]) -> str | None:
            return next((str(row["approval_id"]) for row in rows if row["label"].endswith(f"/{name}")), None)

        def look() -> str | None:
            return among(self.inbox()) and among(self.json("approvals"))

        return eventually(look, f"an approval for {name}", seconds)

    def broken(self, name: str) -> tuple[str, str]:
        """Breaks a task, starts a run, and waits: the approval's id, and the ARN of the execution it is part of.

        A scheduled run may have been faster than the one started here; the task is in one of them.
        """
        self.break_task(name)
        self.start()
        approval_id = self.waiting(name)
        return approval_id, str(self.record(approval_id)["proposal"]["execution_arn"])

    def token(self, approval_id: str) -> str:
        """The task token, from the ledger with the plain AWS CLI."""
        key = json.dumps({"pk": {"S": f"TOKEN#{approval_id}"}, "sk": {"S": "TOKEN"}})
        table = self.status["table"]
        return str(self.aws(f"dynamodb get-item --table-name {table} --key '{key}'")["Item"]["token"]["S"])

    def record(self, approval_id: str) -> dict[str, Any]:
        """The approval's record, as `show` gives it."""
        return dict(self.json("show", approval_id))

    def final(self, approval_id: str, status: str) -> dict[str, Any]:
        """The record once it is closed, which must be as `status`."""
        open_ones = {"proposed", "evaluated", "waiting", "restarting"}

        eventually(
            lambda: self.status_of(approval_id) not in open_ones or None,
            f"the end of {approval_id}",
            APPROVAL_SECONDS + PATIENCE_SECONDS,
        )
        record = self.record(approval_id)
        assert record["status"] == status, record
        return record

    def ended(self, arn: str) -> dict[str, Any]:
        """The execution once it has ended, which must be well."""

        def look() -> dict[str, Any] | None:
            execution = self.client("stepfunctions").describe_execution(executionArn=arn)
            return None if execution["status"] == "RUNNING" else dict(execution)

        execution = eventually(look, f"the end of {arn}", APPROVAL_SECONDS + PATIENCE_SECONDS)
        assert execution["status"] == "SUCCEEDED", execution
        return execution

    def end(self) -> None:
        """Takes it down and looks for survivors."""
        self.qlikops("local", "down")
        assert leftovers(self.data_folder) == []


def leftovers(data_folder: Path) -> list[str]:
    """Processes that have anything to do with `data_folder`: its children, and the Lambda workers of those."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            if str(data_folder / "local").encode() in words:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.fixture
def local(running: Local) -> Local:
    """The environment with a fleet that is well, whatever the test before left broken."""
    running.simulator("reset", {})
    return running


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    environment = Local(tmp_path_factory.mktemp("data"))
    environment.qlikops("local", "up", "--scenario", SCENARIO, "--approval-timeout", f"{APPROVAL_SECONDS}s")
    try:
        environment.status = environment.json("local", "status")
        # The scenario's own broken task: restarted now, it is in its cool-down while the tests run.
        environment.qlikops("approve", environment.waiting("task-0000"), "--yes")
        yield environment
    finally:
        environment.end()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Local]:
    """An environment of the test's own, not running yet."""
    fresh = Local(tmp_path / "data")
    fresh.data_folder.mkdir()
    yield fresh
    fresh.end()
