"""doctor: the worst finding is the exit code; what to do goes to stderr."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.embedded import EmbeddedAws
from tests.unit.cli.conftest import LOCAL, Run


def test_the_worst_finding_is_the_exit_code(run: Run, aws: EmbeddedAws) -> None:
    nothing = run("doctor", *LOCAL)
    assert nothing.exit_code == ExitCode.FAILURE
    to_do = r"What to do\n(.*\n)*stack +Deploy it with `qlikops deploy`, or choose another context, Region or stack\."
    assert re.search(to_do, nothing.stdout)
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.OK
    assert run("schedule", *LOCAL, "--rate", "5m").exit_code == ExitCode.OK
    states = aws.client("stepfunctions")
    assert states.list_state_machines()["stateMachines"]
    found = run("doctor", *LOCAL, "--json")
    checks = {each["check"]: each["health"] for each in json.loads(found.stdout)}
    # The clock of these tests stands still, so it is off by years.
    assert checks.pop("clock") == "failed"
    # And this context's status file names no bucket to look into.
    assert checks.pop("qlik") == "failed"
    assert set(checks.values()) <= {"ok", "skipped", "warning"}
    assert checks["schedule"] == "ok"
    assert found.exit_code == ExitCode.FAILURE


def test_a_profile_that_gives_no_keys_is_one_failed_check_and_what_needs_them_is_left_out(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "aws"
    config.write_text("[profile broken]\nregion = eu-west-1\ncredential_process = /bin/false --secret hunter2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    shown = run("--profile", "broken", "doctor")
    found = run("--profile", "broken", "doctor", "--json")

    first, clock, *others, keyring = json.loads(found.stdout)
    assert (clock["check"], clock["text"].partition(":")[0]) == ("clock", "Could not ask AWS for the time")
    assert (first["check"], first["health"]) == ("identity", "failed")
    assert "the profile broken gets its keys from a credential_process, and that failed" in first["text"]
    assert {each["text"] for each in others} == {"not checked: needs AWS"}
    assert (keyring["check"], keyring["health"]) == ("keyring", "ok")
    assert re.match(r"\s*Check\s+Found\nfailed\s+identity", shown.stdout)
    assert re.search(r"What to do\nidentity +Run that command by hand", shown.stdout)
    assert "hunter2" not in shown.output + found.output
    assert shown.exit_code == found.exit_code == ExitCode.FAILURE
