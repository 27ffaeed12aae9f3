"""Whose words a message has, and which endpoints may say them.

A native number means something only with its engine: 1205 is a deadlock in SQL Server and a lock time-out in MySQL.
"""

from __future__ import annotations

import functools
import re

FRAME = "replicate"
NETWORK = "network"
SERVICES = frozenset({"aws", "entra", "gcp"})
"""Services that let an account in, on the way to endpoints of several engines."""
EVERYWHERE = frozenset({FRAME, NETWORK, "odbc", "logstream"})
"""Engines whose words may stand in a message about any endpoint."""

_TYPES: dict[str, tuple[str, ...]] = {
    # The more special name first: "Azure SQL Database" is SQL Server, "Amazon Aurora (PostgreSQL)" PostgreSQL.
    "synapse": ("synapse",),
    "redshift": ("redshift",),
    "snowflake": ("snowflake",),
    "databricks": ("databricks",),
    "bigquery": ("bigquery",),
    "db2i": ("db2fori", "db2i", "as/400", "iseries"),
    "db2z": ("db2forz", "db2z"),
    "db2": ("db2",),
    "postgresql": ("postgres", "alloydb", "cockroach"),
    "greenplum": ("greenplum",),
    "mysql": ("mysql", "percona"),
    "mariadb": ("mariadb",),
    "sqlserver": ("sqlserver",),
    "azuresql": ("azuresql",),
    "fabric": ("fabric",),
    "hana": ("hana",),
    "ase": ("ase", "sybase"),
    "oracle": ("oracle",),
    "mongodb": ("mongo", "documentdb", "cosmos"),
    "kafka": ("kafka", "confluent", "msk"),
    "eventhubs": ("eventhub",),
    "teradata": ("teradata",),
    "vertica": ("vertica",),
    "netezza": ("netezza",),
    "informix": ("informix",),
    "s3": ("s3",),
    "adls": ("adls", "azuredatalake"),
    "gcs": ("googlecloudstorage", "gcs"),
    "kinesis": ("kinesis",),
    "salesforce": ("salesforce",),
    "mainframe": ("ims", "vsam"),
    "sap": ("sap",),
    "hadoop": ("hadoop", "hdfs", "cloudera"),
}
"""Engine -> parts of an endpoint's type, in lower case and without blanks."""

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

_HEADERS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("oracle", frozenset({"ora", "tns", "oracle", "oci"}), r"\bora-\d|\btns-\d|\[oracle\]|\boci\b"),
    # Azure Synapse answers with SQL Server's header as well.
    ("sqlserver", frozenset({"server", "msg"}), r"\bsql server\]|\bmsg \d{2,6}\b"),
    ("mysql", frozenset({"mysql", "mariadb", "ma"}), r"\[(?:mysql|mariadb|ma-\d)|\b(?:mysql|mariadb)\b[^\]]{0,40}\]"),
    ("db2", frozenset({"db2", "ibm", "sqlcode"}), r"\[db2|\[ibm\]|\bsqlcode\b"),
    ("postgresql", frozenset({"postgresql", "psqlodbc"}), ""),
    ("snowflake", frozenset({"snowflake"}), r"\[snowflake\]|net\.snowflake"),
    ("redshift", frozenset({"amazon"}), r"\[amazon(?: redshift)?\]"),
    ("databricks", frozenset({"databricks"}), ""),
    ("databricks", frozenset({"simba"}), r"\[simba\]\[sparkodbc"),
    ("bigquery", frozenset({"bigquery"}), ""),
    ("teradata", frozenset({"teradata"}), r"\[teradata"),
    ("hana", frozenset({"hdbodbc"}), ""),
    ("hana", frozenset({"sap"}), r"sap dbtech|\[sap ag\]"),
    ("vertica", frozenset({"vertica"}), r"\[vertica"),
    ("netezza", frozenset({"netezza"}), r"\[netezza"),
    ("netezza", frozenset({"netezzasql"}), ""),
    ("informix", frozenset({"informix"}), r"\[informix"),
    ("ase", frozenset({"sybase", "adaptive"}), r"\[sybase\]|adaptive server"),
)
"""Engine, the words of which one is in every text with its driver's header or its codes, how exactly those are written
if that is not the word alone.
"""
_EXACTLY = tuple((engine, words, re.compile(regex) if regex else None) for engine, words, regex in _HEADERS)
_DB2 = re.compile(r"sql(?<!\wsql)\d{4,5}[ncw]\b")
"""Begins with a text, which is found much faster than what may begin at any word."""


# A fleet has thousands of endpoints of a few types, and each task's are asked for a dozen times a run.
@functools.lru_cache(maxsize=256)
def engine_of(endpoint_type: str) -> str:
    """The engine of an endpoint's type as Enterprise Manager spells it; empty where it is none that is known."""
    # Every "database" would be an ASE.
    name = endpoint_type.casefold().replace(" ", "").replace("_", "").replace("database", "")
    return next((engine for engine, parts in _TYPES.items() if any(part in name for part in parts)), "")


def named_in(folded: str, words: frozenset[str]) -> frozenset[str]:
    """The engines whose drivers or codes speak in `folded`, which is in lower case and has `words`."""
    found = {
        engine
        for engine, any_of, exactly in _EXACTLY
        if not any_of.isdisjoint(words) and (exactly is None or exactly.search(folded))
    }
    if _DB2.search(folded):
        found.add("db2")
    return frozenset(found)


def spoken_by(engine: str, others: frozenset[str]) -> bool:
    """Whether one of `others` speaks the words of `engine`."""
    return engine in others or any(engine in _KIN.get(other, ()) for other in others)


def is_kin(engine: str, others: frozenset[str]) -> bool:
    """Whether one of `others` speaks the words of `engine`, or the other way round."""
    return spoken_by(engine, others) or bool(others & _KIN.get(engine, set()))
