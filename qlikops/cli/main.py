"""The `qlikops` command: knows the commands by name, and turns errors into words and exit codes.

A command's module is imported when it is run, or asked for its own help: the list of commands must not wait for what
deploys, nor the console. What this and the other tricks of starting save is listed in CONTRIBUTING.md.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from qlikops import __version__, streams
from qlikops.cli import output
from qlikops.cli.coercion import PlainCommand
from qlikops.cli.context import ContextOption, invocation, with_options
from qlikops.cli.exit_codes import ExitCode, of_error
from qlikops.cli.names import Group, of_parser
from qlikops.cli.shape import shaped
from qlikops.domain.errors import QlikopsError

SHOWN_BY_CLICK: Any = typer.BadParameter.__mro__[2]
"""ClickException: Typer has a click of its own by now, and does not say where."""
COMMANDS = {
    "tui": ("console", "Open the console."),
    "approvals": ("approvals", "List what waits for a decision, the most urgent first."),
    "approve": ("deciding", "Approve a proposal and wait for the outcome."),
    "deny": ("deciding", "Deny a proposal: nothing is restarted."),
    "claim": ("deciding", "Tell the others that you are looking at it, or at several."),
    "executions": ("executions", "List executions, newest first, with what each found and did."),
    "show": ("executions", "Show executions, approvals, or a saved history."),
    "run": ("executions", "Start a run now, as the schedule would."),
    "stop": ("executions", "Abort an execution."),
    "redrive": (
        "executions",
        "Run the rest of a failed, timed-out or aborted execution again, where nothing can be asked or done twice.",
    ),
    "tasks": ("fleet", "List every task as the last run saw it, those with something wrong first."),
    "task": (
        "fleet",
        "Show one task: how it is, what is wrong, why it is left alone, its latency, what was decided earlier.",
    ),
    "reports": ("fleet", "List the runs that have a report, newest first, with what each found and came to."),
    "report": ("fleet", "Show a run's report, or what was decided over weeks."),
    "handover": (
        "handover",
        "Print the shift: what waits, what was decided by whom and how it ended, what is kept quiet, what runs.",
    ),
    "plan": (
        "planning",
        "Planned work: for a time, what it covers is looked at as always, and neither proposed on nor told.",
    ),
    "lift": (
        "planning",
        "End what keeps a task quiet: a snooze, the time after a denial, a cooldown; or planned work.",
    ),
    "decisions": (
        "decisions",
        "List the proposals of a shift: what waits, who decided what, how it ended, whether it lasted, until when its "
        "tasks are muted.",
    ),
    "probe": ("probe", "Have Enterprise Manager test an endpoint now: does the Replicate server get into it?"),
    "known": ("known", "Known failures: what the agent recognises in a message, and what it says to look at first."),
    "exam": (
        "exam",
        "Examine an evaluator: what it approves that it must not, what it refuses that passes, what it costs.",
    ),
    "demo": ("demo", "Start everything on this machine, no AWS account needed, and open the console."),
    "deploy": ("deploy", "Deploy to AWS, or update what is deployed: shows what changes, asks, then does it."),
    "schedule": (
        "schedule",
        "Set when the monitoring runs; without options, show that with the last run and about the next.",
    ),
    "doctor": ("doctor", "Look a deployment over, from this identity to the last run, and say what to do."),
    "destroy": ("destroy", "Take qlikops out of the account: the schedule first, then what runs, then the stack."),
    "login": (
        "login",
        "Keep a Qlik account in the system keyring, for `deploy --qlik-login`; or an AWS session with a second factor.",
    ),
    "logout": ("login", "Forget the Qlik accounts and the MFA session of a context on this machine."),
    "config": (
        "settings",
        "Show each setting's value and where it came from, those of AWS's own configuration and environment too.",
    ),
    "local": ("local", "The whole of qlikops on this machine: an embedded AWS and a simulated Qlik fleet."),
}
"""Command -> the module in this package with the function, or the group, of that name, and the first sentence of its
help; in the order of the help.
"""


def command(name: str) -> Any:
    """What Typer makes of the command's function, or of its group of commands."""
    group = getattr(import_module(f"qlikops.cli.{COMMANDS[name][0]}"), name)
    if not isinstance(group, typer.Typer):
        function = group
        group = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        group.command(cls=PlainCommand)(shaped(function))
    made = typer.main.get_command(group)
    made.name = name
    return made


class _Commands(Group):
    """The one place where an error becomes a message on stderr and an exit code."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.commands = {name: TyperCommand(name, help=text) for name, (_, text) in COMMANDS.items()}

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
    """In the form of all errors; where the help is all that is wanted, that."""
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
    profile: Annotated[str, typer.Option(metavar="NAME", help="AWS profile.")] = "",
    region: Annotated[str, typer.Option(metavar="REGION", help="AWS Region.")] = "",
    stack: Annotated[str, typer.Option(metavar="NAME", help="CloudFormation stack.")] = "",
    endpoint_url: Annotated[str, typer.Option(metavar="URL", help="Where AWS is not AWS.")] = "",
    no_pager: Annotated[
        bool, typer.Option("--no-pager", help="Do not put long output through $PAGER, or less.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback does all
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    given = {"profile": profile, "region": region, "stack": stack, "endpoint_url": endpoint_url}
    with_options(ctx, context, given, is_paged=not no_pager)


def main() -> None:
    """Runs the command line."""
    app()
