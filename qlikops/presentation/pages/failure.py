"""What is known of a failure, in the order in which a person needs it at three in the morning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from qlikops.domain.fleet.diagnosis import Diagnosis, Remedy
from qlikops.presentation.tone import Line, Span, Tone, line, outside

_THEN: Mapping[Remedy, str] = {
    Remedy.RESUME: "resume",
    Remedy.RELOAD: "reload",
    Remedy.NOTHING: "nothing in Replicate",
}
_WHOLE = 2_000
"""Characters of a check, which must not be cut; an entry's are much shorter."""


def happened(diagnosis: Diagnosis | None) -> Iterator[Line]:
    """What a message means and where that is documented; nothing if it is none that is known."""
    yield from means(diagnosis)
    yield from documented(diagnosis)


def means(diagnosis: Diagnosis | None) -> Iterator[Line]:
    """What a message means, what to look at first, what helps then, and what never does.

    Nothing if the message is none that is known.
    """
    if diagnosis is None or not diagnosis.failure:
        return
    maybe = () if diagnosis.is_known else (Span("probably: ", Tone.WARNING),)
    yield line("Means", *maybe, outside(diagnosis.says, cap=_WHOLE))
    for number, check in enumerate(diagnosis.checks, 1):
        yield line("Look at" if number == 1 else "", outside(check, cap=_WHOLE, before=f"{number}. "))
    if then := _THEN.get(diagnosis.then):
        yield line("Then", then)
    if diagnosis.never:
        yield line("Never", outside(diagnosis.never, Tone.WARNING, _WHOLE))
    if diagnosis.unexplained and not diagnosis.is_known:
        yield line("Unexplained", outside(diagnosis.unexplained))
    if diagnosis.is_cut:
        yield line("", Span("a part of the message is missing", Tone.WARNING))


def documented(diagnosis: Diagnosis | None) -> Iterator[Line]:
    """Where a known failure is documented, and its id; nothing if the message is none that is known."""
    if diagnosis is None or not diagnosis.failure:
        return
    where = outside(diagnosis.source, cap=_WHOLE) if diagnosis.source else Span("nowhere; judged by experience")
    yield line("Documented", where)
    yield line("Failure", outside(diagnosis.failure, Tone.MUTED, 100))
