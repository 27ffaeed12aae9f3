"""Enums of values that are stored or sent: what a newer version wrote is kept as it is spelled, and never acted on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Self

SPELLING_CAP = 80
"""Characters of a value that a newer version may have added."""


class StoredEnum(StrEnum):
    """An enum whose values come back from the ledger, the bucket, a payload or Enterprise Manager.

    The constructor knows the members only. `read` takes any spelling: one that this version does not know becomes a
    value named UNKNOWN which is no member. It has that spelling as its value, so that a record is written again as it
    was and its digest still holds; it is `==` to its text alone, and `is_known` is false.
    """

    @classmethod
    def read(cls, spelling: str) -> Self:
        """The member spelled so, or an unknown value that keeps the spelling.

        Raises ValueError for what no version calls a value: nothing, much text, control characters.
        """
        if member := cls.known(spelling):
            return member
        if not (spelling and spelling.isprintable() and len(spelling) <= SPELLING_CAP):
            raise ValueError(f"{spelling[:SPELLING_CAP]!r} is not a {cls.__name__}")
        unknown = str.__new__(cls, spelling)
        unknown._name_ = "UNKNOWN"
        unknown._value_ = spelling
        return unknown

    @classmethod
    def known(cls, spelling: str) -> Self | None:
        """The member spelled so; None where this version knows none."""
        member = cls._value2member_map_.get(spelling)
        return member if isinstance(member, cls) else None

    @property
    def is_known(self) -> bool:
        """Whether this version knows the value."""
        return type(self).__members__.get(self.name) is self


def unknown_values(value: Any) -> Iterator[StoredEnum]:
    """Every enum value in `value` that this version does not know, through dataclasses, tuples and mappings."""
    match value:
        case StoredEnum():
            if not value.is_known:
                yield value
        case None | str() | int() | float():
            return  # nearly all values there are, and nothing is in them
        case Mapping():
            for item in value.values():
                yield from unknown_values(item)
        case tuple() | list():
            for item in value:
                yield from unknown_values(item)
        case _ if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                yield from unknown_values(getattr(value, field.name))
