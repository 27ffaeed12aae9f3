"""What a model is asked: the instructions and the schema as they lie in `prompts/`, and the proposal as data.

The files are versioned: what is asked never changes without the version that every evaluation carries.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qlikops.agent.diagnosis.evidence import EVIDENCE_CAP
from qlikops.agent.evaluate import EvaluationInput
from qlikops.domain.proposal import Proposal
from qlikops.domain.text import harmless

PROMPT_VERSION = "v1"
TOOL_NAME = "record_evaluation"
DATA_CAP = 24_000
"""Characters of the data, whatever the proposal holds: what an evaluation may cost has a bound."""

_TEXT_CAPS = (600, 300, 120, 40)
"""Characters of one text; the first that lets everything fit. The last always does, even with all of it escaped."""
_TASKS = 10
_HISTORY = 10
_FOLDER = Path(__file__).with_name("prompts")
_ESCAPES = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})
"""Only in strings can these occur, so the JSON stays the same; nothing inside can look like the delimiter."""


@functools.cache
def instructions() -> str:
    """The system prompt."""
    return _read("md")


@functools.cache
def bare_instructions() -> str:
    """What asks for the answer as text, with the schema."""
    return f"{_read('bare.md')}\n{_read('schema.json')}"


@functools.cache
def schema() -> Mapping[str, Any]:
    """The answer's form, as JSON schema without lengths and ranges, which no strict mode takes."""
    loaded: Mapping[str, Any] = json.loads(_read("schema.json"))
    return loaded


def data_block(proposal: Proposal, history: EvaluationInput, mark: str) -> str:
    """Proposal and history as one JSON document between delimiters that nothing in it can forge.

    `mark` is random for every request.
    """
    for cap in _TEXT_CAPS:
        document = json.dumps(_document(proposal, history, cap), ensure_ascii=False, indent=1).translate(_ESCAPES)
        if len(document) <= DATA_CAP:
            break
    return f"<data-{mark}>\n{document}\n</data-{mark}>"


def _read(suffix: str) -> str:
    return (_FOLDER / f"{PROMPT_VERSION}.{suffix}").read_text(encoding="utf-8").strip()


def _document(proposal: Proposal, history: EvaluationInput, cap: int) -> dict[str, Any]:
    def outside(text: str) -> str:
        return harmless(text, cap)

    return {
        "proposal": {
            "kind": proposal.kind.value,
            "severity": proposal.severity.value,
            "action": proposal.action.value,
            "title": outside(proposal.title),
            "reason": outside(proposal.reason),
            "in_common": outside(proposal.cause),
        },
        "task_count": len(proposal.targets),
        "tasks": [
            {
                "task": outside(str(target.key)),
                "state": target.state.value,
                "stop_reason": target.stop_reason.value,
                "full_load_completed": target.full_load_completed,
                "tables": target.tables,
                "protected": target.protected,
                "restarts_last_hour": history.restarts_last_hour.get(target.key, 0),
            }
            for target in proposal.targets[:_TASKS]
        ],
        "evidence": [
            {"id": outside(item.id), "label": outside(item.label), "value": outside(item.value)}
            for item in proposal.evidence[:EVIDENCE_CAP]
        ],
        "earlier_proposals": [outside(line) for line in history.recent[:_HISTORY]],
    }
