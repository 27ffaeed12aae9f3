"""The demo's fleet and its bad night: one of everything that an on-call operator meets, and more as time goes on."""

from __future__ import annotations

import random

from qlikops.domain.fleet.task import StopReason, TaskState
from qlikops.qlik.simulator.scenario import (
    AfterRun,
    Break,
    Effect,
    Endpoint,
    Event,
    LatencySpike,
    Scenario,
    ServerDown,
    SimulatedServer,
    SimulatedTask,
)

_COMMERCE = "replicate-eu-1"
_ERP = "replicate-eu-2"
_US = "replicate-us-1"
_APAC = "replicate-ap-1"

_ENDPOINTS = {
    "ora-sales": Endpoint("ORA-SALES-PROD", "Oracle"),
    "ora-stock": Endpoint("ORA-STOCK-PROD", "Oracle"),
    "ora-erp": Endpoint("ORA-ERP-PROD", "Oracle"),
    "ora-apac": Endpoint("ORA-APAC-PROD", "Oracle"),
    "mssql-crm": Endpoint("SQL-CRM-PROD", "SQL Server"),
    "mssql-claims": Endpoint("SQL-CLAIMS-PROD", "SQL Server"),
    "mssql-hr": Endpoint("SQL-HR-PROD", "SQL Server"),
    "pg-loyalty": Endpoint("PG-LOYALTY", "PostgreSQL"),
    "pg-payments": Endpoint("PG-PAYMENTS", "PostgreSQL"),
    "mysql-web": Endpoint("MYSQL-WEB", "MySQL"),
    "mysql-stores": Endpoint("MYSQL-STORES", "MySQL"),
    "db2-policies": Endpoint("DB2-POLICIES", "IBM DB2 for z/OS"),
    "snowflake": Endpoint("SNOWFLAKE-DWH", "Snowflake"),
    "databricks": Endpoint("DATABRICKS-LAKE", "Databricks"),
    "redshift": Endpoint("REDSHIFT-BI", "Amazon Redshift"),
    "kafka": Endpoint("KAFKA-EVENTS", "Kafka"),
    "s3": Endpoint("S3-RAW", "Amazon S3"),
}

_ERP_MODULES = (
    *("general-ledger", "accounts-payable", "accounts-receivable", "fixed-assets", "purchasing", "goods-receipts"),
    *("material-master", "production-orders", "quality", "maintenance", "cost-centres", "projects"),
)

_LATER_MESSAGES = {
    "Oracle": "ORA-03113: end-of-file on communication channel",
    "SQL Server": "[08S01] TCP Provider: An existing connection was forcibly closed by the remote host",
    "PostgreSQL": "could not connect to server: Connection refused",
    "MySQL": "Lost connection to MySQL server during query",
    "IBM DB2 for z/OS": "SQL30081N  A communication error has been detected. Communication protocol: TCP/IP",
}

_FAILS_AGAIN = AfterRun(resume=Effect.FAILS_AGAIN, fails_after_seconds=6)
"""Failure of what a resume alone does not mend."""


def _task(name: str, source: str, target: str, *tags: str, tables: int = 12, loaded: bool = True) -> SimulatedTask:
    return SimulatedTask(name, _ENDPOINTS[source], _ENDPOINTS[target], tags, tables, loaded)


def _servers() -> tuple[SimulatedServer, ...]:
    commerce = (
        _task("sales-orders-ora-to-snowflake", "ora-sales", "snowflake", "tier-1", "sales", tables=48),
        _task("sales-invoices-ora-to-snowflake", "ora-sales", "snowflake", "tier-1", "sales", tables=22),
        _task("inventory-ora-to-snowflake", "ora-stock", "snowflake", "tier-1", "supply", tables=31),
        _task("returns-ora-to-s3", "ora-stock", "s3", "supply", tables=9),
        _task("customer-master-mssql-to-databricks", "mssql-crm", "databricks", "tier-1", "crm", tables=64),
        _task("pricing-mssql-to-redshift", "mssql-crm", "redshift", "sales", tables=14),
        _task("loyalty-points-pg-to-snowflake", "pg-loyalty", "snowflake", "crm", tables=7),
        _task("product-catalogue-pg-to-kafka", "pg-loyalty", "kafka", "web", tables=18),
        _task("web-orders-mysql-to-kafka", "mysql-web", "kafka", "tier-1", "web", tables=11),
        _task("store-footfall-mysql-to-snowflake", "mysql-stores", "snowflake", "stores", tables=5),
    )
    erp = (
        *(_task(f"erp-{module}-ora-to-snowflake", "ora-erp", "snowflake", "erp", "finance") for module in _ERP_MODULES),
        _task("hr-payroll-mssql-to-snowflake", "mssql-hr", "snowflake", "hr", "protected", tables=26),
    )
    us = (
        _task("claims-open-mssql-to-redshift", "mssql-claims", "redshift", "claims", tables=40),
        _task("claims-history-mssql-to-redshift", "mssql-claims", "redshift", "claims", tables=85, loaded=False),
        _task("policies-db2-to-databricks", "db2-policies", "databricks", "policies", tables=52),
        _task("premiums-db2-to-databricks", "db2-policies", "databricks", "policies", tables=16),
        _task("payments-pg-to-kafka", "pg-payments", "kafka", "tier-1", "payments", tables=13),
        _task("fraud-signals-pg-to-kafka", "pg-payments", "kafka", "payments", tables=6),
        _task("call-centre-mysql-to-s3", "mysql-stores", "s3", "service", tables=10),
        _task("agents-mssql-to-databricks", "mssql-crm", "databricks", "service", tables=8),
    )
    apac = (
        _task("apac-orders-ora-to-snowflake", "ora-apac", "snowflake", "tier-1", "sales", tables=44),
        _task("apac-stock-ora-to-snowflake", "ora-apac", "snowflake", "supply", tables=28),
        _task("apac-customers-ora-to-databricks", "ora-apac", "databricks", "crm", tables=19),
        _task("apac-web-mysql-to-kafka", "mysql-web", "kafka", "web", tables=11),
        _task("apac-finance-ora-to-snowflake", "ora-apac", "snowflake", "finance", tables=37),
    )
    return tuple(
        SimulatedServer(name, f"{name}.example.com", tasks)
        for name, tasks in ((_COMMERCE, commerce), (_ERP, erp), (_US, us), (_APAC, apac))
    )


