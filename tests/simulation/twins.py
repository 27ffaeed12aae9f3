"""Two at once, on purpose: a restart and its second invocation, a person and the workflow, a count and what it counts.

Each of these needs the two within milliseconds. Here one of the two stands still until the other one is where it hurts.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from qlikops.agent.transient import IN_VAIN
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import RunOption, StopReason, TaskState
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from qlikops.qlik.simulator.fleet import Refusal
from qlikops.qlik.simulator.scenario import Break
from tests.simulation.dynamodb import Key, Wire
from tests.simulation.invariants.asked import actions_in
from tests.simulation.kernel import Process
from tests.simulation.night import MESSAGES
from tests.simulation.plant import MACHINE_ARN, World
from tests.simulation.services import Invocation

_RESUME = RunOption.RESUME_PROCESSING.value
_MOST = 12
"""Times in a night that a restart is deserted."""


def moved(key: Key, before: Wire | None, after: Wire | None) -> tuple[str, Status | None]:
    """The proposal whose record has just come to another status, and that; None for any other write."""
    if key[1] != keys.RECORD or after is None or (before and before.get("status") == after.get("status")):
        return "", None
    return key[0].removeprefix("APPROVAL#"), Status(after[Attribute.STATUS]["S"])


def _lose_answer(world: World, process: Process, seconds: float) -> None:
    """Step Functions hears nothing of an invocation that has just begun. The invocation stands still for so long."""
    process.stands_still_until = world.kernel.now + seconds
    world.kernel.after(0.1, partial(world.functions.give_up, process))


class Deserting:
    """Takes Enterprise Manager away for a moment just as a task is claimed, and has the restart invoked once more.

    The first invocation then sends nothing, or leaves tasks alone; it is about to say so as its twin begins with them.
    Or Step Functions loses the answers of a restart whose call found nobody: that is ended before the call is repeated.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._left = _MOST
        self._leaving: dict[str, Process] = {}
        """Of each proposal, the invocation that is about to say what it has left."""
        self._forsaken: dict[str, str] = {}
        """The proposals of which no invocation's answer is waited for, and who has claimed a task of theirs."""

    def begun(self, invocation: Invocation) -> None:
        """A restart whose answers are lost is invoked once more, and comes to nothing."""
        process = self._world.functions.running.get(invocation.process)
        if invocation.function == "ExecuteRestart" and invocation.proposal_id in self._forsaken and process is not None:
            _lose_answer(self._world, process, 300.0)

    def _forsakes(self, proposal_id: str) -> bool:
        """Whether a restart that has claimed a task loses its answers from now on, and its call finds nobody."""
        world, chance = self._world, random.Random(f"forsaken {proposal_id}")  # noqa: S311 - replayable
        acting = world.functions.running.get(world.dynamodb.last_writer)
        if acting is None or proposal_id in self._forsaken or chance.random() < 0.8:
            return False
        self._forsaken[proposal_id] = acting.name
        world.kernel.say(f"loses the answers of {proposal_id}", "worst moment")
        world.kernel.after(0.1, partial(world.functions.give_up, acting))
        world.enterprise_manager_down_until = world.kernel.now + 1.5
        return True

    def written(self, key: Key, before: Wire | None, after: Wire | None) -> None:
        """A claim is followed by an outage, or meets an invocation that has left the task."""
        world, chance = self._world, self._world.kernel.random
        if not key[1].startswith(keys.RESTART_PREFIX) or before is not None or after is None or not world.is_night:
            return
        proposal_id = key[1].removeprefix(keys.RESTART_PREFIX)
        if self._forsakes(proposal_id):
            return
        leaving = self._leaving.get(proposal_id)
        if leaving is not None and not leaving.is_over and leaving.name != world.dynamodb.last_writer:
            world.faults.reached("a twin that begins with what was left")
            world.kernel.after(0.1 * chance.random(), lambda: world.kernel.wake(leaving))
        elif self._left and chance.random() < 0.7:
            self._left -= 1
            world.kernel.say(f"Enterprise Manager is away as {key[0]} is claimed", "worst moment")
            world.faults.reached("a restart deserted")
            world.enterprise_manager_down_until = world.kernel.now + chance.choice([0.0, 3.0, 15.0, 40.0])
            world.sessions.end_all()

    def looked(self, who: str, server: str, task: str) -> None:
        """A task is seen to have stopped for its restart: the run call finds nobody."""
        world, chance, journal = self._world, self._world.kernel.random, self._world.journal
        sent = [each.action for each in journal.sent if (each.process, each.server, each.task) == (who, server, task)]
        has_stopped = journal.read.get((who, server, task), {}).get("state") == TaskState.STOPPED
        if sent[-1:] == ["stop"] and has_stopped and world.is_night and chance.random() < 0.5:
            world.kernel.say(f"Enterprise Manager is away as {task} has stopped", "worst moment")
            world.faults.reached("a stop without a start")
            world.enterprise_manager_down_until = world.kernel.now + chance.choice([5.0, 45.0])

    def called(self, who: str, operation: str, request: Mapping[str, Any]) -> None:
        """Who counts the starts is about to say what was left, or who is forsaken asks whether its restart goes on."""
        world = self._world
        begun, process = world.functions.begun.get(who), world.functions.running.get(who)
        asks = operation == "batch_get_item" and begun is not None and self._forsaken.get(begun.proposal_id) == who
        if asks and process is not None and world.is_night:
            world.kernel.say("stands still before it asks whether its restart goes on", who)
            process.stands_still_until = world.kernel.now + 150.0
        counts = operation == "get_item" and request.get("ProjectionExpression") == f"#{Attribute.STARTS}"
        if not counts or begun is None or process is None or not world.is_night or begun.proposal_id in self._leaving:
            return
        world.kernel.say("stands still before it says what was left", who)
        self._leaving[begun.proposal_id] = process
        process.stands_still_until = world.kernel.now + 60.0
        world.functions.repeat(begun, world.kernel.random.random())


