"""Runs what may block off the UI thread.

Textual's thread workers hold the exit while a call hangs; these threads are daemons, so quitting is immediate, and
the ledger tells the next start what became of anything that was under way.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable

from textual.message import Message
from textual.message_pump import MessagePump

from qlikops.domain.ports import Awaited, ContextServices
from qlikops.tui.model.messages import CallFailed, EnvironmentOpened

Work = Callable[[ContextServices], Message]
Failed = Callable[[Exception], Message]
Start = Callable[[str, Callable[[], None]], object]
"""Begins to run something beside the UI thread, under a name."""


SWITCH_SECONDS = 0.001


def let_lanes_run() -> None:
    """Has the UI thread give way sooner to a lane that has something to do, for the whole process.

    A lane asks for the interpreter whenever it has heard from the network. By Python's default the UI thread keeps it
    for another 5 ms each time while it draws, and a decision hears from the network several times before it is sent.
    """
    sys.setswitchinterval(SWITCH_SECONDS)


def in_a_thread(name: str, body: Callable[[], None]) -> None:
    """Begins `body` in a thread that does not hold the exit."""
    threading.Thread(target=body, name=name, daemon=True).start()


class Lane:
    """Runs jobs one after the other, in the order given; its thread lives only while there is work."""

    def __init__(self, name: str, start: Start = in_a_thread) -> None:
        self._name = name
        self._start = start
        self._jobs: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._running = False

    def submit(self, job: Callable[[], None]) -> None:
        """Queues `job`; it must not raise."""
        with self._lock:
            self._jobs.append(job)
            if self._running:
                return
            self._running = True
        self._start(f"qlikops-{self._name}", self._drain)

    def _drain(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._running = False
                    return
                job = self._jobs.popleft()
            job()


class Backend:
    """The environment behind lanes. The first call opens it; one that failed to open is tried again by the next."""

    def __init__(
        self,
        context: str,
        open_environment: Callable[[], ContextServices],
        app: MessagePump,
        start: Start = in_a_thread,
    ) -> None:
        """`start` begins what runs beside the UI thread: a simulation has no threads."""
        self._start = start
        self._context = context
        self._open = open_environment
        self._app = app
        self._environment: ContextServices | None = None
        self._wanted_anew = False
        self._opening = threading.Lock()
        self._lanes: dict[str, Lane] = {}
        self._under_way: Counter[str] = Counter()
        """Calls without an answer yet, by lane."""
        self._counting = threading.Lock()

    @property
    def waits_for(self) -> Awaited | None:
        """What signing in waits for; never blocks."""
        environment = self._environment
        return None if environment is None else environment.waits_for

    def sign_in(self) -> None:
        """Opens the environment anew and signs in, in the terminal, which must be free. Raises what that raises."""
        environment = self._open()
        environment.sign_in()
        with self._opening:
            self._environment, self._wanted_anew = environment, False
        post(self._app, EnvironmentOpened(self._context, environment.where, read_only=environment.read_only))

    def busy(self, lane: str) -> bool:
        """Whether `lane` has anything under way; no longer once its answer has been posted."""
        return self._under_way[lane] > 0

    def _count(self, lane: str, by: int) -> None:
        with self._counting:
            self._under_way[lane] += by

    def call(self, lane: str, work: Work, failed: Failed, to: MessagePump, *, anew: bool = True) -> None:
        """Runs `work` in `lane` and posts the message it returns, or `failed`'s, to `to`.

        What only looks at the environment as it is, is not `anew`: reopening is left to the next that uses it.
        """

        def job() -> None:
            answers: list[tuple[MessagePump, Message]]
            try:
                answers = [(to, work(self._opened(anew=anew)))]
            except Exception as error:
                # Not only QlikopsError: a bug in an adapter must reach the screen, not end a thread unseen.
                answers = [(self._app, CallFailed(self._context, error)), (to, failed(error))]
            # First: whoever asks again because of the answer must not be told that one is on its way.
            self._count(lane, -1)
            for receiver, message in answers:
                post(receiver, message)

        self._count(lane, 1)
        self._lanes.setdefault(lane, Lane(lane, self._start)).submit(job)

    def reopen(self) -> None:
        """Lets the next call open the environment anew; those under way keep the one they have."""
        self._wanted_anew = True

    def _opened(self, *, anew: bool) -> ContextServices:
        with self._opening:
            if self._environment is None or (anew and self._wanted_anew):
                before, self._environment, self._wanted_anew = self._environment, None, False
                if before is not None:
                    before.close()
                environment = self._open()
                where, read_only = environment.where, environment.read_only
                self._environment = environment
                post(self._app, EnvironmentOpened(self._context, where, read_only=read_only))
            return self._environment


def post(to: MessagePump, message: Message) -> None:
    """Posts from any thread; to an app that has ended it says nothing."""
    with contextlib.suppress(RuntimeError):  # the event loop is closed
        to.post_message(message)