def _first_night() -> tuple[Event, ...]:
    """What is wrong from the beginning, or a minute later."""
    return (
        Break(0, _COMMERCE, "sales-orders-ora-to-snowflake", message="ORA-12170: TNS:Connect timeout occurred"),
        Break(
            0,
            _COMMERCE,
            "inventory-ora-to-snowflake",
            message="ORA-00308: cannot open archived log '/u02/arch/1_88120_1071.arc'. "
            "The archived log does not exist; capture cannot continue from the last position",
            after_run=_FAILS_AGAIN,
        ),
        Break(
            0,
            _COMMERCE,
            "pricing-mssql-to-redshift",
            message="RetCode: SQL_ERROR SqlState: 40001 NativeError: 1205 Message: [Microsoft][ODBC Driver 18 for SQL "
            "Server][SQL Server]Transaction (Process ID 61) was deadlocked on lock resources with another process and "
            "has been chosen as the deadlock victim. Rerun the transaction. [1022502]",
        ),
        Break(0, _COMMERCE, "loyalty-points-pg-to-snowflake", TaskState.STOPPED, StopReason.NORMAL, "Stopped by user"),
        *(
            Break(0, _ERP, f"erp-{module}-ora-to-snowflake", message="ORA-12541: TNS:no listener")
            for module in _ERP_MODULES
        ),
        # Seen up once: what nobody has seen yet cannot be missed.
        ServerDown(60, _APAC, f"Failed to connect to server {_APAC}: the server does not respond"),
        LatencySpike(20, 380, _COMMERCE, "web-orders-mysql-to-kafka", peak_seconds=480),
        Break(
            0,
            _US,
            "policies-db2-to-databricks",
            TaskState.RECOVERY,
            StopReason.RECOVERABLE_ERROR,
            "SQL30081N  A communication error has been detected. Retrying",
            heals_after_seconds=600,
        ),
        Break(
            0,
            _US,
            "call-centre-mysql-to-s3",
            TaskState.STOPPED,
            StopReason.STOPPED_LOW_DISK_SPACE,
            "Task stopped: the disk space available to the server is below 2 percent",
        ),
    )


def _next_minutes() -> tuple[Event, ...]:
    """What breaks while the first of it is decided."""
    return (
        Break(
            150,
            _COMMERCE,
            "store-footfall-mysql-to-snowflake",
            message="RetCode: SQL_ERROR SqlState: 57P03 NativeError: 606 Message: No active warehouse selected in the "
            "current session. Select an active warehouse with the 'use warehouse' command. [1022502]",
            after_run=_FAILS_AGAIN,
        ),
        # The words of a lost connection stand first; what matters is behind them.
        Break(
            240,
            _US,
            "payments-pg-to-kafka",
            message=f'{_LATER_MESSAGES["PostgreSQL"]}; ERROR: replication slot "qlik_payments" does not exist',
            after_run=_FAILS_AGAIN,
        ),
        Break(
            330,
            _COMMERCE,
            "returns-ora-to-s3",
            message="ORA-28001: the password has expired",
            after_run=_FAILS_AGAIN,
        ),
        Break(
            420,
            _US,
            "agents-mssql-to-databricks",
            message="Stream component 'st_0_DATABRICKS-LAKE' terminated. Unexpected value in PRICE_LIST, error 1020401",
        ),
        Break(480, _US, "claims-history-mssql-to-redshift", message=_LATER_MESSAGES["SQL Server"]),
    )


def _later(servers: tuple[SimulatedServer, ...], events: tuple[Event, ...], seed: int) -> tuple[Event, ...]:
    """A connection every ten minutes for four hours, of tasks that have no part in `events`."""
    chance = random.Random(f"{seed}/demo")  # noqa: S311 - a story, no secret
    broken = {event.task for event in events if isinstance(event, Break)}
    sound = [
        (server.name, task)
        for server in servers
        if server.name in (_COMMERCE, _US)
        for task in server.tasks
        if task.name not in broken
    ]
    return tuple(
        Break(at, server, task.name, message=_LATER_MESSAGES[task.source.type])
        for at in range(900, 4 * 3600, 600)
        for server, task in [chance.choice(sound)]
    )


def demo(seed: int) -> Scenario:
    """Four servers, 36 tasks, one of every kind of trouble; what a resume mends runs again within four seconds."""
    servers = _servers()
    events = (*_first_night(), *_next_minutes())
    return Scenario("demo", servers, (*events, *_later(servers, events, seed)), ran_before_seconds=3600)
