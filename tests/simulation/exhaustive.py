"""Two small protocols, every interleaving of them: plain Python, breadth first.

The simulator tries what seeds draw. Here nothing is drawn: a protocol is a state and what may happen next, and every
state that can be reached is looked at. `Restarting` is lease, token, claim, run call and brake of two proposals on one
task, with invocations that die, come twice and come late, and whoever ends a restart. `Deciding` is one decision of
each of two people from key to receipt, with every reply that may be lost, a retry of the wait and its end by time. They
say what the code promises to do, in as few words as that takes; a step that is left out (see the tests) is found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

S = TypeVar("S", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Searched(Generic[S]):
    """What a search came to."""

    states: int
    violation: str = ""
    path: tuple[S, ...] = ()
    """From the first state to the one that violates something; the shortest there is."""


def search(first: S, following: Callable[[S], Iterable[S]], wrong: Callable[[S], str]) -> Searched[S]:
    """Every state from `first` on, until one is `wrong`."""
    came_from: dict[S, S | None] = {first: None}
    waiting = deque([first])
    while waiting:
        state = waiting.popleft()
        if what := wrong(state):
            return Searched(len(came_from), what, tuple(_path(came_from, state)))
        for after in following(state):
            if after not in came_from:
                came_from[after] = state
                waiting.append(after)
    return Searched(len(came_from))


def _path(came_from: dict[S, S | None], state: S) -> list[S]:
    path: list[S] = []
    at: S | None = state
    while at is not None:
        path.append(at)
        at = came_from[at]
    return path[::-1]


# -- lease, token, claim, run call and brake -------------------------------------------------------------------------

STEPS = ("idle", "looked", "claimed", "sent", "done")
"""Where an invocation of ExecuteRestart stands."""


@dataclass(frozen=True, slots=True)
class Restarting:
    """One task, two proposals, and invocations of both.

    A proposal is new, waiting (with a token and the lease), restarting, and closed. Who ends one that is restarting,
    and has said nothing of what came of it, judges it first: by whether its claim is there.
    """

    of: tuple[int, ...]
    """Which proposal each invocation is of."""
    at: tuple[str, ...]
    lease: int = -1
    """Which proposal holds the task; -1: none."""
    lapsed: bool = False
    """The lease has expired; it is still there."""
    status: tuple[str, str] = ("new", "new")
    tokens: tuple[str, str] = ("none", "none")
    """none, waits, approved, or ended: by time, or as the proposal was closed."""
    braked: tuple[bool, bool] = (False, False)
    judged: tuple[str, str] = ("", "")
    """What who ends it has read: "claimed" or "not claimed"; empty: nobody has read it."""
    claims: tuple[bool, bool] = (False, False)
    arrived: tuple[int, int] = (0, 0)
    """Run calls of each proposal that reached Enterprise Manager."""
    wrong: str = ""
    """The invariant that the last step broke, where what is left of it does not show."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the code does; a test turns one off at a time."""

    claim_is_new: bool = True
    """Only who makes the claim sends; who finds it watches."""
    claim_needs_lease: bool = True
    claim_needs_restarting: bool = True
    claim_needs_no_brake: bool = True
    lease_is_free: bool = True
    """A lease is taken only where there is none, or it has expired."""
    release_is_certain: bool = True
    """A claim is given back only where nothing was sent."""
    restart_needs_approval: bool = True
    restart_needs_waiting: bool = True
    """An approval that comes as a run closes the question starts nothing."""
    brake_comes_first: bool = True
    """Who ends a restart stops its starts before it reads what was claimed."""


def restarting(rules: Rules = Rules(), of: tuple[int, ...] = (0, 0, 1)) -> Searched[Restarting]:
    """Every way of it, with invocations of these proposals."""
    first = Restarting(of=of, at=("idle",) * len(of))
    return search(first, lambda state: _restart_steps(state, rules), _restart_wrong)


def _put(values: Any, index: int, value: object) -> Any:
    return (*values[:index], value, *values[index + 1 :])


def _restart_steps(state: Restarting, rules: Rules) -> Iterator[Restarting]:
    for one in (0, 1):
        yield from _proposal_steps(state, one, rules)
    for invocation, one in enumerate(state.of):
        yield from _invocation_steps(state, invocation, one, rules)
    if state.lease >= 0:
        yield replace(state, lapsed=True)


