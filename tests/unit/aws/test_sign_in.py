"""How to sign in, by what the profile says, and of an error by the profile that it came of."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from botocore import exceptions as boto

from qlikops.aws.configuration import aws_session
from qlikops.aws.sign_in import NONE, how_to_sign_in, program_of, way_of
from qlikops.domain.errors import CredentialsProblem
from qlikops.domain.ports import Credentials
from qlikops.presentation.problem import explain
from tests.certificates import certificate as certificate
from tests.unit.aws.calls import environ as environ
from tests.unit.aws.calls import failing, refusing
from tests.unit.aws.conftest import refusal

PROFILES = """
[profile sso]
sso_session = work
sso_account_id = 111122223333
sso_role_name = oncall
region = eu-west-1
[profile role]
role_arn = arn:aws:iam::111122223333:role/oncall
source_profile = sso
region = eu-west-1
[profile keys]
aws_access_key_id = AKIA
aws_secret_access_key = nothing
[sso-session work]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
"""


@pytest.mark.parametrize(
    ("profile", "named", "said"),
    [
        ("sso", True, "`aws sso login --profile sso`"),
        ("sso", False, "`aws sso login --profile sso`"),
        ("role", True, "`aws sso login --profile sso`"),
        ("keys", True, "aws configure --profile keys"),
        ("keys", False, "aws configure --profile keys"),
    ],
)
def test_credentials_that_are_over_name_the_profile(
    environ: pytest.MonkeyPatch, tmp_path: Path, profile: str, named: bool, said: str
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "aws").symlink_to(shutil.which("true") or "/bin/true")
    environ.setenv("PATH", str(tmp_path / "bin"))
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(PROFILES)
    environ.delenv("AWS_ACCESS_KEY_ID")
    if not named:
        environ.setenv("AWS_PROFILE", profile)
    with refusing(code="ExpiredToken", words="The security token included in the request is expired") as url:
        error = failing(url, profile if named else "")
    assert isinstance(error, CredentialsProblem)
    assert said in error.hint
    assert "demo" not in str(explain(error))


def test_a_demo_is_offered_to_newcomers_only(environ: pytest.MonkeyPatch) -> None:
    environ.delenv("AWS_ACCESS_KEY_ID")
    assert "qlikops demo" in failing("http://127.0.0.1:1").hint
    Path(os.environ["QLIKOPS_CONFIG"]).write_text('[contexts.prod]\nregion = "eu-west-1"\n')
    assert "demo" not in failing("http://127.0.0.1:1").hint


def test_keys_of_the_shell_are_renewed_there() -> None:
    with refusing(code="ExpiredToken", words="over") as url:
        assert "this shell's AWS_* variables" in failing(url).hint


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            "login_session = x",
            Credentials(advice="Run `aws login --profile p`, for which the AWS CLI has to be installed."),
        ),
        (
            "credential_process = 'vault --password s3cret",
            Credentials(advice="The profile p gets its keys from `vault …`: sign in to that.", in_terminal=True),
        ),
        ("region = eu-west-1", Credentials(advice=NONE)),
    ],
)
def test_each_way_of_signing_in_has_its_words(
    environ: pytest.MonkeyPatch, tmp_path: Path, settings: str, expected: Credentials
) -> None:
    environ.setenv("PATH", str(tmp_path))
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[profile p]\n{settings}\n")
    assert way_of(aws_session("p")) == expected


def test_a_program_is_named_without_what_it_is_given() -> None:
    assert [program_of(command) for command in ("/bin/vault read aws", "", "'op item get")] == ["/bin/vault", "", "op"]


def test_keys_that_aws_has_refused_without_a_profile_are_renewed_where_they_come_from(
    environ: pytest.MonkeyPatch,
) -> None:
    environ.delenv("AWS_ACCESS_KEY_ID")
    assert how_to_sign_in(refusal("ExpiredToken")) == (
        "Sign in again, or renew what gives this machine its credentials."
    )


def test_the_profile_of_a_session_that_made_no_client_is_known(environ: pytest.MonkeyPatch) -> None:
    environ.delenv("AWS_ACCESS_KEY_ID")
    Path(os.environ["AWS_CONFIG_FILE"]).write_text("[profile keys]\naws_access_key_id = AKIA\n")
    with pytest.raises(boto.NoRegionError) as caught:
        aws_session("keys").create_client("stepfunctions", aws_access_key_id="x", aws_secret_access_key="x")
    assert "aws configure --profile keys" in how_to_sign_in(caught.value)


def test_a_configuration_that_cannot_be_read_is_said_elsewhere(environ: pytest.MonkeyPatch) -> None:
    environ.delenv("AWS_ACCESS_KEY_ID")
    Path(os.environ["AWS_CONFIG_FILE"]).write_text("no section")
    assert how_to_sign_in(refusal("ExpiredToken")) == "Sign in again."
