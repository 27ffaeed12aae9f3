"""Who lives in a world: operators by console, command and plain AWS CLI, and everybody else who has a hand in it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from qlikops.agent.transient import IN_VAIN
from qlikops.aws.approvals import LedgerApprovals, Timing
from qlikops.aws.executions import StepFunctionsExecutions
from qlikops.domain.errors import DecisionUnknown, QlikopsError, UsageError
from qlikops.domain.fleet.task import RunOption, StopReason, TaskState
from qlikops.domain.ledger import LEASE, RECORD, Attribute, approval_partition
from qlikops.domain.ports import Approve, DecisionRequest, Deny
from qlikops.domain.proposals.approval import ProposalRecord, digest_of
from qlikops.domain.proposals.proposal import Proposal
from qlikops.qlik.simulator.fleet import Refusal
from qlikops.qlik.simulator.scenario import Break
from tests.simulation import command
from tests.simulation.choosing import NOT_OFFERED, terms_chosen, waiting
from tests.simulation.kernel import Waiting
from tests.simulation.night import MESSAGES, Habit, Hand, Operator
from tests.simulation.orders import order
from tests.simulation.plant import MACHINE_ARN, TABLE, Person, World
from tests.simulation.saying import Saying

ODD_OUTPUTS: tuple[Any, ...] = (
    {"approved": "true"},
    {"approved": 1},
    {"decision": {"approved": True}},
    True,
    None,
    [],
    "yes",
    {},
    {"approved": True, "automatic": True, "by": "policy"},
    {"approved": None},
    {"approved": True, "digest": "0" * 64},
    {"approved": True, "digest": "of what was shown before it changed"},
    {"approved": False},
)
ODD_ERRORS: tuple[tuple[str, str], ...] = (
    ("States.Timeout", "in the name of Step Functions"),
    ("ApprovalDenied", "plain words"),
    ("ApprovalDenied", json.dumps({"approved": True, "by": "nobody"})),
    ("ApprovalDenied", json.dumps({"reason": "quiet", "snooze_seconds": 900})),
    ("States.TaskFailed", ""),
    ("Lambda.ServiceException", "the state is entered once more"),
    ("MyOwn", json.dumps({"approved": False})),
)


def live(world: World, operator: Operator, saying: Saying) -> None:
    """One operator's night."""
    kernel, person = world.kernel, Person(world, operator.name, saying.sent)
    timing = Timing(now=world.clock_of_people, monotonic=kernel.monotonic, sleep=kernel.sleep)
    approvals = LedgerApprovals(person, timing)
    executions = StepFunctionsExecutions(person, now=kernel.time, has_console=False, sleep=kernel.sleep)
    deeds: dict[Habit, Callable[[], None]] = {
        Habit.APPROVES: lambda: _decide(world, person, approvals, saying, approved=True),
        Habit.APPROVES_LATE: lambda: _decide(world, person, approvals, saying, approved=True, pause=_until_its_end),
        Habit.APPROVES_TOGETHER: lambda: _decide(world, person, approvals, saying, approved=True, pause=_until_another),
        Habit.APPROVES_MEANWHILE: lambda: _decide(world, person, approvals, saying, approved=True, pause=_until_a_run),
        Habit.DENIES: lambda: _decide(world, person, approvals, saying, approved=False),
        Habit.SNOOZES: lambda: _decide(world, person, approvals, saying, approved=False, snooze=timedelta(minutes=30)),
        Habit.CLAIMS: lambda: _claim(world, approvals),
        Habit.FORGETS: lambda: _forget(world, approvals),
        Habit.SLIPS: lambda: _slip(world, person, approvals, saying),
        Habit.STOPS: lambda: _stop(world, person, executions, approvals),
        Habit.REDRIVES: lambda: _redrive(world, person, executions),
        Habit.RUNS: lambda: _run(world),
        Habit.CALLS_BACK: lambda: _call_back(world, person, {"approved": True}),
        Habit.CALLS_BACK_ODDLY: lambda: _call_back(world, person, kernel.random.choice(ODD_OUTPUTS)),
        Habit.CHOOSES: lambda: _choose(world, person, approvals, saying),
        Habit.WAITS: lambda: _decide(world, person, approvals, saying, approved=True, choose=waiting),
        Habit.FAILS_ODDLY: lambda: _fail_oddly(world, person, *kernel.random.choice(ODD_ERRORS)),
    }
    while True:
        kernel.sleep(kernel.random.expovariate(1 / operator.every_seconds))
        habit = kernel.random.choice(operator.habits)
        try:
            deeds[habit]()
        except QlikopsError as exc:
            world.faults.reached(f"told {type(exc).__name__}")
            kernel.say(f"{habit}: {type(exc).__name__}: {exc}")


Pause = Callable[[World, ProposalRecord], float]
"""Seconds for which somebody looks at a record before answering it."""


