"""Of each write before it goes out: what it rests on stands in its conditions.

What changes between a look and the write that rests on it changes within milliseconds, and a night in which that comes
to light is rare. So each write is held against what might be instead: the ledger as it is, but for one thing. If it
would be carried out all the same, nothing but luck keeps the promise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import Attribute, approval_partition
from qlikops.domain.proposals.approval import PULLED, RunCall, Status
from tests.simulation.dynamodb import Key
from tests.simulation.invariants.asked import Action, Asked, Changes, Write
from tests.simulation.invariants.watch import Watch, number, of_each_ask, of_each_write, partition_of

_EARLIER, _LATER = "2000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"
_FAR, _OTHER = 9_999_999_999, "somebody else"
_BRAKE = f'{{"by":"{_OTHER}",{PULLED}}}'
_HOUR = timedelta(hours=1)
_ONCE = (keys.EVENT_PREFIX, keys.RESTART_PREFIX, keys.RECORD, keys.ORDER_PREFIX)
If = Iterator[tuple[str, Changes]]
"""What might be instead, in words and in items."""


def _refused(write: Write, might_be: If) -> str:
    """What the write would not be refused for; empty if there is nothing."""
    wrong = next((words for words, changes in might_be if write.passes(changes)), "")
    return f"{write.who} writes {[each.key for each in write.actions]}, even if {wrong}" if wrong else ""


def _taken(write: Write, action: Action, **might_be: str | int | None) -> str:
    """That one action would be refused if its item were so, which nothing speaks against; empty if it would not."""
    if action.holds(write.but(action.key, **might_be)[action.key]):
        return ""
    return f"{write.who} would not write {action.key} over {might_be}"


def _record(proposal_id: str) -> Key:
    return approval_partition(proposal_id), keys.RECORD


def _updates(write: Write, attribute: Attribute, *, of: str = keys.RECORD) -> Iterator[Action]:
    return (each for each in write.of(of, "Update") if attribute in each.sets)


@of_each_write
def what_is_written_once_is_not_written_over(_: Watch, write: Write) -> str:
    """An event, a claim, a record and what became of an order, if there is one; a plan, if it is another one by now."""

    def might_be() -> If:
        for put in write.of("", "Put"):
            if put.key[1].startswith(_ONCE) or put.key[0] == keys.PLANS_PARTITION:
                yield "there is one", write.but(put.key, body="another")

    return _refused(write, might_be())


@of_each_write
def what_is_changed_is_there(_: Watch, write: Write) -> str:
    """A change of what somebody else makes, and may take away, makes nothing."""

    def might_be() -> If:
        for update in write.of("", "Update"):
            partition, sort = update.key
            is_marked = sort.startswith(keys.HISTORY_PREFIX) and Attribute.BODY not in update.sets
            is_kept = sort.startswith(keys.PROBE_PREFIX) and Attribute.BODY in update.sets
            is_progress = partition.startswith("RUN#")
            if sort == keys.RECORD or sort.startswith(keys.RESTART_PREFIX) or is_marked or is_kept or is_progress:
                yield f"there is no {sort}", {update.key: None}

    return _refused(write, might_be())


@of_each_write
def a_claim_rests_on_lease_record_and_brake(_: Watch, write: Write) -> str:
    """It is refused once its proposal is not being carried out, is settled or stopped, or holds the task no more."""

    def might_be() -> If:
        for put in write.of(keys.RESTART_PREFIX, "Put"):
            proposal_id = put.key[1].removeprefix(keys.RESTART_PREFIX)
            record, lease = _record(proposal_id), (put.key[0], keys.LEASE)
            yield "it waits still", write.but(record, status=Status.WAITING)
            yield "it is over", write.but(record, status=Status.SUPERSEDED)
            yield "it is settled", write.but(record, outcome="{}")
            yield "it is stopped", write.but(record, claim=_BRAKE)
            yield "another proposal holds the task", write.but(lease, proposal_id=_OTHER)
            yield "no proposal holds the task", {lease: None}

    return _refused(write, might_be())


@of_each_write
def a_status_moves_from_the_one_that_was_read(_: Watch, write: Write) -> str:
    """A step is refused if another one has been taken since the record was read; an end also if a result came."""
    for update in _updates(write, Attribute.STATUS):
        passing = [each for each in Status if write.passes(write.but(update.key, status=each))]
        if len(passing) > 1:
            return f"{write.who} moves {update.key[0]} from any of {passing}"
    return ""


@of_each_write
def a_result_rests_on_that_there_is_none(_: Watch, write: Write) -> str:
    """It is refused if there is one; where it says that a task was left alone, also if a start was marked meanwhile."""

    def might_be() -> If:
        for update in _updates(write, Attribute.OUTCOME):
            now = write.items.get(update.key, {})
            if Attribute.OUTCOME in now:
                continue
            yield "there is one", write.but(update.key, outcome="{}")
            if Attribute.STATUS not in update.sets and _leaves_some_alone(write, update):
                starts = int(number(now, Attribute.STARTS)) if Attribute.STARTS in now else 0
                yield "another start was marked", write.but(update.key, starts=starts + 1)
        for update in _updates(write, Attribute.OUTCOME, of=keys.RESTART_PREFIX):
            yield "there is one", write.but(update.key, outcome="{}")
        for delete in write.of(keys.RESTART_PREFIX, "Delete"):
            yield "it is known what came of it", write.but(delete.key, outcome="{}")

    return _refused(write, might_be())


def _leaves_some_alone(write: Write, update: Action) -> bool:
    proposal_id = update.key[0].partition("#")[2]
    targets = json.loads(update.sets[Attribute.OUTCOME]["S"]).get("targets", ())
    # A task may have been watched by the claim of another invocation, which has given that back by now.
    alone = (each for each in targets if each["run_call"] in (None, RunCall.NOT_SENT))
    sort = f"{keys.RESTART_PREFIX}{proposal_id}"
    return any((partition_of(each["key"]), sort) not in write.items for each in alone)


@of_each_write
def a_lease_rests_on_that_nobody_has_it(_: Watch, write: Write) -> str:
    """To the second. It is given back only by who has it, and taken for longer by who asks for what is unanswered.

    A lease of a proposal without a record is freed only if it is still the one that was read.
    """

    def might_be() -> If:
        asks = write.who.startswith("RequestApproval")
        for put in write.of(keys.LEASE, "Put"):
            now, own = _second(put), put.sets[Attribute.PROPOSAL_ID]["S"]
            yield "another proposal holds the task", write.but(put.key, proposal_id=_OTHER, expires=now + 1)
            if write.who.startswith("MonitorTasks"):
                yield "it is open already", write.but(_record(own))
            if write.who.startswith("ExecuteRestart"):
                yield "another invocation has taken it later", write.but(put.key, proposal_id=own, at=_LATER)
            if asks:
                record = _record(own)
                yield "it is answered", write.but(record, status=Status.RESTARTING)
                yield "it is over", write.but(record, status=Status.DENIED)
        for delete in write.of(keys.LEASE, "Delete"):
            yield "another proposal holds the task", write.but(delete.key, proposal_id=_OTHER)
            own = delete.body["ExpressionAttributeValues"][":id"]["S"]
            if _record(own) not in write.items:
                yield "it was taken anew since", write.but(delete.key, proposal_id=own, at=_LATER)

    puts = list(write.of(keys.LEASE, "Put"))
    over = (_taken(write, put, proposal_id=_OTHER, expires=_second(put) - 1) for put in puts)
    own = (
        _taken(write, put, proposal_id=put.sets[Attribute.PROPOSAL_ID]["S"], expires=_FAR, at=_EARLIER) for put in puts
    )
    return _refused(write, might_be()) or next(filter(None, (*over, *own)), "")


def _second(action: Action) -> int:
    """When it was made, by the clock of who makes it."""
    return int(codec.parse_time(action.sets[Attribute.AT]["S"]).timestamp())


@of_each_write
def a_token_rests_on_that_it_is_the_newest(_: Watch, write: Write) -> str:
    """It is kept only if the proposal is unanswered, and there is none of a later attempt or invocation."""

    def might_be() -> If:
        for put in write.of(keys.TOKEN, "Put"):
            record, attempt = _record(put.sets[Attribute.PROPOSAL_ID]["S"]), int(number(put.sets, Attribute.ATTEMPT))
            at = put.sets[Attribute.AT]["S"]
            yield "it is answered", write.but(record, status=Status.RESTARTING)
            yield "it is over", write.but(record, status=Status.EXPIRED)
            yield "there is a later attempt", write.but(put.key, attempt=attempt + 1, at=at)
            yield "there is one that came later", write.but(put.key, attempt=attempt, at=_LATER)

    for put in write.of(keys.TOKEN, "Put"):
        attempt = int(number(put.sets, Attribute.ATTEMPT))
        refused = _taken(write, put, attempt=attempt - 1, at=_LATER) or _taken(
            write, put, attempt=attempt, at=put.sets[Attribute.AT]["S"]
        )
        if refused:
            return refused
    return _refused(write, might_be())


@of_each_write
def a_silence_rests_on_what_was_said_since(watch: Watch, write: Write) -> str:
    """A denial is refused where a longer silence, or a later lift, is; a lift where a later denial, or lift, is."""

    def might_be() -> If:
        for update in write.of(keys.SNOOZE, "Update"):
            expires = int(number(update.sets, Attribute.EXPIRES))
            if Attribute.AT in update.sets:
                yield "there is a longer one", write.but(update.key, expires=expires + 1, lifted=None)
                yield "it was lifted since", write.but(update.key, expires=0, lifted=_LATER)
            else:
                began = codec.parse_time(watch.world.functions.begun[write.who].payload["started_at"])
                since = codec.format_time(began + timedelta(seconds=1))
                yield "it was denied since its run began", write.but(update.key, at=since, lifted=None)
                yield "it was lifted since", write.but(update.key, at=None, lifted=_LATER)

    for update in write.of(keys.SNOOZE, "Update"):
        refused = _taken(
            write, update, at=_EARLIER, expires=1 if Attribute.AT in update.sets else _FAR, lifted=_EARLIER
        )
        if refused:
            return refused
    return _refused(write, might_be())


@of_each_write
def what_a_person_claims_rests_on_the_inbox(_: Watch, write: Write) -> str:
    """A claim is refused where nothing waits or the brake is pulled; a run's brake, of what is settled or braked."""

    def might_be() -> If:
        for update in write.of(keys.RECORD, "Update"):
            claim = update.sets.get(Attribute.CLAIM, {}).get("S", "")
            if claim and PULLED not in claim:
                yield "it is not in the inbox", write.but(update.key, inbox=None)
                yield "it is stopped", write.but(update.key, claim=_BRAKE)
            elif claim and len(write.actions) == 1 and write.who.startswith("MonitorTasks"):
                yield "it is not carried out", write.but(update.key, status=Status.WAITING)
                yield "it is settled", write.but(update.key, outcome="{}")
                yield "it is stopped already", write.but(update.key, claim=_BRAKE)
            if Attribute.CLAIM in update.removes:
                yield "it is another one's", write.but(update.key, claim=f'{{"by":"{_OTHER}"}}')

    return _refused(write, might_be())


