"""From the agent's settings to the template's parameters that let it ask the model which they name, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def evaluator_parameters(settings: Mapping[str, Any]) -> dict[str, str]:
    """EvaluatorModel and EvaluatorGuardrail; empty, which takes the right away, where the settings ask no model."""
    bedrock = settings.get("bedrock")
    asked = bedrock if settings.get("evaluator") == "bedrock" and isinstance(bedrock, Mapping) else {}
    return {
        "EvaluatorModel": _last_part(asked.get("model_id", "")),
        "EvaluatorGuardrail": _last_part(asked.get("guardrail_id", "")),
    }


def _last_part(name: object) -> str:
    """Of an ARN, what comes after the kind of resource; an ID as it is."""
    return str(name).rpartition("/")[2]
