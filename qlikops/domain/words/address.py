"""Addresses that people write: whatever is wrong with one is a ValueError, and said without quoting a password."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def http_address(text: str) -> SplitResult:
    """`text` taken apart: an http or https address with a host that can be one, and a port that can be one.

    Raises ValueError, also for what `urlsplit` lets through until its port is asked for.
    """
    if not text.isprintable() or any(char.isspace() for char in text):
        raise ValueError("an address holds no blanks and no control characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        # Not as it says it: what it takes for a port may be the end of a password.
        raise ValueError("an address is like https://host:8443/path, with a port from 1 to 65535 if any") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("an address begins with http:// or https://")
    if not parts.hostname:
        raise ValueError("an address names a host")
    if port == 0:
        raise ValueError("a port is a number from 1 to 65535")
    parts.hostname.encode("idna")  # an empty label, or one that is too long
    return parts
