"""Every number that can be set has a range, and what is outside is said without quoting a secret."""

from __future__ import annotations

import typing
from dataclasses import dataclass, fields

import pytest

from qlikops.agent.config import AgentConfig, Thresholds
from qlikops.agent.models import Models
from qlikops.config import Settings
from qlikops.domain.encoding.settings import UNQUOTED, ConfigError, check_ranges, no_such_setting, number

OF_MODELS = [type(getattr(Models(), each.name)) for each in fields(Models)]


@pytest.mark.parametrize("cls", [AgentConfig, Thresholds, *OF_MODELS, Settings])
def test_every_number_that_can_be_set_has_a_range(cls: type) -> None:
    """The recipe "To add a setting" in CONTRIBUTING.md."""
    hints = typing.get_type_hints(cls)
    numbers = [each for each in fields(cls) if hints[each.name] in (int, float)]
    assert [each.name for each in numbers if "range" not in each.metadata] == []
    for each in numbers:
        low, high = each.metadata["range"]
        assert low <= each.default <= high, each.name


@dataclass(frozen=True)
class Limits:
    low: int = number(1, 0, 9)
    share: float = number(0.5, 0, 1)
    name: str = ""


@pytest.mark.parametrize("limits", [Limits(), Limits(0, 0.0), Limits(9, 1.0, "any")])
def test_what_lies_within_both_ends_included_passes(limits: Limits) -> None:
    check_ranges(limits)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(-1), "low = -1: must be between 0 and 9"),
        (Limits(10), "low = 10: must be between 0 and 9"),
        (Limits(share=1.1), "share = 1.1: must be between 0 and 1"),
        (Limits(share=float("nan")), "share = nan: must be between 0 and 1"),
    ],
)
def test_what_lies_outside_is_named_with_what_is_allowed(limits: Limits, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_ranges(limits)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("\x1b[31m" + "x" * 999, r"key = '\x1b[31mxx"),
        (UNQUOTED, "key: must be a text"),
    ],
)
def test_a_value_is_quoted_harmlessly_or_not_at_all(value: object, said: str) -> None:
    error = ConfigError("key", value, "must be a text")
    assert str(error).startswith(said)
    assert str(error).isprintable()
    assert len(str(error)) < 300
    assert (error.key, error.value, error.allowed) == ("key", value, "must be a text")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("cooldown_second", "no such setting. Did you mean cooldown_seconds?"),
        ("Cooldown_Seconds", "no such setting. Did you mean cooldown_seconds?"),
        ("colour", "no such setting; there are cooldown_seconds, evaluator"),
        ("", "no such setting; there are cooldown_seconds, evaluator"),
    ],
)
def test_a_key_that_is_none_is_answered_with_those_like_it_or_all(key: str, said: str) -> None:
    assert no_such_setting(key, {"evaluator", "cooldown_seconds"}) == said
