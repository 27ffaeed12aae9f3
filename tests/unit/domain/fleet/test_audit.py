"""A line of the audit trail in words."""

from __future__ import annotations

import pytest

from qlikops.domain.fleet.audit import DoneBy
from tests.unit.domain.samples import NOON


@pytest.mark.parametrize(("who", "words"), [("DOMAIN\\anna", "DOMAIN\\anna"), ("", "an account that is not named")])
def test_who_did_what_and_when(who: str, words: str) -> None:
    assert DoneBy("STOP_TASK", who, NOON).words == f"STOP_TASK at {NOON:%Y-%m-%d %H:%M} UTC by {words}"
