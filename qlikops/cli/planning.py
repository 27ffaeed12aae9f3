"""plan, plan add, plan end, lift: orders, which a run applies. People may start runs, and write nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from qlikops.cli import output
from qlikops.cli.coercion import PlainCommand
from qlikops.cli.context import Invocation, JsonListOption, JsonOption, argument, shaped, takes
from qlikops.cli.durations import duration, moment
from qlikops.cli.exit_codes import ORDER_CODES, ExitCode
from qlikops.cli.names import group
from qlikops.cli.one_by_one import one_by_one
from qlikops.cli.remembering import remember
from qlikops.domain.encoding import codec
from qlikops.domain.errors import NotFound, UsageError
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.gathered.lookup import look_up, look_up_name
from qlikops.domain.gathered.ordering import OrderReceipt, OrderState, send
from qlikops.domain.ports import ContextServices
from qlikops.domain.runs.orders import Order, Refused, lift_order, plan_order, read_order, span_of
from qlikops.domain.runs.plan import PLAN_PREFIX, Scope
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.words.naming import listed, named, shown
from qlikops.presentation.lists import plans as presented

_APPROVAL_ID = re.compile(r"[0-9a-f]{1,12}")

ReasonOption = Annotated[str, takes("R", "Why, for the record.", "--reason")]
WaitOption = Annotated[str, takes("T", "How long to wait at most.", "--timeout")]

plan = group("Planned work: for a time, what it covers is looked at as always, and neither proposed on nor told.")


@plan.callback()
@shaped
def _list(ctx: typer.Context, here: Invocation, as_json: JsonListOption = False) -> None:
    """List planned work as the last run knew it: what is to come, what goes on, and what was over lately."""
    if ctx.invoked_subcommand:
        return
    environment = here.environment()
    snapshot = environment.fleet.snapshot()
    remember(here, environment.name, "plans", {plan.plan_id: plan.why for plan in snapshot.plans})
    if as_json:
        output.write_json(snapshot.plans)
        return
    if not snapshot.plans:
        output.say("No work is planned.")
        return
    output.write_rows(presented.TABLE, presented.listed(snapshot, here.now()))


@plan.command(cls=PlainCommand)
@shaped
def add(
    here: Invocation,
    lasts: Annotated[str, takes("T", "How long it lasts, such as 90m or 4h.", "--for")],
    why: Annotated[str, takes("R", "Why, such as the number of a change.", "--why")],
    server: Annotated[list[str] | None, takes("SERVER", "All tasks of this server; again for more.")] = None,
    endpoint: Annotated[list[str] | None, takes("NAME", "All tasks on this source or target; again for more.")] = None,
    tag: Annotated[list[str] | None, takes("TAG", "All tasks with this tag; again for more.")] = None,
    task: Annotated[list[str] | None, takes("TASK", "This task, as `qlikops task` takes it; again for more.")] = None,
    starts: Annotated[str, takes("WHEN", "In so long (2h), at a time (22:00, UTC), or a full time.", "--from")] = "now",
    timeout: WaitOption = "3m",
    as_json: JsonOption = False,
) -> None:
    """Plan work: nothing is proposed or told of what is named, but for a lost log position and data errors."""
    now = here.now()
    starts_at = None if starts == "now" else moment("--from", starts, now)
    ends_at = (starts_at or now) + duration("--for", lasts)
    environment = here.environment()
    snapshot = environment.fleet.snapshot()
    scope = Scope(
        tuple(_known(server, (each.name for each in snapshot.servers), "server")),
        tuple(_known(endpoint, _endpoints(snapshot), "endpoint")),
        tuple(_known(tag, (tag for each in snapshot.tasks for tag in each.facts.tags), "tag")),
        tuple(look_up(environment, name).task.facts.key for name in task or ()),
    )
    order = plan_order(scope, starts_at, ends_at, why)
    with _not_sent():
        span_of(order, now)
    covered = sum(scope.covers(each.facts) for each in snapshot.tasks)
    output.say(f"It covers {covered} of {len(snapshot.tasks)} tasks, as the last run saw them.")
    _send(here, environment, order, timeout, as_json=as_json)


@plan.command(cls=PlainCommand)
@shaped
def end(
    here: Invocation,
    plan_id: Annotated[str, argument("PLAN", "Its id from `qlikops plan`; the beginning will do.")],
    reason: ReasonOption = "done",
    timeout: WaitOption = "3m",
    as_json: JsonOption = False,
) -> None:
    """End planned work now. What it stopped and still is down is proposed by the same run."""
    environment = here.environment()
    order = lift_order(_plan_id(environment, plan_id), reason)
    _send(here, environment, order, timeout, as_json=as_json)


def lift(
    here: Invocation,
    what: Annotated[list[str], argument("ID-OR-TASK…", "A task, the id of a proposal that was denied, or of a plan.")],
    reason: ReasonOption,
    timeout: WaitOption = "3m",
    as_json: JsonOption = False,
) -> None:
    """End what keeps a task quiet: a snooze, the time after a denial, a cooldown; or planned work.

    Several at once take a run each, and all of them must be known before the first starts.
    """
    environment = here.environment()
    orders = {each: lift_order(_lifted(environment, each), reason) for each in what}
    receipts, code = one_by_one(orders, lambda each: _receipt(here, environment, orders[each], timeout))
    _show_receipts(receipts, code, as_json=as_json, several=len(what) > 1)


for _command in (add, end, lift):
    _command.__doc__ = f"{_command.__doc__}\n\n{ORDER_CODES}"


@contextmanager
def _not_sent() -> Iterator[None]:
    """What a run would refuse is refused before one is started for it."""
    try:
        yield
    except Refused as exc:
        raise UsageError(f"Nothing was sent: {exc}") from exc


def _send(here: Invocation, environment: ContextServices, order: Order, timeout: str, *, as_json: bool) -> None:
    receipt = _receipt(here, environment, order, timeout)
    _show_receipts([receipt], ExitCode.OK, as_json=as_json, several=False)


def _receipt(here: Invocation, environment: ContextServices, order: Order, timeout: str) -> OrderReceipt:
    with _not_sent():
        read_order(codec.encode(order))
    return send(
        environment.executions,
        order,
        sleep=here.sleep,
        monotonic=here.monotonic,
        wait=duration("--timeout", timeout),
        started=lambda summary: output.say(f"Sent with {summary.name}."),
    )


def _show_receipts(receipts: Sequence[OrderReceipt], code: ExitCode, *, as_json: bool, several: bool) -> None:
    """Prints them and exits with `code`, or with that of the first that was not applied."""
    with output.whatever_is_printed("The order was sent. What became of it"):
        if as_json:
            output.write_json(receipts if several else receipts[0])
        else:
            for receipt in receipts:
                output.write_sections(presented.receipt(receipt))
    codes = [code, *(_code_of(receipt.state) for receipt in receipts)]
    raise typer.Exit(next((each for each in codes if each is not ExitCode.OK), ExitCode.OK))


def _code_of(state: OrderState) -> ExitCode:
    match state:
        case OrderState.APPLIED:
            return ExitCode.OK
        case OrderState.UNKNOWN:
            return ExitCode.UNKNOWN
        case OrderState.REFUSED | OrderState.NOT_TAKEN:
            return ExitCode.FAILURE


def _lifted(environment: ContextServices, what: str) -> str | TaskKey:
    if what.startswith(PLAN_PREFIX):
        return _plan_id(environment, what)
    if _APPROVAL_ID.fullmatch(shown(what)):
        try:
            return environment.approvals.approval(what).approval_id
        except NotFound:
            pass  # a task's name may look like an id
    return look_up(environment, what).task.facts.key


def _plan_id(environment: ContextServices, given: str) -> str:
    """The id of the plan that is meant: in full, as a run may have begun it since the last snapshot, or its start."""
    plans = environment.fleet.snapshot().plans
    found = named(given, plans, lambda plan: plan.plan_id, lambda plan: plan.plan_id.removeprefix(PLAN_PREFIX))
    if len(found) > 1:
        raise UsageError(f"{given} begins several plans: {listed([each.plan_id for each in found])}.")
    if found:
        return found[0].plan_id
    if given.startswith(PLAN_PREFIX):
        return given
    raise NotFound(f"The last run knew no plan {given}.", "`qlikops plan` lists them.")


def _known(given: Iterable[str] | None, names: Iterable[str], what: str) -> Iterable[str]:
    """The names of the fleet that are meant by those given. Raises NotFound and UsageError."""
    known = set(names)
    return [look_up_name(name, known, what) for name in given or ()]


def _endpoints(snapshot: FleetSnapshot) -> Iterable[str]:
    for task in snapshot.tasks:
        yield from {task.facts.source_endpoint, task.facts.target_endpoint} - {""}
