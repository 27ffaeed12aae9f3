"""What waits for an answer is held against every later poll: closed where it is over, asked anew where it differs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from qlikops.agent.propose.correlation import propose
from qlikops.agent.propose.judgement import target_of
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.table import Update
from qlikops.agent.steps.overtaken import Poll, Questions
from qlikops.agent.steps.reconcile import ExecutionStates
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import ServerState, StopReason, TaskFacts, TaskState
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Decision, Outcome, ProposalRecord, Status
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.report import RunReport
from qlikops.domain.runs.snapshot import FleetSnapshot
from tests.cases import for_all
from tests.simulation.account import ModelledAws
from tests.unit.agent.act.test_second_look import CHANGED, MESSAGE, SAME, Happen
from tests.unit.agent.fakes import SERVER, FakeClock, proposal, simulated
from tests.unit.agent.fleet import CONFIG, HEALTHY, failed, poll, task
from tests.unit.agent.fleet import SERVER as MONITORED
from tests.unit.agent.machine import MACHINE, Agent, Json, items

LOST = "ORA-00308: cannot open archived log"


@pytest.fixture
def make() -> Iterator[Callable[..., Agent]]:
    with ExitStack() as running:

        def made(*names: str, **settings: Any) -> Agent:
            clock = FakeClock()
            simulator = running.enter_context(simulated("healthy", clock, is_direct=True))
            for name in names or ("orders",):
                simulator.break_task(name, message=MESSAGE)
            return Agent(ModelledAws(clock), simulator, clock, **{"protected_tags": ("gold",), **settings})

        yield made


Make = Callable[..., Agent]


def asked(agent: Agent) -> Json:
    """A run whose one proposal waits; the Map's item."""
    (item,) = items(agent.monitor("run-1"))
    agent.evaluate(item)
    agent.request(item)
    agent.clock.sleep(300)
    return item


def ended(agent: Agent, item: Json) -> Json:
    """What becomes of the item once its wait was ended, as state_machine.json has it."""
    (cause,) = agent.states.ended.values()
    return agent.record(item, {"status": "failed", "error": {"Error": "ProposalSuperseded", "Cause": cause}})


def outcome(agent: Agent, item: Json) -> Outcome:
    found = agent.services.ledger.record(item["proposal"]["proposal_id"]).approval.outcome
    assert found is not None
    return found


def heals(agent: Agent, *names: str) -> None:
    fleet = agent.simulator.server.fleet
    for name in names or ("orders",):
        fleet._heal(agent.clock().timestamp(), fleet._find(SERVER, name))


def test_what_runs_again_is_no_longer_asked_and_people_are_told_once(make: Make) -> None:
    agent = make()
    item = asked(agent)
    heals(agent)

    monitored = agent.monitor("run-2")

    assert monitored["proposals"] == []
    assert agent.inbox() == []
    assert outcome(agent, item).status is Status.SUPERSEDED
    assert outcome(agent, item).detail.startswith("it runs again, as the poll of 03:05:")
    assert list(agent.states.ended) == ["the-token"]
    # Its execution, or else the next run, has yet to tell people.
    assert [each.proposal_id for each in agent.services.ledger.open()] == [item["proposal"]["proposal_id"]]
    snapshot = codec.loads(FleetSnapshot, agent.stored("snapshots/latest.json"))
    assert {each.proposal_id for each in snapshot.tasks} == {""}
    agent.report(monitored)
    (note,) = codec.loads(RunReport, agent.stored("reports/latest.json")).notes
    assert note.startswith("No longer asked: replicate-1/orders: it runs again")

    assert ended(agent, item)["status"] == "superseded"
    assert agent.services.ledger.open() == []
    assert [message["Subject"] for message in agent.sns.messages] == [
        "qlikops: resume replicate-1/orders?",
        "qlikops: superseded: replicate-1/orders",
    ]


