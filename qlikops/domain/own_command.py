"""A command of a person's own on a key of the console: what it runs, made of what is chosen, word by word.

What is chosen has names from outside. They are put into single words of the command line, after it was split, so that
no name becomes two words; a shell, where one is asked for, gets them quoted.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from string import Formatter

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.settings import ConfigError
from qlikops.domain.errors import UsageError
from qlikops.domain.words.text import harmless

PLACES = ("inbox", "executions", "execution", "fleet", "task")
"""Screens on which something is chosen."""
VALUES = ("task", "server", "instance", "id", "execution", "execution_arn", "context")
"""What may stand in braces: of the task, the proposal and the run that are chosen, and where."""


@dataclass(frozen=True, slots=True)
class OwnCommand:
    """One table under `[commands]` in config.toml."""

    key: str
    """Key that runs it, such as f6, ctrl+e or a character."""
    run: str
    """The command line, with `{task}` and the like in it."""
    where: tuple[str, ...] = ()
    """Screens that the command is on, of PLACES; empty for all of them."""
    description: str = ""
    """Words for the key line and the help; empty for the command's name."""
    confirm: bool = True
    """Whether it is shown and asked for before it runs."""
    pause: bool = True
    """Whether its output stays until Enter is pressed."""
    shell: bool = False
    """Whether `sh` reads the line: for pipes and redirections."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a line that is none, and for a place or a value that there is not."""
        for place in self.where:
            if place not in PLACES:
                raise ConfigError("where", place, f"must be of {', '.join(PLACES)}")
        try:
            words = shlex.split(self.run)
            unknown = [name for name in self.names if name not in VALUES]
        except ValueError as exc:
            raise ConfigError("run", self.run, f"is no command line ({exc})") from exc
        if not words:
            raise ConfigError("run", self.run, "must be a command line")
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in VALUES)
            raise ConfigError("run", self.run, f"there is no {{{unknown[0]}}}; there are {known}. A brace is {{{{")

    @property
    def names(self) -> tuple[str, ...]:
        """What stands in braces in the line."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.run) if name is not None)

    def fits(self, place: str, values: Mapping[str, str]) -> bool:
        """Whether it can be run on a screen on which `values` are known."""
        return (not self.where or place in self.where) and all(values.get(name) for name in self.names)

    def words(self, values: Mapping[str, str]) -> list[str]:
        """The program and its arguments. Raises UsageError for a name that a program would take for an option."""
        if self.shell:
            return ["sh", "-c", self.run.format_map({name: shlex.quote(values[name]) for name in self.names})]
        words = [word.format_map(values) for word in shlex.split(self.run)]
        for written, word in zip(shlex.split(self.run), words, strict=True):
            if word.startswith("-") and not written.startswith("-"):
                raise UsageError(
                    f"Nothing was run: {harmless(word, 80)} would be taken for an option.",
                    "Write it behind an equals sign: --name={task}.",
                )
        return words
