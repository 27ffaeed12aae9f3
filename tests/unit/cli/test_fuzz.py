"""Command lines nobody would write, on machines nobody would set up: one line of ours each time, never a fault.

Nearly nothing of what there is to try is listed here. Commands and options come from the command tree, settings from
`qlikops.config`, files from the zoo: what is added is fuzzed by itself. A test holds the list of variables to the code.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from qlikops.cli.context import Invocation
from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.main import app
from qlikops.config import CONFIG_VARIABLE, CONTEXT_VARIABLE, DATA_VARIABLE, Settings
from qlikops.deployment.login import VARIABLES as ACCOUNT
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionStatus, ExecutionSummary
from tests.commands import root
from tests.fakes import Clock, FakeApprovals, FakeEnvironment, FakeExecutions, FakeFleet
from tests.unit.domain.samples import NOON, WAITING
from tests.unit.zoo import CONTENTS, zoo

ROOT = Path(__file__).parents[3]
TEXTS = [
    *("", " ", "-", "--", "x", "X" * 5000, "\u202eabc", "\x1b[31m", "a\nb", "…", "%s", "%", "'", '"', "ß", "\ud800"),
    *("0", "-1", "1", "99999999999999999999", "9" * 5000, "1e999", "NaN", "٣", "²", "0x10", "1_000"),
    *("5m", "1h30m", "0s", "999999d", "9" * 20 + "d", "9" * 5000 + "s", "99999999999999999999m", "3650d", "3651d"),
    *("http://[", "http://", "http://x:99999", "http://a..b", "https://u:p@x/", "ftp://x", "http://\u00e4", "//x"),
    *("all", "local", "default", "nobody", WAITING.approval_id, WAITING.approval_id[:3], "feed", "run-1"),
    *("arn:aws:states:eu-west-1:1:execution:x:y", "arn:", "key:value", "!x", "risk:", '"', "a=b", "=", "true", "maybe"),
    *("0/10 6-20 ? * MON-FRI *", "1 2 3 4 5 6", "* * * * * 99999999999", "Europe/Berlin", "../../etc/passwd"),
]
EXAMPLES = int(os.environ.get("FUZZ", "15"))
"""For each command; `make fuzz` tries more."""
BOUNDED: Mapping[tuple[str, ...], tuple[str, ...]] = {("exam",): ("--limit=3",)}
"""What comes before the options of a command that could take seconds; one that says otherwise counts."""
PLAIN = st.sampled_from(TEXTS)
WORDS = st.one_of(PLAIN, PLAIN, st.text(max_size=20))
VARIABLES: tuple[str, ...] = (
    *(CONFIG_VARIABLE, DATA_VARIABLE, CONTEXT_VARIABLE),
    *(f"QLIKOPS_{setting.name.upper()}" for setting in fields(Settings)),
    *ACCOUNT.values(),
    # Whether keys come from the shell, where programs are, and what kind of screen this is.
    *("AWS_ACCESS_KEY_ID", "PATH", "TERM", "SSH_CONNECTION", "SSH_TTY", "DISPLAY", "TMUX", "WAYLAND_DISPLAY"),
    *("PAGER", "VISUAL", "EDITOR", "TERM_PROGRAM", "LC_TERMINAL", "KITTY_WINDOW_ID", "WT_SESSION", "VTE_VERSION"),
    # What a shell asks at Tab.
    *("COMP_WORDS", "COMP_CWORD", "_TYPER_COMPLETE_ARGS", "_TYPER_COMPLETE_FISH_ACTION"),
)
"""Every variable of the environment that the operator's side reads itself. Libraries read more: AWS_*, NO_COLOR,
COLUMNS, LINES, XDG_*, LANG.
"""


@dataclass(frozen=True)
class Command:
    """One command of the tree."""

    path: tuple[str, ...]
    params: tuple[Any, ...] = field(repr=False)


@dataclass(frozen=True)
class Trial:
    """A command line, its surroundings, and what is piped into it."""

    args: list[str]
    environ: dict[str, str]
    given: bytes


def commands() -> Iterator[Command]:
    """Every command that does something, with what it takes."""

    def walk(found: Any, path: tuple[str, ...]) -> Iterator[Command]:
        if not hasattr(found, "commands"):
            yield Command(path, tuple(found.params))
            return
        for name in found.commands:
            yield from walk(found.commands[name], (*path, name))

    yield from walk(root(), ())


COMMANDS = list(commands())
# Typer's own options about completion ask which shell the parent is, and end there.
HEAD = tuple(p for p in root().params if p.name not in ("install_completion", "show_completion"))


def some_options(draw: Callable[..., Any], params: tuple[Any, ...], files: Mapping[str, Path]) -> Iterator[str]:
    """A few of `params`, each with a value that may be one; arguments always."""
    for param in params:
        is_option = param.param_type_name == "option"
        if param.name in ("help", "version") or (is_option and not param.required and draw(st.integers(0, 4))):
            continue
        if not is_option:
            yield draw(value_of(param, files))
        elif getattr(param, "is_flag", False):
            yield param.opts[0]
        else:
            yield f"{param.opts[0]}={draw(value_of(param, files))}"


def value_of(param: Any, files: Mapping[str, Path]) -> st.SearchStrategy[str]:
    """What one might give for `param`."""
    if param.metavar == "FILE":
        return st.sampled_from([str(path) for path in files.values()])
    kind = param.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.one_of(st.sampled_from([str(each.value) for each in kind]), PLAIN)
    return WORDS


def broken_surroundings(draw: Callable[..., Any], files: Mapping[str, Path]) -> dict[str, str]:
    """Variables, of which any may make no sense; the data folder is one in which nothing starts."""
    home = files["a folder"]
    variables = {
        CONFIG_VARIABLE: str(draw(st.sampled_from(list(files.values()))))
        if draw(st.booleans())
        else str(home / "none"),
        # Never a folder that could be used: `local up` would start what it says.
        DATA_VARIABLE: str(draw(st.sampled_from([home / "file", files["below a file"], files["a device"]]))),
    }
    for name in VARIABLES:
        if name not in variables and not draw(st.integers(0, 5)):
            variables[name] = draw(PLAIN)
    # Not this machine's own: vi waits a second before it works without a terminal.
    return {"EDITOR": "true", **variables}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


class _Enough:
    """A sleep that is interrupted the third time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left = 3

    def __call__(self, seconds: float) -> None:
        self._clock.seconds += seconds
        self._left -= 1
        if not self._left:
            raise KeyboardInterrupt