class Colliding:
    """Has what a person writes come just as the workflow has written the same record: it may be refused for now."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._standing: dict[str, Process] = {}
        """The process that stands still before it writes to each partition."""

    def called(self, who: str, operation: str, request: Mapping[str, Any]) -> None:
        """A person is about to write."""
        world, process = self._world, self._world.kernel.current
        is_persons = operation == "update_item" and who not in world.functions.begun
        if not is_persons or process is None or not world.is_night or world.kernel.random.random() < 0.4:
            return
        self._standing[request["Key"]["pk"]["S"]] = process
        process.stands_still_until = world.kernel.now + 20.0

    def written(self, key: Key, _before: Wire | None, _after: Wire | None) -> None:
        """The workflow has written."""
        world, process = self._world, self._standing.pop(key[0], None)
        if process is None or process.is_over or process.stands_still_until <= world.kernel.now:
            return
        world.faults.reached("a person who collides")
        world.kernel.after(0.005 * world.kernel.random.random(), lambda: world.kernel.wake(process))


class Outliving:
    """Has a person's decision go out just when its question is over without one: a run has seen its tasks up."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sending: dict[str, Process] = {}
        """Of each record, the process that is about to send."""

    def called(self, who: str, operation: str, request: Mapping[str, Any]) -> None:
        """A person is about to send."""
        world, process, chance = self._world, self._world.kernel.current, self._world.kernel.random
        is_persons = operation in ("send_task_success", "send_task_failure") and who not in world.functions.begun
        if not is_persons or process is None or not world.is_night or chance.random() < 0.7:
            return
        sent = {"S": request["taskToken"]}
        ids = (item["proposal_id"]["S"] for item in world.dynamodb.items.values() if item.get("token") == sent)
        if (proposal_id := next(ids, None)) is None:
            return
        held = [key[0] for key, item in world.dynamodb.items.items() if key[1] == keys.LEASE]
        world.kernel.say(f"all tasks run before {who} has decided on {proposal_id}", "worst moment")
        for partition in held:
            with contextlib.suppress(Refusal):
                _, server, task = partition.split("/")
                world.fleet.run(server, task, _RESUME, "dba")
        self._sending[keys.approval_partition(proposal_id)] = process
        process.stands_still_until = world.kernel.now + 60.0
        name, shown_after = f"outliving-{chance.getrandbits(32):08x}", world.fleet.scenario.state_lag_seconds + 5.0
        world.kernel.after(shown_after, partial(_run, world, name))

    def written(self, key: Key, before: Wire | None, after: Wire | None) -> None:
        """The question is over."""
        is_over = key[1] == keys.RECORD and after is not None and Attribute.OUTCOME in after
        if is_over and Attribute.OUTCOME not in (before or {}) and (sending := self._sending.pop(key[0], None)):
            self._world.faults.reached("a question that ends before its decision")
            self._world.kernel.wake(sending)


