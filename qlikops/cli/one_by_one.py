"""One deed on several things by name: if one is refused, the next follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from qlikops.cli import output
from qlikops.cli.exit_codes import ExitCode, of_error
from qlikops.domain.errors import NotDecidable, NotFound, QlikopsError, UsageError
from qlikops.presentation.problem import explain

T = TypeVar("T")
_OF_ONE = (NotDecidable, NotFound, UsageError)
"""These errors concern one thing alone."""


def one_by_one(
    names: Iterable[str], deed: Callable[[str], T], *, goes_on: tuple[type[QlikopsError], ...] = _OF_ONE
) -> tuple[list[T], ExitCode]:
    """Does `deed` to each name, once; returns what it made of them, and the exit code of the first that failed.

    Raises the error of a single name. Of several names, it prints an error of `goes_on` and goes on; any other error
    ends it, and it prints what was not sent. If it is interrupted or breaks, it prints how far it came and raises that.
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
                _say_not_sent(given[place + 1 :])
                break
        except (Exception, KeyboardInterrupt):
            if len(given) > 1:
                output.say(f"Sent before: {' '.join(given[:place]) or 'nothing'}. {name} may have been sent or not.")
                _say_not_sent(given[place + 1 :])
            raise
    return done, code


def _say_not_sent(names: tuple[str, ...]) -> None:
    output.say(f"Not sent: {' '.join(names) or 'nothing else'}.")
