"""What a denial leaves behind: what stays as it is, and what comes then. What speaks against approving is no part of
it: a warning before a denial that does no harm only makes somebody think again who was right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from qlikops.domain.duration import format_duration
from qlikops.domain.latest import Latest
from qlikops.domain.proposal import Proposal
from qlikops.presentation import latest as seen
from qlikops.presentation import vocabulary, waiting
from qlikops.presentation.tone import Line, Span, Spans, Tone, line


def aftermath(
    proposals: Sequence[Proposal], snooze: timedelta | None, latest: Latest | None = None, now: datetime | None = None
) -> tuple[Line, ...]:
    """What stays broken, and until when nobody is asked about it; `snooze` is None for the usual cooldown.

    With `latest`, of one proposal, as that poll saw its tasks; otherwise as they were proposed, and with `now` why, and
    what it costs.
    """
    targets = [target for proposal in proposals for target in proposal.targets]
    states = Counter(target.state for target in targets)
    wait = "the usual cooldown" if snooze is None else format_duration(snooze)
    # At 80 columns it is one line.
    then = [line("then", f"left alone for {wait}; if still broken, asked again")]
    if now is not None:
        then += waiting.consequence(proposals, now + snooze if snooze else None, now)
    many = vocabulary.count(len(targets), "task")
    if latest is not None and now is not None and latest.saw_any:
        ago = Span(f", seen {vocabulary.ago(latest.taken_at, now)} ago", Tone.MUTED)
        return (line("stays", Span(f"{many} as now: "), *seen.states(latest), ago), *then)
    stays: list[Span] = [Span(f"{many} as proposed: ")]
    for index, (state, number) in enumerate(sorted(states.items())):
        stays += [Span(f"{', ' if index else ''}{number:,} "), vocabulary.task_state(state)]
    if now is not None:
        unseen = "not seen since" if latest is not None else seen.UNREAD
        stays.append(Span(f"; {unseen}", Tone.WARNING))
    return (line("stays", *stays), *then)


def brief(proposal: Proposal) -> Spans:
    """How bad it is that nothing is done, in a few words."""
    severity = vocabulary.severity(proposal.severity)
    return (severity, Span(f" {proposal.kind}", Tone.MUTED))
