"""What the console remembers of a person from one start to the next. Losing it costs a key press, never a start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.files import MissingFile, UnreadableFile, UnwritableFile, read_json, replace_text, set_aside, shown

FILE = "console.json"
_SET_ASIDE = f"It is set aside as {FILE}.unreadable once you choose anew."


@dataclass(frozen=True, slots=True)
class Preferences:
    """What was changed inside the console; None where nothing was, so that configuration and defaults count."""

    theme: str | None = None
    sort: str | None = None
    """Order of the inbox; None until a person chooses one."""
    group_by: str | None = None
    """Grouping of the inbox; None until a person chooses one."""
    bell: bool | None = None
    visits: Mapping[str, str] | None = None
    """Context -> when its shift was looked at last, ISO 8601."""
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name -> list and filter, as saved inside the console."""
    coached: bool | None = None
    """Whether the demo's first steps have been taken, or are not wanted."""
    typed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What was typed earlier by place, such as a list's filter; the newest first."""


@dataclass
class PreferenceFile:
    """The preferences and the file they live in; without a path they last as long as the console."""

    path: Path | None = None
    preferences: Preferences = field(default=Preferences(), init=False)
    problem: str = field(default="", init=False)
    """What is wrong with the file, in words; empty where nothing is."""

    def __post_init__(self) -> None:
        self.preferences, self.problem = _read(self.path)

    def change(self, **changes: Any) -> str:
        """Remembers `changes`, fields of Preferences. Returns why they end with the console; empty if not."""
        changed = replace(self.preferences, **changes)
        if changed == self.preferences:
            return ""
        self.preferences = changed
        if self.path is None:
            return ""
        try:
            if self.problem:
                # What cannot be read may be put right by hand, or by a newer qlikops: it is not written over.
                set_aside(self.path)
                self.problem = ""
            kept = {name: value for name, value in codec.encode(changed).items() if value not in (None, {})}
            replace_text(self.path, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
        except UnwritableFile as error:
            return error.message
        return ""


def _read(path: Path | None) -> tuple[Preferences, str]:
    if path is None:
        return Preferences(), ""
    try:
        found = codec.decode(Preferences, read_json(path))
        if any(len(each) != 2 for each in found.filters.values()):
            raise ValueError("a filter is more or less than its list and its text")
        return found, ""
    except MissingFile:
        return Preferences(), ""
    except UnreadableFile as error:
        return Preferences(), f"What you had chosen is not known: {error.message} {_SET_ASIDE}"
    except ValueError as error:
        return Preferences(), f"What you had chosen is not known: {shown(path)} cannot be read: {error}. {_SET_ASIDE}"
