"""One value of config.toml changed in place."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.config import ConfigFile
from qlikops.config_change import set_value
from qlikops.domain.errors import UsageError

WRITTEN = """# mine
console_contexts = ["prod"] # both

[contexts.prod] # Frankfurt
region = "eu-west-1" # where it is
hold_seconds = 5

[keys]
approve = "f5"
"""


def nothing_more(_: ConfigFile) -> None:
    pass


def changed(path: Path, key: str, text: str) -> Any:
    return set_value(path, key, text, nothing_more)


def test_what_the_person_wrote_stays(tmp_path: Path) -> None:
    file, link = tmp_path / "kept.toml", tmp_path / "config.toml"
    file.write_text(WRITTEN)
    link.symlink_to(file)
    assert changed(link, "contexts.prod.region", "eu-central-1") == "eu-central-1"
    assert file.read_text() == WRITTEN.replace("eu-west-1", "eu-central-1")
    assert link.is_symlink()
    changed(link, "default_context", "prod")
    changed(link, "contexts.test.read_only", "true")
    changed(link, 'contexts."a.b".stack', "7")
    text = file.read_text()
    assert all(comment in text for comment in ("# mine", "# both", "# Frankfurt", "# where it is"))
    read = tomllib.loads(text)
    assert read["default_context"] == "prod"
    assert read["contexts"] == {
        "prod": {"region": "eu-central-1", "hold_seconds": 5},
        "test": {"read_only": True},
        "a.b": {"stack": "7"},
    }


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "config.toml"
    changed(file, "contexts.prod.hold_seconds", "9")
    assert file.read_text() == "[contexts.prod]\nhold_seconds = 9\n"


@pytest.mark.parametrize(
    ("key", "text", "complaint"),
    [
        ("contexts.prod.hold_seconds", "soon", "must be"),
        ("contexts.prod.hold_seconds", "99999", "99999"),
        ("contexts.prod.regoin", "x", "regoin"),
        ("contexts.prod.region.x", "x", "contexts.prod.region is a value"),
        ("", "x", "no key"),
        ("a = 1\nb", "x", "no key"),
        ("contexts", "x", "must be"),
    ],
)
def test_what_the_file_cannot_hold_is_refused(tmp_path: Path, key: str, text: str, complaint: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(WRITTEN)
    with pytest.raises(UsageError, match=complaint):
        changed(file, key, text)
    assert file.read_text() == WRITTEN


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_is_read_back_as_it_was_given(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "config.toml"
    file.write_text('contexts = {prod = {region = "x"}}\nkeys.approve = "f5"\n')
    value = changed(file, "contexts.prod.stack", text)
    assert tomllib.loads(file.read_bytes().decode())["contexts"]["prod"] == {"region": "x", "stack": value}
