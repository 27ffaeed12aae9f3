"""Whose words a message has, and which endpoints may say them.

A native number means something only with its engine: 1205 is a deadlock in SQL Server and a lock time-out in MySQL.
"""

from __future__ import annotations

import re

FRAME = "replicate"
NETWORK = "network"
EVERYWHERE = frozenset({FRAME, NETWORK, "odbc", "logstream"})
"""Their words may stand in a message about any endpoint."""

_TYPES = (
    # The more special name first: "Azure SQL Database" is SQL Server, "Amazon Aurora (PostgreSQL)" PostgreSQL.
    ("synapse", "synapse"),
    ("redshift", "redshift"),
    ("snowflake", "snowflake"),
    ("databricks", "databricks"),
    ("bigquery", "bigquery"),
    ("db2fori", "db2i"),
    ("db2i", "db2i"),
    ("as/400", "db2i"),
    ("iseries", "db2i"),
    ("db2forz", "db2z"),
    ("db2z", "db2z"),
    ("db2", "db2"),
    ("postgres", "postgresql"),
    ("alloydb", "postgresql"),
    ("cockroach", "postgresql"),
    ("greenplum", "greenplum"),
    ("mysql", "mysql"),
    ("mariadb", "mariadb"),
    ("percona", "mysql"),
    ("sqlserver", "sqlserver"),
    ("azuresql", "azuresql"),
    ("fabric", "fabric"),
    ("hana", "hana"),
    ("ase", "ase"),
    ("sybase", "ase"),
    ("oracle", "oracle"),
    ("mongo", "mongodb"),
    ("documentdb", "mongodb"),
    ("cosmos", "mongodb"),
    ("kafka", "kafka"),
    ("confluent", "kafka"),
    ("eventhub", "eventhubs"),
    ("msk", "kafka"),
    ("teradata", "teradata"),
    ("vertica", "vertica"),
    ("netezza", "netezza"),
    ("informix", "informix"),
    ("s3", "s3"),
    ("adls", "adls"),
    ("azuredatalake", "adls"),
    ("googlecloudstorage", "gcs"),
    ("gcs", "gcs"),
    ("kinesis", "kinesis"),
    ("salesforce", "salesforce"),
    ("ims", "mainframe"),
    ("vsam", "mainframe"),
    ("sap", "sap"),
    ("hadoop", "hadoop"),
    ("hdfs", "hadoop"),
    ("cloudera", "hadoop"),
)
"""Part of an endpoint's type, in lower case and without blanks -> engine."""

_KIN: dict[str, set[str]] = {
    # Speaks the words of the others as well: built on them, or reached by their drivers.
    "redshift": {"postgresql"},
    "greenplum": {"postgresql"},
    "netezza": {"postgresql"},
    "vertica": {"postgresql"},
    "synapse": {"sqlserver", "adls"},
    "azuresql": {"sqlserver"},
    "fabric": {"sqlserver", "adls"},
    "mariadb": {"mysql"},
    "kafka": {"schemaregistry"},
    "eventhubs": {"kafka", "schemaregistry"},
    "db2i": {"db2"},
    "db2z": {"db2"},
    "snowflake": {"s3", "adls", "gcs"},
    "databricks": {"s3", "adls", "gcs"},
    "bigquery": {"gcs"},
    "kinesis": {"s3"},
    "sap": {"hana"},
    "hana": {"sap"},
    "hadoop": {"databricks"},
}

_HEADERS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("oracle", ("ora-", "tns-", "[oracle]", "oci"), r"\bora-\d|\btns-\d|\[oracle\]|\boci\b"),
    # Azure Synapse answers with SQL Server's header as well.
    ("sqlserver", ("sql server]", "msg "), r"\bsql server\]|\bmsg \d{2,6}\b"),
    ("mysql", ("mysql", "mariadb", "[ma-"), r"\[(?:mysql|mariadb|ma-\d)|\b(?:mysql|mariadb)\b[^\]]{0,40}\]"),
    ("db2", ("[db2", "[ibm]", "sql"), r"\[db2|\[ibm\]|\bsql\d{4,5}[ncw]\b|\bsqlcode\b"),
    ("postgresql", ("postgresql", "psqlodbc"), r"\bpostgresql\b|\bpsqlodbc\b"),
    ("snowflake", ("[snowflake]", "net.snowflake"), ""),
    ("redshift", ("[amazon]", "[amazon redshift]"), ""),
    ("databricks", ("databricks", "[simba][sparkodbc"), ""),
    ("bigquery", ("bigquery",), ""),
    ("teradata", ("[teradata",), ""),
    ("hana", ("hdbodbc", "sap dbtech", "[sap ag]"), ""),
    ("vertica", ("[vertica",), ""),
    ("netezza", ("[netezza", "netezzasql"), ""),
    ("informix", ("[informix",), ""),
    ("ase", ("[sybase]", "adaptive server"), ""),
)
"""Engine, what is in every text with its driver's header or its codes, and how exactly those are written."""
_EXACTLY = {engine: re.compile(regex) for engine, _, regex in _HEADERS if regex}


def engine_of(endpoint_type: str) -> str:
    """The engine of an endpoint's type as Enterprise Manager spells it; empty where it is none that is known."""
    name = endpoint_type.casefold().replace(" ", "").replace("_", "")
    return next((engine for part, engine in _TYPES if part in name), "")


def named_in(folded: str) -> frozenset[str]:
    """The engines whose drivers or codes speak in `folded`, which is in lower case."""
    return frozenset(
        engine
        for engine, triggers, _ in _HEADERS
        if any(trigger in folded for trigger in triggers)
        and (engine not in _EXACTLY or _EXACTLY[engine].search(folded))
    )


def spoken_by(engine: str, others: frozenset[str]) -> bool:
    """Whether one of `others` speaks the words of `engine`."""
    return engine in others or any(engine in _KIN.get(other, ()) for other in others)


def is_kin(engine: str, others: frozenset[str]) -> bool:
    """Whether one of `others` speaks the words of `engine`, or the other way round."""
    return spoken_by(engine, others) or bool(others & _KIN.get(engine, set()))
