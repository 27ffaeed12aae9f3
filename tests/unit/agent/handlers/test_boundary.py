"""What a function raises at its edge is what a Retry can name."""

from __future__ import annotations

from typing import Any

import pytest

from qlikops.agent.handlers.boundary import names_what_may_pass
from qlikops.agent.transient import TransientError
from qlikops.domain.errors import Throttled


@names_what_may_pass
def handler(event: dict[str, Any], error: Exception | None) -> dict[str, Any]:
    if error is not None:
        raise error
    return event


def test_an_answer_passes() -> None:
    assert handler({"a": 1}, None) == {"a": 1}


def test_what_may_pass_has_one_name() -> None:
    with pytest.raises(TransientError, match=r"^Throttled: busy$"):
        handler({}, Throttled("busy"))
    with pytest.raises(KeyError):
        handler({}, KeyError("a bug"))


def test_a_wait_of_an_older_definition_gets_the_names_that_it_knows() -> None:
    with pytest.raises(Throttled):
        handler({"task_token": "t"}, Throttled("busy"))
    with pytest.raises(TransientError):
        handler({"task_token": "t", "retries_transient": True}, Throttled("busy"))
