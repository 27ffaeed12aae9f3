"""Our dataclass beside that of the standard library: the same classes, made by both."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import KW_ONLY, FrozenInstanceError, field
from typing import Any

import pytest

from qlikops.dataclass import dataclass

Decorator = Callable[..., Any]
OURS_AND_THEIRS = pytest.mark.parametrize("made_by", [dataclass, dataclasses.dataclass], ids=["ours", "theirs"])


def key(made_by: Decorator) -> Any:
    @made_by(frozen=True, slots=True, order=True)
    class Key:
        """A value as most of ours are."""

        server: str
        task: str
        secret: str = field(default="", repr=False)
        seen: int = field(default=0, compare=False)

    return Key


@OURS_AND_THEIRS
def test_values_are_compared_by_their_fields(made_by: Decorator) -> None:
    cls = key(made_by)
    first, second = cls("eu-1", "orders", seen=1), cls("eu-1", "sales", "hush")
    assert first == cls("eu-1", "orders", seen=2)
    assert hash(first) == hash(cls("eu-1", "orders", seen=2))
    assert first != second
    assert first != key(made_by)("eu-1", "orders")  # another class with the same fields
    assert first < second <= second
    assert second > first >= first
    assert sorted([second, first]) == [first, second]
    with pytest.raises(TypeError):
        _ = first < 1


@OURS_AND_THEIRS
def test_values_show_their_fields_but_no_secret(made_by: Decorator) -> None:
    assert repr(key(made_by)("eu-1", "orders", "hush")) == "key.<locals>.Key(server='eu-1', task='orders', seen=0)"


@OURS_AND_THEIRS
def test_what_is_frozen_stays_as_it_is(made_by: Decorator) -> None:
    value = key(made_by)("eu-1", "orders")
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'task'"):
        value.task = "sales"
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'task'"):
        del value.task
    assert not hasattr(value, "__dict__")
    assert dataclasses.replace(value, task="sales") == type(value)("eu-1", "sales")


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes from process to process, where it has a name."""

    name: str
    tags: tuple[str, ...] = ()


def test_what_is_frozen_can_be_sent_to_another_process() -> None:
    value = Sent("a", ("x",))
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - our own bytes
    assert copy.copy(value) == value


def changeable(made_by: Decorator) -> tuple[Any, Any]:
    @made_by
    class Base:
        """A class that can be changed, made by the bare decorator."""

        name: str
        tags: list[str] = field(default_factory=list)
        made: list[str] = field(default_factory=list, init=False)
        calls: int = field(default=1, init=False)
        _: KW_ONLY
        wide: bool
        limit: int = 3

        def __post_init__(self) -> None:
            self.calls += 1

    @made_by
    class Derived(Base):
        """Fields of its own behind those that it has from Base."""

        more: tuple[str, ...] = ()

        def __repr__(self) -> str:
            return "hidden"

    return Base, Derived


@OURS_AND_THEIRS
def test_every_kind_of_field(made_by: Decorator) -> None:
    base, derived = changeable(made_by)
    one, other = base("a", wide=True), base("a", ["x"], wide=False, limit=4)
    assert (one.tags, one.made, one.calls, one.wide, one.limit) == ([], [], 2, True, 3)
    assert (other.tags, other.limit) == (["x"], 4)
    assert one.tags is not base("a", wide=True).tags
    assert base.__match_args__ == ("name", "tags")
    assert derived("a", [], ("m",), wide=True).more == ("m",)
    assert derived("a", wide=True) != one
    assert repr(derived("a", wide=True)) == "hidden"
    one.limit = 9
    assert one.limit == 9
    with pytest.raises(TypeError):
        hash(one)
    by_name = [each.name for each in inspect.signature(base).parameters.values() if each.kind is each.KEYWORD_ONLY]
    assert by_name == ["wide", "limit"]
    with pytest.raises(TypeError):
        base("a", [], True)
    with pytest.raises(TypeError, match=r"Base\.__init__\(\) missing 1 required"):
        base(wide=True)


def without_fields(made_by: Decorator) -> Any:
    @made_by(frozen=True, slots=True)
    class Nothing:
        """No fields at all."""

    return Nothing


def compared_by_identity(made_by: Decorator) -> Any:
    @made_by(frozen=True, slots=True, kw_only=True, eq=False)
    class Itself:
        """Equal to nothing but itself."""

        name: str

    return Itself


@OURS_AND_THEIRS
def test_a_class_without_fields_and_one_that_is_compared_by_identity(made_by: Decorator) -> None:
    nothing, itself = without_fields(made_by), compared_by_identity(made_by)
    assert nothing() == nothing()
    assert hash(nothing()) == hash(nothing())
    assert repr(nothing()).endswith("Nothing()")
    one = itself(name="a")
    assert one != itself(name="a")
    assert {one: 1}[one] == 1
    with pytest.raises(TypeError):
        itself("a")


def test_a_class_without_a_docstring_gets_its_name_and_no_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect, "signature", lambda *_, **__: pytest.fail("took 5 ms"))

    @dataclass
    class Bare:
        number: int

    assert Bare.__doc__ == "Bare"
    assert Bare(1).number == 1
