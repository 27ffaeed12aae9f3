"""What the review says of earlier proposals on the task."""

from __future__ import annotations

from datetime import timedelta

from qlikops.domain.approval import Status
from qlikops.domain.ports import HistoryLine
from qlikops.presentation.review import body
from qlikops.presentation.tone import as_text
from tests.unit.presentation import samples


def earlier(*statuses: Status, kind: str = "FATAL_TRANSIENT") -> list[HistoryLine]:
    return [
        HistoryLine(
            samples.NOW - timedelta(days=day), f"{day}", kind, "resume", status, "arn:aws:iam::1:user/bob", "why"
        )
        for day, status in enumerate(statuses, start=1)
    ]


def shown(history: list[HistoryLine]) -> str:
    return as_text(body(samples.approval(), history))


def test_the_track_record_counts_the_restarts_that_were_tried_after_the_same_anomaly() -> None:
    tried = earlier(Status.RESTARTED, Status.RESTARTED, Status.UNVERIFIED, Status.DENIED, Status.SUPERSEDED)
    said = shown(tried + earlier(Status.RESTARTED, kind="USER_STOPPED"))
    assert "2 of 3 approved here recovered  after FATAL_TRANSIENT" in said


def test_without_a_tried_restart_there_is_no_track_record_but_the_denial_with_its_reason() -> None:
    said = shown(earlier(Status.DENIED))
    assert "approved here" not in said
    assert "resume, FATAL_TRANSIENT by bob: why" in said


def test_a_long_history_is_cut_but_counted() -> None:
    said = shown(earlier(*[Status.RESTARTED] * 10))
    assert "10 of 10 approved here recovered" in said
    assert said.count(" by bob") == 8
    assert "and 2 more" in said
