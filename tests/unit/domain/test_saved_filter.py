"""A filter under a name."""

from __future__ import annotations

import pytest

from qlikops.domain.encoding.settings import ConfigError
from qlikops.domain.saved_filter import LISTS, SavedFilter


def test_a_list_that_there_is_not_and_no_filter_are_refused() -> None:
    with pytest.raises(ConfigError, match="must be one of inbox"):
        SavedFilter("a", "schedule")
    with pytest.raises(ConfigError, match="what is typed after /"):
        SavedFilter(" ")


@pytest.mark.parametrize("where", LISTS)
def test_it_is_of_any_list_and_needs_no_key(where: str) -> None:
    assert SavedFilter("tag:gold", where).key == ""
