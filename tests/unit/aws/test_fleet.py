"""Snapshots and reports as the agent puts them into the bucket."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from botocore.stub import Stubber

from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.store import Store
from qlikops.aws.errors import Unchanged
from qlikops.aws.fleet import BucketFleet
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.packing import packed
from qlikops.domain.errors import NotFound, QlikopsError, RecordTooNew, UsageError
from qlikops.domain.ledger import LATEST_REPORT, LATEST_SNAPSHOT, OWN_FAILURES
from qlikops.domain.runs.report import RunReport
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.workflow.execution import RunSummary
from tests.embedded import REGION, EmbeddedAws
from tests.unit.agent.fakes import START
from tests.unit.aws.conftest import FakeConnection

_names: Iterator[int] = itertools.count()


@pytest.fixture
def fleet(embedded_aws: EmbeddedAws, connection: FakeConnection) -> BucketFleet:
    connection.s3 = embedded_aws.client("s3")
    bucket = f"data-{next(_names)}"
    connection.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    connection.resources = replace(connection.resources, bucket=bucket)
    return BucketFleet(connection)


def put(connection: FakeConnection, key: str, text: str) -> None:
    connection.s3.put_object(Bucket=connection.resources.bucket, Key=key, Body=text.encode())


def put_report(connection: FakeConnection, ledger: Ledger, name: str, at: datetime) -> RunReport:
    key = f"reports/{at:%Y/%m/%d}/{name}"
    report = RunReport(f"arn:{name}", name, at, at, 1, 2, {"RUNNING": 2}, (), (), ())
    for target in (f"{key}.json", LATEST_REPORT):
        put(connection, target, codec.dumps(report))
    put(connection, f"{key}.md", f"# {name} ✓")
    ledger.runs.complete(RunSummary(f"arn:{name}", name, at, report_key=key))
    return report


def test_before_the_first_run_there_is_nothing(fleet: BucketFleet) -> None:
    for ask in (fleet.snapshot, fleet.report, fleet.report_markdown, lambda: fleet.report("run-9")):
        with pytest.raises(NotFound):
            ask()
    assert fleet.reports() == []


def test_the_newest_snapshot_is_read_whole(fleet: BucketFleet, connection: FakeConnection) -> None:
    snapshot = FleetSnapshot(START, "run-1", (), ())
    Store(connection.s3, connection.resources.bucket).save_snapshot(snapshot)
    assert fleet.snapshot() == snapshot


def test_a_snapshot_is_parsed_again_only_once_there_is_another(fleet: BucketFleet, connection: FakeConnection) -> None:
    store = Store(connection.s3, connection.resources.bucket)
    store.save_snapshot(FleetSnapshot(START, "run-1", (), ()))
    first = fleet.snapshot()
    assert fleet.snapshot() is first
    store.save_snapshot(FleetSnapshot(START, "run-2", (), ()))
    assert fleet.snapshot().execution_name == "run-2"


def test_a_snapshot_that_an_earlier_version_wrote_is_read(fleet: BucketFleet, connection: FakeConnection) -> None:
    snapshot = FleetSnapshot(START, "run-1", (), ())
    put(connection, LATEST_SNAPSHOT, codec.dumps(snapshot))
    assert fleet.snapshot() == snapshot


def test_a_snapshot_that_lost_its_end_is_no_snapshot(fleet: BucketFleet, connection: FakeConnection) -> None:
    whole = packed(codec.dumps(FleetSnapshot(START, "run-1", (), ())))
    connection.s3.put_object(Bucket=connection.resources.bucket, Key=LATEST_SNAPSHOT, Body=whole[:-9])
    with pytest.raises(QlikopsError, match="cannot be unpacked"):
        fleet.snapshot()


def test_what_a_newer_version_wrote_is_refused_and_what_is_broken_is_named(
    fleet: BucketFleet, connection: FakeConnection
) -> None:
    put(connection, LATEST_SNAPSHOT, codec.dumps(FleetSnapshot(START, "run-1", (), (), version=2)))
    with pytest.raises(RecordTooNew):
        fleet.snapshot()
    put(connection, LATEST_SNAPSHOT, '{"version": 2, "taken_at": {"of": "the future"}, "tasks": 7}')
    with pytest.raises(RecordTooNew) as failure:
        fleet.snapshot()
    assert failure.value.hint == "Update qlikops."
    put(connection, LATEST_SNAPSHOT, "{")
    with pytest.raises(QlikopsError, match=LATEST_SNAPSHOT):
        fleet.snapshot()


def test_reports_by_name_and_the_newest(fleet: BucketFleet, connection: FakeConnection, ledger: Ledger) -> None:
    old = put_report(connection, ledger, "run-1", START)
    new = put_report(connection, ledger, "run-2", START + timedelta(days=1))
    assert fleet.report() == fleet.report("run-2") == new
    assert fleet.report("run-1") == old
    assert fleet.report_markdown() == "# run-2 ✓"
    assert fleet.report_markdown("run-1") == "# run-1 ✓"


def test_names_come_newest_day_first_and_no_more_than_asked_for(
    fleet: BucketFleet, connection: FakeConnection, ledger: Ledger
) -> None:
    for name, days in (("a", 0), ("b", 40), ("c", 400), ("d", 1)):
        put_report(connection, ledger, name, START + timedelta(days=days))
    entries = fleet.reports()
    assert [entry.execution_name for entry in entries] == ["c", "b", "d", "a"]
    assert [entry.run.execution_name for entry in entries if entry.run] == ["c", "b", "d", "a"]
    assert len(fleet.reports(limit=2)) == 2


def test_a_run_is_found_by_the_beginning_of_its_name(
    fleet: BucketFleet, connection: FakeConnection, ledger: Ledger
) -> None:
    report = put_report(connection, ledger, "run-7f3", START)
    put_report(connection, ledger, "manual-1", START)
    put_report(connection, ledger, "manual-2", START)
    assert fleet.report("run-7") == report
    with pytest.raises(UsageError, match="manual begins several names"):
        fleet.report("manual")


def test_a_teams_own_failures_are_the_text_that_is_kept(fleet: BucketFleet, connection: FakeConnection) -> None:
    assert fleet.own_failures() == ""
    put(connection, OWN_FAILURES, '{"version": 1}')
    assert fleet.own_failures() == '{"version": 1}'


def test_a_bucket_that_has_nothing_new_for_what_was_never_read_is_a_failure(
    fleet: BucketFleet, connection: FakeConnection
) -> None:
    with Stubber(connection.s3) as stub:
        stub.add_client_error("get_object", "304", http_status_code=304)
        with pytest.raises(Unchanged):
            fleet.snapshot()