@of_each_write
def a_test_rests_on_that_there_is_one_left(_: Watch, write: Write) -> str:
    """It is counted where none was within the hour; and an hour without tests is not made shorter."""

    def might_be() -> If:
        for put in write.of(keys.PROBE_PREFIX, "Put"):
            yield (
                "there was one within the hour",
                write.but(put.key, at=_before(put, timedelta(minutes=59, seconds=59))),
            )
        for update in write.of(keys.PROBE_PREFIX, "Update"):
            if Attribute.AT in update.sets:
                yield "a later hour has begun", write.but(update.key, at=_LATER)

    over = (_taken(write, put, at=_before(put, _HOUR)) for put in write.of(keys.PROBE_PREFIX, "Put"))
    return _refused(write, might_be()) or next(filter(None, over), "")


def _before(action: Action, by: timedelta) -> str:
    """So long before it was made."""
    return codec.format_time(codec.parse_time(action.sets[Attribute.AT]["S"]) - by)


@of_each_write
def a_follow_up_rests_on_the_revision_that_was_read(_: Watch, write: Write) -> str:
    """It is refused if another run has changed it, and if its record was counted, or not, as it was read."""

    def might_be() -> If:
        for each in write.actions:
            if each.key[0] != keys.FOLLOWED_PARTITION or (each.kind == "Put" and number(each.sets, "revision") == 1):
                continue
            yield "it was changed", write.but(each.key, revision=_FAR)
            yield "it was ended", {each.key: None}

    for update in _updates(write, Attribute.LASTING):
        if all(update.holds(write.but(update.key, counted=each)[update.key]) for each in (None, "now")):
            return f"{write.who} writes {update.key}, whether it is counted or not"
    return _refused(write, might_be())


