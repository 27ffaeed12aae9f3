"""A shift in groups."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.gathered.shift import Shift
from qlikops.domain.gathered.shift_entry import ShiftEntry, entry_of
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.lasting import Aftermath, Lasting, TaskLasting
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskProgress, TaskSnapshot
from qlikops.domain.workflow.execution import ExecutionStatus
from qlikops.presentation.filter import parse
from qlikops.presentation.lists.shift_rows import (
    TABLE,
    ShiftSection,
    columns,
    first_sentence,
    group_of,
    hours,
    markdown,
    rows,
    second_sentence,
)
from qlikops.presentation.table import taken
from tests.fakes import CALLER
from tests.unit.domain.gathered.test_decisions import FELL, HOUR, LASTED, ended
from tests.unit.domain.gathered.test_handover import run_of
from tests.unit.domain.gathered.test_shift import BOB
from tests.unit.domain.samples import KEY, NOON, WAITING
from tests.unit.presentation.samples import HOSTILE

SINCE = NOON - 12 * HOUR
OTHER = TaskKey("default", "eu", "other")


def muted(*keys: TaskKey, kind: MuteReason = MuteReason.SNOOZED) -> tuple[TaskSnapshot, ...]:
    memory = TaskProgress(quiet=Mute(kind, NOON + HOUR, "bob"))
    return tuple(TaskSnapshot(TaskFacts(key, TaskState.ERROR, StopReason.FATAL_ERROR), memory) for key in keys)


@pytest.fixture
def shift() -> Shift:
    records = [
        ended("a", Status.RESTARTED, FELL, hours=8),
        ended("b", Status.FAILED, hours=2),
        ended("c", Status.RESTARTING, hours=1),
        ended("d", Status.RESTARTED, LASTED, hours=4),
        ended("e", Status.DENIED, hours=3, by=BOB),
        ended("f", Status.SUPERSEDED, hours=6),
    ]
    entries = (entry_of(WAITING), *map(entry_of, records))
    plan = Plan("plan-1", Scope(("eu",)), NOON - HOUR, NOON + HOUR, "CHG1", BOB, "one", NOON - HOUR)
    snapshot = FleetSnapshot(NOON, "one", (), muted(OTHER, replace(OTHER, task="more")), plans=(plan,))
    broken = run_of("run-7", 5, 4, status=ExecutionStatus.FAILED).summary
    return Shift(SINCE, NOON, entries, snapshot=snapshot, broken=(broken,))


def test_the_groups_come_in_the_order_of_what_must_be_known_first(shift: Shift) -> None:
    found = rows(shift, CALLER)
    assert [(row.group, row.sign.text) for row in found] == [
        (ShiftSection.WRONG, "✗"),  # fell over at noon, restarted long before
        (ShiftSection.WRONG, "✗"),
        (ShiftSection.WRONG, "✗"),
        (ShiftSection.OPEN, "◐"),
        (ShiftSection.LASTED, "✓"),
        (ShiftSection.QUIET, "○"),
        (ShiftSection.QUIET, "○"),
        (ShiftSection.OTHER, "○"),
        (ShiftSection.PLANNED, "○"),
        (ShiftSection.WAITS, "●"),
    ]
    fell, failed, run, *_ = found
    assert (fell.at, fell.became.text, fell.by.text) == (NOON, "fell over after 7 min", "you resumed it")
    assert (failed.became.text.split(":")[0], run.what, run.became.text) == ("failed", "run-7", "failed")
    assert len({row.key for row in found}) == len(found)
    assert {row.execution_name for row in found} == {"run-1", "run-7", ""}
    assert {key for row in found for key in TABLE.cells(row)} == {"sign", "at", "what", "server", "by", "became"}


def test_who_is_kept_quiet_by_an_earlier_decision_has_a_row_and_who_rests_after_a_restart_has_none(
    shift: Shift,
) -> None:
    quiet = [row for row in rows(shift) if row.group is ShiftSection.QUIET]
    assert [(row.what, row.by.text) for row in quiet] == [
        (KEY.task, "bob denied"),
        ("2 tasks (eu/more, eu/other)", "snoozed by bob"),
    ]
    assert quiet[1].became.text == "kept quiet until 13:00 UTC, in 1h00m"
    assert shift.snapshot
    for tasks in (muted(KEY), muted(OTHER, kind=MuteReason.COOLDOWN)):
        again = replace(shift, snapshot=replace(shift.snapshot, tasks=tasks))
        assert len([row for row in rows(again) if row.group is ShiftSection.QUIET]) == 1
    one = replace(shift, snapshot=replace(shift.snapshot, tasks=muted(OTHER)))
    assert rows(one)[6].task == OTHER


@pytest.mark.parametrize(
    ("status", "lasting", "group"),
    [
        (Status.RESTARTED, None, ShiftSection.OPEN),
        (Status.RESTARTED, Aftermath(1, up_seconds=900), ShiftSection.OPEN),
        (Status.RESTARTED, Aftermath(1, unclear=1), ShiftSection.OTHER),
        (Status.ALREADY_RUNNING, None, ShiftSection.OTHER),
        (Status.EXPIRED, None, ShiftSection.WRONG),
        (Status.PARTIAL, None, ShiftSection.WRONG),
        (Status.WAITING, None, ShiftSection.WAITS),
    ],
)
def test_where_a_proposal_belongs(status: Status, lasting: Aftermath | None, group: ShiftSection) -> None:
    assert group_of(replace(entry_of(WAITING), status=status, lasting=lasting)) is group


def test_what_came_since_the_last_visit_is_marked_and_counted(shift: Shift) -> None:
    seen_at = NOON - timedelta(hours=3)
    found = rows(shift, CALLER, seen_at)
    assert [row.is_new for row in found] == [True, True, False, True, False, True, False, False, True, True]
    assert TABLE.cells(found[0])["at"].text == "12:00+"
    assert "".join(span.text for span in second_sentence(found, seen_at)) == (
        "1 waits. 1 plan of work.  +2 went wrong since you looked at 09:00."
    )
    assert "".join(span.text for span in second_sentence(rows(shift), None)) == "1 waits. 1 plan of work."
    assert "".join(span.text for span in second_sentence([], seen_at)) == "Nothing waits."


def test_the_first_sentence(shift: Shift) -> None:
    said = first_sentence(rows(shift), SINCE)
    assert said == "Since 00:00 UTC: 3 went wrong, 1 not certain yet, 1 lasted, 2 denied or kept quiet"
    assert first_sentence([], SINCE) == "Since 00:00 UTC: nothing was decided"


@pytest.mark.parametrize(
    ("text", "number"),
    [("by:you", 4), ("by:bob", 3), ("task:sales", 7), ("failure:fatal", 7), ("ended:lasted", 1), ("new:", 0), ("", 10)],
)
def test_it_is_narrowed_as_the_command_is(shift: Shift, text: str, number: int) -> None:
    assert sum(map(parse(text, TABLE.fields).matches, rows(shift, CALLER))) == number


def test_the_strip_has_what_ended_and_what_waits(shift: Shift) -> None:
    labels, _, done, waits = (each.text for each in hours(rows(shift), SINCE, NOON, 48))
    assert labels.startswith("00  01")
    assert (done.count("✗"), done.count("✓"), done.count("◐"), done.count("○")) == (
        3,
        0,
        1,
        2,
    )  # what lasted came up in the hour of a run that failed
    # What lasted came up in the quarter of an hour in which a run failed.
    assert waits.strip() == "●"


def test_it_can_be_handed_on_as_markdown(shift: Shift) -> None:
    text = markdown(rows(shift, CALLER), SINCE, "prod")
    assert text.startswith("# Shift: prod\n\n- Since 00:00 UTC: 3 went wrong")
    assert text.index("## Went wrong") < text.index("## Not certain yet") < text.index("## Waits for an answer")
    assert "- **12:00** replicate-eu-1/sales-orders, you resumed it: fell over after 7 min" in text
    assert markdown([], SINCE).startswith("# Shift\n")


def of(entry: ShiftEntry, **changes: Any) -> str:
    (row,) = rows(Shift(SINCE, NOON, (replace(entry, **changes),)), CALLER)
    return row.by.text


def test_what_was_done_is_said_by_its_name() -> None:
    approved = entry_of(ended("a", Status.RESTARTED))
    assert approved.decision
    assert of(approved, action="reload") == "you reloaded it"
    assert of(approved, action="dance_on") == "you approved dance on"
    assert of(approved, status=Status.RESTARTING) == "you approved resume"
    assert of(approved, decision=replace(approved.decision, reason="CHG1")) == "you resumed it: CHG1"
    assert of(approved, decision=None) == "resume"
    tasks = TaskLasting(KEY, Lasting.FELL_OVER, 60, NOON)
    assert rows(Shift(SINCE, NOON, (replace(approved, lasting=Aftermath(2).with_results([tasks])),)))[0].at == NOON


@pytest.mark.parametrize(
    ("width", "keys"),
    [
        (60, ["sign", "at", "what", "became"]),
        (120, ["sign", "at", "what", "by", "became"]),
        (140, ["sign", "at", "what", "server", "by", "became"]),
    ],
)
def test_what_became_of_it_is_there_at_every_width(width: int, keys: list[str]) -> None:
    found = columns(width)
    assert [column.key for column in found] == keys
    assert taken(found) <= width


def test_what_came_from_outside_can_steer_no_terminal() -> None:
    record = ended("a", Status.FAILED)
    assert record.decision
    decision = replace(record.decision, reason=HOSTILE, by=HOSTILE)
    hostile = replace(entry_of(record), label=HOSTILE, detail=HOSTILE, action=HOSTILE, key=None, decision=decision)
    for entry in (hostile, replace(hostile, decision=None)):
        for row in rows(Shift(SINCE, NOON, (entry,))):
            assert all(cell.text.isprintable() for cell in TABLE.cells(row).values())
