"""What was decided over weeks, in numbers and without names."""

from __future__ import annotations

from collections.abc import Iterator

from qlikops.domain.gathered.decisions import Decisions
from qlikops.domain.words.duration import format_duration
from qlikops.domain.words.naming import listed
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Line, Section, Span, Tone, filled, line, outside


def sections(found: Decisions, *, mine: bool = False) -> tuple[Section, ...]:
    """Decisions, what came of them, and what the approval policy alone would have done."""
    return filled(
        ("", _heading(found, mine=mine)),
        ("By verdict", _verdicts(found)),
        ("What came of it", _became(found)),
        ("Without asking: what mode policy would have restarted", _shadow(found)),
    )


def _heading(found: Decisions, *, mine: bool) -> Iterator[Line]:
    yield line("time", f"{vocabulary.clock_time(found.since)} to {vocabulary.clock_time(found.until)}")
    whose = "that you decided" if mine else "that ended"
    ended = f"{found.closed:,} {whose}: {found.approved:,} approved, {found.denied:,} denied"
    yield line("proposals", ended + (f", {found.automatic:,} restarted by the policy" if found.automatic else ""))
    if found.median_seconds is not None and found.longest_seconds is not None:
        longest = format_duration(found.longest_seconds)
        yield line("decided in", f"{format_duration(found.median_seconds)} (median), at most {longest}")
    if not found.is_complete:
        yield line("note", Span("there were more runs than are looked at: the oldest are missing", Tone.WARNING))
    if found.too_new:
        ids = outside(listed(found.too_new), Tone.WARNING, 200)
        yield line("left out", ids, ": a newer qlikops wrote them; update this one to count them")


def _verdicts(found: Decisions) -> Iterator[Line]:
    for each in found.verdicts:
        said = vocabulary.verdict(each.verdict, each.evaluator)
        counts = f"{each.approved:,} approved, {each.denied:,} denied, {each.unanswered:,} not decided"
        yield line(said.text, counts)


def _became(found: Decisions) -> Iterator[Line]:
    if found.approved:
        yield line(
            "approved", f"came up {found.came_up:,}, lasted {found.lasted:,}, fell over {len(found.fell_over):,}"
        )
    if found.automatic:
        yield line("by itself", f"restarted {found.automatic:,}, fell over {len(found.automatic_fell_over):,}")
    for approval_id, words in (*found.fell_over, *found.automatic_fell_over):
        yield line(outside(approval_id, cap=12).text, outside(words, Tone.DANGER, 300))
    if found.denied:
        after = f"of {found.denied_restarted:,} restarted within a day after all, {found.denied_right:,} did not last"
        yield line("denied", f"{found.denied:,}; {after}")


def _shadow(found: Decisions) -> Iterator[Line]:
    total = sum(each.proposals for each in found.shadow)
    if not total:
        return
    would, wrongly = sum(each.would_restart for each in found.shadow), sum(len(each.wrongly) for each in found.shadow)
    yield line("in all", *_would(total, would, wrongly))
    for each in found.shadow:
        yield line(
            outside(each.counted_as, cap=40).text, *_would(each.proposals, each.would_restart, len(each.wrongly))
        )
        if each.wrongly:
            yield line(
                "", outside(", ".join(each.wrongly[:5]), Tone.WARNING, 200, before="denied, failed or fell over: ")
            )


def _would(proposals: int, would: int, wrongly: int) -> Iterator[Span]:
    yield Span(f"would have restarted {would:,} of {proposals:,} by itself")
    if would:
        yield Span(f", {wrongly:,} wrongly", Tone.DANGER if wrongly else Tone.GOOD)
