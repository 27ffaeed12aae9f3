"""Whatever fails while a secret is on its way, nothing that is raised, chained or logged quotes it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from qlikops.aws.mfa import MfaProfile, MfaSession, MfaSessions
from qlikops.aws.secrecy import secret_errors
from qlikops.deployment.login import Logins
from qlikops.deployment.secret import QlikSecret, rotation
from qlikops.domain.errors import (
    AccessDenied,
    CredentialsProblem,
    NotFound,
    Offline,
    QlikopsError,
    Throttled,
    Unreachable,
)
from tests.fakes import FakeKeyring
from tests.unit.secrecy import told_by

SECRET = "hunter2-and-the-private-key"
ACCOUNTS = rotation("", {"instances": [{"base_url": "https://qem", "username": "u", "password": SECRET}]})


def reply(code: str, status: int = 400) -> boto.ClientError:
    """AWS's refusal, which quotes the request as CloudFormation does."""
    error = {"Error": {"Code": code, "Message": f"not authorized to perform: x:{SECRET} with value {SECRET}"}}
    return boto.ClientError({**error, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutSecretValue")  # type: ignore[typeddict-item]


FAILURES: list[tuple[Exception, type[QlikopsError]]] = [
    (reply("ValidationException"), QlikopsError),
    (reply("AccessDeniedException"), AccessDenied),
    (reply("ThrottlingException"), Throttled),
    (reply("ExpiredTokenException"), CredentialsProblem),
    (reply("ResourceNotFoundException"), NotFound),
    (reply("InternalServiceError", 500), Unreachable),
    (boto.ParamValidationError(report=f"Invalid type for SecretString, value: {SECRET}"), QlikopsError),
    (boto.EndpointConnectionError(endpoint_url=f"https://x/{SECRET}"), Offline),
    (boto.ReadTimeoutError(endpoint_url=f"https://x/{SECRET}"), Offline),
    (boto.HTTPClientError(error=OSError(SECRET)), Offline),
    (ResponseParserError(f"Unable to parse {SECRET!r}"), Unreachable),
    (OSError(SECRET), QlikopsError),
    (RuntimeError(SECRET), QlikopsError),
    (UnicodeEncodeError("latin-1", SECRET, 0, 1, "no"), QlikopsError),
    (KeyError(SECRET), QlikopsError),
]


@pytest.mark.parametrize(("failure", "kind"), FAILURES, ids=lambda each: str(getattr(each, "__name__", type(each))))
def test_a_failed_call_is_told_by_its_kind_and_quotes_nothing(failure: Exception, kind: type[QlikopsError]) -> None:
    with pytest.raises(QlikopsError) as caught, secret_errors("put it", "secretsmanager:PutSecretValue"):
        raise failure
    assert isinstance(caught.value, kind)
    assert SECRET not in told_by(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert caught.value.message.startswith("Could not put it: ")


def test_a_refusal_names_the_right_that_is_missing() -> None:
    with pytest.raises(AccessDenied) as caught, secret_errors("put it", "secretsmanager:PutSecretValue"):
        raise reply("AccessDeniedException")
    assert caught.value.hint == "Ask for secretsmanager:PutSecretValue, or use another profile."


@pytest.mark.parametrize(
    ("operation", "use"),
    [("put_secret_value", lambda secret: secret.put(ACCOUNTS)), ("get_secret_value", lambda secret: secret.text())],
)
def test_secrets_manager_is_asked_without_a_word_of_it(
    operation: str, use: Callable[[QlikSecret], object], caplog: pytest.LogCaptureFixture
) -> None:
    client = boto3.client("secretsmanager", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub, caplog.at_level(logging.INFO):
        stub.add_client_error(operation, "InvalidRequestException", f"value {SECRET} was refused", 400)
        with pytest.raises(QlikopsError) as caught:
            use(QlikSecret(client, "arn:aws:secretsmanager:eu-west-1:000000000000:secret:ours"))
    assert SECRET not in told_by(caught.value) + caplog.text
    assert "InvalidRequestException" in caught.value.message


class QuotingKeyring(FakeKeyring):
    """One that is locked, and says what it was to keep."""

    def set_password(self, service_name: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot keep {password} for {username} of {service_name}")


def log_in() -> None:
    Logins(QuotingKeyring, "default", {}).save({"name": "default", "password": SECRET})


def begin_a_session() -> None:
    sessions = MfaSessions(MfaProfile("p", "serial", "p", "", {}), QuotingKeyring)
    sessions._keep(MfaSession("a", SECRET, SECRET, datetime(2026, 3, 1, tzinfo=UTC)))


@pytest.mark.parametrize("keep", [log_in, begin_a_session])
def test_a_keyring_that_quotes_what_it_did_not_keep_is_not_quoted(keep: Callable[[], Any]) -> None:
    with pytest.raises(QlikopsError, match="keyring") as caught:
        keep()
    assert SECRET not in told_by(caught.value)


class Reverting:
    """A secret into which CloudFormation writes what was deployed once, or nothing."""

    def __init__(self, becomes: str) -> None:
        self.value = ACCOUNTS.value
        self.becomes = becomes

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": self.value}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:  # noqa: N803 - boto3's names
        assert SecretId == "arn"
        self.value = SecretString


@pytest.mark.parametrize("becomes", ["", '{"instances": []}', ACCOUNTS.value])
@pytest.mark.parametrize("ends", [None, RuntimeError, KeyboardInterrupt])
def test_a_secret_has_its_value_after_whatever_became_of_the_stack(
    becomes: str, ends: type[BaseException] | None
) -> None:
    client = Reverting(becomes)

    def change() -> None:
        with QlikSecret(client, "arn").kept():  # type: ignore[arg-type]
            client.value = becomes
            if ends:
                raise ends

    if ends:
        with pytest.raises(ends):
            change()
    else:
        change()
    assert client.value == ACCOUNTS.value
