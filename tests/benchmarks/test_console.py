"""The console's budgets, each beside a baseline taken in the same run and, where it is time, by turns with it."""

from __future__ import annotations

import gc
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from textual.widgets import Static

from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.table import Table
from qlikops.aws import records
from qlikops.aws.approvals import LedgerApprovals, Timing
from qlikops.aws.executions import StepFunctionsExecutions
from qlikops.aws.runs import MOST
from qlikops.aws.session import Resources
from qlikops.config import LocalConnection, local_status_path
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import INBOX_SORT, RECORD, Attribute, approval_partition
from qlikops.domain.ports import Approve, ExecutionPage
from qlikops.domain.proposals.approval import InboxRow
from qlikops.domain.workflow.execution import ExecutionStatus
from qlikops.tui.app import QlikOpsApp
from qlikops.tui.garbage import look_as_usual
from qlikops.tui.model.backend import let_lanes_run
from qlikops.tui.model.context import ContextSource
from qlikops.tui.model.executing import ExecutionsQuery, LoadedPage
from qlikops.tui.screens.executions import ExecutionsScreen
from qlikops.tui.widgets.table import KeyedTable
from tests.benchmarks.conftest import Results
from tests.embedded import REGION, EmbeddedAws
from tests.fakes import as_listed
from tests.terminal import Terminal
from tests.unit.agent.fakes import ASK, EVALUATION, create_table, proposal, row
from tests.unit.aws.conftest import ID, MACHINE, FakeConnection, Workflow, wait_for_approval
from tests.unit.presentation import samples
from tests.unit.tui.conftest import flat_text, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment, opener

ROUNDS = 7
PAIRS = 15
MANY, EXECUTIONS = 2_000, 10_000
UI_SECONDS = 0.05
LIST_SECONDS = 0.02
WIRE_SECONDS = 0.02
IDLE_SHARE = 0.02
IDLE_SECONDS = 20
QUERY_BYTES = 1_000_000
"""Of one page of a Query."""


