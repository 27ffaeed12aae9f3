"""Scenarios of tasks that run and are not well, and of an Enterprise Manager that is hard to talk to."""

from __future__ import annotations

from dataclasses import replace

from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action
from qlikops.qlik.simulator.library import CONNECTION_LOST, SERVER, server, task
from qlikops.qlik.simulator.scenario import (
    Break,
    LatencySide,
    LatencySpike,
    ScenarioEvent,
)
from tests.scenarios.disturbed import Disturbance, Trouble
from tests.scenarios.faulty import FaultKind, HttpFault
from tests.scenarios.small import OTHER_SERVER, CheckedScenario, Expected, expect, small

_ALL_IS_WELL = expect()
_ORDERS_FAILED = expect({"orders": AnomalyKind.FATAL_TRANSIENT}, (Action.RESUME, ["orders"]))
_ORDERS = "/servers/replicate-1/tasks/orders$"
"""The details of one task."""


def _disturbed(trouble: Trouble, amount: float = 0, until: float | None = None) -> Disturbance:
    return Disturbance(0, SERVER, "orders", trouble, amount, until)


def latency_spike(_seed: int) -> CheckedScenario:
    """A large transaction: latency rises to 450 s and falls, and nothing is wrong."""
    spike = LatencySpike(60, 360, SERVER, "orders", peak_seconds=450)
    return small("latency_spike", spike, expected=expect(polls=7))


def source_latency(_seed: int) -> CheckedScenario:
    """Reading the source falls behind by 20 minutes."""
    spike = LatencySpike(0, 7200, SERVER, "orders", peak_seconds=1200, side=LatencySide.SOURCE)
    return small(
        "source_latency",
        spike,
        expected=expect({"orders": AnomalyKind.SOURCE_LATENCY}, polls=10, poll_seconds=300),
    )


def target_latency(_seed: int) -> CheckedScenario:
    """Applying falls behind by 40 minutes."""
    spike = LatencySpike(0, 7200, SERVER, "orders", peak_seconds=2400)
    return small(
        "target_latency",
        spike,
        expected=expect({"orders": AnomalyKind.TARGET_LATENCY}, polls=10, poll_seconds=300),
    )


def catches_up(_seed: int) -> CheckedScenario:
    """A task was down for half an hour and works that off within an hour: it runs, and is late meanwhile."""
    slow = replace(task("orders"), catch_up_seconds=3600)
    return small(
        "catches_up",
        Break(60, SERVER, "orders", message=CONNECTION_LOST, heals_after_seconds=1800),
        tasks=(slow, task("customers")),
        expected=expect({"orders": AnomalyKind.SOURCE_LATENCY}, polls=10, poll_seconds=300),
    )


def stalled(_seed: int) -> CheckedScenario:
    """A task runs and applies nothing, with changes waiting, for over half an hour."""
    return small(
        "stalled",
        _disturbed(Trouble.STALL, 5000),
        expected=expect(
            {"orders": AnomalyKind.STALLED}, (Action.STOP_AND_RESUME, ["orders"]), polls=8, poll_seconds=300
        ),
    )


def stalled_briefly(_seed: int) -> CheckedScenario:
    """A task applied nothing for 20 minutes and goes on."""
    return small(
        "stalled_briefly",
        _disturbed(Trouble.STALL, 5000, until=1200),
        expected=expect(polls=8, poll_seconds=300),
    )


def table_errors(_seed: int) -> CheckedScenario:
    """Two tables of a task are suspended."""
    return small(
        "table_errors",
        _disturbed(Trouble.TABLES_WITH_ERROR, 2),
        expected=expect({"orders": AnomalyKind.TABLE_ERROR}),
    )


def data_errors(_seed: int) -> CheckedScenario:
    """A task writes 60 data errors a minute."""
    return small(
        "data_errors", _disturbed(Trouble.DATA_ERRORS, 60), expected=expect({"orders": AnomalyKind.DATA_ERRORS})
    )


def few_data_errors(_seed: int) -> CheckedScenario:
    """Ten data errors a minute are what is put up with."""
    return small("few_data_errors", _disturbed(Trouble.DATA_ERRORS, 10), expected=_ALL_IS_WELL)


def disk_spill(_seed: int) -> CheckedScenario:
    """Changes pile up on the server's disk from poll to poll."""
    return small(
        "disk_spill",
        _disturbed(Trouble.DISK_SPILL, 1000),
        expected=expect({"orders": AnomalyKind.DISK_SPILL}, polls=4),
    )


def no_process(_seed: int) -> CheckedScenario:
    """A task is shown as running, and its process is gone."""
    return small(
        "no_process",
        _disturbed(Trouble.NO_PROCESS),
        expected=expect({"orders": AnomalyKind.PROCESS_MISMATCH}, (Action.STOP_AND_RESUME, ["orders"])),
    )


def no_process_briefly(_seed: int) -> CheckedScenario:
    """Memory was shown as 0 at one poll, as it is right after a start."""
    return small("no_process_briefly", _disturbed(Trouble.NO_PROCESS, until=30), expected=_ALL_IS_WELL)


def failed_with_suspended_tables(_seed: int) -> CheckedScenario:
    """A task with suspended tables loses its source: one proposal, on what is worse."""
    return small(
        "failed_with_suspended_tables",
        _disturbed(Trouble.TABLES_WITH_ERROR, 3),
        Break(30, SERVER, "orders", message=CONNECTION_LOST),
        expected=expect(
            {"orders": (AnomalyKind.FATAL_TRANSIENT, AnomalyKind.TABLE_ERROR)}, (Action.RESUME, ["orders"])
        ),
    )


