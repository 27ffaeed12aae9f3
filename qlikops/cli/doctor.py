"""doctor."""

from __future__ import annotations

import typer

from qlikops.aws.session import AwsConnection
from qlikops.cli import output
from qlikops.cli.context import Invocation, JsonListOption
from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.shape import current
from qlikops.deployment.doctor import Doctor, Examined, Health
from qlikops.deployment.login import Logins
from qlikops.deployment.schedule import Scheduler
from qlikops.deployment.stack import Stack
from qlikops.presentation.table import Column, ColumnOf, TableOf
from qlikops.presentation.tone import Section, Span, Tone, line, outside


def doctor(here: Invocation, as_json: JsonListOption = False) -> None:
    """Look a deployment over, from this identity to the last run, and say what to do. Changes nothing.

    Exit codes: 0 all is well, 11 something should be looked at, 1 something does not work.
    """
    target = here.context()
    connection = AwsConnection(target)
    findings = list(
        Doctor(
            connection,
            lambda: Stack(connection.cloudformation, target.settings.stack, sleep=here.sleep),
            lambda: Scheduler(connection.scheduler, now=here.now),
            Logins(here.keyring, target.name, here.environ),
            here.now,
        ).examine()
    )
    if as_json:
        output.write_json(findings)
    else:
        tones = {
            Health.OK: Tone.GOOD,
            Health.SKIPPED: Tone.MUTED,
            Health.WARNING: Tone.WARNING,
            Health.FAILED: Tone.DANGER,
        }
        columns = (
            ColumnOf[Examined](Column("health", "", 7), lambda each: Span(each.health, tones[each.health])),
            ColumnOf[Examined](Column("check", "Check", 11), lambda each: Span(each.check)),
            ColumnOf[Examined](Column("text", "Found", 90), lambda each: outside(each.text, cap=300)),
        )
        output.write_rows(TableOf(columns), findings)
        to_do = [
            line(each.check, outside(each.hint, cap=600))
            for each in findings
            if each.hint and each.health is not Health.OK
        ]
        if to_do and not current().is_csv:
            output.write("")
            output.write_sections([Section("What to do", tuple(to_do))])
    worst = {each.health for each in findings}
    if Health.FAILED in worst:
        raise typer.Exit(ExitCode.FAILURE)
    if Health.WARNING in worst:
        raise typer.Exit(ExitCode.WARNINGS)
