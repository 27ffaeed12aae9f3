"""Turns the agent's settings into the template's parameters that let it use what they name, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from qlikops.agent.config import PLACE_VARIABLES, SETTINGS_VARIABLE, AgentConfig
from qlikops.agent.models import Models
from qlikops.domain.encoding.settings import ConfigError
from qlikops.domain.errors import UsageError


def agent_config(settings: Mapping[str, Any]) -> AgentConfig:
    """The agent's settings, checked as the functions will check them. Raises UsageError."""
    try:
        # Where things are comes from the stack; anything will do for the check.
        places = dict.fromkeys(PLACE_VARIABLES.values(), "x")
        return AgentConfig.from_environment({**places, SETTINGS_VARIABLE: json.dumps(settings)})
    except ConfigError as exc:
        raise UsageError(f"the agent's settings: {exc}") from exc


def agent_parameters(settings: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that follow from the agent's settings: the escalation topic, and every evaluator's; those of what
    is not set are empty, which takes the rights away. Raises UsageError.
    """
    config, unused = agent_config(settings), Models()
    asked = [getattr(unused, each.name) for each in fields(Models)] + ([config.model] if config.model else [])
    of_models = {name: value for each in asked for name, value in each.parameters().items()}
    return of_models | {"EscalationTopicArn": config.escalation_topic_arn}
