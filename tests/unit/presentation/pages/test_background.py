"""What the review says of how the task, and proposals like this one, fared before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from qlikops.domain.errors import AccessDenied
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.gathered.background import HISTORY_LIMIT, Background, read_background
from qlikops.domain.proposals.approval import EarlierResults, HistoryLine, Status
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.proposals.lasting import Lasting, TaskLasting
from qlikops.domain.runs.snapshot import Sample
from qlikops.presentation.pages.background import PLOT_COLUMNS, history_line, plot
from qlikops.presentation.pages.review import body
from qlikops.presentation.tone import Section, as_text
from tests.unit.presentation import samples
from tests.unit.tui.fakes import FakeEnvironment

TRACK = EarlierResults("bedrock", Verdict.APPROVE, tried=41, recovered=38, denied=2)


def earlier(*statuses: Status, snooze_seconds: int = 0) -> tuple[HistoryLine, ...]:
    bob = "arn:aws:iam::1:user/bob"
    return tuple(
        HistoryLine(
            samples.NOW - timedelta(days=day), f"{day}", "STALLED", "resume", status, bob, "why", snooze_seconds
        )
        for day, status in enumerate(statuses, start=1)
    )


def polled(*latencies: int | None) -> tuple[Sample, ...]:
    return tuple(
        Sample(samples.NOW - timedelta(minutes=5 * age), None, latency)
        for age, latency in reversed(list(enumerate(reversed(latencies))))
    )


def shown(background: Background | None, tasks: tuple[str, ...] = ("sales-orders",)) -> str:
    return as_text(body(samples.approval(samples.proposal(tasks=tasks)), samples.NOW, background))


def test_the_track_record_is_that_of_the_same_verdict_of_the_same_evaluator() -> None:
    others = (replace(TRACK, evaluator="rules", tried=7), replace(TRACK, verdict=Verdict.DENY, tried=9))
    said = shown(Background(track=(*others, TRACK)))
    assert "approved here: 38 of 41 recovered, 2 denied  after “AI approve” on FATAL_TRANSIENT" in said
    assert "track record none yet" in shown(Background(track=others))


@pytest.mark.parametrize(
    ("lasted", "fell_over", "said"),
    [
        (3, 1, "38 of 41 recovered; of 4 followed, 3 lasted, 2 denied"),
        (9, 2, "38 of 41 recovered; of 11 followed, 9 lasted (82%), 2 denied"),
    ],
)
def test_whether_they_lasted_is_said_in_both_numbers_and_as_a_rate_from_five_on(
    lasted: int, fell_over: int, said: str
) -> None:
    assert said in shown(Background(track=(replace(TRACK, lasted=lasted, fell_over=fell_over),)))


def test_a_line_of_history_says_how_the_task_fell_over() -> None:
    at = samples.NOW
    fell = TaskLasting(TaskKey("default", "eu", "orders"), Lasting.FELL_OVER, 420, at)
    entry = HistoryLine(at, "0123456789ab", "FATAL_TRANSIENT", "resume", Status.RESTARTED, lasting=fell)
    assert "; fell over after 7 min" in as_text((Section("", (history_line(entry),)),))


DEADLOCK = Diagnosis("oracle-deadlock", "oracle", FailureClass.RETRY_NOW, Certainty.KNOWN, "A deadlock.")


@dataclass
class Counted(FakeEnvironment):
    """Has results for some failures and kinds only."""

    counts: tuple[str, ...] = ()

    def track_record(self, counted_as: str, action: Action) -> Sequence[EarlierResults]:
        return super().track_record(counted_as, action) if counted_as in self.counts else ()


@pytest.mark.parametrize(
    ("counts", "certainty", "track_of"),
    [
        (("oracle-deadlock", "FATAL_TRANSIENT"), Certainty.KNOWN, "oracle-deadlock"),
        (("FATAL_TRANSIENT",), Certainty.KNOWN, "FATAL_TRANSIENT"),
        (("oracle-deadlock", "FATAL_TRANSIENT"), Certainty.LIKELY, "FATAL_TRANSIENT"),
    ],
)
def test_the_track_record_is_the_failures_own_or_else_its_kinds(
    counts: tuple[str, ...], certainty: Certainty, track_of: str
) -> None:
    proposal = replace(samples.proposal(), diagnosis=replace(DEADLOCK, certainty=certainty))
    approval = samples.approval(proposal)
    environment = Counted(counts=counts, track=(TRACK,))
    background = read_background(environment, approval)
    assert (background.track, background.track_of) == ((TRACK,), track_of)
    assert f"after “AI approve” on {track_of}" in as_text(body(approval, samples.NOW, background))


def test_the_history_says_what_how_often_who_why_and_for_how_long() -> None:
    said = shown(Background(earlier(Status.DENIED, Status.RESTARTED, Status.EXPIRED, snooze_seconds=14400)))
    assert "1 restarted, 1 denied, 1 otherwise  (all 3)" in said
    assert "03-06 11:20  DENIED resume, STALLED by bob: why; snoozed for 4h00m" in said


def test_only_what_was_seen_to_come_up_counts_as_restarted() -> None:
    ended = (Status.RESTARTED, Status.UNVERIFIED, Status.UNVERIFIED, Status.FAILED, Status.DENIED, Status.HELD)
    said = shown(Background(earlier(*ended)))
    assert "1 restarted, 2 unverified, 1 failed, 1 denied, 1 otherwise  (all 6)" in said


def test_a_failed_restart_says_what_was_sent() -> None:
    (line,) = earlier(Status.FAILED)
    said = shown(Background((replace(line, came_to="stopped and not started again"),)))
    assert "FAILED (stopped and not started again) resume, STALLED by bob: why" in said


def test_a_long_history_is_cut_but_counted() -> None:
    said = shown(Background(earlier(*[Status.RESTARTED] * HISTORY_LIMIT)))
    assert "20 restarted  (the last 20)" in said
    assert said.count(" by bob") == 8
    assert "and 12 more" in said


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        ([0, 8, 16], ("  █", "▁██")),
        ([5], ("█", "█")),
        ([0, 0], ("  ", "▁▁")),
        ([None, 16], (" █", "·█")),
        ([None, None], ("  ", "··")),
        ([1000, None] + [0] * 58, ("█" + " " * 29, "█" + "▁" * 29)),
    ],
)
def test_the_plot(values: Sequence[int | None], rows: tuple[str, str]) -> None:
    assert plot(values) == rows
    assert len(rows[0]) <= PLOT_COLUMNS


def test_the_latency_stands_in_words_too() -> None:
    said = shown(Background(samples=polled(3, 720, 65, None, None)))
    assert "max 12m00s, min 3s, last 1m05s (not known in the last 2 samples); 5 samples over 20m00s, to 2026" in said


def test_no_samples_are_said_to_be_none() -> None:
    assert "no samples" in shown(Background())
    assert "not known in 2 samples" in shown(Background(samples=polled(None, None)))
    assert "Latency" not in shown(Background(), tasks=("a", "b"))


def test_before_it_has_been_read_nothing_is_said_to_be_missing() -> None:
    assert not {"track record", "no samples", "Earlier"} & set(shown(None).splitlines())


def test_one_part_that_cannot_be_read_costs_nothing_but_itself_and_says_so() -> None:
    environment = FakeEnvironment.waiting_for(samples.approval())

    environment.track_error = AccessDenied("not allowed to look at TRACK#")
    background = read_background(environment, samples.approval())
    assert background.history
    said = shown(background)
    assert "not read     Access denied: not allowed to look at TRACK#" in said
    assert "none yet" not in said
