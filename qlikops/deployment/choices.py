"""What can be chosen of a deployment: from a file that can live in git, and from options, which win.

What is not chosen keeps the value that the stack has. Nothing secret belongs here: accounts come from `qlikops login`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.deployment.definition import approval_timeout, read_definition
from qlikops.deployment.evaluator import agent_config, agent_parameters
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.settings import UNQUOTED, ConfigError
from qlikops.domain.errors import UsageError
from qlikops.domain.runs.occurrence import LONGEST_PERIOD
from qlikops.domain.words.duration import parse_duration
from qlikops.files import read_text, read_toml, shown

INSTANCE_KEYS = ("name", "base_url", "username", "operator_username", "domain", "verify_tls", "ca_bundle", "proxy")
"""Keys of a Qlik instance that are no secret."""


@dataclass(frozen=True, slots=True)
class Choices:
    """None: not chosen. Empty: chosen to be nothing, which takes back what was set before."""

    approval_timeout: str | None = None
    """How long a proposal waits for a decision, such as 4h."""
    run_every: str | None = None
    """How often the schedule runs, such as 5m; three times that without a success is an alarm."""
    log_retention: int | None = None
    """Days for which CloudWatch keeps the functions' logs."""
    notification_email: str | None = None
    """E-mail address that notifications go to; SNS asks it to confirm first."""
    notification_topic: str | None = None
    """ARN of an existing SNS topic, instead of one that is created."""
    subnets: tuple[str, ...] | None = None
    """IDs of the subnets that the functions run in that talk to Qlik; given together with security_groups."""
    security_groups: tuple[str, ...] | None = None
    """IDs of the security groups of the functions that talk to Qlik."""
    permissions_boundary: str | None = None
    """ARN of the IAM policy that is the boundary of every role."""
    kms_key: str | None = None
    """ARN of a customer managed key for table, bucket, secret and topic."""
    qlik_secret_arn: str | None = None
    """ARN of an existing secret with the Qlik instances, instead of one that is created."""
    ca_bundle: str | None = None
    """PEM file with the authorities that the Qlik instances' certificates come from; in the file, relative to it."""
    tags: Mapping[str, str] | None = None
    """Tags of the stack and of what is in it."""
    agent: Mapping[str, Any] | None = None
    """The agent's settings: approval_mode, evaluator, thresholds and so on."""
    qlik: tuple[Mapping[str, Any], ...] | None = None
    """The Qlik instances without their passwords."""

    def over(self, other: Choices) -> Choices:
        """These choices, and `other`'s where there are none; agent settings and tags key by key."""
        chosen = {each.name: getattr(self, each.name) for each in fields(self)}
        merged = {name: value for name, value in chosen.items() if value is not None}
        for name in ("agent", "tags"):
            if merged.get(name) is not None:
                merged[name] = _merged(getattr(other, name) or {}, merged[name])
        return replace(other, **merged)

    def approval_timeout_seconds(self, current: Mapping[str, str]) -> int:
        """What is chosen, else what the stack has, else what the definition ships with. Raises UsageError."""
        if self.approval_timeout:
            return _seconds("approval_timeout", self.approval_timeout)
        return int(current.get("ApprovalTimeoutSeconds") or approval_timeout(read_definition()))

    def parameters(self) -> dict[str, str]:
        """The template's, for what is chosen. Raises UsageError for what makes no sense."""
        if (self.subnets is None) is not (self.security_groups is None) or bool(self.subnets) is not bool(
            self.security_groups
        ):
            raise UsageError("subnets and security groups go together", "Give both, or neither.")
        if self.notification_email and self.notification_topic:
            raise UsageError("an e-mail address goes with the topic that is created here, not with an existing one")
        parameters = {
            parameter: render(getattr(self, name))
            for name, (parameter, render) in PARAMETERS.items()
            if getattr(self, name) is not None
        }
        return parameters | (agent_parameters(self.agent) if self.agent is not None else {})


def read_choices(path: Path) -> Choices:
    """The choices in a TOML file. Raises UsageError that names the file, the key and what is accepted."""
    try:
        choices = codec.read_settings(Choices, read_toml(path))
        for each in choices.qlik or ():
            _check_instance(each)
    except ConfigError as exc:
        raise UsageError(f"{shown(path)}: {exc}") from exc
    return replace(choices, ca_bundle=str(path.parent / choices.ca_bundle)) if choices.ca_bundle else choices


def with_authorities(instances: Mapping[str, Any], ca_bundle: str | None) -> dict[str, Any]:
    """The secret's value with the certificates in `ca_bundle` as text, for each instance that has none of its own."""
    if not ca_bundle:
        return dict(instances)
    text = read_text(Path(ca_bundle), encoding="ascii")
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise UsageError(f"{ca_bundle} holds no certificate in PEM form")
    return {**instances, "instances": [{"ca_bundle": text, **each} for each in instances["instances"]]}


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`, table by table."""
    merged = {**below, **above}
    for name, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(name), Mapping):
            merged[name] = _merged(below[name], value)
    return merged


def _check_instance(instance: Mapping[str, Any]) -> None:
    """Raises ConfigError for what has no place in a file that can live in git; quotes none of it."""
    for name in instance.keys() - set(INSTANCE_KEYS):
        known = ", ".join(INSTANCE_KEYS)
        raise ConfigError(
            f"qlik.{name}", UNQUOTED, f"does not belong here; there are {known}; secrets come from `qlikops login`"
        )
    for name in ("base_url", "proxy"):
        if "@" in str(instance.get(name, "")):
            raise ConfigError(
                f"qlik.{name}",
                UNQUOTED,
                "names an account, which does not belong into a file; give the instances with it by `--qlik -`",
            )


def _seconds(name: str, text: str) -> int:
    try:
        return int(parse_duration(text).total_seconds())
    except ValueError as exc:
        raise UsageError(f"{name}: {exc}") from exc


def _run_every(text: str) -> str:
    seconds = _seconds("run_every", text)
    if seconds % 60 or seconds > LONGEST_PERIOD.total_seconds():
        raise UsageError(f"run_every: {text} is not a whole number of minutes up to a day", "Such as 5m or 1h.")
    return str(seconds)


def _agent_settings(settings: Mapping[str, Any]) -> str:
    agent_config(settings)
    return json.dumps(settings)


PARAMETERS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "run_every": ("RunEverySeconds", _run_every),
    "log_retention": ("LogRetentionDays", str),
    "notification_email": ("NotificationEmail", str),
    "notification_topic": ("NotificationTopicArn", str),
    "subnets": ("SubnetIds", ",".join),
    "security_groups": ("SecurityGroupIds", ",".join),
    "permissions_boundary": ("PermissionsBoundaryArn", str),
    "kms_key": ("KmsKeyArn", str),
    "qlik_secret_arn": ("QlikSecretArn", str),
    "agent": ("AgentSettings", _agent_settings),
}
"""Field of Choices -> the parameter of the template that it is, and how its value is written there."""
