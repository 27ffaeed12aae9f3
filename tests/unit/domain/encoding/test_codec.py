from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from qlikops.domain.approval import ProposalRecord, digest_of
from qlikops.domain.encoding import codec
from qlikops.domain.evaluation import Evaluation
from qlikops.domain.fleet import FleetSnapshot, Sample, TaskProgress, TaskSnapshot
from qlikops.domain.proposal import Proposal, ProposalSummary
from qlikops.domain.task import StopReason, TaskFacts, TaskState
from tests.unit.domain.samples import EVALUATION, KEY, NOON, POLICY, PROPOSAL, WAITING

WITH_SAMPLES = TaskProgress(samples=(Sample(NOON, 3, 9), Sample(NOON, None, 4)), seen={"STALLED": NOON})


def test_a_whole_record_survives_the_round_trip() -> None:
    assert codec.loads(ProposalRecord, codec.dumps(WAITING)) == WAITING


def test_a_snapshot_survives_the_round_trip() -> None:
    snapshot = FleetSnapshot(
        taken_at=NOON,
        execution_name="run-1",
        servers=(),
        tasks=(
            TaskSnapshot(
                TaskFacts(KEY, TaskState.RUNNING, StopReason.NONE, tags=("gold",)),
                TaskProgress(seen={"STALLED": NOON}, polls={"STALLED": 2}),
            ),
        ),
    )

    assert codec.loads(FleetSnapshot, codec.dumps(snapshot)) == snapshot


def test_times_are_utc_and_sort_as_text() -> None:
    berlin = datetime(2026, 3, 7, 13, 0, tzinfo=timezone(timedelta(hours=1)))

    assert codec.format_time(berlin) == "2026-03-07T12:00:00.000Z"
    assert codec.parse_time("2026-03-07T13:00:00+01:00") == NOON
    assert codec.parse_time("2026-03-07T12:00:00") == NOON


def test_unknown_fields_are_ignored_and_missing_ones_take_their_default() -> None:
    data = codec.encode(PROPOSAL) | {"added_by_a_later_version": {"deep": [1]}}
    del data["version"]

    assert codec.decode(Proposal, data) == PROPOSAL


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"kind": 7}, r"\$\.kind: expected text for AnomalyKind, got int"),
        ({"title": None}, r"\$\.title: expected str, got NoneType"),
        ({"created_at": "yesterday"}, "'yesterday' is not an ISO 8601 time"),
        ({"targets": [{"key": {"instance": "i", "server": 3}}]}, r"\$\.targets\[0\]\.key\.server: expected str"),
        ({"evidence": "e1"}, r"\$\.evidence: must be an array, not str"),
        ({"version": True}, r"\$\.version: expected int, got bool"),
    ],
)
def test_a_wrong_shape_is_named_by_its_path(change: dict[str, object], path: str) -> None:
    with pytest.raises(codec.CodecError, match=path):
        codec.decode(Proposal, codec.encode(PROPOSAL) | change)


def test_a_number_that_no_float_holds_is_a_codec_error() -> None:
    data = codec.encode(EVALUATION) | {"confidence": 10**400}
    with pytest.raises(codec.CodecError, match=r"^\$\.confidence: a number that is too large"):
        codec.decode(Evaluation, data)


def test_a_missing_field_is_named() -> None:
    data = codec.encode(PROPOSAL)
    del data["proposal_id"]

    with pytest.raises(codec.CodecError, match=r"\$\.proposal_id: missing"):
        codec.decode(Proposal, data)


def test_broken_json_is_a_codec_error() -> None:
    with pytest.raises(codec.CodecError, match="not JSON"):
        codec.loads(Proposal, '{"proposal_id": "0123')


def test_what_has_no_json_spelling_is_refused() -> None:
    @dataclass(frozen=True)
    class Holder:
        value: object

    with pytest.raises(codec.CodecError, match="complex has no JSON spelling"):
        codec.encode(Holder(1j))


def test_canonical_text_does_not_depend_on_key_order() -> None:
    assert codec.dumps({"b": 1, "a": [2]}) == codec.dumps({"a": [2], "b": 1}) == '{"a":[2],"b":1}'


def test_the_canonical_text_is_that_of_the_plain_values() -> None:
    snapshot = FleetSnapshot(
        NOON, "запуск", (), (TaskSnapshot(TaskFacts(KEY, TaskState.RUNNING, StopReason.NONE), WITH_SAMPLES),)
    )
    for value in (WAITING, snapshot, {"b": (1, 2.5, None, True), "a": {"x": NOON}, "c": frozenset({"one"})}):
        plain = json.dumps(codec.encode(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert codec.dumps(value) == plain


def test_what_is_numerous_is_the_same_value_in_less_memory() -> None:
    text = codec.dumps(WITH_SAMPLES)

    assert codec.loads(TaskProgress, text, numerous=Sample) == codec.loads(TaskProgress, text) == WITH_SAMPLES


def test_a_wrong_shape_of_what_is_numerous_is_an_error() -> None:
    text = codec.dumps(WITH_SAMPLES).replace('"source_seconds":3', '"source_seconds":"3"')

    with pytest.raises(codec.CodecError, match=r"\$\.samples\[0\]\.source_seconds: expected int, got str"):
        codec.loads(TaskProgress, text, numerous=Sample)


def test_the_digest_of_stored_json_is_that_of_the_values() -> None:
    stored = [json.loads(codec.dumps(value)) for value in (PROPOSAL, EVALUATION, POLICY)]

    assert digest_of(*stored) == digest_of(PROPOSAL, EVALUATION, POLICY)


def test_the_digest_covers_every_part() -> None:
    stored = [json.loads(codec.dumps(value)) for value in (PROPOSAL, EVALUATION, POLICY)]
    digests = {digest_of(*stored)}
    for part in stored:
        part["reason" if "reason" in part else "rationale"] += "."
        digests.add(digest_of(*stored))

    assert len(digests) == 4


def test_the_card_of_a_large_proposal_stays_small() -> None:
    card = codec.dumps(ProposalSummary.of(PROPOSAL))

    assert json.loads(card)["tasks"] == ["replicate-eu-1/sales-orders"]
    assert codec.parse_time("2026-01-01T00:00:00Z") == datetime(2026, 1, 1, tzinfo=UTC)