@of_each_write
def what_is_counted_rests_on_the_record(_: Watch, write: Write) -> str:
    """A restart is counted where it is not counted yet, with what is known of whether it lasted; and marked once."""

    def might_be() -> If:
        for update in _updates(write, Attribute.COUNTED):
            yield "it is counted", write.but(update.key, counted="now")
            yield "more is known by now", write.but(update.key, lasting='{"another":1}')
        for sort in (keys.RESTART_PREFIX, keys.HISTORY_PREFIX):
            for update in _updates(write, Attribute.LASTING, of=sort):
                if Attribute.BODY not in update.sets:
                    yield "it is marked", write.but(update.key, lasting="{}")

    return _refused(write, might_be())


@of_each_write
def a_reminder_rests_on_that_it_waits(_: Watch, write: Write) -> str:
    """It is kept where the proposal waits still, and no other run was faster."""

    def might_be() -> If:
        for update in _updates(write, Attribute.REMINDED):
            yield "it is answered", write.but(update.key, status=Status.RESTARTING)
            yield "it is over", write.but(update.key, status=Status.EXPIRED)
            yield "another run was faster", write.but(update.key, reminded='{"another":1}')

    return _refused(write, might_be())


@of_each_write
def a_wait_rests_on_that_it_goes_on(_: Watch, write: Write) -> str:
    """What a restart waits for is said, or taken back, only while it is being carried out."""

    def might_be() -> If:
        for update in write.of(keys.RECORD, "Update"):
            if Attribute.STATUS not in update.sets and Attribute.WAITS in {*update.sets, *update.removes}:
                yield "it is over", write.but(update.key, status=Status.STILL_DOWN)

    return _refused(write, might_be())


