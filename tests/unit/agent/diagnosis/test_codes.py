"""Codes in a message: found in its order, in one spelling, and told from numbers that are none."""

from __future__ import annotations

import pytest

from qlikops.agent.diagnosis.codes import codes_in, family, normal


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ("ORA-01017: x; TNS-12541", ["ORA:1017", "TNS:12541"]),
        ("SQL30081N  x SQLSTATE=08001", ["DB2:30081", "SQLSTATE:08001"]),
        ("DB2 SQLCODE: -911, SQLSTATE: 40001", ["DB2:911", "SQLSTATE:40001"]),
        ("Msg 9003, Level 20", ["MSSQL:9003"]),
        ("ERROR:  XX000: missing chunk", ["SQLSTATE:XX000"]),
        ("(SQLSTATE XX000)", ["SQLSTATE:XX000"]),
        ("[28000] Login", ["SQLSTATE:28000"]),
        ("NativeError: -2146893019", ["NATIVE:2146893019"]),
        ("[122301] x [1022301]", ["REPLICATE:1022301", "REPLICATE:1022301"]),
        ("AADSTS700082: expired", ["AADSTS:700082"]),
        ("HTTP/1.1 403 x", ["HTTP:403"]),
        ("status code: 429", ["HTTP:429"]),
        ("503 Service Unavailable", ["HTTP:503"]),
        ("os error 111", ["POSIX:111"]),
        ("ERROR 2013 (HY000): Lost", ["NATIVE:2013", "SQLSTATE:HY000"]),
        ("SAP DBTech JDBC: [258]: x", ["HANA:258"]),
        ("General error;258 insufficient", ["HANA:258"]),
        ("002003 (02000): x", ["SNOWFLAKE:2003", "SQLSTATE:02000"]),
        ("curl error 28: x", ["CURL:28"]),
        ("(curl_easy_perform() failed) - code=60 msg=x", ["CURL:60"]),
        ("[DB2 for i5/OS]SQL0204 - ORDERS in SHOP not found.", ["DB2:204"]),
        ("[DB2 for i5/OS]SQL7008 - ORDERS in SHOP not valid.", ["IBMI:SQL7008"]),
        ("at SQL0204, port 446", ["IBMI:SQL0204"]),
        ("between 4711 and 0815, order 08001", []),
    ],
)
def test_codes_are_found_in_the_order_of_the_text(said: str, codes: list[str]) -> None:
    assert [str(code) for code in codes_in(said) if code.is_marked] == codes


@pytest.mark.parametrize(
    ("namespace", "value", "expected"),
    [
        ("ORA", "01017", "1017"),
        ("DB2", "SQL0911N", "911"),
        ("DB2", "-911", "911"),
        ("REPLICATE", "120112", "1020112"),
        ("POSIX", "0x2746", "10054"),
        ("SNOWFLAKE", "000606", "606"),
        ("KAFKA", "TOPIC_AUTHORIZATION_FAILED", "TOPIC_AUTHORIZATION_FAILED"),
    ],
)
def test_a_code_has_one_spelling(namespace: str, value: str, expected: str) -> None:
    assert normal(namespace, value) == expected


@pytest.mark.parametrize(
    ("namespace", "value", "expected"),
    [
        ("SQLSTATE", "hy000", "HY000"),
        ("ORA", "ORA-00000", "0"),
        ("DB2", "-00911", "911"),
        ("AADSTS", "aadsts50034", "50034"),
        ("NATIVE", "-2146893019", "2146893019"),
        ("NATIVE", "000", "0"),
        ("REPLICATE", "1022301", "1022301"),
    ],
)
def test_signs_zeros_and_prefixes_make_no_other_code(namespace: str, value: str, expected: str) -> None:
    assert normal(namespace, value) == expected
    assert normal(namespace, expected) == expected


@pytest.mark.parametrize(("value", "expected"), [("22012", "22*"), ("390114", "39*"), ("1205", ""), ("", "")])
def test_only_a_long_code_belongs_to_a_family(value: str, expected: str) -> None:
    assert family(value) == expected


def test_a_code_knows_where_it_stands_with_what_announces_it() -> None:
    said = "it said SQLSTATE=08001 twice"
    (code,) = codes_in(said)
    assert said[code.start : code.end] == "SQLSTATE=08001"
