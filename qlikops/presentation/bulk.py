"""Several approvals answered together: whether that may be, and what of each has to be said first."""

from __future__ import annotations

from collections.abc import Sequence

from qlikops.domain.approval import Approval, InboxRow
from qlikops.domain.proposal import Proposal
from qlikops.presentation.review import doubts
from qlikops.presentation.tone import Span, Spans, Tone, outside


def not_one_cause(rows: Sequence[InboxRow | Proposal]) -> str:
    """Why `rows` must not be approved together; empty where they may: one kind of anomaly, one action."""
    for what, found in (
        ("kinds of anomaly", sorted({row.kind for row in rows})),
        ("actions", sorted({row.action for row in rows})),
    ):
        if len(found) > 1:
            names = ", ".join(outside(name, cap=30).text for name in found)
            return f"Not together: the marked ones are of different {what} ({names})."
    return ""


def entry(approval: Approval) -> Spans:
    """One line of the list: what, its digest, and what speaks against it."""
    against = doubts(approval)
    spans: Spans = (outside(approval.proposal.label, cap=60), Span(f"  {approval.digest[:12]}", Tone.MUTED))
    return (*spans, Span(f"  {'; '.join(against)}", Tone.WARNING)) if against else spans
