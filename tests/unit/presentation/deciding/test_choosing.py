"""What an approval is called, and the word before what cannot be undone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.proposals.proposal import WHEN_IT_ANSWERS, Choice, Option
from qlikops.presentation.deciding import choosing
from qlikops.presentation.deciding.choosing import Enter
from qlikops.presentation.tone import plain
from tests.unit.presentation import samples

GROUP = samples.OFFERING
RESTORE, RELOAD = GROUP.options


def of(*names: str, tables: int | None = 4) -> Choice:
    target = replace(samples.proposal().targets[0], tables=tables)
    return Choice(RELOAD, tuple(replace(target, key=TaskKey("default", "eu-1", name)) for name in names))


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        (of("inventory-ora-to-snowflake"), "inventory"),
        (of("Sales Orders"), "Sales"),
        (of("stock"), "stock"),
        (of("_stock_2"), "stock"),
        (of("--"), "--"),
        (of("a", "b", "c"), "12"),
        (of("a", "b", tables=None), "2"),
    ],
)
def test_the_word_to_type_is_that_of_this_very_proposal(choice: Choice, word: str) -> None:
    assert choosing.word_to_type(choice)[0] == word
    assert choosing.is_typed(f" {word.upper()} ", choice)
    assert not choosing.is_typed("", choice)
    assert not choosing.is_typed(word + "x", choice)


@pytest.mark.parametrize(
    ("tasks", "is_open", "against", "said"),
    [
        ((), 0, (), "Resume 3 tasks"),
        ((), 2, ("the risk is high",), "Resume 3 tasks with 2 checks open"),
        ((), 0, ("the risk is high", "ben"), "Resume 3 tasks although the risk is high"),
        (("stock",), 1, (), "Resume 1 of 3 tasks with 1 check open"),
        (("stock", "orders"), 0, (), "Resume 2 of 3 tasks"),
    ],
)
def test_the_button_says_what_is_left_out_and_what_is_open(
    tasks: tuple[str, ...], is_open: int, against: tuple[str, ...], said: str
) -> None:
    assert choosing.button(GROUP, GROUP.choose(tasks=tasks), is_open, against) == said


def test_only_what_loads_tables_again_cannot_be_undone() -> None:
    reload = choosing.heading(GROUP, GROUP.choose("reload"))
    assert reload == "CAN'T BE UNDONE: 126 tables are emptied and loaded again"
    assert choosing.heading(GROUP, GROUP.choose()) == "Approve: resume 3 tasks"
    waits = Option(WHEN_IT_ANSWERS, Action.RESUME, "resume when it answers")
    assert choosing.heading(GROUP, Choice(waits, GROUP.targets[:1])) == "Approve: resume 1 of 3 tasks when it answers"


def test_a_row_says_what_it_does_and_loses_without_a_colour() -> None:
    rows = [plain(choosing.option_row(each, is_chosen=each is RESTORE)) for each in GROUP.offers]
    assert rows == [
        "(•) restore the log, then resume  loses nothing",
        "( ) reload the target from the source  loses what the target has",
    ]
    left_out = choosing.task_row(GROUP.targets[0], "", is_chosen=False)
    assert plain(left_out) == "        [ ] replicate-eu-1/orders  left out, proposed again"


def test_the_tasks_stand_in_waves_and_who_is_left_out_is_in_none() -> None:
    group = replace(samples.proposal(tasks=tuple("abcdefgh")), options=(RESTORE,))
    kept = [str(target.key) for target in group.targets if target.key.task != "c"]
    waves = [(target.key.task, wave) for target, wave in choosing.waves(group, group.choose(tasks=kept))]
    assert [wave for _, wave in waves] == ["first", "then 2", "", "", "then 4", "", "", ""]
    assert [task for task, _ in waves] == list("abcdefgh")
    assert [wave for _, wave in choosing.waves(group, group.choose(tasks=kept[:4]))][:5] == [
        "first",
        "then 2",
        "",
        "",
        "then 1",
    ]


WAIT = Option(WHEN_IT_ANSWERS, Action.RESUME, "resume when it answers")


@pytest.mark.parametrize("loads", [False, True])
@pytest.mark.parametrize("option", [RESTORE, RELOAD, WAIT])
@pytest.mark.parametrize("needs_reason", [False, True])
@pytest.mark.parametrize("against", [(), ("AI says caution",)])
def test_enter_sends_only_what_is_advised_and_can_be_undone_without_doubts(
    option: Option, against: tuple[str, ...], *, needs_reason: bool, loads: bool
) -> None:
    proposal = replace(GROUP, options=(RESTORE, RELOAD, WAIT))
    targets = tuple(replace(target, full_load_completed=not loads) for target in proposal.targets)
    done = choosing.enter(proposal, Choice(option, targets), needs_reason=needs_reason, against=against)
    is_sound = option is RESTORE and not loads and not needs_reason and not against
    assert (done is Enter.SEND) is is_sound
    if needs_reason:
        assert done is Enter.REASON
    elif loads or option is RELOAD:
        assert done is Enter.WORD
    elif not is_sound:
        assert done is Enter.BACK


@pytest.mark.parametrize(
    ("is_open", "needed", "said"),
    [
        (0, "", "Why (not needed)"),
        (2, "", "Why, with 2 checks open?"),
        (2, "the AI says deny", "Why (needed: the AI says deny)"),
    ],
)
def test_the_empty_reason_says_whether_it_is_needed(is_open: int, needed: str, said: str) -> None:
    assert choosing.why(is_open, needed) == said