def test_one_that_cannot_be_closed_stops_neither_the_others_nor_the_run(make: Make) -> None:
    agent = make("orders")
    agent.simulator.break_task("stock", message="ORA-01017: invalid username/password; logon denied")
    first, second = items(agent.monitor("run-1"))
    for number, item in enumerate((first, second)):
        agent.evaluate(item)
        agent.request(item, f"token-{number}")
    proposal_id = first["proposal"]["proposal_id"]
    row = (keys.run_partition("run-1"), f"{keys.PROPOSAL_PREFIX}{proposal_id}")
    agent.services.ledger._table.commit(Update(row, {Attribute.BODY: "{"}))
    agent.clock.sleep(300)
    heals(agent, "orders", "stock")

    with pytest.raises(codec.CodecError):
        agent.services.ledger.withdraw(proposal_id, Outcome(Status.SUPERSEDED))
    agent.monitor("run-2")

    assert outcome(agent, second).status is Status.SUPERSEDED
    assert agent.services.ledger.record(proposal_id).approval.status is Status.WAITING


@pytest.mark.parametrize(("happen", "why"), CHANGED.values(), ids=CHANGED)
def test_another_diagnosis_is_superseded_and_asked_anew_in_the_same_run(make: Make, happen: Happen, why: str) -> None:
    agent = make()
    item = asked(agent)
    happen(agent)

    monitored = agent.monitor("run-2")

    if "budget" in why or "empty" in why or "last fetched" in why:
        # The same question, of which only a restart must not make do with so little.
        assert agent.status(item) is Status.WAITING
        return
    assert agent.status(item) is Status.SUPERSEDED
    assert why in outcome(agent, item).detail
    stopped_by_a_user = "STOPPED" in why and "LOW" not in why
    assert monitored["proposal_count"] == (0 if stopped_by_a_user else 1)
    for anew in items(monitored):
        agent.evaluate(anew)
        agent.request(anew, "another-token")
    assert [row.approval_id for row in agent.inbox()] == [one["proposal_id"] for one in monitored["proposals"]]


@pytest.mark.parametrize("happen", SAME.values(), ids=SAME)
def test_the_same_question_stays(make: Make, happen: Happen) -> None:
    agent = make()
    item = asked(agent)
    happen(agent)

    monitored = agent.monitor("run-2")

    assert monitored["proposals"] == []
    assert agent.status(item) is Status.WAITING
    assert agent.states.ended == {}


def test_of_a_group_that_comes_up_one_by_one_the_last_one_ends_the_question(make: Make) -> None:
    agent = make("orders", "invoices")
    item = asked(agent)
    heals(agent, "orders")
    agent.monitor("run-2")
    assert agent.status(item) is Status.WAITING

    heals(agent, "invoices")
    agent.clock.sleep(300)
    agent.monitor("run-3")

    assert outcome(agent, item).detail.startswith("all 2 tasks: it runs again")


def test_of_a_group_one_task_with_another_diagnosis_asks_anew_about_all_that_is_left(make: Make) -> None:
    agent = make("orders", "invoices")
    item = asked(agent)
    agent.simulator.break_task("orders", message=LOST)

    monitored = agent.monitor("run-2")

    assert outcome(agent, item).detail.startswith("orders: message was a lost connection, is now: the source no longer")
    assert {(one["kind"], tuple(one["tasks"])) for one in monitored["proposals"]} == {
        ("POSITION_LOST", ("replicate-1/orders",)),
        ("FATAL_TRANSIENT", ("replicate-1/invoices",)),
    }


def test_an_answer_that_came_first_counts(make: Make) -> None:
    agent = make()
    item = asked(agent)
    proposal_id = item["proposal"]["proposal_id"]
    agent.services.ledger.begin_restart(proposal_id, Decision(approved=True, by="anna"))
    heals(agent)

    agent.monitor("run-2")

    assert agent.status(item) is Status.RESTARTING
    assert agent.states.ended == {}
    assert agent.restart(item, {"approved": True})["status"] == Status.ALREADY_RUNNING


