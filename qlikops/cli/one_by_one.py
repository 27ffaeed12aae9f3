"""The same deed on several things named: one that is refused keeps none of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from qlikops.cli import output
from qlikops.cli.exit_codes import ExitCode, of_error
from qlikops.domain.errors import NotDecidable, NotFound, QlikopsError, UsageError
from qlikops.presentation.problem import explain

T = TypeVar("T")
_OF_ONE = (NotDecidable, NotFound, UsageError)
"""What is wrong with one thing, and says nothing of the next."""


def one_by_one(
    names: Iterable[str], deed: Callable[[str], T], *, goes_on: tuple[type[QlikopsError], ...] = _OF_ONE
) -> tuple[list[T], ExitCode]:
    """Does `deed` to each name, once; what came of those that went well, and the code of the first that did not.

    An error of a single name is raised. Of several, one of `goes_on` is said and the next follows; any other ends it,
    and what was not sent is named.
    """
    given = tuple(dict.fromkeys(names))
    done: list[T] = []
    code = ExitCode.OK
    for place, name in enumerate(given):
        try:
            done.append(deed(name))
        except QlikopsError as exc:
            if len(given) == 1:
                raise
            output.say(f"{name}: {explain(exc)}")
            code = of_error(exc) if code is ExitCode.OK else code
            if not isinstance(exc, goes_on):
                output.say(f"Not sent: {' '.join(given[place + 1 :]) or 'nothing else'}.")
                break
    return done, code
