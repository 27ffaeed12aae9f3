"""The `qlikops` command: knows the commands by name, and turns errors into words and exit codes.

A command's module is imported when it is run, or asked for its help: the console must not wait for what deploys. No
module of a command imports boto3, textual or rich in its head, as `qlikops --help` imports all of them; a test holds
that. What this and the other tricks of starting save is listed in CONTRIBUTING.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from qlikops import __version__, streams
from qlikops.cli import output
from qlikops.cli.context import ContextOption, invocation, with_options
from qlikops.cli.exit_codes import ExitCode, of_error
from qlikops.domain.errors import QlikopsError

_MODULES = {
    "tui": "console",
    "approvals": "approvals",
    "approve": "approvals",
    "deny": "approvals",
    "claim": "approvals",
    "executions": "executions",
    "show": "executions",
    "run": "executions",
    "stop": "executions",
    "redrive": "executions",
    "tasks": "fleet",
    "task": "fleet",
    "reports": "fleet",
    "report": "fleet",
    "handover": "handover",
    "known": "known",
    "exam": "exam",
    "demo": "demo",
    "deploy": "deploy",
    "schedule": "schedule",
    "doctor": "doctor",
    "destroy": "destroy",
    "login": "login",
    "logout": "login",
    "config": "settings",
    "local": "local",
}
"""Command -> the module in this package with the function, or the group, of that name; in the order of the help."""


class _Lazily(MutableMapping[str, Any]):
    """The commands, each made when it is first looked at."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _command(name, _found(name))
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


def _found(name: str) -> Any:
    """The function of a command, or the Typer of a group of commands."""
    return getattr(import_module(f"qlikops.cli.{_MODULES[name]}"), name)


def _text(found: Any) -> str | None:
    """What the help says of a command or a group of commands."""
    text: str | None = found.info.help if isinstance(found, typer.Typer) else found.__doc__
    return text


def _command(name: str, found: Any) -> Any:
    """What Typer makes of a command's function or of a group of commands."""
    group = found
    if not isinstance(found, typer.Typer):
        group = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        group.command()(found)
    command = typer.main.get_command(group)
    command.name = name
    return command


class _Commands(TyperGroup):
    """The one place where an error becomes a message on stderr and an exit code."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.commands = _Lazily()

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer passes it
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Lists the commands with their texts alone: to make all of them takes a seventh of the time of `--help`."""
        texts: dict[str, Any] = {name: TyperCommand(name, help=_text(_found(name))) for name in _MODULES}
        TyperGroup(commands=texts).format_commands(ctx, formatter)

    def main(self, *args: Any, **extra: Any) -> Any:
        streams.prepare()
        try:
            return super().main(*args, **extra)
        except streams.OutputFailed as exc:
            output.say(f"Standard output takes nothing: {exc.strerror}.")
            sys.exit(ExitCode.FAILURE)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except QlikopsError as exc:
            from qlikops.presentation.problem import explain

            problem = explain(exc)
            output.say(f"{problem.title}: {problem.text}")
            if problem.hint:
                output.say(problem.hint)
            ctx.exit(of_error(exc))
        except KeyboardInterrupt:
            output.say("Interrupted.")
            ctx.exit(ExitCode.INTERRUPTED)
        except Exception as exc:
            from qlikops.cli.fault import ends_outside, report

            if ends_outside(exc):
                raise
            report(exc, invocation(ctx).environ)
            ctx.exit(ExitCode.FAILURE)


app = typer.Typer(
    name="qlikops",
    cls=_Commands,
    help="On-call console for Qlik Replicate: see what waits, decide it, watch what becomes of it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        output.write(f"qlikops {__version__}")
        raise typer.Exit


@app.callback()
def _head(
    ctx: typer.Context,
    context: ContextOption = None,
    profile: Annotated[str, typer.Option(metavar="NAME", help="AWS profile.", show_default=False)] = "",
    region: Annotated[str, typer.Option(metavar="REGION", help="AWS Region.", show_default=False)] = "",
    stack: Annotated[str, typer.Option(metavar="NAME", help="CloudFormation stack.", show_default=False)] = "",
    endpoint_url: Annotated[str, typer.Option(metavar="URL", help="Where AWS is not AWS.", show_default=False)] = "",
    version: Annotated[  # noqa: ARG001 - its callback does all
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    given = {"profile": profile, "region": region, "stack": stack, "endpoint_url": endpoint_url}
    with_options(ctx, context, given)


def main() -> None:
    """Runs the command line."""
    app()
