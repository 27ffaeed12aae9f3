"""Step Functions as its documentation has it, interpreting the very definition that is deployed.

Modelled: Standard executions of Task (lambda:invoke and .waitForTaskToken), Choice, inline Map, Pass, Wait for seconds,
Succeed, Fail;
Parameters, ItemSelector, ResultSelector, ResultPath, OutputPath; Retry with back-off, cap and full jitter; Catch;
time-outs of states and executions; stop, redrive, update of the definition; single-use tokens; idempotent starts;
lists and descriptions that are late; the limits on payloads and histories. An execution keeps the definition that it
began with. Histories have AWS's shape.
Sources: "Amazon States Language", "Handling errors in Step Functions workflows", "Redriving executions" and the API
reference; recorded histories hold the events to the real thing. `docs/proof.md` says what is otherwise.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from qlikops.domain.encoding import codec
from tests.simulation.dynamodb import error
from tests.simulation.kernel import Kernel, Process, Waiting

Json = Any
MOST_PAYLOAD_BYTES = 262_144
MOST_EVENTS = 25_000
MOST_ERROR, MOST_CAUSE = 256, 32_768
"""Characters that SendTaskFailure takes."""
MOST_INLINE = 40
"""Items that an inline Map goes through at a time, whatever its definition says."""
MOST_WAIT_SECONDS = 99_999_999
LONGEST_LAG = 5.0
"""Seconds by which lists and descriptions of executions may lie behind."""
REDRIVABLE_SECONDS = 14 * 86400.0
MOST_REDRIVES = 1000
MOST_TOKENS, TOKEN_SECONDS = 10, 15 * 60.0
"""Client tokens of redrives that are known, the last ones, and for how long."""
_REDRIVABLE = ("FAILED", "ABORTED", "TIMED_OUT")

Invoke = Callable[[str, Json, Callable[[Json], None], Callable[[str, str], None]], None]
"""Begins an invocation of the function with this name and payload; one of the two is called once: with its answer, or
with the name and cause of its error."""


class StateError(Exception):
    """A state failed with an error's name and cause, either of which a caller may have left out."""

    def __init__(self, name: str | None, cause: str | None = None) -> None:
        super().__init__(f"{name}: {cause}")
        self.name, self.cause = name, cause
        self.event = 0
        """The number of the event that says so; 0 where none does."""

    def output(self) -> dict[str, str | None]:
        """What Catch puts at its ResultPath."""
        return {"Error": self.name, "Cause": self.cause}


@dataclass
class Progress:
    """How far a line of states has come: where a redriven execution goes on.

    AWS redrives a state that was entered and not exited without entering it anew.
    """

    state: str = ""
    """The one that it is in, or comes to next."""
    data: Json = None
    entered: int = 0
    """The event by which it entered the state; 0 where it has not."""
    entered_at: float = 0.0
    begun: int = 0
    """Of a Map, the event by which its items began; 0 where they have not."""
    token: str = ""
    """With which it waits, or waited last."""
    items: dict[int, Progress] = field(default_factory=dict)
    """Of a Map, each item's."""
    is_done: bool = False
    output: Json = None
    event: int = 0
    """The last one of this line."""


@dataclass
class _Wait:
    """One attempt of a Task: open until it has an answer."""

    ends_at: float = math.inf
    """When it times out."""
    ready: Waiting = field(default_factory=Waiting)
    output: Json = None
    error: StateError | None = None
    closing: str = ""
    """The type of the event that closed it."""

    def succeed(self, output: Json) -> None:
        """The first answer counts."""
        if not self.ready.is_open:
            self.output, self.closing = output, "TaskSucceeded"
            self.ready.open()

    def fail(self, name: str | None, cause: str | None, closing: str = "TaskFailed") -> None:
        """The first answer counts."""
        if not self.ready.is_open:
            self.error, self.closing = StateError(name, cause), closing
            self.ready.open()


