"""The evaluator without a model: a handful of rules that each say what they saw and what they make of it.

Every rule that applies gives an opinion; the strictest verdict, the highest risk and the lowest confidence count, so
no rule can talk another one down. Shown as rules, never as AI.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from qlikops.agent.diagnosis.evidence import Label
from qlikops.agent.diagnosis.messages import MessageClass, is_proof
from qlikops.agent.evaluate import Clock, EvaluationInput, mark_unsupported
from qlikops.agent.look import wording
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import ACTIONS, AnomalyKind
from qlikops.domain.fleet.diagnosis import Diagnosis, FailureClass
from qlikops.domain.fleet.endpoint import ProbeAnswer
from qlikops.domain.fleet.task import Action
from qlikops.domain.proposals.evaluation import Evaluation, Finding, Risk, Verdict
from qlikops.domain.proposals.proposal import Proposal

NAME = "rules"
VERSION = "7"
"""Rises whenever a rule says something else than before."""

MANY_TASKS = 10
"""Number of tasks from which on a single approval is worth a warning about the load of starting them together."""

_VERDICTS = (Verdict.APPROVE, Verdict.CAUTION, Verdict.DENY)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one rule makes of a proposal."""

    verdict: Verdict
    risk: Risk
    confidence: float
    text: str = ""
    labels: tuple[Label, ...] = ()
    """The evidence it saw this in."""
    caution: str = ""


Rule = Callable[[Proposal, EvaluationInput], Opinion | None]

_careful = partial(Opinion, Verdict.CAUTION, Risk.MEDIUM)
_KINDS: Mapping[AnomalyKind, Opinion] = {
    AnomalyKind.FATAL_TRANSIENT: Opinion(
        Verdict.APPROVE,
        Risk.LOW,
        0.9,
        labels=(Label.MESSAGE, Label.RECOGNISED, Label.STATE, Label.SEEN),
        caution="Resuming fails again if the endpoint is still not reachable.",
    ),
    AnomalyKind.FATAL_UNKNOWN: _careful(0.5, labels=(Label.MESSAGE, Label.STATE)),
    AnomalyKind.POSITION_LOST: Opinion(Verdict.CAUTION, Risk.HIGH, 0.8, labels=(Label.MESSAGE, Label.RECOGNISED)),
    AnomalyKind.RESOURCE_STOP: _careful(0.6, labels=(Label.STATE,)),
    AnomalyKind.LEFT_STOPPED: _careful(0.6, labels=(Label.STATE, Label.SEEN)),
    AnomalyKind.STOPPED_IN_PLAN: _careful(0.6, labels=(Label.STATE, Label.PLAN)),
    AnomalyKind.PROCESS_MISMATCH: _careful(0.6, labels=(Label.MEMORY, Label.STATE)),
    AnomalyKind.STALLED: _careful(0.5, labels=(Label.STATE, Label.APPLIED, Label.BACKLOG, Label.LATENCY)),
}
"""What is missing here, the kind's own entry says: what it means, and as a caution what to look at first."""
_ANY_KIND = _careful(0.5, labels=(Label.STATE,))
_CLASSES: Mapping[FailureClass, Opinion] = {
    FailureClass.POSITION_LOST: Opinion(Verdict.CAUTION, Risk.HIGH, 0.8),
    FailureClass.ACCESS: Opinion(Verdict.DENY, Risk.HIGH, 0.9),
    FailureClass.FIX_FIRST: _careful(0.8),
    FailureClass.TABLES: _careful(0.8),
    FailureClass.DEFECT: _careful(0.7),
    FailureClass.WAIT: _careful(0.6),
    FailureClass.RETRY_NOW: Opinion(Verdict.APPROVE, Risk.LOW, 0.85),
}
"""What the class of a failure that is known for certain comes to. Its words are those of its entry."""
_NO_ACTION = Opinion(Verdict.DENY, Risk.HIGH, 0.3, "No rule says that acting on this kind of anomaly helps.")


def _kind(proposal: Proposal, _: EvaluationInput) -> Opinion | None:
    if proposal.kind not in ACTIONS:
        return _NO_ACTION
    if proposal.diagnosis and (of_failure := _of_failure(proposal.diagnosis)):
        return of_failure
    opinion, traits = _KINDS.get(proposal.kind, _ANY_KIND), proposal.kind.traits
    if traits.cause_unknown and proposal.diagnosis and proposal.diagnosis.headline:
        first = proposal.diagnosis.checks[:1] or (traits.look_first,)
        labels = (*opinion.labels, Label.RECOGNISED)
        return replace(opinion, text=f"{proposal.diagnosis.headline}.", labels=labels, caution=first[0])
    return replace(opinion, text=opinion.text or traits.meaning, caution=opinion.caution or traits.look_first)