SPARED = 0.9
"""Share of the looks into an empty inbox that nobody takes."""


def _while_reading(world: World, _: ProposalRecord) -> float:
    return world.kernel.random.choice([0.0, 1.0, 30.0, 600.0])


def _until_its_end(world: World, approval: ProposalRecord) -> float:
    left = (approval.deadline - world.kernel.time()).total_seconds() if approval.deadline else 0.0
    return left + world.kernel.random.choice([-0.5, -0.1, 0.0, 0.3]) if left < 2400 else 0.0


def _until_a_run(world: World, _: ProposalRecord) -> float:
    """Until the next one looks, or so: they come at the same distance."""
    begun = [each.at for each in world.functions.begun.values() if each.function == "MonitorTasks"]
    since = world.kernel.now - begun[-1] if begun else 0.0
    return max(0.0, world.every_seconds - since) + world.kernel.random.uniform(0.0, 2.5)


def _until_another(world: World, approval: ProposalRecord) -> float:
    """Until somebody else begins to answer it."""
    together = world.answering.setdefault(approval.approval_id, Waiting())
    world.kernel.after(600.0, together.open)
    world.kernel.wait(together)
    return world.kernel.random.choice([0.0, 0.05])


def _waiting(world: World, approvals: LedgerApprovals, pause: Pause = _while_reading) -> ProposalRecord | None:
    # People look when they are told; an empty inbox says the same each time.
    if not world.dynamodb.has_indexed and world.kernel.random.random() < SPARED:
        return None
    rows = approvals.waiting()
    if not rows:
        return None
    chosen = approvals.approval(world.kernel.random.choice(rows).approval_id)
    for told in world.on_review:
        told(chosen.approval_id)
    world.kernel.sleep(pause(world, chosen))
    return chosen


def _is_as_reviewed(world: World, approval: ProposalRecord) -> bool:
    """Whether the table still holds what somebody looked at."""
    item = world.dynamodb.items.get((approval_partition(approval.approval_id), RECORD), {})
    parts = [json.loads(item[name]["S"]) for name in ("proposal", "evaluation", "policy") if name in item]
    return len(parts) == 3 and digest_of(*parts) == approval.digest == item["digest"]["S"]


def _decide(
    world: World,
    person: Person,
    approvals: LedgerApprovals,
    saying: Saying,
    *,
    approved: bool,
    snooze: timedelta | None = None,
    pause: Pause = _while_reading,
    choose: Callable[[Random, Proposal], dict[str, Any]] = lambda *_: {},
) -> None:
    approval = _waiting(world, approvals, pause)
    if approval is None:
        return
    is_as_reviewed = _is_as_reviewed(world, approval)
    decision_id = f"{world.kernel.random.getrandbits(64):016x}"
    terms = choose(world.kernel.random, approval.proposal)
    request: DecisionRequest = (
        Approve(approval.digest, "simulated", decision_id=decision_id, **terms)
        if approved
        else Deny(approval.digest, "simulated", snooze, decision_id=decision_id)
    )
    named = (approval.approval_id, decision_id)
    world.answering.pop(approval.approval_id, Waiting()).open()
    world.kernel.say(f"{'approves' if approved else 'denies'} {approval.approval_id}")
    is_typed, waits, code = world.shells.random() < 0.5, world.kernel.random.random() < 0.5, None
    try:
        if is_typed:
            world.next_decision_id[world.who()] = decision_id
            code = command.run(
                world, person, approvals, approval, approved=approved, waits=waits, snooze=snooze, terms=terms
            )
        else:
            receipt = approvals.decide(approval.approval_id, request)
    except DecisionUnknown as exc:
        saying.say_unknown(world, named, exc)
        raise
    except QlikopsError as exc:
        saying.refuse(world, approval.approval_id, approval.digest, exc)
        saying.say_not_counted(named)
        raise
    finally:
        if approved and saying.sent[decision_id] and not is_as_reviewed:
            saying.misled.append(named)
    saying.receive(world, *named)
    if terms:
        world.faults.reached("something chosen")
    if code is not None:
        world.faults.reached(f"exit code {code.name}")
        if approved and waits:
            saying.exits.append((approval.approval_id, code))
        return
    status = receipt.status
    if approved and waits and not status.is_final:
        status = approvals.outcome(approval.approval_id, timedelta(minutes=5)).status
    if status.is_final:
        saying.say_end(approval.approval_id, status)


def _choose(world: World, person: Person, approvals: LedgerApprovals, saying: Saying) -> None:
    """By command, or with the plain AWS CLI, where slips happen."""
    chance = world.kernel.random
    if chance.random() < 0.7:
        _decide(world, person, approvals, saying, approved=True, choose=terms_chosen)
    elif chance.random() < 0.5:
        if any(key[0].startswith("TOKEN#") for key in world.dynamodb.items):
            world.faults.reached("something chosen that is not offered")
        _call_back(world, person, {"approved": True, **chance.choice(NOT_OFFERED)})
    elif approval := _waiting(world, approvals):
        _call_back(world, person, {"approved": True, **terms_chosen(chance, approval.proposal)}, approval.approval_id)