def seconds_of(command: Sequence[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
    return time.perf_counter() - began


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_saying_what_there_is(option: str, results: Results, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    aws = [sys.executable, str(Path(sys.executable).parent / "aws"), "--version"]
    commands = (aws, [sys.executable, "-m", "qlikops", option])
    pairs = [[seconds_of(command, environment) for command in commands] for _ in range(ROUNDS)]
    theirs, ours = (min(each) for each in zip(*pairs, strict=True))
    results.add(f"`qlikops {option}`", ours / theirs, 0.4, "`aws --version`")


def test_completing_a_word(results: Results, tmp_path: Path) -> None:
    """Empty Python takes a tenth of the 0.2 s that a person may wait for Tab."""
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "QLIKOPS_DATA_DIR": str(tmp_path),
        "_QLIKOPS_COMPLETE": "complete_bash",
        "COMP_WORDS": "qlikops task ",
        "COMP_CWORD": "2",
    }
    names = {f"task-{number}": "on replicate-eu-1" for number in range(1_000)}
    (tmp_path / "completion.json").write_text(json.dumps({"prod": {"tasks": [2**40, names]}}))
    commands = ([sys.executable, "-c", "pass"], [sys.executable, "-m", "qlikops"])
    pairs = [[seconds_of(command, environment) for command in commands] for _ in range(ROUNDS)]
    empty, ours = (min(each) for each in zip(*pairs, strict=True))
    results.add("a word completed, of 1,000 tasks", ours / empty, 6, "an empty Python")


@dataclass(frozen=True)
class Waiting:
    """A ledger in which something waits, and the environment variables of a console on it."""

    aws: EmbeddedAws
    table: str
    environment: dict[str, str]

    def fill(self, number: int) -> list[dict[str, Any]]:
        """Puts so many copies of one record into it that differ by id and deadline; returns them."""
        client = self.aws.client("dynamodb")
        ledger = Ledger(Table(client, self.table), lambda: datetime.now(UTC))
        wait_for_approval(ledger)
        item = client.get_item(TableName=self.table, Key=records.key(approval_partition(ID), RECORD))["Item"]
        items = [copied(item, index) for index in range(number)]
        for start in range(0, number, 25):
            puts = [{"PutRequest": {"Item": one}} for one in items[start : start + 25]]
            client.batch_write_item(RequestItems={self.table: puts})
        client.delete_item(TableName=self.table, Key=records.key(approval_partition(ID), RECORD))
        return items


def copied(item: dict[str, Any], index: int) -> dict[str, Any]:
    approval_id = f"{index:012x}"
    deadline = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=20, seconds=index)
    row = replace(
        codec.loads(InboxRow, item[Attribute.ROW]["S"]),
        approval_id=approval_id,
        label=f"replicate-eu-1/task-{index}",
        requested_at=deadline - timedelta(hours=1),
        deadline=deadline,
    )
    return {
        **item,
        **records.key(approval_partition(approval_id), RECORD),
        INBOX_SORT: {"N": str(int(deadline.timestamp()))},
        Attribute.ROW: {"S": row.as_stored()},
    }


@pytest.fixture
def waiting(embedded_aws: EmbeddedAws, tmp_path: Path) -> Waiting:
    table = create_table(embedded_aws.client("dynamodb"))
    return Waiting(embedded_aws, table, console_on(embedded_aws.endpoint, table, tmp_path))


def console_on(endpoint: str, table: str, folder: Path) -> dict[str, str]:
    """The environment variables of a console whose local AWS is at `endpoint`; `folder` takes what it keeps."""
    status = local_status_path({"QLIKOPS_DATA_DIR": str(folder)})
    status.parent.mkdir(parents=True)
    status.write_text(codec.dumps(LocalConnection(endpoint, REGION, "qlikops", MACHINE, table, "data")))
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "QLIKOPS_DATA_DIR": str(folder),
        "QLIKOPS_CONFIG": str(folder / "config.toml"),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


CONSOLE = ("qlikops", "tui", "--context", "local")


def ratio_of_starts(
    waiting: Waiting, ours: Sequence[str], shown: str, baseline: Sequence[str], baseline_shown: str
) -> float:
    """By turns; the first round writes the bytecode."""
    pairs = []
    for _ in range(ROUNDS):
        pair = []
        for command, words in ((ours, shown), (baseline, baseline_shown)):
            with Terminal(command, waiting.environment) as terminal:
                pair.append(terminal.seconds_until(words))
        pairs.append(pair)
    console, empty = (min(each) for each in zip(*pairs, strict=True))
    return float(console / empty)


EMPTY = ("tests.benchmarks.empty_app", "ready")


def test_first_paint(waiting: Waiting, results: Results) -> None:
    ratio = ratio_of_starts(waiting, CONSOLE, "opening local", EMPTY, "ready")
    results.add("first paint: what is being opened", ratio, 1.25, "an empty Textual app")


def test_first_frame(results: Results, tmp_path: Path) -> None:
    """CPU of the main thread, which does not depend on who else is busy, such as the process that asks ahead. AWS keeps
    silent, so that nothing is counted that comes after the frame.
    """
    if not Path("/proc/self/schedstat").exists():
        pytest.skip("the CPU time of another process is read from /proc")
    ratios = []
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        environment = console_on(f"http://127.0.0.1:{silent.getsockname()[1]}", "t", tmp_path)
        for _ in range(PAIRS + 1):
            pair = []
            for command, words in ((CONSOLE, "Executions"), (EMPTY, "ready")):
                with Terminal(command, environment) as terminal:
                    terminal.seconds_until(words)
                    pair.append(int(Path(f"/proc/{terminal.pid}/schedstat").read_text().split()[0]))
            ratios.append(pair[0] / pair[1])
    # The first pair writes the bytecode.
    ratio = statistics.median(ratios[1:])
    results.add("first frame with all screens", ratio, 1.6, "an empty Textual app, in CPU of the main thread")


def test_inbox_filled(waiting: Waiting, results: Results) -> None:
    waiting.fill(20)
    ratio = ratio_of_starts(waiting, CONSOLE, "20 wait", (*EMPTY, waiting.table), "ready")
    results.add("inbox filled", ratio, 1.25, "an empty app, a boto3 client and one round trip")


def test_idle_with_countdowns(waiting: Waiting, results: Results) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("the CPU time of another process is read from /proc")
    waiting.fill(20)
    with Terminal(CONSOLE, waiting.environment) as terminal:
        terminal.seconds_until("20 wait")
        terminal.stay(5)
        before = cpu_seconds(terminal.pid)
        terminal.stay(IDLE_SECONDS)
        used = cpu_seconds(terminal.pid) - before
    results.add("idle, inbox open with countdowns", used / IDLE_SECONDS / IDLE_SHARE, 1.0, "2 % of a core")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Counted:
    """A client whose requests are counted where they leave for the wire."""

    def __init__(self, client: BaseClient) -> None:
        self.client = client
        self.calls: list[str] = []
        client.meta.events.register("before-send", self._count)

    def _count(self, event_name: str, **_: object) -> None:
        self.calls.append(event_name.rpartition(".")[2])


@pytest.mark.parametrize("number", [0, 100, MANY])
def test_calls_to_refresh_the_inbox(number: int, waiting: Waiting, results: Results) -> None:
    items = waiting.fill(number)
    counted = Counted(waiting.aws.new_client("dynamodb"))
    connection = FakeConnection(counted.client, Resources(MACHINE, waiting.table, "data"), None)  # type: ignore[arg-type]
    assert len(LedgerApprovals(connection).waiting()) == number
    results.add(f"calls to refresh the inbox, {number:,} waiting", len(counted.calls), 1.0, "1 Query")
    if number == MANY:
        size = sum(projected_bytes(item) for item in items)
        results.add(f"size of {MANY:,} rows", size / QUERY_BYTES, 1.0, "a page of a Query, 1 MB")


def projected_bytes(item: dict[str, Any]) -> int:
    """As DynamoDB counts what the index holds: names and values."""
    names = ("pk", "sk", "inbox", "deadline", Attribute.ROW, Attribute.CLAIM)
    return sum(len(name) + len(next(iter(item[name].values()))) for name in names if name in item)


def test_calls_to_refresh_executions(waiting: Waiting, results: Results) -> None:
    stepfunctions = Counted(waiting.aws.new_client("stepfunctions"))
    dynamodb = Counted(waiting.aws.new_client("dynamodb"))
    machine = stepfunctions.client.create_state_machine(  # type: ignore[attr-defined]
        name=f"m-{waiting.table}",
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::000000000000:role/r",
    )["stateMachineArn"]
    for _ in range(3):
        stepfunctions.client.start_execution(stateMachineArn=machine, input="{}")  # type: ignore[attr-defined]
    connection = FakeConnection(dynamodb.client, Resources(machine, waiting.table, "data"), None)  # type: ignore[arg-type]
    connection.stepfunctions = stepfunctions.client
    executions = StepFunctionsExecutions(connection)
    assert len(executions.page().executions) == 3
    stepfunctions.calls.clear()
    dynamodb.calls.clear()
    executions.page()
    calls = len(stepfunctions.calls) + len(dynamodb.calls)
    results.add("calls to refresh executions, only while on screen", calls, 1.0, "1 ListExecutions")


def many(number: int, shift: int = 0) -> FakeEnvironment:
    """So many that wait, and executions; `shift` of each end differ from one refresh to the next."""
    found = FakeEnvironment()
    for index in range(shift, number + shift):
        record = samples.approval(samples.proposal(index + 1, tasks=(f"task-{index}",)), minutes_left=60 + index)
        found.records[record.approval_id] = record
    runs = [samples.execution(f"run-{index}", ExecutionStatus.SUCCEEDED, minutes_old=index) for index in range(10)]
    found.runs = [
        replace(runs[index % 10], arn=f"{runs[0].arn}-{index}", started_at=samples.NOW - timedelta(minutes=index))
        for index in range(EXECUTIONS)
    ]
    return found


@pytest.fixture
def _unfrozen_at_the_end() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_unfrozen_at_the_end")
@pytest.mark.parametrize(("changed", "words"), [(20, "one in a hundred"), (1_000, "half of them")])
async def test_refreshing_with_very_much_waiting(changed: int, words: str, results: Results) -> None:
    """What a refresh takes of the UI thread, the slowest of some, repainting included, where so many of the rows went
    and as many came; what is chosen and marked stays.
    """
    by_turns = (many(MANY, shift=changed), many(MANY))
    environment = many(MANY)
    now = [samples.NOW]
    app = QlikOpsApp(
        [ContextSource("many", opener(environment))], clock=lambda: now[0], poll_seconds=3600, once_filled=look_as_usual
    )
    async with app.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "task-0: connection lost", f"{MANY:,} wait")
        table = app.screen.query_one("#inbox", KeyedTable)
        kept = app.state.waiting[changed + 20].row_key
        table.choose(kept)
        await pilot.press("space", "up")
        await sees(pilot, f"task-{changed + 20}: connection lost")
        record, taken = app.screen.query_one("#brief", Static), []
        for round_number in range(ROUNDS):
            # Each minute the record beside the list is drawn anew by its own clock, which takes twenty milliseconds of
            # whichever round it falls in.
            drawn, now[0] = record.content, now[0] + timedelta(seconds=61)
            await wait_until(pilot, lambda: record.content is not drawn)  # noqa: B023
            environment.records = by_turns[round_number % 2].records
            first = "/task-0" if round_number % 2 else f"/task-{changed}"
            began = time.thread_time()
            await pilot.press("r")
            await wait_until(pilot, lambda: app.state.waiting[0].row.label.endswith(first))  # noqa: B023
            await pilot.pause()
            taken.append(time.thread_time() - began)
            assert table.chosen == kept
        assert f"task-{changed + 20}: connection lost" in flat_text(pilot)
    results.add(f"a refresh of {MANY:,} waiting, {words} new", max(taken) / UI_SECONDS, 1.0, "50 ms of the UI thread")


