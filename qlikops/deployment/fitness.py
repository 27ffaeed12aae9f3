"""What makes a release impossible and can be told before CloudFormation is asked: sizes, ARNs of another place,
a place that is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from qlikops.agent.config import PLACE_VARIABLES, SETTINGS_VARIABLE
from qlikops.dataclass import dataclass
from qlikops.domain.errors import UsageError

PARAMETER_BYTES = 4096
"""The largest value of a CloudFormation parameter."""
ENVIRONMENT_BYTES = 4096
"""The largest environment of a function; Lambda measures it as JSON."""
_UNIQUE = "-" + 13 * "X"
"""What CloudFormation hangs onto the names that it makes."""
_GLOBAL = frozenset({"iam"})
"""Services whose ARNs name no Region."""


@dataclass(frozen=True, slots=True)
class StackLocation:
    """Where a stack is."""

    partition: str
    """aws, aws-cn, aws-us-gov and others."""
    region: str
    account: str
    stack: str

    def arn(self, service: str, name: str) -> str:
        """The ARN of something here."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{name}"


def check_fitness(parameters: Mapping[str, str], place: StackLocation) -> None:
    """Raises UsageError where `parameters`, the template's, cannot work at `place`."""
    for name, value in parameters.items():
        if (size := len(value.encode())) > PARAMETER_BYTES:
            raise UsageError(
                f"{name} takes {size:,} bytes, and a CloudFormation parameter takes {PARAMETER_BYTES:,}",
                "Shorten it." if name != "AgentSettings" else _SHORTER,
            )
        for arn in _arns(value):
            _check_arn(name, arn, place)
    if parameters.get("EvaluatorInVpc") and not parameters.get("SubnetIds"):
        raise UsageError(
            "the agent's settings: in_vpc of the evaluator wants the stack's subnets, and it has none",
            "Give --subnet and --security-group, or leave in_vpc out.",
        )
    if (size := _environment_bytes(parameters, place)) > ENVIRONMENT_BYTES:
        raise UsageError(
            f"the functions' environment takes {size:,} bytes with these agent settings, and Lambda takes "
            f"{ENVIRONMENT_BYTES:,}",
            _SHORTER,
        )


_SHORTER = "Shorten the agent's settings: leave out what has its default, and override thresholds for fewer tasks."


def _arns(value: str) -> Iterator[str]:
    """The ARNs that a parameter holds: itself, or some of the agent's settings."""
    if value.startswith("arn:"):
        yield value
    elif value.startswith("{"):
        models = [each for each in json.loads(value).values() if isinstance(each, dict)]
        yield from (arn for each in models for arn in each.values() if str(arn).startswith("arn:"))


def _check_arn(name: str, arn: str, place: StackLocation) -> None:
    _, partition, service, region, *_ = (*arn.split(":"), "", "", "")
    if partition != place.partition:
        raise UsageError(
            f"{name}: {arn} is in the partition {partition}, and this stack in {place.partition}",
            "Nothing in one partition reaches into another: name one of this partition.",
        )
    # A model may be asked in another Region; what else is named must lie beside the stack.
    if service not in _GLOBAL | {"bedrock"} and region != place.region:
        raise UsageError(
            f"{name}: {arn} is in the Region {region}, and this stack in {place.region}",
            "Name one of this Region, or choose another --region.",
        )


def _environment_bytes(parameters: Mapping[str, str], place: StackLocation) -> int:
    """What a function's environment takes, as JSON, with the longest names that CloudFormation may choose."""
    places = {
        "table": f"{place.stack}-Table{_UNIQUE}",
        "bucket": f"{place.stack}-databucket{_UNIQUE}"[:63],
        "topic_arn": parameters.get("NotificationTopicArn") or place.arn("sns", f"{place.stack}-Topic{_UNIQUE}"),
        "qlik_secret_arn": parameters.get("QlikSecretArn")
        or place.arn("secretsmanager", f"secret:QlikSecret{_UNIQUE}-XXXXXX"),
    }
    environment = {variable: places[field] for field, variable in PLACE_VARIABLES.items()}
    environment[SETTINGS_VARIABLE] = parameters.get("AgentSettings", "{}")
    return len(json.dumps(environment, ensure_ascii=False, separators=(",", ":")).encode())
