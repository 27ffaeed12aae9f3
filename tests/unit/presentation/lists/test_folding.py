"""What of the fleet is one row, what that says, and what stands by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.snapshot import TaskProgress, TaskSnapshot
from qlikops.presentation.lists.fleet import FleetRow
from qlikops.presentation.lists.folding import PREFIX, Fold, folded
from tests.unit.presentation.samples import NOW

ANOMALY = Anomaly(AnomalyKind.FATAL_TRANSIENT, Severity.CRITICAL, TaskKey("default", "eu", "a"), "connection lost")


def task(name: str, server: str = "eu", state: TaskState = TaskState.RUNNING, source: str = "ORA") -> FleetRow:
    key = TaskKey("default", server, name)
    return FleetRow(TaskSnapshot(TaskFacts(key, state, StopReason.NONE, source_endpoint=source)), NOW)


def broken(name: str, source: str = "ORA", proposal_id: str = "") -> FleetRow:
    each = task(name, state=TaskState.ERROR, source=source)
    return replace(each, task=replace(each.task, anomalies=(ANOMALY,), proposal_id=proposal_id))


def said(tasks: Iterable[FleetRow], unfolded: Iterable[str] = (), *, by_server: bool = True) -> list[str]:
    rows = folded(tasks, set(unfolded), by_server=by_server).values()
    return [row.cells["label"].text if isinstance(row, Fold) else row.facts.key.task for row in rows]


def test_what_is_well_is_one_row_a_server_or_one_in_all() -> None:
    tasks = [task("a"), task("b", "us"), task("c"), task("d", "us"), task("e", "ap")]
    assert said(tasks) == ["▸ 2 run well (eu)", "▸ 2 run well (us)", "e"]
    assert said(tasks, by_server=False) == ["▸ 5 run well (several servers)"]


def test_one_cause_is_one_row_where_the_first_of_it_is() -> None:
    tasks = [broken("a", "X"), broken("b"), task("c"), broken("d"), broken("e", "", "p1"), broken("f", "Y", "p1")]
    assert said(tasks) == ["a", "▸ 2 on ORA (eu)", "c", "▸ 2 with one cause (eu)"]


def test_a_server_that_is_down_hides_its_tasks_in_one_row() -> None:
    down = [replace(task(name), server_down=True) for name in ("a", "b")]
    assert said(down) == ["▸ 2 on eu"]


@pytest.mark.parametrize(
    "odd",
    [
        replace(task("x"), task=replace(task("x").task, note="left alone")),
        replace(task("x"), task=replace(task("x").task, proposal_id="p")),
        replace(
            task("x"),
            task=replace(
                task("x").task, memory=TaskProgress(quiet=Mute(MuteReason.DENIED, NOW + timedelta(hours=1), "anna"))
            ),
        ),
        task("x", state=TaskState.STOPPED),
    ],
)
def test_what_something_is_to_be_said_of_stands_by_itself(odd: FleetRow) -> None:
    assert said([task("a"), odd, task("b")]) == ["▸ 2 run well (eu)", "x"]


def test_what_is_unfolded_stands_by_itself_and_every_task_is_in_one_row() -> None:
    tasks = [broken("a"), task("b"), broken("c"), task("d"), task("e")]
    assert said(tasks, {"default/eu/a", "default/eu/d"}) == ["a", "▸ 2 run well (eu)", "c", "d"]
    rows = folded(tasks)
    keys = [row.tasks if isinstance(row, Fold) else [row] for row in rows.values()]
    assert sorted(each.facts.key for found in keys for each in found) == sorted(each.facts.key for each in tasks)
    assert all(key.startswith(PREFIX) is isinstance(row, Fold) for key, row in rows.items())


def test_a_row_says_what_its_tasks_have_in_common_the_longest_delay_and_the_oldest_data() -> None:
    def late(each: FleetRow, seconds: int) -> FleetRow:
        memory = TaskProgress(position=NOW - timedelta(seconds=seconds))
        facts = replace(each.facts, total_latency_seconds=seconds)
        return replace(each, task=replace(each.task, facts=facts, memory=memory))

    (row,) = folded([late(task("a"), 60), late(task("b", "us"), 3600)], by_server=False).values()
    assert isinstance(row, Fold)
    assert row.cells["state"].text == "RUNNING"
    assert row.cells["server"].text == "several"
    assert row.cells["as_of"].text == "10:20"
    assert row.cells["latency"].text == "1h00m"


def test_a_row_does_not_say_of_all_its_tasks_what_is_known_of_the_first() -> None:
    def muted(name: str, by: str) -> FleetRow:
        each = replace(task(name), server_down=True)
        memory = TaskProgress(quiet=Mute(MuteReason.SNOOZED, NOW + timedelta(hours=1), by))
        return replace(each, task=replace(each.task, memory=memory))

    def quiet(*tasks: FleetRow) -> str:
        (row,) = folded(tasks).values()
        assert isinstance(row, Fold)
        return row.cells["quiet"].text

    assert quiet(muted("a", "anna"), muted("b", "anna")) == "snoozed 1h00m more by anna"
    assert quiet(muted("a", "anna"), muted("b", "ben")) == "several"
    assert quiet(muted("a", "anna"), replace(task("b"), server_down=True)) == "several"
