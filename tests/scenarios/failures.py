"""Scenarios of tasks and servers that stop working, one story each."""

from __future__ import annotations

from dataclasses import replace

from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action, StopReason, TaskState
from qlikops.qlik.simulator.library import CONNECTION_LOST, NAMES, ORACLE, SERVER, SNOWFLAKE, server, task
from qlikops.qlik.simulator.scenario import AfterRun, Break, Effect, Endpoint, ServerDown
from tests.scenarios.outages import EndpointDown, FetchingStops
from tests.scenarios.small import OTHER_SERVER, CheckedScenario, expect, small

_SQL_SERVER = Endpoint("SQL-CRM", "SQL Server")
_MYSQL = Endpoint("MYSQL-WEB", "MySQL")
_POSTGRESQL = Endpoint("PG-LOYALTY", "PostgreSQL")
_FAILED_ON_ORDERS = (Action.RESUME, ["orders"])
POSITION_LOST = (
    "Failed to resume from the given position. "
    "ORA-00308: cannot open archived log '/arch/1_48213_1093.arc'; the archived log does not exist"
)


def _stop(name: str, reason: StopReason, message: str = "") -> Break:
    return Break(0, SERVER, name, TaskState.STOPPED, reason, message)


def _recovering(heals_after_seconds: float | None = None, at: float = 0) -> Break:
    message = "The source is not reachable. Retrying"
    return Break(
        at,
        SERVER,
        "orders",
        TaskState.RECOVERY,
        StopReason.RECOVERABLE_ERROR,
        message,
        heals_after_seconds=heals_after_seconds,
    )


def seen_once(_seed: int) -> CheckedScenario:
    """One task has just lost its source: one poll is not enough to propose anything."""
    return small("seen_once", Break(0, SERVER, "orders", message=CONNECTION_LOST), expected=expect(polls=1))


def lost_position(_seed: int) -> CheckedScenario:
    """One task cannot resume, however often it is asked to; a reload works."""
    after = AfterRun(resume=Effect.FAILS_AGAIN, fails_after_seconds=5)
    return small(
        "lost_position",
        Break(0, SERVER, "orders", message=POSITION_LOST, after_run=after),
        expected=expect(
            {"orders": AnomalyKind.POSITION_LOST}, (Action.RESUME, ["orders"]), (Action.RELOAD, ["orders"])
        ),
    )


def lost_positions(_seed: int) -> CheckedScenario:
    """Four databases each say in their own words that the log is gone; some mention the connection too."""
    stories = (
        (ORACLE, "ORA-12570: TNS:packet reader failure; ORA-01291: missing logfile"),
        (_SQL_SERVER, "Failed to access LSN '0007:0001' in the backup log sets since BACKUP/LOG-s are not available"),
        (_MYSQL, "Could not find first log file name in binary log index file"),
        (_POSTGRESQL, 'replication slot "qlik_1" does not exist'),
    )
    names = [endpoint.name.lower() for endpoint, _ in stories]
    return small(
        "lost_positions",
        *(Break(0, SERVER, name, message=message) for name, (_, message) in zip(names, stories, strict=True)),
        tasks=[task(name, source) for name, (source, _) in zip(names, stories, strict=True)],
        expected=expect(
            dict.fromkeys(names, AnomalyKind.POSITION_LOST),
            *((action, [name]) for name in names for action in (Action.RESUME, Action.RELOAD)),
        ),
    )


def unknown_message(_seed: int) -> CheckedScenario:
    """One task failed on something that no pattern knows."""
    return small(
        "unknown_message",
        Break(0, SERVER, "orders", message="Stream component 'st_0' terminated. Error 1020401"),
        expected=expect({"orders": AnomalyKind.FATAL_UNKNOWN}, _FAILED_ON_ORDERS),
    )


def login_refused(_seed: int) -> CheckedScenario:
    """The source's password was changed: its tasks fail together, and no resume helps before that is put right."""
    message = "Failed to connect to the source. ORA-01017: invalid username/password; logon denied"
    return small(
        "login_refused",
        *(Break(0, SERVER, name, message=message) for name in NAMES),
        expected=expect(dict.fromkeys(NAMES, AnomalyKind.FATAL_UNKNOWN), (Action.RESUME, NAMES)),
    )


def user_stopped(_seed: int) -> CheckedScenario:
    """A person stopped one task."""
    return small(
        "user_stopped",
        _stop("orders", StopReason.NORMAL, "Stopped by user"),
        expected=expect({"orders": AnomalyKind.USER_STOPPED}),
    )


