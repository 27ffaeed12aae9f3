"""doctor: the worst finding is the exit code; what to do goes to stderr."""

from __future__ import annotations

import json

from qlikops.cli.exit_codes import ExitCode
from tests.embedded import EmbeddedAws
from tests.unit.cli.conftest import LOCAL, Run


def test_the_worst_finding_is_the_exit_code(run: Run, aws: EmbeddedAws) -> None:
    nothing = run("doctor", *LOCAL)
    assert nothing.exit_code == ExitCode.FAILURE
    assert "stack: Deploy it with `qlikops deploy`, or choose another context, Region or stack." in nothing.stderr
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
