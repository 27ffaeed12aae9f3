"""login, logout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from qlikops.aws.mfa import HEADLESS, MfaSessions, mfa_sessions
from qlikops.cli import output
from qlikops.cli.context import Invocation, switch, takes
from qlikops.config import Context
from qlikops.dataclass import dataclass
from qlikops.deployment.login import Logins, no_keyring_hint
from qlikops.domain.errors import NotFound, QlikopsError, UsageError
from qlikops.domain.words.duration import to_minute
from qlikops.domain.words.text import harmless
from qlikops.files import read_stdin_line
from qlikops.keyrings import NoKeyring


def login(
    here: Invocation,
    instance: Annotated[str, takes("NAME", "Which Enterprise Manager.")] = "default",
    url: Annotated[str, takes("URL", "Up to and including /attunityenterprisemanager/api/v1.")] = "",
    username: Annotated[str, takes("NAME", "Asked for where it is not given.")] = "",
    domain: Annotated[str, takes("NAME", "Of the account.")] = "",
    operator: Annotated[
        bool, switch("The account that runs tasks, where it is not the one that monitors.", "--operator")
    ] = False,
    token: Annotated[bool, switch("An API token instead of a password.", "--token")] = False,
    jwt: Annotated[bool, switch("A JSON Web Token instead of a password.", "--jwt")] = False,
    password_stdin: Annotated[bool, switch("Read the password or token from stdin.", "--password-stdin")] = False,
    mfa: Annotated[
        bool, switch("An AWS session instead, for a profile with mfa_serial; asks for the code.", "--mfa")
    ] = False,
) -> None:
    """Keep a Qlik account in the system keyring, for `deploy --qlik-login`; or an AWS session with a second factor.

    The password is asked for, never an argument. Without a keyring nothing is kept: set QLIKOPS_QLIK_URL,
    QLIKOPS_QLIK_USERNAME and QLIKOPS_QLIK_PASSWORD (or QLIKOPS_QLIK_API_TOKEN, or QLIKOPS_QLIK_JWT) instead.

    With --mfa, the code of the profile's device is asked for, and the session that AWS gives for it (12 hours) is used
    by every command until it expires. Without a keyring: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
    AWS_SESSION_TOKEN. Other AWS credentials are not qlikops' business: `aws sso login`.
    """
    kinds = [kind for kind, is_chosen in ((_OPERATOR, operator), (_TOKEN, token), (_JWT, jwt)) if is_chosen]
    if len(kinds) > 1:
        raise UsageError("--operator, --token and --jwt exclude each other.", "A token is the one account for both.")
    if mfa and (kinds or any((url, username, domain, password_stdin))):
        raise UsageError(
            "--mfa is about AWS, the other options about Qlik.", "Log in to each with a command of its own."
        )
    target = here.context()
    if mfa:
        _login_mfa(here, target)
        return
    kind = kinds[0] if kinds else _ACCOUNT
    given = {"name": instance, "base_url": url, "domain": domain, kind.user_key: username}
    _login_qlik(here, target.name, kind, given, password_stdin=password_stdin)
    output.say(f"Kept in the system keyring for {instance} of the context {target.name}.")
    output.say("`qlikops deploy --qlik-login` takes it to Secrets Manager.")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A way to log in to Qlik: the keys of its user and of its secret, and what the secret is called."""

    user_key: str
    """Empty: a token names its user itself."""
    secret_key: str
    prompt: str


_ACCOUNT = _Kind("username", "password", "Password")
_OPERATOR = _Kind("operator_username", "operator_password", "Password")
_TOKEN = _Kind("", "api_token", "Token")
_JWT = _Kind("", "jwt", "Token")


