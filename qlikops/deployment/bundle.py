"""Builds the Lambda bundle: the agent and what it imports, under the same key wherever it is built.

Nothing from a package index goes in: the Lambda runtime brings boto3 and urllib3.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator, Mapping
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
    # zlib's output differs between builds of Python, and the hash decides on updates: it is taken over what is stored.
    return Artifact(
        "bundle",
        ".zip",
        "application/zip",
        _zipped(contents, zipfile.ZIP_DEFLATED),
        content=_zipped(contents, zipfile.ZIP_STORED),
    )


def _zipped(contents: Mapping[str, bytes], compression: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(f"qlikops/{name}", _MODIFIED)
            entry.compress_type = compression
            entry.create_system = 3  # Unix, wherever it is built: it says how to read the permissions
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def bundled_files() -> list[Path]:
    """What goes into the bundle as it is, sorted by its name there: code, and data such as prompts."""
    files = [_PACKAGE / "__init__.py", _PACKAGE / "dataclass.py"]
    for part in _PARTS:
        files.extend(_files_below(_PACKAGE / part))
    return sorted(files, key=lambda path: path.relative_to(_PACKAGE).as_posix())


def _files_below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        name = path.relative_to(_PACKAGE).as_posix()
        if path.is_file() and "__pycache__" not in path.parts and not name.startswith(_LEFT_OUT):
            yield path
