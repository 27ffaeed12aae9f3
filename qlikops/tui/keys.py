"""Which keys there are, and which a person has put in their place.

A binding is known by its id: a word for what it does, in lower case with hyphens. The same deed on several screens has
the same id, so that one line of configuration moves it everywhere. A test walks all bindings of the console and wants
an id and a description of each.

Esc, Enter and the keys that move have one meaning everywhere: they can be neither moved nor given to anything else.

A text that tells somebody to press any other key takes it from `KeyNames`, never spells it: it may have been moved.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_ALIASES, KEY_NAME_REPLACEMENTS, Keys, key_to_character
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

import qlikops.tui
from qlikops.dataclass import dataclass
from qlikops.domain.errors import UsageError
from qlikops.domain.own_command import OwnCommand
from qlikops.domain.saved_filter import SavedFilter

FIXED = frozenset(
    {
        *("escape", "enter", "tab", "shift+tab", "ctrl+c", "ctrl+at", "backspace", "delete"),
        *("up", "down", "left", "right", "pageup", "pagedown", "home", "end"),
    }
)
"""What a terminal, a list or a text field needs for itself."""
GONE = frozenset({"reports"})
"""Ids of earlier versions; a configuration may name them still."""
_ALIASES = {alias: key for key, aliases in KEY_ALIASES.items() for alias in aliases}
_MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
_NAMES = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())


@dataclass(frozen=True, slots=True)
class KeyAction:
    """Something that a key does."""

    id: str
    description: str
    keys: tuple[str, ...]
    """Keys as they are without configuration, in Textual's long names."""
    takes_letters: bool = False
    """Whether it comes before a text field: a letter for its key could be typed nowhere any more."""

    @property
    def is_fixed(self) -> bool:
        """Whether its key may not be another."""
        return not FIXED.isdisjoint(self.keys)


@functools.cache
def places() -> Mapping[str, tuple[KeyAction, ...]]:
    """Class name -> its own and inherited actions, for the app and all of its screens and widgets."""
    for module in pkgutil.walk_packages(qlikops.tui.__path__, f"{qlikops.tui.__name__}."):
        importlib.import_module(module.name)
    return {found.__name__: tuple(_actions(found)) for found in _ours(DOMNode)}


@functools.cache
def actions() -> Mapping[str, KeyAction]:
    """Every action that has an id, by it."""
    return {action.id: action for place in places().values() for action in place if action.id}


def keymap(chosen: Mapping[str, str]) -> Mapping[str, str]:
    """Action id -> key, or keys with commas between, as `App.set_keymap` takes it.

    Raises UsageError for an action or key that is not there, and where one key would mean two things at once.
    """
    if not chosen:
        return {}  # what there is can only be known by importing all of the console
    known = actions()
    found = {}
    for name, keys in chosen.items():
        if name in GONE:
            continue
        if name not in known:
            movable = ", ".join(sorted(name for name, action in known.items() if not action.is_fixed))
            raise UsageError(f"config.toml: keys.{name}: there is no action {name!r}.", f"There are: {movable}.")
        if known[name].is_fixed:
            raise UsageError(
                f"config.toml: keys.{name}: {_shown(known[name])} has a key that means the same everywhere."
            )
        found[name] = tuple(_checked(known[name], key.strip()) for key in keys.split(","))
    for screen in _screens():
        _refuse_collisions(screen, found)
    return {name: ",".join(keys) for name, keys in found.items()}


def own_keys(commands: Mapping[str, OwnCommand], moved: Mapping[str, str]) -> Mapping[str, OwnCommand]:
    """Key in its long name -> the person's own command on it. Raises UsageError for a key that is none, or not free.

    `moved` is what `keymap` returned.
    """
    found: dict[str, OwnCommand] = {}
    for name, command in commands.items():
        named = replace(command, description=command.description or name)
        key = _free("commands", name, command.key, moved, {key: each.description for key, each in found.items()})
        found[key] = named
    return found


def filter_keys(
    filters: Mapping[str, SavedFilter], moved: Mapping[str, str], own: Mapping[str, OwnCommand]
) -> Mapping[str, SavedFilter]:
    """The filters with their keys in long names. Raises UsageError for a key that is none, or not free.

    `own` is what `own_keys` returned.
    """
    taken = {key: command.description for key, command in own.items()}
    found = {}
    for name, each in filters.items():
        key = _free("filters", name, each.key, moved, taken) if each.key else ""
        taken[key] = name
        found[name] = replace(each, key=key)
    return found