def _claim(world: World, approvals: LedgerApprovals) -> None:
    """What waits, or what an old screen still shows."""
    seen = [key[0].removeprefix("APPROVAL#") for key in world.dynamodb.items if key[1] == RECORD]
    if seen and world.kernel.random.random() < 0.5:
        approvals.claim(world.kernel.random.choice(sorted(seen)), timedelta(minutes=15))
    elif approval := _waiting(world, approvals):
        approvals.claim(approval.approval_id, timedelta(minutes=15))


def _forget(world: World, approvals: LedgerApprovals) -> None:
    """What waits unclaimed, as the console does while a dialog is open."""
    if unclaimed := [row for row in approvals.waiting() if row.claim is None]:
        approvals.claim(unclaimed[0].approval_id, timedelta(minutes=world.kernel.random.choice([2, 10])))


def _slip(world: World, person: Person, approvals: LedgerApprovals, saying: Saying) -> None:
    """Reads part of an id or what there is not, or takes back a claim, theirs or not."""
    chance, waits = world.kernel.random, [row.approval_id for row in approvals.waiting()]
    world.faults.reached("a slip")
    named = chance.choice([*waits, "0123456789ab"])
    if chance.random() < 0.5:
        approvals.approval(named[: chance.choice([1, 6, 12])])
    elif chance.random() < 0.3:
        approvals.decide(named[:6], Deny("of another", "simulated", decision_id=f"{chance.getrandbits(64):016x}"))
    else:
        before = world.dynamodb.items.get((approval_partition(named), RECORD), {})
        try:
            approvals.release(named)
        except UsageError as exc:
            saying.refuse_release(world, named, before, person.caller(), exc)
            raise


def _stop(world: World, person: Person, executions: StepFunctionsExecutions, approvals: LedgerApprovals) -> None:
    """A restart that waits for its endpoint, as the inbox shows it, or a whole run."""
    waits = [key[0].removeprefix("APPROVAL#") for key, item in world.dynamodb.items.items() if Attribute.WAITS in item]
    if waits and world.kernel.random.random() < 0.5:
        world.states.reached("a wait given up")
        approvals.stop_waiting(world.kernel.random.choice(sorted(waits)))
        return
    if (running := _one_of(world, executions, "RUNNING")) and world.kernel.random.random() < 0.3:
        world.kernel.say(f"stops {running}")
        world.stop(person, running, "simulated")


def _redrive(world: World, person: Person, executions: StepFunctionsExecutions) -> None:
    """As `qlikops redrive` does it, which refuses some, or with the plain AWS CLI."""
    if not (ended := _one_of(world, executions, "FAILED", "ABORTED", "TIMED_OUT")):
        return
    world.kernel.say(f"redrives {ended}")
    if not world.redrives_plainly:
        executions.redrive(ended)
        return
    with contextlib.suppress(*IN_VAIN):
        person.stepfunctions.redrive_execution(executionArn=ended)
        world.faults.reached("a redrive by plain AWS CLI")


def _run(world: World) -> None:
    if world.kernel.random.random() > 0.2:
        return  # runs are what costs most, and one more says little
    # Not by `executions.start`: its names come from the system's randomness, which no seed gives again.
    name = f"manual-{world.kernel.random.getrandbits(32):08x}"
    world.kernel.say(f"starts {name}")
    world.states.start_execution(MACHINE_ARN, name, "{}")


def _one_of(world: World, executions: StepFunctionsExecutions, *statuses: str) -> str:
    found = [one.arn for one in executions.page().executions if one.status in statuses]
    return world.kernel.random.choice(found) if found else ""


def _call_back(world: World, person: Person, output: Any, approval_id: str = "") -> None:
    """As docs/how-to/aws-cli.md says: the token out of the ledger, the answer to Step Functions, no digest."""
    try:
        tokens = [key for key in world.dynamodb.items if key[0].startswith(f"TOKEN#{approval_id}")]
        if not tokens:
            return
        pk, sk = world.kernel.random.choice(sorted(tokens))
        reply = person.dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True)
        if "Item" in reply:
            world.kernel.say(f"calls back {pk} with {json.dumps(output)}")
            person.stepfunctions.send_task_success(taskToken=reply["Item"]["token"]["S"], output=json.dumps(output))
    except IN_VAIN as exc:
        world.kernel.say(f"calls back: {exc}")


