"""What goes wrong, by the seed: alone, and together.

Each world draws which kinds of fault it has and how often; many have none, so that what fails without them is found
first. A fault's draw does not depend on what else happened, so a shortened world keeps the rest of its faults.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from botocore.exceptions import ConnectionClosedError

from tests.simulation.kernel import Kernel

T = TypeVar("T")


class Fault(StrEnum):
    """How a call or an invocation goes wrong."""

    REFUSED = "refused"
    """It does not reach the service, and the caller is told."""
    LOST = "lost"
    """The service carries it out, and the answer is lost."""
    LATE = "late"
    """It arrives long after everybody has given up, or nearly so."""
    TWICE = "twice"
    """It is carried out twice: an invocation that Lambda repeats."""
    NONSENSE = "nonsense"
    """The service carries it out, and what comes back is no answer."""
    BUSY = "busy"
    """The service says to come again."""
    BROKEN = "broken"
    """The service says that it failed in itself: it may have carried it out, or not."""
    FORBIDDEN = "forbidden"
    """The service says that the caller may not do that, for now: somebody changes a policy, or a session is over."""
    STALLED = "stalled"
    """The caller's process stands still before it sends: what it has read is older by then."""
    KILLED = "killed"
    """The service carries it out, and the caller's process is gone."""


OF_CALLS = (Fault.REFUSED, Fault.LOST, Fault.LATE, Fault.NONSENSE, Fault.BUSY, Fault.STALLED, Fault.KILLED)
OF_INVOCATIONS = (Fault.REFUSED, Fault.LOST, Fault.LATE, Fault.TWICE, Fault.BUSY)
OF_OUTAGES = (Fault.REFUSED, Fault.REFUSED, Fault.LOST, Fault.NONSENSE, Fault.BUSY)
OFTEN_STRUCK = ("MonitorTasks", "EvaluateProposal", "RequestApproval", "ExecuteRestart", "RecordOutcome")
SIGNATURE_SECONDS = 299.0
"""After which AWS refuses what was signed before; nothing between a caller and a service holds a request for longer."""
PATIENCE_SECONDS = 20.0
"""After which a caller takes an answer for lost."""

_ENTRIES_REFUSED = 0.1
_STALLED_SECONDS = (1.0, 10.0, 60.0, 400.0)

_ONLY = ("dynamodb:", "TransactWriteItems", "qem:", "qem:POST", "s3:", "stepfunctions:", "DescribeExecution", "Send")


@dataclass(frozen=True, slots=True)
class Mischance:
    """How often which kinds happen in one world."""

    share_of_calls: float = 0.0
    kinds: tuple[Fault, ...] = ()
    only: str = ""
    """Part of the calls' names that are concerned; empty: any."""
    share_of_invocations: float = 0.0
    kinds_of_invocations: tuple[Fault, ...] = ()
    struck_function: str = ""
    """Every other invocation of it, or each, is killed or stalled in its call `struck_after`; empty: of none."""
    struck_after: int = 0
    struck_by: Fault = Fault.KILLED

    outages: float = 0.0
    """How often a call is the first of an outage: for up to minutes, nearly each call of its name goes wrong."""

    @property
    def struck_every(self) -> int:
        """Mostly every other invocation gets through, so that something comes of it; in some worlds none does."""
        return 1 if self.struck_after % 6 == 1 and self.struck_function != "MonitorTasks" else 2

    @classmethod
    def drawn(cls, rng: random.Random) -> Mischance:
        """A world's: none in two of ten, one kind in three, several in the rest."""
        severity = rng.random()
        if severity < 0.2:
            return cls()
        count = 1 if severity < 0.5 else rng.randint(2, 4)
        only = rng.choice(["", "", "", *_ONLY])
        return cls(
            share_of_calls=rng.choice([0.01, 0.03, 0.1, 0.3 if only else 0.05]),
            kinds=tuple(rng.sample(OF_CALLS, count)),
            only=only,
            share_of_invocations=rng.choice([0.0, 0.05, 0.2]),
            kinds_of_invocations=tuple(rng.sample(OF_INVOCATIONS, min(count, 3))),
            struck_function=rng.choice(["", "", "", "", *OFTEN_STRUCK]),
            struck_after=rng.randint(1, 30),
            struck_by=rng.choice([Fault.KILLED, Fault.KILLED, Fault.STALLED]),
        )


