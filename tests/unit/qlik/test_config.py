from __future__ import annotations

import json
from typing import Any

import pytest

from qlikops.qlik.config import QemInstance, parse_instances
from qlikops.qlik.errors import QemMisconfigured

URL = "https://qem.example.com/attunityenterprisemanager/api/v1"
GOOD: dict[str, Any] = {"name": "eu", "base_url": URL, "username": "monitor", "password": "hunter2-secret"}


def secret(*instances: Any) -> str:
    return json.dumps({"instances": list(instances)})


def test_reads_every_instance() -> None:
    first, second = parse_instances(secret(GOOD, {**GOOD, "name": "us", "verify_tls": False, "read_timeout": 5}))
    assert (first.name, first.base_url, first.verify_tls) == ("eu", URL, True)
    assert (second.name, second.verify_tls, second.read_timeout) == ("us", False, 5.0)


def test_an_unnamed_instance_is_the_default_one() -> None:
    (only,) = parse_instances(secret({key: value for key, value in GOOD.items() if key != "name"}))
    assert only.name == "default"


@pytest.mark.parametrize(
    ("changes", "operator", "expected"),
    [
        ({}, False, "monitor:hunter2-secret"),
        ({"domain": "corp"}, False, "monitor@corp:hunter2-secret"),
        ({"api_token": "tok"}, False, "api-token:tok"),
        ({"jwt": "head.body.sign"}, False, "jwt:head.body.sign"),
        ({"jwt": "head.body.sign", "domain": "corp"}, True, "jwt:head.body.sign"),
        ({"operator_api_token": "tok"}, True, "api-token:tok"),
        ({"operator_api_token": "tok"}, False, "monitor:hunter2-secret"),
        ({"api_token": "tok", "operator_jwt": "head.body.sign"}, True, "jwt:head.body.sign"),
        ({}, True, "monitor:hunter2-secret"),
        ({"operator_username": "op", "operator_password": "p2"}, True, "op:p2"),
        ({"operator_username": "op", "operator_password": "p2"}, False, "monitor:hunter2-secret"),
        (
            {"operator_username": "op", "operator_password": "p2", "domain": "corp", "api_token": "t"},
            True,
            "op@corp:p2",
        ),
    ],
)
def test_what_a_login_says(changes: dict[str, Any], operator: bool, expected: str) -> None:
    assert QemInstance(**{**GOOD, **changes}).credentials(operator=operator) == expected


def test_repr_shows_no_credentials() -> None:
    hidden = ("operator_password", "api_token", "jwt", "operator_api_token", "operator_jwt")
    credentials: dict[str, Any] = {key: f"{key}-secret" for key in hidden}
    shown = repr(QemInstance(**GOOD, **credentials, operator_username="op", proxy="http://me:secret@proxy:3128"))
    assert "secret" not in shown


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({**GOOD, "base_url": "ftp://qem"}, "base_url"),
        ({**GOOD, "base_url": "https://monitor:hunter2-secret@qem"}, "base_url"),
        ({**GOOD, "base_url": 7}, "base_url"),
        ({**GOOD, "name": ""}, "name"),
        ({**GOOD, "password": ""}, "password"),
        ({**GOOD, "password": "hunter2-secret:x"}, "password"),
        ({**GOOD, "operator_username": "op"}, "operator_password"),
        ({**GOOD, "verify_TLS": False}, "verify_TLS"),
        ({**GOOD, "proxy": "hunter2-secret@proxy:3128"}, "proxy"),
        ({**GOOD, "read_timeout": 0}, "read_timeout"),
        ({**GOOD, "read_timeout": 3600}, "read_timeout"),
        ({**GOOD, "connect_timeout": float("nan")}, "connect_timeout"),
        ({"name": "eu", "password": "hunter2-secret"}, "base_url"),
        ("hunter2-secret", "instances[0]"),
    ],
)
def test_a_wrong_instance_names_the_key_and_no_value(entry: Any, named: str) -> None:
    with pytest.raises(QemMisconfigured) as caught:
        parse_instances(secret(entry))
    assert named in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["hunter2-secret", "[]", "{}", '{"instances": []}', '{"instances": {}}'])
def test_a_wrong_secret_is_not_quoted(text: str) -> None:
    with pytest.raises(QemMisconfigured) as caught:
        parse_instances(text)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_two_instances_of_one_name_are_refused() -> None:
    with pytest.raises(QemMisconfigured, match="alike"):
        parse_instances(secret(GOOD, GOOD))
