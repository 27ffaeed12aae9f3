"""How a profile signs in, by what the AWS configuration says; and of an error, which profile it was."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from traceback import walk_tb
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from qlikops.aws.configuration import aws_session
from qlikops.config import config_path
from qlikops.domain.ports import Credentials

if TYPE_CHECKING:
    import botocore.session

_Profiles = Mapping[str, Mapping[str, Any]]
SHELL = "The keys come from this shell's AWS_* variables: quit, renew them, start again."
NONE = "There are no credentials: `aws configure sso` sets up signing in."
_OF_CLIENTS: WeakKeyDictionary[object, str] = WeakKeyDictionary()
"""Client -> the profile that was named for it; botocore's clients do not know theirs."""


def remember(client: object, profile: str) -> None:
    """Keeps which profile `client` was made with, empty where none was named, for as long as there is that client."""
    _OF_CLIENTS[client] = profile


def how_to_sign_in(error: BaseException) -> str:
    """What to do about credentials that are missing, over or refused, for the profile that `error` came of."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        profile = _profile_of(error)
        if not profile and os.environ.get("AWS_ACCESS_KEY_ID"):
            return SHELL
        session = aws_session(profile)
        found = way_of(session)
    except BotoCoreError:  # a configuration that cannot be read is another error, and said elsewhere
        return "Sign in again."
    if found.login:
        return f"Sign in with `{shlex.join(found.login)}`."
    if found.advice != NONE:
        return found.advice
    if isinstance(error, ClientError):  # there were some: AWS has refused them
        return "Sign in again, or renew what gives this machine its credentials."
    is_new_here = not session.available_profiles and not config_path().exists()
    return f"{NONE} Without an AWS account, `qlikops demo`." if is_new_here else NONE


def way_of(session: botocore.session.Session) -> Credentials:
    """How the profile of `session` signs in: a command to run, or advice. Resolves nothing."""
    profiles: _Profiles = session.full_config.get("profiles", {})
    name = source_of(session.profile or "default", profiles)[-1]
    settings = profiles.get(name, {})
    if is_sso(settings):
        return _signed_in_by(("aws", "sso", "login", "--profile", name))
    if "login_session" in settings:
        return _signed_in_by(("aws", "login", "--profile", name))
    if process := settings.get("credential_process"):
        advice = f"The profile {name} gets its keys from `{program_of(process)} …`: sign in to that."
        return Credentials(advice=advice, in_terminal=True)
    if not settings.keys() - {"region", "output"}:
        return Credentials(advice=NONE)
    return Credentials(advice=f"Renew the keys of the profile {name}, such as with `aws configure --profile {name}`.")


def source_of(name: str, profiles: _Profiles) -> list[str]:
    """The profile and those that its roles are assumed from; the last one holds what is signed in with."""
    chain = [name]
    while (source := profiles.get(chain[-1], {}).get("source_profile")) and source not in chain:
        chain.append(source)
    return chain


def is_sso(settings: Mapping[str, Any]) -> bool:
    """Whether a profile with these settings signs in with IAM Identity Center."""
    return "sso_session" in settings or "sso_start_url" in settings


def program_of(command: str) -> str:
    """The program that a command line runs, without what it is given: that may be a password."""
    try:
        return next(iter(shlex.split(command)), "")
    except ValueError:  # an open quote
        return command.split(maxsplit=1)[0].strip("'\"")


def _profile_of(error: BaseException) -> str:
    """The profile that was named for what `error` went through: a client, or the session that was to make one."""
    from botocore.client import BaseClient
    from botocore.session import Session

    for frame, _ in walk_tb(error.__traceback__):
        owner = frame.f_locals.get("self")
        if isinstance(owner, BaseClient) and owner in _OF_CLIENTS:
            return _OF_CLIENTS[owner]
        if isinstance(owner, Session):
            return str(owner.instance_variables().get("profile") or "")
    return ""


def _signed_in_by(command: tuple[str, ...]) -> Credentials:
    if shutil.which(command[0]) is None:
        return Credentials(advice=f"Run `{' '.join(command)}`, for which the AWS CLI has to be installed.")
    return Credentials(login=command)
