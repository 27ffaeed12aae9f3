"""Settings that people wrote: what fits, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from qlikops.domain.encoding.codec import read_settings
from qlikops.domain.encoding.settings import UNQUOTED, ConfigError, check_ranges, number


class Mode(StrEnum):
    QUICK = "quick"
    SLOW = "slow"


@dataclass(frozen=True)
class Inner:
    low: int = number(1, 0, 9)
    high: int = number(2, 0, 9)

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.high < self.low:
            raise ConfigError("high", self.high, "must be at least low")


@dataclass(frozen=True)
class Outer:
    place: str
    mode: Mode = Mode.QUICK
    share: float | None = None
    on: bool = False
    names: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    inner: Inner = field(default_factory=Inner)
    by_name: Mapping[str, Inner] = field(default_factory=dict)
    secret: str = ""

    def __post_init__(self) -> None:
        if self.secret:
            raise ConfigError("secret", UNQUOTED, "belongs elsewhere")


def test_what_fits_becomes_the_dataclass() -> None:
    data = {"mode": "slow", "share": 1, "on": True, "names": ["a"], "words": {"b": "c"}, "by_name": {"d": {"low": 2}}}
    read = read_settings(Outer, data, place="here")
    assert read == Outer("here", Mode.SLOW, 1, True, ("a",), {"b": "c"}, by_name={"d": Inner(2)})
    assert read_settings(Outer, {"share": None}, place="here") == Outer("here")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], ": must be an object (a table in TOML), not list"),
        (
            {"colour": "hidden"},
            "colour: no such setting; there are by_name, inner, mode, names, on, secret, ",
        ),
        ({"place": "there"}, "place: no such setting; there are by_name, "),
        ({"mode": "fast"}, "mode = 'fast': must be one of quick, slow"),
        ({"mode": ["quick"]}, "mode = ['quick']: must be one of quick, slow"),
        ({"share": float("nan")}, "share = nan: must be a number"),
        ({"share": True}, "share = True: must be a number"),
        ({"on": 1}, "on = 1: must be true or false"),
        ({"names": "a"}, "names: must be an array, not str"),
        ({"names": ["a", 2]}, "names[1] = 2: must be a text"),
        ({"words": {"b": None}}, "words.b = None: must be a text"),
        ({"inner": {"low": 2.5}}, "inner.low = 2.5: must be a whole number"),
        ({"inner": {"low": 10}}, "inner.low = 10: must be between 0 and 9"),
        ({"inner": {"low": 3}}, "inner.high = 2: must be at least low"),
        ({"by_name": {"d": {"low": 3}}}, "by_name.d.high = 2: must be at least low"),
        ({"by_name": {"d": {"x": 3}}}, "by_name.d.x: no such setting; there are high, low"),
        ({"mode": "\x1b[31m" + "x" * 999}, "mode = '\\x1b[31mxx"),
        ({"secret": "hidden"}, "secret: belongs elsewhere"),
    ],
)
def test_what_does_not_fit_is_said_by_its_path(data: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(Outer, data, place="here")
    assert str(caught.value).startswith(said)
    assert "hidden" not in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