class Withdrawing:
    """Has somebody approve just as a run is about to drop the question: its tasks were brought up in Qlik."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dropping: dict[str, Process] = {}
        """Of each record, the run that is about to drop its question."""

    def called(self, who: str, operation: str, request: Mapping[str, Any]) -> None:
        """A run is about to drop a question."""
        world, process = self._world, self._world.functions.running.get(who)
        if operation != "transact_write_items" or process is None or not who.startswith("MonitorTasks"):
            return
        for action in actions_in(request):
            drops = action.sets.get(Attribute.STATUS) == {"S": Status.SUPERSEDED}
            token = self._token(action.key[0]) if action.key[1] == keys.RECORD and drops else None
            if token is None or action.key[0] in self._dropping or not world.is_night:
                continue
            self._dropping[action.key[0]] = process
            process.stands_still_until = world.kernel.now + 120.0
            world.kernel.say(f"is about to drop {action.key[0]}, and stands still", who)
            world.kernel.spawn("dora", partial(self._approve, action.key[0], token))

    def written(self, key: Key, before: Wire | None, after: Wire | None) -> None:
        """Something is asked, and its tasks are brought up in Qlik; or an answer arrives, and the run goes on."""
        world, chance = self._world, self._world.kernel.random
        _, status = moved(key, before, after)
        if after is not None and status is Status.WAITING and world.is_night and chance.random() < 0.7:
            world.kernel.after(chance.uniform(1.0, 300.0), partial(self._bring_up, after))
        elif status is Status.RESTARTING and (process := self._dropping.get(key[0])) and not process.is_over:
            world.faults.reached("a question dropped as it is answered")
            world.kernel.after(chance.choice([0.0, 0.1, 2.0]), lambda: world.kernel.wake(process))

    def _token(self, partition: str) -> str | None:
        item = self._world.dynamodb.items.get((keys.token_partition(partition.partition("#")[2]), keys.TOKEN))
        return item[Attribute.TOKEN]["S"] if item else None

    def _approve(self, partition: str, token: str) -> None:
        digest = self._world.dynamodb.items[partition, keys.RECORD][Attribute.DIGEST]["S"]
        with contextlib.suppress(*IN_VAIN):
            self._world.client("stepfunctions").send_task_success(
                taskToken=token, output=json.dumps({"approved": True, "digest": digest})
            )

    def _bring_up(self, record: Wire) -> None:
        if not self._world.is_night:
            return
        for target in json.loads(record[Attribute.PROPOSAL]["S"])["targets"]:
            with contextlib.suppress(Refusal):
                self._world.fleet.run(target["key"]["server"], target["key"]["task"], _RESUME, "dba")
        name = f"withdrawing-{self._world.kernel.random.getrandbits(32):08x}"
        self._world.kernel.after(self._world.fleet.scenario.state_lag_seconds + 5.0, partial(_run, self._world, name))


class Abandoning:
    """Has what was just approved lose its execution, and its late function begin just as a run closes that.

    Or Step Functions lose the answer of each invocation, and the first one begin just as RecordOutcome closes that.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._late: dict[str, Process] = {}
        """Of each record, the function that has not begun with what was approved."""
        self._closing: dict[str, Process] = {}
        """The run, or the RecordOutcome, that is about to close it."""
        self._given_up: set[str] = set()
        """The records of which no invocation's answer is waited for."""
        self._judging: set[str] = set()
        """Those who have looked at the claims of what they are to close."""

    def begun(self, invocation: Invocation) -> None:
        """What was approved is about to be carried out: its execution is stopped first, or its answer is lost."""
        world, chance, proposal_id = self._world, self._world.kernel.random, invocation.proposal_id
        partition, process = keys.approval_partition(proposal_id), world.functions.running.get(invocation.process)
        if invocation.function == "ExecuteRestart" and partition in self._given_up and process is not None:
            self._give_up(process)
        if invocation.function != "ExecuteRestart" or partition in self._late or process is None or not world.is_night:
            return
        record = world.dynamodb.items[partition, keys.RECORD]
        if record[Attribute.STATUS]["S"] != Status.WAITING or chance.random() < 0.3:
            return
        self._late[partition] = process
        process.stands_still_until = world.kernel.now + 600.0
        if random.Random(f"given up {proposal_id}").random() < 0.4:  # noqa: S311 - replayable
            self._given_up.add(partition)
            self._give_up(process)
            return
        arn = record[Attribute.EXECUTION_ARN]["S"]
        world.kernel.say(f"stops {arn.rpartition(':')[2]} before {invocation.process} begins", "worst moment")
        world.states.stop_execution(arn, "Stopped", "before it begins")
        after = chance.uniform(130.0, 300.0)
        world.kernel.after(after, partial(_run, world, f"abandoning-{chance.getrandbits(32):08x}"))

    def _give_up(self, process: Process) -> None:
        self._world.kernel.say(f"loses the answer of {process.name}", "worst moment")
        _lose_answer(self._world, process, 600.0)

    def called(self, who: str, operation: str, request: Mapping[str, Any]) -> None:
        """A run, or RecordOutcome, is about to close it: now its function begins."""
        run = self._world.functions.running.get(who)
        if run is None or not who.startswith(("MonitorTasks", "RecordOutcome")):
            return
        if operation == "transact_write_items":
            for action in actions_in(request):
                if action.key[1] == keys.RECORD and Attribute.STATUS in action.sets:
                    self._go_on(action.key[0], run)
        elif operation == "batch_get_item" and who.startswith("RecordOutcome"):
            self._judging.add(who)
        elif operation == "get_item" and who in self._judging and request["Key"]["sk"]["S"] == keys.RECORD:
            # It has looked at the claims, and reads the record once more to close it.
            partition = request["Key"]["pk"]["S"]
            if random.Random(f"judged {partition}").random() < 0.6:  # noqa: S311 - replayable
                self._go_on(partition, run)

    def _go_on(self, partition: str, closing: Process) -> None:
        """The late function of a record begins, and who closes that stands still."""
        late = self._late.get(partition)
        if late is not None and not late.is_over and partition not in self._closing:
            self._closing[partition] = closing
            closing.stands_still_until = self._world.kernel.now + 60.0
            self._world.kernel.wake(late)

    def written(self, key: Key, before: Wire | None, after: Wire | None) -> None:
        """It has begun: the run goes on."""
        run = self._closing.get(key[0]) if moved(key, before, after)[1] is Status.RESTARTING else None
        if run is not None and not run.is_over:
            self._world.faults.reached("a close that is overtaken by what it closes")
            # A run at once, RecordOutcome also when a task has been claimed.
            within = 3.0 if key[0] in self._given_up else 0.3
            self._world.kernel.after(within * self._world.kernel.random.random(), lambda: self._world.kernel.wake(run))


