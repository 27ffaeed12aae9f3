"""One scheduler, virtual time, one seed: processes are greenlets, and exactly one of them runs at any moment.

A process gives way wherever it sleeps, which every call to the outside does twice: on its way there and on its way
back. What happens between two such points is one step, so every interleaving that differs is reached by some seed.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from greenlet import greenlet


class Killed(BaseException):
    """The end of a process from outside: nothing in it may catch this, and whatever it still calls raises it again."""


class Stuck(Exception):
    """A world that makes more events than any real one would: something in it never ends."""


@dataclass(eq=False)
class Process:
    """One line of control: an invocation of a function, an operator, a state machine's branch."""

    name: str
    body: Callable[[], Any]
    on_end: Callable[[Process], None] | None = None
    """Called when it is over, however it went."""
    result: Any = None
    error: BaseException | None = None
    is_over: bool = False
    is_killed: bool = False
    stands_still_until: float = 0.0
    """Nothing wakes it before: it is suspended."""
    _run: greenlet = field(init=False, repr=False)
    _wakes: int = field(default=0, init=False, repr=False)
    """Counts resumptions, so that a timer set for an earlier sleep does not end a later one."""


class TraceLine(NamedTuple):
    """One thing that happened, for people."""

    at: float
    who: str
    what: str

    def __str__(self) -> str:
        return f"{datetime.fromtimestamp(self.at, UTC):%m-%d %H:%M:%S.%f}"[:-3] + f"  {self.who:<28} {self.what}"


