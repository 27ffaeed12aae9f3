"""config."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import typer

from qlikops.aws.configuration import described
from qlikops.aws.errors import aws_errors
from qlikops.cli import output
from qlikops.cli.context import ContextOption, JsonOption, invocation
from qlikops.cli.login import mfa_entry
from qlikops.config import BUILT_IN, Settings, config_path, data_dir
from qlikops.domain.errors import CredentialsProblem
from qlikops.presentation.table import Column
from qlikops.presentation.tone import Span, Tone, outside
from qlikops.tui.keys import actions, keymap
from qlikops.tui.themes import check_theme


def _from_aws(profile: str) -> dict[str, dict[str, Any]]:
    """What holds of the AWS configuration, by setting or variable; nothing where it has no such profile."""
    try:
        with aws_errors("read the AWS configuration"):
            return {each.name: {"value": each.value, "origin": each.origin} for each in described(profile)}
    except CredentialsProblem:
        return {}  # mfa_session says it


def config(ctx: typer.Context, context: ContextOption = None, as_json: JsonOption = False) -> None:
    """Show each setting's value and where it came from, those of AWS's own configuration and environment too."""
    here = invocation(ctx)
    chosen = here.context(context)
    settings: dict[str, dict[str, Any]] = {
        setting.name: {"value": getattr(chosen.settings, setting.name), "origin": chosen.origin(setting.name)}
        for setting in fields(Settings)
    }
    aws = {} if chosen.local else _from_aws(chosen.settings.profile)
    for name in ("profile", "region"):
        if not getattr(chosen.settings, name) and name in aws:
            settings[name] = aws.pop(name)
    settings["mfa_session"] = mfa_entry(here, chosen)
    files = {"config_file": str(config_path(here.environ)), "data_folder": str(data_dir(here.environ))}
    check_theme(chosen.settings.theme)
    moved = keymap(chosen.keys)
    keys = {
        action.id: {
            "value": moved.get(action.id, ",".join(action.keys)),
            "origin": "config.toml [keys]" if action.id in moved else BUILT_IN,
        }
        for action in sorted(actions().values(), key=lambda action: action.id)
        if not action.is_fixed
    }
    if as_json:
        context_entry = {"value": chosen.name, "origin": chosen.chosen_by}
        output.write_json({"context": context_entry, **settings, "aws": aws, "keys": keys, **files})
        return
    shown = {
        "context": {"value": chosen.name, "origin": chosen.chosen_by},
        **settings,
        **{name if name.isupper() else f"aws.{name}": entry for name, entry in aws.items()},
        **{f"keys.{action}": entry for action, entry in keys.items()},
    }
    output.write_table(
        (Column("name", "Setting", 26), Column("value", "Value", 32), Column("origin", "From", 42)),
        [
            {
                "name": Span(name),
                "value": outside("–" if entry["value"] == "" else entry["value"], cap=300),
                "origin": outside(entry["origin"], Tone.MUTED, 300),
            }
            for name, entry in shown.items()
        ],
    )
    for name, path in files.items():
        output.say(f"{name.replace('_', ' ')}: {path}")
