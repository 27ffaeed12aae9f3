from __future__ import annotations

import json
from pathlib import Path

import pytest

from qlikops import __version__
from qlikops.cli import fault
from qlikops.config import DATA_VARIABLE
from qlikops.domain.errors import UsageError

SECRET = "AAAAKgAAAAIAAAAAAAAAAS-token-of-a-task"


def crash() -> Exception:
    """As one may happen: a parser that quotes what it was given, inside something that was told no better."""
    password = SECRET
    try:
        try:
            json.loads(f'{{"password": {password}')
        except ValueError as exc:
            raise KeyError(password) from exc
    except KeyError as exc:
        return exc
    raise AssertionError


def test_a_crash_report_says_where_and_which_versions_and_no_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault.report(crash(), {DATA_VARIABLE: str(tmp_path), "TERM": "xterm\x1b[2J"})
    path = tmp_path / fault.FILE
    text = path.read_text()
    assert str(path) in capsys.readouterr().err
    assert f"qlikops {__version__}" in text
    assert "textual 8" in text
    assert "builtins.KeyError" in text
    assert "json.decoder.JSONDecodeError" in text
    assert "test_fault.py" in text
    assert SECRET not in text
    assert "\x1b" not in text
    assert str(Path(__file__).parent) not in text


def test_an_error_in_the_programs_own_words_keeps_them() -> None:
    assert "UsageError: no such context" in fault.crash_report(UsageError("no such context"), {})
    assert "AttributeError: 'int' object" in fault.crash_report(AttributeError("'int' object has no attribute"), {})


def test_a_report_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    fault.report(crash(), {DATA_VARIABLE: str(tmp_path / "file")})
    assert "builtins.KeyError" in capsys.readouterr().err
