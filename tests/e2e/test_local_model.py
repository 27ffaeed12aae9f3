"""A model server on this machine as the evaluator of the whole local run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.converse import ANSWER
from tests.e2e.conftest import Local, eventually
from tests.openai import OpenAiServer, Tools


@pytest.mark.parametrize("tools", [Tools.CALLED, Tools.REFUSED])
def test_a_model_evaluates_every_proposal(tmp_path: Path, tools: Tools) -> None:
    local = Local(tmp_path)
    with OpenAiServer(tools) as server:
        try:
            local.qlikops("local", "up", "--scenario", "one_fatal", "--model-url", server.url)
            local.status = local.json("local", "status")
            assert local.status["evaluator"] == f"llama3.2:3b at {server.url}/v1"
            eventually(lambda: local.inbox() or None, "an approval")
            (row,) = local.json("approvals")
            evaluation = local.record(row["approval_id"])["evaluation"]
            limit = local.client("lambda").get_function_concurrency(FunctionName="QlikMonitor-EvaluateProposal")
        finally:
            local.end()
    assert limit["ReservedConcurrentExecutions"] == 1
    assert (row["evaluator"], row["verdict"]) == ("openai", "approve")
    assert evaluation["rationale"] == ANSWER["rationale"]
    assert evaluation["evaluator_version"].endswith("llama3.2:3b")
    assert evaluation["input_tokens"] == 900
    assert evaluation["duration_ms"] >= 0


def test_a_model_server_that_does_not_answer_stops_it_before_it_starts(tmp_path: Path) -> None:
    local = Local(tmp_path)
    with OpenAiServer() as gone:
        pass
    said = local.qlikops("local", "up", "--model-url", gone.url, expect=8)
    assert "does not answer" in said.stderr
    local.qlikops("local", "up", "--model", "llama3.2", expect=2)
    local.end()
