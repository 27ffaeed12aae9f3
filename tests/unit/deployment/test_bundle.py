"""The bundle: the agent, whole, small, and the same twice."""

from __future__ import annotations

import ast
import io
import json
import os
import zipfile
from pathlib import Path

from qlikops.agent.diagnosis.library import Library, built_in
from qlikops.deployment.bundle import build_bundle, bundled_files


def names() -> list[str]:
    return zipfile.ZipFile(io.BytesIO(build_bundle().data)).namelist()


def test_is_byte_identical_when_built_twice_whatever_the_files_times() -> None:
    first = build_bundle()
    source = bundled_files()[0]
    times = source.stat()
    os.utime(source, (times.st_atime, times.st_mtime + 100))
    try:
        second = build_bundle()
    finally:
        os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert first.data == second.data
    assert first.key == f"bundle/{first.sha256}.zip"


def test_is_under_a_megabyte() -> None:
    assert len(build_bundle().data) < 1_000_000


def test_holds_the_agent_and_what_it_imports_in_order() -> None:
    assert names() == sorted(names())
    assert {"qlikops/__init__.py", "qlikops/domain/ledger.py", "qlikops/qlik/__init__.py"} <= set(names())
    assert any(name.startswith("qlikops/agent/") for name in names())


def test_every_module_of_ours_that_is_imported_in_it_is_in_it() -> None:
    with zipfile.ZipFile(io.BytesIO(build_bundle().data)) as bundle:
        there = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in bundle.namelist()}
        sources = [bundle.read(name).decode() for name in bundle.namelist() if name.endswith(".py")]
    nodes = (node for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    imported = {node.module for node in nodes if node.module and node.module.startswith("qlikops.")}
    assert imported <= there


def test_holds_neither_the_operators_side_nor_the_simulator() -> None:
    allowed = ("qlikops/__init__.py", "qlikops/dataclass.py", "qlikops/domain/", "qlikops/qlik/", "qlikops/agent/")
    assert [name for name in names() if not name.startswith(allowed)] == []
    assert [name for name in names() if "simulator" in name or "__pycache__" in name] == []


def test_entries_are_readable_by_the_lambda_user_and_carry_one_time() -> None:
    entries = zipfile.ZipFile(io.BytesIO(build_bundle().data)).infolist()
    assert {entry.external_attr >> 16 & 0o777 for entry in entries} == {0o644}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_known_failures_go_in_compiled() -> None:
    archive = zipfile.ZipFile(io.BytesIO(build_bundle().data))
    assert [name for name in archive.namelist() if name.endswith(".toml")] == []
    found = Library(json.loads(archive.read("qlikops/agent/diagnosis/entries.json")))
    assert len(found) == sum(len(entries.failures) for entries in built_in())


def test_data_files_go_in_too() -> None:
    package = Path(__file__).parents[3] / "qlikops"
    data = {path for part in ("domain", "qlik", "agent") for path in (package / part).rglob("*.txt")}
    assert data <= set(bundled_files())
