"""Data as YAML: whatever it is, a reader of YAML gets the same back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.yaml import to_yaml
from tests.unit.cli.conftest import Run
from tests.unit.domain.samples import WAITING

yaml: Any = pytest.importorskip("yaml")
OTHERWISE = (
    "yes",
    "No",
    "null",
    "~",
    "1",
    "1.5",
    "-",
    "- a",
    "a: b",
    "a #b",
    "2026-03-07",
    "",
    " a",
    "a ",
    "é\u2028",
    "=",
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(OTHERWISE)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


def test_it_reads_well() -> None:
    value = {
        "id": "a1b2",
        "tasks": [{"name": "orders", "at": "2026-03-07"}, {"name": "stock", "tags": []}],
        "share": 1.5,
    }
    assert to_yaml(value) == (
        'id: a1b2\ntasks:\n  - name: orders\n    at: "2026-03-07"\n  - name: stock\n    tags: []\nshare: 1.5'
    )


def test_every_command_with_data_writes_it(run: Run) -> None:
    written = run("approvals", "--format", "yaml").stdout
    assert yaml.safe_load(written) == json.loads(run("approvals", "--json").stdout)
    picked = run("approvals", "--json", "approval_id", "--format", "yaml").stdout
    assert picked == f"- approval_id: {json.dumps(WAITING.approval_id)}\n"
    one = run("show", WAITING.approval_id, "--format", "yaml").stdout
    assert yaml.safe_load(one) == json.loads(run("show", WAITING.approval_id, "--json").stdout)
    assert run("show", WAITING.approval_id, "--format", "csv").exit_code == ExitCode.USAGE
    for path in (("config",), ("known", "--built-in"), ("handover",)):
        assert yaml.safe_load(run(*path, "--format", "yaml").stdout) == json.loads(run(*path, "--json").stdout)
