"""Builds the Lambda bundle: the agent and what it imports, byte for byte the same wherever it is built.

Nothing from a package index goes in: the Lambda runtime brings boto3 and urllib3.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from qlikops.agent.diagnosis.library import compiled
from qlikops.deployment.artifact import Artifact

_PACKAGE = Path(__file__).parents[1]
_PARTS = ("domain", "qlik", "agent")
_ENTRIES = "agent/diagnosis/entries"
_LEFT_OUT = ("qlik/simulator", f"{_ENTRIES}/")
_MODIFIED = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""


def build_bundle() -> Artifact:
    """The bundle of this installation of qlikops."""
    contents = {path.relative_to(_PACKAGE).as_posix(): path.read_bytes() for path in bundled_files()}
    # TOML takes a hundred times as long to read, at every cold start.
    contents[f"{_ENTRIES}.json"] = compiled().encode()
    buffer = io.BytesIO()
    # Stored, not deflated: zlib's output differs between builds of Python, and the hash decides on updates.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(f"qlikops/{name}", _MODIFIED)
            entry.create_system = 3  # Unix, wherever it is built: it says how to read the permissions
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
    return Artifact("bundle", ".zip", "application/zip", buffer.getvalue())


def bundled_files() -> list[Path]:
    """What goes into the bundle as it is, sorted by its name there: code, and data such as prompts."""
    files = [_PACKAGE / "__init__.py"]
    for part in _PARTS:
        files.extend(_files_below(_PACKAGE / part))
    return sorted(files, key=lambda path: path.relative_to(_PACKAGE).as_posix())


def _files_below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        name = path.relative_to(_PACKAGE).as_posix()
        if path.is_file() and "__pycache__" not in path.parts and not name.startswith(_LEFT_OUT):
            yield path