@pytest.mark.usefixtures("_unfrozen_at_the_end")
async def test_refreshing_very_many_executions(results: Results) -> None:
    """What a page that came again takes of the UI thread if ten thousand runs are loaded."""
    environment = many(1)
    shown = as_listed(environment.runs)
    environment.runs, environment.page_size = shown[ROUNDS:], EXECUTIONS
    app = QlikOpsApp(
        [ContextSource("many", opener(environment))],
        clock=lambda: samples.NOW,
        poll_seconds=3600,
        once_filled=look_as_usual,
    )
    async with app.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "task-0: connection lost")
        await pilot.press("4")
        await sees(pilot, f"{EXECUTIONS - ROUNDS:,} loaded")
        screen = app.screen
        assert isinstance(screen, ExecutionsScreen)
        taken = []
        for number in range(ROUNDS):
            page = ExecutionPage(tuple(shown[ROUNDS - 1 - number :][:MOST]), "more")
            began = time.thread_time()
            screen.took(LoadedPage(ExecutionsQuery(None, None, is_next=False), page))
            taken.append(time.thread_time() - began)
            await pilot.pause()
        assert f"{EXECUTIONS:,} loaded" in flat_text(pilot)
    results.add(
        f"a refresh of {EXECUTIONS:,} executions",
        statistics.median(taken) / LIST_SECONDS,
        1.0,
        "20 ms of the UI thread",
    )


