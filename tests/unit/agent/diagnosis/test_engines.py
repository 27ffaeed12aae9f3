"""Whose words a message may be in: by the endpoint's type, by a driver's name, by what is built on what."""

from __future__ import annotations

import pytest

from qlikops.agent.diagnosis.engines import engine_of, is_kin, named_in, spoken_by


@pytest.mark.parametrize(
    ("endpoint_type", "engine"),
    [
        ("Oracle", "oracle"),
        ("Amazon Aurora (PostgreSQL)", "postgresql"),
        ("Azure SQL Managed Instance", "azuresql"),
        ("Microsoft Azure SQL_Server", "sqlserver"),
        ("IBM DB2 for iSeries", "db2i"),
        ("SAP HANA", "hana"),
        ("SAP Sybase ASE", "ase"),
        ("Oracle Database", "oracle"),
        ("Azure SQL Database", "azuresql"),
        ("Some database", ""),
        ("Something new", ""),
        ("", ""),
    ],
)
def test_the_more_special_name_counts(endpoint_type: str, engine: str) -> None:
    assert engine_of(endpoint_type) == engine


def test_what_is_built_on_an_engine_speaks_its_words_and_not_the_other_way_round() -> None:
    assert spoken_by("postgresql", frozenset({"redshift"}))
    assert not spoken_by("redshift", frozenset({"postgresql"}))
    assert not spoken_by("postgresql", frozenset())
    assert is_kin("redshift", frozenset({"postgresql"}))
    assert is_kin("postgresql", frozenset({"redshift"}))
    assert not is_kin("oracle", frozenset({"mysql", "redshift"}))


def test_a_message_that_names_a_driver_names_its_engine() -> None:
    text = "[odbc driver 17 for sql server] login timeout; sql0911n deadlock"
    assert {"sqlserver", "db2"} <= named_in(text, frozenset(text.replace("]", " ").split()))
    assert named_in("something failed", frozenset({"something", "failed"})) == frozenset()