def _proposal_steps(state: Restarting, one: int, rules: Rules) -> Iterator[Restarting]:
    status, token = state.status[one], state.tokens[one]

    def is_now(status: str, **changes: object) -> Restarting:
        return replace(state, status=_put(state.status, one, status), **changes)  # type: ignore[arg-type]

    if status == "new" and (state.lease == -1 or state.lapsed or not rules.lease_is_free):
        robbed = state.lease != -1 and not state.lapsed
        yield is_now(
            "waiting",
            lease=one,
            lapsed=False,
            tokens=_put(state.tokens, one, "waits"),
            wrong="a lease is taken from nobody" if robbed else "",
        )
    if token == "waits":  # what Step Functions takes first counts, whatever the record says by then
        yield replace(state, tokens=_put(state.tokens, one, "approved"))
        yield replace(state, tokens=_put(state.tokens, one, "ended"))
    if status == "waiting":
        yield is_now("closed")
    if status == "restarting":
        yield from _ends(state, one, rules)
    if status == "closed" and state.lease == one:
        yield replace(state, lease=-1)


def _ends(state: Restarting, one: int, rules: Rules) -> Iterator[Restarting]:
    """An invocation has said what came of it, or somebody ends a restart: reads what was claimed, and closes it.

    Other invocations of it may be under way still.
    """
    if state.judged[one] or ("done", one) in zip(state.at, state.of, strict=True):
        yield replace(state, status=_put(state.status, one, "closed"))
    if not state.judged[one]:
        found = "claimed" if state.claims[one] else "not claimed"
        braked = _put(state.braked, one, True) if rules.brake_comes_first else state.braked
        yield replace(state, judged=_put(state.judged, one, found), braked=braked)


def _invocation_steps(state: Restarting, number: int, one: int, rules: Rules) -> Iterator[Restarting]:
    where = state.at[number]

    def moved(to: str, **changes: object) -> Restarting:
        return replace(state, at=_put(state.at, number, to), **changes)  # type: ignore[arg-type]

    if where == "idle" and state.status[one] == "restarting":
        yield moved("looked")
    elif where == "idle" and _may_begin(state, one, rules):
        yield moved("looked", status=_put(state.status, one, "restarting"), wrong=_wrong_beginning(state, one))
    if where == "looked":
        yield from _claims(state, number, one, rules)
    if where == "claimed":
        # Refused: it certainly did not arrive, and the claim is given back. Or it arrives, and the reply does or not.
        yield moved("done", claims=_put(state.claims, one, False))
        yield moved("sent", arrived=_put(state.arrived, one, min(2, state.arrived[one] + 1)))
    if where == "sent":
        yield moved("done")
        if not rules.release_is_certain:
            yield moved("done", claims=_put(state.claims, one, False))
    if where not in ("idle", "done"):
        yield moved("idle")  # it dies, and is invoked again


def _may_begin(state: Restarting, one: int, rules: Rules) -> bool:
    is_approved = state.tokens[one] == "approved" or not rules.restart_needs_approval
    return is_approved and state.status[one] in (("waiting",) if rules.restart_needs_waiting else ("waiting", "closed"))


def _wrong_beginning(state: Restarting, one: int) -> str:
    if state.tokens[one] != "approved":
        return "only what somebody approved is carried out"
    return "" if state.status[one] == "waiting" else "a run that is over stays over"


def _claims(state: Restarting, number: int, one: int, rules: Rules) -> Iterator[Restarting]:
    """An invocation that has looked claims the task, or leaves it."""
    held = state.lease == one or not rules.claim_needs_lease
    open_ = state.status[one] == "restarting" or not rules.claim_needs_restarting
    starts = not state.braked[one] or not rules.claim_needs_no_brake
    is_there = state.claims[one] and rules.claim_is_new
    if is_there or not (held and open_ and starts):
        yield replace(state, at=_put(state.at, number, "done"))
        return
    wrong = ""
    if state.lease != one or state.status[one] != "restarting":
        wrong = "a task is claimed by whom it is leased to"
    elif state.braked[one]:
        wrong = "nothing is begun after the brake"
    claims = _put(state.claims, one, True)
    yield replace(state, at=_put(state.at, number, "claimed"), claims=claims, wrong=wrong)


