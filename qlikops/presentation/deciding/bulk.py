"""Several approvals answered together: whether that may be, what it comes to, and what of each has to be said first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.words.naming import listed
from qlikops.presentation import vocabulary
from qlikops.presentation.deciding import denial
from qlikops.presentation.pages.review import blast_radius, in_full, lost, second_thoughts
from qlikops.presentation.pictures.canvas import cut
from qlikops.presentation.tone import Line, Span, Spans, Tone, line, outside


def not_one_cause(proposals: Sequence[Proposal]) -> str:
    """Why `proposals` must not be approved together; empty where they may: one cause, one kind, one action."""
    for what, found in (
        ("kinds of anomaly", {str(each.kind) for each in proposals}),
        ("actions", {str(each.action) for each in proposals}),
        ("causes", {each.cause for each in proposals if each.cause}),
    ):
        if len(found) > 1:
            return f"Not together: the marked ones are of different {what} ({listed(sorted(found))})."
    alone = next((each for each in proposals if not each.cause), None)
    if alone is not None and len(proposals) > 1:
        # What nobody has established as one cause is not one, however alike it looks.
        name = outside(alone.label, cap=60).text
        return f"Not together: nothing shows that {name} has its cause in common with another. Approve it by itself."
    return ""


def together(approvals: Sequence[ProposalRecord], *, approved: bool) -> tuple[Line, ...]:
    """What answering all of `approvals` sets off, or leaves as it is."""
    if not approvals:
        return (line("Does", "nothing"),)
    proposals = [approval.proposal for approval in approvals]
    if not approved:
        return (line("Does", "nothing is sent to Qlik"), denial.stays(proposals, None))
    cause = proposals[0].cause
    return (
        *_options(proposals),
        line("Tasks", *blast_radius(*(proposal.choose() for proposal in proposals))),
        *([line("Cause", outside(cause))] if cause else []),
        *in_full(*approvals),
    )


def _options(proposals: Sequence[Proposal]) -> Iterator[Line]:
    """What each is approved for: its first option. What else there is, is chosen one by one."""
    for option in dict.fromkeys(replace(proposal.offers[0], checks=()) for proposal in proposals):
        yield line("Does", vocabulary.option(option))
    for option in dict.fromkeys(replace(each, checks=()) for proposal in proposals for each in proposal.offers[1:]):
        yield line("Not this", Span(f"{option.name}, which is approved one by one"), *lost(option))
    if checks := sum(len(proposal.offers[0].checks) for proposal in proposals):
        yield line("First", Span(f"{vocabulary.count(checks, 'check')}, recorded as not ticked", Tone.WARNING))


def named(approval: ProposalRecord, width: int) -> str:
    """The task or the group in `width` cells, with both ends, by which names of one list differ."""
    return cut(outside(approval.proposal.label).text, width)


def entry(approval: ProposalRecord, *, approved: bool) -> Spans:
    """One line of the list: what it is, what speaks against approving it or how bad denying leaves it, and its id as
    commands take it.
    """
    label, name = Span(named(approval, 60)), outside(approval.approval_id, Tone.MUTED, before="  ")
    if not approved:
        return (label, Span("  "), *denial.brief(approval.proposal), name)
    against = second_thoughts(approval)
    return (label, *([Span(f"  {'; '.join(against)}", Tone.WARNING)] if against else []), name)
