"""How a session signs in, and until when that lasts, as far as this machine's files say.

Only what somebody has to renew has an expiry here: roles, and SSO tokens with a refresh token, renew themselves.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qlikops.aws.errors import program_of
from qlikops.domain.codec import parse_time
from qlikops.domain.ports import Credentials

if TYPE_CHECKING:
    import boto3
    import botocore.session

_Profiles = Mapping[str, Mapping[str, Any]]


def credentials_of(session: boto3.Session) -> Credentials:
    """What is known of `session`'s credentials. Reads the AWS configuration anew and resolves nothing twice."""
    import botocore.session

    resolved = None
    with contextlib.suppress(OSError):  # a credential_process that cannot be run
        resolved = session.get_credentials()
    method = "" if resolved is None else str(resolved.method)
    expire_at: datetime | None = getattr(resolved, "_expiry_time", None)
    if method == "env":
        return Credentials(
            expire_at, advice="The keys come from this shell's AWS_* variables: quit, renew them, start again."
        )
    if method in ("iam-role", "container-role"):
        return Credentials(advice=f"The machine's own role gives the credentials ({method}); look at what it runs as.")
    config = botocore.session.Session(profile=session.profile_name).full_config
    profiles: _Profiles = config.get("profiles", {})
    chain = _chain(session.profile_name, profiles)
    name, settings = chain[-1], profiles.get(chain[-1], {})
    if "sso_session" in settings or "sso_start_url" in settings:
        token = _sso_token(settings.get("sso_session") or settings["sso_start_url"])
        return _signed_in_by(("aws", "sso", "login", "--profile", name), _token_expiry(token))
    if "login_session" in settings:
        return _signed_in_by(("aws", "login", "--profile", name), None)
    # A role behind a one-time code is renewed by a person; any other by itself.
    asks = any("mfa_serial" in profiles.get(each, {}) for each in chain)
    return Credentials(expire_at if asks else None, advice=_advice(name, settings, method))


def asks_somebody(session: botocore.session.Session) -> bool:
    """Whether signing in as its profile runs a program of the person's, which may ask anything, or wants a code."""
    profiles: _Profiles = session.full_config.get("profiles", {})
    chain = _chain(session.profile or "default", profiles)
    return any(asking in profiles.get(name, {}) for name in chain for asking in ("credential_process", "mfa_serial"))


def _chain(name: str, profiles: _Profiles) -> list[str]:
    """The profile and those that its roles are assumed from; the last one holds what is signed in with."""
    chain = [name]
    while (source := profiles.get(chain[-1], {}).get("source_profile")) and source not in chain:
        chain.append(source)
    return chain


def _signed_in_by(command: tuple[str, ...], expire_at: datetime | None) -> Credentials:
    if shutil.which(command[0]) is None:
        words = " ".join(command)
        return Credentials(expire_at, advice=f"Run `{words}`, for which the AWS CLI has to be installed.")
    return Credentials(expire_at, command)


def _advice(name: str, settings: Mapping[str, Any], method: str) -> str:
    if process := settings.get("credential_process"):
        return f"The profile {name} gets its keys from `{program_of(process)} …`: sign in to that."
    if not method:
        return "There are no credentials: `aws configure sso` sets up signing in."
    return f"Renew the keys of the profile {name}, such as with `aws configure --profile {name}`."


def _sso_token(session_or_url: str) -> Mapping[str, Any]:
    """The cached token, where the AWS CLI keeps it; empty where there is none."""
    name = hashlib.sha1(session_or_url.encode(), usedforsecurity=False).hexdigest()
    path = Path(os.path.expanduser("~/.aws/sso/cache")) / f"{name}.json"
    try:
        token = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
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
