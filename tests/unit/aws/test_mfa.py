"""Sessions with a second factor, against a real STS: begun with a code, used until they expire, taken up anew."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qlikops.aws.mfa import MfaSessions, mfa_sessions
from qlikops.aws.session import AwsConnection
from qlikops.config import Context, Settings
from qlikops.domain.encoding.codec import format_time
from qlikops.domain.errors import CredentialsProblem, UsageError
from qlikops.keyrings import SERVICE, KeyringFailed, NoKeyring
from tests.embedded import REGION, EmbeddedAws
from tests.fakes import FakeKeyring
from tests.unit.agent.fakes import FakeClock

ANNA = "arn:aws:iam::000000000000:mfa/anna"
CONFIG = f"""
[profile keys]
aws_access_key_id = test
aws_secret_access_key = test
mfa_serial = {ANNA}
[profile role]
role_arn = arn:aws:iam::000000000000:role/oncall
source_profile = keys
mfa_serial = {ANNA}
role_session_name = anna
[profile itself]
role_arn = arn:aws:iam::000000000000:role/oncall
source_profile = itself
aws_access_key_id = test
aws_secret_access_key = test
mfa_serial = {ANNA}
[profile plain]
aws_access_key_id = test
aws_secret_access_key = test
"""


@pytest.fixture(autouse=True)
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own AWS configuration."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def sessions(profile: str, keyring: FakeKeyring | None) -> MfaSessions:
    found = mfa_sessions(profile, lambda: keyring)
    assert found is not None
    return found


def connection(aws: EmbeddedAws, profile: str, keyring: FakeKeyring) -> AwsConnection:
    settings = Settings(profile=profile, region=REGION, endpoint_url=aws.endpoint)
    return AwsConnection(Context("test", settings), lambda: keyring)


def signing_key(connection: AwsConnection) -> Any:
    """The access key and token that the next request is signed with."""
    return connection.client("sts")._request_signer._credentials.get_frozen_credentials()


def test_one_code_serves_every_profile_with_the_device(embedded_aws: EmbeddedAws) -> None:
    keyring = FakeKeyring()
    begun = sessions("role", keyring).begin("123456", REGION, embedded_aws.endpoint)
    assert set(keyring.kept) == {(SERVICE, f"mfa/{ANNA}")}

    direct = connection(embedded_aws, "keys", keyring)
    assert (signing_key(direct).access_key, signing_key(direct).token) == (begun.access_key, begun.token)
    assert direct.credentials().expire_at == begun.expire_at.replace(microsecond=0)

    for profile in ("role", "itself"):
        assumed = connection(embedded_aws, profile, keyring)
        assert ":assumed-role/oncall/" in assumed.caller()
        assert signing_key(assumed).access_key != begun.access_key
    assert connection(embedded_aws, "role", keyring).caller().endswith("/anna")


def test_no_profile_that_takes_no_code_looks_into_the_keyring(
    embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = FakeKeyring({(SERVICE, f"mfa/{ANNA}"): "never read"})
    assert signing_key(connection(embedded_aws, "plain", keyring)).access_key == "test"
    assert mfa_sessions("plain", lambda: keyring) is None
    # Keys of the shell come before a profile that nobody chose.
    monkeypatch.setenv("AWS_PROFILE", "keys")
    assert mfa_sessions("", lambda: keyring) is not None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    assert mfa_sessions("", lambda: keyring) is None


def test_a_role_without_a_session_says_what_begins_one_and_bare_keys_go_on(embedded_aws: EmbeddedAws) -> None:
    with pytest.raises(CredentialsProblem) as caught:
        connection(embedded_aws, "role", FakeKeyring()).caller()
    assert "qlikops --profile role login --mfa" in caught.value.hint
    assert connection(embedded_aws, "role", FakeKeyring()).credentials().login[-4:] == (
        "--profile",
        "role",
        "login",
        "--mfa",
    )
    assert signing_key(connection(embedded_aws, "keys", FakeKeyring())).access_key == "test"


def test_one_that_expired_is_not_used_and_a_new_one_is_taken_up_without_a_restart(embedded_aws: EmbeddedAws) -> None:
    keyring, clock = FakeKeyring(), FakeClock()
    old = sessions("keys", keyring).begin("123456", REGION, embedded_aws.endpoint)
    (entry,) = keyring.kept
    expired = json.loads(keyring.kept[entry]) | {"expire_at": format_time(clock.now)}
    keyring.kept[entry] = json.dumps(expired)
    running = connection(embedded_aws, "keys", keyring)
    with pytest.raises(CredentialsProblem, match="expired at"):
        running.caller()
    assert running.credentials().expire_at == clock.now

    new = sessions("keys", keyring).begin("654321", REGION, embedded_aws.endpoint)
    assert new.access_key != old.access_key
    assert running.caller()
    assert signing_key(running).access_key == new.access_key


def test_it_serves_to_its_last_minute(embedded_aws: EmbeddedAws) -> None:
    """botocore would look for a newer one a quarter of an hour before, find the same, and give up."""
    keyring = FakeKeyring()
    begun = sessions("keys", keyring).begin("123456", REGION, embedded_aws.endpoint)
    (entry,) = keyring.kept
    soon = json.loads(keyring.kept[entry]) | {"expire_at": format_time(datetime.now(UTC) + timedelta(minutes=1))}
    keyring.kept[entry] = json.dumps(soon)
    assert signing_key(connection(embedded_aws, "keys", keyring)).access_key == begun.access_key


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６"])
def test_what_is_no_code_is_told_before_any_call(code: str) -> None:
    with pytest.raises(UsageError, match="six digits"):
        sessions("keys", FakeKeyring()).begin(code, REGION, "http://127.0.0.1:1")


def test_without_a_keyring_it_says_which_variables() -> None:
    with pytest.raises(NoKeyring) as caught:
        sessions("keys", None).require_keyring()
    assert "AWS_SESSION_TOKEN" in caught.value.hint


def test_a_session_shows_nothing_that_opens_anything(embedded_aws: EmbeddedAws) -> None:
    begun = sessions("keys", FakeKeyring()).begin("123456", REGION, embedded_aws.endpoint)
    assert begun.secret_key not in repr(begun)
    assert begun.token not in repr(begun)


@pytest.mark.parametrize("kept", ["no JSON", '{"access_key": 7}'])
def test_what_is_kept_and_no_session_says_what_forgets_it(kept: str) -> None:
    keyring = FakeKeyring()
    keyring.set_password(SERVICE, f"mfa/{ANNA}", kept)
    with pytest.raises(KeyringFailed) as caught:
        sessions("keys", keyring).kept()
    assert "qlikops --profile keys logout --mfa" in caught.value.hint
    assert caught.value.__cause__ is None


def test_a_session_is_forgotten_once() -> None:
    keyring = FakeKeyring()
    keyring.set_password(SERVICE, f"mfa/{ANNA}", "{}")
    assert sessions("keys", keyring).forget()
    assert not sessions("keys", keyring).forget()
    assert not sessions("keys", None).forget()


def test_bare_keys_are_no_credentials_that_expire_and_a_role_is_begun_with_a_code() -> None:
    assert sessions("keys", FakeKeyring()).credentials() is None
    begun = sessions("role", FakeKeyring()).credentials()
    assert begun is not None
    assert (begun.expire_at, begun.login[-4:]) == (None, ("--profile", "role", "login", "--mfa"))


def test_a_roles_duration_is_a_whole_number(tmp_path: Path) -> None:
    role = "[profile role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = keys\nmfa_serial = x\n"
    (tmp_path / "config").write_text(f"{role}duration_seconds = 3600\n")
    assert sessions("role", None).profile.role_options == {"DurationSeconds": 3600}
    (tmp_path / "config").write_text(f"{role}duration_seconds = an hour\n")
    with pytest.raises(UsageError, match="duration_seconds of the profile role is no whole number"):
        sessions("role", None)
