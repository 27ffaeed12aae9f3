"""Fleet snapshots, what a run found, and reports, in S3."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from qlikops.agent.diagnosis.evidence import shortened
from qlikops.agent.diagnosis.messages import judge
from qlikops.agent.remember.objects import NotModified, ObjectChanged, read, write_over
from qlikops.agent.transient import IN_VAIN
from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.packing import ENCODING, packed, unpacked
from qlikops.domain.ledger import LATEST_REPORT, LATEST_SNAPSHOT, detection_key, report_key
from qlikops.domain.runs.report import RunReport
from qlikops.domain.runs.snapshot import FleetSnapshot, Notified, Sample, TaskSnapshot
from qlikops.domain.words.text import MESSAGE_CAP

_logger = logging.getLogger(__name__)
_TRIES = 3
"""Times that a snapshot makes room for one that was saved meanwhile; then it replaces that."""
_JSON = "application/json"
_PACKED = {"ContentType": _JSON, "ContentEncoding": ENCODING}
"""Headers of a snapshot."""


@dataclass(frozen=True, slots=True)
class LastSnapshot:
    """The last run's snapshot, or why this run has to do without."""

    snapshot: FleetSnapshot | None
    lost_because: str = ""
    told: tuple[Notified, ...] = ()
    """What people had been told by then, as far as it can be read: it is not over because a run starts afresh."""
    etag: str = ""
    """S3's mark of what was read; empty if there was nothing."""


@dataclass(frozen=True, slots=True)
class LatestReport:
    """The report that was written last, or why there is none to go on from."""

    report: RunReport | None
    lost_because: str = ""
    is_unread: bool = False
    """It could not be fetched: it may be there, and may remember what nothing else does."""
    etag: str = ""
    """S3's mark of what was read; empty if there was nothing, or nothing could be fetched."""


class Store:
    """One bucket; `client` is boto3's."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def snapshot(self) -> LastSnapshot:
        """The last run's snapshot, where there is one that can be used."""
        return self._snapshot()

    def by_now(self, last: LastSnapshot) -> LastSnapshot:
        """`last` with what people have been told and the mark as they are now: a run beside this one may have saved its
        snapshot since.

        One call, which S3 answers without a body if nothing was saved meanwhile.
        """
        try:
            now = self._snapshot(last.etag)
        except NotModified:
            return last
        return replace(last, told=now.told if now.snapshot else last.told, etag=now.etag)

    def _snapshot(self, known: str = "") -> LastSnapshot:
        etag = ""
        try:
            body, etag = read(self._client, self._bucket, LATEST_SNAPSHOT, known)
            if body is None:
                return LastSnapshot(None, "there is no snapshot of an earlier run")
            snapshot = codec.loads(FleetSnapshot, unpacked(body), numerous=Sample)
        except codec.NewerVersion as exc:
            why = f"the snapshot of the last run is a newer qlikops' (version {exc.version})"
            return LastSnapshot(None, why, etag=etag)
        except codec.CodecError as exc:
            _logger.warning("%s: %s", LATEST_SNAPSHOT, exc)
            return LastSnapshot(None, "the snapshot of the last run cannot be read", etag=etag)
        return LastSnapshot(snapshot, told=snapshot.told, etag=etag)

    def save_snapshot(self, snapshot: FleetSnapshot, last: LastSnapshot | None = None) -> None:
        """Replaces the last snapshot. Packed: a large fleet's is some thirty megabytes of text.

        Long messages are shortened, with marks: read again, they are known not to be whole. `last` is what this run
        went by when it told people. If a run beside it has saved its own since, what that has told is remembered too.
        """
        snapshot = replace(snapshot, tasks=tuple(map(_shortened, snapshot.tasks)))
        earlier, etag, tries = (last.told, last.etag, _TRIES) if last else ((), "", 0)
        for _ in range(tries):
            try:
                write_over(self._client, self._bucket, LATEST_SNAPSHOT, _body(snapshot), etag, **_PACKED)
                return
            except ObjectChanged:
                now = self._snapshot()
            known = {(told.key, told.kind) for told in (*earlier, *snapshot.told)}
            more = tuple(told for told in now.told if (told.key, told.kind) not in known)
            snapshot, etag = replace(snapshot, told=(*snapshot.told, *more)), now.etag
        self._client.put_object(Bucket=self._bucket, Key=LATEST_SNAPSHOT, Body=_body(snapshot), **_PACKED)

    def findings(self, started_at: datetime, execution_name: str) -> RunReport | None:
        """What MonitorTasks found in a run that may have waited for hours since; None where it is not there."""
        text = self._read(detection_key(started_at, execution_name))
        return codec.loads(RunReport, text) if text is not None else None

    def save_detection(self, findings: RunReport) -> None:
        """Keeps a report that has no proposals and no end yet."""
        key = detection_key(findings.started_at, findings.execution_name)
        self._write(key, codec.dumps(findings), _JSON)

    def latest_report(self) -> LatestReport:
        """The report that was written last, where there is one that can be used. Raises nothing: it only adds."""
        etag = ""
        try:
            body, etag = read(self._client, self._bucket, LATEST_REPORT)
            if body is None:
                return LatestReport(None, "there is no report of an earlier run")
            report = codec.loads(RunReport, unpacked(body))
        except codec.NewerVersion as exc:
            why = f"the report of the last run is a newer qlikops' (version {exc.version})"
            return LatestReport(None, why, etag=etag)
        except (*IN_VAIN, codec.CodecError) as exc:
            _logger.warning("%s: %s", LATEST_REPORT, exc)
            is_unread = not isinstance(exc, codec.CodecError)
            return LatestReport(None, "the report of the last run cannot be read", is_unread=is_unread, etag=etag)
        return LatestReport(report, etag=etag)

    def save_report(self, report: RunReport, markdown: str, latest: LatestReport) -> str:
        """Writes a report as JSON and Markdown, and in place of the `latest` one; its key, without the ending.

        A latest one that could not be fetched stays, and so does one that a run beside this one has written since: it
        may say that people were told of a failure that is over by now. Only one that says so itself takes its place.
        """
        key = report_key(report.started_at, report.execution_name)
        text = codec.dumps(report)
        self._write(f"{key}.md", markdown, "text/markdown; charset=utf-8")
        self._write(f"{key}.json", text, _JSON)
        if report.failure_told:
            self._write(LATEST_REPORT, text, _JSON)
        elif not latest.is_unread:
            with suppress(ObjectChanged):
                write_over(self._client, self._bucket, LATEST_REPORT, text.encode(), latest.etag, ContentType=_JSON)
        return key

    def url(self, key: str) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self._bucket}/{key}"

    def _read(self, key: str) -> str | None:
        body, _ = read(self._client, self._bucket, key)
        return None if body is None else unpacked(body)

    def _write(self, key: str, content: str | bytes, content_type: str, **headers: str) -> None:
        body = content.encode() if isinstance(content, str) else content
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, **headers)


def _body(snapshot: FleetSnapshot) -> bytes:
    return packed(codec.dumps(snapshot))


def _shortened(task: TaskSnapshot) -> TaskSnapshot:
    facts = task.facts
    if len(facts.message) <= MESSAGE_CAP:
        return task
    message = shortened(facts.message, MESSAGE_CAP, judge(facts).passage)
    return replace(task, facts=replace(facts, message=message))