def _of_failure(diagnosis: Diagnosis) -> Opinion | None:
    """What the entry of a known failure says; None if it is not certain, or says no more than the kind does."""
    opinion = _CLASSES.get(diagnosis.failure_class) if diagnosis.is_known else None
    if opinion is None:
        return None
    if opinion.verdict is Verdict.APPROVE and not diagnosis.automatic:
        opinion = _careful(0.6)
    first = [] if opinion.verdict is Verdict.APPROVE else list(diagnosis.checks[:1])
    return replace(
        opinion,
        text=diagnosis.says,
        labels=(Label.MESSAGE, Label.RECOGNISED, Label.EARLIER),
        caution=" ".join([*first, *([f"Never: {diagnosis.never}"] if diagnosis.never else [])]),
    )


def _recognised(proposal: Proposal) -> list[str]:
    """What the whole messages were recognised as: the evidence quotes only parts of them."""
    return [item.value for item in proposal.evidence if item.label == Label.RECOGNISED]


def _not_proven(proposal: Proposal, _: EvaluationInput) -> Opinion | None:
    if not (proposal.kind.traits.is_automatic and proposal.kind.traits.rests_on_message):
        return None
    recognised, diagnosis = _recognised(proposal), proposal.diagnosis
    is_automatic = diagnosis is None or diagnosis.automatic
    if recognised and is_automatic and all(is_proof(words, diagnosis) for words in recognised):
        return None
    return _careful(
        0.5,
        "A connection failed, and nothing says that it was only the network.",
        (Label.MESSAGE, Label.RECOGNISED),
        "Read the message before resuming.",
    )


def _refused(proposal: Proposal, _: EvaluationInput) -> Opinion | None:
    is_said = proposal.diagnosis is not None and _of_failure(proposal.diagnosis) is not None
    if is_said or not any(value.startswith(MessageClass.ACCESS_REFUSED) for value in _recognised(proposal)):
        return None
    return Opinion(
        Verdict.DENY,
        Risk.HIGH,
        0.9,
        "An endpoint refused the login: trying again changes nothing and may lock the account.",
        (Label.MESSAGE, Label.RECOGNISED),
        "Correct the password or the account in Qlik, then resume.",
    )


def _siblings(proposal: Proposal, _: EvaluationInput) -> Opinion | None:
    """What runs on the endpoint speaks for a resume; that nothing does, speaks against none."""
    if proposal.siblings is None or proposal.action is not Action.RESUME:
        return None
    return Opinion(Verdict.APPROVE, Risk.LOW, 0.9, f"{_sentence(proposal.siblings.words)}.", (Label.SIBLINGS,))


def _probe(proposal: Proposal, _: EvaluationInput) -> Opinion | None:
    probe = proposal.probe
    if probe is None:
        return None
    saying = partial(Opinion, text=f"{probe.words_of_proposal}.", labels=(Label.PROBE,))
    if probe.answer is not ProbeAnswer.CONNECTED:
        return saying(Verdict.CAUTION, Risk.MEDIUM, 0.8, caution="A resume fails until the endpoint takes logins.")
    if proposal.waits_for_endpoint:
        return saying(Verdict.APPROVE, Risk.LOW, 0.95)
    caution = "A test proves the login, not the log, the rights or the room behind it."
    return saying(Verdict.APPROVE, Risk.LOW, 0.9, caution=caution)


def _point_of_no_return(proposal: Proposal, _: EvaluationInput) -> Opinion | None:
    """Says caution if the log is probably gone, and approve if there is time left."""
    point = proposal.point_of_no_return
    if point is None or point.resume_until is None:
        return None
    saying = partial(
        Opinion, text=f"{_sentence(point.brief(proposal.created_at))}.", labels=(Label.POINT_OF_NO_RETURN,)
    )
    if not point.has_passed(proposal.created_at):
        return saying(Verdict.APPROVE, Risk.LOW, 0.95)
    return saying(
        Verdict.CAUTION, Risk.MEDIUM, 0.6, caution=f"See whether the source still has its log: {point.grounds}."
    )


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _reload(proposal: Proposal, _: EvaluationInput) -> Opinion | None:
    if all(option.action is not Action.RELOAD for option in proposal.offers):
        return None
    known = [target.tables for target in proposal.targets if target.tables is not None]
    tables = f"{sum(known)} tables" if known else "all tables"
    return Opinion(
        Verdict.CAUTION,
        Risk.HIGH,
        0.9,
        f"A reload replaces what the target has: {tables}.",
        (Label.FULL_LOAD, Label.TARGET),
        "Readers of the target see missing or old rows until the reload is done.",
    )