def test_an_answer_that_comes_in_the_same_moment_counts(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = make()
    item = asked(agent)
    ledger = agent.services.ledger
    withdraw = ledger.withdraw

    def right_after_an_answer(proposal_id: str, outcome: Outcome) -> ProposalRecord:
        ledger.begin_restart(proposal_id, Decision(approved=True, by="anna"))
        return withdraw(proposal_id, outcome)

    monkeypatch.setattr(ledger, "withdraw", right_after_an_answer)
    heals(agent)

    agent.monitor("run-2")

    assert agent.status(item) is Status.RESTARTING
    assert agent.states.ended == {}


def test_what_another_run_has_closed_is_said_in_its_words(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = make()
    asked(agent)
    ledger = agent.services.ledger
    withdraw = ledger.withdraw

    def right_after_another_run(proposal_id: str, outcome: Outcome) -> ProposalRecord:
        withdraw(proposal_id, Outcome(Status.SUPERSEDED, "as a later poll saw it"))
        return withdraw(proposal_id, outcome)

    monkeypatch.setattr(ledger, "withdraw", right_after_another_run)
    heals(agent)

    agent.report(agent.monitor("run-2"))

    (note,) = codec.loads(RunReport, agent.stored("reports/latest.json")).notes
    assert note.endswith(": as a later poll saw it.")


def test_an_answer_that_comes_after_it_does_nothing(make: Make) -> None:
    agent = make()
    item = asked(agent)
    agent.simulator.break_task("orders", message=LOST)
    agent.monitor("run-2")

    restarted = agent.restart(item, {"approved": True, "by": "anna"})

    assert restarted["status"] == Status.SUPERSEDED
    assert agent.record(item, {"status": "superseded", "result": restarted})["status"] == "superseded"
    assert agent.simulator.task("orders")["runs"] == 0


def test_a_poll_that_began_before_the_proposal_says_nothing_of_it(make: Make) -> None:
    agent = make()
    item = asked(agent)
    heals(agent)
    of_the_run = FakeClock()
    of_the_run.now = agent.clock.now - timedelta(seconds=301)
    with agent.services.monitor(600) as monitor:

        def slowly(due: Any) -> Any:
            agent.clock.sleep(99)
            of_the_run.now = agent.clock.now
            return monitor.read(due)

        replace(monitor, read=slowly, clock=of_the_run).run(codec.decode(Run, run("run-2", agent)))

    assert agent.status(item) is Status.WAITING


def run(name: str, agent: Agent) -> Json:
    agent.states.statuses.update({f"{MACHINE}:run-1": "RUNNING", f"{MACHINE}:{name}": "RUNNING"})
    started_at = codec.format_time(agent.clock.now)
    return {"execution_arn": f"{MACHINE}:{name}", "execution_name": name, "started_at": started_at}


UNREACHABLE = {
    "no way": EndpointConnectionError(endpoint_url="https://states.eu-west-1.amazonaws.com"),
    "no answer": ConnectTimeoutError(endpoint_url="https://states.eu-west-1.amazonaws.com"),
    "throttled": ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "SendTaskFailure"),
    "not allowed": ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "SendTaskFailure"),
}


@pytest.mark.parametrize("error", UNREACHABLE.values(), ids=UNREACHABLE)
def test_without_step_functions_the_run_goes_on_and_the_next_one_ends_the_wait(make: Make, error: Exception) -> None:
    agent = make()
    item = asked(agent)
    agent.simulator.break_task("orders", message=LOST)
    agent.states.broken = error

    monitored = agent.monitor("run-2")

    assert [one["kind"] for one in monitored["proposals"]] == ["POSITION_LOST"]
    assert agent.status(item) is Status.SUPERSEDED
    agent.report(monitored)
    notes = codec.loads(RunReport, agent.stored("reports/latest.json")).notes
    assert any("Step Functions did not answer" in note for note in notes) != isinstance(error, ClientError)

    agent.states.broken = None
    agent.clock.sleep(300)
    agent.monitor("run-3")
    assert list(agent.states.ended) == ["the-token"]
    assert ended(agent, item)["status"] == "superseded"
    assert item["proposal"]["proposal_id"] not in {one.proposal_id for one in agent.services.ledger.open()}


@pytest.mark.parametrize("error", UNREACHABLE.values(), ids=UNREACHABLE)
def test_without_step_functions_what_ended_executions_left_stays_and_no_run_fails(make: Make, error: Exception) -> None:
    agent = make()
    item = asked(agent)
    agent.states.statuses[f"{MACHINE}:run-1"] = "ABORTED"
    agent.states.broken = error

    agent.monitor("run-2")

    assert agent.status(item) is Status.WAITING


