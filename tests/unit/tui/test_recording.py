"""The README's moving picture: it plays by itself, needs nothing else, and tells what STORY tells."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from rich.segment import Segment
from rich.style import Style

from tests.recording import FILE, STORY, Drawing, Frame

SVG = "{http://www.w3.org/2000/svg}"
LARGEST = 400_000
"""Bytes."""


def drawn(*rows: str) -> str:
    """STORY with the same screen at every step."""
    segments = [(Segment(row, Style(color="#102030", bgcolor="#405060", bold=True)),) for row in rows]
    return Drawing().svg([Frame(step, segments) for step in STORY])


def kept() -> str:
    return FILE.read_text(encoding="utf-8")


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - drawn here


@pytest.mark.parametrize("made", [lambda: drawn("one", "two  <&>"), kept], ids=["drawn", "kept"])
def test_it_plays_by_itself_and_needs_nothing_else(made: Callable[[], str]) -> None:
    svg = made()
    root = parsed(svg)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags == {"svg", "style", "defs", "g", "use", "rect", "text"}
    assert re.findall(r"https?:[^\"]*|@import|url\(", svg) == ["http://www.w3.org/2000/svg"]
    defined = {f"#{group.get('id')}" for group in root.iterfind(f"{SVG}defs/{SVG}g")}
    assert {use.get("href") for use in root.iter(f"{SVG}use")} == defined
    assert len(svg.encode()) < LARGEST


@pytest.mark.parametrize("made", [lambda: drawn("one"), kept], ids=["drawn", "kept"])
def test_it_tells_the_story_in_about_twenty_seconds(made: Callable[[], str]) -> None:
    svg = made()
    captions = [(group.get("id"), group.findtext(f"{SVG}text")) for group in parsed(svg).findall(f"{SVG}g")]
    assert captions == [(step.name, step.caption) for step in STORY], "make recording"
    seconds = sum(step.seconds for step in STORY)
    assert 15 <= seconds <= 25
    for step in STORY:
        assert f"#{step.name}{{animation:{step.name} {seconds:g}s step-end infinite}}" in svg, "make recording"


def test_a_row_that_comes_again_is_drawn_once() -> None:
    assert drawn("same", "other", "same").count(">same</text>") == 1


def test_one_frame_follows_the_other_without_a_gap() -> None:
    svg = drawn("one")
    shown = [float(at) for at in re.findall(r"([\d.]+)%\{visibility:visible\}", svg)]
    hidden = [float(at) for at in re.findall(r"([\d.]+)%\{visibility:hidden\}", svg) if at != "0"]
    assert shown[0] == 0
    assert shown[1:] == hidden