class Kernel:
    """The scheduler of one world."""

    def __init__(self, seed: int, start: datetime, most_events: int = 200_000) -> None:
        """Raises Stuck from `run` after `most_events`."""
        self.random = random.Random(seed)  # noqa: S311 - a seed that can be replayed is the point
        self.now = start.timestamp()
        self.trace: list[TraceLine] = []
        self.events = 0
        self.after_event: Callable[[], None] = lambda: None
        self.failed: list[tuple[str, Exception]] = []
        """The processes that an error ended, by name."""
        self.is_unheard = False
        """What is carried out now, nobody hears the answer of: it came too late."""
        self._most_events = most_events
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._hub = greenlet.getcurrent()
        self._current: Process | None = None
        self._alive: set[Process] = set()
        self._until = 0.0
        """Nothing that is due later happens in this `run`."""
        self._last_event = math.inf
        """The number of the event after which this `run` ends."""
        self._failure: BaseException | None = None
        """What a check raised while a process was running."""

    @property
    def current(self) -> Process | None:
        """The process that runs now; None for the world itself."""
        return self._current

    @property
    def current_name(self) -> str:
        """Of the process that runs now."""
        return self._current.name if self._current else "world"

    def time(self) -> datetime:
        """Now, as everybody's clock says who has no clock of his own."""
        return datetime.fromtimestamp(self.now, UTC)

    def monotonic(self) -> float:
        """Seconds that no clock step touches."""
        return self.now

    def say(self, what: str, who: str = "") -> None:
        """Adds a line to the trace."""
        self.trace.append(TraceLine(self.now, who or (self._current.name if self._current else "world"), what))

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Has `action` called at `moment`, or now where that is past. It must not sleep."""
        heapq.heappush(self._due, (max(moment, self.now), next(self._order), action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Has `action` called in so many seconds."""
        self.at(self.now + seconds, action)

    def arrive(self, seconds: float, action: Callable[[], None]) -> None:
        """Has carried out in so many seconds what the running process has sent, whether it lives then or not."""
        process = self._running()

        def carry_out() -> None:
            self.is_unheard = True
            try:
                with self.as_current(process):
                    action()
            finally:
                self.is_unheard = False

        self.after(seconds, carry_out)

    def spawn(
        self, name: str, body: Callable[[], Any], *, after: float = 0.0, on_end: Callable[[Process], None] | None = None
    ) -> Process:
        """Begins a process in so many seconds."""
        process = Process(name, body, on_end)
        process._run = greenlet(lambda: self._live(process), self._hub)
        self._alive.add(process)
        self.after(after, lambda: self._resume(process, process._wakes))
        return process

    def sleep(self, seconds: float) -> None:
        """Gives way to the others for so long. Raises Killed in a process that is not to wake."""
        process = self._running()
        self.check_alive()
        moment = self.now + max(0.0, seconds)
        if self._comes_next(process, moment):  # every other event by far: no switch there and back, and no timer
            self._check()
            self._begin_event(moment)
            return
        wakes = process._wakes
        self.at(moment, lambda: self._resume(process, wakes))
        self._give_way()

    def wait(self, ready: Waiting) -> None:
        """Gives way until `ready` is opened."""
        process = self._running()
        if ready.is_open:
            return
        wakes = process._wakes
        ready.waiting.append(lambda: self.after(0.0, lambda: self._resume(process, wakes)))
        self._give_way()

    def kill(self, process: Process, *, quietly: bool = False) -> None:
        """Ends a process where it stands; `quietly` where that is no mishap."""
        if process.is_over or process.is_killed:
            return
        process.is_killed = True
        if not quietly:
            self.say("killed", process.name)
        if process is not self._current:
            self.after(0.0, lambda: self._resume(process, process._wakes))

    def wake(self, process: Process) -> None:
        """Lets a process that stands still go on at once."""
        process.stands_still_until = 0.0
        self.after(0.0, lambda: self._resume(process, process._wakes))

    def kill_current(self) -> None:
        """Ends the process that runs now. Raises Killed in it."""
        self.kill(self._running())
        self.check_alive()

    def check_alive(self) -> None:
        """Raises Killed in a process that was killed: a dead one calls nobody, whatever its `finally` says."""
        if self._current is not None and self._current.is_killed:
            raise Killed(self._current.name)

    def run(self, until: float, *, most_events: float = math.inf) -> None:
        """Lets everything happen that is due before `until`, or the first so many events of it; checks after each."""
        self._hub, self._until, self._last_event = greenlet.getcurrent(), until, self.events + most_events
        for process in self._alive:
            process._run.parent = self._hub
        while self._due and self._due[0][0] <= until:
            if self.events >= self._last_event:
                return
            moment, _, action = heapq.heappop(self._due)
            self._begin_event(moment)
            if self.events > self._most_events:
                raise Stuck(f"{self._most_events} events by {self.time():%Y-%m-%d %H:%M:%S}")
            action()
            if self._failure is not None:
                raise self._failure
            self.after_event()
        self.now = max(self.now, until)

    def close(self) -> None:
        """Ends all processes, so that none lives on in memory."""
        self.after_event = lambda: None
        for process in list(self._alive):
            process.is_killed, process.on_end = True, None
            self._resume(process, process._wakes)

    def _live(self, process: Process) -> None:
        try:
            if not process.is_killed:
                process.result = process.body()
        except Killed:
            process.is_killed = True
        except Exception as exc:  # it is whoever began it who says what that means
            process.error = exc
            self.failed.append((process.name, exc))
        process.is_over = True
        self._alive.discard(process)
        if process.on_end:
            process.on_end(process)

    def _resume(self, process: Process, wakes: int) -> None:
        if process.is_over or process._wakes != wakes:
            return
        if process.stands_still_until > self.now and not process.is_killed:
            self.at(process.stands_still_until, lambda: self._resume(process, wakes))
            return
        process._wakes += 1
        before, self._current = self._current, process
        try:
            process._run.switch()
        finally:
            self._current = before

    def _begin_event(self, moment: float) -> None:
        if moment > self.now:
            self.now = moment
        self.events += 1

    def _comes_next(self, process: Process, moment: float) -> bool:
        """Whether the running process would be the next to run if it slept until `moment`."""
        is_first = moment <= self._until and not (self._due and self._due[0][0] <= moment)
        is_last = self.events >= min(self._most_events, self._last_event)
        return is_first and process.stands_still_until <= moment and not is_last

    def _check(self) -> None:
        """Checks what the running process has done; a violation ends the run, whatever the process would catch."""
        try:
            self.after_event()
        except Exception as exc:
            self._failure = exc
            self._give_way()

    def _give_way(self) -> None:
        self.check_alive()
        self._hub.switch()
        self.check_alive()

    def _running(self) -> Process:
        if self._current is None:
            raise RuntimeError("only a process can wait")
        return self._current

    @contextmanager
    def as_current(self, process: Process) -> Iterator[None]:
        """For what a process does from the hub."""
        before, self._current = self._current, process
        try:
            yield
        finally:
            self._current = before


@dataclass
class Waiting:
    """Something that processes wait for."""

    is_open: bool = False
    waiting: list[Callable[[], None]] = field(default_factory=list)

    def open(self) -> None:
        """Lets all go on that wait for it, now and later."""
        self.is_open = True
        waiting, self.waiting = self.waiting, []
        for go_on in waiting:
            go_on()
