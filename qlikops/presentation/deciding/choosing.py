"""What there is to choose in an approval: the option, the checks before it, the tasks; and what it is called then."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from qlikops.domain.fleet.task import Action
from qlikops.domain.proposals.proposal import Choice, Option, Proposal, ProposedTask
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Span, Spans, Tone, outside

_BETWEEN_WORDS = re.compile(r"[\s_./-]+")


_DEEDS = {Action.RESUME: "resume", Action.RELOAD: "reload", Action.STOP_AND_RESUME: "stop and resume"}
_WAVE_CELLS = 8
_CLAUSE = 70
"""Characters of what speaks against it on the button; all of it stands above."""


class Enter(StrEnum):
    """Where Enter leads in the dialog that approves."""

    SEND = "send"
    REASON = "reason"
    """Enter goes to the reason, which is needed and missing."""
    WORD = "word"
    """Enter goes to the word that is typed before tables load again."""
    BACK = "back"
    """Nothing is sent."""


def enter(proposal: Proposal, choice: Choice, *, needs_reason: bool, against: Iterable[str]) -> Enter:
    """What Enter does once no check is open: it sends what is advised and can be undone, if nothing is in doubt."""
    if needs_reason:
        return Enter.REASON
    if choice.loads_again:
        return Enter.WORD
    is_advised = choice.option == proposal.offers[0]
    return Enter.SEND if is_advised and not any(against) else Enter.BACK


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


def task_row(target: ProposedTask, wave: str, *, is_chosen: bool) -> Spans:
    """`first   [x] eu-1/orders  22 tables`, or that it is left out."""
    size = "" if target.tables is None else f"  {vocabulary.count(target.tables, 'table')}"
    left_out = Span("  left out, proposed again", Tone.WARNING)
    row = tick_row(str(target.key), is_ticked=is_chosen)
    return (Span(f"{wave:<{_WAVE_CELLS}}", Tone.MUTED), *row, Span(size, Tone.MUTED) if is_chosen else left_out)


def waves(proposal: Proposal, choice: Choice) -> Iterator[tuple[ProposedTask, str]]:
    """The tasks in the order in which they are started, those left out among them, each with the wave it begins."""
    begins, size, number = 0, 1, 0
    for target in proposal.in_turn:
        if target not in choice.targets:
            yield target, ""
            continue
        wave = ""
        if number == begins:
            wave = f"then {min(size, len(choice.targets) - number)}" if number else "first"
            begins, size = begins + size, size * 2
        number += 1
        yield target, wave


def deed(proposal: Proposal, choice: Choice) -> str:
    """What is done to how many tasks, such as `resume 11 of 12 tasks when it answers`."""
    kept, all_of_them = len(choice.targets), len(proposal.targets)
    many = (
        f"{kept:,} of {vocabulary.count(all_of_them, 'task')}" if kept < all_of_them else vocabulary.count(kept, "task")
    )
    when = " when it answers" if choice.option.waits_for_endpoint else ""
    return f"{_DEEDS.get(choice.action, 'approve')} {many}{when}"


def heading(proposal: Proposal, choice: Choice) -> str:
    """The title of the dialog."""
    if not choice.loads_again:
        return f"Approve: {deed(proposal, choice)}"
    tables = [target.tables for target in choice.targets]
    known = sum(number for number in tables if number is not None)
    many = vocabulary.count(known, "table") if known and None not in tables else "tables"
    return f"CAN'T BE UNDONE: {many} {'is' if many == '1 table' else 'are'} emptied and loaded again"


def button(proposal: Proposal, choice: Choice, is_open: int, against: Iterable[str]) -> str:
    """What the button that sends says: the deed, and how many checks are open or what speaks against it."""
    what = deed(proposal, choice)
    what = f"{what[0].upper()}{what[1:]}"
    if is_open:
        return f"{what} with {vocabulary.count(is_open, 'check')} open"
    first = outside(next(iter(against), ""), cap=_CLAUSE).text
    return f"{what} although {first}" if first else what


def why(is_open: int, needed: str) -> str:
    """What stands in the reason's empty field."""
    if needed:
        return f"Why (needed: {needed})"
    return f"Why, with {vocabulary.count(is_open, 'check')} open?" if is_open else "Why (not needed)"


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
