"""What is set of the models that evaluators ask, and what asking one takes of AWS: one class for each evaluator.

Deploying, its checks, the permission tests and the documentation's test derive what they need from these classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import ClassVar

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.settings import UNQUOTED, ConfigError, check_ranges, number
from qlikops.domain.words.address import http_address

EVALUATION_TIMEOUT_SECONDS = 120
"""QlikMonitor-EvaluateProposal's own, in deploy/template.yaml."""
EVALUATION_RESERVE_SECONDS = 15
"""Seconds of the function's time that reading and writing the ledger may take."""
CONNECT_TIMEOUT_SECONDS = 5
"""Seconds that connecting to a model may take."""

Right = tuple[str, str]
"""An action of IAM, and the resource as deploy/template.yaml writes it in !Sub."""


class EvaluatorName(StrEnum):
    """Who annotates a proposal. Each but `rules` is also a field of Models."""

    RULES = "rules"
    BEDROCK = "bedrock"
    OPENAI = "openai"


class Structured(StrEnum):
    """How a model is made to give its answer in the schema's form. All three are checked by the same schema."""

    STRICT_TOOL = "strict_tool"
    """One tool that must be called, its input held to the schema while it is written; not every model can."""
    TOOL = "tool"
    """One tool that must be called."""
    PROMPT = "prompt"
    """The prompt asks for a bare JSON object: for models without tools."""


