"""config, config path, config set, config edit, config schema."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from qlikops.aws.configuration import described
from qlikops.aws.errors import aws_errors
from qlikops.cli import output
from qlikops.cli.coercion import PlainCommand
from qlikops.cli.context import Invocation, JsonListOption, argument, invocation, shaped
from qlikops.cli.editing import edit, editor
from qlikops.cli.login import mfa_entry
from qlikops.cli.names import group
from qlikops.config import BUILT_IN, ConfigFile, Settings, checked, config_path, data_dir
from qlikops.config_change import set_value
from qlikops.domain.errors import CredentialsProblem
from qlikops.files import read_toml
from qlikops.files import shown as shown_path
from qlikops.presentation.table import Column, ColumnOf, TableOf
from qlikops.presentation.tone import Span, Tone, outside
from qlikops.tui.keys import actions, keymap, own_keys
from qlikops.tui.themes import check_theme

SCHEMA = Path(__file__).with_name("config.schema.json")
"""Made from the classes that config.toml is read with."""


def _from_aws(profile: str) -> dict[str, dict[str, Any]]:
    """What holds of the AWS configuration, by setting or variable; nothing where it has no such profile."""
    try:
        with aws_errors("read the AWS configuration"):
            return {each.name: {"value": each.value, "origin": each.origin} for each in described(profile)}
    except CredentialsProblem:
        return {}  # mfa_session says it


config = group(
    "Show each setting's value and where it came from, those of AWS's own configuration and environment too."
)


@config.callback()
@shaped
def _settings(ctx: typer.Context, here: Invocation, as_json: JsonListOption = False) -> None:
    """Show each setting's value and where it came from, those of AWS's own configuration and environment too."""
    if ctx.invoked_subcommand:
        return
    chosen = here.context()
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
    columns = (
        ColumnOf[str](Column("name", "Setting", 26), Span),
        ColumnOf[str](Column("value", "Value", 32), lambda name: outside(shown[name]["value"], cap=300)),
        ColumnOf[str](Column("origin", "From", 42), lambda name: outside(shown[name]["origin"], Tone.MUTED, 300)),
    )
    output.write_rows(TableOf(columns), shown)
    for name, path in files.items():
        output.say(f"{name.replace('_', ' ')}: {path}")


@config.command(cls=PlainCommand)
def path(ctx: typer.Context) -> None:
    """Say where config.toml lies, or would: for an editor, as in `vi "$(qlikops config path)"`."""
    output.write(str(config_path(invocation(ctx).environ)))


@config.command("set", cls=PlainCommand)
def set_(
    ctx: typer.Context,
    key: Annotated[str, argument("KEY", "As config.toml has it: default_context, contexts.NAME.region.")],
    value: Annotated[str, argument("VALUE", "Its value; a text needs no quotes of its own.")],
) -> None:
    """Set one value in config.toml, which keeps its comments; what it cannot hold is refused."""
    file = config_path(invocation(ctx).environ)
    written = set_value(file, key, value, also=_check_for_console)
    output.say(f"{key} = {json.dumps(written, ensure_ascii=False)} in {shown_path(file)}")


@config.command("edit", cls=PlainCommand)
def edit_(ctx: typer.Context) -> None:
    """Open config.toml in $VISUAL, $EDITOR or vi. What it cannot hold is refused, and kept beside it."""
    here = invocation(ctx)
    file = config_path(here.environ)

    def check(draft: Path) -> None:
        _check_for_console(checked(read_toml(draft), file))

    def again(why: str) -> bool:
        output.say(f"Not taken: {why}")
        return here.is_terminal() and typer.confirm("Edit it again?", default=True, err=True)

    changed = edit(file, editor(here.environ), check, again)
    output.say(f"{shown_path(file)} {'is changed' if changed else 'is as it was'}.")


@config.command(cls=PlainCommand)
def schema(ctx: typer.Context) -> None:  # noqa: ARG001 - every command takes it
    """Print the JSON schema of config.toml, with which editors complete and check it."""
    output.write(SCHEMA.read_text(encoding="utf-8").rstrip("\n"))


def _check_for_console(file: ConfigFile) -> None:
    """Raises UsageError for what the console would refuse when it opens."""
    own_keys(file.commands, keymap(file.keys))
    for each in file.contexts.values():
        check_theme(each.theme)
