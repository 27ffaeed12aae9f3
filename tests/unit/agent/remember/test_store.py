"""What a run leaves in the bucket for the next one, and why a run does without."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from qlikops.agent.remember.store import LastSnapshot, LatestReport, Store
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind, Severity
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.ledger import LATEST_REPORT, LATEST_SNAPSHOT
from qlikops.domain.runs.report import RunReport
from qlikops.domain.runs.snapshot import FleetSnapshot, Notified, TaskSnapshot
from qlikops.domain.words.text import MESSAGE_CAP
from tests.simulation.account import ModelledAws
from tests.unit.domain.samples import KEY, NOON

BUCKET = "qlikops"
SNAPSHOT = FleetSnapshot(NOON, "run-1", (), (TaskSnapshot(TaskFacts(KEY, TaskState.ERROR, StopReason.FATAL_ERROR)),))
REPORT = RunReport("arn:x", "run-1", NOON, NOON, 1, 1, {"ERROR": 1}, (), (), ())


@pytest.fixture
def client() -> Any:
    s3 = ModelledAws(lambda: NOON).client("s3")
    s3.create_bucket(Bucket=BUCKET)
    return s3


@pytest.fixture
def store(client: Any) -> Store:
    return Store(client, BUCKET)


def test_the_first_run_finds_nothing(store: Store) -> None:
    assert store.snapshot() == LastSnapshot(None, "there is no snapshot of an earlier run")
    assert store.latest_report() == LatestReport(None, "there is no report of an earlier run")
    assert store.findings(NOON, "run-1") is None


def test_what_a_run_leaves_is_found_by_the_next(store: Store) -> None:
    store.save_snapshot(SNAPSHOT)
    store.save_detection(REPORT)
    key = store.save_report(REPORT, "# Report", store.latest_report())
    assert store.snapshot().snapshot == SNAPSHOT
    assert store.findings(NOON, "run-1") == REPORT
    assert store.latest_report().report == REPORT
    assert store.url(key).startswith(f"s3://{BUCKET}/")


def test_a_long_message_is_kept_shortened(store: Store) -> None:
    (task,) = SNAPSHOT.tasks
    long = replace(task, facts=replace(task.facts, message="x" * (MESSAGE_CAP + 1)))
    store.save_snapshot(replace(SNAPSHOT, tasks=(long,)))
    kept = store.snapshot().snapshot
    assert kept is not None
    assert len(kept.tasks[0].facts.message) <= MESSAGE_CAP


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[", "cannot be read"),
        (codec.dumps(replace(SNAPSHOT, version=codec.VERSION + 1)), "a newer qlikops' (version 2)"),
    ],
)
def test_what_cannot_be_used_is_done_without(client: Any, store: Store, text: str, why: str) -> None:
    for key in (LATEST_SNAPSHOT, LATEST_REPORT):
        client.put_object(Bucket=BUCKET, Key=key, Body=text.encode(), ContentType="application/json")
    assert why in store.snapshot().lost_because
    assert why in store.latest_report().lost_because


def test_what_a_run_beside_it_has_told_is_known_by_the_time_a_run_tells(store: Store) -> None:
    told = Notified(TaskKey("default", "eu-1", ""), AnomalyKind.SERVER_DOWN, Severity.CRITICAL, SNAPSHOT.taken_at)
    none = store.snapshot()
    store.save_snapshot(SNAPSHOT)
    last = store.snapshot()
    assert store.by_now(last).told == ()
    store.save_snapshot(replace(SNAPSHOT, told=(told,)))
    assert store.by_now(last).told == store.by_now(none).told == (told,)
    # And by the time it saves that it has said that this is over.
    store.save_snapshot(replace(SNAPSHOT, told=()), store.by_now(last))
    assert store.snapshot().told == ()


def test_what_a_run_beside_it_told_after_a_run_had_told_is_remembered_by_both(store: Store) -> None:
    told = Notified(TaskKey("default", "eu-1", ""), AnomalyKind.SERVER_DOWN, Severity.CRITICAL, SNAPSHOT.taken_at)
    over, own = replace(told, key=TaskKey("default", "eu-2", "")), replace(told, key=TaskKey("default", "eu-3", ""))
    for before in (False, True):
        if before:
            store.save_snapshot(replace(SNAPSHOT, told=(over,)))
        last = store.snapshot()
        store.save_snapshot(replace(SNAPSHOT, told=(*last.told, told)))
        store.save_snapshot(replace(SNAPSHOT, execution_name="slow", told=(own,)), last)
        saved = store.snapshot().snapshot
        assert saved
        assert (saved.execution_name, saved.told) == ("slow", (own, told))


class Refusing:
    """A client whose every read ends with `error`."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_object(self, **_: str) -> Any:
        raise self._error


DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject")


@pytest.mark.parametrize("error", [DENIED, EndpointConnectionError(endpoint_url="https://s3")])
def test_a_snapshot_that_cannot_be_asked_for_ends_the_run_but_a_report_only_adds(error: Exception) -> None:
    store = Store(Refusing(error), BUCKET)
    with pytest.raises(type(error)):
        store.snapshot()
    assert store.latest_report().lost_because == "the report of the last run cannot be read"


def test_a_report_leaves_the_latest_one_that_was_written_beside_it(store: Store) -> None:
    """Which may be all that remembers what people were told, as the ledger refuses."""
    store.save_report(REPORT, "", store.latest_report())
    before = store.latest_report()
    told = replace(REPORT, execution_name="beside", failure_told=True)
    store.save_report(told, "", store.latest_report())

    key = store.save_report(replace(REPORT, execution_name="slow"), "", before)

    assert store.latest_report().report == told
    assert "slow" in key
    store.save_report(replace(REPORT, execution_name="next"), "", store.latest_report())
    assert store.latest_report().report == replace(REPORT, execution_name="next")


def test_the_first_report_of_all_leaves_one_that_was_written_beside_it(store: Store) -> None:
    before = store.latest_report()
    told = replace(REPORT, execution_name="beside", failure_told=True)
    store.save_report(told, "", before)
    store.save_report(REPORT, "", before)
    assert store.latest_report().report == told


def test_a_latest_report_that_cannot_be_fetched_gives_way_only_to_one_that_remembers_as_much(store: Store) -> None:
    told = replace(REPORT, execution_name="told", failure_told=True)
    store.save_report(told, "", store.latest_report())
    unread = Store(Refusing(EndpointConnectionError(endpoint_url="https://s3")), BUCKET).latest_report()

    store.save_report(replace(REPORT, execution_name="fine"), "", unread)
    assert store.latest_report().report == told

    again = replace(told, execution_name="again")
    store.save_report(again, "", unread)
    assert store.latest_report().report == again

    denied = Store(Refusing(DENIED), BUCKET).latest_report()  # for now: somebody changes a policy
    store.save_report(REPORT, "", denied)
    assert store.latest_report().report == again
