"""exam, over the rules and over a model behind real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.converse import ANSWER
from tests.openai import OpenAiServer
from tests.unit.cli.conftest import Run


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAiServer]:
    with OpenAiServer() as running:
        yield running


def asked(server: OpenAiServer) -> tuple[str, ...]:
    return ("exam", "--url", f"{server.url}/v1", "--model", "llama3.2:3b", "--limit", "16")


def test_the_rules_by_class(run: Run) -> None:
    done = run("exam", "--limit", "16")
    assert done.exit_code == ExitCode.OK
    assert "approved wrongly 0 of 12" in done.stdout
    assert "position lost" in done.stdout
    assert "Approved, and must not be" not in done.stdout
    assert "with its own" in done.stdout


def test_the_rules_without_the_entries_of_the_questions(run: Run) -> None:
    done = run("exam", "--limit", "16", "--without-entries", "--json")
    assert done.exit_code == ExitCode.OK
    found = json.loads(done.stdout)
    assert found["entries"] == "without"
    assert len(found["refused_wrongly"]) >= 3


def test_a_model_that_approves_everything_fails(run: Run, server: OpenAiServer) -> None:
    server.requests.clear()
    server.answer = json.dumps(ANSWER)
    done = run(*asked(server), "--json")
    assert done.exit_code == ExitCode.FAILURE
    found = json.loads(done.stdout)
    assert (found["evaluator"], found["version"]) == ("openai", "v3 strict_tool llama3.2:3b")
    assert found["entries"] == "without"
    assert (found["asked"], found["must_not_be_approved"], found["passes"]) == (16, 12, 4)
    assert len(server.requests) == 16
    assert (found["input_tokens"], found["output_tokens"]) == (16 * 900, 16 * 80)
    wrong = found["approved_wrongly"]
    assert wrong != []
    assert {each["verdict"] for each in wrong} == {"approve"}
    assert found["refused_wrongly"] == []


def test_a_model_that_approves_nothing_passes_and_is_of_no_use(run: Run, server: OpenAiServer) -> None:
    server.answer = json.dumps({**ANSWER, "verdict": "caution"})
    done = run(*asked(server))
    assert done.exit_code == ExitCode.OK
    assert "Refused, and passes" in done.stdout
    assert "refused wrongly  4 of 4" in done.stdout


def test_a_model_that_does_not_answer_is_not_asked_again_and_again(run: Run, server: OpenAiServer) -> None:
    server.requests.clear()
    server.answer = "no JSON"
    done = run(*asked(server), "--json")
    assert done.exit_code == ExitCode.FAILURE
    assert len(server.requests) == 3
    assert "invalid JSON" in done.stderr
    assert len(json.loads(done.stdout)["without_an_answer"]) == 3


def test_settings_of_a_file_and_options_that_come_first(run: Run, server: OpenAiServer, tmp_path: Path) -> None:
    server.answer = json.dumps({**ANSWER, "verdict": "deny"})
    file = tmp_path / "agent.json"
    model = {"model_id": "none", "url": f"{server.url}/v1", "structured": "tool", "attempts": 1}
    file.write_text(json.dumps({"evaluator": "openai", "openai": model}))
    done = run("exam", "--settings", str(file), "--model", "llama3.2:3b", "--limit", "1", "--json")
    assert json.loads(done.stdout)["version"] == "v3 tool llama3.2:3b"


@pytest.mark.parametrize(
    "args",
    [
        ("--evaluator", "bedrock"),
        ("--evaluator", "openai", "--model", "m"),
        ("--evaluator", "rules", "--model", "m"),
        ("--evaluator", "oracle"),
        ("--limit", "-1"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, args: tuple[str, ...]) -> None:
    assert run("exam", *args).exit_code == ExitCode.USAGE
