"""The keys of the ledger and of the bucket: no two things share one, and what is in time's order sorts so."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import (
    approval_partition,
    detection_key,
    history_sort,
    report_key,
    run_partition,
    task_partition,
    token_partition,
    track_partition,
    track_sort,
)
from tests.unit.domain.samples import NOON


def test_ordinary_names_stay_readable() -> None:
    assert task_partition(TaskKey("default", "replicate eu-1", "sales")) == "TASK#default/replicate eu-1/sales"


PARTS = st.text(alphabet="ab#/% é", min_size=1, max_size=4)


@given(st.lists(st.tuples(PARTS, PARTS, PARTS), min_size=2, max_size=4, unique=True))
def test_no_two_tasks_share_a_partition(names: list[tuple[str, str, str]]) -> None:
    assert len({task_partition(TaskKey(*each)) for each in names}) == len(names)


def test_every_partition_has_a_prefix_of_its_own() -> None:
    """Whoever may read `APPROVAL#*` sees no token: policies name partitions by their beginning."""
    partitions = [
        approval_partition("0123456789ab"),
        token_partition("0123456789ab"),
        task_partition(TaskKey("default", "eu-1", "orders")),
        track_partition("STALLED", "resume"),
        run_partition("run-1"),
    ]
    assert partitions == [
        "APPROVAL#0123456789ab",
        "TOKEN#0123456789ab",
        "TASK#default/eu-1/orders",
        "TRACK#STALLED/resume",
        "RUN#run-1",
    ]
    assert track_sort("rules", "approve") == "rules/approve"


def test_history_sorts_by_time_whatever_the_zone() -> None:
    tokyo = timezone(timedelta(hours=9))
    moments = [NOON, (NOON + timedelta(milliseconds=1)).astimezone(tokyo), NOON + timedelta(hours=1)]
    keys = [history_sort(moment, "0123456789ab") for moment in moments]
    assert keys == sorted(keys)
    assert keys[0] == "HISTORY#2026-03-07T12:00:00.000Z#0123456789ab"


def test_what_a_run_leaves_lies_in_the_folder_of_its_day_in_utc() -> None:
    begun = datetime(2026, 3, 8, 1, 30, tzinfo=timezone(timedelta(hours=9)))
    assert report_key(begun, "run-1") == "reports/2026/03/07/run-1"
    assert detection_key(begun, "run-1") == "snapshots/findings/2026/03/07/run-1.json"
