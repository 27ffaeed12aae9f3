"""What a function can reach in the code, by mypy's own types: calls, properties, and methods behind protocols.

Over-approximates: a function that is only mentioned counts as called, and a protocol's method as all implementations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from mypy import build
from mypy.modulefinder import BuildSource
from mypy.nodes import (
    Argument,
    Block,
    CallExpr,
    Decorator,
    Expression,
    FuncDef,
    FuncItem,
    MemberExpr,
    MypyFile,
    NameExpr,
    Node,
    OverloadedFuncDef,
    RefExpr,
    Statement,
    StrExpr,
    TypeInfo,
)
from mypy.options import Options
from mypy.patterns import Pattern
from mypy.types import CallableType, Instance, Type, TypeType, UnionType, get_proper_type

_OPAQUE = ("boto3", "botocore", "urllib3")
"""Followed by nobody: where they begin, ours ends."""
_ELSEWHERE = ("node", "info", "original_def", "unanalyzed_type", "unanalyzed_items", "analyzed", "expanded")
"""Attributes of mypy's nodes that point at what is written in another place, or at the same once more."""
_WRITTEN = (Expression, Statement, Block, FuncItem, Argument, Pattern)
"""What is written inside something else."""


@dataclass(frozen=True, slots=True)
class ClientCall:
    """One call of an AWS client's operation."""

    function: str
    """Full name of the function that it stands in."""
    operation: str
    """As boto3 spells it: `get_item`; that of the pages, where a paginator is asked for."""


class Program:
    """Modules of ours, with everything that they import, and who reaches what in them."""

    def __init__(self, modules: Iterable[str], package: str) -> None:
        options = Options()
        options.export_types = options.preserve_asts = options.ignore_errors = True
        options.incremental = False
        options.per_module_options = {
            pattern: {"follow_imports": "skip"} for name in _OPAQUE for pattern in (name, f"{name}.*")
        }
        self._package = package
        self._built = build.build([BuildSource(None, module, None) for module in modules], options)
        self._files = [tree for name, tree in self._built.files.items() if name.startswith(package)]
        self._classes = [
            symbol.node for tree in self._files for symbol in tree.names.values() if isinstance(symbol.node, TypeInfo)
        ]
        self._steps: dict[Node, list[Node]] = {}

    def reached_from(self, function: str) -> set[str]:
        """Full names of the functions and classes of ours that `function` can come to, itself included."""
        module, _, name = function.rpartition(".")
        start = self._built.files[module].names[name].node
        assert isinstance(start, FuncDef | Decorator), start
        names: set[str] = set()
        queue: list[Node] = [start]
        while queue:
            node = queue.pop()
            if node.fullname in names:  # type: ignore[attr-defined]
                continue
            names.add(node.fullname)  # type: ignore[attr-defined]
            if node not in self._steps:
                self._steps[node] = list(self._next(node))
            queue.extend(self._steps[node])
        return names

    def made_in(self, functions: Iterable[str]) -> set[str]:
        """Full names of the classes of ours that one of `functions` makes an instance of."""
        return {
            call.callee.node.fullname
            for function in functions
            for call in self._calls.get(function, ())
            if isinstance(call.callee, RefExpr) and isinstance(call.callee.node, TypeInfo)
        }

    def client_calls(self, package: str) -> set[ClientCall]:
        """Every call of an operation of an AWS client in the modules of `package`."""
        return {
            ClientCall(name, _operation(call, call.callee.name))
            for name, calls in self._calls.items()
            if name.startswith(package)
            for call in calls
            if isinstance(call.callee, MemberExpr) and self._is_client(call.callee.expr)
        }

    @cached_property
    def _calls(self) -> dict[str, list[CallExpr]]:
        """Every call in each function of ours, by its full name."""
        functions = (node for tree in self._files for node in walk(tree) if isinstance(node, FuncDef))
        return {
            function.fullname: [node for node in walk(function) if isinstance(node, CallExpr)] for function in functions
        }

    def _next(self, node: Node) -> Iterator[Node]:
        if isinstance(node, TypeInfo):
            # Whoever makes one may call what Python calls by itself.
            for info in node.mro:
                if info.fullname.startswith(self._package):
                    yield from (
                        symbol.node
                        for name, symbol in info.names.items()
                        if name.startswith("__") and isinstance(symbol.node, FuncDef | Decorator | OverloadedFuncDef)
                    )
            return
        for part in walk(node):
            if isinstance(part, RefExpr) and self._ours(part.node):
                yield part.node  # type: ignore[misc]
            if isinstance(part, MemberExpr):
                yield from filter(self._ours, self._members(part.expr, part.name))

    def _is_client(self, base: Expression) -> bool:
        """By its name where its type is anything, by its type otherwise."""
        made = isinstance(base, CallExpr) and isinstance(base.callee, MemberExpr) and base.callee.name == "_clients"
        named = isinstance(base, MemberExpr | NameExpr) and base.name in {"_client", "client"}
        typed = any(info.module_name.startswith("types_boto3") for info in self._types_of(base))
        return made or named or typed

    def _members(self, base: Expression, name: str) -> Iterator[Node]:
        """What `base.name` may be, of ours."""
        if isinstance(base, RefExpr) and isinstance(base.node, MypyFile):
            return
        for info in self._types_of(base):
            symbol = info.get(name)
            if symbol is not None and symbol.node is not None:
                yield symbol.node
            if info.is_protocol:
                fitting = (cls for cls in self._classes if all(cls.get(one) for one in info.protocol_members))
                yield from (found.node for cls in fitting if (found := cls.get(name)) and found.node)

    def _ours(self, node: object) -> bool:
        """Whether it is a function or class of our package."""
        kinds = FuncItem | Decorator | OverloadedFuncDef | TypeInfo
        return isinstance(node, kinds) and str(getattr(node, "fullname", "")).startswith(self._package)

    def _types_of(self, base: Expression) -> Iterator[TypeInfo]:
        if isinstance(base, RefExpr) and isinstance(base.node, TypeInfo):
            yield base.node
        found = self._built.types.get(base)
        if found is not None:
            yield from _infos(found)


def _infos(type_: Type) -> Iterator[TypeInfo]:
    match get_proper_type(type_):
        case Instance(type=info):
            yield info
        case UnionType(items=items):
            for item in items:
                yield from _infos(item)
        case TypeType(item=item):
            yield from _infos(item)
        case CallableType() as callable_ if callable_.is_type_obj():
            yield callable_.type_object()


def _operation(call: CallExpr, name: str) -> str:
    if name == "get_paginator" and isinstance(call.args[0], StrExpr):
        return call.args[0].value
    return name


def walk(node: Node) -> Iterator[Node]:
    """`node` and what is written inside it. (mypy's own visitors are compiled and take no subclasses of ours.)"""
    yield node
    left = _parts(node)
    while left:
        part = left.pop()
        if isinstance(part, list | tuple):
            left += part
        elif isinstance(part, _WRITTEN):
            yield part
            left += _parts(part)


def _parts(node: Node) -> list[object]:
    kind: Any = type(node)
    return [getattr(node, name, None) for name in _attributes(kind)]


@cache
def _attributes(kind: Any) -> list[str]:
    return [name for name in getattr(kind, "__mypyc_attrs__", ()) if name not in _ELSEWHERE]
