"""What a person has put on keys of their own: commands that run outside the console, and saved filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.screen import Screen

from qlikops.dataclass import dataclass
from qlikops.domain.errors import UsageError
from qlikops.domain.own_command import OwnCommand
from qlikops.domain.saved_filter import SavedFilter
from qlikops.presentation.problem import explain
from qlikops.tui.screens.base import ConsoleScreen


@dataclass
class Own:
    """Commands by their keys in long names, and filters by their names."""

    commands: Mapping[str, OwnCommand]
    filters: Mapping[str, SavedFilter]
    run_words: Callable[..., str]
    """Leaves the screen to the words of a command; returns what went wrong, or nothing."""

    def bindings(self) -> Iterator[Binding]:
        """One for each that has a key."""
        for key, command in self.commands.items():
            yield Binding(key, f"own({key!r})", command.description, id=f"own-{key}", tooltip=command.run)
        for name, saved in self.filters.items():
            if saved.key:
                words = f"{saved.where}: {saved.filter}"
                yield Binding(saved.key, f"use_filter({name!r})", name, show=False, id=f"filter-{name}", tooltip=words)

    def fits(self, key: str, screen: Screen[object]) -> bool:
        """Whether the command on `key` can run with what is chosen on `screen`."""
        return isinstance(screen, ConsoleScreen) and self.commands[key].fits(screen.place, screen.chosen_values())

    def run(self, app: App[Any], key: str, screen: ConsoleScreen) -> str:
        """Leaves the screen to the command on `key`; returns what went wrong, or nothing."""
        command = self.commands[key]
        try:
            words = command.words(screen.chosen_values())
        except UsageError as error:
            return str(explain(error))
        return self.run_words(app, words, confirm=command.confirm, pause=command.pause)