class Leaving:
    """Has a restart fail between its stop and its start, somebody start the task, and somebody else stop it later.

    Or its function dies as it has claimed the task.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        world.fleet.starts_nothing_it_stopped = True

    def written(self, key: Key, before: Wire | None, after: Wire | None) -> None:
        """What became of a task is written: it was left stopped."""
        world, outcome = self._world, Attribute.OUTCOME
        if not key[1].startswith(keys.RESTART_PREFIX) or after is None or not world.is_night:
            return
        if outcome not in after:
            acting = world.functions.running.get(world.dynamodb.last_writer)
            if acting is not None and world.kernel.random.random() < 0.2:
                world.kernel.kill(acting)
            return
        if outcome in (before or {}) or '"stopped":true' not in after[outcome]["S"]:
            return
        _, server, task = key[0].split("/")
        lag = world.fleet.scenario.state_lag_seconds + 5.0
        number = world.kernel.random.getrandbits(32)
        at = world.kernel.random.uniform(1.0, 200.0)
        world.kernel.after(
            at, lambda: self._in_qlik(f"runs {task}", lambda: world.fleet.run(server, task, _RESUME, "dba"))
        )
        world.kernel.after(at + lag, lambda: _run(world, f"is-up-{number:08x}"))
        at += lag + world.kernel.random.uniform(200.0, 600.0)
        world.kernel.after(at, lambda: self._in_qlik(f"stops {task}", lambda: world.fleet.stop(server, task, "dba")))
        world.kernel.after(at + lag, lambda: _run(world, f"is-stopped-{number:08x}"))

    def _in_qlik(self, what: str, act: Callable[[], object]) -> None:
        if not self._world.is_night:
            return
        self._world.kernel.say(f"{what} after it was left stopped", "dba")
        with contextlib.suppress(Refusal):
            act()
            self._world.faults.reached("left stopped, then taken over")


class Planning:
    """Has work planned on what was approved and waits for its endpoint: it answers in the middle of that."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._planned: set[str] = set()
        """The records of which the tasks have had work planned."""

    def written(self, key: Key, _before: Wire | None, after: Wire | None) -> None:
        """Something waits for its endpoint."""
        world, chance = self._world, self._world.kernel.random
        is_waiting = key[1] == keys.RECORD and after is not None and Attribute.WAITS in after
        if not is_waiting or after is None or key[0] in self._planned or not world.is_night or chance.random() < 0.3:
            return
        self._planned.add(key[0])
        tasks = [target["key"] for target in json.loads(after[Attribute.PROPOSAL]["S"])["targets"]]
        ends_at = codec.format_time(world.kernel.time() + timedelta(minutes=chance.choice([30, 60])))
        plan = {"order": "plan", "reason": "CHG0815", "scope": {"tasks": tasks}, "starts_at": None, "ends_at": ends_at}
        name, what = f"planning-{chance.getrandbits(32):08x}", "work planned on what waits for its endpoint"
        world.kernel.after(chance.uniform(1.0, 60.0), partial(_order, world, name, plan, what))