class Timed(Workflow):
    """Notes when each callback arrives."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.at: list[float] = []
        self.arrived = threading.Event()

    def _answer(self, *arguments: Any) -> None:
        self.at.append(time.perf_counter())
        super()._answer(*arguments)
        self.arrived.set()


@dataclass
class RealApprovals(FakeEnvironment):
    """A fake but for the approvals."""

    ledger_approvals: LedgerApprovals = field(kw_only=True)

    @property
    def approvals(self) -> Any:
        return self.ledger_approvals


@pytest.fixture
def timed(waiting: Waiting) -> tuple[LedgerApprovals, Timed, Ledger]:
    client = waiting.aws.client("dynamodb")
    ledger = Ledger(Table(client, waiting.table), lambda: datetime.now(UTC))
    workflow = Timed(ledger)
    connection = FakeConnection(client, Resources(MACHINE, waiting.table, "data"), workflow)
    return LedgerApprovals(connection, Timing()), workflow, ledger


@pytest.fixture
def _lanes_as_in_the_console() -> Iterator[None]:
    interval = sys.getswitchinterval()
    let_lanes_run()
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_lanes_as_in_the_console")
async def test_from_the_key_to_the_wire(timed: tuple[LedgerApprovals, Timed, Ledger], results: Results) -> None:
    """Enter in the dialog until the callback leaves, over `decide` alone: it reads the record before it sends."""
    approvals, workflow, ledger = timed
    by_key, raw = [], []
    for number in range(ROUNDS):
        approval_id = f"{number:06d}ffffff"
        digest = open_one(ledger, approval_id, f"by-call-{number}")
        began = time.perf_counter()
        approvals.decide(approval_id, Approve(digest, decision_id=f"d{number}"))
        raw.append(workflow.at[-1] - began)
        open_one(ledger, f"{number:06d}eeeeee", f"by-key-{number}")
        environment = RealApprovals(ledger_approvals=approvals)
        app = QlikOpsApp([ContextSource("real", opener(environment))], poll_seconds=3600)
        async with app.run_test(size=(120, 36)) as pilot:
            await sees(pilot, "orders: connection lost", "live")
            await pilot.press("a")
            await sees(pilot, "Approve: resume 1 task", "Enter sends")
            workflow.arrived.clear()
            began = time.perf_counter()
            await pilot.press("enter")
            await wait_until(pilot, workflow.arrived.is_set)
            by_key.append(workflow.at[-1] - began)
    over = statistics.median(by_key) - statistics.median(raw)
    results.add("from the key to the callback on the wire", over / WIRE_SECONDS, 1.0, "20 ms over the raw call")


def open_one(ledger: Ledger, approval_id: str, task: str) -> str:
    """A waiting proposal on a task of its own; the digest."""
    made = proposal(approval_id, TaskKey("default", "replicate-1", task), execution_name=f"run-{task}")
    ledger.open_proposals(made.execution_name, [made], 7200)
    record = ledger.save_evaluation(approval_id, EVALUATION, ASK)
    deadline = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    waiting = replace(row(approval_id, deadline), digest=record.approval.digest[:12])
    ledger.request(approval_id, f"token-of-{approval_id}", waiting, datetime.now(UTC), waiting.deadline)
    return record.approval.digest


def test_reading_what_a_refresh_shows(waiting: Waiting, results: Results) -> None:
    """For comparison: what taking the same rows off the wire costs, beside the UI thread."""
    items = waiting.fill(MANY)
    began = time.thread_time()
    rows = [records.inbox_row(item, datetime.now(UTC)) for item in items]
    taken = time.thread_time() - began
    assert len(rows) == MANY
    results.add(f"parsing {MANY:,} rows, off the UI thread", taken / UI_SECONDS, None, "50 ms")