@dataclass(eq=False)
class Execution:
    """One run of the machine."""

    arn: str
    name: str
    input: str
    definition: str
    started_at: float
    status: str = "RUNNING"
    output: str = ""
    error: str | None = None
    cause: str | None = None
    stopped_at: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)
    processes: list[Process] = field(default_factory=list)
    seen: list[tuple[float, str, int]] = field(default_factory=list)
    """From when on which status, and how many redrives, are seen by who describes it."""
    redrives: int = 0
    redriven_at: float = 0.0
    redriven_with: dict[str, float] = field(default_factory=dict)
    """The client tokens of redrives, and when each came."""

    def seen_at(self, now: float) -> tuple[str, int]:
        """The status and the redrives that are seen by now; an empty status where it is not seen at all."""
        return next(((status, redrives) for since, status, redrives in reversed(self.seen) if since <= now), ("", 0))


class StepFunctions:
    """One state machine and its executions."""

    def __init__(self, kernel: Kernel, definition: str, invoke: Invoke, arn: str) -> None:
        self.kernel = kernel
        self.definition = definition
        self.executions: dict[str, Execution] = {}
        self.tokens: dict[str, _Wait] = {}
        self.token_executions: dict[str, Execution] = {}
        self.reached: Callable[[str], None] = lambda _: None
        """Told each Choice, Retry, Catch and end that was taken: what coverage counts."""
        self.on_end: Callable[[Execution], None] = lambda _: None
        self._invoke = invoke
        self._arn = arn

    # -- the API ---------------------------------------------------------------------------------------------------

    def start_execution(self, stateMachineArn: str, name: str = "", input: str = "{}") -> dict[str, Any]:  # noqa: A002 - AWS calls it that
        self._check_machine(stateMachineArn, "StartExecution")
        name = name or f"run-{self.kernel.random.getrandbits(48):012x}"
        arn = f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"
        if known := self.executions.get(arn):
            if known.status == "RUNNING" and known.input == input:
                return {"executionArn": arn, "startDate": self._date(known.started_at)}
            raise error("ExecutionAlreadyExists", "StartExecution", f"Execution Already Exists: '{arn}'")
        execution = Execution(arn, name, input, self.definition, self.kernel.now)
        self.executions[arn] = execution
        self._change_status(execution, "RUNNING")
        self._event(execution, 0, "ExecutionStarted", executionStartedEventDetails={"input": input})
        self._begin(execution, json.loads(input))
        return {"executionArn": arn, "startDate": self._date(execution.started_at)}

    def stop_execution(self, executionArn: str, error: str = "", cause: str = "") -> dict[str, Any]:
        execution = self._execution(executionArn, "StopExecution")
        if execution.status == "RUNNING":
            self._event(
                execution,
                0,
                "ExecutionAborted",
                executionAbortedEventDetails=_failure(error or None, cause or None),
            )
            self._end(execution, "ABORTED", error=error, cause=cause)
        return {"stopDate": self._date(execution.stopped_at or self.kernel.now)}

    def redrive_execution(self, executionArn: str, clientToken: str = "") -> dict[str, Any]:
        execution = self._execution(executionArn, "RedriveExecution")
        known_at = dict(list(execution.redriven_with.items())[-MOST_TOKENS:]).get(clientToken, -math.inf)
        if self.kernel.now - known_at <= TOKEN_SECONDS:
            return {"redriveDate": self._date(known_at)}
        if not self._is_redrivable(execution):
            why = f"Execution is {execution.status} and cannot be redriven"
            raise error("ExecutionNotRedrivable", "RedriveExecution", f"Execution {executionArn} invalid: {why}")
        execution.redrives += 1
        execution.redriven_at = self.kernel.now
        if clientToken:
            execution.redriven_with.pop(clientToken, None)
            execution.redriven_with[clientToken] = self.kernel.now
        self.reached("execution redriven")
        self._change_status(execution, "RUNNING")
        execution.stopped_at = execution.error = execution.cause = None
        self._event(
            execution,
            execution.history[-1]["id"],
            "ExecutionRedriven",
            executionRedrivenEventDetails={"redriveCount": execution.redrives},
        )
        self._begin(execution, json.loads(execution.input))
        return {"redriveDate": self._date(self.kernel.now)}

    def describe_execution(self, executionArn: str, **_: Any) -> dict[str, Any]:
        execution = self._execution(executionArn, "DescribeExecution")
        status, redrives = execution.seen_at(self.kernel.now)
        if not status:
            raise error("ExecutionDoesNotExist", "DescribeExecution", f"Execution Does Not Exist: '{executionArn}'")
        return self._described(execution, status, redrives) | {"input": execution.input}

    def list_executions(
        self,
        stateMachineArn: str,
        statusFilter: str = "",
        maxResults: int = 100,
        nextToken: str = "",
    ) -> dict[str, Any]:
        self._check_machine(stateMachineArn, "ListExecutions")
        found = []
        for execution in self.executions.values():
            status, redrives = execution.seen_at(self.kernel.now)
            if status and statusFilter in ("", status):
                # What runs is listed by when it began, or began anew; the rest by when it ended.
                begun = max(execution.started_at, execution.redriven_at)
                at = begun if status == "RUNNING" else execution.stopped_at or begun
                found.append((-at, execution.name, self._described(execution, status, redrives)))
        listed = [described for *_, described in sorted(found, key=lambda each: each[:2])]
        start = int(nextToken or 0)
        answer: dict[str, Any] = {"executions": listed[start : start + maxResults]}
        if start + maxResults < len(listed):
            answer["nextToken"] = str(start + maxResults)
        return answer

    def get_execution_history(self, executionArn: str, **request: Any) -> dict[str, Any]:
        execution = self._execution(executionArn, "GetExecutionHistory")
        events = execution.history[::-1] if request.get("reverseOrder") else execution.history
        start, size = int(request.get("nextToken") or 0), request.get("maxResults", 100)
        answer: dict[str, Any] = {"events": events[start : start + size]}
        if start + size < len(events):
            answer["nextToken"] = str(start + size)
        return answer

    def describe_state_machine_for_execution(self, executionArn: str) -> dict[str, Any]:
        execution = self._execution(executionArn, "DescribeStateMachineForExecution")
        return {"definition": execution.definition, "stateMachineArn": self._arn, "name": self._arn.split(":")[-1]}

    def update_state_machine(self, stateMachineArn: str, definition: str) -> dict[str, Any]:
        self._check_machine(stateMachineArn, "UpdateStateMachine")
        self.definition = definition
        return {"updateDate": self._date(self.kernel.now)}

    def send_task_success(self, taskToken: str, output: str) -> dict[str, Any]:
        if len(output.encode()) > MOST_PAYLOAD_BYTES:
            raise error("ValidationException", "SendTaskSuccess", "output is too long")
        wait = self._open(taskToken, "SendTaskSuccess")
        try:
            answer = json.loads(output)
        except ValueError:
            raise error("InvalidOutput", "SendTaskSuccess", "Invalid Output") from None
        wait.succeed(answer)
        return {}

    def send_task_failure(self, taskToken: str, error: str | None = None, cause: str | None = None) -> dict[str, Any]:
        _check_failure(error or "", cause or "")
        self._open(taskToken, "SendTaskFailure").fail(error, cause)
        return {}

    # -- what invariants ask -----------------------------------------------------------------------------------------

    def ends_at(self, token: str) -> float:
        """When a wait times out."""
        return self.tokens[token].ends_at

    def answer(self, token: str) -> Json:
        """What came back by SendTaskSuccess; None where nothing did."""
        return self.tokens[token].output

    def error_name(self, token: str) -> str:
        """The name of the error that ended a wait; empty where none did, or it has no name."""
        failed = self.tokens[token].error
        return (failed.name or "") if failed else ""

    def is_waiting(self, token: str) -> bool:
        """Whether it can still be answered."""
        return not self.tokens[token].ready.is_open

    # -- the interpreter -------------------------------------------------------------------------------------------

    def _begin(self, execution: Execution, data: Json) -> None:
        definition = _parsed(execution.definition)

        def live() -> None:
            try:
                output = self._states(execution, definition, data, {}, execution.progress, execution.progress.event)
            except StateError as exc:
                self._event(
                    execution,
                    exc.event or execution.history[-1]["id"],
                    "ExecutionFailed",
                    executionFailedEventDetails=_failure(exc.name, exc.cause),
                )
                self._end(execution, "FAILED", error=exc.name, cause=exc.cause)
            else:
                self._event(
                    execution,
                    execution.history[-1]["id"],
                    "ExecutionSucceeded",
                    executionSucceededEventDetails={"output": json.dumps(output)},
                )
                self._end(execution, "SUCCEEDED", output=json.dumps(output))

        self._spawn(execution, execution.name, live)
        if seconds := definition.get("TimeoutSeconds"):
            redrives = execution.redrives
            self.kernel.after(seconds, lambda: self._time_out(execution, redrives))

    def _time_out(self, execution: Execution, redrives: int) -> None:
        if execution.status == "RUNNING" and execution.redrives == redrives:
            self._event(execution, 0, "ExecutionTimedOut", executionTimedOutEventDetails={"error": "States.Timeout"})
            self._end(execution, "TIMED_OUT")

    def _spawn(self, execution: Execution, name: str, body: Callable[[], None]) -> Process:
        process = self.kernel.spawn(name, body, after=self.kernel.random.uniform(0.0, 0.05), on_end=_raise_defects)
        execution.processes.append(process)
        return process

    def _states(
        self, execution: Execution, block: Json, data: Json, context: Json, progress: Progress, previous: int
    ) -> Json:
        """The output of a line of states; goes on where `progress` stands. Raises StateError."""
        name = progress.state or block["StartAt"]
        data = progress.data if progress.state else data
        text = json.dumps(data)
        while True:
            state = block["States"][name]
            self.kernel.say(f"enters {name}")
            kind = state["Type"]
            if progress.entered:
                previous = progress.entered
            else:
                progress.state, progress.data, progress.entered_at = name, data, self.kernel.now
                previous = progress.entered = self._event(
                    execution,
                    previous,
                    f"{kind}StateEntered",
                    stateEnteredEventDetails={"name": name, "input": text},
                )
            before = data
            here = {
                **context,
                "Execution": {
                    "Id": execution.arn,
                    "Name": execution.name,
                    "Input": json.loads(execution.input),
                    "StartTime": self._date(execution.started_at, text=True),
                    "RedriveCount": execution.redrives,
                    **({"RedriveTime": self._date(execution.redriven_at, text=True)} if execution.redrives else {}),
                },
                "State": {"Name": name, "EnteredTime": self._date(progress.entered_at, text=True), "RetryCount": 0},
            }
            try:
                data, previous, following = self._enter(execution, name, state, data, here, progress, previous)
            except StateError as exc:
                caught = next((catch for catch in state.get("Catch", []) if _matches(catch["ErrorEquals"], exc)), None)
                if caught is None:
                    raise
                self.reached(f"catch {name} -> {caught['Next']}")
                data, following = _placed(data, caught.get("ResultPath", "$"), exc.output()), caught["Next"]
                previous = exc.event or previous
            progress.items, progress.begun = {}, 0
            if data is not before:  # a Choice leaves it as it is
                text = _sized(data)
            previous = (
                self._event(
                    execution,
                    previous,
                    f"{kind}StateExited",
                    stateExitedEventDetails={"name": name, "output": text},
                )
                if kind != "Fail"
                else previous
            )
            progress.event, progress.entered = previous, 0
            if not following:
                return data
            name = following
            progress.state, progress.data = name, data
            # States follow each other at once, but the world may move in between.
            self.kernel.sleep(self.kernel.random.uniform(0.0, 0.05))

    def _enter(
        self, execution: Execution, name: str, state: Json, data: Json, context: Json, progress: Progress, previous: int
    ) -> tuple[Json, int, str]:
        """Output, last event and next state's name, empty at an end. Raises StateError."""
        given = _at(state.get("InputPath", "$"), data, context)
        match state["Type"]:
            case "Choice":
                chosen = next((each["Next"] for each in state["Choices"] if _holds(each, given)), state.get("Default"))
                if chosen is None:
                    raise StateError("States.NoChoiceMatched")
                self.reached(f"choice {name} -> {chosen}")
                return given, previous, chosen
            case "Succeed":
                return given, previous, ""
            case "Fail":
                self.reached(f"fail {name}")
                raise StateError(state.get("Error"), state.get("Cause"))
            case "Pass":
                result = state["Result"] if "Result" in state else _built(state, given, context)
                return self._left(state, data, result, context), previous, state.get("Next", "")
            case "Wait":
                seconds = _at(state["SecondsPath"], given, context) if "SecondsPath" in state else state["Seconds"]
                if type(seconds) is not int or not 0 <= seconds <= MOST_WAIT_SECONDS:
                    raise StateError("States.Runtime", f"{seconds!r} are no seconds to wait")
                self.reached(f"wait {name}")
                self.kernel.sleep(seconds)
                return given, previous, state.get("Next", "")
            case "Task":
                raw, previous = self._task(execution, name, state, given, context, progress, previous)
                result = _filled(state["ResultSelector"], raw, context) if "ResultSelector" in state else raw
                return self._left(state, data, result, context), previous, state.get("Next", "")
            case "Map":
                result, previous = self._map(execution, name, state, given, context, progress, previous)
                return self._left(state, data, result, context), previous, state.get("Next", "")
        raise StateError("States.Runtime", f"{state['Type']} is not modelled")

    def _left(self, state: Json, data: Json, result: Json, context: Json) -> Json:
        return _at(state.get("OutputPath", "$"), _placed(data, state.get("ResultPath", "$"), result), context)

    def _task(
        self,
        execution: Execution,
        name: str,
        state: Json,
        given: Json,
        context: Json,
        progress: Progress,
        previous: int,
    ) -> tuple[Json, int]:
        tries = [0] * len(state.get("Retry", []))
        while True:
            wait, token = _Wait(), ""
            if state["Resource"].endswith(".waitForTaskToken"):
                token = progress.token = self._new_token(execution, wait)
            state_now = {**context["State"], "RetryCount": sum(tries)}
            arguments = _built(state, given, {**context, "State": state_now, "Task": {"Token": token}})
            parameters = _sized(arguments)
            previous = self._event(
                execution,
                previous,
                "TaskScheduled",
                taskScheduledEventDetails={
                    "resourceType": "lambda",
                    "resource": state["Resource"].rpartition(":::lambda:")[2],
                    "region": "eu-west-1",
                    "parameters": parameters,
                    **({"timeoutInSeconds": state["TimeoutSeconds"]} if "TimeoutSeconds" in state else {}),
                },
            )
            failed = self._attempt(execution, wait, token, arguments, state.get("TimeoutSeconds"), previous)
            previous = execution_last(execution, failed)
            if wait.error is None:
                return wait.output, previous
            exc = wait.error
            at = next(
                (i for i, retry in enumerate(state.get("Retry", [])) if _matches(retry["ErrorEquals"], exc)), None
            )
            if at is None or tries[at] >= state["Retry"][at].get("MaxAttempts", 3):
                if at is not None:
                    self.reached(f"retries used up {name} {at}")
                exc.event = previous
                raise exc
            retry = state["Retry"][at]
            pause = retry.get("IntervalSeconds", 1) * retry.get("BackoffRate", 2.0) ** tries[at]
            pause = min(pause, retry.get("MaxDelaySeconds", pause))
            tries[at] += 1
            self.reached(f"retry {name} {at}")
            self.kernel.sleep(
                self.kernel.random.uniform(0.0, pause) if retry.get("JitterStrategy") == "FULL" else pause
            )

    def _attempt(
        self, execution: Execution, wait: _Wait, token: str, arguments: Json, seconds: float | None, scheduled: int
    ) -> int:
        """Invokes the function and waits for the attempt's end; its last event."""
        last = self._event(
            execution,
            scheduled,
            "TaskStarted",
            taskStartedEventDetails={"resourceType": "lambda", "resource": "invoke"},
        )

        def answered(payload: Json) -> None:
            nonlocal last
            if token:
                if not wait.ready.is_open:
                    with suppress(StateError):  # the history is full: the next event ends the execution
                        last = self._event(
                            execution,
                            last,
                            "TaskSubmitted",
                            taskSubmittedEventDetails={"resourceType": "lambda", "resource": "invoke.waitForTaskToken"},
                        )
            else:
                wait.succeed({"ExecutedVersion": "$LATEST", "StatusCode": 200, "Payload": payload})

        self._invoke(arguments["FunctionName"].rpartition(":")[2], arguments.get("Payload"), answered, wait.fail)
        if seconds is not None:
            wait.ends_at = self.kernel.now + seconds
            self.kernel.after(seconds, lambda: wait.fail("States.Timeout", None, "TaskTimedOut"))
        self.kernel.wait(wait.ready)
        error = wait.error
        details = {"output": _sized(wait.output)} if error is None else _failure(error.name, error.cause)
        kind = wait.closing[0].lower() + wait.closing[1:] + "EventDetails"
        return self._event(
            execution, last, wait.closing, **{kind: {"resourceType": "lambda", "resource": "invoke", **details}}
        )

    def _map(
        self,
        execution: Execution,
        name: str,
        state: Json,
        given: Json,
        context: Json,
        progress: Progress,
        previous: int,
    ) -> tuple[Json, int]:
        items = _at(state.get("ItemsPath", "$"), given, context)
        if not isinstance(items, list):
            raise StateError("States.Runtime", f"{name}: ItemsPath is no array")
        if not progress.begun:
            progress.begun = self._event(
                execution, previous, "MapStateStarted", mapStateStartedEventDetails={"length": len(items)}
            )
        begun = progress.begun
        done = {index: its for index, its in progress.items.items() if its.is_done}
        outputs: list[Json] = [done[index].output if index in done else None for index in range(len(items))]
        failure: list[StateError] = []
        waiting, running = [index for index in range(len(items)) if index not in done], dict[int, Process]()
        over = Waiting(is_open=not waiting)
        most = min(state.get("MaxConcurrency") or MOST_INLINE, MOST_INLINE)
        left = set(waiting)

        last = max((its.event for its in done.values()), default=begun)

        def begin_more(after: int) -> None:
            while waiting and len(running) < most and not failure:
                index = waiting.pop(0)
                name = f"{execution.name}[{index}]"
                running[index] = self._spawn(execution, name, lambda at=index: live(at, after))  # type: ignore[misc]

        def live(index: int, after: int) -> None:
            nonlocal last
            item_context = {**context, "Map": {"Item": {"Index": index, "Value": items[index]}}}
            its = progress.items.setdefault(index, Progress())
            try:
                if not its.state:
                    its.event = self._item_event(execution, "Started", after, name, index)
                item = _filled(state["ItemSelector"], given, item_context) if "ItemSelector" in state else items[index]
                outputs[index] = its.output = self._states(
                    execution, state["ItemProcessor"], item, context, its, its.event
                )
                its.is_done = True
                last = self._item_event(execution, "Succeeded", its.event, name, index)
            except StateError as exc:
                try:
                    if not failure:  # else it is aborted, like what goes on
                        exc.event = exc.event or its.event
                        failure.append(exc)
                        del running[index]
                        self._item_event(execution, "Failed", exc.event, name, index)
                        self._abort_state(execution, state, its, exc.event)
                finally:
                    over.open()
            else:
                left.discard(index)
                running.pop(index, None)
                begin_more(its.event)
                if not left:
                    over.open()

        begin_more(begun)
        self.kernel.wait(over)
        if failure:
            self._abort(execution, name, state, progress, running, failure[0].event)
            failed = {"error": failure[0].name or ""}
            failure[0].event = self._event(
                execution, failure[0].event, "MapStateFailed", mapStateFailedEventDetails=failed
            )
            raise failure[0]
        self._event(execution, last, "MapStateSucceeded")
        return outputs, last

    def _abort(
        self,
        execution: Execution,
        name: str,
        state: Json,
        progress: Progress,
        running: Mapping[int, Process],
        failed: int,
    ) -> None:
        """Ends the iterations of a Map that go on as another one has failed."""
        for index, process in running.items():
            self.kernel.kill(process, quietly=True)
            its = progress.items.get(index, Progress())
            if its.token:
                self.tokens[its.token].fail(None, None)
            self._item_event(execution, "Aborted", failed, name, index)
            self._abort_state(execution, state, its, failed)

    def _abort_state(self, execution: Execution, a_map: Json, its: Progress, failed: int) -> None:
        """Says that the state in which an iteration of a failed Map stands goes on no longer."""
        kind = a_map["ItemProcessor"]["States"][its.state]["Type"] if its.state else ""
        if kind in ("Task", "Wait"):
            self._event(execution, failed, f"{kind}StateAborted")

    # -- bookkeeping -----------------------------------------------------------------------------------------------

    def _end(
        self, execution: Execution, status: str, *, output: str = "", error: str | None = None, cause: str | None = None
    ) -> None:
        execution.output, execution.error, execution.cause = output, error, cause
        execution.stopped_at = self.kernel.now
        self._change_status(execution, status)
        for process in execution.processes:
            self.kernel.kill(process, quietly=True)
        execution.processes.clear()
        for token, its in self.token_executions.items():
            if its is execution:
                self.tokens[token].fail(None, None)
        self.reached(f"execution {status}")
        self.on_end(execution)

    def _is_redrivable(self, execution: Execution) -> bool:
        """Its history must have room for one more event than that of the redrive, too."""
        age = self.kernel.now - (execution.stopped_at or self.kernel.now)
        has_room = len(execution.history) < MOST_EVENTS - 1 and execution.redrives < MOST_REDRIVES
        return execution.status in _REDRIVABLE and age <= REDRIVABLE_SECONDS and has_room

    def _change_status(self, execution: Execution, status: str) -> None:
        execution.status = status
        lag = self.kernel.random.random() ** 3 * LONGEST_LAG
        execution.seen.append((self.kernel.now + lag, status, execution.redrives))

    def _new_token(self, execution: Execution, wait: _Wait) -> str:
        token = hashlib.sha256(f"{execution.arn}{len(self.tokens)}{self.kernel.random.random()}".encode()).hexdigest()
        self.tokens[token], self.token_executions[token] = wait, execution
        return token

    def _open(self, token: str, operation: str) -> _Wait:
        if token not in self.tokens:
            raise error("InvalidToken", operation, "Invalid Token")
        wait = self.tokens[token]
        if wait.ready.is_open:
            raise error("TaskTimedOut", operation, "Task Timed Out: 'Provided task does not exist anymore'")
        return wait

    def _execution(self, arn: str, operation: str) -> Execution:
        if arn not in self.executions:
            raise error("ExecutionDoesNotExist", operation, f"Execution Does Not Exist: '{arn}'")
        return self.executions[arn]

    def _check_machine(self, arn: str, operation: str) -> None:
        if arn != self._arn:
            raise error("StateMachineDoesNotExist", operation, f"State Machine Does Not Exist: '{arn}'")

    def _described(self, execution: Execution, status: str, redrives: int) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "executionArn": execution.arn,
            "stateMachineArn": self._arn,
            "name": execution.name,
            "status": status,
            "startDate": self._date(execution.started_at),
            "redriveCount": redrives,
        }
        can_be = status in _REDRIVABLE and self._is_redrivable(execution)
        answer["redriveStatus"] = "REDRIVABLE" if can_be else "NOT_REDRIVABLE"
        if status != "RUNNING" and execution.stopped_at is not None:
            answer["stopDate"] = self._date(execution.stopped_at)
        if status == "SUCCEEDED":
            answer["output"] = execution.output
        if status in ("FAILED", "ABORTED"):
            answer |= _failure(execution.error or None, execution.cause or None)
        return answer

    def _event(self, execution: Execution, previous: int, kind: str, **details: Any) -> int:
        number = len(execution.history) + 1
        if number >= MOST_EVENTS and not kind.startswith("Execution"):
            raise StateError("States.Runtime", "The execution reached the maximum number of history events (25000).")
        execution.history.append(
            {
                "id": number,
                "previousEventId": previous,
                "type": kind,
                "timestamp": self._date(self.kernel.now),
                **details,
            }
        )
        return number

    def _item_event(self, execution: Execution, kind: str, previous: int, name: str, index: int) -> int:
        details = {f"mapIteration{kind}EventDetails": {"name": name, "index": index}}
        return self._event(execution, previous, f"MapIteration{kind}", **details)

    def _date(self, seconds: float, *, text: bool = False) -> Any:
        moment = datetime.fromtimestamp(seconds, UTC)
        return codec.format_time(moment) if text else moment


