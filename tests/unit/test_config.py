"""Which context is chosen, and which of several values for a setting wins."""

from __future__ import annotations

import ast
import functools
import json
import socket
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import qlikops
from qlikops.config import Context, Settings, console_contexts, endpoint_answers, local_status_path, resolve_context
from qlikops.domain.errors import NotFound, UsageError

STATUS = {
    "endpoint_url": "http://127.0.0.1:4566",
    "region": "eu-west-1",
    "stack": "qlikops",
    "state_machine_arn": "arn:aws:states:eu-west-1:000000000000:stateMachine:QlikMonitoringAgent",
    "table": "ledger",
    "bucket": "data",
    "qlik": {"base_url": "http://127.0.0.1:1"},
    "pids": {"aws": 1},
}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"QLIKOPS_CONFIG": str(tmp_path / "config.toml"), "QLIKOPS_DATA_DIR": str(tmp_path)}


def write_config(environ: dict[str, str], text: str) -> None:
    Path(environ["QLIKOPS_CONFIG"]).write_text(text)


def write_status(environ: dict[str, str], text: str | None = None) -> None:
    path = local_status_path(environ)
    path.parent.mkdir()
    path.write_text(json.dumps(STATUS) if text is None else text)


def resolve(environ: dict[str, str], name: str | None = None, *, answers: bool = True, **options: object) -> Context:
    return resolve_context(name, options, environ=environ, answers=lambda _: answers)


@pytest.mark.parametrize("name", [each.name for each in fields(Settings)])
def test_a_setting_is_read(name: str) -> None:
    assert name in settings_read(), f"nothing of the operator's side goes by settings.{name}"


@functools.cache
def settings_read() -> frozenset[str]:
    """The attributes of what is called `settings` outside Lambda and outside the module that declares them."""
    package = Path(qlikops.__path__[0])

    def within(text: str) -> Iterator[str]:
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Attribute(attr=name, value=ast.Name(id="settings") | ast.Attribute(attr="settings")):
                    yield name

    paths = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in ("agent", "config.py")]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return frozenset(name for text in texts if "settings." in text for name in within(text))


def test_contexts_are_chosen_in_this_order(environ: dict[str, str]) -> None:
    assert resolve(environ).name == "default"
    write_status(environ)
    assert resolve(environ, answers=False).name == "default"
    assert resolve(environ).name == "local"
    write_config(environ, 'default_context = "c"\n[contexts.c]\n[contexts.e]\n[contexts.o]\n')
    assert resolve(environ).name == "c"
    environ["QLIKOPS_CONTEXT"] = "e"
    assert resolve(environ).name == "e"
    assert resolve(environ, "o").name == "o"


THREE = 'console_contexts = ["a", "b"]\n[contexts.a]\n[contexts.b]\n[contexts.c]\n'


@pytest.mark.parametrize(
    ("named", "chosen"),
    [
        ((), ("a", "b")),
        (("c",), ("c",)),
        (("c", "a", "c"), ("c", "a")),
        (("all",), ("a", "b", "c")),
        (("local", "all"), ("local", "a", "b", "c")),
    ],
)
def test_the_contexts_of_one_console(environ: dict[str, str], named: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    write_config(environ, THREE)
    assert console_contexts(named, environ=environ) == chosen


def test_without_a_word_about_several_there_is_one_console_context(environ: dict[str, str]) -> None:
    assert console_contexts((), environ=environ) == ()
    write_config(environ, THREE)
    assert console_contexts((), environ={**environ, "QLIKOPS_CONTEXT": "c"}) == ()


@pytest.mark.parametrize("setting", ["profile", "region", "stack", "endpoint_url"])
def test_what_would_make_several_contexts_one_place_is_refused(environ: dict[str, str], setting: str) -> None:
    write_config(environ, THREE)
    variable = f"QLIKOPS_{setting.upper()}"
    with pytest.raises(UsageError, match=f"{variable} would mean the same place in all of a, b"):
        console_contexts((), environ={**environ, variable: "x"})
    with pytest.raises(UsageError, match=f"--{setting.replace('_', '-')} would mean"):
        console_contexts((), {setting: "x"}, environ=environ)
    assert console_contexts(("a",), {setting: "x"}, environ=environ) == ("a",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('console_contexts = "a"', "console_contexts: must be an array, not str"),
        ("console_contexts = [1]", r"console_contexts\[0\] = 1: must be a text"),
    ],
)
def test_console_contexts_that_are_no_names_are_refused(environ: dict[str, str], text: str, says: str) -> None:
    write_config(environ, text)
    with pytest.raises(UsageError, match=says):
        console_contexts((), environ=environ)


def test_all_of_no_contexts_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="no context to show"):
        console_contexts(("all",), environ=environ)


def test_only_what_the_person_named_is_explicit(environ: dict[str, str]) -> None:
    write_config(environ, 'default_context = "c"\n[contexts.c]\n')
    assert not resolve(environ).is_explicit
    assert resolve(environ, "c").is_explicit
    environ["QLIKOPS_CONTEXT"] = "c"
    assert resolve(environ).is_explicit


