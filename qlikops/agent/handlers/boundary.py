"""The edge between a function and Step Functions: what a function raises there is what a Retry can name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from qlikops.agent.transient import TransientError, may_pass

P = ParamSpec("P")
StateHandler = Callable[Concatenate[dict[str, Any], P], dict[str, Any]]


def names_what_may_pass(handler: StateHandler[P]) -> StateHandler[P]:
    """`handler`, raising TransientError for every failure that may pass by itself, and any other as it is.

    A wait that began before an update is retried by the names in its own definition, and those do not have
    TransientError among them: without `retries_transient` in its payload, it gets the failure as it is too.
    """

    @functools.wraps(handler)
    def bounded(event: dict[str, Any], /, *args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        try:
            return handler(event, *args, **kwargs)
        except Exception as exc:
            is_of_older_definition = "task_token" in event and event.get("retries_transient") is not True
            if is_of_older_definition or not may_pass(exc):
                raise
            raise TransientError(f"{type(exc).__name__}: {exc}") from exc

    return bounded