_MODEL_ID = re.compile(r"[A-Za-z0-9._:/@+-]{1,2048}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_GUARDRAIL_ID = re.compile(r"[a-z0-9]+|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+")
_GUARDRAIL_VERSION = re.compile(r"[1-9][0-9]{0,7}|DRAFT")
_SECRET_ARN = re.compile(
    r"arn:aws(-[^:]+)?:secretsmanager:[a-z0-9-]{1,20}:[0-9]{12}:secret:[\w/+=.@-]{1,519}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How a model is asked, and how long and how much it may cost, with any model."""

    RIGHTS: ClassVar[frozenset[Right]] = frozenset()
    """What the evaluating function must be allowed for it."""
    REQUIRED: ClassVar[tuple[str, ...]] = ("model_id",)
    """Settings that have no default of use."""

    model_id: str = ""
    """The model's name where it is asked: an ID, or an ARN of AWS."""
    structured: Structured = Structured.STRICT_TOOL
    temperature: float | None = 0.0
    """0 to 1; null leaves it out of the request, for models that refuse it."""
    max_tokens: int = number(2000, 256, 16000)
    """Tokens of one answer at most."""
    read_timeout_seconds: float = number(40, 0.1, EVALUATION_TIMEOUT_SECONDS)
    """What one attempt may take, once connected."""
    attempts: int = number(2, 1, 5)
    """How often the model is asked if throttling, time-outs and failures of the service are in the way."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a malformed value, or for attempts that could outlast the Lambda."""
        check_ranges(self)
        if self.temperature is not None and not 0 <= self.temperature <= 1:
            raise ConfigError("temperature", self.temperature, "must be between 0 and 1, or null")
        self._check_form("model_id", _MODEL_ID, "must be a model's ID or ARN")
        if self.longest_seconds > (left := EVALUATION_TIMEOUT_SECONDS - EVALUATION_RESERVE_SECONDS):
            raise ConfigError(
                "read_timeout_seconds",
                self.read_timeout_seconds,
                f"{self.attempts} attempts could take {self.longest_seconds:g} seconds with connecting and pauses; "
                f"of the Lambda's {EVALUATION_TIMEOUT_SECONDS} they may take {left}",
            )

    def _check_form(self, name: str, form: re.Pattern[str], allowed: str) -> None:
        value = getattr(self, name)
        if value and not form.fullmatch(value):
            raise ConfigError(name, value, allowed)

    @property
    def attempt_seconds(self) -> float:
        """What one attempt may take in all."""
        return CONNECT_TIMEOUT_SECONDS + self.read_timeout_seconds

    @property
    def longest_seconds(self) -> float:
        """What all attempts may take, pauses included."""
        return self.attempts * self.attempt_seconds + sum(map(self.longest_pause, range(1, self.attempts)))

    @staticmethod
    def longest_pause(attempt: int) -> float:
        """The longest wait after this many failed attempts, in seconds; jitter makes it shorter."""
        return float(2 ** (attempt - 1))

    def parameters(self) -> Mapping[str, str]:
        """The template's parameters that allow the function to ask this model; all empty if nothing is set."""
        return {}

    def asked_in_region(self) -> tuple[str, str] | None:
        """A service of AWS that must be there in the stack's own Region, and an operation that shows it; or None."""
        return None


@dataclass(frozen=True, slots=True)
class BedrockSettings(ModelSettings):
    """How the evaluator `bedrock` reaches its model."""

    RIGHTS: ClassVar[frozenset[Right]] = frozenset(
        {
            ("bedrock:InvokeModel", "arn:${AWS::Partition}:bedrock:*::foundation-model/${EvaluatorModel}"),
            ("bedrock:InvokeModel", "arn:${AWS::Partition}:bedrock:*:${AWS::AccountId}:*/${EvaluatorModel}"),
            # What an inference profile passes the question on to; only through the profile.
            ("bedrock:InvokeModel", "arn:${AWS::Partition}:bedrock:*::foundation-model/*"),
            (
                "bedrock:ApplyGuardrail",
                "arn:${AWS::Partition}:bedrock:*:${AWS::AccountId}:guardrail/${EvaluatorGuardrail}",
            ),
        }
    )

    region: str = ""
    """Where the model is asked; empty for the Lambda's own Region."""
    guardrail_id: str = ""
    """A guardrail's ID or ARN; it then looks at what came from outside and at the answer."""
    guardrail_version: str = ""
    """A number or DRAFT; goes with guardrail_id."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a malformed value."""
        ModelSettings.__post_init__(self)  # slots make a new class, which super() without arguments does not know
        self._check_form("region", _REGION, "must be an AWS Region, such as eu-central-1")
        self._check_form("guardrail_id", _GUARDRAIL_ID, "must be a guardrail's ID or ARN")
        self._check_form("guardrail_version", _GUARDRAIL_VERSION, "must be a number or DRAFT")
        if bool(self.guardrail_id) != bool(self.guardrail_version):
            missing = "guardrail_version" if self.guardrail_id else "guardrail_id"
            raise ConfigError(missing, "", "guardrail_id and guardrail_version go together")

    def parameters(self) -> Mapping[str, str]:
        """Model and guardrail, by the last part of their ID or ARN."""
        return {
            "EvaluatorModel": self.model_id.rpartition("/")[2],
            "EvaluatorGuardrail": self.guardrail_id.rpartition("/")[2],
        }

    def asked_in_region(self) -> tuple[str, str] | None:
        """Bedrock, unless the settings name the Region."""
        return None if self.region else ("bedrock", "list_inference_profiles")


@dataclass(frozen=True, slots=True)
class HttpSettings(ModelSettings):
    """How an evaluator reaches a server of models over HTTP (`agent/evaluate/http.py`)."""

    RIGHTS: ClassVar[frozenset[Right]] = frozenset({("secretsmanager:GetSecretValue", "${EvaluatorSecretArn}")})
    REQUIRED: ClassVar[tuple[str, ...]] = ("model_id", "url")

    url: str = ""
    """What comes before the path that the evaluator asks, such as https://api.openai.com/v1."""
    key_secret_arn: str = ""
    """The secret in Secrets Manager whose text is the API key; empty for a server that wants none."""
    in_vpc: bool = False
    """Whether the evaluating function runs in the stack's subnets, from which the server is reached."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a malformed value, and for a key that would travel unencrypted."""
        ModelSettings.__post_init__(self)
        if self.key_secret_arn and not _SECRET_ARN.fullmatch(self.key_secret_arn):
            # It may be the key itself.
            raise ConfigError("key_secret_arn", UNQUOTED, "must be the ARN of a Secrets Manager secret")
        if not self.url:
            return
        try:
            parts = http_address(self.url)
        except ValueError as exc:
            quoted = UNQUOTED if "@" in self.url else self.url
            raise ConfigError("url", quoted, f"must be an address, such as https://api.openai.com/v1: {exc}") from exc
        if parts.username or parts.password or parts.query or parts.fragment:
            allowed = "may hold no account, query or fragment; a key belongs into key_secret_arn"
            raise ConfigError("url", UNQUOTED, allowed)
        if self.key_secret_arn and parts.scheme != "https":
            raise ConfigError("url", self.url, "must begin with https:// if a key goes with the question")

    def parameters(self) -> Mapping[str, str]:
        """The secret with the key, and whether the function moves into the VPC."""
        return {"EvaluatorSecretArn": self.key_secret_arn, "EvaluatorInVpc": "true" if self.in_vpc else ""}


class TokenLimit(StrEnum):
    """What a server calls the limit on one answer's tokens."""

    MAX_TOKENS = "max_tokens"
    MAX_COMPLETION_TOKENS = "max_completion_tokens"
    """Limit for OpenAI's reasoning models, which refuse the other one."""


@dataclass(frozen=True, slots=True)
class OpenAiSettings(HttpSettings):
    """How the evaluator `openai` reaches its model: any server with OpenAI's chat completions."""

    token_limit: TokenLimit = TokenLimit.MAX_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The settings of every evaluator that asks a model, by its name; each is used by the evaluator of that name only.

    All of them are checked, whichever is chosen.
    """

    bedrock: BedrockSettings = field(default_factory=BedrockSettings)
    """Settings of the evaluator `bedrock`."""
    openai: OpenAiSettings = field(default_factory=OpenAiSettings)
    """Settings of the evaluator `openai`."""
