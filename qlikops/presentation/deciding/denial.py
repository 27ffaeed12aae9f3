"""What a denial leaves behind: what stays as it is, and what comes then. What speaks against approving is no part of
it: a warning before a denial that does no harm only makes somebody think again who was right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.point_of_no_return import earliest
from qlikops.domain.gathered.latest import Latest
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.words.duration import format_duration
from qlikops.presentation import vocabulary, waiting
from qlikops.presentation.pages import latest as seen
from qlikops.presentation.tone import Line, Span, Spans, Tone, line, outside

MORNING = time(8)
"""When the next shift has begun, by the clock of who denies."""


@dataclass(frozen=True, slots=True)
class Again:
    """A time to be asked again that can be chosen."""

    words: str
    quiet: timedelta | None
    """How long the tasks are muted; None for the usual cooldown."""
    until: datetime | None = None
    """The time of day that is chosen; None for a length."""

    @property
    def means(self) -> datetime | timedelta | None:
        """What tells it from the others, however late it gets."""
        return self.until or self.quiet


def times(now: datetime, zone: tzinfo | None = None) -> tuple[Again, ...]:
    """The times that the console offers; MORNING is by the clock of `zone`, or of this computer."""
    morning = next_at(MORNING, now, zone)
    day = "" if morning.date() == now.astimezone(zone).date() else "tomorrow "
    return (
        Again("after the usual cooldown", None),
        Again("in 1 hour", timedelta(hours=1)),
        Again("in 4 hours", timedelta(hours=4)),
        Again(f"until {day}{local(morning)}", morning.astimezone(UTC) - now, morning),
        Again("in 24 hours", timedelta(hours=24)),
    )


def next_at(at: time, now: datetime, zone: tzinfo | None = None) -> datetime:
    """The next moment at which it is `at` by the clock of `zone`, or of this computer, whenever that is set."""
    today = now.astimezone(zone).date()
    moments = (
        datetime.combine(today + timedelta(days=days), at.replace(fold=fold), zone).astimezone(UTC).astimezone(zone)
        for days in range(3)
        for fold in (0, 1)
    )
    return next(moment for moment in moments if moment > now and moment.time() == at)


def local(moment: datetime) -> str:
    """`08:00 CET`: a time of day with its zone, by its offset (`08:00 UTC+01:00`) if the zone's name is long."""
    name = moment.tzname() or ""
    return f"{moment:%H:%M} {name if name.isalpha() and len(name) <= 5 else 'UTC' + moment.isoformat()[-6:]}"


def stays(proposals: Sequence[Proposal], latest: Latest | None, now: datetime | None = None) -> Line:
    """What stays as it is: as the poll `latest`, of one proposal, saw its tasks; otherwise as they were proposed, and
    with `now` why.
    """
    targets = [target for proposal in proposals for target in proposal.targets]
    many = vocabulary.count(len(targets), "task")
    if latest is not None and now is not None and latest.saw_any:
        ago = Span(f", seen {vocabulary.ago(latest.taken_at, now)} ago", Tone.MUTED)
        return line("Stays", Span(f"{many} as now: "), *seen.states(latest), ago)
    spans: list[Span] = [Span(f"{many} as proposed: ")]
    for index, (state, number) in enumerate(sorted(Counter(target.state for target in targets).items())):
        spans += [Span(f"{', ' if index else ''}{number:,} "), vocabulary.task_state(state)]
    if now is not None:
        unseen = "not seen since" if latest is not None else seen.UNREAD
        spans.append(Span(f"; {unseen}", Tone.WARNING))
    return line("Stays", *spans)


def then(proposals: Sequence[Proposal], snooze: timedelta | None, now: datetime) -> Iterator[Line]:
    """Until when nothing is proposed, and what that costs; `snooze` is None for the usual cooldown."""
    wait = "the usual cooldown"
    if snooze is not None:
        wait = f"{format_duration(snooze)}, until {waiting.clock(now + snooze, now)}"
    yield line("Then", f"muted for {wait}; if still broken, asked again")
    yield from waiting.consequence(proposals, now + snooze if snooze else None, now)


def asked_again(proposals: Sequence[Proposal], now: datetime, zone: tzinfo | None = None) -> Iterator[Spans]:
    """Each of `times` as a row: when the tasks are proposed again, set against until when they can be resumed."""
    points = [each.point_of_no_return for each in proposals if each.point_of_no_return]
    point = earliest(points) if points else None
    until = point.resume_until if point else None
    offered = times(now, zone)
    width = max(len(each.words) for each in offered)
    for each in offered:
        at = now + (each.quiet or timedelta())
        when = waiting.clock(at, now) if each.quiet else "if it is still broken"
        spans: Spans = (Span(f"  {when}", Tone.MUTED),)
        if until is not None and until <= at:
            spans = (Span("  ✗ after the log is gone: only a reload", Tone.DANGER),)
        elif until is not None and each.quiet:
            left = format_duration(until - at)
            spans += (Span(f", {left} before the log is gone", Tone.MUTED),)
        yield (Span(f"{each.words:<{width}}"), *spans)


def brief(proposal: Proposal) -> Spans:
    """How bad it is that nothing is done, in a few words."""
    severity = vocabulary.severity(proposal.severity)
    return (severity, outside(proposal.happened, Tone.MUTED, 60, before=" "))
