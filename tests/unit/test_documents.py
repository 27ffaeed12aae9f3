from __future__ import annotations

import re
from pathlib import Path

import pytest

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
