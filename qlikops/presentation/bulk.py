"""Several approvals answered together: whether that may be, what it comes to, and what of each has to be said first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from qlikops.domain.approval import ProposalRecord
from qlikops.domain.proposal import Proposal
from qlikops.presentation import denial, vocabulary, waiting
from qlikops.presentation.review import blast_radius, in_full, lost, second_thoughts
from qlikops.presentation.tone import Line, Span, Spans, Tone, line, outside


def not_one_cause(proposals: Sequence[Proposal]) -> str:
    """Why `proposals` must not be approved together; empty where they may: one cause, one kind, one action."""
    for what, found in (
        ("kinds of anomaly", {str(each.kind) for each in proposals}),
        ("actions", {str(each.action) for each in proposals}),
        ("causes", {each.cause for each in proposals if each.cause}),
    ):
        if len(found) > 1:
            names = ", ".join(outside(name, cap=60).text for name in sorted(found))
            return f"Not together: the marked ones are of different {what} ({names})."
    alone = next((each for each in proposals if not each.cause), None)
    if alone is not None and len(proposals) > 1:
        # What nobody has established as one cause is not one, however alike it looks.
        name = outside(alone.label, cap=60).text
        return f"Not together: nothing shows that {name} has its cause in common with another. Approve it by itself."
    return ""


def together(
    approvals: Sequence[ProposalRecord], now: datetime, *, approved: bool, snooze: timedelta | None = None
) -> tuple[Line, ...]:
    """What answering all of `approvals` sets off, or leaves as it is."""
    if not approvals:
        return (line("will run", "nothing"),)
    proposals = [approval.proposal for approval in approvals]
    if not approved:
        costs = waiting.consequence(proposals, now + snooze if snooze else None, now)
        return (line("will run", "nothing"), *denial.aftermath(proposals, snooze), *costs)
    cause = proposals[0].cause
    return (
        *_options(proposals),
        line("blast radius", *blast_radius(*(proposal.choose() for proposal in proposals))),
        *([line("cause", outside(cause))] if cause else []),
        *in_full(*approvals),
    )


def _options(proposals: Sequence[Proposal]) -> Iterator[Line]:
    """What each is approved for: its first option. What else there is, is chosen one by one."""
    for option in dict.fromkeys(replace(proposal.offers[0], checks=()) for proposal in proposals):
        yield line("will run", vocabulary.option(option))
    for option in dict.fromkeys(replace(each, checks=()) for proposal in proposals for each in proposal.offers[1:]):
        yield line("not this", Span(f"{option.name}, which is approved one by one"), *lost(option))
    if checks := sum(len(proposal.offers[0].checks) for proposal in proposals):
        yield line("first", Span(f"{vocabulary.count(checks, 'check')}, recorded as not ticked", Tone.WARNING))


def entry(approval: ProposalRecord, *, approved: bool) -> Spans:
    """One line of the list: its id as commands take it, what it is, and what speaks against approving it or how bad
    denying leaves it.
    """
    spans: Spans = (outside(approval.approval_id, Tone.MUTED), Span("  "), outside(approval.proposal.label, cap=60))
    if not approved:
        return (*spans, Span("  "), *denial.brief(approval.proposal))
    against = second_thoughts(approval)
    return (*spans, Span(f"  {'; '.join(against)}", Tone.WARNING)) if against else spans
