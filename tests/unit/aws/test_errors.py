"""botocore's errors by what they mean for the person."""

from __future__ import annotations

import ssl
from pathlib import Path

import boto3
import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from qlikops.aws.errors import Sent, Unchanged, aws_errors, callback_failed
from qlikops.aws.session import AwsConnection
from qlikops.config import Context, Settings
from qlikops.domain.errors import (
    AccessDenied,
    CredentialsProblem,
    NotFound,
    Offline,
    QlikopsError,
    Throttled,
    TlsProblem,
    Unreachable,
    UsageError,
)
from tests.unit.aws.conftest import refusal

URL = "https://x"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (refusal("ThrottlingException"), Throttled),
        (refusal("ProvisionedThroughputExceededException"), Throttled),
        (refusal("SlowDown", 503), Throttled),
        (refusal("AccessDeniedException"), AccessDenied),
        (refusal("UnauthorizedOperation", 403), AccessDenied),
        (refusal("ExpiredToken", 403), CredentialsProblem),
        (refusal("UnrecognizedClientException"), CredentialsProblem),
        (refusal("ResourceNotFoundException"), NotFound),
        (refusal("ExecutionDoesNotExist"), NotFound),
        (refusal("NoSuchKey", 404), NotFound),
        (refusal("InternalServerError", 500), Unreachable),
        (refusal("ValidationException"), QlikopsError),
        (boto.NoCredentialsError(), CredentialsProblem),
        (boto.ProfileNotFound(profile="p"), CredentialsProblem),
        (boto.UnauthorizedSSOTokenError(), CredentialsProblem),
        (boto.TokenRetrievalError(provider="sso", error_msg="expired"), CredentialsProblem),
        (boto.NoRegionError(), UsageError),
        (boto.ParamValidationError(report="x"), UsageError),
        (boto.ConfigParseError(path="x"), UsageError),
        (boto.InvalidConfigError(error_msg="x"), UsageError),
        (boto.InvalidRegionError(region_name="eu west"), UsageError),
        (boto.EndpointConnectionError(endpoint_url=URL), Offline),
        (boto.ConnectTimeoutError(endpoint_url=URL), Offline),
        (boto.ReadTimeoutError(endpoint_url=URL), Offline),
        (boto.SSLError(endpoint_url=URL, error=ssl.SSLEOFError(8, "cut off")), Offline),
        (boto.SSLError(endpoint_url=URL, error=ssl.SSLCertVerificationError(1, "self-signed")), TlsProblem),
        (boto.UnknownServiceError(service_name="x", known_service_names="y"), Unreachable),
        (ResponseParserError("half"), Unreachable),
    ],
    ids=lambda value: getattr(value, "__name__", str(value))[:60],
)
def test_each_error_has_one_meaning_and_keeps_its_cause(raised: Exception, expected: type[QlikopsError]) -> None:
    with pytest.raises(QlikopsError) as caught, aws_errors("do it"):
        raise raised
    assert type(caught.value) is expected
    assert caught.value.__cause__ is raised


def test_what_is_not_botocores_passes_through() -> None:
    with pytest.raises(NotFound, match="ours"), aws_errors("do it"):
        raise NotFound("ours")
    with pytest.raises(KeyError), aws_errors("do it"):
        raise KeyError("a bug")


@pytest.mark.parametrize(
    ("command", "program", "why"),
    [
        ("/nowhere/at-all --password s3cret", "/nowhere/at-all", "No such file"),
        ("echo s3cret", "echo", "Expecting value"),
        ("echo [1]", "echo", "no attribute"),
        ('echo "s3cret', "echo", "No closing quotation"),
        ("sh -c 'echo not signed in >&2; exit 3' s3cret", "sh", "not signed in"),
        ("""echo '{"Version": 1, "SecretAccessKey": "s3cret"}'""", "echo", "Missing required key"),
    ],
)
def test_a_credential_process_that_gives_nothing_is_named_without_what_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, program: str, why: str
) -> None:
    config = tmp_path / "config"
    config.write_text(f"[profile x]\nregion = eu-west-1\ncredential_process = {command}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    connection = AwsConnection(Context("x", Settings(profile="x"), chosen_by="test"))

    with pytest.raises(CredentialsProblem) as caught:
        _ = connection.dynamodb
    assert f"the profile x gets its keys from a credential_process, and that failed: `{program} …`: " in str(
        caught.value
    )
    assert why in caught.value.message
    assert "by hand" in caught.value.hint
    assert "sso" not in caught.value.hint
    assert "s3cret" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("raised", "means"),
    [
        (refusal("TaskTimedOut"), Sent.TOKEN_GONE),
        (refusal("InternalFailure", 500), Sent.MAYBE),
        (refusal("400"), Sent.MAYBE),
        (boto.ReadTimeoutError(endpoint_url=URL), Sent.MAYBE),
        (RuntimeError("a bug"), Sent.MAYBE),
        (refusal("AccessDeniedException"), AccessDenied),
        (boto.EndpointConnectionError(endpoint_url=URL), Offline),
        (boto.NoCredentialsError(), CredentialsProblem),
    ],
    ids=lambda value: getattr(value, "__name__", str(value))[:60],
)
def test_a_callback_that_failed_counts_perhaps_unless_it_certainly_does_not(
    raised: Exception, means: Sent | type[QlikopsError]
) -> None:
    if isinstance(means, Sent):
        assert callback_failed(raised, "send it") is means
    else:
        with pytest.raises(means, match="Could not send it"):
            callback_failed(raised, "send it")


def test_credentials_that_cannot_be_read_send_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "gone"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/oncall")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(FileNotFoundError) as caught:
        boto3.Session(region_name="eu-west-1").get_credentials().get_frozen_credentials()  # type: ignore[union-attr]
    with pytest.raises(CredentialsProblem, match="the credentials cannot be read"):
        callback_failed(caught.value, "send it")


def test_what_the_caller_has_already_is_no_failure() -> None:
    with pytest.raises(Unchanged), aws_errors("read it"):
        raise refusal("304", 304)