@functools.cache
def _parsed(definition: str) -> Json:
    """A definition, which nothing changes any more."""
    return json.loads(definition)


def _failure(name: str | None, cause: str | None) -> dict[str, str]:
    """An error as events and descriptions have it: what was not said is not there."""
    return {key: value for key, value in (("error", name), ("cause", cause)) if value is not None}


def execution_last(execution: Execution, event: int) -> int:
    """The event that a state's next one follows: `event`, which is in its history."""
    return execution.history[event - 1]["id"]  # type: ignore[no-any-return]


def _raise_defects(process: Process) -> None:
    """A StateError is the machine's; anything else is a defect of the model."""
    if process.error is not None and not isinstance(process.error, StateError):
        raise process.error


def _matches(names: list[str], exc: StateError) -> bool:
    """Whether a Retry or Catch takes an error. States.TaskFailed is any but a time-out; States.ALL any but two."""
    if exc.name in names:
        return True
    if "States.ALL" in names:
        return exc.name not in ("States.DataLimitExceeded", "States.Runtime")
    return "States.TaskFailed" in names and exc.name not in (
        "States.Timeout",
        "States.DataLimitExceeded",
        "States.Runtime",
    )


def _at(path: str | None, data: Json, context: Json) -> Json:
    """What a path of names names; null where the path is null.

    Raises StateError where there is nothing: no Catch takes that. States.ParameterPathFailure is documented as well,
    which States.ALL takes; histories of AWS have States.Runtime.
    """
    if path is None:
        return {}
    source, rest = (context, path[2:]) if path.startswith("$$") else (data, path[1:])
    for name in filter(None, rest.split(".")):
        if not isinstance(source, Mapping) or name not in source:
            raise StateError("States.Runtime", f"The JSONPath '{path}' could not be found in the input")
        source = source[name]
    return source


