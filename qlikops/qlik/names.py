"""Server and task names: addresses that we must send back exactly, and text from outside that ends up on a terminal.

A name is kept in a TaskKey with everything that is not harmless percent-encoded, `%` included. That is shown safely
and still names the same task, in another process and on another day.
"""

from __future__ import annotations

import functools
from urllib.parse import quote, unquote

from qlikops.domain.words.text import harmless

NAME_CAP = 500
"""Characters of a name as kept; a longer one is cut, and what it names can be seen but not acted on."""


def key_name(raw: str) -> str:
    """`raw` as it is kept and shown: the same text for ordinary names, printable on one line for all."""
    kept = "".join(char if _is_plain(char) else quote(char, safe="", errors="surrogatepass") for char in raw)
    return kept if len(kept) <= NAME_CAP else kept[: NAME_CAP - 1] + "…"


def raw_name(key: str) -> str:
    """The name as Enterprise Manager spells it: the inverse of `key_name`."""
    return unquote(key, errors="surrogatepass")


def path_segment(key: str) -> str:
    """A kept name as a segment of a URL path: quoted twice, as the vendor's SDK does."""
    segment = quote(quote(raw_name(key), safe="", errors="surrogatepass"), safe="")
    # `.` and `..` would be resolved away, and the call would reach another resource.
    return segment if segment.strip(".") else segment.replace(".", "%252E")


@functools.lru_cache(maxsize=1024)
def _is_plain(char: str) -> bool:
    return char == " " or (char != "%" and harmless(char) == char)