# What a poll says, and does not say, without any of the rest.


def question(facts: TaskFacts, kind: AnomalyKind = AnomalyKind.FATAL_TRANSIENT) -> Proposal:
    return proposal("0123456789ab", facts.key, kind=kind, targets=(target_of(facts, kind, CONFIG),))


def without_details(facts: TaskFacts) -> TaskFacts:
    """What the list of tasks says of it."""
    return TaskFacts(facts.key, facts.state, facts.stop_reason, message=facts.message, tags=facts.tags)


def seen(*facts: TaskFacts, **server: Any) -> Poll:
    return Poll(poll(*facts, servers=[replace(MONITORED, **server)]), CONFIG)


SAYS_NOTHING = {
    "the same": seen(failed()),
    "the list alone": seen(without_details(failed())),
    "the list alone, and it runs": seen(without_details(HEALTHY)),
    "the list alone, in other words": seen(without_details(failed(message="Task failed"))),
    "no message": seen(failed(message="")),
    "no full load": seen(failed(full_load_completed=None)),
    "no endpoints": seen(failed(source_endpoint="", source_type="", target_endpoint="", target_type="")),
    "no tables": seen(failed(tables_with_error=None)),
    "its server is down": seen(failed(message=LOST), state=ServerState.ERROR, error_code="X"),
    "its server was not read": seen(state=ServerState.ERROR, error_code="X"),
    "its server is not monitored": seen(state=ServerState.NOT_MONITORED, error_code="X"),
    "not all of its server was read": seen(state=ServerState.MONITORED, error_code="X"),
    "nothing at all": Poll(FleetSnapshot(poll().taken_at, "run", (), ()), CONFIG),
}


@pytest.mark.parametrize("says_nothing", SAYS_NOTHING.values(), ids=SAYS_NOTHING)
def test_what_a_poll_does_not_say_leaves_the_question(says_nothing: Poll) -> None:
    assert says_nothing.overtakes(question(failed())) == ""


SAYS_IT_IS_OVER = {
    "it runs": (seen(HEALTHY), "it runs again"),
    "it is gone": (seen(task("another")), "it is no longer there"),
    "Replicate retries": (
        seen(failed(state=TaskState.RECOVERY, stop_reason=StopReason.RECOVERABLE_ERROR)),
        "state was ERROR, is RECOVERY",
    ),
    "another message": (seen(failed(message=LOST)), "is now: the source no longer has the log"),
    "a state that nobody knows": (seen(failed(state=TaskState.UNKNOWN, raw_state="PAUSED")), "is UNKNOWN"),
}


@pytest.mark.parametrize(("says", "why"), SAYS_IT_IS_OVER.values(), ids=SAYS_IT_IS_OVER)
def test_what_a_poll_says_ends_the_question(says: Poll, why: str) -> None:
    assert why in says.overtakes(question(failed()))
    old = question(failed())
    (target,) = old.targets
    assert says.overtakes(replace(old, targets=(replace(target, basis=None),)))


def test_a_poll_that_does_not_say_which_tags_there_are_leaves_the_question_where_it_read_the_list_alone() -> None:
    config = replace(CONFIG, protected_tags=("gold",))
    made = question(failed())
    listed = replace(without_details(failed()), tags_known=False)
    assert Poll(poll(listed, servers=[MONITORED]), config).overtakes(made) == ""
    assert "it is protected now" in Poll(poll(failed(tags_known=False), servers=[MONITORED]), config).overtakes(made)


def test_a_group_is_not_asked_anew_for_what_would_not_be_proposed_yet() -> None:
    down = [failed("a"), failed("b")]
    targets = tuple(target_of(facts, AnomalyKind.FATAL_TRANSIENT, CONFIG) for facts in down)
    made = proposal("0123456789ab", targets=targets)
    assert seen(task("a", memory_mb=0), failed("b")).overtakes(made) == ""
    assert seen(failed("a", message=LOST), failed("b")).overtakes(made).startswith("a: message was a lost connection")