def run(trial: Trial) -> Any:
    """The command line on a fake environment."""
    clock = Clock(NOON)
    summary = ExecutionSummary("arn:run-1", "run-1", ExecutionStatus.RUNNING, NOON)
    environment = FakeEnvironment(
        FakeApprovals(clock, {WAITING.approval_id: WAITING}),
        FakeExecutions([summary], [ExecutionDetail(summary, None)]),
        FakeFleet(FleetSnapshot(NOON, "run-1", (), ())),
    )
    invocation = Invocation(
        environ=trial.environ,
        open_environment=lambda _: environment,
        answers=lambda _: False,
        is_terminal=lambda: False,
        keyring=lambda: None,
        now=clock.now,
        monotonic=clock.monotonic,
        sleep=_Enough(clock),
    )
    return CliRunner().invoke(app, trial.args, obj=invocation, input=trial.given)


@st.composite
def trials(draw: Callable[..., Any], command: Command, files: Mapping[str, Path]) -> Trial:
    """A command line for `command`, now and then with options before it."""
    head = list(some_options(draw, HEAD, files)) if not draw(st.integers(0, 3)) else []
    options = some_options(draw, command.params, files)
    args = [*head, *command.path, *BOUNDED.get(command.path, ()), *options]
    given = draw(st.sampled_from([b"", b"secret\n", b"\xff\xfe", b"\x00"]))
    return Trial(args, broken_surroundings(draw, files), given)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.path))
def test_a_command_line_ends_in_words(command: Command, files: Mapping[str, Path]) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # a failure names its command line, which is short enough
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(trials(command, files))
    def ends_in_words(trial: Trial) -> None:
        done = run(trial)
        assert done.exception is None or isinstance(done.exception, SystemExit), trial
        assert done.exit_code in set(ExitCode), trial
        said = done.stdout + done.stderr
        assert "Fault:" not in said, (trial, said)
        assert "Traceback" not in said, trial
        assert done.exit_code == ExitCode.OK or done.stderr.strip(), trial

    ends_in_words()
    # Whatever made no sense is still there: it may be put right by hand.
    assert {name: files[name].read_bytes() for name in CONTENTS} == CONTENTS


def test_what_is_read_of_the_environment_is_in_the_list() -> None:
    read: set[str] = set()
    for path in (ROOT / "qlikops").rglob("*.py"):
        if path.parts[len(ROOT.parts) + 1] in ("agent", "qlik"):
            continue  # a Lambda's environment is the template's to set
        read |= set(re.findall(r"""environ(?:\.get\(|\[)\s*["']([A-Z_]+)["']""", path.read_text(encoding="utf-8")))
    ours = {CONFIG_VARIABLE, DATA_VARIABLE, CONTEXT_VARIABLE}
    ours |= {f"QLIKOPS_{setting.name.upper()}" for setting in fields(Settings)}
    assert read | ours | set(ACCOUNT.values()) == set(VARIABLES)
