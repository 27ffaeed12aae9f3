"""What a secret becomes when accounts are given anew."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qlikops.deployment.secret import SECRET_BYTES, QlikSecret, rotation
from qlikops.domain.errors import UsageError
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
    accounts = rotation(secret.text(), {"instances": [given]}, keep_others=keep_others)
    assert accounts.changes == changes
    secret.put(accounts)
    assert json.loads(client.text)["instances"] == becomes


def test_what_could_never_log_in_is_refused_and_no_value_is_told() -> None:
    current = json.dumps({"instances": [CURRENT]})
    with pytest.raises(QemMisconfigured) as caught:
        rotation(current, {"instances": [{"name": "eu", "password": "se:cret"}]}, keep_others=True)
    assert "se:cret" not in str(caught.value)
    assert "new" not in repr(rotation(current, {"instances": [{"name": "eu", "password": "new"}]}, keep_others=True))


@pytest.mark.parametrize("text", ["{", "[]", '{"instances": 3}', '{"instances": ["x"]}'])
def test_a_value_that_is_none_of_ours_is_said_so(text: str) -> None:
    with pytest.raises(QemMisconfigured, match="instances"):
        rotation(text, {"instances": [CURRENT]}, keep_others=True)


@pytest.mark.parametrize("current", ["", '{"instances": []}'])
def test_a_secret_that_nobody_has_filled_takes_whole_instances(current: str) -> None:
    assert rotation(current, {"instances": [OTHER]}).changes == {"us": ("api_token", "base_url", "name")}
    with pytest.raises(QemMisconfigured, match="base_url"):
        rotation(current, {"instances": [{"name": "us", "api_token": "t"}]}, keep_others=True)


def with_certificates(size: int) -> dict[str, Any]:
    """An instance whose accounts take `size` bytes in the secret."""
    bare = len(json.dumps({"instances": [{**CURRENT, "ca_bundle": ""}]}))
    return {**CURRENT, "ca_bundle": "x" * (size - bare)}


def test_as_much_as_secrets_manager_takes_and_not_a_byte_more() -> None:
    assert len(rotation("", {"instances": [with_certificates(SECRET_BYTES)]}).value) == SECRET_BYTES
    with pytest.raises(UsageError, match="65,537 bytes") as caught:
        rotation("", {"instances": [with_certificates(SECRET_BYTES + 1)]})
    assert "ca_bundle" in caught.value.hint