@of_each_write
def an_outage_is_forgotten_by_who_began_after_it(_: Watch, write: Write) -> str:
    """The end of an outage is refused if a later one has begun."""

    def might_be() -> If:
        for delete in write.of(keys.OUTAGE, "Delete"):
            yield "there is a later one", write.but(delete.key, at=_LATER)

    return _refused(write, might_be())


@of_each_write
def an_open_entry_is_struck_off_after_all_else(_: Watch, write: Write) -> str:
    """Of what ends a proposal, it is the last write: of many, it goes with the last of them."""
    struck = [place for place, each in enumerate(write.actions) if each.key[0] == keys.OPEN_PARTITION]
    is_early = any(write.actions[place].kind == "Delete" and place < len(write.actions) - 1 for place in struck)
    return f"{write.who} writes {[each.key for each in write.actions]}" if is_early else ""


@of_each_ask("transact_write_items")
def a_transaction_that_comes_twice_is_one(_: Watch, asked: Asked) -> str:
    """Each has a token of its own."""
    return "" if asked.request.get("ClientRequestToken") else f"{asked.who} writes without a request token"


@of_each_ask("get_item", "batch_get_item", "query")
def what_is_decided_on_is_read_as_it_is(watch: Watch, asked: Asked) -> str:
    """Who acts reads the table consistently, all but the index; people read so what they answer."""
    request = asked.request
    match asked.operation:
        case "get_item":
            is_late = not request.get("ConsistentRead")
        case "batch_get_item":
            is_late = not all(each.get("ConsistentRead") for each in request["RequestItems"].values())
        case _:
            is_of_function = asked.who in watch.world.functions.begun
            is_late = is_of_function and "IndexName" not in request and not request.get("ConsistentRead")
    return f"{asked.who} reads what may be late: {asked.operation} {request}" if is_late else ""
