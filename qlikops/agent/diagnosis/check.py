"""Whether entries do what they say: recognise their examples, leave near misses alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from qlikops.agent.diagnosis.engines import EVERYWHERE
from qlikops.agent.diagnosis.entry import Entries, Failure
from qlikops.agent.diagnosis.library import Library, index_of, with_own
from qlikops.agent.diagnosis.ranking import MessageContext, explain


def context_of(failure: Failure) -> MessageContext:
    """A task with an endpoint of the failure's engine, and another that is not named."""
    return MessageContext(frozenset({failure.engine} - EVERYWHERE))


def shadowed(written: Entries, others: Iterable[Entries]) -> list[str]:
    """The ids in `written` that `others` have as well: those of `written` count."""
    ids = {failure.id for failure in written.failures}
    return sorted(ids & {failure.id for each in others for failure in each.failures})


def taken_over(written: Entries, others: Iterable[Entries]) -> list[str]:
    """Which examples of `others` are another failure's beside `written`, a sentence an entry: it may say too little."""
    others = list(others)
    ids = {failure.id for failure in written.failures}
    entries = with_own(written.failures, may_be_automatic=True)
    found = Counter(
        (now, failure.id)
        for each in others
        for failure in each.failures
        for example in failure.examples
        if failure.id not in ids and (now := explain(example, context_of(failure), entries).diagnosis.failure) in ids
    )
    return [
        f"{now}: takes {count} {'example' if count == 1 else 'examples'} of {before} for its own."
        for (now, before), count in sorted(found.items())
    ]


def problems(written: Entries, others: Iterable[Entries]) -> list[str]:
    """What is wrong with `written` beside `others`, a sentence each."""
    ids = {failure.id for failure in written.failures}
    kept = [
        Entries(each.engine, tuple(failure for failure in each.failures if failure.id not in ids), each.tails)
        for each in others
    ]
    library = Library(index_of([*kept, written]))
    return [problem for failure in written.failures for problem in _problems_of(failure, library)]


def _problems_of(failure: Failure, library: Library) -> Iterator[str]:
    context = context_of(failure)
    for number, example in enumerate(failure.examples, 1):
        explained = explain(example, context, library)
        diagnosis = explained.diagnosis
        if diagnosis.failure != failure.id:
            other = diagnosis.failure or "nothing"
            more = " although it matches" if failure.id in {each.id for each in explained.candidates} else ""
            cut = "; the example is cut" if diagnosis.is_cut else ""
            yield f"{failure.id}: example {number} is recognised as {other}{more}{cut}."
    for number, near in enumerate(failure.near, 1):
        if explain(near, context, library).diagnosis.failure == failure.id:
            yield f"{failure.id}: near miss {number} is recognised as this failure."
