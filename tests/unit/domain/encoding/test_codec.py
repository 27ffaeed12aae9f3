from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest

from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskState
from qlikops.domain.proposals.approval import (
    HistoryLine,
    InboxRow,
    Outcome,
    ProposalRecord,
)
from qlikops.domain.proposals.evaluation import Evaluation
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.report import RunReport
from qlikops.domain.runs.run import RunSummary
from qlikops.domain.runs.snapshot import FleetSnapshot, Sample, TaskProgress, TaskSnapshot
from tests.unit.domain.samples import EVALUATION, KEY, NOON, PROPOSAL, WAITING

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


@pytest.mark.parametrize(
    "cls", [FleetSnapshot, RunReport, Proposal, InboxRow, RunSummary, HistoryLine, Outcome, ProposalRecord]
)
@pytest.mark.parametrize(
    "body", [{}, {"taken_at": 7, "tasks": "many"}, {"proposal": [], "status": {"of": "the future"}}], ids=str
)
def test_the_version_is_seen_before_anything_else_is_read(cls: type[Any], body: dict[str, Any]) -> None:
    with pytest.raises(codec.NewerVersion) as failure:
        codec.loads(cls, json.dumps({**body, "version": codec.VERSION + 1}))

    assert failure.value.version == codec.VERSION + 1


def test_the_version_is_seen_before_what_is_numerous() -> None:
    snapshot = {
        "version": 2,
        "tasks": [{"memory": {"samples": [{"at": 7, "source_seconds": "9", "total_seconds": {}}]}}],
    }

    with pytest.raises(codec.NewerVersion):
        codec.loads(FleetSnapshot, json.dumps(snapshot), numerous=Sample)


@pytest.mark.parametrize("version", [None, True, "2", 2.5, [2]])
def test_what_is_no_version_is_a_wrong_shape(version: object) -> None:
    with pytest.raises(codec.CodecError, match=r"\$\.version"):
        codec.decode(Proposal, codec.encode(PROPOSAL) | {"version": version})


@dataclass(frozen=True)
class Kinds:
    """A field of each kind that documents hold."""

    at: datetime | None = None
    share: float | None = None
    count: int = 0
    by_name: dict[str, int] = field(default_factory=dict)
    anything: Any = None
    inner: Sample | None = None


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"at": 7}, r"\$\.at: expected a time, got int"),
        ({"at": "9999-12-31T23:59:59-01:00"}, r"\$\.at: .* is not an ISO 8601 time"),
        ({"share": "1"}, r"\$\.share: expected float, got str"),
        ({"share": True}, r"\$\.share: expected float, got bool"),
        ({"by_name": []}, r"\$\.by_name: must be an object \(a table in TOML\), not list"),
        ({"by_name": {"a": 1, "b": "2"}}, r"\$\.by_name\.b: expected int, got str"),
        ({"inner": []}, r"\$\.inner: expected an object for Sample, got list"),
        ([], r"\$: expected an object for Kinds, got list"),
    ],
)
def test_every_kind_of_field_says_what_it_expects(data: object, problem: str) -> None:
    with pytest.raises(codec.CodecError, match=problem):
        codec.decode(Kinds, data)


def test_every_kind_of_field_is_read_back() -> None:
    whole = Kinds(NOON, 1.0, 2, {"a": 1}, ["any", {"thing": None}], Sample(NOON, 3, None))
    assert codec.loads(Kinds, codec.dumps(whole)) == whole
    assert codec.decode(Kinds, {"share": 1, "inner": whole.inner}) == Kinds(share=1.0, inner=whole.inner)


def test_an_object_that_is_like_what_is_numerous_in_name_only_is_left_as_it_is() -> None:
    text = '{"anything": {"at": "soon", "source_seconds": 1, "total_seconds": 2}}'
    assert codec.loads(Kinds, text, numerous=Sample).anything["at"] == "soon"


def test_an_enum_that_is_not_one_of_them_cannot_be_read_at_all() -> None:
    class Plain(StrEnum):
        ONE = "one"

    @dataclasses.dataclass
    class Holder:
        value: Plain

    Holder.__annotations__["value"] = Plain
    with pytest.raises(TypeError, match="Plain is read from documents"):
        codec.decode(Holder, {"value": "one"})


@pytest.mark.parametrize("spelling", ["", "re\x1b[31msume", "\u202eresume", "x" * 81, "two\nlines"])
def test_what_no_version_would_call_a_value_is_refused(spelling: str) -> None:
    with pytest.raises(codec.CodecError, match=r"\$\.action: .* is not a Action"):
        codec.decode(Proposal, codec.encode(PROPOSAL) | {"action": spelling})


@pytest.mark.parametrize("spelling", [None, 1, True, ["resume"], {"a": 1}])
def test_what_is_no_text_is_no_value(spelling: object) -> None:
    with pytest.raises(codec.CodecError, match=r"\$\.action: expected text for Action"):
        codec.decode(Proposal, codec.encode(PROPOSAL) | {"action": spelling})
