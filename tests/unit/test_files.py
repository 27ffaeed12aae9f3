"""Whatever lies where a file is expected: an error of ours that names the file and quotes nothing of it, or a value."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from qlikops.domain.errors import QlikopsError
from qlikops.files import (
    STDIN,
    MissingFile,
    UnreadableFile,
    UnwritableFile,
    read_json,
    read_stdin_line,
    read_text,
    read_toml,
    replace_text,
    set_aside,
    shown,
)
from tests.unit.zoo import CONTENTS, zoo

KINDS = [*CONTENTS, "missing", "a folder", "a pipe that nobody writes into", "a link to itself", "below a file"]
KINDS += ["too long a name", "a NUL in its name", "a device", "a device without an end"]


def test_every_kind_is_in_the_list(tmp_path: Path) -> None:
    assert sorted(zoo(tmp_path)) == sorted(KINDS)


def _problem(read: Callable[[Path], object], path: Path) -> UnreadableFile | None:
    try:
        read(path)
    except UnreadableFile as error:
        return error
    return None


@pytest.mark.parametrize("read", [read_text, read_json, read_toml])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_or_named(tmp_path: Path, read: Callable[[Path], object], kind: str) -> None:
    path = zoo(tmp_path)[kind]
    problem = _problem(read, path)
    if problem is not None:
        assert shown(path) in problem.message
        assert problem.message.endswith(".")
        assert len(problem.message) < 400
    before = CONTENTS.get(kind)
    assert before is None or path.read_bytes() == before


def test_a_byte_order_mark_is_no_part_of_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text("\ufeffanswer = 42\n", encoding="utf-8")
    assert read_toml(path) == {"answer": 42}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\ufeffpassword\r\n".encode())))
    assert read_stdin_line() == "password"


def test_a_secret_is_in_no_message_and_no_cause(tmp_path: Path) -> None:
    path = tmp_path / "qlik.json"
    path.write_text('{"password": "hunter2", }')
    with pytest.raises(UnreadableFile) as caught:
        read_json(path)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there is no /dev/fd here")
def test_a_pipe_that_somebody_writes_into_is_read_to_its_end() -> None:
    """As a shell hands over what `<(a command)` prints."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "w") as file:
            file.write("x" * 100_000)

    writer = threading.Thread(target=write)
    try:
        writer.start()
        assert len(read_text(Path(f"/dev/fd/{reading}"))) == 100_000
    finally:
        os.close(reading)
        writer.join(60)


def test_standard_input_may_be_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    with pytest.raises(UnreadableFile, match="Standard input cannot be read: it is no text in UTF-8"):
        read_text(STDIN)
    for gone in (None, io.TextIOWrapper(io.BytesIO())):
        if gone is not None:
            gone.close()
        monkeypatch.setattr(sys, "stdin", gone)
        with pytest.raises(UnreadableFile, match="it is closed"):
            read_text(STDIN)


def test_missing_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        read_text(tmp_path / "missing")


@pytest.mark.parametrize("kind", ["below a file", "too long a name", "a NUL in its name", "a folder"])
def test_what_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    path = zoo(tmp_path / "zoo")[kind]
    before = sorted(os.listdir(tmp_path / "zoo"))
    with pytest.raises(UnwritableFile) as caught:
        replace_text(path, "text")
    assert isinstance(caught.value, QlikopsError)
    assert "cannot be written" in caught.value.message
    assert sorted(os.listdir(tmp_path / "zoo")) == before


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    replace_text(path, "before")
    with pytest.raises(UnwritableFile):
        replace_text(path, "\ud800")  # what the file's encoding refuses half way, as a full disk would
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["kept"]


def test_set_aside_is_moved_or_left(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    aside = set_aside(tmp_path / "x")
    assert aside is not None
    assert aside.read_text() == "mine"
    assert set_aside(tmp_path / "x") is None