def _hard_to_reach(
    name: str, *faults: HttpFault, expected: Expected = _ORDERS_FAILED, tls: bool = False
) -> CheckedScenario:
    """One task has lost its source, and Enterprise Manager makes it hard to find that out."""
    lost: ScenarioEvent = Break(0, SERVER, "orders", message=CONNECTION_LOST)
    return small(name, lost, faults=faults, expected=expected, tls=tls)


def slow_manager(_seed: int) -> CheckedScenario:
    """Every call takes two seconds."""
    return _hard_to_reach("slow_manager", HttpFault(FaultKind.LATENCY, seconds=2))


def slow_bodies(_seed: int) -> CheckedScenario:
    """Answers come in pieces."""
    return _hard_to_reach("slow_bodies", HttpFault(FaultKind.SLOW_BODY, seconds=4))


def dripping_details(_seed: int) -> CheckedScenario:
    """One task's details come byte by byte, for longer than anybody can wait: what the list says of it is enough."""
    return _hard_to_reach("dripping_details", HttpFault(FaultKind.DRIP, path=_ORDERS, seconds=1))


def resets(_seed: int) -> CheckedScenario:
    """A fifth of the connections is reset."""
    return _hard_to_reach("resets", HttpFault(FaultKind.RESET, share=0.2))


def gateway_burst(_seed: int) -> CheckedScenario:
    """A gateway answers the first two tries of everything."""
    return _hard_to_reach(
        "gateway_burst",
        HttpFault(FaultKind.GATEWAY, first=1, status=502),
        HttpFault(FaultKind.GATEWAY, first=1, status=503),
    )


def gateway_for_ever(_seed: int) -> CheckedScenario:
    """A gateway answers everything: nothing is known, and nothing may pass for healthy."""
    return _hard_to_reach("gateway_for_ever", HttpFault(FaultKind.GATEWAY), expected=expect(is_unreadable=True))


def truncated(_seed: int) -> CheckedScenario:
    """The first answer to everything ends half way."""
    return _hard_to_reach("truncated", HttpFault(FaultKind.TRUNCATED, first=1))


def malformed_details(_seed: int) -> CheckedScenario:
    """One task's details are no JSON: what the list says of it is enough to propose, and a human is told the rest."""
    return _hard_to_reach("malformed_details", HttpFault(FaultKind.MALFORMED, path=_ORDERS))


def malformed_list(_seed: int) -> CheckedScenario:
    """One server's list of tasks is no JSON: that server counts as down, the other's tasks are seen."""
    servers = tuple(server(name, [task("orders"), task("customers")]) for name in (SERVER, OTHER_SERVER))
    return CheckedScenario(
        "malformed_list",
        servers,
        (Break(0, SERVER, "orders", message=CONNECTION_LOST),),
        faults=(HttpFault(FaultKind.MALFORMED, path=f"/servers/{OTHER_SERVER}/tasks$"),),
        expected=expect(
            {"orders": AnomalyKind.FATAL_TRANSIENT, f"{OTHER_SERVER}/": AnomalyKind.SERVER_DOWN},
            (Action.RESUME, ["orders"]),
        ),
    )


def malformed_servers(_seed: int) -> CheckedScenario:
    """The list of servers is no JSON: nothing is known."""
    return _hard_to_reach(
        "malformed_servers", HttpFault(FaultKind.MALFORMED, path="^/servers$"), expected=expect(is_unreadable=True)
    )


def expired_sessions(_seed: int) -> CheckedScenario:
    """Every call's first session has expired."""
    return _hard_to_reach("expired_sessions", HttpFault(FaultKind.SESSION_EXPIRED, path="^/servers", first=1))


def lost_replies(_seed: int) -> CheckedScenario:
    """The first answer to everything is lost, runs and stops included: what was asked for was done."""
    return _hard_to_reach("lost_replies", HttpFault(FaultKind.LOST_REPLY, first=1))


def everything_at_once(_seed: int) -> CheckedScenario:
    """Resets, gateways, cut answers and latency, each to some of the calls."""
    return _hard_to_reach(
        "everything_at_once",
        HttpFault(FaultKind.LATENCY, share=0.3, seconds=1),
        HttpFault(FaultKind.RESET, share=0.1),
        HttpFault(FaultKind.GATEWAY, share=0.1, status=502),
        HttpFault(FaultKind.TRUNCATED, share=0.1),
    )


def passing_outage(_seed: int) -> CheckedScenario:
    """Enterprise Manager could not reach one server's list for a minute; then it can."""
    fault = HttpFault(FaultKind.GATEWAY, path=f"/servers/{SERVER}/tasks$", until=60)
    return _hard_to_reach("passing_outage", fault)


def private_authority(_seed: int) -> CheckedScenario:
    """Enterprise Manager's certificate is of an authority that has to be configured."""
    return _hard_to_reach("private_authority", tls=True)


TROUBLES = (
    latency_spike,
    source_latency,
    target_latency,
    catches_up,
    stalled,
    stalled_briefly,
    table_errors,
    data_errors,
    few_data_errors,
    disk_spill,
    no_process,
    no_process_briefly,
    failed_with_suspended_tables,
    slow_manager,
    slow_bodies,
    dripping_details,
    resets,
    gateway_burst,
    gateway_for_ever,
    truncated,
    malformed_details,
    malformed_list,
    malformed_servers,
    expired_sessions,
    lost_replies,
    everything_at_once,
    passing_outage,
    private_authority,
)
