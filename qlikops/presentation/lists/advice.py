"""What a row of the inbox proposes, in the words of a cell: what to do first, what speaks against it, what is lost."""

from __future__ import annotations

from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action
from qlikops.domain.proposals.approval import InboxRow
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.proposals.proposal import WHEN_IT_ANSWERS
from qlikops.presentation.tone import Span, Tone, mixed, outside

_RELOAD = "RELOAD"
_WORDS = {
    Action.RESUME.value: "resume",
    Action.RELOAD.value: _RELOAD,
    Action.STOP_AND_RESUME.value: "stop, then resume",
}


def proposed(row: InboxRow) -> Span:
    """What is recommended behind what speaks against it, and what else is offered; red is what nothing takes back."""
    words = (row.advice or "").replace(" the ", " ") or _WORDS.get(row.action, row.action)
    parts = [
        Span("" if row.loads and row.verdict != Verdict.DENY else _doubt(row), Tone.WARNING),
        outside(words, Tone.DANGER if words == _RELOAD else Tone.NEUTRAL, 80),
    ]
    if row.loads:
        parts += [Span(", "), Span("LOADS", Tone.DANGER), Span(f" {row.loads:,} again")]
    if Action.RELOAD in row.options[1:]:
        parts += [Span(", or "), Span(_RELOAD, Tone.DANGER)]
    elif WHEN_IT_ANSWERS in row.options[1:]:
        parts.append(Span(", or when it answers"))
    return mixed(*(part for part in parts if part.text))


def in_brief(row: InboxRow) -> Span:
    """What is recommended in a dozen cells: whether to do something first, and what nothing takes back."""
    if Action.RELOAD in (row.action, *row.options):
        return mixed(Span("" if row.action == Action.RELOAD else "fix, "), Span(_RELOAD, Tone.DANGER))
    if row.loads:
        return mixed(Span("LOADS", Tone.DANGER), Span(f" {row.loads:,}"))
    if row.advice is not None:
        return Span("fix first", Tone.WARNING if row.verdict == Verdict.DENY else Tone.NEUTRAL)
    return Span(doubt.rstrip(": "), Tone.WARNING) if (doubt := _doubt(row)) else proposed(row)


def _doubt(row: InboxRow) -> str:
    """What stands before the words of a proposal that is not to be approved as it is; empty if nothing does."""
    if row.verdict == Verdict.DENY:
        return "against: "
    if row.advice is not None:
        return ""
    if AnomalyKind.traits_of(row.kind).cause_unknown and not row.cause:
        return "read it: "
    return {Verdict.CAUTION.value: "check first: ", Verdict.UNAVAILABLE.value: "not evaluated: "}.get(row.verdict, "")