def test_what_a_newer_version_asks_is_left_to_it(make: Make) -> None:
    agent = make()
    item = asked(agent)
    record = agent.services.ledger.record(item["proposal"]["proposal_id"]).approval
    newer = replace(record, proposal=replace(record.proposal, kind=AnomalyKind.read("OF_TOMORROW")))
    questions = Questions(agent.services.ledger, ExecutionStates(agent.states), CONFIG)
    questions._waiting = lambda: [newer]  # type: ignore[method-assign]
    heals(agent)
    agent.clock.sleep(600)

    read = replace(MONITORED, name=SERVER)
    assert questions.hold_against(poll(task("another"), servers=[read]), agent.clock()).said == ()
    assert agent.status(item) is Status.WAITING


STANDING = {
    "a lost connection": failed(),
    "a lost log": failed(message=LOST),
    "a refusal": failed(message="ORA-01017: invalid username/password"),
    "nobody knows": failed(message="Odd thing at 03:12"),
    "nobody knows why it stopped": failed(stop_reason=StopReason.UNKNOWN, raw_stop_reason="QUOTA"),
    "no memory": failed(state=TaskState.STOPPED, stop_reason=StopReason.STOPPED_LOW_MEMORY),
    "not loaded": failed(full_load_completed=False),
    "protected": failed(tags=("gold",)),
    "no process": task(memory_mb=0),
    "stalled": task(changes_in_memory=500),
}
UNSAID: list[dict[str, Any]] = [
    {"message": ""},
    {"source_endpoint": "", "source_type": ""},
    {"source_endpoint": "", "source_type": "", "target_endpoint": "", "target_type": ""},
    {"source_type": "", "target_type": ""},
    {"full_load_completed": None},
    {"memory_mb": None},
    {"tables_with_error": None, "tables_loading": None, "tables_queued": None},
    {"applied_records": None},
    {"changes_in_memory": None, "changes_on_disk": None},
]


@for_all(STANDING, range(20))
def test_nobody_is_asked_again_and_again_for_what_a_poll_says_and_another_one_does_not(name: str, seed: int) -> None:
    facts = STANDING[name]
    config, rng = replace(CONFIG, protected_tags=("gold",)), random.Random(seed)  # noqa: S311 - no secret
    snapshot, open_, asked_for = None, None, 0
    for number in range(24):
        says = rng.choice([facts, facts, without_details(facts), replace(facts, **rng.choice(UNSAID))])
        snapshot = poll(says, previous=snapshot, at=300 * number, servers=[MONITORED], config=config)
        if open_ and Poll(snapshot, config).overtakes(open_):
            open_ = None
        if not open_:
            name, now = f"run-{number}", snapshot.taken_at
            proposed = propose(snapshot, config, execution_arn=name, execution_name=name, now=now, blocked={})
            open_ = next(iter(proposed.proposals), None)
            asked_for += open_ is not None

    # Once more for each of the few things that were not known when it was asked first.
    assert asked_for <= 3


def test_a_stall_without_details_is_no_end_of_it() -> None:
    stalled = replace(HEALTHY, changes_in_memory=500)
    asked_about = question(stalled, AnomalyKind.STALLED)
    assert seen(stalled).overtakes(asked_about) == ""
    assert seen(without_details(stalled)).overtakes(asked_about) == ""
    unsaid = replace(stalled, changes_in_memory=None, changes_on_disk=None)
    assert seen(unsaid).overtakes(asked_about) == ""
    applies = seen(replace(stalled, applied_records=1001))
    assert applies.overtakes(asked_about).startswith("it was running, but applying nothing, and is no longer")


def test_an_execution_that_is_aborted_as_its_question_is_withdrawn_leaves_the_telling_to_the_next_run(
    make: Make,
) -> None:
    agent = make()
    asked(agent)
    heals(agent)
    agent.monitor("run-2")
    agent.states.statuses = dict.fromkeys(agent.states.statuses, "ABORTED")
    agent.clock.sleep(600)

    agent.monitor("run-3")

    assert [message["Subject"] for message in agent.sns.messages][1:] == ["qlikops: superseded: replicate-1/orders"]
    assert agent.services.ledger.open() == []
