"""local up, down, status, env."""

from __future__ import annotations

from typing import Annotated

import typer

from qlikops.cli import output
from qlikops.cli.coercion import PlainCommand
from qlikops.cli.context import JsonOption, invocation, shaped, takes
from qlikops.cli.durations import duration
from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.interrupts import ending_interrupts
from qlikops.cli.names import CommandGroup
from qlikops.domain.errors import UsageError
from qlikops.domain.words.duration import format_duration, to_second
from qlikops.domain.words.text import harmless
from qlikops.local.environment import LocalEnvironment, LocalOptions, exports
from qlikops.local.state import LocalState, LocalStatus

local = typer.Typer(
    cls=CommandGroup,
    help="The whole of qlikops on this machine: an embedded AWS and a simulated Qlik fleet. Every `up` starts afresh.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

ScenarioOption = Annotated[str, takes("NAME", "What the simulated fleet goes through.")]
SeedOption = Annotated[int, takes("N", "The same seed gives the same fleet.")]
TimeoutOption = Annotated[str, takes("T", "How long an approval waits for its decision.")]
RateOption = Annotated[str, takes("R", "How often the monitoring runs.")]
ModelUrlOption = Annotated[
    str,
    takes("URL", "Have a model on this OpenAI-style server (Ollama, vLLM) evaluate, instead of the rules."),
]
ModelOption = Annotated[str, takes("NAME", "Which model there; not needed if there is one.")]


def options(
    scenario: str, seed: int, approval_timeout: str, rate: str, model_url: str = "", model: str = ""
) -> LocalOptions:
    """The options as given. Raises UsageError for a timeout that is none, and for a model without its server."""
    if model and not model_url:
        raise UsageError("--model needs --model-url.")
    seconds = int(duration("--approval-timeout", approval_timeout).total_seconds())
    return LocalOptions(scenario, seed, seconds, rate, model_url, model)


@local.command(cls=PlainCommand)
@shaped
def up(
    ctx: typer.Context,
    scenario: ScenarioOption = "demo",
    seed: SeedOption = 1,
    approval_timeout: TimeoutOption = "1h",
    rate: RateOption = "1m",
    model_url: ModelUrlOption = "",
    model: ModelOption = "",
    as_json: JsonOption = False,
) -> None:
    """Start the local environment in the background. One that runs already is left as it is."""
    chosen = options(scenario, seed, approval_timeout, rate, model_url, model)
    with ending_interrupts():
        running, started = local_environment(ctx).up(chosen, output.say)
    output.say("The local environment runs." if started else "The local environment runs already; nothing was changed.")
    _write(running, as_json=as_json)


@local.command(cls=PlainCommand)
def down(ctx: typer.Context) -> None:
    """End the local environment and remove what it kept."""
    ended = local_environment(ctx).down(output.say)
    output.say("The local environment is down." if ended else "The local environment was not running.")


@local.command(cls=PlainCommand)
@shaped
def status(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Say whether the local environment runs, and how to reach it. Exit codes: 0 it runs, 3 it doesn't."""
    _write(_running(ctx), as_json=as_json)


@local.command(cls=PlainCommand)
def env(ctx: typer.Context) -> None:
    """Print shell lines that point the AWS CLI at the local environment: eval "$(qlikops local env)"."""
    output.write(exports(_running(ctx)))


def local_environment(ctx: typer.Context) -> LocalEnvironment:
    """The local environment of this invocation's data folder."""
    return LocalEnvironment(LocalState.default(invocation(ctx).environ))


def _running(ctx: typer.Context) -> LocalStatus:
    here = local_environment(ctx)
    running = here.status()
    if running is not None:
        return running
    if parts := here.parts():
        pids = ", ".join(str(part.pid) for part in parts)
        output.say(f"The local environment is not complete, but parts of it run (processes {pids}).")
        output.say("A `qlikops local up` is at work, or was killed; `qlikops local down` ends them.")
    else:
        output.say("The local environment is not running. Start it with: qlikops local up")
    raise typer.Exit(ExitCode.NOT_FOUND)


def _write(running: LocalStatus, *, as_json: bool) -> None:
    if as_json:
        output.write_json(running)
        return
    lines = {
        "AWS endpoint": running.endpoint_url,
        "State machine": running.state_machine_arn,
        "Table": running.table,
        "Schedule": running.schedule,
        "Qlik": running.qlik.base_url,
        "Qlik login": f"{running.qlik.username} / {running.qlik.password} (simulated)",
        "Scenario": running.scenario,
        "Evaluator": harmless(running.evaluator),
        "Approvals": f"wait {format_duration(running.approval_timeout_seconds)}",
        "Processes": ", ".join(f"{name} {pid}" for name, pid in running.pids.items()),
        "Since": f"{to_second(running.started_at)}",
    }
    for label, text in lines.items():
        output.write(f"{label:<14} {text}")