def _free(table: str, name: str, written: str, moved: Mapping[str, str], taken: Mapping[str, str]) -> str:
    """The key in its long name, unless something else has it."""
    key = _checked(KeyAction(name, name, ()), written.strip(), table)
    holders = [
        action.id or action.description
        for place in places().values()
        for action in place
        if key in moved.get(action.id, ",".join(action.keys)).split(",")
    ]
    if key in taken or holders:
        raise UsageError(
            f"config.toml: {table}.{name}: {written} is the key of {holders[0] if holders else taken[key]}.",
            "Give it another one: f6 to f12 are free, and most of ctrl with a letter.",
        )
    return key


class KeyNames:
    """Action id -> the key in force as texts name it, the first where it has several."""

    def __init__(self, chosen: Mapping[str, str], display: Callable[[Binding], str]) -> None:
        """`chosen` is what `keymap` returned; `display` is how the app writes a key."""
        self._chosen = chosen
        self._display = display
        self._known: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._known:
            key = self._chosen[name].split(",")[0] if name in self._chosen else _usual_key(name)
            self._known[name] = self._display(Binding(key, ""))
        return self._known[name]


def _usual_key(name: str) -> str:
    """Looks where a text most likely is about: importing all of the console for it would hold up its start."""
    for cls in chain(_ours(App), _ours(DOMNode)):
        for binding in Binding.make_bindings(vars(cls).get("BINDINGS", ())):
            if binding.id == name:
                return binding.key
    return actions()[name].keys[0]


def screens() -> tuple[type[Screen[object]], ...]:
    """Every screen and dialog of the console."""
    places()  # imports them
    return tuple(cls for cls in _ours(Screen) if issubclass(cls, Screen))


def _ours(base: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for cls in base.__subclasses__():
        if cls.__module__.startswith(f"{qlikops.tui.__name__}.") and issubclass(cls, App | Screen | Widget):
            yield cls
        yield from _ours(cls)


def _actions(cls: type[DOMNode]) -> Iterator[KeyAction]:
    """The actions of the class, then what it inherits and does not bind anew."""
    seen = set()
    for owner in cls.__mro__:
        grouped: dict[str, list[Binding]] = {}
        for binding in Binding.make_bindings(vars(owner).get("BINDINGS", ())):
            grouped.setdefault(binding.id or binding.action, []).append(binding)
        for bindings in grouped.values():
            first = bindings[0]
            if first.action not in seen:
                keys = tuple(binding.key for binding in bindings)
                yield KeyAction(first.id or "", first.description, keys, first.priority)
        seen |= {binding.action for bindings in grouped.values() for binding in bindings}


def _screens() -> Iterator[tuple[str, tuple[KeyAction, ...]]]:
    """Screen -> what its keys can mean at one moment, the app's and those of its table with it."""
    shared = [action for name in ("QlikOpsApp", "KeyedTable") for action in places()[name]]
    for cls in screens():
        yield cls.__name__, (*places()[cls.__name__], *(() if issubclass(cls, ModalScreen) else shared))


def _refuse_collisions(screen: tuple[str, tuple[KeyAction, ...]], chosen: Mapping[str, tuple[str, ...]]) -> None:
    name, here = screen
    holders: dict[str, KeyAction] = {}
    # What was moved comes last, so that it is what collides.
    for action in sorted(here, key=lambda action: action.id in chosen):
        for key in chosen.get(action.id, action.keys):
            other = holders.setdefault(key, action)
            if action.id in chosen and other != action:
                raise UsageError(
                    f"keys.{action.id}: {key} would mean both {_shown(action)} and {_shown(other)} on {name}.",
                    "Give one of them another key.",
                )


def _shown(action: KeyAction) -> str:
    return f"{action.id} ({action.description})" if action.id else action.description


def _checked(action: KeyAction, key: str, table: str = "keys") -> str:
    """The key in its long name. Raises UsageError where no terminal sends such a key, or it is not to be had."""
    name = action.id
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    long = next(iter(Binding.make_bindings([Binding(last, "")]))).key if last else ""
    whole = "+".join([*modifiers, long])
    whole = _ALIASES.get(whole, whole)
    if not long or not set(modifiers) <= _MODIFIERS or not _is_key(long, whole):
        raise UsageError(
            f"config.toml: {table}.{name}: {key!r} is no key.",
            "Write a character, f5, ctrl+a, or a name such as slash.",
        )
    if whole in FIXED:
        raise UsageError(f"config.toml: {table}.{name}: {key} means the same everywhere and can't be given to {name}.")
    if action.takes_letters and key_to_character(whole) is not None:
        raise UsageError(
            f"config.toml: {table}.{name}: {key} could not be typed in a text any more.",
            "Take ctrl with a letter, or f5.",
        )
    return whole


def _is_key(long: str, whole: str) -> bool:
    if len(long) == 1:
        return long.isprintable()
    if long in _NAMES or whole in _NAMES:
        return True
    try:
        unicodedata.lookup(long.replace("_", " ").upper())
    except KeyError:
        return False
    return True
