from __future__ import annotations

import pytest

from qlikops.domain.versions import difference


@pytest.mark.parametrize(("deployed", "own"), [("", "1.0.0"), ("1.0.0", "1.0.0")])
def test_one_version_on_both_sides_is_nothing_to_say(deployed: str, own: str) -> None:
    assert difference(deployed, own) is None


@pytest.mark.parametrize(
    ("deployed", "own", "remedy"),
    [
        ("0.9.0", "1.0.0", "qlikops deploy"),
        ("1.9.0", "1.10.0", "qlikops deploy"),
        ("1.10.0", "1.9.3", "Update qlikops on this machine."),
        ("something else", "1.0.0", "qlikops deploy"),
        ("9" * 5000, "1.0.0", "Update qlikops on this machine."),
    ],
)
def test_the_older_side_is_the_one_to_update(deployed: str, own: str, remedy: str) -> None:
    found = difference(deployed, own)
    assert found is not None
    assert remedy in str(found)
    assert len(str(found)) < 250


def test_what_the_stack_says_is_text_from_outside() -> None:
    found = difference("1.0\x1b[2J", "1.0.0")
    assert found is not None
    assert "\x1b" not in str(found)
