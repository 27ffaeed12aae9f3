"""What the scenarios of the tests are made of: a fleet, its story, and short ways to say what is expected of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action
from qlikops.qlik.names import key_name
from qlikops.qlik.simulator.library import NAMES, SERVER, server, task
from qlikops.qlik.simulator.scenario import Scenario, ScenarioEvent, SimulatedTask
from tests.scenarios.faulty import HttpFault

OTHER_SERVER = "replicate-2"

Found = Mapping[str, AnomalyKind | tuple[AnomalyKind, ...]]
Proposed = tuple[Action, Iterable[str]]
"""An action and the tasks that one proposal is on, as `server/task` or, on SERVER, as `task`."""
Proposable = tuple[Action, frozenset[str]]
"""An action and all the tasks, as `server/task`, that one proposal is on."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What monitoring is to make of a scenario, with the default thresholds and nothing restarted meanwhile."""

    found: Mapping[str, frozenset[AnomalyKind]] = field(default_factory=dict)
    """By `server/task`, `server` for a server's own: the confirmed kinds at the last poll. All others have none."""
    proposed: frozenset[Proposable] = frozenset()
    """What may be proposed at the last poll, apart from the cap on proposals."""
    polls: int = 3
    """The first one as the scenario begins."""
    poll_seconds: float = 60.0
    """From poll to poll."""
    is_unreadable: bool = False
    """The fleet cannot be read, and monitoring says so instead of finding nothing wrong."""


@dataclass(frozen=True, slots=True)
class CheckedScenario(Scenario):
    """A scenario, and what monitoring is to make of it."""

    expected: Expected = Expected()
    faults: tuple[HttpFault, ...] = ()
    """Applied in this order, until one of them answers or hangs up."""
    tls: bool = False
    """Enterprise Manager has a certificate of an authority that nobody knows."""


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
    *events: ScenarioEvent,
    expected: Expected,
    tasks: Iterable[SimulatedTask] = tuple(map(task, NAMES)),
    faults: tuple[HttpFault, ...] = (),
    tls: bool = False,
) -> CheckedScenario:
    """SERVER with four tasks, unless told which, and what befalls them."""
    return CheckedScenario(name, (server(SERVER, tasks),), events, faults=faults, tls=tls, expected=expected)