def _placed(data: Json, path: str | None, result: Json) -> Json:
    """`data` with `result` at a reference path. Data is never changed, so what stays the same is shared."""
    if path is None:
        return data
    if path == "$":
        return result
    made: dict[str, Json] = dict(data) if isinstance(data, dict) else {}
    place = made
    *parents, last = path[2:].split(".")
    for name in parents:
        place[name] = dict(place.get(name, {}))
        place = place[name]
    place[last] = result
    return made


def _built(state: Json, data: Json, context: Json) -> Json:
    return _filled(state["Parameters"], data, context) if "Parameters" in state else data


def _filled(template: Json, data: Json, context: Json) -> Json:
    """A payload template: names that end in `.$` have a path for a value."""
    if isinstance(template, Mapping):
        return {
            name.removesuffix(".$"): _at(value, data, context) if name.endswith(".$") else _filled(value, data, context)
            for name, value in template.items()
        }
    return [_filled(each, data, context) for each in template] if isinstance(template, list) else template


def _check_failure(name: str, cause: str) -> None:
    if len(name) > MOST_ERROR or len(cause) > MOST_CAUSE:
        raise error("ValidationException", "SendTaskFailure", "error or cause is too long")


def _sized(data: Json) -> str:
    """The JSON of `data`. Raises StateError for more than a state may give on."""
    text = json.dumps(data)
    if len(text) > MOST_PAYLOAD_BYTES:  # ASCII: a character is a byte
        raise StateError("States.DataLimitExceeded", "The state returned a result larger than 262144 bytes")
    return text


def _holds(rule: Json, data: Json) -> bool:
    """Whether a Choice rule does."""
    if "And" in rule:
        return all(_holds(each, data) for each in rule["And"])
    if "Or" in rule:
        return any(_holds(each, data) for each in rule["Or"])
    if "Not" in rule:
        return not _holds(rule["Not"], data)
    try:
        value, there = _at(rule["Variable"], data, {}), True
    except StateError:
        value, there = None, False
    if "IsPresent" in rule:
        return there is bool(rule["IsPresent"])
    if not there:
        raise StateError("States.Runtime", f"Invalid path '{rule['Variable']}'")
    if "IsBoolean" in rule:
        return isinstance(value, bool) is bool(rule["IsBoolean"])
    if "BooleanEquals" in rule:
        return isinstance(value, bool) and value is rule["BooleanEquals"]
    if "StringEquals" in rule:
        return isinstance(value, str) and value == rule["StringEquals"]
    if "NumericGreaterThan" in rule:
        return isinstance(value, int | float) and not isinstance(value, bool) and value > rule["NumericGreaterThan"]
    raise StateError("States.Runtime", f"{sorted(rule)} is not modelled")
