from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import qlikops.agent
from qlikops.cli import completion, settings
from qlikops.deployment.choices import read_choices
from qlikops.resources import resource
from tests.documents import DOCS, PAGES, SCHEMA, completion_text, config_schema_text, schema_text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_code_is_current(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "make docs"


def test_the_schema_of_the_deployment_file_is_current() -> None:
    assert SCHEMA.read_text() == schema_text(), "make docs"


def test_what_shell_completion_knows_of_the_commands_is_current() -> None:
    assert completion.TREE.read_text() == completion_text(), "make docs"


def test_the_schema_of_config_toml_is_that_of_what_reads_it() -> None:
    assert settings.SCHEMA.read_text() == config_schema_text(), "make docs"


def test_every_alarm_has_its_place_in_the_runbook() -> None:
    alarms = re.findall(r"^  (\w+)Alarm:$", resource("deploy", "template.yaml").read_text(), re.MULTILINE)
    runbook = (DOCS / "runbook.md").read_text()
    assert len(alarms) == 6
    assert sorted(re.findall(r"^### (\w+)$", runbook, re.MULTILINE)) == sorted(alarms)
    told = re.findall(r'docs/runbook\.md, "(\w+)"', resource("deploy", "template.yaml").read_text())
    assert sorted(told) == sorted(alarms)


def test_the_deployment_file_of_the_pages_is_accepted(tmp_path: Path) -> None:
    page = (DOCS / "how-to" / "install.md").read_text()
    (block,) = re.findall(r"^```toml\n(#:schema.*?)^```$", page, re.DOTALL | re.MULTILINE)
    file = tmp_path / "qlikops.deploy.toml"
    file.write_text(block)
    assert read_choices(file).parameters()["RunEverySeconds"] == "300"


def rooms_of_the_agent() -> list[set[str]]:
    """The modules and packages of `qlikops.agent` as import-linter orders them, one set for each layer."""
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each.get("containers") == ["qlikops.agent"])
    return [set(re.findall(r"\w+", layer)) for layer in layers]


def in_layers(named: list[str]) -> Iterator[set[str]]:
    """`named` cut into sets as large as the layers, for a comparison that leaves the order within one free."""
    for layer in rooms_of_the_agent():
        yield set(named[: len(layer)])
        named = named[len(layer) :]
    yield set(named)


def test_the_agents_own_words_name_its_rooms_in_their_order() -> None:
    sentence = (qlikops.agent.__doc__ or "").partition(" import-linter ")[0]
    assert [*in_layers(re.findall(r"`(\w+)`", sentence))] == [*rooms_of_the_agent(), set()]


def test_the_page_of_the_architecture_names_the_agents_rooms_in_their_order() -> None:
    page = (DOCS / "concepts" / "architecture.md").read_text()
    _, _, table = page.partition("| room of `qlikops/agent` |")
    first_cells = re.findall(r"^\| (.*?) \|", table.partition("\n\n")[0], re.MULTILINE)
    named = [name for cell in first_cells for name in re.findall(r"`(\w+)(?:/|\.py)`", cell)]
    assert [*in_layers(named)] == [*rooms_of_the_agent(), set()]
