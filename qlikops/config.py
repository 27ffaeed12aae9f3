"""Which environment to talk to, and where each setting of it came from.

Options win over `QLIKOPS_*` variables, those over the context's table in config.toml, that over what AWS's own
environment variables and profiles say (`qlikops/aws/configuration.py`): a context names a place, which a variable that
was set for another tool must not move. What is left is built in.
Two contexts need no file: `local`, described by the running local environment's status file, and `default`, the
ordinary AWS credentials chain with the stack `qlikops`.
"""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, fields, replace
from pathlib import Path
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.settings import UNQUOTED, ConfigError, check_ranges, number, one_of
from qlikops.domain.errors import NotFound, UsageError
from qlikops.domain.own_command import OwnCommand
from qlikops.domain.saved_filter import SavedFilter
from qlikops.domain.words.address import http_address
from qlikops.domain.words.naming import did_you_mean
from qlikops.domain.words.text import harmless
from qlikops.files import MissingFile, UnreadableFile, read_json, read_toml, shown
from qlikops.places import APP as APP
from qlikops.places import CONFIG_VARIABLE as CONFIG_VARIABLE
from qlikops.places import DATA_VARIABLE as DATA_VARIABLE
from qlikops.places import config_path as config_path
from qlikops.places import data_dir as data_dir

LOCAL = "local"
DEFAULT = "default"
ALL = "all"
"""Stands in place of a context's name for every context of config.toml."""
BUILT_IN = "built in"
CONTEXT_VARIABLE = "QLIKOPS_CONTEXT"
"""Which context to use."""
_ANSWER_SECONDS = 0.5
_PLACES = ("profile", "region", "stack", "endpoint_url")
"""Settings that say where a context is."""
LONGEST_HOLD_SECONDS = 3600
_MOST_DIGITS = 9
_TRUTHS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set for a context."""

    profile: str = ""
    """An AWS profile; empty for the chain's own choice."""
    region: str = ""
    """AWS Region; empty for the one of the profile or of the environment."""
    stack: str = "qlikops"
    """Name of the CloudFormation stack."""
    endpoint_url: str = ""
    """URL of an AWS emulator, instead of AWS."""
    read_only: bool = False
    """Whether nothing may be changed in it: the console hides all keys that change something."""
    theme: str = ""
    """Theme of the console; empty for the one that was chosen last."""
    hold_seconds: int = number(3, 0, LONGEST_HOLD_SECONDS)
    """Seconds between your key and the sending of a decision, in which Esc cancels it."""
    bell: bool = True
    """Whether the console rings for what is told."""
    notices: str = one_of(("auto", "off", "osc9", "osc777", "osc99"))
    """The form in which the console has the terminal show a desktop notice; `auto` goes by the terminal."""
    notify_from: str = one_of(("warning", "info", "critical"))
    """The least severity of what rings, is shown as a notice, and is told to `notify_command`."""
    notify_command: str = ""
    """A program and its arguments, which no shell reads; the console gives it each event as JSON on stdin."""
    mouse: bool = True
    """Whether the console takes the mouse; if not, the terminal selects text with it."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a value out of range, and for an address that is none."""
        check_ranges(self)
        try:
            shlex.split(self.notify_command)
        except ValueError as exc:
            raise ConfigError("notify_command", self.notify_command, f"is no command line ({exc})") from exc
        try:
            if self.endpoint_url:
                http_address(self.endpoint_url)
        except ValueError as exc:
            allowed = "must be an http or https address, such as http://127.0.0.1:4566"
            raise ConfigError("endpoint_url", UNQUOTED, allowed) from exc


@dataclass(frozen=True, slots=True)
class LocalConnection:
    """What of the local environment's status file the operator's side needs."""

    endpoint_url: str
    region: str
    stack: str
    state_machine_arn: str
    table: str
    bucket: str


