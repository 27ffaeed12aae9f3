"""The scenarios by name, and the small fleet that most of them have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from qlikops.qlik.simulator.demo import demo
from qlikops.qlik.simulator.scenario import (
    AfterRun,
    Break,
    Effect,
    Endpoint,
    KeptLog,
    Scenario,
    SimulatedServer,
    SimulatedTask,
)

SERVER = "replicate-1"
NAMES = ("orders", "customers", "invoices", "stock")
ORACLE = Endpoint("ORA-PROD", "Oracle")
SNOWFLAKE = Endpoint("SNOWFLAKE-DWH", "Snowflake")
CONNECTION_LOST = "ORA-12170: TNS:Connect timeout occurred"


def task(name: str, source: Endpoint = ORACLE, target: Endpoint = SNOWFLAKE, *tags: str) -> SimulatedTask:
    """A task whose full load is complete."""
    return SimulatedTask(name, source, target, tags)


def server(name: str, tasks: Iterable[SimulatedTask]) -> SimulatedServer:
    """A server on a host of its own."""
    return SimulatedServer(name, f"{name}.example.com", tuple(tasks))


def healthy(_seed: int) -> Scenario:
    """Nothing happens."""
    return Scenario("healthy", (server(SERVER, map(task, NAMES)),))


def one_fatal(_seed: int) -> Scenario:
    """One task has lost its source; running it helps."""
    return Scenario("one_fatal", healthy(0).servers, (Break(0, SERVER, "orders", message=CONNECTION_LOST),))


def log_stream(_seed: int) -> Scenario:
    """A staging task and those that read its log have lost their source; a reader comes up only after its parent."""
    stages = SimulatedTask("orders-log", ORACLE, Endpoint("LOG-STREAM", "Log Stream"), tables=500, start_seconds=20)
    readers = [replace(task(name), reads_log_of=stages.name) for name in NAMES]
    return Scenario(
        "log_stream",
        (server(SERVER, (*readers, stages)),),
        tuple(Break(0, SERVER, each.name, message=CONNECTION_LOST) for each in (*readers, stages)),
    )


def falls_over(
    _seed: int, after: float = 600, tasks: Iterable[str] = ("orders",), times: int | None = None
) -> Scenario:
    """A task has lost its source; each resume brings it up for ten minutes only."""
    after_run = AfterRun(Effect.FAILS_AGAIN, Effect.FAILS_AGAIN, fails_after_seconds=after, times=times)
    events = (Break(0, SERVER, name, message=CONNECTION_LOST, after_run=after_run) for name in tasks)
    return Scenario("falls_over", healthy(0).servers, tuple(events))


LOG_GONE = (
    "ORA-00308: cannot open archived log '/u02/arch/1_88120_1071.arc'. The archived log does not exist; capture cannot "
    "continue from the last position"
)


def log_runs_out(_seed: int, keeps: float = 3 * 3600) -> Scenario:
    """A task has lost a source that keeps its log for three hours: resumed after that, it fails for good."""
    source = replace(ORACLE, log=KeptLog(keeps, LOG_GONE))
    tasks = (replace(task(name), source=source) for name in NAMES)
    events = (Break(60, SERVER, "orders", message=CONNECTION_LOST),)
    return Scenario("log_runs_out", (server(SERVER, tasks),), events)


def large(_seed: int, servers: int = 50, tasks: int = 100) -> Scenario:
    """`servers` x `tasks`, every hundredth of which has lost its source."""
    names = [f"replicate-{number:03d}" for number in range(servers)]
    return Scenario(
        "large",
        tuple(server(name, (task(f"task-{number:04d}") for number in range(tasks))) for name in names),
        tuple(
            Break(0, name, f"task-{number:04d}", message=CONNECTION_LOST)
            for name in names
            for number in range(0, tasks, 100)
        ),
    )


SCENARIOS: dict[str, Callable[[int], Scenario]] = {
    factory.__name__: factory for factory in (demo, healthy, one_fatal, log_stream, falls_over, log_runs_out, large)
}


def build_scenario(name: str, seed: int) -> Scenario:
    """The scenario called `name`; `large:20x500` is `large` with 20 servers of 500 tasks.

    Raises ValueError that lists the names.
    """
    if name in SCENARIOS:
        return SCENARIOS[name](seed)
    size = re.fullmatch(r"large:(\d{1,4})x(\d{1,5})", name)
    if size:
        return large(seed, servers=int(size[1]), tasks=int(size[2]))
    raise ValueError(f"{name!r} is no scenario; there are {', '.join(SCENARIOS)}, and large:SERVERSxTASKS")