def test_options_win_over_environment_over_file_over_built_in(environ: dict[str, str]) -> None:
    write_config(environ, '[contexts.c]\nprofile = "f"\nregion = "f"\nstack = "f"\n')
    environ |= {"QLIKOPS_REGION": "e", "QLIKOPS_STACK": "e"}
    context = resolve(environ, "c", stack="o", profile=None)
    settings = context.settings
    assert (settings.profile, settings.region, settings.stack, settings.theme) == ("f", "e", "o", "")
    assert [context.origin(name) for name in ("profile", "region", "stack", "theme")] == [
        "config.toml [contexts.c]",
        "environment QLIKOPS_REGION",
        "option --stack",
        "built in",
    ]


@pytest.mark.parametrize(("text", "expected"), [("1", True), ("yes", True), ("False", False), ("off", False)])
def test_read_only_from_the_environment(environ: dict[str, str], text: str, expected: bool) -> None:
    environ["QLIKOPS_READ_ONLY"] = text
    assert resolve(environ).settings.read_only is expected


def test_read_only_that_is_neither(environ: dict[str, str]) -> None:
    environ["QLIKOPS_READ_ONLY"] = "maybe"
    with pytest.raises(UsageError, match="QLIKOPS_READ_ONLY"):
        resolve(environ)


def test_how_the_console_behaves_comes_from_the_context_too(environ: dict[str, str]) -> None:
    write_status(environ)
    write_config(environ, "[contexts.prod]\nhold_seconds = 10\n")
    assert resolve(environ, "prod").settings.hold_seconds == 10
    assert resolve(environ, "local").settings.hold_seconds == 3
    assert resolve({**environ, "QLIKOPS_HOLD_SECONDS": "0"}, "local").settings.hold_seconds == 0
    assert not resolve({**environ, "QLIKOPS_BELL": "off"}, "local").settings.bell


def test_a_hold_that_is_no_whole_number_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="QLIKOPS_HOLD_SECONDS"):
        resolve({**environ, "QLIKOPS_HOLD_SECONDS": "-1"})
    for value in ("-1", "true", '"3"'):
        write_config(environ, f"[contexts.prod]\nhold_seconds = {value}\n")
        with pytest.raises(UsageError, match=r"contexts\.prod\.hold_seconds = .*: must be "):
            resolve(environ, "prod")


def test_the_local_context_is_what_the_environment_says_of_itself(environ: dict[str, str]) -> None:
    write_status(environ)
    environ |= {"QLIKOPS_REGION": "us-east-1", "QLIKOPS_READ_ONLY": "1", "QLIKOPS_PROFILE": "prod"}
    context = resolve(environ, "local", endpoint_url="http://elsewhere")
    assert context.local is not None
    assert context.local.table == "ledger"
    settings = context.settings
    assert (settings.region, settings.endpoint_url, settings.profile) == ("eu-west-1", STATUS["endpoint_url"], "")
    assert settings.read_only
    assert context.origin("region") == "the local environment's status.json"


def test_the_local_context_has_its_settings_before_it_runs(environ: dict[str, str]) -> None:
    environ |= {"QLIKOPS_HOLD_SECONDS": "0", "QLIKOPS_REGION": "us-east-1"}
    context = resolve_context("local", environ=environ, even_down=True)
    assert (context.local, context.settings.hold_seconds, context.settings.region) == (None, 0, "")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"endpoint_url": 3}'])
def test_a_half_written_status_is_no_local_environment(environ: dict[str, str], text: str) -> None:
    write_status(environ, text)
    assert resolve(environ).name == "default"
    with pytest.raises(NotFound, match="not running"):
        resolve(environ, "local")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("z = 1", "z: no such setting; there are commands, console_contexts, contexts, default_context, filters, keys"),
        ("[contexts.c]\ncolour = 1", "contexts.c.colour: no such setting; there are bell, endpoint_url"),
        ("[contexts.c]\nregion = 1", "contexts.c.region = 1: must be a text"),
        ("[contexts.c]\nread_only = 'yes'", "contexts.c.read_only = 'yes': must be true or false"),
        ("[contexts]\nc = 1", r"contexts.c: must be an object \(a table in TOML\), not int"),
        ("default_context = 1", "default_context = 1: must be a text"),
        (
            "[contexts.c]\nendpoint_url = 'ftp://me:hidden@h'",
            "contexts.c.endpoint_url: must be an http",
        ),
        ("[contexts.c]\nnotices = 'loud'", "notices = 'loud': must be one of auto, off, osc9, osc777, osc99"),
        ("[contexts.c]\nnotify_from = 'bad'", "notify_from = 'bad': must be one of warning, info, critical"),
        ('[contexts.c]\nnotify_command = "say \'it"', "notify_command = .*: is no command line"),
        ("[keys]\napprove = 1", "keys.approve = 1: must be a text"),
        ("[commands.t]\nkey = 'f6'\nrun = 'x {tsak}'", r"commands\.t\.run = .*: there is no {tsak}"),
        (
            "[filters.f]\nfilter = 'a'\nwhere = 'x'",
            r"filters\.f\.where = 'x': must be one of inbox, shift, fleet, executions",
        ),
        ("= 1", "cannot be read"),
    ],
)
def test_a_wrong_config_file_is_refused_by_name(environ: dict[str, str], text: str, says: str) -> None:
    write_config(environ, text)
    with pytest.raises(UsageError, match=says) as caught:
        resolve(environ, "c")
    assert environ["QLIKOPS_CONFIG"] in caught.value.message
    assert "hidden" not in caught.value.message


def test_an_endpoint_answers_while_something_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert endpoint_answers(url)
    assert not endpoint_answers(url)
