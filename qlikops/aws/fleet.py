"""The fleet as the last run saw it, and the reports: objects in the stack's data bucket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

from qlikops.aws import records
from qlikops.aws.errors import Unchanged, aws_errors
from qlikops.aws.runs import MOST, summaries
from qlikops.aws.session import Connection
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.packing import unpacked
from qlikops.domain.errors import NotFound, QlikopsError, UsageError
from qlikops.domain.ledger import Attribute
from qlikops.domain.runs.report import ReportEntry, RunReport
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.words.naming import did_you_mean, listed, named
from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.execution import RunSummary

_DAY_LEVELS = 3
"""Reports lie under year/month/day/."""

_NO_ETAG = '""'
"""No object's."""

Versioned = TypeVar("Versioned", FleetSnapshot, RunReport)


class BucketFleet:
    """Implements `ports.Fleet`."""

    def __init__(self, connection: Connection) -> None:
        self._aws = connection
        self._snapshot: tuple[str, FleetSnapshot] | None = None
        """The last one with its ETag: every review asks for it, and only a run writes another."""

    def snapshot(self) -> FleetSnapshot:
        """Raises NotFound before the first run."""
        known, missing = self._snapshot, "No run has looked at the fleet yet."
        try:
            body, etag = self._read(keys.LATEST_SNAPSHOT, missing, unless=known[0] if known else _NO_ETAG)
        except Unchanged:
            if known is None:
                raise
            return known[1]
        snapshot = self._parse(FleetSnapshot, keys.LATEST_SNAPSHOT, body)
        self._snapshot = etag, snapshot
        return snapshot

    def own_failures(self) -> str:
        """The team's own known failures as the bucket has them; empty where there are none."""
        try:
            body, _ = self._read(keys.OWN_FAILURES, "There are no known failures of your own.")
        except NotFound:
            return ""
        return body.decode("utf-8", "replace")

    def reports(self, limit: int = 50) -> Sequence[ReportEntry]:
        """The runs that have a report, newest day first, newest of a day first; at most a hundred.

        A handful of listings and one BatchGetItem; a run that could not be read this time is listed by its name.
        """
        names = list(islice(self._names(keys.REPORTS, _DAY_LEVELS), min(limit, MOST)))
        runs = summaries(self._aws, names)
        return [ReportEntry(name, runs.get(name)) for name in names]

    def report(self, execution_name: str | None = None) -> RunReport:
        """One run's report; the newest where no name is given."""
        if execution_name is None:
            return self._load(RunReport, keys.LATEST_REPORT, "No run has written a report yet.")
        return self._load(RunReport, f"{self._key(execution_name)}.json", f"{execution_name} has no report.")

    def report_markdown(self, execution_name: str | None = None) -> str:
        """Reads the same report as the Markdown in S3."""
        if execution_name is None:
            newest = self.report()
            key = keys.report_key(newest.started_at, newest.execution_name)
        else:
            key = self._key(execution_name)
        body, _ = self._read(f"{key}.md", f"{execution_name or 'The newest run'} has no report.")
        return unpacked(body)

    def _key(self, execution_name: str) -> str:
        """The report's key without its ending, from the run's summary in the ledger."""
        with aws_errors("read the run"):
            reply = self._aws.dynamodb.get_item(
                TableName=self._aws.resources.table, Key=records.key(keys.run_partition(execution_name), keys.SUMMARY)
            )
        run = records.value(RunSummary, reply.get("Item", {}), Attribute.BODY)
        if run is None or not run.report_key:
            return self._key(self._begun_by(execution_name))
        return run.report_key

    def _begun_by(self, name: str) -> str:
        """The run with a report whose name `name` begins, among the newest. Raises NotFound, UsageError."""
        newest = list(islice(self._names(keys.REPORTS, _DAY_LEVELS), MOST))
        found = named(name, newest, str, parts=False)
        if len(found) > 1:
            raise UsageError(f"{harmless(name, 120)} begins several names: {listed(found)}.", "Give more of it.")
        if not found or found[0] == name:
            meant = "" if found else did_you_mean(name, newest)
            hint = meant or "`qlikops reports` lists those that have one."
            raise NotFound(f"{harmless(name, 120)} has no report.", hint)
        return found[0]

    def _names(self, prefix: str, levels: int) -> Iterator[str]:
        """Walks the folders backwards, so that the newest reports cost a handful of calls however many there are."""
        with aws_errors("list the reports"):
            pages = list(
                self._aws.s3.get_paginator("list_objects_v2").paginate(
                    Bucket=self._aws.resources.bucket, Prefix=prefix, Delimiter="/"
                )
            )
        if levels:
            folders = [folder["Prefix"] for page in pages for folder in page.get("CommonPrefixes", [])]
            for folder in sorted(folders, reverse=True):
                yield from self._names(folder, levels - 1)
            return
        objects = [entry for page in pages for entry in page.get("Contents", []) if entry["Key"].endswith(".json")]
        for entry in sorted(objects, key=lambda entry: entry["LastModified"], reverse=True):
            yield entry["Key"].removeprefix(prefix).removesuffix(".json")

    def _load(self, cls: type[Versioned], key: str, missing: str) -> Versioned:
        body, _ = self._read(key, missing)
        return self._parse(cls, key, body)

    def _parse(self, cls: type[Versioned], key: str, body: bytes) -> Versioned:
        try:
            return codec.loads(cls, unpacked(body))
        except codec.NewerVersion as exc:
            raise records.too_new(key, exc.version) from exc
        except codec.CodecError as exc:
            raise QlikopsError(f"s3://{self._aws.resources.bucket}/{key} cannot be read: {exc}") from exc

    def _read(self, key: str, missing: str, *, unless: str = _NO_ETAG) -> tuple[bytes, str]:
        """The object and its ETag. Raises Unchanged where that is `unless`."""
        try:
            with aws_errors(f"read {key}"):
                reply = self._aws.s3.get_object(Bucket=self._aws.resources.bucket, Key=key, IfNoneMatch=unless)
                return reply["Body"].read(), reply["ETag"]
        except NotFound as exc:
            raise NotFound(missing, "`qlikops run --wait` makes a run now.") from exc
