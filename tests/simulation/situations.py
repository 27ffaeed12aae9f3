"""What a couple of thousand seeds have to reach: simulated worlds that stay quiet prove nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.errors import (
    AccessDenied,
    AlreadyDecided,
    ApprovalChanged,
    ApprovalExpired,
    CredentialsProblem,
    DecisionUnknown,
    NotFound,
    Offline,
    Throttled,
    Unreachable,
    UsageError,
)
from qlikops.domain.proposals.approval import RunCall, Status
from tests.simulation.faults import Fault
from tests.simulation.plant import DEFINITION, UNSTEADY

ENOUGH_SEEDS = 2000
"""As many must reach every situation."""
ENDS = (
    *("expired", "failed", "unverified", "partial", "superseded", "still down", "abandoned", "denied", "restarted"),
    *("already running", "not tried"),
)
"""That people are told of."""
REFUSALS = {
    "dynamodb": ("ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"),
    "s3": ("304", "NoSuchKey", "PreconditionFailed", "ConditionalRequestConflict"),
    "stepfunctions": ("TaskTimedOut",),
}
"""That services answer, beside what goes wrong with calls."""
TOLD = (
    *(AlreadyDecided, ApprovalChanged, ApprovalExpired, DecisionUnknown, NotFound),
    *(Offline, Throttled, Unreachable, UsageError, AccessDenied, CredentialsProblem),
)
"""That operators are told instead of what they wanted."""
TASK_ENDS = (
    *(Status.RESTARTED, Status.ALREADY_RUNNING, Status.FAILED, Status.UNVERIFIED, Status.SUPERSEDED),
    *(Status.NOT_TRIED, Status.STILL_DOWN),
)
"""Of one task of a restart."""
TESTS = ("CONNECTED", "ERROR", "UNAUTHORIZED_REQUEST", "AEM_TEST_ENDPOINT_CONNECTION_TIMEOUT")
"""What tests of endpoints come to."""
RARE = {
    "catch ProcessProposals -> GenerateReport": "each state has its own, and States.ALL takes no output over 256 KB",
}
"""Situations that are not demanded, and why."""


def wanted() -> list[str]:
    """Each branch, retry and catch of the definition, each end of executions and proposals, each fault and message."""
    named = [
        *_of_states(json.loads(DEFINITION)["States"]),
        *(f"execution {status}" for status in ("SUCCEEDED", "FAILED", "ABORTED", "redriven")),
        *(f"schedule {befalls}" for befalls in UNSTEADY),
        *(f"console {befalls}" for befalls in ("cancelled", "killed", "suspended", "cut off")),
        *(f"test {answer}" for answer in TESTS),
        *(f"{service} answers {code}" for service, codes in REFUSALS.items() for code in codes),
        *(f"told {refusal.__name__}" for refusal in TOLD),
        *(f"start {call}" for call in RunCall),
        *(f"task {status}" for status in TASK_ENDS),
        *(f"restart {what}" for what in ("lasted", "fell_over", "unclear")),
        "a call is sent again that may have been carried out",
        "a process that stays warm",
        "a redrive by plain AWS CLI",
        "a password that is changed",
        "tampering",
        "a run overtaken",
        "a brake",
        "a slip",
        "an outage",
        "a wait given up",
        "something chosen",
        "something chosen that is not offered",
        "a claim that lingers",
        "a race",
        "a restart deserted",
        "a twin that begins with what was left",
        "a person who collides",
        "a count that is overtaken",
        "a question that ends before its decision",
        "a question dropped as it is answered",
        "left stopped, then taken over",
        "a lift after a fall",
        "a stop without a start",
        "work planned on what waits for its endpoint",
        "details that come as a restart begins",
        "answers one by one",
        "a console that is locked",
        "somebody else at a console",
        "told what others decided",
        "a close that is overtaken by what it closes",
        "told of a claim that has run out",
        "a wait that could not be ended",
        "a finding that is worse than was told",
        "an object that could not be read",
        "tags that cannot be read",
        *(f"exit code {code.name}" for code in (ExitCode.OK, ExitCode.NOT_RESTARTED, ExitCode.UNKNOWN)),
        "a load that is not known",
        "tasks that were not read in time",
        "tasks that are protected by now",
        "a model that cites e1",
        "a model that cites e99",
        "a model without an answer",
        "a clock read at the edge",
        "an order applied",
        "an order refused",
        "asked after planned work",
        "state that is old",
        *(f"waited {status}" for status in (Status.RESTARTED, Status.STILL_DOWN)),
        *(f"proposal {status}" for status in Status if status.is_known and status.is_final),
        *(f"fault {fault}" for fault in Fault),
        *(f"message {kind}" for kind in ("asked", "over", *ENDS)),
        "message fell over again",
        "message still waiting",
        "message warning",
        "message critical",
        "message monitoring fails",
        "message monitoring works again",
    ]
    return [name for name in named if name not in RARE]


def _of_states(states: dict[str, Any]) -> Iterator[str]:
    for name, state in states.items():
        for at, _ in enumerate(state.get("Retry", ())):
            yield f"retry {name} {at}"
        for catch in state.get("Catch", ()):
            yield f"catch {name} -> {catch['Next']}"
        if state["Type"] == "Wait":
            yield f"wait {name}"
        if state["Type"] == "Choice":
            nexts = [*(choice["Next"] for choice in state["Choices"]), state.get("Default")]
            yield from (f"choice {name} -> {each}" for each in nexts if each)
        if "ItemProcessor" in state:
            yield from _of_states(state["ItemProcessor"]["States"])
