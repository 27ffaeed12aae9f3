"""How a session signs in, and until when that lasts, as far as this machine's files say.

Only what a person has to renew has an expiry here: roles, and SSO tokens with a refresh token, renew themselves.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qlikops.aws.configuration import aws_session
from qlikops.aws.sign_in import SHELL, is_sso, source_of, way_of
from qlikops.domain.encoding.codec import parse_time
from qlikops.domain.ports import Credentials
from qlikops.files import UnreadableFile, read_json

if TYPE_CHECKING:
    import boto3
    import botocore.session

_Profiles = Mapping[str, Mapping[str, Any]]


def credentials_of(session: boto3.Session) -> Credentials:
    """What is known of `session`'s credentials. Reads the AWS configuration anew and resolves nothing twice."""
    resolved = None
    with contextlib.suppress(OSError):  # a credential_process that cannot be run
        resolved = session.get_credentials()
    method = "" if resolved is None else str(resolved.method)
    expire_at: datetime | None = getattr(resolved, "_expiry_time", None)
    if method == "env":
        return Credentials(expire_at, advice=SHELL)
    if method in ("iam-role", "container-role"):
        return Credentials(advice=f"The machine's own role gives the credentials ({method}); look at what it runs as.")
    core = aws_session(session.profile_name)
    profiles: _Profiles = core.full_config.get("profiles", {})
    chain = source_of(session.profile_name, profiles)
    way, settings = way_of(core), profiles.get(chain[-1], {})
    if is_sso(settings):
        token = _sso_token(settings.get("sso_session") or settings["sso_start_url"])
        return replace(way, expire_at=_token_expiry(token))
    if "login_session" in settings:
        return way
    # A role behind a one-time code is renewed by a person; any other by itself.
    asks = any("mfa_serial" in profiles.get(each, {}) for each in chain)
    return replace(way, expire_at=expire_at if asks else None)


def asks_somebody(session: botocore.session.Session) -> bool:
    """Whether signing in as its profile runs a program of the person's, which may ask anything, or wants a code."""
    return runs_process(session) or _names(session, "mfa_serial")


def runs_process(session: botocore.session.Session) -> bool:
    """Whether signing in as its profile runs a program of the person's."""
    return _names(session, "credential_process")


def _names(session: botocore.session.Session, setting: str) -> bool:
    profiles: _Profiles = session.full_config.get("profiles", {})
    return any(setting in profiles.get(name, {}) for name in source_of(session.profile or "default", profiles))


def _sso_token(session_or_url: str) -> Mapping[str, Any]:
    """The cached token, where the AWS CLI keeps it; empty where there is none."""
    import hashlib

    name = hashlib.sha1(session_or_url.encode(), usedforsecurity=False).hexdigest()
    path = Path(os.path.expanduser("~/.aws/sso/cache")) / f"{name}.json"
    try:
        token = read_json(path)
    except UnreadableFile:
        return {}
    return token if isinstance(token, dict) else {}


def _token_expiry(token: Mapping[str, Any]) -> datetime | None:
    if "refreshToken" in token:
        return None
    try:
        # Older AWS CLIs wrote `UTC` for `Z`.
        return parse_time(str(token.get("expiresAt", "")).replace("UTC", "Z"))
    except ValueError:
        return None
