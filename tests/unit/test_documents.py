from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qlikops.cli import completion
from qlikops.deployment.choices import read_choices
from qlikops.resources import resource
from tests.commands import root
from tests.documents import DOCS, PAGES, SCHEMA, completion_text, schema_text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_code_is_current(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "make docs"


def test_the_schema_of_the_deployment_file_is_current() -> None:
    assert SCHEMA.read_text() == schema_text(), "make docs"


def test_what_shell_completion_knows_of_the_commands_is_current() -> None:
    assert completion.TREE.read_text() == completion_text(), "make docs"


def shell_lines() -> Iterator[tuple[str, list[str]]]:
    """Every `qlikops …` in the shell blocks of README and docs, with the page it stands on."""
    for page in (DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))):
        for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE):
            for line in block.splitlines():
                if line.startswith("qlikops "):
                    yield page.name, shlex.split(line, comments=True)[1:]


def test_what_the_pages_tell_people_to_type_exists() -> None:
    lines = list(shell_lines())
    assert len(lines) > 15
    top: Any = root()
    for page, words in lines:
        command, spellings = top, {spelling for each in top.params for spelling in each.opts}
        for word in words:
            if word in getattr(command, "commands", {}):
                command = command.commands[word]
                spellings |= {spelling for each in command.params for spelling in each.opts}
            elif word.startswith("-") and word != "-":
                assert word in spellings, (page, words)
        assert not getattr(command, "commands", {}), (page, words)


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


def test_links_between_pages_lead_somewhere() -> None:
    for page in (DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md", *DOCS.rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)
