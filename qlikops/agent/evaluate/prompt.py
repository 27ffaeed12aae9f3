"""What a model is asked: the instructions and the schema as they lie in `prompts/`, the proposal as data, and what the
agent itself knows of its failure.

The files are versioned: what is asked never changes without the version that every evaluation carries.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qlikops.agent.diagnosis.evidence import EVIDENCE_CAP, Label
from qlikops.agent.diagnosis.library import library
from qlikops.agent.evaluate import EvaluationInput
from qlikops.domain.fleet.diagnosis import Diagnosis
from qlikops.domain.fleet.endpoint import ProbeAnswer
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.words.text import harmless

PROMPT_VERSION = "v3"
TOOL_NAME = "record_evaluation"
DATA_CAP = 24_000
"""Characters of the data, whatever the proposal holds: what an evaluation may cost has a bound."""
KNOWN_CAP = 8_000
"""Characters of what is known of the failure."""

_TEXT_CAPS = (600, 300, 120, 40)
"""Characters of one text; the first that lets everything fit. The last always does, even with all of it escaped."""
_TASKS = 10
_HISTORY = 10
_CHECKS = 8
"""Checks of an entry that are shown at most."""
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
    return _block(f"data-{mark}", lambda cap: _document(proposal, history, cap), DATA_CAP)


def task_text(proposal: Proposal, mark: str) -> str:
    """What the model is to do, after what the agent knows of failure and endpoint, in a block like that of the data.

    In that block are entries and numbers, no word of the message and no name. Without a diagnosis there is none.
    """
    task, diagnosis = "Evaluate the proposal in the data above.", proposal.diagnosis
    if diagnosis is None:
        return task
    endpoint = _endpoint(proposal)
    return f"{_block(f'known-{mark}', lambda cap: _known(diagnosis, cap) | endpoint, KNOWN_CAP)}\n\n{task}"


def _block(delimiter: str, document: Callable[[int], Mapping[str, Any]], most: int) -> str:
    """`document` as JSON between delimiters, its texts cut so that it has at most `most` characters."""
    for cap in _TEXT_CAPS:
        text = json.dumps(document(cap), ensure_ascii=False, indent=1).translate(_ESCAPES)
        if len(text) <= most:
            break
    return f"<{delimiter}>\n{text}\n</{delimiter}>"


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
            "options": [
                {"action": option.action.value, "what": option.words, "first": option.checks, "loses": option.loses}
                for option in proposal.offers
            ],
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


def _known(diagnosis: Diagnosis, cap: int) -> dict[str, Any]:
    return {
        "class": diagnosis.failure_class.value,
        "certainty": diagnosis.certainty.value,
        "message_is_cut": diagnosis.is_cut,
        "something_is_unexplained": bool(diagnosis.unexplained),
        "known_failures": [
            {"id": cited, "applies": name == diagnosis.failure, **_entry(name, cap)}
            for cited, name in diagnosis.citable.items()
        ],
    }


def _endpoint(proposal: Proposal) -> dict[str, Any]:
    """What is known of the endpoint in question, each with the id of its evidence."""
    known: dict[str, Any] = {}
    ids = {item.label: item.id for item in proposal.evidence}
    if (siblings := proposal.siblings) and Label.SIBLINGS in ids:
        seen = {"tasks": siblings.total, "running": siblings.running, "not_seen": siblings.unseen}
        known["siblings"] = {"id": ids[Label.SIBLINGS], **seen}
    if (probe := proposal.probe) and Label.PROBE in ids:
        known["probe"] = {
            "id": ids[Label.PROBE],
            "answer": probe.answer.value,
            "seconds_before": max(0, round((proposal.created_at - probe.at).total_seconds())),
            "is_enough": probe.answer is ProbeAnswer.CONNECTED and proposal.waits_for_endpoint,
        }
    return known


def _entry(name: str, cap: int) -> dict[str, Any]:
    entry = library().named(name)
    if entry is None:  # of a record that another version wrote
        return {"failure": harmless(name, cap)}
    return {
        "failure": entry.id,
        "class": entry.failure_class.value,
        "what_happened": harmless(entry.says, cap),
        "look_at_first": [harmless(check, cap) for check in entry.checks[:_CHECKS]],
        "then": entry.then.value,
        "never": harmless(entry.never, cap),
    }
