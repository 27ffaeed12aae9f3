"""The stack's secret with the Qlik accounts: what it becomes when accounts are given anew, and putting that there.

Rotating a password must not take anything else with it: certificates, addresses and instances that are not given again
stay. Values are never part of a message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qlikops.qlik.config import parse_instances
from qlikops.qlik.errors import QemMisconfigured

if TYPE_CHECKING:
    from types_boto3_secretsmanager.client import SecretsManagerClient

_WAYS = ("password", "api_token", "jwt")
"""To log in: the one that is given takes the others' place, for each of the two accounts."""

Instances = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a secret becomes."""

    value: str
    changes: Mapping[str, tuple[str, ...]]
    """Instance -> names of the keys that differ, sorted; empty where nothing does."""

    def __repr__(self) -> str:
        return f"Rotation({dict(self.changes)})"


class QlikSecret:
    """One secret in Secrets Manager."""

    def __init__(self, client: SecretsManagerClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    def text(self) -> str:
        """Its value as it is now."""
        return self._client.get_secret_value(SecretId=self._arn)["SecretString"]

    def rotation(self, given: Mapping[str, Any], *, keep_others: bool) -> Rotation:
        """What the value becomes with the instances `given`.

        Of an instance that is there, keys that are not given stay. An instance that is not given stays where
        `keep_others`. Raises QemMisconfigured where the outcome could never log in.
        """
        current, fresh = _by_name(self.text()), _by_name(json.dumps(given))
        wanted = {name: _merged(current.get(name, {}), each) for name, each in fresh.items()}
        whole = {**current, **wanted} if keep_others else wanted
        value = json.dumps({"instances": list(whole.values())})
        parse_instances(value)
        differing = {name: _differences(current.get(name, {}), whole.get(name, {})) for name in {**current, **whole}}
        return Rotation(value, {name: keys for name, keys in differing.items() if keys})

    def put(self, rotation: Rotation) -> None:
        """Makes it the current value; the one before stays in Secrets Manager as AWSPREVIOUS."""
        self._client.put_secret_value(SecretId=self._arn, SecretString=rotation.value)


def _by_name(text: str) -> Instances:
    try:
        instances = json.loads(text)["instances"]
        return {each.get("name", "default"): {"name": "default", **each} for each in instances}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise QemMisconfigured('the secret\'s value must be {"instances": [...]}') from None


def _merged(current: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    accounts = ({f"{prefix}{way}" for way in _WAYS} for prefix in ("", "operator_"))
    replaced = set().union(*(ways - given.keys() for ways in accounts if ways & given.keys()))
    return {**{key: value for key, value in current.items() if key not in replaced}, **given}


def _differences(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(key for key in {**current, **wanted} if current.get(key) != wanted.get(key)))
