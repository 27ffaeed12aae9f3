"""known add and remove, and what the other commands say of entries of one's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.config import LocalConnection, local_status_path
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import Evidence
from qlikops.domain.ledger import OWN_FAILURES
from tests.embedded import REGION, EmbeddedAws
from tests.fakes import FakeEnvironment
from tests.unit.cli.conftest import LOCAL, Run
from tests.unit.cli.test_known import OWN
from tests.unit.domain.samples import WAITING

BUCKET = "own-failures"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    mine = tmp_path / "mine.toml"
    mine.write_text(OWN)
    return mine


@pytest.fixture
def bucket(aws: EmbeddedAws, environ: dict[str, str]) -> EmbeddedAws:
    """The data bucket of the context `local`."""
    aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    local_status_path(environ).write_text(
        codec.dumps(LocalConnection(aws.endpoint, REGION, "qlikops", "arn:machine", "table", BUCKET))
    )
    return aws


def test_from_a_file_into_the_bucket_into_the_list_and_back(
    run: Run, bucket: EmbeddedAws, environment: FakeEnvironment, file: Path
) -> None:
    def kept() -> str:
        body: bytes = bucket.client("s3").get_object(Bucket=BUCKET, Key=OWN_FAILURES)["Body"].read()
        return body.decode()

    asked = run("known", "add", str(file), *LOCAL)
    assert asked.exit_code == ExitCode.USAGE
    assert "Add --yes" in asked.stderr

    added = run("known", "add", str(file), *LOCAL, "--yes")
    assert added.exit_code == ExitCode.OK, added.stderr
    assert added.stdout == "add: oracle-night-batch\n"
    assert "There are 0 entries of your own now." in added.stderr
    assert run("known", "add", str(file), *LOCAL, "--yes").stdout == "nothing to change\n"

    environment.fleet.own = kept()
    (listed,) = [each for each in json.loads(run("known", "--json").stdout) if each["own"]]
    assert (listed["id"], listed["shadows"]) == ("oracle-night-batch", False)
    assert "(yours)" in run("known", "show", "oracle-night-batch").stdout
    message = "ORA-20001: table is held by the night batch"
    assert "oracle-night-batch" not in run("known", "explain", message).stdout
    assert "oracle-night-batch" in run("known", "explain", message, "--own").stdout

    file.write_text(OWN.replace('class = "fix_first"', 'class = "access"'))
    changed = run("known", "add", str(file), *LOCAL, "--yes")
    assert changed.stdout == "change: oracle-night-batch\n  class: fix_first → access\n"

    file.write_text(OWN.replace("oracle-night-batch", "oracle-login").replace("held by the", "locked by the"))
    shadowing = run("known", "add", str(file), *LOCAL, "--yes")
    assert "oracle-login: takes the place of the built-in entry of that name (access: " in shadowing.stderr
    assert "kept as known/earlier/" in shadowing.stderr
    environment.fleet.own = kept()
    assert "(yours, in place of ours)" in run("known", "show", "oracle-login").stdout
    assert "(yours" not in run("known", "show", "oracle-login", "--built-in").stdout

    removed = run("known", "remove", "oracle-login", "oracle-night-batch", *LOCAL, "--yes")
    assert removed.stdout == "remove: oracle-login\nremove: oracle-night-batch\n"
    assert "oracle-login: the built-in entry of that name counts again." in removed.stderr
    assert json.loads(kept())["failures"] == []
    assert run("known", "remove", "oracle-login", *LOCAL, "--yes").exit_code == ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('class = "fix_first"', 'class = "broken"', "mine.toml:7: oracle-night-batch: class: is one of"),
        (
            'examples = ["ORA-20001: table is held',
            'examples = ["ORA-20001: it is',
            "example 1 is recognised as nothing",
        ),
        ("held by the day batch", "held by the night batch", "near miss 1 is recognised as this failure"),
        ("[[failure]]", "[[tail]]\ntext = ['it is so']\n[[failure]]", "mine.toml:4: tail"),
        ("[[failure]]", "[[tail]]", "mine.toml:5: tail: id: is no field"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked_of_aws(
    run: Run, file: Path, old: str, new: str, said: str
) -> None:
    file.write_text(OWN.replace(old, new))
    refused = run("known", "add", str(file), *LOCAL, "--yes")
    assert refused.exit_code in (ExitCode.USAGE, ExitCode.FAILURE)
    assert said in refused.stderr


def test_without_an_environment_the_built_in_ones_are_listed(run: Run, environment: FakeEnvironment) -> None:
    environment.fleet.own = "no JSON"
    listed = run("known", "--engine", "oracle")
    assert listed.exit_code == ExitCode.OK
    assert "Without entries of your own: known/entries.json: is no JSON" in listed.stderr
    assert run("known", "explain", "ORA-1", "--own").exit_code == ExitCode.FAILURE


def test_drafts_an_entry_from_a_proposals_message(run: Run, environment: FakeEnvironment) -> None:
    said = "ORA-20417: ledger LEDGER_7 is sealed by the accountant at 10.1.2.3"
    proposal = replace(
        WAITING.proposal,
        evidence=(
            Evidence("e1", "message", f"{said} (2 of 3 tasks)"),
            Evidence("e2", "source endpoint", "ORA-PROD (Oracle)"),
        ),
    )
    environment.approvals.records[WAITING.approval_id] = replace(WAITING, proposal=proposal)
    drafted = run("known", "draft", WAITING.approval_id[:8]).stdout
    assert "is sealed by the accountant" in drafted
    assert 'engine = "oracle"' in drafted
    assert "10.1.2.3" not in drafted
    assert "tasks" not in drafted
    assert run("known", "draft", "ffff0000").exit_code == ExitCode.NOT_FOUND
