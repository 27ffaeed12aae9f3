"""What changed between the proposal and the restart is judged again as it was judged first, and said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.act.second_look import SecondLook
from qlikops.agent.config import AgentConfig
from qlikops.agent.propose.judgement import difference, target_of
from qlikops.agent.remember.orders import adding
from qlikops.agent.remember.table import Table
from qlikops.agent.steps.assessment import Assessor
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Fetched, ServerHealth, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.evaluation import ApprovalMode, Route
from qlikops.domain.runs.plan import Scope
from qlikops.qlik.simulator.library import server
from qlikops.qlik.simulator.library import task as spec
from qlikops.qlik.simulator.scenario import Break, Endpoint, Scenario
from qlikops.qlik.simulator.task import TaskModel
from qlikops.qlik.wire import ServerDetails
from tests.scenarios.disturbed import Disturbance, DisturbedTask, Trouble
from tests.scenarios.outages import FetchingStops, OutageFleet
from tests.simulation.account import ModelledAws
from tests.unit.agent.act.restarted import ID, Restarted
from tests.unit.agent.fakes import ORDERS, SERVER, FakeClock, proposal, simulated
from tests.unit.agent.fleet import CONFIG, NOW, failed, plan, task
from tests.unit.agent.machine import Agent, Json, items
from tests.unit.agent.test_unattended import YesMan

MESSAGE = "ORA-12541: TNS:no listener"
Happen = Callable[[Agent], object]


@pytest.fixture
def make() -> Iterator[Callable[..., Agent]]:
    """An agent on a fleet in which `orders` has lost its connection, and an evaluator that always approves."""
    with ExitStack() as running:

        def made(**settings: Any) -> Agent:
            clock = FakeClock()
            simulator = running.enter_context(simulated("healthy", clock, is_direct=True))
            agent = Agent(ModelledAws(clock), simulator, clock, **{"protected_tags": ("gold",), **settings})
            services = agent.services
            services.assessor = Assessor(services.ledger, YesMan(), services.config, clock)
            simulator.break_task("orders", message=MESSAGE)
            return agent

        yield made


Make = Callable[..., Agent]


def model(agent: Agent) -> DisturbedTask:
    """What the simulator knows of `orders`."""
    found = agent.simulator.server.fleet._find(SERVER, "orders")
    assert isinstance(found, DisturbedTask)
    return found


def says(message: str) -> Happen:
    return lambda agent: agent.simulator.break_task("orders", message=message)


def is_tagged(agent: Agent) -> None:
    found = model(agent)
    found.spec = replace(found.spec, tags=("Gold",))


def reads_another_source(agent: Agent) -> None:
    found = model(agent)
    found.spec = replace(found.spec, source=Endpoint("ORA-DR", found.spec.source.type))


def writes_to_another_target(agent: Agent) -> None:
    found = model(agent)
    found.spec = replace(found.spec, target=Endpoint("LAKE-TEST", found.spec.target.type))


def loses_tables(agent: Agent) -> None:
    model(agent).disturbances.append(Disturbance(0, SERVER, "orders", Trouble.TABLES_WITH_ERROR, amount=7))


def is_no_longer_fetched(agent: Agent) -> None:
    fleet = agent.simulator.server.fleet
    assert isinstance(fleet, OutageFleet)
    fleet._stop_fetching(FetchingStops(0, SERVER), fleet.seconds())
    agent.clock.sleep(660)


def is_planned(**scope: Any) -> Happen:
    """Planned work on `scope` begins."""

    def happen(agent: Agent) -> None:
        now = agent.clock()
        begun = plan(scope=Scope(**scope), starts_at=now, ends_at=now + timedelta(hours=1))
        Table(agent.aws.client("dynamodb"), agent.table).commit(adding(begun))

    return happen


def is_restarted(times: int) -> Happen:
    """By other proposals, within the hour."""

    def happen(agent: Agent) -> None:
        for number in range(times):
            restart = {
                "pk": {"S": keys.task_partition(ORDERS)},
                "sk": {"S": f"{keys.RESTART_PREFIX}{number:012x}"},
                "proposal_id": {"S": f"{number:012x}"},
                "at": {"S": codec.format_time(agent.clock.now)},
                "body": {"S": "ERROR (FATAL_ERROR)"},
            }
            put = {"Put": {"TableName": agent.table, "Item": restart}}
            agent.aws.client("dynamodb").transact_write_items(TransactItems=[put])
        agent.clock.sleep(1000)  # past the cooldown

    return happen


CHANGED: dict[str, tuple[Happen, str]] = {
    "the log is lost": (
        says("ORA-00308: cannot open archived log"),
        "message was a lost connection, is now: the source no longer has the log (ORA-00308: cannot open archived log)",
    ),
    "the login is refused": (says("ORA-01017: invalid username/password"), "an endpoint refuses the login (ORA-01017"),
    "nobody knows what it says": (says("Something else"), "message was a lost connection, is now: “Something else”"),
    "it says nothing": (says(""), "message was a lost connection, is now: empty"),
    "another endpoint": (says("Cannot connect to target endpoint: connection refused"), "is about"),
    "a user stopped it": (
        lambda agent: agent.simulator.break_task("orders", state=TaskState.STOPPED, stop_reason=StopReason.NORMAL),
        "state was ERROR, is STOPPED",
    ),
    "memory ran out": (
        lambda agent: agent.simulator.break_task("orders", stop_reason=StopReason.STOPPED_LOW_MEMORY),
        "stop reason was FATAL_ERROR, is STOPPED_LOW_MEMORY",
    ),
    "it is protected": (is_tagged, "it is protected now (Gold)"),
    "another source": (reads_another_source, "the source endpoint was ORA-PROD, is ORA-DR"),
    "another target": (writes_to_another_target, "is LAKE-TEST"),
    "tables are suspended": (loses_tables, "tables suspended with errors: 0 then, 7 now"),
    "its state is old": (is_no_longer_fetched, "Enterprise Manager last fetched its tasks 11m"),
    "the budget is spent": (is_restarted(3), "restart budget spent: 3 attempts in the last hour"),
}


def approved(agent: Agent, item: Json, assessment: Json) -> Json:
    """The decision that the state machine hands on, asked for where the policy asks."""
    if assessment["route"] == Route.AUTOMATIC:
        return {"approved": True, "automatic": True, "digest": assessment["digest"]}
    agent.request(item)
    return {"approved": True, "digest": assessment["digest"], "by": "arn:aws:iam::1:user/anna"}


@pytest.mark.parametrize("mode", ApprovalMode)
@pytest.mark.parametrize(("happen", "why"), CHANGED.values(), ids=CHANGED)
def test_what_would_be_judged_otherwise_now_is_superseded_and_said(
    make: Make, mode: ApprovalMode, happen: Happen, why: str
) -> None:
    agent = make(approval_mode=mode)
    (item,) = items(agent.monitor())
    assessment = agent.evaluate(item)
    assert (assessment["route"] == Route.AUTOMATIC) == (mode is not ApprovalMode.ALWAYS)
    decision = approved(agent, item, assessment)
    happen(agent)

    restarted = agent.restart(item, decision)

    assert restarted["status"] == Status.SUPERSEDED
    assert why in restarted["detail"]
    assert agent.simulator.task("orders")["runs"] == 0


SAME: dict[str, Happen] = {
    "nothing": lambda _: None,
    "it says so at another time": says("03:14:07 ORA-12541: TNS:no listener (line 4711)"),
    "an hour passes": lambda agent: agent.clock.sleep(3600),
    "its tags are others": lambda agent: setattr(model(agent), "spec", replace(model(agent).spec, tags=("silver",))),
    "it was restarted once": is_restarted(1),
    "work is planned on another server": is_planned(servers=("elsewhere",)),
}


@pytest.mark.parametrize("mode", ApprovalMode)
@pytest.mark.parametrize("happen", SAME.values(), ids=SAME)
def test_what_would_be_judged_the_same_is_restarted(make: Make, mode: ApprovalMode, happen: Happen) -> None:
    agent = make(approval_mode=mode)
    (item,) = items(agent.monitor())
    decision = approved(agent, item, agent.evaluate(item))
    happen(agent)

    assert agent.restart(item, decision)["status"] == Status.RESTARTED
    assert agent.simulator.task("orders")["runs"] == 1


@pytest.mark.parametrize("scope", [{"servers": (SERVER,)}, {"endpoints": ("ORA-PROD",)}, {"tags": ("gold",)}])
def test_what_planned_work_covers_by_now_is_left_alone(make: Make, scope: dict[str, Any]) -> None:
    agent = make(protected_tags=())
    is_tagged(agent)
    (item,) = items(agent.monitor())
    decision = approved(agent, item, agent.evaluate(item))
    is_planned(**scope)(agent)

    restarted = agent.restart(item, decision)

    assert restarted["status"] == Status.SUPERSEDED
    assert restarted["detail"] == "planned work has begun: planned until 04:00 UTC, CHG123"
    assert agent.simulator.task("orders")["runs"] == 0


def fetched_ago(seconds: int, clock: FakeClock) -> Fetched:
    """By an Enterprise Manager whose clock is three hours behind."""
    at = clock() - timedelta(seconds=seconds)
    return Fetched(at - timedelta(hours=3), at)


@pytest.mark.parametrize(
    ("proposed_with", "instance", "ages", "too_old"),
    [
        (True, "default", (60, 60), (False, False)),
        (True, "default", (60, 1200), (False, True)),
        (True, "default", (1200, 60), (True, False)),
        (True, "other", (60, 1200), (False, False)),  # how far that one's clock is from ours, nothing says
        (False, "default", (1200, 1200), (False, False)),  # an earlier version's record
    ],
)
def test_how_old_a_state_is_is_said_of_each_server_and_only_where_it_is_known(
    proposed_with: bool, instance: str, ages: tuple[int, int], too_old: tuple[bool, bool]
) -> None:
    servers = SERVER, "replicate-2"
    breaks = tuple(Break(0, name, "orders", message=MESSAGE) for name in servers)
    group = Restarted(Scenario("two servers", tuple(server(name, [spec("orders")]) for name in servers), breaks))
    fetched = {name: fetched_ago(age, group.clock) for name, age in zip(servers, ages, strict=True)}
    group.operator.server = lambda server: ServerDetails(ServerHealth(), fetched[server])  # type: ignore[method-assign]
    approval = group.ledger.record(ID).approval
    first, second = approval.proposal.targets
    targets = first, replace(second, key=replace(second.key, instance=instance))
    known = fetched_ago(90, group.clock) if proposed_with else None
    approval = replace(approval, proposal=replace(approval.proposal, targets=targets, fetched=known))
    look = SecondLook(approval, False, {}, {}, (), lambda _: group.operator, group.settings, group.clock)
    said = [look.why_no_longer(target, look.read(target.key)) for target in targets]
    assert tuple("last fetched" in each for each in said) == too_old


def test_nobody_was_asked_and_now_somebody_has_to_be(make: Make) -> None:
    agent = make(approval_mode=ApprovalMode.POLICY)
    (item,) = items(agent.monitor())
    decision = approved(agent, item, agent.evaluate(item))
    agent._config = replace(agent._config, approval_mode=ApprovalMode.ALWAYS)
    agent.services = agent.again()

    restarted = agent.restart(item, decision)

    assert restarted["detail"] == "not without a human any more: the approval mode is always now"
    assert agent.simulator.task("orders")["runs"] == 0


def test_a_stalled_task_that_applies_again_is_not_stopped(make: Make) -> None:
    agent = make()
    with agent.simulator.client() as client:
        then = replace(client.task(SERVER, "stock"), changes_in_memory=500)
    made = proposal(kind=AnomalyKind.STALLED)
    target = target_of(then, AnomalyKind.STALLED, CONFIG)

    assert difference(made, target, then, CONFIG, NOW) == ""
    applies = replace(then, applied_records=(then.applied_records or 0) + 1)
    assert difference(made, target, applies, CONFIG, NOW) == "it was running, but applying nothing, and is no longer"
    assert difference(made, target, replace(then, changes_in_memory=0, changes_on_disk=0), CONFIG, NOW)


ENVELOPE = "Last Error. Task error notification received from subtask 0, thread 1 [reptask/replicationtask.c:2891] " * 3
STRANGE = {
    "far behind an envelope": (f"{ENVELOPE} Cause one", f"{ENVELOPE} Cause two"),
    "in quotes": ("It said 'the moon is full'", "It said 'the tide is out'"),
    "to its end": (f"{'so ' * 10_000}it was", f"{'so ' * 10_000}it is"),
    "in a code": ("ORA-09991: no", "ORA-01653: no"),
    "in a SQLSTATE": ("no [42P01] at 03:12", "no [53100] at 03:12"),
    "in a code of Replicate's": ("Endpoint failed [1020418]", "Endpoint failed [1020403]"),
    "in one more code": ("ORA-00604: no 1", "ORA-00604: ORA-01653: no 1"),
    "without a letter": ("接続できません", "起動できません"),
}


@pytest.mark.parametrize(("then", "now"), STRANGE.values(), ids=STRANGE)
def test_an_unknown_message_is_held_against_all_of_it(then: str, now: str) -> None:
    made = proposal(kind=AnomalyKind.FATAL_UNKNOWN)
    target = target_of(failed(message=then), AnomalyKind.FATAL_UNKNOWN, CONFIG)
    assert difference(made, target, failed(message=then), CONFIG, NOW) == ""
    changed = difference(made, target, failed(message=now), CONFIG, NOW)
    assert changed.startswith("message was “")
    assert len(changed) < 400


COMES_AND_GOES = [
    ("Fri Nov 27 2026 11:59 AM: odd", "Sat, Dec 5 2026 1:04:12 pm: odd"),
    ("Attempt 1 of 10 000, LSN 0/DEADBEEF: odd", "Attempt 12 of 9 999, LSN 0/16B3748: odd"),
    ("session deadbeef: odd", "session cafebabe: odd"),
    ("odd  \n odd", "ODD odd"),
]


@pytest.mark.parametrize(("then", "now"), COMES_AND_GOES)
def test_what_comes_and_goes_in_an_unknown_message_is_no_difference(then: str, now: str) -> None:
    made = proposal(kind=AnomalyKind.FATAL_UNKNOWN)
    target = target_of(failed(message=then), AnomalyKind.FATAL_UNKNOWN, CONFIG)
    assert difference(made, target, failed(message=now), CONFIG, NOW) == ""


def test_a_stop_reason_that_nobody_knows_is_held_against_its_spelling() -> None:
    made, unknown = proposal(kind=AnomalyKind.FATAL_UNKNOWN), {"message": "odd", "stop_reason": StopReason.UNKNOWN}
    target = target_of(failed(**unknown, raw_stop_reason="QUOTA"), AnomalyKind.FATAL_UNKNOWN, CONFIG)
    now = failed(**unknown, raw_stop_reason="LICENCE_GONE")
    assert difference(made, target, now, CONFIG, NOW) == "the stop reason was QUOTA, is LICENCE_GONE"


@pytest.mark.parametrize("kind", [AnomalyKind.FATAL_TRANSIENT, AnomalyKind.FATAL_UNKNOWN])
def test_what_was_not_known_then_and_speaks_for_the_task_now_is_no_difference(kind: AnomalyKind) -> None:
    details = failed(message="connection refused" if kind is AnomalyKind.FATAL_TRANSIENT else "ORA-00001: odd")
    listed = TaskFacts(details.key, details.state, details.stop_reason, message=details.message, tags_known=True)
    target = target_of(listed, kind, CONFIG)
    assert difference(proposal(kind=kind), target, details, CONFIG, NOW) == ""
    worse = replace(details, full_load_completed=False)
    assert "full load was not known to be complete, is not" in difference(proposal(), target, worse, CONFIG, NOW)
    worse = replace(details, tables_with_error=40)
    assert "not known then, 40 now" in difference(proposal(), target, worse, CONFIG, NOW)


@pytest.mark.parametrize("protected_tags", [(), ("gold",)])
def test_a_message_that_only_the_list_has_is_read_again_from_there(
    make: Make, monkeypatch: pytest.MonkeyPatch, protected_tags: tuple[str, ...]
) -> None:
    details = TaskModel.details
    monkeypatch.setattr(TaskModel, "details", lambda *args: {**details(*args), "message": ""})
    agent = make(protected_tags=protected_tags)
    (item,) = items(agent.monitor())
    decision = approved(agent, item, agent.evaluate(item))

    assert agent.restart(item, decision)["status"] == Status.RESTARTED


def test_a_list_from_a_clock_that_was_set_back_is_read_again() -> None:
    scenario = Scenario("one server", (server(SERVER, [spec("orders")]),), (Break(0, SERVER, "orders"),))
    group = Restarted(scenario)
    approval, key = group.ledger.record(ID).approval, TaskKey("default", SERVER, "orders")
    look = SecondLook(approval, False, {}, {}, (), lambda _: group.operator, group.settings, group.clock)

    for seconds, lists in ((0, 1), (15, 1), (-3600, 2), (16, 3)):
        group.clock.now += timedelta(seconds=seconds)
        look.read(key)
        assert group.operator.calls["tasks"] == lists


# Every fact of a task is in one of these, so that a new one is not forgotten.
GROUNDS: dict[str, Any] = {
    "state": TaskState.STOPPED,
    "stop_reason": StopReason.NORMAL,
    "message": "ORA-00308: cannot open archived log",
    "source_endpoint": "ORA-DR",
    "target_endpoint": "LAKE-TEST",
    "full_load_completed": None,
    "tables_with_error": 40,
    "tags": ("gold",),
    "tags_known": False,
}
NO_GROUNDS: dict[str, Any] = {
    "key": None,
    "raw_state": "Error",
    "raw_stop_reason": "fatal",
    "source_type": None,
    "target_type": None,
    "source_latency_seconds": 9000,
    "total_latency_seconds": 9000,
    "memory_mb": 4,
    "cpu_percent": 99,
    "disk_usage_mb": 9999,
    "data_error_count": 77,
    "full_load_enabled": False,
    "apply_changes_enabled": False,
    "tables_completed": 1,
    "tables_loading": 3,
    "tables_queued": 4,
    "changes_in_memory": 12345,
    "changes_on_disk": 12345,
    "applied_records": 5,
    "log_stream_staging": True,
    "full_load_seconds": 900,
}


def test_every_fact_is_known_to_be_a_ground_or_none() -> None:
    assert GROUNDS.keys() | NO_GROUNDS.keys() == {field.name for field in fields(TaskFacts)}
    assert not GROUNDS.keys() & NO_GROUNDS.keys()


@pytest.mark.parametrize("name", [*GROUNDS, *NO_GROUNDS])
def test_only_what_the_judgement_rests_on_makes_a_difference(name: str) -> None:
    then = failed()
    config: AgentConfig = replace(CONFIG, protected_tags=("gold",))
    now = (
        replace(then, **{name: {**GROUNDS, **NO_GROUNDS}[name] or getattr(then, name)})
        if name in NO_GROUNDS
        else (replace(then, **{name: GROUNDS[name]}))
    )
    found = difference(proposal(), target_of(then, AnomalyKind.FATAL_TRANSIENT, config), now, config, NOW)
    assert bool(found) == (name in GROUNDS)


@pytest.mark.parametrize("message", ["ORA-00308: cannot open archived log", "ORA-01017", "Something else", ""])
def test_a_record_of_an_earlier_version_is_held_against_kind_state_and_tags(message: str) -> None:
    target = replace(target_of(failed(), AnomalyKind.FATAL_TRANSIENT, CONFIG), basis=None)
    assert difference(proposal(), target, failed(), CONFIG, NOW) == ""
    assert difference(proposal(), target, failed(source_endpoint="ORA-DR"), CONFIG, NOW) == ""
    assert difference(proposal(), target, failed(message=message), CONFIG, NOW).startswith("it was FATAL_TRANSIENT, is")


def test_a_record_of_an_earlier_version_does_not_say_what_a_stalled_task_had_applied() -> None:
    made = proposal(kind=AnomalyKind.STALLED)
    target = replace(target_of(task(), AnomalyKind.STALLED, CONFIG), basis=None)
    assert difference(made, target, task(), CONFIG, NOW) == ""