def planned_stops(_seed: int) -> CheckedScenario:
    """Four tasks stopped as their settings say."""
    reasons = (
        StopReason.FULL_LOAD_ONLY_FINISHED,
        StopReason.STOPPED_AFTER_FULL_LOAD,
        StopReason.STOPPED_AFTER_CACHED_EVENTS,
        StopReason.STOPPED_AFTER_DDL_APPLY,
    )
    return small(
        "planned_stops",
        *(_stop(name, reason) for name, reason in zip(NAMES, reasons, strict=True)),
        expected=expect(dict.fromkeys(NAMES, AnomalyKind.PLANNED_STOP)),
    )


def stopped_for_nothing(_seed: int) -> CheckedScenario:
    """Two tasks stand still, and nothing says why: told, and left as they are."""
    return small(
        "stopped_for_nothing",
        _stop("orders", StopReason.NONE),
        _stop("stock", StopReason.UNKNOWN, "Stopped"),
        expected=expect(dict.fromkeys(("orders", "stock"), AnomalyKind.NOT_RUNNING)),
    )


def low_disk_space(_seed: int) -> CheckedScenario:
    """The server's disk is full: three of its tasks stop, whatever they connect."""
    names = NAMES[:3]
    return small(
        "low_disk_space",
        *(_stop(name, StopReason.STOPPED_LOW_DISK_SPACE, f"Disk space is low ({name})") for name in names),
        tasks=[task(name, Endpoint(f"SOURCE-{name}", "Oracle")) for name in NAMES],
        expected=expect(dict.fromkeys(names, AnomalyKind.RESOURCE_STOP), (Action.RESUME, names)),
    )


def short_of_everything(_seed: int) -> CheckedScenario:
    """One task lacks memory, one disk space, one a licence: three causes."""
    reasons = (
        StopReason.STOPPED_LOW_MEMORY,
        StopReason.STOPPED_LOW_DISK_SPACE,
        StopReason.EXPRESS_LICENSE_LIMITS_REACHED,
    )
    stopped = dict(zip(NAMES, reasons, strict=False))
    return small(
        "short_of_everything",
        *(_stop(name, reason) for name, reason in stopped.items()),
        expected=expect(
            dict.fromkeys(stopped, AnomalyKind.RESOURCE_STOP), *((Action.RESUME, [name]) for name in stopped)
        ),
    )


def half_loaded(_seed: int) -> CheckedScenario:
    """A task loses its source before its full load is complete."""
    tasks = [replace(task("orders"), full_load_completed=False), task("stock")]
    return small(
        "half_loaded",
        Break(0, SERVER, "orders", message=CONNECTION_LOST),
        tasks=tasks,
        expected=expect({"orders": AnomalyKind.FATAL_TRANSIENT}, _FAILED_ON_ORDERS),
    )


def protected_task(_seed: int) -> CheckedScenario:
    """A task with a tag that an organisation may want to protect loses its source."""
    return small(
        "protected_task",
        Break(0, SERVER, "orders", message=CONNECTION_LOST),
        tasks=[task("orders", ORACLE, SNOWFLAKE, "protected", "tier-1"), task("stock")],
        expected=expect({"orders": AnomalyKind.FATAL_TRANSIENT}, _FAILED_ON_ORDERS),
    )


def recovering(_seed: int) -> CheckedScenario:
    """Replicate is retrying by itself: nothing to say yet."""
    return small("recovering", _recovering(), expected=expect(polls=4, poll_seconds=300))


def recovering_long(_seed: int) -> CheckedScenario:
    """Replicate has been retrying for more than a quarter of an hour: told, and left to it."""
    expected = expect({"orders": AnomalyKind.RECOVERING_LONG}, polls=5, poll_seconds=300)
    return small("recovering_long", _recovering(), expected=expected)


def recovers(_seed: int) -> CheckedScenario:
    """Replicate gets the task up again by itself."""
    return small("recovers", _recovering(heals_after_seconds=1000), expected=expect(polls=5, poll_seconds=300))


def flapping(_seed: int) -> CheckedScenario:
    """Somebody starts a task again and again; it runs at the moment, and is flapping all the same."""
    return small(
        "flapping",
        *(Break(at, SERVER, "orders", message=CONNECTION_LOST, heals_after_seconds=200) for at in range(0, 1800, 600)),
        expected=expect({"orders": AnomalyKind.FLAPPING}, polls=6, poll_seconds=300),
    )


