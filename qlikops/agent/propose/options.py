"""What a proposal offers: one or more options, which follow from the kind of anomaly and from what is known of it."""

from __future__ import annotations

from dataclasses import replace

from qlikops.agent.decide.policy import NEEDS_HUMAN
from qlikops.domain.fleet.anomaly import ACTIONS, AnomalyKind
from qlikops.domain.fleet.diagnosis import Diagnosis, FailureClass
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.fleet.task import Action
from qlikops.domain.proposals.proposal import WHEN_IT_ANSWERS, Option, Proposal
from qlikops.domain.words.duration import format_duration

_RESTORE = ("Restore the log on the source, from where the task stopped.",)
_BEFORE_A_RELOAD = (
    "Make sure that the log cannot be restored.",
    "Tell the people who read the target.",
)
_REPLACES = "what the target has: until the reload is done, its readers see missing or old rows"
_CORRECT_FIRST = "correct the cause, then resume"
_WORDS = {
    FailureClass.POSITION_LOST: "restore the log, then resume",
    FailureClass.ACCESS: _CORRECT_FIRST,
    FailureClass.FIX_FIRST: _CORRECT_FIRST,
    FailureClass.TABLES: "look at the suspended tables, then resume the task",
}


def options_of(kind: AnomalyKind, diagnosis: Diagnosis | None) -> tuple[Option, ...]:
    """What is offered on an anomaly of `kind`, the recommended option first; at least one.

    Checks come first where the failure does not pass by itself. A reload is offered only where the log is certain to
    be gone. The first option is what an approval means that names none, so it loses nothing.
    """
    action = ACTIONS[kind]
    failure = diagnosis.failure_class if diagnosis is not None else FailureClass.UNKNOWN
    checks = diagnosis.checks if diagnosis is not None and failure in NEEDS_HUMAN else ()
    if kind.traits.position_lost:
        restore = Option(action.value, action, _WORDS[FailureClass.POSITION_LOST], checks or _RESTORE)
        reload = Option(Action.RELOAD.value, Action.RELOAD, Action.RELOAD.words, _BEFORE_A_RELOAD, _REPLACES)
        return restore, reload
    if kind.traits.fix_first:
        return (Option(action.value, action, _CORRECT_FIRST, checks or (kind.traits.look_first,)),)
    words = _WORDS.get(failure, action.words) if action is Action.RESUME else action.words
    return (Option(action.value, action, words, checks),)


def looking_for_the_log(options: tuple[Option, ...], passed: PointOfNoReturn) -> tuple[Option, ...]:
    """`options` once the point of no return has `passed`: the log is probably gone, so it is looked for first."""
    check = f"See whether the source still has its log: {passed.grounds}."
    return tuple(replace(option, checks=(check, *option.checks)) for option in options)


def with_wait(proposal: Proposal, seconds: int) -> Proposal:
    """The proposal with one option more: a resume that waits until the endpoint in question takes logins."""
    words = f"resume when it answers, within {format_duration(float(seconds))}"
    return replace(proposal, options=(*proposal.options, Option(WHEN_IT_ANSWERS, Action.RESUME, words)))
