"""The `qlikops` command: knows the commands by name, and turns errors into words and exit codes.

A command's module is imported when it is run, or asked for its own help: the list of commands must not wait for what
deploys, nor the console, and has their words from `commands.json`, which is made from them. What this and the other
tricks of starting save is listed in CONTRIBUTING.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from qlikops import __version__, streams
from qlikops.cli import output
from qlikops.cli.coercion import PlainCommand
from qlikops.cli.completion import TREE
from qlikops.cli.context import ContextOption, invocation, shaped, switch, takes
from qlikops.cli.exit_codes import ExitCode, of_error
from qlikops.cli.names import CommandGroup, of_parser
from qlikops.domain.errors import QlikopsError

SHOWN_BY_CLICK: Any = typer.BadParameter.__mro__[2]
"""ClickException: Typer has a click of its own by now, and does not say where."""
COMMANDS: Mapping[str, str] = {
    "tui": "console",
    "approvals": "approvals",
    **dict.fromkeys(("approve", "deny", "claim"), "deciding"),
    **dict.fromkeys(("executions", "show", "run", "stop", "redrive"), "executions"),
    **dict.fromkeys(("tasks", "task", "reports", "report"), "fleet"),
    "handover": "handover",
    **dict.fromkeys(("plan", "lift"), "planning"),
    "decisions": "decisions",
    "probe": "probe",
    "known": "known",
    "exam": "exam",
    "demo": "demo",
    "deploy": "deploy",
    "schedule": "schedule",
    "doctor": "doctor",
    "destroy": "destroy",
    **dict.fromkeys(("login", "logout"), "login"),
    "config": "settings",
    "local": "local",
}
"""Command -> the module in this package with the function, or the group, of that name; in the order of the help."""


def command(name: str) -> Any:
    """What Typer makes of the command's function, or of its group of commands."""
    group = getattr(import_module(f"qlikops.cli.{COMMANDS[name]}"), name)
    if not isinstance(group, typer.Typer):
        function = group
        group = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        group.command(cls=PlainCommand)(shaped(function))
    made = typer.main.get_command(group)
    made.name = name
    return made


class _Commands(CommandGroup):
    """The one place where an error becomes a message on stderr and an exit code."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        made = json.loads(TREE.read_bytes())["commands"]
        # One that is new is not there yet: what writes it asks here for its name.
        words = {name: made[name]["help"] if name in made else "" for name in COMMANDS}
        self.commands = {
            name: TyperCommand(name, help=text if text.endswith("?") else f"{text}.") for name, text in words.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, where `commands` has only what the help lists."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, name and command(name), rest

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Reads what comes before the command."""
        try:
            return super().make_context(*args, **extra)
        except SHOWN_BY_CLICK as exc:
            _say_wrong_line(exc)
            raise typer.Exit(exc.exit_code) from exc

    def main(self, *args: Any, **extra: Any) -> Any:
        streams.prepare()
        try:
            return super().main(*args, **extra)
        except streams.OutputFailed as exc:
            output.say(f"Standard output takes nothing: {exc.strerror}.")
            sys.exit(ExitCode.FAILURE)
        finally:
            streams.finish()

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
        except SHOWN_BY_CLICK as exc:
            _say_wrong_line(exc)
            ctx.exit(exc.exit_code)
        except Exception as exc:
            from qlikops.cli.fault import ends_outside, report

            if ends_outside(exc):
                raise
            report(exc, invocation(ctx).environ)
            ctx.exit(ExitCode.FAILURE)


def _say_wrong_line(error: Any) -> None:
    """Writes an error in the form of all errors, or the help if that is all that is wanted."""
    if not getattr(error, "message", "").startswith("Usage:"):
        text, hint = of_parser(error)
        output.say(f"Failed: {text}\n{hint}")
    else:
        error.show()


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
    profile: Annotated[str, takes("NAME", "AWS profile.")] = "",
    region: Annotated[str, takes("REGION", "AWS Region.")] = "",
    stack: Annotated[str, takes("NAME", "CloudFormation stack.")] = "",
    endpoint_url: Annotated[str, takes("URL", "Where AWS is not AWS.")] = "",
    no_pager: Annotated[bool, switch("Do not put long output through $PAGER, or less.", "--no-pager")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does all
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    given = {"profile": profile, "region": region, "stack": stack, "endpoint_url": endpoint_url}
    ctx.obj = replace(invocation(ctx), context_name=context, options=given, is_paged=not no_pager)


def main() -> None:
    """Runs the command line."""
    app()
