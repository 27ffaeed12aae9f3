"""The AWS configuration as the AWS CLI (version 2) reads it: the environment before the profile, empty as not set.

botocore by itself ignores AWS_REGION, takes AWS_DEFAULT_PROFILE before AWS_PROFILE, and an empty AWS_CA_BUNDLE for the
wish to check no certificate. https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qlikops.dataclass import dataclass
from qlikops.domain.errors import UsageError

if TYPE_CHECKING:
    import botocore.session

ATTEMPTS = 3
"""Attempts of one call, if AWS_MAX_ATTEMPTS and the profile do not say otherwise; the AWS CLI's own number."""
_MOST_ATTEMPTS = 100


def _attempts(text: str) -> int:
    if not text.isdecimal() or len(text) > len(str(_MOST_ATTEMPTS)) or not 1 <= int(text) <= _MOST_ATTEMPTS:
        raise UsageError(
            f"max_attempts is {text[:40]!r} in AWS_MAX_ATTEMPTS or the AWS profile.",
            f"Give a whole number from 1 to {_MOST_ATTEMPTS}, or unset it.",
        )
    return int(text)


def _unless_empty(text: str) -> str | None:
    return text or None


@dataclass(frozen=True, slots=True)
class _Setting:
    """Where one setting is read from."""

    variables: tuple[str, ...]
    """Variables of the environment; the first that is set counts."""
    in_profile: str | None = None
    """Name of the setting in a profile; None if profiles have none."""
    default: str | None = None
    convert: Callable[[str], Any] | None = None

    def for_botocore(self) -> tuple[str | None, list[str], str | None, Callable[[str], Any] | None]:
        """The setting as botocore takes it; a variable that is empty is left out."""
        return self.in_profile, [name for name in self.variables if os.environ.get(name)], self.default, self.convert


_SETTINGS = {
    "profile": _Setting(("AWS_PROFILE", "AWS_DEFAULT_PROFILE")),
    "region": _Setting(("AWS_REGION", "AWS_DEFAULT_REGION"), "region", convert=_unless_empty),
    "config_file": _Setting(("AWS_CONFIG_FILE",), default="~/.aws/config"),
    "credentials_file": _Setting(("AWS_SHARED_CREDENTIALS_FILE",), default="~/.aws/credentials"),
    "ca_bundle": _Setting(("AWS_CA_BUNDLE",), "ca_bundle", convert=_unless_empty),
    "max_attempts": _Setting(("AWS_MAX_ATTEMPTS",), "max_attempts", str(ATTEMPTS), _attempts),
    "retry_mode": _Setting(("AWS_RETRY_MODE",), "retry_mode", "standard"),
}
"""What botocore reads otherwise than the AWS CLI; the rest, such as AWS_ENDPOINT_URL, it reads the same."""
_SECRET = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN", "TOKEN", "PASSWORD")
_BESIDE_AWS = ("REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy")
"""Variables that botocore reads too."""


def aws_session(profile: str = "") -> botocore.session.Session:
    """A session of `profile`, or of the one that the environment names."""
    import botocore.session

    return botocore.session.Session(
        {name: each.for_botocore() for name, each in _SETTINGS.items()}, profile=profile or None
    )


def endpoint_of(session: botocore.session.Session, service: str) -> str:
    """Where environment or profile send the calls to `service`, by boto3's name of it; empty for AWS itself."""
    from botocore.configprovider import ConfiguredEndpointProvider

    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return ""
    return ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), service).provide() or ""


@dataclass(frozen=True, slots=True)
class FromAws:
    """A setting of the AWS configuration that holds, and where it came from."""

    name: str
    value: str
    origin: str


def described(profile: str = "") -> Iterator[FromAws]:
    """What holds of the AWS configuration with `profile`, or with the one that the environment names.

    First the settings by name, then each variable of the environment that AWS's tools read. Values that open something
    are not shown. Raises botocore's ProfileNotFound.
    """
    session = aws_session(profile)
    in_profile = session.get_scoped_config()
    for name, each in _SETTINGS.items():
        variable = next((one for one in each.variables if os.environ.get(one)), "")
        if name == "profile" and profile:
            continue
        if variable:
            yield FromAws(name, os.environ[variable], f"environment {variable}")
        elif each.in_profile and in_profile.get(each.in_profile):
            origin = f"AWS configuration, profile {session.profile or 'default'}"
            yield FromAws(name, str(in_profile[each.in_profile]), origin)
    named = {one for each in _SETTINGS.values() for one in each.variables}
    for variable in sorted(os.environ):
        is_read = variable.startswith("AWS_") or variable in _BESIDE_AWS
        if is_read and variable not in named and os.environ[variable]:
            yield FromAws(variable, _shown(variable, os.environ[variable]), "environment")


def _shown(variable: str, value: str) -> str:
    if variable.endswith(_SECRET):
        return "set, not shown"
    if "://" not in value:
        return value
    try:
        parts = urlsplit(value)
        # A proxy's address may hold a password.
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    except ValueError:
        return "set, no address"
