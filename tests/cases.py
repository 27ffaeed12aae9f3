"""Many small cases in one test of pytest's, which costs each test more than such a case takes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest


def for_all(*arguments: Iterable[Any], named: Callable[[Any], str] = str) -> Callable[[Callable[..., None]], Any]:
    """Calls the test with each combination of `arguments`, and fails once, naming all combinations that failed."""
    cases = list(itertools.product(*arguments))

    def decorated(test: Callable[..., None]) -> Any:
        def test_all(*of_class: Any) -> None:
            if not cases:
                pytest.skip("there is no case")
            failed: list[tuple[str, Exception]] = []
            for case in cases:
                try:
                    test(*of_class, *case)
                except Exception as exc:
                    failed.append((", ".join(map(named, case)), exc))
            if failed:
                said = "\n".join(f"{case}: {type(exc).__name__}: {exc}" for case, exc in failed)
                raise AssertionError(f"{len(failed)} of {len(cases)} cases fail:\n{said}") from failed[0][1]

        functools.update_wrapper(test_all, test)
        # By its signature, pytest would look for fixtures of these names.
        del vars(test_all)["__wrapped__"]
        return test_all

    return decorated
