"""What the state machine and Lambda hand to a function, parsed once, here."""

from __future__ import annotations

import json
from typing import Any, Protocol

from qlikops.agent.remember.run import Run
from qlikops.agent.transient import TransientError
from qlikops.domain.encoding import codec
from qlikops.domain.words.text import harmless

_ERROR_CAP = 500


class LambdaContext(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the invocation is killed."""


def run_of(event: dict[str, Any]) -> Run:
    """The `run` of a payload. Raises CodecError."""
    return codec.decode(Run, event.get("run"), "$.run")


def proposal_id_of(event: dict[str, Any]) -> str:
    """The id in the payload's proposal card. Raises CodecError."""
    card = event.get("proposal")
    proposal_id = card.get("proposal_id") if isinstance(card, dict) else None
    if not isinstance(proposal_id, str) or not proposal_id:
        raise codec.CodecError("$.proposal.proposal_id: missing")
    return proposal_id


def error_text(error: Any) -> str:
    """A caught error in one line: its name and what Lambda or the caller said. Any shape will do, null fields too."""
    if not isinstance(error, dict):
        return harmless(error or "unknown error", _ERROR_CAP)
    name, cause = str(error.get("Error") or ""), str(error.get("Cause") or "")
    try:
        details = json.loads(cause)
    except (ValueError, RecursionError):
        details = None
    if isinstance(details, dict) and details.get("errorMessage"):
        cause = str(details["errorMessage"])
        name = name or str(details.get("errorType") or "")
    if name == TransientError.__name__ and cause:
        name = ""  # the message starts with what it was
    return harmless(": ".join(part for part in (name, cause) if part) or "unknown error", _ERROR_CAP)
