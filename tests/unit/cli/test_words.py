"""An option that means one thing has one description, whichever command it belongs to."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from tests.commands import root

MEANS_SOMETHING_ELSE = frozenset(
    {
        # One context, or several in one answer.
        "--context",
        # A task that planned work covers, or whose proposals are listed.
        "--task",
        # A state of tasks, or of the workflow.
        "--state",
        # What is filtered and sorted differs, and with it the example and what there is to sort by.
        *("--filter", "--sort"),
        # A part of what the command does, said as such.
        *("--file", "--for", "--instance", "--mfa", "--model", "--server", "--tag", "--url"),
        # A list can be written as csv too.
        "--format",
        # With the value that counts where nobody chooses.
        *("--approval-timeout", "--rate"),
    }
)


def described(group: typer.core.TyperGroup, before: str = "qlikops") -> Iterator[tuple[str, str, str]]:
    """Command, option and description."""
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from described(command, f"{before} {name}")
            continue
        assert command.help, name
        for option in command.params:
            if option.param_type_name == "option":
                yield f"{before} {name}", option.opts[0], getattr(option, "help", None) or ""


def test_the_same_option_is_described_in_the_same_words() -> None:
    words: dict[str, dict[str, list[str]]] = {}
    for command, option, text in described(root()):
        assert text.endswith("."), (command, option)
        words.setdefault(option, {}).setdefault(text, []).append(command)
    differ = {option: texts for option, texts in words.items() if len(texts) > 1}
    assert {option: texts for option, texts in differ.items() if option not in MEANS_SOMETHING_ELSE} == {}
    assert differ.keys() >= MEANS_SOMETHING_ELSE, "an exception that is none any more"
