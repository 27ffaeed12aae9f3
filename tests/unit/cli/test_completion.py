"""What a shell is offered at Tab: commands, options, choices, the names that commands saw; never anything to run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer._completion_shared import get_completion_script

from qlikops.cli.completion import FILE, FRESH_SECONDS, REMEMBERED, TREE, VARIABLE, answer, offers, remembered
from qlikops.cli.context import Invocation
from qlikops.cli.remembering import MOST, remember
from qlikops.domain.fleet.task import ServerFacts, ServerState, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from tests.fakes import Clock, FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.domain.samples import NOON, WAITING

NODES: Any = json.loads(TREE.read_bytes())


@pytest.fixture
def words(environ: dict[str, str], clock: Clock) -> Any:
    """What is offered after a command line."""

    def offered(line: str, later: float = 0) -> list[str]:
        *before, begun = line.split(" ")
        found = offers(before, begun, NODES, environ, clock.now().timestamp() + later)
        return [offer.word for offer in found]

    return offered


def test_commands_options_and_choices(words: Any) -> None:
    assert words("appr") == ["approvals", "approve"]
    assert words("known ex") == ["explain"]
    assert words("approve x --re") == ["--reason"]
    assert words("approvals --sort ex") == ["expires"]
    assert words("-c local approve --no") == ["--no-wait"]
    assert words("approve --yes --no") == ["--no-wait"]
    assert words("nothing --") == [name for name in NODES["options"] if name.startswith("--")]
    assert words("doctor ") == []


def test_names_come_from_what_commands_showed(run: Run, environment: FakeEnvironment, words: Any) -> None:
    assert words("approve ") == []
    run("approvals", "--json")
    assert words("approve ") == words("deny 0") == words("show ") == [WAITING.approval_id]
    assert words("approve ", FRESH_SECONDS) == []
    environment.approvals.records.clear()
    run("approvals")
    assert words("approve ") == []
    run("known", "--built-in")
    assert "oracle-missing-logfile" in words("known show oracle-m")
    environment.approvals.records[WAITING.approval_id] = WAITING
    run("approvals")
    assert words("approve ") == [WAITING.approval_id]


def test_what_is_planned_or_quiet_is_named_to_end_it(run: Run, environment: FakeEnvironment, words: Any) -> None:
    facts = TaskFacts(TaskKey("default", "eu", "orders"), TaskState.RUNNING, StopReason.NONE)
    servers = (ServerFacts("default", "eu", ServerState.MONITORED),)
    work = Plan("plan-0123456789", Scope(("eu",)), NOON, NOON + timedelta(hours=1), "patching", "bob", "run-1", NOON)
    environment.fleet.latest = FleetSnapshot(NOON, "run-1", servers, (TaskSnapshot(facts),), plans=(work,))
    for command in ("plan", "tasks", "approvals"):
        run(command)
    assert words("plan end ") == [work.plan_id]
    assert sorted(words("lift ")) == [WAITING.approval_id, "orders", work.plan_id]
    assert words("plan add --server ") == ["eu"]


@pytest.mark.usefixtures("two_contexts")
def test_a_context_has_names_of_its_own(run: Run, words: Any) -> None:
    run("approvals", "--context", "all")
    assert words("approve ") == words("approve --context eu ") == words("-c eu approve ") == [WAITING.approval_id]
    assert words("approve -c us ") == []
    assert words("approve -c ") == ["eu", "us", "local", "default"]


def test_every_kind_of_name_is_written_by_some_command() -> None:
    taken: set[str] = set()

    def walk(node: Any) -> None:
        taken.update(each for each in (*node["options"].values(), *node["arguments"]) if isinstance(each, str))
        for each in node["commands"].values():
            walk(each)

    walk(NODES)
    assert taken >= REMEMBERED.keys() | {"CONTEXT"}


@pytest.mark.parametrize(
    "name", ["$(id)", "a';id;'", "-x", "a\\$(id)", "`id`", 'a"b', "a\nb", "a\u202eb", "", "a" * 200, "a;b"]
)
def test_what_a_shell_would_run_is_neither_kept_nor_offered(
    invocation: Invocation, environ: dict[str, str], name: str
) -> None:
    remember(invocation, "x", "tasks", {name: name, "Bestände 7%": name})
    assert list(remembered(environ)["x"]["tasks"][1]) == ["Bestände 7%"]
    path = Path(environ["QLIKOPS_DATA_DIR"]) / FILE
    path.write_text(json.dumps({"x": {"tasks": [2**40, {name: name}]}}))
    line = {"COMP_WORDS": "qlikops task ", "COMP_CWORD": "2", "_TYPER_COMPLETE_ARGS": "qlikops task "}
    for shell in ("bash", "zsh"):
        assert answer({**environ, **line, VARIABLE: f"complete_{shell}"}) in ("", "_files")
    path.write_text(json.dumps({"x": {"tasks": [2**40, {"orders": name}]}}))
    about = answer({**environ, **line, VARIABLE: "complete_zsh"}).removeprefix('_arguments \'*: :(("orders"')
    assert not set("$`\\\n;") & set(about)
    assert about.count("'") == 1


def test_kept_are_so_many_and_for_nobody_else(invocation: Invocation, environ: dict[str, str]) -> None:
    for number in range(30):
        remember(invocation, f"context-{number}", "tasks", {f"task-{task}": "x" * 500 for task in range(2 * MOST)})
    path = Path(environ["QLIKOPS_DATA_DIR"]) / FILE
    assert path.stat().st_mode & 0o077 == 0
    assert path.stat().st_size < 3_000_000
    kept = remembered(environ)
    assert len(kept["context-29"]["tasks"][1]) == MOST
    assert "context-0" not in kept


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a": 1}', '{"a": {"tasks": 3}}', '{"a": {"tasks": ["x", {}]}}', "\xff"]
)
def test_what_cannot_be_read_offers_nothing(environ: dict[str, str], text: str, words: Any) -> None:
    path = Path(environ["QLIKOPS_DATA_DIR"]) / FILE
    path.parent.mkdir()
    path.write_text(text, encoding="latin-1")
    Path(environ["QLIKOPS_CONFIG"]).write_text("contexts = 3 3")
    assert words("approve ") == []
    assert words("-c ") == ["local", "default"]


def test_each_shell_gets_its_form(environ: dict[str, str]) -> None:
    line = {"COMP_WORDS": "qlikops\nappr", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "qlikops appr"}
    said = {shell: answer({**environ, **line, VARIABLE: f"complete_{shell}"}) for shell in ("bash", "zsh", "fish")}
    assert said["bash"] == "approvals\napprove"
    assert said["zsh"].startswith('_arguments \'*: :(("approvals":"List what waits')
    assert said["fish"].splitlines()[1].startswith("approve\tApprove a proposal")
    open_quote = {**environ, VARIABLE: "complete_bash", "COMP_WORDS": "qlikops 'appr", "COMP_CWORD": "1"}
    assert answer(open_quote) == ""


def test_bash_completes_and_typer_is_not_imported(tmp_path: Path) -> None:
    """The lines that `--show-completion` prints, in a bash, with a `qlikops` that says what it imported."""
    program = (
        f"#!{sys.executable}\nimport sys\nfrom qlikops.__main__ import main\n"
        "try:\n    main()\nfinally:\n    assert not {'typer', 'boto3', 'rich', 'pydantic'} & sys.modules.keys()\n"
    )
    (tmp_path / "qlikops").write_text(program)
    (tmp_path / "qlikops").chmod(0o700)
    script = get_completion_script(prog_name="qlikops", complete_var=VARIABLE, shell="bash")  # noqa: S604 - a name
    asked = f'{script}\nCOMP_WORDS=(qlikops kn)\nCOMP_CWORD=1\n_qlikops_completion qlikops\necho "${{COMPREPLY[@]}}"'
    path = os.pathsep.join((str(tmp_path), os.defpath))
    env = {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path), "QLIKOPS_DATA_DIR": str(tmp_path)}
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True, env=env)
    assert (done.stdout, done.stderr) == ("known\n", "")
