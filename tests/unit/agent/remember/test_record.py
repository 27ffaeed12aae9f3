"""A record as it is kept: whether somebody changed it, and that it fits into one item."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.agent.remember.record import OUTCOME_BYTES, bounded, record_of
from qlikops.domain.encoding import codec
from qlikops.domain.errors import RecordTooNew
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Outcome, Status, TaskOutcome
from tests.unit.domain.samples import EVALUATION, NOON, POLICY, PROPOSAL, WAITING

ITEM: dict[str, str | int] = {
    Attribute.VERSION: 1,
    Attribute.STATUS: "waiting",
    Attribute.UPDATED_AT: codec.format_time(NOON),
    Attribute.PROPOSAL: codec.dumps(PROPOSAL),
    Attribute.EVALUATION: codec.dumps(EVALUATION),
    Attribute.POLICY: codec.dumps(POLICY),
    Attribute.DIGEST: WAITING.digest,
}


def test_a_record_that_somebody_changed_says_so() -> None:
    assert record_of("0123", ITEM).intact
    changed = codec.dumps(replace(EVALUATION, confidence=1.0))
    forged = record_of("0123", {**ITEM, Attribute.EVALUATION: changed})
    assert (forged.intact, forged.is_forged) == (False, True)
    fresh = {name: value for name, value in ITEM.items() if name not in ("digest", "evaluation", "policy")}
    assert (record_of("0123", fresh).intact, record_of("0123", fresh).is_forged) == (False, False)
    assert record_of("0123", {**fresh, Attribute.EVALUATION: codec.dumps(EVALUATION)}).is_forged


def test_a_newer_record_is_left_to_its_version() -> None:
    with pytest.raises(RecordTooNew, match="0123 was written by a newer qlikops"):
        record_of("0123", {**ITEM, Attribute.VERSION: 99})


@pytest.mark.parametrize(("tasks", "kept"), [(3, 900), (200, 300), (300, 100), (400, 40), (2000, 0)])
def test_an_outcome_fits_into_an_item_and_loses_details_first(tasks: int, kept: int) -> None:
    keys = [TaskKey("default", "eu-1", f"task-{number:04}") for number in range(tasks)]
    whole = Outcome(Status.PARTIAL, "some", tuple(TaskOutcome(key, Status.FAILED, "x" * 900) for key in keys))
    found = bounded(whole)
    assert [target.key for target in found.targets] == keys
    assert {len(target.detail) for target in found.targets} == {kept}
    assert len(codec.dumps(found)) <= OUTCOME_BYTES or kept == 0