def _full_load(proposal: Proposal, _: EvaluationInput) -> Opinion | None:
    states = {target.full_load_completed for target in proposal.targets}
    if proposal.action is Action.RELOAD or states == {True}:
        return None
    return Opinion(
        Verdict.CAUTION,
        Risk.HIGH if False in states else Risk.MEDIUM,
        0.8,
        f"Full load: {wording.full_loads(proposal.targets)}. Where it isn't complete, resuming reloads tables.",
        (Label.FULL_LOAD,),
        "Expect a full load's time and load on the source.",
    )


def _full_load_complete(proposal: Proposal, _: EvaluationInput) -> Opinion | None:
    if proposal.action is Action.RELOAD or not all(target.full_load_completed for target in proposal.targets):
        return None
    return Opinion(
        Verdict.APPROVE, Risk.LOW, 0.95, "Full load is complete: resuming reloads nothing.", (Label.FULL_LOAD,)
    )


def _several_tasks(proposal: Proposal, _: EvaluationInput) -> Opinion | None:
    count = len(proposal.targets)
    if count < 2:
        return None
    return Opinion(
        Verdict.APPROVE,
        Risk.MEDIUM,
        0.8,
        f"{count} tasks have this in common: {proposal.cause}. If that is well again, one decision serves them all.",
        (Label.TASKS, Label.CAUSE),
        f"{count} tasks come up one after the other within minutes; the source gets the load of all."
        if count >= MANY_TASKS
        else "",
    )


def _protected(proposal: Proposal, _: EvaluationInput) -> Opinion | None:
    if not any(target.protected for target in proposal.targets):
        return None
    return _careful(
        0.8,
        "A task here is tagged as protected.",
        (Label.PROTECTED,),
        "Ask the owner of the protected task, if there is time.",
    )


def _restarts(proposal: Proposal, context: EvaluationInput) -> Opinion | None:
    most = max((context.restarts_last_hour.get(target.key, 0) for target in proposal.targets), default=0)
    if most == 0:
        return None
    text = f"Restarted {'once' if most == 1 else f'{most} times'} in the last hour already."
    return _again(most, text, (), "The last restart didn't last; look for the cause before another one.")


def _fell_over(proposal: Proposal, context: EvaluationInput) -> Opinion | None:
    streaks = (context.streaks.get(target.key) for target in proposal.targets)
    longest = max((streak for streak in streaks if streak), key=lambda streak: streak.count, default=None)
    if longest is None:
        return None
    times = "once" if longest.count == 1 else f"{longest.count} times in a row"
    text = f"Restarted {times} without lasting: {longest.up()}."
    return _again(longest.count, text, (Label.NOT_LASTED,), "Look for the cause first: the last restarts did not last.")


def _again(count: int, text: str, labels: tuple[Label, ...], caution: str) -> Opinion:
    if count == 1:
        return Opinion(Verdict.APPROVE, Risk.MEDIUM, 0.75, text, labels)
    return _careful(0.4, text, labels, caution)


RULES: tuple[Rule, ...] = (
    _kind,
    _not_proven,
    _refused,
    _siblings,
    _probe,
    _point_of_no_return,
    _reload,
    _full_load,
    _full_load_complete,
    _several_tasks,
    _protected,
    _restarts,
    _fell_over,
)


class RulesEvaluator:
    """Evaluates by RULES. `clock` returns an aware time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def evaluate(self, proposal: Proposal, history: EvaluationInput) -> Evaluation:
        """What the rules say: the strictest one's words are the rationale, with its evidence, the others findings."""
        opinions = [opinion for rule in RULES if (opinion := rule(proposal, history)) is not None]
        decisive = max(opinions, key=lambda each: (_VERDICTS.index(each.verdict), each.risk.rank))
        return Evaluation(
            verdict=decisive.verdict,
            risk=max((opinion.risk for opinion in opinions), key=lambda risk: risk.rank),
            confidence=min(opinion.confidence for opinion in opinions),
            rationale=_with_evidence(_finding(decisive, proposal)),
            evaluator=NAME,
            evaluator_version=VERSION,
            evaluated_at=self._clock(),
            findings=tuple(
                mark_unsupported(_finding(opinion, proposal), proposal)
                for opinion in opinions
                if opinion is not decisive
            ),
            cautions=tuple(opinion.caution for opinion in opinions if opinion.caution),
        )


def _with_evidence(finding: Finding) -> str:
    """A finding where there is room for text only."""
    cited = ", ".join(finding.evidence_ids)
    return f"{finding.text} [{cited}]" if cited else finding.text


def _finding(opinion: Opinion, proposal: Proposal) -> Finding:
    cited = tuple(item.id for item in proposal.evidence if item.label in opinion.labels)
    return Finding(opinion.text, cited)
