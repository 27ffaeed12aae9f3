"""The stack's secret with the Qlik accounts: what it becomes when accounts are given anew, and putting that there.

The stack creates it empty, and only PutSecretValue fills it: a CloudFormation parameter would take 4,096 bytes, and
CloudFormation quotes parameters in its errors. Rotating a password must not take anything else with it: certificates,
addresses and instances that are not given again stay. Values are never part of a message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import field
from typing import TYPE_CHECKING, Any

from qlikops.aws.secrecy import secret_errors
from qlikops.dataclass import dataclass
from qlikops.deployment.login import merged
from qlikops.domain.errors import NotFound, QlikopsError, Unreachable, UsageError
from qlikops.qlik.config import parse_instances
from qlikops.qlik.errors import QemMisconfigured

if TYPE_CHECKING:
    from types_boto3_secretsmanager.client import SecretsManagerClient

SECRET_BYTES = 65_536
"""The largest value that Secrets Manager keeps."""

Instances = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a secret becomes."""

    value: str = field(repr=False)
    changes: Mapping[str, tuple[str, ...]]
    """Instance -> names of the keys that differ, sorted; empty where nothing does."""


class QlikSecret:
    """One secret in Secrets Manager."""

    def __init__(self, client: SecretsManagerClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    def text(self) -> str:
        """The current value; empty while the secret has none. Raises Unreachable for a reply without one."""
        try:
            with secret_errors("read the Qlik accounts", "secretsmanager:GetSecretValue"):
                reply = self._client.get_secret_value(SecretId=self._arn)
        except NotFound:
            return ""
        if "SecretString" not in reply:
            # A gateway's page is no empty secret: what it would be merged into is not known.
            raise Unreachable("Could not read the Qlik accounts: the reply holds no text.", "Try again.")
        return reply["SecretString"]

    def has_accounts(self) -> bool:
        """Whether it has been filled; an earlier version's default names no instance."""
        text = self.text()
        return bool(text and _by_name(text))

    def put(self, rotation: Rotation) -> None:
        """Makes it the current value; the one before stays in Secrets Manager as AWSPREVIOUS."""
        self._put(rotation.value)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Gives the secret back the value that it has now, whatever CloudFormation makes of it inside.

        A template of an earlier version carried a value. Taking that property away, and taking it back in a rollback,
        writes the value again that was deployed once.
        """
        before = self.text()
        try:
            yield
        except BaseException:
            # What stopped the change is what counts.
            with suppress(QlikopsError):
                self._put_back(before)
            raise
        self._put_back(before)

    def _put_back(self, before: str) -> None:
        if before and self.text() != before:
            self._put(before)

    def _put(self, value: str) -> None:
        with secret_errors("put the Qlik accounts into the secret", "secretsmanager:PutSecretValue"):
            self._client.put_secret_value(SecretId=self._arn, SecretString=value)


def rotation(current: str, given: Mapping[str, Any], *, keep_others: bool = False) -> Rotation:
    """What the value `current` (empty: none) becomes with the instances `given`.

    Of an instance that is there, keys that are not given stay. An instance that is not given stays where
    `keep_others`. Raises QemMisconfigured where the outcome could never log in, UsageError where it is too large.
    """
    known, fresh = _by_name(current) if current else {}, _by_name(json.dumps(given))
    wanted = {name: merged(known.get(name, {}), each) for name, each in fresh.items()}
    whole = {**known, **wanted} if keep_others else wanted
    value = json.dumps({"instances": list(whole.values())})
    parse_instances(value)
    if len(value) > SECRET_BYTES:
        raise UsageError(
            f"the Qlik accounts take {len(value):,} bytes, and a secret takes {SECRET_BYTES:,}",
            "Certificates are the most of it: give each instance only the authorities that it needs (ca_bundle).",
        )
    differing = {name: _differences(known.get(name, {}), whole.get(name, {})) for name in {**known, **whole}}
    return Rotation(value, {name: keys for name, keys in differing.items() if keys})


def _by_name(text: str) -> Instances:
    try:
        instances = json.loads(text)["instances"]
        return {each.get("name", "default"): {"name": "default", **each} for each in instances}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise QemMisconfigured('the secret\'s value must be {"instances": [...]}') from None


def _differences(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(key for key in {**current, **wanted} if current.get(key) != wanted.get(key)))
