"""The AWS configuration is read as the AWS CLI reads it, each variable of the environment included."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from qlikops.aws.configuration import FromAws, described
from qlikops.aws.environment import AwsEnvironment
from qlikops.aws.session import AwsConnection
from qlikops.config import Context, Settings
from qlikops.domain.errors import QlikopsError, UsageError

CONFIG = """
[default]
region = us-east-1
[profile work]
region = eu-west-1
max_attempts = 7
endpoint_url = http://profile.example
[profile nowhere]
[profile other]
region = eu-west-3
"""


@pytest.fixture(autouse=True)
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The AWS configuration above and dummy keys; nothing of this machine's."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    return monkeypatch


def client(service: str = "stepfunctions", **settings: str) -> Any:
    return AwsConnection(Context("x", Settings(**settings))).client(service)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("variables", "settings", "region"),
    [
        ({}, {}, "us-east-1"),
        ({"AWS_REGION": "sa-east-1"}, {}, "sa-east-1"),
        ({"AWS_DEFAULT_REGION": "sa-east-1"}, {}, "sa-east-1"),
        ({"AWS_REGION": "sa-east-1", "AWS_DEFAULT_REGION": "us-west-2"}, {}, "sa-east-1"),
        ({"AWS_REGION": "sa-east-1", "AWS_PROFILE": "work"}, {}, "sa-east-1"),
        ({"AWS_REGION": "", "AWS_PROFILE": "work"}, {}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-west-2"}, {}, "us-west-2"),
        ({"AWS_PROFILE": "work", "AWS_DEFAULT_PROFILE": "other"}, {}, "eu-west-1"),
        ({"AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": "other"}, {}, "eu-west-3"),
        ({"AWS_REGION": "sa-east-1"}, {"region": "ap-south-1"}, "ap-south-1"),
        ({"AWS_PROFILE": "gone", "AWS_REGION": "sa-east-1"}, {"region": "ap-south-1", "profile": ""}, ""),
    ],
)
def test_region_and_profile_are_the_aws_clis_below_the_contexts(
    environ: pytest.MonkeyPatch, variables: dict[str, str], settings: dict[str, str], region: str
) -> None:
    for name, value in variables.items():
        environ.setenv(name, value)
    if not region:
        with pytest.raises(QlikopsError, match="gone"):
            client(**settings)
        return
    assert client(**settings).meta.region_name == region


def test_a_profile_that_is_named_goes_with_the_regions_of_the_environment(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("AWS_REGION", "sa-east-1")
    with pytest.raises(QlikopsError):
        client(profile="gone")
    connection = AwsConnection(Context("x", Settings(profile="work")))
    assert connection._session.region_name == "sa-east-1"


@pytest.mark.parametrize(
    ("variables", "total"),
    [({}, 3), ({"AWS_MAX_ATTEMPTS": "5"}, 5), ({"AWS_PROFILE": "work"}, 7), ({"AWS_MAX_ATTEMPTS": ""}, 3)],
)
def test_attempts(environ: pytest.MonkeyPatch, variables: dict[str, str], total: int) -> None:
    for name, value in variables.items():
        environ.setenv(name, value)
    assert client().meta.config.retries == {"total_max_attempts": total, "mode": "standard"}
    # A decision goes out once, whatever is configured.
    sender: Any = AwsConnection(Context("x", Settings())).sender("d1")
    assert sender.meta.config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "9" * 5000, "²"])
def test_attempts_that_are_none(environ: pytest.MonkeyPatch, text: str) -> None:
    environ.setenv("AWS_MAX_ATTEMPTS", text)
    with pytest.raises(UsageError, match="max_attempts is"):
        client()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_RETRY_MODE", "never"),
        ("AWS_DEFAULTS_MODE", "quick"),
        ("AWS_REQUEST_CHECKSUM_CALCULATION", "always"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "somewhere"),
    ],
)
def test_a_value_that_is_none_is_a_usage_error(environ: pytest.MonkeyPatch, variable: str, value: str) -> None:
    environ.setenv(variable, value)
    with pytest.raises(UsageError) as caught:
        client("sts")
    assert "AWS_CONFIG_FILE" in caught.value.hint


def test_an_endpoint_of_the_environment_is_no_aws(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("AWS_ENDPOINT_URL_SFN", "http://127.0.0.1:1")
    environ.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2")
    assert client().meta.endpoint_url == "http://127.0.0.1:1"
    s3 = client("s3")
    assert (s3.meta.endpoint_url, s3.meta.config.s3["addressing_style"]) == ("http://127.0.0.1:2", "path")
    assert AwsEnvironment(Context("x", Settings())).executions.console_url("arn:aws:states:eu-west-1:1:x:y:z") == ""
    environ.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert client("s3").meta.endpoint_url.endswith("amazonaws.com")


def test_an_empty_bundle_does_not_turn_checking_off(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def verify() -> Any:
        made = client()
        return made._endpoint.http_session._verify

    environ.setenv("AWS_CA_BUNDLE", "")
    assert verify() is True
    environ.setenv("AWS_CA_BUNDLE", str(tmp_path / "bundle.pem"))
    assert verify() == str(tmp_path / "bundle.pem")


def test_what_holds_is_told_with_where_it_came_from(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("AWS_PROFILE", "work")
    environ.setenv("AWS_REGION", "sa-east-1")
    environ.setenv("AWS_DEFAULT_REGION", "us-west-2")
    environ.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    environ.setenv("HTTPS_PROXY", "http://me:s3cret@proxy.example:3128")
    environ.setenv("AWS_SESSION_TOKEN", "s3cret")
    told = list(described())
    assert told[:2] == [
        FromAws("profile", "work", "environment AWS_PROFILE"),
        FromAws("region", "sa-east-1", "environment AWS_REGION"),
    ]
    assert FromAws("max_attempts", "7", "AWS configuration, profile work") in told
    assert FromAws("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1", "environment") in told
    assert FromAws("HTTPS_PROXY", "http://proxy.example:3128", "environment") in told
    assert "s3cret" not in str(told)
    environ.delenv("AWS_REGION")
    environ.delenv("AWS_DEFAULT_REGION")
    assert FromAws("region", "eu-west-1", "AWS configuration, profile work") in described()
    assert FromAws("region", "us-east-1", "AWS configuration, profile default") in described("default")


def test_an_address_that_is_none_is_not_told(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("HTTPS_PROXY", "http://[me:s3cret@proxy")
    assert FromAws("HTTPS_PROXY", "set, no address", "environment") in described()
