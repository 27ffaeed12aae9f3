"""login, logout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, Invocation, invocation
from qlikops.domain.errors import UsageError

if TYPE_CHECKING:
    from qlikops.deployment.login import Logins


def login(
    ctx: typer.Context,
    instance: Annotated[str, typer.Option(metavar="NAME", help="Which Enterprise Manager.")] = "default",
    url: Annotated[
        str, typer.Option(metavar="URL", help="Up to and including /attunityenterprisemanager/api/v1.")
    ] = "",
    username: Annotated[str, typer.Option(metavar="NAME", help="Asked for where it is not given.")] = "",
    domain: Annotated[str, typer.Option(metavar="NAME", help="Of the account.")] = "",
    operator: Annotated[
        bool, typer.Option("--operator", help="The account that runs tasks, where it is not the one that monitors.")
    ] = False,
    token: Annotated[bool, typer.Option("--token", help="An API token instead of a password.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password or token from stdin.")
    ] = False,
    context: ContextOption = None,
) -> None:
    """Keep a Qlik account in the system keyring, for `deploy --qlik-login`.

    The password is asked for, never an argument. Without a keyring nothing is kept: set QLIKOPS_QLIK_URL,
    QLIKOPS_QLIK_USERNAME and QLIKOPS_QLIK_PASSWORD (or QLIKOPS_QLIK_API_TOKEN) instead. AWS credentials are not
    qlikops' business: `aws sso login`.
    """
    from qlikops.deployment.login import NoKeyring, no_keyring_hint

    if operator and token:
        raise UsageError("--operator and --token exclude each other", "A token is the one account for both.")
    here = invocation(ctx)
    target = here.context(context)
    logins = _logins(here, target.name)
    if not logins.has_keyring:
        raise NoKeyring("this machine has no keyring that could keep a password", no_keyring_hint())
    if not password_stdin and not here.is_terminal():
        raise UsageError("nobody is here to be asked for the password", "Pipe it in with --password-stdin.")
    known = next((each for each in logins.instances() if each["name"] == instance), {})
    entry = {"name": instance}
    if url or "base_url" not in known:
        entry["base_url"] = url or _ask("Address", password_stdin, "--url")
    if domain:
        entry["domain"] = domain
    if not token:
        entry["operator_username" if operator else "username"] = username or _ask("User", password_stdin, "--username")
    key = "api_token" if token else "operator_password" if operator else "password"
    entry[key] = _secret("Token" if token else "Password", password_stdin)
    logins.save(entry)
    output.say(f"Kept in the system keyring for {instance} of the context {target.name}.")
    output.say("`qlikops deploy --qlik-login` takes it to Secrets Manager.")


def logout(
    ctx: typer.Context,
    instance: Annotated[
        str, typer.Option(metavar="NAME", help="Only this Enterprise Manager.", show_default=False)
    ] = "",
    context: ContextOption = None,
) -> None:
    """Forget the Qlik accounts of a context on this machine. What is in AWS stays there."""
    here = invocation(ctx)
    gone = _logins(here, here.context(context).name).remove(instance)
    output.say(f"Forgotten: {', '.join(gone)}.")


def _logins(here: Invocation, context: str) -> Logins:
    from qlikops.deployment.login import Logins

    return Logins(here.keyring(), context, here.environ)


def _ask(what: str, password_stdin: bool, option: str) -> str:
    if password_stdin:
        raise UsageError(f"stdin holds the password, so {option} must be given")
    return str(typer.prompt(what, err=True))


def _secret(what: str, password_stdin: bool) -> str:
    given = sys.stdin.readline().rstrip("\r\n") if password_stdin else typer.prompt(what, hide_input=True, err=True)
    if not given:
        raise UsageError("the password is empty")
    return str(given)
