"""What changed between two readings of one approval, field by field, in the words in which a person reads it."""

from __future__ import annotations

from collections import Counter

from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.words.text import harmless
from qlikops.presentation import vocabulary
from qlikops.presentation.pages import review
from qlikops.presentation.tone import Line, Span, Tone, line

_SIDE_CAP = 300
"""Characters kept of either side of a difference."""
_NOTHING = "nothing"


def differs(old: ProposalRecord, new: ProposalRecord) -> bool:
    """Whether a decision made on `old` would be about something else than `new`."""
    return old.digest != new.digest or old.deadline != new.deadline


def differences(old: ProposalRecord, new: ProposalRecord) -> tuple[Line, ...]:
    """`old -> new` for each field that reads differently; empty where the two are the same for a decision."""
    if not differs(old, new):
        return ()
    before, after = _fields(old), _fields(new)
    changed = [
        _difference(key[1], before.get(key, _NOTHING), after.get(key, _NOTHING))
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key)
    ]
    if not changed:
        changed.append(line("digest", "nothing that is shown reads differently, but the record is another one:"))
    if old.digest != new.digest:
        changed.append(_difference("digest", old.digest[:12] or _NOTHING, new.digest[:12] or _NOTHING))
    return tuple(changed)


def _fields(approval: ProposalRecord) -> dict[tuple[str, str, int], str]:
    """What is shown, by section, label and how manieth of that label; a line without a label continues the last."""
    proposal = approval.proposal
    fields = {("", "severity", 1): str(proposal.severity), ("", "title", 1): proposal.title}
    for section in review.decided_on(approval):
        seen, label = Counter[str](), ""
        for entry in section.lines:
            label = entry.label or label
            seen[label] += 1
            name = f"{label} {seen[label]}" if seen[label] > 1 else label
            fields[section.title, name, seen[label]] = entry.text
    if approval.deadline is not None:
        fields["", "deadline", 1] = vocabulary.clock_time(approval.deadline)
    return fields


def _difference(label: str, old: str, new: str) -> Line:
    return line(
        label, Span(harmless(old, _SIDE_CAP), Tone.MUTED), Span(" -> ", Tone.INFO), Span(harmless(new, _SIDE_CAP))
    )
