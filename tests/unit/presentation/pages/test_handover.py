"""The handover of a shift, what the next one has to act on first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.fleet.freshness import Freshness, StaleTask, StaleTime
from qlikops.domain.gathered.handover import Handled, Handover, MutedTask
from qlikops.domain.proposals.approval import Claim, Decision, Outcome, Status
from qlikops.domain.proposals.lasting import FellOver, Lasting, TaskLasting
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.run import Progress
from qlikops.domain.workflow.execution import ExecutionStatus, RunProposal
from qlikops.presentation.pages import handover
from qlikops.presentation.tone import as_text
from tests.fakes import row_of
from tests.unit.presentation import samples
from tests.unit.presentation.samples import CALLER, NOW

HOUR = timedelta(hours=1)
KEY = samples.proposal().targets[0].key
QUIET = Handover(NOW - 12 * HOUR, NOW, (), (), (), (), (), 3, NOW - 36 * HOUR, NOW - timedelta(minutes=4))


def closed(status: Status, decision: Decision | None = None, detail: str = "", hours: float = 1) -> Handled:
    outcome = Outcome(status, detail, decision=decision)
    at = NOW - hours * HOUR
    return Handled("run-1", RunProposal("0123456789ab", "eu/orders", "STALLED", "resume", status, at, outcome=outcome))


def said(shift: Handover) -> str:
    return as_text(handover.sections(shift))


def test_what_fell_over_stands_first_of_all() -> None:
    fell = TaskLasting(KEY, Lasting.FELL_OVER, 420, NOW - HOUR, "ERROR (FATAL_ERROR)")
    shift = replace(
        QUIET,
        fell_over=(FellOver("0123456789ab", str(KEY), (fell,), 1),),
        waiting=(row_of(samples.approval()),),
    )
    text = said(shift)
    assert text.index("Fell over after a restart") < text.index("Waits for a decision")
    assert "in short     1 fell over, 1 waiting" in text
    assert "restarted 2026-03-07 10:13:00 UTC, fell over after 7 min; ERROR (FATAL_ERROR)" in text


APPROVED = Decision(True, by=CALLER, at=NOW, reason="safe", digest="d")
DENIED = Decision(False, by=CALLER, at=NOW, reason="planned", snooze_seconds=4 * 3600)


def test_what_the_next_shift_acts_on_comes_first() -> None:
    claimed = replace(row_of(samples.approval()), claim=Claim(CALLER, NOW + HOUR))
    shift = replace(
        QUIET,
        handled=(closed(Status.RESTARTED, APPROVED), closed(Status.EXPIRED)),
        waiting=(claimed,),
        quiet=(MutedTask(KEY, Mute(MuteReason.SNOOZED, NOW + 3 * HOUR, "anna")),),
        running=(samples.execution("now"),),
        broken=(samples.execution("broken", ExecutionStatus.FAILED),),
    )
    text = said(shift)
    titles = ("Waits for a decision", "Failed or expired", "Decided", "Kept quiet", "Runs")
    assert [text.index(title) for title in titles] == sorted(text.index(title) for title in titles)
    for words in (
        "in short     1 expired, 1 restarted, 1 waiting, 1 kept quiet",
        "■ critical replicate-eu-1/sales-orders: connection lost, resume; expires 2026-03-07 15:08:00 UTC (in 3h48m)",
        "; claimed by anna",
        "EXPIRED eu/orders: resume, STALLED; nobody decided in time; nothing was restarted",
        "RESTARTED eu/orders: resume, STALLED; approved by anna at 11:20:00 UTC: safe",
        "3h00m more",
        "running      now since 2026-03-07 11:08:00 UTC",
        "failed       broken took 1m15s",
        "3 runs, 1 failed, timed out or aborted",
    ):
        assert words in text


def test_what_is_out_of_freshness_is_named_and_counted() -> None:
    freshness = Freshness("gold", 900, NOW - HOUR, NOW + 0.5 * HOUR, NOW + HOUR)
    tasks = [StaleTask(replace(KEY, task=f"t{number}"), freshness) for number in range(5)]
    times = (StaleTime("gold", 5400, 5), StaleTime("eu/b", 59, 1))
    text = said(replace(QUIET, stale=tuple(tasks), stale_time=times))
    out = "gold allows 15m: out of it since 10:20 UTC, 1h00m; fresh again between 11:50 and 12:20 UTC"
    assert f"5 stale      {tasks[0].key}: {out}" in text
    assert "and 2 more" in text
    assert "gold         90 min out of freshness, 5 tasks" in text
    assert "less than a minute out of freshness, 1 task" in text


def test_a_shift_in_which_nothing_happened_says_so() -> None:
    text = said(QUIET)
    assert "nothing was decided, nothing waits" in text
    assert "3 runs, none failed" in text
    assert "last looked at 2026-03-07 11:16:00 UTC, 4m00s before" in text
    assert "note" not in text


def test_what_is_not_known_is_said() -> None:
    text = said(replace(QUIET, seen_at=None, is_complete=False))
    assert "no run has looked at it yet" in text
    assert "the oldest are missing" in text


def test_denials_that_no_run_has_seen_are_counted() -> None:
    before, since = closed(Status.DENIED, DENIED, hours=1), closed(Status.DENIED, DENIED, hours=0.01)
    assert "1 denial since keep tasks quiet too" in said(replace(QUIET, handled=(before, since)))


def test_a_claim_that_has_run_out_is_not_told() -> None:
    row = replace(row_of(samples.approval()), claim=Claim(CALLER, NOW))
    assert "claimed" not in said(replace(QUIET, waiting=(row,)))


@pytest.mark.parametrize(
    ("each", "words"),
    [
        (closed(Status.DENIED, DENIED, "planned"), "denied by anna at 11:20:00 UTC: planned; snoozed for 4h00m"),
        (closed(Status.UNVERIFIED, APPROVED, "no answer"), "approved by anna at 11:20:00 UTC: safe (no answer)"),
        (closed(Status.ABANDONED, None, "its run died"), "STALLED; its run died"),
    ],
)
def test_what_became_of_one_is_said_once(each: Handled, words: str) -> None:
    line = next(line for line in said(replace(QUIET, handled=(each,))).splitlines() if words in line)
    assert line.count("planned") <= 1


def test_of_a_restart_that_waits_it_says_for_what_and_until_when() -> None:
    wait = EndpointWait(EndpointKey("default", "eu", "ORA-PROD"), NOW + HOUR / 6, NOW + 4 * HOUR)
    one = closed(Status.RESTARTING)
    waits = replace(one, proposal=replace(one.proposal, outcome=None, progress=Progress(0, 0, 1, wait)))
    words = said(replace(QUIET, handled=(waits,)))
    assert wait.words in words
    assert "under way" not in words
    assert "WAITS FOR ENDPOINT" in words


def test_what_one_denial_keeps_quiet_is_one_line() -> None:
    mute = Mute(MuteReason.SNOOZED, NOW + 3 * HOUR, "anna")
    tasks = tuple(MutedTask(replace(KEY, task=f"t{number}"), mute) for number in range(60))
    other = MutedTask(KEY, replace(mute, by="ben"))
    lines = [text for text in said(replace(QUIET, quiet=(*tasks, other))).splitlines() if "more" in text]
    assert len(lines) == 2
    assert "60 tasks (" in lines[0]
    assert "and 55 more): " in lines[0]


def test_work_that_is_planned_is_handed_over() -> None:
    goes_on = Plan("plan-1", Scope(servers=("eu",)), NOW - HOUR, NOW + HOUR, "patching", CALLER, "run-1", NOW - HOUR)
    to_come = replace(goes_on, plan_id="plan-2", starts_at=NOW + 2 * HOUR, ends_at=NOW + 3 * HOUR)
    text = said(replace(QUIET, plans=(goes_on, to_come)))
    assert "in short     2 plans of work" in text
    assert "plan-1       until 12:20 UTC  server eu: patching, says anna" in text
    assert "plan-2       from 13:20 UTC until 14:20 UTC  server eu: patching, says anna" in text


def test_the_hours_have_what_ended_and_what_waits_where_there_is_room() -> None:
    fell = FellOver("0123456789ab", "eu/orders", (TaskLasting(KEY, Lasting.FELL_OVER, 420, NOW - 2 * HOUR),), 1)
    others = [
        replace(each, proposal=replace(each.proposal, proposal_id=status))
        for hours, status in enumerate((Status.RESTARTED, Status.DENIED, Status.FAILED, Status.RESTARTING), 4)
        for each in [closed(status, hours=hours)]
    ]
    broken = replace(samples.execution("run-9"), status=ExecutionStatus.FAILED, stopped_at=NOW - 9 * HOUR)
    shift = replace(
        QUIET,
        handled=(closed(Status.RESTARTED), *others),
        fell_over=(fell,),
        broken=(broken,),
        waiting=(row_of(samples.approval()),),
    )
    (hours,) = [section for section in handover.sections(shift, 60) if section.title == "Hours"]
    _, _, ended, waits = (entry.text for entry in hours.lines)
    assert [sign for sign in ended if sign != " "] == list("✗◐✗○✓✗")
    assert waits.strip() == "●"
    assert "Hours" not in said(shift)
