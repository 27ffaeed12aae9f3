"""What to run when credentials have expired, and when that will be, for each way of signing in."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from botocore.credentials import Credentials as BotoCredentials

from qlikops.aws.credentials import credentials_of
from qlikops.aws.environment import AwsEnvironment
from qlikops.aws.session import AwsConnection
from qlikops.config import Context, Settings
from qlikops.domain.ports import Credentials

EXPIRY = "2026-03-07T12:00:00Z"
AT = datetime(2026, 3, 7, 12, tzinfo=UTC)
SSO_LOGIN = ("aws", "sso", "login", "--profile")
CONFIG = """
[profile sso]
sso_session = work
sso_account_id = 111122223333
sso_role_name = oncall
[profile old]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 111122223333
sso_role_name = oncall
[profile role]
role_arn = arn:aws:iam::111122223333:role/oncall
source_profile = old
[profile circle]
role_arn = arn:aws:iam::111122223333:role/oncall
source_profile = circle
aws_access_key_id = AKIA
aws_secret_access_key = nothing
[profile keys]
aws_access_key_id = AKIA
aws_secret_access_key = nothing
[profile process]
credential_process = vault read aws
[profile behind-process]
role_arn = arn:aws:iam::111122223333:role/oncall
source_profile = process
[profile code]
role_arn = arn:aws:iam::111122223333:role/oncall
source_profile = keys
mfa_serial = arn:aws:iam::111122223333:mfa/anna
[sso-session work]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with profiles, an `aws` command, and nothing of this machine's own configuration."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "config").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "aws").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "bin" / "aws").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def sign_in(home: Path, session_or_url: str, **token: str) -> None:
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha1(session_or_url.encode(), usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps({"accessToken": "x", **token}), encoding="utf-8")


def known(profile: str = "") -> Credentials:
    return AwsEnvironment(Context("test", Settings(profile=profile, region="eu-west-1"))).credentials()


@pytest.mark.parametrize(
    ("profile", "signs_in", "cached", "token", "expire_at"),
    [
        ("sso", "sso", "work", {"expiresAt": EXPIRY}, AT),
        ("sso", "sso", "work", {"expiresAt": EXPIRY, "refreshToken": "renews itself"}, None),
        ("sso", "sso", "another", {"expiresAt": EXPIRY}, None),
        ("sso", "sso", "work", {"expiresAt": "soon"}, None),
        ("old", "old", "https://example.awsapps.com/start", {"expiresAt": "2026-03-07T12:00:00UTC"}, AT),
        ("role", "old", "https://example.awsapps.com/start", {"expiresAt": EXPIRY}, AT),
    ],
)
def test_sso_is_renewed_by_its_profile_and_says_until_when_it_lasts(
    home: Path, profile: str, signs_in: str, cached: str, token: dict[str, str], expire_at: datetime | None
) -> None:
    sign_in(home, cached, **token)
    assert known(profile) == Credentials(expire_at, (*SSO_LOGIN, signs_in))


def test_a_broken_token_file_is_no_token(home: Path) -> None:
    sign_in(home, "work")
    (broken,) = (home / ".aws" / "sso" / "cache").iterdir()
    broken.write_text("[", encoding="utf-8")
    assert known("sso").expire_at is None


def test_without_the_aws_cli_it_says_what_to_run(home: Path) -> None:
    (home / "bin" / "aws").unlink()
    found = known("sso")
    assert found.login == ()
    assert "`aws sso login --profile sso`" in found.advice


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("keys", "aws configure --profile keys"),
        ("circle", "aws configure --profile circle"),
        ("process", "`vault …`"),
        ("", "aws configure sso"),
    ],
)
def test_without_sso_it_says_what_to_do(profile: str, said: str) -> None:
    found = known(profile)
    assert (found.login, found.expire_at) == ((), None)
    assert said in found.advice


@pytest.mark.usefixtures("home")
def test_keys_of_the_shell_say_when_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "nothing")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2126-03-07T12:00:00Z")
    found = known()
    assert found.expire_at == datetime(2126, 3, 7, 12, tzinfo=UTC)
    assert "renew them" in found.advice


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("profile", "asks"),
    [("sso", False), ("role", False), ("keys", False), ("process", True), ("behind-process", True), ("code", True)],
)
def test_what_may_ask_somebody_is_not_done_ahead(profile: str, asks: bool) -> None:
    assert AwsConnection(Context("x", Settings(profile=profile))).asks_somebody is asks


@pytest.mark.usefixtures("home")
def test_the_machines_own_role_is_nobodys_to_renew(monkeypatch: pytest.MonkeyPatch) -> None:
    session = boto3.Session(region_name="eu-west-1")
    monkeypatch.setattr(session, "get_credentials", lambda: BotoCredentials("AKIA", "nothing", method="iam-role"))
    assert "own role gives the credentials (iam-role)" in credentials_of(session).advice


def test_a_session_of_the_aws_console_is_begun_by_its_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config").write_text("[profile web]\nlogin_session = arn:aws:iam::111122223333:user/anna\n")
    session = boto3.Session(profile_name="web")
    monkeypatch.setattr(session, "get_credentials", lambda: None)  # botocore wants another package for it
    assert credentials_of(session).login == ("aws", "login", "--profile", "web")