def flapping_recovery(_seed: int) -> CheckedScenario:
    """Replicate itself gets a task up again and again."""
    return small(
        "flapping_recovery",
        *(_recovering(200, at) for at in range(0, 1800, 600)),
        expected=expect({"orders": AnomalyKind.FLAPPING}, polls=6, poll_seconds=300),
    )


def flapping_failed(_seed: int) -> CheckedScenario:
    """A task that flapped has failed once more: held, however clear the failure is."""
    return small(
        "flapping_failed",
        *(Break(at, SERVER, "orders", message="Error 1020401", heals_after_seconds=200) for at in range(0, 2400, 600)),
        expected=expect({"orders": (AnomalyKind.FLAPPING, AnomalyKind.FATAL_UNKNOWN)}, polls=7, poll_seconds=300),
    )


def source_outage(_seed: int) -> CheckedScenario:
    """One source takes all of its tasks with it; the other source's are well."""
    lost = [task(f"erp-{number:02d}") for number in range(12)]
    spared = [task(f"crm-{number:02d}", _SQL_SERVER) for number in range(4)]
    names = [each.name for each in lost]
    return small(
        "source_outage",
        *(Break(0, SERVER, name, message=CONNECTION_LOST) for name in names),
        tasks=[*lost, *spared],
        expected=expect(dict.fromkeys(names, AnomalyKind.FATAL_TRANSIENT), (Action.RESUME, names)),
    )


def endpoint_away(_seed: int) -> CheckedScenario:
    """A source goes away for ten minutes: nothing that is started meanwhile comes up, and a test of it says so."""
    lost = [task(f"erp-{number:02d}") for number in range(3)]
    names = [each.name for each in lost]
    return small(
        "endpoint_away",
        EndpointDown(0, SERVER, ORACLE.name, CONNECTION_LOST, until=600),
        tasks=[*lost, task("crm", _SQL_SERVER)],
        expected=expect(dict.fromkeys(names, AnomalyKind.FATAL_TRANSIENT), (Action.RESUME, names)),
    )


def target_outage(_seed: int) -> CheckedScenario:
    """One target takes its tasks with it, whatever their sources are."""
    sources = (ORACLE, _SQL_SERVER, _MYSQL, _POSTGRESQL)
    return small(
        "target_outage",
        *(Break(0, SERVER, name, message="Cannot connect to the target: connection refused") for name in NAMES),
        tasks=[
            *(task(name, source) for name, source in zip(NAMES, sources, strict=True)),
            task("elsewhere", ORACLE, Endpoint("KAFKA", "Kafka")),
        ],
        expected=expect(dict.fromkeys(NAMES, AnomalyKind.FATAL_TRANSIENT), (Action.RESUME, NAMES)),
    )


def two_causes(_seed: int) -> CheckedScenario:
    """Two sources of one server are gone: two decisions, not one and not four."""
    sources = {"orders": ORACLE, "customers": ORACLE, "web": _MYSQL, "shop": _MYSQL}
    messages = {ORACLE: CONNECTION_LOST, _MYSQL: "Lost connection to MySQL server during query"}
    return small(
        "two_causes",
        *(Break(0, SERVER, name, message=messages[source]) for name, source in sources.items()),
        tasks=[task(name, source) for name, source in sources.items()],
        expected=expect(
            dict.fromkeys(sources, AnomalyKind.FATAL_TRANSIENT),
            (Action.RESUME, ["orders", "customers"]),
            (Action.RESUME, ["web", "shop"]),
        ),
    )


def one_source_two_servers(_seed: int) -> CheckedScenario:
    """A source that two servers read from is gone: a decision for each server."""
    places = [f"{name}/{each}" for name in (SERVER, OTHER_SERVER) for each in ("orders", "customers")]
    return CheckedScenario(
        "one_source_two_servers",
        tuple(server(name, [task("orders"), task("customers")]) for name in (SERVER, OTHER_SERVER)),
        tuple(
            Break(0, name, each, message=CONNECTION_LOST)
            for name in (SERVER, OTHER_SERVER)
            for each in ("orders", "customers")
        ),
        expected=expect(
            dict.fromkeys(places, AnomalyKind.FATAL_TRANSIENT), (Action.RESUME, places[:2]), (Action.RESUME, places[2:])
        ),
    )