def _restart_wrong(state: Restarting) -> str:
    if state.wrong:
        return state.wrong
    if max(state.arrived) > 1:
        return "at most one call a claim"
    for one in (0, 1):
        if state.judged[one] == "not claimed" and state.arrived[one]:
            return "the first result stays"
    for where, one in zip(state.at, state.of, strict=True):
        if where == "claimed" and not state.claims[one]:
            return "a claim comes before the call"
    return ""


# -- one decision, from key to receipt -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deciding:
    """A wait with at most one retry, two people with one decision each, and a record."""

    wait: int = 0
    """Which attempt of the state waits: 0 or 1."""
    answer: int = -1
    """What Step Functions took: the person's number, 2 for the end by time; -1: it waits."""
    recorded: int = -1
    """What the ledger holds, in the same numbers."""
    kept: int = -1
    """The attempt whose token is in the ledger; -1: none."""
    asking: tuple[str, str] = ("begun", "none")
    """The invocation of each attempt: none, begun, over. One that has begun may come as late as it likes."""
    late: bool = True
    """A second invocation of the first attempt has not come yet, and may."""
    person: tuple[str, str] = ("reads", "reads")
    """reads, sends0 or sends1 (with which token), settles, counted, not counted, unknown."""


@dataclass(frozen=True, slots=True)
class Customs:
    """What the code does; a test turns one off at a time."""

    newest_attempt_stays: bool = True
    receipt_from_ledger: bool = True
    """What counts is what the ledger says, not that the callback was taken."""
    lost_is_unknown: bool = True
    """Somebody whose reply was lost is not told that nothing was sent."""


def deciding(customs: Customs = Customs()) -> Searched[Deciding]:
    """Every way of it."""
    return search(Deciding(), lambda state: _decision_steps(state, customs), _decision_wrong)


def _decision_steps(state: Deciding, customs: Customs) -> Iterator[Deciding]:
    yield from _wait_steps(state, customs)
    for number in (0, 1):
        yield from _person_steps(state, number, customs)


def _wait_steps(state: Deciding, customs: Customs) -> Iterator[Deciding]:
    for attempt in (0, 1):
        comes_late = attempt == 0 and state.late and state.asking[0] == "over"
        if state.asking[attempt] == "begun" or comes_late:
            keeps = state.recorded == -1 and (attempt >= state.kept or not customs.newest_attempt_stays)
            late = state.late and not comes_late
            yield replace(
                state, asking=_put(state.asking, attempt, "over"), kept=attempt if keeps else state.kept, late=late
            )
    if state.answer == -1:
        yield replace(state, answer=2)
        if state.wait == 0:  # the function failed, or seemed to: its token is worth nothing from now on
            yield replace(state, wait=1, asking=_put(state.asking, 1, "begun"))
    elif state.recorded == -1:
        yield replace(state, recorded=state.answer, kept=-1)


def _person_steps(state: Deciding, number: int, customs: Customs) -> Iterator[Deciding]:
    doing = state.person[number]

    def moved(to: str, **changes: object) -> Deciding:
        return replace(state, person=_put(state.person, number, to), **changes)  # type: ignore[arg-type]

    if doing == "reads" and state.kept >= 0 and state.recorded == -1:
        yield moved(f"sends{state.kept}")
    if doing.startswith("sends"):
        takes = state.answer == -1 and int(doing[-1]) == state.wait
        taken = {"answer": number} if takes else {}
        yield moved("settles", **taken)
        if not customs.receipt_from_ledger:
            yield moved("counted", **taken)
        if not customs.lost_is_unknown:
            yield moved("not counted", **taken)
    if doing == "settles":
        yield (
            moved("unknown")
            if state.recorded == -1
            else moved("counted" if state.recorded == number else "not counted")
        )


def _decision_wrong(state: Deciding) -> str:
    for number, told in enumerate(state.person):
        if told == "counted" and state.recorded != number:
            return "who was told that it counts was told the truth"
        if told == "not counted" and number in (state.answer, state.recorded):
            return "who was told that it does not count was told the truth"
    if state.recorded != -1 and state.recorded != state.answer:
        return "what was shown stays"
    everybody_asked = state.asking[state.wait] == "over" and state.answer == -1
    if everybody_asked and state.kept != state.wait:
        return "the kept token is the one that waits"
    return ""