class Redriving:
    """Has the execution of a wait that was retried stopped and redriven at once, with the plain AWS CLI."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._redriven: set[str] = set()
        """The token items of waits whose executions have been redriven, by partition."""

    def written(self, key: Key, _before: Wire | None, after: Wire | None) -> None:
        """People can answer a wait."""
        world, chance = self._world, self._world.kernel.random
        is_retried = key[1] == keys.TOKEN and after is not None and after[Attribute.ATTEMPT]["N"] != "0"
        if not is_retried or key[0] in self._redriven or not world.is_night or chance.random() < 0.3:
            return
        self._redriven.add(key[0])
        record = world.dynamodb.items[keys.approval_partition(key[0].partition("#")[2]), keys.RECORD]
        world.kernel.after(chance.uniform(1.0, 60.0), partial(self._redrive, record[Attribute.EXECUTION_ARN]["S"]))

    def _redrive(self, arn: str) -> None:
        if self._world.is_night and self._world.states.executions[arn].status == "RUNNING":
            self._world.kernel.say(f"stops and redrives {arn.rpartition(':')[2]}", "worst moment")
            self._world.states.stop_execution(arn, "Stopped", "to be redriven")
            self._world.states.redrive_execution(arn)
            self._world.faults.reached("a wait that was retried, redriven")


class Relapsing:
    """Has what a restart brought up break again and again, and what keeps it quiet then lifted once.

    The lift is of the first fall: what falls after it is left alone for as long as is set.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._lifted: set[str] = set()
        """The tasks of which somebody has lifted what kept them quiet, by partition."""

    def written(self, key: Key, before: Wire | None, after: Wire | None) -> None:
        """A restart of which all tasks came up is followed."""
        world, chance = self._world, self._world.kernel.random
        if key[0] != keys.FOLLOWED_PARTITION or before is not None or after is None or not world.is_night:
            return
        claim = f"{keys.RESTART_PREFIX}{key[1]}"
        for partition in sorted(where for where, sort in world.dynamodb.items if sort == claim):
            at = chance.uniform(20.0, 90.0)
            world.kernel.after(at, partial(self._break, partition))
            if partition not in self._lifted:
                self._lifted.add(partition)
                world.kernel.after(at + chance.uniform(30.0, 400.0), partial(self._lift, partition))

    def _break(self, partition: str) -> None:
        _, server, task = partition.split("/")
        if self._world.is_night:
            self._world.kernel.say(f"{task} breaks again", "worst moment")
            self._world.fleet.break_now(Break(0, server, task, TaskState.ERROR, StopReason.FATAL_ERROR, MESSAGES[0]))

    def _lift(self, partition: str) -> None:
        world, (instance, server, task) = self._world, partition.removeprefix("TASK#").split("/")
        scope = {"tasks": [{"instance": instance, "server": server, "task": task}]}
        name = f"lifting-{world.kernel.random.getrandbits(32):08x}"
        _order(world, name, {"order": "lift", "reason": "it is mended", "scope": scope}, "a lift after a fall")


