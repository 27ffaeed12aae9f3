"""The `qlikops` command: registers the commands and turns errors into words and exit codes.

Everything imported here is paid for by `qlikops --help`, so nothing here or in the command modules' heads imports
boto3, textual or rich; a test holds that.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from qlikops import __version__
from qlikops.cli import (
    approvals,
    console,
    demo,
    deploy,
    destroy,
    doctor,
    executions,
    fleet,
    handover,
    local,
    login,
    output,
    schedule,
    settings,
)
from qlikops.cli.context import ContextOption, with_options
from qlikops.cli.exit_codes import ExitCode, of_error
from qlikops.domain.errors import QlikopsError


class _Commands(TyperGroup):
    """The one place where an error becomes a message on stderr and an exit code."""

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


app = typer.Typer(
    name="qlikops",
    cls=_Commands,
    help="On-call console for Qlik Replicate: see what waits, decide it, watch what becomes of it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

for command in (
    console.tui,
    approvals.approvals,
    approvals.approve,
    approvals.deny,
    approvals.claim,
    executions.executions,
    executions.show,
    executions.run,
    executions.stop,
    executions.redrive,
    fleet.tasks,
    fleet.task,
    fleet.reports,
    fleet.report,
    handover.handover,
    demo.demo,
    deploy.deploy,
    schedule.schedule,
    doctor.doctor,
    destroy.destroy,
    login.login,
    login.logout,
    settings.config,
):
    app.command()(command)
app.add_typer(local.app, name="local")


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
