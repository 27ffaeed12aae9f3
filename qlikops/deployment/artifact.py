"""What is uploaded before a change set names it. A changed hash is a changed key, and that is the update."""

from __future__ import annotations

import hashlib
from dataclasses import field

from qlikops.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file for the artifact bucket."""

    name: str
    """`bundle`, `state-machine` or `template`: the key's folder."""
    suffix: str
    content_type: str
    data: bytes = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    """What the data holds, where the same may be held by other data too: zlib compresses differently from build to
    build. Empty: the data itself.
    """

    @property
    def sha256(self) -> str:
        """Hex, over the content."""
        return hashlib.sha256(self.content or self.data).hexdigest()

    @property
    def key(self) -> str:
        """Where it lies in the bucket: `<name>/<sha256><suffix>`."""
        return f"{self.name}/{self.sha256}{self.suffix}"