def _fail_oddly(world: World, person: Person, error: str, cause: str) -> None:
    """The same by SendTaskFailure."""
    tokens = [item["token"]["S"] for key, item in sorted(world.dynamodb.items.items()) if key[0].startswith("TOKEN#")]
    if not tokens:
        return
    world.kernel.say(f"fails with {error}: {cause}")
    try:
        person.stepfunctions.send_task_failure(taskToken=world.kernel.random.choice(tokens), error=error, cause=cause)
    except IN_VAIN as exc:
        world.kernel.say(f"fails: {exc}")


_PAUSES = {Hand.RUNS_TWICE: 900.0, Hand.ORDERS: 700.0}
"""Seconds from one deed to the next on average, where that is not five minutes."""


def lend(world: World, hand: Hand) -> None:
    """What another hand does, every now and then."""
    kernel = world.kernel
    deeds: dict[Hand, Callable[[], None]] = {
        Hand.DEPLOYS: lambda: _deploy(world),
        Hand.RUNS_IN_QLIK: lambda: _in_qlik(world, run=True),
        Hand.STOPS_IN_QLIK: lambda: _in_qlik(world, run=False),
        Hand.BREAKS: lambda: _break(world),
        Hand.STEPS_CLOCK: lambda: _step_clock(world),
        Hand.KILLS: lambda: _kill(world),
        Hand.RUNS_TWICE: lambda: _run_twice(world),
        Hand.ORDERS: lambda: order(world),
        Hand.RESTARTS_QEM: lambda: _restart_enterprise_manager(world),
    }
    while True:
        kernel.sleep(kernel.random.expovariate(1 / _PAUSES.get(hand, 300.0)))
        deeds[hand]()


def older_definition(newer: str) -> str:
    """Without CheckRestart, and without what it takes: as before groups went on, and restarts waited."""
    definition = json.loads(newer)
    states = definition["States"]["ProcessProposals"]["ItemProcessor"]["States"]
    payload = states["ExecuteRestart"]["Parameters"]["Payload"]
    del states["CheckRestart"], payload["may_continue"], payload["may_wait"]
    states["ExecuteRestart"]["Next"] = "RecordOutcome"
    return json.dumps(definition)


def _deploy(world: World) -> None:
    is_newest = world.states.definition == world.definition
    new = older_definition(world.definition) if is_newest else world.definition
    world.states.update_state_machine(MACHINE_ARN, new)
    world.kernel.say("updates the definition")


def _task(world: World) -> tuple[str, str]:
    """Mostly one that somebody is asked about: who acts in Qlik has heard the same alarm."""
    leased = sorted(key[0] for key in world.dynamodb.items if key[1] == LEASE)
    if leased and world.kernel.random.random() < 0.7:
        _, server, task = world.kernel.random.choice(leased).split("/")
        return server, task
    return _any_task(world)


def _any_task(world: World) -> tuple[str, str]:
    server = world.kernel.random.choice(world.fleet.scenario.servers)
    return server.name, world.kernel.random.choice(server.tasks).name


def _in_qlik(world: World, *, run: bool) -> None:
    server, task = _task(world)
    world.kernel.say(f"{'runs' if run else 'stops'} {task} in Qlik")
    try:
        if not run:
            # Who takes a broken task over for good, brings it up and stops it.
            with contextlib.suppress(Refusal):
                world.fleet.run(server, task, RunOption.RESUME_PROCESSING.value, "dba")
            world.kernel.sleep(5)
            world.fleet.stop(server, task, "dba")
        else:
            world.fleet.run(server, task, RunOption.RESUME_PROCESSING.value, "dba")
    except Refusal as exc:
        world.kernel.say(str(exc))


def _break(world: World) -> None:
    server, task = _task(world)
    message = world.kernel.random.choice(MESSAGES)
    world.kernel.say(f"breaks {task}: {message}")
    world.fleet.break_now(Break(0, server, task, TaskState.ERROR, StopReason.FATAL_ERROR, message))


def _step_clock(world: World) -> None:
    world.step_clock(world.kernel.random.choice([0.0, 0.0, -90.0, 45.0, 600.0, -3600.0, 20_000.0]))
    world.kernel.say(f"the clock of {world.clock_of or 'all functions'} is {world.clock_ahead:g} s ahead")


def _kill(world: World) -> None:
    if world.functions.running:
        world.kernel.kill(world.functions.running[world.kernel.random.choice(sorted(world.functions.running))])


def _restart_enterprise_manager(world: World) -> None:
    world.enterprise_manager_down_until = world.kernel.now + world.kernel.random.choice([5.0, 60.0, 400.0])
    world.sessions.end_all()
    world.kernel.say("restarts Enterprise Manager")


def _run_twice(world: World) -> None:
    number = world.kernel.random.getrandbits(32)
    for which in "ab":
        world.states.start_execution(MACHINE_ARN, f"twice-{number:08x}-{which}", "{}")
