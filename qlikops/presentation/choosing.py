"""What there is to choose in an approval: the option, the checks before it, the tasks; and what it is called then."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qlikops.domain.proposal import Choice, Option, Proposal, ProposedTask
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Span, Spans, Tone, outside

_BETWEEN_WORDS = re.compile(r"[\s_./-]+")


def option_row(option: Option, *, is_chosen: bool) -> Spans:
    """`(•) restore the log, then resume  loses nothing`."""
    mark = Span("(•) " if is_chosen else "( ) ")
    loses = (
        outside(option.loses, Tone.DANGER, before="  loses ") if option.loses else Span("  loses nothing", Tone.MUTED)
    )
    return (mark, outside(option.words, cap=120), loses)


def tick_row(words: str, *, is_ticked: bool) -> Spans:
    """A check with its box, `[x] Restore the log`."""
    return (Span("[x] " if is_ticked else "[ ] "), outside(words, cap=300))


def task_row(target: ProposedTask, *, is_chosen: bool) -> Spans:
    """`[x] eu-1/orders  22 tables`, or that it is left out."""
    size = "" if target.tables is None else f"  {vocabulary.count(target.tables, 'table')}"
    left_out = Span("  left out, proposed again", Tone.WARNING)
    return (*tick_row(str(target.key), is_ticked=is_chosen), Span(size, Tone.MUTED) if is_chosen else left_out)


def heading(choice: Choice) -> str:
    """The title of the dialog."""
    return (
        "CAN'T BE UNDONE: tables are emptied and loaded again" if choice.loads_again else "Approve: this will be sent"
    )


def button(proposal: Proposal, choice: Choice, is_open: int, against: Iterable[str]) -> str:
    """What the button that sends says: how many tasks, how many checks are open, or what speaks against it."""
    some = len(choice.targets) < len(proposal.targets)
    what = f"Approve {len(choice.targets):,} of {len(proposal.targets):,} tasks" if some else "Approve"
    if is_open:
        return f"{what} with {vocabulary.count(is_open, 'check')} open"
    first = next(iter(against), "")
    return f"{what} although {first}" if first else what


def word_to_type(choice: Choice) -> tuple[str, str]:
    """What has to be typed before tables load again, and what that is: nothing that the hand does by itself."""
    if len(choice.targets) == 1:
        name = outside(choice.targets[0].key.task, cap=200).text
        words = [word for word in _BETWEEN_WORDS.split(name) if word]
        return (words or [name])[0], "the first word of the task's name"
    tables = [target.tables for target in choice.targets]
    known = [number for number in tables if number is not None]
    if len(known) == len(tables):
        return str(sum(known)), "the number of tables"
    return str(len(tables)), "the number of tasks"


def is_typed(typed: str, choice: Choice) -> bool:
    """Whether `typed` is the word, capital letters or not."""
    word, _ = word_to_type(choice)
    return typed.strip().casefold() == word.casefold() != ""
