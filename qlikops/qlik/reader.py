"""Reads a whole fleet concurrently. What cannot be read is said of the server or task that it concerns, and costs
nobody else anything.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import ServerFacts, ServerHealth, ServerState, TaskFacts, TaskKey
from qlikops.qlik.client import ErrorCode, QemClient
from qlikops.qlik.config import QemInstance
from qlikops.qlik.errors import QemBusinessError, QemError, QemLoginRefused, QemOutOfTime, QemUnreachable
from qlikops.qlik.wire import ListedTask

CONCURRENCY = 16
"""Calls at a time, over all Enterprise Managers."""
UNREADABLE = "QEM_UNREADABLE"
"""The error_code, of our making, of a server or Enterprise Manager that gave no error_code itself."""
NOT_READ_IN_TIME = "QEM_NOT_READ_IN_TIME"
"""Our `error_code` for a server that the run could not read completely in time."""

Chooser = Callable[[Sequence[ServerFacts]], Collection[TaskKey]]
"""Picks the servers whose own details are read, of those of one Enterprise Manager."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FleetReading:
    """All servers and tasks of all instances at one poll, sorted by instance, server and task."""

    servers: tuple[ServerFacts, ...]
    tasks: tuple[TaskFacts, ...]
    not_read: frozenset[TaskKey] = frozenset()
    """Tasks whose details could not be read in time: their facts are the list's."""


def read_fleet(
    instances: Sequence[QemInstance],
    *,
    concurrency: int = CONCURRENCY,
    client_factory: Callable[[QemInstance], QemClient] = QemClient,
    whose_health: Chooser = lambda _: (),
) -> FleetReading:
    """Reads every task of every server, `concurrency` calls at a time.

    A server whose tasks cannot be listed has state ERROR and an error_code; a task whose details cannot be read
    keeps what the list says of it; an Enterprise Manager that cannot be read at all appears as a server named after
    the instance. The health of the servers that `whose_health` picks is read too, and what cannot be read of it is
    missing. What a client had no time for says so: the server's error_code is NOT_READ_IN_TIME, its state what it
    was listed with, and its tasks are missing or among the unread ones. Only where none can be read is its QemError
    raised: nothing read is not a healthy fleet.
    """
    if not instances:
        return FleetReading((), ())
    # Calls share one pool of workers; an instance's coordinator only waits, so a slow one holds up nobody.
    with ThreadPoolExecutor(concurrency) as workers, ThreadPoolExecutor(len(instances)) as coordinators:
        jobs = {
            instance: coordinators.submit(
                _read_instance, instance, workers, 2 * concurrency, client_factory, whose_health
            )
            for instance in instances
        }
    readings = list(_readings(jobs))
    return FleetReading(
        servers=tuple(sorted(_with_consoles(readings, instances), key=lambda server: (server.instance, server.name))),
        tasks=tuple(sorted(itertools.chain.from_iterable(r.tasks for r in readings), key=lambda facts: facts.key)),
        not_read=frozenset().union(*(r.not_read for r in readings)),
    )


def _readings(jobs: dict[QemInstance, Future[FleetReading]]) -> Iterator[FleetReading]:
    errors: list[QemError] = []
    for instance, job in jobs.items():
        try:
            yield job.result()
        except QemError as exc:
            errors.append(exc)
            _logger.warning("Enterprise Manager %s cannot be read: %s", instance.name, exc)
            stand_in = ServerFacts(instance=instance.name, name=instance.name, state=ServerState.UNKNOWN)
            yield FleetReading((_failed(stand_in, exc),), ())
    if len(errors) == len(jobs):
        raise errors[0]


def _with_consoles(readings: Iterable[FleetReading], instances: Iterable[QemInstance]) -> Iterator[ServerFacts]:
    consoles = {instance.name: instance.console for instance in instances}
    for server in itertools.chain.from_iterable(reading.servers for reading in readings):
        yield dataclasses.replace(server, console=consoles[server.instance])


