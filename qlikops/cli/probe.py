"""probe."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from qlikops.agent.act.probing import refused_endpoints
from qlikops.aws.session import AwsConnection
from qlikops.cli import output
from qlikops.cli.context import Invocation, JsonOption, YesOption, argument, takes
from qlikops.cli.exit_codes import ExitCode
from qlikops.config import Context
from qlikops.deployment.login import Logins
from qlikops.deployment.secret import QlikSecret
from qlikops.deployment.stack import Stack
from qlikops.domain.encoding import codec
from qlikops.domain.errors import AccessDenied, NotFound, QlikopsError, UsageError
from qlikops.domain.fleet.endpoint import EndpointKey, ProbeAnswer
from qlikops.domain.words.naming import did_you_mean
from qlikops.presentation.tone import Section, Tone, line, outside
from qlikops.qlik.client import QemClient
from qlikops.qlik.config import QemInstance, parse_instances
from qlikops.qlik.errors import QemMisconfigured
from qlikops.qlik.probe import probe as tested

_CODES = {
    ProbeAnswer.CONNECTED: ExitCode.OK,
    ProbeAnswer.NOT_PERMITTED: ExitCode.DENIED_ACCESS,
    ProbeAnswer.NOT_FOUND: ExitCode.NOT_FOUND,
    ProbeAnswer.FAILED: ExitCode.UNREACHABLE,
}


def probe(
    here: Invocation,
    endpoint: Annotated[str, argument("SERVER/ENDPOINT", "As `qlikops task` names both.")],
    instance: Annotated[str, takes("NAME", "Which Enterprise Manager.")] = "default",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Have Enterprise Manager test an endpoint now: does the Replicate server get into it?

    It is asked from this machine, with the Qlik account that `qlikops login` keeps, or else with that of the
    deployment, if you may read it. A test logs in to the endpoint. Asks first if a login to it was refused: another one
    may lock the account. Does not count against the agent's own tests.

    Exit codes: 0 takes logins, 1 does not, did not answer in time, or Enterprise Manager does not say; 3 no such
    endpoint, 8 Enterprise Manager does not answer, 9 the account may not test endpoints.
    """
    server, _, name = endpoint.partition("/")
    if not (server and name):
        raise UsageError(f"{endpoint!r} is no endpoint.", "Give server and endpoint: replicate-eu-1/ORA-SALES-PROD.")
    target, key = here.context(), EndpointKey(instance, server, name)
    if target.settings.read_only:
        raise AccessDenied("This context is read-only, and a test logs in to the endpoint.", "Use one that may write.")
    account = _account(here, target, instance)
    if not yes and _may_be_refused(here, target, key):
        _confirm(here, key)
    with QemClient(account, operator=True, sleep=here.sleep) as client:
        found = tested(client, key, here.now)
    if as_json:
        output.write_json(found)
    else:
        tone = Tone.GOOD if found.answer is ProbeAnswer.CONNECTED else Tone.DANGER
        said = line(found.answer.replace("_", " "), outside(found.words, tone, 400))
        output.write_sections([Section("", (said,))])
    if code := _CODES.get(found.answer, ExitCode.FAILURE):
        raise typer.Exit(code)


def _account(here: Invocation, target: Context, instance: str) -> QemInstance:
    """The account of this machine, or else the deployment's. Raises UsageError, and what AWS answers."""
    known: list[dict[str, Any]] = Logins(here.keyring, target.name, here.environ).instances()
    kept = [each for each in known if each["name"] == instance and each.get("base_url")]
    try:
        if kept:
            return codec.decode(QemInstance, kept[0])
        connection = AwsConnection(target)
        secret = Stack(connection.cloudformation, target.settings.stack, sleep=here.sleep).outputs().qlik_secret_arn
        found = parse_instances(QlikSecret(connection.client("secretsmanager"), secret).text())
    except (codec.CodecError, QemMisconfigured) as exc:
        raise UsageError(f"The Qlik account of {instance}: {exc}.", "`qlikops login` keeps it.") from None
    if account := next((each for each in found if each.name == instance), None):
        return account
    names = [each.name for each in found]
    raise NotFound(
        f"No Enterprise Manager is called {instance}.",
        did_you_mean(instance, names) or f"There are: {', '.join(names)}.",
    )


def _may_be_refused(here: Invocation, target: Context, endpoint: EndpointKey) -> bool:
    """Whether a task on it was refused when a run looked last; False if no run can be read."""
    try:
        return endpoint in refused_endpoints(here.open_environment(target).fleet.snapshot())
    except QlikopsError as exc:
        output.say(f"Whether a login to it was refused is not known: {exc.message}")
        return False


def _confirm(here: Invocation, endpoint: EndpointKey) -> None:
    why = f"A task on {endpoint} was refused a login, or a right. Another login may lock the account"
    if not here.is_terminal():
        raise UsageError(f"{why}; nothing was tested.", "Run it again with --yes to test it all the same.")
    typer.confirm(f"{why}. Test it all the same?", abort=True, err=True)
