"""The definition as it is deployed, with the largest answers that SendTaskSuccess takes: no state holds one twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulation.account import plain_kernel
from tests.simulation.plant import DEFINITION, MACHINE_ARN
from tests.simulation.stepfunctions import StepFunctions

ANSWER_BYTES = 200_000
ANSWERS: dict[str, Any] = {
    "MonitorTasks": {"run": {"execution_name": "run-1"}, "proposal_count": 1, "proposals": [{"proposal_id": "p"}]},
    "EvaluateProposal": {"route": "ask"},
    "RecordOutcome": {"proposal_id": "p", "status": "failed", "recorded": True},
    "GenerateReport": {},
}


@pytest.mark.parametrize(("approved", "status"), [(False, "denied"), (True, "failed")])
def test_a_large_answer_comes_to_its_record_whatever_becomes_of_it(approved: bool, status: str) -> None:
    kernel, tokens, recorded = plain_kernel(), [], []

    def invoke(name: str, payload: Any, answered: Callable[[Any], None], failed: Callable[[str, str], None]) -> None:
        short = name.rpartition("-")[2]
        if short == "RequestApproval":
            tokens.append(payload["task_token"])
            kernel.after(0.1, lambda: answered({}))
        elif short == "ExecuteRestart":
            kernel.after(0.1, lambda: failed("Broken", "it broke"))
        else:
            if short == "RecordOutcome":
                recorded.append(payload["outcome"])
            kernel.after(0.1, lambda: answered(ANSWERS[short]))

    states = StepFunctions(kernel, DEFINITION, invoke, MACHINE_ARN)
    arn = states.start_execution(MACHINE_ARN, "run-1", "{}")["executionArn"]
    kernel.run(kernel.now + 60)
    decision = {"approved": approved, "reason": "x" * ANSWER_BYTES}
    states.send_task_success(tokens[0], json.dumps(decision))
    kernel.run(kernel.now + 600)

    assert states.executions[arn].status == "SUCCEEDED"
    assert [(each["status"], each["decision"]) for each in recorded] == [(status, decision)]
