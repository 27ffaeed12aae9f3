"""The deploying commands as on AWS, on the embedded one: plan, confirm, apply, schedule."""

from __future__ import annotations

import json

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.deployment.definition import approval_timeout
from tests.e2e.conftest import Local

pytestmark = pytest.mark.e2e


def deployed_timeout(own: Local) -> int:
    described = own.aws(f"stepfunctions describe-state-machine --state-machine-arn {own.status['state_machine_arn']}")
    return approval_timeout(described["definition"])


def test_plan_confirm_apply_and_again(own: Local) -> None:
    own.qlikops("local", "up", "--scenario", "healthy", "--approval-timeout", "20m")
    own.status = own.json("local", "status")
    # What runs is what would be deployed, the timeout chosen at `up` included.
    assert own.json("deploy", "--plan")["changes"] == []

    planned = own.json("deploy", "--plan", "--approval-timeout", "2h")
    assert [change["logical_id"] for change in planned["changes"]] == ["StateMachine"]
    assert deployed_timeout(own) == 1200

    refused = own.qlikops("deploy", "--approval-timeout", "2h", expect=None)
    assert refused.returncode == ExitCode.USAGE
    assert "--yes" in refused.stderr
    assert deployed_timeout(own) == 1200

    own.qlikops("deploy", "--approval-timeout", "2h", "--yes")
    assert deployed_timeout(own) == 7200
    assert "nothing to change" in own.qlikops("deploy", "--yes").stdout

    settings = own.data_folder / "settings.json"
    settings.write_text('{"evaluator": "rules", "cooldown_seconds": 60}')
    changed = own.json("deploy", "--settings", str(settings), "--yes")["changes"]
    assert sum(change["type"] == "AWS::Lambda::Function" for change in changed) == 6
    assert not any(change["endangers_data"] for change in changed)
    configured = own.aws("lambda get-function-configuration --function-name QlikMonitor-MonitorTasks")
    assert json.loads(configured["Environment"]["Variables"]["QLIKOPS_SETTINGS"])["cooldown_seconds"] == 60
    assert deployed_timeout(own) == 7200


def test_the_schedule(own: Local) -> None:
    own.qlikops("local", "up", "--scenario", "healthy", "--rate", "1h")
    assert own.json("schedule")["expression"] == "rate(1 hour)"
    assert own.json("schedule", "--pause")["enabled"] is False
    slower = own.json("schedule", "--rate", "5m")
    assert (slower["name"], slower["timezone"]) == ("QlikMonitorSchedule", "UTC")
    assert (slower["expression"], slower["enabled"], slower["next_run"]) == ("rate(5 minutes)", False, None)
    assert own.json("schedule", "--resume")["enabled"] is True
    assert own.qlikops("schedule", "--rate", "30s", expect=None).returncode == ExitCode.USAGE
    own.qlikops("schedule", "--remove")
    assert own.qlikops("schedule", expect=None).returncode == ExitCode.NOT_FOUND


def test_files_that_make_no_sense_are_refused_before_any_call(own: Local) -> None:
    wrong = own.data_folder / "wrong.json"
    wrong.write_text('{"instances": [{"base_url": 1, "username": "u", "password": "the password"}]}')
    for option, named in (("--settings", "instances"), ("--qlik", "base_url")):
        refused = own.qlikops("deploy", option, str(wrong), "--yes", expect=None)
        assert refused.returncode == ExitCode.USAGE
        assert named in refused.stderr
    assert "the password" not in own.qlikops("deploy", "--qlik", str(wrong), "--yes", expect=None).stderr
