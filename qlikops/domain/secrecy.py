"""Failures of requests that carry a secret: named by us, without a word of what failed.

A service may quote the request in its refusal, and a library the value in its exception. So nothing of either is kept:
no text, no cause, no context, since a log or a traceback prints all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from qlikops.domain.errors import QlikopsError


@contextmanager
def unquoted(named: Callable[[Exception], Exception]) -> Iterator[None]:
    """Raises `named(failure)` for whatever fails inside, and drops the failure itself.

    `named` may use what the failure is, such as its type or an error code, never its text.
    """
    try:
        yield
    except Exception as exc:
        failed = named(exc)
    else:
        return
    try:
        raise failed from None
    finally:
        # Python hangs what is being handled onto whatever is raised meanwhile.
        failed.__context__ = None


def kept_secret(place: str) -> AbstractContextManager[None]:
    """Names what fails while a secret is kept in `place`, whose own errors may quote it."""

    def named(exc: Exception) -> QlikopsError:
        kind, hint = (type(exc), exc.hint) if isinstance(exc, QlikopsError) else (QlikopsError, "")
        return kind(f"{place} did not keep it ({type(exc).__name__}).", hint)

    return unquoted(named)