class Counting:
    """Has a restart counted just as a run finds out that it did not last: either of the two rests on the other."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._closing: dict[str, Process] = {}
        """Of each record, what is about to close it and to count it then."""
        self._following: dict[str, Process] = {}
        """What is about to say that it did not last."""

    def called(self, who: str, operation: str, request: Mapping[str, Any]) -> None:
        """Somebody is about to close or count a restart, or to say what became of it."""
        world, process = self._world, self._world.functions.running.get(who)
        if operation != "transact_write_items" or process is None or not world.is_night:
            return
        for action in actions_in(request):
            if action.kind != "Update" or action.key[1] != keys.RECORD:
                continue
            partition = action.key[0]
            if Attribute.STATUS in action.sets and self._begins(who, partition):
                self._closing[partition] = process
                process.stands_still_until = world.kernel.now + 40.0
            elif Attribute.LASTING in action.sets and partition in self._closing and partition not in self._following:
                world.faults.reached("a count that is overtaken")
                self._following[partition] = process
                process.stands_still_until = world.kernel.now + 5.0
                world.kernel.wake(self._closing[partition])
            elif (
                Attribute.COUNTED in action.sets and partition in self._following and world.kernel.random.random() < 0.5
            ):
                process.stands_still_until = world.kernel.now + 2.0
                world.kernel.wake(self._following[partition])

    def written(self, key: Key, before: Wire | None, after: Wire | None) -> None:
        """One of the two has written: the other one goes on."""
        if key[1] != keys.RECORD or after is None or key[0] not in self._following:
            return
        had = before or {}
        if Attribute.COUNTED in after and Attribute.COUNTED not in had:
            self._world.kernel.wake(self._following[key[0]])
        elif after.get(Attribute.LASTING) != had.get(Attribute.LASTING):
            self._world.kernel.wake(self._closing[key[0]])

    def _begins(self, who: str, partition: str) -> bool:
        """Whether one of the tasks that came up breaks now, and a run looks at it."""
        world, chance = self._world, self._world.kernel.random
        followed = world.dynamodb.items.get((keys.FOLLOWED_PARTITION, partition.partition("#")[2]))
        is_closing = who.startswith("RecordOutcome") and followed is not None
        if not is_closing or partition in self._closing or chance.random() < 0.1:
            return False
        named = [key[0].split("/")[1:] for key in world.dynamodb.items if key[1].endswith(partition.partition("#")[2])]
        places = sorted(place for place in named if len(place) == 2)
        if not places:
            return False  # it comes so late that its claims are forgotten
        server, task = chance.choice(places)
        world.kernel.say(f"{task} breaks as its restart is to be closed", "worst moment")
        world.fleet.break_now(Break(0, server, task, TaskState.ERROR, StopReason.FATAL_ERROR, MESSAGES[0]))
        name = f"counting-{chance.getrandbits(32):08x}"
        shown_after = world.fleet.scenario.state_lag_seconds
        world.kernel.after(shown_after, partial(_run, world, name))
        return True


def _order(world: World, name: str, order: Mapping[str, Any], what: str) -> None:
    """Starts a run with one order, which is the situation `what`."""
    if world.is_night:
        world.faults.reached(what)
        _run(world, name, json.dumps({"orders": [order]}))


def _run(world: World, name: str, given: str = "{}") -> None:
    if world.is_night:
        world.states.start_execution(MACHINE_ARN, name, given)
