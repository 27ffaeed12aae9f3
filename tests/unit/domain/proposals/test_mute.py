"""Why nothing is proposed on a task, in words that are true whenever they are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from qlikops.domain.proposals.mute import Mute, MuteReason
from tests.unit.domain.samples import NOON

SAID = {
    MuteReason.SNOOZED: "snoozed until 2026-03-07 12:00 UTC by anna",
    MuteReason.DENIED: "denied, not asked again until 2026-03-07 12:00 UTC by anna",
    MuteReason.COOLDOWN: "failed again, cooling down until 2026-03-07 12:00 UTC",
    MuteReason.BUDGET: "restart budget spent: 3 attempts in the last hour, until 2026-03-07 12:00 UTC",
    MuteReason.read("maintenance_window"): "maintenance window until 2026-03-07 12:00 UTC",
}


@pytest.mark.parametrize("kind", [*MuteReason, MuteReason.read("maintenance_window")])
def test_every_reason_is_said_with_its_end_in_utc(kind: MuteReason) -> None:
    mute = Mute(kind, NOON, "anna", 3, "failed again")
    assert mute.words() == SAID[kind]
    assert replace(mute, until=NOON.astimezone(timezone(timedelta(hours=9)))).words() == SAID[kind]