def _read_instance(
    instance: QemInstance,
    workers: ThreadPoolExecutor,
    patience: int,
    client_factory: Callable[[QemInstance], QemClient],
    whose_health: Chooser,
) -> FleetReading:
    with client_factory(instance) as client:
        details = _Details(client, patience)
        servers: list[ServerFacts] = []
        reading: list[tuple[ListedTask, Future[TaskFacts]]] = []
        known = client.servers()
        listings = {workers.submit(client.tasks, server.name): server for server in known}
        for listing in as_completed(listings):
            server = listings[listing]
            try:
                found = listing.result()
            except QemError as exc:
                _logger.warning("the tasks of server %s cannot be listed: %s", server.name, exc)
                servers.append(_failed(server, exc))
                continue
            servers.append(dataclasses.replace(server, task_count=len(found)))
            reading += [(entry, workers.submit(details.read, entry)) for entry in found]
        healths = {key: workers.submit(_health, client, key) for key in whose_health(known)}
        tasks: list[TaskFacts] = []
        unread: set[TaskKey] = set()
        for entry, job in reading:
            try:
                tasks.append(job.result())
            except QemOutOfTime:
                tasks.append(entry.facts)
                unread.add(entry.facts.key)
        said = _saying_what_is_missing(servers, unread)
        with_health = tuple(
            dataclasses.replace(server, health=healths[server.key].result()) if server.key in healths else server
            for server in said
        )
        return FleetReading(with_health, tuple(tasks), frozenset(unread))


def _health(client: QemClient, key: TaskKey) -> ServerHealth | None:
    """What a server has left; None where that cannot be read now, which says nothing of the server."""
    try:
        return client.server(key.server).health
    except QemError as exc:
        _logger.warning("the details of server %s cannot be read: %s", key, exc)
        is_refused = isinstance(exc, QemBusinessError) and exc.error_code == ErrorCode.UNAUTHORIZED_REQUEST
        return ServerHealth(refused=True) if is_refused or isinstance(exc, QemLoginRefused) else None


class _Details:
    """Reads tasks' details; stops asking after `patience` calls in a row without an answer.

    Each such call has waited for all its attempts: without an end to it, thousands of tasks behind an Enterprise
    Manager that went away meanwhile would outlast the run.
    """

    def __init__(self, client: QemClient, patience: int) -> None:
        self._client = client
        self._patience = patience
        self._unanswered = 0
        self._lock = threading.Lock()

    def read(self, listed: ListedTask) -> TaskFacts:
        """The task's details, or what the list says of it. Raises QemOutOfTime."""
        if self._unanswered >= self._patience:
            return listed.facts
        key = listed.facts.key
        try:
            facts = self._client.task(key.server, key.task)
        except QemOutOfTime:
            raise
        except QemError as exc:
            _logger.warning("the details of %s cannot be read: %s", key, exc)
            with self._lock:
                self._unanswered = self._unanswered + 1 if isinstance(exc, QemUnreachable) else 0
            return listed.facts
        with self._lock:
            self._unanswered = 0
        return listed.completing(facts)


def _failed(server: ServerFacts, error: QemError) -> ServerFacts:
    """`server` with why its tasks are not known. Not being monitored is a choice, everything else is an error.

    Except that our time was over: that says nothing of the server.
    """
    if isinstance(error, QemOutOfTime):
        return dataclasses.replace(server, error_code=NOT_READ_IN_TIME, message="its tasks were not read in time")
    code = error.error_code if isinstance(error, QemBusinessError) else UNREADABLE
    state = ServerState.NOT_MONITORED if code == ErrorCode.SERVER_NOT_MONITORED else ServerState.ERROR
    return dataclasses.replace(server, state=state, error_code=code, message=server.message or str(error))


def _saying_what_is_missing(servers: Sequence[ServerFacts], unread: set[TaskKey]) -> Iterator[ServerFacts]:
    missing = Counter(key.server for key in unread)
    for server in servers:
        if count := missing[server.name]:
            message = f"{count} of its {server.task_count} tasks were not read in time"
            yield dataclasses.replace(server, error_code=NOT_READ_IN_TIME, message=message)
        else:
            yield server
