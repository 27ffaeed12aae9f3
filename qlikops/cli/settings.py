"""config."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, JsonOption, invocation
from qlikops.cli.login import mfa_entry
from qlikops.config import Settings, config_path, data_dir


def config(ctx: typer.Context, context: ContextOption = None, as_json: JsonOption = False) -> None:
    """Show each setting's value and where it came from."""
    here = invocation(ctx)
    chosen = here.context(context)
    settings: dict[str, dict[str, Any]] = {
        setting.name: {"value": getattr(chosen.settings, setting.name), "origin": chosen.origin(setting.name)}
        for setting in fields(Settings)
    }
    settings["mfa_session"] = mfa_entry(here, chosen)
    files = {"config_file": str(config_path(here.environ)), "data_folder": str(data_dir(here.environ))}
    if as_json:
        output.write_json({"context": {"value": chosen.name, "origin": chosen.chosen_by}, **settings, **files})
        return
    from qlikops.presentation.tone import Column, Span, Tone, outside

    shown = {"context": {"value": chosen.name, "origin": chosen.chosen_by}, **settings}
    output.write_table(
        (Column("name", "Setting", 12), Column("value", "Value", 32), Column("origin", "From", 42)),
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