@dataclass(frozen=True, slots=True)
class Context:
    """One environment, chosen and settled."""

    name: str
    settings: Settings = Settings()
    origins: Mapping[str, str] = field(default_factory=dict)
    """Setting -> where its value came from; those not in it are built in."""
    chosen_by: str = BUILT_IN
    """What named this context."""
    local: LocalConnection | None = None
    """Set for `local`: its resources are known and its credentials are dummies."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Action of the console -> key, as config.toml has it for all contexts; the console checks it."""
    commands: Mapping[str, OwnCommand] = field(default_factory=dict)
    """Name -> command of the person's own on a key of the console, for all contexts."""
    filters: Mapping[str, SavedFilter] = field(default_factory=dict)
    """Name -> filter of one of the console's lists, for all contexts."""

    @property
    def is_explicit(self) -> bool:
        """Whether the person named it, so that it need not be said again."""
        return self.chosen_by.startswith(("option", "environment"))

    def origin(self, setting: str) -> str:
        """Where the value of `setting` came from."""
        return self.origins.get(setting, BUILT_IN)


def endpoint_answers(url: str) -> bool:
    """Whether something listens there."""
    try:
        parts = http_address(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), _ANSWER_SECONDS):
            return True
    except (OSError, ValueError):
        return False


def local_status_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the running local environment describes itself."""
    return data_dir(environ) / "local" / "status.json"


def resolve_context(
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    answers: Callable[[str], bool] = endpoint_answers,
    even_down: bool = False,
) -> Context:
    """The context to use: the one named, or the first that applies, with its settings.

    `options` are settings given on the command line; None and False among them count as not given. Raises UsageError
    for a broken file or value, NotFound for a context that is not there; with `even_down` the local one need not be
    running, and `Context.local` is None then.
    """
    config = _read_config(config_path(environ))
    status = _read_local_status(local_status_path(environ))
    chosen, chosen_by = _choose(name, config, status, environ, answers)
    given = {f"--{key.replace('_', '-')}": (key, value) for key, value in (options or {}).items() if value}
    layers: list[dict[str, tuple[Any, str]]] = [
        {key: (value, f"config.toml [contexts.{chosen}]") for key, value in config.contexts.get(chosen, {}).items()},
        _from_environment(environ),
        {key: (value, f"option {option}") for option, (key, value) in given.items()},
    ]
    if chosen == LOCAL and status is None and not even_down:
        raise NotFound("The local environment is not running.", "Start it with: qlikops local up")
    if chosen not in (*config.contexts, LOCAL, DEFAULT):
        known = sorted({*config.contexts, LOCAL, DEFAULT})
        hint = f"There are: {', '.join(known)}. Contexts live in {config.path}."
        raise NotFound(f"There is no context {chosen!r}.", " ".join(filter(None, (did_you_mean(chosen, known), hint))))
    file = config.file
    context = Context(chosen, chosen_by=chosen_by, keys=file.keys, commands=file.commands, filters=file.filters)
    return _settled_locally(context, status, layers) if chosen == LOCAL else _settled(context, layers)


def console_contexts(
    names: Sequence[str], options: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """The contexts for a console over several: those named, else `console_contexts` of config.toml.

    Empty where neither says, or the environment names one: then there is one, and `resolve_context` chooses it.
    Raises UsageError where a setting given for this once would make all of them one and the same.
    """
    config = _read_config(config_path(environ))
    if not names and not environ.get(CONTEXT_VARIABLE):
        names = config.file.console_contexts
    expanded = [each for name in names for each in (config.contexts if name == ALL else (name,))]
    found = tuple(dict.fromkeys(expanded))
    if ALL in names and not found:
        raise UsageError("There is no context to show.", f"Contexts live in {config.path}.")
    given = {key: f"--{key.replace('_', '-')}" for key, value in (options or {}).items() if value}
    given |= {key: origin.removeprefix("environment ") for key, (_, origin) in _from_environment(environ).items()}
    for setting in _PLACES if len(found) > 1 else ():
        if setting in given:
            raise UsageError(
                f"{given[setting]} would mean the same place in all of {', '.join(found)}.",
                "Put it into the table of one of them in config.toml, or choose one context.",
            )
    return found


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What config.toml may hold."""

    default_context: str = ""
    """The context of every command that names none."""
    console_contexts: tuple[str, ...] = ()
    """The contexts that the console shows if none is named; `all` for every one in this file."""
    contexts: Mapping[str, Settings] = field(default_factory=dict)
    """Name of a context -> its settings."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Action of the console -> the key that does it, or several with commas between."""
    commands: Mapping[str, OwnCommand] = field(default_factory=dict)
    """Name -> a command of your own on a key of the console."""
    filters: Mapping[str, SavedFilter] = field(default_factory=dict)
    """Name -> a filter of a list, on a key if it names one."""