def server_down(_seed: int) -> CheckedScenario:
    """Enterprise Manager does not reach one of two servers; what was wrong with its tasks is not said again."""
    servers = tuple(server(name, [task("orders"), task("customers")]) for name in (SERVER, OTHER_SERVER))
    return CheckedScenario(
        "server_down",
        servers,
        (
            Break(0, OTHER_SERVER, "orders", message=CONNECTION_LOST),
            ServerDown(0, OTHER_SERVER, f"Failed to connect to server {OTHER_SERVER}"),
        ),
        expected=expect({f"{OTHER_SERVER}/": AnomalyKind.SERVER_DOWN}),
    )


def state_is_old(_seed: int) -> CheckedScenario:
    """Enterprise Manager has stopped fetching the tasks of one of two servers, and goes on saying what it knew."""
    servers = tuple(server(name, [task("orders"), task("customers")]) for name in (SERVER, OTHER_SERVER))
    return CheckedScenario(
        "state_is_old",
        servers,
        (
            Break(0, OTHER_SERVER, "orders", message=CONNECTION_LOST),
            FetchingStops(60, OTHER_SERVER),
            Break(90, OTHER_SERVER, "customers", message=CONNECTION_LOST),
        ),
        expected=expect(
            {f"{OTHER_SERVER}/": AnomalyKind.SERVER_STATE_OLD, f"{OTHER_SERVER}/orders": AnomalyKind.FATAL_TRANSIENT},
            polls=4,
            poll_seconds=300,
        ),
    )


def state_was_old(_seed: int) -> CheckedScenario:
    """Enterprise Manager fetches the tasks of a server again after a while: what failed meanwhile is proposed."""
    return small(
        "state_was_old",
        FetchingStops(60, SERVER, until=900),
        Break(90, SERVER, "orders", message=CONNECTION_LOST),
        expected=expect(
            {"orders": AnomalyKind.FATAL_TRANSIENT}, (Action.RESUME, ["orders"]), polls=5, poll_seconds=300
        ),
    )


def server_short(_seed: int) -> CheckedScenario:
    """The licence of one of two servers ends within a week, and it uses much disk and memory; its tasks run."""
    servers = tuple(server(name, [task("orders")]) for name in (SERVER, OTHER_SERVER))
    return CheckedScenario(
        "server_short",
        (servers[0], replace(servers[1], license_days=6, other_disk_mb=10**6, other_memory_mb=10**6)),
        expected=expect(
            {f"{OTHER_SERVER}/": (AnomalyKind.LICENSE_EXPIRING, AnomalyKind.SERVER_DISK, AnomalyKind.SERVER_MEMORY)}
        ),
    )


def server_back(_seed: int) -> CheckedScenario:
    """A server was not reachable for a minute and a half."""
    servers = tuple(server(name, [task("orders"), task("customers")]) for name in (SERVER, OTHER_SERVER))
    outage = ServerDown(0, OTHER_SERVER, f"Failed to connect to server {OTHER_SERVER}", until=90)
    return CheckedScenario("server_back", servers, (outage,), expected=expect())


def restart_fails(_seed: int) -> CheckedScenario:
    """Three broken tasks: one fails again after a while, one at once, and one run call is refused."""
    effects = {
        "orders": AfterRun(resume=Effect.FAILS_AGAIN, fails_after_seconds=8),
        "customers": AfterRun(resume=Effect.FAILS_AGAIN, fails_after_seconds=0),
        "invoices": AfterRun(resume=Effect.REFUSED),
    }
    return small(
        "restart_fails",
        *(Break(0, SERVER, name, message=CONNECTION_LOST, after_run=after) for name, after in effects.items()),
        expected=expect(dict.fromkeys(effects, AnomalyKind.FATAL_TRANSIENT), (Action.RESUME, effects)),
    )


FAILURES = (
    seen_once,
    lost_position,
    lost_positions,
    unknown_message,
    login_refused,
    user_stopped,
    planned_stops,
    stopped_for_nothing,
    low_disk_space,
    short_of_everything,
    half_loaded,
    protected_task,
    recovering,
    recovering_long,
    recovers,
    flapping,
    flapping_recovery,
    flapping_failed,
    source_outage,
    endpoint_away,
    target_outage,
    two_causes,
    one_source_two_servers,
    server_down,
    state_is_old,
    state_was_old,
    server_short,
    server_back,
    restart_fails,
)
