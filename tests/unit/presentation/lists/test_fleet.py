"""The fleet's rows, summary and filter, and one task in full."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.fleet.anomaly import KINDS, Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.freshness import Freshness
from qlikops.domain.fleet.task import Fetched, ServerFacts, ServerState, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.gathered.shift_entry import entry_of
from qlikops.domain.proposals.approval import Decision, Status
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.snapshot import FleetSnapshot, Sample, TaskProgress, TaskSnapshot
from qlikops.presentation.filter import parse
from qlikops.presentation.lists import fleet
from qlikops.presentation.lists.fleet import FleetSort
from qlikops.presentation.table import Cells
from qlikops.presentation.tone import Section, Tone, as_text
from tests.unit.presentation import samples
from tests.unit.presentation.samples import HOSTILE, NOW

SNAPSHOT = samples.fleet()
BILLING, ORDERS, STOCK = SNAPSHOT.tasks
MINUTE = timedelta(minutes=1)


def with_memory(memory: TaskProgress, subject: TaskSnapshot = BILLING) -> TaskSnapshot:
    return replace(subject, memory=memory)


def sampled(*seconds: int | None) -> tuple[Sample, ...]:
    return tuple(Sample(NOW - (len(seconds) - index) * 5 * MINUTE, 1, each) for index, each in enumerate(seconds))


def cells(task: TaskSnapshot, *, down: bool = False) -> Cells:
    return fleet.TABLE.cells(fleet.FleetRow(task, NOW, down))


def summary(snapshot: FleetSnapshot) -> str:
    return as_text([Section("", fleet.summary(snapshot, NOW))])


def test_what_is_wrong_comes_first_and_other_orders_are_offered() -> None:
    restarted = with_memory(TaskProgress(restarted_at=NOW))
    tasks = [fleet.FleetRow(each, NOW) for each in (STOCK, restarted, ORDERS)]
    orders = fleet.TABLE.orders
    by = {order.name: [each.facts.key.task for each in fleet.TABLE.sorted(tasks, order)] for order in orders}
    assert by[FleetSort.WORST] == ["sales-orders", "stock", "billing"]
    assert by[FleetSort.NAME] == by[FleetSort.SERVER] == ["billing", "sales-orders", "stock"]
    assert by[FleetSort.LATENCY][0] == by[FleetSort.RESTARTED][0] == "billing"
    order = orders[0]
    assert [order := fleet.TABLE.order_after(order) for _ in orders] == [*orders[1:], orders[0]]


def test_a_row() -> None:
    assert cells(BILLING)["latency"].text == "9s"
    assert cells(BILLING)["label"].text == "billing (replicate-eu-1)"
    failed = cells(ORDERS)
    assert [failed[key].text for key in ("latency", "kind", "restarted")] == ["", "failed, a resume helps", ""]
    restarted = with_memory(TaskProgress(restarted_at=NOW - 12 * MINUTE))
    assert cells(restarted)["restarted"].text == "12m ago"
    hostile = replace(BILLING, facts=replace(BILLING.facts, key=TaskKey("i", HOSTILE, HOSTILE)), note=HOSTILE)
    assert all(cell.text.isprintable() for cell in cells(hostile).values())


def test_one_column_of_the_sparks_is_one_time_in_every_row() -> None:
    snapshot = replace(samples.fleet(), tasks=(with_memory(sampled_since(24)), with_memory(sampled_since(2))))
    long, short = (fleet.TABLE.cells(each)["trend"].text for each in fleet.listed(snapshot, NOW))
    assert long == "▁" * 12
    assert short == "▁".rjust(12)


def sampled_since(polls: int) -> TaskProgress:
    return TaskProgress(samples=sampled(*[3] * polls))


def test_how_old_the_targets_data_is_stands_beside_what_was_promised() -> None:
    promised = Freshness("gold", 900, stale_from=NOW - MINUTE)
    late = with_memory(TaskProgress(position=NOW - 16 * MINUTE, freshness=promised))
    kept = with_memory(TaskProgress(position=NOW - MINUTE, freshness=replace(promised, stale_from=NOW + MINUTE)))
    old = with_memory(TaskProgress(position=NOW - 1500 * MINUTE))
    shown = [cells(each)["as_of"].text for each in (late, kept, old, BILLING)]
    assert shown == [f"{NOW - 16 * MINUTE:%H:%M} late", f"{NOW - MINUTE:%H:%M}", "03-06", ""]


@pytest.mark.parametrize(
    ("quiet", "says"),
    [
        (Mute(MuteReason.SNOOZED, NOW + 125 * MINUTE, "anna"), "snoozed 2h05m more by anna"),
        (Mute(MuteReason.DENIED, NOW + 15 * MINUTE, "anna"), "denied, quiet 15m more by anna"),
        (Mute(MuteReason.COOLDOWN, NOW + 9 * MINUTE), "cooling down 9m more"),
        (Mute(MuteReason.BUDGET, NOW + 30 * MINUTE, restarts=3), "restart budget spent, 30m more"),
        # The run wrote it into its note too; it is over.
        (Mute(MuteReason.COOLDOWN, NOW - MINUTE), ""),
    ],
)
def test_why_it_is_quiet_and_for_how_long(quiet: Mute, says: str) -> None:
    subject = replace(with_memory(TaskProgress(quiet=quiet)), note=quiet.words())
    assert cells(subject)["quiet"].text == says


def test_other_reasons_to_leave_it_alone() -> None:
    assert cells(STOCK)["quiet"].text == "left alone: stopped by a user"
    assert cells(replace(STOCK, proposal_id="feed"))["quiet"].text == "proposal feed is open"
    assert "server is down" in cells(BILLING, down=True)["quiet"].text


def test_a_server_that_is_down_is_one_line_with_its_tasks_counted() -> None:
    hidden = TaskSnapshot(TaskFacts(TaskKey("default", "replicate-us-1", "x"), TaskState.UNKNOWN, StopReason.UNKNOWN))
    other = TaskSnapshot(TaskFacts(TaskKey("else", "replicate-us-1", "x"), TaskState.RUNNING, StopReason.NONE))
    snapshot = replace(SNAPSHOT, tasks=(*SNAPSHOT.tasks, hidden, other))
    assert snapshot.on_down_servers == {hidden.facts.key}
    text = summary(snapshot)
    assert "1 ERROR, 2 RUNNING, 1 STOPPED, 1 UNKNOWN" in text
    assert text.count("replicate-us-1") == 1
    assert "■ critical replicate-us-1: server is down (connection refused); 1 task suppressed" in text


def test_how_old_the_state_already_was_is_said_if_it_is_known() -> None:
    assert "Enterprise Manager" not in summary(SNAPSHOT)
    at = SNAPSHOT.taken_at - timedelta(seconds=40)
    servers = [replace(server, fetched=Fetched(at, at)) for server in SNAPSHOT.servers[:1]]
    assert "; Enterprise Manager's state up to 40s older" in summary(replace(SNAPSHOT, servers=tuple(servers)))


def test_what_is_out_of_freshness_is_said_above_the_fleet_and_can_be_filtered() -> None:
    memory = TaskProgress(freshness=Freshness("gold", 900, NOW - 60 * MINUTE))
    snapshot = replace(SNAPSHOT, tasks=(*SNAPSHOT.tasks[1:], with_memory(memory)))
    assert "gold allows 15m: out of it since 10:20 UTC, 1h00m" in summary(snapshot)
    wanted = parse("stale:gold", fleet.TABLE.fields)
    found = [each for each in fleet.listed(snapshot, NOW) if wanted.matches(each)]
    assert [each.task.memory for each in found] == [memory]
    assert fleet.TABLE.cells(found[0])["latency"].tone is Tone.DANGER or found[0].facts.total_latency_seconds is None


@pytest.mark.parametrize(
    "kind", [*(kind for kind in KINDS if kind.traits.of_server), AnomalyKind.read("FOUND_TOMORROW")]
)
def test_whatever_is_found_on_a_server_is_shown_whatever_its_state(kind: AnomalyKind) -> None:
    well = TaskKey("default", "replicate-eu-1", "")
    anomaly = Anomaly(kind, Severity.WARNING, well, "37 tasks share 2 GB")
    odd = ServerFacts("default", "replicate-ap-1", ServerState.NOT_MONITORED)
    snapshot = replace(SNAPSHOT, server_anomalies=(anomaly,), servers=(*SNAPSHOT.servers[:1], odd))
    text = summary(snapshot)
    assert "▲ warning replicate-eu-1: 37 tasks share 2 GB" in text
    assert "■ NOT_MONITORED replicate-ap-1: no reason given" in text


def test_an_old_snapshot_looks_old_by_how_often_runs_come() -> None:
    assert "as of 11:19:20 UTC, 40s ago" in summary(SNAPSHOT)
    often = replace(SNAPSHOT, tasks=(with_memory(TaskProgress(samples=sampled(1, 1))),))
    seldom = replace(
        SNAPSHOT, tasks=(with_memory(TaskProgress(samples=(sampled(1)[0], Sample(NOW + 60 * MINUTE, 1, 1)))),)
    )
    for snapshot, minutes, stale in ((often, 14, False), (often, 16, True), (seldom, 16, False), (SNAPSHOT, 11, True)):
        aged = replace(snapshot, taken_at=NOW - minutes * MINUTE)
        assert ("STALE: no run has looked since" in summary(aged)) is stale


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", {"billing", "sales-orders", "stock"}),
        ("server:eu !state:running", {"sales-orders", "stock"}),
        ("state:error", {"sales-orders"}),
        ("tag:gold", {"billing"}),
        ("kind:", {"sales-orders", "stock"}),
        ("kind:fatal", {"sales-orders"}),
        ("quiet:", {"stock"}),
        ("quiet:anna", {"stock"}),
        ("stop:fatal !kind:user", {"sales-orders"}),
        ("bill", {"billing"}),
    ],
)
def test_the_filter(text: str, names: set[str]) -> None:
    tasks = (
        replace(BILLING, facts=replace(BILLING.facts, tags=("gold", "emea"))),
        ORDERS,
        with_memory(TaskProgress(quiet=Mute(MuteReason.SNOOZED, NOW, "anna")), STOCK),
    )
    kept = parse(text, fleet.TABLE.fields)
    assert {each.facts.key.task for each in tasks if kept.matches(fleet.FleetRow(each, NOW))} == names


@pytest.mark.parametrize("width", [50, 79, 119, 200, 300])
def test_what_does_not_fit_goes_and_the_task_stays(width: int) -> None:
    columns = fleet.TABLE.fit(width)
    assert sum(column.width + 2 for column in columns) <= width
    keys = {column.key for column in columns}
    assert columns[0].key == ("task" if "server" in keys else "label")
    assert "state" in keys


def test_a_task_is_listed_with_whether_its_server_is_down() -> None:
    hidden = TaskSnapshot(TaskFacts(TaskKey("default", "replicate-us-1", "x"), TaskState.UNKNOWN, StopReason.UNKNOWN))
    listed = fleet.listed(replace(SNAPSHOT, tasks=(BILLING, hidden)), NOW)
    assert [(each.task, each.server_down) for each in listed] == [(BILLING, False), (hidden, True)]


def test_how_many_are_shown_and_in_which_order() -> None:
    order = fleet.TABLE.orders[0]
    assert fleet.shown(3, SNAPSHOT, order).text == "3 tasks, worst first"
    assert fleet.shown(1, SNAPSHOT, order).text == "1 of 3 tasks, worst first"


def test_what_was_decided_since_stands_before_why_it_is_quiet() -> None:
    quiet = replace(ORDERS, memory=TaskProgress(quiet=Mute(MuteReason.COOLDOWN, NOW + 15 * MINUTE)))
    record = replace(samples.approval(), status=Status.RESTARTING, decision=Decision(True, by=samples.CALLER, at=NOW))
    (each,) = fleet.listed(
        replace(SNAPSHOT, tasks=(quiet,)), NOW + MINUTE, {quiet.facts.key: entry_of(record)}, samples.CALLER
    )
    assert fleet.TABLE.cells(each)["quiet"].text == "approved by you 1m00s ago, restarting"
    assert cells(quiet)["quiet"].text == "cooling down 15m more"
