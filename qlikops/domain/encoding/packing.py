"""How large objects lie in the bucket: gzip, told by its first bytes, so that what was written plain is still read."""

from __future__ import annotations

import gzip
import zlib

from qlikops.domain.encoding.codec import CodecError

ENCODING = "gzip"
"""The Content-Encoding of what `packed` makes."""
_LEVEL = 1
"""A fleet's samples repeat so much that more effort saves little and costs a multiple of the time."""
_MAGIC = b"\x1f\x8b"


def packed(text: str) -> bytes:
    """`text` packed; the same text gives the same bytes."""
    return gzip.compress(text.encode(), _LEVEL, mtime=0)


def unpacked(body: bytes) -> str:
    """The text in `body`, packed or not. Raises CodecError where it is packed and broken."""
    if body.startswith(_MAGIC):
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error) as exc:
            raise CodecError(f"cannot be unpacked: {exc}") from exc
    return body.decode(errors="replace")
