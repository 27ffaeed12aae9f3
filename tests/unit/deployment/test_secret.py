"""What a secret becomes when accounts are given anew."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qlikops.deployment.secret import QlikSecret
from qlikops.qlik.errors import QemMisconfigured

URL = "https://qem.example.com/api/v1"
PEM = "-----BEGIN CERTIFICATE-----"
CURRENT = {"name": "eu", "base_url": URL, "username": "u", "password": "old", "ca_bundle": PEM}
OTHER = {"name": "us", "base_url": URL, "api_token": "t"}


class Secrets:
    """One secret in memory."""

    def __init__(self, *instances: dict[str, Any]) -> None:
        self.text = json.dumps({"instances": instances})

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - boto3's names
        assert SecretId == "arn"
        return {"SecretString": self.text}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:  # noqa: N803
        assert SecretId == "arn"
        self.text = SecretString


@pytest.mark.parametrize(
    ("given", "keep_others", "becomes", "changes"),
    [
        ({"name": "eu", "password": "new"}, True, [{**CURRENT, "password": "new"}, OTHER], {"eu": ("password",)}),
        (
            {"name": "us", "username": "u", "password": "p"},
            True,
            [CURRENT, {"name": "us", "base_url": URL, "username": "u", "password": "p"}],
            {"us": ("api_token", "password", "username")},
        ),
        (
            {"name": "eu", "api_token": "t"},
            True,
            [{key: value for key, value in CURRENT.items() if key != "password"} | {"api_token": "t"}, OTHER],
            {"eu": ("api_token", "password")},
        ),
        (
            {"base_url": URL, "api_token": "t"},
            True,
            [CURRENT, OTHER, {"name": "default", "base_url": URL, "api_token": "t"}],
            {"default": ("api_token", "base_url", "name")},
        ),
        ({"name": "eu", "password": "old"}, True, [CURRENT, OTHER], {}),
        ({"name": "eu", "password": "old"}, False, [CURRENT], {"us": ("api_token", "base_url", "name")}),
    ],
)
def test_what_is_not_given_again_stays(
    given: dict[str, Any], keep_others: bool, becomes: list[dict[str, Any]], changes: dict[str, tuple[str, ...]]
) -> None:
    client = Secrets(CURRENT, OTHER)
    secret = QlikSecret(client, "arn")  # type: ignore[arg-type]
    rotation = secret.rotation({"instances": [given]}, keep_others=keep_others)
    assert rotation.changes == changes
    secret.put(rotation)
    assert json.loads(client.text)["instances"] == becomes


def test_what_could_never_log_in_is_refused_and_no_value_is_told() -> None:
    secret = QlikSecret(Secrets(CURRENT), "arn")  # type: ignore[arg-type]
    with pytest.raises(QemMisconfigured) as caught:
        secret.rotation({"instances": [{"name": "eu", "password": "se:cret"}]}, keep_others=True)
    assert "se:cret" not in str(caught.value)
    assert "new" not in repr(secret.rotation({"instances": [{"name": "eu", "password": "new"}]}, keep_others=True))


@pytest.mark.parametrize("text", ["", "[]", '{"instances": 3}', '{"instances": ["x"]}'])
def test_a_value_that_is_none_of_ours_is_said_so(text: str) -> None:
    client = Secrets()
    client.text = text
    with pytest.raises(QemMisconfigured, match="instances"):
        QlikSecret(client, "arn").rotation({"instances": [CURRENT]}, keep_others=True)  # type: ignore[arg-type]
