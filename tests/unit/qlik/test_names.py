from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.domain.words.text import harmless
from qlikops.qlik.names import NAME_CAP, key_name, path_segment, raw_name


@pytest.mark.parametrize("name", ["sales-orders", "with space", "заказы", "受注データ", 'it\'s "quoted"', "a/b"])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert key_name(name) == name


@given(st.text(st.characters(), min_size=1, max_size=40))
def test_any_name_comes_back_exactly_and_is_safe_to_show(name: str) -> None:
    kept = key_name(name)
    assert raw_name(kept) == name
    assert harmless(kept.replace(" ", "_"), len(kept) + 1) == kept.replace(" ", "_")


def test_an_endless_name_is_cut() -> None:
    assert len(key_name("x" * 10_000)) == NAME_CAP


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("orders", "orders"),
        ("a/b c", "a%252Fb%2520c"),
        ("100%", "100%2525"),
        ("ü", "%25C3%25BC"),
        ("?#&", "%253F%2523%2526"),
        ("..", "%252E%252E"),
    ],
)
def test_segments_are_quoted_twice(name: str, segment: str) -> None:
    assert path_segment(key_name(name)) == segment
