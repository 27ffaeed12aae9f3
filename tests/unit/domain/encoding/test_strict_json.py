"""JSON from outside: what may be meant is read; whatever is wrong is said in plain words that quote nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.domain.encoding.strict_json import parse_json
from tests.unit.secrecy import told_by


@pytest.mark.parametrize("text", ["[" * 99 + "]" * 99, '"[[[[" ', "1e308", "9" * 100, "\ufeff{}"])
def test_what_somebody_may_mean_is_read(text: str) -> None:
    parse_json(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"password": "hunter2",}', "it is not JSON: .*line 1, column "),
        ("[" * 101 + "0" + "]" * 101, "deeper than 100 levels"),
        ('{"a":' * 101 + "0" + "}" * 101, "deeper than 100 levels"),
        ("[" * 100_000, "deeper than 100 levels"),
        ("9" * 101, "a number of 101 digits"),
        ("9" * 100_000, "a number of 100,000 digits"),
        ("1e309", "a number that is too large"),
        ("-1e309", "a number that is too large"),
        ("[NaN]", "holds NaN, which is no number"),
        ("[-Infinity]", "holds -Infinity, which is no number"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_wrong_completes_a_sentence_and_quotes_nothing(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        parse_json(text)
    assert "hunter2" not in told_by(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**99), 10**99) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


@given(VALUES)
def test_every_ordinary_value_is_itself(value: object) -> None:
    assert parse_json(json.dumps(value)) == value