def _login_qlik(here: Invocation, context: str, kind: _Kind, given: Mapping[str, str], *, password_stdin: bool) -> None:
    """Keeps what is `given` of an account, by key, and asks for the rest."""
    logins = _logins(here, context)
    if not logins.has_keyring:
        raise NoKeyring("this machine has no keyring that could keep a password", no_keyring_hint())
    if not password_stdin and not here.is_terminal():
        raise UsageError("There is no terminal to ask for the password.", "Pipe it in with --password-stdin.")
    known = next((each for each in logins.instances() if each["name"] == given["name"]), {})
    entry = {key: value for key, value in given.items() if key and value}
    if "base_url" not in {**known, **entry}:
        entry["base_url"] = _ask("Address", password_stdin, "--url")
    if kind.user_key and kind.user_key not in entry:
        entry[kind.user_key] = _ask("User", password_stdin, "--username")
    entry[kind.secret_key] = _secret(kind.prompt, password_stdin)
    logins.save(entry)


def logout(
    here: Invocation,
    instance: Annotated[str, takes("NAME", "Only this Enterprise Manager.")] = "",
    mfa: Annotated[bool, switch("Only the AWS session with a second factor.", "--mfa")] = False,
) -> None:
    """Forget the Qlik accounts and the MFA session of a context on this machine. What is in AWS stays there."""
    if mfa and instance:
        raise UsageError("--mfa and --instance exclude each other.")
    target = here.context()
    gone = []
    if not instance and (sessions := mfa_of(here, target)) and sessions.forget():
        gone.append(f"the session with {sessions.profile.serial}")
    if mfa and not gone:
        raise NotFound("No session is kept here.")
    if not mfa:
        try:
            gone += _logins(here, target.name).remove(instance)
        except NotFound:
            if not gone:
                raise
    output.say(f"Forgotten: {', '.join(gone)}.")


def mfa_of(here: Invocation, target: Context) -> MfaSessions | None:
    """The sessions of the context's profile; None where that takes no code."""
    return None if target.local else mfa_sessions(target.settings.profile, here.keyring, here.now)


def mfa_entry(here: Invocation, target: Context) -> dict[str, str]:
    """What `config` shows of the session that is kept: its end and its origin, nothing that opens anything."""
    try:
        sessions = mfa_of(here, target)
        if sessions is None:
            return {"value": "", "origin": "no mfa_serial in the AWS profile"}
        kept = sessions.kept()
    except QlikopsError as exc:
        return {"value": "", "origin": exc.message}
    if kept is None:
        return {"value": "", "origin": "none kept; `qlikops login --mfa` has one"}
    over = " (over)" if kept.expire_at <= here.now() else ""
    return {
        "value": f"until {to_minute(kept.expire_at)}{over}",
        "origin": f"system keyring, {sessions.profile.serial}",
    }


def _login_mfa(here: Invocation, target: Context) -> None:
    sessions = mfa_of(here, target)
    if sessions is None:
        raise UsageError(
            f"The profile {target.settings.profile or 'default'} has no mfa_serial.",
            "Put the ARN of your device into it, in the AWS configuration, or choose another with --profile.",
        )
    sessions.require_keyring()
    if not here.is_terminal():
        raise UsageError("There is no terminal to ask for the code.", HEADLESS)
    code = typer.prompt(f"Code of {harmless(sessions.profile.serial)}", hide_input=True, err=True).strip()
    begun = sessions.begin(code, target.settings.region, target.settings.endpoint_url)
    output.say(f"Signed in until {to_minute(begun.expire_at)}; kept in the system keyring.")


def _logins(here: Invocation, context: str) -> Logins:
    return Logins(here.keyring, context, here.environ)


def _ask(what: str, password_stdin: bool, option: str) -> str:
    if password_stdin:
        raise UsageError(f"Stdin holds the password, so {option} must be given.")
    return str(typer.prompt(what, err=True))


def _secret(what: str, password_stdin: bool) -> str:
    given = read_stdin_line() if password_stdin else typer.prompt(what, hide_input=True, err=True)
    if not given:
        raise UsageError("The password is empty.")
    return str(given)