@dataclass(frozen=True, slots=True)
class _Config:
    path: Path
    file: ConfigFile
    contexts: Mapping[str, Mapping[str, Any]]
    """Settings as they are written: which of them a context has decides between it, the environment and options."""


def _choose(
    name: str | None,
    config: _Config,
    status: LocalConnection | None,
    environ: Mapping[str, str],
    answers: Callable[[str], bool],
) -> tuple[str, str]:
    if name:
        return name, "option --context"
    if named := environ.get(CONTEXT_VARIABLE):
        return named, f"environment {CONTEXT_VARIABLE}"
    if config.file.default_context:
        return config.file.default_context, "config.toml default_context"
    if status is not None and answers(status.endpoint_url):
        return LOCAL, "the running local environment"
    return DEFAULT, BUILT_IN


def _settled_locally(
    context: Context, status: LocalConnection | None, layers: list[dict[str, tuple[Any, str]]]
) -> Context:
    described = ("region", "stack", "endpoint_url") if status is not None else ()
    says = {name: (getattr(status, name), "the local environment's status.json") for name in described}
    # What the running environment says of itself is not for anybody to override, and no profile applies to it.
    own = ("read_only", "theme", "hold_seconds", "bell", "notices", "notify_from", "notify_command", "mouse")
    chosen = [{key: layer[key] for key in own if key in layer} for layer in layers]
    return _settled(replace(context, local=status), [says, *chosen])


def _settled(context: Context, layers: list[dict[str, tuple[Any, str]]]) -> Context:
    values: dict[str, Any] = {}
    origins = dict(context.origins)
    for layer in layers:
        for key, (value, origin) in layer.items():
            values[key] = value
            origins[key] = origin
    try:
        return replace(context, settings=replace(context.settings, **values), origins=origins)
    except ConfigError as exc:
        raise UsageError(f"{origins[exc.key]}: {exc}.", "`qlikops config` lists every setting.") from exc


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for setting in fields(Settings):
        variable = f"QLIKOPS_{setting.name.upper()}"
        text = environ.get(variable, "")
        if not text:
            continue
        value: Any = text
        if isinstance(setting.default, bool):
            value = _TRUTHS.get(text.lower())
            if value is None:
                raise UsageError(
                    f"{variable}={harmless(text, 40)} is neither true nor false.", f"Write one of {', '.join(_TRUTHS)}."
                )
        elif isinstance(setting.default, int):
            if not text.isdecimal() or len(text) > _MOST_DIGITS:
                raise UsageError(
                    f"{variable}={harmless(text, 40)} is not a whole number, zero or more, of {_MOST_DIGITS} digits at "
                    "most."
                )
            value = int(text)
        found[setting.name] = (value, f"environment {variable}")
    return found


def checked(data: Mapping[str, Any], path: Path) -> ConfigFile:
    """`data` of the config.toml at `path`. Raises UsageError for a key that there is not, and for a wrong value."""
    try:
        return codec.read_settings(ConfigFile, data)
    except ConfigError as exc:
        raise UsageError(f"{shown(path)}: {exc}.") from exc


def _read_config(path: Path) -> _Config:
    try:
        data = read_toml(path, hint=f"Put it right, or name another file in {CONFIG_VARIABLE}.")
    except MissingFile:
        data = {}
    return _Config(path, checked(data, path), data.get("contexts", {}))


def _read_local_status(path: Path) -> LocalConnection | None:
    """None where there is none, or one that is half written: an environment that isn't up yet is not there yet."""
    try:
        return codec.decode(LocalConnection, read_json(path))
    except (UnreadableFile, codec.CodecError):
        return None