@dataclass
class Faults:
    """The faults of one world. `spared` are the numbers of those that do not happen: how a trace is shortened."""

    kernel: Kernel
    rng: random.Random
    mischance: Mischance = Mischance()
    spared: frozenset[int] = frozenset()
    entries: random.Random = field(kw_only=True)
    """Draws which entries of a call are refused: of its own, so that calls have the faults that they have."""
    befallen: list[str] = field(default_factory=list)
    struck: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The calls of each process that went wrong."""
    reached: Callable[[str], None] = lambda _: None
    _drawn: int = 0
    is_cut_off: Callable[[str], bool] = field(default=lambda _: False)
    """Whether a caller has no network right now."""
    calls: Counter[str] = field(default_factory=Counter)
    malformed: list[str] = field(default_factory=list)
    """Requests that AWS has refused for their form."""
    _out: str = ""
    """The call of the last outage."""
    _out_until: float = 0.0
    _by: Fault = Fault.REFUSED
    _made: Counter[str] = field(default_factory=Counter)
    """Calls of each process of the function that is struck."""

    def befall(self, name: str, who: str, send: Callable[[], T], failure: Callable[[Fault], T | Exception]) -> T:
        """What `send` answers after a while, or what goes wrong instead.

        `failure` says what the caller gets for REFUSED, LOST, NONSENSE, BUSY, BROKEN and FORBIDDEN: an answer, or
        what is raised. Raises Killed in a process that is dead.
        """
        kernel = self.kernel
        kernel.check_alive()
        self.calls[name] += 1
        fault = (
            self._striking(name, who)
            or self._in_outage(name)
            or self._draw(name, self.mischance.share_of_calls, self.mischance.kinds)
        )
        kernel.sleep(kernel.random.expovariate(1 / 0.02))
        if fault is not None:
            self.struck[who].append(name)
            kernel.say(f"{fault} {name}", who)
        if fault is Fault.STALLED:
            kernel.sleep(kernel.random.choice(_STALLED_SECONDS) * (0.5 + kernel.random.random()))
        if self.is_cut_off(who):
            kernel.sleep(2.0)
            return _given(failure(Fault.REFUSED))
        if fault in (Fault.REFUSED, Fault.BUSY, Fault.FORBIDDEN):
            return _given(failure(fault))
        if fault is Fault.BROKEN and kernel.random.random() < 0.5:
            return _given(failure(fault))
        if fault is Fault.LATE:
            arrives = min(self.how_late(), SIGNATURE_SECONDS)
            if arrives > PATIENCE_SECONDS:
                kernel.arrive(arrives, lambda: _suppressed(send))
                kernel.sleep(PATIENCE_SECONDS)
                return _given(failure(Fault.LOST))
            kernel.sleep(arrives)
        answer = send()
        if fault is Fault.KILLED:
            kernel.kill_current()
        kernel.sleep(kernel.random.expovariate(1 / 0.02))
        if self.is_cut_off(who):
            fault = Fault.LOST
        if fault not in (Fault.LOST, Fault.NONSENSE, Fault.BROKEN):
            return answer
        got = failure(fault)
        if fault is Fault.LOST and not isinstance(got, ConnectionClosedError):
            kernel.sleep(PATIENCE_SECONDS)
        return _given(got)

    def end(self) -> None:
        """Nothing goes wrong any more."""
        self.mischance = Mischance()

    def of_entry(self) -> bool:
        """Whether EventBridge refuses one entry of a call that it takes otherwise."""
        is_busy = Fault.BUSY in self.mischance.kinds and self.mischance.only in "events:PutEvents"
        return is_busy and self.entries.random() < _ENTRIES_REFUSED and bool(self._befalls(Fault.BUSY, "events:entry"))

    def of_invocation(self, function: str) -> Fault | None:
        """What befalls an invocation of `function`."""
        return self._draw(
            f"lambda:{function}", self.mischance.share_of_invocations, self.mischance.kinds_of_invocations
        )

    def how_late(self) -> float:
        """Seconds: mostly few, now and then hours."""
        return self.kernel.random.choice([0.2, 1.0, 5.0, 25.0, 90.0, 700.0, 7200.0]) * (
            0.5 + self.kernel.random.random()
        )

    def _striking(self, name: str, who: str) -> Fault | None:
        """What befalls the process of a function in this call of it."""
        if not self.mischance.struck_function:
            return None
        function, _, number = who.partition("#")
        if function != self.mischance.struck_function or int(number) % self.mischance.struck_every:
            return None
        self._made[who] += 1
        is_struck = self._made[who] == self.mischance.struck_after
        return self._befalls(self.mischance.struck_by, name) if is_struck else None

    def _in_outage(self, name: str) -> Fault | None:
        """What befalls a call of which nearly none gets through for a while, or the first one of these."""
        if not self.mischance.outages:
            return None
        if self.kernel.now >= self._out_until and self.rng.random() < self.mischance.outages:
            self._out, self._by = name, self.rng.choice(OF_OUTAGES)
            self._out_until = self.kernel.now + self.rng.choice([5.0, 20.0, 120.0])
            self.reached("an outage")
        is_out = name == self._out and self.kernel.now < self._out_until and self.rng.random() < 0.95
        return self._befalls(self._by, name) if is_out else None

    def _draw(self, name: str, share: float, kinds: tuple[Fault, ...]) -> Fault | None:
        chance, kind = self.rng.random(), self.rng.random()
        if not kinds or chance >= share or self.mischance.only not in name:
            return None
        return self._befalls(kinds[int(kind * len(kinds))], name)

    def _befalls(self, fault: Fault, name: str) -> Fault | None:
        self._drawn += 1
        if self._drawn in self.spared:
            return None
        self.befallen.append(f"{fault} {name}")
        self.reached(f"fault {fault}")
        return fault


def _given(answer: T | Exception) -> T:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _suppressed(send: Callable[[], object]) -> None:
    """Carries out what arrives when nobody waits for it any more."""
    with contextlib.suppress(Exception):
        send()
