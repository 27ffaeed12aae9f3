"""What the library's scenarios are made of: one server with four tasks, and short ways to say what is expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qlikops.domain.anomaly import AnomalyKind
from qlikops.domain.proposal import Action
from qlikops.qlik.names import key_name
from qlikops.qlik.simulator.scenario import (
    Endpoint,
    Event,
    Expected,
    HttpFault,
    Scenario,
    SimulatedServer,
    SimulatedTask,
)

SERVER = "replicate-1"
OTHER_SERVER = "replicate-2"
ORACLE = Endpoint("ORA-PROD", "Oracle")
SNOWFLAKE = Endpoint("SNOWFLAKE-DWH", "Snowflake")
NAMES = ("orders", "customers", "invoices", "stock")

CONNECTION_LOST = "ORA-12170: TNS:Connect timeout occurred"
POSITION_LOST = (
    "Failed to resume from the given position. "
    "ORA-00308: cannot open archived log '/arch/1_48213_1093.arc'; the archived log does not exist"
)

Found = Mapping[str, AnomalyKind | tuple[AnomalyKind, ...]]
Proposed = tuple[Action, Iterable[str]]
"""An action and the tasks that one proposal is on, as `server/task` or, on SERVER, as `task`."""


def task(name: str, source: Endpoint = ORACLE, target: Endpoint = SNOWFLAKE, *tags: str) -> SimulatedTask:
    """A task whose full load is complete."""
    return SimulatedTask(name, source, target, tags)


def server(name: str, tasks: Iterable[SimulatedTask]) -> SimulatedServer:
    """A server on a host of its own."""
    return SimulatedServer(name, f"{name}.example.com", tuple(tasks))


def expect(
    found: Found | None = None,
    *proposed: Proposed,
    on: str = SERVER,
    polls: int = 3,
    poll_seconds: float = 60.0,
    is_unreadable: bool = False,
) -> Expected:
    """Kinds by task and proposals.

    A name without a slash is that of a task on the server `on`, one with nothing behind its slash a server's.
    """

    def place(name: str) -> str:
        return name.removesuffix("/") if "/" in name else f"{key_name(on)}/{key_name(name)}"

    return Expected(
        found={
            place(name): frozenset((kinds,) if isinstance(kinds, AnomalyKind) else kinds)
            for name, kinds in (found or {}).items()
        },
        proposed=frozenset((action, frozenset(map(place, names))) for action, names in proposed),
        polls=polls,
        poll_seconds=poll_seconds,
        is_unreadable=is_unreadable,
    )


def small(
    name: str,
    *events: Event,
    expected: Expected,
    tasks: Iterable[SimulatedTask] = tuple(map(task, NAMES)),
    faults: tuple[HttpFault, ...] = (),
    tls: bool = False,
) -> Scenario:
    """SERVER with four tasks, unless told which, and what befalls them."""
    return Scenario(name, (server(SERVER, tasks),), events, faults=faults, tls=tls, expected=expected)
